"""Residues: exact tables, a network that learns one, and waves recovered from networks made by hand."""

import itertools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.core import BadInput, Clock, Map, Pairs
from ansatz.generate.grokking_fourier import (
    find_waves,
    grokking_picture,
    group_order,
    logit_table,
    spectrum,
    spectrum_picture,
)
from ansatz.generate.modular import OPERATIONS, Modular, ModularTransformer, residue, residues, scored
from ansatz.training.fit import fit

SMALL = Modular(size=32, heads=2, hidden=64, batch=64, measured=64, learning_rate=1e-2)
UNTRAINED = ModularTransformer(7, 8, 2, 16, key=jax.random.key(0))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_tables_are_exact_and_parted(operation):
    p = 11
    table = residues(p, operation, 0.3, seed=2)
    undone = {
        "addition": lambda a, b, c: (c - b) % p == a,
        "subtraction": lambda a, b, c: (c + b) % p == a,
        "multiplication": lambda a, b, c: a * b % p == c,
        "division": lambda a, b, c: c * b % p == a and b > 0,
    }[operation]
    assert all(undone(a, b, c) for (a, b), c in zip(table.x.tolist(), table.y.tolist(), strict=True))
    pairs = set(map(tuple, table.x.tolist()))
    assert pairs == set(itertools.product(range(p), range(operation == "division", p)))
    assert sorted([*table.train, *table.test]) == list(range(len(pairs)))
    assert len(table.train) == int(0.3 * len(pairs))
    assert not np.array_equal(table.train, residues(p, operation, 0.3, seed=3).train)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_order_of_the_group_makes_the_operation_a_sum(operation):
    p = 13
    order, kind = group_order(p, operation), OPERATIONS[operation]
    n = len(order)
    assert len(set(order.tolist())) == n == p - (kind.group == "multiplicative")
    i, j = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    assert np.array_equal(kind.apply(order[i], order[j], p), order[(i + kind.turned * j) % n])


def test_the_network_is_one_block_of_attention_and_feed_forward():
    """Against the sequence a, b, = written out, of which the last place is read."""
    model = UNTRAINED

    @jax.jit
    def written_out(a: Any, b: Any) -> Any:
        words = jnp.concatenate([model.embedding[a][None], model.embedding[b][None], model.equals])
        x = words + model.positions
        h = x + model.attention(x)
        return model.unembedding(h + model.feed_forward(h))[-1]

    for pair in ((3, 5), (6, 0)):
        assert np.allclose(eqx.filter_jit(model)(jnp.asarray(pair)), written_out(*pair), atol=1e-5)


@pytest.fixture(scope="module")
def learned() -> Any:
    """Two seeds that learn a small table, most of which they see."""
    return fit(SMALL, residues(7, "addition", 0.8), steps=300, seeds=2)


def test_a_small_table_is_learned_and_measured(learned):
    assert learned.history["test_accuracy"].shape == (300, 2)
    assert (learned.history["accuracy"][-20:].mean(0) > 0.99).all()
    table = residues(7, "addition", 0.8)
    for seed in range(2):
        model = learned.member(seed)
        loss, right = scored(model, Pairs(jnp.asarray(table.x), jnp.asarray(table.y)))
        waves = find_waves(model)
        assert waves.whole.accuracy == pytest.approx(float(right))
        assert waves.whole.loss == pytest.approx(float(loss), rel=1e-3)
        assert 0 < waves.explained <= 1
    assert grokking_picture(learned.history).startswith("<svg")


def test_the_test_part_moves_nothing():
    parts = SMALL.build(residues(5, "addition", 0.5), jax.random.key(0))
    state = parts.source.init(parts.model, jax.random.key(1))
    clock = Clock(jnp.asarray(0), jnp.asarray(1))
    batch, _ = parts.source.next(state, parts.model, clock, jax.random.key(2))

    def loss(model: Any, test: Any) -> Any:
        return residue(model, batch._replace(test=test))[0]

    slope = eqx.filter_jit(eqx.filter_grad(loss))
    one, other = slope(parts.model, batch.test), slope(parts.model, batch.train)
    assert all(np.array_equal(a, b) for a, b in zip(*map(jax.tree.leaves, (one, other)), strict=True))


class ByHand(Map):
    """Logits ``Σ_k α_k cos(ω_k (i ± j - c))`` on a group in an order, and what else is added to them."""

    embedding: Any
    place: Any
    weights: tuple[tuple[int, float], ...] = eqx.field(static=True)
    sign: int = eqx.field(static=True)
    size: int = eqx.field(static=True)
    beside: float = eqx.field(static=True)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Return the logits of the residues; those of residues outside the group are 0."""
        i, j, c = self.place[x[0]], self.place[x[1]], self.place
        turn = 2 * jnp.pi / self.size
        found = sum(a * jnp.cos(turn * k * (i + self.sign * j - c)) for k, a in self.weights)
        found = found + self.beside * jnp.cos(turn * i) * jnp.cos(turn * 2 * c) + 5.0
        return jnp.where(c >= 0, found, 0.0)


def by_hand(p: int, operation: str, weights: dict[int, float], beside: float = 0.0) -> ByHand:
    order = group_order(p, operation)
    n = len(order)
    place = np.full(p, -1.0)
    place[order] = np.arange(n)
    embedding = np.zeros((p, 2 * len(weights) + 1))
    embedding[:, -1] = 3.0
    for at, (k, a) in enumerate(weights.items()):
        angle = 2 * np.pi * k * np.arange(n) / n
        embedding[order, 2 * at], embedding[order, 2 * at + 1] = a * np.cos(angle), a * np.sin(angle)
    kind = OPERATIONS[operation]
    return ByHand(
        jnp.asarray(embedding, jnp.float32),
        jnp.asarray(place, jnp.float32),
        tuple(weights.items()),
        kind.turned,
        n,
        beside,
    )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_known_waves_are_recovered(operation):
    weights = {2: 1.0, 5: 3.0, 4: 2.0}
    waves = find_waves(by_hand(13, operation, weights), operation)
    n = len(group_order(13, operation))
    energy = sum(a**2 for a in weights.values())
    for k in range(n // 2 + 1):
        wanted = weights.get(k, 0.0) ** 2 / energy
        assert waves.embedding[k] == pytest.approx(wanted, abs=1e-6)
        assert waves.logits[k] == pytest.approx(wanted, abs=1e-6)
    assert waves.keys == (5, 4, 2) and waves.explained == pytest.approx(1)
    assert waves.whole.accuracy == waves.restricted.accuracy == 1
    assert waves.restricted.loss == pytest.approx(waves.whole.loss, abs=1e-5)
    assert waves.excluded.loss == pytest.approx(np.log(n), abs=1e-5)
    assert spectrum_picture(waves).startswith("<svg")


def test_what_is_no_wave_of_the_result_is_not_explained():
    """``cos ω₃(i+j-c)`` has variance ½, ``β cos ω₁i cos ω₂c`` has β²/4."""
    beta = 0.8
    waves = find_waves(by_hand(13, "addition", {3: 1.0}, beta))
    assert waves.keys == (3,)
    assert waves.explained == pytest.approx(0.5 / (0.5 + beta**2 / 4), abs=1e-5)


def test_an_even_group_has_a_frequency_of_its_own_in_the_middle():
    alternating = np.asarray([[1.0], [-1.0]] * 3)
    assert spectrum(alternating).round(9).tolist() == [0, 0, 0, 1]
    random = np.random.default_rng(0).normal(size=(9, 4))
    assert spectrum(random).sum() == pytest.approx(1)


def test_the_table_of_logits_is_the_model_on_every_pair():
    model = UNTRAINED
    table = logit_table(model)
    for a, b in ((0, 0), (2, 4)):
        assert np.allclose(table[a, b], eqx.filter_jit(model)(jnp.asarray([a, b])), atol=1e-5)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: residues(4), "from 5 to 1000"),
        (lambda: residues(9, "division"), "prime modulus, and 9 is none"),
        (lambda: residues(7, "adition"), "'addition'"),
        (lambda: residues(7, share=1.0), "between 0 and 1"),
        (lambda: residues(5, share=0.01), "leaves one part"),
        (lambda: Modular(size=10, heads=4), "4 heads of equal size"),
        (lambda: Modular(batch=0), "batch=0"),
        (lambda: Modular(learning_rate=0.0), "above 0"),
        (
            lambda: ModularTransformer(5, 4, 2, 6, key=jax.random.key(0))(jnp.asarray([1, 2, 3])),
            "two residues",
        ),
        (lambda: group_order(301), "at most 300"),
        (lambda: group_order(9, "multiplication"), "prime modulus"),
    ],
)
def test_bad_input(make, says):
    with pytest.raises(BadInput, match=says):
        make()
