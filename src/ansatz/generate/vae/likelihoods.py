"""What the output f of a decoder says about an example x: log p(x | f) in nats, and its mean.

Proper densities, so that the bound is a bound: no weights between its two terms, no means over pixels.
"""

import abc
import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray


class Likelihood(eqx.Module):
    """A density of an example given a decoder's output."""

    @abc.abstractmethod
    def log_probability(self, x: Float[Array, " d"], f: Float[Array, " d"]) -> Float[Array, ""]:
        """Return log p(x | f)."""

    @abc.abstractmethod
    def mean(self, f: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return E[x | f]."""

    @abc.abstractmethod
    def sample(self, f: Float[Array, "..."], key: PRNGKeyArray) -> Float[Array, "..."]:
        """Draw x given f."""


class Bernoulli(Likelihood):
    """``p(x | f) = Π s^x (1 - s)^(1 - x)`` with ``s = 1 / (1 + e^-f)``, for pixels that are 0 or 1.

    >>> round(float(Bernoulli().log_probability(jnp.ones(2), jnp.zeros(2))), 4)
    -1.3863
    """

    def log_probability(self, x: Float[Array, " d"], f: Float[Array, " d"]) -> Float[Array, ""]:
        """Return log p(x | f)."""
        return (x * f - jax.nn.softplus(f)).sum()

    def mean(self, f: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return the shares of ones."""
        return jax.nn.sigmoid(f)

    def sample(self, f: Float[Array, "..."], key: PRNGKeyArray) -> Float[Array, "..."]:
        """Draw zeros and ones."""
        return jax.random.bernoulli(key, self.mean(f)).astype(f.dtype)


class Gaussian(Likelihood):
    """``x ~ N(f, σ²)`` in each component, with one σ for all that is learned: `log_scale` is its logarithm.

    >>> gaussian = Gaussian(jnp.zeros(()))
    >>> round(float(gaussian.log_probability(jnp.zeros(1), jnp.zeros(1))), 4)
    -0.9189
    """

    log_scale: Float[Array, ""]

    def log_probability(self, x: Float[Array, " d"], f: Float[Array, " d"]) -> Float[Array, ""]:
        """Return log p(x | f)."""
        apart = ((x - f) * jnp.exp(-self.log_scale)) ** 2
        return -0.5 * apart.sum() - x.size * (self.log_scale + 0.5 * math.log(2 * math.pi))

    def mean(self, f: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return f."""
        return f

    def sample(self, f: Float[Array, "..."], key: PRNGKeyArray) -> Float[Array, "..."]:
        """Draw around f."""
        return f + jnp.exp(self.log_scale) * jax.random.normal(key, f.shape, f.dtype)
