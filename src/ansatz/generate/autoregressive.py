"""Writing token by token: each token is chosen from what the model says of the tokens before it (notes §4).

Any map can write that has

* `prefill(tokens, length, skip) -> (logits, carry)`, which reads a prompt whose first `skip` tokens are
  padding,
* `step(carry, token) -> (logits, carry)`, which reads one more token at the price of one position, and
* `start(length) -> carry`, which refuses more tokens than it can hold, and `length`, how many it sees at
  once.

`Decoder` is one.  All of a batch is written in one compiled loop of fixed shapes, which ends when every
sequence has its stop token.  Lengths are rounded up to powers of two, so that the next prompt compiles
nothing.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ansatz.core import BadInput
from ansatz.generate.choice import Choice, Rows, row_keys
from ansatz.maps.cache import carry_axes

SHORTEST = 16
"""The least length to which prompts are rounded up."""
ROOM = 64
"""The least number of tokens for which room is made."""
PIECE = 16
"""The tokens that are written between two looks at them."""


class Written(NamedTuple):
    """What was written: `tokens: [B, N]`, of which the first `lengths: [B]` of each row count.

    A stop token is the last that counts.
    """

    tokens: np.ndarray
    lengths: np.ndarray

    @property
    def sequences(self) -> list[np.ndarray]:
        """The tokens of each row."""
        return [row[:length] for row, length in zip(self.tokens, self.lengths, strict=True)]


class Draft(NamedTuple):
    """A batch while it is written: what the loop carries.

    `logits: [B, V]` are those of the next token, `carry` is the model's, `tokens: [B, room]` holds the
    `count` tokens that are there, `lengths: [B]` says how many of them count, and `done: [B]` which rows are
    at their end.
    """

    logits: Float[Array, "B V"]
    carry: Any
    tokens: Int[Array, "B room"]
    lengths: Int[Array, " B"]
    done: Bool[Array, " B"]
    count: Int[Array, ""]


def generate(
    model: Any,
    prompts: Sequence[Any],
    length: int = 256,
    *,
    choice: Choice | None = None,
    stop: Sequence[int] = (),
    seed: int | Sequence[int] = 0,
) -> Written:
    """Return what a model writes after prompts.

    Args:
        model: a map that can write.
        prompts: B sequences of tokens, of any lengths from 1 on.
        length: the number of tokens to write, if no stop token comes before.
        choice: how each token is chosen; drawn from the model's own distribution if not given.
        stop: the tokens that end a sequence.
        seed: a whole number, or one for each prompt; row i of a batch is drawn with the keys of (seed, i),
            which neither the other rows nor the lengths touch.

    Raises:
        BadInput: for a prompt without tokens or with unknown ones, or more tokens than the model can hold.

    >>> from ansatz.maps.transformer import Decoder
    >>> from ansatz.maps.transformer_block import BlockOptions
    >>> decoder = Decoder(10, 1, 16, "rope", options=BlockOptions(8, 2), key=jax.random.key(0))
    >>> written = generate(decoder, [[1, 2, 3], [4]], 5)
    >>> written.tokens.shape, written.lengths.tolist()
    ((2, 5), [5, 5])
    """
    return next(pieces(model, prompts, length, choice=choice, stop=stop, seed=seed, piece=length))


def pieces(
    model: Any,
    prompts: Sequence[Any],
    length: int = 256,
    *,
    choice: Choice | None = None,
    stop: Sequence[int] = (),
    seed: int | Sequence[int] = 0,
    piece: int = PIECE,
) -> Iterator[Written]:
    """Yield what a model writes in pieces of at most `piece` tokens, as they come.

    Together they are what `generate` returns, to the bit; the arguments are those of `generate`.
    """
    if length < 1 or piece < 1:
        raise BadInput(f"{min(length, piece)} tokens cannot be written; ask for at least 1.")
    logits, carry = read(model, prompts, length)
    rows = len(prompts)
    yield from go_on(model, logits, carry, rows, length, choice=choice, stop=stop, seed=seed, piece=piece)


def read(model: Any, prompts: Sequence[Any], length: int) -> tuple[Float[Array, "B V"], Any]:
    """Return the logits after prompts and the model's carry, with room for `length` more tokens.

    The batch is rounded up to a power of two; the rows that are added repeat the first prompt.
    """
    table, skip = padded(prompts)
    rows, longest = table.shape
    room = longest + length
    model.start(room)
    wide = power_of_two(longest, SHORTEST)
    if room <= model.length:
        wide = min(wide, model.length)
    added = power_of_two(rows) - rows
    table = np.pad(table[[*range(rows), *[0] * added]], ((0, 0), (wide - longest, 0)))
    skip = skip[[*range(rows), *[0] * added]] + np.int32(wide - longest)
    slots = min(power_of_two(room, ROOM), model.length)
    logits, carry = _read(model, jnp.asarray(table), jnp.asarray(skip), slots)
    if table.min() < 0 or table.max() >= logits.shape[1]:
        odd = table.min() if table.min() < 0 else table.max()
        raise BadInput(f"A prompt holds the token {odd}; the vocabulary has {logits.shape[1]}, from 0 on.")
    return logits, carry


def go_on(
    model: Any,
    logits: Float[Array, "B V"],
    carry: Any,
    rows: int,
    length: int,
    *,
    choice: Choice | None = None,
    stop: Sequence[int] = (),
    seed: int | Sequence[int] = 0,
    piece: int = PIECE,
) -> Iterator[Written]:
    """Yield what is written from `logits` and a carry on, of the first `rows` rows of the batch, in pieces.

    This is for models whose carry is not made from a prompt alone, as that of a translation.
    """
    batch, vocabulary = logits.shape
    keys = row_keys(seed, rows)
    keys = Rows(jnp.concatenate([keys.keys, jnp.repeat(keys.keys[:1], batch - rows, axis=0)]))
    none = jnp.zeros((), jnp.int32)
    tokens = jnp.zeros((batch, power_of_two(length, ROOM)), jnp.int32)
    done = jnp.arange(batch) >= rows
    draft = Draft(logits, carry, tokens, jnp.zeros(batch, jnp.int32), done, none)
    stops = jnp.asarray(stop_mask(stop, vocabulary))
    choice = Choice() if choice is None else choice
    before, lengths = 0, np.zeros(rows, np.int32)
    while before < length and not bool(draft.done.all()):
        until = min(length, before + piece)
        draft = _write(model, draft, choice, keys, stops, jnp.asarray(until, jnp.int32))
        now, count = np.asarray(draft.lengths)[:rows], int(draft.count)
        yield Written(np.asarray(draft.tokens)[:rows, before:count], now - lengths)
        before, lengths = count, now


def padded(prompts: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return prompts as one table `[B, P]`, with 0 in front of the shorter ones, and the number of these.

    >>> padded([[5, 6], [7]])[0].tolist(), padded([[5, 6], [7]])[1].tolist()
    ([[5, 6], [0, 7]], [0, 1])
    """
    rows = [np.asarray(prompt) for prompt in prompts]
    if not rows:
        raise BadInput("There is no prompt; give one at least.")
    for place, row in enumerate(rows):
        if row.ndim != 1 or not len(row) or row.dtype.kind not in "iu":
            raise BadInput(
                f"Prompt {place + 1} of {len(rows)} is an array of {row.dtype} of shape {row.shape}; it "
                "should hold one whole number at least."
            )
    wide = max(map(len, rows))
    skip = np.asarray([wide - len(row) for row in rows], np.int32)
    return np.stack([np.pad(row, (wide - len(row), 0)) for row in rows]).astype(np.int32), skip


def power_of_two(number: int, least: int = 1) -> int:
    """Return the first power of two times `least` from `number` on.

    >>> power_of_two(5), power_of_two(65, 64), power_of_two(3, 64)
    (8, 128, 64)
    """
    size = least
    while size < number:
        size *= 2
    return size


def stop_mask(stop: Sequence[int], vocabulary: int) -> np.ndarray:
    """Return which tokens of a vocabulary end a sequence, `[V]`."""
    stops = np.zeros(vocabulary, bool)
    for token in stop:
        if not 0 <= token < vocabulary:
            raise BadInput(f"The stop token {token} is none; the vocabulary has {vocabulary}, from 0 on.")
        stops[token] = True
    return stops


@eqx.filter_jit
def _read(model: Any, table: Array, skip: Array, slots: int) -> tuple[Array, Any]:
    def one(tokens: Array, skip: Array) -> tuple[Array, Any]:
        return model.prefill(tokens, slots, skip)

    carry = jax.eval_shape(one, table[0], skip[0])[1]
    return jax.vmap(one, out_axes=(0, carry_axes(carry)))(table, skip)


@eqx.filter_jit
def _write(model: Any, draft: Draft, choice: Choice, keys: Rows, stops: Array, until: Array) -> Draft:
    axes = carry_axes(draft.carry)
    step = jax.vmap(model.step, in_axes=(axes, 0), out_axes=(0, axes))

    def going(draft: Draft) -> Array:
        return (draft.count < until) & ~draft.done.all()

    def one(draft: Draft) -> Draft:
        chosen = jax.vmap(choice)(draft.logits, keys.at(draft.count))
        chosen = jnp.where(draft.done, 0, chosen)
        tokens = jax.lax.dynamic_update_slice_in_dim(draft.tokens, chosen[:, None], draft.count, axis=1)
        lengths = draft.lengths + (~draft.done).astype(jnp.int32)
        done = draft.done | stops[chosen]
        logits, carry = step(draft.carry, chosen)
        return Draft(logits, carry, tokens, lengths, done, draft.count + 1)

    return jax.lax.while_loop(going, one, draft)
