"""Which conditions the ansatz can hold exactly, and how: layers that vanish, lifts that do not."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import sympy

from ansatz.equations.basis import Functional, Parity
from ansatz.equations.lower import evaluate
from ansatz.equations.pointwise import Pointwise
from ansatz.equations.problem import Condition, Problem
from ansatz.errors import BadInput


class Exact(NamedTuple):
    """A condition Σ_k weights[k] ∂^k u / ∂x^k = value on the face x = place."""

    field: int
    axis: int
    functional: Functional
    value: sympy.Expr
    condition: Condition


@dataclass
class Imposed:
    """How the conditions of a problem on a box are kept.

    `exact` are built into the ansatz, `rest` become rows of the least-squares system; `periodic` lists
    (field, axis); `parity[(field, axis)]` is a symmetry that the whole problem has.
    """

    exact: list[Exact]
    rest: list[Condition]
    periodic: set[tuple[int, int]]
    parity: dict[tuple[int, int], Parity] = field(default_factory=dict)

    def functionals(self, number: int, axis: int) -> tuple[Functional, ...]:
        """Return what a layer of a field must satisfy; under a parity the far end says it all."""
        mine = [e.functional for e in self.exact if e.field == number and e.axis == axis]
        if self.parity.get((number, axis)):
            far = max((f.place for f in mine), default=0.0)
            mine = [f for f in mine if f.place == far]
        return tuple(mine)

    def initial(self, number: int, axis: int) -> list[sympy.Expr]:
        """Return the initial values of a field and of its time derivatives, in order."""
        mine = [e for e in self.exact if e.field == number and e.axis == axis]
        return [e.value for e in sorted(mine, key=lambda e: len(e.functional.weights))]


def impose(problem: Problem, *, symbolic: bool = False) -> Imposed:
    """Sort the conditions of a problem on a box into exact ones and the rest.

    Those whose values contain unknown constants are exact only where the values may be `symbolic`.
    """
    exact, rest, periodic = [], [], set()
    for condition in problem.conditions:
        if condition.kind == "periodic":
            axis = problem.coordinates.index(condition.at[0][0])
            number = problem.fields.index(condition.residual)
            periodic.add((number, axis))
            continue
        plain = condition.kind == "value" and len(condition.at) == 1
        found = _exact(condition, problem, symbolic) if plain else None
        exact.append(found) if found else rest.append(condition)
    imposed = Imposed(exact, rest, periodic)
    _initial_ones(imposed, problem)
    imposed.parity = parities(problem, imposed)
    return imposed


def _exact(condition: Condition, problem: Problem, symbolic: bool = False) -> Exact | None:
    symbol, place = condition.at[0]
    axis = problem.coordinates.index(symbol)
    pointwise = Pointwise([condition.residual], problem.fields, problem.coordinates)
    numbers = {number for number, _ in pointwise.jets}
    along = all(sum(index) == index[axis] for _, index in pointwise.jets)
    constant = all(slope.is_number for slope in pointwise.slopes[0].values())
    unknown = set() if symbolic else {u.symbol for u in problem.unknowns}
    inside = unknown & condition.residual.free_symbols
    if (
        len(numbers) != 1
        or not along
        or not constant
        or inside
        or problem.eigenvalue in condition.residual.free_symbols
    ):
        return None
    weights = [0.0] * (1 + max(index[axis] for _, index in pointwise.jets))
    for (_, index), slope in pointwise.slopes[0].items():
        weights[index[axis]] = float(slope)
    known: Any = pointwise.expressions[0].xreplace(dict.fromkeys(pointwise.symbols.values(), sympy.S.Zero))
    value = (-known).subs(symbol, place)
    return Exact(numbers.pop(), axis, Functional(place, tuple(weights)), value, condition)


def _initial_ones(imposed: Imposed, problem: Problem) -> None:
    """Let initial conditions be u, u_t, … in order, each alone; others go to the rest."""
    if problem.time is None:
        return
    axis = problem.coordinates.index(problem.time)
    for number in range(len(problem.fields)):
        mine = [e for e in imposed.exact if e.field == number and e.axis == axis]
        mine.sort(key=lambda e: len(e.functional.weights))
        for order, one in enumerate(mine):
            weights = one.functional.weights
            if len(weights) != order + 1 or any(weights[:-1]):
                for each in mine:
                    imposed.exact.remove(each)
                    imposed.rest.append(each.condition)
                break
            if weights[-1] != 1.0:
                at = imposed.exact.index(one)
                unit = Functional(one.functional.place, (*weights[:-1], 1.0))
                imposed.exact[at] = one._replace(functional=unit, value=one.value / weights[-1])


def lift(problem: Problem, exact: Sequence[Exact], number: int, axes: Sequence[int]) -> sympy.Expr:
    """Return a closed expression that satisfies the inhomogeneous conditions of a field on some axes.

    Axis after axis, A ← A + Σ s_i(x) (g_i − ℓ_i[A]) with polynomials s_i such that ℓ_i[s_j] = δ_ij: a
    transfinite interpolation, whose later terms vanish on the earlier faces if the corners agree.
    """
    total = sympy.S.Zero
    for axis in axes:
        mine = [e for e in exact if e.field == number and e.axis == axis]
        if not mine:
            continue
        symbol = problem.coordinates[axis]
        low, high = (float(v) for v in problem.intervals[symbol])
        shapes = _cardinal([e.functional for e in mine], low, high, symbol, mine)
        for one, shape in zip(mine, shapes, strict=True):
            gap = one.value - _applied(one.functional, total, symbol)
            total = total + (0 if gap == 0 else shape * gap)
    return total


def _applied(functional: Functional, expression: sympy.Expr, symbol: sympy.Symbol) -> sympy.Expr:
    found = sympy.S.Zero
    for order, weight in enumerate(functional.weights):
        if weight:
            found += sympy.Float(weight, 17) * sympy.diff(expression, symbol, order).subs(
                symbol, functional.place
            )
    return found


def _cardinal(
    functionals: Sequence[Functional], low: float, high: float, symbol: Any, named: Sequence[Exact]
) -> list[sympy.Expr]:
    count = len(functionals)
    half, middle = (high - low) / 2, (high + low) / 2

    def slope(degree: int, order: int) -> Any:
        basis = np.polynomial.Chebyshev.basis(degree, [low, high])
        return basis.deriv(order) if order else basis

    matrix = np.array(
        [
            [sum(w * slope(k, o)(f.place) for o, w in enumerate(f.weights)) for k in range(count + 2)]
            for f in functionals
        ]
    )
    for degree in range(count, count + 3):
        found, _, rank, _ = np.linalg.lstsq(matrix[:, :degree], np.eye(count), rcond=1e-12)
        if rank == count and np.abs(matrix[:, :degree] @ found - np.eye(count)).max() < 1e-10:
            z = (symbol - middle) / half
            return [_polynomial(column, z) for column in found.T]
    texts = " and ".join(repr(e.condition.text) for e in named)
    raise BadInput(f"The conditions {texts} repeat or contradict one another.")


def _polynomial(coefficients: np.ndarray, z: sympy.Expr) -> sympy.Expr:
    large = [(k, c) for k, c in enumerate(coefficients) if abs(c) > 1e-15]
    return sympy.Add(*(sympy.Float(c, 17) * sympy.chebyshevt(k, z) for k, c in large))


def parities(problem: Problem, imposed: Imposed) -> dict[tuple[int, int], Parity]:
    """Return the mirror symmetries about the middle of a coordinate that equations and conditions share.

    Tested with numbers: equations and conditions are evaluated at random places and their mirror images.
    """
    found: dict[tuple[int, int], Parity] = {}
    count = len(problem.fields)
    if count > 4 or problem.unknowns or problem.eigenvalue is not None or imposed.rest:
        return found
    for axis, symbol in enumerate(problem.coordinates):
        if symbol == problem.time:
            continue
        low, high = (float(v) for v in problem.intervals[symbol])
        for signs in itertools.product((1, -1), repeat=count):
            if _mirrored(problem, imposed, axis, (low + high) / 2, signs):
                for number, sign in enumerate(signs):
                    found[(number, axis)] = "even" if sign > 0 else "odd"
                break
    return found


def _mirrored(problem: Problem, imposed: Imposed, axis: int, middle: float, signs: tuple[int, ...]) -> bool:
    random = np.random.default_rng(0)
    places = {
        c: float(low) + (float(high) - float(low)) * random.random(5)
        for c, (low, high) in problem.intervals.items()
    }
    whole = Pointwise(problem.equations, problem.fields, problem.coordinates)
    jets = {symbol: random.standard_normal(5) for symbol in whole.symbols.values()}
    symbol = problem.coordinates[axis]
    turned = {whole.symbols[j]: jets[whole.symbols[j]] * signs[j[0]] * (-1) ** j[1][axis] for j in whole.jets}
    mirrored = places | {symbol: 2 * middle - places[symbol]}
    with np.errstate(all="ignore"):
        for expression in whole.expressions:
            if not _same_or_opposite(
                evaluate(expression, places | jets), evaluate(expression, mirrored | turned)
            ):
                return False
        for one in imposed.exact:
            if one.axis == axis:
                if not _has_image(one, imposed.exact, middle, signs, places):
                    return False
            else:
                here, there = evaluate(one.value, places), evaluate(one.value, mirrored)
                if not np.allclose(here, signs[one.field] * there, rtol=1e-10, atol=1e-12):
                    return False
    return all((n, axis) in imposed.periodic for n in range(len(signs))) or not any(
        a == axis for _, a in imposed.periodic
    )


def _has_image(
    one: Exact, exact: Sequence[Exact], middle: float, signs: Sequence[int], places: Mapping[Any, Any]
) -> bool:
    for other in exact:
        if (
            other.field != one.field
            or other.axis != one.axis
            or abs(other.functional.place + one.functional.place - 2 * middle) > 1e-12
        ):
            continue
        turned = [w * (-1) ** k for k, w in enumerate(other.functional.weights)]
        if len(turned) != len(one.functional.weights):
            continue
        ratio = 1.0 if np.allclose(turned, one.functional.weights) else -1.0
        if not np.allclose(np.array(turned) * ratio, one.functional.weights):
            continue
        value = signs[one.field] * ratio * evaluate(other.value, places)
        if np.allclose(evaluate(one.value, places), value, rtol=1e-10, atol=1e-12):
            return True
    return False


def _same_or_opposite(first: Any, second: Any) -> bool:
    second = np.asarray(second)
    return any(np.allclose(first, other, rtol=1e-9, atol=1e-10) for other in (second, -second))
