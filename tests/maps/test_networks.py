"""What the notes say of affine maps, networks and series, checked against closed forms."""

import itertools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansatz.core import BadInput, count_parameters
from ansatz.maps import MLP, Affine, Chain, Dropout, Fourier, LayerNorm, MaxPool, Polynomial, Skip, Taylor
from ansatz.maps.affine import compose
from ansatz.maps.bumps import bumps
from ansatz.maps.initial import gain
from ansatz.maps.series import basis, exponents, taylor_of
from ansatz.maps.shapes import expect

KEY = jax.random.key(0)


def test_affine_maps_are_closed_under_composition():
    with jax.enable_x64(True):
        k1, k2, k3 = jax.random.split(KEY, 3)
        first, second = Affine(3, 5, bias_deviation=1.0, key=k1), Affine(5, 2, bias_deviation=1.0, key=k2)
        x = jax.random.normal(k3, (3,))
        np.testing.assert_allclose(compose(second, first)(x), second(first(x)), rtol=1e-13)
        with pytest.raises(BadInput, match=r"\[5\] and got \[2\]"):
            compose(second, second)


def test_mlp_is_the_formula_of_the_notes():
    with jax.enable_x64(True):
        mlp = MLP(3, 2, width=7, depth=1, activation="tanh", key=KEY)
        x = np.linspace(-1, 1, 3)
        hidden, last = mlp.hidden[0], mlp.last
        expected = last.weight @ np.tanh(hidden.weight @ x + hidden.bias) + last.bias
        np.testing.assert_allclose(mlp(jnp.asarray(x)), expected, rtol=1e-13)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 9), st.integers(0, 4))
@settings(max_examples=20, deadline=None)
def test_mlp_has_the_number_of_parameters_of_its_sizes(n, m, width, depth):
    sizes = [n] + [width] * depth + [m]
    expected = sum((a + 1) * b for a, b in itertools.pairwise(sizes))
    assert count_parameters(MLP(n, m, width, depth, key=KEY)) == expected


def test_mlp_skips_and_norms_change_the_map_as_written():
    with jax.enable_x64(True):
        mlp = MLP(2, 1, width=4, depth=2, activation="tanh", skip=True, norm=True, key=KEY)
        x = jnp.asarray([0.3, -0.7])
        one = jnp.tanh(mlp.norms[0](mlp.hidden[0](x)))
        two = one + jnp.tanh(mlp.norms[1](mlp.hidden[1](one)))
        np.testing.assert_allclose(mlp(x), mlp.last(two), rtol=1e-13)


def test_a_wide_network_keeps_its_signal_at_the_start():
    for name in ("relu", "tanh", "gelu"):
        mlp = MLP(512, 512, width=512, depth=6, activation=name, initial="glorot_normal", key=KEY)
        y = np.asarray(jax.vmap(mlp)(jax.random.normal(jax.random.key(1), (32, 512))))
        assert 0.7 < gain(name) ** 2 * (y**2).mean() < 1.4


def test_layer_norm_normalizes():
    with jax.enable_x64(True):
        y = np.asarray(LayerNorm(50)(3 + 7 * jax.random.normal(KEY, (50,))))
        assert y.mean() == pytest.approx(0, abs=1e-12) and y.var() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_expectation_and_drops_its_share(rate):
    x = jnp.ones(40_001)
    y = np.asarray(Dropout(rate)(x, key=KEY))
    share = (y == 0).mean()
    assert abs(share - rate) < 5 * math.sqrt(rate * (1 - rate) / y.size)
    np.testing.assert_allclose(y[y != 0], 1 / (1 - rate), rtol=1e-4)


def test_dropout_is_the_identity_without_a_key_and_refuses_bad_rates():
    x = jnp.arange(4.0)
    assert np.array_equal(Dropout(0.9)(x), x)
    for rate in (-0.1, 1.0):
        with pytest.raises(BadInput, match=r"\[0, 1\)"):
            Dropout(rate)


def test_skip_and_chain_are_what_they_say():
    affine = Affine(3, 3, key=KEY)
    x = jnp.arange(3.0)
    np.testing.assert_allclose(Skip(affine)(x), x + affine(x), rtol=1e-6)
    np.testing.assert_allclose(Chain(affine, affine)(x), affine(affine(x)), rtol=1e-6)
    with pytest.raises(BadInput, match=r"\[3\].*\[2\]"):
        Skip(Affine(3, 2, key=KEY))(x)
    with pytest.raises(BadInput, match="at least one"):
        Chain()


def test_bumps_converge_to_the_function():
    with jax.enable_x64(True):
        x = jnp.linspace(0.3, 2.7, 400)
        errors = []
        for count in (20, 80, 320):
            net = bumps(lambda t: jnp.sin(3 * t), 0.0, 3.0, count)
            errors.append(np.abs(jax.vmap(net)(x[:, None])[:, 0] - np.sin(3 * x)).max())
        # Piecewise constant: the error is at most half a cell times the largest slope.
        for error, count in zip(errors, (20, 80, 320), strict=True):
            assert error < 3 * (3 / count) / 2 * 1.1
        assert errors[0] > 3 * errors[1] > 9 * errors[2]


@pytest.mark.parametrize("bad", [(1.0, 1.0, 5, 50.0), (0.0, 1.0, 0, 50.0), (0.0, 1.0, 5, 0.0)])
def test_bumps_refuse_what_makes_no_sense(bad):
    with pytest.raises(BadInput):
        bumps(jnp.sin, *bad)


@pytest.mark.parametrize("degree", [1, 2, 7])
def test_bases_are_numpys(degree):
    with jax.enable_x64(True):
        x = np.linspace(-1.3, 1.3, 9)
        numpys = {
            "chebyshev": np.polynomial.chebyshev.chebvander,
            "legendre": np.polynomial.legendre.legvander,
            "monomial": np.polynomial.polynomial.polyvander,
        }
        for name, vander in numpys.items():
            np.testing.assert_allclose(basis(name, degree, jnp.asarray(x)), vander(x, degree), rtol=1e-12)


def test_taylor_series_of_known_functions():
    with jax.enable_x64(True):
        sine = taylor_of(jnp.sin, 0.0, 9)
        np.testing.assert_allclose(
            sine.weight[0], [1, 0, -1 / 6, 0, 1 / 120, 0, -1 / 5040, 0, 1 / 362880], atol=1e-15
        )
        log = taylor_of(jnp.log, 2.0, 5)
        np.testing.assert_allclose(
            log.weight[0], [(-1) ** (i + 1) / (i * 2**i) for i in range(1, 6)], rtol=1e-13
        )
        assert float(log.bias[0]) == pytest.approx(math.log(2))


def test_taylor_with_cross_terms_holds_every_polynomial():
    with jax.enable_x64(True):
        taylor = Taylor(2, 1, degree=2, center=jnp.asarray([1.0, -1.0]), cross=True, key=KEY)
        weight = jnp.asarray([[1.0, 2.0, 3.0, 4.0, 5.0]])
        taylor = eqx.tree_at(lambda t: t.weight, taylor, weight)
        u, v = 0.7, 0.2
        assert exponents(2, 2, True).tolist() == [[1, 0], [0, 1], [2, 0], [1, 1], [0, 2]]
        expected = u + 2 * v + 3 * u * u + 4 * u * v + 5 * v * v
        assert float(taylor(jnp.asarray([1 + u, -1 + v]))[0]) == pytest.approx(expected, rel=1e-13)


@given(st.integers(1, 4), st.integers(1, 5))
@settings(max_examples=20, deadline=None)
def test_cross_terms_are_all_and_distinct(size, degree):
    rows = exponents(size, degree, True)
    assert len({tuple(r) for r in rows.tolist()}) == len(rows) == math.comb(size + degree, degree) - 1
    assert set(rows.sum(1).tolist()) == set(range(1, degree + 1))


def test_series_that_are_too_large_or_odd_get_a_sentence():
    with pytest.raises(BadInput, match="leave out the cross terms"):
        Polynomial(100, 1, degree=5, cross=True, key=KEY)
    with pytest.raises(BadInput, match="did you mean 'legendre'"):
        Polynomial(1, 1, basis="legend", key=KEY)
    with pytest.raises(BadInput, match="scale above 0"):
        Polynomial(1, 1, scale=0.0, key=KEY)
    with pytest.raises(BadInput, match="center"):
        Taylor(2, 1, center=jnp.zeros(3), key=KEY)


def test_polynomial_scale_is_the_half_width_of_the_data():
    one = Polynomial(1, 1, degree=5, scale=4.0, key=KEY)
    two = Polynomial(1, 1, degree=5, key=KEY)
    np.testing.assert_allclose(one(jnp.asarray([2.0])), two(jnp.asarray([0.5])), rtol=1e-6)


def test_fourier_starts_as_a_draw_with_its_kernel():
    with jax.enable_x64(True):
        fourier = Fourier(2, 1, width=200_000, scale=1.5, key=KEY)
        x, z = np.array([0.3, -0.2]), np.array([-0.1, 0.5])
        waves = [np.cos(np.asarray(fourier.frequency) @ p + np.asarray(fourier.phase)) for p in (x, z)]
        expected = np.exp(-(1.5**2) * ((x - z) ** 2).sum() / 2)
        assert 2 * (waves[0] * waves[1]).mean() == pytest.approx(expected, abs=0.01)


def test_fourier_is_the_formula_of_the_notes():
    with jax.enable_x64(True):
        fourier = Fourier(1, 1, width=3, key=KEY)
        w1, b, w2 = (np.asarray(a) for a in (fourier.frequency[:, 0], fourier.phase, fourier.weight[0]))
        assert float(fourier(jnp.asarray([0.7]))[0]) == pytest.approx((w2 * np.cos(w1 * 0.7 + b)).sum())


@pytest.mark.parametrize(
    "make",
    [
        lambda: MLP(0, 1, key=KEY),
        lambda: MLP(1, 1, width=0, key=KEY),
        lambda: MLP(1, 1, depth=-1, key=KEY),
        lambda: MLP(1, 1, activation="rel", key=KEY),
        lambda: MLP(1, 1, output="soft", key=KEY),
        lambda: MLP(1, 1, initial="h", key=KEY),
        lambda: MLP(1, 1, dropout=1.5, key=KEY),
        lambda: Fourier(1, 1, scale=-1.0, key=KEY),
        lambda: MaxPool(0),
    ],
)
def test_bad_settings_get_one_sentence(make):
    with pytest.raises(BadInput) as error:
        make()
    assert str(error.value).rstrip(")").endswith((".", "]")) and "\n" not in str(error.value)


def test_a_batch_where_one_example_is_wanted_is_said_to_be_one():
    with pytest.raises(BadInput, match=r"jax\.vmap"):
        MLP(3, 1, key=KEY)(jnp.ones((5, 3)))
    with pytest.raises(BadInput, match="int32"):
        expect(jnp.ones(3, jnp.int32), (3,), "MLP")
