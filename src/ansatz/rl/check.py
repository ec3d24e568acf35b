"""Whether an environment keeps to what an environment is, said in a sentence before anything is compiled."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from ansatz.errors import BadInput
from ansatz.rl.env import Box, Discrete, Env, Step


def check(env: Any, *, alone: bool = False) -> Env:
    """Return the environment, if reset, step, observe and legal fit its spaces and one another.

    They are traced on abstract values, which compiles and computes nothing; of one that is played in Python
    there is nothing to trace.  With `alone` it has to be for one player.

    Raises:
        BadInput: it is no environment, or one of them fails or returns something else than it should; the
            sentence names it and both shapes.
    """
    name = type(env).__name__
    if not isinstance(env, Env):
        raise BadInput(
            f"Training takes an environment (an `ansatz.rl.env.Env`), not {name}; `ansatz.rl.hosted` and "
            "`ansatz.rl.adapters` make one of those of Gymnasium, gymnax and pgx."
        )
    if env.host:
        return env
    if alone and env.players > 1:
        raise BadInput(f"{name} has {env.players} players; this algorithm is for one.")
    for which, space in (("actions", env.actions), ("observations", env.observations)):
        if not isinstance(space, Discrete | Box):
            raise BadInput(f"The {which} of {name} are a Discrete or a Box, not {space!r}.")
    key = jax.ShapeDtypeStruct((), jax.random.key(0).dtype)
    state = _traced(env, "reset", key)
    step = _traced(env, "step", state, example_action(env.actions), key)
    if not isinstance(step, Step):
        raise BadInput(f"step of {name} returns a Step, and not a {type(step).__name__}.")
    if _kinds(step.state) != _kinds(state):
        raise BadInput(
            f"step of {name} returns the state {_kinds(step.state)}, and reset the state {_kinds(state)}; "
            "a state has the same leaves, shapes and dtypes always."
        )
    for which, obs in (("step", step.obs), ("observe", _traced(env, "observe", state))):
        _check_observation(f"{which} of {name}", obs, env.observations)
    paid = () if env.players == 1 else (env.players,)
    if step.reward.shape != paid or not jnp.issubdtype(step.reward.dtype, jnp.floating):
        raise BadInput(f"The reward of {name} is {_kind(step.reward)}; it is a float of shape {paid}.")
    for flag in ("terminated", "truncated"):
        if _kind(getattr(step, flag)) != "bool[]":
            raise BadInput(f"{flag} of {name} is {_kind(getattr(step, flag))}; it is bool[].")
    if isinstance(env.actions, Discrete):
        legal = _kind(_traced(env, "legal", state))
        if legal != f"bool[{env.actions.n}]":
            raise BadInput(f"legal of {name} is {legal}; of {env.actions.n} actions: bool[{env.actions.n}].")
    return env


def _traced(env: Env, which: str, *given: Any) -> Any:
    """Return the shapes of what a function of an environment returns."""
    try:
        return eqx.filter_eval_shape(getattr(env, which), *given)
    except BadInput:
        raise
    except Exception as error:
        words = " ".join(str(error).split())
        said = f"{type(error).__name__}: {words[:200]}" if words else type(error).__name__
        raise BadInput(f"{which} of {type(env).__name__} fails with {said}") from error


def example_action(space: Discrete | Box) -> jax.ShapeDtypeStruct:
    """Return the shape and dtype of an action: int32, or float32 of the shape of the box."""
    if isinstance(space, Discrete):
        return jax.ShapeDtypeStruct((), jnp.int32)
    return jax.ShapeDtypeStruct(space.shape, jnp.float32)


def _check_observation(whose: str, obs: Any, space: Discrete | Box) -> None:
    shape = () if isinstance(space, Discrete) else space.shape
    kind = jnp.integer if isinstance(space, Discrete) else jnp.floating
    fits = hasattr(obs, "shape") and obs.shape == shape and jnp.issubdtype(obs.dtype, kind)
    if not fits:
        wanted = "integer" if isinstance(space, Discrete) else "float"
        raise BadInput(
            f"{whose} returns the observation {_kinds(obs)}; in its space {_short(space)} it is one "
            f"array [{', '.join(map(str, shape))}] of {wanted} dtype."
        )


def _short(space: Discrete | Box) -> str:
    return str(space) if isinstance(space, Discrete) else f"Box of shape {space.shape}"


def _kind(leaf: Array | jax.ShapeDtypeStruct) -> str:
    return f"{leaf.dtype}[{','.join(map(str, leaf.shape))}]"


def _kinds(tree: Any) -> str:
    return str(jax.tree.map(_kind, tree)).replace("'", "")
