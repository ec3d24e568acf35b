"""Pencils A x = E B x: their eigenvalues, and which of them two sizes of a discretization agree on."""

from typing import Any, Literal, NamedTuple

import numpy as np
import scipy.linalg
from scipy.sparse import linalg as sparse

Side = Literal["lowest", "highest", "nearest"]
DENSE = 400
"""The size up to which all eigenvalues are computed, and above which only those near a shift are."""
REAL = 1e-6
"""The imaginary part, relative to max(1, |E|), below which rounding may have made it."""
APART = 0.3
"""The relative change between two sizes above which a value is taken for spurious and not for unresolved."""


class Spectrum(NamedTuple):
    """Eigenvalues `[m]` and, as columns, their vectors `[P, m]`; with `whole`, all finite ones."""

    values: Any
    vectors: Any
    whole: bool


class Choice(NamedTuple):
    """The places of chosen values in a spectrum, how far each is from its image in a coarser one, and
    whether every value that would come before them is either among them or plainly spurious.
    """

    places: np.ndarray
    drifts: np.ndarray
    clear: bool


def spectrum(a: np.ndarray, b: np.ndarray, shift: float, count: int) -> Spectrum:
    """Return the finite eigenvalues of A x = E B x, by E = shift + 1/μ with (A - shift B)⁻¹ B x = μ x.

    Beyond the size `DENSE` only the 2 count + 12 nearest to the shift, by Arnoldi's method.
    """
    factors = scipy.linalg.lu_factor(a - shift * b, check_finite=False)
    size = len(a)
    if size <= DENSE:
        found: Any = np.linalg.eig(scipy.linalg.lu_solve(factors, b, check_finite=False))
    else:
        arnoldi: Any = sparse
        operator = arnoldi.LinearOperator(
            (size, size),
            matvec=lambda x: scipy.linalg.lu_solve(factors, b @ x, check_finite=False),
            dtype=np.float64,
        )
        start = np.random.default_rng(0).standard_normal(size)
        found = arnoldi.eigs(operator, k=min(2 * count + 12, size - 2), v0=start, tol=1e-13)
    inverse, vectors = found
    finite = np.abs(inverse) > 1e-13 * np.abs(inverse).max()
    return Spectrum(shift + 1 / inverse[finite], vectors[:, finite], size <= DENSE)


def squared(a: np.ndarray, b: np.ndarray, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a square pencil with the eigenpairs of a tall one: rows projected on the range of A - sB."""
    if a.shape[0] == a.shape[1]:
        return a, b
    basis = np.linalg.qr(a - shift * b)[0]
    return basis.T @ a, basis.T @ b


def side_of(found: Spectrum) -> Side:
    """Tell from the signs of the larger half of all values where a spectrum ends: below, above, nowhere."""
    real = found.values.real[np.argsort(np.abs(found.values))][len(found.values) // 2 :]
    positive = (real > 0).mean()
    return "lowest" if positive > 0.8 else "highest" if positive < 0.2 else "nearest"


def choose_levels(fine: Spectrum, coarse: Spectrum, count: int, side: Side, accuracy: float) -> Choice:
    """Return the first `count` real values of a spectrum, from its side, that are not spurious.

    Values are paired one to one, so that degenerate ones are kept with their multiplicity.  A value that
    moved by more than `APART` of its size is dropped; one that moved by more than the accuracy is kept,
    and its drift says so.
    """
    scale = np.maximum(1.0, np.abs(fine.values))
    real = np.flatnonzero(np.abs(fine.values.imag) < REAL * scale)
    keys = {"lowest": fine.values.real, "highest": -fine.values.real, "nearest": np.abs(fine.values)}
    order = real[np.argsort(keys[side][real], kind="stable")]
    free = np.abs(coarse.values.imag) < REAL * np.maximum(1.0, np.abs(coarse.values))
    images = coarse.values[free].copy()
    places, drifts, clear = [], [], True
    for place in order:
        if len(places) == count or not np.isfinite(images).any():
            break
        distances = np.abs(images - fine.values[place])
        nearest = int(np.nanargmin(distances))
        drift = distances[nearest]
        size = max(abs(fine.values[place]), abs(images[nearest]))
        if drift > APART * size and drift > 1e3 * accuracy:
            clear = False
            continue
        images[nearest] = np.nan
        places.append(place)
        drifts.append(drift / scale[place])
    return Choice(np.array(places, int), np.array(drifts), clear)


def shift_near(values: np.ndarray, side: Side) -> float:
    """Return a shift beside known levels, on their outer side: close to them, and on none of them."""
    if not len(values):
        return -0.3711
    low, high = float(values.min()), float(values.max())
    margin = 0.3217 * max(high - low, 0.1 * max(abs(low), abs(high)), 1e-3)
    if side == "nearest":
        return 0.3217e-2 * margin
    return low - margin if side == "lowest" else high + margin
