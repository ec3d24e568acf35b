"""Problems solved at once over all coordinates: boundary-value problems, shapes, conditions left to rows."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy

from ansatz.core import BadInput
from ansatz.equations.basis import Layer
from ansatz.equations.domain import Box
from ansatz.equations.gather import gathering
from ansatz.equations.impose import Imposed, impose, lift
from ansatz.equations.newton import newton
from ansatz.equations.pointwise import Pointwise
from ansatz.equations.problem import Condition, Problem
from ansatz.equations.series import Block, Series, split
from ansatz.equations.shape_layer import ShapeLayer
from ansatz.equations.stretch import Stretch

MODES = (10, 16, 24, 36, 52, 76, 110, 160, 230, 330)
DEGREES = (6, 10, 14, 20, 28, 38, 50)
HIGH = (4, 6, 7, 8, 9, 10, 11, 12)
"""Degrees on shapes of two or three, and of more dimensions."""
BOUNDARY = 100.0
"""The weight of the rows of a condition: the equations are scaled to 1."""


@dataclass
class Static:
    """What was found: the series of every field, coefficients, and a richer answer (`rich`, `defect`) from which the error is estimated."""

    fields: tuple[Series, ...]
    groups: tuple[tuple[int, ...], ...]
    coefficients: list[np.ndarray]
    rich: tuple[Series, ...] = ()
    defect: list[np.ndarray] = field(default_factory=list)
    error: float = float("inf")
    errors: dict[str, float] = field(default_factory=dict)
    residual: float = float("inf")
    converged: bool = False
    factorizations: int = 0
    size: int = 0
    remarks: list[str] = field(default_factory=list)


class Layout:
    """The axes of a problem: one for every interval, one for the coordinates of a shape (or of a large box)."""

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
        blocks = [Block(self.pointwise, fields, points, groups=self.groups, weight=1.0 / scale)]
        return blocks + [b for c in self.imposed.rest for b in self._rows(c, fields)]

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

    def _rows(self, condition: Condition, fields: Sequence[Series]) -> list[Block]:
        symbols = self.problem.coordinates
        residual, known, quadrature = condition.residual, {}, None
        fixed = dict(condition.at)
        points: list[np.ndarray] = []
        integrals = list(residual.atoms(sympy.Integral))
        if integrals:
            if len(integrals) > 1 or residual.coeff(integrals[0]) != 1:
                raise BadInput(f"The condition {condition.text!r} is not of the form integral(…) = number.")
            over = {limit[0] for limit in integrals[0].limits}
            level = residual - integrals[0]
            residual = integrals[0].function
        for axis, group in enumerate(self.groups):
            largest = max((s.layers[axis] for s in fields), key=lambda one: one.size)
            if len(group) == 1 and symbols[group[0]] in fixed:
                points.append(np.array([float(fixed[symbols[group[0]]])]))
            elif len(group) == 1 and integrals:
                x, w = largest.quadrature(largest.modes + 8)
                points.append(x)
                quadrature = w if quadrature is None else np.multiply.outer(quadrature, w)
            elif len(group) == 1:
                points.append(largest.nodes(largest.size + 2))
            elif condition.kind == "boundary":
                on, normals = self.shape.boundary(
                    max(60, int(6 * np.sqrt(largest.size)) * 4), corners=2.0 if self.shape.corners else 0.0
                )
                points.append(on)
                residual, known = _with_normals(residual, normals, self.inside, self.problem.fields)
            elif all(s in fixed for s in self.inside):
                points.append(np.array([[float(fixed[s]) for s in self.inside]]))
            elif any(s in fixed for s in self.inside):
                points.append(_face(self.shape, self.inside, fixed, largest.size))
            else:
                points.append(self.shape.interior(largest.size * 2))
        if integrals:
            volume = float(np.sum(quadrature)) if quadrature is not None else 1.0
            residual = residual + level / volume
            if set(fixed) | over != set(symbols):
                raise BadInput(
                    f"The condition {condition.text!r} neither integrates over nor fixes every coordinate."
                )
            quadrature = np.asarray(quadrature).reshape([len(p) for p in points])
        pointwise = Pointwise([residual], self.problem.fields, symbols, self.pointwise.unknowns)
        return [
            Block(
                pointwise,
                fields,
                points,
                groups=self.groups,
                weight=BOUNDARY,
                quadrature=quadrature,
                known=known,
            )
        ]


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


def _with_normals(
    residual: sympy.Expr, normals: np.ndarray, inside: Sequence[sympy.Symbol], fields: Sequence[Any]
) -> tuple:
    names = [sympy.Dummy(f"n_{s.name}", real=True) for s in inside]
    table = {}
    for one in residual.atoms(sympy.core.function.AppliedUndef):
        if one.func.__name__ == "dn":
            table[one] = sum(n * sympy.Derivative(one.args[0], s) for n, s in zip(names, inside, strict=True))
    return residual.xreplace(table), dict(zip(names, normals.T, strict=True))


def _face(shape: Any, inside: Sequence[sympy.Symbol], fixed: dict, size: int) -> np.ndarray:
    points = shape.interior(max(80, int(3 * size ** (1 - 1 / len(inside)))), seed=1)
    for axis, s in enumerate(inside):
        if s in fixed:
            points[:, axis] = float(fixed[s])
    return points


def static(
    problem: Problem,
    *,
    accuracy: float = 1e-8,
    limit: int = 3000,
    unknowns: dict[Any, float] | None = None,
    deadline: float | None = None,
    progress: Callable[[float], None] = lambda share: None,
    layout: Layout | None = None,
) -> Static:
    """Solve a problem at growing resolutions until the estimated error is below `accuracy`.

    The estimate is the solution of the linearised equation for the defect in a slightly richer space:
    Newton steps from the answer, prolonged.
    """
    layout = layout or Layout(problem)
    unknowns = unknowns or {}
    stretches, best, level, stalled = dict(layout.stretches), None, 0, 0
    while True:
        fields = layout.fields(level, stretches)
        size = sum(int(np.prod(s.shape)) for s in fields)
        if best is not None and (size > limit or (size == best.size and level >= len(MODES))):
            break
        if deadline is not None and best is not None and time.monotonic() > deadline:
            best.remarks.append("The time allowed was over before the resolution sufficed.")
            break
        found = _solve(layout, fields, unknowns, best)
        if found.converged:
            rich = _solve(layout, layout.fields(level, stretches, richer=True), unknowns, found)
            found.error = _difference(layout, found, rich)
        if best is not None and best.converged:
            stalled = stalled + 1 if 0.5 * best.error <= found.error and best.error < 1e-5 else 0
        if best is None or not best.converged or found.error < best.error:
            best = found
        progress(_share(best.error, accuracy))
        if best.converged and (best.error <= accuracy or stalled == 2):
            break
        if found.converged and level >= 3:
            stretches = _gathered(layout, found, stretches, max(accuracy, found.error))
        level += 1
    best.residual = _held_out(layout, best, unknowns)
    return best


def _share(error: float, accuracy: float) -> float:
    return float(np.clip(np.log(min(error, 1.0)) / np.log(accuracy), 0.0, 1.0))


def _solve(layout: Layout, fields: tuple[Series, ...], unknowns: dict, before: Static | None) -> Static:
    blocks = layout.blocks(fields)

    def jets(x: np.ndarray, block: Block) -> dict:
        return block.jets(split(x, fields))

    def residual(x: np.ndarray) -> np.ndarray:
        return np.concatenate([b.residual(jets(x, b), unknowns) for b in blocks])

    def jacobian(x: np.ndarray) -> np.ndarray:
        return np.concatenate([b.jacobian(jets(x, b), unknowns) for b in blocks])

    size = sum(int(np.prod(s.shape)) for s in fields)
    linear = all(b.pointwise.linear for b in blocks)
    start = np.zeros(size)
    if before is not None and before.converged and not linear:
        start = _prolonged(layout, before, fields)
    solved = newton(residual, jacobian, start, linear=linear, steps=40)
    return Static(
        fields, layout.groups, split(solved.x, fields),
        converged=solved.converged, factorizations=solved.factorizations, size=size,
    )  # fmt: skip


def _prolonged(layout: Layout, before: Static, fields: Sequence[Series]) -> np.ndarray:
    parts = []
    for old, new, c in zip(before.fields, fields, before.coefficients, strict=True):
        array = c
        for axis, (a, b) in enumerate(zip(old.layers, new.layers, strict=True)):
            moved = np.moveaxis(array, axis, 0)
            if isinstance(b, Layer):
                x = b.nodes(2 * b.size)
                source, target = a.table(x, 0)[0], b.table(x, 0)[0]
            else:
                x = b.shape.interior(2 * b.size)
                zero = (0,) * len(b.shape.bounds)
                source, target = a.tables(x, {zero})[zero], b.tables(x, {zero})[zero]
            values = source @ moved.reshape(len(moved), -1)
            found = np.linalg.lstsq(target, values, rcond=1e-13)[0]
            array = np.moveaxis(found.reshape(b.size, *moved.shape[1:]), 0, axis)
        parts.append(array.ravel())
    return np.concatenate(parts)


def values_of(
    fields: Sequence[Series], coefficients: Sequence[np.ndarray], groups: Any, points: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """Return v, the fields less their lifts, on a tensor grid."""
    found = []
    for s, c in zip(fields, coefficients, strict=True):
        tables = []
        for layer, p in zip(s.layers, points, strict=True):
            zero = (0,) * (p.shape[1] if p.ndim == 2 else 1)
            tables.append(layer.table(p, 0)[0] if p.ndim == 1 else layer.tables(p, {zero})[zero])
        value = c
        for axis in reversed(range(len(tables))):
            value = np.moveaxis(np.tensordot(tables[axis], value, (1, axis)), 0, axis)
        found.append(value)
    return found


def sample(layout: Layout, count: int = 0, seed: int = 5) -> list[np.ndarray]:
    """Return a grid that no solve uses, for errors and held-out residuals."""
    count = count or {1: 400, 2: 40, 3: 16}.get(len(layout.groups), 8)
    found = []
    for group in layout.groups:
        if len(group) == 1:
            low, high = (float(v) for v in layout.problem.intervals[layout.problem.coordinates[group[0]]])
            found.append(low + (high - low) * (np.arange(count) + 0.4142) / count)
        else:
            found.append(layout.shape.interior(600, seed=seed))
    return found


def _difference(layout: Layout, coarse: Static, fine: Static) -> float:
    """Return the relative L2 difference, the largest over the fields; the finer answer stays as the estimate."""
    points = sample(layout)
    old = values_of(coarse.fields, coarse.coefficients, layout.groups, points)
    new = values_of(fine.fields, fine.coefficients, layout.groups, points)
    sizes = [float(np.linalg.norm(v)) for v in _with_lifts(layout, fine, new, points)]
    for re, im in getattr(layout.problem, "complex_fields", {}).values():
        a, b = layout.problem.fields.index(re), layout.problem.fields.index(im)
        sizes[a] = sizes[b] = float(np.hypot(sizes[a], sizes[b]))
    coarse.rich, coarse.defect = fine.fields, fine.coefficients
    coarse.errors = {
        f.func.__name__: float(np.linalg.norm(a - b)) / (s or 1.0)
        for f, a, b, s in zip(layout.problem.fields, old, new, sizes, strict=True)
    }
    return max(coarse.errors.values())


def _with_lifts(
    layout: Layout, found: Static, values: Sequence[np.ndarray], points: Sequence[np.ndarray]
) -> list:
    zero = tuple(0 for _ in layout.problem.coordinates)
    block = Block(layout.pointwise, found.fields, points, groups=layout.groups)
    from ansatz.equations.series import lift_at

    whole = []
    for s, v in zip(found.fields, values, strict=True):
        extra = lift_at(s.lift, zero, layout.problem.coordinates, block.values, block.shape)
        whole.append(v if extra is None else v + extra)
    return whole


def _held_out(layout: Layout, found: Static, unknowns: dict) -> float:
    """Return the RMS residual at held-out points over that of the terms it consists of."""
    block = Block(layout.pointwise, found.fields, sample(layout), groups=layout.groups)
    jets = block.jets(found.coefficients)
    rows = block.residual(jets, unknowns)
    terms = 0.0
    values = block._at(jets, unknowns)
    for k in range(len(layout.pointwise.expressions)):
        for jet, slope in layout.pointwise.slopes_at(k, values).items():
            terms = max(terms, float(np.sqrt(np.mean(np.square(slope * jets[jet])))))
    return float(np.sqrt(np.mean(rows**2))) / (terms or 1.0)


def _gathered(layout: Layout, found: Static, stretches: dict, accuracy: float) -> dict:
    """Gather points along the axes on which that saves functions."""
    chosen = dict(stretches)
    for axis, group in enumerate(layout.groups):
        mine = [s.layers[axis] for s in found.fields]
        if len(group) > 1 or mine[0].kind == "fourier":
            continue
        slices = []
        for s, c in zip(found.fields, found.coefficients, strict=True):
            moved = np.moveaxis(c, axis, 0).reshape(c.shape[axis], -1)
            slices.append(s.layers[axis].combination @ moved)
        if (stretch := gathering(mine, slices, accuracy)) is not None:
            chosen[group[0]] = stretch
    return chosen
