"""Windows of tokens and padded pairs: what is drawn, what is weighed, what is refused."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from ansatz.core import BadInput
from ansatz.data import Blocks, Table, TokenBlocks, Tokens, pad_pairs
from ansatz.training.step import clock_at


def draw(source, steps, key=0):
    state, batches = source.init(None, jr.key(key)), []
    for step in range(steps):
        batch, state = source.next(state, None, clock_at(step, steps), jr.fold_in(jr.key(key), step))
        batches.append(batch)
    return batches


def test_windows_are_pieces_of_the_text_from_everywhere():
    place = np.arange(20)
    starts = []
    for batch in draw(Tokens(place, 16, 4), 40):
        tokens = np.asarray(batch.tokens)
        assert tokens.shape == (16, 5) and tokens.dtype == np.int32 and batch.weight is None
        assert (np.diff(tokens, axis=1) == 1).all()
        starts += tokens[:, 0].tolist()
    counts = np.bincount(starts)
    # 20 - 4 starts, as `randint(len(data) - block_size)` has: the last window ends with the text.
    assert len(counts) == 16 and counts.min() > 0
    assert counts.max() < 3 * 640 / 16


@pytest.mark.parametrize(
    "length, window, batch", [(103, 10, 4), (101, 10, 4), (11, 10, 3), (30, 7, 2), (12, 1, 5)]
)
def test_blocks_predict_every_token_once(length: int, window: int, batch: int):
    text = np.arange(length)
    source = TokenBlocks(text, batch, window)
    seen = np.zeros(length)
    batches = draw(source, 2 * source.blocks)
    for block in batches:
        tokens, weight = np.asarray(block.tokens), np.asarray(block.weight)
        assert (np.diff(tokens, axis=1) == 1).all() and tokens.shape[1] == window + 1
        assert weight.shape == (source.size, window) and weight.dtype == np.float32
        np.add.at(seen, tokens[:, 1:], weight)
    assert seen[0] == 0 and (seen[1:] == 2).all()
    first, second = batches[: source.blocks], batches[source.blocks :]
    assert all(np.array_equal(a.tokens, b.tokens) for a, b in zip(first, second, strict=True))


def test_what_goes_along_belongs_to_the_predicted_tokens():
    along = {"log": np.arange(103.0, dtype=np.float32)[:, None] + np.asarray([[0.0, 0.5]], np.float32)}
    text = np.arange(103)
    for source in (Tokens(text, 6, 10, along), TokenBlocks(text, 6, 10, along)):
        for batch in draw(source, 3):
            assert batch.along["log"].shape == (6, 10, 2)
            assert np.array_equal(batch.along["log"][:, :, 0], np.asarray(batch.tokens)[:, 1:])


def test_texts_of_small_integers_stay_small_until_they_are_drawn():
    source = Tokens(np.arange(103, dtype=np.uint8), 3, 10)
    assert source.tokens.dtype == jnp.uint8
    assert draw(source, 1)[0].tokens.dtype == jnp.int32


@pytest.mark.parametrize("make", [Tokens, TokenBlocks])
def test_wrong_texts_and_sizes_are_refused(make):
    for arguments, sentence in {
        (tuple(range(10)), 2, 10): "The text has 10 tokens and a window needs 10 [+] 1",
        (tuple(range(10)), 0, 3): "A batch of 0 windows of 3 tokens is none",
        (tuple(range(10)), 2, 0): "A batch of 2 windows of 0 tokens is none",
    }.items():
        with pytest.raises(BadInput, match=sentence):
            make(np.asarray(arguments[0]), *arguments[1:])
    with pytest.raises(BadInput, match=r"the shape \(9, 2\); it needs a row for each of 10"):
        make(np.arange(10), 2, 3, np.zeros((9, 2)))


PAIRS = pad_pairs(
    [[1, 2, 3], [4], [5, 6], [7, 8], [9]], [[10, 11], [12, 13, 14, 15], [16], [17], [18]], padding=0
)


def test_pairs_are_padded():
    assert PAIRS.source.tolist() == [[1, 2, 3], [4, 0, 0], [5, 6, 0], [7, 8, 0], [9, 0, 0]]
    assert PAIRS.target[1].tolist() == [12, 13, 14, 15] and PAIRS.target[0].tolist() == [10, 11, 0, 0]
    assert PAIRS.source_length.tolist() == [3, 1, 2, 2, 1] and PAIRS.target_length.tolist() == [2, 4, 1, 1, 1]
    assert all(leaf.dtype == np.int32 for leaf in jax.tree.leaves(PAIRS))
    wide = pad_pairs([[1]], [[2]], padding=9, lengths=(2, 3))
    assert wide.source.tolist() == [[1, 9]] and wide.target.tolist() == [[2, 9, 9]]


def test_pairs_go_through_the_sources_of_tables():
    rows = {tuple(row) for row in PAIRS.source.tolist()}
    found = []
    for batch in draw(Table(PAIRS, 5), 2):
        assert type(batch) is type(PAIRS) and {tuple(row) for row in batch.source.tolist()} == rows
        found.append(batch.source.tolist())
        together = dict(zip(map(tuple, PAIRS.source.tolist()), PAIRS.target.tolist(), strict=True))
        pairs = zip(batch.source.tolist(), batch.target.tolist(), strict=True)
        assert all(together[tuple(source)] == target for source, target in pairs)
    source = Blocks(PAIRS, 2)
    batches = draw(source, source.blocks)
    assert [batch.weight.tolist() for batch in batches] == [[1, 1], [1, 1], [1, 0]]
    lengths = np.concatenate([batch.source_length for batch in batches])
    assert lengths[:5].tolist() == [3, 1, 2, 2, 1]


def test_wrong_pairs_are_refused():
    for call, sentence in {
        lambda: pad_pairs([[1]], [], 0): "1 sequences and 0 translations",
        lambda: pad_pairs([], [], 0): "0 sequences and 0 translations",
        lambda: pad_pairs([[1], []], [[1], [1]], 0): "The sequence 2 of 2 is empty",
        lambda: pad_pairs([[1]], [[1, 2]], 0, lengths=(1, 1)): "The translation 1 of 1 has 2 tokens",
    }.items():
        with pytest.raises(BadInput, match=sentence):
            call()
