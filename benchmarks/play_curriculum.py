"""The inverse search tree as a curriculum: puzzles solved by a learned distance and A*, and what it adds.

Each function measures one bar and returns its figures; the area's file numbers them.
"""

import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from ansatz.rl.astar import EXPANSIONS, solve
from ansatz.rl.env import Env
from ansatz.rl.envs.cube import Cube
from ansatz.rl.envs.puzzle import Puzzle
from ansatz.rl.evaluate import moves_to_end
from ansatz.rl.lookahead import ValuePolicy
from ansatz.rl.presets import preset
from ansatz.rl.solving import CurriculumIteration, MovesLeft, distances_of, searched
from ansatz.training.fit import fit
from benchmarks.run import entry

Row = list[dict[str, Any]]
POSITIONS, FEW, LOOKED = 1000, 200, 2000
"""The positions that A* solves, of the 8-puzzle and of the cube, and those that a look-ahead solves."""
ABLATED = 500
"""The steps that each way of the ablation gets."""
MODES = {"no curriculum": "none", "a fixed depth": "fixed", "depth by success": "success"}


def puzzle() -> Row:
    """The 8-puzzle, from positions drawn uniformly."""
    return solved("8-puzzle", "Puzzle8", Puzzle(), POSITIONS)


def cube() -> Row:
    """The pocket cube, from positions drawn uniformly."""
    return solved("2×2×2 cube", "Cube2", Cube(), FEW)


def solved(name: str, called: str, env: Env, positions: int) -> Row:
    """Return the shares solved by A* of a network, and in the fewest moves, and the ablation."""
    options = preset("curriculum", called)
    total = options.pop("total_steps")
    recipe = CurriculumIteration(**options)
    steps = total // (recipe.positions + recipe.envs)
    distances = distances_of(env)
    assert distances is not None
    run, seconds = trained(recipe, env, steps)
    states = drawn(env, positions)
    begun = time.process_time()
    found = jax.block_until_ready(
        solve(env, MovesLeft(env, run.model), states, recipe.expansions, recipe.longest, recipe.weight)
    )
    searching = time.process_time() - begun
    figures = searched(found, distances(states), recipe.expansions)
    assert figures.optimal is not None
    note = (
        f"{positions} positions, {distances(states).mean():.1f} moves away on average; "
        f"{figures.expanded:.2f} expansions a move, at most {figures.largest} before one; {steps} steps of "
        f"{recipe.positions} positions and {recipe.envs} games; searching {searching:.0f} CPU s"
    )
    common: dict[str, Any] = {"better": "higher", "unit": "%", "note": note, "seconds": seconds + searching}
    less = common | {"better": "lower"}
    return [
        entry("", f"{name}: solved by A* of up to {recipe.expansions} expansions before a move",
              100 * figures.solved, must=100, aim=100, **common),
        entry("", f"{name}: solved in the fewest moves, of all positions", 100 * figures.optimal, must=90,
              aim=95, **common),
        entry("", f"{name}: expansions a move, on average", figures.expanded, must=EXPANSIONS, aim=16,
              **less | {"unit": ""}),
        entry("", f"{name}: training, of all cores together", seconds, must=1800, aim=900,
              **less | {"unit": "CPU s"}),
        ablation(name, env, recipe, ABLATED, distances),
    ]  # fmt: skip


def trained(recipe: CurriculumIteration, env: Env, steps: int) -> tuple[Any, float]:
    """Return a run, and the seconds that all cores worked for it."""
    begun = time.process_time()
    run = fit(recipe, env, steps=steps, key=0)
    return run, time.process_time() - begun


def drawn(env: Env, count: int) -> Any:
    """Return positions in which episodes begin."""
    return jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.key(1), count))


def ablation(
    name: str,
    env: Env,
    recipe: CurriculumIteration,
    steps: int,
    distances: Callable[[Any], np.ndarray],
) -> dict[str, Any]:
    """Return how many more positions a look-ahead of one move solves after a curriculum than without one."""
    states, shares, told, began = drawn(env, LOOKED), {}, [], time.process_time()
    far = distances(states)
    for words, mode in MODES.items():
        own = {"begun": recipe.deepest if mode == "fixed" else 1, "mode": mode}
        fields = {field: getattr(recipe, field) for field in recipe.__dataclass_fields__}
        run, seconds = trained(CurriculumIteration(**fields | own), env, steps)
        policy = ValuePolicy(env, run.model.value)
        moves = np.asarray(moves_to_end(env, policy, states, 2 * recipe.longest, jax.random.key(2)))
        shares[mode] = 100 * np.mean(moves >= 0)
        reached = f", to depth {run.history['depth'][-1]:.0f}" if mode == "success" else ""
        told.append(
            f"{words}{reached}: {shares[mode]:.1f} % solved, {100 * np.mean(moves == far):.1f} % in fewest "
            f"moves, {seconds:.0f} CPU s"
        )
    best = max(share for mode, share in shares.items() if mode != "success")
    note = f"{LOOKED} positions, one move of look-ahead, {steps} steps each: {'; '.join(told)}"
    return entry("", f"{name}: solved by one move of look-ahead more than without a curriculum, or with a "
                 "fixed one", shares["success"] - best, unit="%", must=0, aim=10, better="higher", note=note,
                 seconds=time.process_time() - began)  # fmt: skip
