"""Penalties on the size of the parameters: L1 (lasso) and L2 (notes §2)."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ansatz.core import BadInput, Metrics, Objective, trainable


def l1(model: Any) -> Float[Array, ""]:
    """Return ``Σ_i |θ_i|`` over all parameters that are trained.

    >>> float(l1({"w": jnp.asarray([1.0, -2.0])}))
    3.0
    """
    return _total(model, jnp.abs)


def l2(model: Any) -> Float[Array, ""]:
    """Return ``Σ_i θ_i²`` over all parameters that are trained.

    >>> float(l2({"w": jnp.asarray([1.0, -2.0])}))
    5.0
    """
    return _total(model, jnp.square)


def penalized(objective: Objective, l1: float = 0.0, l2: float = 0.0) -> Objective:
    """Return the objective ``L + λ₁ Σ_i |θ_i| + λ₂ Σ_i θ_i²``, with the strengths l1, l2 ≥ 0 (notes §2).

    The metrics are the objective's, and `unpenalized`, which is L.  With both strengths 0 the
    objective itself is returned.
    """
    for name, strength in (("l1", l1), ("l2", l2)):
        if not 0 <= strength < float("inf"):
            raise BadInput(f"The strength of {name} must be a number of at least 0, not {strength!r}.")
    if l1 == 0 and l2 == 0:
        return objective

    def penalized_objective(model: Any, batch: Any, key: Any) -> tuple[Array, Metrics]:
        loss, metrics = objective(model, batch, key)
        total = loss
        if l1:
            total = total + l1 * _total(model, jnp.abs)
        if l2:
            total = total + l2 * _total(model, jnp.square)
        return total, {**metrics, "unpenalized": loss}

    return penalized_objective


def _total(model: Any, size: Any) -> Array:
    theta = jax.tree.leaves(eqx.filter(model, trainable(model)))
    if not theta:
        raise BadInput("The penalty found no parameters: nothing in the model is trainable.")
    total = size(theta[0]).sum()
    for leaf in theta[1:]:
        total = total + size(leaf).sum()
    return total
