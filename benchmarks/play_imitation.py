"""Positions to next moves: a small network taught by the table of an endgame, judged where it was not taught.

Each function measures one bar and returns its figures; the area's file numbers them.
"""

import time
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ansatz.rl.endgames import turned
from ansatz.rl.envs.endgame import Endgame, EndgameState
from ansatz.rl.imitation import Imitate, Lessons, agreement
from ansatz.training.fit import fit
from benchmarks.run import entry

Row = list[dict[str, Any]]
STEPS, GAMES, MOST = 4000, 2000, 60
RECIPE = Imitate()


@eqx.filter_jit
def moves_to_mate(env: Endgame, model: Any, states: Any, most: int) -> Any:
    """Return how many moves a model takes to mate from `states: [N]`, and 0 where it does not."""

    def one(carry: Any, key: Any) -> tuple[Any, None]:
        state, going, found, i = carry
        action = jax.vmap(model.act)(jax.vmap(env.observe)(state), jax.vmap(env.legal)(state))
        step = jax.vmap(env.step)(state, action, jax.random.split(key, len(found)))
        found = jnp.where(going & (step.reward > 0), i + 1, found)
        return (step.state, going & ~step.terminated, found, i + 1), None

    count = len(states.index)
    begun = (states, jnp.ones(count, bool), jnp.zeros(count, jnp.int32), jnp.zeros((), jnp.int32))
    return jax.lax.scan(one, begun, jax.random.split(jax.random.key(0), most))[0][2]


def next_moves(steps: int = STEPS) -> Row:
    """King and queen against king by a network: best moves, and mates, from positions that it never saw.

    A tenth of the positions is held out, all eight that turn or mirror into one another together.
    """
    env = Endgame("queen", relative=True)
    index = np.flatnonzero(env.table.white.ravel() >= 0)
    lessons = Lessons(env, EndgameState(jnp.asarray(index, jnp.int32)), env.table.best(index))
    _, orbit = np.unique(turned(index), return_inverse=True)
    held = np.random.default_rng(0).permutation(orbit.max() + 1)[orbit] % 10 == 0
    begun = time.perf_counter()
    run = fit(RECIPE, lessons.take(~held), steps=steps, key=0)
    seconds = time.perf_counter() - begun
    right = agreement(run.model, lessons.take(held))
    rows = np.random.default_rng(0).choice(index[held], GAMES, replace=False)
    start = EndgameState(jnp.asarray(rows, jnp.int32))
    moves = np.asarray(moves_to_mate(env, run.model, start, MOST))
    best = (env.table.white.ravel()[rows].astype(int) + 1) // 2
    quick = (moves > 0) & (moves <= best + 2)
    note = (
        f"{(~held).sum():,} positions taught, {held.sum():,} held out; {steps} steps, {seconds:.0f} s; "
        f"{100 * agreement(run.model, lessons.take(~held)):.2f} % of those taught"
    )
    common: dict[str, Any] = {"unit": "%", "better": "higher", "seconds": seconds}
    return [
        entry("", "queen against king by a network: best moves in positions held out", 100 * right, must=95,
              aim=99, note=note, **common),
        entry("", "queen against king by a network: mates in at most two moves more than the table's",
              100 * quick.mean(), must=95, aim=99, **common,
              note=f"{GAMES:,} games against the longest defence; {100 * (moves == best).mean():.1f} % in "
              f"the table's number of moves, {100 * (moves == 0).mean():.2f} % drawn or not over in {MOST}"),
    ]  # fmt: skip
