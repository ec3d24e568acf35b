"""What a solution says at places: arguments made points of the domain, values there, and residuals."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ansatz.equations.pointwise import Pointwise
from ansatz.equations.problem import Problem
from ansatz.errors import BadInput


def placed(
    problem: Problem, places: Sequence[Any], named: Mapping[str, Any], reached: float | None = None
) -> tuple[list[np.ndarray], tuple[int, ...]]:
    """Return the points that arguments name, flat, one array for each coordinate, and the shape they had.

    Args:
        problem: whose coordinates and domain are meant.
        places: coordinates by position; they broadcast with one another.
        named: coordinates by name.
        reached: the time at which the answer ends, if that is before the end of the domain.

    Raises:
        BadInput: a coordinate is missing or strange, or a point is outside the domain.
    """
    names = [s.name for s in problem.coordinates]
    given = dict(zip(names, places, strict=False)) | dict(named)
    if strange := set(named) - set(names):
        raise BadInput(f"{min(strange)!r} is no coordinate; they are {', '.join(names)}.")
    if len(places) > len(names) or set(named) & set(names[: len(places)]):
        count = len(places) + len(named)
        raise BadInput(f"{count} places are given; a place is given as ({', '.join(names)}).")
    if missing := [n for n in names if n not in given]:
        raise BadInput(f"The coordinate {missing[0]} is missing; a place is given as ({', '.join(names)}).")
    arrays = np.broadcast_arrays(*(np.asarray(given[n], np.float64) for n in names))
    points = [a.ravel() for a in arrays]
    _check_inside(problem, points, reached)
    return points, arrays[0].shape


def _check_inside(problem: Problem, points: Sequence[np.ndarray], reached: float | None) -> None:
    for s, p in zip(problem.coordinates, points, strict=True):
        if s in problem.intervals and len(p):
            low, high = (float(v) for v in problem.intervals[s])
            high = reached if s == problem.time and reached is not None else high
            slack = 1e-9 * (high - low)
            outside = (p < low - slack) | (p > high + slack) | ~np.isfinite(p)
            if outside.any():
                raise BadInput(f"{s.name} = {p[outside][0]:g} is outside the domain, {low:g} to {high:g}.")
    if problem.shape is not None and len(points[0]):
        inside = np.stack([points[problem.coordinates.index(s)] for s in problem.shape_coordinates], 1)
        outside = ~(problem.shape.signed_distance(inside) <= 1e-6)
        if outside.any():
            place = ", ".join(f"{v:g}" for v in inside[int(np.argmax(outside))])
            raise BadInput(f"The point ({place}) is outside {problem.shape.describe()}.")


def value_of(
    solution: Any, model: Any, name: str, index: tuple[int, ...], points: Sequence[np.ndarray]
) -> np.ndarray:
    """Return a derivative of a field at points `[N]` by one of a solution's models; complex fields whole."""
    from ansatz.equations.expansion import Expansion, values

    problem = solution.problem
    if name in problem.complex_fields:
        re, im = (p.func.__name__ for p in problem.complex_fields[name])
        real = value_of(solution, model, re, index, points)
        return real + 1j * value_of(solution, model, im, index, points)
    number = [f.func.__name__ for f in problem.fields].index(name)
    if isinstance(model, Expansion):
        return values(model, number, points, index)
    return model.values(number, points, index)


def residuals_of(solution: Any, points: Sequence[np.ndarray]) -> tuple[np.ndarray, float]:
    """Return the residuals `[K, N]` of a solution and the RMS of the largest term of its equations."""
    problem = solution.problem
    pointwise = Pointwise(problem.equations, problem.fields, problem.coordinates)
    at: dict[Any, Any] = dict(zip(problem.coordinates, points, strict=True))
    at |= {u.symbol: solution.unknowns[u.symbol.name].value for u in problem.unknowns}
    if problem.eigenvalue is not None and solution.levels is not None:
        at[problem.eigenvalue] = float(solution.levels[0])
    jets = {
        jet: value_of(solution, solution.model, problem.fields[jet[0]].func.__name__, jet[1], points)
        for jet in pointwise.jets
    }
    at |= {pointwise.symbols[jet]: value for jet, value in jets.items()}
    rows = pointwise.residuals(at, (len(points[0]),))
    terms = [
        float(np.sqrt(np.mean(np.square(slope * jets[jet]))))
        for k in range(len(rows))
        for jet, slope in pointwise.slopes_at(k, at).items()
    ]
    return rows, max(terms, default=1.0) or 1.0
