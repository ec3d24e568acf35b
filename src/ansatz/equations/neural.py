"""A whole network as the ansatz of an equation: its conditions, its residuals and their points.

    u_f(x) = A_f(x) + B_f(x) N_θ(x)_f

A meets the conditions and B vanishes where they hold, so that θ is free.  In the notes' soft form A = 0,
B = 1, and every condition is a penalty (notes §2).
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import sympy
from jaxtyping import Array, Float, PRNGKeyArray
from scipy.stats import qmc

from ansatz.core import BadInput, Fixed, Map
from ansatz.equations.features import Features
from ansatz.equations.impose import Exact, impose, lift
from ansatz.equations.jets import closure, derivatives
from ansatz.equations.lower import evaluate
from ansatz.equations.parse import Scope, parse_expression
from ansatz.equations.pointwise import Index, Pointwise
from ansatz.equations.printing import text_of
from ansatz.equations.problem import Condition, Problem
from ansatz.equations.series import lift_at
from ansatz.maps.layers import Chain
from ansatz.maps.mlp import MLP


class NeuralAnsatz(Map):
    """u_f(x) = A_f(x) + B_f(x) N(x)_f of one point `x: [d]`; A and B are expressions, kept as text.

    `constants` holds the values `[p]` of the constants named `parameters`, on which A and the equation may
    depend; they are data, so that one program trains networks for many values.
    """

    net: Map
    coordinates: tuple[str, ...] = eqx.field(static=True)
    fields: tuple[str, ...] = eqx.field(static=True)
    lifts: tuple[str, ...] = eqx.field(static=True)
    factors: tuple[str, ...] = eqx.field(static=True)
    parameters: tuple[str, ...] = eqx.field(static=True, default=())
    constants: Fixed | None = None

    def __call__(self, x: Float[Array, " d"], *, key: PRNGKeyArray | None = None) -> Float[Array, " f"]:
        """Return the fields at one point."""
        at = {s: x[i] for i, s in enumerate(self._symbols())} | self.known()
        inside = self.net(x)
        found = []
        for n, (a, b) in enumerate(self._expressions()):
            found.append(
                jnp.asarray(evaluate(a, at, jnp), x.dtype)
                + jnp.asarray(evaluate(b, at, jnp), x.dtype) * inside[n]
            )
        return jnp.stack(found)

    def values(self, number: int, points: Sequence[np.ndarray], index: Sequence[int]) -> np.ndarray:
        """Return a derivative of one field at scattered points, one array `[N]` for each coordinate."""
        asked = (number, tuple(index))
        return self.derivative(self.terms(np.stack(points, axis=1), (asked,)), asked)

    def derivative(self, terms: "Point", asked: tuple[int, Index]) -> np.ndarray:
        """Return one derivative of one field `[N]` at the points of `terms(points, (asked,))`."""
        with jax.enable_x64(True):
            model, terms = jax.tree.map(jnp.asarray, (self, terms))
            return np.asarray(_derivative(model, terms, asked))

    def known(self) -> dict[sympy.Symbol, Any]:
        """Return the values of the constants by their symbols."""
        values = () if self.constants is None else self.constants.value
        return {constant(name): values[i] for i, name in enumerate(self.parameters)}

    def jets(self, point: "Point", asked: Sequence[tuple[int, Index]]) -> dict[tuple[int, Index], Array]:
        """Return derivatives at one point from those of the network and of A and B (Leibniz)."""
        orders = self.orders(asked)
        inside = derivatives(self.net, point.x, orders)
        place = {index: i for i, index in enumerate(orders)}
        found = {}
        for at, (n, index) in enumerate(asked):
            total = point.lift[at]
            for low in itertools.product(*(range(k + 1) for k in index)):
                rest = tuple(a - b for a, b in zip(index, low, strict=True))
                times = math.prod(math.comb(a, b) for a, b in zip(index, low, strict=True))
                if self.factors[n] == "1" and any(rest):
                    continue
                total = total + times * point.factor[n, place[rest]] * inside[low][n]
            found[(n, index)] = total
        return found

    @staticmethod
    def orders(asked: Sequence[tuple[int, Index]]) -> tuple[Index, ...]:
        """Return every order that a derivative of a product needs."""
        size = len(asked[0][1])
        return tuple(closure((index for _, index in asked), size))

    def terms(self, points: np.ndarray, asked: Sequence[tuple[int, Index]]) -> "Point":
        """Return points `[N, d]` with the derivatives of A and B there, in float64."""
        symbols = self._symbols()
        at = dict(zip(symbols, points.T, strict=True))
        numbers = {symbol: sympy.Float(float(value), 17) for symbol, value in self.known().items()}
        expressions = [(a.xreplace(numbers), b) for a, b in self._expressions()]
        count = (len(points),)
        lifts = [lift_at(expressions[n][0], index, symbols, at, count) for n, index in asked]
        zero = np.zeros(count)
        lifted = np.stack([zero if one is None else one for one in lifts], axis=1)
        factors = [
            [lift_at(b, index, symbols, at, count) for index in self.orders(asked)] for _, b in expressions
        ]
        whole = np.stack([np.stack([zero if one is None else one for one in row], 1) for row in factors], 1)
        return Point(points, lifted, whole)

    def _symbols(self) -> list[sympy.Symbol]:
        return [sympy.Symbol(name, real=True) for name in self.coordinates]

    def _expressions(self) -> list[tuple[Any, Any]]:
        scope = Scope({s.name: s for s in self._symbols()}, {}, {n: constant(n) for n in self.parameters})
        return [
            (parse_expression(a, scope), parse_expression(b, scope))
            for a, b in zip(self.lifts, self.factors, strict=True)
        ]


def constant(name: str) -> sympy.Symbol:
    """Return the symbol of a constant, as statements declare it."""
    return sympy.Symbol(name, real=True)


class Point(NamedTuple):
    """A point with derivatives of the lifts `[jets]` and of the factors `[fields, orders]` there."""

    x: Any
    lift: Any
    factor: Any


@eqx.filter_jit
def _derivative(model: NeuralAnsatz, points: Point, asked: tuple[int, Index]) -> Array:
    """Return one derivative at all points; compiled once for each of them and each number of points."""
    return jax.vmap(lambda point: model.jets(point, (asked,))[asked])(points)


@dataclass(frozen=True)
class Rows:
    """One block: `residual(model, point) -> [K]` at `points`, weighted so that blocks count alike."""

    residual: Callable[[Any, Any], Array]
    points: Point | tuple[Point, Any]


def built_in(problem: Problem, soft: bool) -> tuple[list[sympy.Expr], list[sympy.Expr], list[Condition]]:
    """Return A and B of every field and the conditions that are left to rows.

    A may contain the problem's unknown constants, which are parameters then.
    """
    imposed = impose(problem, symbolic=True)
    if soft or problem.shape is not None:
        periodic = [c for c in problem.conditions if c.kind == "periodic"]
        none: list[sympy.Expr] = [sympy.S.Zero for _ in problem.fields]
        return (
            none,
            [sympy.S.One for _ in problem.fields],
            [c for c in problem.conditions if c not in periodic],
        )
    kept: list[Exact] = []
    left = list(imposed.rest)
    factors = []
    for number in range(len(problem.fields)):
        factor = sympy.S.One
        for axis, symbol in enumerate(problem.coordinates):
            mine = [e for e in imposed.exact if e.field == number and e.axis == axis]
            low, high = (float(v) for v in problem.intervals[symbol])
            if not _plain(mine, low):
                left += [e.condition for e in mine]
                continue
            kept += mine
            begun = sum(e.functional.place == low for e in mine)
            factor *= ((symbol - low) / (high - low)) ** begun * ((high - symbol) / (high - low)) ** (
                len(mine) - begun
            )
        factors.append(factor)
    lifts = [lift(problem, kept, n, range(len(problem.coordinates))) for n in range(len(problem.fields))]
    return lifts, factors, left


def _plain(conditions: Sequence[Exact], low: float) -> bool:
    """Tell whether conditions are values at ends, or u, u_t, … in order at the lower end."""
    begun = sorted(len(e.functional.weights) for e in conditions if e.functional.place == low)
    ended = [e for e in conditions if e.functional.place != low]
    alone = all(not any(e.functional.weights[:-1]) for e in conditions)
    return (
        alone
        and begun == list(range(1, len(begun) + 1))
        and all(len(e.functional.weights) == 1 for e in ended)
        and len(ended) < 2
    )


def make_ansatz(
    problem: Problem, *, width: int, depth: int, activation: str, soft: bool, waves: int, key: Any
) -> tuple[NeuralAnsatz, list[Condition]]:
    """Return an untrained network with what it holds exactly, and the conditions it does not."""
    lifts, factors, left = built_in(problem, soft)
    intervals = []
    for s in problem.coordinates:
        if s in problem.intervals:
            low, high = problem.intervals[s]
        else:
            low, high = problem.shape.bounds[problem.shape_coordinates.index(s)]
        intervals.append((float(low), float(high)))
    periodic = _periodic(problem)
    inputs = Features(intervals, periodic, waves)
    net = MLP(inputs.size, len(problem.fields), width=width, depth=depth, activation=activation, key=key)
    names = tuple(f.func.__name__ for f in problem.fields)
    starts = np.array([u.start for u in problem.unknowns], np.float64)
    model = NeuralAnsatz(
        Chain(inputs, net), tuple(s.name for s in problem.coordinates), names,
        tuple(map(text_of, lifts)), tuple(map(text_of, factors)),
        tuple(u.symbol.name for u in problem.unknowns), Fixed(starts) if len(starts) else None,
    )  # fmt: skip
    return model, left


def _periodic(problem: Problem) -> tuple[int, ...]:
    """Return the places of the coordinates in which the fields, all of one network, are periodic."""
    found = []
    for place, symbol in enumerate(problem.coordinates):
        fields = {c.residual for c in problem.conditions if c.kind == "periodic" and c.at[0][0] == symbol}
        if fields and (other := [f for f in problem.fields if f not in fields]):
            raise BadInput(
                f"One network makes all fields periodic in {symbol}, and {other[0].func.__name__} is not; "
                "leave --method away."
            )
        found += [place] if fields else []
    return tuple(found)


def rows_of(
    problem: Problem, model: NeuralAnsatz, left: Sequence[Condition], points: int, seed: int, weight: float,
    pool: int = 1,
) -> list[Rows]:  # fmt: skip
    """Return the blocks of residuals: the equations inside, then every condition that is left.

    Inside there are `pool` times as many points as `points`, which are to be used at once.
    """
    inside = scatter(problem, pool * points, seed)
    blocks = [_block(problem, model, problem.equations, inside, math.sqrt(pool))]
    for number, condition in enumerate(left):
        if condition.kind == "integral":
            raise BadInput(f"A network cannot hold the condition {condition.text!r}; leave --method away.")
        residual, places = condition.residual, scatter(problem, max(points // 8, 32), seed + number + 1)
        if condition.kind == "boundary":
            places, normals = _on_boundary(problem, max(points // 8, 64), places)
            residual = _directed(problem, residual)
        else:
            normals = None
            for symbol, value in condition.at:
                places[:, problem.coordinates.index(symbol)] = float(value)
        blocks.append(_block(problem, model, [residual], places, weight, normals))
    return blocks


def _block(
    problem: Problem,
    model: NeuralAnsatz,
    expressions: Sequence[Any],
    places: np.ndarray,
    weight: float,
    normals: Any = None,
) -> Rows:
    pointwise = Pointwise(expressions, problem.fields, problem.coordinates)
    asked = pointwise.jets
    names = () if normals is None else tuple(f"n_{s.name}" for s in problem.shape_coordinates)
    plain = {symbol: _jet_symbol(jet) for jet, symbol in pointwise.symbols.items()}
    residual = Residual(
        tuple(e.xreplace(plain) for e in pointwise.expressions), asked,
        tuple(s.name for s in problem.coordinates), names, weight / math.sqrt(len(places)),
    )  # fmt: skip
    terms = model.terms(places, asked)
    return Rows(residual, (terms, normals) if names else terms)


class Residual(eqx.Module):
    """`residual(model, point) -> [K]`: expressions of the coordinates, jets, constants and normals, scaled.

    Its fields say all of it, so that one made anew from the same statement is the same program.
    """

    expressions: tuple[Any, ...] = eqx.field(static=True)
    asked: tuple[tuple[int, Index], ...] = eqx.field(static=True)
    coordinates: tuple[str, ...] = eqx.field(static=True)
    normals: tuple[str, ...] = eqx.field(static=True)
    scale: float = eqx.field(static=True)

    def __call__(self, model: NeuralAnsatz, point: Any) -> Float[Array, " K"]:
        """Return the residuals at one point, or at a pair of a point of the boundary and its normal."""
        point, normal = point if self.normals else (point, ())
        jets = model.jets(point, self.asked)
        values: dict[Any, Any] = {constant(name): point.x[i] for i, name in enumerate(self.coordinates)}
        values |= {_jet_symbol(jet): value for jet, value in jets.items()} | model.known()
        values |= {constant(name): normal[i] for i, name in enumerate(self.normals)}
        rows = [jnp.asarray(evaluate(e, values, jnp), point.x.dtype) for e in self.expressions]
        return self.scale * jnp.stack(rows)


def _jet_symbol(jet: tuple[int, Index]) -> sympy.Symbol:
    """Return a symbol for a derivative that no statement can spell."""
    return sympy.Symbol(f"∂{jet}", real=True)


def scatter(problem: Problem, count: int, seed: int) -> np.ndarray:
    """Return quasi-random points `[N, d]` all over the domain (Sobol's sequence)."""
    # SciPy before 1.15 has no rng=.
    draws = qmc.Sobol(len(problem.coordinates), seed=seed)  # pyright: ignore[reportCallIssue]
    cube = draws.random_base2(max(4, math.ceil(math.log2(count))))[:count]
    found = np.empty_like(cube)
    for axis, s in enumerate(problem.coordinates):
        if s in problem.intervals:
            low, high = (float(v) for v in problem.intervals[s])
            found[:, axis] = low + (high - low) * cube[:, axis]
    if problem.shape is not None:
        inside = problem.shape.interior(len(cube), seed=seed, margin=1e-9)
        for column, s in enumerate(problem.shape_coordinates):
            found[:, problem.coordinates.index(s)] = inside[:, column]
    return found


def _on_boundary(problem: Problem, count: int, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    on, normals = problem.shape.boundary(count)
    chosen = np.resize(places, (len(on), places.shape[1]))
    for column, s in enumerate(problem.shape_coordinates):
        chosen[:, problem.coordinates.index(s)] = on[:, column]
    return chosen, normals


def _directed(problem: Problem, residual: sympy.Expr) -> Any:
    table = {}
    for one in residual.atoms(sympy.core.function.AppliedUndef):
        if one.func.__name__ == "dn":
            parts = [
                sympy.Symbol(f"n_{s.name}", real=True) * sympy.Derivative(one.args[0], s)
                for s in problem.shape_coordinates
            ]
            table[one] = sympy.Add(*parts)
    return residual.xreplace(table)
