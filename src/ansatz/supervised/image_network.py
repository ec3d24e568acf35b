"""The networks for images: bytes scaled inside, a CNN or an MLP, and random shifts and flips."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float

from ansatz._spelling import choose
from ansatz.core import BadInput, Fixed, Map, Metrics, Objective, Pairs, Parts, Recipe, Watch
from ansatz.data.table import Blocks, Table
from ansatz.maps import CNN, MLP
from ansatz.objectives import cross_entropy, smoothed_cross_entropy
from ansatz.supervised.options import batch_for, check_level, check_sizes, optimizer_of, schedule_of
from ansatz.training.optimizers import schedule
from ansatz.training.updates import Descend

MAPS = ("cnn", "mlp")
MANY = 20_000
"""With so many images a few passes over them do not overfit, and shifts would only slow them down."""
CHOSEN = {
    "cnn": {"dropout": 0.4, "learning_rate": 3e-3, "label_smoothing": 0.05},
    "mlp": {"dropout": 0.2, "learning_rate": 2e-3, "label_smoothing": 0.0},
}
AUGMENTS = ("auto", "none", "shift", "flip", "flip+shift")
BLOCK = 512
"""The most images in one block of a validation."""


class ImageExamples(NamedTuple):
    """Labelled images as a network trains on them: `pairs.x: [N, H, W, C]` bytes, `pairs.y: [N]`.

    `train` and `held` are row numbers (`held` may be None: nothing is watched); `mean` and `deviation`
    are `[C]`, those of the training images in [0, 1].
    """

    pairs: Pairs
    train: Any
    held: Any
    classes: int
    mean: np.ndarray
    deviation: np.ndarray


class OfImage(Map):
    """``inner((x / 255 - mean) / deviation)`` of an image of bytes `x: [H, W, C]`.

    An MLP gets the image as one vector.
    """

    mean: Fixed
    deviation: Fixed
    inner: Map

    def scaled(self, x: Array) -> Float[Array, "H W C"]:
        """Return the image as the inner map sees it."""
        channels = x.shape[-1]
        mean, deviation = (v.value.reshape(1, 1, channels) for v in (self.mean, self.deviation))
        return (x.astype(jnp.float32) / 255 - mean) / deviation

    def __call__(self, x: Array, *, key: Any = None) -> Float[Array, " classes"]:
        """Return the logits `[classes]` of an image."""
        z = self.scaled(x)
        return self.inner(z.reshape(-1) if isinstance(self.inner, MLP) else z, key=key)


class ImageNetwork(Recipe):
    """A map from images to classes, trained by mini-batches on cross-entropy.

    - `map`: "cnn" (stages of convolution and 2 × 2 max-pooling) or "mlp" (the image as one vector).
    - `filters`, `size`: the filters of each stage of a CNN (none to choose), their height and width.
    - `dense`: the width of the hidden layers after the stages (0 for none), or of the MLP.
    - `depth`: hidden layers of the MLP.
    - `norm`: normalize the channels of each pixel, or the hidden layers of the MLP.
    - `augment`: random changes of the training images: "shift" by up to `shift` pixels (0 to choose),
      "flip" left and right, "flip+shift", "none", or "auto" (shifts for a CNN of few images, else none).
    - `label_smoothing`: share of the target's probability that is spread over all classes.
    - `dropout`, `learning_rate`, `label_smoothing`: None to choose, by `CHOSEN`.
    - `batch`: images in a mini-batch, 0 to choose; `patience`: validations without a better loss before
      the training stops; `level`: the coverage of the prediction sets.
    """

    map: str = "cnn"
    filters: tuple[int, ...] = ()
    size: int = 3
    dense: int = 0
    depth: int = 2
    dropout: float | None = None
    norm: bool = False
    activation: str = "relu"
    augment: str = "auto"
    shift: int = 0
    label_smoothing: float | None = None
    optimizer: str = "adamw"
    learning_rate: float | None = None
    schedule: str = "cosine"
    warmup: float = 0.05
    weight_decay: float = 0.01
    clip: float = 1.0
    batch: int = 0
    patience: int = 20
    level: float = 0.9

    def __check_init__(self) -> None:
        """Refuse what cannot be trained, before data are read."""
        choose("map", self.map, dict.fromkeys(MAPS))
        choose("augment", self.augment, dict.fromkeys(AUGMENTS))
        check_sizes(
            self,
            at_least_one=("size", "depth", "patience"),
            not_negative=("dense", "shift", "batch", "weight_decay"),
        )
        check_level(self.level)
        if self.filters and min(self.filters) < 1:
            raise BadInput(f"filters={self.filters} is no list of numbers of filters, each at least 1.")
        smoothed_cross_entropy(self.chosen("label_smoothing"))
        self.rule()
        schedule(self.schedule, self.warmup)

    def chosen(self, name: str) -> float:
        """Return the dropout, learning rate or label smoothing: as given, or what suits the map."""
        given = getattr(self, name)
        return CHOSEN[self.map][name] if given is None else given

    def rule(self) -> Any:
        """Return the optimizer."""
        return optimizer_of(self, self.chosen("learning_rate"))

    def network(self, shape: tuple[int, ...], classes: int, key: Any) -> Map:
        """Return the untrained map of scaled images of this shape (height, width, channels)."""
        if self.map == "mlp":
            width, pixels = self.dense or 256, int(np.prod(shape))
            options: dict[str, Any] = {"norm": self.norm, "dropout": self.chosen("dropout"), "initial": "he"}
            return MLP(pixels, classes, width, self.depth, self.activation, key=key, **options)
        height, width, channels = shape
        return CNN(
            (height, width, channels), classes, tuple(self.filters) or automatic_filters(shape), self.size,
            self.dense, self.chosen("dropout"), self.norm, self.activation, key=key,
        )  # fmt: skip

    def build(self, data: ImageExamples, key: Any) -> Parts:
        """Return the parts for one member of the ensemble."""
        shape = data.pairs.x.shape[1:]
        mean, deviation = (Fixed(jnp.asarray(v, jnp.float32)) for v in (data.mean, data.deviation))
        model = OfImage(mean, deviation, self.network(shape, data.classes, key))
        trained = augmented(
            smoothed_cross_entropy(self.chosen("label_smoothing")),
            self.changes(len(data.train)),
            self.shift or reach(shape),
        )
        source = Table(data.pairs, self.batch or automatic_batch(len(data.train)), data.train)
        watch = None
        if data.held is not None:
            held = Blocks(data.pairs, block_size(len(data.held)), data.held)
            every = -(-source.length // source.size)
            watch = Watch(held, cross_entropy, every, held.blocks, patience=self.patience)
        return Parts(model, source, (Descend(trained, self.rule(), schedule=schedule_of(self)),), watch=watch)

    def changes(self, images: int) -> str:
        """Return the random changes that so many training images undergo, "auto" resolved."""
        if self.augment != "auto":
            return self.augment
        return "shift" if self.map == "cnn" and images < MANY else "none"


def augmented(objective: Objective, changes: str, most: int) -> Objective:
    """Return the objective on randomly changed images while a key is given.

    "shift" moves every image of the batch by up to `most` pixels up or down and left or right, black
    (0) coming in from outside; "flip" turns half of them around.
    """
    if changes == "none":
        return objective

    def changed(model: Any, batch: Pairs, key: Any) -> tuple[Array, Metrics]:
        if key is None:
            return objective(model, batch, None)
        inside, moving, turning = jr.split(key, 3)
        x = batch.x
        if "shift" in changes:
            x = shifted(x, most, moving)
        if "flip" in changes:
            turned = jr.bernoulli(turning, 0.5, (x.shape[0], 1, 1, 1))
            x = jnp.where(turned, x[:, :, ::-1], x)
        return objective(model, batch._replace(x=x), inside)

    return changed


def shifted(x: Array, most: int, key: Any) -> Array:
    """Return images `[N, H, W, C]`, each moved by its own random offsets in [-most, most]."""
    count, height, width, channels = x.shape
    padded = jnp.pad(x, ((0, 0), (most, most), (most, most), (0, 0)))
    corners = jr.randint(key, (count, 2), 0, 2 * most + 1)

    def cut(image: Array, corner: Array) -> Array:
        zero = jnp.zeros((), corner.dtype)
        return jax.lax.dynamic_slice(image, (corner[0], corner[1], zero), (height, width, channels))

    return jax.vmap(cut)(padded, corners)


def reach(shape: tuple[int, ...]) -> int:
    """Return by how many pixels images of this shape are shifted: a fourteenth of the shorter side.

    >>> reach((8, 8, 1)), reach((28, 28, 1))
    (1, 2)
    """
    return max(1, round(min(shape[:2]) / 14))


def automatic_filters(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the filters of two stages: more of them for small images, where they cost little.

    >>> automatic_filters((8, 8, 1)), automatic_filters((28, 28, 1))
    ((48, 96), (32, 64))
    """
    if min(shape[:2]) < 4:
        return (48,)
    return (48, 96) if min(shape[:2]) <= 16 else (32, 64)


def automatic_batch(images: int) -> int:
    """Return the mini-batch for so many training images: a power of two in [16, 128].

    >>> automatic_batch(300), automatic_batch(1400), automatic_batch(60_000)
    (16, 64, 128)
    """
    return batch_for(images, 128)


def automatic_epochs(images: int, name: str) -> int:
    """Return the most passes of the map of this name over so many training images.

    >>> automatic_epochs(1400, "cnn"), automatic_epochs(55_000, "cnn"), automatic_epochs(55_000, "mlp")
    (40, 8, 12)
    """
    return int(min(40, max(8 if name == "cnn" else 12, 1520 / images**0.5)))


def block_size(images: int) -> int:
    """Return the size of the even blocks in which so many held images are looked at."""
    blocks = -(-images // BLOCK)
    each = -(-images // blocks)
    return each + each % 2


def member(model: Any, at: int = 0) -> Any:
    """Return one map of a stack of them."""
    return jax.tree.map(lambda leaf: leaf[at] if eqx.is_array(leaf) else leaf, model)
