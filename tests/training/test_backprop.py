"""The passes by hand equal automatic differentiation, and the notes' printed lines do not."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansatz.core import BadInput
from ansatz.maps import MLP
from ansatz.maps.activations import DERIVATIVES, activation
from ansatz.training.backprop import backpropagate, forward


def network(sizes, seed=0):
    keys = jax.random.split(jax.random.key(seed), 2 * len(sizes))
    weights = [
        jax.random.normal(keys[i], (b, a)) / a**0.5 for i, (a, b) in enumerate(itertools.pairwise(sizes))
    ]
    biases = [0.3 * jax.random.normal(keys[len(sizes) + i], (b,)) for i, b in enumerate(sizes[1:])]
    return (
        weights,
        biases,
        jax.random.normal(keys[-1], (sizes[0],)),
        jax.random.normal(keys[-2], (sizes[-1],)),
    )


def loss(weights, biases, x, y, name):
    """The notes' forward pass, in as few words as possible."""
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        x = activation(name)(weight @ x + bias)
    return ((y - weights[-1] @ x - biases[-1]) ** 2).sum() / 2


@pytest.mark.parametrize("name", DERIVATIVES)
@given(st.lists(st.integers(1, 7), min_size=2, max_size=7), st.integers(0, 99))
@settings(max_examples=4, deadline=None)
def test_gradients_equal_automatic_differentiation(name, sizes, seed):
    with jax.enable_x64(True):
        weights, biases, x, y = network(sizes, seed)
        value, gradients = jax.value_and_grad(loss, (0, 1))(weights, biases, x, y, name)
        found = backpropagate(weights, biases, x, y, name)
        np.testing.assert_allclose(found.loss, value, rtol=1e-12)
        for mine, theirs in zip((found.weights, found.biases), gradients, strict=True):
            for a, b in zip(mine, theirs, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_deltas_are_derivatives_by_what_enters_each_activation():
    with jax.enable_x64(True):
        weights, biases, x, y = network([3, 5, 4, 2])
        found = backpropagate(weights, biases, x, y, "tanh")
        # A shift of x^n is a shift of b^n.
        shifts = jax.grad(
            lambda s: loss(weights, [b + t for b, t in zip(biases, s, strict=True)], x, y, "tanh")
        )([jnp.zeros_like(b) for b in biases])
        for delta, shift in zip(found.deltas, shifts, strict=True):
            np.testing.assert_allclose(delta, shift, rtol=1e-12)
        np.testing.assert_allclose(found.deltas[-1], found.prediction - y, rtol=1e-12)


def test_the_printed_lines_of_the_notes_are_slips():
    with jax.enable_x64(True):
        weights, biases, x, y = network([3, 5, 2])
        found = backpropagate(weights, biases, x, y, "tanh")
        printed_output = y - found.prediction
        np.testing.assert_allclose(printed_output, -found.deltas[1], rtol=1e-12)
        printed_bias = found.deltas[1] @ weights[1]
        slope = 1 - np.tanh(weights[0] @ x + biases[0]) ** 2
        np.testing.assert_allclose(printed_bias * slope, found.biases[0], rtol=1e-12)
        assert np.abs(np.asarray(printed_bias - found.biases[0])).max() > 1e-2


def test_forward_is_an_mlp():
    with jax.enable_x64(True):
        mlp = MLP(3, 2, width=4, depth=2, activation="silu", key=jax.random.key(0))
        layers = [*mlp.hidden, mlp.last]
        x = jnp.asarray([0.1, 0.2, -0.5])
        found = forward([a.weight for a in layers], [a.bias for a in layers], x, "silu")
        np.testing.assert_allclose(found.prediction, mlp(x), rtol=1e-13)
        assert [a.shape for a in found.after] == [(3,), (4,), (4,)]
        assert [a.shape for a in found.before] == [(4,), (4,), (2,)]


def test_a_batch_is_a_vmap():
    with jax.enable_x64(True):
        weights, biases, _, _ = network([2, 4, 1])
        xs, ys = jnp.linspace(-1, 1, 10).reshape(5, 2), jnp.linspace(0, 1, 5)[:, None]
        found = jax.vmap(lambda x, y: backpropagate(weights, biases, x, y, "gelu"))(xs, ys)
        mean = jax.grad(lambda w: jax.vmap(lambda x, y: loss(w, biases, x, y, "gelu"))(xs, ys).mean())(
            weights
        )
        for a, b in zip(found.weights, mean, strict=True):
            np.testing.assert_allclose(a.mean(0), b, rtol=1e-12, atol=1e-14)


def test_what_does_not_fit_gets_a_sentence():
    weights, biases, x, y = network([3, 5, 2])
    for arguments, words in (
        ((weights, biases[:1], x, y), "2 and 1"),
        (([], [], x, y), "at least one"),
        ((weights[::-1], biases, x, y), r"must be \[5, 3\]"),
        ((weights, biases, x, y[:1]), r"target is \[1\]"),
        ((weights, biases, x, y, "softmax"), "no unary activation 'softmax'"),
    ):
        with pytest.raises(BadInput, match=words):
            backpropagate(*arguments)
