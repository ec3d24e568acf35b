"""What all references share: broadcasting, the relative difference, and local interpolation."""

from typing import Any, TypeAlias

import numpy as np

from ansatz.errors import BadInput

# Whatever NumPy makes an array of numbers from.
Coordinate: TypeAlias = Any
# An array of the broadcast shape, or NumPy's scalar where that shape is ().
Values: TypeAlias = Any


def broadcast(*coordinates: Coordinate) -> list[np.ndarray]:
    """Return the coordinates as arrays of one shape, float64 unless they are longer floats."""
    arrays = [np.asarray(one) for one in coordinates]
    kept = [one if one.dtype == np.longdouble else one.astype(np.float64) for one in arrays]
    return [np.asarray(one) for one in np.broadcast_arrays(*kept)]


def require_range(name: str, values: np.ndarray, low: float, high: float) -> None:
    """Raise `BadInput` where a coordinate leaves [low, high]."""
    outside = values[~((values >= low) & (values <= high))]
    if outside.size:
        raise BadInput(
            f"{name} = {outside.flat[0]:g} is outside of the reference's range [{low:g}, {high:g}]"
        )


def relative_difference(found: Any, expected: Any) -> float:
    """Return ‖a - b‖₂ / ‖b‖₂ over everything that the two hold."""
    one, other = (np.concatenate([np.ravel(part) for part in np.atleast_1d(x)]) for x in (found, expected))
    return float(np.linalg.norm((one - other).astype(complex)) / np.linalg.norm(other.astype(complex)))


def lagrange_weights(fraction: np.ndarray, width: int) -> np.ndarray:
    """Return the Lagrange basis on the nodes 0 … width-1 at `fraction: [N]`, as `[N, width]`.

    The nodes are equidistant: use it near the middle of the stencil, or on data much smoother than it.
    """
    nodes = np.arange(width, dtype=np.float64)
    gaps = fraction[:, None] - nodes[None, :]
    weights = np.empty_like(gaps)
    for j in range(width):
        others = np.delete(np.arange(width), j)
        weights[:, j] = np.prod(gaps[:, others] / (j - nodes[others])[None, :], axis=1)
    return weights


def periodic_interpolation(values: np.ndarray, place: np.ndarray, width: int = 16) -> np.ndarray:
    """Return a periodic grid function `values: [M]` at `place: [N]` in units of the grid spacing.

    Polynomials through the `width` nearest nodes: on a grid four times finer than the shortest wave asks
    for, 16 nodes keep 11 digits of that wave and all digits of waves half as short in number.
    """
    first = np.floor(place).astype(np.int64) - (width // 2 - 1)
    weights = lagrange_weights(place - first, width)
    stencil = (first[:, None] + np.arange(width)[None, :]) % len(values)
    return np.einsum("nw,nw->n", weights, values[stencil])
