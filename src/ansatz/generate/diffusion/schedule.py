"""How data are turned into noise: every process as a pair (α, σ).

    x_t = α(t) x₀ + σ(t) ε,   ε ~ N(0, 1)

t runs from `first`, where there is next to no noise, to `last`, where there is next to nothing else.
Everything else about a process follows from the pair (Kingma et al. 2021, "Variational diffusion models"):
the logarithm λ = log(α/σ), half that of the signal-to-noise ratio, is the process's own clock.

| name | process | α | σ |
|---|---|---|---|
| linear | variance preserving, β linear in t (Ho et al. 2020; Song et al. 2021) | exp(-½∫β) | √(1 - α²) |
| cosine | variance preserving (Nichol & Dhariwal 2021) | cos(πt/2) | sin(πt/2) |
| exploding | variance exploding (Karras et al. 2022) | 1 | t |
| flow | rectified flow (Lipman et al. 2023; Liu et al. 2023) | 1 - t | t |
"""

import abc
import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ansatz._spelling import choose
from ansatz.core import BadInput


class Schedule(eqx.Module):
    """A process ``x_t = α(t) x₀ + σ(t) ε`` for t in [first, last]; α falls and σ/α grows with t.

    The defaults of `first` put σ/α at 0.002, for data of standard deviation about 1.
    """

    first: eqx.AbstractVar[float]
    last: eqx.AbstractVar[float]

    def __check_init__(self) -> None:
        """Refuse times outside the process."""
        if not 0 < self.first < self.last <= self._end:
            raise BadInput(
                f"The times first={self.first!r} and last={self.last!r} of a {type(self).__name__} process "
                f"must obey 0 < first < last ≤ {self._end:g}."
            )

    @property
    def _end(self) -> float:
        return 1.0

    @abc.abstractmethod
    def pair(self, t: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """Return α and σ at times `t: [...]`."""

    @abc.abstractmethod
    def log_ratio(self, t: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return λ = log(α/σ) at times `t: [...]`; -∞ where α = 0."""

    @abc.abstractmethod
    def time_at(self, log_ratio: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return the times `[...]` at which λ has these values: the inverse of `log_ratio`."""

    def rates(self, t: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """Return the derivatives α'(t) and σ'(t)."""
        return jax.jvp(self.pair, (t,), (jnp.ones_like(t),))[1]


class Linear(Schedule):
    """The variance-preserving diffusion with β(t) = low + t (high - low).

    ``log α = -¼ t² (high - low) - ½ t low``; in 1000 equal steps it is the chain of DDPM.

    >>> alpha, sigma = Linear().pair(jnp.asarray(1.0))
    >>> round(float(alpha), 4), round(float(alpha**2 + sigma**2), 6)
    (0.0066, 1.0)
    """

    low: float = eqx.field(static=True, default=0.1)
    high: float = eqx.field(static=True, default=20.0)
    first: float = eqx.field(static=True, default=4e-5)
    last: float = eqx.field(static=True, default=1.0)

    def __check_init__(self) -> None:
        """Refuse rates that are not positive and rising."""
        if not 0 < self.low < self.high < math.inf:
            raise BadInput(f"Linear needs 0 < low < high, not low={self.low!r}, high={self.high!r}.")

    def _integral(self, t: Array) -> Array:
        """Return ∫β from 0 to t."""
        return t * (self.low + 0.5 * (self.high - self.low) * t)

    def pair(self, t: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """Return α and σ."""
        integral = self._integral(t)
        return jnp.exp(-0.5 * integral), jnp.sqrt(-jnp.expm1(-integral))

    def log_ratio(self, t: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return ``-½ log(exp(∫β) - 1)``."""
        return -0.5 * jnp.log(jnp.expm1(self._integral(t)))

    def time_at(self, log_ratio: Float[Array, "..."]) -> Float[Array, "..."]:
        """Solve ``∫β = log(1 + exp(-2λ))`` for t."""
        integral = jax.nn.softplus(-2 * log_ratio)
        root = jnp.sqrt(self.low**2 + 2 * (self.high - self.low) * integral)
        return 2 * integral / (self.low + root)


class Cosine(Schedule):
    """The variance-preserving process of the quarter circle; it ends just before the signal is gone."""

    first: float = eqx.field(static=True, default=1.27e-3)
    last: float = eqx.field(static=True, default=0.996)

    def pair(self, t: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """Return α and σ."""
        return jnp.cos(0.5 * math.pi * t), jnp.sin(0.5 * math.pi * t)

    def log_ratio(self, t: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return ``-log tan(πt/2)``."""
        return -jnp.log(jnp.tan(0.5 * math.pi * t))

    def time_at(self, log_ratio: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return ``2/π arctan exp(-λ)``."""
        return 2 / math.pi * jnp.arctan(jnp.exp(-log_ratio))


class Exploding(Schedule):
    """Data stay as they are and noise of deviation t is added; t is σ itself, up to 80."""

    first: float = eqx.field(static=True, default=2e-3)
    last: float = eqx.field(static=True, default=80.0)

    @property
    def _end(self) -> float:
        return math.inf

    def pair(self, t: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """Return α and σ."""
        return jnp.ones_like(t), t

    def log_ratio(self, t: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return ``-log t``."""
        return -jnp.log(t)

    def time_at(self, log_ratio: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return ``exp(-λ)``."""
        return jnp.exp(-log_ratio)


class Flow(Schedule):
    """Rectified flow: the straight line from data at t = 0 to pure noise at t = 1."""

    first: float = eqx.field(static=True, default=2e-3)
    last: float = eqx.field(static=True, default=1.0)

    def pair(self, t: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """Return α and σ."""
        return 1 - t, t

    def log_ratio(self, t: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return ``log((1 - t) / t)``."""
        return jnp.log1p(-t) - jnp.log(t)

    def time_at(self, log_ratio: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return ``1 / (1 + exp(λ))``."""
        return jax.nn.sigmoid(-log_ratio)


SCHEDULES: dict[str, type[Schedule]] = {
    "linear": Linear,
    "cosine": Cosine,
    "exploding": Exploding,
    "flow": Flow,
}


def schedule_named(name: str) -> Schedule:
    """Return the process of this name with its usual times, or raise `BadInput`.

    >>> schedule_named("flow").last
    1.0
    """
    return choose("process", name, SCHEDULES)()  # type: ignore
