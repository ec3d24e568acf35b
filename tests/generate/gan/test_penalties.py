"""Penalties and their derivatives by the critic's parameters equal the closed forms of simple critics."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.core import BadInput
from ansatz.generate.gan.penalties import (
    between,
    gradient_penalty,
    logits_and_slopes,
    one_centered,
    zero_centered,
)

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(7, 3)), rng.normal(size=(7, 3)) + 1
W = rng.normal(size=3)
M = rng.normal(size=(3, 3))
A = M + M.T


def linear(w):
    return lambda x: w @ x


def quadratic(a, w):
    return lambda x: 0.5 * x @ a @ x + w @ x


@pytest.fixture(autouse=True)
def doubles():
    with jax.enable_x64(True):
        yield


def test_linear_critic():
    x, w = jnp.asarray(X), jnp.asarray(W)
    logits, slopes = logits_and_slopes(linear(w), x)
    np.testing.assert_allclose(logits, X @ W, rtol=1e-14)
    np.testing.assert_allclose(slopes, np.tile(W, (7, 1)), rtol=1e-14)
    value, by_w = jax.value_and_grad(lambda w: zero_centered(logits_and_slopes(linear(w), x)[1]))(w)
    assert float(value) == pytest.approx(0.5 * W @ W, rel=1e-13)
    np.testing.assert_allclose(by_w, W, rtol=1e-13)
    penalty = lambda w: gradient_penalty(linear(w), x, jnp.asarray(Y), jax.random.key(0))  # noqa: E731
    value, by_w = jax.value_and_grad(penalty)(w)
    norm = np.linalg.norm(W)
    assert float(value) == pytest.approx((norm - 1) ** 2, rel=1e-12)
    np.testing.assert_allclose(by_w, 2 * (norm - 1) * W / norm, rtol=1e-12)


def test_quadratic_critic():
    x, a, w = jnp.asarray(X), jnp.asarray(A), jnp.asarray(W)
    penalty = lambda a, w: zero_centered(logits_and_slopes(quadratic(a, w), x)[1])  # noqa: E731
    value, (by_a, by_w) = jax.value_and_grad(penalty, argnums=(0, 1))(a, w)
    slopes = X @ A + W
    assert float(value) == pytest.approx(0.5 * np.mean(np.sum(slopes**2, 1)), rel=1e-12)
    np.testing.assert_allclose(by_w, slopes.mean(0), rtol=1e-11)
    # ∇D = (a + aᵀ) x / 2 + w for any a.
    outer = np.einsum("ni,nj->ij", slopes, X) / len(X)
    np.testing.assert_allclose(by_a, 0.5 * (outer + outer.T), rtol=1e-11, atol=1e-13)


def test_gradient_penalty_of_a_quadratic_critic_is_taken_between():
    x, y, key = jnp.asarray(X), jnp.asarray(Y), jax.random.key(3)
    middle = np.asarray(between(x, y, key))
    share = (middle - Y) / (X - Y)
    np.testing.assert_allclose(share, np.broadcast_to(share[:, :1], share.shape), rtol=1e-9)
    assert (share > 0).all() and (share < 1).all() and np.ptp(share) > 0.2
    found = gradient_penalty(quadratic(jnp.asarray(A), jnp.asarray(W)), x, y, key)
    norms = np.linalg.norm(middle @ A + W, axis=1)
    assert float(found) == pytest.approx(np.mean((norms - 1) ** 2), rel=1e-12)


def test_slopes_are_of_each_example_alone_and_labels_have_none():
    critic = lambda x, scale, key: scale * (x**3).sum()  # noqa: E731
    scales = jnp.arange(1.0, 8.0)
    logits, slopes = logits_and_slopes(critic, jnp.asarray(X), scales, None)
    np.testing.assert_allclose(logits, np.arange(1, 8) * (X**3).sum(1), rtol=1e-12)
    np.testing.assert_allclose(slopes, np.arange(1, 8)[:, None] * 3 * X**2, rtol=1e-12)


def test_derivative_is_finite_where_the_slope_vanishes():
    value, by = jax.value_and_grad(one_centered)(jnp.zeros((2, 3)))
    assert float(value) == 1 and not by.any()
    by_theta = jax.grad(lambda t: one_centered(logits_and_slopes(linear(t), jnp.asarray(X))[1]))(jnp.zeros(3))
    assert jnp.isfinite(by_theta).all()


def test_bad_shapes_are_refused():
    with pytest.raises(BadInput, match="joins each example with a fake"):
        gradient_penalty(linear(jnp.asarray(W)), jnp.ones((3, 3)), jnp.ones((2, 3)), jax.random.key(0))
    with pytest.raises(BadInput, match="floating-point examples, not by int"):
        logits_and_slopes(linear(jnp.asarray(W)), jnp.ones((3, 3), int))
