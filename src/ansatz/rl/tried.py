"""Whether an environment of a user's own gives numbers, and lets something be done, in episodes by chance."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int, PRNGKeyArray, PyTree

from ansatz.errors import BadInput
from ansatz.rl.env import Discrete, Env
from ansatz.rl.reference import Chance

FAULTS = (
    "every action is illegal where no episode has ended; `legal` allows at least one",
    "an observation is not finite",
    "a reward is not finite",
)


class Stroll(NamedTuple):
    """E episodes: where they stand, whether they are over, and the step at which each fault came first."""

    state: PyTree
    over: Bool[Array, " E"]
    met: Int[Array, "E faults"]


def tried(env: Env, episodes: int = 8, most: int = 200) -> Env:
    """Return the environment, if no state of some episodes by chance is one that nothing can learn from.

    They are cut off after `most` steps, so that a fault which comes later is not met.

    A step in which every action is illegal, or an observation or a reward is nan or infinite, is told with
    its number; of an environment that is played in Python nothing is tried here.

    Raises:
        BadInput: such a step was met.
    """
    if env.host:
        return env
    met = _met(env, episodes, most, jax.random.key(0))
    for fault, first in zip(FAULTS, met.min(0).tolist(), strict=True):
        if first < most:
            raise BadInput(f"{type(env).__name__} cannot be learned: {fault} (met in step {first}).")
    return env


@eqx.filter_jit
def _met(env: Env, episodes: int, most: int, key: PRNGKeyArray) -> Int[Array, "E faults"]:
    """Return the step at which each fault was met first, `most` where it was not."""
    starting, playing = jax.random.split(key)
    chance, masked = Chance(env.actions), isinstance(env.actions, Discrete)

    def move(state: PyTree, key: PRNGKeyArray) -> tuple[Any, Array]:
        choosing, stepping = jax.random.split(key)
        legal = env.legal(state) if masked else None
        step = env.step(state, chance.drawn(legal, choosing), stepping)
        stuck = jnp.zeros((), bool) if legal is None else ~legal.any()
        unseen = ~(_finite(env.observe(state)) & _finite(step.obs))
        return step, jnp.stack([stuck, unseen & ~stuck, ~_finite(step.reward) & ~stuck])

    def going(carry: tuple[Stroll, Array]) -> Array:
        return ~carry[0].over.all() & (carry[1] < most)

    def one(carry: tuple[Stroll, Array]) -> tuple[Stroll, Array]:
        was, i = carry
        keys = jax.random.split(jax.random.fold_in(playing, i), episodes)
        step, wrong = jax.vmap(move)(was.state, keys)
        met = jnp.where(wrong & ~was.over[:, None], jnp.minimum(was.met, i), was.met)
        over = was.over | step.terminated | step.truncated | wrong.any(1)
        return Stroll(step.state, over, met), i + 1

    state = jax.vmap(env.reset)(jax.random.split(starting, episodes))
    none = jnp.full((episodes, len(FAULTS)), most, jnp.int32)
    begun = Stroll(state, jnp.zeros(episodes, bool), none)
    return jax.lax.while_loop(going, one, (begun, jnp.zeros((), jnp.int32)))[0].met


def _finite(tree: PyTree) -> Bool[Array, ""]:
    leaves = [jnp.isfinite(x).all() for x in jax.tree.leaves(tree) if jnp.issubdtype(x.dtype, jnp.inexact)]
    return jnp.stack([jnp.ones((), bool), *leaves]).all()
