"""Beam search: the sequences that a model finds likeliest, instead of the likeliest token each time.

The K likeliest beginnings are kept; each step goes on with every token, and of the K · V sequences the K best
live on.  Those that reach a stop token are ranked by ``log P / ((5 + n) / 6)^α``, where n is the number of
tokens and α the length penalty (Wu et al. 2016, section 7); α = 0 ranks by the probability itself.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ansatz.core import BadInput
from ansatz.generate.autoregressive import ROOM, power_of_two, read, stop_mask
from ansatz.maps.cache import carry_axes

LEAST = -1e9
"""What stands for the score of a sequence that is not there."""


class Found(NamedTuple):
    """What a beam search found for each of B prompts, the best first.

    `tokens: [B, K, N]`, of which the first `lengths: [B, K]` count, a stop token included;
    `log_probabilities: [B, K]` are those of these tokens together, `scores: [B, K]` what they were ranked by.
     A sequence that has no stop token was cut at the length asked for.  Where fewer than K sequences exist
     the lengths of the rest are 0.
    """

    tokens: np.ndarray
    lengths: np.ndarray
    log_probabilities: np.ndarray
    scores: np.ndarray

    def best(self) -> list[np.ndarray]:
        """Return the best sequence of each prompt."""
        return [tokens[0, : n[0]] for tokens, n in zip(self.tokens, self.lengths, strict=True)]


class Ended(NamedTuple):
    """The K best of the sequences with a stop token, `[B, K]` each."""

    tokens: Int[Array, "B K room"]
    lengths: Int[Array, "B K"]
    logs: Float[Array, "B K"]
    scores: Float[Array, "B K"]


class Beams(NamedTuple):
    """What the loop carries: K living sequences for each prompt, and the ended ones.

    `logits: [B · K, V]` and the model's `carry` are those of the living, `logs: [B, K]` their
    log-probabilities.
    """

    logits: Float[Array, "rows V"]
    carry: Any
    tokens: Int[Array, "B K room"]
    logs: Float[Array, "B K"]
    ended: Ended
    count: Int[Array, ""]


def beam_search(
    model: Any,
    prompts: Sequence[Any],
    length: int = 256,
    *,
    beams: int = 4,
    stop: Sequence[int] = (),
    penalty: float = 0.0,
) -> Found:
    """Return the likeliest sequences of at most `length` tokens after each prompt.

    Args:
        model: a map that can write (see `autoregressive`).
        prompts: B sequences of tokens.
        length: the most tokens of a sequence.
        beams: the number K of beginnings that are kept, and of sequences that are returned.
        stop: the tokens that end a sequence; without one all have `length` tokens.
        penalty: α ≥ 0; with more, longer sequences rank higher.

    The search ends early once no living sequence can overtake the K that have ended.

    Raises:
        BadInput: for numbers out of range, prompts without tokens, more tokens than the model can hold.
    """
    logits, carry = read(model, prompts, length)
    return search(model, logits, carry, len(prompts), length, beams=beams, stop=stop, penalty=penalty)


def search(
    model: Any,
    logits: Float[Array, "B V"],
    carry: Any,
    rows: int,
    length: int,
    *,
    beams: int = 4,
    stop: Sequence[int] = (),
    penalty: float = 0.0,
) -> Found:
    """Return as `beam_search` from logits and a carry on, for the first `rows` rows of a batch."""
    batch, vocabulary = logits.shape
    if length < 1 or beams < 1:
        raise BadInput(f"A search for {length} tokens with {beams} beams finds none; both are at least 1.")
    if not 0 <= penalty < np.inf:
        raise BadInput(f"The length penalty is {penalty}; it is a number of at least 0.")
    stops = stop_mask(stop, vocabulary)
    room = power_of_two(length, ROOM)
    carry = _repeated(carry, beams)
    tokens = jnp.zeros((batch, beams, room), jnp.int32)
    least = jnp.full((batch, beams), LEAST, jnp.float32)
    ended = Ended(tokens, jnp.zeros((batch, beams), jnp.int32), least, least)
    # At first the K beginnings are the same empty one: all but one are not there.
    first = Beams(
        jnp.repeat(logits, beams, axis=0),
        carry,
        tokens,
        least.at[:, 0].set(0.0),
        ended,
        jnp.zeros((), jnp.int32),
    )
    wide = min(beams * (1 + int(stops.sum())), beams * vocabulary)
    limits = jnp.asarray(length, jnp.int32), jnp.asarray(penalty, jnp.float32)
    ended = _search(model, first, jnp.asarray(stops), limits, wide)
    return Found(*(np.asarray(leaf)[:rows] for leaf in ended._replace(tokens=ended.tokens[:, :, :length])))


def rank(logs: Float[Array, "*shape"], lengths: Any, penalty: Float[Array, ""]) -> Float[Array, "*shape"]:
    """Return ``log P / ((5 + n) / 6)^α``.

    >>> rank(jnp.asarray([-6.0, -6.0]), jnp.asarray([1, 7]), jnp.asarray(1.0)).tolist()
    [-6.0, -3.0]
    """
    return logs / ((5 + jnp.asarray(lengths).astype(jnp.float32)) / 6) ** penalty


@eqx.filter_jit
def _search(model: Any, beams: Beams, stops: Array, limits: tuple[Array, Array], wide: int) -> Ended:
    length, penalty = limits

    def going(beams: Beams) -> Array:
        # log P only falls, and the largest divisor is that of the full length.
        best = beams.logs.max(1)
        hope = (best > LEAST / 2) & (rank(best, length, penalty) > beams.ended.scores.min(1))
        return (beams.count < length) & hope.any()

    beams = jax.lax.while_loop(going, lambda beams: _step(model, beams, stops, penalty, wide), beams)
    # What still lives at the full length ends there.
    lengths = jnp.full(beams.logs.shape, beams.count)
    cut = Ended(beams.tokens, lengths, beams.logs, rank(beams.logs, beams.count, penalty))
    full = jnp.where(beams.count >= length, cut.scores, LEAST)
    return _best(beams.ended, cut._replace(scores=jnp.where(beams.logs > LEAST / 2, full, LEAST)))


def _step(model: Any, beams: Beams, stops: Array, penalty: Array, wide: int) -> Beams:
    batch, count = beams.logs.shape
    vocabulary = beams.logits.shape[1]
    logs = jax.nn.log_softmax(beams.logits.astype(jnp.float32)).reshape(batch, count, vocabulary)
    whole = jnp.maximum(beams.logs[:, :, None] + logs, LEAST).reshape(batch, count * vocabulary)
    # Each beginning has one continuation for each stop token: among so many are the K best of the others.
    best, flat = jax.lax.top_k(whole, wide)
    parent, token = flat // vocabulary, (flat % vocabulary).astype(jnp.int32)
    tokens = jnp.take_along_axis(beams.tokens, parent[:, :, None], axis=1)
    tokens = jax.lax.dynamic_update_slice_in_dim(tokens, token[:, :, None], beams.count, axis=2)
    stopped, there = stops[token], best > LEAST / 2
    lengths = jnp.full(best.shape, beams.count + 1)
    scores = jnp.where(stopped & there, rank(best, lengths, penalty), LEAST)
    ended = _best(beams.ended, Ended(tokens, lengths, best, scores))
    alive, which = jax.lax.top_k(jnp.where(stopped, LEAST, best), count)
    parent, token = (jnp.take_along_axis(part, which, axis=1) for part in (parent, token))
    tokens = jnp.take_along_axis(tokens, which[:, :, None], axis=1)
    rows = (parent + count * jnp.arange(batch, dtype=parent.dtype)[:, None]).reshape(-1)
    axes = carry_axes(beams.carry)
    carry = jax.tree.map(
        lambda axis, leaf: leaf if axis is None else leaf[rows], axes, beams.carry, is_leaf=_none
    )
    logits, carry = jax.vmap(model.step, in_axes=(axes, 0), out_axes=(0, axes))(carry, token.reshape(-1))
    return Beams(logits, carry, tokens, alive, ended, beams.count + 1)


def _best(one: Ended, other: Ended) -> Ended:
    """Return the K best of both."""
    both = jax.tree.map(lambda a, b: jnp.concatenate([a, b], axis=1), one, other)
    scores, which = jax.lax.top_k(both.scores, one.scores.shape[1])
    tokens = jnp.take_along_axis(both.tokens, which[:, :, None], axis=1)
    lengths, logs = (jnp.take_along_axis(part, which, axis=1) for part in (both.lengths, both.logs))
    return Ended(tokens, jnp.where(scores > LEAST / 2, lengths, 0), logs, scores)


def _repeated(carry: Any, times: int) -> Any:
    """Return the carry of a batch in which each row stands so many times."""
    return jax.tree.map(
        lambda axis, leaf: leaf if axis is None else jnp.repeat(leaf, times, axis=0),
        carry_axes(carry),
        carry,
        is_leaf=_none,
    )


def _none(leaf: Any) -> bool:
    return leaf is None
