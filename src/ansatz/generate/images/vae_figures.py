"""What is shown of an autoencoder of images: reconstructions, the map of its codes, ways and walks."""

from typing import Any

import numpy as np
from scipy.stats import norm

from ansatz.core import BadInput
from ansatz.generate.images.family import Figure
from ansatz.generate.images.sheet import sheet
from ansatz.generate.images.vae_walk import REACH, latent_walk
from ansatz.generate.vae.result import FittedVAE

SHOWN = 12
MOST = 2000
"""The most images that are encoded for a report."""
SIDE = 15
STEPS = 11
WAYS = 6


def vae_figures(
    fitted: FittedVAE, images: np.ndarray, classes: Any = None, seed: int = 0
) -> tuple[Figure, ...]:
    """Return the figures of a report of images held out, `uint8[N, H, W, C]`, and their `classes: [N]`."""
    shape = fitted.run.model.shape
    if images.ndim != 4 or images.shape[1:] != shape or len(images) < 4:
        raise BadInput(
            f"The figures want at least 4 images of shape {list(shape)}, not {list(images.shape)}."
        )
    chosen = np.random.default_rng(seed).permutation(len(images))[:MOST]
    rows = images[chosen].reshape(len(chosen), -1).astype(np.float32) / 255
    codes = fitted.encode(rows)
    found = [
        reconstructions(fitted, rows),
        code_map(fitted, codes),
        ways(fitted, codes),
        walks(fitted, codes),
    ]
    if classes is not None:
        found.append(class_ways(fitted, rows, np.asarray(classes)[chosen]))
    page = latent_walk(fitted.run.model, shape, codes)
    if page is not None:
        words = (
            "The decoder runs in this page. Each slider moves one component of the code, in deviations of "
            "the prior; the components that say the most stand first, and the others stay as they are."
        )
        found.append(Figure("A walk through the codes", words, page))
    return tuple(found)


def reconstructions(fitted: FittedVAE, rows: np.ndarray) -> Figure:
    """Return images above what codes of so many numbers leave of them: the model's, and PCA's.

    PCA has half of the images to learn from, and all errors are of the other half.
    """
    learn, show = rows[len(rows) // 2 :], rows[: len(rows) // 2]
    mine = np.clip(fitted.reconstruct(show), 0, 1)
    count = min(fitted.latent, len(learn) - 1)
    center = learn.mean(0)
    axes = np.linalg.svd(learn - center, full_matrices=False)[2][:count]
    theirs = np.clip((show - center) @ axes.T @ axes + center, 0, 1)
    errors = [float(((one - show) ** 2).mean()) for one in (mine, theirs)]
    words = (
        f"Images that did not train, above what is left of them in {fitted.latent} numbers by the model "
        f"(mean squared error {errors[0]:.4f} a pixel) and in {count} by PCA ({errors[1]:.4f}), which was "
        f"fitted to {len(learn)} other images that did not train the model either."
    )
    shown = np.concatenate([show[:SHOWN], mine[:SHOWN], theirs[:SHOWN]])
    return Figure("Through the bottleneck", words, _sheet(fitted, shown, min(SHOWN, len(show))))


def code_map(fitted: FittedVAE, codes: np.ndarray) -> Figure:
    """Return what codes in a plane decode to: all of them where a code has two numbers."""
    at = norm.ppf((np.arange(SIDE) + 0.5) / SIDE)
    first, second = (part.ravel() for part in np.meshgrid(at, at[::-1]))
    if fitted.latent == 2:
        z = np.stack([first, second], 1)
        words = "All codes: the two numbers at equal shares of the prior, each from low to high."
    else:
        center = codes.mean(0)
        size, axes = np.linalg.svd((codes - center) / np.sqrt(len(codes)), full_matrices=False)[1:]
        if fitted.latent == 1:
            size, axes = np.append(size[:1], 0.0), np.concatenate([axes[:1], axes[:1]])
        share = (size[:2] ** 2).sum() / (size**2).sum()
        z = center + first[:, None] * size[0] * axes[0] + second[:, None] * size[1] * axes[1]
        words = (
            "The plane in which codes of images vary the most, in steps of equal shares of a normal "
            f"distribution; it holds {100 * share:.0f} % of their variance."
        )
    return Figure("The map of codes", words, _sheet(fitted, fitted.decode(z), SIDE))


def ways(fitted: FittedVAE, codes: np.ndarray) -> Figure:
    """Return pictures on straight ways between the codes of images."""
    count = min(WAYS, len(codes) // 2)
    ends = codes[: 2 * count].reshape(count, 2, -1)
    at = np.linspace(0, 1, STEPS)[None, :, None]
    z = (1 - at) * ends[:, :1] + at * ends[:, 1:]
    shown = fitted.decode(z.reshape(-1, fitted.latent))
    return Figure(
        "From one image to another", "Each row goes straight from code to code.", _sheet(fitted, shown, STEPS)
    )


def walks(fitted: FittedVAE, codes: np.ndarray) -> Figure:
    """Return what each of the components that vary the most does to an image."""
    order = np.argsort(-codes.var(0), kind="stable")[:WAYS]
    z = np.repeat(codes[:1], len(order) * STEPS, axis=0).reshape(len(order), STEPS, -1)
    for row, component in enumerate(order):
        z[row, :, component] = np.linspace(-REACH, REACH, STEPS)
    names = ", ".join(str(one + 1) for one in order)
    words = f"Rows: components {names} of one code from -{REACH:g} to {REACH:g}; the others stay."
    return Figure(
        "One component at a time", words, _sheet(fitted, fitted.decode(z.reshape(-1, fitted.latent)), STEPS)
    )


def class_ways(fitted: FittedVAE, rows: np.ndarray, classes: np.ndarray) -> Figure:
    """Return what an image becomes as the direction from its class to the next is added to its code."""
    names = np.unique(classes)
    if len(names) < 2:
        raise BadInput("Directions between classes want images of at least two classes.")
    at = np.linspace(0, 1.2, STEPS)[:, None]
    found = []
    for here, there in zip(names, np.roll(names, -1), strict=True):
        step = fitted.direction(rows, classes, here, there)
        found.append(fitted.encode(rows[classes == here][:1]) + at * step)
    shown = fitted.decode(np.concatenate(found))
    words = "Each row adds, step by step, the difference of the mean codes of the next class and this one."
    return Figure("Directions between classes", words, _sheet(fitted, shown, STEPS))


def _sheet(fitted: FittedVAE, rows: np.ndarray, columns: int) -> bytes:
    return sheet(np.clip(rows, 0, 1).reshape(len(rows), *fitted.run.model.shape), columns)
