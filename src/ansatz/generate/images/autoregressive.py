"""Images written pixel by pixel by a transformer: the recipe, exact likelihoods, draws and completions."""

import dataclasses
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ansatz.core import BadInput, Pairs, Parts, Recipe, Watch, count_parameters
from ansatz.data.table import Blocks, Table
from ansatz.generate.autoregressive import power_of_two
from ansatz.generate.choice import Rows, row_keys
from ansatz.generate.images.family import Bound, Family, Figure, as_images
from ansatz.generate.images.patches import Layout, draw_bytes, make_levels, usual_patch
from ansatz.generate.images.pixel_transformer import (
    Cut,
    PixelTransformer,
    Sizes,
    log_likelihood,
    nats,
    write,
)
from ansatz.generate.images.sheet import attention_sheet, sheet
from ansatz.generate.rows import check_held, set_aside
from ansatz.generate.text_network import OPTIMIZERS, Linear, TextNetwork
from ansatz.training.run import Run
from ansatz.training.updates import Descend

AT_ONCE = 256
"""The images that are drawn or judged at once."""
HELD = 1000
"""The most images on which a validation during the training looks."""


class ImageTransformer(Recipe):
    """Learn images pixel by pixel, with an exact likelihood.

    - `layers`, `size`, `heads`: of the transformer between patches; 0 heads to choose.
    - `patch`: the side of a patch in pixels; 0 for at most 49 patches an image.
    - `inner`: the nodes for a pixel within its patch.
    - `levels`: the gray levels that are learned; the values of the images where they have few, and within a
      level their frequencies are counted.
    - `batch`: the images in a step; `dropout`: the share of each block's result that is dropped in training.
    - `optimizer`: muon or adamw; `learning_rate`: 0 to choose; `warmup`: the share of the run in which it
      rises, before it falls to 0; `weight_decay`, `clip`: of the optimizer.
    - `held`: the share of the images, in [0, 1), on which the loss is watched and that do not train.
    """

    layers: int = 3
    size: int = 96
    heads: int = 0
    patch: int = 0
    inner: int = 64
    levels: int = 16
    batch: int = 64
    dropout: float = 0.1
    optimizer: str = "muon"
    learning_rate: float = 0.0
    warmup: float = 0.05
    weight_decay: float = 0.01
    clip: float = 1.0
    held: float = 0.05

    def __check_init__(self) -> None:
        """Refuse what cannot be trained, before an image is read."""
        for name, least in (
            ("layers", 1),
            ("size", 2),
            ("heads", 0),
            ("patch", 0),
            ("inner", 1),
            ("batch", 1),
        ):
            if getattr(self, name) < least:
                raise BadInput(f"{name}={getattr(self, name)} is too small: it is at least {least}.")
        check_held(self.held, "images")
        if self.optimizer not in OPTIMIZERS:
            raise BadInput(f"There is no optimizer {self.optimizer!r} here; it is muon or adamw.")
        if not 2 <= self.levels <= 256:
            raise BadInput(f"levels={self.levels} is no number of gray levels: it is from 2 to 256.")
        self._trained()
        self._sizes()

    def build(self, data: Any, key: Any) -> Parts:
        """Return the parts for images `uint8[N, H, W, C]` and classes `[N]` or None."""
        x, y = as_images(data)
        order, inside = jax.random.split(key)
        train, held = set_aside(order, len(x), self.held, HELD)
        levels = make_levels(x[train], self.levels)
        model = self.model(x.shape[1:], levels, _frequency(y, train), inside)
        cut = model.layout.cut(levels.of_byte[x].astype(np.uint8))
        pairs = Pairs(jnp.asarray(cut), jnp.asarray(np.zeros(len(x), np.int32) if y is None else y))
        watch = None
        if len(held):
            blocks = Blocks(pairs, min(AT_ONCE, len(held)), held)
            watch = Watch(blocks, nats, max(50, len(train) // (2 * self.batch)), blocks.blocks)
        down = Descend(nats, self._trained().rule(), schedule=Linear(self.warmup))
        return Parts(model, Table(pairs, self.batch, train), (down,), watch=watch)

    def model(self, shape: Any, levels: Any, frequency: Any, key: Any) -> PixelTransformer:
        """Return the untrained model for images of a shape `(H, W, C)`."""
        height, width, channels = shape
        layout = Layout(height, width, channels, self.patch or usual_patch(height, width))
        return PixelTransformer(layout, levels, frequency, self._sizes(), key=key)

    def _sizes(self) -> Sizes:
        even = [h for h in range(1, max(self.size // 32, 1) + 1) if self.size % h == 0]
        heads = self.heads or max(even)
        if self.size % heads:
            raise BadInput(f"{self.size} components cannot be cut into {heads} heads of equal size.")
        return Sizes(self.layers, self.size, heads, self.inner, self.dropout)

    def _trained(self) -> TextNetwork:
        """Return the recipe whose rule of training this one shares."""
        return TextNetwork(
            optimizer=self.optimizer, learning_rate=self.learning_rate, warmup=self.warmup,
            weight_decay=self.weight_decay, clip=self.clip, dropout=self.dropout,
        )  # fmt: skip


class AutoregressiveFamily(Family):
    """Images by a transformer, one pixel after the other."""

    name = "autoregressive"
    recipe = ImageTransformer

    def sized(self, recipe: Any, shape: tuple[int, int, int], parameters: int) -> Any:
        """Return the recipe whose transformer has the size that gives about so many parameters."""
        levels = make_levels(np.arange(256, dtype=np.uint8), recipe.levels)

        def count(size: int) -> int:
            tried = dataclasses.replace(recipe, size=size, heads=0, inner=max(size * 2 // 3, 4))
            built = eqx.filter_eval_shape(tried.model, shape, levels, np.ones(10), jax.random.key(0))
            return count_parameters(built)

        size = min(range(16, 769, 16), key=lambda one: abs(count(one) - parameters))
        return dataclasses.replace(recipe, size=size, heads=0, inner=max(size * 2 // 3, 4))

    def draw(self, run: Run, count: int, *, seed: int = 0, classes: Any = None, **options: Any) -> np.ndarray:
        """Draw images in [0, 1]; `temperature` below 1 keeps to what is likely."""
        temperature = float(options.pop("temperature", 1.0))
        if options:
            raise BadInput(f"There is no option {sorted(options)[0]!r} here; it is temperature.")
        if not 0 < temperature < math.inf:
            raise BadInput(f"The temperature is {temperature}; it is a number above 0.")
        model = run.model
        labels = _labels(model, count, classes, seed)
        return _drawn(model, labels, seed, temperature=temperature)

    def figures(self, run: Run, images: np.ndarray, *, seed: int = 0) -> tuple[Figure, ...]:
        """Return completions of half images, and where the transformer looks."""
        model = run.model
        some = np.asarray(images[:8])
        labels = _likeliest(model, some)
        half = np.zeros(some.shape[1:], bool)
        half[: some.shape[1] // 2] = True
        again = [_drawn(model, labels, seed + 1 + at, known=half, given=some) for at in range(3)]
        shown = some / np.float32(255)
        top = np.where(half[None], shown, np.float32(0.5))
        rows = np.concatenate([shown, top, *again])
        words = "Held-out images, the half that is given, and three ways in which the model goes on."
        return (
            Figure("Completions", words, sheet(rows, len(some))),
            Figure(
                "Where it looks",
                "How much the patch in the frame takes from the class (the bar on the left) and from the "
                "patches before it, the mean over the heads; a row for each layer.",
                attention_sheet(model, some[0], int(labels[0])),
            ),
        )

    def bound(self, run: Run, images: np.ndarray, classes: Any = None) -> Bound | None:
        """Return the mean of -log p of bytes, which is exact; given the class where `classes` are."""
        model = run.model
        known = len(model.frequency.value) > 1
        if known and classes is None:
            logs = np.stack([logs_of(model, images, np.full(len(images), c)) for c in _all(model)])
            weighted = logs + np.log(np.asarray(model.frequency.value))[:, None]
            found = np.logaddexp.reduce(weighted, axis=0)
        else:
            found = logs_of(model, images, np.zeros(len(images), int) if not known else classes)
        error = float(found.std(ddof=1) / math.sqrt(len(found))) if len(found) > 1 else math.inf
        what = "−log p, exact, given the class" if known and classes is not None else "−log p, exact"
        return Bound(what, -float(found.mean()), error)


def logs_of(model: PixelTransformer, images: np.ndarray, labels: Any) -> np.ndarray:
    """Return ``log p`` of images of bytes `[N, H, W, C]` with these classes `[N]`."""
    levels = jax.tree.map(np.asarray, model.levels.value)
    layout, found = model.layout, []
    if np.shape(images)[1:] != (layout.height, layout.width, layout.channels):
        raise BadInput(
            f"The model is of images {[layout.height, layout.width, layout.channels]}, and these are "
            f"{list(np.shape(images)[1:])}."
        )
    cut = layout.cut(levels.of_byte[images])
    within = jnp.asarray(layout.within())
    labels = np.asarray(labels, np.int32)
    for at in range(0, len(cut), AT_ONCE):
        rows = np.minimum(np.arange(at, at + AT_ONCE), len(cut) - 1)
        logs = _logs(model, Cut(jnp.asarray(cut[rows]), jnp.asarray(labels[rows])), within)
        found.append(np.asarray(logs, np.float64)[: len(cut) - at])
    bytes_ = np.log(levels.chance.astype(np.float64))[images].sum((1, 2, 3))
    return np.concatenate(found) + bytes_


_logs = eqx.filter_jit(log_likelihood)


def _drawn(
    model: PixelTransformer,
    labels: np.ndarray,
    seed: int,
    *,
    temperature: float = 1.0,
    known: Any = None,
    given: Any = None,
) -> np.ndarray:
    """Draw an image for each class in `labels`; where `known: [H, W, C]`, the pixels are those `given`."""
    levels, layout = jax.tree.map(np.asarray, model.levels.value), model.layout
    shape = (layout.height, layout.width, layout.channels)
    mask = layout.cut(np.zeros((1, *shape), bool) if known is None else known[None])[0]
    # Over the edge of the image all is 0, as in training.
    mask |= ~layout.within()
    bytes_ = np.zeros((len(labels), *shape), np.uint8) if given is None else np.asarray(given)
    fixed = layout.cut(levels.of_byte[bytes_])
    fixed[:, ~layout.within()] = 0
    keys, found = row_keys(seed, len(labels)).keys, []
    for at in range(0, len(labels), AT_ONCE):
        size = min(power_of_two(min(AT_ONCE, len(labels) - at)), AT_ONCE)
        rows = np.minimum(np.arange(at, at + size), len(labels) - 1)
        chosen = write(
            model, jnp.asarray(labels[rows], jnp.int32), Rows(keys[rows]), jnp.asarray(mask),
            jnp.asarray(fixed[rows]), jnp.asarray(temperature, jnp.float32),
        )  # fmt: skip
        found.append(np.asarray(chosen)[: len(labels) - at])
    drawn = draw_bytes(levels, layout.join(np.concatenate(found)), np.random.default_rng(seed))
    if known is not None:
        drawn = np.where(known[None], bytes_, drawn)
    return drawn / np.float32(255)


def _labels(model: PixelTransformer, count: int, classes: Any, seed: int) -> np.ndarray:
    """Return a class for each of `count` images: those asked for, or drawn as often as they occur."""
    frequency = np.asarray(model.frequency.value, np.float64)
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise BadInput(f"The number of images is an integer of at least 1, not {count!r}.")
    if classes is None:
        return np.random.default_rng(seed).choice(len(frequency), count, p=frequency / frequency.sum())
    wanted = np.asarray(classes)
    if len(frequency) < 2:
        raise BadInput("The images had no classes; draw without one.")
    fits = np.issubdtype(wanted.dtype, np.integer) and ((wanted >= 0) & (wanted < len(frequency))).all()
    if not fits or wanted.shape not in ((), (count,)):
        raise BadInput(
            f"Classes are numbers from 0 to {len(frequency) - 1}, one or one for each of {count} images, "
            f"not {classes!r}."
        )
    return np.broadcast_to(wanted, (count,)).astype(np.int32)


def _likeliest(model: PixelTransformer, images: np.ndarray) -> np.ndarray:
    """Return the class by which each image is likeliest."""
    if len(model.frequency.value) < 2:
        return np.zeros(len(images), np.int32)
    logs = np.stack([logs_of(model, images, np.full(len(images), c)) for c in _all(model)])
    return logs.argmax(0).astype(np.int32)


def _all(model: PixelTransformer) -> range:
    return range(len(model.frequency.value))


def _frequency(y: Any, train: np.ndarray) -> np.ndarray:
    if y is None:
        return np.ones(1)
    return np.bincount(y[train], minlength=int(y.max()) + 1) / len(train)
