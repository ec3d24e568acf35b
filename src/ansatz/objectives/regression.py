"""Losses for numbers: absolute, squared, Huber and pinball (notes §2, equations 5 and 6).

With outputs of several components the loss of an example is the mean over them.
"""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from ansatz.core import BadInput, Objective
from ansatz.objectives.average import beside, objective_of

Each = tuple[Array, dict[str, Array]]


@objective_of
def mean_absolute_error(prediction: Array, target: Any, who: str) -> Each:
    """``1/N Σ_A |y^A - ŷ^A|`` (notes, equation 5); it also reports `mean_squared_error`.

    >>> import jax.numpy as jnp
    >>> from ansatz.core import Pairs
    >>> from ansatz.maps import Activation
    >>> batch = Pairs(2 * jnp.ones(3), jnp.zeros(3))
    >>> loss, metrics = mean_absolute_error(Activation("identity"), batch, None)
    >>> float(loss)
    2.0
    """
    error = _error(prediction, target, who)
    return jnp.abs(error).mean(1), {"mean_squared_error": (error**2).mean(1)}


@objective_of
def mean_squared_error(prediction: Array, target: Any, who: str) -> Each:
    """``1/N Σ_A (y^A - ŷ^A)²`` (notes, equation 6); it also reports `mean_absolute_error`.

    >>> import jax.numpy as jnp
    >>> from ansatz.core import Pairs
    >>> from ansatz.maps import Activation
    >>> batch = Pairs(2 * jnp.ones(3), jnp.zeros(3))
    >>> loss, metrics = mean_squared_error(Activation("identity"), batch, None)
    >>> float(loss)
    4.0
    """
    error = _error(prediction, target, who)
    return (error**2).mean(1), {"mean_absolute_error": jnp.abs(error).mean(1)}


def huber(delta: float = 1.0) -> Objective:
    """Return the Huber loss: ``e²/2`` where |e| ≤ δ, and ``δ (|e| - δ/2)`` beyond (Huber 1964).

    `delta` > 0 is in units of the target.  It also reports `mean_absolute_error` and
    `mean_squared_error`.
    """
    if not delta > 0:
        raise BadInput(f"huber needs a delta above 0, not {delta!r}.")

    def huber(prediction: Array, target: Any, who: str) -> Each:
        """The Huber loss; see the function that returned it."""
        error = _error(prediction, target, who)
        size = jnp.abs(error)
        inside = jnp.minimum(size, delta)
        loss = inside * (size - inside / 2)
        return loss.mean(1), {"mean_absolute_error": size.mean(1), "mean_squared_error": (error**2).mean(1)}

    return objective_of(huber)


def pinball(quantiles: Sequence[float] = (0.05, 0.5, 0.95)) -> Objective:
    """Return the mean over the quantiles τ of ``max(τ e, (τ - 1) e)``, ``e = y - ŷ_τ`` (Koenker & Bassett).

    `quantiles` increase within (0, 1); the model gives one output for each, `[N, quantiles]`, and the
    targets are `[N]` or `[N, 1]`.  It also reports `coverage`, the share of targets from the lowest to
    the highest of the predicted quantiles.
    """
    levels = tuple(float(q) for q in quantiles)
    if not levels or not all(a < b for a, b in zip((0.0, *levels), (*levels, 1.0), strict=True)):
        raise BadInput(f"pinball needs quantiles that increase within (0, 1), not {quantiles!r}.")

    def pinball(prediction: Array, target: Any, who: str) -> Each:
        """The mean pinball loss; see the function that returned it."""
        target = jnp.asarray(target, prediction.dtype)
        count = prediction.shape[0]
        if prediction.shape != (count, len(levels)) or target.shape not in ((count,), (count, 1)):
            raise BadInput(
                f"pinball needs predictions [{count}, {len(levels)}] and targets [{count}], and these are "
                f"{list(prediction.shape)} and {list(target.shape)}."
            )
        target = target.reshape(count, 1)
        error = target - prediction
        tau = jnp.asarray(levels, prediction.dtype)[None, :]
        inside = (prediction.min(1) <= target[:, 0]) & (target[:, 0] <= prediction.max(1))
        return jnp.maximum(tau * error, (tau - 1) * error).mean(1), {"coverage": inside.astype(error.dtype)}

    return objective_of(pinball)


def _error(prediction: Array, target: Any, who: str) -> Array:
    prediction, target = beside(prediction, target, who)
    return target - prediction
