"""Losses for classes, from logits: binary and categorical cross-entropy (notes §2, equation 7)."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from ansatz.core import BadInput, Objective
from ansatz.objectives.average import beside, objective_of

Each = tuple[Array, dict[str, Array]]


@objective_of
def binary_cross_entropy(prediction: Array, target: Any, who: str) -> Each:
    """``-1/N Σ_A [y ln p + (1 - y) ln(1 - p)]``, p = sigmoid(z) (notes, equation 7).

    The model gives the logits z, `[N]` or `[N, 1]` (or `[N, D]` for D questions at once), and y in [0, 1]
    has the same shape; no logit makes the loss infinite.  It also reports `accuracy`, the share of
    examples with y and p on the same side of 1/2.

    >>> import jax.numpy as jnp
    >>> from ansatz.core import Pairs
    >>> from ansatz.maps import Activation
    >>> batch = Pairs(jnp.asarray([30.0]), jnp.ones(1))
    >>> loss, metrics = binary_cross_entropy(Activation("identity"), batch, None)
    >>> float(loss) < 1e-12
    True
    """
    logits, target = beside(prediction, target, who)
    # -y ln σ(z) - (1 - y) ln σ(-z): both are ≥ 0, so nothing cancels.
    loss = target * jax.nn.softplus(-logits) + (1 - target) * jax.nn.softplus(logits)
    hit = (logits > 0) == (target > 0.5)
    return loss.mean(1), {"accuracy": hit.astype(logits.dtype).mean(1)}


def smoothed_cross_entropy(smoothing: float = 0.0) -> Objective:
    """Return ``-1/N Σ_A Σ_c q_c ln softmax(z)_c`` with ``q = (1 - s) y + s / classes`` (Szegedy et al. 2016).

    The model gives the logits z `[N, classes]`; the targets are integer labels `[N]` (or `[N, 1]`) from 0
    on, or probabilities `[N, classes]`.  `smoothing` s lies in [0, 1).  A label outside the classes makes
    the loss nan.  It also reports `accuracy`, the share of examples whose largest logit is the label's
    (the largest probability's).
    """
    if not 0 <= smoothing < 1:
        raise BadInput(f"cross_entropy needs a smoothing in [0, 1), not {smoothing!r}.")

    def cross_entropy(prediction: Array, target: Any, who: str) -> Each:
        """``-1/N Σ_A ln softmax(z)_y``, from logits; see `smoothed_cross_entropy`."""
        target = jnp.asarray(target)
        if prediction.ndim != 2:
            raise BadInput(f"cross_entropy needs logits [N, classes], not {list(prediction.shape)}.")
        count, classes = prediction.shape
        if jnp.issubdtype(target.dtype, jnp.integer) and target.shape in ((count,), (count, 1)):
            label = target.reshape(count)
            wanted = jax.nn.one_hot(label, classes, dtype=prediction.dtype)
            inside = ((label >= 0) & (label < classes)).reshape(count, 1)
            wanted = jnp.where(inside, wanted, jnp.full_like(wanted, jnp.nan))
        elif jnp.issubdtype(target.dtype, jnp.floating) and target.shape == prediction.shape:
            wanted, label = target.astype(prediction.dtype), target.argmax(1)
        else:
            raise BadInput(
                f"cross_entropy needs integer labels [{count}] or probabilities [{count}, {classes}], not "
                f"{target.dtype} of shape {list(target.shape)}."
            )
        if smoothing:
            wanted = (1 - smoothing) * wanted + smoothing / classes
        logarithms = jax.nn.log_softmax(prediction, axis=1)
        guess = prediction.argmax(1)
        hit = guess == label.astype(guess.dtype)
        return -(wanted * logarithms).sum(1), {"accuracy": hit.astype(prediction.dtype)}

    return objective_of(cross_entropy)


cross_entropy = smoothed_cross_entropy()
