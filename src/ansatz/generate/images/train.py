"""`generate_images`: from a folder of images to a model that draws more like them, and what it is worth."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ansatz.generate.images.budget import REST, plan_images
from ansatz.generate.images.families import family_of
from ansatz.generate.images.judge import Measure, about_bits, judge_images
from ansatz.generate.images.model import KIND, ImageGenerator
from ansatz.generate.images.settings import ImagesSettings, sort_out_images
from ansatz.generate.images.source import GivenImages, SplitImages, find_images, split_images
from ansatz.generate.ready import Ready, generated, planned, repeated, time_left, train
from ansatz.training.run import Run

GREY = 0.35
"""Where a larger share of the numbers is neither near black nor near white, images are no ink on paper."""


@dataclasses.dataclass(frozen=True)
class ReadyModel(Ready):
    """Images that are read and split, and what will be trained on them."""

    images: SplitImages


def generate_images(
    data: Any, *, out: Any = None, hooks: Sequence[Any] = (), resume: Run | None = None, **options: Any
) -> ImageGenerator:
    """Train a model that draws more images like these, and say how near they come to ones it has not seen.

    **Arguments**

    - `data`: a folder of images, with one subfolder a class or without, an NPZ archive or IDX files, the
      name of a data set ("digits", "mnist", "fashion-mnist"), or arrays: x `[N, H, W(, C)]`, or (x, classes).
    - `out`: a folder for the run, written whole or not at all, and resumable while it grows.
    - `resume`: a run that was interrupted, to go on with; its sizes and steps are kept.
    - `options`: any field of `ImagesSettings` (model, budget, steps, parameters, seed, …) and of the recipe
      of the model: `ImageDiffusion`, `ImageVAE`, `ImageGAN` or `ImageTransformer`.

    Returns an `ImageGenerator`: `sample`, `judged`, `report`, `save`.
    Raises `BadInput` with one sentence for whatever is wrong with the images or an option, and
    `KeyboardInterrupt` after Ctrl-C, with the training so far kept in `out`.

    >>> x = np.random.default_rng(0).integers(0, 256, (60, 6, 6)).astype(np.uint8)
    >>> model = generate_images(x, model="vae", steps=4, width=8, latent=2, baselines=False)
    >>> model.sample(3, seed=1).shape
    (3, 6, 6, 1)
    """
    settings, recipe, given = sort_out_images(options)

    def make(settings: ImagesSettings, recipe: Any, **how: Any) -> ReadyModel:
        return make_ready_model(find_images(data), settings, recipe, given, **how)

    chosen = settings, recipe
    return generated(KIND, chosen, make, judged_model, out=out, hooks=hooks, resume=resume)


def make_ready_model(
    given_images: GivenImages,
    settings: ImagesSettings,
    recipe: Any,
    given: frozenset[str] = frozenset(),
    *,
    begun: dict[str, Any] | None = None,
    training_only: bool = False,
    tell: Callable[[str], None] = lambda words: None,
) -> ReadyModel:
    """Split images and choose what is trained; `begun` repeats earlier choices.

    With `training_only` the budget is that of the training, and nothing is kept for what follows it.
    """
    started = time.monotonic()
    images, remarks = split_images(given_images, settings)
    data = images.pairs(settings)
    if begun is None:
        recipe = fitting(recipe, given, images.train)
        rest = 0.0 if training_only else REST
        left = time_left(settings, started)
        chosen = plan_images(
            family_of(settings.model), recipe, data, settings, given, seconds=left, rest=rest, tell=tell
        )
    else:
        chosen = repeated(recipe, settings.steps, begun)
    settings = planned(settings, chosen, started)
    source = given_images.source | {"levels": images.levels}
    return ReadyModel(data, settings, chosen, source, remarks, images)


def fitting(recipe: Any, given: frozenset[str], x: np.ndarray) -> Any:
    """Return a recipe whose open choices fit images of bytes: the likelihood, and a batch that they fill."""
    if hasattr(recipe, "likelihood") and "likelihood" not in given:
        counts = np.bincount(x.ravel(), minlength=256)
        grey = counts[32:224].sum() / x.size > GREY or x.shape[3] > 1
        if grey and not recipe.binarize:
            recipe = dataclasses.replace(recipe, likelihood="gaussian")
    if "batch" not in given and recipe.batch > len(x):
        recipe = dataclasses.replace(recipe, batch=len(x))
    return recipe


train_model = train
"""Train the network on images that are ready."""


def judged_model(ready: ReadyModel, run: Run, measure: Measure | None = None) -> ImageGenerator:
    """Measure a trained model on the images held out, beside the classical ones."""
    judged, pictures = judge_images(ready, run, measure)
    height, width, channels = ready.images.train.shape[1:]
    bits = about_bits(judged, ready.images.levels)
    return ImageGenerator(
        run, judged, pictures, ready.images.classes, (height, width, channels), ready.settings, ready.source,
        (*ready.remarks, *run.info["remarks"], *([bits] if bits else [])),
    )  # fmt: skip
