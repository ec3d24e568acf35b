"""A frozen layer on a polygon that vanishes on its boundary and has the right singularities at its corners.

At a corner of angle α, u = 0 on both sides makes u a sum of r^s sin(sθ), s = kπ/α, times smooth functions.
So the functions are r^s sin(sθ) · (distances from the lines of all sides that do not touch the corner) ·
polynomials, and for a convex polygon (distances from all sides) · polynomials.  For α = pπ/q the first
2p - 1 values of k are enough, for Im z^(s+2q) = 2 Re(z^q) Im z^(s+q) - |z|^(2q) Im z^s.  Source: Grisvard,
"Elliptic problems in nonsmooth domains", 1985.
"""

import itertools
import math
from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from ansatz.equations.basis import Layer
from ansatz.equations.corner_features import corner_tables
from ansatz.equations.outline import Corner
from ansatz.equations.stretch import Stretch

Index = tuple[int, int]
Jets = dict[Index, np.ndarray]
NAMES = {(0, 0): "value", (1, 0): "x", (0, 1): "y", (2, 0): "xx", (1, 1): "xy", (0, 2): "yy"}
MOST = 8
INSIDE = 1e-9


@dataclass(frozen=True)
class CornerLayer:
    """Functions on a polygon of a total degree of about `degree`, with derivatives to the second order.

    Where `exact`, every one is 0 on the boundary.  Else, where a line of a side crosses the polygon, the
    distances are left out and the functions vanish only on the sides at their own corner.
    """

    shape: Any
    degree: int

    @cached_property
    def lines(self) -> np.ndarray:
        """Distance = n·x - c from the line of every side as rows `[n_x, n_y, c]`, inside positive."""
        rows = []
        for piece in self.shape.outline:
            normal = -piece.normals(np.array([0.5]))[0]
            rows.append([*normal, float(normal @ np.asarray(piece.start))])
        return np.array(rows)

    @cached_property
    def exact(self) -> bool:
        """Whether products of distances vanish on the boundary alone."""
        reentrant = [corner for corner in self.shape.corners if corner.reentrant]
        vertices = np.array([corner.vertex for corner in self.shape.corners])
        others = self._others(reentrant[0]) if reentrant else self.lines
        inside = vertices @ others[:, :2].T - others[:, 2] > -INSIDE * self.shape.scale
        return len(reentrant) < 2 and bool(inside.all())

    @cached_property
    def families(self) -> list[tuple[Corner | None, float, int]]:
        """The corner (none for the smooth functions), the exponent and the degree of the polynomials."""
        reentrant = any(corner.reentrant for corner in self.shape.corners)
        found: list[tuple[Corner | None, float, int]] = []
        if not (reentrant and self.exact):
            found.append((None, 0.0, self.degree))
        for corner in self.shape.corners:
            ratio = Fraction(corner.angle / math.pi).limit_denominator(12)
            rational = abs(float(ratio) - corner.angle / math.pi) < 1e-9
            count = min(2 * ratio.numerator - 1, MOST) if rational else MOST
            for k in range(1, count + 1):
                s = k * math.pi / corner.angle
                whole = abs(s - round(s)) < 1e-9
                if whole and not (corner.reentrant and self.exact):
                    continue
                if self.degree >= s:
                    found.append((corner, float(round(s)) if whole else s, int(self.degree - s)))
        return found

    @cached_property
    def size(self) -> int:
        """How many functions there are."""
        return sum((degree + 1) * (degree + 2) // 2 for _, _, degree in self.families)

    def tables(self, points: np.ndarray, indices: Collection[Index]) -> dict[Index, np.ndarray]:
        """Return derivatives by multi-index, to the second order, at `points: [N, 2]`, each `[N, size]`."""
        order = max(map(sum, indices))
        plain = self._polynomials(points, order)
        columns: dict[Index, list[np.ndarray]] = {index: [] for index in indices}
        for corner, exponent, degree in self.families:
            base = self._base(points, corner, exponent, order)
            kept = np.flatnonzero(self._powers.sum(axis=1) <= degree)
            for index in indices:
                columns[index].append(_leibniz(base, {i: t[:, kept] for i, t in plain.items()}, index))
        return {index: np.concatenate(found, axis=1) for index, found in columns.items()}

    @cached_property
    def _powers(self) -> np.ndarray:
        every = itertools.product(range(self.degree + 1), repeat=2)
        return np.array([p for p in every if sum(p) <= self.degree])

    def _polynomials(self, points: np.ndarray, order: int) -> Jets:
        tables = [
            Layer(Stretch(low, high), self.degree + 1).plain(points[:, axis], order)
            for axis, (low, high) in enumerate(self.shape.bounds)
        ]
        return {
            (i, j): tables[0][i][:, self._powers[:, 0]] * tables[1][j][:, self._powers[:, 1]]
            for i, j in _indices(order)
        }

    def _others(self, corner: Corner) -> np.ndarray:
        touching = np.abs(self.lines[:, :2] @ np.asarray(corner.vertex) - self.lines[:, 2])
        ends = np.array([[*p.start, *p.end] for p in self.shape.outline]).reshape(-1, 2, 2)
        near = np.linalg.norm(ends - np.asarray(corner.vertex), axis=2).min(axis=1) < 1e-9 * self.shape.scale
        return self.lines[~(near & (touching < 1e-9 * self.shape.scale))]

    def _base(self, points: np.ndarray, corner: Corner | None, exponent: float, order: int) -> Jets:
        one = np.ones((len(points), 1))
        base: Jets = {index: one if index == (0, 0) else 0 * one for index in _indices(order)}
        if corner is not None:
            tables = corner_tables(corner, [exponent], "dirichlet", points, order, self.shape.scale)
            base = {index: tables[NAMES[index]] for index in _indices(order)}
        if self.exact:
            for normal_x, normal_y, offset in self.lines if corner is None else self._others(corner):
                value = points @ np.array([[normal_x], [normal_y]]) - offset
                line = {(0, 0): value, (1, 0): normal_x * one, (0, 1): normal_y * one}
                line = {index: array / self.shape.scale for index, array in line.items()}
                base = {index: _leibniz(line, base, index) for index in _indices(order)}
        return base


def _indices(order: int) -> list[Index]:
    return [(i, j) for i in range(order + 1) for j in range(order + 1 - i)]


def _leibniz(first: Jets, second: Jets, index: Index) -> np.ndarray:
    """Return a derivative of a product; what `first` lacks is zero."""
    total: Any = 0.0
    for i, j in itertools.product(range(index[0] + 1), range(index[1] + 1)):
        if (i, j) in first:
            times = math.comb(index[0], i) * math.comb(index[1], j)
            total = total + times * first[(i, j)] * second[(index[0] - i, index[1] - j)]
    return total
