"""PPCA against the density of a normal distribution, and the linear autoencoder against PPCA (V1)."""

import jax
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from ansatz.core import BadInput
from ansatz.generate.vae.ppca import PPCA, fit_ppca, subspace_angle
from ansatz.generate.vae.recipe import VAE
from ansatz.generate.vae.result import fit_vae


def rows(count=4000, seed=0):
    """Return rows of 8 numbers that vary most in 3 directions."""
    random = np.random.default_rng(seed)
    loadings = random.normal(size=(3, 8)) * np.array([[3.0], [2.0], [1.0]])
    return random.normal(size=(count, 3)) @ loadings + 0.5 * random.normal(size=(count, 8)) + np.arange(8)


def test_likelihood_is_that_of_the_normal_distribution():
    found = fit_ppca(rows(), 3)
    whole = multivariate_normal(found.mean, found.loadings @ found.loadings.T + found.variance * np.eye(8))
    assert np.allclose(found.log_likelihood(rows()[:50]), whole.logpdf(rows()[:50]), rtol=1e-10)
    drawn = found.sample(200_000, seed=1)
    assert np.allclose(np.cov(drawn.T, bias=True), whole.cov, atol=0.3)
    assert found.variance == pytest.approx(0.25, rel=0.05)


def test_no_other_parameters_are_more_likely():
    x, random = rows(), np.random.default_rng(1)
    best = fit_ppca(x, 3)
    top = best.log_likelihood(x).mean()
    for _ in range(20):
        near = PPCA(
            best.mean + 0.01 * random.normal(size=8),
            best.loadings + 0.01 * random.normal(size=(8, 3)),
            best.variance * np.exp(0.01 * random.normal()),
        )
        assert near.log_likelihood(x).mean() < top


def test_posterior_is_bayes():
    found = fit_ppca(rows(), 3)
    mean, covariance = found.encode(rows()[:5])
    whole = found.loadings @ found.loadings.T + found.variance * np.eye(8)
    gain = found.loadings.T @ np.linalg.inv(whole)
    assert np.allclose(mean, (rows()[:5] - found.mean) @ gain.T)
    assert np.allclose(covariance, np.eye(3) - gain @ found.loadings)


def test_the_linear_autoencoder_is_ppca():
    x = rows(1000)
    best = fit_ppca(x, 3)
    top = best.log_likelihood(x).mean()
    with jax.enable_x64():
        recipe = VAE(latent=3, depth=0, batch=1000, learning_rate=0.06, held=0.0, warmup=0.01)
        fitted = fit_vae(x, recipe, steps=6000)
        bound, _ = fitted.bound(x, draws=64)
        likely = fitted.log_likelihood(x, samples=2000).mean()
        active = fitted.active(x)
        decoder = np.asarray(fitted.model.decoder.last.weight)
    # The posterior of PPCA has a diagonal covariance in the axes of W, so the bound is tight at the optimum.
    assert top - bound < 1e-3 * abs(top)
    assert abs(likely - top) < 1e-3 * abs(top)
    assert subspace_angle(decoder, best.loadings) < 1
    assert active == 3


@pytest.mark.parametrize(
    ("x", "size", "match"),
    [
        (np.zeros(3), 1, "rows"),
        (np.full((4, 2), np.nan), 1, "finite"),
        (np.eye(3), 3, "1 to 2 components"),
        (np.outer(np.arange(9.0), np.ones(3)), 1, "to the last digit"),
    ],
)
def test_bad_input(x, size, match):
    with pytest.raises(BadInput, match=match):
        fit_ppca(x, size)
