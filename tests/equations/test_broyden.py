"""Self-scaled quasi-Newton updates against the secant equation, BFGS, quadratics and Rosenbrock's valley."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansatz.equations.broyden import broyden, scale_by_broyden, updated
from ansatz.store import decode, encode, known_classes
from ansatz.training.step import _settled


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def descend(value, theta, steps, bfgs):
    """Return θ after so many compiled steps and how often a step was traced."""
    rule, traces = broyden(bfgs), []

    @jax.jit
    def step(theta, state):
        traces.append(1)
        loss, gradient = jax.value_and_grad(value)(theta)
        move, state = rule.update(gradient, state, theta, value=loss, grad=gradient, value_fn=value)
        return optax.apply_updates(theta, move), state

    state = jax.tree.map(_settled, rule.init(theta))
    for _ in range(steps):
        theta, state = step(theta, state)
    return theta, state, len(traces)


@pytest.mark.parametrize("bfgs", [False, True])
@given(seed=st.integers(0, 2**31), size=st.sampled_from([2, 5]))
@settings(max_examples=10, deadline=None)
def test_the_update_is_symmetric_positive_and_meets_the_secant_equation(bfgs, seed, size):
    a, b, c, d = jr.split(jr.key(seed), 4)
    root, curved = jr.normal(a, (size, size)), jr.normal(b, (size, size))
    inverse = root @ root.T + 0.1 * jnp.eye(size)
    gradient = jr.normal(c, (size,))
    direction = -inverse @ gradient
    s = jr.uniform(d, (), minval=0.1, maxval=2.0) * direction
    y = (curved @ curved.T + 0.1 * jnp.eye(size)) @ s
    found = updated(inverse, s, y, gradient, direction, bfgs)
    scale = float(jnp.abs(found).max() * jnp.linalg.norm(y))
    np.testing.assert_allclose(found @ y, s, atol=1e-9 * scale)
    np.testing.assert_allclose(found, found.T, atol=1e-12 * float(jnp.abs(found).max()))
    assert float(jnp.linalg.eigvalsh((found + found.T) / 2).min()) > 0
    assert jnp.isfinite(found).all()


def test_ss_bfgs_is_bfgs_over_its_scale():
    s, y = jnp.asarray([1.0, 0.5]), jnp.asarray([0.3, 0.1])
    inverse = jnp.asarray([[2.0, 0.3], [0.3, 1.0]])
    direction = 2 * s
    gradient = -jnp.linalg.solve(inverse, direction)
    ys = y @ s
    left = jnp.eye(2) - jnp.outer(s, y) / ys
    b = (s @ jnp.linalg.solve(inverse, s)) / ys
    expected = left @ inverse @ left.T / jnp.minimum(1.0, 1 / b) + jnp.outer(s, s) / ys
    found = updated(inverse, s, y, gradient, direction, True)
    assert float(b) > 1
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("bfgs", [False, True])
def test_an_ill_conditioned_quadratic_is_solved(bfgs):
    weights = jnp.logspace(0, 6, 12)
    turn = jnp.linalg.qr(jr.normal(jr.key(0), (12, 12)))[0]
    matrix = turn @ jnp.diag(weights) @ turn.T

    def value(theta):
        shift = theta["theta"] - 1
        return 0.5 * shift @ matrix @ shift

    theta, _, traces = descend(value, {"theta": jnp.zeros(12)}, 120, bfgs)
    np.testing.assert_allclose(theta["theta"], 1.0, atol=1e-6)
    assert traces == 1


@pytest.mark.parametrize("bfgs", [False, True])
def test_the_valley_of_rosenbrock_is_followed_to_its_end(bfgs):
    def value(theta):
        return 100 * (theta["y"] - theta["x"] ** 2) ** 2 + (1 - theta["x"]) ** 2

    theta, _, _ = descend(value, {"x": jnp.asarray(-1.2), "y": jnp.asarray(1.0)}, 80, bfgs)
    assert float(theta["x"]) == pytest.approx(1, abs=1e-7)
    assert float(theta["y"]) == pytest.approx(1, abs=1e-7)


def test_the_first_direction_is_the_gradient_and_its_state_can_be_saved():
    rule = scale_by_broyden()
    theta, gradient = {"w": jnp.ones((2, 2)), "b": jnp.zeros(1)}, {"w": 2 * jnp.eye(2), "b": jnp.ones(1)}
    direction, state = rule.update(gradient, rule.init(theta), theta)
    jax.tree.map(np.testing.assert_allclose, direction, gradient)
    restored = decode(*encode(state), known_classes())
    assert all(np.array_equal(a, b) for a, b in zip(restored, state, strict=True))


def test_a_step_without_curvature_leaves_the_inverse_hessian():
    rule = scale_by_broyden()
    theta = jnp.ones(2)
    _, state = rule.update(jnp.asarray([1.0, 2.0]), rule.init(theta), theta)
    _, state = rule.update(jnp.asarray([1.0, 2.0]), state, theta - 0.1)
    np.testing.assert_allclose(state.inverse, np.eye(2))
