"""What the objectives share: predictions brought beside their targets, and weighted means."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from ansatz.core import BadInput, Mean, Metrics, Objective, Pairs, over_batch

Losses = Callable[[Array, Any, Any], tuple[Float[Array, " N"], dict[str, Float[Array, " N"]]]]


def objective_of(losses: Losses) -> Objective:
    """Return the objective ``L = Σ_A w_A l_A / Σ_A w_A`` of per-example losses.

    `losses(prediction, target, name)` gets predictions `[N, ...]` and targets, and returns `l: [N]` and
    further per-example figures `[N]`, which are reported as weighted means.  The weights `[N]` of the
    batch are 1 where there are none; an example of weight 0 does not count, whatever it holds, and a
    batch of total weight 0 has the loss 0.
    """

    def objective(model: Any, batch: Pairs, key: Any) -> tuple[Array, Metrics]:
        prediction = over_batch(model, batch.x, key)
        each, figures = losses(prediction, batch.y, losses.__name__)
        weight = jnp.ones_like(each) if batch.weight is None else jnp.asarray(batch.weight, each.dtype)
        if weight.shape != each.shape:
            raise BadInput(f"The weights have shape {list(weight.shape)} for {each.shape[0]} examples.")
        total = weight.sum()
        divisor = jnp.where(total > 0, total, jnp.ones_like(total))
        zero = jnp.zeros_like(each)
        loss = jnp.where(weight > 0, weight * each, zero).sum() / divisor
        metrics: Metrics = {
            name: Mean(jnp.where(weight > 0, weight * figure, zero).sum(), total)
            for name, figure in figures.items()
        }
        return loss, metrics

    objective.__name__ = objective.__qualname__ = losses.__name__
    objective.__doc__ = losses.__doc__
    return objective


def beside(prediction: Array, target: Any, who: str) -> tuple[Float[Array, "N D"], Float[Array, "N D"]]:
    """Return predictions and targets as `[N, D]` of one dtype; a target `[N]` is one of `[N, 1]`."""
    target = jnp.asarray(target)
    count = prediction.shape[0]
    flat, wanted = prediction.reshape(count, -1), target.reshape(target.shape[0], -1)
    trailing = prediction.shape[1:], target.shape[1:]
    alike = trailing[0] == trailing[1] or set(trailing) == {(), (1,)}
    if target.shape[0] != count or not alike:
        raise BadInput(
            f"{who} needs predictions and targets of one shape, and these are "
            f"{list(prediction.shape)} and {list(target.shape)}."
        )
    return flat, wanted.astype(prediction.dtype)
