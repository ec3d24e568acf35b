"""From an evolution problem on a box to its windows: the accuracy asked decides how tightly to march."""

import copy
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ansatz.equations.basis import Layer
from ansatz.equations.expansion import Expansion, of_windows, values
from ansatz.equations.impose import Imposed, lift
from ansatz.equations.lower import evaluate
from ansatz.equations.march import Evolution
from ansatz.equations.pointwise import Pointwise
from ansatz.equations.problem import Problem
from ansatz.equations.stretch import Stretch
from ansatz.equations.windows import UNKNOWNS, March, march

MODES = 20
FINEST = 3e-15
PATIENCE = 120.0
"""How many seconds a march may take that only makes an answer more accurate."""
ROUNDING = float(np.finfo(np.float64).eps)


def marches(problem: Problem, imposed: Imposed) -> bool:
    """Tell whether a problem can be solved window by window: all its conditions are built in."""
    if problem.time is None or problem.shape is not None or problem.eigenvalue is not None or imposed.rest:
        return False
    axis = problem.coordinates.index(problem.time)
    if len(problem.coordinates) > 3:
        return False
    orders = [len(imposed.initial(n, axis)) for n in range(len(problem.fields))]
    pointwise = Pointwise(problem.equations, problem.fields, problem.coordinates)
    return all(order == pointwise.order(n, axis) for n, order in enumerate(orders)) and max(orders) > 0


def time_first(problem: Problem) -> Problem:
    """Return the problem with time as its first coordinate, for fields written u(x, t)."""
    if problem.time is None or problem.coordinates[0] == problem.time:
        return problem
    turned = copy.copy(problem)
    turned.coordinates = (problem.time, *(s for s in problem.coordinates if s != problem.time))
    return turned


def evolution_of(problem: Problem, imposed: Imposed, modes: int = MODES) -> Evolution:
    """Return the evolution of a problem that `marches`."""
    fields, symbols = problem.fields, problem.coordinates
    layers, lifts, orders, initial = [], [], [], []
    for number in range(len(fields)):
        row = []
        for axis, symbol in enumerate(symbols[1:], 1):
            low, high = (float(v) for v in problem.intervals[symbol])
            fourier = (number, axis) in imposed.periodic
            parity = imposed.parity.get((number, axis), "")
            count = modes if not fourier or parity else modes | 1
            kind = "fourier" if fourier else "chebyshev"
            row.append(Layer(Stretch(low, high), count, imposed.functionals(number, axis), parity, kind))
        layers.append(tuple(row))
        lifts.append(lift(problem, imposed.exact, number, range(1, len(symbols))))
        initial.append(tuple(imposed.initial(number, 0)))
        orders.append(len(initial[-1]))
    groups = list(range(len(fields)))
    for re, im in problem.complex_fields.values():
        groups[fields.index(im)] = fields.index(re)
    start, end = (float(v) for v in problem.intervals[symbols[0]])
    unknowns = tuple(u.symbol for u in problem.unknowns)
    pointwise = Pointwise(problem.equations, fields, symbols, unknowns)
    return Evolution(
        pointwise, tuple(layers), tuple(lifts), tuple(orders), tuple(initial), start, end, tuple(groups)
    )


def evolve(
    problem: Problem,
    imposed: Imposed,
    *,
    accuracy: float,
    size: int | None = None,
    known: dict[Any, float] | None = None,
    deadline: float | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> tuple[March, Expansion, Expansion, dict[str, float]]:
    """Return the march, the answer, its estimated error and the relative size of that, field by field.

    Errors made early may grow: where the estimate at the end is above the accuracy, the march is
    repeated with a tolerance that much finer, if that takes no longer than `PATIENCE`; where it would,
    with one between.
    """
    evolution = evolution_of(problem, imposed)
    tolerance = coarser = accuracy
    best: Any = ()
    for _ in range(4):
        begun = time.monotonic()
        try:
            found = march(
                evolution,
                tolerance=tolerance,
                limit=size or UNKNOWNS,
                known=known,
                deadline=deadline,
                progress=_watched(progress, begun) if best else progress,
            )
        except _TooSlow:
            tolerance = float(np.sqrt(tolerance * coarser))
            continue
        if not found.windows or found.rich is None:
            return found, None, None, {}  # type: ignore[return-value]
        names = tuple(f.func.__name__ for f in problem.fields)
        answer = of_windows(
            found.windows, found.evolution.layers, found.evolution.lifts, problem.coordinates, names
        )
        defect = of_windows(
            found.defect,
            found.rich.layers,
            [0 * problem.coordinates[0]] * len(names),
            problem.coordinates,
            names,
        )
        errors = relative(answer, defect, problem, imposed, found, known)
        error = max(errors.values())
        if not best or (found.converged and error < best[4]):
            best = (found, answer, defect, errors, error)
        seconds = time.monotonic() - begun
        finer = max(tolerance * min(0.1, 0.2 * accuracy / error), FINEST) if error > 0 else FINEST
        late = deadline is not None and time.monotonic() + 3 * seconds > deadline
        if (
            error <= accuracy
            or not found.converged
            or found.tail > tolerance
            or finer >= tolerance
            or late
            or seconds > 0.5 * PATIENCE
        ):
            break
        tolerance, coarser = finer, tolerance
    return best[:4]


class _TooSlow(Exception):
    """A repeated march that would take too long."""


def _watched(progress: Callable[[float], None], begun: float) -> Callable[[float], None]:
    """Return `progress` that ends a march which at its pace would take longer than `PATIENCE`."""

    def watched(share: float) -> None:
        seconds = time.monotonic() - begun
        if seconds > 0.05 * PATIENCE and seconds > share * PATIENCE:
            raise _TooSlow
        progress(share)

    return watched


def relative(
    answer: Expansion, defect: Expansion, problem: Problem, imposed: Imposed, found: March, known: Any = None
) -> dict[str, float]:
    """Return ‖estimated error‖ / ‖field‖ on an even grid by field; complex fields are taken whole.

    At the start the error is known: what the given initial values differ from the answer by.  Kinks and
    jumps of theirs are seen there whole, of which a richer space sees a part.
    """
    points = grid(problem, end=found.windows[-1].end, whole=True)
    zero = (0,) * len(problem.coordinates)
    first = points[0] == points[0].min()
    begin = dict(zip(problem.coordinates, (p[first] for p in points), strict=True)) | (known or {})
    sizes, errors = [], []
    for n in range(len(problem.fields)):
        field, error = (values(one, n, points, zero) for one in (answer, defect))
        if initial := imposed.initial(n, 0):
            error[first] = evaluate(initial[0], begin) - field[first]
        sizes.append(float(np.linalg.norm(field)))
        errors.append(float(np.linalg.norm(error)))
    return shares(problem, errors, sizes)


def shares(problem: Problem, errors: Sequence[float], sizes: Sequence[float]) -> dict[str, float]:
    """Return errors over sizes by field, none below the rounding of a double number.

    The parts of a complex field have its error and its size.
    """
    errors, sizes = list(errors), list(sizes)
    for pair in problem.complex_fields.values():
        a, b = (problem.fields.index(part) for part in pair)
        errors[a] = errors[b] = float(np.hypot(errors[a], errors[b]))
        sizes[a] = sizes[b] = float(np.hypot(sizes[a], sizes[b]))
    return {
        f.func.__name__: max(e / s, ROUNDING) if s else e
        for f, e, s in zip(problem.fields, errors, sizes, strict=True)
    }


def grid(
    problem: Problem, end: float | None = None, count: int = 0, *, whole: bool = False
) -> list[np.ndarray]:
    """Return points over the whole domain, one array for each coordinate, on an even grid.

    They are shifted, so that no solve uses them, or with `whole` reach from end to end.
    """
    symbols = problem.coordinates
    axes = []
    for s in symbols:
        low, high = (float(v) for v in problem.intervals[s])
        high = end if end is not None and s == problem.time else high
        if whole:
            axes.append(np.linspace(low, high, _evenly(problem, s)))
            continue
        number = count or {1: 2000, 2: 64, 3: 20}.get(len(symbols), 8)
        axes.append(low + (high - low) * (np.arange(number) + 0.4142) / number)
    return [a.ravel() for a in np.meshgrid(*axes, indexing="ij")]


def _evenly(problem: Problem, symbol: Any) -> int:
    """Return how many points of a coordinate, fewer of time than of space."""
    if len(problem.coordinates) == 1:
        return 2001
    if len(problem.coordinates) == 2:
        return 51 if symbol == problem.time else 401
    return 21


def scattered(problem: Problem, count: int = 0, end: float | None = None) -> list[np.ndarray]:
    """Return places all over a domain, shapes too, one array for each coordinate."""
    if problem.shape is None:
        return grid(problem, end=end, count=count)
    inside = problem.shape.interior(count or 800, seed=7)
    found = []
    for number, s in enumerate(problem.coordinates):
        if s in problem.shape_coordinates:
            found.append(inside[:, problem.shape_coordinates.index(s)])
        else:
            low, high = (float(v) for v in problem.intervals[s])
            found.append(low + (high - low) * np.mod(np.arange(len(inside)) * (0.618 + 0.1 * number), 1.0))
    return found
