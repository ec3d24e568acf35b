"""Optimizers follow the formulas of their papers, schedules theirs, and names are checked."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize

from ansatz.core import BadInput
from ansatz.training.optimizers import OPTIMIZERS, SCHEDULES, optimizer, schedule

RATE = 0.1
START = np.array([[1.0, -2.0], [0.5, 3.0]])
CURVATURE = np.array([[1.0, 2.0], [3.0, 0.5]])


def gradient_at(theta):
    return CURVATURE * theta


def walk(rule, steps=5):
    """Return the points that a rule visits on θ ↦ Σ c θ² / 2."""
    theta, points = jnp.asarray(START), []
    state = rule.init(theta)
    for _ in range(steps):
        move, state = rule.update(jnp.asarray(CURVATURE) * theta, state, theta)
        theta = theta + move
        points.append(np.asarray(theta))
    return points


def follow(step, steps=5):
    """Return the points of a rule written out in numpy: step(θ, g, memory, t) -> θ."""
    theta, memory, points = START.copy(), {}, []
    for t in range(1, steps + 1):
        theta = step(theta, gradient_at(theta), memory, t)
        points.append(theta)
    return points


def descent(theta, g, memory, t):
    return theta - RATE * g


def heavy(theta, g, memory, t):
    memory["v"] = 0.9 * memory.get("v", 0) + g
    return theta - RATE * memory["v"]


def nesterov(theta, g, memory, t):
    memory["v"] = 0.9 * memory.get("v", 0) + g
    return theta - RATE * (g + 0.9 * memory["v"])


def adam(theta, g, memory, t, decay=0.0):
    memory["m"] = 0.9 * memory.get("m", 0) + 0.1 * g
    memory["v"] = 0.999 * memory.get("v", 0) + 0.001 * g**2
    m, v = memory["m"] / (1 - 0.9**t), memory["v"] / (1 - 0.999**t)
    return theta - RATE * (m / (np.sqrt(v) + 1e-8) + decay * theta)


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize(
    ("name", "step", "options"),
    [
        ("gradient_descent", descent, {}),
        ("momentum", heavy, {}),
        ("nesterov", nesterov, {}),
        ("adam", adam, {}),
        ("adamw", lambda *a: adam(*a, decay=0.03), {"weight_decay": 0.03}),
    ],
)
def test_rules_are_their_formulas(name, step, options):
    for mine, written in zip(walk(optimizer(name, RATE, **options)), follow(step), strict=True):
        np.testing.assert_allclose(mine, written, rtol=1e-9)


def test_weight_decay_spares_biases():
    rule, theta = optimizer("adamw", RATE, weight_decay=0.5), {"w": jnp.ones((2, 2)), "b": jnp.ones(2)}
    move, _ = rule.update(jax.tree.map(jnp.zeros_like, theta), rule.init(theta), theta)
    assert np.allclose(move["w"], -RATE * 0.5) and not np.asarray(move["b"]).any()


def test_clipping_scales_to_the_global_norm():
    rule, theta = optimizer("gradient_descent", 1.0, clip=1.0), {"a": jnp.zeros(1), "b": jnp.zeros(1)}
    for size, expected in ((5.0, 1.0), (0.1, 0.5)):
        gradient = {"a": jnp.asarray([3.0 * size / 5]), "b": jnp.asarray([4.0 * size / 5])}
        move, _ = rule.update(gradient, rule.init(theta), theta)
        norm = math.hypot(float(move["a"][0]), float(move["b"][0]))
        assert norm == pytest.approx(min(size, 1.0)) and move["b"] == pytest.approx(move["a"] * 4 / 3), (
            expected
        )


def test_lbfgs_solves_rosenbrock():
    def value(theta):
        return (1 - theta[0]) ** 2 + 100 * (theta[1] - theta[0] ** 2) ** 2

    rule, theta = optimizer("lbfgs", None), jnp.asarray([-1.2, 1.0])

    @jax.jit
    def step(theta, state):
        v, g = jax.value_and_grad(value)(theta)
        move, state = rule.update(g, state, theta, value=v, grad=g, value_fn=value)
        return theta + move, state

    state = rule.init(theta)
    for _ in range(60):
        theta, state = step(theta, state)
    np.testing.assert_allclose(theta, optimize.minimize(optimize.rosen, [-1.2, 1.0], tol=1e-12).x, atol=1e-5)
    np.testing.assert_allclose(theta, [1, 1], atol=1e-8)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_goes_down_in_float32_under_jit(name):
    with jax.enable_x64(False):
        rule = optimizer(name, None if name == "lbfgs" else 0.05)
        theta = {"w": jnp.ones((2, 2)), "b": jnp.ones(2)}

        def value(theta):
            return (theta["w"] ** 2).sum() + (theta["b"] ** 2).sum()

        @jax.jit
        def step(theta, state):
            v, g = jax.value_and_grad(value)(theta)
            extra = {"value": v, "grad": g, "value_fn": value} if name == "lbfgs" else {}
            move, state = rule.update(g, state, theta, **extra)
            return jax.tree.map(jnp.add, theta, move), state

        first, state = value(theta), rule.init(theta)
        for _ in range(20):
            theta, state = step(theta, state)
        assert value(theta) < first / 2
        assert {leaf.dtype for leaf in jax.tree.leaves(theta)} == {jnp.dtype("float32")}


FACTORS = {
    "constant": lambda t: 1.0,
    "cosine": lambda t: (1 + math.cos(math.pi * t)) / 2,
    "exponential": lambda t: 100.0**-t,
    "step": lambda t: 1.0 if t < 0.5 else 0.1 if t < 0.75 else 0.01,
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("warmup", [0.0, 0.25])
def test_schedules_are_their_formulas(name, warmup):
    for t in np.linspace(0, 1, 41):
        expected = t / warmup if t < warmup else FACTORS[name]((t - warmup) / (1 - warmup))
        assert float(schedule(name, warmup)(t)) == pytest.approx(expected, abs=1e-12)
    assert float(schedule(name)(jnp.asarray(1))) == pytest.approx(FACTORS[name](1.0), abs=1e-12)
    assert float(schedule(name)(1.5)) == pytest.approx(FACTORS[name](1.0), abs=1e-12)


@pytest.mark.parametrize("name", SCHEDULES)
def test_an_optimizer_counts_its_own_steps(name):
    rule = optimizer("gradient_descent", 0.5, schedule=name, steps=20, warmup=5)
    state = rule.init(jnp.zeros(()))
    for i in range(25):
        move, state = rule.update(jnp.ones(()), state)
        assert float(move) == pytest.approx(-0.5 * float(schedule(name, 0.25)(min(i / 20, 1.0))), abs=1e-12)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "adm"}, "did you mean 'adam'"),
        ({"learning_rate": 0.0}, "above 0"),
        ({"learning_rate": float("nan")}, "above 0"),
        ({"learning_rate": None}, "only lbfgs"),
        ({"schedule": "cosin", "steps": 5}, "did you mean 'cosine'"),
        ({"schedule": "cosine"}, "number of steps"),
        ({"schedule": "cosine", "steps": 5, "warmup": 5}, "below 5"),
        ({"weight_decay": 0.1}, "adamw alone"),
        ({"name": "adamw", "weight_decay": -0.1}, "at least 0"),
        ({"clip": 0.0}, "above 0"),
        ({"name": "lbfgs", "learning_rate": None, "clip": 1.0}, "leave out the clipping"),
        ({"name": "lbfgs", "learning_rate": None, "schedule": "cosine", "steps": 5}, "takes no schedule"),
    ],
)
def test_bad_settings_get_a_sentence(arguments, words):
    with pytest.raises(BadInput, match=words):
        optimizer(**arguments)


def test_a_warmup_outside_the_run_gets_a_sentence():
    with pytest.raises(BadInput, match=r"\[0, 1\)"):
        schedule("cosine", 1.0)
