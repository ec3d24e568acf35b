"""The networks that act: an encoder of observations, an actor π_NN and a critic V_NN (notes, §5)."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import BadInput, Clock, Fixed, Map
from ansatz.maps.mlp import MLP
from ansatz.rl.env import Box, Discrete
from ansatz.rl.normalize import moments
from ansatz.rl.policy import Categorical, Normal


class Encoder(Map):
    """An observation as a vector: one-hot of an index, or the numbers of an array, standardized if asked.

    >>> Encoder(Discrete(3))(jnp.asarray(1)).tolist()
    [0.0, 1.0, 0.0]
    """

    n: int = eqx.field(static=True)
    size: int = eqx.field(static=True)
    moments: Fixed | None

    def __init__(self, space: Discrete | Box, normalize: bool = False):
        self.n = space.n if isinstance(space, Discrete) else 0
        self.size = space.n if isinstance(space, Discrete) else math.prod(space.shape)
        self.moments = Fixed(moments((self.size,))) if normalize and not self.n else None

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Float[Array, " size"]:
        """Return the vector of an observation."""
        flat = self.flat(x)
        return flat if self.moments is None else self.moments.value.standardized(flat)

    def flat(self, x: Any) -> Float[Array, " size"]:
        """Return the vector of an observation, not standardized."""
        if self.n:
            return (jnp.arange(self.n) == x).astype(float)
        return jnp.ravel(x).astype(float)


def watching(encoder: Encoder, obs: Any) -> Encoder:
    """Return the encoder with a batch of observations `[N, ...]` among those it has seen."""
    if encoder.moments is None:
        return encoder
    seen = encoder.moments.value.merged(jax.vmap(encoder.flat)(obs))
    return eqx.tree_at(lambda e: e.moments, encoder, Fixed(seen))


class ActorCritic(Map):
    """π_NN(·|s) and V_NN(s) by two maps of the encoded observation.

    Discrete actions get a logit each, `legal` ones alone a probability; continuous ones a normal distribution
    whose deviation exp(log_std) is the same in every state.
    """

    encoder: Encoder
    actor: Map
    critic: Map
    log_std: Float[Array, " d"] | None

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> tuple[Array, Array]:
        """Return the logits or means `[n]` at an observation, and the value."""
        code = self.encoder(x)
        return self.actor(code), self.critic(code)[0]

    def policy(self, obs: Any, legal: Any = None) -> Any:
        """Return π(·|s), a `Categorical` or a `Normal`."""
        answer = self.actor(self.encoder(obs))
        if self.log_std is None:
            return Categorical(answer, legal)
        return Normal(answer, self.log_std)

    def value(self, obs: Any) -> Float[Array, ""]:
        """Return V(s)."""
        return self.critic(self.encoder(obs))[0]

    def act(self, obs: Any, legal: Any = None) -> Array:
        """Return the likeliest action."""
        return self.policy(obs, legal).mode()

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[ActorCritic, Array]":
        """Return a small map and an input for it."""
        space = Box((-1.0, -1.0), (1.0, 1.0))
        return build_actor_critic(space, Discrete(3), 8, 1, key=key), jnp.ones(2)


def build_actor_critic(
    observations: Discrete | Box,
    actions: Discrete | Box,
    width: int = 64,
    depth: int = 2,
    activation: str = "tanh",
    normalize: bool = False,
    log_std: float = 0.0,
    *,
    key: PRNGKeyArray,
) -> ActorCritic:
    """Return an actor and a critic that share no weights, each with `depth` hidden layers of `width` nodes.

    The weights are orthogonal and the actor's last ones a hundredth of that, so that it begins by exploring
    evenly (Andrychowicz et al. 2021, "What matters in on-policy reinforcement learning").
    """
    return actor_critic(Encoder(observations, normalize), actions, width, depth, activation, log_std, key=key)


def actor_critic(
    encoder: Encoder,
    actions: Discrete | Box,
    width: int,
    depth: int,
    activation: str,
    log_std: float = 0.0,
    *,
    key: PRNGKeyArray,
) -> ActorCritic:
    """Return an actor and a critic of what an encoder makes of observations (see `build_actor_critic`)."""
    first, second = jax.random.split(key)

    def net(out: int, k: PRNGKeyArray) -> MLP:
        return MLP(encoder.size, out, width, depth, activation, initial="orthogonal", key=k)

    actor = net(action_size(actions), first)
    actor = eqx.tree_at(lambda m: m.last.weight, actor, 0.01 * actor.last.weight)
    deviation = None if isinstance(actions, Discrete) else jnp.full(actions.shape, log_std)
    return ActorCritic(encoder, actor, net(1, second), deviation)


def action_size(actions: Discrete | Box) -> int:
    """Return the number of logits or of means that actions need."""
    if isinstance(actions, Discrete):
        return actions.n
    if len(actions.shape) != 1:
        raise BadInput(f"Continuous actions are vectors [d], and these have the shape {list(actions.shape)}.")
    return actions.shape[0]


def executable(actions: Discrete | Box, action: Array) -> Array:
    """Return what the environment is given: a continuous action is brought to the nearest one in the box."""
    if isinstance(actions, Discrete):
        return action
    low, high = (np.asarray(bound, np.float32) for bound in (actions.low, actions.high))
    return jnp.clip(action, jnp.broadcast_to(low, action.shape), jnp.broadcast_to(high, action.shape))


def keep_watching(model: Any, batch: Any, clock: Clock) -> Any:
    """The `after` that lets a model's encoder see the observations of a batch."""
    return eqx.tree_at(lambda m: m.encoder, model, watching(model.encoder, batch.samples.obs))
