"""Derivatives of networks are those of nested jax.grad, and no more of them are carried than needed."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansatz.core import BadInput
from ansatz.equations.features import Features
from ansatz.equations.jets import Laplacian, closure, derivatives, laplacian
from ansatz.equations.slopes import SLOPES, slopes
from ansatz.maps import MLP, Activation, Affine, Chain, Dropout, Skip

SMOOTH = ["tanh", "sin", "silu", "gelu", "sigmoid", "identity"]


def every_index(size, order=4):
    return [i for i in itertools.product(range(order + 1), repeat=size) if sum(i) <= order]


def nested(function, x, index):
    """Differentiate output by output and coordinate by coordinate with forward over forward mode."""
    for coordinate, order in enumerate(index):
        for _ in range(order):
            function = (lambda f, j: lambda x: jax.jvp(f, (x,), (jnp.eye(x.size)[j],))[1])(
                function, coordinate
            )
    return function(x)


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("name", SLOPES)
def test_slopes_are_the_derivatives_of_the_activation(name):
    z = jnp.linspace(-3, 3, 41)
    function = Activation(name)
    for order, found in enumerate(slopes(name, z, 4)):
        np.testing.assert_allclose(found, jax.vmap(function)(z), atol=1e-11, err_msg=str(order))
        function = jax.grad(function)


@pytest.mark.parametrize("size", [1, 2, 3])
@given(name=st.sampled_from(SMOOTH), seed=st.integers(0, 2**31), skip=st.booleans())
@settings(max_examples=6, deadline=None)
def test_every_derivative_equals_the_nested_one(size, name, seed, skip):
    key = jax.random.key(seed)
    mlp = MLP(size, 2, width=5, depth=2, activation=name, skip=skip, key=key)
    x = jax.random.uniform(key, (size,), minval=-1.0)
    indices = every_index(size)
    if size == 3:
        indices = [indices[i] for i in np.random.default_rng(seed).permutation(len(indices))[:7]]
    found = derivatives(mlp, x, indices)
    for index in indices:
        expected = nested(mlp, x, index)
        np.testing.assert_allclose(
            found[index], expected, rtol=1e-10, atol=1e-10 * (1 + float(abs(expected).max()))
        )


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_the_forward_laplacian_is_the_trace_of_the_hessian(size):
    mlp = MLP(size, 2, width=6, depth=3, activation="tanh", output="tanh", key=jax.random.key(1))
    x = jnp.linspace(-0.5, 0.7, size)
    value, gradient, found = laplacian(mlp, x)
    np.testing.assert_allclose(value, mlp(x), atol=1e-14)
    np.testing.assert_allclose(gradient, jax.jacobian(mlp)(x).T, atol=1e-13)
    np.testing.assert_allclose(found, jnp.trace(jax.hessian(mlp)(x), axis1=1, axis2=2), atol=1e-12)
    part = Laplacian((0,))
    np.testing.assert_allclose(derivatives(mlp, x, (part,))[part], jax.hessian(mlp)(x)[:, 0, 0], atol=1e-12)


@given(waves=st.integers(1, 3), order=st.integers(0, 4), x=st.floats(-1, 1))
@settings(max_examples=25, deadline=None)
def test_features_have_the_derivatives_and_the_period_that_they_promise(waves, order, x):
    features = Features(((0.0, 2.0), (-1.0, 3.0)), periodic=(1,), waves=waves)
    chain = Chain(features, MLP(features.size, 1, width=4, activation="tanh", key=jax.random.key(waves)))
    index, place = (4 - order, order), jnp.asarray([0.3, x])
    expected = nested(chain, place, index)
    tolerance = 1e-10 * (1 + float(abs(expected).max()))
    np.testing.assert_allclose(derivatives(chain, place, (index,))[index], expected, atol=tolerance)
    along = derivatives(chain, jnp.asarray([0.3, x + 4]), (index,))[index]
    np.testing.assert_allclose(along, expected, atol=tolerance)


def test_a_laplacian_passes_through_features_products_and_skips():
    features = Features(((0.0, 2.0), (-1.0, 3.0)), periodic=(0,), waves=2)
    inner = Chain(Affine(5, 5, key=jax.random.key(0)), Activation("sin"))
    chain = Chain(features, Skip(inner), MLP(5, 1, width=4, activation="silu", key=jax.random.key(2)))
    x = jnp.asarray([0.4, -0.2])
    np.testing.assert_allclose(
        laplacian(chain, x)[2], jnp.trace(jax.hessian(chain)(x), axis1=1, axis2=2), atol=1e-11
    )


def test_only_what_is_below_an_index_is_carried():
    assert closure(((4,),), 1) == ((0,), (1,), (2,), (3,), (4,))
    assert closure(((1, 0), (0, 2)), 2) == ((0, 0), (0, 1), (1, 0), (0, 2))
    assert len(closure(((2, 2),), 2)) == 9
    assert len(closure((Laplacian((0, 1, 2, 3, 4)),), 5)) == 7


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 3).filter(lambda i: sum(i) <= 4), min_size=1, max_size=4))
def test_the_carried_indices_are_closed_and_smallest(indices):
    carried = set(closure(indices, 3))
    below = {low for i in indices for low in itertools.product(*(range(o + 1) for o in i))}
    assert carried == below | {(0, 0, 0)}


def test_float32_stays_float32():
    with jax.enable_x64(False):
        mlp = MLP(2, 1, width=4, activation="gelu", key=jax.random.key(0))
        found = derivatives(mlp, jnp.ones(2), ((2, 1),))
        assert found[2, 1].dtype == jnp.float32


@pytest.mark.parametrize("index", [(5,), (1, 0), (-1,), Laplacian((1,)), Laplacian(())])
def test_an_index_that_does_not_fit_is_refused(index):
    with pytest.raises(BadInput):
        derivatives(Affine(1, 1, key=jax.random.key(0)), jnp.ones(1), (index,))


def test_maps_without_known_derivatives_are_refused():
    key = jax.random.key(0)
    with pytest.raises(BadInput, match="smooth activation"):
        derivatives(MLP(1, 1, activation="relu", key=key), jnp.ones(1), ((1,),))
    with pytest.raises(BadInput, match="norm=False"):
        derivatives(MLP(1, 1, activation="tanh", norm=True, key=key), jnp.ones(1), ((1,),))
    with pytest.raises(BadInput, match="Dropout"):
        derivatives(Chain(Affine(1, 1, key=key), Dropout(0.1)), jnp.ones(1), ((1,),))


@pytest.mark.parametrize("intervals", [((1.0, 1.0),), ((0.0, math.inf),)])
def test_an_interval_without_a_length_is_refused(intervals):
    with pytest.raises(BadInput, match="interval"):
        Features(intervals)
