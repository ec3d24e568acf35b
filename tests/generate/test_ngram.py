"""N-grams against a plain-Python implementation, against their definition, and with tokens left out."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansatz.core import BadInput
from ansatz.data import is_here, load_text, make_corpus
from ansatz.generate.ngram import SMOOTHINGS, estimate_discounts, fit_ngram


class Plain:
    """The same models from dictionaries, term by term as their definition reads."""

    def __init__(self, tokens, order, size, smoothing, discounts, without=None):
        self.order, self.size, self.own = order, size, SMOOTHINGS[smoothing]
        self.discounts = discounts
        self.raw = [Counter() for _ in range(order + 1)]
        for end in range(len(tokens)):
            for k in range(1, order + 1):
                if end - k + 1 >= 0 and end != without:
                    self.raw[k][tuple(tokens[end - k + 1 : end + 1])] += 1
        self.count = [Counter() for _ in range(order + 1)]
        for k in range(1, order + 1):
            if self.own or k == order:
                self.count[k] = self.raw[k]
            else:
                self.count[k] = Counter(gram[1:] for gram in self.raw[k + 1])

    def probability(self, context, token):
        context = tuple(context)[len(context) - min(len(context), self.order - 1) :]
        lower = self.probability(context[1:], token) if context else 1 / self.size
        k = len(context) + 1
        counts = {w: self.count[k][(*context, w)] for w in range(self.size)}
        total, types = sum(counts.values()), sum(c > 0 for c in counts.values())
        if total == 0:
            return lower
        if self.own:
            return (counts[token] + types * lower) / (total + types)
        off = [0.0, *self.discounts[k - 1]]
        kept = counts[token] - off[min(counts[token], 3)]
        return (kept + sum(off[min(c, 3)] for c in counts.values()) * lower) / total


def some_text(length=60, size=4, seed=0):
    generator = np.random.default_rng(seed)
    return np.concatenate([generator.integers(0, size - 1, length), [0, 1, 0, 1, 0, 1]])


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", [1, 2, 4])
@pytest.mark.parametrize("discount", [None, 0.8])
def test_equals_plain_dictionaries(smoothing: str, order: int, discount):
    if discount is not None and SMOOTHINGS[smoothing]:
        discount = None
    text, other = some_text(), some_text(seed=1)
    model = fit_ngram(text, order=order, size=4, smoothing=smoothing, discount=discount)
    plain = Plain(text, order, 4, smoothing, model.discounts)
    logs = [math.log(plain.probability(other[:i], other[i])) for i in range(len(other))]
    assert np.allclose(model.log_likelihoods(other), logs, rtol=1e-12, atol=1e-12)
    assert model.nats(other) == pytest.approx(-np.mean(logs), rel=1e-12)
    dense = model.log_probabilities(other, dtype=np.float64)
    rows = [[plain.probability(other[:i], w) for w in range(4)] for i in range(len(other))]
    assert np.allclose(np.exp(dense), rows, rtol=1e-12)
    assert np.allclose(model.probabilities(other[None, :]), rows_after(plain, other), rtol=1e-12)


def rows_after(plain, text):
    return [[plain.probability(text, w) for w in range(4)]]


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", [1, 3, 4])
@pytest.mark.parametrize("text", [some_text(20), some_text(9, seed=3), np.arange(6) % 4, np.zeros(7, int)])
def test_left_out_equals_a_model_of_the_other_tokens(smoothing: str, order: int, text: np.ndarray):
    model = fit_ngram(text, order=order, size=5, smoothing=smoothing)
    logs, dense = model.left_out_log_likelihoods(), model.log_probabilities(dtype=np.float64)
    assert dense.shape == (len(text), 5)
    for place, token in enumerate(text):
        plain = Plain(text, order, 5, smoothing, model.discounts, without=place)
        row = [plain.probability(text[:place], w) for w in range(5)]
        assert np.allclose(np.exp(dense[place]), row, rtol=1e-10, atol=1e-14)
        assert logs[place] == pytest.approx(math.log(row[token]), rel=1e-10)


@settings(max_examples=60, deadline=None, database=None)
@given(
    st.lists(st.integers(0, 5), min_size=5, max_size=60),
    st.lists(st.lists(st.integers(0, 6), min_size=3, max_size=3), min_size=1, max_size=9),
    st.integers(1, 5),
    st.sampled_from(sorted(SMOOTHINGS)),
)
def test_probabilities_sum_to_one(text, contexts, order, smoothing):
    model = fit_ngram(text, order=order, size=7, smoothing=smoothing)
    p = model.probabilities(contexts)
    assert p.shape == (len(contexts), 7) and (p > 0).all()
    assert np.allclose(p.sum(axis=1), 1, rtol=0, atol=1e-12)
    left = np.exp(model.log_probabilities(dtype=np.float64))
    assert np.allclose(left.sum(axis=1), 1, rtol=0, atol=1e-12) and (left > 0).all()


def test_ways_of_asking_agree(monkeypatch: pytest.MonkeyPatch):
    text = some_text(900, size=30)
    whole = fit_ngram(text, order=5, size=30)
    rows = whole.log_probabilities(text[:200], dtype=np.float64)
    left = whole.log_probabilities(dtype=np.float64)
    # Small chunks also leave the tables of contexts out, and gather grams one by one instead.
    monkeypatch.setattr("ansatz.generate.ngram.CHUNK", 100)
    monkeypatch.setattr("ansatz.generate.ngram_counts.CHUNK", 100)
    parts = fit_ngram(text, order=5, size=30)
    assert [level.table is None for level in whole.levels] != [level.table is None for level in parts.levels]
    assert np.allclose(parts.log_probabilities(text[:200], dtype=np.float64), rows, rtol=1e-12)
    assert np.allclose(parts.log_probabilities(dtype=np.float64), left, rtol=1e-12)
    chosen = np.take_along_axis(rows, text[:200, None], axis=1)[:, 0]
    assert np.allclose(whole.log_likelihoods(text[:200]), chosen, rtol=1e-12)
    assert np.allclose(
        np.take_along_axis(left, text[:, None], axis=1)[:, 0], whole.left_out_log_likelihoods()
    )
    contexts = np.stack([text[i - 6 : i] for i in range(6, 200)])
    assert np.allclose(np.log(whole.probabilities(contexts)), rows[6:], rtol=1e-12)
    assert np.allclose(whole.probabilities(contexts[:, 6:])[0], np.exp(rows[0]))
    assert whole.probabilities(np.zeros((0, 3), int)).shape == (0, 30)


def test_windows_see_what_a_network_would_see():
    text = some_text(100)
    model = fit_ngram(text, order=4, size=4)
    logs = model.log_likelihoods(text, window=10)
    for place in range(1, len(text)):
        begin = (place - 1) // 10 * 10
        alone = model.probabilities(text[None, begin:place])[0, text[place]]
        assert logs[place] == pytest.approx(math.log(alone))
    assert model.nats(text, window=10) == pytest.approx(-logs[1:].mean())
    assert model.nats(text, window=len(text)) == pytest.approx(-model.log_likelihoods(text)[1:].mean())


def test_discounts():
    count = np.repeat([1, 2, 3, 4, 9], [40, 20, 10, 5, 3])
    y = 40 / 80
    assert estimate_discounts(count, "kneser-ney").tolist() == [0, y, y, y]
    modified = [0, 1 - 2 * y * 20 / 40, 2 - 3 * y * 10 / 20, 3 - 4 * y * 5 / 10]
    assert np.allclose(estimate_discounts(count, "modified-kneser-ney"), modified)
    assert estimate_discounts(np.asarray([5, 6]), "modified-kneser-ney").tolist() == [0, 0.75, 0.75, 0.75]
    assert fit_ngram(some_text(), order=3, discount=[0.5, 0.6, 0.7]).discounts[:, 0].tolist() == [
        0.5,
        0.6,
        0.7,
    ]


def test_samples_are_drawn_from_the_model():
    model = fit_ngram(some_text(200, size=4), order=3, size=4)
    texts = model.sample(3, count=40_000, seed=0, prefix=[0, 1])
    assert texts.shape == (40_000, 3) and texts.dtype == np.int32
    assert np.allclose(
        np.bincount(texts[:, 0], minlength=4) / 40_000, model.probabilities([[0, 1]])[0], atol=0.01
    )
    second = texts[texts[:, 0] == 1, 1]
    assert np.allclose(
        np.bincount(second, minlength=4) / len(second), model.probabilities([[1, 1]])[0], atol=0.02
    )
    assert np.array_equal(texts, model.sample(3, count=40_000, seed=0, prefix=[0, 1]))
    assert model.sample(5).shape == (1, 5) and model.sample(0, count=2).shape == (2, 0)


def test_long_grams_of_many_tokens_do_not_overflow():
    text = np.random.default_rng(0).integers(0, 2**31 - 1, 300)
    text[100:200] = text[:100]
    model = fit_ngram(text, order=12, size=2**31 - 1)
    assert np.isfinite(model.log_likelihoods(text)).all()
    # From its second token on, the repeated half is known by heart, up to the discounts.
    assert np.exp(model.log_likelihoods(text)[112:200]).min() > 0.1


@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"order": 0}, "Grams of 0 tokens cannot be counted in a text of 6"),
        ({"order": 7}, "Grams of 7 tokens cannot be counted in a text of 6"),
        ({"size": 2}, "Token 3 of the text is 2; tokens are 0 to 1"),
        ({"smoothing": "knesser-ney"}, "did you mean 'kneser-ney'"),
        ({"discount": 1.5}, r"should be in \(0, 1\]"),
        ({"discount": [0.5, 0.5]}, "one number or 3"),
        ({"discount": 0.5, "smoothing": "witten-bell"}, "has no discount"),
    ],
)
def test_wrong_options_are_refused(options, sentence):
    with pytest.raises(BadInput, match=sentence):
        fit_ngram([0, 1, 2, 0, 1, 2], **({"order": 3} | options))


def test_wrong_texts_are_refused():
    model = fit_ngram([0, 1, 2, 0], order=2)
    for call, sentence in {
        lambda: fit_ngram([]): "it should be whole numbers",
        lambda: fit_ngram([0.5, 1.0]): "it should be whole numbers",
        lambda: model.nats([[0]]): "it should be whole numbers",
        lambda: model.nats([0, 3]): "Token 2 of the text is 3",
        lambda: model.nats([0, -1]): "Token 2 of the text is -1",
        lambda: model.nats([0, 1], window=0): "A window of 0 tokens is none",
        lambda: model.probabilities([0]): r"they should be \[B, m\]",
    }.items():
        with pytest.raises(BadInput, match=sentence):
            call()


@pytest.mark.skipif(not is_here("tiny-shakespeare"), reason="needs `ansatz data get tiny-shakespeare`")
def test_tiny_shakespeare():
    corpus = make_corpus(load_text("tiny-shakespeare"))
    assert (len(corpus.train), len(corpus.validation), corpus.tokenizer.size) == (1_003_854, 111_540, 65)
    known = {(5, 0.75): 1.566, (6, 0.8): 1.533, (7, None): 1.517}
    for (order, discount), value in known.items():
        model = fit_ngram(corpus.train, order=order, size=65, discount=discount)
        assert model.nats(corpus.validation) == pytest.approx(value, abs=0.002)
