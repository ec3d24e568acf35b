"""What a report shows of a diffusion on images: a film, draws with guidance, and images from half of them."""

import io
from typing import Any

import jax.numpy as jnp
import numpy as np
from PIL import Image

from ansatz.generate.diffusion.grids import grid
from ansatz.generate.diffusion.prediction import size
from ansatz.generate.diffusion.sampling import integrate, start
from ansatz.generate.images.diffusion_draw import condition, draw_images, inpaint, keys_of
from ansatz.generate.images.family import Figure
from ansatz.generate.images.sheet import sheet
from ansatz.results.animation import joined
from ansatz.training.run import Run

FRAMES = 24
SHOWN = 10
SCALES = (0.0, 1.0, 2.0, 4.0)


def figures(run: Run, images: np.ndarray, *, seed: int = 0) -> tuple[Figure, ...]:
    """Return the figures of the report; `images` were held out."""
    known = min(run.model.classes, SHOWN)
    made = [
        Figure(
            "From noise to images",
            "Each step takes away some of the noise that the network sees; the last ones decide on details.",
            film(run, 2 * SHOWN, seed=seed, classes=np.arange(2 * SHOWN) % known if known else None),
        )
    ]
    if known:
        made.append(
            Figure(
                "Guidance",
                f"The same noise with guidance {', '.join(f'{s:g}' for s in SCALES)} from row to row, "
                "a class a column: 0 ignores the class, 1 follows it as the data do, more exaggerates it.",
                guided(run, known, seed=seed),
            )
        )
    made.append(
        Figure(
            "From half an image",
            "An image that was held out, the half that the model is given, and what it makes of that.",
            completed(run, np.asarray(images)[:4], seed=seed),
        )
    )
    return tuple(made)


def film(run: Run, count: int, *, seed: int = 0, classes: Any = None, frames: int = FRAMES) -> bytes:
    """Return a GIF of `count` images as they come out of the noise, by one step of DDIM a frame."""
    model, told = run.model, condition(run, count, classes, None)
    denoiser, keys = model.model, keys_of(seed, count)
    times = grid(denoiser.schedule, frames, "angle")
    x, pictures = start(denoiser, keys, model.shape), []
    for at in range(frames):
        shown = model.outside(x / size(denoiser.schedule, times[at], denoiser.deviation))
        pictures.append(Image.open(io.BytesIO(sheet(shown, SHOWN))).convert("P"))
        if at < frames - 1:
            ends = jnp.asarray(times[at : at + 2])
            x = integrate(denoiser, x, ends, keys, sampler="ddim", condition=told)
    return joined(pictures, "GIF")


def guided(run: Run, known: int, *, seed: int = 0) -> bytes:
    """Return draws of the first classes, a column each, with the scales of guidance from row to row."""
    # Every image of a column begins with the same noise: only the guidance differs.
    rows = [draw_images(run, known, seed=seed, classes=np.arange(known), guidance=scale) for scale in SCALES]
    return sheet(np.concatenate(rows), known)


def completed(run: Run, images: np.ndarray, *, seed: int = 0, count: int = 6) -> bytes:
    """Return for each image a row: it, its upper half, and `count` images with that half."""
    height, width, _ = run.model.shape
    known = np.zeros((height, width), bool)
    known[: height // 2] = True
    rows = []
    for image in images:
        seen = image / np.float32(255)
        rows += [seen[None], np.where(known[:, :, None], seen, np.float32(0.5))[None]]
        rows.append(inpaint(run, image, known, count, seed=seed))
    return sheet(np.concatenate(rows), count + 2)
