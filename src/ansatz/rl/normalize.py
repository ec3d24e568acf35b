"""Running means and variances: of observations, which the model carries, and of returns, which scale rewards.

Moments of batches are merged exactly (Chan, Golub & LeVeque 1979): with counts n, m and δ = mean_b - mean_a,

    mean = mean_a + δ m/(n+m),    variance = (n var_a + m var_b + δ² n m/(n+m)) / (n+m)

They are no parameters: a recipe's `after` moves them once a step, when the updates are done, so that the
policy that played a batch is the one that learns from it.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

LARGEST = 10.0
"""Standardized values are clipped to ± this many deviations."""
SMALLEST = 1e-8


class Moments(eqx.Module):
    """The mean and the variance of what was seen so far, `count` values of it."""

    mean: Float[Array, "..."]
    variance: Float[Array, "..."]
    count: Float[Array, ""]

    def merged(self, rows: Float[Array, "N ..."]) -> "Moments":
        """Return the moments with `rows: [N, ...]` among what was seen.

        >>> merged = moments(()).merged(jnp.asarray([1.0, 3.0])).merged(jnp.asarray([5.0]))
        >>> float(merged.mean), round(float(merged.variance), 5)
        (3.0, 2.66667)
        """
        mean, variance, size = rows.mean(0), rows.var(0), jnp.asarray(rows.shape[0], self.count.dtype)
        total = self.count + size
        share = size / total
        shift = mean - self.mean
        joint = (1 - share) * self.variance + share * variance + shift**2 * share * (1 - share)
        return Moments(self.mean + shift * share, joint, total)

    def standardized(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return ``(x - mean) / σ``, clipped; x itself before anything was seen."""
        z = (x - self.mean) * jax.lax.rsqrt(self.variance + SMALLEST)
        return jnp.clip(z, -LARGEST, LARGEST)

    def scaled(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return ``x / σ``, clipped, with its sign: what rewards are scaled by."""
        return jnp.clip(x * jax.lax.rsqrt(self.variance + SMALLEST), -LARGEST, LARGEST)


def moments(shape: tuple[int, ...]) -> Moments:
    """Return mean 0 and variance 1, of nothing.

    >>> moments((2,)).standardized(jnp.asarray([0.5, -20.0])).tolist()
    [0.5, -10.0]
    """
    return Moments(jnp.zeros(shape), jnp.ones(shape), jnp.zeros(()))
