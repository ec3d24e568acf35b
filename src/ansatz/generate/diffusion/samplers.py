"""One step of every sampler: from noisy data at time t to less noisy data at s < t.

All have one signature, on one example: `step(denoise, schedule, x, memory, t, s, noise) -> (x, memory)`.
There `denoise(x, t)` gives an `Estimate`, `noise` is ε ~ N(0, 1) of the shape of x, and the memory, which
`start(x)` gives, is empty but for multistep methods.  With (α, σ) at t and (α', σ') at s:

| name | step | order | denoisings |
|---|---|---|---|
| ddpm | the chain's own backward step, at random (Ho et al. 2020) | 1 | 1 |
| ddim | the noise stays what it is (Song, Meng & Ermon 2021) | 1 | 1 |
| euler | Euler's method for the probability flow in t | 1 | 1 |
| heun | Heun's method for it (Karras et al. 2022) | 2 | 2 |
| rk4 | the classical Runge-Kutta method for it | 4 | 4 |
| dpm++ | two steps of memory, exponential in log(α/σ) (Lu et al. 2022, DPM-Solver++(2M)) | 2 | 1 |

The order is that of the distance between the distributions, W₂ = O(steps^-order); the tests measure it.
"""

import abc
from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from ansatz._spelling import choose
from ansatz.core import BadInput
from ansatz.generate.diffusion.prediction import Estimate, predict
from ansatz.generate.diffusion.schedule import Schedule

Denoise = Callable[[Array, Array], Estimate]


class Sampler(eqx.Module):
    """One way of stepping from time t to s < t; the order of its error and its denoisings a step."""

    order: ClassVar[int] = 1
    denoisings: ClassVar[int] = 1

    def start(self, x: Float[Array, "*shape"]) -> PyTree:
        """Return the memory before the first step."""
        return ()

    @abc.abstractmethod
    def step(
        self, denoise: Denoise, schedule: Schedule, x: Array, memory: PyTree, t: Array, s: Array, noise: Array
    ) -> tuple[Array, PyTree]:
        """Return x at time s from x at time t, and the memory."""


def flow_velocity(denoise: Denoise, schedule: Schedule, x: Array, t: Array) -> Array:
    """Return ``dx/dt = α' E[x₀ | x] + σ' E[ε | x]``."""
    return predict("flow", denoise(x, t), schedule, t)


def backward_variance(schedule: Schedule, t: Array, s: Array) -> tuple[Array, Array]:
    """Return the variances of x_t given x_s, and of x_s given x_t and x₀.

    ``v = σ² - (α/α')² σ'²`` and ``σ'² v / σ²`` (Ho et al. 2020, equation 7).
    """
    (alpha, sigma), (then_alpha, then_sigma) = schedule.pair(t), schedule.pair(s)
    forward = jnp.maximum(sigma**2 - (alpha / then_alpha * then_sigma) ** 2, 0.0)
    return forward, forward * (then_sigma / sigma) ** 2


class DDIM(Sampler):
    """``x' = α' x₀ + √(σ'² - η² v) ε̂ + η √v z``, v the variance of x_s given x_t and x₀.

    η = `eta` in [0, 1] goes from no randomness to DDPM.
    """

    eta: float = eqx.field(static=True, default=0.0)

    def __check_init__(self) -> None:
        """Refuse a share of the noise outside [0, 1]."""
        if not 0 <= self.eta <= 1:
            raise BadInput(f"DDIM needs eta in [0, 1], not {self.eta!r}.")

    def step(
        self, denoise: Denoise, schedule: Schedule, x: Array, memory: PyTree, t: Array, s: Array, noise: Array
    ) -> tuple[Array, PyTree]:
        """Return x at time s, and the memory."""
        alpha, sigma = schedule.pair(s)
        estimate = denoise(x, t)
        if self.eta == 0:
            return alpha * estimate.clean + sigma * estimate.noise, memory
        fresh = self.eta**2 * backward_variance(schedule, t, s)[1]
        kept = jnp.sqrt(jnp.maximum(sigma**2 - fresh, 0.0))
        return alpha * estimate.clean + kept * estimate.noise + jnp.sqrt(fresh) * noise, memory


class DDPM(Sampler):
    """The backward step of the chain: ``x' = E[x_s | x_t, x₀] + deviation · z``.

    ``E[x_s | x_t, x₀] = (α σ'² / (α' σ²)) x_t + (α' v / σ²) x₀`` with v the variance of x_t given x_s.
    The variance of the step is that of x_s given x_t and x₀ (`large=False`: exact for data at one point), or
    v (`large=True`: exact for white data and a variance-preserving process).
    """

    large: bool = eqx.field(static=True, default=False)

    def step(
        self, denoise: Denoise, schedule: Schedule, x: Array, memory: PyTree, t: Array, s: Array, noise: Array
    ) -> tuple[Array, PyTree]:
        """Return x at time s, and the memory."""
        (alpha, sigma), (then_alpha, then_sigma) = schedule.pair(t), schedule.pair(s)
        forward, backward = backward_variance(schedule, t, s)
        mean = (alpha / then_alpha) * (then_sigma / sigma) ** 2 * x
        mean = mean + then_alpha * forward / sigma**2 * denoise(x, t).clean
        return mean + jnp.sqrt(forward if self.large else backward) * noise, memory


class Euler(Sampler):
    """``x' = x + h f(x, t)``, h = s - t, for the probability flow f."""

    def step(
        self, denoise: Denoise, schedule: Schedule, x: Array, memory: PyTree, t: Array, s: Array, noise: Array
    ) -> tuple[Array, PyTree]:
        """Return x at time s, and the memory."""
        return x + (s - t) * flow_velocity(denoise, schedule, x, t), memory


class Heun(Sampler):
    """``x' = x + h/2 (f(x, t) + f(x + h f(x, t), s))``."""

    order: ClassVar[int] = 2
    denoisings: ClassVar[int] = 2

    def step(
        self, denoise: Denoise, schedule: Schedule, x: Array, memory: PyTree, t: Array, s: Array, noise: Array
    ) -> tuple[Array, PyTree]:
        """Return x at time s, and the memory."""
        first = flow_velocity(denoise, schedule, x, t)
        second = flow_velocity(denoise, schedule, x + (s - t) * first, s)
        return x + 0.5 * (s - t) * (first + second), memory


class RungeKutta(Sampler):
    """The classical method of order 4, with slopes at t, twice half-way, and at s."""

    order: ClassVar[int] = 4
    denoisings: ClassVar[int] = 4

    def step(
        self, denoise: Denoise, schedule: Schedule, x: Array, memory: PyTree, t: Array, s: Array, noise: Array
    ) -> tuple[Array, PyTree]:
        """Return x at time s, and the memory."""
        return runge_kutta(lambda x, t: flow_velocity(denoise, schedule, x, t), x, t, s), memory


class Multistep(Sampler):
    """``x' = (σ'/σ) x + (α' - α σ'/σ) D`` with ``D = x̂₀ + (x̂₀ - x̂₀ before) h / (2 h before)``.

    h is the step in log(α/σ).  The first step takes D = x̂₀, and is DDIM's.
    """

    order: ClassVar[int] = 2

    def start(self, x: Float[Array, "*shape"]) -> PyTree:
        """Return the memory before the first step: no estimate, and an infinite step."""
        return jnp.zeros_like(x), jnp.full((), jnp.inf, x.dtype)

    def step(
        self, denoise: Denoise, schedule: Schedule, x: Array, memory: PyTree, t: Array, s: Array, noise: Array
    ) -> tuple[Array, PyTree]:
        """Return x at time s, and the memory."""
        (alpha, sigma), (then_alpha, then_sigma) = schedule.pair(t), schedule.pair(s)
        before, last = memory
        clean = denoise(x, t).clean
        step = schedule.log_ratio(s) - schedule.log_ratio(t)
        # From pure noise, where log(α/σ) = -∞, the first step is infinite and the second takes D = x̂₀ too.
        share = jnp.where(jnp.isfinite(last), 0.5 * step / last, jnp.zeros_like(step))
        data = clean + share * (clean - before)
        ratio = then_sigma / sigma
        return ratio * x + (then_alpha - alpha * ratio) * data, (clean, step)


def runge_kutta(slope: Callable[[Any, Array], Any], x: Array, t: Array, s: Array) -> Array:
    """Return x at time s by one step of the classical Runge-Kutta method for ``dx/dt = slope(x, t)``.

    >>> float(runge_kutta(lambda x, t: x, jnp.asarray(1.0), jnp.asarray(0.0), jnp.asarray(1.0)))
    2.7083...
    """
    h, half = s - t, 0.5 * (s + t)
    first = slope(x, t)
    second = slope(x + 0.5 * h * first, half)
    third = slope(x + 0.5 * h * second, half)
    fourth = slope(x + h * third, s)
    return x + h / 6 * (first + 2 * second + 2 * third + fourth)


SAMPLERS: dict[str, Callable[[], Sampler]] = {
    "ddpm": DDPM,
    "ddim": DDIM,
    "euler": Euler,
    "heun": Heun,
    "rk4": RungeKutta,
    "dpm++": Multistep,
}


def sampler_named(name: str | Sampler) -> Sampler:
    """Return the sampler of this name (a sampler is returned as it is), or raise `BadInput`.

    >>> sampler_named("heun").order
    2
    """
    return name if isinstance(name, Sampler) else choose("sampler", name, SAMPLERS)()
