"""A frozen layer on a shape: polynomials of a total degree, times a factor, beside what corners need."""

import itertools
import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy

from ansatz.equations.basis import Layer
from ansatz.equations.corner_features import corner_exponents, corner_tables
from ansatz.equations.lower import evaluate
from ansatz.equations.stretch import Stretch

NAMES = {(0, 0): "value", (1, 0): "x", (0, 1): "y", (2, 0): "xx", (1, 1): "xy", (0, 2): "yy"}


@dataclass(frozen=True)
class ShapeLayer:
    """Functions of the coordinates of a shape.

    T_i(x) T_j(y) … with i + j + … ≤ `degree` on the bounding box, multiplied by `factor` (an expression that
    vanishes on the boundary) if there is one; for every corner of a polygon r^(s+2m) sin(sθ) with the
    non-integer s = kπ/α, and the logarithmic functions of integer s, `singular` of each.
    """

    shape: Any
    degree: int
    factor: sympy.Expr | None = None
    symbols: tuple[sympy.Symbol, ...] = ()
    singular: int = 0

    @cached_property
    def powers(self) -> np.ndarray:
        """The exponents `[size, d]` of the polynomials."""
        every = itertools.product(range(self.degree + 1), repeat=len(self.shape.bounds))
        return np.array([p for p in every if sum(p) <= self.degree])

    @cached_property
    def size(self) -> int:
        """How many functions there are."""
        inside = np.mean(self.shape.interior(1), axis=0, keepdims=True)
        extra = self._corners(inside, {(0, 0)})[(0, 0)].shape[1] if self._cornered else 0
        return len(self.powers) + extra

    @property
    def _cornered(self) -> bool:
        return self.singular > 0 and len(self.shape.bounds) == 2

    def tables(
        self, points: np.ndarray, indices: Collection[tuple[int, ...]]
    ) -> dict[tuple[int, ...], np.ndarray]:
        """Return derivatives by multi-index at `points: [N, d]`, each `[N, size]`."""
        needed = set(indices)
        if self.factor is not None:
            needed = set(itertools.chain.from_iterable(_below(index) for index in indices))
        plain = self._polynomials(points, needed)
        if self.factor is not None:
            plain = {index: self._multiplied(points, plain, index) for index in indices}
        if not self._cornered:
            return plain
        corners = self._corners(points, set(indices))
        return {index: np.concatenate([plain[index], corners[index]], axis=1) for index in indices}

    def _polynomials(self, points: np.ndarray, indices: Collection[tuple[int, ...]]) -> dict:
        tables = []
        for axis, (low, high) in enumerate(self.shape.bounds):
            order = max(index[axis] for index in indices)
            tables.append(Layer(Stretch(low, high), self.degree + 1).plain(points[:, axis], order))
        found = {}
        for index in indices:
            value: Any = 1.0
            for axis, k in enumerate(index):
                value = value * tables[axis][k][:, self.powers[:, axis]]
            found[index] = value
        return found

    def _multiplied(self, points: np.ndarray, plain: dict, index: tuple[int, ...]) -> np.ndarray:
        """Return a derivative of factor times polynomial, by Leibniz."""
        values = dict(zip(self.symbols, points.T, strict=True))
        total: Any = 0.0
        for lower in _below(index):
            rest = tuple(a - b for a, b in zip(index, lower, strict=True))
            slope = self.factor
            for symbol, k in zip(self.symbols, rest, strict=True):
                slope = sympy.diff(slope, symbol, k) if k else slope
            if slope == 0:
                continue
            times = math.prod(math.comb(a, b) for a, b in zip(index, lower, strict=True))
            array = np.broadcast_to(evaluate(slope, values), len(points))
            total = total + times * array[:, None] * plain[lower]
        return total

    def corner_plan(self) -> list[tuple[Any, list[float], list[float]]]:
        """Return every corner with the non-integer and the integer exponents of its functions."""
        found = []
        for corner in self.shape.corners:
            exponents = corner_exponents(
                corner, self.singular if corner.reentrant else max(self.singular // 2, 2)
            )
            broken = [s for s in exponents if not float(s).is_integer()]
            found.append((corner, broken, [s for s in exponents if float(s).is_integer()]))
        return found

    def _corners(self, points: np.ndarray, indices: Collection[tuple[int, ...]]) -> dict:
        radius = max(high - low for low, high in self.shape.bounds)
        columns: dict[tuple[int, ...], list] = {index: [] for index in indices}
        order = max(sum(index) for index in indices)
        for corner, broken, whole in self.corner_plan():
            for chosen, kind, powers in ((broken, "dirichlet", (0, 2)), (whole, "dirichlet_logarithm", (0,))):
                if not chosen:
                    continue
                tables = corner_tables(corner, chosen, kind, points, order, radius)
                for power in powers:
                    for index in indices:
                        columns[index].append(_raised(tables, corner, points, power, radius, index))
        return {index: np.concatenate(found, axis=1) for index, found in columns.items()}


def _raised(
    tables: Any, corner: Any, points: np.ndarray, power: int, radius: float, index: tuple[int, ...]
) -> np.ndarray:
    """Return a derivative (to order 2) of (r / radius)^power times corner functions, power 0 or 2."""
    if not power:
        return tables[NAMES[index[0], index[1]]]
    x, y = ((points - np.asarray(corner.vertex)) / radius).T[:, :, None]
    square: dict[tuple[int, ...], Any] = {
        (0, 0): x**2 + y**2,
        (1, 0): 2 * x / radius,
        (0, 1): 2 * y / radius,
        (2, 0): 2 / radius**2,
        (0, 2): 2 / radius**2,
    }
    total: Any = 0.0
    for lower in _below(index):
        rest = tuple(a - b for a, b in zip(index, lower, strict=True))
        if rest in square:
            times = math.prod(math.comb(a, b) for a, b in zip(index, lower, strict=True))
            total = total + times * square[rest] * tables[NAMES[lower[0], lower[1]]]
    return total


def _below(index: tuple[int, ...]) -> list[tuple[int, ...]]:
    return list(itertools.product(*(range(k + 1) for k in index)))
