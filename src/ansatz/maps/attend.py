"""What every attention computes: scores r_ij, probabilities P_ij, answers a_i; and masks (notes §4).

The letters are the notes': ``r_ij = q_i · k_j``, ``P_ij = softmax_j(r_ij)``, ``a_i = Σ_j P_ij v_j``, once for
each head.  Where keys and values are shared, head h reads those of group ``h // (heads / groups)``.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ansatz.core import BadInput
from ansatz.maps.shapes import wide


def causal(length: int, window: int | None = None) -> Bool[Array, "T T"]:
    """Return the mask by which position i sees j ≤ i, and of those the last `window` alone, if given.

    >>> causal(3, window=2).astype(int).tolist()
    [[1, 0, 0], [1, 1, 0], [0, 1, 1]]
    """
    i, j = jnp.arange(length)[:, None], jnp.arange(length)[None, :]
    seen = j <= i
    return seen if window is None or window >= length else seen & (i - j < window)


def not_padding(tokens: Int[Array, " S"], padding: int | None) -> Bool[Array, "1 S"] | None:
    """Return the mask of the tokens that are no padding, or nothing where there is none to look for.

    >>> not_padding(jnp.asarray([5, 7, 0]), 0).tolist()
    [[True, True, False]]
    """
    return None if padding is None else (tokens != padding)[None, :]


def both(first: Array | None, second: Array | None) -> Array | None:
    """Return the mask that allows what both allow; `None` allows everything."""
    if first is None or second is None:
        return second if first is None else first
    return first & second


def check_mask(mask: Array | None, heads: int, rows: int, columns: int, who: str) -> None:
    """Raise `BadInput` unless the mask is a boolean `[T, S]` or `[heads, T, S]`, or 1 in place of a size.

    >>> check_mask(jnp.ones((2, 3), bool), 4, 2, 2, "SelfAttention")
    Traceback (most recent call last):
    ansatz.errors.BadInput: SelfAttention takes a mask of shape [2, 2] or [4, 2, 2] and got [2, 3].
    """
    if mask is None:
        return
    whole = (heads, rows, columns)
    fits = mask.ndim in (2, 3) and all(
        n in (1, m) for n, m in zip(mask.shape, whole[3 - mask.ndim :], strict=True)
    )
    if not fits:
        raise BadInput(
            f"{who} takes a mask of shape {list(whole[1:])} or {list(whole)} and got {list(mask.shape)}."
        )
    if mask.dtype != jnp.bool_:
        raise BadInput(f"{who} takes a mask of booleans, true where i may see j, and got {mask.dtype}.")


def probabilities(
    q: Float[Array, "T heads D"], k: Float[Array, "S groups D"], mask: Array | None = None
) -> Float[Array, "heads T S"]:
    """Return ``P_ij = exp(r_ij) / Σ_j exp(r_ij)`` over the j that the mask allows; 0 where it allows none.

    >>> probabilities(jnp.zeros((2, 1, 4)), jnp.zeros((2, 1, 4)), causal(2))[0].tolist()
    [[1.0, 0.0], [0.5, 0.5]]
    """
    exponentials, inverse = _softmax(q, k, mask)
    return (exponentials * inverse).reshape(q.shape[1], q.shape[0], k.shape[0]).astype(q.dtype)


def attend(
    q: Float[Array, "T heads D"],
    k: Float[Array, "S groups D"],
    v: Float[Array, "S groups D"],
    mask: Array | None = None,
    drop: Callable[[Array], Array] | None = None,
) -> Float[Array, "T heads D"]:
    """Return ``a_i = Σ_j P_ij v_j`` for each head; `drop` is applied to the P_ij.

    >>> attend(jnp.zeros((1, 2, 4)), jnp.zeros((3, 1, 4)), jnp.ones((3, 1, 4))).shape
    (1, 2, 4)
    """
    exponentials, inverse = _softmax(q, k, mask)
    if drop is not None:
        exponentials = drop(exponentials)
    # The sum over j is divided by instead of each P_ij: T · D divisions in place of T · S.
    answers = jnp.einsum("grts,sgd->grtd", exponentials.astype(v.dtype), v) * inverse.astype(v.dtype)
    return jnp.moveaxis(answers, 2, 0).reshape(q.shape)


def _softmax(q: Array, k: Array, mask: Array | None) -> tuple[Array, Array]:
    """Return ``exp(r_ij - max_j r_ij)`` as [groups, heads / groups, T, S], 0 where masked, and 1 / Σ_j."""
    groups, shared = k.shape[1], q.shape[1] // k.shape[1]
    q = q.reshape(q.shape[0], groups, shared, q.shape[2])
    dtype = wide(q.dtype)
    scores = jnp.einsum("tgrd,sgd->grts", q, k, preferred_element_type=dtype)
    lowest = jnp.finfo(dtype).min
    if mask is not None:
        whole = mask[None, None] if mask.ndim == 2 else mask.reshape(_grouped(mask.shape, groups, shared))
        scores = jnp.where(whole, scores, jnp.asarray(lowest, dtype))
    # A row in which everything is masked stays far below the largest number subtracted, and sums to 0.
    largest = jnp.maximum(jax.lax.stop_gradient(scores).max(-1, keepdims=True), lowest / 2)
    exponentials = jnp.exp(scores - largest)
    total = exponentials.sum(-1, keepdims=True)
    return exponentials, 1 / jnp.where(total > 0, total, jnp.ones_like(total))


def _grouped(shape: tuple[int, ...], groups: int, shared: int) -> tuple[int, ...]:
    return (1, 1, *shape[1:]) if shape[0] == 1 else (groups, shared, *shape[1:])
