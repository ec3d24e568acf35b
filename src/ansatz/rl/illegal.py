"""What happens to illegal actions: masked out, or the network is punished for them, or both (notes, §5).

| `illegal` | what acts | what the network is told |
|---|---|---|
| mask | the policy over the legal actions alone | nothing: an illegal logit has no gradient |
| penalty | the policy over all actions | the reward: an illegal one changes nothing and costs `penalty` |
| both | the policy over the legal actions alone | ``+ penalty · Σ_{b illegal} π_NN(b|s)`` in the loss |

With "penalty" the environment is wrapped in `Penalized`, in which every action is legal, and any algorithm
learns from the cost; an episode with `most` illegal proposals is truncated.  With "both" π_NN is the policy
before the mask.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int, PRNGKeyArray, PyTree

from ansatz._spelling import choose
from ansatz.core import BadInput
from ansatz.rl.env import Discrete, Env, Step
from ansatz.rl.wrappers import Wrapper

ILLEGAL = ("mask", "penalty", "both")


class Warned(NamedTuple):
    """A state, and how many illegal actions were proposed in this episode."""

    state: PyTree
    proposals: Int[Array, ""]


class Penalized(Wrapper):
    """An environment in which an illegal action is allowed, changes nothing and costs `penalty` > 0."""

    penalty: float = eqx.field(static=True, default=1.0)
    most: int = eqx.field(static=True, default=200)

    def __check_init__(self) -> None:
        """Refuse penalties that are none, and environments whose actions are all legal anyway."""
        if not self.penalty > 0 or self.most < 1:
            raise BadInput(
                f"A penalty is above 0 and allowed at least once, not {self.penalty!r}, {self.most!r}."
            )
        if self.env.players > 1:
            raise BadInput("In a game of several players illegal actions are masked: illegal='mask'.")

    def reset(self, key: PRNGKeyArray) -> Warned:
        """Return a state and no proposals."""
        return Warned(self.env.reset(key), jnp.zeros((), jnp.int32))

    def step(self, state: Warned, action: Array, key: PRNGKeyArray) -> Step:
        """Return what an action leads to, an illegal one to the same state at a cost."""
        legal = self.env.legal(state.state)
        allowed = legal[action]
        # What the environment does at an illegal action is undefined: it is given a legal one instead.
        done = self.env.step(state.state, jnp.where(allowed, action, jnp.argmax(legal)), key)
        proposals = state.proposals + (~allowed).astype(jnp.int32)

        def either(moved: Array, stayed: Array) -> Array:
            return jnp.where(allowed, moved, stayed)

        after = jax.tree.map(either, done.state, state.state)
        return Step(
            Warned(after, proposals),
            jax.tree.map(either, done.obs, self.env.observe(state.state)),
            jnp.where(allowed, done.reward, jnp.asarray(-self.penalty, done.reward.dtype)),
            allowed & done.terminated,
            (allowed & done.truncated) | (proposals >= self.most),
        )

    def inner(self, state: Warned) -> PyTree:
        """Return the state without the count."""
        return state.state

    def legal(self, state: Warned) -> Bool[Array, " actions"]:
        """Return that every action is allowed."""
        return jnp.ones_like(self.env.legal(state.state))

    def inverse_moves(self, state: Warned, key: PRNGKeyArray) -> Warned:
        """Return a move backwards of the environment itself, with the count as it is."""
        return state._replace(state=self.env.inverse_moves(state.state, key))


class Rule(NamedTuple):
    """The environment to play in, whether its actions are to be masked, and the factor on illegal mass."""

    env: Env
    masked: bool
    factor: float


def rule(env: Env, illegal: str, penalty: float) -> Rule:
    """Return how illegal actions of an environment are met: `illegal` is mask, penalty or both.

    Where no state forbids an action there is nothing to mask, and no mask is computed or stored.
    """
    choose("way of meeting illegal actions", illegal, dict.fromkeys(ILLEGAL))
    if illegal != "mask" and not penalty > 0:
        raise BadInput(f"A penalty for illegal actions is above 0, not {penalty!r}.")
    if not forbids(env):
        return Rule(env, False, 0.0)
    if illegal == "penalty":
        if env.host:
            raise BadInput(
                "What an illegal action costs is up to an environment that is played in Python: say "
                "illegal='mask' or 'both', or hosted(..., masked=False) to let it punish by itself."
            )
        return Rule(Penalized(env, penalty), False, 0.0)
    return Rule(env, True, penalty if illegal == "both" else 0.0)


def forbids(env: Env) -> bool:
    """Tell whether some state of an environment may forbid an action.

    What `legal` computes is looked at: if its answer does not depend on the state, it is the answer for all.
    """
    if env.host:
        return bool(getattr(env, "masked", False))
    if not isinstance(env.actions, Discrete):
        return False
    state = jax.eval_shape(env.reset, jax.random.key(0))
    traced = jax.make_jaxpr(env.legal)(state).jaxpr
    known: set[Any] = set(traced.invars)
    for equation in traced.eqns:
        if any(not hasattr(var, "val") and var in known for var in equation.invars):
            known |= set(equation.outvars)
    if any(not hasattr(var, "val") and var in known for var in traced.outvars):
        return True
    with jax.ensure_compile_time_eval():
        return not bool(env.legal(env.reset(jax.random.key(0))).all())
