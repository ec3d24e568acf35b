"""Denoisers: what every sampler, likelihood and guidance asks, and the answer of a network.

A denoiser knows its process and says of one noisy example what its data and its noise were:

    denoiser(x, t, condition=None, *, key=None) -> Estimate(clean=E[x₀ | x_t = x], noise=E[ε | x_t = x])

with `x` of the shape of the data and `t: []` a time of the process; `jax.vmap` makes the batch.  Score,
velocity of the probability flow and every other prediction follow from the estimate.  `Learned` answers
by a network: any `Map` of a `Noisy(x, t, condition, present)` that returns an array of the shape of x.
"""

import abc
import math
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import BadInput, Map
from ansatz.generate.diffusion.prediction import Estimate, check_kind, predict, recover, size
from ansatz.generate.diffusion.schedule import Schedule
from ansatz.maps.denoiser import Noisy

LOUDEST = 8.0
"""The largest |log(σ/α)| that a network is told of."""


class Denoiser(eqx.Module):
    """What is thought of noisy data; `deviation` is that of one component of the clean data."""

    schedule: eqx.AbstractVar[Schedule]
    deviation: eqx.AbstractVar[float]

    @abc.abstractmethod
    def __call__(
        self, x: Float[Array, "*shape"], t: Float[Array, ""], condition: Any = None, *, key: Any = None
    ) -> Estimate:
        """Return the expected data and noise of one example x at time t."""

    def score(
        self, x: Float[Array, "*shape"], t: Float[Array, ""], condition: Any = None
    ) -> Float[Array, "*shape"]:
        """Return ``∇ log p_t(x) = -E[ε | x] / σ``."""
        return predict("score", self(x, t, condition), self.schedule, t)

    def velocity(
        self, x: Float[Array, "*shape"], t: Float[Array, ""], condition: Any = None
    ) -> Float[Array, "*shape"]:
        """Return ``dx/dt = α' E[x₀ | x] + σ' E[ε | x]``, the probability flow (Song et al. 2021)."""
        return predict("flow", self(x, t, condition), self.schedule, t)


class Learned(Denoiser):
    """A network with its scalings: it sees x with mean square 1 and `log(σ/α) / 4`, and predicts `kind`.

    * `network`: a `Map` from `Noisy(x, t, condition, present)` to an array of the shape of x.
    * `kind`: one of noise, clean, v, score, flow, edm (see `prediction`).
    * `deviation`: that of one component of the data, above 0.

    >>> import jax
    >>> from ansatz.generate.diffusion.schedule import Flow
    >>> from ansatz.maps.denoiser import DenoisingMLP
    >>> denoiser = Learned(DenoisingMLP(2, 8, 1, key=jax.random.key(0)), Flow(), "flow")
    >>> denoiser(jnp.ones(2), jnp.asarray(0.5)).clean.tolist()
    [1.0, 1.0]
    """

    network: Map
    schedule: Schedule
    kind: str = eqx.field(static=True, default="flow")
    deviation: float = eqx.field(static=True, default=1.0)

    def __check_init__(self) -> None:
        """Refuse a prediction that the process does not allow, and data without spread."""
        check_kind(self.kind, self.schedule)
        if not 0 < self.deviation < math.inf:
            raise BadInput(f"The deviation of the data must be a number above 0, not {self.deviation!r}.")

    def prediction(
        self,
        x: Float[Array, "*shape"],
        t: Float[Array, ""],
        condition: Any = None,
        present: Any = None,
        *,
        key: PRNGKeyArray | None = None,
    ) -> Float[Array, "*shape"]:
        """Return what the network predicts; `present: bool[]` tells whether the condition counts."""
        scaled = x / size(self.schedule, t, self.deviation)
        level = jnp.clip(-self.schedule.log_ratio(t), -LOUDEST, LOUDEST) / 4
        answer = self.network(Noisy(scaled, level, condition, present), key=key)
        if answer.shape != x.shape:
            raise BadInput(
                f"The network of a denoiser answers {list(answer.shape)} to data of shape {list(x.shape)}; "
                "the two must be equal."
            )
        return answer

    def __call__(
        self, x: Float[Array, "*shape"], t: Float[Array, ""], condition: Any = None, *, key: Any = None
    ) -> Estimate:
        """Return the expected data and noise of one example x at time t."""
        answer = self.prediction(x, t, condition, key=key)
        return recover(self.kind, answer, x, self.schedule, t, self.deviation)
