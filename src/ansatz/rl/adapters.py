"""Environments of gymnax and pgx as ours: pure functions already, they compile together with the training.

    from_gymnax(*gymnax.make("CartPole-v1"))       fit(PPO(), from_gymnax(env, params), steps=…)
    from_pgx(pgx.make("connect_four"))             two players: for the games' algorithms

Neither package is imported here; what is used is their documented interface:

| | gymnax (0.0.x and 1.x) | pgx (1.x and 2.x) |
|---|---|---|
| begin | `reset(key, params) → obs, state` | `init(key) → state` |
| step | `step_env(key, state, action, params)` | `step(state, action) → state` |
| | `→ obs, state, reward, done, info` | since 2.0 `step(state, action, key)` |
| limit | since 1.0 `is_truncated(state, params)`, not in `done` | `state.truncated` |
| legal | all | `state.legal_action_mask` |

Episodes restart where they are played: `step_env`, unlike gymnax's `step`, restarts none.
"""

import dataclasses
import inspect
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, PRNGKeyArray, PyTree

from ansatz._spelling import choose
from ansatz.errors import BadInput
from ansatz.rl.env import Box, Discrete, Env, Step, everywhere

UNLIMITED = 2**31 - 1
LIMITS = ("cut", "end")


class Observed(NamedTuple):
    """A state of gymnax, and what was observed of it."""

    state: PyTree
    obs: Array


class Gymnax(Env):
    """An environment of gymnax, as `from_gymnax` makes it."""

    outer: Any = eqx.field(static=True)
    params: PyTree
    acting: Discrete | Box
    shown: Discrete | Box
    form: tuple[int, ...] = eqx.field(static=True)
    limit: str = eqx.field(static=True)

    @property
    def actions(self) -> Discrete | Box:
        """The space of the actions."""
        return self.acting

    @property
    def observations(self) -> Discrete | Box:
        """The space of the observations."""
        return self.shown

    def reset(self, key: PRNGKeyArray) -> Observed:
        """Return the state in which an episode begins."""
        obs, state = self.outer.reset(key, self.params)
        return Observed(jax.tree.map(_settled, state), self._seen(obs))

    def step(self, state: Observed, action: Array, key: PRNGKeyArray) -> Step:
        """Return what an action leads to."""
        given = action if isinstance(self.acting, Discrete) else action.reshape(self.form)
        obs, after, reward, done, _ = self.outer.step_env(key, state.state, given, self.params)
        terminated, truncated = self._told(after, done)
        after = jax.tree.map(_as_before, state.state, after)
        seen = self._seen(obs)
        return Step(
            Observed(after, seen), seen, jnp.asarray(reward, jnp.float32).reshape(()),
            jnp.asarray(terminated, bool).reshape(()), jnp.asarray(truncated, bool).reshape(()),
        )  # fmt: skip

    def observe(self, state: Observed) -> Array:
        """Return what was observed of a state."""
        return state.obs

    def _seen(self, obs: Any) -> Array:
        return jnp.asarray(obs, jnp.int32 if isinstance(self.shown, Discrete) else jnp.float32)

    def _told(self, after: PyTree, done: Any) -> tuple[Any, Any]:
        """Return `done` as an end or as a cut: a cut is at the limit of time, where nothing else ends it."""
        if hasattr(self.outer, "is_truncated"):
            late = jnp.asarray(self.outer.is_truncated(after, self.params), bool)
            return (done | late, jnp.zeros((), bool)) if self.limit == "end" else (done, late)
        if self.limit == "end" or not _limited(self.params, after):
            return done, jnp.zeros((), bool)
        unlimited = dataclasses.replace(self.params, max_steps_in_episode=UNLIMITED)
        late = after.time >= self.params.max_steps_in_episode
        cut = done & late & ~jnp.asarray(self.outer.is_terminal(after, unlimited), bool)
        return done & ~cut, cut


def from_gymnax(env: Any, params: Any = None, limit: str = "cut") -> Gymnax:
    """Return an environment of gymnax as ours; `params` are its `default_params` where none are given.

    With `limit` = "cut" an episode that `max_steps_in_episode` ends is *truncated*; with "end" it is
    *terminated*, as where the limit is part of the task (a bandit, a finite horizon).  Before 1.0 gymnax
    tells `done` and no more: a cut is then where `is_terminal` would go on without that limit.

    Raises:
        BadInput: it has not gymnax's functions, or its spaces are of a kind that is not learned from.
    """
    missing = [one for one in ("reset", "step_env", "action_space") if not hasattr(env, one)]
    if missing:
        raise BadInput(
            f"An environment of gymnax has the functions reset, step_env and action_space; "
            f"{type(env).__name__} has no {missing[0]}."
        )
    choose("limit", limit, dict.fromkeys(LIMITS))
    params = env.default_params if params is None else params
    name = getattr(env, "name", type(env).__name__)
    acting = _space(env.action_space(params), f"actions of {name}")
    form = () if isinstance(acting, Discrete) else acting.shape
    if isinstance(acting, Box):
        acting = Box(*(tuple(np.ravel(bound).tolist()) for bound in (acting.low, acting.high)))
    shown = _space(env.observation_space(params), f"observations of {name}")
    return Gymnax(env, params, acting, shown, form, limit)


class Pgx(Env):
    """An environment or a game of pgx, as `from_pgx` makes it; its states are ours."""

    outer: Any = eqx.field(static=True)
    acting: Discrete
    shown: Box
    number: int = eqx.field(static=True)
    keyed: bool = eqx.field(static=True)

    @property
    def players(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """How many play."""
        return self.number

    @property
    def actions(self) -> Discrete:
        """The space of the actions."""
        return self.acting

    @property
    def observations(self) -> Box:
        """The space of the observations."""
        return self.shown

    def reset(self, key: PRNGKeyArray) -> PyTree:
        """Return the state in which an episode begins."""
        return jax.tree.map(_settled, self.outer.init(_raw(key)))

    def step(self, state: PyTree, action: Array, key: PRNGKeyArray) -> Step:
        """Return what a legal action leads to; pgx 1.x draws from a key that the state holds."""
        given = (_raw(key),) if self.keyed else ()
        after = jax.tree.map(_as_before, state, self.outer.step(state, action, *given))
        reward = jnp.asarray(after.rewards, jnp.float32)
        return Step(
            after,
            self.observe(after),
            reward if self.number > 1 else reward.reshape(()),
            jnp.asarray(after.terminated, bool),
            jnp.asarray(after.truncated, bool),
        )

    def observe(self, state: PyTree) -> Array:
        """Return what the player whose turn it is sees."""
        return jnp.asarray(state.observation, jnp.float32)

    def legal(self, state: PyTree) -> Bool[Array, " actions"]:
        """Return which actions are allowed."""
        return jnp.asarray(state.legal_action_mask, bool)

    def player(self, state: PyTree) -> Int[Array, ""]:
        """Return whose turn it is; who begins is drawn by pgx."""
        return jnp.asarray(state.current_player, jnp.int32)


def from_pgx(env: Any) -> Pgx:
    """Return an environment of pgx as ours: rewards of several players are a vector, `players` of them.

    Observations are those of the player whose turn it is, as numbers; where they are truth values their
    bounds are 0 and 1.

    Raises:
        BadInput: it has not pgx's functions, or its states not what those of pgx have.
    """
    missing = [one for one in ("init", "step", "num_players", "num_actions") if not hasattr(env, one)]
    if missing:
        raise BadInput(
            f"An environment of pgx has init, step, num_players and num_actions; {type(env).__name__} has no "
            f"{missing[0]}."
        )
    state = jax.eval_shape(lambda: env.init(_raw(jax.random.key(0))))
    told = ("observation", "rewards", "terminated", "truncated", "legal_action_mask", "current_player")
    if absent := [one for one in told if not hasattr(state, one)]:
        raise BadInput(
            f"A state of pgx has {', '.join(told)}; that of {type(env).__name__} has no {absent[0]}."
        )
    seen = state.observation
    bounds = (0.0, 1.0) if seen.dtype == bool else (-np.inf, np.inf)
    keyed = "key" in inspect.signature(env.step).parameters
    return Pgx(
        env, Discrete(int(env.num_actions)), everywhere(*bounds, *seen.shape), int(env.num_players), keyed
    )


def _space(space: Any, whose: str) -> Discrete | Box:
    """Return a space of gymnax as ours, known by what it has: its class cannot be imported here."""
    if hasattr(space, "n"):
        return Discrete(int(space.n))
    if hasattr(space, "low") and hasattr(space, "high"):
        low, high = (np.broadcast_to(np.asarray(x, float), space.shape) for x in (space.low, space.high))
        return Box(_nested(low), _nested(high))
    raise BadInput(
        f"The {whose} are in the space {type(space).__name__}; algorithms learn from Discrete and Box alone."
    )


def _nested(bound: Any) -> Any:
    return tuple(map(_nested, bound)) if np.ndim(bound) else float(bound)


def _limited(params: Any, state: Any) -> bool:
    return (
        dataclasses.is_dataclass(params)
        and hasattr(params, "max_steps_in_episode")
        and hasattr(state, "time")
    )


def _raw(key: PRNGKeyArray) -> Array:
    """Return a key as numbers, which every version of pgx takes and keeps in its states."""
    return jax.random.key_data(key)


def _settled(leaf: Any) -> Any:
    """Return a leaf as an array of a type of its own, not one of Python's that would yield to others."""
    leaf = jnp.asarray(leaf)
    if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return leaf
    return jax.lax.convert_element_type(leaf, leaf.dtype)


def _as_before(was: Any, now: Any) -> Any:
    """Return a leaf of the state after a step in the type that it had before."""
    return now if jax.dtypes.issubdtype(was.dtype, jax.dtypes.prng_key) else jnp.asarray(now, was.dtype)
