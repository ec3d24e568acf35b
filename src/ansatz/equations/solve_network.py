"""`solve` by a whole network: all of θ moves, by least squares or by gradients."""

import json
import time
from typing import Any

import jax
import numpy as np

from ansatz._spelling import nearest
from ansatz.core import BadInput
from ansatz.equations.collocation import Collocation
from ansatz.equations.places import residuals_of, value_of
from ansatz.equations.problem import Problem
from ansatz.equations.solution import Rung, Solution
from ansatz.equations.statement import statement
from ansatz.equations.threads import one_thread
from ansatz.maps.shapes import positive
from ansatz.training.fit import fit

STEPS = {"lm": 400, "broyden": 3000, "lbfgs": 3000, "soap": 5000, "adam": 20000}
OWN = ("statement", "method", "soft")
"""Fields of the recipe that are arguments of `solve` themselves."""


def solve_network(
    problem: Problem, *, accuracy: float, size: int | None, deadline: float | None, progress: Any,
    method: str, soft: bool, seed: int, network: dict[str, Any],
) -> Solution:  # fmt: skip
    """Train a network on the equation and estimate its error from the linearised equation for the defect.

    `network` may hold fields of `Collocation` and `steps`.
    """
    begun = time.monotonic()
    if problem.eigenvalue is not None or problem.unknowns:
        raise BadInput("Levels and constants from data are found by least squares; leave --method away.")
    network = dict(network)
    steps = network.pop("steps", STEPS[method])
    positive("A network", steps=steps)
    known = [name for name in Collocation.__dataclass_fields__ if name not in OWN]
    for name in network:
        if name not in known:
            raise BadInput(f"A network has no option {name!r}; {nearest(name, [*known, 'steps'])}.")
    recipe = Collocation(json.dumps(statement(problem)), method, soft=soft, **network)
    budget = None if deadline is None else max(deadline - time.monotonic(), 1.0)
    with jax.enable_x64(True), one_thread():
        run = fit(recipe, None, steps=steps, budget=budget, key=seed, driver="loop")
        model = jax.tree.map(lambda leaf: np.asarray(leaf) if hasattr(leaf, "shape") else leaf, run.model)
    progress(1.0)
    names = [f.func.__name__ for f in problem.fields]
    unknown = dict.fromkeys(names, float("inf"))
    solution = Solution(
        problem, method, model, model, unknown, float("inf"), converged=False, accuracy=accuracy,
        remarks=(*problem.remarks, run.message),
    )  # fmt: skip
    rows, scale = residuals_of(solution, solution.scattered())
    solution.residual = float(np.sqrt(np.mean(rows**2))) / scale
    _estimate(solution)
    solution.converged = solution.error < 1e-2
    loss = float(np.asarray(run.history["loss"])[-1]) if len(run.history.get("loss", ())) else float("nan")
    form = "soft conditions" if soft else "exact conditions"
    note = f"{_count(model)} parameters, {run.step} steps, {form}, loss {loss:.2e}"
    solution.ladder = (
        Rung(f"network by {method}", time.monotonic() - begun, solution.error, solution.residual, note),
    )
    return solution


def _count(model: Any) -> int:
    return sum(int(np.size(leaf)) for leaf in jax.tree.leaves(model))


def _estimate(solution: Solution) -> None:
    """Take the difference from the answer of least squares for the error, where that converges.

    The least-squares rung solves the equation for the defect too: what it finds for the field differs from
    the network by the network's error, up to its own, which is estimated.
    """
    from ansatz.equations.solve import solve

    try:
        other = solve(solution.problem, accuracy=1e-6, method="series", budget=60.0)
    except BadInput as reason:
        solution.remarks = (*solution.remarks, f"The error is not estimated: {reason}")
        return
    points = solution.scattered()
    zero = (0,) * len(solution.problem.coordinates)
    for name in solution.errors:
        theirs, ours = (
            value_of(other, other.model, name, zero, points),
            value_of(solution, solution.model, name, zero, points),
        )
        solution.errors[name] = (
            float(np.linalg.norm(theirs - ours) / (np.linalg.norm(theirs) or 1.0)) + other.errors[name]
        )
    solution.defect_model, solution._richer = other.model, True
    if not other.converged:
        solution.remarks = (
            *solution.remarks,
            "Least squares did not converge: the estimated error is a guess.",
        )
