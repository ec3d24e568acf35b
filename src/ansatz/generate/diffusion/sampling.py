"""Drawing: from pure noise, step by step, to data."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from ansatz.core import BadInput
from ansatz.generate.diffusion.denoisers import Denoiser
from ansatz.generate.diffusion.grids import grid as grid_of
from ansatz.generate.diffusion.loops import repeat
from ansatz.generate.diffusion.prediction import size
from ansatz.generate.diffusion.samplers import Sampler, sampler_named


class _Fixed(NamedTuple):
    """What every step of a drawing needs: `condition` and `keys` have an entry for each example."""

    denoiser: Denoiser
    sampler: Sampler
    condition: Any
    keys: Any


class _Moment(NamedTuple):
    """One step: its number, from t to s."""

    number: Array
    t: Array
    s: Array


def sample(
    denoiser: Denoiser,
    keys: Array,
    shape: tuple[int, ...],
    *,
    sampler: str | Sampler = "dpm++",
    steps: int = 32,
    grid: str = "karras",
    condition: Any = None,
    driver: str | None = None,
) -> Float[Array, "count ..."]:
    """Draw one example of this shape for each of the `keys: [count]`.

    * `sampler`: a name of `SAMPLERS`, or a sampler.
    * `steps` ≥ 2: the first `steps - 1` go along the `grid` (see `grids`) to the process's first time, and
      the last replaces x by the data expected there.
    * `condition`: None, or an array (or a tree of them) with an entry for each example.
    * `driver`: "loop", "stepped", or None to choose (see `loops`).

    An example depends on its own key alone, and not on how many are drawn.

    >>> from ansatz.generate.diffusion.densities import mixture
    >>> from ansatz.generate.diffusion.exact import Exact
    >>> from ansatz.generate.diffusion.schedule import Flow
    >>> one = Exact(mixture([1.0], [[3.0]], [1e-4]), Flow())
    >>> drawn = sample(one, jax.random.split(jax.random.key(0), 100), (1,))
    >>> bool(jnp.all(jnp.abs(drawn - 3) < 0.05))
    True
    """
    _check(keys, condition)
    times = grid_of(denoiser.schedule, steps, grid)
    x = start(denoiser, keys, shape)
    x = integrate(denoiser, x, times, keys, sampler=sampler, condition=condition, driver=driver)
    end = _Moment(jnp.zeros(1, jnp.int32), times[-1:], times[-1:])
    fixed = _Fixed(denoiser, sampler_named(sampler), condition, keys)
    return repeat(_finish, fixed, (x, ()), end, driver)[0]


@eqx.filter_jit
def start(denoiser: Denoiser, keys: Array, shape: tuple[int, ...]) -> Float[Array, "count ..."]:
    """Draw noise of the deviation ``√(α² s² + σ²)`` at the last time, for each of the `keys: [count]`."""
    last = jnp.asarray(denoiser.schedule.last, jnp.result_type(float))
    wide = size(denoiser.schedule, last, denoiser.deviation)
    return wide * jax.vmap(lambda key: jr.normal(jr.fold_in(key, 0), shape))(keys)


def integrate(
    denoiser: Denoiser,
    x: Float[Array, "count ..."],
    times: Float[Array, " points"],
    keys: Array,
    *,
    sampler: str | Sampler,
    condition: Any = None,
    driver: str | None = None,
) -> Float[Array, "count ..."]:
    """Take `x: [count, ...]` from the first of the decreasing `times` to the last, one step between two."""
    method = sampler_named(sampler)
    numbers = jnp.arange(1, len(times), dtype=jnp.int32)
    moments = _Moment(numbers, times[:-1], times[1:])
    fixed = _Fixed(denoiser, method, condition, keys)
    return repeat(_advance, fixed, (x, jax.vmap(method.start)(x)), moments, driver)[0]


def _advance(fixed: _Fixed, carry: Any, moment: _Moment) -> Any:
    denoiser, sampler = fixed.denoiser, fixed.sampler

    def one(x: Array, memory: Any, condition: Any, key: Any) -> Any:
        noise = jr.normal(jr.fold_in(key, moment.number), x.shape, x.dtype)

        def denoise(x: Array, t: Array) -> Any:
            return denoiser(x, t, condition)

        return sampler.step(denoise, denoiser.schedule, x, memory, moment.t, moment.s, noise)

    return jax.vmap(one)(*carry, fixed.condition, fixed.keys)  # type: ignore


def _finish(fixed: _Fixed, carry: Any, moment: _Moment) -> Any:
    def one(x: Array, condition: Any) -> Array:
        return fixed.denoiser(x, moment.t, condition).clean

    return jax.vmap(one)(carry[0], fixed.condition), ()


def _check(keys: Any, condition: Any) -> None:
    if not jnp.issubdtype(keys.dtype, jax.dtypes.prng_key) or keys.ndim != 1 or len(keys) == 0:
        raise BadInput("Drawing takes keys [count], one for each example: jax.random.split(key, count).")
    for leaf in jax.tree.leaves(condition):
        if jnp.shape(leaf)[:1] != keys.shape:
            raise BadInput(
                f"A condition has an entry for each of the {len(keys)} examples, and this one has the shape "
                f"{list(jnp.shape(leaf))}."
            )
