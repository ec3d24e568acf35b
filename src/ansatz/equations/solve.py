"""`solve`: from a stated equation to a function and an error that can be believed."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ansatz.equations.declare import problem_of_text
from ansatz.equations.evolve import evolve, marches, time_first
from ansatz.equations.expansion import of_series, reordered
from ansatz.equations.impose import impose
from ansatz.equations.places import residuals_of
from ansatz.equations.problem import Problem
from ansatz.equations.solution import Rung, Solution
from ansatz.equations.static import Layout, static
from ansatz.errors import BadInput

METHODS = ("auto", "series", "lm", "broyden", "lbfgs", "soap", "adam")
CREDIBLE = 1e-2
"""An answer with a larger estimated error is none."""
LEFT = 0.1
"""Nor is one that leaves a larger share of the terms of an equation or a condition."""


def solve(
    problem: Problem | str | Sequence[Any] | Callable[..., Any],
    *,
    accuracy: float = 1e-6,
    method: str = "auto",
    soft: bool = False,
    size: int | None = None,
    budget: float | None = None,
    check: bool = False,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
    network: dict[str, Any] | None = None,
    **stated: Any,
) -> Solution:
    """Solve a differential equation.

    Args:
        problem: a `Problem`, or equations as text, with what states the rest.
        accuracy: the relative L2 error aimed at.
        method: "auto" climbs the ladder: least squares on the last layer of frozen functions for linear
            equations, Newton's method on it for nonlinear ones, in time windows for evolutions.
            "lm", "broyden", "lbfgs", "soap" and "adam" train a whole network.
        soft: keep the conditions as penalties, as the notes do (networks only).
        size: the most unknowns of one least-squares problem.
        budget: seconds after which to stop at what there is.
        check: compare with a classical solver.
        seed: of the network's parameters and of random points.
        progress: called with the share that is done.
        network: fields of the network's recipe (`width`, `depth`, `points`, …), `steps`, and `members`, of
            which so many are trained at once, each from a start of its own.
        stated: arguments of `problem_of_text`: `on`, the domain as text, `"t=0..1, x=-1..1"`; `where`, the
            conditions as text; and `let`, `unknowns`, `eigenvalue`, `levels`, `data`, ….

    Returns:
        A `Solution`: `s.u(t, x)`, `s.error`, `s.verdict`, `s.report()`, `s.save()`.

    Raises:
        BadInput: the problem is not well posed, or an option is not known.

    >>> s = solve("y'' = -y", on="t=0..1", where=["y(0)=1", "y'(0)=0"], accuracy=1e-10)
    >>> bool(abs(s.y(1.0) - np.cos(1.0)) < 1e-10)
    True
    """
    begun = time.monotonic()
    if not isinstance(problem, Problem):
        problem = problem_of_text(problem, stated.pop("on", ""), stated.pop("where", ()), **stated)
    elif any(bool(value) for value in stated.values()):
        raise BadInput("A Problem is complete: the domain and the conditions are part of it, not of solve.")
    check_options(method, accuracy, soft, network)
    report = progress or (lambda share: None)
    deadline = None if budget is None else begun + budget
    answer = _route(problem, method)
    options = {"accuracy": accuracy, "size": size, "deadline": deadline, "progress": report}
    if answer is _by_network:
        options |= {"method": method, "soft": soft, "seed": seed, "network": network or {}}
    found = answer(problem, **options)
    found.seconds = time.monotonic() - begun
    if check:
        from ansatz.equations.classical import compare

        found.checked = compare(found)
    return found


def check_options(method: str, accuracy: float, soft: bool, network: Any = None) -> None:
    """Raise `BadInput` where what is asked of `solve` does not fit together."""
    if method not in METHODS:
        raise BadInput(f"The method {method!r} is not known; it is one of {', '.join(METHODS)}.")
    if not 0 < accuracy < 1:
        raise BadInput(
            f"The accuracy {accuracy} is not between 0 and 1; it is a relative error such as 1e-6."
        )
    if soft and method in ("auto", "series"):
        raise BadInput("Soft conditions are for networks: add a method such as 'adam' or 'lm'.")
    if (network or {}).get("members", 1) != 1 and method in ("auto", "series"):
        raise BadInput("The members of an ensemble are networks: add a method such as 'lm'.")


def _route(problem: Problem, method: str) -> Callable[..., Solution]:
    if method not in ("auto", "series"):
        return _by_network
    if problem.eigenvalue is not None:
        return _levels
    if problem.unknowns:
        return _from_data
    return _marched if marches(problem, impose(problem)) else _at_once


def _marched(
    problem: Problem, *, accuracy: float, size: int | None, deadline: float | None, progress: Any
) -> Solution:
    begun = time.monotonic()
    ordered = time_first(problem)
    imposed = impose(ordered)
    found, answer, defect, errors = evolve(
        ordered, imposed, accuracy=accuracy, size=size, deadline=deadline, progress=progress
    )
    if answer is not None and ordered is not problem:
        answer, defect = reordered(answer, problem.coordinates), reordered(defect, problem.coordinates)
    linear = found.evolution.pointwise.linear
    name = (
        ("least squares" if linear else "Newton")
        + f" in {len(found.windows)} time window"
        + "s" * (len(found.windows) != 1)
    )
    error = max(errors.values(), default=float("inf"))
    remarks = [*problem.remarks, *found.remarks]
    whole = bool(found.windows) and found.windows[-1].end >= found.evolution.end * (1 - 1e-12)
    solution = Solution(
        problem, "series", answer, defect, errors, float("inf"),
        converged=found.converged and whole and error < CREDIBLE, accuracy=accuracy, remarks=tuple(remarks),
    )  # fmt: skip
    if answer is None:
        raise BadInput(
            f"No window of the march converged: {found.remarks[-1]} Try a smaller domain or --method lm."
        )
    if not whole:
        solution.reached = found.windows[-1].end
    rows, scale = residuals_of(solution, solution.scattered())
    solution.residual = float(np.sqrt(np.mean(rows**2))) / scale
    space = " × ".join(str(layer.modes) for layer in found.evolution.layers[0]) or "1"
    note = f"{space} functions in space, {found.factorizations} factorizations"
    solution.ladder = (Rung(name, time.monotonic() - begun, error, solution.residual, note),)
    return solution


def _at_once(
    problem: Problem, *, accuracy: float, size: int | None, deadline: float | None, progress: Any
) -> Solution:
    begun = time.monotonic()
    layout = Layout(problem)
    found = static(
        problem, accuracy=accuracy, limit=size or 5000, deadline=deadline, progress=progress, layout=layout
    )
    names = [f.func.__name__ for f in problem.fields]
    answer = of_series(found.fields, found.coefficients, found.groups, problem.coordinates, names)
    richer = of_series(
        found.rich or found.fields,
        found.defect or found.coefficients,
        found.groups,
        problem.coordinates,
        names,
    )
    errors = found.errors or dict.fromkeys(names, found.error)
    name = "least squares" if layout.pointwise.linear else "Newton"
    if found.residual > LEFT:
        found.remarks.append(
            f"The equations and conditions are not met: {found.residual:.1e} of their terms remains."
        )
    solution = Solution(
        problem, "series", answer, richer, errors, found.residual,
        converged=found.converged and found.error < CREDIBLE and found.residual <= LEFT, accuracy=accuracy,
        remarks=(*problem.remarks, *found.remarks),
    )  # fmt: skip
    solution._richer = True
    note = f"{found.size} functions, {found.factorizations} factorizations at the last size"
    solution.ladder = (Rung(name, time.monotonic() - begun, found.error, found.residual, note),)
    return solution


def _levels(problem: Problem, **options: Any) -> Solution:
    from ansatz.equations.solve_levels import solve_levels

    return solve_levels(problem, **options)


def _from_data(problem: Problem, **options: Any) -> Solution:
    from ansatz.equations.solve_inverse import solve_inverse

    def forward(known: Problem, **rest: Any) -> Solution:
        return (_marched if marches(known, impose(known)) else _at_once)(known, **rest)

    return solve_inverse(problem, forward=forward, **options)


def _by_network(problem: Problem, **options: Any) -> Solution:
    from ansatz.equations.solve_network import solve_network

    return solve_network(problem, **options)
