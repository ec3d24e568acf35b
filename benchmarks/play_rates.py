"""Steps of an environment a second in training, beside stable-baselines3 at equal hyper-parameters.

Each function measures one bar and returns its figures; the area's file numbers them.
"""

import json
import statistics
import time
from typing import Any

from ansatz.core import Recipe
from ansatz.rl.a2c import A2C
from ansatz.rl.algorithms import runs_for, steps_of
from ansatz.rl.envs.names import make
from ansatz.rl.ppo import PPO
from ansatz.rl.trpo import TRPO
from ansatz.training.fit import fit
from benchmarks.run import entry
from benchmarks.solve_measure import PEERS, process, python_of

Row = list[dict[str, Any]]
ROUNDS = 3
ENV = "CartPole-v1"
NETS = {"net_arch": {"pi": [64, 64], "vf": [64, 64]}}


def peer(asked: dict[str, Any]) -> dict[str, Any]:
    """Return what stable-baselines3 measures in a process of its own."""
    return process([python_of("sb3"), str(PEERS / "sb3_train.py")], [json.dumps(asked)])


def own_rate(recipe: Recipe, total: int) -> tuple[float, float]:
    """Return steps of the environment a second without compiling, and the seconds of that."""
    steps = runs_for(recipe, total)
    first = fit(recipe, make(ENV), steps=steps)
    begun = time.perf_counter()
    fit(recipe, make(ENV), steps=steps)
    seconds = time.perf_counter() - begun
    return steps * steps_of(recipe) / seconds, first.info["compile_seconds"]


def compared(
    name: str, recipe: Recipe, asked: dict[str, Any], totals: tuple[int, int], must: float, aim: float
) -> Row:
    """Return the ratio of the rates, both taken in turn, its median over the rounds, and the compile time."""
    mine, theirs, compiling = [], [], []
    for round_ in range(ROUNDS):
        rate, compiled = own_rate(recipe, totals[0])
        mine.append(rate)
        compiling.append(compiled)
        told = peer(asked | {"algorithm": name, "env": ENV, "total": totals[1], "warm": 2048, "seed": round_})
        theirs.append(told["rate"])
    ratios = [a / b for a, b in zip(mine, theirs, strict=True)]
    note = (
        f"{statistics.median(mine):,.0f} steps a second, stable-baselines3 {statistics.median(theirs):,.0f} "
        f"(2 threads); ratios {', '.join(f'{r:.1f}' for r in ratios)}; equal hyper-parameters, "
        f"{recipe.envs} environments, two nets of 64-64"  # type: ignore[attr-defined]
    )
    versions = {"torch": told["torch"], "stable-baselines3": told["sb3"], "gymnasium": told["gymnasium"]}
    return [
        entry("", f"{name} on CartPole: steps a second over stable-baselines3's", statistics.median(ratios),
              unit="times", must=must, aim=aim, better="higher",
              peer=f"stable-baselines3 {told['sb3']}, torch {told['torch']}", versions=versions, note=note),
        entry("", f"{name} on CartPole: compiling", max(compiling), unit="s", must=10, aim=6, better="lower"),
    ]  # fmt: skip


def rates() -> Row:
    """Training throughput on CartPole of A2C, PPO and TRPO at the defaults of stable-baselines3."""
    a2c = compared(
        "A2C", A2C(envs=8, steps=5),
        {"envs": 8, "settings": {"n_steps": 5, "learning_rate": 7e-4, "policy_kwargs": NETS}},
        (2_000_000, 20_000), 25, 40,
    )  # fmt: skip
    ppo = compared(
        "PPO", PPO(envs=8, steps=256, passes=10, minibatches=32, schedule="constant"),
        {"envs": 8, "settings": {"n_steps": 256, "batch_size": 64, "n_epochs": 10, "policy_kwargs": NETS}},
        (409_600, 20_480), 7, 10,
    )  # fmt: skip
    trpo = compared(
        "TRPO", TRPO(envs=8, steps=256, passes=10, minibatches=16),
        {"envs": 8, "settings": {"n_steps": 256, "batch_size": 128, "n_critic_updates": 10,
                                 "learning_rate": 1e-3, "policy_kwargs": NETS}},
        (409_600, 20_480), 5, 8,
    )  # fmt: skip
    return [*a2c, *ppo, *trpo]


def seeds_at_once() -> Row:
    """Eight seeds of A2C and PPO by vmap over one: the ratio of their times, without compiling."""
    found = []
    for name, recipe, steps in (
        ("A2C", A2C(), 5000),
        ("PPO", PPO(envs=8, steps=32, passes=10, minibatches=4), 400),
    ):
        ratios = []
        for _ in range(ROUNDS):
            times = []
            for seeds in (1, 8):
                fit(recipe, make(ENV), steps=steps, seeds=seeds)
                begun = time.perf_counter()
                fit(recipe, make(ENV), steps=steps, seeds=seeds)
                times.append(time.perf_counter() - begun)
            ratios.append(times[1] / times[0])
        found.append(
            entry("", f"{name} on CartPole: time of eight seeds at once over one", statistics.median(ratios),
                  unit="times", must=4, aim=3, better="lower",
                  note=f"ratios {', '.join(f'{r:.2f}' for r in ratios)}; 8 would be one after the other"),
        )  # fmt: skip
    return found
