"""Tree search and AlphaZero: perfect tic-tac-toe.

Each function measures one bar and returns its figures; the area's file numbers them.
"""

import time
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ansatz.rl.alphazero import AlphaZero
from ansatz.rl.envs.tic_tac_toe import TicTacToe
from ansatz.rl.mcts import Search, evaluation, even
from ansatz.rl.minimax import minimax
from ansatz.training.fit import fit
from benchmarks.run import entry

Row = list[dict[str, Any]]
KEY = jax.random.key(0)
SIMULATIONS, STEPS, SEED = 64, 500, 0
RECIPE = AlphaZero(games=128, steps=16, opening=8)


def perfect_play() -> Row:
    """Tic-tac-toe by AlphaZero, judged by minimax at all 4,520 positions in which a move is to be made."""
    env, begun = TicTacToe(), time.perf_counter()
    run = fit(RECIPE, env, steps=STEPS, key=SEED)
    seconds = time.perf_counter() - begun
    solved = minimax(env)
    live = np.flatnonzero(~solved.terminal)
    state = jax.tree.map(lambda x: jnp.asarray(x[live]), solved.states)

    def right(action: Any) -> int:
        return int(solved.optimal[live, np.asarray(action)].sum())

    obs, legal = jax.vmap(env.observe)(state), jax.vmap(env.legal)(state)
    alone = right(jax.vmap(run.model.act)(obs, legal))
    search = RECIPE.search(env, SIMULATIONS)
    found = right(_best(search, evaluation(run.model), state))
    plain = {
        name: right(_best(Search(env, SIMULATIONS, bounds=bounds), even, state))
        for name, bounds in (("with proofs", (-1.0, 1.0)), ("without", None))
    }
    note = (
        f"{STEPS} steps, {STEPS * RECIPE.games * RECIPE.steps:,} positions by {RECIPE.simulations} "
        f"simulations; compiling {run.info['compile_seconds']:.1f} s; {SIMULATIONS} simulations without a "
        "network: " + ", ".join(f"{count:,} {name}" for name, count in plain.items())
    )
    common: dict[str, Any] = {"seconds": seconds, "note": note, "better": "higher"}
    return [
        entry("", "tic-tac-toe by AlphaZero: best moves of the network alone", 100 * alone / len(live),
              unit="%", must=99.5, aim=99.9, **common),
        entry("", f"tic-tac-toe by AlphaZero: best moves with {SIMULATIONS} simulations", found,
              unit=f"of {len(live):,}", must=len(live), aim=len(live), **common),
        entry("", "tic-tac-toe by AlphaZero: learning, with compilation", seconds, unit="s", must=300,
              aim=180, **common | {"better": "lower"}),
    ]  # fmt: skip


def _best(search: Search, evaluate: Any, state: Any) -> Any:
    return eqx.filter_jit(lambda s: search.best(search(s, evaluate, KEY)))(state)
