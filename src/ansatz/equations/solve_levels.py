"""`solve` for eigenvalue problems: the levels, an error for each, and their fields."""

import time
from typing import Any

import numpy as np

from ansatz.equations.eigen import eigen
from ansatz.equations.expansion import of_series
from ansatz.equations.places import residuals_of
from ansatz.equations.problem import Problem
from ansatz.equations.solution import Rung, Solution

LARGEST = 2600


def solve_levels(
    problem: Problem, *, accuracy: float, size: int | None, deadline: float | None, progress: Any
) -> Solution:
    """Return the lowest levels and the field of each."""
    begun = time.monotonic()
    found = eigen(problem, accuracy=accuracy, limit=size or LARGEST)
    progress(1.0)
    names = [f.func.__name__ for f in problem.fields]
    models = tuple(
        of_series(found.series, c, found.groups, problem.coordinates, names) for c in found.coefficients
    )
    relative = (
        float(np.max(found.errors / np.maximum(1.0, np.abs(found.values)))) if len(found.values) else np.inf
    )
    solution = Solution(
        problem, "series", models[0] if models else None, None, dict.fromkeys(names, relative), float("inf"),
        converged=found.converged, accuracy=accuracy, remarks=(*problem.remarks, *found.remarks),
        levels=found.values, level_errors=found.errors, level_models=models,
    )  # fmt: skip
    if models:
        rows, scale = residuals_of(solution, solution.scattered())
        solution.residual = float(np.sqrt(np.mean(rows**2))) / scale
    count = sum(int(np.prod(s.shape)) for s in found.series)
    rung = Rung(
        "eigenvalues of a pencil", time.monotonic() - begun, relative, solution.residual, f"{count} functions"
    )
    solution.ladder = (rung,)
    return solution
