"""Taylor series of quadratic systems in integers of any width: trajectories to the last double digit.

Every ordinary equation of the gallery is, or becomes, ẏ = L y + Q(y, y).  Its Taylor coefficients follow
from a convolution, so that Python's integers, read as fixed-point numbers, integrate it with as many digits
as one asks for, on every machine alike.  Chaos then eats digits that a double never had.
"""

import functools
import math
from dataclasses import dataclass
from fractions import Fraction
from operator import mul

import numpy as np

from ansatz.errors import BadInput


@dataclass(frozen=True)
class QuadraticFlow:
    """ẏ_i = Σ L_ij y_j + Σ Q_ijk y_j y_k from `start`; terms are `(i, j, L)` and `(i, j, k, Q)`."""

    linear: tuple[tuple[int, int, float], ...]
    quadratic: tuple[tuple[int, int, int, float], ...]
    start: tuple[float, ...]

    def __call__(self, time: float, state: np.ndarray) -> np.ndarray:
        """Return ẏ in doubles, for integrators that check this one."""
        rate = np.zeros_like(state)
        for i, j, factor in self.linear:
            rate[i] += factor * state[j]
        for i, j, k, factor in self.quadratic:
            rate[i] += factor * state[j] * state[k]
        return rate


@dataclass(frozen=True)
class Precision:
    """Steps of 2^-`halvings`, polynomials of degree `order`, `bits` binary digits after the point."""

    halvings: int = 6
    order: int = 40
    bits: int = 160


def _step(flow: QuadraticFlow, state: list[int], precision: Precision) -> list[list[int]]:
    """Return the coefficients of y(t + s h) in powers of s, as fixed-point integers."""
    bits = precision.bits
    linear = [(i, j, int(Fraction(c) * 2**bits)) for i, j, c in flow.linear]
    quadratic = [(i, j, k, int(Fraction(c) * 2**bits)) for i, j, k, c in flow.quadratic]
    series = [[value] for value in state]
    reverse = [[value] for value in state]
    for degree in range(precision.order):
        rate = [0] * len(state)
        for i, j, factor in linear:
            rate[i] += factor * series[j][degree] >> bits
        for i, j, k, factor in quadratic:
            rate[i] += factor * (sum(map(mul, series[j], reverse[k])) >> bits) >> bits
        for i, value in enumerate(rate):
            coefficient = (value >> precision.halvings) // (degree + 1)
            series[i].append(coefficient)
            reverse[i].insert(0, coefficient)
    return series


@functools.lru_cache(maxsize=16)
def series(flow: QuadraticFlow, span: int, precision: Precision) -> np.ndarray:
    """Return the Taylor coefficients of every step on [0, span], `[steps, order + 1, variables]`."""
    one = 2**precision.bits
    state = [int(Fraction(value) * one) for value in flow.start]
    rows = []
    for _ in range(span << precision.halvings):
        step = _step(flow, state, precision)
        rows.append([[value / one for value in variable] for variable in step])
        state = [sum(variable) for variable in step]
    return np.asarray(rows).transpose(0, 2, 1)


def trajectory(flow: QuadraticFlow, times: np.ndarray, precision: Precision = Precision()) -> np.ndarray:
    """Return y at the times (≥ 0), `[variables, *times.shape]`.

    Raises:
        BadInput: when a time is negative or not finite.
    """
    if times.size and not (np.isfinite(times).all() and times.min() >= 0):
        raise BadInput("a time of the trajectory is negative or not finite; the reference starts at t = 0")
    span = max(1, math.ceil(times.max())) if times.size else 1
    rows = series(flow, span, precision)
    scaled = np.ravel(times) * 2.0**precision.halvings
    index = np.minimum(scaled.astype(np.int64), len(rows) - 1)
    fraction = (scaled - index)[:, None]
    value = rows[index, precision.order]
    for degree in range(precision.order - 1, -1, -1):
        value = value * fraction + rows[index, degree]
    return value.T.reshape(len(flow.start), *times.shape)
