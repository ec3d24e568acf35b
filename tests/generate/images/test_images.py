"""Models of images from Python: classical densities, splits, budgets, labels, and what is refused."""

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import ansatz
from ansatz.core import BadInput
from ansatz.generate.budget import Ladder, products
from ansatz.generate.images.baselines import fit_classical, fit_mixture, spread
from ansatz.generate.images.families import OPTIONS, family_of, known
from ansatz.generate.images.judge import Judged, in_bits
from ansatz.generate.images.model import ImageGenerator, load_image_model
from ansatz.generate.images.report import command
from ansatz.generate.images.settings import ImagesSettings, sort_out_images
from ansatz.generate.images.source import find_images, split_images
from ansatz.generate.images.train import fitting, generate_images

TINY = {"model": "vae", "steps": 40, "width": 16, "latent": 3, "depth": 1, "batch": 32, "judged": 20}


@pytest.fixture(scope="module")
def small() -> ImageGenerator:
    return generate_images("digits", seed=3, **TINY)


def blobs(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Images of two classes: bright above, or bright below."""
    y = np.arange(count) % 2
    x = np.random.default_rng(0).integers(0, 120, (count, 6, 6)).astype(np.uint8)
    x[y == 0, :3] += 120
    x[y == 1, 3:] += 120
    return x, y


def test_a_mixture_of_one_gaussian_is_the_normal_distribution_with_its_covariance():
    random = np.random.default_rng(0)
    rows = random.normal(size=(4000, 3)) @ random.normal(size=(3, 6)) + 0.1 * random.normal(size=(4000, 6))
    found = fit_mixture(rows, 3, 1)
    covariance = found.axes @ found.inner.covariances_[0] @ found.axes.T
    covariance += found.variance * (np.eye(6) - found.axes @ found.axes.T)
    mean = found.mean + found.axes @ found.inner.means_[0]
    wanted = multivariate_normal(mean, covariance).logpdf(rows[:50])
    np.testing.assert_allclose(found.log_likelihood(rows[:50]), wanted, rtol=1e-9)
    again = found.sample(40_000, seed=1)
    np.testing.assert_allclose(np.cov(again.T), covariance, atol=0.05 * covariance.max())


def test_classical_bounds_are_those_of_bytes():
    x = np.random.default_rng(0).integers(0, 256, (400, 4, 4, 1)).astype(np.uint8)
    for one in fit_classical(x):
        # The entropy of uniform bytes is 8 bits each, and no density may say less of new ones.
        new = np.random.default_rng(1).integers(0, 256, (400, 4, 4, 1)).astype(np.uint8)
        assert 8 < in_bits(one.bound(new).value, (4, 4, 1)) < 9
        assert one.draw(3, (4, 4, 1)).shape == (3, 4, 4, 1)
    assert spread(x).min() >= 0 and spread(x).max() < 1


def test_products_are_counted_within_loops():
    import jax
    import jax.numpy as jnp

    def twice(a):
        return jax.lax.scan(lambda c, _: (c @ a, None), a, None, length=5)[0]

    assert products(jax.make_jaxpr(twice)(jnp.ones((4, 4))).jaxpr) == 5 * 2 * 4**3


class Instant:
    compile_seconds = 0.0

    @property
    def program(self) -> "Instant":
        return self


@pytest.mark.parametrize("rate", [1e2, 1e4, 1e6])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_ladder_settles_where_the_examples_fit(rate, at):
    limits = [1e3, 1e5, math.inf]
    ladder = Ladder(limits, lambda i: i, lambda i: (Instant(), 10.0**i / rate), lambda i: 1.0)
    found = ladder.settle(at, lambda: 60.0, lambda words: None)
    assert found.steps <= 2 * limits[found.recipe]
    assert found.recipe == 0 or found.steps >= limits[found.recipe - 1] / 2


def test_images_are_split_by_class_and_makers_parts_are_kept():
    x, y = blobs(100)
    images, _ = split_images(find_images((x, y)), ImagesSettings())
    assert np.bincount(images.held_y).tolist() == [5, 5] and len(images.train) == 90
    given = find_images((x, y))
    given = given._replace(pictures=given.pictures._replace(test=np.arange(100) >= 70))
    images, _ = split_images(given, ImagesSettings())
    assert np.array_equal(images.held[..., 0], x[70:])
    wide = np.repeat(np.repeat(x, 20, axis=2), 10, axis=1)
    images, remarks = split_images(find_images(wide), ImagesSettings(pixels=12))
    assert images.train.shape[1:] == (6, 12, 1) and "from 60×120 to 6×12 pixels" in remarks[0]


def test_the_likelihood_follows_the_images():
    _, recipe, given = sort_out_images({"model": "vae"})
    ink = (np.random.default_rng(0).random((50, 6, 6, 1)) > 0.5).astype(np.uint8) * 255
    grey = np.full((50, 6, 6, 1), 100, np.uint8)
    assert fitting(recipe, given, ink).likelihood == "bernoulli"
    assert fitting(recipe, given, grey).likelihood == "gaussian"
    assert fitting(recipe, frozenset({"likelihood"}), grey).likelihood == "bernoulli"
    assert fitting(recipe, given, ink).batch == 50


def test_saved_and_loaded_is_the_same(small, tmp_path):
    small.save(tmp_path / "run")
    again = load_image_model(tmp_path / "run")
    assert again.judged == small.judged and again.settings == small.settings
    assert np.array_equal(again.sample(5, seed=1), small.sample(5, seed=1))
    assert again.report() == (tmp_path / "run" / "report.html").read_text()


def test_the_report_shows_what_was_measured(small):
    page = small.report()
    for words in ("FID", "PPCA of 32", "Nearest training images", "A walk through the codes", "latent-walk"):
        assert words in page
    assert "--steps 40" in command(small) and "--model vae" in command(small)


def test_figures_survive_json(small):
    for one in small.judged:
        assert Judged.from_json(one.to_json()) == one


def test_every_family_is_known_with_its_options():
    assert set(known()) <= set(OPTIONS)
    for name in known():
        assert family_of(name).name == name


X, Y = blobs(60)


@pytest.mark.parametrize(
    ("data", "options", "says"),
    [
        ("nowhere", {}, "There is no file, folder or data set of images 'nowhere'"),
        (X[:20], {}, "20 images are too few"),
        (np.zeros((50, 6, 6), np.uint8), {}, "All 50 images are the same"),
        (X[:, :3, :3], {}, "a side has 4 at least"),
        ((X, Y * 0), {}, "have the one label"),
        (X, {"model": "vea"}, "did you mean 'vae'"),
        (X, {"model": "vae", "latnet": 2}, "no setting 'latnet' of the model 'vae'; did you mean 'latent'"),
        (X, {"budget": "soon"}, "The budget 'soon' is no time"),
        (X, {"budget": 2.0}, "A budget of 2 s is too short"),
        (X, {"sentences": "arithmetic", "steps": 1}, "images of the ten digits"),
        (X, {"validation": 1.5}, "validation=1.5 is no share"),
        (X, {"pixels": 1000}, "pixels=1000 is too large"),
    ],
)
def test_bad_input_is_one_sentence(data, options, says):
    with pytest.raises(BadInput, match=says):
        generate_images(data, **options)


def test_draws_that_cannot_be_made_are_refused(small):
    with pytest.raises(BadInput, match="draws from all images, not by class"):
        small.sample(2, classes=3)
    with pytest.raises(BadInput, match="has no guidance"):
        small.sample(2, guidance=2.0)


def test_it_is_public():
    assert ansatz.generate_images is generate_images
