"""Levenberg-Marquardt in both spaces against least squares, its normal equations and a valley."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansatz.core import BadInput, Fixed
from ansatz.equations import levenberg
from ansatz.equations.levenberg import CHUNK, Damping, Levenberg, Normal, columns_of, gram
from ansatz.store import decode, encode, known_classes
from ansatz.training.step import clock_at


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def run(update, model, batch, steps):
    """Take so many compiled steps; return the model, the last metrics and how often a step was traced."""
    arrays, rest = eqx.partition(model, eqx.is_array)
    traces = []

    def one(arrays, opt):
        traces.append(1)
        moved, opt, metrics = update.apply(eqx.combine(arrays, rest), opt, batch, clock_at(0, 1), jr.key(0))
        return eqx.filter(moved, eqx.is_array), opt, metrics

    call, opt, metrics, losses = jax.jit(one), update.init(model), {}, []
    for _ in range(steps):
        arrays, opt, metrics = call(arrays, opt)
        losses.append(float(metrics["loss"]))
    return eqx.combine(arrays, rest), metrics, losses, len(traces)


def linear(rows, columns, seed):
    a, b, c = jr.split(jr.key(seed), 3)
    return jr.normal(a, (rows, columns)), jr.normal(b, (rows,)), jr.normal(c, (columns,))


def line(theta, point):
    return (point[0] @ theta - point[1])[None]


@pytest.mark.parametrize("shape", [(40, 6), (6, 40), (9, 9), (CHUNK + 3, 5)])
@given(seed=st.integers(0, 2**31))
@settings(max_examples=3, deadline=None)
def test_a_linear_problem_ends_at_its_least_squares_solution(shape, seed):
    a, b, start = linear(*shape, seed)
    theta, _, losses, traces = run(Levenberg((line,)), start, ((a, b),), 40)
    best = np.linalg.lstsq(np.asarray(a), np.asarray(b))[0]
    np.testing.assert_allclose(a @ theta, a @ best, atol=1e-7)
    if shape[0] >= shape[1]:
        np.testing.assert_allclose(theta, best, atol=1e-5)
    assert all(later <= before * (1 + 1e-12) for before, later in itertools.pairwise(losses))
    assert traces == 1


@pytest.mark.parametrize("shape", [(30, 7), (7, 30)])
def test_a_step_solves_the_damped_normal_equations(shape):
    a, b, theta = linear(*shape, 3)
    r = a @ theta - b
    tall = shape[0] >= shape[1]
    before = jnp.full(shape[1], 2.0)
    system = Normal(jnp.tril(a.T @ a) if tall else a.T, tall, r, lambda v: a.T @ v, before)
    scale = np.maximum((np.asarray(a) ** 2).sum(0), 2.0)
    np.testing.assert_allclose(system.diagonal, scale)
    for damping in (1e-3, 1.0, 1e3):
        factor = system.factor(jnp.asarray(damping))
        step = system.step(factor) / system.scale
        expected = np.linalg.solve(a.T @ a + damping * np.diag(scale), -a.T @ r)
        np.testing.assert_allclose(step, expected, rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(system.solve(factor, -r) / system.scale, expected, rtol=1e-8, atol=1e-12)
        promised = 0.5 * (r @ r - ((r + a @ step) ** 2).sum())
        found = system.predicted(step * system.scale, jnp.asarray(damping))
        assert float(found) == pytest.approx(float(promised), rel=1e-8)


@pytest.mark.parametrize(("points", "outputs"), [(1, 1), (CHUNK + 1, 2), (3 * CHUNK - 5, 1)])
def test_the_product_by_chunks_is_that_of_the_whole_jacobian(points, outputs):
    def residual(theta, x):
        return jnp.sin(jnp.arange(1.0, outputs + 1) * theta["rate"][0] * x) + theta["shift"].sum() * x**2

    theta = {"rate": jnp.asarray([0.7]), "shift": jnp.asarray([[0.1, -0.4]])}
    batch = (jnp.linspace(0, 1, points), jnp.linspace(2, 3, 5))
    update, nothing = Levenberg((residual, residual)), jax.tree.map(lambda leaf: None, theta)
    whole = update._columns(theta, nothing, batch)
    product = jax.jit(lambda theta: update._product(theta, nothing, batch))(theta)
    assert whole.shape == (3, (points + 5) * outputs)
    np.testing.assert_allclose(jnp.tril(product), jnp.tril(whole @ whole.T), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("outputs", [1, 2, 9])
def test_columns_are_the_jacobian_in_either_mode(outputs):
    matrix = jr.normal(jr.key(0), (outputs, 3))

    def residual(theta, x):
        return jnp.tanh(matrix @ theta * x)

    points = jnp.linspace(-1, 1, 4)
    found = columns_of(residual, jnp.ones(3), None, points)
    expected = jax.jacfwd(lambda t: jax.vmap(residual, (None, 0))(t, points).reshape(-1))(jnp.ones(3))
    np.testing.assert_allclose(found, expected.T, atol=1e-14)


@given(size=st.integers(1, 12), count=st.integers(1, 9), seed=st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_a_gram_matrix_is_formed_below_its_diagonal(size, count, seed):
    rows = jr.normal(jr.key(seed), (size, count))
    np.testing.assert_allclose(jnp.tril(gram(rows)), jnp.tril(rows @ rows.T), atol=1e-12)


def rosenbrock(theta, point):
    return jnp.stack([10 * (theta[1] - theta[0] ** 2), 1 - theta[0]])


@pytest.mark.parametrize("geodesic", [False, True])
def test_the_valley_of_rosenbrock_is_followed_to_its_end(geodesic):
    start = jnp.asarray([-1.2, 1.0])
    theta, _, losses, traces = run(Levenberg((rosenbrock,), geodesic), start, (jnp.zeros(1),), 40)
    np.testing.assert_allclose(theta, 1.0, atol=1e-10)
    assert losses[-1] < 1e-20 and traces == 1
    assert all(later <= before for before, later in itertools.pairwise(losses))


@pytest.mark.parametrize("extra", [0, 3])
def test_an_exponential_is_found_with_more_points_or_more_parameters(extra):
    x = jnp.linspace(0, 1, 4 if extra else 50)

    def residual(theta, point):
        rest = (theta["rest"] * point ** jnp.arange(2.0, 2 + extra)).sum() if extra else 0.0
        return (theta["a"] * jnp.exp(theta["b"] * point) + rest - 2 * jnp.exp(-1.5 * point))[None]

    start = {
        "a": jnp.asarray(1.0),
        "b": jnp.asarray(-0.5),
        "rest": jnp.ones(extra),
        "kept": Fixed(jnp.ones(2)),
    }
    theta, _, losses, _ = run(Levenberg((residual,)), start, (x,), 40)
    assert losses[-1] < 1e-20 and np.array_equal(theta["kept"].value, np.ones(2))
    if not extra:
        np.testing.assert_allclose([theta["a"], theta["b"]], [2, -1.5], atol=1e-9)


def test_where_nothing_is_lower_theta_stays_and_damping_grows():
    def flat(theta, point):
        return jnp.stack([jnp.abs(theta[0]) + 1.0])

    update = Levenberg((flat,), tries=3)
    theta, opt, metrics = update.apply(
        jnp.zeros(1), update.init(jnp.zeros(1)), (jnp.zeros(1),), clock_at(0, 1), jr.key(0)
    )
    assert float(theta[0]) == 0 and int(metrics["tries"]) == 3
    assert float(opt.value) == pytest.approx(levenberg.FIRST * 2 * 4 * 8)


def test_a_residual_that_is_not_a_number_there_is_stepped_around():
    def edge(theta, point):
        return jnp.stack([jnp.log(theta[0]) + 8.0])

    theta, _, losses, _ = run(Levenberg((edge,)), jnp.asarray([1.0]), (jnp.zeros(1),), 60)
    assert float(theta[0]) == pytest.approx(np.exp(-8.0), rel=1e-6) and np.isfinite(losses).all()


def test_the_state_is_saved_and_nothing_to_move_is_refused():
    opt = Levenberg((rosenbrock,)).init(jnp.ones(2))
    assert isinstance(opt, Damping)
    assert eqx.tree_equal(decode(*encode(opt), known_classes()), opt)
    with pytest.raises(BadInput, match="nothing in the model is trainable"):
        Levenberg((rosenbrock,)).init(Fixed(jnp.ones(2)))
