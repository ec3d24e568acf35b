"""Generator and critic of images: multilayer perceptrons, or convolutions between patches as products.

Images are vectors `[H · W · C]` in [-1, 1], channels last.
"""

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from ansatz.core import Fixed, Map, Metrics, Pairs
from ansatz.generate.gan.game import Game, Players
from ansatz.generate.gan.labels import Concatenated, Projected
from ansatz.maps.affine import Affine
from ansatz.maps.layers import Activation, Chain
from ansatz.maps.mlp import MLP
from ansatz.maps.patches import PatchDecoder, PatchEncoder

NETS = ("mlp", "patches")
LABEL_SIZE = 32
"""The length of the vector as which the generator is told a class."""
FEATURES = 128
"""The features of an image from which a critic of patches judges it."""


class ImagePlayers(Players):
    """Players of images of one `shape`; `frequency: [classes]` is how often each class was seen, or `[0]`."""

    frequency: Fixed
    shape: tuple[int, int, int] = eqx.field(static=True)

    @property
    def classes(self) -> int:
        """The number of classes, 0 where the images had none."""
        return self.frequency.value.shape[0]


class Sizes(NamedTuple):
    """Of a net: its kind, the width and the depth, and the activation."""

    net: str
    width: int
    depth: int
    activation: str


def image_generator(shape: tuple[int, int, int], noise: int, classes: int, sizes: Sizes, *, key: Any) -> Map:
    """Return ``G(z) = tanh(f(z))``, or of a `Labeled(z, class)` where there are classes.

    >>> G = image_generator((8, 8, 1), 4, 0, Sizes("patches", 4, 1, "silu"), key=jax.random.key(0))
    >>> G(jnp.zeros(4)).shape
    (64,)
    """
    inside, label = jax.random.split(key)
    length = noise + (LABEL_SIZE if classes else 0)
    net: Map
    if sizes.net == "mlp":
        net = MLP(length, math.prod(shape), *sizes[1:], key=inside)
    else:
        net = PatchDecoder(length, shape, sizes.width, sizes.depth, activation=sizes.activation, key=inside)
    net = Chain(net, Activation("tanh"))
    return Concatenated(net, classes, LABEL_SIZE, key=label) if classes else net


def image_critic(shape: tuple[int, int, int], classes: int, sizes: Sizes, *, key: Any) -> Map:
    """Return ``D(x) = A φ(x)``, with ``v_y · φ(x)`` added where there are classes (see `Projected`).

    >>> D = image_critic((8, 8, 1), 0, Sizes("mlp", 4, 2, "silu"), key=jax.random.key(0))
    >>> D(jnp.zeros(64)).shape
    (1,)
    """
    inside, last = jax.random.split(key)
    size, sigma = math.prod(shape), sizes.activation
    features: Map
    if sizes.net == "mlp":
        count = sizes.width
        features = MLP(size, count, count, sizes.depth - 1, sigma, output=sigma, key=inside)
    else:
        count = FEATURES
        net = PatchEncoder(shape, count, sizes.width, sizes.depth, activation=sigma, key=inside)
        features = Chain(net, Activation(sigma))
    if classes:
        return Projected(features, classes, count, key=last)
    return Chain(features, Affine(count, 1, key=last))


class ImageGame(Game):
    """A game whose batches are bytes `x: [N, H · W · C]`: the critic sees ``2 (byte + u) / 256 - 1``.

    u is uniform in [0, 1): else a critic could tell that the values of data are 256 apart ones.
    """

    def critic(self, model: Players, batch: Pairs, key: Any) -> tuple[Array, Metrics]:
        """Return what the critic lowers (an objective)."""
        seen, rest = _seen(batch, key)
        return super().critic(model, seen, rest)

    def generator(self, model: Players, batch: Pairs, key: Any) -> tuple[Array, Metrics]:
        """Return what the generator lowers (an objective)."""
        seen, rest = _seen(batch, key)
        return super().generator(model, seen, rest)


def _seen(batch: Pairs, key: Any) -> tuple[Pairs, Any]:
    spread, rest = jax.random.split(jax.random.key(0) if key is None else key)
    x = batch.x.astype(jnp.result_type(float))
    x = (x + jax.random.uniform(spread, x.shape, x.dtype)) / 128 - 1
    return batch._replace(x=x), None if key is None else rest
