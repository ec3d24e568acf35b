"""What a denoising network is trained on: squares of its error, over noise of every strength.

    L = E_t E_{x₀, ε} w(t) ‖p_θ(α x₀ + σ ε, t) - (a x₀ + b ε)‖² / dimension

where (a, b) is what the network predicts (see `prediction`).  An error in one prediction is a multiple of
that in any other, ``δp = (a - b α/σ) δx₀``: the weight w only says in which prediction squares are taken.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz._spelling import choose
from ansatz.core import BadInput, Mean, Metrics, Objective, Pairs
from ansatz.generate.diffusion.denoisers import Learned
from ansatz.generate.diffusion.grids import LARGEST
from ansatz.generate.diffusion.prediction import KINDS, Estimate, coefficients, predict
from ansatz.generate.diffusion.schedule import Schedule

TIMES = ("uniform", "log_normal", "log_snr")


def denoising(
    times: str = "uniform",
    space: str | None = None,
    *,
    center: float = -0.5,
    spread: float = 1.5,
    cap: float = math.inf,
    drop: float = 0.0,
) -> Objective:
    """Return the denoising loss of a `Learned` denoiser on batches `Pairs(x, y, weight)`.

    `x: [N, ...]` are clean data; `y` are their conditions, with a leading axis N, or None.

    - `times`: how noise levels are drawn: "uniform" in t; "log_snr", uniform in log(α/σ); "log_normal",
      with ``log(σ/α) ~ N(center, spread²)`` (Karras et al. 2022; for a flow that is the logit-normal of
      Esser et al. 2024).  Within a batch they are spread evenly (Kingma et al. 2021).
    - `space`: the prediction whose error is squared; that of the network where it is None.
    - `cap`: the largest weight of a square of the error in x₀ (Hang et al. 2023 take 5 in noise space).
    - `drop` in [0, 1): the share of examples that are trained without their condition.

    Without a key nothing is dropped and the noise is always the same, so that validations compare.
    """
    choose("distribution of times", times, dict.fromkeys(TIMES))
    if space is not None:
        choose("prediction", space, dict.fromkeys(KINDS))
    if not 0 <= drop < 1:
        raise BadInput(f"The share of conditions that are dropped lies in [0, 1), not {drop!r}.")
    if not (spread > 0 and cap > 0 and math.isfinite(center)):
        raise BadInput(
            f"The noise needs a finite center, and a spread and a cap above 0, not {center}, {spread}, {cap}."
        )

    def loss(model: Learned, batch: Pairs, key: PRNGKeyArray | None) -> tuple[Array, Metrics]:
        """The denoising loss; see the function that returned it."""
        count = batch.x.shape[0]
        place, *keys = jr.split(jr.key(0) if key is None else key, 4)
        shares = (jr.uniform(place, (), batch.x.dtype) + jnp.arange(count, dtype=batch.x.dtype) / count) % 1.0
        t = draw_times(times, model.schedule, shares, center, spread)
        present = None
        if key is not None and drop and batch.y is not None:
            present = jr.bernoulli(keys[1], 1 - drop, (count,))
        inner = None if key is None else jr.split(keys[2], count)
        noise = jr.normal(keys[0], batch.x.shape, batch.x.dtype)

        def one(x: Array, noise: Array, t: Array, y: Any, present: Any, key: Any) -> Array:
            return _squares(model, x, noise, t, (y, present), key, space or model.kind, cap)

        each = jax.vmap(one)(batch.x, noise, t, batch.y, present, inner)
        if batch.weight is None:
            return each.mean(), {}
        weight = jnp.asarray(batch.weight, each.dtype)
        mean = Mean((weight * each).sum(), weight.sum())
        return mean.total / jnp.maximum(mean.weight, 1e-12), {"squares": mean}

    return loss


def _squares(
    model: Learned, x: Array, noise: Array, t: Array, told: Any, key: Any, space: str, cap: float
) -> Float[Array, ""]:
    """Return the mean square of the error of one example, in the given space."""
    alpha, sigma = model.schedule.pair(t)
    condition, present = told
    answer = model.prediction(alpha * x + sigma * noise, t, condition, present, key=key)
    target = predict(model.kind, Estimate(x, noise), model.schedule, t, model.deviation)
    squares = jnp.mean((answer - target) ** 2)
    if space == model.kind and cap == math.inf:
        return squares
    own = slope(model.kind, model.schedule, t, model.deviation) ** 2
    wanted = jnp.minimum(slope(space, model.schedule, t, model.deviation) ** 2, cap)
    return squares * wanted / own


def slope(kind: str, schedule: Schedule, t: Float[Array, ""], deviation: float = 1.0) -> Float[Array, ""]:
    """Return ``a - b α/σ``, the error of a prediction for an error of 1 in x₀ (x is given)."""
    alpha, sigma = schedule.pair(t)
    a, b = coefficients(kind, schedule, t, deviation)
    return a - b * alpha / sigma


def draw_times(
    times: str, schedule: Schedule, shares: Float[Array, " N"], center: float = -0.5, spread: float = 1.5
) -> Float[Array, " N"]:
    """Return the times `[N]` in [first, last] at which the distribution function has these values in [0, 1].

    >>> from ansatz.generate.diffusion.schedule import Flow
    >>> shares = jnp.asarray([0.25, 0.5, 0.75])
    >>> [round(float(t), 3) for t in draw_times("log_normal", Flow(), shares, 0.0, 1.0)]
    [0.337, 0.5, 0.663]
    """
    ends = jnp.asarray([schedule.first, schedule.last], shares.dtype)
    if times == "uniform":
        return ends[0] + shares * (ends[1] - ends[0])
    high, low = jnp.maximum(schedule.log_ratio(ends), -math.log(LARGEST))
    if times == "log_snr":
        return jnp.clip(schedule.time_at(high - shares * (high - low)), ends[0], ends[1])
    normal = jax.scipy.special.ndtri(jnp.clip(shares, 1e-6, 1 - 1e-6))
    return jnp.clip(schedule.time_at(-(center + spread * normal)), ends[0], ends[1])
