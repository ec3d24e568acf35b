"""Eigenvalue problems on boxes: products of layers that keep the conditions, collocated, as a pencil."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.linalg

from ansatz.equations.basis import Layer
from ansatz.equations.gather import gathering
from ansatz.equations.impose import impose
from ansatz.equations.pencil import squared
from ansatz.equations.pointwise import Pointwise
from ansatz.equations.problem import Condition, Problem
from ansatz.equations.series import Block, Series, product
from ansatz.equations.stretch import Stretch
from ansatz.errors import BadInput

MOST_GATHERED = 260
"""The modes up to which other stretches are tried: each trial costs a least-squares problem of that size."""


@dataclass(frozen=True)
class Discrete:
    """A problem with finitely many unknowns: A c = E B c.

    The coefficients of `series` are `reduction @ c`, field after field.  `samples` turns coefficients
    `[P, m]` into the values of all fields at quadrature points, `[K, N, m]`, times the root of the weights.
    """

    series: tuple[Series, ...]
    groups: tuple[tuple[int, ...], ...]
    a: np.ndarray
    b: np.ndarray
    reduction: np.ndarray
    samples: Any


class BoxProblem:
    """An eigenvalue problem on a box: the conditions sorted, the equations' slopes taken."""

    fastest = 1e-9

    def __init__(self, problem: Problem, pointwise: Pointwise):
        self.problem, self.pointwise = problem, pointwise
        self.imposed = impose(problem)
        self.stretches = [Stretch(*map(float, problem.intervals[c])) for c in problem.coordinates]
        self.groups = tuple((axis,) for axis in range(len(problem.coordinates)))

    def start(self) -> tuple[int, ...]:
        """Return how many modes to begin with on every axis."""
        return ({1: 32, 2: 14}.get(len(self.stretches), 8),) * len(self.stretches)

    def grown(self, sizes: tuple[int, ...], tails: np.ndarray) -> tuple[int, ...]:
        """Return more modes for every axis whose last coefficients are not small beside the others'."""
        factor = {1: 2.0, 2: 1.5}.get(len(sizes), 1.35)
        large = tails >= 0.01 * tails.max()
        return tuple(int(np.ceil(n * factor)) if up else n for n, up in zip(sizes, large, strict=True))

    def richer(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """Return a few more modes on every axis, for the estimate of errors."""
        return tuple(n + max(4, n // 10) for n in sizes)

    def unknowns(self, sizes: tuple[int, ...]) -> int:
        """Return how many unknowns these modes make."""
        return sum(int(np.prod(s.shape)) for s in self.series(sizes))

    def series(self, sizes: tuple[int, ...]) -> tuple[Series, ...]:
        """Return the ansatz of every field."""
        return tuple(
            Series(tuple(self._layer(number, axis, size) for axis, size in enumerate(sizes)))
            for number in range(len(self.problem.fields))
        )

    def _layer(self, number: int, axis: int, size: int) -> Layer:
        if (number, axis) in self.imposed.periodic:
            return Layer(
                Stretch(self.stretches[axis].low, self.stretches[axis].high), size | 1, kind="fourier"
            )
        return Layer(self.stretches[axis], size, self.imposed.functionals(number, axis))

    def discrete(self, sizes: tuple[int, ...], shift: float) -> Discrete:
        """Return the pencil for so many modes on every axis."""
        series = self.series(sizes)
        total = sum(int(np.prod(s.shape)) for s in series)
        kept, carrying = self._conditions(series, sizes)
        reduction = null_space(np.concatenate([rows for rows, _ in kept]), total) if kept else np.eye(total)
        counts = self._counts(series, sizes)
        have = sum(len(rows) for rows, _ in carrying)
        while sum(int(np.prod(c)) for c in counts) + have < reduction.shape[1]:
            counts = [tuple(n + 1 for n in c) for c in counts]
        blocks = [self._rows(k, series, c) for k, c in enumerate(counts)] + carrying
        a = np.concatenate([rows for rows, _ in blocks])
        b = np.concatenate([slope for _, slope in blocks])
        if kept:
            a, b = a @ reduction, b @ reduction
        return Discrete(series, self.groups, *squared(a, b, shift), reduction, _Samples(series))

    def _rows(
        self, k: int, series: tuple[Series, ...], counts: tuple[int, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        points = [layer.nodes(n) for layer, n in zip(series[0].layers, counts, strict=True)]
        one = _Single(self.pointwise, k)
        return split_pencil(Block(one, series, points), self.problem)

    def _counts(self, series: tuple[Series, ...], sizes: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Return the points of each equation on every axis: the modes less what conditions take.

        An equation gives up as many points as its order; where conditions are fewer than orders, as at
        regular singular ends, the equations of highest order get points back.
        """
        counts = [list(sizes) for _ in self.pointwise.expressions]
        for axis, size in enumerate(sizes):
            if any((n, axis) in self.imposed.periodic for n in range(len(series))):
                for one in counts:
                    one[axis] = size | 1
                continue
            orders = [max(i[axis] for _, i in slopes) for slopes in self.pointwise.slopes]
            stated = sum(e.axis == axis for e in self.imposed.exact)
            stated += sum(self._axis(c) == axis for c in self.imposed.rest)
            for _ in range(sum(orders) - stated):
                orders[int(np.argmax(orders))] -= 1
            for one, order in zip(counts, orders, strict=True):
                one[axis] = max(size - order, 1)
        return [tuple(one) for one in counts]

    def _axis(self, condition: Condition) -> int:
        return self.problem.coordinates.index(condition.at[0][0]) if len(condition.at) == 1 else -1

    def _conditions(self, series: tuple[Series, ...], sizes: tuple[int, ...]) -> tuple[list, list]:
        """Return the rows of the conditions that no layer holds, those with the eigenvalue in them apart."""
        symbol: Any = self.problem.eigenvalue
        kept, carrying = [], []
        for condition in self.imposed.rest:
            where = dict(condition.at)
            points = [
                np.array([where[c]]) if c in where else layer.nodes(n)
                for c, layer, n in zip(self.problem.coordinates, series[0].layers, sizes, strict=True)
            ]
            pointwise = Pointwise(
                [condition.residual], self.problem.fields, self.problem.coordinates, [symbol]
            )
            rows = split_pencil(Block(pointwise, series, points), self.problem)
            (carrying if rows[1].any() else kept).append(rows)
        return kept, carrying

    def tails(self, found: Discrete, vectors: np.ndarray) -> np.ndarray:
        """Return for every axis the largest share, over fields and levels, of the last two coefficients."""
        tails = np.zeros(len(self.stretches))
        for slices in self._coefficients(found, vectors):
            for axis in range(len(tails)):
                sizes = np.abs(np.moveaxis(slices, axis, 0)).reshape(slices.shape[axis], -1, slices.shape[-1])
                last, largest = sizes[-2:].max(axis=(0, 1)), np.maximum(sizes.max(axis=(0, 1)), 1e-300)
                tails[axis] = max(tails[axis], float((last / largest).max()))
        return tails

    def gather(self, found: Discrete, vectors: np.ndarray, accuracy: float) -> bool:
        """Gather the points of every axis where that saves functions, and tell whether any was changed."""
        coefficients, changed = self._coefficients(found, vectors), False
        for axis, stretch in enumerate(self.stretches):
            layers = [s.layers[axis] for s in found.series]
            if stretch.width or layers[0].kind == "fourier" or layers[0].modes > MOST_GATHERED:
                continue
            slices = [
                layer.combination @ np.moveaxis(c, axis, 0).reshape(layer.size, -1)
                for layer, c in zip(layers, coefficients, strict=True)
            ]
            better = gathering(layers, slices, accuracy)
            if better is not None:
                self.stretches[axis], changed = better, True
        return changed

    def _coefficients(self, found: Discrete, vectors: np.ndarray) -> list[np.ndarray]:
        return [
            c.reshape(*s.shape, -1)
            for s, c in zip(found.series, split_rows(vectors, found.series), strict=True)
        ]


class _Single(Pointwise):
    """One of several equations, which shares their symbols."""

    def __init__(self, whole: Pointwise, k: int):
        self.coordinates, self.unknowns, self.symbols = whole.coordinates, whole.unknowns, whole.symbols
        self.expressions, self.slopes = [whole.expressions[k]], [whole.slopes[k]]
        self.by_unknown = [whole.by_unknown[k]]


class _Samples:
    """Values of all fields at quadrature points, times the root of the weights."""

    def __init__(self, series: tuple[Series, ...]):
        self.series = series

    @cached_property
    def _tables(self) -> tuple[list[list[np.ndarray]], np.ndarray, tuple[int, ...]]:
        rules = [layer.quadrature(layer.modes + 8) for layer in self.series[0].layers]
        weights: Any = 1.0
        for _, w in rules:
            weights = np.multiply.outer(weights, w)
        tables = [
            [layer.table(x, 0)[0] for layer, (x, _) in zip(s.layers, rules, strict=True)] for s in self.series
        ]
        return tables, np.sqrt(weights), weights.shape

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """Return `[K, N, m]` for coefficients `[P, m]`."""
        tables, root, shape = self._tables
        parts = split_rows(vectors, self.series)
        columns = [
            [product(column.reshape(s.shape), own) * root for column in part.T]
            for s, part, own in zip(self.series, parts, tables, strict=True)
        ]
        count = vectors.shape[1]
        return np.array(columns).reshape(len(columns), count, int(np.prod(shape))).transpose(0, 2, 1)


def split_pencil(block: Block, problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Return A and B of rows that are linear in the fields and in E: F = (A - E B) c."""
    zero = block.jacobian({}, {problem.eigenvalue: 0.0})
    return zero, zero - block.jacobian({}, {problem.eigenvalue: 1.0})


def split_rows(vectors: np.ndarray, series: tuple[Series, ...]) -> list[np.ndarray]:
    """Return the coefficients `[P_k, m]` of every field from those of all, `[P, m]`."""
    return np.split(vectors, np.cumsum([int(np.prod(s.shape)) for s in series])[:-1])


def null_space(rows: np.ndarray, total: int, tolerance: float = 1e-11) -> np.ndarray:
    """Return an orthonormal basis `[P, M]` of what rows `[R, P]` of conditions leave free."""
    size = np.linalg.norm(rows, axis=1, keepdims=True)
    if not size.all():
        raise BadInput("A condition holds for every function of the ansatz; leave it out.")
    found: Any = scipy.linalg.qr((rows / size).T, pivoting=True)
    turned, triangle, _ = found
    diagonal = np.abs(np.diag(triangle))
    rank = int((diagonal > tolerance * diagonal[0]).sum())
    if rank >= total:
        raise BadInput(f"The conditions leave none of {total} functions; leave some of them out.")
    return turned[:, rank:]
