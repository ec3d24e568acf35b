"""Counting grams of tokens by sorting, and what smoothing makes of the counts."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ansatz.errors import BadInput

SMOOTHINGS = {"kneser-ney": False, "modified-kneser-ney": False, "witten-bell": True}
"""The smoothings, and whether shorter grams keep their own counts."""
USUAL = 0.75
"""The discount where none can be estimated."""
CHUNK = 1 << 21
"""Probabilities that are worked on at once; contexts with no more than these are kept as a table."""


class Level(NamedTuple):
    """The grams of one length k that were seen, sorted; a *node* is a place among them.

    `keys: [M]` are `node of the first k − 1 tokens · size + last token`, `raw: [M]` how often each was seen,
    `shorter: [M]` its node without the first token; `count: [M]` is what the model takes for its count
    and `kept: [M]` what the discount leaves of it.  By context, the nodes of length k − 1: `start` of
    its grams, `norm`, the divisor, and `spare`, the share of it for the shorter context.
    """

    keys: np.ndarray
    raw: np.ndarray
    shorter: np.ndarray
    count: np.ndarray
    kept: np.ndarray
    start: np.ndarray
    norm: np.ndarray
    spare: np.ndarray
    discount: np.ndarray
    table: np.ndarray | None


def estimate_discounts(count: np.ndarray, smoothing: str) -> np.ndarray:
    """Return what to take off the counts 0, 1, 2 and more, `[4]`, from the counts of the grams `[M]`.

    With n_r grams of count r and Y = n₁ / (n₁ + 2 n₂): Y for every count (Ney, Essen and Kneser 1994), or
    r − (r + 1) Y n_{r+1} / n_r for r = 1, 2, 3 (Chen and Goodman 1999).  Where n₁ or n₂ is 0 it is 0.75.
    """
    if SMOOTHINGS[smoothing]:
        return np.zeros(4)
    once, twice, thrice, more = (int((count == r).sum()) for r in (1, 2, 3, 4))
    usual = once / (once + 2 * twice) if once and twice else USUAL
    if smoothing == "kneser-ney" or not (once and twice and thrice and more):
        return np.asarray([0, usual, usual, usual])
    steps = [1 - 2 * usual * twice / once, 2 - 3 * usual * thrice / twice, 3 - 4 * usual * more / thrice]
    return np.asarray([0, *np.clip(steps, 0.01, [1, 2, 3])])


def check_tokens(tokens: Any, size: int, empty: bool = False) -> np.ndarray:
    """Return a text `[N]` as int64, or raise `BadInput` if it is none of tokens in [0, size)."""
    array = np.asarray(tokens)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu") or not (array.size or empty):
        raise BadInput(f"The text is {array.dtype} of shape {array.shape}; it should be whole numbers [N].")
    wrong = np.flatnonzero((array < 0) | (array >= size))
    if wrong.size:
        place = int(wrong[0])
        raise BadInput(f"Token {place + 1} of the text is {array[place]}; tokens are 0 to {size - 1}.")
    return array.astype(np.int64)


def count_grams(tokens: np.ndarray, order: int, size: int) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield `(keys, raw, shorter)` of the grams of each length 1 to n."""
    node = np.zeros(len(tokens) + 1, np.int64)
    for k in range(order):
        # A gram of k + 1 tokens ends at tokens[k:], and its first k at node[:-1].
        keys, first, inverse, raw = np.unique(
            node[:-1] * size + tokens[k:], return_index=True, return_inverse=True, return_counts=True
        )
        yield keys, raw, node[1:][first]
        node = inverse.reshape(-1)


def make_level(
    keys: np.ndarray,
    raw: np.ndarray,
    shorter: np.ndarray,
    count: np.ndarray,
    contexts: int,
    discount: np.ndarray,
    size: int,
    own: bool,
) -> Level:
    """Return a level from the counts of its grams and the discounts; `own` says that it is Witten-Bell's."""
    context, token = np.divmod(keys, size)
    taken = discount[np.minimum(count, 3)]
    total = np.bincount(context, count, contexts)
    types = np.bincount(context, count > 0, contexts)
    spare = types if own else np.bincount(context, taken, contexts)
    kept = count - taken
    table = None
    if contexts * size <= CHUNK:
        table = np.zeros((contexts, size))
        table[context, token] = kept
    start = np.searchsorted(context, np.arange(contexts + 1))
    norm = total + types if own else total
    return Level(keys, raw, shorter, count, kept, start, norm, spare, discount, table)


def given_discounts(discount: Any, order: int, smoothing: str) -> np.ndarray | None:
    """Return the discounts given by the user, `[n, 4]` for counts 0, 1, 2 and more, if there are any."""
    if discount is None:
        return None
    if SMOOTHINGS[smoothing]:
        raise BadInput("Witten-Bell smoothing has no discount; leave it out or choose 'kneser-ney'.")
    given = np.asarray(discount, float)
    if given.shape not in ((), (order,)) or not ((given > 0) & (given <= 1)).all():
        raise BadInput(f"The discount is {discount}; it should be in (0, 1], one number or {order}.")
    return np.broadcast_to(given, (order,))[:, None] * np.asarray([0, 1, 1, 1])
