"""The march over time windows: their lengths, the growth of the layers, and the error that adds up."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ansatz.equations.march import Evolution, Step, Window
from ansatz.equations.series import split
from ansatz.equations.gather import gathering

UNKNOWNS = 2600
"""About so many unknowns in one window: their Jacobian takes a second to factor on two cores."""
RESTARTS = 4
FEWEST, MOST = 6, 20
"""The modes in time of a window, between which the number of unknowns decides."""


@dataclass
class March:
    """What a march found: its windows, the estimated error of every field at their ends, and why it stopped.

    `defect` are windows of the estimated error itself, solved from the linearised equation in a richer space.
    """

    evolution: Evolution
    windows: list[Window] = field(default_factory=list)
    defect: list[Window] = field(default_factory=list)
    rich: Evolution | None = None
    remarks: list[str] = field(default_factory=list)
    factorizations: int = 0
    converged: bool = True
    tail: float = 0.0
    """The largest share of the last coefficients of a space layer, over the windows."""


def march(
    evolution: Evolution,
    *,
    tolerance: float = 1e-10,
    limit: int = UNKNOWNS,
    estimate: bool = True,
    known: dict[Any, float] | None = None,
    deadline: float | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> March:
    """Solve an evolution problem window by window.

    A window is accepted when Newton's method converged and the last coefficients in time are below
    `tolerance` of the largest; the space layers grow while their last coefficients are above it and the
    unknowns of a window stay under `limit`.
    """
    known = known or {}
    evolution = _resolving(evolution, tolerance, limit, known)
    result = March(evolution)
    carried, now = evolution.carried(known), evolution.start
    whole = evolution.end - evolution.start
    length = whole if evolution.pointwise.linear and evolution.space > 1 else whole / 8
    errors, tables, rich_tables, restarts, spread, scales = None, {}, {}, 0, 0.0, evolution.scales()
    while now < evolution.end - 1e-12 * whole:
        modes = int(np.clip(limit / evolution.space, FEWEST, MOST))
        length = min(length, evolution.end - now)
        if evolution.end - now - length < 0.2 * length:
            length = evolution.end - now
        end = evolution.end if length >= (evolution.end - now) * (1 - 1e-12) else now + length
        step = Step(evolution, now, end, modes, tables)
        solved = step.solve(carried, known)
        result.factorizations += solved.factorizations
        window = step.window(solved.x, carried)
        tail = _time_tail(window, scales) if solved.converged else np.inf
        wanted = max(tolerance, 0.1 * spread)
        if not tail <= wanted and length > 1e-5 * whole:
            factor = 0.3 if not np.isfinite(tail) else (wanted / tail) ** (1 / (modes - 1))
            length *= float(np.clip(0.9 * factor, 0.1, 0.75))
            continue
        if deadline is not None and time.monotonic() > deadline:
            result.converged = False
            result.remarks.append(f"The time allowed was over at {now:.4g}; the answer ends there.")
            break
        if not solved.converged:
            result.converged = False
            result.remarks.append(
                f"Newton's method did not converge from {now:.6g} on; the answer ends there."
            )
            break
        spread = space_tail(window, scales)
        if (
            spread > tolerance
            and restarts < RESTARTS
            and (gathered := _gathered(evolution, window, max(tolerance, spread)))
        ):
            restarts += 1
            evolution = _resolving(gathered, tolerance, limit, known)
            carried, now, errors, tables, rich_tables = (
                evolution.carried(known),
                evolution.start,
                None,
                {},
                {},
            )
            result = March(evolution, remarks=result.remarks, factorizations=result.factorizations)
            continue
        if spread > tolerance and (grown := _grown(evolution, window, tolerance, limit, scales)) is not None:
            carried = [
                _moved(c, a, b) for c, a, b in zip(carried, evolution.layers, grown.layers, strict=True)
            ]
            evolution, tables, rich_tables, errors = grown, {}, {}, None if errors is None else errors
            result.evolution = evolution
            if errors is not None:
                old, errors = result.rich, [*errors]
                fresh = _rich(evolution)
                errors = [_moved(c, a, b) for c, a, b in zip(errors, old.layers, fresh.layers, strict=True)]
                result.rich = fresh
            continue
        result.tail = max(result.tail, spread)
        if estimate:
            errors = _estimate(result, step, solved.x, carried, errors, modes, rich_tables, known)
        carried = step.end_of(solved.x, carried)
        result.windows.append(window)
        scales = [max(s, float(np.abs(c).max())) for s, c in zip(scales, window.coefficients, strict=True)]
        now = end
        progress((now - evolution.start) / whole)
        grow = (max(tolerance, 0.1 * spread) / max(tail, 1e-17)) ** (1 / (modes - 1))
        length *= float(np.clip(0.85 * grow, 0.5, 2.0))
    return result


def _rich(evolution: Evolution) -> Evolution:
    return evolution.resized(1.08, least=4)


def _estimate(result, step, x, carried, errors, modes, tables, known):
    """Solve the linearised equation for the defect of one window, in a richer space; return what it ends with."""
    if result.rich is None:
        result.rich = _rich(step.evolution)
    rich = result.rich
    lifted = [_moved(c, a, b) for c, a, b in zip(carried, step.evolution.layers, rich.layers, strict=True)]
    if errors is None:
        exact = rich.carried(known)
        errors = [e - c for e, c in zip(exact, lifted, strict=True)]
    finer = Step(rich, step.start, step.end, modes + 2, tables)
    start = []
    for n, c in enumerate(split(x, step.fields)):
        time_moved = np.zeros((finer.fields[n].layers[0].size, *c.shape[1:]))
        time_moved[: len(c)] = c
        plain = step.fields[n].layers[0].combination @ c.reshape(len(c), -1)
        padded = np.zeros((finer.fields[n].layers[0].modes, plain.shape[1]))
        padded[: len(plain)] = plain
        time_moved = np.linalg.lstsq(finer.fields[n].layers[0].combination, padded, rcond=None)[0].reshape(
            -1, *c.shape[1:]
        )
        start.append(_moved(time_moved, step.evolution.layers[n], rich.layers[n]))
    base = np.concatenate([s.ravel() for s in start])
    total = [c + e for c, e in zip(lifted, errors, strict=True)]
    solved = finer.solve(total, known, start=base, steps=1)
    difference = solved.x - base
    result.defect.append(finer.window(difference, errors))
    return finer.end_of(difference, errors)


def _moved(array: np.ndarray, old: tuple, new: tuple) -> np.ndarray:
    """Return coefficients `[k, …]` of layers expressed in larger layers."""
    for axis, (a, b) in enumerate(zip(old, new, strict=True), 1):
        moved = np.moveaxis(array, axis, 0)
        plain = a.combination @ moved.reshape(a.size, -1)
        padded = np.zeros((b.modes, plain.shape[1]))
        padded[: min(a.modes, b.modes)] = plain[: b.modes]
        found = (
            np.linalg.lstsq(b.combination, padded, rcond=None)[0]
            if b.combination.shape[0] != b.combination.shape[1]
            else padded
        )
        array = np.moveaxis(found.reshape(b.size, *moved.shape[1:]), 0, axis)
    return array


def _time_tail(window: Window, scales: Sequence[float]) -> float:
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


def _grown(
    evolution: Evolution, window: Window, tolerance: float, limit: int, scales: Sequence[float]
) -> Evolution | None:
    """Return the problem with larger layers on the axes that need them, or None where the limit forbids it."""
    axes = range(1, window.coefficients[0].ndim)
    need = [max(map(_tail, window.coefficients, [axis] * len(scales), scales)) > tolerance for axis in axes]
    from dataclasses import replace

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


def _gathered(evolution: Evolution, window: Window, tolerance: float) -> Evolution | None:
    """Return the problem with points gathered where the solution is steep, if that saves a third of the functions."""
    from dataclasses import replace

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


def _resolving(evolution: Evolution, tolerance: float, limit: int, known: dict) -> Evolution:
    """Return the problem with space layers large enough for the initial values."""
    while evolution.space > len(evolution.layers):
        tail = 0.0
        for layers, c in zip(evolution.layers, evolution.carried(known), strict=True):
            for axis, layer in enumerate(layers, 1):
                if c.size:
                    plain = np.tensordot(layer.combination, np.moveaxis(c, axis, 0), 1)
                    tail = max(tail, _tail(plain, 0))
        grown = evolution.resized(1.4, least=4)
        if tail <= tolerance or grown.space * FEWEST > limit * 1.3:
            break
        evolution = grown
    return evolution
