"""Drawing images from a trained diffusion, filling in what is missing, and how likely images are."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array

from ansatz.core import BadInput
from ansatz.data.token_words import WordTokens
from ansatz.generate.diffusion.guidance import Guided
from ansatz.generate.diffusion.inverse import solve_inverse
from ansatz.generate.diffusion.likelihood import log_density
from ansatz.generate.diffusion.operators import Mask
from ansatz.generate.diffusion.samplers import Sampler
from ansatz.generate.diffusion.sampling import sample
from ansatz.generate.images.diffusion_sentences import tokens
from ansatz.generate.images.family import Bound
from ansatz.maps.condition import Told
from ansatz.training.run import Run

AT_ONCE = 256
"""The most images that are worked on at once."""
JUDGED = 64
"""The most images whose likelihood is estimated: it takes a hundred times as long as drawing them."""


def draw_images(
    run: Run,
    count: int,
    *,
    seed: int = 0,
    classes: Any = None,
    sentences: Any = None,
    sampler: str | Sampler = "dpm++",
    steps: int = 24,
    guidance: float = 1.0,
    grid: str = "karras",
) -> np.ndarray:
    """Draw images `float32[count, H, W, C]` in [0, 1] from a run of `ImageDiffusion`.

    `classes` is a class or one for each image; `sentences` a text or one for each image, of words of the
    training.  `guidance` is the scale of their guidance (see `Guided`); `sampler`, `steps` and `grid` are
    those of `sample`.  The first images are the same for any count, up to rounding.
    """
    model, told = run.model, condition(run, count, classes, sentences)
    denoiser = model.model if guidance == 1 else Guided(model.model, float(guidance))  # type: ignore

    def draw(keys: Array, told: Any) -> Array:
        drawn = sample(denoiser, keys, model.shape, sampler=sampler, steps=steps, grid=grid, condition=told)
        return model.outside(drawn)

    return in_blocks(draw, keys_of(seed, count), told)


def condition(run: Run, count: int, classes: Any, sentences: Any) -> Told | None:
    """Return what is told of each of `count` images, checked, or None for nothing."""
    model = run.model
    if run.seeds != 1:
        raise BadInput(f"Images are drawn from a run with one seed, and this has {run.seeds}.")
    label = words = None
    if classes is not None:
        codes = np.asarray(classes)
        fits = codes.shape in ((), (count,)) and np.issubdtype(codes.dtype, np.integer)
        if not fits or codes.min() < 0 or codes.max() >= model.classes:
            raise BadInput(
                f"This model knows {model.classes} classes; one below that is given, or one for each of "
                f"{count} images, and not {codes.dtype} of shape {list(codes.shape)}: {classes!r}."
            )
        label = jnp.asarray(np.broadcast_to(codes, (count,)), jnp.int32)
    if sentences is not None:
        texts = [sentences] * count if isinstance(sentences, str) else list(sentences)
        if not model.words:
            raise BadInput("This model reads no sentences: train it on some.")
        if len(texts) != count:
            raise BadInput(f"There are {len(texts)} sentences for {count} images: give one, or one for each.")
        words = jnp.asarray(tokens(texts, WordTokens(model.words, specials=()), model.length))
    return None if label is None and words is None else Told(label, words)


def inpaint(
    run: Run,
    image: Any,
    known: Any,
    count: int = 16,
    *,
    seed: int = 0,
    noise: float = 0.02,
    classes: Any = None,
    sentences: Any = None,
    steps: int = 32,
    iterations: int = 3,
    **options: Any,
) -> np.ndarray:
    """Draw `count` images that agree with an image `[H, W, C]` of bytes where a mask `[H, W]` is True.

    What differs between them is what the known pixels leave open.  `noise`, in units of [0, 1], is how
    closely the drawing follows the known pixels, which then stand in the images as they were given; the
    other arguments are those of `draw_images` and `solve_inverse`.
    """
    model, told = run.model, condition(run, count, classes, sentences)
    pixels, mask = np.asarray(image), np.asarray(known)
    if pixels.shape != model.shape or pixels.dtype != np.uint8:
        raise BadInput(
            f"The image is {pixels.dtype} of shape {list(pixels.shape)}; this model draws bytes "
            f"{list(model.shape)}."
        )
    if mask.shape != model.shape[:2] or mask.dtype != np.bool_:
        raise BadInput(
            f"The mask says of each of {model.shape[0]} × {model.shape[1]} pixels whether it is known, True "
            f"or False, and this is {mask.dtype} of shape {list(mask.shape)}."
        )
    operator = Mask(np.broadcast_to(mask[:, :, None], model.shape))
    scale = float(model.scale.value)
    z = ((jnp.asarray(pixels, jnp.float32) + 0.5) / 256 - model.center.value) / scale
    # Fresh noise at each step mends what the approximate correction of the steps before got wrong.
    settings = {"covariance": "isotropic", "iterations": iterations, "steps": steps, "sampler": "ddpm"}
    settings |= options

    def draw(keys: Array, told: Any) -> Array:
        found = solve_inverse(
            model.model, operator, operator(z), noise / scale, keys, model.shape, condition=told, **settings
        )
        return model.outside(found.samples)

    drawn = in_blocks(draw, keys_of(seed, count), told)
    return np.where(mask[None, :, :, None], pixels / np.float32(255), drawn)


def bound(run: Run, images: np.ndarray, classes: Any = None, *, steps: int = 24, probes: int = 2) -> Bound:
    """Return an estimate of -log p in nats for each image of bytes, of the first 64 of them.

    The density of the probability flow at ``b + u``, u uniform in [0, 1) for each byte b, gives
    ``log P(b) ≥ E log p(b + u)`` by Jensen's inequality; its divergence is estimated with random signs
    (Hutchinson), and its integral by `steps` Runge-Kutta steps.
    """
    model, some = run.model, np.asarray(images)[:JUDGED]
    if classes is not None:
        classes = np.broadcast_to(np.asarray(classes), (len(images),))[:JUDGED]
    told = condition(run, len(some), classes, None)
    z = model.inside(jnp.asarray(some), jr.key(1))
    found = log_density(model.model, z, steps=steps, probes=probes, key=jr.key(2), condition=told)
    pixels = math.prod(model.shape)
    # z = (b + u) / (256 · scale) + …: the density of a byte is that of z over 256 · scale, once a pixel.
    values = pixels * math.log(256 * float(model.scale.value)) - np.asarray(found.value, np.float64)
    what = "negative log-density of bytes spread over their steps, by the probability flow"
    return Bound(what, float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values))))


def keys_of(seed: int, count: int) -> Array:
    """Return a key for each of `count` images; those of the first are the same for any count."""
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
        raise BadInput(f"The number of images is an integer of at least 1, not {count!r}.")
    return jax.vmap(lambda i: jr.fold_in(jr.key(seed), i))(jnp.arange(count, dtype=jnp.uint32))


def in_blocks(work: Callable[[Array, Any], Array], keys: Array, told: Any) -> np.ndarray:
    """Return `work(keys, told)` in blocks of few different lengths, as one array."""
    count, parts = len(keys), []
    for begin in range(0, count, AT_ONCE):
        length = min(AT_ONCE, count - begin)
        room = min(AT_ONCE, 1 << max(length - 1, 7).bit_length())
        index = jnp.minimum(begin + jnp.arange(room), count - 1)
        block = work(keys[index], jax.tree.map(lambda leaf, i=index: leaf[i], told))
        parts.append(np.asarray(block, np.float32)[:length])
    return np.concatenate(parts)
