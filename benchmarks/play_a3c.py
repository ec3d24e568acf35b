"""A3C: lock-free threads on CartPole, and what the notes say of it beside A2C, over seeds.

The claims are tried in the simulation, whose gradients are always N - 1 updates old and which runs over
seeds at once, against A2C with as many environments, steps of the environment and hidden nodes, at one
learning rate that was tuned for both.  A2C of one environment takes as many updates as A3C does, none of
them stale: what A3C has over A2C and not over that comes from the number of updates.
"""

import time
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import trim_mean

from ansatz.core import Recipe
from ansatz.rl.a2c import A2C
from ansatz.rl.a3c import A3C
from ansatz.rl.algorithms import runs_for, steps_of
from ansatz.rl.asynchronous import asynchronous
from ansatz.rl.env import Env
from ansatz.rl.envs.deep_sea import DeepSea
from ansatz.rl.envs.names import make
from ansatz.rl.envs.puzzle import Puzzle
from ansatz.rl.evaluate import evaluate
from ansatz.rl.presets import preset
from ansatz.training.fit import fit
from benchmarks.run import entry

Row = list[dict[str, Any]]
SOLVED, SEEDS, EPISODES = 475, 5, 100
MANY, WORKERS, DRAWS = 20, 8, 4000
FOUND = 0.05
"""A mean return of eight episodes in the deep sea that one of them at least has found the treasure."""
ARMS = ("A3C", "A2C", "A2C of one environment")


def a3c_cartpole() -> Row:
    """Final returns of A3C in threads with its preset, and how stale its gradients were."""
    begun, env, settings = time.perf_counter(), make("CartPole-v1"), preset("a3c", "CartPole-v1")
    total = settings.pop("total_steps")
    recipe = A3C(**settings)
    runs = [asynchronous(recipe, env, steps=runs_for(recipe, total), key=seed) for seed in range(SEEDS)]
    seconds = time.perf_counter() - begun
    means = np.asarray([evaluate(env, run.model, EPISODES, seed) for seed, run in enumerate(runs)]).mean(1)
    stale = np.asarray([run.history["staleness"].mean() for run in runs])
    rate = np.mean([run.info["steps_per_second"] for run in runs])
    note = (
        f"seeds {', '.join(f'{x:.0f}' for x in means)}; {recipe.workers} lock-free threads, {total:,} steps "
        f"each, {rate:,.0f} a second; mean staleness {', '.join(f'{x:.2f}' for x in stale)}, "
        f"largest {max(run.history['staleness'].max() for run in runs):.0f}"
    )
    return [
        entry("", f"A3C on CartPole: seeds of {SEEDS} with a final return of at least {SOLVED}",
              (means >= SOLVED).sum(), unit="seeds", must=4, aim=5, better="higher", seconds=seconds,
              note=note),
        entry("", "A3C on CartPole: mean staleness of a gradient, the least of all seeds", stale.min(),
              unit="updates", must=0.01, aim=1, better="higher", seconds=seconds, note=note),
    ]  # fmt: skip


class Trio(NamedTuple):
    """What each arm, in the order of `ARMS`, has of each seed: `[3, seeds]`."""

    name: str
    values: np.ndarray
    note: str


def arms(settings: dict[str, Any]) -> tuple[Recipe, ...]:
    """Return the recipes that are compared."""
    return A3C(workers=WORKERS, **settings), A2C(envs=WORKERS, **settings), A2C(envs=1, **settings)


def trained(env: Env, total: int, settings: dict[str, Any], seeds: int = MANY, key: int = 1) -> list[Any]:
    """Return the runs of the arms, each of `seeds` seeds at once."""
    return [
        fit(recipe, env, steps=total // steps_of(recipe), key=key, seeds=seeds) for recipe in arms(settings)
    ]


def sea(size: int, total: int, settings: dict[str, Any], seeds: int = MANY) -> tuple[Trio, Trio]:
    """Return the seeds that found the treasure while they explored, and those that go to it in the end."""
    env = DeepSea(size)
    runs = trained(env, total, settings, seeds)
    found = np.stack([100.0 * (np.nanmax(run.history["return"], 0) > FOUND) for run in runs])
    ends = [[evaluate(env, run.member(i), 1).mean() for i in range(seeds)] for run in runs]
    note = f"mean returns {', '.join(f'{np.mean(one):.3f}' for one in ends)}"
    return (
        Trio(f"DeepSea({size}): the treasure found", found, f"{total:,} steps"),
        Trio(f"DeepSea({size}): the treasure gone to", 100.0 * (np.asarray(ends) > 0.5), note),
    )


def puzzle(scramble: int, total: int, settings: dict[str, Any], seeds: int = MANY) -> Trio:
    """Return the share of positions, in percent, that each seed solves."""
    env = Puzzle(scramble=scramble, limit=40)
    runs = trained(env, total, settings, seeds)
    returns = [[evaluate(env, run.member(i), 200, 7, 41) for i in range(seeds)] for run in runs]
    solved = 100 * (np.asarray(returns) > -env.limit).mean(2)
    return Trio(f"8-puzzle, {scramble} random moves from the end: solved", solved, f"{total:,} steps")


def middle(values: np.ndarray) -> np.ndarray:
    """Return the interquartile mean over the last axis."""
    return trim_mean(values, 0.25, axis=-1)


def width(values: np.ndarray) -> np.ndarray:
    """Return the interquartile range over the last axis."""
    upper, lower = np.quantile(values, [0.75, 0.25], axis=-1)
    return upper - lower


def again(values: np.ndarray) -> np.ndarray:
    """Return the seeds drawn again, `[arms, draws, seeds]`, each arm by itself."""
    rng = np.random.default_rng(0)
    return np.stack([one[rng.integers(len(one), size=(DRAWS, len(one)))] for one in values])


def difference(values: np.ndarray, other: int, statistic: Any) -> tuple[float, float, float]:
    """Return a statistic of A3C less that of another arm, with its bootstrap interval of 95 %."""
    drawn = statistic(again(values))
    lower, upper = np.quantile(drawn[0] - drawn[other], [0.025, 0.975])
    own = statistic(values)
    return float(own[0] - own[other]), float(lower), float(upper)


def none_apart(seeds: int) -> float:
    """Return the largest share, in percent, of which none among so many seeds is still likely at 95 %."""
    return 100 * (1 - 0.025 ** (1 / seeds))


def spread(values: np.ndarray, other: int) -> str:
    """Return the ratio of the interquartile ranges of A3C and another arm, with its interval, in words."""
    drawn, own = width(again(values)), width(values)
    if not own[other] > 0:
        return f"interquartile ranges {own[0]:.1f} and {own[other]:.1f}"
    fits = drawn[other] > 0
    lower, upper = np.quantile(drawn[0][fits] / drawn[other][fits], [0.025, 0.975])
    return f"interquartile range {own[0] / own[other]:.2f} times ({lower:.2f} to {upper:.2f})"


def compared(trio: Trio, statistic: Any, seconds: float) -> dict[str, Any]:
    """Return the figure of A3C less A2C, how well it is known, and what it is beside both."""
    told, halves = [], []
    for other in (1, 2):
        value, lower, upper = difference(trio.values, other, statistic)
        if not trio.values[[0, other]].any():
            lower, upper = -none_apart(trio.values.shape[1]), none_apart(trio.values.shape[1])
        halves.append((upper - lower) / 2)
        told.append(
            f"less {ARMS[other]} {value:+.1f} ({lower:+.1f} to {upper:+.1f}), {spread(trio.values, other)}"
        )
    own = ", ".join(f"{name} {x:.1f}" for name, x in zip(ARMS, statistic(trio.values), strict=True))
    note = f"{own} % of {trio.values.shape[1]} seeds; A3C {'; '.join(told)}; {trio.note}"
    return entry("", f"{trio.name}: half the 95 % interval of A3C less A2C", halves[0], unit="points",
                 must=35, aim=15, better="lower", seconds=seconds, note=note)  # fmt: skip


def mean(values: np.ndarray) -> np.ndarray:
    """Return the mean over the last axis."""
    return values.mean(-1)


SMALL: dict[str, Any] = {"width": 32, "depth": 1}
DEEP = SMALL | {"learning_rate": 1e-3, "entropy_factor": 0.01}
SHUFFLED = SMALL | {"learning_rate": 1e-3, "entropy_factor": 0.01}


def a3c_claims() -> Row:
    """Better in a haystack, less stable: DeepSea, where it can be found and where not, and the 8-puzzle."""
    begun = time.perf_counter()
    trios = [*sea(20, 200_000, DEEP), *sea(10, 200_000, DEEP)]
    rows = [compared(trio, mean, time.perf_counter() - begun) for trio in trios]
    begun = time.perf_counter()
    return [*rows, compared(puzzle(10, 300_000, SHUFFLED), middle, time.perf_counter() - begun)]
