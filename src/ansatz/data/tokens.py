"""Windows of tokens for models of sequences, and padded pairs of sequences for translation."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Integer, PRNGKeyArray

from ansatz.core import BadInput, Clock, Source


class Windows(NamedTuple):
    """Pieces of a text, `tokens: [B, T + 1]`: the first T are inputs, the last T what they predict.

    `weight: [B, T]` says how much each prediction counts, if not all the same; `along` holds what
    belongs to each predicted token, `[B, T, ...]`.
    """

    tokens: Any
    weight: Any = None
    along: Any = None


class PairTokens(NamedTuple):
    """Sequences and their translations, padded: `source: [N, S]`, `target: [N, T]`, and how long they are.

    `Table(pairs, batch)` draws minibatches of it, `Blocks(pairs, batch)` goes through it in order.
    """

    source: Any
    target: Any
    source_length: Any
    target_length: Any
    weight: Any = None


class Tokens(Source):
    """Windows at random places of a text, drawn with replacement (the protocol of nanoGPT).

    Args:
        tokens: the text, whole numbers `[N]`.
        batch: the number of windows B.
        window: the number of tokens T that a model sees; N is at least T + 1.
        along: a tree of arrays `[N, ...]` with a row for each token, of which the rows of the predicted
            tokens go with the batch (the logarithms of a baseline's probabilities, say).

    Raises:
        BadInput: if the text is shorter than a window, or `along` has another length.
    """

    tokens: Integer[Array, " N"] = eqx.field(converter=jnp.asarray)
    batch: int = eqx.field(static=True)
    window: int = eqx.field(static=True)
    along: Any = None

    def __check_init__(self) -> None:
        """Refuse a text that is too short."""
        check_windows(self.tokens, self.batch, self.window, self.along)

    def init(self, model: Any, key: PRNGKeyArray) -> tuple[()]:
        """Return the state, which is empty: every batch is drawn anew."""
        return ()

    def next(
        self, state: tuple[()], model: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Windows, tuple[()]]:
        """Return B windows at places that `key` chooses."""
        last = self.tokens.shape[0] - self.window
        start = jax.random.randint(key, (self.batch,), 0, last, jnp.int32)
        return cut(self.tokens, start, self.window, self.along), state


class TokenBlocks(Source):
    """Windows of a text in order, so that `blocks` batches predict every token but the first once.

    The last windows are moved back where the text ends; what was predicted before weighs 0 in them, so
    that the weighted mean over a pass is the mean over the text.

    Args:
        tokens: the text, whole numbers `[N]`.
        batch: the number of windows B; with more than there are, all of them.
        window: the number of tokens T that a model sees; N is at least T + 1.
        along: a tree of arrays `[N, ...]`, as of `Tokens`.
    """

    tokens: Integer[Array, " N"] = eqx.field(converter=jnp.asarray)
    batch: int = eqx.field(static=True)
    window: int = eqx.field(static=True)
    along: Any = None

    def __check_init__(self) -> None:
        """Refuse a text that is too short."""
        check_windows(self.tokens, self.batch, self.window, self.along)

    @property
    def length(self) -> int:
        """The number of windows in a pass."""
        return -(-(self.tokens.shape[0] - 1) // self.window)

    @property
    def size(self) -> int:
        """The number of windows in a batch."""
        return min(self.batch, self.length)

    @property
    def blocks(self) -> int:
        """The number of batches in a pass."""
        return -(-self.length // self.size)

    def init(self, model: Any, key: PRNGKeyArray) -> Int[Array, ""]:
        """Return the number of windows used, 0."""
        return jnp.zeros((), jnp.int32)

    def next(
        self, state: Int[Array, ""], model: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Windows, Int[Array, ""]]:
        """Return the next windows, their weights, and the number of windows used of this pass."""
        number = state + jnp.arange(self.size, dtype=jnp.int32)
        wanted = number * self.window
        start = jnp.minimum(wanted, self.tokens.shape[0] - 1 - self.window)
        place = start[:, None] + jnp.arange(self.window, dtype=jnp.int32)[None, :]
        new = (place >= wanted[:, None]).astype(jnp.float32)
        done = state + self.size
        batch = cut(self.tokens, start, self.window, self.along)._replace(weight=new)
        return batch, jnp.where(done >= self.length, 0, done).astype(jnp.int32)


def cut(tokens: Integer[Array, " N"], start: Int[Array, " B"], window: int, along: Any = None) -> Windows:
    """Return the windows `[B, T + 1]` that begin at `start`, which must be in bounds."""
    place = start[:, None] + jnp.arange(window + 1, dtype=jnp.int32)[None, :]

    def rows(leaf: Any, where: Array) -> Array:
        return jnp.asarray(leaf).at[where].get(mode="promise_in_bounds")

    beside = jax.tree.map(lambda leaf: rows(leaf, place[:, 1:]), along)
    return Windows(rows(tokens, place).astype(jnp.int32), None, beside)


def pad_pairs(
    sources: Sequence[Any], targets: Sequence[Any], padding: int, *, lengths: tuple[int, int] | None = None
) -> PairTokens:
    """Return sequences and their translations as padded arrays, int32.

    Args:
        sources: N sequences of tokens.
        targets: their translations, with begin and end tokens if a model is to know them.
        padding: the token that fills up.
        lengths: S and T; those of the longest if not given.

    Raises:
        BadInput: if there are not as many translations, a sequence is empty or longer than asked for.

    >>> pairs = pad_pairs([[3, 4], [5]], [[6], [7, 8]], padding=0)
    >>> pairs.source.tolist(), pairs.target_length.tolist()
    ([[3, 4], [5, 0]], [1, 2])
    """
    if len(sources) != len(targets) or not len(sources):
        found = f"{len(sources)} sequences and {len(targets)} translations"
        raise BadInput(f"There are {found}; there should be as many of both, at least 1.")
    wide = lengths or (None, None)
    source, source_length = pad(sources, padding, wide[0], "sequence")
    target, target_length = pad(targets, padding, wide[1], "translation")
    return PairTokens(source, target, source_length, target_length)


def pad(
    sequences: Sequence[Any], padding: int, length: int | None = None, what: str = "sequence"
) -> tuple[np.ndarray, np.ndarray]:
    """Return sequences as one array `[N, L]` filled up with `padding`, and their lengths `[N]`, int32."""
    counts = np.asarray([len(one) for one in sequences], np.int32)
    if (counts == 0).any():
        raise BadInput(
            f"The {what} {int(np.argmin(counts)) + 1} of {len(counts)} is empty; it needs a token."
        )
    longest = int(counts.max())
    if length is not None and longest > length:
        place = int(np.argmax(counts)) + 1
        raise BadInput(
            f"The {what} {place} of {len(counts)} has {longest} tokens; at most {length} are asked for."
        )
    table = np.full((len(counts), length or longest), padding, np.int32)
    table[np.arange(table.shape[1])[None, :] < counts[:, None]] = np.concatenate(
        [np.asarray(s) for s in sequences]
    )
    return table, counts


def check_windows(tokens: Any, batch: int, window: int, along: Any = None) -> None:
    """Raise `BadInput` for a text shorter than a window, or what does not fit to it."""
    if tokens.ndim != 1 or not jnp.issubdtype(tokens.dtype, jnp.integer):
        raise BadInput(
            f"The text is an array of {tokens.dtype} of shape {tokens.shape}; it should be whole [N]."
        )
    if batch < 1 or window < 1:
        raise BadInput(f"A batch of {batch} windows of {window} tokens is none; both are at least 1.")
    if tokens.shape[0] <= window:
        raise BadInput(
            f"The text has {tokens.shape[0]} tokens and a window needs {window} + 1; "
            "give a longer text or a shorter window."
        )
    for leaf in jax.tree.leaves(along):
        if jnp.shape(leaf)[:1] != tokens.shape:
            wanted = f"it needs a row for each of {tokens.shape[0]} tokens"
            raise BadInput(f"What goes along has the shape {jnp.shape(leaf)}; {wanted}.")
