"""Features that are learned here, and the distances taken in them: closed forms, floors, what is refused."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.core import BadInput, Pairs
from ansatz.generate.metrics import features as module
from ansatz.generate.metrics.features import Features, fid, image_manifolds, kid, train_features, turned

SMALL = {"filters": (4, 8), "size": 8, "batch": 32}


def halves(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images that are bright above (class 0) or below (class 1), with noise."""
    y = np.arange(count) % 2
    x = np.random.default_rng(seed).integers(0, 120, (count, 8, 8, 1)).astype(np.uint8)
    x[y == 0, :4] += 120
    x[y == 1, 4:] += 120
    return x, y


@pytest.fixture(scope="module")
def learned() -> Features:
    return train_features(*halves(200), steps=60, **SMALL)


class Known:
    """Features that are the numbers of an image themselves, some units large."""

    hash = "f" * 64

    def __call__(self, images: Any) -> np.ndarray:
        return np.asarray(images, np.float64).reshape(len(images), -1)


def exact(count: int, mean: Any, deviations: Any, seed: int = 0) -> np.ndarray:
    """Images `[count, 1, p, 1]` whose mean and covariance are these to rounding, turned by no angle."""
    z = np.random.default_rng(seed).normal(size=(count, len(np.atleast_1d(mean))))
    z -= z.mean(0)
    values, vectors = np.linalg.eigh(z.T @ z / count)
    z = z @ (vectors / np.sqrt(values)) @ vectors.T
    return (z * deviations + mean)[:, None, :, None]


def test_fid_is_the_distance_of_the_normal_distributions_with_floor_and_interval():
    mean, deviations = np.array([3.0, -1.0, 0.5]), np.array([2.0, 1.0, 0.5])
    data = exact(400, np.zeros(3), np.ones(3))
    drawn, other = exact(300, mean, deviations, 1), exact(300, np.full(3, 0.1), np.ones(3), 2)
    card = fid(Known(), drawn, data, other, seed=3)
    assert card.value == pytest.approx((mean**2).sum() + ((deviations - 1) ** 2).sum(), rel=1e-9)
    assert card.floor == pytest.approx(0.03, rel=1e-9) and card.ratio == pytest.approx(card.value / 0.03)
    assert (card.metric, card.count, card.against, card.features) == ("FID", 300, 400, Known.hash)
    # |μ₁ - μ₂|² moves by 2 |μ₁ - μ₂| times the error of the mean along the way: nearly all of the interval.
    along = 2 * np.sqrt(((mean * deviations) ** 2).sum() / 300)
    assert card.interval[1] - card.interval[0] == pytest.approx(2 * 1.96 * along, rel=0.4)
    assert card.interval[0] < card.value < card.interval[1]
    assert fid(Known(), drawn, data, other, seed=3) == card != fid(Known(), drawn, data, other, seed=4)
    assert fid(Known(), drawn, data).floor is None


def test_kid_is_the_kernel_distance_and_is_taken_of_so_many():
    # Between constant samples it is k(a, a) + k(b, b) - 2 k(a, b) with k(x, y) = (x·y / p + 1)³.
    one, two = np.full((5, 1, 2, 1), 1.0), np.full((7, 1, 2, 1), 3.0)
    card = kid(Known(), one, two, one)
    assert card.value == pytest.approx(2**3 + 10**3 - 2 * 4**3) == card.floor
    assert card.interval == pytest.approx((card.value, card.value))
    same = [kid(Known(), exact(60, 0, 1, s), exact(60, 0, 1, 90 + s), resamples=1).value for s in range(60)]
    assert abs(np.mean(same)) < 4 * np.std(same) / np.sqrt(60)
    many = np.random.default_rng(0).random((module.KERNEL + 100, 1, 1, 1))
    assert kid(Known(), many, many, resamples=1).count == module.KERNEL


def test_classes_are_told_apart_in_features_that_are_named_and_reproduced(learned):
    x, y = halves(100, seed=5)
    assert (learned.classes(x) == y).mean() > 0.95
    assert learned.name == "a CNN that learned 2 classes of 200 images in 60 steps"
    assert learned(x).shape == (100, 8) and (learned(x) >= 0).all() and len(learned.hash) == 64
    assert np.array_equal(learned.logits(x).argmax(1), learned.classes(x))
    again = train_features(*halves(200), steps=60, **SMALL)
    assert again.hash == learned.hash and np.array_equal(again(x), learned(x))
    assert train_features(*halves(200), steps=60, seed=1, **SMALL).hash != learned.hash


def test_images_in_the_unit_interval_and_in_blocks_have_the_features_of_their_bytes(learned, monkeypatch):
    x = halves(23)[0]
    whole = learned(x)
    np.testing.assert_array_equal(learned(x / np.float32(255)), whole)
    monkeypatch.setattr(module, "AT_ONCE", 10)
    np.testing.assert_allclose(learned(x), whole, rtol=1e-5, atol=1e-6)


def test_distances_tell_images_from_noise_and_one_class_from_both(learned):
    data, held = halves(300)[0], halves(100, seed=1)[0]
    noise = np.random.default_rng(2).integers(0, 256, (100, 8, 8, 1)).astype(np.uint8)
    same, far = (fid(learned, drawn, data, held, resamples=5) for drawn in (halves(100, seed=3)[0], noise))
    assert same.ratio < 2 < 10 < far.ratio and same.features == learned.hash
    half = halves(200, seed=3)[0][::2]
    assert fid(learned, half, data, held, resamples=5).ratio > 10
    assert kid(learned, noise, data, resamples=5).value > 10 * abs(
        kid(learned, held, data, resamples=5).value
    )
    found = image_manifolds(learned, half, data)
    assert found.precision > 0.8 and found.recall < 0.7
    assert image_manifolds(learned, data, data) == (1.0, 1.0, pytest.approx(1.2, abs=0.01), 1.0)


def corner(place: tuple[int, int], shape: tuple[int, int]) -> np.ndarray:
    x = np.zeros((1, *shape, 1), np.uint8)
    x[0, place[0], place[1], 0] = 255
    return x


@pytest.mark.parametrize(
    ("shape", "corners"),
    [((4, 4), [(0, 0), (3, 0), (3, 3), (0, 3)]), ((4, 6), [(0, 0), None, (3, 5), None])],
    ids=["square", "oblong"],
)
def test_turns_are_those_that_they_are_labeled_with(shape, corners):
    """Where the bright corner stands tells the quarter turns: above on the left after none."""

    def told(x: Any, key: Any = None) -> Any:
        bright = [x[place[0], place[1], 0] if place else jnp.zeros((), x.dtype) for place in corners]
        return 20.0 * (jnp.stack(bright) > 0)

    x = jnp.asarray(np.repeat(corner((0, 0), shape), 64, 0))
    for model, most in ((told, 1e-6), (lambda x, key=None: jnp.roll(told(x), 1), 30)):
        loss, _ = turned(model, Pairs(x, None), jax.random.key(0))
        assert float(loss) < most
        assert (float(loss) < 1e-6) == (model is told)


def test_images_without_classes_are_learned_by_their_turns_for_a_time():
    found = train_features(halves(64)[0], seconds=0.5, **SMALL)
    assert found.name.startswith("a CNN that learned quarter turns of 64 images in ")
    assert found.logits(halves(4)[0]).shape == (4, 4)


X, Y = halves(20)
REFUSED: list[tuple[Callable[[Features], Any], str]] = [
    (lambda _: train_features(X[..., 0]), r"Images are \[N, H, W, C\], not of shape \[20, 8, 8\]"),
    (lambda _: train_features(X[:0]), r"not of shape \[0, 8, 8, 1\]"),
    (lambda _: train_features(X.astype(int)), "bytes, or finite numbers in .* and not int64"),
    (lambda _: train_features(np.where(X > 9, np.nan, 0.0)), "finite numbers"),
    (lambda _: train_features(X, Y[:5]), "one for each of 20 images"),
    (lambda _: train_features(X, Y - 1), "whole numbers from 0 on"),
    (lambda _: train_features(X, Y + 0.5), "whole numbers from 0 on"),
    (lambda _: train_features(X, 0 * Y), "all images are of one: leave it out"),
    (lambda found: found(X[:, :6]), r"These features are of images \[8, 8, 1\], not \[6, 8, 1\]"),
    (lambda found: fid(found, X[:1], X), "N of at least 2"),
    (lambda found: kid(found, X, X[:1]), "N of at least 2"),
    (lambda found: fid(found, X, X, X[:, :6]), r"not \[6, 8, 1\]"),
    (lambda _: fid(Known(), exact(9, [0, 0], 1), exact(9, 0, 1)), "2 features and the data have 1"),
    (lambda found: image_manifolds(found, X[:4], X), "5 neighbours need more examples"),
]


@pytest.mark.parametrize(("ask", "says"), REFUSED, ids=[says[:30] for _, says in REFUSED])
def test_what_cannot_be_compared_is_refused_in_a_sentence(learned, ask, says):
    with pytest.raises(BadInput, match=says):
        ask(learned)
