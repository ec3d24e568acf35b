"""The log-density of a denoiser, by the probability flow.

Along ``dx/dt = f(x, t)`` the density changes as ``d log p_t(x) / dt = -div f`` (Chen et al. 2018; Song et al.
2021), so that from data x at the first time to noise at the last

    log p(x_first) = log N(x_last; 0, α² s² + σ²) + ∫ div f dt.

x₀ is known as ``x_first / α``, which is x₀ with noise of deviation σ/α: 0.002 by default, and next to none.
The divergence is exact (one derivative a dimension) or estimated with random signs (Hutchinson 1990).
"""

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import BadInput
from ansatz.generate.diffusion.denoisers import Denoiser
from ansatz.generate.diffusion.grids import grid as grid_of
from ansatz.generate.diffusion.loops import repeat
from ansatz.generate.diffusion.prediction import size
from ansatz.generate.diffusion.samplers import runge_kutta


class LogDensity(NamedTuple):
    """Log-densities `value: [N]` in nats, and their standard errors `error: [N]`: 0 where exact."""

    value: Float[Array, " N"]
    error: Float[Array, " N"]


class _Fixed(NamedTuple):
    denoiser: Denoiser
    condition: Any
    probes: Any


def log_density(
    denoiser: Denoiser,
    x: Float[Array, "N ..."],
    *,
    steps: int = 64,
    grid: str = "angle",
    probes: int = 0,
    key: PRNGKeyArray | None = None,
    condition: Any = None,
    driver: str | None = None,
) -> LogDensity:
    """Return the log-density of data `x: [N, ...]`, up to the noise σ/α at the process's first time.

    - `steps` ≥ 1: Runge-Kutta steps of order 4 along the `grid`, with 4 denoisings each.
    - `probes`: 0 for the exact divergence, which costs as many derivatives as x has components; else so
      many random directions (at least 2, for the error), which need a `key`.
    - `condition`: None, or an array (or a tree of them) with an entry for each example.

    >>> from ansatz.generate.diffusion.densities import mixture
    >>> from ansatz.generate.diffusion.exact import Exact
    >>> from ansatz.generate.diffusion.schedule import Flow
    >>> data = mixture([1.0], [[1.0]], [4.0])
    >>> found = log_density(Exact(data, Flow()), jnp.asarray([[0.0]]))
    >>> abs(float(found.value[0] - data.log_density(jnp.zeros(1)))) < 1e-4
    True
    """
    if x.ndim < 2:
        raise BadInput(
            f"log_density takes a batch of arrays [N, ...], and this has the shape {list(x.shape)}."
        )
    if probes and (probes < 2 or key is None):
        raise BadInput(f"An estimated divergence needs at least 2 probes and a key, not probes={probes!r}.")
    signs = None
    if probes:
        signs = jr.rademacher(key, (x.shape[0], probes, *x.shape[1:]), x.dtype)  # type: ignore
    times = grid_of(denoiser.schedule, steps + 1, grid)[::-1]
    change = jnp.zeros((x.shape[0], max(probes, 1)), x.dtype)
    fixed = _Fixed(denoiser, condition, signs)
    signal = denoiser.schedule.pair(times[0])[0]
    end, change = repeat(_advance, fixed, (signal * x, change), (times[:-1], times[1:]), driver)
    return _gathered(denoiser, end, change, times, signal)


@eqx.filter_jit
def _gathered(denoiser: Denoiser, end: Array, change: Array, times: Array, signal: Array) -> LogDensity:
    wide = size(denoiser.schedule, times[-1], denoiser.deviation)
    flat = end.reshape(end.shape[0], -1) / wide
    prior = -0.5 * (flat**2).sum(1) - flat.shape[1] * jnp.log(math.sqrt(2 * math.pi) * wide / signal)
    probes = change.shape[1]
    error = change.std(1, ddof=1) / math.sqrt(probes) if probes > 1 else jnp.zeros_like(prior)
    return LogDensity(prior + change.mean(1), error)


def _advance(fixed: _Fixed, carry: Any, ends: Any) -> Any:
    t, s = ends
    denoiser = fixed.denoiser

    def one(x: Array, change: Array, condition: Any, probes: Any) -> tuple[Array, Array]:
        def slope(state: Array, t: Array) -> Array:
            x = state[:x_size].reshape(shape)
            velocity, divergences = with_divergence(lambda x: denoiser.velocity(x, t, condition), x, probes)
            return jnp.concatenate([velocity.reshape(-1), divergences])

        x_size, shape = x.size, x.shape
        moved = runge_kutta(slope, jnp.concatenate([x.reshape(-1), change]), t, s)
        return moved[:x_size].reshape(shape), moved[x_size:]

    return jax.vmap(one)(*carry, fixed.condition, fixed.probes)  # type: ignore


def with_divergence(
    field: Any, x: Float[Array, "*shape"], probes: Float[Array, "k ..."] | None = None
) -> tuple[Float[Array, "*shape"], Float[Array, " k"]]:
    """Return a vector field at x and its divergence `[1]`, or estimates ``vᵀ J v`` with `probes: [k, ...]`.

    >>> value, divergence = with_divergence(lambda x: x**2, jnp.asarray([1.0, 2.0]))
    >>> divergence.tolist()
    [6.0]
    """
    value, along = jax.linearize(field, x)
    if probes is None:
        basis = jnp.eye(x.size, dtype=x.dtype).reshape(x.size, *x.shape)
        return value, jax.vmap(lambda e: (e * along(e)).sum())(basis).sum(keepdims=True)
    return value, jax.vmap(lambda v: (v * along(v)).sum())(probes)
