"""What a network may predict, and how one prediction becomes another.

Given x = α x₀ + σ ε, every kind of prediction is a combination ``p = a x₀ + b ε`` of the clean data x₀ and
the noise ε, and x₀ and ε follow from x and p:

    x₀ = (b x - σ p) / (α b - σ a),   ε = (α p - a x) / (α b - σ a)

| kind | p | a | b |
|---|---|---|---|
| noise | ε (Ho et al. 2020) | 0 | 1 |
| clean | x₀ | 1 | 0 |
| v | α ε - σ x₀ (Salimans & Ho 2022) | -σ | α |
| score | ∇ log p_t(x) = -ε/σ (Song et al. 2021) | 0 | -1/σ |
| flow | dx/dt = α' x₀ + σ' ε (Lipman et al. 2023) | α' | σ' |
| edm | (x₀ - c_skip x/α) / c_out (Karras et al. 2022) | σ/(s r) | -α s/r |

with data of deviation s, r = √(α² s² + σ²), and in the last row Karras' preconditioning of x/α with noise
σ/α: ``c_skip = s²/(s² + (σ/α)²)``, ``c_out = s (σ/α) / √(s² + (σ/α)²)``.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from ansatz._spelling import choose
from ansatz.core import BadInput
from ansatz.generate.diffusion.schedule import Schedule

KINDS = ("noise", "clean", "v", "score", "flow", "edm")


class Estimate(NamedTuple):
    """What is thought of an x: `clean` is E[x₀ | x] and `noise` is E[ε | x], both of the shape of x."""

    clean: Float[Array, "*shape"]
    noise: Float[Array, "*shape"]


def coefficients(
    kind: str, schedule: Schedule, t: Float[Array, ""], deviation: float = 1.0
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Return (a, b) of a prediction ``a x₀ + b ε`` at time t, for data of this deviation."""
    choose("prediction", kind, dict.fromkeys(KINDS))
    alpha, sigma = schedule.pair(t)
    if kind == "noise":
        return jnp.zeros_like(t), jnp.ones_like(t)
    if kind == "clean":
        return jnp.ones_like(t), jnp.zeros_like(t)
    if kind == "v":
        return -sigma, alpha
    if kind == "score":
        return jnp.zeros_like(t), -1 / sigma
    if kind == "flow":
        return schedule.rates(t)
    root = size(schedule, t, deviation)
    return sigma / (deviation * root), -alpha * deviation / root


def size(schedule: Schedule, t: Float[Array, ""], deviation: float = 1.0) -> Float[Array, ""]:
    """Return the deviation of x_t, ``√(α² s² + σ²)``, for data of deviation s."""
    alpha, sigma = schedule.pair(t)
    return jnp.sqrt((deviation * alpha) ** 2 + sigma**2)


def predict(
    kind: str, estimate: Estimate, schedule: Schedule, t: Float[Array, ""], deviation: float = 1.0
) -> Float[Array, "*shape"]:
    """Return the prediction ``a x₀ + b ε`` of this kind.

    >>> from ansatz.generate.diffusion.schedule import Flow
    >>> pair = Estimate(jnp.asarray([1.0]), jnp.asarray([3.0]))
    >>> float(predict("flow", pair, Flow(), jnp.asarray(0.5))[0])
    2.0
    """
    a, b = coefficients(kind, schedule, t, deviation)
    return a * estimate.clean + b * estimate.noise


def recover(
    kind: str,
    prediction: Float[Array, "*shape"],
    x: Float[Array, "*shape"],
    schedule: Schedule,
    t: Float[Array, ""],
    deviation: float = 1.0,
) -> Estimate:
    """Return x₀ and ε from x at time t and a prediction of this kind: the inverse of `predict`."""
    alpha, sigma = schedule.pair(t)
    a, b = coefficients(kind, schedule, t, deviation)
    determinant = alpha * b - sigma * a
    return Estimate((b * x - sigma * prediction) / determinant, (alpha * prediction - a * x) / determinant)


def convert(
    prediction: Float[Array, "*shape"],
    x: Float[Array, "*shape"],
    schedule: Schedule,
    t: Float[Array, ""],
    *,
    given: str,
    wanted: str,
    deviation: float = 1.0,
) -> Float[Array, "*shape"]:
    """Return a prediction of the kind `given` as one of the kind `wanted`, at x and time t.

    >>> from ansatz.generate.diffusion.schedule import Exploding
    >>> x, t = jnp.asarray([5.0]), jnp.asarray(2.0)
    >>> float(convert(jnp.asarray([1.0]), x, Exploding(), t, given="clean", wanted="noise")[0])
    2.0
    """
    estimate = recover(given, prediction, x, schedule, t, deviation)
    return predict(wanted, estimate, schedule, t, deviation)


def check_kind(kind: str, schedule: Schedule) -> None:
    """Raise `BadInput` for an unknown kind, or one from which x₀ cannot be had where α = 0."""
    choose("prediction", kind, dict.fromkeys(KINDS))
    signal = float(schedule.pair(jnp.asarray(schedule.last, jnp.result_type(float)))[0])
    if kind in ("noise", "score") and abs(signal) < 1e-6:
        raise BadInput(
            f"The prediction {kind!r} says nothing of the data at t = {schedule.last:g}, where this process "
            "is pure noise: predict 'flow', 'v', 'clean' or 'edm', or end the process earlier."
        )
