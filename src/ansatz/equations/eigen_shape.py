"""Eigenvalue problems on shapes: polynomials and corner functions, tested on points, as a pencil."""

from typing import Any

import numpy as np
import scipy.linalg
import sympy

from ansatz.equations.corner_layer import CornerLayer
from ansatz.equations.eigen_box import Discrete, null_space, split_pencil, split_rows
from ansatz.equations.pencil import squared
from ansatz.equations.pointwise import Pointwise
from ansatz.equations.polygon import Polygon, Rectangle
from ansatz.equations.problem import Condition, Problem
from ansatz.equations.series import Block, Series
from ansatz.equations.shape_layer import ShapeLayer
from ansatz.equations.shape_rules import rule
from ansatz.errors import BadInput

DEPENDENT = 1e-12
"""The share of the largest pivot below which functions are left out as combinations of the others."""
KEPT = 1e-9
"""The size on the boundary, relative to the largest, below which a condition counts as met."""


class ShapeProblem:
    """An eigenvalue problem on a shape in all coordinates.

    Conditions u = 0 are built into the functions where a factor or the corners allow it; others select, by
    the rank of their rows at boundary points, the combinations that meet them.
    """

    def __init__(self, problem: Problem, pointwise: Pointwise):
        if problem.intervals:
            names = ", ".join(map(str, problem.intervals))
            raise BadInput(
                f"Levels on a shape are found in its own coordinates alone, and {names} is given too."
            )
        self.problem, self.pointwise, self.shape = problem, pointwise, problem.shape
        axes = tuple(problem.coordinates.index(c) for c in problem.shape_coordinates)
        self.groups = (axes,)
        self.order = max(sum(index) for _, index in pointwise.jets)
        singular = len(self.shape.bounds) == 2 and any(c.angle * 2 > np.pi + 1e-9 for c in self.shape.corners)
        self.fastest = 0.1 if singular else 1e-6
        self.vanishing = {n for n, f in enumerate(problem.fields) if self._vanishes(f)}

    def _vanishes(self, function: Any) -> bool:
        """Whether a field is 0 on the boundary and has no other condition."""
        mine = [c for c in self.problem.conditions if c.residual.has(function)]
        return len(mine) == 1 and mine[0].kind == "boundary" and (mine[0].residual / function).is_number

    def start(self) -> tuple[int, ...]:
        """Return the degree to begin with."""
        return (8 if len(self.shape.bounds) == 2 else 6,)

    def grown(self, sizes: tuple[int, ...], tails: np.ndarray) -> tuple[int, ...]:
        """Return the next degree."""
        return (int(np.ceil(sizes[0] * 1.35)),)

    def richer(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """Return a slightly higher degree, for the estimate of errors."""
        return (sizes[0] + 2,)

    def unknowns(self, sizes: tuple[int, ...]) -> int:
        """Return how many functions there are at this degree."""
        return sum(self._layer(n, sizes[0]).size for n in range(len(self.problem.fields)))

    def _layer(self, number: int, degree: int) -> Any:
        symbols = tuple(self.problem.shape_coordinates)
        if number in self.vanishing:
            if isinstance(self.shape, Polygon | Rectangle) and self.order <= 2:
                return CornerLayer(self.shape, degree)
            corners = len(self.shape.bounds) == 2 and self.shape.corners
            if not corners and (factor := self.shape.factor(symbols)) is not None:
                return ShapeLayer(self.shape, degree, factor, symbols)
        return ShapeLayer(self.shape, degree)

    def _rows_needed(self, series: tuple[Series, ...]) -> list[Condition]:
        """Return the conditions that the functions do not meet by themselves."""
        found = []
        for condition in self.problem.conditions:
            numbers = [n for n, f in enumerate(self.problem.fields) if condition.residual.has(f)]
            layer = series[numbers[0]].layers[0]
            built_in = getattr(layer, "exact", False) or getattr(layer, "factor", None) is not None
            if len(numbers) > 1 or numbers[0] not in self.vanishing or not built_in:
                found.append(condition)
        return found

    def discrete(self, sizes: tuple[int, ...], shift: float) -> Discrete:
        """Return the pencil of this degree: one field is tested with its own functions, several by rows."""
        series = tuple(Series((self._layer(n, sizes[0]),)) for n in range(len(self.problem.fields)))
        count = 2 * max(s.layers[0].size for s in series) + 200
        points = self._points(count)
        reduction = self._reduction(series, points)
        a, b = split_pencil(Block(self.pointwise, series, [points], groups=self.groups), self.problem)
        a, b = a @ reduction, b @ reduction
        if len(series) == 1:
            zero = (0,) * points.shape[1]
            tests = series[0].layers[0].tables(points, {zero})[zero] @ reduction
            a, b = tests.T @ a, tests.T @ b
        else:
            a, b = squared(a, b, shift)
        return Discrete(series, self.groups, a, b, reduction, Samples(series, *rule(self.shape)))

    def _points(self, count: int) -> np.ndarray:
        """Return points inside, half as many more toward every corner where the functions are singular."""
        points = [self.shape.interior(count)]
        if len(self.shape.bounds) == 2:
            spread = self.shape.interior(count // 2, seed=1)
            for corner in self.shape.corners:
                if corner.reentrant:
                    vertex, shares = np.asarray(corner.vertex), np.linspace(0.006, 0.3, len(spread))
                    near = vertex + shares[:, None] * (spread - vertex)
                    points.append(near[self.shape.signed_distance(near) < -1e-9 * self.shape.scale])
        return np.concatenate(points)

    def _reduction(self, series: tuple[Series, ...], points: np.ndarray) -> np.ndarray:
        """Return the combinations that are independent and meet the conditions."""
        zero = (0,) * points.shape[1]
        bases = []
        for one in series:
            values = one.layers[0].tables(points, {zero})[zero]
            scale = np.maximum(np.linalg.norm(values, axis=0), 1e-300)
            found: Any = scipy.linalg.qr(values / scale, mode="r", pivoting=True)
            triangle, order = found
            diagonal = np.abs(np.diag(triangle))
            rank = int((diagonal > DEPENDENT * diagonal[0]).sum())
            inverse = scipy.linalg.solve_triangular(triangle[:rank, :rank], np.eye(rank))
            base = np.zeros((len(scale), rank))
            base[order[:rank]] = inverse / scale[order[:rank], None]
            bases.append(base)
        basis: Any = scipy.linalg.block_diag(*bases)
        rows = [self._boundary_rows(c, series) for c in self._rows_needed(series)]
        if not rows:
            return basis
        stacked = np.concatenate(rows) @ basis
        return basis @ null_space(stacked, basis.shape[1], KEPT)

    def _boundary_rows(self, condition: Condition, series: tuple[Series, ...]) -> np.ndarray:
        """Return the rows `[M, P]` of a condition at points of the boundary."""
        most = max(s.layers[0].size for s in series)
        corners = 6.0 if len(self.shape.bounds) == 2 and self.shape.corners else 0.0
        points, normals = self.shape.boundary(2 * most + 50, corners=corners)
        symbols = self.problem.shape_coordinates
        components = [sympy.Dummy(f"n{k}", real=True) for k in range(len(symbols))]
        along = list(zip(components, symbols, strict=True))
        table = {
            one: sympy.Add(*(n * sympy.diff(one.args[0], c) for n, c in along))
            for one in condition.residual.atoms(sympy.Function)
            if str(one.func) == "dn"
        }
        if self.problem.eigenvalue in condition.residual.free_symbols:
            raise BadInput(f"The condition {condition.text} contains the eigenvalue; on shapes it must not.")
        residual: Any = condition.residual.xreplace(table)
        pointwise = Pointwise([residual], self.problem.fields, self.problem.coordinates)
        known = dict(zip(components, normals.T, strict=True))
        return Block(pointwise, series, [points], known=known, groups=self.groups).jacobian({}, {})

    def tails(self, found: Discrete, vectors: np.ndarray) -> np.ndarray:
        """Return the share of the highest degree in the fields of the levels."""
        largest = 0.0
        for one, part in zip(found.series, split_rows(vectors, found.series), strict=True):
            layer = one.layers[0]
            if isinstance(layer, ShapeLayer):
                last = layer.powers.sum(axis=1) == layer.degree
                size = np.abs(part).max(axis=0)
                largest = max(largest, float((np.abs(part[last]).max(axis=0) / size).max()))
        return np.array([largest])

    def gather(self, found: Discrete, vectors: np.ndarray, accuracy: float) -> bool:
        """Shapes have no stretch."""
        return False


class Samples:
    """Values of all fields at the points of a rule, times the roots of its weights."""

    def __init__(self, series: tuple[Series, ...], points: np.ndarray, weights: np.ndarray):
        self.series, self.points, self.weights = series, points, weights

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """Return `[K, N, m]` for coefficients `[P, m]`."""
        zero = (0,) * self.points.shape[1]
        parts = split_rows(vectors, self.series)
        return np.array([
            s.layers[0].tables(self.points, {zero})[zero] @ part * np.sqrt(self.weights)[:, None]
            for s, part in zip(self.series, parts, strict=True)
        ])  # fmt: skip
