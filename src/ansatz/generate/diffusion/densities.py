"""Densities that can be drawn from and evaluated: the mixtures of Gaussians."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import BadInput


class Density(eqx.Module):
    """A probability density on vectors of some length d."""

    @abc.abstractmethod
    def sample(self, key: PRNGKeyArray, count: int) -> Float[Array, "count d"]:
        """Draw `count` points."""

    @abc.abstractmethod
    def log_density(self, x: Float[Array, " d"]) -> Float[Array, ""]:
        """Return the log-density in nats at one point `x: [d]`."""


class Mixture(Density):
    """A mixture of Gaussians, ``p(x) = Σ_k w_k N(x; m_k, C_k)``.

    Made by `mixture` from weights `[k]`, means `[k, d]` and covariances `[k, d, d]`, which are kept as
    ``C_k = V_k diag(e_k) V_kᵀ``: noise changes the e_k alone.
    """

    log_weights: Float[Array, " k"]
    means: Float[Array, "k d"]
    values: Float[Array, "k d"]
    vectors: Float[Array, "k d d"]

    def _logs(self, x: Array, alpha: Array, sigma: Array) -> tuple[Array, Array]:
        """Return ``log w_k N(α x₀ + σ ε = x)`` and the whitened differences ``V_kᵀ (x - α m_k) / v_k``."""
        variances = alpha**2 * self.values + sigma**2
        turned = jnp.einsum("kij,ki->kj", self.vectors, x[None, :] - alpha * self.means)
        squares = (turned**2 / variances + jnp.log(2 * jnp.pi * variances)).sum(1)
        return self.log_weights - 0.5 * squares, turned / variances

    def log_density(
        self, x: Float[Array, " d"], alpha: float | Array = 1.0, sigma: float | Array = 0.0
    ) -> Float[Array, ""]:
        """Return the log-density of ``α x₀ + σ ε`` at `x: [d]`; of x₀ itself by default."""
        alpha, sigma = jnp.asarray(alpha, x.dtype), jnp.asarray(sigma, x.dtype)
        return jax.nn.logsumexp(self._logs(x, alpha, sigma)[0])

    def noise(self, x: Float[Array, " d"], alpha: Array, sigma: Array) -> Float[Array, " d"]:
        """Return ``E[ε | α x₀ + σ ε = x]``."""
        logs, whitened = self._logs(x, alpha, sigma)
        slopes = jnp.einsum("kij,kj->ki", self.vectors, whitened)
        return sigma * jax.nn.softmax(logs) @ slopes

    def clean(self, x: Float[Array, " d"], alpha: Array, sigma: Array) -> Float[Array, " d"]:
        """Return ``E[x₀ | α x₀ + σ ε = x]``."""
        logs, whitened = self._logs(x, alpha, sigma)
        moved = jnp.einsum("kij,kj->ki", self.vectors, alpha * self.values * whitened)
        return jax.nn.softmax(logs) @ (self.means + moved)

    @eqx.filter_jit
    def sample(self, key: PRNGKeyArray, count: int) -> Float[Array, "count d"]:
        """Draw `count` points."""
        which, normal = jax.random.split(key)
        k = jax.random.categorical(which, self.log_weights, shape=(count,))
        z = jax.random.normal(normal, (count, self.means.shape[1]), self.means.dtype)
        return self.means[k] + jnp.einsum("nij,nj->ni", self.vectors[k], jnp.sqrt(self.values[k]) * z)

    @eqx.filter_jit
    def moments(self) -> tuple[Float[Array, " d"], Float[Array, "d d"]]:
        """Return the mean and the covariance."""
        weights = jnp.exp(self.log_weights)
        mean = weights @ self.means
        inner = jnp.einsum("k,kij,kj,klj->il", weights, self.vectors, self.values, self.vectors)
        apart = self.means - mean[None, :]
        return mean, inner + jnp.einsum("k,ki,kj->ij", weights, apart, apart)


def mixture(weights: object, means: object, covariances: object) -> Mixture:
    """Return a mixture of Gaussians.

    `weights: [k]` are positive and are divided by their sum; `means: [k, d]`; `covariances` are matrices
    `[k, d, d]`, or variances `[k]` of round components.  Anything else raises `BadInput`.

    >>> float(mixture([1.0], [[0.0, 0.0]], [1.0]).log_density(jnp.zeros(2)))
    -1.837877...
    """
    w, m, c = (np.asarray(value, np.float64) for value in (weights, means, covariances))
    if m.ndim != 2 or w.shape != m.shape[:1] or c.shape not in (w.shape, (*m.shape, m.shape[1])):
        raise BadInput(
            f"A mixture has weights [k], means [k, d] and covariances [k] or [k, d, d], and these are "
            f"{list(w.shape)}, {list(m.shape)} and {list(c.shape)}."
        )
    if c.ndim == 1:
        c = c[:, None, None] * np.eye(m.shape[1])
    values, vectors = np.linalg.eigh(c)
    if not (w > 0).all() or not (values >= 0).all() or not np.allclose(c, np.swapaxes(c, 1, 2)):
        raise BadInput(
            "The weights of a mixture are positive and its covariances symmetric and not negative."
        )
    dtype = jnp.result_type(float)
    parts = (np.log(w / w.sum()), m, values, vectors)
    return Mixture(*(jnp.asarray(part, dtype) for part in parts))


def gaussian(mean: object, covariance: object) -> Mixture:
    """Return the Gaussian of this mean `[d]` and covariance `[d, d]`."""
    return mixture([1.0], np.asarray(mean)[None], np.asarray(covariance)[None])
