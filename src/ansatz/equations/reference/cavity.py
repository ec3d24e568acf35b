"""The lid-driven cavity with a regularized lid, by Chebyshev collocation of the streamfunction and Newton.

u = ψ_y, v = -ψ_x and Δ²ψ = Re (ψ_y Δψ_x - ψ_x Δψ_y).  Near an upper corner the lid moves like its distance
r, so that ψ starts with r² (a cos 2φ + b sin 2φ + c + dφ), which no polynomial follows.  That part is
subtracted in closed form, as Re(z̄A(z) + B(z)); the remainder is a polynomial that takes the boundary values
(a blend of cubics between the walls) plus clamped polynomials (Shen 1994) fitted at Gauss points.
"""

import functools
from typing import NamedTuple

import numpy as np
from numpy.polynomial import chebyshev
from scipy.linalg import lu_factor, lu_solve
from scipy.special import roots_jacobi

from ansatz.equations.reference._arrays import (
    Coordinate,
    Values,
    broadcast,
    relative_difference,
    require_range,
)
from ansatz.errors import BadInput

DEGREE, FINER, ITERATIONS = 40, 48, 12
# The lid's 4X at an upper corner asks for f(0) = f(π/2) = f'(π/2) = 0, f'(0) = -4 of ψ = r² f(φ).
TWICE, ANGLE = (-np.pi / 2, -1.0), (np.pi / 2, -2.0)


class Singular(NamedTuple):
    """The subtracted part: its value, first and mixed derivatives, and the Laplacian's."""

    value: np.ndarray
    x: np.ndarray
    y: np.ndarray
    laplacian: np.ndarray
    laplacian_x: np.ndarray
    laplacian_y: np.ndarray


def _corner(x: Values, y: Values) -> Singular:
    """Return r² f(φ) about the origin, the lid on φ = 0 and the wall on φ = π/2."""
    z = np.asarray(x + 1j * y)
    safe = np.where(z == 0, 1, z)
    constant, slope = ANGLE
    # r²φ = Re(-i z̄ z log z), r² cos 2φ = Re z², r² sin 2φ = Re(-i z²).
    first = z * (constant - 1j * slope * np.log(safe))
    rate = constant - 1j * slope * (np.log(safe) + 1)
    second = -1j * slope / safe
    other = (TWICE[0] - 1j * TWICE[1]) * z**2
    inner = np.conj(z) * rate + 2 * (TWICE[0] - 1j * TWICE[1]) * z
    return Singular(
        (np.conj(z) * first + other).real,
        (first + inner).real,
        (1j * (inner - first)).real,
        4 * rate.real,
        4 * second.real,
        4 * (1j * second).real,
    )


def _singular(x: np.ndarray, y: np.ndarray) -> Singular:
    """Return the sum of both upper corners of [0, 1]²."""
    left, right = _corner(x, 1 - y), _corner(1 - x, 1 - y)
    signs = ((1, 1), (1, -1), (-1, -1), (1, 1), (1, -1), (-1, -1))
    parts = zip(signs, left, right, strict=True)
    return Singular(*(one * a + other * b for (one, other), a, b in parts))


def _derivatives(place: np.ndarray, degree: int, order: int) -> np.ndarray:
    """Return derivatives of T_0 … T_degree of 2x - 1 at `place` in [0, 1], `[*place.shape, degree + 1]`."""
    identity = np.eye(degree + 1)
    coefficients = chebyshev.chebder(identity, order) * 2.0**order if order else identity
    values = chebyshev.chebvander(2 * place - 1, coefficients.shape[0] - 1) @ coefficients
    return values.reshape(*place.shape, degree + 1)


def _clamped(degree: int) -> np.ndarray:
    """Return polynomials whose value and slope vanish at both ends, in columns (Shen 1994)."""
    k = np.arange(degree - 3)
    basis = np.zeros((degree + 1, degree - 3))
    basis[k, k], basis[k + 2, k], basis[k + 4, k] = 1, -2 * (k + 2) / (k + 3), (k + 1) / (k + 3)
    return basis


def _ends(degree: int) -> np.ndarray:
    """Return the functionals value and slope at 0, value and slope at 1 as rows over the coefficients."""
    ends = np.asarray([0.0, 1.0])
    return np.stack([_derivatives(ends, degree, order) for order in (0, 1)], axis=1).reshape(4, degree + 1)


def _blend(degree: int) -> np.ndarray:
    """Return the coefficients `[degree + 1, degree + 1]` of a polynomial with the remainder's wall values."""

    def fitted(wall) -> np.ndarray:
        return chebyshev.chebinterpolate(lambda s: wall((s + 1) / 2), degree)

    def upright(x: float, name: str):
        return lambda y: -getattr(_singular(np.full_like(y, x), y), name)

    def level(y: float, name: str):
        return lambda x: -getattr(_singular(x, np.full_like(x, y)), name)

    sides = np.stack([fitted(upright(x, name)) for x in (0.0, 1.0) for name in ("value", "x")])
    floors = np.stack([fitted(level(y, name)) for y in (0.0, 1.0) for name in ("value", "y")])
    floors[3] += fitted(lambda x: 4 * x * (1 - x))
    ends = _ends(degree)
    cubics = np.zeros((4, degree + 1))
    cubics[:, :4] = np.linalg.inv(ends[:, :4]).T
    corners = floors @ ends.T
    return cubics.T @ sides + floors.T @ cubics - cubics.T @ corners.T @ cubics


@functools.lru_cache(maxsize=8)
def _solve(reynolds: float, degree: int) -> np.ndarray:
    """Return the Chebyshev coefficients of the remainder."""
    count = degree - 3
    # At the Gauss points of (1 - s²)², collocation is Galerkin's method but for quadrature, and as stable.
    place = (1 + roots_jacobi(count, 2, 2)[0]) / 2
    rows = [_derivatives(place, degree, order) for order in range(5)]
    clamped, blend = _clamped(degree), _blend(degree)
    inner = [row @ clamped for row in rows]
    corner = _singular(*np.meshgrid(place, place, indexing="ij"))
    viscous = np.kron(inner[4], inner[0]) + 2 * np.kron(inner[2], inner[2]) + np.kron(inner[0], inner[4])
    third_x = np.kron(inner[3], inner[0]) + np.kron(inner[1], inner[2])
    third_y = np.kron(inner[2], inner[1]) + np.kron(inner[0], inner[3])
    first_x, first_y = np.kron(inner[1], inner[0]), np.kron(inner[0], inner[1])
    unknown = np.zeros((count, count))
    for iteration in range(ITERATIONS):
        total = blend + clamped @ unknown @ clamped.T
        at = {(i, j): rows[i] @ total @ rows[j].T for i in range(5) for j in range(5 - i)}
        x, y = at[1, 0] + corner.x, at[0, 1] + corner.y
        bend_x = at[3, 0] + at[1, 2] + corner.laplacian_x
        bend_y = at[2, 1] + at[0, 3] + corner.laplacian_y
        # The first pass solves Stokes flow, from where Newton converges.
        strength = reynolds if iteration else 0.0
        left = at[4, 0] + 2 * at[2, 2] + at[0, 4] - strength * (y * bend_x - x * bend_y)
        x, y, bend_x, bend_y = (np.ravel(one)[:, None] for one in (x, y, bend_x, bend_y))
        transport = y * third_x + bend_x * first_y - x * third_y - bend_y * first_x
        update = lu_solve(lu_factor(viscous - strength * transport), -np.ravel(left))
        unknown = unknown + update.reshape(count, count)
        if iteration and np.abs(update).max() < 1e-11 * np.abs(unknown).max():
            return blend + clamped @ unknown @ clamped.T
    raise BadInput(f"Newton does not settle for reynolds = {reynolds:g}; the reference reaches about 400")


def cavity(
    x: Coordinate, y: Coordinate, reynolds: float = 100.0, degree: int = DEGREE
) -> tuple[Values, Values]:
    """Return u, v of the steady flow on [0, 1]² with the lid u(x, 1) = 4x(1 - x), v = 0, other walls at rest.

    u·∇u = -∇p + Δu/Re, ∇·u = 0; center lines are `cavity(0.5, y)` and `cavity(x, 0.5)`.  Against higher
    degrees 6 digits hold beside the upper corners, at Re = 100, and 8 in the middle.

    Example:
        >>> u, v = cavity([0.25, 0.5], 1.0)
        >>> [round(float(one), 10) for one in u]
        [0.75, 1.0]

    Raises:
        BadInput: when a point lies outside of the square, or Newton does not settle for a large Re.
    """
    x, y = (one.astype(np.float64) for one in broadcast(x, y))
    require_range("x", x, 0.0, 1.0)
    require_range("y", y, 0.0, 1.0)
    coefficients = _solve(float(reynolds), degree)
    corner = _singular(x, y)
    x0, x1 = (_derivatives(x, degree, order) for order in (0, 1))
    y0, y1 = (_derivatives(y, degree, order) for order in (0, 1))
    u = np.einsum("...i,...i->...", x0 @ coefficients, y1) + corner.y
    v = -np.einsum("...i,...i->...", x1 @ coefficients, y0) - corner.x
    return u, v


def cavity_streamfunction(
    x: Coordinate, y: Coordinate, reynolds: float = 100.0, degree: int = DEGREE
) -> tuple[Values, Values]:
    """Return ψ and the vorticity -Δψ of the flow of `cavity`; ω jumps at the upper corners."""
    x, y = (one.astype(np.float64) for one in broadcast(x, y))
    require_range("x", x, 0.0, 1.0)
    require_range("y", y, 0.0, 1.0)
    coefficients = _solve(float(reynolds), degree)
    corner = _singular(x, y)
    x0, x2 = (_derivatives(x, degree, order) for order in (0, 2))
    y0, y2 = (_derivatives(y, degree, order) for order in (0, 2))
    stream = np.einsum("...i,...i->...", x0 @ coefficients, y0)
    bend = np.einsum("...i,...i->...", x2 @ coefficients, y0) + np.einsum(
        "...i,...i->...", x0 @ coefficients, y2
    )
    return stream + corner.value, -bend - corner.laplacian


def converge_cavity() -> float:
    """Return the difference of the velocities to a higher degree, on a grid that is dense near the walls."""
    place = (1 - np.cos(np.linspace(0, np.pi, 65))) / 2
    grid = np.meshgrid(place, place)
    return relative_difference(cavity(*grid), cavity(*grid, degree=FINER))
