"""Features of images without downloads: what a small network, trained here on the user's images, sees.

The inputs of its last affine map are the features in which FID, KID, precision and recall are taken.
Where the images have classes it has learned to tell these apart.  Without classes it has learned which of
four quarter turns an image was given (Gidaris et al. 2018, "Unsupervised representation learning by
predicting image rotations").  Figures compare only where the features have the same hash.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float

from ansatz.core import BadInput, Fixed, Map, Metrics, Pairs, Parts, Recipe
from ansatz.data.table import Table
from ansatz.generate.metrics.card import Card, digest, measured
from ansatz.generate.metrics.distances import frechet, kernel_distance
from ansatz.generate.metrics.manifolds import Manifolds, manifolds
from ansatz.maps.affine import Affine
from ansatz.maps.cnn import CNN
from ansatz.maps.layers import Dropout
from ansatz.objectives.classification import cross_entropy
from ansatz.training.fit import fit
from ansatz.training.optimizers import optimizer, schedule
from ansatz.training.updates import Descend

AT_ONCE = 500
SIZE = 64
KERNEL = 2000
"""The most examples from which a kernel distance is taken: its cost grows with their square."""


class FeatureNet(Map):
    """Logits of an image of bytes `x: [H, W, C]`; `features` are what its last affine map is given."""

    inner: CNN
    last: Affine
    dropout: Dropout
    center: Fixed
    scale: Fixed

    def features(self, x: Array) -> Float[Array, " features"]:
        """Return the features of an image."""
        z = (x.astype(jnp.float32) / 255 - self.center.value) / self.scale.value
        return jax.nn.relu(self.inner(z))

    def __call__(self, x: Array, *, key: Any = None) -> Float[Array, " classes"]:
        """Return the logits of an image."""
        return self.last(self.dropout(self.features(x), key=key))


class FeatureTraining(Recipe):
    """Train a `FeatureNet` on `Pairs(x, y)`: images of bytes, and classes or None for quarter turns."""

    size: int = eqx.field(default=SIZE, static=True)
    filters: tuple[int, ...] = eqx.field(default=(32, 64), static=True)
    batch: int = eqx.field(default=128, static=True)
    learning_rate: float = eqx.field(default=2e-3, static=True)
    dropout: float = eqx.field(default=0.3, static=True)

    def build(self, data: Pairs, key: Any) -> Parts:
        """Return the parts."""
        first, second = jr.split(key)
        height, width, channels = data.x.shape[1:]
        stages = max(1, min(len(self.filters), min(height, width).bit_length() - 1))
        inner = CNN((height, width, channels), self.size, self.filters[:stages], key=first)
        classes = 4 if data.y is None else int(np.max(data.y)) + 1
        pixels = data.x / np.float32(255)
        fixed = [Fixed(jnp.asarray(value, jnp.float32)) for value in (pixels.mean(), pixels.std() + 1e-6)]
        model = FeatureNet(inner, Affine(self.size, classes, key=second), Dropout(self.dropout), *fixed)
        loss = turned if data.y is None else cross_entropy
        down = Descend(loss, optimizer("adamw", self.learning_rate), schedule=schedule("cosine", 0.05))
        return Parts(model, Table(jax.tree.map(jnp.asarray, data), self.batch), (down,))


def turned(model: Any, batch: Pairs, key: Any) -> tuple[Array, Metrics]:
    """The cross-entropy of the quarter turns of images, each of which is given one by chance.

    Images that are not square are turned by none or two quarters.
    """
    turn, inside = jr.split(jr.key(0) if key is None else key)
    turns = jr.randint(turn, (batch.x.shape[0],), 0, 4)
    x, square = batch.x, batch.x.shape[1] == batch.x.shape[2]
    if not square:
        turns = 2 * (turns // 2)
    choices = [x, jnp.rot90(x, 1, (1, 2)) if square else x, x[:, ::-1, ::-1]]
    choices.append(jnp.rot90(x, 3, (1, 2)) if square else x)
    x = jnp.stack(choices)[turns, jnp.arange(len(turns))]
    return cross_entropy(model, Pairs(x, turns), None if key is None else inside)


class Features:
    """A trained `FeatureNet`: calling it on images of bytes or in [0, 1] gives features `[N, d]`.

    `name` says what it was trained on, `hash` is that of its parameters.
    """

    def __init__(self, net: FeatureNet, name: str):
        self.net, self.name = net, name
        self.hash = digest(*(np.asarray(leaf) for leaf in jax.tree.leaves(net)))
        self.shape = net.inner.shape

    def __call__(self, images: Any) -> np.ndarray:
        """Return the features `[N, d]` of images `[N, H, W, C]`."""
        return self._all(_features, images)

    def logits(self, images: Any) -> np.ndarray:
        """Return the logits `[N, classes]`."""
        return self._all(_logits, images)

    def classes(self, images: Any) -> np.ndarray:
        """Return the likeliest class of each image `[N]`."""
        return self.logits(images).argmax(1)

    def _all(self, ask: Any, images: Any) -> np.ndarray:
        x = as_bytes(images)
        if x.shape[1:] != self.shape:
            raise BadInput(f"These features are of images {list(self.shape)}, not {list(x.shape[1:])}.")
        found = []
        for at in range(0, len(x), AT_ONCE):
            block = x[at : at + AT_ONCE]
            # One shape is compiled: the last block is filled up.
            full = np.concatenate([block, np.repeat(block[:1], AT_ONCE - len(block), 0)])
            found.append(np.asarray(ask(self.net, jnp.asarray(full)))[: len(block)])
        return np.concatenate(found)


def as_bytes(images: Any) -> np.ndarray:
    """Return images `[N, H, W, C]` as bytes; numbers are in [0, 1].

    >>> as_bytes(np.full((1, 2, 2, 1), 0.5)).ravel().tolist()
    [128, 128, 128, 128]
    """
    x = np.asarray(images)
    if x.ndim != 4 or not len(x):
        raise BadInput(f"Images are [N, H, W, C], not of shape {list(x.shape)}.")
    if x.dtype == np.uint8:
        return x
    if not np.issubdtype(x.dtype, np.floating) or not np.isfinite(x).all():
        raise BadInput(f"Images are bytes, or finite numbers in [0, 1], and not {x.dtype} like these.")
    return np.round(np.clip(x, 0, 1) * 255).astype(np.uint8)


def train_features(
    images: Any,
    labels: Any = None,
    *,
    steps: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    **options: Any,
) -> Features:
    """Train features on images of bytes `[N, H, W, C]` with classes `[N]`, or on their quarter turns.

    `steps` (the same bits each time) or `seconds` ends the training, 2000 steps without either; `options`
    are fields of `FeatureTraining`.

    >>> x = np.random.default_rng(0).integers(0, 256, (64, 8, 8, 1)).astype(np.uint8)
    >>> features = train_features(x, np.arange(64) % 2, steps=2)
    >>> features(x).shape, len(features.hash)
    ((64, 64), 64)
    """
    x = as_bytes(images)
    y = None if labels is None else np.asarray(labels)
    if y is not None and (y.shape != (len(x),) or not np.issubdtype(y.dtype, np.integer) or y.min() < 0):
        raise BadInput(f"Classes are whole numbers from 0 on, one for each of {len(x)} images.")
    if y is not None and len(np.unique(y)) < 2:
        raise BadInput(
            "Features are learned by telling classes apart, and all images are of one: leave it out."
        )
    steps = 2000 if steps is None and seconds is None else steps
    data = Pairs(x, None if y is None else y.astype(np.int32))
    run = fit(FeatureTraining(**options), data, steps=steps, budget=seconds, key=seed)
    what = "quarter turns" if y is None else f"{int(y.max()) + 1} classes"
    return Features(run.model, f"a CNN that learned {what} of {len(x):,} images in {run.step:,} steps")


def fid(
    features: Features, drawn: Any, data: Any, other: Any = None, *, seed: int = 0, resamples: int = 40
) -> Card:
    """Return the Fréchet distance of images drawn and data in these features, with floor and interval.

    The floor is that of `other` images of the data, as many as were drawn.
    """
    parts = _both(features, drawn, data, other)
    return measured("FID", frechet, *parts, features=features.hash, seed=seed, resamples=resamples)


def kid(
    features: Features, drawn: Any, data: Any, other: Any = None, *, seed: int = 0, resamples: int = 40
) -> Card:
    """Return the kernel distance of images drawn and data in these features, of at most 2000 of each."""
    parts = _both(features, drawn, data, other, KERNEL)
    return measured("KID", kernel_distance, *parts, features=features.hash, seed=seed, resamples=resamples)


def image_manifolds(features: Features, drawn: Any, data: Any) -> Manifolds:
    """Return precision, recall, density and coverage of images in these features."""
    return manifolds(features(drawn), features(data))


def _both(features: Features, drawn: Any, data: Any, other: Any, most: int | None = None) -> list[Any]:
    return [None if x is None else features(x[:most]) for x in (drawn, data, other)]


@eqx.filter_jit
def _features(net: FeatureNet, x: Array) -> Array:
    return jax.vmap(net.features)(x)


@eqx.filter_jit
def _logits(net: FeatureNet, x: Array) -> Array:
    return jax.vmap(net)(x)
