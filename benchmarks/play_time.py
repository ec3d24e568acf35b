"""CPU seconds of training until a return is reached, beside stable-baselines3 at the better of two settings.

Each function measures one bar and returns its figures; the area's file numbers them.
"""

import statistics
import time
from typing import Any, NamedTuple

from ansatz.rl.algorithms import steps_of
from ansatz.rl.envs.names import make
from ansatz.rl.trial import run_steps, sort_out
from ansatz.rl.worth import curve
from ansatz.training.fit import fit
from benchmarks.play_rates import peer
from benchmarks.play_returns import PAIRS
from benchmarks.run import entry

Row = list[dict[str, Any]]
NEVER = float("inf")


class Goal(NamedTuple):
    """A mean return of 20 episodes that is to be reached, and the settings with which it is tried.

    `own` are ours; `given` the same ones in the peer's words, which it tries beside those of RL Zoo.
    """

    algorithm: str
    env: str
    threshold: float
    total: int
    every: int
    seeds: int
    own: dict[str, Any]
    given: dict[str, Any]


GOALS = (
    Goal(
        "DQN", "CartPole-v1", 475, 50_000, 1000, 3,
        {"steps": 8, "batches": 8, "batch": 64, "width": 64, "gamma": 0.99, "dueling": False,
         "capacity": 50_000, "last": 0.04, "target_every": 16, "target_share": 0.1},
        {"settings": {"learning_rate": 1e-3, "batch_size": 64, "buffer_size": 50_000, "tau": 0.1,
                      "target_update_interval": 16, "train_freq": 8, "gradient_steps": 8,
                      "learning_starts": 1000, "exploration_fraction": 0.16, "exploration_final_eps": 0.04,
                      "policy_kwargs": {"net_arch": [64, 64]}}},
    ),
    Goal(
        "SAC", "Pendulum-v1", -200, 6000, 250, 3, {},
        {"settings": {"learning_rate": 1e-3, "batch_size": 256, "learning_starts": 100,
                      "policy_kwargs": {"net_arch": [64, 64]}}},
    ),
)  # fmt: skip


def to_threshold() -> Row:
    """DQN on CartPole to 475 and SAC on Pendulum to -200: the peer's CPU seconds over ours."""
    return [figure for goal in GOALS for figure in _raced(goal)]


def own_seconds(goal: Goal, seed: int) -> tuple[float, float]:
    """Return the steps of the environment until the return is reached, and the seconds that they take."""
    options = goal.own | {
        "algorithm": goal.algorithm.lower(), "total_steps": goal.total, "every": goal.every, "seed": seed,
    }  # fmt: skip
    settings, trial = sort_out(goal.env, options)
    env, steps = make(goal.env), run_steps(settings, trial)
    run = fit(trial, env, steps=steps, key=seed)
    at, values = curve(run.validation, steps_of(trial.learner))
    reached = next(
        (int(step) for step, value in zip(at, values[0], strict=True) if value >= goal.threshold), 0
    )
    fit(trial.learner, env, steps=steps, key=seed)
    begun = time.process_time()
    fit(trial.learner, env, steps=steps, key=seed)
    rate = run.step * steps_of(trial.learner) / (time.process_time() - begun)
    return (reached, reached / rate) if reached else (NEVER, NEVER)


def peer_seconds(goal: Goal, zoo: dict[str, Any], seed: int) -> tuple[float, float, dict[str, Any]]:
    """Return the same of the peer with some settings, and what it told."""
    told = peer(zoo | {"algorithm": goal.algorithm, "env": goal.env, "total": goal.total, "seed": seed,
                       "watch": goal.every, "threads": 1})  # fmt: skip
    reached = next((step for step, value in told["curve"] if value >= goal.threshold), 0)
    rate = told["steps"] / told["cpu_seconds"]
    return (reached, reached / rate, told) if reached else (NEVER, NEVER, told)


def _raced(goal: Goal) -> Row:
    begun = time.perf_counter()
    zoo = next(pair.zoo for pair in PAIRS if (pair.algorithm, pair.env) == (goal.algorithm, goal.env))
    tried = {"RL Zoo's": zoo, "ours": goal.given}
    mine, theirs = [], {name: [] for name in tried}
    told: dict[str, Any] = {}
    for seed in range(goal.seeds):
        mine.append(own_seconds(goal, seed))
        for name, settings in tried.items():
            steps, seconds, told = peer_seconds(goal, settings, seed)
            theirs[name].append((steps, seconds))
    own = statistics.median(seconds for _, seconds in mine)
    found = {name: statistics.median(seconds for _, seconds in runs) for name, runs in theirs.items()}
    best = min(found, key=lambda name: found[name])
    others = ", at ".join(f"{name} settings {_told(runs)}" for name, runs in theirs.items())
    note = (
        f"ours {_told(mine)}; stable-baselines3 at {others}; CPU seconds, "
        f"medians of {goal.seeds} seeds, without compiling and without evaluations"
    )
    return [
        entry("", f"{goal.algorithm} on {goal.env} to {goal.threshold:g}: stable-baselines3's time over ours",
              found[best] / own, unit="times", must=3, aim=8, better="higher",
              peer=f"stable-baselines3 {told['sb3']} at {best} settings",
              versions={"stable-baselines3": told["sb3"], "torch": told["torch"]},
              seconds=time.perf_counter() - begun, note=note),
    ]  # fmt: skip


def _told(runs: list[tuple[float, float]]) -> str:
    steps, seconds = (statistics.median(one[at] for one in runs) for at in (0, 1))
    return f"{steps:,.0f} steps in {seconds:.1f} s ({', '.join(f'{s:.1f}' for _, s in runs)})"
