"""Final returns and learning curves beside stable-baselines3's at the tuned settings of RL Zoo.

The peer's runs take minutes each: they are taken once a pair and kept, with their date, in
`peers/sb3_returns.json`; ours are run anew.
"""

import datetime
import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ansatz.rl.algorithms import runs_for, steps_of
from ansatz.rl.evaluate import evaluate
from ansatz.rl.play import play
from ansatz.rl.player import Player
from ansatz.rl.worth import curve
from ansatz.training.fit import fit
from benchmarks.play_rates import peer
from benchmarks.run import entry

Row = list[dict[str, Any]]
KEPT = Path(__file__).parent / "peers" / "sb3_returns.json"
SEEDS, EPISODES, POINTS = 5, 100, 10
DRAWS = 4000


class Pair(NamedTuple):
    """An algorithm and an environment: the peer's settings from RL Zoo, and the range of returns."""

    algorithm: str
    env: str
    total: int
    span: float
    zoo: dict[str, Any]
    seeds: int = SEEDS

    @property
    def name(self) -> str:
        """What the pair is called in the file that is kept."""
        return f"{self.algorithm} {self.env}"


PAIRS = (
    Pair("PPO", "CartPole-v1", 100_000, 500, {
        "envs": 8, "schedule": "linear",
        "settings": {"n_steps": 32, "batch_size": 256, "gae_lambda": 0.8, "gamma": 0.98, "n_epochs": 20,
                     "ent_coef": 0.0, "learning_rate": 1e-3, "clip_range": 0.2}}),
    Pair("TRPO", "CartPole-v1", 100_000, 500, {
        "envs": 2, "settings": {"n_steps": 512, "batch_size": 512, "cg_damping": 1e-3, "gae_lambda": 0.98,
                                "gamma": 0.99, "learning_rate": 1e-3, "n_critic_updates": 20,
                                "cg_max_steps": 25}}),
    Pair("DQN", "CartPole-v1", 50_000, 500, {
        "envs": 1, "settings": {"learning_rate": 2.3e-3, "batch_size": 64, "buffer_size": 100_000,
                                "learning_starts": 1000, "gamma": 0.99, "target_update_interval": 10,
                                "train_freq": 256, "gradient_steps": 128, "exploration_fraction": 0.16,
                                "exploration_final_eps": 0.04, "policy_kwargs": {"net_arch": [256, 256]}}}),
    Pair("A2C", "CartPole-v1", 500_000, 500, {"envs": 8, "settings": {"ent_coef": 0.0}}),
    Pair("PPO", "Acrobot-v1", 1_000_000, 425, {
        "envs": 16, "normalize": True, "settings": {"n_steps": 256, "gae_lambda": 0.94, "gamma": 0.99,
                                                    "n_epochs": 4, "ent_coef": 0.0}}),
    Pair("A2C", "Acrobot-v1", 500_000, 425, {
        "envs": 16, "normalize": True, "settings": {"ent_coef": 0.0}}),
    Pair("TRPO", "Acrobot-v1", 100_000, 425, {
        "envs": 2, "normalize": True, "settings": {"n_steps": 1024, "gae_lambda": 0.95, "gamma": 0.99,
                                                   "n_critic_updates": 20, "learning_rate": 1e-3}}),
    Pair("DQN", "Acrobot-v1", 100_000, 425, {
        "envs": 1, "settings": {"learning_rate": 6.3e-4, "batch_size": 128, "buffer_size": 50_000,
                                "learning_starts": 0, "gamma": 0.99, "target_update_interval": 250,
                                "train_freq": 4, "gradient_steps": -1, "exploration_fraction": 0.12,
                                "exploration_final_eps": 0.1, "policy_kwargs": {"net_arch": [256, 256]}}}),
    Pair("PPO", "MountainCar-v0", 1_000_000, 100, {
        "envs": 16, "normalize": True, "settings": {"n_steps": 16, "gae_lambda": 0.98, "gamma": 0.99,
                                                    "n_epochs": 4, "ent_coef": 0.0}}),
    Pair("DQN", "MountainCar-v0", 120_000, 100, {
        "envs": 1, "settings": {"learning_rate": 4e-3, "batch_size": 128, "buffer_size": 10_000,
                                "learning_starts": 1000, "gamma": 0.98, "target_update_interval": 600,
                                "train_freq": 16, "gradient_steps": 8, "exploration_fraction": 0.2,
                                "exploration_final_eps": 0.07, "policy_kwargs": {"net_arch": [256, 256]}}}),
    Pair("PPO", "Pendulum-v1", 100_000, 1500, {
        "envs": 4, "settings": {"n_steps": 1024, "gae_lambda": 0.95, "gamma": 0.9, "n_epochs": 10,
                                "ent_coef": 0.0, "learning_rate": 1e-3, "clip_range": 0.2, "use_sde": True,
                                "sde_sample_freq": 4}}),
    Pair("SAC", "Pendulum-v1", 20_000, 1500, {"envs": 1, "settings": {"learning_rate": 1e-3}}, 3),
)  # fmt: skip


def theirs(pair: Pair) -> dict[str, Any]:
    """Return the peer's returns `[seeds, episodes]` and curve, run now if they are not kept."""
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    if pair.name not in kept:
        asked = pair.zoo | {
            "algorithm": pair.algorithm, "env": pair.env, "total": pair.total, "episodes": EPISODES,
            "watch": pair.total // POINTS, "threads": 1,
        }  # fmt: skip
        runs = [peer(asked | {"seed": seed}) for seed in range(pair.seeds)]
        kept[pair.name] = {
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(), "settings": pair.zoo,
            "returns": [run["returns"] for run in runs], "curve": [run["curve"] for run in runs],
            "cpu_seconds": [round(run["cpu_seconds"], 1) for run in runs],
            "versions": {name: runs[0][name] for name in ("sb3", "torch", "gymnasium")},
        }  # fmt: skip
        KEPT.write_text(json.dumps(kept, indent=1) + "\n")
    return kept[pair.name]


def lower_end(ours: np.ndarray, others: np.ndarray) -> float:
    """Return the lower end of the bootstrap interval of 95 % of the difference of two means over seeds."""
    rng = np.random.default_rng(0)
    means = [one[rng.integers(len(one), size=(DRAWS, len(one)))].mean(1) for one in (ours, others)]
    return float(np.quantile(means[0] - means[1], 0.025))


def last_returns(player: Player) -> np.ndarray:
    """Return the mean return of the last model of every seed, from the same training without evaluations."""
    learner, settings, env = player.recipe.learner, player.settings, player.env
    steps = runs_for(learner, settings.total_steps)
    run = fit(learner, env, steps=steps, key=settings.seed, seeds=settings.seeds)
    asked = EPISODES, settings.seed + 1
    return np.stack([evaluate(env, run.member(at), *asked) for at in range(run.seeds)]).mean(1)


def beside(pair: Pair) -> Row:
    """Return the figures of one pair: final returns, and the areas under the curves of ten evaluations."""
    begun = time.perf_counter()
    player = play(
        pair.env, pair.algorithm.lower(), seeds=pair.seeds, episodes=EPISODES, total_steps=pair.total,
        every=pair.total // POINTS,
    )  # fmt: skip
    seconds = time.perf_counter() - begun
    kept = theirs(pair)
    # The peer is judged by the last model of a run; a `Player` keeps the best one that it has seen.
    own, others = last_returns(player), np.asarray(kept["returns"]).mean(1)
    best = player.evaluation.returns.mean(1)
    _, values = curve(player.run.validation, steps_of(player.recipe.learner))
    area = values.mean(1)
    other_area = np.asarray([np.mean([value for _, value in one]) for one in kept["curve"]])
    facts = (
        f"ours {own.mean():.1f} (seeds {', '.join(f'{x:.0f}' for x in own)}; the kept models "
        f"{best.mean():.1f}) in {seconds:.0f} s for all, "
        f"stable-baselines3 {others.mean():.1f} ({', '.join(f'{x:.0f}' for x in others)}) in "
        f"{sum(kept['cpu_seconds']):.0f} CPU seconds on {kept['date']}; {pair.total:,} steps"
    )
    peer_ = f"stable-baselines3 {kept['versions']['sb3']} at RL Zoo's settings"
    versions = {"stable-baselines3": kept["versions"]["sb3"], "torch": kept["versions"]["torch"]}
    common = {"unit": "% of the range", "must": -5, "aim": 0, "better": "higher", "peer": peer_,
              "versions": versions, "seconds": seconds}  # fmt: skip
    return [
        entry("", f"{pair.name}: final return less the peer's, lower end of 95 %",
              100 * lower_end(own, others) / pair.span, note=facts, **common),
        entry("", f"{pair.name}: area under the curve less the peer's, lower end of 95 %",
              100 * lower_end(area, other_area) / pair.span,
              note=f"means of {POINTS} evaluations: ours {area.mean():.1f}, theirs {other_area.mean():.1f}",
              **common),
    ]  # fmt: skip


def returns() -> Row:
    """Every pair of which the peer's runs are kept; `python -m benchmarks.play_returns` takes the others."""
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    return [figure for pair in PAIRS if pair.name in kept for figure in beside(pair)]


def mountain_car() -> Row:
    """PPO on MountainCar-v0 with the settings that `play` begins with; the usual presets end at -200."""
    begun = time.perf_counter()
    player = play("MountainCar-v0", "ppo", seeds=SEEDS, episodes=EPISODES)
    means = player.evaluation.returns.mean(1)
    return [
        entry("", "PPO on MountainCar-v0 as it comes: mean return over seeds", means.mean(), unit="",
              must=-130, aim=-115, better="higher", seconds=time.perf_counter() - begun,
              note=f"seeds {', '.join(f'{x:.0f}' for x in means)}; {player.env_steps:,} steps each"),
    ]  # fmt: skip


if __name__ == "__main__":
    for pair in PAIRS:
        theirs(pair)
