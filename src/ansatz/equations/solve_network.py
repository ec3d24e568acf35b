"""`solve` by whole networks: all of θ moves, by least squares or by gradients."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import numpy as np

from ansatz._spelling import nearest
from ansatz.equations.collocation import Collocation
from ansatz.equations.ensemble import Ensemble, relative_spreads
from ansatz.equations.places import residuals_of, value_of
from ansatz.equations.problem import Problem
from ansatz.equations.solution import Rung, Solution
from ansatz.equations.statement import statement
from ansatz.equations.together import Lane, Trained, train
from ansatz.errors import BadInput
from ansatz.maps.shapes import positive

STEPS = {"lm": 400, "broyden": 3000, "lbfgs": 3000, "soap": 5000, "adam": 20000}
OWN = ("statement", "method", "soft")
"""Fields of the recipe that are arguments of `solve` themselves."""
CREDIBLE = 1e-2
"""An answer with a larger estimated error is none."""
BEFORE = 0.9
"""The share of the work that training is; the rest is the estimate of the error."""


class Training(NamedTuple):
    """How networks are trained: what was asked of `solve`, checked."""

    method: str
    soft: bool
    accuracy: float
    steps: int
    members: int
    options: Mapping[str, Any]

    def recipe(self, problem: Problem) -> Collocation:
        """Return the recipe of a network for a problem."""
        return Collocation(json.dumps(statement(problem)), self.method, soft=self.soft, **self.options)


def training_of(method: str, soft: bool, accuracy: float, network: Mapping[str, Any]) -> Training:
    """Return how networks are trained; `network` holds fields of `Collocation`, `steps` and `members`.

    Raises:
        BadInput: there is no such option, or its value is none.
    """
    options = dict(network)
    steps, members = options.pop("steps", STEPS[method]), options.pop("members", 1)
    positive("A network", steps=steps)
    positive("An ensemble", members=members)
    known = [name for name in Collocation.__dataclass_fields__ if name not in OWN]
    for name in options:
        if name not in known:
            advice = nearest(name, [*known, "steps", "members"])
            raise BadInput(f"A network has no option {name!r}; {advice}.")
    return Training(method, soft, accuracy, steps, members, options)


def check_trainable(problem: Problem) -> None:
    """Raise `BadInput` where a problem asks for levels or constants."""
    if problem.eigenvalue is not None or problem.unknowns:
        raise BadInput("Levels and constants from data are found by least squares; leave --method away.")


def solve_network(
    problem: Problem, *, accuracy: float, size: int | None, deadline: float | None, progress: Any,
    method: str, soft: bool, seed: int, network: dict[str, Any],
) -> Solution:  # fmt: skip
    """Train a network, or several at once, on the equation, and estimate the error of what they say.

    The error is that of the linearised equation for the defect; the members' spread stands beside it.
    """
    begun = time.monotonic()
    check_trainable(problem)
    training = training_of(method, soft, accuracy, network)
    trained, run = train(
        training.recipe(problem), [Lane({}, i) for i in range(training.members)], steps=training.steps,
        budget=None if deadline is None else max(deadline - time.monotonic(), 1.0), seed=seed,
        progress=lambda share: progress(BEFORE * share),
    )  # fmt: skip
    solution = answer_of(problem, trained, training, run)
    progress(1.0)
    solution.ladder = (solution.ladder[0]._replace(seconds=time.monotonic() - begun),)
    return solution


def answer_of(problem: Problem, trained: Sequence[Trained], training: Training, run: Any) -> Solution:
    """Return what networks of different starts say, their error estimated; the lost ones are left out."""
    kept = [one for one in trained if one.lost is None]
    losses = [one.loss for one in kept]
    remarks = [*problem.remarks, run.message]
    remarks += [_lost(at, one, len(trained)) for at, one in enumerate(trained) if one.lost is not None]
    used = [one.model for one in kept or trained[:1]]
    model = used[0] if len(used) == 1 else Ensemble(tuple(used))
    names = [f.func.__name__ for f in problem.fields]
    solution = Solution(
        problem, training.method, model, model, dict.fromkeys(names, float("inf")), float("inf"),
        converged=False, accuracy=training.accuracy, remarks=tuple(remarks),
    )  # fmt: skip
    if len(used) > 1:
        solution.members = tuple(replace(solution, model=one, defect_model=one, remarks=()) for one in used)
        solution.spreads = dict(relative_spreads(solution))
    if kept:
        _judge(solution)
    solution.ladder = (_rung(solution, used, losses, training, run),)
    return solution


def _rung(
    solution: Solution, used: Sequence[Any], losses: Sequence[float], training: Training, run: Any
) -> Rung:
    many = len(used) > 1
    form = "soft conditions" if training.soft else "exact conditions"
    count = f"{len(used)} × {_count(used[0])} parameters" if many else f"{_count(used[0])} parameters"
    ends = sorted({min(losses), max(losses)}) if losses else [float("nan")]
    loss = " to ".join(f"{one:.2e}" for one in ends)
    return Rung(
        f"{'networks' if many else 'network'} by {training.method}", run.info["seconds"], solution.error,
        solution.residual, f"{count}, {run.step} steps, {form}, loss {loss}",
    )  # fmt: skip


def _lost(at: int, one: Trained, count: int) -> str:
    who = "the network" if count == 1 else f"network {at + 1} of {count}"
    return f"The loss of {who} became infinite or no number at step {one.lost}; it was left there."


def _count(model: Any) -> int:
    return sum(int(np.size(leaf)) for leaf in jax.tree.leaves(model.net))


def _judge(solution: Solution) -> None:
    """Fill in the residual and the estimated error of an answer and of its members."""
    points = solution.scattered()
    everyone = (solution, *solution.members)
    for one in everyone:
        rows, scale = residuals_of(one, points)
        one.residual = float(np.sqrt(np.mean(rows**2))) / scale
    _estimate(solution)
    for one in everyone:
        one.converged = one.error < CREDIBLE


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
        theirs = value_of(other, other.model, name, zero, points)
        for one in (solution, *solution.members):
            away = np.linalg.norm(theirs - value_of(one, one.model, name, zero, points))
            one.errors = one.errors | {
                name: float(away / (np.linalg.norm(theirs) or 1.0)) + other.errors[name]
            }
    for one in (solution, *solution.members):
        one.defect_model, one._richer = other.model, True
    if not other.converged:
        solution.remarks = (
            *solution.remarks,
            "Least squares did not converge: the estimated error is a guess.",
        )
