"""What chooses actions: distributions over them, with illegal actions left out exactly (notes, §5).

    Categorical       π(a|s) = exp(z_a) / Σ_{b legal} exp(z_b) where a is legal, and exactly 0 where not
    Normal            π(a|s) = Π_i N(a_i; μ_i, σ_i²)
    Squashed          a = center + half · tanh(u), u ~ Normal: actions inside a box

A distribution holds its parameters and answers for the last axis, so that it serves one state and a batch
alike.  Randomness comes in as `noise`, which `noise(actions, key, shape)` draws for a whole rollout at once:
one large draw costs a CPU far less than one in each step.

An illegal action's logit is never read: its probability is 0, the gradient with respect to it is 0, and the
entropy is that of the legal actions alone.  Where no action is legal the probabilities are nan, so that a
run which comes there ends with a sentence instead of going on with a made-up action.
"""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ansatz.maps.shapes import wide
from ansatz.rl.env import Box, Discrete


def impossible(dtype: Any) -> Any:
    """Return what stands for -∞: its exponential is 0, and 0 times it is 0 and not nan.

    >>> float(jnp.exp(jnp.asarray(impossible(jnp.float32)))), float(0 * impossible(jnp.float32))
    (0.0, -0.0)
    """
    return jnp.finfo(dtype).min / 2


def masked_log_softmax(
    logits: Float[Array, "... actions"], legal: Bool[Array, "... actions"] | None = None
) -> Float[Array, "... actions"]:
    """Return ``log π_a = z_a - log Σ_{b legal} exp z_b``, `impossible` where illegal, in float32 at least.

    >>> log_p = masked_log_softmax(jnp.asarray([1.0, 5.0, 1.0]), jnp.asarray([True, False, True]))
    >>> jnp.exp(log_p).tolist()
    [0.5, 0.0, 0.5]
    """
    logits = logits.astype(wide(logits.dtype))
    if legal is None:
        return jax.nn.log_softmax(logits, axis=-1)
    low = jnp.asarray(impossible(logits.dtype), logits.dtype)
    z = jnp.where(legal, logits, low)
    z = z - jax.lax.stop_gradient(z.max(-1, keepdims=True))
    total = jnp.where(legal, jnp.exp(z), 0.0).sum(-1, keepdims=True)
    nothing = jnp.where(total > 0, 0.0, jnp.nan).astype(z.dtype)
    return jnp.where(legal, z - jnp.log(jnp.where(total > 0, total, 1.0)), low) + nothing


def masked_max(
    values: Float[Array, "... actions"], legal: Bool[Array, "... actions"] | None = None
) -> Float[Array, "..."]:
    """Return ``max_{a legal} q_a``; `impossible` where nothing is legal.

    >>> float(masked_max(jnp.asarray([1.0, 5.0, 2.0]), jnp.asarray([True, False, True])))
    2.0
    """
    return (values if legal is None else jnp.where(legal, values, impossible(values.dtype))).max(-1)


def masked_argmax(
    values: Float[Array, "... actions"], legal: Bool[Array, "... actions"] | None = None
) -> Int[Array, "..."]:
    """Return the legal action of the largest value, the first of equal ones.

    >>> int(masked_argmax(jnp.asarray([1.0, 5.0, 2.0]), jnp.asarray([True, False, True])))
    2
    """
    if legal is not None:
        # No value may be below what stands for the illegal ones: they would win over it.
        values = jnp.where(legal, jnp.maximum(values, impossible(values.dtype) / 2), impossible(values.dtype))
    return jnp.argmax(values, axis=-1).astype(jnp.int32)


def pick(rows: Float[Array, "... actions"], action: Int[Array, "..."]) -> Float[Array, "..."]:
    """Return the entry of each row that belongs to its action.

    A sum against a one-hot row: its gradient is one too, where that of an indexing is a slow scatter.

    >>> pick(jnp.asarray([[1.0, 2.0], [3.0, 4.0]]), jnp.asarray([1, 0])).tolist()
    [2.0, 3.0]
    """
    here = jax.lax.broadcasted_iota(action.dtype, rows.shape, rows.ndim - 1) == action[..., None]
    return jnp.where(here, rows, 0.0).sum(-1)


def noise(actions: Discrete | Box, key: PRNGKeyArray, shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Return what drives the choice of actions: Gumbel noise `[*shape, n]`, or normal noise `[*shape, d]`."""
    if isinstance(actions, Discrete):
        return jax.random.gumbel(key, (*shape, actions.n))
    return jax.random.normal(key, (*shape, *actions.shape))


class Categorical(eqx.Module):
    """The distribution over discrete actions with `logits: [..., n]`, `legal: [..., n]` ones."""

    logits: Float[Array, "... actions"]
    legal: Bool[Array, "... actions"] | None = None

    @property
    def log_p(self) -> Float[Array, "... actions"]:
        """The logarithm of each action's probability, `impossible` where that is 0."""
        return masked_log_softmax(self.logits, self.legal)

    def sample(self, noise: Float[Array, "... actions"]) -> Int[Array, "..."]:
        """Return an action drawn by Gumbel noise: argmax_a (z_a + noise_a) over the legal ones."""
        return masked_argmax(self.logits.astype(noise.dtype) + noise, self.legal)

    def mode(self) -> Int[Array, "..."]:
        """Return the likeliest action."""
        return masked_argmax(self.logits, self.legal)

    def log_prob(self, action: Int[Array, "..."]) -> Float[Array, "..."]:
        """Return log π(a|s)."""
        return pick(self.log_p, action)

    def entropy(self) -> Float[Array, "..."]:
        """Return H = -Σ_a π_a log π_a over the legal actions, 0 where one alone is legal."""
        log_p = self.log_p
        return -(jnp.exp(log_p) * log_p).sum(-1)

    def divergence(self, other: "Categorical") -> Float[Array, "..."]:
        """Return KL(self ‖ other), both with the same legal actions."""
        log_p = self.log_p
        return (jnp.exp(log_p) * (log_p - other.log_p)).sum(-1)

    def illegal_mass(self) -> Float[Array, "..."]:
        """Return the probability that the network, were it not masked, would give to illegal actions."""
        if self.legal is None:
            return jnp.zeros(self.logits.shape[:-1], wide(self.logits.dtype))
        return jnp.where(self.legal, 0.0, jnp.exp(masked_log_softmax(self.logits))).sum(-1)


class Normal(eqx.Module):
    """The normal distribution with independent components, of `mean: [..., d]` and `log_std: [..., d]`."""

    mean: Float[Array, "... d"]
    log_std: Float[Array, "... d"]

    def sample(self, noise: Float[Array, "... d"]) -> Float[Array, "... d"]:
        """Return μ + σ · noise."""
        return self.mean + jnp.exp(self.log_std) * noise

    def mode(self) -> Float[Array, "... d"]:
        """Return μ."""
        return self.mean

    def log_prob(self, action: Float[Array, "... d"]) -> Float[Array, "..."]:
        """Return log π(a|s)."""
        z = (action - self.mean) * jnp.exp(-self.log_std)
        return -(0.5 * z**2 + self.log_std + 0.5 * math.log(2 * math.pi)).sum(-1)

    def entropy(self) -> Float[Array, "..."]:
        """Return H = Σ_i log σ_i + d/2 · log(2 π e)."""
        return (self.log_std + 0.5 * math.log(2 * math.pi * math.e)).sum(-1)

    def divergence(self, other: "Normal") -> Float[Array, "..."]:
        """Return KL(self ‖ other) = Σ_i log σ'/σ + (σ² + (μ - μ')²) / (2 σ'²) - 1/2."""
        ratio = self.log_std - other.log_std
        shift = (self.mean - other.mean) * jnp.exp(-other.log_std)
        return (0.5 * jnp.exp(2 * ratio) + 0.5 * shift**2 - 0.5 - ratio).sum(-1)

    def illegal_mass(self) -> Float[Array, "..."]:
        """Return 0: no continuous action is illegal."""
        return jnp.zeros(self.mean.shape[:-1], self.mean.dtype)


class Squashed(eqx.Module):
    """A normal distribution brought into a box: ``a = center + half · tanh(u)``, u ~ N(mean, exp(log_std)²).

    ``log π(a|s) = log N(u) - Σ_i log(half_i (1 - tanh² u_i))`` (Haarnoja et al. 2018, appendix C), where
    ``log(1 - tanh² u) = 2 (log 2 - u - softplus(-2u))`` keeps its digits however large u is.
    """

    normal: Normal
    center: Float[Array, "... d"]
    half: Float[Array, "... d"]

    def sample(self, noise: Float[Array, "... d"]) -> Float[Array, "... d"]:
        """Return an action."""
        return self.center + self.half * jnp.tanh(self.normal.sample(noise))

    def mode(self) -> Float[Array, "... d"]:
        """Return the action of the mean of u."""
        return self.center + self.half * jnp.tanh(self.normal.mean)

    def sample_and_log_prob(self, noise: Float[Array, "... d"]) -> tuple[Array, Array]:
        """Return an action and its log π(a|s), which needs no inverse of tanh."""
        u = self.normal.sample(noise)
        action = self.center + self.half * jnp.tanh(u)
        slope = jnp.log(self.half) + 2 * (math.log(2) - u - jax.nn.softplus(-2 * u))
        return action, self.normal.log_prob(u) - slope.sum(-1)
