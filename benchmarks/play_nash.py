"""Self-play with and without a magnet: how far from Nash the policies of Kuhn and Leduc poker come.

Each function measures one bar and returns its figures; the area's file numbers them.
"""

import time
from typing import Any, NamedTuple

import numpy as np

from ansatz.rl.algorithms import runs_for
from ansatz.rl.env import Env
from ansatz.rl.envs.names import make
from ansatz.rl.extensive import exploitability, extensive
from ansatz.rl.presets import preset
from ansatz.rl.selfplay import SelfPlay
from ansatz.training.fit import fit
from benchmarks.run import entry

Row = list[dict[str, Any]]
SEEDS = 3
RPS = {"envs": 128, "steps": 8, "passes": 1, "minibatches": 1, "width": 8, "depth": 1, "measured": 10,
       "learning_rate": 1e-2, "last_rate": 1e-3, "temperature": 0.3, "last_temperature": 0.1}  # fmt: skip
RPS_STEPS = 2000
PEER = "Sokota et al. 2023, Rudolph et al. 2025: tabular and deep magnetic mirror descent"


def kuhn() -> Row:
    """Kuhn's poker: the last policy with a magnet, the worst of some seeds, and independent self-play."""
    return _bars("KuhnPoker", "Kuhn poker", {"last": (0.03, 0.02), "seconds": (120, 60)}, alone=1.0)


def leduc() -> Row:
    """Leduc poker: the last policy with a magnet, the worst of some seeds, and independent self-play."""
    return _bars("LeducPoker", "Leduc poker", {"last": (0.2, 0.1), "seconds": (900, 600)}, alone=0.25)


def _bars(name: str, title: str, bars: dict[str, tuple[float, float]], alone: float) -> Row:
    """Return the figures of a game at the settings that `ansatz play` has for it.

    Independent self-play, the same without a magnet, gets the share `alone` of the steps, on one seed.
    """
    env, chosen = make(name), preset("self-play", name)
    total = chosen.pop("total_steps")
    runs = [_played(env, SelfPlay(**chosen), total, seed) for seed in range(SEEDS)]
    other = _played(env, SelfPlay(**chosen | {"magnet": "none"}), round(alone * total), 0)
    last, late = max(one.found[-1] for one in runs), other.found[len(other.found) // 2 :]
    steps = runs_for(SelfPlay(**chosen), total)
    note = (
        f"{_told(one.found[-1] for one in runs)} on {SEEDS} seeds of {steps} steps of {chosen['envs']} · "
        f"{chosen['steps']} moves; the largest of each's last ten: "
        f"{_told(one.found[-10:].max() for one in runs)}; the first at its quarters: "
        f"{_told(runs[0].found[len(runs[0].found) * np.arange(1, 4) // 4])}; without a magnet, "
        f"{alone:.0%} of the steps, over the second half: {late.min():.3f} to {late.max():.3f}"
    )
    common: dict[str, Any] = {"peer": PEER, "seconds": sum(one.seconds for one in [*runs, other])}
    away = f"{title}: independent self-play is so many times as far from Nash, mean of its second half"
    return [
        entry("", f"{title}: exploitability of the last policy, worst seed", last, unit="",
              must=bars["last"][0], aim=bars["last"][1], better="lower", note=note, **common),
        entry("", f"{title}: one run, with compilation, worst seed", max(one.seconds for one in runs),
              unit="s", must=bars["seconds"][0], aim=bars["seconds"][1], better="lower", **common),
        entry("", away, float(late.mean()) / last, unit="×", must=2, aim=5, better="higher", **common),
    ]  # fmt: skip


def fictitious() -> Row:
    """Rock, paper, scissors: the average policy of fictitious play."""
    env, begun = make("RockPaperScissors"), time.perf_counter()
    recipe = SelfPlay(**RPS, opponents="past")
    run = fit(recipe, env, steps=RPS_STEPS, key=0)
    seconds = time.perf_counter() - begun
    average = np.asarray(run.model.average(extensive(env)))
    last = _measured(run, "exploitability")
    note = f"averages {_told(average[0])} and {_told(average[1])}; the policies: up to {last.max():.2f}"
    return [
        entry("", "rock, paper, scissors: exploitability of the average of fictitious play",
              _measured(run, "average_exploitability")[-1], unit="", must=0.1, aim=0.03, better="lower",
              note=note, peer="", seconds=seconds),
    ]  # fmt: skip


class Played(NamedTuple):
    """The exploitability while training and, last, of the policy in the end; and the seconds that it took."""

    found: np.ndarray
    seconds: float


def _played(env: Env, recipe: SelfPlay, total: int, seed: int) -> Played:
    """Train for so many moves."""
    begun = time.perf_counter()
    run = fit(recipe, env, steps=runs_for(recipe, total), key=seed)
    seconds, game = time.perf_counter() - begun, extensive(env)
    last = float(exploitability(game, run.model.table(game)))
    return Played(np.append(_measured(run, "exploitability"), last), seconds)


def _measured(run: Any, column: str) -> np.ndarray:
    values = np.asarray(run.history[column], float)
    return values[np.isfinite(values)]


def _told(values: Any) -> str:
    return ", ".join(f"{value:.3f}" for value in values)
