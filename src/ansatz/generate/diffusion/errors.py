"""The exact error of a sampler: what it makes of Gaussian data.

The denoiser of Gaussian data is affine, so every step of every sampler is an affine map of the data, the
memory and the noise, and what is drawn is Gaussian.  Its mean and covariance follow by pushing those of
the start through the steps, without drawing, and its distance from the truth is a number, not an
estimate (Pierret & Galerne 2025, "Diffusion models for Gaussian distributions: exact solutions and
Wasserstein errors").
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.flatten_util
import jax.numpy as jnp
from jaxtyping import Array, Float

from ansatz.core import BadInput
from ansatz.generate.diffusion.denoisers import Denoiser
from ansatz.generate.diffusion.exact import Exact
from ansatz.generate.diffusion.samplers import Sampler, sampler_named


class Normal(NamedTuple):
    """A Gaussian: `mean: [d]` and `covariance: [d, d]`."""

    mean: Float[Array, " d"]
    covariance: Float[Array, "d d"]


def marginal(denoiser: Exact, t: Float[Array, ""]) -> Normal:
    """Return the distribution of x_t, ``N(α m, α² C + σ²)``, for data from one Gaussian."""
    mean, covariance = denoiser.data.moments()
    alpha, sigma = denoiser.schedule.pair(t)
    return Normal(alpha * mean, alpha**2 * covariance + sigma**2 * jnp.eye(len(mean), dtype=mean.dtype))


def drawn(
    denoiser: Denoiser,
    sampler: str | Sampler,
    times: Float[Array, " points"],
    begin: Normal | None = None,
    *,
    finish: bool = False,
) -> Normal:
    """Return the distribution of what a sampler makes of Gaussian data along decreasing times.

    * `denoiser`: the exact one of a Gaussian, or another that is affine in x (then with `begin`).
    * `begin`: the distribution at the first time, the true one if not given.
    * `finish`: replace x by the data expected there at the end, as `sample` does.

    A denoiser of several Gaussians raises `BadInput`: its steps are not affine.
    """
    if isinstance(denoiser, Exact) and (count := len(denoiser.data.log_weights)) != 1:
        raise BadInput(f"The exact error is known for data from one Gaussian, not from {count}.")
    if begin is None and not isinstance(denoiser, Exact):
        raise BadInput("The distribution at the first time is known of exact denoisers alone: give `begin`.")
    found = _pushed(denoiser, sampler_named(sampler), times, begin or marginal(denoiser, times[0]))  # type: ignore
    if not finish:
        return found
    last = times[-1]
    slope = jax.jacfwd(lambda x: denoiser(x, last).clean)(found.mean)
    return Normal(denoiser(found.mean, last).clean, slope @ found.covariance @ slope.T)


@jax.jit
def wasserstein(one: Normal, two: Normal) -> Float[Array, ""]:
    """Return the 2-Wasserstein distance of two Gaussians (Dowson & Landau 1982).

    ``W₂² = |m₁ - m₂|² + tr(C₁ + C₂ - 2 (C₁^½ C₂ C₁^½)^½)``

    The trace is taken as ``|C₁^½ - C₂^½ U|²`` with the best rotation U, which keeps its digits where the
    two are close.

    >>> round(float(wasserstein(Normal(jnp.zeros(1), jnp.eye(1)), Normal(jnp.ones(1), 4 * jnp.eye(1)))), 5)
    1.41421
    """
    first, second = _root(one.covariance), _root(two.covariance)
    left, _, right = jnp.linalg.svd(second @ first)
    apart = first - second @ left @ right
    return jnp.sqrt(((one.mean - two.mean) ** 2).sum() + (apart**2).sum())


def _root(matrix: Array) -> Array:
    values, vectors = jnp.linalg.eigh(matrix)
    return (vectors * jnp.sqrt(jnp.maximum(values, 0.0))[None, :]) @ vectors.T


@eqx.filter_jit
def _pushed(denoiser: Denoiser, sampler: Sampler, times: Array, begin: Normal) -> Normal:
    start, unravel = jax.flatten_util.ravel_pytree((begin.mean, sampler.start(begin.mean)))
    size, whole = len(begin.mean), len(start)
    covariance = jnp.zeros((whole, whole), start.dtype).at[:size, :size].set(begin.covariance)

    def body(carry: tuple[Array, Array], ends: tuple[Array, Array]) -> tuple[tuple[Array, Array], None]:
        state, covariance = carry
        t, s = ends

        def step(state: Array, noise: Array) -> Array:
            x, memory = unravel(state)
            moved = sampler.step(denoiser, denoiser.schedule, x, memory, t, s, noise)
            return jax.flatten_util.ravel_pytree(moved)[0]

        silent = jnp.zeros(size, state.dtype)
        by_state, by_noise = jax.jacfwd(step, (0, 1))(state, silent)
        covariance = by_state @ covariance @ by_state.T + by_noise @ by_noise.T
        return (step(state, silent), covariance), None

    (state, covariance), _ = jax.lax.scan(body, (start, covariance), (times[:-1], times[1:]))
    return Normal(state[:size], covariance[:size, :size])
