"""Sources with known entropy rates: against brute force, and reached by counting."""

import itertools
import math

import numpy as np
import pytest

from ansatz.core import BadInput
from ansatz.generate.grammar import Grammar, Rule, formula_grammar
from ansatz.generate.markov import Machine, even_process, markov_chain, random_chain
from ansatz.generate.ngram import fit_ngram


def block_entropy(machine: Machine, length: int) -> float:
    """Return −Σ p log p over all texts of a length, each probability a sum over paths of states."""
    ending = machine.stationary()[None, :]
    for _ in range(length):
        longer = np.zeros((len(ending), machine.size, machine.states))
        for state, token in itertools.product(range(machine.states), range(machine.size)):
            into = machine.move[state, token]
            longer[:, token, into] += ending[:, state] * machine.emit[state, token]
        ending = longer.reshape(-1, machine.states)
    p = ending.sum(axis=1)
    assert len(p) == machine.size**length and p.sum() == pytest.approx(1)
    return -float(np.sum(p[p > 0] * np.log(p[p > 0])))


@pytest.mark.parametrize("order, size", [(0, 4), (1, 4), (2, 3)])
def test_chains_have_the_entropy_rate_of_their_blocks(order: int, size: int):
    for seed in range(3):
        chain = random_chain(size, order=order, seed=seed)
        assert chain.states == size**order
        # The difference of the entropies of blocks is exact from the order of the chain on.
        difference = block_entropy(chain, order + 3) - block_entropy(chain, order + 2)
        assert chain.entropy_rate() == pytest.approx(difference, abs=1e-12)
        pi = chain.stationary()
        assert pi.sum() == pytest.approx(1) and (pi >= 0).all()
        assert np.allclose(pi @ chain.transitions().toarray(), pi, atol=1e-14)


def test_even_process_is_of_no_finite_order():
    for stop in (0.5, 0.2):
        process = even_process(stop)
        assert process.entropy_rate() == pytest.approx(
            -(stop * math.log(stop) + (1 - stop) * math.log(1 - stop)) / (2 - stop), abs=1e-14
        )
        blocks = [block_entropy(process, n) for n in range(1, 13)]
        gaps = np.diff(blocks) - process.entropy_rate()
        assert (gaps > 0).all() and (np.diff(gaps) < 0).all() and gaps[-1] < gaps[0] / 2
    text = "".join(map(str, even_process().sample(4000)[0]))
    assert all(len(block) % 2 == 0 for block in text.split("0")[1:-1])


def test_known_chains():
    assert markov_chain([0.25] * 4).entropy_rate() == pytest.approx(math.log(4))
    assert markov_chain([[0.0, 1.0], [1.0, 0.0]]).entropy_rate() == 0
    golden = markov_chain([[0.5, 0.5], [1.0, 0.0]])
    assert golden.entropy_rate() == pytest.approx(math.log(2) * 2 / 3)
    transient = Machine([[0.5, 0.5], [0.3, 0.7]], [[0, 1], [1, 1]])
    assert transient.stationary().tolist() == [0, 1]
    large = random_chain(40, order=2, seed=0)
    pi = large.stationary()
    assert large.states == 1600 and 0 < large.entropy_rate() < math.log(40)
    assert np.abs(pi @ large.transitions() - pi).sum() < 1e-13


@pytest.mark.parametrize("count", [3, 20])
def test_samples_follow_the_chain(count: int):
    chain = random_chain(3, order=1, seed=4)
    texts = chain.sample(60_000 // count, count=count, seed=1)
    assert texts.shape == (count, 60_000 // count) and texts.dtype == np.int32
    pairs = np.bincount((texts[:, :-1] * 3 + texts[:, 1:]).reshape(-1), minlength=9).reshape(3, 3)
    assert np.allclose(pairs / pairs.sum(1, keepdims=True), chain.emit, atol=0.02)
    assert np.allclose(np.bincount(texts[:, 0], minlength=3).sum(), count)
    assert np.array_equal(texts, chain.sample(60_000 // count, count=count, seed=1))
    assert not np.array_equal(texts, chain.sample(60_000 // count, count=count, seed=2))


def test_log_likelihoods_are_those_of_the_tokens():
    chain = random_chain(4, order=2, seed=0)
    text = chain.sample(20_000, seed=3)[0]
    logs = chain.log_likelihoods(text)
    state = text[:-2] * 4 + text[1:-1]
    assert np.allclose(logs[2:], np.log(chain.emit[state, text[2:]]))
    assert -logs.mean() == pytest.approx(chain.entropy_rate(), rel=0.02)
    assert np.allclose(chain.log_likelihoods(text[2:], int(state[0])), logs[2:])
    assert even_process().log_likelihoods([0, 1, 0])[-1] == -np.inf


@pytest.mark.parametrize(
    "machine, order, length",
    [
        (random_chain(4, order=1, seed=1), 2, 60_000),
        (random_chain(5, order=2, seed=2), 3, 100_000),
        (even_process(), 14, 300_000),
    ],
    ids=["order 1", "order 2", "even process"],
)
def test_counting_comes_within_a_percent_of_the_entropy_rate(machine: Machine, order: int, length: int):
    train, test = machine.sample(length, seed=0)[0], machine.sample(50_000, seed=1)[0]
    # Against the rate on the same text, which leaves the chance of the text out.
    rate = -machine.log_likelihoods(test).mean()
    assert rate == pytest.approx(machine.entropy_rate(), rel=0.01)
    found = fit_ngram(train, order=order, size=machine.size).nats(test)
    assert machine.entropy_rate() * 0.99 < found < machine.entropy_rate() * 1.01
    assert rate - 1e-4 < found < rate * 1.01


def sentences(grammar: Grammar, least: float) -> list[tuple[float, int]]:
    """Return (probability, length) of all sentences at least so probable, by going through derivations."""
    found, waiting = [], [(1.0, 0, (grammar.names[0],))]
    while waiting:
        chance, length, stack = waiting.pop()
        if chance < least:
            continue
        if not stack:
            found.append((chance, length))
            continue
        for rule in grammar.rules[stack[0]]:
            waiting.append((chance * rule.probability, length + 1, (*rule.follow, *stack[1:])))
    return found


def test_grammars_have_the_entropy_of_their_sentences():
    small = Grammar(
        {"S": [Rule(0.8, "x"), Rule(0.2, "(", ("T", "S"))], "T": [Rule(0.9, "y"), Rule(0.1, "z", ("S",))]}
    )
    found = sentences(small, 1e-11)
    mass = sum(chance for chance, _ in found)
    assert mass == pytest.approx(1, abs=1e-6)
    assert small.mean_length() == pytest.approx(sum(p * n for p, n in found), abs=1e-4)
    assert small.sentence_entropy() == pytest.approx(-sum(p * math.log(p) for p, _ in found), abs=1e-4)


def test_texts_of_grammars_have_the_entropy_rate():
    grammar = formula_grammar()
    text = grammar.sample(200_000, seed=0)
    assert text.dtype == np.int32 and set(text.tolist()) == set(range(grammar.size))
    logs = grammar.log_likelihoods(text)
    assert np.isfinite(logs).all()
    assert -logs.mean() == pytest.approx(grammar.entropy_rate(), rel=0.01)
    counted = {n: fit_ngram(text, order=n).nats(grammar.sample(50_000, seed=1)) for n in (1, 3, 5)}
    assert counted[1] > counted[3] > counted[5] > 1.01 * grammar.entropy_rate()
    assert grammar.log_likelihoods([grammar.tokens.index("pow")]).tolist() == [-np.inf]


def test_what_is_no_source_is_refused():
    for make, sentence in {
        lambda: Machine([[0.5, 0.6]], [[0, 0]]): "A row of emit is no distribution",
        lambda: Machine([[-0.5, 1.5]], [[0, 0]]): "A row of emit is no distribution",
        lambda: Machine([[0.5, 0.5]], [[0, 1]]): "states out of range; there are the states 0 to 0",
        lambda: Machine([[0.5, 0.5]], [[0]]): r"emit has the shape \(1, 2\) and move \(1, 1\)",
        lambda: Machine([[1.0], [1.0]], [[0], [1]]).entropy_rate(): "2 sets that are never left",
        lambda: markov_chain([[0.5, 0.5]]): r"should be \[V, …, V\]",
        lambda: random_chain(0): "cannot be drawn",
        lambda: random_chain(1000, order=3): r"size\^\(order \+ 1\) at most",
        lambda: Grammar({}): "has no rules",
        lambda: Grammar({"S": [Rule(0.5, "x")]}): "'S' add up to 0.5",
        lambda: Grammar({"S": [Rule(0.5, "x"), Rule(0.5, "x")]}): "Two rules of 'S' begin with the same",
        lambda: Grammar({"S": [Rule(1.0, "x", ("T",))]}): "calls 'T', which has no rules",
        lambda: Grammar({"S": [Rule(0.5, "x"), Rule(0.5, "y", ("S", "S"))]}): "may never end",
    }.items():
        with pytest.raises(BadInput, match=sentence):
            make()
