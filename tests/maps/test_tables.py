"""Encodings and maps of table rows: the formulas of their papers, and what an unknown category does."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansatz.core import BadInput, count_parameters, over_batch
from ansatz.maps import (
    MLP,
    BatchEnsemble,
    Embedding,
    MemberMean,
    Periodic,
    PiecewiseLinear,
    Row,
    SharedAffine,
    TableEncoder,
    Tabular,
)

KEY = jax.random.key(0)


def piecewise_by_hand(x, edges):
    """Equation 1 of Gorishniy et al. 2022."""
    bins, found = len(edges) - 1, []
    for t in range(1, bins + 1):
        if x < edges[t - 1] and t > 1:
            found.append(0.0)
        elif x >= edges[t] and t < bins:
            found.append(1.0)
        else:
            found.append((x - edges[t - 1]) / (edges[t] - edges[t - 1]))
    return found


@given(st.floats(-5, 5), st.lists(st.integers(-20, 20), min_size=2, max_size=6, unique=True))
@settings(max_examples=60, deadline=None)
def test_piecewise_linear_is_the_papers_formula(x, edges):
    edges = [e / 5 for e in sorted(edges)]
    with jax.enable_x64(True):
        found = PiecewiseLinear([edges])(jnp.asarray([x]))
        np.testing.assert_allclose(found, piecewise_by_hand(x, edges), atol=1e-9)


def test_piecewise_linear_pads_columns_with_fewer_bins_and_trains_nothing():
    encoder = PiecewiseLinear([[0.0, 1.0, 2.0, 4.0], [0.0, 1.0], [7.0]])
    found = np.asarray(encoder(jnp.asarray([3.0, 0.25, 100.0]))).reshape(3, 3)
    np.testing.assert_allclose(found, [[1, 1, 0.5], [0.25, 0, 0], [0, 0, 0]])
    assert count_parameters(encoder) == 0 and encoder.out_size == 9


@pytest.mark.parametrize("edges", [[[1.0, 1.0]], [[2.0, 1.0]], [[0.0, np.nan]], [[0.0, np.inf]], [[1.0]], []])
def test_piecewise_linear_refuses_bad_edges(edges):
    with pytest.raises(BadInput, match=r"edges"):
        PiecewiseLinear(edges)


def test_periodic_is_the_papers_formula():
    with jax.enable_x64(True):
        periodic = Periodic(2, 3, 4, scale=0.5, key=KEY)
        x = np.array([0.3, -1.2])
        angle = 2 * np.pi * np.asarray(periodic.frequency) * x[:, None]
        waves = np.concatenate([np.sin(angle), np.cos(angle)], 1)
        expected = np.maximum(waves @ np.asarray(periodic.weight) + np.asarray(periodic.bias), 0)
        np.testing.assert_allclose(periodic(jnp.asarray(x)), expected.reshape(-1), rtol=1e-12)


def test_embedding_is_a_row_of_its_table_and_an_unknown_code_is_zero():
    embedding = Embedding((2, 3), 4, key=KEY)
    table = np.asarray(embedding.weight)
    found = np.asarray(embedding(jnp.asarray([1, 2]))).reshape(2, 4)
    assert np.array_equal(found, table[[1, 4]])
    for codes in ([-1, 3], [2, -7], [10**6, 10**6]):
        assert not np.asarray(embedding(jnp.asarray(codes))).any()


def test_an_unknown_code_moves_no_row():
    embedding = Embedding((2, 3), 4, key=KEY)
    gradient = jax.grad(lambda w: eqx.tree_at(lambda e: e.weight, embedding, w)(jnp.asarray([-1, 1])).sum())
    moved = np.asarray(gradient(embedding.weight)).any(1)
    assert moved.tolist() == [False, False, False, True, False]


def test_embedding_refuses_other_shapes_and_empty_columns():
    embedding = Embedding((2, 3), 4, key=KEY)
    with pytest.raises(BadInput, match="integer codes"):
        embedding(jnp.asarray([1]))
    with pytest.raises(BadInput, match="levels"):
        Embedding((2, 0), key=KEY)


def test_shared_affine_is_one_affine_map_a_member():
    with jax.enable_x64(True):
        shared = SharedAffine(3, 2, 4, signs=True, key=KEY)
        x = jax.random.normal(KEY, (4, 3))
        for m in range(4):
            expected = shared.write[m] * (shared.weight @ (shared.read[m] * x[m])) + shared.bias[m]
            np.testing.assert_allclose(shared(x)[m], expected, rtol=1e-12)
        assert set(np.unique(shared.read).tolist()) <= {-1.0, 1.0}


def test_members_share_their_weights_and_differ_in_their_answers():
    ensemble = BatchEnsemble(5, 2, members=8, width=16, key=KEY)
    y = np.asarray(ensemble(jax.random.normal(KEY, (5,))))
    assert y.shape == (8, 2) and len({tuple(row) for row in y.tolist()}) == 8
    shared = (5 + 16) * 16
    own = 8 * ((5 + 16 + 16) + (16 + 16 + 16) + (16 + 1) * 2)
    assert count_parameters(ensemble) == shared + own and ensemble.members == 8


def test_one_member_without_signs_is_an_mlp():
    with jax.enable_x64(True):
        ensemble = BatchEnsemble(3, 2, members=1, width=4, depth=2, activation="tanh", key=KEY)
        ensemble = eqx.tree_at(lambda e: e.hidden[0].read, ensemble, jnp.ones((1, 3)))
        mlp = MLP(3, 2, width=4, depth=2, activation="tanh", key=KEY)
        parts = [(a.weight, a.bias[0]) for a in ensemble.hidden]
        for i, (weight, bias) in enumerate(parts):
            mlp = eqx.tree_at(lambda m, i=i: (m.hidden[i].weight, m.hidden[i].bias), mlp, (weight, bias))
        last = (ensemble.head[0], ensemble.head_bias[0])
        mlp = eqx.tree_at(lambda m: (m.last.weight, m.last.bias), mlp, last)
        x = jax.random.normal(KEY, (3,))
        np.testing.assert_allclose(ensemble(x)[0], mlp(x), rtol=1e-12)


def test_member_mean_averages_values_or_probabilities():
    with jax.enable_x64(True):
        ensemble = BatchEnsemble(3, 4, members=5, key=KEY)
        x = 10 * jax.random.normal(KEY, (3,))
        outputs = ensemble(x)
        np.testing.assert_allclose(MemberMean(ensemble)(x), outputs.mean(0), rtol=1e-12)
        mean = jax.nn.softmax(outputs, -1).mean(0)
        np.testing.assert_allclose(jnp.exp(MemberMean(ensemble, "classes")(x)), mean, rtol=1e-12)
        yes = jax.nn.sigmoid(outputs).mean(0)
        np.testing.assert_allclose(jax.nn.sigmoid(MemberMean(ensemble, "binary")(x)), yes, rtol=1e-12)
    with pytest.raises(BadInput, match="did you mean 'binary'"):
        MemberMean(ensemble, "binry")
    with pytest.raises(BadInput, match="members"):
        MemberMean(MLP(3, 1, key=KEY))(jnp.ones(3))


def test_encoder_puts_its_parts_one_after_the_other():
    encoder, row = TableEncoder.example(KEY)
    found = np.asarray(encoder(row))
    parts = [
        row.numeric,
        encoder.piecewise(row.numeric),
        encoder.periodic(row.numeric),
        encoder.embedding(row.codes),
    ]
    assert np.array_equal(found, np.concatenate(parts)) and found.shape == (encoder.out_size,)


def test_encoder_of_bare_numbers_is_the_identity():
    encoder, x = TableEncoder(3, key=KEY), jnp.arange(3.0)
    assert np.array_equal(encoder(x), x)
    assert np.array_equal(encoder(Row(x, jnp.zeros(0, jnp.int32))), x)


def test_tabular_is_its_trunk_and_a_linear_map():
    encoder, row = TableEncoder.example(KEY)
    model = Tabular(encoder, 2, width=6, members=3, key=KEY)
    features = encoder(row)
    expected = model.trunk(features) + model.wide(features)[None, :]
    np.testing.assert_allclose(model(row), expected, rtol=1e-5)
    assert Tabular(encoder, 2, wide=False, key=KEY).wide is None


def test_tables_of_rows_go_through_in_one_batch():
    encoder = TableEncoder(2, (3,), key=KEY)
    model = Tabular(encoder, 1, width=8, key=KEY)
    rows = Row(jnp.ones((5, 2)), jnp.asarray([[0], [1], [2], [3], [-1]]))
    y = np.asarray(over_batch(model, rows))
    assert y.shape == (5, 1) and y[3] == y[4] and len({v for [v] in y.tolist()}) == 4


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: TableEncoder(0, key=KEY), "at least one column"),
        (lambda: TableEncoder(2, edges=[[0.0, 1.0]], key=KEY), "bin edges for each of"),
        (lambda: TableEncoder(2, (3,), key=KEY)(jnp.ones(2)), "numbers alone"),
        (lambda: TableEncoder(2, key=KEY)(Row(jnp.ones(2), jnp.ones(1, jnp.int32))), "no categories"),
        (lambda: TableEncoder(2, key=KEY)(jnp.ones(3)), r"shape \[2\] and got \[3\]"),
    ],
)
def test_rows_that_do_not_fit_get_a_sentence(make, words):
    with pytest.raises(BadInput, match=words):
        make()
