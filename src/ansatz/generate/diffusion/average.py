"""Moving averages of parameters: what is drawn from is smoother than what is trained.

    Θ ← Θ + w_n (θ - Θ) after step n = 1, 2, …, with w_1 = 1

so that the average is one of parameters alone from the first step on: no zero that it began at is left to
be divided out, and no random start lingers.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from ansatz.core import BadInput, Clock, Fixed, Metrics, Objective, trainable

Weight = Callable[[Float[Array, ""]], Float[Array, ""]]


class Averaged(eqx.Module):
    """A model in training and, `Fixed`, the average of its parameters.

    `Averaged(model, parameters(model))` starts with the model's own parameters as their average.
    """

    live: Any
    average: Fixed

    @property
    def model(self) -> Any:
        """The model with the averaged parameters."""
        return eqx.combine(self.average.value, self.live)


AnAveraged = TypeVar("AnAveraged", bound=Averaged)


def parameters(model: PyTree) -> Fixed:
    """Return the parameters θ of a model, as an average that no update trains."""
    return Fixed(eqx.filter(model, trainable(model)))


def power(width: float = 0.05) -> Weight:
    """Return ``w_n = 1 - (1 - 1/n)^(γ+1)``: an average over a share of the steps so far.

    The weights of the past grow like ``n^γ``; their standard deviation is `width` · n, in (0, 0.28]
    (Karras et al. 2024, "Analyzing and improving the training dynamics of diffusion models", equation 2).

    >>> float(power()(jnp.asarray(1.0)))
    1.0
    """
    if not 0 < width <= 0.28:
        raise BadInput(f"The width of an average is a share of the steps in (0, 0.28], not {width!r}.")
    # width² = (γ + 1) / ((γ + 2)² (γ + 3)) falls with γ: halve the interval of γ.
    low, high = 0.0, 1.0 / width**2
    for _ in range(100):
        gamma = 0.5 * (low + high)
        above = (gamma + 1) / ((gamma + 2) ** 2 * (gamma + 3)) > width**2
        low, high = (gamma, high) if above else (low, gamma)
    exponent = low + 1
    return lambda n: 1 - (1 - 1 / n) ** exponent


def exponential(decay: float = 0.999) -> Weight:
    """Return ``w_n = (1 - d) / (1 - d^n)``: the exponential average, its start corrected as Adam's is.

    `decay` d is in [0, 1); the average is over about 1 / (1 - d) steps.

    >>> [round(float(exponential(0.5)(jnp.asarray(n))), 4) for n in (1.0, 2.0, 30.0)]
    [1.0, 0.6667, 0.5]
    """
    if not 0 <= decay < 1:
        raise BadInput(f"An average needs a decay in [0, 1), not {decay!r}.")
    rate = math.log(decay) if decay else -math.inf

    def weight(n: Float[Array, ""]) -> Float[Array, ""]:
        # 1 - d^n loses its digits where d is near 1; and of what the average began at nothing may stay.
        each = jnp.asarray(rate, n.dtype)
        return jnp.where(n == 1, 1.0, jnp.expm1(each) / jnp.expm1(n * each))

    return weight


def averaging(weight: Weight) -> Callable[[AnAveraged, Any, Clock], AnAveraged]:
    """Return the `after` of a recipe that moves the average of an `Averaged` model.

    >>> from ansatz.training.step import clock_at
    >>> model = Averaged(jnp.asarray(5.0), parameters(jnp.asarray(0.0)))
    >>> float(averaging(exponential())(model, None, clock_at(0, 10)).model)
    5.0
    """

    def after(model: AnAveraged, batch: Any, clock: Clock) -> AnAveraged:
        share = weight(jnp.asarray(clock.step, jnp.float32) + 1)

        def move(old: Array, new: Array) -> Array:
            return old + jnp.asarray(share, old.dtype) * (new - old)

        moved = jax.tree.map(move, model.average.value, parameters(model.live).value)
        return dataclasses.replace(model, average=Fixed(moved))

    return after


def of_live(objective: Objective) -> Objective:
    """Return the objective of the model in training, for an `Averaged` one."""

    def live(model: Averaged, batch: Any, key: Any) -> tuple[Array, Metrics]:
        return objective(model.live, batch, key)

    return live


def of_average(objective: Objective) -> Objective:
    """Return the objective of the model with averaged parameters, for an `Averaged` one."""

    def mean(model: Averaged, batch: Any, key: Any) -> tuple[Array, Metrics]:
        return objective(model.model, batch, key)

    return mean
