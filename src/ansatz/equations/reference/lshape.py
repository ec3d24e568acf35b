"""Poisson's equation and the membrane on the L, [-1, 1]² without x > 0, y > 0, by corner features.

Poisson: -r²/4 and Im z² log z of every corner, with the weight that its angle dictates, leave a harmonic
remainder; r^(2k/3) sin(2kφ/3) and a polynomial fit it on the boundary by least squares.  The maximum
principle turns the largest boundary value into a bound on the error everywhere.

Membrane: the method of particular solutions with J_(2k/3)(√λ r) sin(2kφ/3) and interior points
(Betcke and Trefethen 2005).
"""

import functools
from typing import NamedTuple

import numpy as np
from scipy.special import jv

from ansatz.equations.reference._arrays import Coordinate, Values, broadcast
from ansatz.errors import BadInput

VERTICES = ((0, 0), (0, 1), (-1, 1), (-1, -1), (1, -1), (1, 0))
# The corner, the direction of the side from which its angle opens, and the angle in units of π/2.
CORNERS = (
    (0 + 0j, 1, 3),
    (0 + 1j, 2, 1),
    (-1 + 1j, 3, 1),
    (-1 - 1j, 0, 1),
    (1 - 1j, 1, 1),
    (1 + 0j, 2, 1),
)
SINGULAR, DEGREE = 60, 20
# Scales that keep the columns of the least squares near one; the polynomial is centered in the domain.
RADIUS, CENTER, EXTENT = 1.2, -0.25 - 0.25j, 1.3


class Solution(NamedTuple):
    """Coefficients of the features, and the largest value that is left on the boundary."""

    coefficients: np.ndarray
    bound: float


def boundary_points(each: int) -> np.ndarray:
    """Return `each` Chebyshev points on every side as complex numbers, dense near the corners."""
    share = (1 - np.cos(np.pi * (np.arange(each) + 0.5) / each)) / 2
    ends = np.asarray([complex(*vertex) for vertex in VERTICES])
    return np.ravel(ends[:, None] + share[None, :] * (np.roll(ends, -1) - ends)[:, None])


def _polar(z: np.ndarray, corner: tuple[complex, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return distance and angle about a corner, the angle from its first side with the cut outside."""
    vertex, side, quarters = corner
    turned = (z - vertex) * np.exp(-1j * np.pi / 2 * (side + quarters / 2))
    return np.abs(turned), np.angle(turned) + np.pi / 4 * quarters


def _particular(z: np.ndarray) -> np.ndarray:
    """Return -r²/4 and the logarithm of every corner: its coefficient is 1/(3π) or 1/π, negative."""
    total = -(np.abs(z) ** 2) / 4
    for corner in CORNERS:
        radius, angle = _polar(z, corner)
        logarithm = np.log(np.where(radius == 0, 1, radius))
        shape = radius**2 * (logarithm * np.sin(2 * angle) + angle * np.cos(2 * angle))
        total = total - shape / (np.pi * corner[2])
    return total


def _features(z: np.ndarray, singular: int, degree: int) -> np.ndarray:
    """Return the harmonic features at `z: [N]`, one in a column."""
    radius, angle = _polar(z, CORNERS[0])
    orders = 2 * np.arange(1, singular + 1) / 3
    corner = (radius[:, None] / RADIUS) ** orders * np.sin(orders * angle[:, None])
    powers = ((z[:, None] - CENTER) / EXTENT) ** np.arange(degree + 1)
    return np.concatenate([corner, powers.real, powers.imag[:, 1:]], axis=1)


@functools.lru_cache(maxsize=4)
def solve_poisson(singular: int = SINGULAR, degree: int = DEGREE) -> Solution:
    """Return the least-squares fit on the boundary and its bound, measured between the fitted points."""
    fitted, checked = boundary_points(300), boundary_points(1777)
    columns = _features(fitted, singular, degree)
    coefficients = np.linalg.lstsq(columns, -_particular(fitted), rcond=1e-14)[0]
    left = _features(checked, singular, degree) @ coefficients + _particular(checked)
    return Solution(coefficients, float(np.abs(left).max()))


def poisson_l_shape(x: Coordinate, y: Coordinate, singular: int = SINGULAR, degree: int = DEGREE) -> Values:
    """Return u of -Δu = 1 on the L [-1, 1]² without x > 0, y > 0, u = 0 on the boundary; 12 digits hold.

    Example:
        >>> round(float(poisson_l_shape(-0.5, -0.5)), 10)
        0.131052962

    Raises:
        BadInput: when a point lies outside of the L.
    """
    x, y = broadcast(x, y)
    outside = (np.maximum(np.abs(x), np.abs(y)) > 1) | (np.minimum(x, y) > 0)
    if outside.any():
        raise BadInput(
            f"the point ({x[outside][0]:g}, {y[outside][0]:g}) lies outside of the L, "
            "[-1, 1]² without x > 0, y > 0"
        )
    z = np.ravel(x + 1j * y).astype(complex)
    value = _features(z, singular, degree) @ solve_poisson(singular, degree).coefficients + _particular(z)
    return value.reshape(x.shape)


def converge_poisson_l_shape() -> float:
    """Return the proven bound on the error, relative to max u, or the change with more features if larger."""
    grid = np.linspace(-0.999, 0.999, 41)
    x, y = (one[np.minimum(*np.meshgrid(grid, grid)) < 0] for one in np.meshgrid(grid, grid))
    values = poisson_l_shape(x, y)
    change = np.abs(values - poisson_l_shape(x, y, SINGULAR + 10, DEGREE + 5)).max()
    return float(max(change, solve_poisson().bound) / values.max())


def _tension(value: float, terms: int) -> float:
    """Return the smallest singular value on the boundary of features that are orthonormal with the inside."""
    inside = boundary_points(30)
    inside = 0.8 * (inside + 0.3 + 0.31j) - 0.3 - 0.31j
    # The features vanish on the sides at the re-entrant corner, the first and the last.
    points = np.concatenate([boundary_points(100)[100:-100], inside])
    radius, angle = _polar(points, CORNERS[0])
    orders = 2 * np.arange(1, terms + 1) / 3
    columns = jv(orders, np.sqrt(value) * radius[:, None]) * np.sin(orders * angle[:, None])
    basis = np.linalg.qr(columns / np.linalg.norm(columns, axis=0))[0]
    return float(np.linalg.svd(basis[: len(points) - len(inside)], compute_uv=False)[-1])


@functools.lru_cache(maxsize=8)
def membrane_levels(count: int = 1, terms: int = 60) -> tuple[float, ...]:
    """Return the lowest eigenvalues λ of -Δu = λu on the L, u = 0 on the boundary, by minimal tension.

    Example:
        >>> round(membrane_levels()[0], 9)
        9.639723844
    """
    found: list[float] = []
    step, value = 0.5, 9.0
    before, here = _tension(value - step, terms // 2), _tension(value, terms // 2)
    while len(found) < count:
        after = _tension(value + step, terms // 2)
        if here < before and here <= after:
            found.append(_least(value, terms))
        value, before, here = value + step, here, after
    return tuple(found)


def _least(value: float, terms: int) -> float:
    """Return where the tension is smallest, from a value within ¼; near there its square is a parabola."""
    for width in (0.1, 1e-2, 1e-4, 1e-6):
        below, here, above = (_tension(value + offset, terms) ** 2 for offset in (-width, 0, width))
        value += width * (below - above) / (2 * (below - 2 * here + above))
    return value
