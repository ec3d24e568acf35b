"""Newton's method on the last layer: factor once, use the factors while they still contract."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg

SOLVED = 1e-6
"""The share of the residual that may remain of a linear system with one answer."""


class Solved(NamedTuple):
    """Where Newton's method ended: the unknowns, the residual norm, the steps, and whether it converged."""

    x: np.ndarray
    residual: float
    factorizations: int
    converged: bool


class Factors:
    """The factors of a Jacobian `[N, P]`, with columns scaled: LU where N = P, QR else."""

    def __init__(self, jacobian: np.ndarray):
        self.scale = np.linalg.norm(jacobian, axis=0)
        self.scale[self.scale == 0] = 1.0
        scaled = jacobian / self.scale
        self.jacobian = scaled
        if jacobian.shape[0] == jacobian.shape[1]:
            factor: Any = scipy.linalg.lapack.dgetrf  # type: ignore[attr-defined]
            self.lu = factor(scaled)[:2]
            diagonal = np.abs(np.diag(self.lu[0]))
            self.kind = "lu" if diagonal.min() > 1e-14 * diagonal.max() else "svd"
        else:
            raw: Any = scipy.linalg.qr(scaled, mode="raw", check_finite=False)
            (self.householder, self.tau), self.r = raw
            self.r = np.triu(self.r[: jacobian.shape[1]])
            diagonal = np.abs(np.diag(self.r))
            self.kind = "qr" if diagonal.min() > 1e-13 * diagonal.max() else "svd"

    def solve(self, right: np.ndarray) -> np.ndarray:
        """Return the least-squares solution of J x = right."""
        if self.kind == "lu":
            return (scipy.linalg.lu_solve(self.lu, right, check_finite=False).T / self.scale).T
        if self.kind == "qr":
            two = right[:, None] if right.ndim == 1 else right
            multiply: Any = scipy.linalg.lapack.dormqr  # type: ignore[attr-defined]
            turned = multiply("L", "T", self.householder, self.tau, two, max(1, 64 * two.shape[1]))[0][
                : self.r.shape[0]
            ]
            found = scipy.linalg.solve_triangular(self.r, turned, check_finite=False)
            return ((found[:, 0] if right.ndim == 1 else found).T / self.scale).T
        solved: Any = scipy.linalg.lstsq(
            self.jacobian, right, cond=1e-14, lapack_driver="gelsy", check_finite=False
        )
        found = solved[0]
        return (found.T / self.scale).T


def newton(
    residual: Callable[[np.ndarray], np.ndarray],
    jacobian: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    *,
    linear: bool = False,
    steps: int = 30,
    tolerance: float = 1e-13,
    size_of_rest: float = 0.0,
) -> Solved:
    """Solve residual(x) = 0, in the least-squares sense where there are more residuals than unknowns.

    A step that does not lower the residual is halved; factors are kept while each step lowers the residual
    fivefold.  Converged means that the last step moved x by less than a millionth of its size, or that of
    what x is added to (`size_of_rest`), and that no further step lowers the residual; a linear system of as
    many rows as unknowns must be solved too, which a singular one is not.
    """
    x, r = start, residual(start)
    first = size = float(np.linalg.norm(r))
    factors, count, converged = None, 0, size == 0.0
    while not converged and np.isfinite(size):
        fresh = factors is None
        if factors is None:
            if count == steps:
                break
            factors, count = Factors(jacobian(x)), count + 1
        step = factors.solve(-r)
        moved = float(np.linalg.norm(step)) / max(float(np.linalg.norm(x + step)), size_of_rest, 1e-300)
        found = _lowered(residual, x, step, size, damp=fresh and not linear)
        if found is None:
            converged = moved < (1e-6 if fresh else 1e-10)
            if fresh or converged:
                break
            factors = None
            continue
        contraction = found[2] / size if size else 0.0
        x, r, size = found
        converged = moved < tolerance or (contraction > 0.999 and moved < 1e-7)
        if contraction > 0.2 and not linear:
            factors = None
    if linear:
        converged = bool(np.isfinite(size)) and (len(r) > len(x) or _solved(residual, x, size, first))
    return Solved(x, size, count, converged)


def _solved(residual: Callable, x: np.ndarray, size: float, first: float) -> bool:
    return size <= SOLVED * first or size <= SOLVED * float(np.linalg.norm(residual(np.zeros_like(x))))


def _lowered(residual: Callable, x: np.ndarray, step: np.ndarray, size: float, *, damp: bool) -> tuple | None:
    """Return the point along the step at which the residual is lower, with its residual and norm."""
    scale = 1.0
    while scale > 1e-3:
        tried = x + scale * step
        with np.errstate(all="ignore"):
            r = residual(tried)
            norm = float(np.linalg.norm(r))
        if norm < size:
            return tried, r, norm
        if not damp:
            return None
        scale *= 0.5
    return None
