"""Every prediction becomes every other, and each is what its paper says."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.core import BadInput
from ansatz.generate.diffusion.denoisers import Learned
from ansatz.generate.diffusion.densities import gaussian
from ansatz.generate.diffusion.exact import Exact
from ansatz.generate.diffusion.prediction import KINDS, Estimate, convert, predict, recover
from ansatz.generate.diffusion.schedule import SCHEDULES, Cosine, Exploding, Flow, schedule_named
from ansatz.maps.denoiser import DenoisingMLP

every_schedule = pytest.mark.parametrize("name", SCHEDULES)
CLEAN, NOISE = np.array([0.7, -1.2, 0.1]), np.array([0.3, 0.8, -2.0])


def at(name, share):
    process = schedule_named(name)
    t = jnp.asarray(process.first ** (1 - share) * (0.99 * process.last) ** share)
    alpha, sigma = process.pair(t)
    return process, t, Estimate(jnp.asarray(CLEAN), jnp.asarray(NOISE)), alpha * CLEAN + sigma * NOISE


@every_schedule
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_every_prediction_becomes_every_other(name, share):
    with jax.enable_x64(True):
        process, t, truth, x = at(name, share)
        pairs = list(itertools.product(KINDS, KINDS))

        @jax.jit
        def both(t, x):
            every = {kind: predict(kind, truth, process, t, 0.6) for kind in KINDS}
            return every, [
                convert(every[given], x, process, t, given=given, wanted=wanted, deviation=0.6)
                for given, wanted in pairs
            ]

        every, found = both(t, x)
        for (given, wanted), value in zip(pairs, found, strict=True):
            message = f"{given} as {wanted}"
            np.testing.assert_allclose(value, every[wanted], rtol=1e-8, atol=1e-9, err_msg=message)


@every_schedule
def test_data_and_noise_come_back(name):
    with jax.enable_x64(True):
        process, t, truth, x = at(name, 0.8)
        for kind in KINDS:
            found = recover(kind, predict(kind, truth, process, t, 2.0), x, process, t, 2.0)
            np.testing.assert_allclose(found.clean, CLEAN, rtol=1e-9)
            np.testing.assert_allclose(found.noise, NOISE, rtol=1e-9)


@every_schedule
def test_predictions_are_those_of_the_papers(name):
    with jax.enable_x64(True):
        process, t, truth, _ = at(name, 0.6)
        alpha, sigma = process.pair(t)
        alpha_rate, sigma_rate = process.rates(t)
        wanted = {
            "noise": NOISE,
            "clean": CLEAN,
            "v": alpha * NOISE - sigma * CLEAN,
            "score": -NOISE / sigma,
            "flow": alpha_rate * CLEAN + sigma_rate * NOISE,
        }
        for kind, value in wanted.items():
            np.testing.assert_allclose(predict(kind, truth, process, t), value, rtol=1e-12)


def test_edm_is_the_preconditioning_of_karras():
    # D = c_skip x + c_out F for a process that adds noise of deviation σ (Karras et al. 2022, table 1).
    with jax.enable_x64(True):
        data, sigma = 0.5, jnp.asarray(1.7)
        truth = Estimate(jnp.asarray(CLEAN), jnp.asarray(NOISE))
        x = CLEAN + sigma * NOISE
        skip = data**2 / (sigma**2 + data**2)
        out = sigma * data / jnp.sqrt(sigma**2 + data**2)
        inner = predict("edm", truth, Exploding(), sigma, data)
        np.testing.assert_allclose(skip * x + out * inner, CLEAN, rtol=1e-12)


def test_edm_on_a_variance_preserving_process_is_v():
    with jax.enable_x64(True):
        process, t, truth, _ = at("cosine", 0.9)
        np.testing.assert_allclose(
            predict("edm", truth, process, t), -predict("v", truth, process, t), rtol=1e-12
        )


def test_edm_targets_of_white_data_have_mean_square_1():
    # This is what the preconditioning is for: input and target of the network are of size 1 at every noise.
    with jax.enable_x64(True):
        key = jax.random.key(0)
        clean, noise = 0.5 * jax.random.normal(key, (2, 40000)) * jnp.asarray([[1.0], [2.0]])
        for sigma in (0.01, 0.5, 20.0):
            target = predict("edm", Estimate(clean, noise), Exploding(), jnp.asarray(sigma), 0.5)
            assert abs(float((target**2).mean()) - 1) < 0.03


@every_schedule
def test_score_and_velocity_of_gaussian_data_are_known(name):
    with jax.enable_x64(True):
        mean, covariance = jnp.asarray([1.0, -0.5]), jnp.asarray([[1.0, 0.4], [0.4, 0.5]])
        process = schedule_named(name)
        denoiser = Exact(gaussian(mean, covariance), process)
        for t in process.first + (process.last - process.first) * jnp.asarray([0.1, 0.5, 0.9]):
            alpha, sigma = process.pair(t)
            x = jnp.asarray([0.3, 0.9])

            def log_density(x, t):
                alpha, sigma = process.pair(t)
                return jax.scipy.stats.multivariate_normal.logpdf(
                    x, alpha * mean, alpha**2 * covariance + sigma**2 * jnp.eye(2)
                )

            score = jax.grad(log_density)(x, t)
            np.testing.assert_allclose(denoiser.score(x, t), score, rtol=1e-9)
            # The flow of Gaussians: x = α m + (α² C + σ²)^½ z with z fixed.
            matrix = alpha**2 * covariance + sigma**2 * jnp.eye(2)
            (a, s), up, down = process.rates(t), alpha, sigma
            slope = (a * up * covariance + s * down * jnp.eye(2)) @ jnp.linalg.solve(matrix, x - alpha * mean)
            np.testing.assert_allclose(denoiser.velocity(x, t), a * mean + slope, rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_a_learned_denoiser_answers_by_its_prediction(kind):
    with jax.enable_x64(True):
        net, _ = DenoisingMLP.example(jax.random.key(0))
        denoiser = Learned(net, Cosine(), kind, 0.7)
        x, t = jax.random.normal(jax.random.key(1), (3,)), jnp.asarray(0.4)
        estimate = denoiser(x, t, jnp.asarray(1))
        alpha, sigma = Cosine().pair(t)
        np.testing.assert_allclose(alpha * estimate.clean + sigma * estimate.noise, x, rtol=1e-10)
        np.testing.assert_allclose(
            predict(kind, estimate, Cosine(), t, 0.7),
            denoiser.prediction(x, t, jnp.asarray(1)),
            rtol=1e-9,
        )


def test_predictions_that_say_nothing_at_pure_noise_get_a_sentence():
    net, _ = DenoisingMLP.example(jax.random.key(0))
    for kind in ("noise", "score"):
        with pytest.raises(BadInput, match="pure noise"):
            Learned(net, Flow(), kind)
        Learned(net, Flow(last=0.999), kind)
    with pytest.raises(BadInput, match="clean"):
        Learned(net, Flow(), "claen")
    with pytest.raises(BadInput, match="deviation"):
        Learned(net, Flow(), "clean", 0.0)
