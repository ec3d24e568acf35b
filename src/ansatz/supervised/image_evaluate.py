"""The honest figures of fitted images: test accuracy, baselines, coverage, mistakes, what filters see."""

import time
import warnings
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.decomposition import PCA

from ansatz.data.images import Images
from ansatz.maps import CNN, MLP
from ansatz.results.numbers import Interval
from ansatz.supervised import metrics
from ansatz.supervised.baselines import BaselineResult, Verdict, baselines, verdict
from ansatz.supervised.conformal import Coverage, covered_sets
from ansatz.supervised.image_network import OfImage, member
from ansatz.supervised.image_predictor import ImagePredictor

COMPONENTS = 48
MOST = 10_000
"""Baselines are fitted on at most so many training images, on their principal components."""
SHOWN = 12
LOOKED = 1000


class Pictures(NamedTuple):
    """A few test images `x: [n, H, W, C]` with true classes, predicted ones and their probability."""

    x: np.ndarray
    y: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray


class Sights(NamedTuple):
    """The first layer's `filters: [h, w, C, F]`, and the `patches: [F, k, h, w, C]` that excite each most.

    `maps: [H', W', F]` are the first layer's activations on the first example image (none for an MLP).
    """

    filters: np.ndarray
    patches: np.ndarray
    maps: np.ndarray


class ImageEvaluation(NamedTuple):
    """What the test part says.

    `y: [N]` are classes, `probabilities: [N, classes]`; `interval` is the accuracy with its bootstrap
    interval; `confusion` counts true classes in rows; `examples` are random test images and `mistakes`
    the most confident wrong answers.
    """

    y: np.ndarray
    probabilities: np.ndarray
    interval: Interval
    scores: dict[str, float]
    confusion: np.ndarray
    coverage: Coverage
    level: float
    baselines: list[BaselineResult]
    verdict: Verdict | None
    examples: Pictures
    mistakes: Pictures
    sights: Sights


def evaluate_images(
    predictor: ImagePredictor,
    images: Images,
    parts: Any,
    level: float,
    *,
    compare: bool = True,
    seed: int = 0,
) -> ImageEvaluation:
    """Measure a predictor on the test images; `parts` are the row numbers by use."""
    x, y = images.x[parts.test], images.y[parts.test].astype(np.int64)
    found = predictor.mean(predictor.answers(x)).astype(np.float32).astype(np.float64)
    assert predictor.sets is not None
    metric, classes = metrics.METRICS["accuracy"], len(predictor.classes)
    guess, sure = found.argmax(1), found.max(1)
    confusion = np.bincount(y * classes + guess, minlength=classes**2).reshape(classes, classes)
    results = compared(images, parts, seed) if compare else []
    rows = np.random.default_rng([seed, 3]).permutation(len(y))[:SHOWN]
    wrong = np.flatnonzero(guess != y)
    wrong = wrong[np.argsort(-sure[wrong], kind="stable")][:SHOWN]

    def pictures(at: np.ndarray) -> Pictures:
        return Pictures(x[at], y[at], guess[at], sure[at])

    return ImageEvaluation(
        y, found, metrics.bootstrap(metric, y, found, seed=seed), metrics.classification(y, found), confusion,
        covered_sets(y, predictor.sets.sets(found)), level, results,
        verdict(y, found, results, seed=seed) if results else None, pictures(rows), pictures(wrong),
        sights(member(predictor.model.inner), x[rows[:1]], x[:LOOKED]),
    )  # fmt: skip


def compared(images: Images, parts: Any, seed: int) -> list[BaselineResult]:
    """Return the classical baselines on principal components of the pixels, fitted on all but the test part.

    More than `MOST` images are thinned at random, and the remark says so.
    """
    begun = time.perf_counter()
    rows = np.concatenate([parts.train, parts.held, parts.calibration])
    random = np.random.default_rng([seed, 5])
    used = rows if len(rows) <= MOST else np.sort(random.choice(rows, MOST, replace=False))

    def pixels(at: np.ndarray) -> np.ndarray:
        return images.x[at].reshape(len(at), -1).astype(np.float32) / 255

    train, test = pixels(used), pixels(parts.test)
    count = min(COMPONENTS, train.shape[1], len(used) - 1)
    reduced = PCA(count, svd_solver="randomized", random_state=seed).fit(train)
    seconds = time.perf_counter() - begun
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = baselines(
            "classification", reduced.transform(train), images.y[used], reduced.transform(test),
            images.y[parts.test], metric="accuracy", seed=seed,
        )  # fmt: skip
    note = f"on {count} principal components"
    note += (
        "" if len(used) == len(rows) else f", fitted on {len(used):,} of {len(rows):,} images (time guard)"
    )
    # The first baseline looks at the classes alone.
    return [found[0]] + [
        r._replace(seconds=r.seconds + seconds, remark="; ".join(filter(None, [note, r.remark])))
        for r in found[1:]
    ]


def sights(model: OfImage, example: np.ndarray, x: np.ndarray, best: int = 6, most: int = 16) -> Sights:
    """Return the first layer's filters, and the patches of images `x: [N, H, W, C]` that excite each most."""
    shape, inner = x.shape[1:], model.inner
    if isinstance(inner, CNN):
        layer = inner.convolutions[0]
        kernels = np.asarray(layer.weight)
        respond = jax.jit(jax.vmap(lambda image: layer(model.scaled(image))))
        maps = np.concatenate(
            [np.asarray(respond(jnp.asarray(x[i : i + 250]))) for i in range(0, len(x), 250)]
        )
        shown = np.maximum(np.asarray(respond(jnp.asarray(example)))[0], 0)
    else:
        assert isinstance(inner, MLP)
        weight = np.asarray((inner.hidden[0] if inner.hidden else inner.last).weight)
        order = np.argsort(-np.abs(weight).sum(1), kind="stable")
        kernels = np.moveaxis(weight[order].reshape(-1, *shape), 0, -1)
        scaled = np.asarray(jax.vmap(model.scaled)(jnp.asarray(x))).reshape(len(x), -1)
        maps = (scaled @ weight[order].T)[:, None, None, :]
        shown = np.zeros((0, 0, kernels.shape[-1]), np.float32)
    count = min(most, kernels.shape[-1])
    patches = np.stack([_strongest(maps[..., f], x, kernels.shape[:2], best) for f in range(count)])
    return Sights(kernels[..., :32], patches, shown)


def _strongest(maps: np.ndarray, x: np.ndarray, size: tuple[int, ...], best: int) -> np.ndarray:
    """Return the patches `[best, h, w, C]` of different images around the strongest of `maps`."""
    count, _, width = maps.shape
    flat = maps.reshape(count, -1)
    top = flat.argmax(1)
    order = np.argsort(-flat[np.arange(count), top], kind="stable")[:best]
    if maps.shape[1] == 1 == width:
        chosen = x[order]
    else:
        before = [((side - 1) // 2, side // 2) for side in size]
        padded = np.pad(x, ((0, 0), *before, (0, 0)))
        chosen = np.stack(
            [padded[i, top[i] // width :, top[i] % width :][: size[0], : size[1]] for i in order]
        )
    return np.concatenate([chosen, np.zeros((best - len(chosen), *chosen.shape[1:]), x.dtype)])
