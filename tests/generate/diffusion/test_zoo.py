"""The densities of the plane: they are normalized, and their draws are theirs."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy import stats

from ansatz.core import BadInput
from ansatz.generate.diffusion.densities import gaussian, mixture
from ansatz.generate.diffusion.exact import Exact
from ansatz.generate.diffusion.sampling import sample
from ansatz.generate.diffusion.schedule import Flow
from ansatz.generate.diffusion.zoo import ZOO, density, eight_gaussians, two_moons

EDGE, POINTS, CELLS = 4.0, 400, 16
every_density = pytest.mark.parametrize("name", ZOO)


def masses(data):
    """Return the probabilities of a board of cells on [-4, 4]² by the midpoint rule, and the entropy."""
    line = (np.arange(POINTS) + 0.5) / POINTS * 2 * EDGE - EDGE
    points = jnp.asarray(np.stack(np.meshgrid(line, line, indexing="ij"), -1).reshape(-1, 2))
    logs = np.asarray(jax.jit(lambda x: jax.lax.map(data.log_density, x, batch_size=4000))(points))
    each = np.exp(logs) * (2 * EDGE / POINTS) ** 2
    fine = POINTS // CELLS
    cells = each.reshape(CELLS, fine, CELLS, fine).sum((1, 3))
    return cells, -(each * np.where(each > 0, logs, 0.0)).sum()


@every_density
def test_density_is_normalized_and_draws_are_its_own(name):
    with jax.enable_x64(True):
        data, count = density(name), 20_000
        cells, entropy = masses(data)
        assert abs(cells.sum() - 1) < 1e-4
        x = np.asarray(data.sample(jr.key(0), count))
        counts = np.histogram2d(*x.T, bins=CELLS, range=[[-EDGE, EDGE]] * 2)[0]
        likely = cells * count > 8
        rest = (counts[~likely].sum() - count * cells[~likely].sum()) / np.sqrt(
            count * cells[~likely].sum() + 1
        )
        square = ((counts - count * cells)[likely] ** 2 / (count * cells)[likely]).sum()
        assert stats.chi2(likely.sum() - 1).sf(square) > 1e-3 and abs(rest) < 5
        logs = np.asarray(jax.vmap(data.log_density)(jnp.asarray(x)))
        assert abs(logs.mean() + entropy) < 5 * logs.std() / np.sqrt(count) + 2e-4


def test_mixture_is_the_sum_and_has_its_moments():
    with jax.enable_x64(True):
        covariances = np.array([[[1.0, 0.5], [0.5, 2.0]], [[0.3, 0.0], [0.0, 0.1]]])
        means, weights = np.array([[0.0, 1.0], [2.0, -1.0]]), np.array([1.0, 3.0])
        data, x = mixture(weights, means, covariances), np.array([0.4, 0.2])
        parts = [
            w / 4 * stats.multivariate_normal(m, c).pdf(x)
            for w, m, c in zip(weights, means, covariances, strict=True)
        ]
        np.testing.assert_allclose(data.log_density(jnp.asarray(x)), np.log(sum(parts)), rtol=1e-12)
        drawn = np.asarray(data.sample(jr.key(0), 40_000))
        mean, covariance = data.moments()
        np.testing.assert_allclose(drawn.mean(0), mean, atol=0.03)
        np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.05)


def test_noise_of_a_mixture_is_the_gradient_of_its_density():
    with jax.enable_x64(True):
        data, x = density("gaussian_mixture"), jnp.asarray([0.3, 0.8])
        alpha, sigma = jnp.asarray(0.7), jnp.asarray(0.4)
        slope = jax.grad(lambda x: data.log_density(x, alpha, sigma))(x)
        np.testing.assert_allclose(data.noise(x, alpha, sigma), -sigma * slope, rtol=1e-10)
        clean, noise = data.clean(x, alpha, sigma), data.noise(x, alpha, sigma)
        np.testing.assert_allclose(alpha * clean + sigma * noise, x, rtol=1e-10)
        # A condition leaves one component.
        one = Exact(data, Flow())(x, jnp.asarray(0.5), jnp.asarray(2))
        alone = gaussian(data.means[2], 0.05 * np.eye(2))
        np.testing.assert_allclose(one.clean, alone.clean(x, jnp.asarray(0.5), jnp.asarray(0.5)), rtol=1e-10)


@pytest.mark.parametrize("make", [eight_gaussians, two_moons])
def test_the_exact_denoiser_draws_from_the_density(make):
    with jax.enable_x64(True):
        data = make()
        x = sample(Exact(data, Flow()), jr.split(jr.key(0), 2000), (2,), sampler="heun", steps=24)
        logs, own = (np.asarray(jax.vmap(data.log_density)(y)) for y in (x, data.sample(jr.key(1), 2000)))
        assert abs(logs.mean() - own.mean()) < 5 * own.std() * np.sqrt(2 / 2000)
        assert stats.ks_2samp(logs, own).pvalue > 1e-3


def test_wrong_mixtures_get_a_sentence():
    for make in (
        lambda: mixture([1.0, -1.0], [[0.0], [1.0]], [1.0, 1.0]),
        lambda: mixture([1.0], [[0.0, 1.0]], [1.0, 1.0]),
        lambda: mixture([1.0], [[0.0, 1.0]], [[[1.0, 0.0], [1.0, 1.0]]]),
        lambda: density("two_moon"),
    ):
        with pytest.raises(BadInput) as error:
            make()
        assert str(error.value).endswith((".", ")"))
