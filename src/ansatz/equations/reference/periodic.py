"""Fourier series in one coordinate: coefficients of powers on a period, evaluation at any time and place."""

from collections.abc import Callable

import numpy as np
from numpy import fft

from ansatz.equations.reference._arrays import lagrange_weights, periodic_interpolation

FINER = 4
STENCIL = 10


def square_coefficients(orders: np.ndarray) -> np.ndarray:
    """Return the Fourier coefficients of ξ² on [-1, 1], ½∫ ξ² e^(-iπnξ) dξ = 2(-1)ⁿ/(πn)², 1/3 for n = 0."""
    safe = np.where(orders == 0, 1, orders)
    return np.where(orders == 0, 1 / 3, 2 * (-1.0) ** orders / (np.pi * safe) ** 2)


def fourth_coefficients(orders: np.ndarray) -> np.ndarray:
    """Return the Fourier coefficients of ξ⁴ on [-1, 1], (-1)ⁿ (4/(πn)² - 24/(πn)⁴), 1/5 for n = 0."""
    safe = np.pi * np.where(orders == 0, 1, orders)
    return np.where(orders == 0, 1 / 5, (-1.0) ** orders * (4 / safe**2 - 24 / safe**4))


def interpolate_in_time(states: np.ndarray, place: float) -> np.ndarray:
    """Return the state at `place` (in steps) from equidistant `states: [S, n]`, degree 9."""
    width = min(STENCIL, len(states))
    first = int(np.clip(np.floor(place) - (width // 2 - 1), 0, len(states) - width))
    weights = lagrange_weights(np.asarray([place - first]), width)[0]
    return weights @ states[first : first + width]


def evaluate(
    t: np.ndarray, x: np.ndarray, half: float, grid_values: Callable[[float], np.ndarray]
) -> np.ndarray:
    """Return u(t, x), period 2·`half`, where `grid_values(t)` gives u on the grid 2·`half`·j/M from x = 0.

    Points of equal time are evaluated together, by local polynomials of degree 15 on that grid.
    """
    flat_t, flat_x = np.ravel(t), np.ravel(x)
    times, owner = np.unique(flat_t, return_inverse=True)
    order = np.argsort(owner, kind="stable")
    bounds = np.searchsorted(owner[order], np.arange(len(times) + 1))
    pieces = []
    for index, time in enumerate(times):
        own = order[bounds[index] : bounds[index + 1]]
        values = grid_values(float(time))
        place = np.mod(flat_x[own] / (2 * half), 1.0) * len(values)
        pieces.append(periodic_interpolation(values, place))
    result = np.empty(flat_x.shape, dtype=np.result_type(*pieces) if pieces else np.float64)
    if pieces:
        result[order] = np.concatenate(pieces)
    return result.reshape(x.shape)


def refined(coefficients: np.ndarray) -> np.ndarray:
    """Return the real function of these coefficients (n = 0 … K) on a grid that is four times finer."""
    size = 2 * FINER * (len(coefficients) - 1)
    return fft.irfft(coefficients * size, size)
