"""The training loss against closed forms, the draws of noise levels, and the moving averages."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy import integrate, stats

from ansatz.core import BadInput, Fixed, Map, Pairs
from ansatz.generate.diffusion.average import (
    Averaged,
    averaging,
    exponential,
    of_average,
    of_live,
    parameters,
    power,
)
from ansatz.generate.diffusion.denoisers import Learned
from ansatz.generate.diffusion.objective import TIMES, denoising, draw_times, slope
from ansatz.generate.diffusion.prediction import KINDS, Estimate, coefficients, size
from ansatz.generate.diffusion.schedule import Cosine, Exploding, Flow, Schedule
from ansatz.training.step import clock_at

VARIANCE = 0.5


class Best(Map):
    """The best prediction of N(0, c) data, times a factor: what a network should learn."""

    factor: jax.Array
    process: Schedule
    kind: str = eqx.field(static=True)

    def __call__(self, x, *, key=None):
        t = self.process.time_at(-4 * x.t)
        alpha, sigma = self.process.pair(t)
        seen = x.x * size(self.process, t)
        share = seen / (alpha**2 * VARIANCE + sigma**2)
        a, b = coefficients(self.kind, self.process, t)
        return self.factor * (a * alpha * VARIANCE * share + b * sigma * share)


class Told(Map):
    """A network that answers 1 where it is told a condition, and 0 where not."""

    scale: jax.Array

    def __call__(self, x, *, key=None):
        told = 0.0 if x.condition is None else 1.0
        told = jnp.where(x.present, told, 0.0) if x.present is not None else jnp.asarray(told)
        return jnp.full_like(x.x, 1.0) * told.astype(x.x.dtype)


def batch(count=20_000):
    return Pairs(np.sqrt(VARIANCE) * jr.normal(jr.key(0), (count, 2)), None)


def expected(process, kind, space, weights):
    """Return ∫ of the least loss: the variance of the prediction given x, in the given space."""

    def least(u):
        t = jnp.asarray(process.first + u * (process.last - process.first))
        alpha, sigma = process.pair(t)
        posterior = VARIANCE * sigma**2 / (alpha**2 * VARIANCE + sigma**2)
        return float(weights(t) * posterior * slope(space, process, t) ** 2)

    return integrate.quad(least, 0, 1, limit=200)[0]


@pytest.mark.parametrize(
    ("kind", "space"), [("noise", None), ("v", None), ("edm", None), ("v", "noise"), ("clean", "v")]
)
def test_least_loss_is_the_variance_of_the_prediction(kind, space):
    with jax.enable_x64(True):
        process = Cosine()
        found = float(
            denoising("uniform", space)(
                Learned(Best(jnp.asarray(1.0), process, kind), process, kind), batch(), None
            )[0]
        )
        wanted = expected(process, kind, space or kind, lambda t: 1.0)
    assert abs(found / wanted - 1) < 0.03


def test_the_best_prediction_has_the_least_loss():
    with jax.enable_x64(True):
        process, loss = Flow(), denoising("log_normal")

        def value(factor):
            return loss(Learned(Best(factor, process, "flow"), process, "flow"), batch(), None)[0]

        left, middle, right = (float(value(jnp.asarray(f))) for f in (0.9, 1.0, 1.1))
        assert middle < left and middle < right
        assert abs(float(jax.grad(value)(jnp.asarray(1.0)))) < 0.02


@pytest.mark.parametrize("space", KINDS)
@pytest.mark.parametrize("kind", ["clean", "edm"])
def test_a_space_changes_the_weight_and_nothing_else(kind, space):
    # An error e in x₀ is (a - b α/σ) e in any prediction: one batch element at a time, so that t is known.
    with jax.enable_x64(True):
        process, one = Exploding(), Pairs(jnp.asarray([[0.3, -0.4]]), None)
        model = Learned(Best(jnp.asarray(0.7), process, kind), process, kind)
        key = jr.key(3)
        plain, weighed = (denoising("log_snr", s)(model, one, key)[0] for s in (None, space))
        shares = jr.uniform(jr.split(key, 4)[0], (1,))
        t = draw_times("log_snr", process, shares)[0]
        ratio = (slope(space, process, t) / slope(kind, process, t)) ** 2
        np.testing.assert_allclose(weighed / plain, ratio, rtol=1e-9)
        capped = denoising("log_snr", space, cap=1e-3)(model, one, key)[0]
        least = min(float(slope(space, process, t)) ** 2, 1e-3)
        np.testing.assert_allclose(capped / plain, least / slope(kind, process, t) ** 2, rtol=1e-9)


def test_slope_is_the_error_that_an_error_in_the_data_makes():
    with jax.enable_x64(True):
        t, x = jnp.asarray(0.3), jnp.asarray(0.8)
        alpha, sigma = Cosine().pair(t)
        for kind in KINDS:
            a, b = coefficients(kind, Cosine(), t)
            value = [float(a * c + b * (x - alpha * c) / sigma) for c in (0.1, 1.1)]
            np.testing.assert_allclose(slope(kind, Cosine(), t), value[1] - value[0], rtol=1e-9)
        assert Estimate(x, x).clean == x


@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize("process", [Flow(), Exploding(), Cosine()])
def test_noise_levels_have_their_distribution(times, process):
    with jax.enable_x64(True):
        shares = (jnp.arange(2000.0) + 0.5) / 2000
        t = np.asarray(draw_times(times, process, shares, 0.3, 0.8))
        assert (np.diff(t) >= 0).all() and t[0] >= process.first and t[-1] <= process.last
        ratio = -np.asarray(process.log_ratio(jnp.asarray(t)))
    if times == "uniform":
        np.testing.assert_allclose(t, process.first + np.asarray(shares) * (process.last - process.first))
    elif times == "log_snr":
        np.testing.assert_allclose(np.diff(ratio)[1:-1], np.diff(ratio)[1], rtol=1e-6)
    else:
        np.testing.assert_allclose(ratio[1:-1], stats.norm(0.3, 0.8).ppf(shares)[1:-1], rtol=1e-9, atol=1e-9)


class Level(Map):
    """A network whose answer is the time, whatever it sees."""

    process: Schedule

    def __call__(self, x, *, key=None):
        return jnp.broadcast_to(self.process.time_at(-4 * x.t), x.x.shape)


def test_noise_levels_are_spread_evenly_within_a_batch():
    # The squares of t itself: of 64 levels each 64th of the interval gets one, and their mean varies little.
    with jax.enable_x64(True):
        zeros = Pairs(jnp.zeros((64, 2)), None)
        model = Learned(Level(Flow()), Flow(), "clean")
        found = [float(denoising()(model, zeros, jr.key(seed))[0]) for seed in range(20)]
    low, high = Flow().first, Flow().last
    assert np.mean(found) == pytest.approx((high**3 - low**3) / (high - low) / 3, abs=0.003)
    # The mean of 64 independent ones would have a deviation of 0.037.
    assert np.std(found) < 0.01


def test_conditions_are_dropped_in_training_alone():
    x = jnp.zeros((4000, 3))
    model = Learned(Told(jnp.asarray(1.0)), Flow(), "flow")
    labels = jnp.zeros(4000, jnp.int32)

    def told(drop, key, y):
        # The squares of (answer - ε + x₀) with x₀ = 0: 1 + answer² on average.
        return float(denoising("uniform", drop=drop)(model, Pairs(x, y), key)[0]) - 1

    assert abs(told(0.3, jr.key(0), labels) - 0.7) < 0.06
    assert abs(told(0.3, None, labels) - 1) < 0.06
    assert abs(told(0.0, jr.key(0), labels) - 1) < 0.06
    assert abs(told(0.3, jr.key(0), None)) < 0.06


def test_weights_and_evaluation():
    process, loss = Flow(), denoising()
    model = Learned(Best(jnp.asarray(0.5), process, "flow"), process, "flow")
    rows = batch(8)
    assert float(loss(model, rows, None)[0]) == float(loss(model, rows, None)[0])
    assert float(loss(model, rows, jr.key(1))[0]) != float(loss(model, rows, jr.key(2))[0])
    weight = jnp.asarray([1.0] * 5 + [0.0] * 3)
    wild = rows._replace(x=rows.x.at[5:].set(1e3), weight=weight)
    value, metrics = loss(model, wild, None)
    np.testing.assert_allclose(value, loss(model, rows._replace(weight=weight), None)[0], rtol=1e-6)
    assert float(metrics["squares"].weight) == 5


def test_wrong_settings_get_a_sentence():
    for make in (
        lambda: denoising("unifrom"),
        lambda: denoising("uniform", "nosie"),
        lambda: denoising(drop=1.0),
        lambda: denoising(spread=0.0),
        lambda: power(0.5),
        lambda: exponential(1.0),
    ):
        with pytest.raises(BadInput) as error:
            make()
        assert str(error.value).endswith((".", ")"))


def follow(weight, values):
    """Return the averages after each of the values `[n, ...]`; the first is far from all of them."""
    values, after = jnp.asarray(values), averaging(weight)
    model = Averaged(values[0], parameters(jnp.full_like(values[0], -1e6)))

    def step(model, told):
        i, value = told
        model = after(eqx.tree_at(lambda m: m.live, model, value), None, clock_at(i, len(values)))
        return model, model.model

    return np.asarray(jax.lax.scan(step, model, (jnp.arange(len(values)), values))[1])


def test_exponential_average_is_adams():
    with jax.enable_x64(True):
        values, decay = np.random.default_rng(0).normal(size=30), 0.9
        found = follow(exponential(decay), values)
        biased = 0.0
        for n, value in enumerate(values, 1):
            biased = decay * biased + (1 - decay) * value
            np.testing.assert_allclose(found[n - 1], biased / (1 - decay**n), rtol=1e-5)


@pytest.mark.parametrize("width", [0.05, 0.1, 0.25])
def test_power_average_has_its_width(width):
    # The average of the steps' numbers and of their squares give the weights' mean and deviation.
    with jax.enable_x64(True):
        n = np.arange(1.0, 1501.0)
        first, second = follow(power(width), np.stack([n, n**2], 1)).T
        deviation = np.sqrt(second - first**2)
        np.testing.assert_allclose(deviation[-1] / n[-1], width, rtol=0.02)


@pytest.mark.parametrize("weight", [exponential(0.99), power(0.05)])
def test_averages_forget_where_they_began_and_keep_constants(weight):
    with jax.enable_x64(True):
        np.testing.assert_allclose(follow(weight, [3.0, 3.0, 3.0]), 3.0, rtol=1e-12)


def test_averages_hold_parameters_and_nothing_fixed():
    model = {"w": jnp.ones(2), "still": Fixed(jnp.zeros(1)), "n": jnp.arange(2)}
    both = Averaged(model, parameters(model))
    assert both.model["n"] is model["n"] and len(jax.tree.leaves(both.average)) == 1
    moved = averaging(exponential(0.5))(both, None, clock_at(0, 2))
    assert jax.tree.structure(moved) == jax.tree.structure(both)

    def total(model, batch, key):
        return model["w"].sum() * batch, {}

    both = eqx.tree_at(lambda b: b.live["w"], both, jnp.asarray([4.0, 4.0]))
    assert float(of_live(total)(both, 1.0, None)[0]) == 8
    assert float(of_average(total)(both, 1.0, None)[0]) == 2
