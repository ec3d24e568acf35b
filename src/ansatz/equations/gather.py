"""Where a one-dimensional layer should gather its points: the stretch that needs the fewest functions."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ansatz.equations.basis import Layer
from ansatz.equations.stretch import Stretch

WIDTHS = np.logspace(0, -4, 17)
SAVES = 0.7


def needed(layer: Layer, values: np.ndarray, tolerance: float) -> int:
    """Return how many functions hold `values: [N, k]`, given at N nodes, to a relative tolerance."""
    if layer.parity:
        sign = -1.0 if layer.parity == "odd" else 1.0
        values = np.concatenate([sign * values[::-1], values])
    # The cosine transform of values but for phases: the Fourier transform of their even extension.
    transformed = np.fft.rfft(np.concatenate([values[::-1], values]), axis=0)[: len(values)]
    sizes = np.abs(transformed).max(axis=1)
    above = np.flatnonzero(sizes > tolerance * sizes.max())
    count = int(above[-1]) + 1 if len(above) else 1
    return (count + 1) // 2 if layer.parity else count


def gathering(layers: Sequence[Layer], slices: Sequence[np.ndarray], tolerance: float) -> Stretch | None:
    """Return a better stretch for functions given by plain coefficients `slices[field]: [modes, k]`.

    Candidates are centers at the steepest and most curved places and at the ends, with widths down to a
    ten-thousandth of the interval.  None if no candidate saves a third of the functions.
    """
    widest = max(layers, key=lambda layer: layer.modes)
    low, high = widest.stretch.low, widest.stretch.high
    tolerance = max(tolerance, 1e-13)
    current = max(
        needed_of(layer, s, layer.stretch, tolerance) for layer, s in zip(layers, slices, strict=True)
    )
    current = max(current, widest.modes)
    best, found = current, None
    for center in _centers(layers, slices, low, high):
        for width in WIDTHS * (high - low):
            stretch = Stretch(low, high, center, float(width))
            count = max(
                needed_of(layer, s, stretch, tolerance) for layer, s in zip(layers, slices, strict=True)
            )
            if count < best:
                best, found = count, stretch
    return found if found is not None and best < SAVES * current else None


def needed_of(layer: Layer, coefficients: np.ndarray, stretch: Stretch, tolerance: float) -> int:
    """Return how many functions of a layer with another stretch hold the same functions."""
    other = replace(layer, stretch=stretch, modes=layer.modes, conditions=(), cache={})
    points = other.nodes(2 * layer.modes)
    values = layer.resized(len(coefficients)).plain(points, 0)[0] @ coefficients
    return needed(other, values, tolerance)


def _centers(layers: Sequence[Layer], slices: Sequence[np.ndarray], low: float, high: float) -> list[float]:
    if any(layer.parity for layer in layers):
        return [(low + high) / 2]  # about another place even functions would no longer be even
    x = np.linspace(low, high, 2001)
    places = {low, high}
    for layer, c in zip(layers, slices, strict=True):
        steep = np.abs(layer.plain(x, 1)[1] @ c).max(axis=1)
        places.add(float(x[steep[20:-20].argmax() + 20]))
    return sorted(places)
