"""The axes of a problem that is solved at once: its layers, what is built in, and its rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy

from ansatz.equations.basis import Layer
from ansatz.equations.domain import Box
from ansatz.equations.impose import Imposed, impose, lift
from ansatz.equations.pointwise import Pointwise
from ansatz.equations.problem import Condition, Problem
from ansatz.equations.rows import condition_block
from ansatz.equations.series import Block, Series
from ansatz.equations.shape_layer import ShapeLayer
from ansatz.equations.stretch import Stretch

MODES = (10, 16, 24, 36, 52, 76, 110, 160, 230, 330)
DEGREES = (6, 10, 14, 20, 28, 38, 50)
HIGH = (4, 6, 7, 8, 9, 10, 11, 12)
"""Degrees on shapes of two or three, and of more dimensions."""


class Layout:
    """The axes of a problem: one for every interval, one for the coordinates of a shape or a large box."""

    def __init__(self, problem: Problem):
        self.problem = problem
        symbols = problem.coordinates
        self.shape, inside = problem.shape, tuple(problem.shape_coordinates or ())
        if self.shape is None and len(symbols) - (problem.time is not None) >= 4:
            inside = tuple(s for s in symbols if s != problem.time)
            self.shape = Box(tuple(tuple(map(float, problem.intervals[s])) for s in inside))
        self.inside = inside
        self.groups = tuple((n,) for n, s in enumerate(symbols) if s not in inside)
        if inside:
            self.groups += (tuple(symbols.index(s) for s in inside),)
        self.imposed = _for_boxes(impose(problem), problem, inside)
        self.pointwise = Pointwise(
            problem.equations, problem.fields, symbols, tuple(u.symbol for u in problem.unknowns)
        )
        self.factor, self.lifts = self._exact_boundary()
        self.stretches = {
            n: Stretch(*map(float, problem.intervals[s])) for n, s in enumerate(symbols) if s not in inside
        }

    def _exact_boundary(self) -> tuple[dict[int, sympy.Expr], list[sympy.Expr]]:
        """Hold `u = g` on the boundary of a smooth shape by a factor, where there is one."""
        factors, lifts = {}, []
        for number, function in enumerate(self.problem.fields):
            base = sympy.S.Zero
            for condition in list(self.imposed.rest):
                value = _value_on_boundary(condition, function, self.problem.fields)
                if value is None or self.shape is None or len(self.shape.bounds) != 2 or self.shape.corners:
                    continue
                if (factor := self.shape.factor(self.inside)) is not None:
                    factors[number], base = factor, value
                    self.imposed.rest.remove(condition)
            axes = [g[0] for g in self.groups if len(g) == 1]
            lifts.append(_lift_over(self.problem, self.imposed, number, axes, base))
        return factors, lifts

    def fields(
        self, level: int, stretches: dict[int, Stretch], *, richer: bool = False
    ) -> tuple[Series, ...]:
        """Return the ansatz of every field at a level of resolution, or a little above it."""
        found = []
        for number in range(len(self.problem.fields)):
            layers: list[Any] = []
            for group in self.groups:
                if len(group) == 1:
                    layers.append(self._layer(number, group[0], level, stretches, richer))
                else:
                    degrees = HIGH if len(self.shape.bounds) > 3 else DEGREES
                    degree = (
                        degrees[min(level, len(degrees) - 1)]
                        + (1 if len(self.shape.bounds) > 3 else 2) * richer
                    )
                    cornered = bool(self.shape.corners) and len(self.shape.bounds) == 2
                    layers.append(
                        ShapeLayer(
                            self.shape,
                            degree,
                            self.factor.get(number),
                            self.inside,
                            4 + 2 * level if cornered else 0,
                        )
                    )
            found.append(Series(tuple(layers), self.lifts[number]))
        return tuple(found)

    def _layer(self, number: int, axis: int, level: int, stretches: dict, richer: bool) -> Layer:
        imposed, modes = self.imposed, MODES[min(level, len(MODES) - 1)]
        modes += richer * max(4, modes // 10)
        if (
            self.problem.time is not None
            and len(self.groups) > 1
            and axis == self.problem.coordinates.index(self.problem.time)
        ):
            modes = min(modes, 24)
        functionals = imposed.functionals(number, axis)
        parity = imposed.parity.get((number, axis), "")
        if parity:
            modes = modes // 2 + 2
        if (number, axis) in imposed.periodic:
            return Layer(stretches[axis], modes if parity else modes | 1, (), parity, "fourier")
        lower = self._reduced(number)
        return Layer(stretches[axis], max(modes - 2 * lower, 3) + len(functionals), functionals, parity)

    def _reduced(self, number: int) -> bool:
        """A field of lower order without conditions of its own (a pressure) gets fewer functions."""
        axes = range(len(self.problem.coordinates))
        order = max(self.pointwise.order(number, axis) for axis in axes)
        highest = max(self.pointwise.order(n, axis) for n in range(len(self.problem.fields)) for axis in axes)
        return (
            order < highest
            and not any(e.field == number for e in self.imposed.exact)
            and len(self.problem.fields) > 1
        )

    def blocks(self, fields: Sequence[Series]) -> list[Block]:
        """Return the rows: the equations inside, and every condition that is not built in."""
        points = []
        for axis, group in enumerate(self.groups):
            layers = [s.layers[axis] for s in fields]
            largest = max(layers, key=lambda one: one.size)
            if len(group) == 1:
                square = self._square(fields)
                points.append(largest.nodes(largest.size if square else largest.size + 4 + largest.size // 5))
            else:
                points.append(self.shape.interior(int(2.2 * largest.size) + 40, margin=1e-9))
        scale = self._equation_scale()
        emphasis = None if self._square(fields) else self._emphasis(points, fields)
        blocks = [
            Block(self.pointwise, fields, points, groups=self.groups, weight=1.0 / scale, emphasis=emphasis)
        ]
        return blocks + self.conditions(fields)

    def _emphasis(self, points: Sequence[np.ndarray], fields: Sequence[Series]) -> np.ndarray | None:
        """Return the root of the area for which a point stands: Chebyshev points are dense at the ends.

        Without it the corners, where a residual may be infinite, would outweigh everything else.
        """
        whole: Any = np.ones(())
        for axis, p in enumerate(points):
            layer, one = fields[0].layers[axis], np.ones(len(p))
            if p.ndim == 1 and layer.kind == "chebyshev":
                one = np.maximum(1 - layer.stretch.reference(p) ** 2, 1e-12) ** 0.25
            whole = np.multiply.outer(whole, one)
        return whole

    def conditions(self, fields: Sequence[Series]) -> list[Block]:
        """Return the rows of every condition that is not built in."""
        return [condition_block(self, c, fields) for c in self.imposed.rest]

    def _square(self, fields: Sequence[Series]) -> bool:
        shapes = {s.shape for s in fields}
        flat = all(len(group) == 1 for group in self.groups)
        return (
            flat and len(shapes) == 1 and not self.imposed.rest and len(self.problem.equations) == len(fields)
        )

    def _equation_scale(self) -> float:
        """Return the size of the terms with derivatives for a field of size and length 1 on the domain."""
        lengths = self._lengths()
        found = 0.0
        for slopes in self.pointwise.slopes:
            for (_, index), slope in slopes.items():
                size = abs(float(slope)) if slope.is_number else 1.0
                found = max(
                    found, size * float(np.prod([(2 / h) ** k for h, k in zip(lengths, index, strict=True)]))
                )
        return found or 1.0

    def _lengths(self) -> list[float]:
        found = []
        for s in self.problem.coordinates:
            low, high = (
                self.shape.bounds[self.inside.index(s)] if s in self.inside else self.problem.intervals[s]
            )
            found.append(float(high) - float(low))
        return found


def _for_boxes(imposed: Imposed, problem: Problem, inside: tuple) -> Imposed:
    """Conditions on faces of a coordinate that is part of a shape cannot be built in: they become rows."""
    if inside:
        numbers = {problem.coordinates.index(s) for s in inside}
        for one in [e for e in imposed.exact if e.axis in numbers]:
            imposed.exact.remove(one)
            imposed.rest.append(one.condition)
        imposed.parity = {}
    return imposed


def _lift_over(
    problem: Problem, imposed: Imposed, number: int, axes: Sequence[int], base: sympy.Expr
) -> sympy.Expr:
    if base == 0:
        return lift(problem, imposed.exact, number, axes)
    shifted = []
    for e in imposed.exact:
        if e.field == number:
            symbol = problem.coordinates[e.axis]
            gap = sum(
                w * sympy.diff(base, symbol, k).subs(symbol, e.functional.place)
                for k, w in enumerate(e.functional.weights)
            )
            e = e._replace(value=e.value - gap)
        shifted.append(e)
    return base + lift(problem, shifted, number, axes)


def _value_on_boundary(condition: Condition, function: Any, fields: Sequence[Any]) -> sympy.Expr | None:
    if condition.kind != "boundary" or condition.at:
        return None
    rest = sympy.expand(condition.residual - function)
    return -rest if not any(rest.has(f) for f in fields) else None
