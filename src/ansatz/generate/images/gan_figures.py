"""What is shown of adversarial networks of images: draws, ways between them, and how the game went."""

from typing import Any

import jax
import numpy as np

from ansatz.core import BadInput
from ansatz.generate.gan.dirac import DiracGAN
from ansatz.generate.gan.portrait import dirac_portrait
from ansatz.generate.images.family import Figure
from ansatz.generate.images.gan_draw import draw_images, paint
from ansatz.generate.images.sheet import sheet
from ansatz.results.plots import loss_curves
from ansatz.training.run import Run

SHOWN = 10
"""The columns of a sheet, and the most classes on it."""
ROWS = 5
POINTS = 300
"""The points of a curve: each is the mean over its share of the steps."""
STEPS = 400


def gan_figures(run: Run, images: np.ndarray, seed: int = 0) -> tuple[Figure, ...]:
    """Return the figures of a report of images held out, `uint8[N, H, W, C]`."""
    shape = run.model.shape
    if images.ndim != 4 or images.shape[1:] != shape or not len(images):
        raise BadInput(f"The figures want images of shape {list(shape)}, not {list(images.shape)}.")
    shown = (draws_by_class(run, seed), between_draws(run, seed), nearest(run, images, seed))
    return (*shown, *curves(run), portrait(run))


def draws_by_class(run: Run, seed: int = 0) -> Figure:
    """Return a row of draws for each class, from the same noise in each column; without classes, draws."""
    model = run.model
    known = min(model.classes, SHOWN)
    if not known:
        words = "Each image is what the generator makes of noise of its own."
        return Figure("Draws", words, sheet(draw_images(run, SHOWN * ROWS, seed=seed), SHOWN))
    z = _noise(run, seed, SHOWN)
    rows = [paint(model, z, np.full(SHOWN, one)) for one in range(known)]
    words = "A row for each class, a column for each noise: what the classes share stays down a column."
    return Figure("Draws by class", words, sheet(np.concatenate(rows), SHOWN))


def between_draws(run: Run, seed: int = 0) -> Figure:
    """Return what the generator makes of noise on the way from one draw to another, a row for each way."""
    ends = _noise(run, seed + 1, 2 * ROWS).reshape(2, ROWS, 1, -1)
    z = arc(ends[0], ends[1], np.linspace(0, 1, SHOWN)[None, :, None])
    classes = run.model.classes
    label = np.repeat(np.arange(ROWS) % classes, SHOWN) if classes else None
    drawn = paint(run.model, z.reshape(ROWS * SHOWN, -1), label)
    words = (
        "Each row goes from one noise to another, the length kept; a generator that had learned images "
        "by heart would jump from one to the next."
    )
    return Figure("From one draw to another", words, sheet(drawn, SHOWN))


def nearest(run: Run, images: np.ndarray, seed: int = 0) -> Figure:
    """Return draws above the nearest of the images held out, by the distance of their pixels."""
    drawn = draw_images(run, SHOWN, seed=seed + 2)
    held = images.reshape(len(images), -1).astype(np.float32) / 255
    flat = drawn.reshape(SHOWN, -1)
    apart = (flat**2).sum(1)[:, None] - 2 * flat @ held.T + (held**2).sum(1)
    found = images[apart.argmin(1)] / np.float32(255)
    words = "Above, draws; below, of the images held out the one whose pixels are nearest."
    return Figure("Draws and their neighbors in data", words, sheet(np.concatenate([drawn, found]), SHOWN))


def curves(run: Run) -> tuple[Figure, Figure]:
    """Return the losses of both players, and the critic's answers on data and on fakes."""
    losses = {name: binned(run.history[name]) for name in ("critic", "generator")}
    answers = {
        name: binned(run.history[f"critic/{key}"]) for name, key in (("data", "real"), ("fakes", "fake"))
    }
    return (
        Figure(
            "Losses",
            "In a game no loss has to fall: each player's depends on the other. That they stay away from "
            "their extremes says that neither has won.",
            loss_curves(losses, y_label="loss"),
        ),
        Figure(
            "What the critic answers",
            "The mean logit on data and on fakes: the closer the two, the less the critic can tell.",
            loss_curves(answers, y_label="mean logit"),
        ),
    )


def portrait(run: Run) -> Figure:
    """Return the phase portrait of the Dirac GAN under the run's rules and without their penalties."""
    one = run.recipe
    penalties = {"r1": one.r1, "r2": one.r2, "slope_one": one.slope_one}
    ruled = DiracGAN(one.loss, critic_steps=one.critic_steps, **penalties)
    recipes = {"the rules of this run": ruled}
    if any(penalties.values()):
        recipes["without penalties"] = DiracGAN(one.loss, critic_steps=one.critic_steps)
    words = (
        "The same loss and penalties in the smallest game there is: a generator that makes one point θ, a "
        "critic ψ x, and data at 0. Both should end in the middle; the arrows are the field of this run's "
        "rules, and without penalties the path goes around or away."
    )
    return Figure("Phase portrait", words, dirac_portrait(recipes, STEPS))


def arc(start: np.ndarray, end: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return ``a sin((1 - t) ω) / sin ω + b sin(t ω) / sin ω``, ω the angle of a and b along the last axis.

    >>> arc(np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([0.5])).round(4).tolist()
    [0.7071, 0.7071]
    """
    length = np.linalg.norm(start, axis=-1) * np.linalg.norm(end, axis=-1)
    cosine = (start * end).sum(-1) / np.maximum(length, 1e-12)
    omega = np.arccos(np.clip(cosine, -1 + 1e-6, 1 - 1e-6))[..., None]
    return (np.sin((1 - share) * omega) * start + np.sin(share * omega) * end) / np.sin(omega)


def binned(values: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return steps and means of `values: [T]` over equal shares of them; what is not finite counts not.

    >>> [part.tolist() for part in binned(np.array([1.0, np.nan]))]
    [[1.0], [1.0]]
    """
    values = np.asarray(values, np.float64)
    steps = np.arange(1, len(values) + 1)
    there = np.isfinite(values)
    parts = np.array_split(np.flatnonzero(there), min(POINTS, max(int(there.sum()), 1)))
    parts = [part for part in parts if len(part)]
    found = [(steps[part].mean(), values[part].mean()) for part in parts]
    at, mean = np.array(found).reshape(-1, 2).T
    return at, mean


def _noise(run: Run, seed: int, count: int) -> np.ndarray:
    return np.asarray(run.recipe.game.noise.sample(jax.random.key(seed), count))
