"""Unknown constants of an equation from measurements: the physics is exact, the misfit is minimized.

For given constants p the equation is solved, with its sensitivities S = ∂u/∂p; Gauss-Newton steps with
Levenberg's damping then minimize Σ (y − u(p))² / σ².  At the minimum (SᵀS)⁻¹ with σ from the residuals is
the covariance, which attains the Cramér-Rao bound.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ansatz.equations.expression import Unknown
from ansatz.equations.forward import Forward, Marching, Steady, forward_of
from ansatz.equations.misfit import Measured, Weighing, covariance
from ansatz.equations.problem import Observation, Problem
from ansatz.equations.search import Search, State
from ansatz.equations.sensitivity import Span, Traced
from ansatz.equations.static import Static
from ansatz.equations.windows import March
from ansatz.errors import BadInput

COARSE = 1e-4
POOR = 0.3
"""A residual of so large a share of the data's spread means another minimum, or another equation."""


@dataclass
class Inferred:
    """Constants found from data.

    `values`, `sigma` (standard errors) and `numerical` (what the solver's own error may shift) go by name;
    `covariance: [U, U]` is in the same order.  `residual_sigma[k]` is the standard deviation of the noise of
    the k-th set of measurements, `chi2` the weighted sum of squares over its degrees of freedom.
    """

    values: dict[str, float]
    sigma: dict[str, float]
    covariance: np.ndarray
    residual_sigma: tuple[float, ...]
    iterations: int
    converged: bool
    remarks: tuple[str, ...]
    chi2: float = float("nan")
    numerical: dict[str, float] = field(default_factory=dict)
    march: March | None = None
    static: Static | None = None


def infer(
    problem: Problem | Forward,
    observations: Sequence[Observation] | None = None,
    unknowns: Sequence[Unknown] | None = None,
    *,
    fields: Sequence[Any] | None = None,
    accuracy: float = 1e-7,
    limit: int | None = None,
    estimate: bool = True,
    deadline: float | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> Inferred:
    """Find the unknown constants of a problem from its observations.

    Args:
        problem: the problem, or what solves it for given constants (then `observations`, `unknowns` and
            `fields` are needed).
        observations: the measurements, by default those of the problem; NaN counts as missing.
        unknowns: the constants with their starts, by default those of the problem.
        accuracy: the tolerance with which the equation is solved.
        limit: the most unknowns of one window.
        estimate: march once more for the estimated error, in `march` and `numerical`.
        deadline: when to stop, on the clock of `time.monotonic`.

    Raises:
        BadInput: there are no data, fewer values than constants, or no solution where the search starts.

    >>> from ansatz.equations.declare import problem_of_text
    >>> t = np.linspace(0, 2, 9)
    >>> data = {"t": t, "u": np.exp(-0.7 * t)}
    >>> found = infer(problem_of_text("u' = -k*u", "t=0..2", "u(0)=1", unknowns="k=2", data=data))
    >>> print(round(found.values["k"], 5))
    0.7
    """
    if isinstance(problem, Problem):
        forward, fields = forward_of(problem, limit), problem.fields
        observations = problem.observations if observations is None else observations
        unknowns = problem.unknowns if unknowns is None else unknowns
    else:
        forward = problem
    sets = [Measured(one, fields or (), forward.pointwise) for one in observations or ()]
    sets = [one for one in sets if len(one.values)]
    unknowns = tuple(unknowns or ())
    _checked(forward, sets, unknowns)
    order = {symbol: k for k, symbol in enumerate(forward.pointwise.unknowns)}
    unknowns = tuple(sorted(unknowns, key=lambda u: order[u.symbol]))
    search = Search(forward, sets, unknowns, deadline, progress)
    state, weighing, converged = _searched(search, accuracy)
    progress(0.8)
    return _reported(search, state, weighing, converged, accuracy, estimate)


def _searched(search: Search, accuracy: float) -> tuple[State, Weighing, bool]:
    """Search with a rough solver first; where the fit is poor, again along a growing span of time."""
    coarse = max(accuracy, COARSE)
    start = np.array([u.start for u in search.unknowns], np.float64)
    first = Weighing.first(search.sets)
    best, why = None, f"The equation could not be solved at the start, {search.values(start)}"
    if (state := search.state(start, coarse, None, None, first=True)) is not None:
        best = search.descend(state, first, coarse, None, rough=False)[0]
    search.progress(0.3)
    if search.forward.evolves and (best is None or search.share(best) > POOR):
        grown = _along(search, start, coarse)
        if grown is not None and (best is None or search.share(grown) < search.share(best)):
            best = grown
    if best is None:
        raise BadInput(f"{why}; give the unknown constants another start.")
    search.progress(0.5)
    fine = search.state(
        best.constants, accuracy, None, best.answer if coarse == accuracy else None, first=True
    )
    if fine is None:
        return best, first.updated(best.compared, coarse), False
    return search.descend(fine, first.updated(fine.compared, accuracy), accuracy, None, rough=False)


def _along(search: Search, start: np.ndarray, tolerance: float) -> State | None:
    """Fit the data of a first span of time, then of longer ones: far ends are seldom fitted at once."""
    times = np.sort(np.concatenate([one.points[0] for one in search.sets]))
    constants, last = start, None
    for share in (0.1, 0.2, 0.35, 0.55, 0.75, 1.0):
        end = None if share == 1.0 else float(times[int(share * (len(times) - 1))])
        begin = search.forward.evolution.start if isinstance(search.forward, Marching) else -np.inf
        if end is not None and (np.sum(times <= end) < 2 * len(constants) or end <= begin):
            continue
        state = search.state(constants, tolerance, end, None, first=True)
        if state is None:
            return None
        weighing = Weighing.first(search.sets)
        state, _, _ = search.descend(state, weighing, tolerance, end, rough=end is not None, most=12)
        constants, last = state.constants, state
    return last


def _reported(
    search: Search, state: State, weighing: Weighing, converged: bool, accuracy: float, estimate: bool
) -> Inferred:
    names = [u.symbol.name for u in search.unknowns]
    weighing = weighing.updated(state.compared, accuracy)
    r, slopes = weighing.rows(state.compared)
    matrix, remarks = covariance(slopes, names)
    if not weighing.told:
        matrix = np.full_like(matrix, np.inf)
        remarks.append("There are too few measured values to estimate their noise: no standard errors.")
    sigma = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    values = search.values(state.constants)
    for name, value, error in zip(names, state.constants, sigma, strict=True):
        if np.isfinite(error) and error > abs(value):
            remarks.append(f"The data hardly determine {name}: {value:.3g} ± {error:.2g}.")
    if (share := search.share(state)) > POOR:
        remarks.append(
            f"The solution does not follow the data: what is left is {100 * share:.0f} % of their spread; "
            "try another start, or another equation."
        )
    chi2 = float(r @ r) / max(len(r) - len(names), 1)
    if any(one.sigma for one in search.sets) and chi2 > 2:
        remarks.append(f"The data scatter {np.sqrt(chi2):.1f} times as much as their stated deviation.")
    if not converged:
        remarks.append("The search for the constants did not converge.")
    found = Inferred(
        dict(zip(names, map(float, state.constants), strict=True)),
        dict(zip(names, map(float, sigma), strict=True)),
        matrix, tuple(weighing.sigmas), search.iterations, converged, tuple(remarks), chi2,
    )  # fmt: skip
    if isinstance(state.answer, Steady):
        found.static = state.answer.found
    elif estimate and isinstance(search.forward, Marching):
        found.march = search.forward.estimated(values, accuracy, state.answer)
        found.numerical = _numerical(search, state, found.march, weighing, slopes)
    return found


def _numerical(
    search: Search, state: State, marched: March, weighing: Weighing, slopes: np.ndarray
) -> dict[str, float]:
    """Return by how much the estimated error of the solution shifts the constants."""
    if marched.rich is None or not marched.converged:
        return {}
    lifts = tuple(0 * lift for lift in marched.rich.lifts)
    order = marched.rich.orders[0]
    spans = [Span(w.start, w.end, len(w.coefficients[0]) - order) for w in marched.defect]
    rich = replace(marched.rich, lifts=lifts)
    defect = Traced(rich, {}, spans, marched.defect, [[] for _ in spans], [], [])
    values = search.values(state.constants)
    rows = [
        one.shifted(state.answer, defect, values) / sigma
        for one, sigma in zip(search.sets, weighing.sigmas, strict=True)
    ]
    shift = np.linalg.lstsq(slopes, np.concatenate(rows), rcond=1e-12)[0]
    return {u.symbol.name: float(abs(s)) for u, s in zip(search.unknowns, shift, strict=True)}


def _checked(forward: Forward, sets: Sequence[Measured], unknowns: Sequence[Unknown]) -> None:
    if not unknowns:
        raise BadInput("The problem has no unknown constants; declare them with a start, as in nu=0.1.")
    names = ", ".join(u.symbol.name for u in unknowns)
    if not sets:
        raise BadInput(f"There are no measured values from which to find {names}; give data.")
    if (count := sum(len(one.values) for one in sets)) < len(unknowns):
        raise BadInput(f"There are {count} measured values for {len(unknowns)} constants, {names}.")
    for one in unknowns:
        if one.positive and not one.start > 0:
            raise BadInput(f"{one.symbol.name} is positive and starts at {one.start:g}; start above 0.")
    for one in sets:
        for symbol, points in zip(forward.pointwise.coordinates, one.points, strict=True):
            low, high = _interval(forward, symbol)
            outside = (points < low - 1e-9 * (high - low)) | (points > high + 1e-9 * (high - low))
            if outside.any():
                raise BadInput(
                    f"{one.name} is measured at {symbol.name} = {points[outside][0]:g}, "
                    f"outside {low:g} to {high:g}."
                )


def _interval(forward: Any, symbol: Any) -> tuple[float, float]:
    if isinstance(forward, Marching):
        axis = forward.pointwise.coordinates.index(symbol)
        if axis == 0:
            return forward.evolution.start, forward.evolution.end
        stretch = forward.evolution.layers[0][axis - 1].stretch
        return stretch.low, stretch.high
    problem = forward.layout.problem
    if symbol in problem.intervals:
        low, high = problem.intervals[symbol]
    else:
        low, high = problem.shape.bounds[problem.shape_coordinates.index(symbol)]
    return float(low), float(high)
