"""Writing token by token beside plain loops, NumPy and the enumeration of all sequences."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.core import BadInput
from ansatz.generate.autoregressive import generate, padded, pieces
from ansatz.generate.beam import beam_search
from ansatz.generate.choice import Choice, row_keys
from ansatz.maps.transformer import Decoder
from ansatz.maps.transformer_block import BlockOptions

VOCABULARY = 7


def decoder(
    positions: str = "rope", length: int = 16, seed: int = 0, vocabulary: int = VOCABULARY
) -> Decoder:
    options = BlockOptions(8, 2, norm_first=True, activation="gelu")
    model = Decoder(vocabulary, 1, length, positions, options=options, key=jax.random.key(seed))
    # Larger logits: an untrained model would hardly prefer anything.
    return jax.tree.map(lambda leaf: 2 * leaf, model)


@eqx.filter_jit
def logits_of(model: Decoder, table: jax.Array) -> jax.Array:
    return jax.vmap(model)(table)


def uncached(model: Decoder, prompt: list[int], length: int, choice: Choice, seed: int) -> list[int]:
    """Write by running the whole model over all tokens for each new one; those to come are not seen."""
    keys, tokens = row_keys(seed, 1), list(prompt)
    room = len(prompt) + length
    for t in range(length):
        table = jnp.asarray([[*tokens, *[0] * (room - len(tokens))]])
        logits = logits_of(model, table)[0, len(tokens) - 1]
        tokens.append(int(choice(logits, keys.at(jnp.asarray(t, jnp.int32))[0])))
    return tokens[len(prompt) :]


@pytest.mark.parametrize(
    ("positions", "temperature"),
    [("vaswani", 1.0), ("notes", 1.0), ("learned", 1.0), ("rope", 1.0), ("none", 1.0), ("rope", 0.0)],
)
def test_cached_equals_uncached(positions, temperature):
    model, choice = decoder(positions), Choice(temperature)
    found = generate(model, [[3, 1, 4]], 9, choice=choice, seed=5)
    assert found.tokens[0].tolist() == uncached(model, [3, 1, 4], 9, choice, 5)


def test_a_window_slides_as_without_a_cache():
    model, choice = decoder(length=5), Choice(0.9)
    for prompt in ([2], [1, 2, 3, 4, 5, 6, 0, 1]):
        found = generate(model, [prompt], 12, choice=choice, seed=1)
        assert found.tokens[0].tolist() == uncached(model, prompt, 12, choice, 1)


def test_all_of_the_length_can_be_written_without_a_sliding_window():
    model, choice = decoder("learned", length=20), Choice()
    found = generate(model, [[1] * 5, [2]], 15, choice=choice)
    assert found.tokens[0].tolist() == uncached(model, [1] * 5, 15, choice, 0)
    with pytest.raises(BadInput, match="at most 20 tokens and got 21"):
        generate(model, [[1] * 5], 16)


@pytest.mark.parametrize("positions", ["vaswani", "rope"])
def test_prompts_of_several_lengths_are_written_as_alone(positions):
    model = decoder(positions, length=40)
    prompts, seeds = [[1, 2, 3, 4, 5, 6], [6], [0, 3, 0]], [4, 9, 2]
    together = generate(model, prompts, 12, seed=seeds)
    for prompt, seed, row in zip(prompts, seeds, together.tokens, strict=True):
        assert row.tolist() == generate(model, [prompt], 12, seed=seed).tokens[0].tolist()


def test_a_seed_gives_the_same_tokens_whatever_stands_beside():
    model = decoder()
    three = generate(model, [[1], [1], [1]], 10, seed=3).tokens
    assert three[:1].tolist() == generate(model, [[1]], 10, seed=3).tokens.tolist()
    assert three[:2].tolist() == generate(model, [[1], [1]], 10, seed=3).tokens.tolist()
    assert len({tuple(row) for row in three.tolist()}) == 3
    assert three.tolist() != generate(model, [[1], [1], [1]], 10, seed=4).tokens.tolist()
    assert three[:, :6].tolist() == generate(model, [[1], [1], [1]], 6, seed=3).tokens.tolist()


def test_stop_tokens_end_sequences_and_the_loop():
    model = decoder()
    whole = generate(model, [[1], [2], [3]], 60, seed=0)
    stopped = generate(model, [[1], [2], [3]], 60, stop=[0, 5], seed=0)
    for row, full in zip(stopped.sequences, whole.tokens, strict=True):
        ends = [t for t, token in enumerate(full) if token in (0, 5)]
        assert row.tolist() == full[: ends[0] + 1].tolist()
    assert stopped.tokens.shape[1] == stopped.lengths.max() < 60


def test_pieces_are_the_whole():
    model = decoder()
    whole = generate(model, [[1], [2, 3]], 13, stop=[6], seed=2)
    parts = list(pieces(model, [[1], [2, 3]], 13, stop=[6], seed=2, piece=4))
    assert [part.tokens.shape[1] for part in parts][:-1] == [4] * (len(parts) - 1)
    assert np.concatenate([part.tokens for part in parts], 1).tolist() == whole.tokens.tolist()
    assert sum(part.lengths for part in parts).tolist() == whole.lengths.tolist()


def test_the_next_prompt_compiles_nothing(monkeypatch):
    model, traced, step = decoder(), [], Decoder.step

    def counted(self, carry, token):
        traced.append(1)
        return step(self, carry, token)

    generate(model, [[1, 2, 3]], 20, choice=Choice(0.7, top_k=3))
    # Python runs a step only while a program is traced.
    monkeypatch.setattr(Decoder, "step", counted)
    generate(model, [[4] * 9], 31, choice=Choice(1.3, top_k=5), stop=[2], seed=8)
    generate(decoder(seed=1), [[5]], 40, choice=Choice(1.0, top_k=1))
    assert not traced
    generate(model, [[1]], 20, choice=Choice(0.7, top_p=0.5))
    assert traced


@pytest.mark.parametrize(
    ("prompts", "options", "says"),
    [
        ([], {}, "There is no prompt"),
        ([[]], {}, "Prompt 1 of 1"),
        ([[1], [0.5]], {}, "Prompt 2 of 2"),
        ([[VOCABULARY]], {}, "the token 7; the vocabulary has 7"),
        ([[-1]], {}, "the token -1"),
        ([[1]], {"length": 0}, "0 tokens"),
        ([[1]], {"stop": [9]}, "stop token 9"),
        ([[1]], {"seed": [1, 2]}, "2 seeds for 1 sequences"),
    ],
)
def test_what_cannot_be_written_is_refused(prompts, options, says):
    with pytest.raises(BadInput, match=says):
        generate(decoder(), prompts, **options)


def test_padding_stands_in_front():
    table, skip = padded([[1, 2, 3], [4]])
    assert table.tolist() == [[1, 2, 3], [0, 0, 4]] and skip.tolist() == [0, 2]


def log_probabilities(model: Decoder, prompt: list[int], sequences: list[tuple[int, ...]]) -> list[float]:
    """Return log P of each sequence after the prompt, by running the whole model over it."""
    room = max(map(len, sequences))
    table = jnp.asarray([[*prompt, *tokens, *[0] * (room - len(tokens))] for tokens in sequences])
    logs = np.asarray(jax.nn.log_softmax(logits_of(model, table)), float)[:, len(prompt) - 1 :]
    return [
        float(sum(row[place, token] for place, token in enumerate(tokens)))
        for row, tokens in zip(logs, sequences, strict=True)
    ]


def every_sequence(model: Decoder, prompt: list[int], length: int, stop: int | None, penalty: float) -> list:
    """Return all sequences that end at a stop token or at the length, the best first, with scores."""
    found = [
        tokens
        for n in range(1, length + 1)
        for tokens in itertools.product(range(model.embedding.vocabulary), repeat=n)
        if stop not in tokens[:-1] and (n == length or tokens[-1] == stop)
    ]
    logs = log_probabilities(model, prompt, found)
    scores = [log / ((5 + len(t)) / 6) ** penalty for log, t in zip(logs, found, strict=True)]
    return sorted(zip(scores, logs, found, strict=True), reverse=True)


@pytest.mark.parametrize("penalty", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("stop", [2, None])
def test_a_beam_as_wide_as_all_sequences_finds_the_best(penalty, stop):
    model = decoder(vocabulary=3, seed=2)
    truth = every_sequence(model, [1, 0], 4, stop, penalty)
    stops = [] if stop is None else [stop]
    found = beam_search(model, [[1, 0]], 4, beams=60, stop=stops, penalty=penalty)
    known = {tuple(tokens): (score, log) for score, log, tokens in truth}
    for place, (best, _, _) in enumerate(truth[:10]):
        # Where two sequences are as likely up to rounding, either may come first.
        score, log = known[tuple(found.tokens[0, place, : found.lengths[0, place]].tolist())]
        assert found.scores[0, place] == pytest.approx(best, abs=1e-4)
        assert found.scores[0, place] == pytest.approx(score, abs=1e-4)
        assert found.log_probabilities[0, place] == pytest.approx(log, abs=1e-4)
    assert (found.lengths[0] > 0).sum() == min(60, len(truth))


def plain_beams(
    model: Decoder, prompt: list[int], length: int, beams: int, stop: int, penalty: float
) -> list:
    """Return what a beam search of lists and sorting finds."""
    alive, ended = [(0.0, ())], []
    for n in range(1, length + 1):
        grown = [(*tokens, token) for _, tokens in alive for token in range(model.embedding.vocabulary)]
        grown = sorted(zip(log_probabilities(model, prompt, grown), grown, strict=True), reverse=True)
        ended += [(log / ((5 + n) / 6) ** penalty, t) for log, t in grown[: 2 * beams] if t[-1] == stop]
        alive = [one for one in grown if one[1][-1] != stop][:beams]
    ended += [(log / ((5 + length) / 6) ** penalty, tokens) for log, tokens in alive]
    return sorted(ended, reverse=True)[:beams]


def test_narrow_beams_equal_a_plain_search_and_prompts_do_not_mix():
    model, prompts = decoder(vocabulary=4, seed=3), [[1, 0, 3], [2]]
    found = beam_search(model, prompts, 5, beams=3, stop=[0], penalty=0.6)
    for row, prompt in enumerate(prompts):
        truth = plain_beams(model, prompt, 5, 3, 0, 0.6)
        for place, (score, tokens) in enumerate(truth):
            assert found.tokens[row, place, : found.lengths[row, place]].tolist() == list(tokens)
            assert found.scores[row, place] == pytest.approx(score, abs=1e-4)
    assert found.best()[1].tolist() == list(plain_beams(model, prompts[1], 5, 3, 0, 0.6)[0][1])


def test_one_beam_without_a_stop_is_greedy():
    model = decoder()
    greedy = generate(model, [[1, 2]], 8, choice=Choice(0.0))
    assert beam_search(model, [[1, 2]], 8, beams=1).tokens[0].tolist() == greedy.tokens.tolist()


@pytest.mark.parametrize(
    ("options", "says"), [({"beams": 0}, "0 beams"), ({"penalty": -1.0}, "penalty is -1.0")]
)
def test_searches_out_of_range_are_refused(options, says):
    with pytest.raises(BadInput, match=says):
        beam_search(decoder(), [[1]], 3, **options)
