"""`fit_images`: from labelled images to a trained network, its honest error and sets that hold."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ansatz.core import BadInput, Each, Pairs, Status
from ansatz.data import CATALOGUE, Images, folds, load_images, read_images, split
from ansatz.data.images import make_images
from ansatz.maps.stacked import Stacked
from ansatz.results.numbers import Interval
from ansatz.supervised.calibration import temperature
from ansatz.supervised.conformal import PredictionSets
from ansatz.supervised.image_evaluate import evaluate_images
from ansatz.supervised.image_network import (
    ImageExamples,
    ImageNetwork,
    automatic_batch,
    automatic_epochs,
)
from ansatz.supervised.image_predictor import ImagePredictor
from ansatz.supervised.image_result import ImageFit, load_image_fit
from ansatz.supervised.image_settings import ImageSettings, sort_out_images
from ansatz.supervised.metrics import METRICS, bootstrap
from ansatz.training.fit import fit
from ansatz.training.hooks import Checkpoint
from ansatz.training.run import Run

__all__ = ["CrossValidation", "ImageFit", "cross_validate_images", "fit_images", "load_image_fit"]

LARGE = 5000
"""From so many images on, a part of them only calibrates."""
MOST_HELD = 2500


class ImageParts(NamedTuple):
    """Row numbers by use: training, choice of the best step (may be empty), calibration, test."""

    train: np.ndarray
    held: np.ndarray
    calibration: np.ndarray
    test: np.ndarray


class ReadyImages(NamedTuple):
    """Images that are read and split: all that can be wrong with the input has been said."""

    images: Images
    parts: ImageParts
    recipe: ImageNetwork
    settings: ImageSettings
    steps: int
    source: dict[str, Any]
    remarks: list[str]


class CrossValidation(NamedTuple):
    """What k folds say: the accuracy over all images, that of each fold, `probabilities: [N, classes]`."""

    accuracy: Interval
    folds: tuple[float, ...]
    probabilities: np.ndarray
    seconds: float


def fit_images(
    source: Any, *, out: Any = None, hooks: Sequence[Any] = (), resume: Run | None = None, **options: Any
) -> ImageFit:
    """Fit a network to labelled images and say how far to trust it.

    **Arguments**

    - `source`: a folder with one subfolder a class, an NPZ archive, IDX files, the name of a data set
      ("digits", "fashion-mnist", "mnist"), `Images`, or a pair of arrays `x: [N, H, W]` or
      `[N, H, W, C]` and labels `y: [N]`.
    - `out`: a folder for the run, written whole or not at all, and resumable while it grows.
    - `resume`: a `Run` to go on from, as `ansatz.load` returns it.
    - `options`: any field of `ImageSettings` (test, validation, members, epochs, budget, seed, …) and
      of `ImageNetwork` (map, filters, dense, learning_rate, augment, …).

    Returns an `ImageFit`: `predict`, `probabilities`, `evaluation`, `report`, `save`.
    Raises `BadInput` with one sentence for whatever is wrong with the images or an option.

    >>> x = np.zeros((60, 8, 8), np.uint8)
    >>> x[::2, :4] = 255
    >>> fitted = fit_images((x, np.arange(60) % 2), map="mlp", dense=8, epochs=9, baselines=False)
    >>> fitted.evaluation.scores["accuracy"]
    1.0
    """
    settings, recipe = sort_out_images(options)
    ready = make_ready_images(source, settings, recipe)
    with _keeping(out, ready) as (folder, more):
        run = train_images(ready, hooks=(*hooks, *more), resume=resume)
        if run.status is Status.interrupted:
            raise KeyboardInterrupt(run.message)
        fitted = judge_images(ready, run)
        if folder is not None:
            folder.finish(*fitted.files())
    return fitted


def cross_validate_images(source: Any, folds_: int = 5, **options: Any) -> CrossValidation:
    """Return the accuracy of k networks, each on the fold that it did not see, all steps taken.

    >>> x = np.zeros((60, 8, 8), np.uint8)
    >>> x[::2, :4] = 255
    >>> labels = np.arange(60) % 2
    >>> cross_validate_images((x, labels), 2, map="mlp", dense=8, epochs=9).accuracy.value
    1.0
    """
    begun = time.monotonic()
    settings, recipe = sort_out_images(options | {"validation": 0.0})
    images, _, _ = read_source(source)
    parts = folds(len(images.y), folds_, stratify=images.y, seed=settings.seed)
    length = min(len(part.train) for part in parts)
    random, chances = np.random.default_rng(settings.seed), np.zeros((len(images.y), len(images.classes)))
    pairs = _on_device(images)
    for part in parts:
        train = np.sort(random.permutation(part.train)[:length])
        data = examples(images, pairs, train, None)
        run = fit(
            recipe, data if settings.members == 1 else Each([data] * settings.members),
            steps=_steps(recipe, settings, length), budget=settings.budget, key=settings.seed,
            seeds=settings.members,
        )  # fmt: skip
        predictor = _predictor(images, run)
        chances[part.held] = predictor.mean(predictor.answers(images.x[part.held]))
    metric, right = METRICS["accuracy"], chances.argmax(1) == images.y
    accuracy = bootstrap(metric, images.y, chances, seed=settings.seed)
    each = tuple(float(right[part.held].mean()) for part in parts)
    return CrossValidation(accuracy, each, chances, time.monotonic() - begun)


def read_source(source: Any) -> tuple[Images, dict[str, Any], list[str]]:
    """Return labelled images, where they came from, and remarks."""
    remarks: list[str] = []
    origin: dict[str, Any] = {"path": None}
    if isinstance(source, Images):
        images = source
    elif isinstance(source, str) and source in CATALOGUE and not Path(source).exists():
        images, origin = load_images(source, remarks=remarks), {"path": None, "catalogue": source}
    elif isinstance(source, str | Path):
        images, origin = read_images(source, remarks=remarks), {"path": str(source)}
    elif isinstance(source, tuple) and len(source) == 2:
        images = make_images(np.asarray(source[0]), np.asarray(source[1]), "the arrays")
    else:
        raise BadInput(
            f"fit_images takes a path, the name of a data set, Images or a pair (x, y), not "
            f"{type(source).__name__}."
        )
    digest = hashlib.sha256(images.x.tobytes() + images.y.tobytes()).hexdigest()
    shape = {"images": len(images.y), "shape": list(images.x.shape[1:])}
    return images, origin | {"sha256": digest} | shape, remarks


def make_ready_images(source: Any, settings: ImageSettings, recipe: ImageNetwork) -> ReadyImages:
    """Read and split images; the scale is that of the training part alone."""
    images, origin, remarks = read_source(source)
    counts = np.bincount(images.y, minlength=len(images.classes))
    if counts.min() < 3:
        rare = images.classes[int(counts.argmin())]
        raise BadInput(
            f"The class {rare!r} has {counts.min()} images; at least 3 are needed to train and test."
        )
    parts = make_parts(images, settings, remarks)
    recipe = replace(recipe, batch=recipe.batch or automatic_batch(len(parts.train)))
    # Building once says what is wrong with the network for images of this shape.
    jax.eval_shape(
        lambda key: recipe.network(images.x.shape[1:], len(images.classes), key), jax.random.key(0)
    )
    steps = _steps(recipe, settings, len(parts.train))
    return ReadyImages(images, parts, recipe, settings, steps, origin, remarks)


def make_parts(images: Images, settings: ImageSettings, remarks: list[str]) -> ImageParts:
    """Return which images train, choose, calibrate and test, each part with its share of each class."""
    rows = np.arange(len(images.y))
    if images.test.any() and not images.test.all():
        rest, test = rows[~images.test], rows[images.test]
        remarks.append(f"The {len(test):,} images that the makers set apart are the test part.")
    else:
        rest, test = split(
            len(rows), (1 - settings.test, settings.test), stratify=images.y, seed=settings.seed
        )
    calibration = held = np.zeros(0, int)
    size = len(rest)
    if size >= LARGE or not settings.validation:
        share = min(0.1, MOST_HELD / size)
        rest, calibration = _part(rest, share, images.y, settings.seed + 1)
    if settings.validation:
        share = min(settings.validation, MOST_HELD / size)
        rest, held = _part(rest, share, images.y, settings.seed + 2)
    return ImageParts(rest, held, calibration, test)


def examples(images: Images, pairs: Pairs, train: np.ndarray, held: np.ndarray | None) -> ImageExamples:
    """Return the examples of a network, with the scale of its training images."""
    z = images.x[train]
    count = z.size // z.shape[-1]
    sums = np.stack([np.bincount(z[..., c].ravel(), minlength=256) for c in range(z.shape[-1])]) / count
    levels = np.arange(256) / 255
    mean = sums @ levels
    deviation = np.sqrt(np.maximum(sums @ levels**2 - mean**2, 1e-6))
    return ImageExamples(
        pairs, train, held, len(images.classes), mean.astype(np.float32), deviation.astype(np.float32)
    )


def train_images(ready: ReadyImages, *, hooks: Sequence[Any] = (), resume: Run | None = None) -> Run:
    """Train the networks."""
    parts, settings = ready.parts, ready.settings
    data = examples(
        ready.images, _on_device(ready.images), parts.train, parts.held if len(parts.held) else None
    )
    return fit(
        ready.recipe,
        data if settings.members == 1 else Each([data] * settings.members),
        steps=ready.steps,
        budget=settings.budget,
        key=settings.seed,
        seeds=settings.members,
        hooks=hooks,
        resume=resume,
    )


def judge_images(ready: ReadyImages, run: Run) -> ImageFit:
    """Calibrate trained networks on images that did not train them and measure them on the test part."""
    images, parts = ready.images, ready.parts
    predictor = _predictor(images, run)
    rows = parts.calibration if len(parts.calibration) else parts.held
    answers, y = predictor.answers(images.x[rows]), images.y[rows].astype(np.int64)
    together = answers[0] if len(answers) == 1 else np.log(np.clip(predictor.mean(answers), 1e-12, 1))
    predictor = replace(predictor, temperature=temperature(together, y))
    level = ready.recipe.level
    sets = PredictionSets.calibrate(y, predictor.mean(answers), level=level)
    predictor = replace(predictor, sets=sets)
    evaluation = evaluate_images(
        predictor, images, parts, level, compare=ready.settings.baselines, seed=ready.settings.seed
    )
    names = ("training", "choosing the step", "calibration", "test")
    sizes = {name: len(part) for name, part in zip(names, parts, strict=True)}
    remarks = tuple([*ready.remarks, *run.info["remarks"]])
    return ImageFit(run, predictor, evaluation, ready.recipe, ready.settings, sizes, ready.source, remarks)


def _predictor(images: Images, run: Run) -> ImagePredictor:
    model = run.model
    if run.seeds == 1:
        model = jax.tree.map(lambda leaf: leaf[None] if isinstance(leaf, jax.Array) else leaf, model)
    model = jax.device_put(model, jax.local_devices()[0])
    height, width, channels = images.x.shape[1:]
    return ImagePredictor(images.classes, (height, width, channels), Stacked(model))


def _on_device(images: Images) -> Pairs:
    return Pairs(jnp.asarray(images.x), jnp.asarray(images.y))


def _part(rows: np.ndarray, share: float, y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows without a share of them, and the share."""
    rest, taken = split(len(rows), (1 - share, share), stratify=y[rows], seed=seed)
    return rows[rest], rows[taken]


def _steps(recipe: ImageNetwork, settings: ImageSettings, images: int) -> int:
    batch = min(recipe.batch or automatic_batch(images), images)
    return -(-images // batch) * (settings.epochs or automatic_epochs(images, recipe.map))


@contextmanager
def _keeping(out: Any, ready: ReadyImages, every: float = 20.0) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield the run's folder and the hook that writes checkpoints into it, or nothing if `out` is None."""
    if out is None:
        yield None, ()
        return
    from ansatz.store import RunFolder

    begun = {"settings": asdict(ready.settings), "source": ready.source}
    with RunFolder.create(out) as folder:
        yield folder, (Checkpoint(folder, every, extra={"kind": "images, unfinished", "images": begun}),)
