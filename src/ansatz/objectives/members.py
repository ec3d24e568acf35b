"""Objectives for models that answer with the members of an ensemble."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from ansatz.core import BadInput, Map, Metrics, Objective, Pairs, over_batch


class _Given(Map):
    """The identity: its input is the prediction."""

    def __call__(self, x: Array, *, key: Any = None) -> Array:
        return x


def over_members(objective: Objective) -> Objective:
    """Return the mean of an objective over the members m of a model whose outputs are `[members, ...]`.

    ``L = 1/k Σ_m L(f_m)``: every member is trained on the labels alone, as TabM's are, and not their
    mean, which would let them hide behind one another.  The metrics are means over the members too.
    The wrapped objective must depend on the model through its predictions only; penalize the result:
    ``penalized(over_members(objective), l2=1e-4)``.
    """

    def of_members(model: Any, batch: Pairs, key: Any) -> tuple[Array, Metrics]:
        predictions = over_batch(model, batch.x, key)
        if predictions.ndim < 2:
            raise BadInput(f"over_members needs outputs [N, members, ...] and got {list(predictions.shape)}.")
        count, members = predictions.shape[:2]

        def repeated(leaf: Any) -> Array:
            return jnp.repeat(jnp.asarray(leaf), members, axis=0, total_repeat_length=count * members)

        flat = predictions.reshape(count * members, *predictions.shape[2:])
        return objective(_Given(), jax.tree.map(repeated, batch._replace(x=None))._replace(x=flat), None)

    return of_members
