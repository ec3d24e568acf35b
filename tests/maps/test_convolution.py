"""Convolutions: the notes' sum, their commuting with translations, pooling, the network's sizes."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansatz.core import BadInput, count_parameters
from ansatz.maps import CNN, AveragePool, Convolution, Flatten, MaxPool

KEY = jax.random.key(0)


def integers(key, shape):
    """Small integers as floats: their sums and products are exact in any order."""
    return jax.random.randint(key, shape, -4, 5).astype(jnp.float32)


def with_integers(model):
    """Return the model with integers for parameters."""
    leaves, structure = jax.tree.flatten(model)
    return structure.unflatten([integers(jax.random.key(i), leaf.shape) for i, leaf in enumerate(leaves)])


def by_hand(x, weight, bias, corner):
    """The notes' sum over i, j (and channels), with x[a + i - corner, ...] read around the border."""
    height, width, _ = x.shape
    y = np.zeros((height, width, weight.shape[3])) + bias
    for a, b, i, j in itertools.product(*map(range, (height, width, *weight.shape[:2]))):
        y[a, b] += x[(a + i - corner) % height, (b + j - corner) % width] @ weight[i, j]
    return y


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_convolution_is_the_sum_of_the_notes(size):
    conv = with_integers(Convolution(2, 3, size, "circular", key=KEY))
    x = integers(KEY, (5, 6, 2))
    arrays = (np.asarray(a, np.float64) for a in (x, conv.weight, conv.bias))
    expected = by_hand(*arrays, (size - 1) // 2)
    assert np.array_equal(conv(x), expected)
    inner = slice((size - 1) // 2, None), slice((size - 1) // 2, None)
    same, valid = (
        eqx.tree_at(lambda c: c.weight, c, conv.weight)
        for c in (Convolution(2, 3, size, "same", key=KEY), Convolution(2, 3, size, "valid", key=KEY))
    )
    shape = valid(x).shape
    assert shape == (6 - size, 7 - size, 3) and same(x).shape == (5, 6, 3)
    cut = (expected - np.asarray(conv.bias, np.float64))[inner][: shape[0], : shape[1]]
    assert np.array_equal(valid(x), cut)
    assert np.array_equal(np.asarray(same(x))[inner][: shape[0], : shape[1]], cut)


def test_same_padding_sees_zeros_beyond_the_border():
    conv = with_integers(Convolution(1, 2, 3, "same", key=KEY))
    x = integers(KEY, (4, 5, 1))
    wide = jnp.pad(x, ((1, 1), (1, 1), (0, 0)))
    valid = eqx.tree_at(
        lambda c: (c.weight, c.bias), Convolution(1, 2, 3, "valid", key=KEY), (conv.weight, conv.bias)
    )
    assert np.array_equal(conv(x), valid(wide))


@given(st.integers(-7, 7), st.integers(-7, 7), st.sampled_from([1, 2, 3]))
@settings(max_examples=25, deadline=None)
def test_a_circular_convolution_commutes_with_translations_exactly(down, right, size):
    conv = with_integers(Convolution(2, 3, size, "circular", key=KEY))
    x = integers(jax.random.key(3), (5, 6, 2))
    moved = jnp.roll(x, (down, right), (0, 1))
    assert np.array_equal(conv(moved), jnp.roll(conv(x), (down, right), (0, 1)))


@given(st.integers(-3, 3), st.integers(-3, 3))
@settings(max_examples=10, deadline=None)
def test_features_of_a_network_shift_by_one_with_its_stride(down, right):
    cnn = with_integers(CNN((8, 12, 1), 2, filters=(3, 4), padding="circular", key=KEY))
    x = integers(jax.random.key(4), (8, 12, 1))
    moved = jnp.roll(x, (4 * down, 4 * right), (0, 1))
    assert np.array_equal(cnn.features(moved), jnp.roll(cnn.features(x), (down, right), (0, 1)))


def test_a_shift_by_less_than_the_stride_does_not_commute():
    cnn = with_integers(CNN((8, 8, 1), 2, filters=(3,), padding="circular", key=KEY))
    x = integers(jax.random.key(4), (8, 8, 1))
    assert not np.array_equal(cnn.features(jnp.roll(x, 1, 0)), cnn.features(x))


@pytest.mark.parametrize("shape", [(4, 4, 1), (5, 7, 2), (2, 2, 3)])
@pytest.mark.parametrize("size", [1, 2])
def test_pools_are_the_largest_and_the_mean_of_windows(shape, size):
    x = jax.random.normal(KEY, shape)
    largest, mean = np.asarray(MaxPool(size)(x)), np.asarray(AveragePool(size)(x))
    assert largest.shape == mean.shape == (shape[0] // size, shape[1] // size, shape[2])
    for i, j in itertools.product(*map(range, largest.shape[:2])):
        window = np.asarray(x)[i * size : (i + 1) * size, j * size : (j + 1) * size]
        assert np.array_equal(largest[i, j], window.max((0, 1)))
        np.testing.assert_allclose(mean[i, j], window.mean((0, 1)), rtol=1e-5, atol=1e-6)


def test_flatten_runs_over_the_last_axis_first():
    x = jnp.arange(12.0).reshape(2, 3, 2)
    assert np.array_equal(Flatten()(x), np.arange(12.0))


def test_the_network_for_small_images_stays_below_100_000_parameters():
    cnn = CNN((28, 28, 1), 10, key=KEY)
    assert count_parameters(cnn) == (9 + 1) * 32 + (9 * 32 + 1) * 64 + (7 * 7 * 64 + 1) * 10
    assert count_parameters(cnn) < 100_000
    assert count_parameters(CNN((8, 8, 1), 10, (4,), dense=5, key=KEY)) == 40 + (64 + 1) * 5 + 6 * 10


def test_the_network_is_its_stages():
    cnn = CNN((6, 6, 1), 3, filters=(4,), dense=5, key=KEY)
    x = jax.random.normal(KEY, (6, 6, 1))
    stage = jax.nn.relu(MaxPool(2)(cnn.convolutions[0](x)))
    np.testing.assert_allclose(cnn(x), cnn.head(stage.reshape(-1)), rtol=1e-5)
    # For a monotone activation, pooling before it or after it is the same.
    np.testing.assert_array_equal(stage, MaxPool(2)(jax.nn.relu(cnn.convolutions[0](x))))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: CNN((4, 4, 1), 2, filters=(1, 1, 1), key=KEY), "1 to 2 of them, not 3"),
        (lambda: CNN((4, 4, 1), 2, padding="valid", key=KEY), "'same' or 'circular'"),
        (lambda: CNN((4, 4, 0), 2, key=KEY), "channels"),
        (lambda: CNN((4, 4, 1), 2, filters=(0,), key=KEY), "filters"),
        (lambda: Convolution(1, 1, padding="sane", key=KEY), "did you mean 'same'"),
        (lambda: Convolution(1, 1, padding="valid", key=KEY)(jnp.ones((2, 5, 1))), "H, W ≥ 3"),
        (lambda: MaxPool(2)(jnp.ones((1, 5, 1))), "H, W ≥ 2"),
    ],
)
def test_bad_settings_and_images_get_a_sentence(make, words):
    with pytest.raises(BadInput, match=words.replace("(", r"\(")):
        make()
