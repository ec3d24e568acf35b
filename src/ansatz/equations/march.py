"""Time windows: the last layer on one window after the other, each continuing the one before exactly.

In a window [a, b] a field of order m in time is

    u = A + Σ_j φ_j(x) [ c_j^0 + (t − a) c_j^1 + … + Σ_i c_ij τ_i(t) ],

the τ_i and their first m − 1 derivatives vanish at a, and the c^k are what the window before ended with.
The points in time are those of Radau IIA, so that stiff equations are damped.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy

from ansatz.equations.basis import Functional, Layer, radau
from ansatz.equations.lower import evaluate
from ansatz.equations.newton import Solved, newton
from ansatz.equations.pointwise import Pointwise
from ansatz.equations.resolution import (
    FEWEST,
    MOST,
    Window,
    gathered_for,
    grown_for,
    moved,
    resolving,
    space_tail,
)
from ansatz.equations.series import Block, Series, product, split
from ansatz.equations.stretch import Stretch


@dataclass(frozen=True)
class Evolution:
    """An evolution problem made ready: what `march` needs.

    `layers[field]` are the layers of the other coordinates, in order; `orders[field]` the number of initial
    conditions; fields of one group (the real and imaginary part of a complex one) are of one size.
    """

    pointwise: Pointwise
    layers: tuple[tuple[Layer, ...], ...]
    lifts: tuple[sympy.Expr, ...]
    orders: tuple[int, ...]
    initial: tuple[tuple[sympy.Expr, ...], ...]
    start: float
    end: float
    groups: tuple[int, ...]

    def modes(self, limit: int) -> int:
        """Return the modes in time of a window of at most about `limit` unknowns."""
        return int(np.clip(limit / self.space, FEWEST, MOST))

    def step(self, start: float, end: float, modes: int, tables: dict) -> "Step":
        """Return a window; `tables` keeps what does not change from window to window."""
        return Step(self, start, end, modes, tables)

    def tail(self, window: Window, scales: Sequence[float]) -> float:
        """Return the largest share of the last coefficients in space."""
        return space_tail(window, scales)

    def moved(self, arrays: Sequence[np.ndarray], new: "Evolution") -> list[np.ndarray]:
        """Return coefficients `[k, …]` of every field in the larger layers of another evolution."""
        return [moved(c, a, b) for c, a, b in zip(arrays, self.layers, new.layers, strict=True)]

    def rewritten(self, windows: list[Window], new: "Evolution") -> list[Window]:
        """Return windows in the functions of a larger evolution, whose first functions are the same."""
        return windows

    def stride(self, factor: float) -> float:
        """Return by what the next window is longer, given what the accuracy allows."""
        return float(np.clip(factor, 0.5, 2.0))

    def richer(self) -> "Evolution":
        """Return the slightly larger problem in which the error is estimated."""
        return self.resized(1.08, least=4)

    def resolving(self, tolerance: float, limit: int, known: dict) -> "Evolution":
        """Return the problem with space layers large enough for the initial values."""
        return resolving(self, tolerance, limit, known)

    def gathered(self, window: Window, tolerance: float) -> "Evolution | None":
        """Return the problem with points gathered where that saves a third of the functions, or None."""
        return gathered_for(self, window, tolerance)

    def grown(
        self, window: Window, tolerance: float, limit: int, scales: Sequence[float]
    ) -> "Evolution | None":
        """Return the problem with larger layers where they are needed, or None if the limit forbids it."""
        return grown_for(self, window, tolerance, limit, scales)

    def resized(self, factor: float, least: int = 0) -> "Evolution":
        """Return the same with more functions of every space coordinate."""
        grown = tuple(
            tuple(
                layer.resized(_odd(layer, max(int(layer.modes * factor), layer.modes + least)))
                for layer in one
            )
            for one in self.layers
        )
        return replace(self, layers=grown)

    @property
    def space(self) -> int:
        """How many unknowns there are for each mode in time."""
        return sum(int(np.prod([layer.size for layer in one])) for one in self.layers)

    def scales(self, known: dict | None = None) -> list[float]:
        """Return the size of every field at the start; the real and imaginary part of one share it."""
        time, *others = self.pointwise.coordinates
        sizes = []
        for layers, lift, initial in zip(self.layers, self.lifts, self.initial, strict=True):
            value = initial[0] if initial else lift.subs(time, self.start)
            points = [layer.nodes(8 * layer.size) for layer in layers]
            sizes.append(float(np.abs(_on_grid(value, others, points, known or {})).max()))
        return self.shared(sizes)

    def shared(self, sizes: Sequence[float]) -> list[float]:
        """Return the largest of the sizes in every group of fields."""
        whole = range(len(sizes))
        return [max(sizes[m] for m in whole if self.groups[m] == self.groups[n]) for n in whole]

    def carried(self, known: dict | None = None) -> list[np.ndarray]:
        """Return the initial coefficients `[order, …]` of every field: its initial values less the lift."""
        time, *others = self.pointwise.coordinates
        found = []
        for layers, lift, initial in zip(self.layers, self.lifts, self.initial, strict=True):
            rows = []
            for order, value in enumerate(initial):
                gap = value - sympy.diff(lift, time, order).subs(time, self.start) if lift != 0 else value
                rows.append(projected(gap, others, layers, known or {}))
            shape = tuple(layer.size for layer in layers)
            found.append(np.stack(rows) if rows else np.zeros((0, *shape)))
        return found


def _odd(layer: Layer, modes: int) -> int:
    return modes + 1 if layer.kind == "fourier" and not layer.parity and modes % 2 == 0 else modes


def projected(
    value: sympy.Expr, coordinates: Sequence[Any], layers: Sequence[Layer], known: dict
) -> np.ndarray:
    """Return the least-squares coefficients of an expression in a product of layers."""
    points = [layer.nodes(8 * layer.size) for layer in layers]
    array = _on_grid(value, coordinates, points, known)
    for axis, (layer, p) in enumerate(zip(layers, points, strict=True)):
        table = layer.table(p, 0)[0]
        array = np.moveaxis(
            np.linalg.lstsq(table, np.moveaxis(array, axis, 0).reshape(len(p), -1), rcond=None)[0].reshape(
                layer.size, *np.delete(array.shape, axis)
            ),
            0,
            axis,
        )
    return array


def _on_grid(
    value: sympy.Expr, coordinates: Sequence[Any], points: Sequence[np.ndarray], known: dict
) -> np.ndarray:
    shape = tuple(len(p) for p in points)
    grids = {
        c: p.reshape([-1 if a == b else 1 for b in range(len(points))])
        for a, (c, p) in enumerate(zip(coordinates, points, strict=True))
    }
    found = evaluate(value, {**known, **grids}) if value.free_symbols else float(value)
    return np.broadcast_to(found, shape).astype(float)


class Step:
    """One window of an evolution: the unknowns are the coefficients of the τ_i."""

    def __init__(self, evolution: Evolution, start: float, end: float, modes: int, tables: dict):
        self.evolution, self.start, self.end = evolution, start, end
        stretch = Stretch(start, end)
        fields = []
        for layers, order, lift in zip(evolution.layers, evolution.orders, evolution.lifts, strict=True):
            zero = tuple(Functional(start, (*(0.0,) * k, 1.0)) for k in range(order))
            fields.append(Series((Layer(stretch, modes + order, zero), *layers), lift))
        self.fields = tuple(fields)
        counts = [max(s.layers[axis].size for s in fields) for axis in range(len(fields[0].layers))]
        places = fields[0].layers
        biggest = [
            max((s.layers[axis] for s in fields), key=lambda layer: layer.size) for axis in range(len(places))
        ]
        points = [stretch.place(radau(modes)), *(biggest[a].nodes(counts[a]) for a in range(1, len(counts)))]
        self.block = Block(evolution.pointwise, fields, points)
        self._share_tables(tables)
        self.unknowns: dict[Any, float] = {}

    def _share_tables(self, tables: dict) -> None:
        """Tables of the space coordinates do not change from window to window."""
        found = []
        for n, s in enumerate(self.fields):
            row = [s.layers[0].table(self.block.points[0], self.block.pointwise.order(n, 0))]
            for axis in range(1, len(s.layers)):
                key = (n, axis, len(self.block.points[axis]), s.layers[axis].modes)
                if key not in tables:
                    tables[key] = s.layers[axis].table(
                        self.block.points[axis], self.block.pointwise.order(n, axis)
                    )
                row.append(tables[key])
            found.append(row)
        self.block.__dict__["tables"] = found

    def base(self, carried: Sequence[np.ndarray]) -> dict:
        """Return the part of every derivative that the window before decides."""
        t = self.block.points[0] - self.start
        found = {}
        for n, index in self.block.pointwise.jets:
            tables = [_powers(t, len(carried[n]), index[0])]
            tables += [self.block.tables[n][axis][k] for axis, k in enumerate(index[1:], 1)]
            found[(n, index)] = product(carried[n], tables)
        return found

    def solve(
        self,
        carried: Sequence[np.ndarray],
        unknowns: dict,
        start: np.ndarray | None = None,
        *,
        steps: int = 12,
        scale: float = 0.0,
    ) -> Solved:
        """Return Newton's answer for the coefficients of this window; `scale` is the size of the fields."""
        base, block = self.base(carried), self.block
        size = sum(int(np.prod(s.shape)) for s in self.fields)

        def residual(x: np.ndarray) -> np.ndarray:
            return block.residual(block.jets(split(x, self.fields), base), unknowns)

        def jacobian(x: np.ndarray) -> np.ndarray:
            return block.jacobian(block.jets(split(x, self.fields), base), unknowns)

        x = np.zeros(size) if start is None else start
        return newton(residual, jacobian, x, linear=block.pointwise.linear, steps=steps, size_of_rest=scale)

    def end_of(self, x: np.ndarray, carried: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return what the next window carries: the fields and their time derivatives at the end."""
        found = []
        for s, c, order, old in zip(
            self.fields, split(x, self.fields), self.evolution.orders, carried, strict=True
        ):
            tables = s.layers[0].table(np.array([self.end]), max(order - 1, 0))
            rows = []
            for k in range(order):
                grown = np.tensordot(tables[k][0], c, 1)
                rows.append(
                    grown + np.tensordot(_powers(np.array([self.end - self.start]), order, k)[0], old, 1)
                )
            found.append(np.stack(rows) if rows else np.zeros_like(old))
        return found

    def prolonged(self, x: np.ndarray, finer: "Step") -> np.ndarray:
        """Return the coefficients of this window in those of a richer one."""
        parts = zip(split(x, self.fields), self.fields, finer.fields, strict=True)
        return np.concatenate([moved(c[None], old.layers, new.layers).ravel() for c, old, new in parts])

    def window(self, x: np.ndarray, carried: Sequence[np.ndarray]) -> Window:
        """Return the piece of the solution in plain coefficients."""
        found = []
        for s, c, old in zip(self.fields, split(x, self.fields), carried, strict=True):
            layer = s.layers[0]
            array = np.tensordot(layer.combination, c, (1, 0))
            array[: max(len(old), 1)] += _as_chebyshev(old, self.end - self.start) if len(old) else 0.0
            for axis, one in enumerate(s.layers[1:], 1):
                array = np.moveaxis(np.tensordot(one.combination, array, (1, axis)), 0, axis)
            found.append(array)
        return Window(self.start, self.end, tuple(found))


def _powers(t: np.ndarray, count: int, order: int) -> np.ndarray:
    """Return the derivatives of t^k / k! for k < count, `[N, count]`."""
    found = np.zeros((len(t), count))
    for k in range(order, count):
        found[:, k] = t ** (k - order) / float(sympy.factorial(k - order))
    return found


def _as_chebyshev(old: np.ndarray, length: float) -> np.ndarray:
    """Return Σ_k old[k] (t − a)^k / k! in Chebyshev polynomials of the window."""
    total = np.zeros_like(old)
    power = np.zeros(len(old))
    power[0] = 1.0
    for k in range(len(old)):
        total = total + power.reshape(-1, *[1] * (old.ndim - 1)) * old[k]
        if k + 1 < len(old):
            shifted = np.polynomial.chebyshev.chebmul(power[: k + 1], [length / 2, length / 2])
            power = np.zeros(len(old))
            power[: k + 2] = shifted / (k + 1)
    return total
