"""Many episodes side by side in one compiled step, driven from Python."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, PyTree, UInt32

from ansatz.rl.env import Discrete, Env

NEXT_STEP, SAME_STEP = "NextStep", "SameStep"


class Episodes(NamedTuple):
    """The states of n episodes and the data of the keys that drive them; every first axis is n."""

    states: PyTree
    keys: UInt32[Array, "n 2"]


class Shown(NamedTuple):
    """What the host is told after a step, `final_*` before a restart; every first axis is n."""

    obs: PyTree
    legal: Bool[Array, "n actions"] | None
    reward: Array
    terminated: Bool[Array, " n"]
    truncated: Bool[Array, " n"]
    final_obs: PyTree
    final_legal: Bool[Array, "n actions"] | None


class Programs(NamedTuple):
    """What is compiled for an environment.

    - `start(keys)` returns new episodes, and `restart(episodes, which)` those with some begun anew;
    - `look(episodes)` returns what is observed and what is legal, None where everything always is;
    - `advance(episodes, actions, over)` returns the episodes one step on and what is shown of it.
    """

    start: Callable[..., Episodes]
    restart: Callable[..., Episodes]
    look: Callable[..., tuple[PyTree, Array | None]]
    advance: Callable[..., tuple[Episodes, Shown]]


def programs(env: Env, mode: str) -> Programs:
    """Return the programs of an environment, the same ones for an equal environment.

    With the mode "NextStep" an episode that is `over` restarts in the place of its step; with "SameStep" one
    that ends restarts at once; otherwise none does.
    """
    arrays, rest = eqx.partition(env, eqx.is_array)
    try:
        made = _compiled(rest, mode)
    except TypeError:  # a field that cannot be hashed
        made = _compiled.__wrapped__(rest, mode)
    return Programs(
        functools.partial(made.start, arrays),
        functools.partial(made.restart, arrays),
        functools.partial(made.look, arrays),
        functools.partial(made.advance, arrays),
    )


@functools.lru_cache(maxsize=64)
def _compiled(rest: Env, mode: str) -> Programs:
    def whole(program: Callable[..., Any]) -> Callable[..., Any]:
        return jax.jit(lambda arrays, *given: program(eqx.combine(arrays, rest), *given))

    return Programs(
        whole(_begun), whole(_restarted), whole(_looked), whole(functools.partial(_advanced, mode=mode))
    )


def has_mask(env: Env) -> bool:
    """Tell whether an environment ever forbids an action, as far as its class tells."""
    inner = getattr(env, "env", None)
    if isinstance(inner, Env):
        return has_mask(inner)
    return isinstance(env.actions, Discrete) and type(env).legal is not Env.legal


def _restarted(env: Env, episodes: Episodes, which: Bool[Array, " n"]) -> Episodes:
    return _where(which, _begun(env, episodes.keys), episodes)


def _looked(env: Env, episodes: Episodes) -> tuple[PyTree, Bool[Array, "n actions"] | None]:
    return jax.vmap(env.observe)(episodes.states), _legal(env, episodes.states)


def _advanced(
    env: Env, episodes: Episodes, actions: Array, over: Bool[Array, " n"], mode: str
) -> tuple[Episodes, Shown]:
    keys, use = _split(episodes.keys)
    states, obs, reward, terminated, truncated = jax.vmap(env.step)(episodes.states, actions, use)
    legal = final_legal = _legal(env, states)
    final_obs, moved = obs, Episodes(states, keys)
    if mode == NEXT_STEP:
        moved = _renewed(env, over, episodes, moved)
        reward = jnp.where(over, jnp.zeros_like(reward), reward)
        terminated, truncated = terminated & ~over, truncated & ~over
        begun = over
    elif mode == SAME_STEP:
        begun = terminated | truncated
        moved = _renewed(env, begun, moved, moved)
    else:
        return moved, Shown(obs, legal, reward, terminated, truncated, final_obs, final_legal)
    obs = _where(begun, jax.vmap(env.observe)(moved.states), obs)
    legal = None if legal is None else _legal(env, moved.states)
    return moved, Shown(obs, legal, reward, terminated, truncated, final_obs, final_legal)


def _renewed(env: Env, which: Bool[Array, " n"], before: Episodes, otherwise: Episodes) -> Episodes:
    """Return new episodes from the keys of `before` where asked for; if nowhere, none is made."""
    settled = jax.tree.map(_strong, otherwise)
    return jax.lax.cond(
        which.any(),
        lambda: jax.tree.map(_strong, _where(which, _begun(env, before.keys), settled)),
        lambda: settled,
    )


def _begun(env: Env, keys: UInt32[Array, "n 2"]) -> Episodes:
    keys, use = _split(keys)
    return Episodes(jax.vmap(env.reset)(use), keys)


def _split(keys: UInt32[Array, "n 2"]) -> tuple[UInt32[Array, "n 2"], Array]:
    """Return the data of the keys to go on with, and keys to use now."""
    both = jax.vmap(jax.random.split)(jax.random.wrap_key_data(keys, impl="threefry2x32"))
    return jax.random.key_data(both[:, 0]), both[:, 1]


def _legal(env: Env, states: PyTree) -> Bool[Array, "n actions"] | None:
    return jax.vmap(env.legal)(states) if has_mask(env) else None


def _where(which: Bool[Array, " n"], yes: PyTree, no: PyTree) -> PyTree:
    def choose(a: Array, b: Array) -> Array:
        return jnp.where(which.reshape(-1, *[1] * (a.ndim - 1)), a, b)

    return jax.tree.map(choose, yes, no)


def _strong(value: Array) -> Array:
    """Return the value without JAX's weak type, in which the branches of a condition may not differ."""
    if jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key):
        return value
    return jax.lax.convert_element_type(value, value.dtype)
