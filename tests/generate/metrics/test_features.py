"""Features that are learned from the user's images, and the figures that are taken in them."""

import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from ansatz.core import BadInput, Map, Pairs
from ansatz.generate.metrics.features import (
    KERNEL,
    Features,
    as_bytes,
    fid,
    image_manifolds,
    kid,
    train_features,
    turned,
)
from ansatz.training.step import value_of

RANDOM = np.random.default_rng(0)


class Pixels(Features):
    """Features that are known: the pixels themselves, in [0, 1]."""

    def __init__(self) -> None:
        self.name, self.hash, self.shape = "pixels", "0" * 64, (2, 3, 1)

    def __call__(self, images: object) -> np.ndarray:
        return as_bytes(images).reshape(len(images), -1) / 255  # type: ignore[arg-type]


class Corner(Map):
    """Logits of the corner in which an image is bright, in the order of its quarter turns."""

    def __call__(self, x: Array, *, key: Array | None = None) -> Array:
        return 1e3 * jnp.stack([x[0, 0, 0], x[-1, 0, 0], x[-1, -1, 0], x[0, -1, 0]])

    @staticmethod
    def example(key: Array) -> "tuple[Corner, Array]":
        return Corner(), jnp.ones((2, 2, 1))


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Noise that is brighter on the left in one class, and on the right in the other."""
    y = np.arange(400) % 2
    x = RANDOM.integers(0, 60, (400, 6, 6, 1))
    x[y == 0, :, :3] += 100
    x[y == 1, :, 3:] += 100
    return x.astype(np.uint8), y


@pytest.fixture(scope="module")
def features(pictures: tuple[np.ndarray, np.ndarray]) -> Features:
    return train_features(*pictures, steps=60, filters=(4,), size=8, batch=64)


def test_the_distance_of_images_that_are_shifted_is_known():
    x = RANDOM.integers(50, 100, (600, 2, 3, 1)).astype(np.uint8)
    card = fid(Pixels(), x + 51, x, x, resamples=10)
    # The same covariance: what is left is the square of the shift, 51/255 for each of six pixels.
    assert card.value == pytest.approx(6 * 0.2**2, rel=1e-6)
    assert card.floor == pytest.approx(0, abs=1e-9) and (card.count, card.against) == (600, 600)
    assert card.features == "0" * 64 and card.metric == "FID"
    assert kid(Pixels(), x + 51, x, resamples=5).value > kid(Pixels(), x + 10, x, resamples=5).value > 0


def test_a_kernel_distance_is_taken_of_so_many_at_most():
    x = RANDOM.integers(0, 256, (KERNEL + 7, 2, 3, 1)).astype(np.uint8)
    assert kid(Pixels(), x, x[:50], resamples=2).count == KERNEL


def test_manifolds_of_images_are_those_of_their_features():
    x = RANDOM.integers(50, 100, (200, 2, 3, 1)).astype(np.uint8)
    same, far = image_manifolds(Pixels(), x, x), image_manifolds(Pixels(), x + 150, x)
    assert same.precision == same.recall == same.coverage == 1.0 and same.density > 1
    assert far == (0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("shape", [(4, 4), (3, 5)])
def test_images_are_turned_by_what_their_class_says(shape):
    x = jnp.zeros((300, *shape, 1)).at[:, 0, 0].set(1.0)
    loss, metrics = turned(Corner(), Pairs(x, None), None)
    assert float(loss) < 1e-6 and float(value_of(metrics["accuracy"])) == 1.0
    dark = jnp.zeros_like(x).at[:, 0, 0].set(-1.0)
    assert float(turned(Corner(), Pairs(dark, None), None)[0]) > 100


def test_classes_are_told_apart_and_the_same_steps_give_the_same_bits(pictures, features):
    x, y = pictures
    assert (features.classes(x) == y).mean() > 0.97
    again = train_features(x, y, steps=60, filters=(4,), size=8, batch=64)
    other = train_features(x, y, steps=60, filters=(4,), size=8, batch=64, seed=1)
    assert again.hash == features.hash != other.hash
    assert "2 classes of 400 images in 60 steps" in features.name


def test_features_are_what_the_last_map_is_given_however_many_images_are_asked(pictures, features):
    x, _ = pictures
    last = features.net.last
    logits = features(x[:7]) @ np.asarray(last.weight).T + np.asarray(last.bias)
    assert np.allclose(logits, features.logits(x[:7]), atol=1e-4)
    many = np.concatenate([x, x])
    assert np.array_equal(features(many)[:7], features(x[:7])) and features(many).shape == (800, 8)
    assert np.allclose(features(x[:7] / 255), features(x[:7]), atol=1e-5)


def test_without_classes_turns_are_learned(pictures):
    x, _ = pictures
    x = x.copy()
    x[:, :2] += 90
    found = train_features(x, steps=300, filters=(4,), size=8, batch=64)
    assert found.logits(x).shape == (400, 4) and "quarter turns of 400 images" in found.name
    # Upright images are told from those that stand on their heads.
    upright = (found.classes(x) == 0).mean() + (found.classes(x[:, ::-1, ::-1]) == 2).mean()
    assert upright > 1.8


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        (np.zeros((4, 6, 6), np.uint8), None, r"Images are \[N, H, W, C\], not of shape \[4, 6, 6\]"),
        (np.full((4, 6, 6, 1), np.nan), None, "finite numbers in"),
        (np.zeros((4, 6, 6, 1), np.int64), None, "not int64 like these"),
        (np.zeros((4, 6, 6, 1), np.uint8), np.zeros(3, int), "one for each of 4 images"),
        (np.zeros((4, 6, 6, 1), np.uint8), np.zeros(4, int), "all images are of one"),
    ],
)
def test_what_is_no_set_of_images_gets_a_sentence(x, y, says):
    with pytest.raises(BadInput, match=says):
        train_features(x, y, steps=1)


def test_images_of_another_shape_get_a_sentence(features):
    with pytest.raises(BadInput, match=r"features are of images \[6, 6, 1\], not \[5, 6, 1\]"):
        features(np.zeros((3, 5, 6, 1), np.uint8))
