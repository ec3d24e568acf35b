"""Initial weights have exactly the variance of their papers; activations are their formulas."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from ansatz.core import BadInput
from ansatz.maps.activations import ACTIVATIONS, DERIVATIVES, activation, derivative
from ansatz.maps.initial import GAINS, INITIALS, fans, gain, initial

SHAPES = [(300, 200), (3, 3, 40, 90)]
FORMULAS = {
    "identity": lambda x: x,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)),
    "relu": lambda x: np.maximum(0, x),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "gelu": lambda x: x * special.ndtr(x),
    "sin": np.sin,
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
}


def variance_law(name, shape, scale):
    fan_in, fan_out = fans(shape)
    if name.startswith("glorot"):
        return scale**2 * 2 / (fan_in + fan_out)
    return scale**2 / fan_in


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", [n for n in INITIALS if n != "orthogonal"])
def test_variance_is_that_of_the_paper(name, shape):
    weight = np.asarray(initial(name)(jax.random.key(0), shape, gain=1.3), np.float64)
    assert weight.shape == shape
    # The variance of a sample variance is at most 2 σ⁴ / n for the uniform and the normal law.
    n, law = weight.size, variance_law(name, shape, 1.3)
    assert abs(weight.var() / law - 1) < 5 * np.sqrt(2 / n)
    assert abs(weight.mean()) < 5 * np.sqrt(law / n)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["glorot_uniform", "he_uniform"])
def test_uniform_weights_fill_their_interval(name, shape):
    weight = np.abs(np.asarray(initial(name)(jax.random.key(0), shape, gain=1.0)))
    bound = np.sqrt(3 * variance_law(name, shape, 1.0))
    assert 0.999 * bound < weight.max() <= bound * (1 + 1e-6)


def test_he_has_the_gain_of_relu_by_default():
    weight = np.asarray(initial("he")(jax.random.key(0), (400, 400)))
    assert abs(weight.var() * 400 / 2 - 1) < 0.02


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (2, 2, 3, 4), (2, 2, 1, 9)])
def test_orthogonal_weights_are_orthogonal(shape):
    with jax.enable_x64(True):
        weight = np.asarray(initial("orthogonal")(jax.random.key(1), shape, gain=1.5))
        matrix = weight if len(shape) == 2 else weight.reshape(-1, shape[-1]).T
        smaller = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
        np.testing.assert_allclose(smaller, 1.5**2 * np.eye(len(smaller)), atol=1e-12)


def test_orthogonal_weights_have_no_preferred_sign():
    draws = jax.vmap(lambda k: initial("orthogonal")(k, (2, 2)))(jax.random.split(jax.random.key(0), 4000))
    assert np.all(np.abs(np.asarray(draws).mean(0)) < 5 * np.sqrt(0.5 / 4000))


@pytest.mark.parametrize("name", [n for n in GAINS if n != "softmax"])
def test_gain_keeps_the_mean_square(name):
    z, w = np.polynomial.hermite_e.hermegauss(180)
    half = FORMULAS[name](z) ** 2 @ w / np.sqrt(2 * np.pi)
    tolerance = 1e-9 if name in ("sigmoid", "tanh", "silu", "gelu", "sin", "identity") else 1e-3
    assert gain(name) ** 2 * half == pytest.approx(1, abs=tolerance)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu"])
def test_gain_of_a_kinked_activation_is_exact(name):
    # Half-range moments in closed form: E[z² 1(z>0)] = 1/2, E[e^{kz} 1(z<0)] = e^{k²/2} Φ(-k).
    negative = {
        "relu": 0.0,
        "leaky_relu": 1e-4 / 2,
        "elu": np.exp(2) * special.ndtr(-2) - 2 * np.exp(0.5) * special.ndtr(-1) + 0.5,
    }[name]
    assert gain(name) == pytest.approx((0.5 + negative) ** -0.5, rel=1e-9)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_is_its_formula(name):
    x = np.linspace(-6, 6, 101)
    with jax.enable_x64(True):
        np.testing.assert_allclose(
            activation(name)(jnp.asarray(x)), FORMULAS[name](x), rtol=1e-12, atol=1e-12
        )


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivative_is_the_derivative(name):
    with jax.enable_x64(True):
        x = jnp.linspace(-5, 5, 102)
        np.testing.assert_allclose(derivative(name)(x), jax.vmap(jax.grad(activation(name)))(x), atol=1e-13)


@pytest.mark.parametrize("name", ACTIVATIONS)
@given(x=st.floats(-(2.0**99), 2.0**99, width=32))
@settings(max_examples=30, deadline=None)
def test_values_and_gradients_stay_finite(name, x):
    value, pull = jax.vjp(activation(name), jnp.asarray([x, 0.5], jnp.float32))
    assert np.isfinite(value).all() and np.isfinite(pull(jnp.ones_like(value))[0]).all()


def test_softmax_is_a_probability():
    p = np.asarray(activation("softmax")(jnp.asarray([1.0, 2.0, 3.0])))
    assert (0 < p).all() and (p < 1).all() and p.sum() == pytest.approx(1)


def test_every_activation_has_a_gain():
    assert set(GAINS) == set(ACTIVATIONS) and set(DERIVATIVES) == set(ACTIVATIONS) - {"softmax"}


@pytest.mark.parametrize("look_up", [activation, initial, gain, derivative])
def test_unknown_names_get_the_nearest_spelling(look_up):
    typo = {initial: "orthogonl"}.get(look_up, "leeky_relu")
    right = {initial: "orthogonal"}.get(look_up, "leaky_relu")
    with pytest.raises(BadInput, match=f"did you mean '{right}'"):
        look_up(typo)
    with pytest.raises(BadInput, match="must be one of"):
        look_up("qqqqq")


def test_fans_of_other_shapes_get_a_sentence():
    with pytest.raises(BadInput, match=r"not \[3\]"):
        fans((3,))
