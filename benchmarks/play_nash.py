"""Self-play with and without a magnet: how far from Nash the policies of Kuhn and Leduc poker come.

Each function measures one bar and returns its figures; the area's file numbers them.
"""

import time
from typing import Any

import numpy as np

from ansatz.rl.env import Env
from ansatz.rl.envs.names import make
from ansatz.rl.extensive import extensive
from ansatz.rl.selfplay import SelfPlay
from ansatz.training.fit import fit
from benchmarks.run import entry

Row = list[dict[str, Any]]
SEEDS = 3
KUHN = {"envs": 128, "steps": 32, "width": 32, "measured": 20}
KUHN_STEPS = 2000
LEDUC = {
    "envs": 256, "steps": 16, "temperature": 0.5, "last_temperature": 0.05, "measured": 100,
}  # fmt: skip
LEDUC_STEPS = 16_000
RPS = {"envs": 128, "steps": 8, "passes": 1, "minibatches": 1, "width": 8, "depth": 1, "measured": 10,
       "learning_rate": 1e-2, "last_rate": 1e-3, "temperature": 0.3, "last_temperature": 0.1}  # fmt: skip
RPS_STEPS = 2000
PEER = "Sokota et al. 2023, Rudolph et al. 2025: tabular and deep magnetic mirror descent"


def kuhn() -> Row:
    """Kuhn's poker: the last policy with a magnet, the worst of some seeds, and independent self-play."""
    env = make("KuhnPoker")
    runs = [_played(env, KUHN, KUHN_STEPS, seed) for seed in range(SEEDS)]
    alone = [_played(env, KUHN | {"magnet": "none"}, KUHN_STEPS, seed) for seed in range(SEEDS)]
    last, seconds = [one[0][-1] for one in runs], max(one[1] for one in runs)
    late = [float(one[0][len(one[0]) // 2 :].mean()) for one in alone]
    note = (
        f"{_told(last)} on {SEEDS} seeds of {KUHN_STEPS} steps of {KUHN['envs']} · {KUHN['steps']} moves; "
        f"without a magnet, mean over the second half: {_told(late)}"
    )
    common: dict[str, Any] = {"peer": PEER, "seconds": sum(one[1] for one in [*runs, *alone])}
    return [
        entry("", "Kuhn poker: exploitability of the last policy, worst seed", max(last), unit="", must=0.03,
              aim=0.02, better="lower", note=note, **common),
        entry("", "Kuhn poker: one run, with compilation", seconds, unit="s", must=120, aim=60,
              better="lower", **common),
        entry("", "Kuhn poker: independent self-play is so many times as far from Nash",
              min(late) / max(last), unit="×", must=2, aim=5, better="higher", **common),
    ]  # fmt: skip


def leduc() -> Row:
    """Leduc poker: the last policy with a magnet, and independent self-play."""
    env = make("LeducPoker")
    found, seconds = _played(env, LEDUC, LEDUC_STEPS, 0)
    alone, more = _played(env, LEDUC | {"magnet": "none"}, LEDUC_STEPS // 3, 0)
    late = float(alone[len(alone) // 2 :].mean())
    note = (
        f"{LEDUC_STEPS} steps of {LEDUC['envs']} · {LEDUC['steps']} moves; at a quarter, a half and three "
        f"quarters of them {_told(found[len(found) * np.arange(1, 4) // 4])}; without a magnet, a third of "
        f"the steps, mean over the second half: {late:.3f}; uniform: 2.374"
    )
    common: dict[str, Any] = {"peer": PEER, "seconds": seconds + more}
    return [
        entry("", "Leduc poker: exploitability of the last policy", found[-1], unit="", must=0.2, aim=0.1,
              better="lower", note=note, **common),
        entry("", "Leduc poker: the run, with compilation", seconds, unit="s", must=900, aim=600,
              better="lower", **common),
        entry("", "Leduc poker: independent self-play is so many times as far from Nash", late / found[-1],
              unit="×", must=2, aim=5, better="higher", **common),
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


def _played(env: Env, options: dict[str, Any], steps: int, seed: int) -> tuple[np.ndarray, float]:
    """Return the exploitability while training, and the seconds that it took."""
    begun = time.perf_counter()
    run = fit(SelfPlay(**options), env, steps=steps, key=seed)
    return _measured(run, "exploitability"), time.perf_counter() - begun


def _measured(run: Any, column: str) -> np.ndarray:
    values = np.asarray(run.history[column], float)
    return values[np.isfinite(values)]


def _told(values: Any) -> str:
    return ", ".join(f"{value:.3f}" for value in values)
