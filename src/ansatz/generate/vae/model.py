"""The variational autoencoder as a map, and the bounds on its evidence.

    z = μ(x) + σ(x) ε,  ε ~ N(0, I)             the reparameterisation: noise that θ does not move
    log p(x) ≥ E[log p(x | z)] - KL(q(z | x) ‖ N(0, I))          the evidence lower bound
    log p(x) ≥ E[log 1/K Σ_k p(x, z_k) / q(z_k | x)]             the importance-weighted one, rising with K

Sources: Kingma and Welling, "Auto-encoding variational Bayes" (2014); Burda, Grosse, Salakhutdinov,
"Importance weighted autoencoders" (2016); Higgins et al., "beta-VAE" (2017).
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import Fixed, Map, Metrics, Pairs
from ansatz.generate.vae.likelihoods import Likelihood

LOUD, QUIET = 4.0, -12.0
"""The logarithms of σ(x) are kept between these: beyond them a float32 exponential helps nobody."""


class Code(NamedTuple):
    """The posterior q(z | x) = N(mean, e^(2 log_scale)), each `[k]`."""

    mean: Float[Array, "*N k"]
    log_scale: Float[Array, "*N k"]


class Autoencoder(Map):
    """An encoder to mean and log σ of a code `[2k]`, a decoder from a code, and what its output means.

    `center: [d]` and `scale` bring the data to the encoder's units, ``(x - center) / scale``.  As a map it
    is the reconstruction E[x | z = μ(x)] in the units of the data.
    """

    encoder: Map
    decoder: Map
    likelihood: Likelihood
    center: Fixed
    scale: Fixed

    def code(self, x: Float[Array, " d"], *, key: PRNGKeyArray | None = None) -> Code:
        """Return q(z | x) for an example in the encoder's units."""
        mean, log_scale = jnp.split(self.encoder(x, key=key), 2)
        return Code(mean, jnp.clip(log_scale, QUIET, LOUD))

    def standard(self, x: Float[Array, "*N d"]) -> Float[Array, "*N d"]:
        """Return examples in the encoder's units."""
        center = self.center.value
        return (x - jnp.broadcast_to(center, x.shape)) / self.scale.value

    def decoded(self, z: Float[Array, " k"]) -> Float[Array, " d"]:
        """Return E[x | z] in the units of the data."""
        return self.likelihood.mean(self.decoder(z)) * self.scale.value + self.center.value

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Float[Array, " d"]:
        """Return the reconstruction of `x: [d]`."""
        return self.decoded(self.code(self.standard(x), key=key).mean)


def divergence(code: Code) -> Float[Array, ""]:
    """Return KL(N(μ, σ²) ‖ N(0, 1)) = Σ ½ (μ² + σ² - 1) - log σ in nats.

    >>> float(divergence(Code(jnp.ones(2), jnp.zeros(2))))
    1.0
    """
    return (0.5 * (code.mean**2 + jnp.expm1(2 * code.log_scale)) - code.log_scale).sum()


def elbo(
    model: Autoencoder, x: Float[Array, " d"], key: PRNGKeyArray, inside: Any = None
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Return log p(x | z) at a drawn z, and the divergence; x in the encoder's units.

    Their difference is the bound, of which one draw is an unbiased estimate.
    """
    code = model.code(x, key=inside)
    z = code.mean + jnp.exp(code.log_scale) * jax.random.normal(key, code.mean.shape, code.mean.dtype)
    return model.likelihood.log_probability(x, model.decoder(z, key=inside)), divergence(code)


def log_weights(
    model: Autoencoder, x: Float[Array, " d"], key: PRNGKeyArray, samples: int, inside: Any = None
) -> Float[Array, " K"]:
    """Return log p(x, z_k) - log q(z_k | x) for so many draws of z."""
    code = model.code(x, key=inside)
    noise = jax.random.normal(key, (samples, *code.mean.shape), code.mean.dtype)
    z = code.mean[None] + jnp.exp(code.log_scale)[None] * noise
    f = jax.vmap(model.decoder)(z)
    given = jax.vmap(model.likelihood.log_probability, (None, 0))(x, f)
    # The factors 2π of prior and posterior cancel.
    ratio = 0.5 * (noise**2 - z**2).sum(1) + code.log_scale.sum()
    return given + ratio


def evidence(weights: Float[Array, " K"]) -> Float[Array, ""]:
    """Return ``log 1/K Σ exp(weights)``."""
    return jax.nn.logsumexp(weights) - math.log(weights.shape[0])


def negative_elbo(beta: float = 1.0, *, plain: bool = False) -> Callable[..., tuple[Array, Metrics]]:
    """Return the objective ``-E[log p(x | z)] + β KL`` in nats an example, on `Pairs(x, …)`.

    Metrics are the two terms.  `plain` leaves noise and divergence out: an autoencoder and no more.
    """

    def objective(model: Autoencoder, batch: Pairs, key: PRNGKeyArray | None) -> tuple[Array, Metrics]:
        noise, keys = _keys(key, len(batch.x))
        if plain:
            f = jax.vmap(lambda x, k: model.decoder(model.code(x, key=k).mean, key=k))(batch.x, keys)
            given = jax.vmap(model.likelihood.log_probability)(batch.x, f)
            return -_mean(given, batch), {"reconstruction": -_mean(given, batch)}
        given, apart = jax.vmap(lambda x, n, k: elbo(model, x, n, k))(batch.x, noise, keys)
        terms = {"reconstruction": -_mean(given, batch), "divergence": _mean(apart, batch)}
        return terms["reconstruction"] + beta * terms["divergence"], terms

    return objective


def negative_evidence(samples: int) -> Callable[..., tuple[Array, Metrics]]:
    """Return the objective of the importance-weighted bound with so many draws of a code."""

    def objective(model: Autoencoder, batch: Pairs, key: PRNGKeyArray | None) -> tuple[Array, Metrics]:
        noise, keys = _keys(key, len(batch.x))

        def one(x: Array, n: Any, k: Any) -> Array:
            return evidence(log_weights(model, x, n, samples, k))

        return -_mean(jax.vmap(one)(batch.x, noise, keys), batch), {}

    return objective


def _keys(key: PRNGKeyArray | None, count: int) -> tuple[Any, Any]:
    """Return keys for the codes and, in training, for what the networks drop."""
    drawing, inside = jax.random.split(jax.random.key(0) if key is None else key)
    return jax.random.split(drawing, count), None if key is None else jax.random.split(inside, count)


def _mean(values: Array, batch: Pairs) -> Array:
    """Return the mean over the examples, by their weights if they have any."""
    return values.mean() if batch.weight is None else jnp.average(values, weights=batch.weight)
