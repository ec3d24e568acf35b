"""How an answer depends on the constants of its equation: ∂u/∂p from the factors that solved for u.

Differentiating F(u, p) = 0 gives J s = −∂F/∂p − J_c s_c in every window, with the Jacobian J of the forward
problem and the sensitivities s_c that the window before ended with: one more right-hand side for each
constant (Maly and Petzold 1996, "staggered direct").
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import sympy

from ansatz.equations.basis import Layer
from ansatz.equations.lower import evaluate
from ansatz.equations.march import Evolution, Step, Window, _as_chebyshev
from ansatz.equations.newton import Factors
from ansatz.equations.pointwise import Jet, Pointwise
from ansatz.equations.series import Block, lift_at, split
from ansatz.equations.stretch import Stretch

Values = Mapping[Any, float]


class Span(NamedTuple):
    """One window of a mesh: where it starts and ends, and its modes in time."""

    start: float
    end: float
    modes: int


@dataclass
class Traced:
    """A solution on a mesh of windows with its sensitivities.

    `windows[w]` are the fields and `slopes[w][p]` their derivatives by the p-th constant, both without lifts;
    `states[w]: [P]` and `moves[w]: [P, constants]` are the same as coefficients of the steps;
    `tail` is the largest share of the last coefficients, `tolerance` what was asked for.
    """

    evolution: Evolution
    values: dict[Any, float]
    spans: list[Span]
    windows: list[Window]
    slopes: list[list[Window]]
    states: list[np.ndarray]
    moves: list[np.ndarray]
    tail: float = 0.0
    tolerance: float = 0.0

    def at(
        self, points: Sequence[np.ndarray], jets: Sequence[Jet]
    ) -> dict[Jet, tuple[np.ndarray, np.ndarray]]:
        """Return derivatives of fields at scattered points `[N]` and their sensitivities `[N, U]`."""
        count, width, found = len(points[0]), 1 + len(self.slopes[0]), {}
        edges = np.array([span.start for span in self.spans] + [self.spans[-1].end])
        place = np.clip(np.searchsorted(edges, points[0], side="left") - 1, 0, len(self.spans) - 1)
        for number, index in jets:
            both = np.zeros((count, width))
            for w in np.unique(place):
                rows = np.flatnonzero(place == w)
                arrays = [self.windows[w], *self.slopes[w]]
                stacked = np.stack([one.coefficients[number] for one in arrays], -1)
                both[rows] = self._contracted(int(w), number, index, [p[rows] for p in points], stacked)
            pointwise, lift = self.evolution.pointwise, self.evolution.lifts[number]
            both += lifted(pointwise, lift, self.values, index, points)[:, :width]
            found[(number, index)] = both[:, 0], both[:, 1:]
        return found

    def _contracted(self, w: int, number: int, index: Sequence[int], points: Any, stacked: Any) -> np.ndarray:
        span = self.spans[w]
        layer = Layer(Stretch(span.start, span.end), stacked.shape[0])
        value = np.tensordot(layer.table(points[0], index[0])[-1], stacked, 1)
        for axis, space in enumerate(self.evolution.layers[number], 1):
            value = np.einsum("nm,nm...->n...", space.plain(points[axis], index[axis])[index[axis]], value)
        return value


def concrete(evolution: Evolution, values: Values) -> Evolution:
    """Return the evolution with numbers for the constants in its lifts and initial values."""
    table = {symbol: sympy.Float(value, 17) for symbol, value in values.items()}
    lifts = tuple(sympy.sympify(lift).xreplace(table) for lift in evolution.lifts)
    initial = tuple(tuple(sympy.sympify(v).xreplace(table) for v in one) for one in evolution.initial)
    return replace(evolution, lifts=lifts, initial=initial)


def derivative(evolution: Evolution, symbol: sympy.Symbol, values: Values) -> Evolution:
    """Return the evolution whose lifts and initial values are differentiated by a constant."""
    lifts = tuple(sympy.diff(lift, symbol) for lift in evolution.lifts)
    initial = tuple(tuple(sympy.diff(value, symbol) for value in one) for one in evolution.initial)
    return concrete(replace(evolution, lifts=lifts, initial=initial), values)


def trace(
    evolution: Evolution,
    spans: Sequence[Span],
    values: Values,
    guess: Callable[[int, Step, Sequence[np.ndarray]], np.ndarray],
) -> Traced | None:
    """Solve on a mesh that is given, and for the sensitivities by all constants with the same factors.

    Args:
        evolution: the problem, its layers large enough; its lifts and initial values may contain constants.
        spans: the windows.
        values: the constants.
        guess: where Newton's method starts in window w: `guess(w, step, carried) -> [P]`.

    Returns:
        The solution, or None where Newton's method did not converge.
    """
    values = dict(values)
    numbers = concrete(evolution, values)
    sides = [derivative(evolution, symbol, values) for symbol in evolution.pointwise.unknowns]
    carried, moving = numbers.carried(), [side.carried() for side in sides]
    result, tables = Traced(evolution, values, list(spans), [], [], [], []), {}
    for w, span in enumerate(spans):
        step = Step(numbers, span.start, span.end, span.modes, tables)
        settled = _settled(step, carried, values, guess(w, step, carried))
        if settled is None:
            return None
        x, factors = settled
        right = _right_side(step, x, carried, values, sides, moving)
        moves = factors.solve(-right) if right.shape[1] else np.zeros((len(x), 0))
        result.windows.append(step.window(x, carried))
        result.slopes.append([step.window(moves[:, p], moving[p]) for p in range(len(sides))])
        result.states.append(x)
        result.moves.append(moves)
        moving = [step.end_of(moves[:, p], moving[p]) for p in range(len(sides))]
        carried = step.end_of(x, carried)
    return result


def state_of(step: Step, window: Window, carried: Sequence[np.ndarray]) -> np.ndarray:
    """Return the coefficients `[P]` of a step that make a window; its space layers may have been smaller."""
    parts = []
    for s, array, old in zip(step.fields, window.coefficients, carried, strict=True):
        padded = np.zeros([layer.modes for layer in s.layers])
        padded[tuple(slice(0, k) for k in array.shape)] = array
        for axis, layer in enumerate(s.layers):
            if axis:
                padded = _uncombined(layer, padded, axis)
        if len(old):
            padded[: len(old)] -= _as_chebyshev(old, step.end - step.start)
        parts.append(_uncombined(s.layers[0], padded, 0).ravel())
    return np.concatenate(parts)


def block_slopes(block: Block, jets: Mapping[Jet, Any], values: Values, moving: Sequence[Any]) -> np.ndarray:
    """Return Σ_j ∂F/∂j · ∂j/∂p + ∂F/∂p, `[rows, U]`; `moving[p][jet]` is the part of ∂j/∂p that is known."""
    pointwise = block.pointwise
    at = block._at(jets, values)
    rows = np.zeros((len(pointwise.expressions), *block.shape, len(moving)))
    for k in range(len(pointwise.expressions)):
        for jet, slope in pointwise.slopes_at(k, at).items():
            for p, known in enumerate(moving):
                if (part := known.get(jet)) is not None:
                    rows[k, ..., p] += slope * part
        for symbol, slope in pointwise.unknown_slopes_at(k, at, block.shape).items():
            rows[k, ..., pointwise.unknowns.index(symbol)] += slope
    if block.quadrature is not None:
        axes = len(block.shape)
        rows = np.tensordot(rows, block.quadrature, (list(range(1, axes + 1)), list(range(axes))))
    elif block.emphasis is not None:
        rows *= block.emphasis[..., None]
    return block.weight * rows.reshape(-1, len(moving))


def _right_side(
    step: Step, x: np.ndarray, carried: Any, values: Values, sides: Sequence[Evolution], moving: Sequence[Any]
) -> np.ndarray:
    block, coordinates = step.block, step.block.pointwise.coordinates
    jets = block.jets(split(x, step.fields), step.base(carried))
    known = []
    for side, mine in zip(sides, moving, strict=True):
        base = step.base(mine)
        for jet in base:
            lift = lift_at(side.lifts[jet[0]], jet[1], coordinates, block.values, block.shape)
            base[jet] = base[jet] if lift is None else base[jet] + lift
        known.append(base)
    return block_slopes(block, jets, values, known)


def _settled(
    step: Step, carried: Sequence[np.ndarray], values: Values, x: np.ndarray
) -> tuple[np.ndarray, Factors] | None:
    """Return Newton's answer from a near guess and factors of the Jacobian there, or None."""
    base, block = step.base(carried), step.block

    def jets(x: np.ndarray) -> dict:
        return block.jets(split(x, step.fields), base)

    r = block.residual(jets(x), values)
    size, factors, moved_since = float(np.linalg.norm(r)), None, 0.0
    for _ in range(40):
        if not np.isfinite(size):
            return None
        if factors is None:
            factors, moved_since = Factors(block.jacobian(jets(x), values)), 0.0
        move = factors.solve(-r)
        x = x + move
        r = block.residual(jets(x), values)
        before, size = size, float(np.linalg.norm(r))
        moved = float(np.linalg.norm(move)) / max(float(np.linalg.norm(x)), 1e-300)
        moved_since += moved
        if moved < 1e-12 or (moved < 1e-8 and size > 0.5 * before):
            near = moved_since < 1e-3 or block.pointwise.linear
            return x, factors if near else Factors(block.jacobian(jets(x), values))
        if size > 0.2 * before:
            factors = None
    return None


def _uncombined(layer: Layer, array: np.ndarray, axis: int) -> np.ndarray:
    moved = np.moveaxis(array, axis, 0)
    found = np.linalg.lstsq(layer.combination, moved.reshape(len(moved), -1), rcond=None)[0]
    return np.moveaxis(found.reshape(layer.size, *moved.shape[1:]), 0, axis)


def lifted(
    pointwise: Pointwise, lift: Any, values: Values, index: Sequence[int], points: Sequence[np.ndarray]
) -> np.ndarray:
    """Return a derivative of a lift, and its slopes by the constants, at points `[N, 1 + constants]`."""
    expression = sympy.sympify(lift)
    for symbol, order in zip(pointwise.coordinates, index, strict=True):
        expression = sympy.diff(expression, symbol, order) if order else expression
    at = dict(values) | dict(zip(pointwise.coordinates, points, strict=True))
    columns = np.zeros((len(points[0]), 1 + len(pointwise.unknowns)))
    for column, one in enumerate([expression, *(sympy.diff(expression, s) for s in pointwise.unknowns)]):
        if one != 0:
            columns[:, column] = evaluate(one, at)
    return columns
