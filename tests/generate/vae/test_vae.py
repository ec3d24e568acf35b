"""The bounds against what they bound, the likelihoods against SciPy, and trained autoencoders."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ansatz.core import BadInput
from ansatz.generate.vae.likelihoods import Bernoulli, Gaussian
from ansatz.generate.vae.model import Code, divergence, evidence, log_weights
from ansatz.generate.vae.ppca import fit_ppca
from ansatz.generate.vae.recipe import VAE
from ansatz.generate.vae.result import FittedVAE, fit_vae
from ansatz.training.run import load

SMALL = {"latent": 2, "width": 16, "depth": 1, "batch": 32}


def ring(count=600, seed=0):
    random = np.random.default_rng(seed)
    angle = random.uniform(0, 2 * np.pi, count)
    plane = np.stack([np.cos(angle), np.sin(angle)], 1)
    return plane @ random.normal(size=(2, 6)) + 0.05 * random.normal(size=(count, 6))


def test_likelihoods_are_densities():
    random = np.random.default_rng(0)
    f, x = random.normal(size=5), random.normal(size=5)
    gaussian = Gaussian(jnp.asarray(0.3))
    wanted = stats.norm(f, np.exp(0.3)).logpdf(x).sum()
    assert float(gaussian.log_probability(jnp.asarray(x), jnp.asarray(f))) == pytest.approx(wanted, rel=1e-5)
    bits = (x > 0).astype(float)
    wanted = stats.bernoulli(1 / (1 + np.exp(-f))).logpmf(bits.astype(int)).sum()
    found = float(Bernoulli().log_probability(jnp.asarray(bits), jnp.asarray(f)))
    assert found == pytest.approx(wanted, rel=1e-5)
    drawn = gaussian.sample(jnp.zeros(100_000), jax.random.key(0))
    assert float(drawn.std()) == pytest.approx(np.exp(0.3), rel=0.02)


@settings(deadline=None)
@given(st.floats(-3, 3), st.floats(-2, 2))
def test_divergence_is_the_integral(mean, log_scale):
    z = np.linspace(-60, 60, 40_001)
    q = stats.norm(mean, np.exp(log_scale))
    wanted = np.trapezoid(q.pdf(z) * (q.logpdf(z) - stats.norm.logpdf(z)), z)
    found = float(divergence(Code(jnp.array([mean]), jnp.array([log_scale]))))
    assert found == pytest.approx(wanted, abs=1e-4, rel=1e-4)


def test_bounds_rise_to_the_likelihood_of_a_linear_model():
    x = ring()
    best = fit_ppca(x, 2)
    recipe = VAE(latent=2, depth=0, held=0.0)
    model = recipe.model(6, best.mean, 1.0, jax.random.key(0))
    # The true decoder, and a posterior that is the prior: far from the best.
    model = eqx.tree_at(
        lambda m: (m.decoder.last.weight, m.decoder.last.bias, m.likelihood.log_scale),
        model,
        (jnp.asarray(best.loadings.T if model.decoder.last.weight.shape[0] == 2 else best.loadings),
         jnp.zeros(6), jnp.asarray(0.5 * np.log(best.variance) + 1.0)),
    )  # fmt: skip
    model = eqx.tree_at(lambda m: m.encoder.last, model, replace_fn=lambda a: jax.tree.map(jnp.zeros_like, a))
    true = best._replace(variance=best.variance * np.exp(2.0)).log_likelihood(x[:200])
    rows, keys = model.standard(jnp.asarray(x[:200])), jax.random.split(jax.random.key(1), 200)

    @eqx.filter_jit
    def at(samples):
        return jax.vmap(lambda r, k: evidence(log_weights(model, r, k, samples)))(rows, keys).mean()

    found = [float(at(k)) for k in (1, 10, 100, 5000)]
    assert found == sorted(found) and found[0] < true.mean() - 1
    assert found[-1] == pytest.approx(true.mean(), abs=0.1)


@pytest.mark.parametrize("options", [{}, {"samples": 5}, {"beta": 0.5}, {"plain": True}])
def test_training_reconstructs_a_ring(options, tmp_path):
    x = ring()
    fitted = fit_vae(x, VAE(**SMALL, **options), steps=600)
    apart = np.mean((fitted.reconstruct(x) - x) ** 2) / x.var(0).mean()
    assert apart < 0.1
    assert fitted.encode(x).shape == (600, 2)
    fitted.run.save(tmp_path / "run")
    again = FittedVAE(load(tmp_path / "run"))
    assert np.array_equal(again.reconstruct(x[:9]), fitted.reconstruct(x[:9]))
    if options.get("plain"):
        with pytest.raises(BadInput, match="no distribution of codes"):
            fitted.sample(3)
        return
    assert np.array_equal(fitted.sample(40, seed=3), again.sample(40, seed=3))
    assert not np.array_equal(fitted.sample(40, seed=3), fitted.sample(40, seed=4))
    bound, apart = fitted.bound(x)
    assert bound < fitted.log_likelihood(x, samples=200).mean() and apart > 0


def test_a_larger_beta_keeps_less_in_the_code():
    x = ring()
    kept = [fit_vae(x, VAE(**SMALL, beta=beta), steps=400).bound(x)[1] for beta in (0.25, 1.0, 2.0)]
    assert kept == sorted(kept, reverse=True)


def test_likelihood_is_in_the_units_of_the_data():
    x = ring()
    fits = [fit_vae(unit * x, VAE(**SMALL), steps=50) for unit in (1.0, 100.0)]
    one, two = (f.log_likelihood(unit * x, 50) for f, unit in zip(fits, (1.0, 100.0), strict=True))
    assert np.allclose(one - two, 6 * np.log(100), atol=1e-2)


def test_walks_and_directions():
    x = ring()
    fitted = fit_vae(x, VAE(**SMALL), steps=200)
    way = fitted.interpolate(x[0], x[1], 5)
    assert way.shape == (5, 6) and np.allclose(way[[0, -1]], fitted.reconstruct(x[:2]), atol=1e-5)
    walk = fitted.walk(1, x[0], 7)
    assert walk.shape == (7, 6) and np.ptp(walk, axis=0).max() > 0
    y = np.where(x[:, 0] > 0, "right", "left")
    step = fitted.direction(x, y, "left", "right")
    assert np.allclose(step, -fitted.direction(x, y, "right", "left"))
    moved = fitted.decode(fitted.encode(x[y == "left"]) + step)
    assert moved[:, 0].mean() > x[y == "left"][:, 0].mean()


def test_pixels_are_drawn_anew():
    random = np.random.default_rng(0)
    shades = np.repeat(random.uniform(0, 1, (2, 30)), 200, axis=0)
    fitted = fit_vae(shades, VAE(**SMALL, likelihood="bernoulli", binarize=True), steps=800)
    apart = np.abs(fitted.reconstruct(shades) - shades)
    assert apart.mean() < 0.1
    assert set(np.unique(fitted.sample(5, noise=True))) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("options", "data", "match"),
    [
        ({"likelihood": "poisson"}, None, "likelihood"),
        ({"latent": 0}, None, "at least 1"),
        ({"beta": -1.0}, None, "at least 0"),
        ({"samples": 3, "plain": True}, None, "not plain"),
        ({"binarize": True}, None, "bernoulli"),
        ({"held": 1.0}, None, "set aside"),
        ({"likelihood": "bernoulli"}, np.full((5, 2), 255.0), "divide them"),
        ({}, np.ones((5, 2)), "the same"),
        ({}, np.full((5, 2), np.inf), "leave that row out"),
    ],
)
def test_bad_input(options, data, match):
    with pytest.raises(BadInput, match=match):
        fit_vae(ring() if data is None else data, VAE(**options), steps=1)
