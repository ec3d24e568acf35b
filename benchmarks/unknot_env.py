"""Steps of the environment of knot diagrams a second, by a random policy with its mask.

Each function measures one bar and returns its figures; the area's file numbers them.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ansatz.knots.moves import count
from ansatz.rl.envs.unknot import Unknot
from benchmarks.run import entry
from benchmarks.unknot_rivals import spherogram

Row = list[dict[str, Any]]
CAPACITY, BATCH, STEPS, ROUNDS = 64, 1024, 20, 5
START = "D28"


def player(env: Unknot) -> Callable[[Any, Any], Any]:
    """Return a compiled function that makes `STEPS` random legal moves in `BATCH` diagrams at once.

    The mask is drawn from by counting, each legal move as likely; a diagram that is untied or cut off
    begins anew with the start.
    """
    fresh = env.reset(jax.random.key(0))

    def one(state: Any, key: Any) -> Any:
        acting, stepping = jax.random.split(key)
        step = env.step(state, env.drawn(state, acting), stepping)
        over = step.terminated | step.truncated
        return jax.tree.map(lambda a, b: jnp.where(over, a, b), fresh, step.state)

    def play(states: Any, key: Any) -> Any:
        def body(i: Any, states: Any) -> Any:
            keys = jax.random.split(jax.random.fold_in(key, i), BATCH)
            return jax.vmap(one)(states, keys)

        return jax.lax.fori_loop(0, STEPS, body, states)

    return jax.jit(play)


def rate(env: Unknot) -> tuple[float, float, float]:
    """Return moves a second by the wall clock and by CPU seconds, medians, and the crossings at the end."""
    play, key = player(env), jax.random.key(1)
    begin = jax.jit(jax.vmap(env.reset))
    states = play(begin(jax.random.split(key, BATCH)), key)
    jax.block_until_ready(states)
    walls, cpus = [], []
    for i in range(ROUNDS):
        wall, cpu = time.perf_counter(), time.process_time()
        states = jax.block_until_ready(play(states, jax.random.fold_in(key, i)))
        walls.append(BATCH * STEPS / (time.perf_counter() - wall))
        cpus.append(BATCH * STEPS / (time.process_time() - cpu))
    return statistics.median(walls), statistics.median(cpus), float(jax.vmap(count)(states.alpha).mean())


def environment() -> Row:
    """Random legal moves a second on diagrams with room for 64 crossings, 1,024 at once, and Spherogram's."""
    found, rates = [], dict[str, float]()
    for moves, words in (("all", "R1±, R2±, R3, XC, PASS"), ("r-only", "R1±, R2±, R3")):
        wall, cpu, crossings = rate(Unknot(capacity=CAPACITY, moves=moves, start=START))
        rates[moves] = cpu
        note = (
            f"{words}; uniform over the legal moves, by counting; {cpu:,.0f} a CPU second; from {START}, "
            f"{crossings:.0f} crossings on average at the end"
        )
        what = f"random legal moves a second, N = {CAPACITY}, batch {BATCH}, moves = {moves}"
        found.append(
            entry("", what, wall, unit="steps/s", must=60_000, aim=200_000, better="higher", note=note)
        )
    return found + spherogram(rates)
