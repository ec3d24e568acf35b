"""Tuning by successive halving: many networks begin, and the better third goes on.

Trials are judged on the rows that stop the training; the test part is not touched (Jamieson and
Talwalkar 2016, "Non-stochastic best arm identification and hyperparameter optimization").
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ansatz.core import BadInput, Status
from ansatz.supervised.network import TableNetwork
from ansatz.supervised.ready import Ready, automatic_steps, train
from ansatz.training.run import Run

HALVING = 3
MEMBERS = 2
CHOICES: dict[str, tuple[Any, ...]] = {
    "width": (64, 128, 256),
    "depth": (1, 2, 3),
    "activation": ("silu", "relu", "gelu", "tanh"),
    "dropout": (0.0, 0.1, 0.2, 0.3),
    "bins": (0, 8, 16, 32),
    "weight_decay": (0.0, 0.01, 0.1, 0.3),
    "batch": (0.5, 1.0, 2.0),
}
RATES = (5e-4, 8e-3)


@dataclass
class Trial:
    """A network that was tried: its recipe, the share of the steps it was given, and its best score."""

    recipe: TableNetwork
    share: float
    score: float
    run: Run | None = None


def tune(
    ready: Ready, count: int, *, seed: int = 0, tell: Callable[[str], None] | None = None
) -> tuple[Ready, list[Trial]]:
    """Return the table with the best of `count` networks as its recipe, and every trial, the best first.

    The first trial is the recipe as it was asked for.  Each round triples the steps of the trials that
    are left.
    """
    if count < 2:
        raise BadInput(f"tune={count} is too few: at least 2 networks are compared.")
    part = ready._replace(
        plan=ready.plan._replace(train=ready.plan.train[:MEMBERS], held=ready.plan.held[:MEMBERS])
    )
    trials = [Trial(recipe, 0.0, np.inf) for recipe in candidates(ready.recipe, count, seed)]
    rungs = max(1, int(np.log(count) / np.log(HALVING)) + 1)
    left = trials
    for rung in range(rungs):
        share = float(HALVING) ** (rung - rungs + 1)
        for i, trial in enumerate(left):
            _advance(trial, part, share)
            if tell is not None:
                best = min(t.score for t in trials)
                place = f"round {rung + 1}/{rungs}, network {i + 1}/{len(left)}"
                tell(f"{place}: score {trial.score:.4g}, best {best:.4g}")
        left = sorted(left, key=lambda t: t.score)[: max(1, len(left) // HALVING)]
    for trial in trials:
        trial.run = None
    ranked = sorted(trials, key=lambda t: (-t.share, t.score))
    chosen = ranked[0].recipe
    changed = [
        f"{name}={getattr(chosen, name)!r}"
        for name in (*CHOICES, "learning_rate")
        if getattr(chosen, name) != getattr(ready.recipe, name)
    ]
    ready.prepared.remarks.append(
        f"Of {count} networks compared on the validation rows the best has "
        f"{', '.join(changed) or 'no changes'}."
    )
    # A resumed run goes on with the chosen network and tunes no more.
    settings = replace(ready.settings, tune=0)
    steps = automatic_steps(chosen, settings, ready.plan)
    return ready._replace(recipe=chosen, settings=settings, steps=steps), ranked


def candidates(recipe: TableNetwork, count: int, seed: int) -> list[TableNetwork]:
    """Return the recipe itself and random ones near it; what its map does not use stays as it is."""
    random = np.random.default_rng([seed, 13])
    found = [recipe]
    while len(found) < count:
        drawn: dict[str, Any] = {
            name: values[random.integers(len(values))] for name, values in CHOICES.items()
        }
        drawn["batch"] = max(8, int(recipe.batch * drawn["batch"]))
        drawn["learning_rate"] = float(np.exp(random.uniform(*np.log(RATES))))
        if recipe.map != "network":
            drawn.pop("bins")
        if recipe.optimizer != "adamw":
            drawn.pop("weight_decay")
        found.append(replace(recipe, **drawn))
    return found


def _advance(trial: Trial, part: Ready, share: float) -> None:
    """Train a trial up to its share of the steps; its score counts no validation beyond."""
    steps = automatic_steps(trial.recipe, part.settings, part.plan)
    until = max(1, int(share * steps))
    settings = replace(part.settings, budget=None)
    ready = part._replace(recipe=trial.recipe, steps=steps, settings=settings)
    pause = [lambda event: Status.stopped if event.step >= until else None]
    if trial.run is None or trial.run.status is Status.stopped:
        trial.run = train(ready, hooks=pause if share < 1 else (), resume=trial.run)
    run, trial.share = trial.run, share
    if run.status is Status.interrupted:
        raise KeyboardInterrupt
    seen = run.validation["score"][run.validation["step"] <= max(until, run.validation["step"].min())]
    trial.score = float(np.nanmin(seen.reshape(len(seen), -1), axis=0).mean())
