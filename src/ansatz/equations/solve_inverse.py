"""`solve` for inverse problems: the constants with their standard errors, then the field."""

import copy
import time
from dataclasses import replace
from typing import Any

import sympy

from ansatz.equations.inverse import infer
from ansatz.equations.problem import Problem
from ansatz.equations.solution import Estimate, Rung, Solution
from ansatz.errors import BadInput


def solve_inverse(
    problem: Problem,
    *,
    accuracy: float,
    size: int | None,
    deadline: float | None,
    progress: Any,
    forward: Any,
) -> Solution:
    """Return the constants that fit the data best, and the solution of the equation with them.

    `forward` solves a problem without unknown constants.
    """
    if not problem.observations:
        names = ", ".join(u.symbol.name for u in problem.unknowns)
        raise BadInput(
            f"There are no measurements from which {names} could be found; give them with --data FILE."
        )
    begun = time.monotonic()
    found = infer(
        problem, accuracy=accuracy, limit=size, deadline=deadline, progress=lambda s: progress(0.8 * s)
    )
    seconds = time.monotonic() - begun
    known = with_constants(problem, found.values)
    answer = forward(
        known, accuracy=accuracy, size=size, deadline=deadline, progress=lambda s: progress(0.8 + 0.2 * s)
    )
    unknowns = {name: Estimate(value, found.sigma[name]) for name, value in found.values.items()}
    rung = Rung(
        "Gauss-Newton on the constants", seconds, float("nan"), float("nan"), f"{found.iterations} iterations"
    )
    return replace(
        answer, problem=problem, unknowns=unknowns, inference=found,
        converged=answer.converged and found.converged,
        ladder=(rung, *answer.ladder), remarks=(*answer.remarks, *found.remarks),
    )  # fmt: skip


def with_constants(problem: Problem, values: dict[str, float]) -> Problem:
    """Return a problem in which the unknown constants have values."""
    table = {u.symbol: sympy.Float(values[u.symbol.name], 17) for u in problem.unknowns}
    known = copy.copy(problem)
    equations: tuple[Any, ...] = tuple(one.xreplace(table) for one in problem.equations)
    known.equations = equations
    known.conditions = tuple(replace(c, residual=c.residual.xreplace(table)) for c in problem.conditions)
    known.unknowns, known.observations = (), ()
    return known
