"""Classifier-free guidance: a condition is followed more strongly than the data do (Ho & Salimans 2021)."""

import math
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Float

from ansatz.core import BadInput
from ansatz.generate.diffusion.denoisers import Denoiser
from ansatz.generate.diffusion.prediction import Estimate
from ansatz.generate.diffusion.schedule import Schedule


class Guided(Denoiser):
    """``E = E[· | x] + scale (E[· | x, condition] - E[· | x])`` for data and noise alike.

    The score is then that of ``p_t(x)^(1 - scale) p_t(x | condition)^scale``, up to normalization: 0 ignores
    the condition, 1 follows it as the data do, and more exaggerates it.  Where the noise σ/α is outside
    [`low`, `high`] the scale is 1 (Kynkäänniemi et al. 2024, "Applying guidance in a limited interval").

    A scale or an interval that is no number raises `BadInput`.
    """

    denoiser: Denoiser
    scale: float = eqx.field(static=True, default=1.0)
    low: float = eqx.field(static=True, default=0.0)
    high: float = eqx.field(static=True, default=math.inf)

    def __check_init__(self) -> None:
        """Refuse what is no scale and no interval."""
        if not math.isfinite(self.scale):
            raise BadInput(f"The scale of the guidance must be a finite number, not {self.scale!r}.")
        if not 0 <= self.low < self.high:
            raise BadInput(
                f"Guidance acts for low ≤ σ/α ≤ high with 0 ≤ low < high, not {self.low}, {self.high}."
            )

    @property
    def schedule(self) -> Schedule:
        """The process of the denoiser that is guided."""
        return self.denoiser.schedule

    @property
    def deviation(self) -> float:
        """The deviation of a component of the data."""
        return self.denoiser.deviation

    def __call__(
        self, x: Float[Array, "*shape"], t: Float[Array, ""], condition: Any = None, *, key: Any = None
    ) -> Estimate:
        """Return the guided estimate of one example x at time t."""
        if condition is None:
            raise BadInput("Guidance needs a condition to follow: give one, or draw without guidance.")
        told = self.denoiser(x, t, condition)
        if self.scale == 1:
            return told

        def guided(x: Array) -> Estimate:
            free = self.denoiser(x, t)
            return jax.tree.map(lambda without, given: without + self.scale * (given - without), free, told)

        if self.low == 0 and self.high == math.inf:
            return guided(x)
        alpha, sigma = self.schedule.pair(t)
        within = (self.low * alpha <= sigma) & (sigma <= self.high * alpha)
        # The time is the same for a whole batch, so that this stays a choice under vmap.
        return jax.lax.cond(within, guided, lambda _: told, x)
