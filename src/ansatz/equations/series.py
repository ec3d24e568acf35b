"""Fields as products of one-dimensional layers: values, residuals and Jacobians on grids.

    u(t, x, …) = A(t, x, …) + Σ c_{ij…} τ_i(t) φ_j(x) …

A is a closed expression that meets the inhomogeneous conditions, the layers meet the homogeneous ones.
Only the last layer, c, is unknown; every derivative is a product of tables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy

from ansatz.equations.lower import evaluate
from ansatz.equations.pointwise import Index, Jet, Pointwise


@dataclass(frozen=True)
class Series:
    """The ansatz of one field: the lift A and `layers[axis]`, for several coordinates a `ShapeLayer`."""

    layers: tuple[Any, ...]
    lift: sympy.Expr = sympy.S.Zero

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the coefficients."""
        return tuple(layer.size for layer in self.layers)


class Block:
    """Residuals on a tensor grid, one row for every residual and grid point.

    `points[axis]` are the grid's coordinates: `[N]`, or `[N, d]` where an axis stands for the d coordinates
    of a shape, as `groups` says.  With `quadrature` (weights of the whole grid) each residual is
    integrated and gives one row.  `weight` multiplies the rows, `emphasis` (as the grid) those of a
    point.
    """

    def __init__(
        self,
        pointwise: Pointwise,
        fields: Sequence[Series],
        points: Sequence[np.ndarray],
        *,
        weight: float = 1.0,
        emphasis: np.ndarray | None = None,
        quadrature: np.ndarray | None = None,
        known: Mapping[Any, Any] | None = None,
        groups: Sequence[tuple[int, ...]] | None = None,
    ):
        self.pointwise, self.fields, self.weight = pointwise, tuple(fields), weight
        self.emphasis = emphasis
        self.points, self.quadrature = [np.asarray(p, np.float64) for p in points], quadrature
        self.shape = tuple(len(p) for p in self.points)
        self.values: dict[Any, Any] = dict(known or {})
        self.groups = tuple(groups or [(axis,) for axis in range(len(self.points))])
        for axis, (group, p) in enumerate(zip(self.groups, self.points, strict=True)):
            shape = [-1 if a == axis else 1 for a in range(len(self.points))]
            for column, number in enumerate(group):
                one = p if len(group) == 1 else p[:, column]
                self.values[pointwise.coordinates[number]] = one.reshape(shape)
        for symbol, value in list(self.values.items()):
            if isinstance(value, np.ndarray) and value.ndim == 1 and len(self.points) > 1:
                self.values[symbol] = value.reshape([1] * (len(self.points) - 1) + [-1])

    @cached_property
    def tables(self) -> list[list[Any]]:
        """`tables[field][axis][key]`, each `[points, functions]`; keys are orders, on shapes tuples."""
        return [
            [self._tables(n, axis, layer) for axis, layer in enumerate(s.layers)]
            for n, s in enumerate(self.fields)
        ]

    def _tables(self, n: int, axis: int, layer: Any) -> Any:
        group, p = self.groups[axis], self.points[axis]
        if len(group) == 1:
            return layer.table(p, self.pointwise.order(n, group[0]))
        return layer.tables(p, {self._key(axis, index) for field, index in self.pointwise.jets if field == n})

    def _key(self, axis: int, index: Index) -> Any:
        group = self.groups[axis]
        return index[group[0]] if len(group) == 1 else tuple(index[c] for c in group)

    def _at_axes(self, n: int, index: Index) -> list[np.ndarray]:
        return [self.tables[n][axis][self._key(axis, index)] for axis in range(len(self.shape))]

    @cached_property
    def lifted(self) -> dict[Jet, Any]:
        """The derivatives of the lifts on the grid."""
        return {
            (n, index): lift_at(
                self.fields[n].lift, index, self.pointwise.coordinates, self.values, self.shape
            )
            for n, index in self.pointwise.jets
        }

    def jets(
        self, coefficients: Sequence[np.ndarray], base: Mapping[Jet, np.ndarray] | None = None
    ) -> dict[Jet, Any]:
        """Return every derivative in the residuals on the grid; `base` is added (what is carried)."""
        found = {}
        for n, index in self.pointwise.jets:
            value = product(coefficients[n], self._at_axes(n, index))
            extra = self.lifted[(n, index)]
            value = value + extra if extra is not None else value
            found[(n, index)] = value + base[(n, index)] if base else value
        return found

    def residual(self, jets: Mapping[Jet, Any], unknowns: Mapping[Any, float]) -> np.ndarray:
        """Return the rows `[K · points]`, or `[K]` where they are integrated."""
        rows = self.pointwise.residuals(self._at(jets, unknowns), self.shape)
        if self.quadrature is not None:
            return self.weight * np.tensordot(rows, self.quadrature, rows.ndim - 1).ravel()
        if self.emphasis is not None:
            rows = rows * self.emphasis
        return self.weight * rows.ravel()

    def jacobian(self, jets: Mapping[Jet, Any], unknowns: Mapping[Any, float]) -> np.ndarray:
        """Return the derivative of the rows with respect to all coefficients `[rows, P]`."""
        values = self._at(jets, unknowns)
        sizes = [int(np.prod(s.shape)) for s in self.fields]
        count = int(np.prod(self.shape))
        whole = np.zeros((len(self.pointwise.expressions), count, sum(sizes)))
        starts = np.concatenate([[0], np.cumsum(sizes)])
        for k in range(len(self.pointwise.expressions)):
            slopes = self.pointwise.slopes_at(k, values)
            for n in range(len(self.fields)):
                mine = {index: slope for (field, index), slope in slopes.items() if field == n}
                if mine:
                    whole[k, :, starts[n] : starts[n + 1]] = self._outer(n, mine).reshape(count, sizes[n])
        if self.quadrature is not None:
            return self.weight * np.einsum("kpc,p->kc", whole, self.quadrature.ravel())
        if self.emphasis is not None:
            whole *= self.emphasis.reshape(-1, 1)
        whole = whole.reshape(-1, starts[-1])
        return whole if self.weight == 1.0 else self.weight * whole

    def by_unknown(self, jets: Mapping[Jet, Any], unknowns: Mapping[Any, float]) -> np.ndarray:
        """Return the derivative of the rows with respect to the unknown constants `[rows, U]`."""
        values = self._at(jets, unknowns)
        columns = np.zeros((len(self.pointwise.expressions), *self.shape, len(unknowns)))
        for k in range(len(self.pointwise.expressions)):
            for symbol, slope in self.pointwise.unknown_slopes_at(k, values, self.shape).items():
                columns[k, ..., list(unknowns).index(symbol)] = slope
        if self.emphasis is not None:
            columns *= self.emphasis[..., None]
        return self.weight * columns.reshape(-1, len(unknowns))

    def _outer(self, n: int, slopes: Mapping[Index, Any]) -> np.ndarray:
        """Return Σ slope · table ⊗ table ⊗ …, `[points of all axes, functions of all axes]`."""
        dimensions = len(self.shape)
        total: Any = 0.0
        for first in {self._key(0, index) for index in slopes}:
            rest: Any = 0.0
            for index, slope in slopes.items():
                if self._key(0, index) == first:
                    rest = rest + self._rest(n, index, slope)
            table = self.tables[n][0][first]
            shape = [1] * (2 * dimensions)
            shape[0], shape[dimensions] = table.shape
            total = total + table.reshape(shape) * rest
        return total

    def _rest(self, n: int, index: Index, slope: Any) -> np.ndarray:
        dimensions = len(self.shape)
        slope = np.asarray(slope, np.float64)
        if slope.ndim:
            slope = np.broadcast_to(slope, np.broadcast_shapes(slope.shape, (1,) * dimensions))
        value = (
            slope.reshape(slope.shape + (1,) * dimensions)
            if slope.ndim
            else slope.reshape((1,) * 2 * dimensions)
        )
        for axis in range(dimensions - 1, 0, -1):
            table = self.tables[n][axis][self._key(axis, index)]
            shape = [1] * (2 * dimensions)
            shape[axis], shape[dimensions + axis] = table.shape
            value = value * table.reshape(shape)
        return value

    def _at(self, jets: Mapping[Jet, Any], unknowns: Mapping[Any, float]) -> dict[Any, Any]:
        named = {self.pointwise.symbols[jet]: value for jet, value in jets.items()}
        return self.values | named | dict(unknowns)


def product(coefficients: np.ndarray, tables: Sequence[np.ndarray]) -> np.ndarray:
    """Return Σ c_{ij…} tables[0][p, i] tables[1][q, j] … on the grid `[p, q, …]`."""
    value = coefficients
    for axis in reversed(range(len(tables))):
        value = np.moveaxis(np.tensordot(tables[axis], value, (1, axis)), 0, axis)
    return value


def lift_at(
    lift: sympy.Expr,
    index: Index,
    coordinates: Sequence[Any],
    values: Mapping[Any, Any],
    shape: tuple[int, ...],
) -> Any:
    """Return a derivative of a lift on a grid, or None where it is zero everywhere."""
    expression = lift
    for symbol, order in zip(coordinates, index, strict=True):
        expression = sympy.diff(expression, symbol, order) if order else expression
    if expression == 0:
        return None
    return np.broadcast_to(evaluate(expression, {c: values[c] for c in coordinates}), shape)


def split(vector: np.ndarray, fields: Sequence[Series]) -> list[np.ndarray]:
    """Return the coefficients of every field from one vector."""
    parts, start = [], 0
    for s in fields:
        count = int(np.prod(s.shape))
        parts.append(vector[start : start + count].reshape(s.shape))
        start += count
    return parts
