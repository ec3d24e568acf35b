"""How finely a march resolves: what is left in the last coefficients, and layers that grow or gather."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ansatz.equations.gather import gathering

FEWEST, MOST = 6, 20
"""The modes in time of a window, between which the number of unknowns decides."""


class Window(NamedTuple):
    """A piece of the solution: plain coefficients `[time modes, …]` of every field on [start, end].

    Time modes are Chebyshev polynomials of the window, the others the plain functions of the layers.
    """

    start: float
    end: float
    coefficients: tuple[np.ndarray, ...]


def moved(array: np.ndarray, old: tuple, new: tuple) -> np.ndarray:
    """Return coefficients `[k, …]` of layers expressed in larger layers.

    The first functions of a larger layer are those of the smaller one, except where conditions had to be
    built in by all functions together; only then is a least-squares problem solved, which rounds.
    """
    for axis, (a, b) in enumerate(zip(old, new, strict=True), 1):
        turned = np.moveaxis(array, axis, 0)
        flat = turned.reshape(a.size, -1)
        if _continues(a.combination, b.combination):
            found = np.zeros((b.size, flat.shape[1]))
            found[: a.size] = flat
        else:
            padded = np.zeros((b.modes, flat.shape[1]))
            padded[: min(a.modes, b.modes)] = (a.combination @ flat)[: b.modes]
            found = np.linalg.lstsq(b.combination, padded, rcond=None)[0]
        array = np.moveaxis(found.reshape(b.size, *turned.shape[1:]), 0, axis)
    return array


def _continues(small: np.ndarray, large: np.ndarray) -> bool:
    """Tell whether the first columns of a combination are those of a smaller one."""
    rows, columns = small.shape
    if rows > large.shape[0] or columns > large.shape[1]:
        return False
    return bool(np.array_equal(large[:rows, :columns], small) and not large[rows:, :columns].any())


def time_tail(window: Window, scales: Sequence[float]) -> float:
    """Return the largest share of the last coefficients in time."""
    found = 0.0
    for array, scale in zip(window.coefficients, scales, strict=True):
        sizes = np.sqrt((array.reshape(len(array), -1) ** 2).sum(1))
        if (largest := max(float(sizes.max()), scale)) > 0:
            found = max(found, float(sizes[-2:].max()) / largest)
    return found


def space_tail(window: Window, scales: Sequence[float]) -> float:
    """Return the largest share of the last coefficients along a space coordinate."""
    found = 0.0
    for array, scale in zip(window.coefficients, scales, strict=True):
        for axis in range(1, array.ndim):
            found = max(found, _tail(array, axis, scale))
    return found


def _tail(array: np.ndarray, axis: int, scale: float = 0.0) -> float:
    sizes = np.sqrt((np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1) ** 2).sum(1))
    last = max(3, len(sizes) // 16)
    largest = max(float(sizes.max()), scale)
    return float(sizes[-last:].max()) / largest if largest > 0 else 0.0


def grown_for(evolution: Any, window: Window, tolerance: float, limit: int, scales: Sequence[float]) -> Any:
    """Return the problem with larger layers on the axes that need them, or None if the limit forbids it."""
    axes = range(1, window.coefficients[0].ndim)
    need = [max(map(_tail, window.coefficients, [axis] * len(scales), scales)) > tolerance for axis in axes]
    layers = tuple(
        tuple(
            layer.resized((int(1.4 * layer.modes) + 4) | (layer.kind == "fourier" and not layer.parity))
            if more else layer
            for layer, more in zip(one, need, strict=True)
        )
        for one in evolution.layers
    )  # fmt: skip
    grown = replace(evolution, layers=layers)
    return grown if grown.space * FEWEST <= limit * 1.3 else None


def gathered_for(evolution: Any, window: Window, tolerance: float) -> Any:
    """Return the problem with points gathered where that saves a third of the functions, or None."""
    layers = [list(one) for one in evolution.layers]
    changed = False
    for axis in range(1, window.coefficients[0].ndim):
        slices = []
        for array in window.coefficients:
            ends = np.stack([np.polynomial.chebyshev.chebval(s, array) for s in (0.0, 1.0)], -1)
            slices.append(np.moveaxis(ends, axis - 1, 0).reshape(array.shape[axis], -1))
        mine = [one[axis - 1] for one in evolution.layers]
        if mine[0].kind != "chebyshev" or max(layer.modes for layer in mine) < 32:
            continue
        if (stretch := gathering(mine, slices, tolerance)) is not None:
            changed = True
            for one in layers:
                one[axis - 1] = replace(one[axis - 1], stretch=stretch, modes=24, cache={})
    return replace(evolution, layers=tuple(map(tuple, layers))) if changed else None


def resolving(evolution: Any, tolerance: float, limit: int, known: dict) -> Any:
    """Return the problem with space layers large enough for the initial values."""
    scales = evolution.scales(known)
    while evolution.space > len(evolution.layers):
        tail = 0.0
        for layers, c, scale in zip(evolution.layers, evolution.carried(known), scales, strict=True):
            for axis, layer in enumerate(layers, 1):
                if c.size:
                    plain = np.tensordot(layer.combination, np.moveaxis(c, axis, 0), 1)
                    tail = max(tail, _tail(plain, 0, scale))
        grown = evolution.resized(1.4, least=4)
        if tail <= tolerance or grown.space * FEWEST > limit * 1.3:
            break
        evolution = grown
    return evolution
