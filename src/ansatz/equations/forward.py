"""The forward problem of an inverse one: answers with sensitivities for any value of the constants."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

import numpy as np
import sympy

from ansatz.equations.evolve import evolution_of, marches
from ansatz.equations.impose import Imposed, _exact, impose
from ansatz.equations.march import Evolution, Step
from ansatz.equations.newton import Factors
from ansatz.equations.pointwise import Jet
from ansatz.equations.problem import Problem
from ansatz.equations.resolution import space_tail, time_tail
from ansatz.equations.sensitivity import (
    Span,
    Traced,
    Values,
    block_slopes,
    concrete,
    lifted,
    state_of,
    trace,
)
from ansatz.equations.static import Layout, Static, _solve, static
from ansatz.equations.windows import UNKNOWNS, March, march

NEAR = 0.2
"""Constants that differ by less than this share are solved for on the mesh that stands."""


class Marching:
    """An evolution, solved window by window; the windows are kept while the constants change little."""

    evolves = True

    def __init__(self, evolution: Evolution, limit: int = UNKNOWNS):
        self.evolution, self.limit, self.pointwise = evolution, limit, evolution.pointwise

    def solve(
        self,
        values: Values,
        tolerance: float,
        *,
        end: float | None = None,
        near: Traced | None = None,
        deadline: float | None = None,
    ) -> Traced | None:
        """Return the solution with its sensitivities, or None where the march does not reach the end."""
        end = self.evolution.end if end is None else end
        with np.errstate(all="ignore"):
            if (
                near is not None
                and near.tolerance <= tolerance
                and near.spans[-1].end == end
                and _change(near.values, values) < NEAR
                and (found := self._again(near, values, tolerance)) is not None
            ):
                return found
            layers = near.evolution.layers if near is not None else self.evolution.layers
            layered = replace(self.evolution, layers=layers, end=end)
            numbers = concrete(layered, values)
            marched = march(
                numbers, tolerance=tolerance, limit=self.limit, estimate=False,
                known=dict(values), deadline=deadline,
            )  # fmt: skip
            if not marched.converged or not marched.windows:
                return None
            return self._traced(marched, values, tolerance)

    def estimated(self, values: Values, tolerance: float, near: Traced) -> March:
        """Return the march with its estimated error."""
        layered = replace(self.evolution, layers=near.evolution.layers)
        return march(concrete(layered, values), tolerance=tolerance, limit=self.limit, known=dict(values))

    def _again(self, near: Traced, values: Values, tolerance: float) -> Traced | None:
        delta = np.array([values[s] - near.values[s] for s in self.pointwise.unknowns])

        def guess(w: int, step: Step, carried: Sequence[np.ndarray]) -> np.ndarray:
            return near.states[w] + near.moves[w] @ delta

        found = trace(near.evolution, near.spans, values, guess)
        if found is None:
            return None
        found.tail, found.tolerance = _tail(found), near.tolerance
        return found if found.tail <= 10 * max(tolerance, 0.1 * near.tail) else None

    def _traced(self, marched: March, values: Values, tolerance: float) -> Traced | None:
        layered = replace(self.evolution, layers=marched.evolution.layers, end=marched.evolution.end)
        order = self.evolution.orders[0]
        spans = [Span(w.start, w.end, len(w.coefficients[0]) - order) for w in marched.windows]

        def guess(w: int, step: Step, carried: Sequence[np.ndarray]) -> np.ndarray:
            return state_of(step, marched.windows[w], carried)

        found = trace(layered, spans, values, guess)
        if found is not None:
            found.tail, found.tolerance = _tail(found), tolerance
        return found


class AtOnce:
    """A problem solved at once over all coordinates; functions are kept while the constants change little."""

    evolves = False

    def __init__(self, problem: Problem, limit: int = 3000):
        self.layout, self.limit = Layout(problem), limit
        self.pointwise = self.layout.pointwise

    def solve(
        self,
        values: Values,
        tolerance: float,
        *,
        end: float | None = None,
        near: "Steady | None" = None,
        deadline: float | None = None,
    ) -> "Steady | None":
        """Return the solution with its sensitivities, or None where Newton's method does not converge."""
        known = dict(values)
        with np.errstate(all="ignore"):
            if near is not None and near.tolerance <= tolerance and _change(near.values, values) < NEAR:
                found = _solve(self.layout, near.found.fields, known, near.found)
                found.errors = near.found.errors
            else:
                found = static(
                    self.layout.problem, accuracy=tolerance, limit=self.limit, unknowns=known,
                    layout=self.layout, deadline=deadline,
                )  # fmt: skip
            if not found.converged:
                return None
            blocks = self.layout.blocks(found.fields)
            jets = [block.jets(found.coefficients) for block in blocks]
            matrix = np.concatenate([b.jacobian(j, known) for b, j in zip(blocks, jets, strict=True)])
            still: list[Any] = [{} for _ in self.pointwise.unknowns]
            right = [block_slopes(b, j, known, still) for b, j in zip(blocks, jets, strict=True)]
            moves = Factors(matrix).solve(-np.concatenate(right))
        return Steady(self.layout, known, found, moves, tolerance)


@dataclass
class Steady:
    """An answer found at once, with the slopes `moves: [P, constants]` of its coefficients."""

    layout: Layout
    values: dict[Any, float]
    found: Static
    moves: np.ndarray
    tolerance: float

    def at(
        self, points: Sequence[np.ndarray], jets: Sequence[Jet]
    ) -> dict[Jet, tuple[np.ndarray, np.ndarray]]:
        """Return derivatives of fields at scattered points `[N]` and their sensitivities `[N, U]`."""
        out = {}
        starts = [0, *np.cumsum([c.size for c in self.found.coefficients])]
        for number, index in jets:
            s, c = self.found.fields[number], self.found.coefficients[number]
            start = int(starts[number])
            moves = self.moves[start : start + c.size].reshape(*c.shape, -1)
            value = np.concatenate([c[..., None], moves], -1)
            for axis, (layer, group) in enumerate(zip(s.layers, self.layout.groups, strict=True)):
                if len(group) == 1:
                    table = layer.table(points[group[0]], index[group[0]])[-1]
                else:
                    key = tuple(index[g] for g in group)
                    table = layer.tables(np.stack([points[g] for g in group], 1), {key})[key]
                value = (
                    np.einsum("nm,nm...->n...", table, value) if axis else np.tensordot(table, value, 1)
                )  # fmt: skip
            value = value + lifted(self.layout.pointwise, s.lift, self.values, index, points)
            out[(number, index)] = value[:, 0], value[:, 1:]
        return out


Forward: TypeAlias = Marching | AtOnce
"""What solves a problem for given constants."""


def forward_of(problem: Problem, limit: int | None = None) -> Forward:
    """Return what solves a problem with unknown constants: in time windows if they serve, else at once."""
    if problem.time is not None and problem.shape is None:
        imposed = imposed_with_constants(problem)
        if marches(problem, imposed):
            return Marching(evolution_of(problem, imposed), limit or UNKNOWNS)
    return AtOnce(problem, limit or 3000)


def imposed_with_constants(problem: Problem) -> Imposed:
    """Sort conditions as `impose` does, and build those in whose values contain unknown constants.

    Symmetries are looked for with arbitrary numbers in place of the constants.
    """
    table = {u.symbol: sympy.Float(u.start * 1.2345 + 0.0678, 17) for u in problem.unknowns}
    numbers, bare = copy.copy(problem), copy.copy(problem)
    numbers.unknowns = bare.unknowns = ()
    numbers.equations = tuple(cast(sympy.Expr, e.xreplace(table)) for e in problem.equations)
    numbers.conditions = tuple(replace(c, residual=c.residual.xreplace(table)) for c in problem.conditions)
    found = impose(numbers)
    stated = {id(new): old for new, old in zip(numbers.conditions, problem.conditions, strict=True)}
    kept = []
    for one in found.exact:
        original = stated[id(one.condition)]
        symbolic = _exact(original, bare)
        if symbolic is None:
            found.rest.append(original)
            found.parity = {}
            continue
        ratio = symbolic.functional.weights[-1] / one.functional.weights[-1]
        kept.append(one._replace(value=symbolic.value / ratio, condition=original))
    found.exact = kept
    found.rest = [stated.get(id(c), c) for c in found.rest]
    return found


def _change(old: Values, new: Values) -> float:
    return max((abs(new[s] - old[s]) / max(abs(old[s]), 1e-300) for s in new), default=0.0)


def _tail(found: Traced) -> float:
    fields = range(len(found.windows[0].coefficients))
    groups = found.evolution.groups
    sizes = [max(float(np.abs(w.coefficients[n]).max()) for w in found.windows) for n in fields]
    scales = [max(sizes[m] for m in fields if groups[m] == groups[n]) for n in fields]
    return max(max(time_tail(w, scales), space_tail(w, scales)) for w in found.windows)
