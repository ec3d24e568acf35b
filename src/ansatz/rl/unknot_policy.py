"""The trained policy for untying that comes with the package, and what it finds.

`make policy` trained it by imitation of the shortest ways known for fresh hard diagrams, none of them a
named one (`ansatz.rl.unknot_teacher`).  It makes R1±, R2±, R3 alone, and reads diagrams of any size.
"""

import functools
import json
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PRNGKeyArray

from ansatz.core import BadInput
from ansatz.knots.certificate import standard
from ansatz.knots.diagram import Diagram
from ansatz.knots.moves import Move as Made
from ansatz.knots.moves import as_tuple
from ansatz.knots.play import Move
from ansatz.knots.shorten import shortened
from ansatz.rl.envs.unknot import FEATURES, Unknot, begin_with
from ansatz.rl.imitation import Imitator
from ansatz.rl.rollout import check_sizes
from ansatz.rl.unknot_baselines import Sampling
from ansatz.rl.unknotter import DartActor, DartEncoder

STORED = Path(__file__).with_name("unknot_policy.npz")
ROOM, LEAST = 8, 16
"""Room for so many crossings more than a diagram has, and for no fewer than that."""
RUNS, STEPS = 64, 200
"""How often the policy is run, for how many moves at most."""


def untrained(width: int, depth: int) -> Imitator:
    """Return the network of a policy for moves "r-only", with weights that mean nothing."""
    first, second = jax.random.split(jax.random.key(0))
    encoder = DartEncoder(FEATURES, width, depth, "silu", key=first)
    return Imitator(encoder, DartActor(width, Unknot().layout, key=second))


def save(model: Imitator, path: Path, **facts: Any) -> None:
    """Write a policy as single-precision arrays, with what is to be known of its training."""
    trunk: Any = model.encoder
    facts |= {"width": trunk.size, "depth": len(trunk.trunk.norms)}
    leaves = [np.asarray(leaf, np.float32) for leaf in jax.tree.leaves(eqx.filter(model, eqx.is_array))]
    with path.open("wb") as file:
        np.savez_compressed(file, *leaves, facts=np.frombuffer(json.dumps(facts).encode(), np.uint8))


def load(path: Path) -> tuple[Imitator, dict[str, Any]]:
    """Return a policy and what is known of its training."""
    with np.load(path) as stored:
        facts = json.loads(stored["facts"].tobytes())
        leaves = [jnp.asarray(stored[f"arr_{at}"]) for at in range(len(stored.files) - 1)]
    arrays, rest = eqx.partition(untrained(facts["width"], facts["depth"]), eqx.is_array)
    return eqx.combine(jax.tree.unflatten(jax.tree.structure(arrays), leaves), rest), facts


@functools.cache
def trained() -> Imitator:
    """Return the policy of the package: `trained().act(env.observe(state), env.legal(state))`.

    >>> from ansatz.rl.envs.unknot import Unknot
    >>> env = Unknot(start="Culprit")
    >>> state = env.reset(jax.random.key(0))
    >>> bool(env.legal(state)[trained().act(env.observe(state), env.legal(state))])
    True
    """
    return load(STORED)[0]


def ways_of(
    diagram: Diagram, runs: int = RUNS, steps: int = STEPS, seed: int = 0, temperature: float | int = 0.7
) -> list[list[Move]]:
    """Return the ways to the circle that the policy of the package finds, without detours, shortest first.

    The moves start from ``certificate.standard(diagram)``.  Each of `runs` runs makes at most `steps` moves,
    drawn from π at a temperature.

    >>> from ansatz.knots.table import named
    >>> 8 < len(ways_of(named("Culprit"))[0]) < 20
    True
    """
    check_sizes(runs=runs, steps=steps)
    if not temperature > 0:
        raise BadInput(f"The temperature is {temperature}; it must be positive.")
    start = standard(diagram)
    env = Unknot(capacity=max(LEAST, start.crossings + ROOM))
    policy = Sampling(env, trained(), temperature)
    states = jax.tree.map(lambda leaf: jnp.stack([leaf] * runs), begin_with(env, start))
    made, ended = (np.asarray(x) for x in _run(env, policy, states, steps, jax.random.key(seed)))
    untied = [made[run, : ended[run]].tolist() for run in np.flatnonzero(ended >= 0)]
    found = [[as_tuple(Made(*row)) for row in rows] for rows in untied]
    return sorted((shortened(start, moves) for moves in found), key=len)


@eqx.filter_jit
def _run(
    env: Unknot, policy: Sampling, states: Any, steps: int, key: PRNGKeyArray
) -> tuple[Int[Array, "runs steps 4"], Int[Array, " runs"]]:
    """Return the moves of all runs, and after how many of them each was untied, -1 where it was not."""
    runs = len(states.time)

    def going(carry: Any) -> Array:
        return (carry[2] < 0).any() & (carry[3] < steps)

    def one(carry: Any) -> Any:
        state, made, ended, at = carry
        first, second = jax.random.split(jax.random.fold_in(key, at))
        action = jax.vmap(policy.act)(state, jax.random.split(first, runs)).astype(jnp.int32)
        step = jax.vmap(env.step)(state, action, jax.random.split(second, runs))
        ended = jnp.where((ended < 0) & step.terminated, at + 1, ended)
        move = jnp.stack(jax.vmap(env.table.move)(state.alpha, action), 1)
        return step.state, made.at[:, at].set(move), ended, at + 1

    begun = (
        states,
        jnp.zeros((runs, steps, 4), jnp.int32),
        jnp.full(runs, -1, jnp.int32),
        jnp.zeros((), jnp.int32),
    )
    _, made, ended, _ = jax.lax.while_loop(going, one, begun)
    return made, ended
