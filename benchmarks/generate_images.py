"""Digits for the models that draw images, and the judges of what was drawn, trained apart from the models."""

from typing import NamedTuple

import numpy as np

from ansatz.data.datasets import load_images
from ansatz.generate.metrics.features import Features, fid, train_features

JUDGED = 5000
"""Images drawn, and as many of the data, in each figure of a distance."""


class Digits(NamedTuple):
    """MNIST: `x: [60000, 28, 28, 1]` and classes `y` to learn from, `test` and `test_y` to judge by."""

    x: np.ndarray
    y: np.ndarray
    test: np.ndarray
    test_y: np.ndarray


def digits() -> Digits:
    """Return MNIST as its makers divided it."""
    images = load_images("mnist")
    train, test = ~images.test, images.test
    return Digits(images.x[train], images.y[train], images.x[test], images.y[test])


def judge(data: Digits, seed: int = 1) -> tuple[Features, float]:
    """Return a classifier trained on the digits' classes alone, and its accuracy on those of the test.

    It gives the features of the distances as well; no model that draws sees it.
    """
    found = train_features(data.x, data.y, steps=2500, seed=seed)
    return found, float((found.classes(data.test) == data.test_y).mean())


def distance(features: Features, drawn: np.ndarray, data: Digits, seed: int = 0) -> tuple[float, float, str]:
    """Return the Fréchet distance of drawn images from test images, its floor, and the card in words.

    The floor is that of as many images of the training, which are data themselves.
    """
    rows = np.random.default_rng(seed).permutation(len(data.x))[: len(drawn)]
    card = fid(features, drawn, data.test[:JUDGED], data.x[rows], seed=seed)
    assert card.floor is not None
    return card.value, card.floor, str(card)
