"""What is drawn from a trained generator of images."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ansatz.core import BadInput
from ansatz.generate.gan.game import Labeled
from ansatz.generate.images.gan_players import ImagePlayers
from ansatz.training.run import Run

AT_ONCE = 250
"""The images that are drawn at once."""


def draw_images(
    run: Run, count: int, *, seed: int = 0, classes: Any = None, averaged: bool = True
) -> np.ndarray:
    """Draw images `float32[count, H, W, C]` in [0, 1] of the classes asked for (see `GANFamily.draw`)."""
    model: ImagePlayers = run.member(0)
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise BadInput(f"The number of images is an integer of at least 1, not {count!r}.")
    label = _labels(model, count, classes, seed)
    noise, found = run.recipe.game.noise, []
    for part, at in enumerate(range(0, count, AT_ONCE)):
        z = noise.sample(jax.random.fold_in(jax.random.key(seed), part), AT_ONCE)
        found.append(paint(model, z, None if label is None else label[at : at + AT_ONCE], averaged=averaged))
    return np.concatenate(found)[:count]


def paint(model: ImagePlayers, z: Any, label: Any = None, *, averaged: bool = True) -> np.ndarray:
    """Return images `[N, H, W, C]` in [0, 1] of noise `z: [N, noise]`; too few classes begin again."""
    if label is not None:
        label = jnp.asarray(np.resize(label, len(z)), jnp.int32)
    drawn = _painted(model.generator.model if averaged else model.generator.live, z, label)
    # The critic saw the byte b as any of 2 (b + u) / 256 - 1.
    images = np.clip(((np.asarray(drawn, np.float32) + 1) * 128 - 0.5) / 255, 0, 1)
    return images.reshape(len(z), *model.shape)


@eqx.filter_jit
def _painted(generator: Any, z: Any, label: Any) -> Any:
    if label is None:
        return jax.vmap(generator)(z)
    return jax.vmap(lambda z, label: generator(Labeled(z, label)))(z, label)


def _labels(model: ImagePlayers, count: int, classes: Any, seed: int) -> np.ndarray | None:
    """Return a class for each of `count` images: those asked for, or drawn as often as they occur."""
    if not model.classes:
        if classes is not None:
            raise BadInput("The images had no classes; draw without one.")
        return None
    if classes is None:
        often = np.asarray(model.frequency.value, np.float64)
        return np.random.default_rng(seed).choice(model.classes, count, p=often / often.sum())
    wanted = np.asarray(classes)
    fits = np.issubdtype(wanted.dtype, np.integer) and ((wanted >= 0) & (wanted < model.classes)).all()
    if not fits or wanted.shape not in ((), (count,)):
        raise BadInput(
            f"Classes are numbers from 0 to {model.classes - 1}, one or one for each of {count} images, "
            f"not {classes!r}."
        )
    return np.broadcast_to(wanted, (count,)).astype(np.int32)
