"""The engine beside a loop written by hand: what its checks and its record of metrics cost."""

import time
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax

from ansatz.core import Pairs, Parts, Recipe
from ansatz.data import Table
from ansatz.maps import MLP
from ansatz.objectives import mean_squared_error
from ansatz.training.prepare import arrays_for, choose, prepare
from ansatz.training.step import clock_at
from ansatz.training.updates import Descend
from benchmarks.run import entry

STEPS, REPEATS = 4000, 15


class Small(Recipe):
    """The MLP 1-64-64-64-1 with tanh, mini-batches of 64, Adam."""

    def build(self, data: Any, key: Any) -> Parts:
        """Return the parts."""
        model = MLP(1, 1, 64, 3, "tanh", key=key)
        return Parts(model, Table(data, 64), (Descend(mean_squared_error, optax.adam(1e-3)),))


def table() -> Pairs:
    """Return 2,000 points of a sine."""
    x = np.linspace(-3, 3, 2000, dtype=np.float32)[:, None]
    return Pairs(x, np.sin(x))


def by_hand(parts: Parts, source_state: Any, key: Any) -> Any:
    """Return the same steps as one `lax.scan`, without checks, clock or host."""
    update, source = parts.updates[0], parts.source
    arrays, rest = eqx.partition(parts.model, eqx.is_array)
    first = (arrays, update.init(parts.model), source_state)

    @jax.jit
    def run(consts: Any, first: Any) -> Any:
        held = eqx.combine(consts, eqx.filter(source, eqx.is_array, inverse=True))

        def step(carry: Any, i: Any) -> Any:
            arrays, opt, place = carry
            model = eqx.combine(arrays, rest)
            clock = clock_at(i, STEPS)
            batch, place = held.next(place, model, clock, key)
            model, opt, metrics = update.apply(model, opt, batch, clock, key)
            return (eqx.filter(model, eqx.is_array), opt, place), metrics["loss"]

        return jax.lax.scan(step, first, jnp.arange(STEPS, dtype=jnp.int32))

    consts = eqx.filter(source, eqx.is_array)
    return lambda: jax.block_until_ready(run(consts, first))


def overhead() -> list[dict]:
    """Row 1: the median over interleaved pairs of the engine's time over the hand-written scan's."""
    ready = prepare(Small(), table(), jr.key(0), 1)
    driver = choose(ready, 1, "loop", None, STEPS)
    _, arrays, _ = arrays_for(driver.program.place, driver.program.shared, ready)
    hand = by_hand(ready.parts, ready.state.source, ready.key)
    hand()
    ratios, steps = [], []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        hand()
        middle = time.perf_counter()
        driver.run(arrays, ready.key, 0, STEPS, STEPS)
        ended = time.perf_counter()
        ratios.append((ended - middle) / (middle - begun))
        steps.append((ended - middle) / STEPS)
    value = 100 * (float(np.median(ratios)) - 1)
    note = f"{1e6 * np.median(steps):.1f} µs a step; median of {REPEATS} interleaved pairs of {STEPS} steps"
    return [
        entry(
            "fit-1", "engine overhead over a hand-written lax.scan of the same step", value, unit="%",
            must=5, aim=3, better="lower", peer="lax.scan by hand", note=note,
        )
    ]  # fmt: skip
