"""Log-densities by the flow against those that are known, and guidance against Bayes' rule."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from ansatz.core import BadInput
from ansatz.generate.diffusion.densities import gaussian, mixture
from ansatz.generate.diffusion.exact import Exact
from ansatz.generate.diffusion.guidance import Guided
from ansatz.generate.diffusion.likelihood import log_density, with_divergence
from ansatz.generate.diffusion.sampling import sample
from ansatz.generate.diffusion.schedule import Exploding, Flow, Linear
from ansatz.generate.diffusion.zoo import gaussian_mixture


def truth(data, x, noise=0.0):
    return jax.vmap(lambda x: data.log_density(x, 1.0, noise))(x)


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_density_of_a_gaussian(dimension):
    with jax.enable_x64(True):
        root = jr.normal(jr.key(0), (dimension, dimension)) / np.sqrt(dimension)
        data = gaussian(jr.normal(jr.key(1), (dimension,)), root @ root.T + 0.3 * np.eye(dimension))
        x = data.sample(jr.key(2), 20)
        found = log_density(Exact(data, Flow(first=1e-4)), x, steps=160)
        np.testing.assert_allclose(found.value, truth(data, x), atol=1e-6)
        assert (found.error == 0).all()


def test_density_of_a_mixture():
    with jax.enable_x64(True):
        data = gaussian_mixture()
        x = data.sample(jr.key(2), 50)
        found = log_density(Exact(data, Flow(first=1e-4)), x, steps=256)
        np.testing.assert_allclose(found.value, truth(data, x), atol=1e-6)
        # With the usual first time it is the density with the noise of that time.
        found = log_density(Exact(data, Flow()), x, steps=256)
        np.testing.assert_allclose(found.value, truth(data, x, 0.002 / 0.998), atol=1e-6)


@pytest.mark.parametrize("process", [Linear(), Exploding()])
def test_density_of_centered_data_under_processes_that_end_with_some_signal(process):
    # The noise at the end has the deviation √(α² s² + σ²), which for white data is the truth.
    with jax.enable_x64(True):
        data = gaussian(np.zeros(2), np.eye(2))
        x = data.sample(jr.key(2), 5)
        found = log_density(Exact(data, process), x, steps=128, grid="karras")
        np.testing.assert_allclose(found.value, truth(data, x), atol=1e-5)


def test_estimated_divergence_agrees_within_its_error():
    with jax.enable_x64(True):
        data = gaussian_mixture()
        x = data.sample(jr.key(2), 300)
        denoiser = Exact(data, Flow())
        exact = log_density(denoiser, x, steps=40).value
        found = log_density(denoiser, x, steps=40, probes=24, key=jr.key(0))
        away = (found.value - exact) / found.error
        assert abs(away.mean()) < 0.25 and 0.8 < away.std() < 1.3
        fewer = log_density(denoiser, x, steps=40, probes=6, key=jr.key(0)).error
        assert 1.6 < fewer.mean() / found.error.mean() < 2.4


def test_density_given_a_class_and_by_either_driver():
    with jax.enable_x64(True):
        data = mixture([0.5, 0.5], [[-2.0], [2.0]], [0.3, 0.5])
        x, labels = jnp.asarray([[1.5], [1.5]]), jnp.asarray([0, 1])
        denoiser = Exact(data, Flow())
        one, two = (log_density(denoiser, x, condition=labels, driver=d) for d in ("loop", "stepped"))
        np.testing.assert_allclose(one.value, two.value, rtol=1e-10)
        parts = (mixture([1.0], [[m]], [c]) for m, c in ((-2.0, 0.3), (2.0, 0.5)))
        wanted = [truth(part, jnp.asarray([[1.5]]), 0.002 / 0.998)[0] for part in parts]
        np.testing.assert_allclose(one.value, wanted, atol=1e-6)


def test_divergence_is_the_trace():
    with jax.enable_x64(True):
        matrix = jr.normal(jr.key(0), (6, 6))

        def field(x):
            return (matrix @ x.reshape(-1)).reshape(2, 3) + x**3

        x = jr.normal(jr.key(1), (2, 3))
        value, found = with_divergence(field, x)
        np.testing.assert_allclose(value, field(x), rtol=1e-12)
        np.testing.assert_allclose(found, [np.trace(matrix) + 3 * (x**2).sum()], rtol=1e-12)
        probes = jr.rademacher(jr.key(2), (4, 2, 3), jnp.float64)
        found = with_divergence(field, x, probes)[1]
        flat = probes.reshape(4, 6)
        jacobian = matrix + np.diag(3 * np.asarray(x).reshape(-1) ** 2)
        np.testing.assert_allclose(found, np.einsum("ki,ij,kj->k", flat, jacobian, flat), rtol=1e-10)


def test_wrong_arguments_get_a_sentence():
    denoiser = Exact(mixture([1.0], [[0.0]], [1.0]), Flow())
    with pytest.raises(BadInput, match="batch"):
        log_density(denoiser, jnp.zeros(3))
    with pytest.raises(BadInput, match="probes"):
        log_density(denoiser, jnp.zeros((3, 1)), probes=1, key=jr.key(0))
    with pytest.raises(BadInput, match="key"):
        log_density(denoiser, jnp.zeros((3, 1)), probes=4)


TWO = ([0.3, 0.7], [[-1.0, 0.0], [1.0, 0.5]], [0.4, 0.2])


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0, 3.0])
def test_guided_score_is_that_of_the_tilted_density(scale):
    with jax.enable_x64(True):
        data, process = mixture(*TWO), Flow()
        guided = Guided(Exact(data, process), scale)
        x, t, label = jnp.asarray([0.2, -0.3]), jnp.asarray(0.6), jnp.asarray(1)
        alpha, sigma = process.pair(t)

        def tilted(x):
            free = data.log_density(x, alpha, sigma)
            told = mixture([1.0], TWO[1][1:], TWO[2][1:]).log_density(x, alpha, sigma)
            return (1 - scale) * free + scale * told

        np.testing.assert_allclose(guided.score(x, t, label), jax.grad(tilted)(x), rtol=1e-10)


def test_guidance_in_an_interval():
    with jax.enable_x64(True):
        plain = Exact(mixture(*TWO), Flow())
        inside, outside = jnp.asarray(0.5), jnp.asarray(0.9)
        x, label = jnp.asarray([0.2, -0.3]), jnp.asarray(0)
        some, whole = Guided(plain, 2.0, low=0.5, high=2.0), Guided(plain, 2.0)
        np.testing.assert_allclose(some(x, inside, label).clean, whole(x, inside, label).clean)
        np.testing.assert_allclose(some(x, outside, label).clean, plain(x, outside, label).clean)
        assert not np.allclose(plain(x, inside, label).clean, whole(x, inside, label).clean)


def test_guidance_moves_draws_away_from_the_other_class():
    with jax.enable_x64(True):
        plain = Exact(mixture([0.5, 0.5], [[-1.0], [1.0]], [0.5, 0.5]), Flow())
        keys, labels = jr.split(jr.key(0), 2000), jnp.ones(2000, jnp.int32)
        means, spreads = [], []
        for scale in (0.0, 1.0, 3.0):
            drawn = sample(Guided(plain, scale), keys, (1,), steps=96, condition=labels)
            means.append(float(drawn.mean()))
            spreads.append(float(drawn.std()))
        assert abs(means[0]) < 0.08 and abs(means[1] - 1) < 0.05 and means[2] > 1.2
        assert abs(spreads[0] - np.sqrt(1.5)) < 0.05 and abs(spreads[1] - np.sqrt(0.5)) < 0.03


def test_guidance_without_condition_or_sense_gets_a_sentence():
    plain = Exact(mixture(*TWO), Flow())
    with pytest.raises(BadInput, match="condition"):
        Guided(plain, 2.0)(jnp.zeros(2), jnp.asarray(0.5))
    with pytest.raises(BadInput, match="finite"):
        Guided(plain, float("nan"))
    with pytest.raises(BadInput, match="low"):
        Guided(plain, 2.0, low=3.0, high=1.0)
