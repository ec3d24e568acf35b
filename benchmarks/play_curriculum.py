"""The inverse search tree as a curriculum: how many positions a policy solves that learned with and without.

Each function measures one bar and returns its figures; the area's file numbers them.
"""

import time
from typing import Any

import jax
import numpy as np

from ansatz.rl.curriculum import Curriculum
from ansatz.rl.distances import cube_distances, cube_index, puzzle_distances, puzzle_index
from ansatz.rl.env import Env
from ansatz.rl.envs.cube import Cube
from ansatz.rl.envs.puzzle import Puzzle
from ansatz.rl.evaluate import moves_to_end
from ansatz.rl.lookahead import PolicyIteration, ValuePolicy
from ansatz.training.fit import fit
from benchmarks.run import entry

Row = list[dict[str, Any]]
POSITIONS, MOST = 2000, 100
GAMMA = 0.97
LEARNER: dict[str, Any] = {
    "envs": 128, "steps": 16, "passes": 2, "minibatches": 4, "gamma": GAMMA, "lam": 0.8, "period": 5,
    "first": 0.1, "width": 128, "schedule": "linear",
}  # fmt: skip
PUZZLE_STEPS, CUBE_STEPS = 1500, 1500
MODES: dict[str, dict[str, Any]] = {
    "no curriculum": {"mode": "none"},
    "a fixed depth": {"mode": "fixed"},
    "depth by success": {"mode": "success"},
}


def puzzle() -> Row:
    """The 8-puzzle, from positions drawn uniformly."""
    distance, env = puzzle_distances(), Puzzle(limit=60)
    return ablation(
        "8-puzzle", env, lambda states: distance[np.asarray(puzzle_index(states))], 31, PUZZLE_STEPS
    )


def cube() -> Row:
    """The pocket cube, from positions drawn uniformly."""
    distance, env = cube_distances(), Cube(limit=30)
    return ablation(
        "2×2×2 cube", env, lambda states: distance[np.asarray(cube_index(states))], 11, CUBE_STEPS
    )


def ablation(name: str, env: Env, distance_of: Any, deepest: int, steps: int) -> Row:
    """Return the shares solved, and solved in the fewest moves, by a look-ahead of one move."""
    begun, shares, told = time.perf_counter(), {}, []
    states = jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.key(1), POSITIONS))
    distance = distance_of(states)
    for mode, options in MODES.items():
        depth = deepest if mode == "a fixed depth" else 1
        recipe = Curriculum(PolicyIteration(**LEARNER), depth=depth, deepest=deepest, width=4096, **options)
        run = fit(recipe, env, steps=steps, key=0)
        policy = ValuePolicy(env, run.model.value, GAMMA)
        moves = np.asarray(moves_to_end(env, policy, states, MOST, jax.random.key(2)))
        shares[mode] = (100 * np.mean(moves >= 0), 100 * np.mean(moves == distance))
        reached = f", to depth {run.history['depth'][-1]:.0f}" if mode == "depth by success" else ""
        told.append(
            f"{mode}{reached}: {shares[mode][0]:.1f} % solved, {shares[mode][1]:.1f} % in fewest moves"
        )
    best = max(share[0] for mode, share in shares.items() if mode != "depth by success")
    solved, fewest = shares["depth by success"]
    note = (
        f"{POSITIONS} positions, {distance.mean():.1f} moves away on average; {steps} steps of "
        f"{LEARNER['envs']} · {LEARNER['steps']} moves each; {'; '.join(told)}"
    )
    common: dict[str, Any] = {"unit": "%", "better": "higher", "seconds": time.perf_counter() - begun}
    return [
        entry("", f"{name}: solved by one move of look-ahead after a curriculum", solved, must=90, aim=99,
              note=note, **common),
        entry("", f"{name}: solved in the fewest moves, of all positions", fewest, must=50, aim=80, **common),
        entry("", f"{name}: solved more than without a curriculum, or with a fixed one", solved - best,
              must=0, aim=10, **common),
    ]  # fmt: skip
