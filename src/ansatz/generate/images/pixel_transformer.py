"""A transformer that writes an image patch by patch, and a patch pixel by pixel, with an exact likelihood.

    log p(x) = Σ_t Σ_i log p(x_ti | x_t1 … x_t,i-1, h_t),   h_t = transformer(class, x_1, …, x_t-1)

Between patches works the decoder of the notes (§4); within a patch each pixel sees those before it through
masked matrices, as in Germain et al., "MADE" (2015).  So a patch costs one position of the transformer, and
nothing is approximated.
"""

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ansatz.core import Fixed, Map, Metrics, Pairs
from ansatz.generate.choice import Rows
from ansatz.generate.images.patches import Layout, Levels
from ansatz.maps.attend import causal
from ansatz.maps.cache import Cache
from ansatz.maps.feed_forward import relu_squared
from ansatz.maps.layers import RMSNorm
from ansatz.maps.projection import Projection
from ansatz.maps.tall import tall_product
from ansatz.maps.transformer import TransformerStack
from ansatz.maps.transformer_block import BlockOptions

FEATURES = 2
"""A pixel's value v enters as v and 2 v² - 1."""


class Cut(NamedTuple):
    """An image in patches `levels: [T, k]`, and its class from 0 on (0 where there are none)."""

    levels: Any
    label: Any


class Sizes(NamedTuple):
    """The sizes of a `PixelTransformer`: `inner` nodes for a pixel, and those of the transformer."""

    layers: int
    size: int
    heads: int
    inner: int
    dropout: float = 0.0


class PixelTransformer(Map):
    """``log p(level | all before it)`` for each pixel of a `Cut`, `[T, k, L]`.

    `frequency: [classes]` says how often each class is drawn where none is asked for.
    """

    classes: Float[Array, "classes size"]
    enter: Projection
    places: Float[Array, "T size"]
    stack: TransformerStack
    leave: Projection
    before: Float[Array, "k features inner"]
    norm: RMSNorm
    deeper: Projection
    head: Float[Array, "levels inner"]
    bias: Float[Array, "k levels"]
    levels: Fixed
    frequency: Fixed
    layout: Layout = eqx.field(static=True)

    def __init__(
        self, layout: Layout, levels: Levels, frequency: Any, sizes: Sizes, *, key: PRNGKeyArray
    ) -> None:
        keys = jax.random.split(key, 8)
        k, size, inner = layout.inside, sizes.size, sizes.inner
        options = BlockOptions(
            size, sizes.heads, activation="relu_squared", norm="rms", norm_first=True, bias=False,
            cosine=True, dropout=sizes.dropout,
        )  # fmt: skip
        self.layout, self.levels = layout, Fixed(jax.tree.map(jnp.asarray, levels))
        self.frequency = Fixed(jnp.asarray(frequency, jnp.float32))
        self.classes = 0.5 * jax.random.normal(keys[0], (len(self.frequency.value), size))
        self.places = 0.5 * jax.random.normal(keys[1], (layout.length, size))
        self.enter = Projection(FEATURES * k, size, bias=False, key=keys[2])
        self.stack = TransformerStack(sizes.layers, options, key=keys[3])
        self.leave = Projection(size, k * inner, key=keys[4])
        scale = 1 / math.sqrt(FEATURES * k)
        self.before = scale * jax.random.normal(keys[5], (k, FEATURES * k, inner))
        self.norm = RMSNorm(inner)
        self.deeper = Projection(inner, inner, key=keys[6])
        self.head = jax.random.normal(keys[7], (levels.count, inner)) / math.sqrt(inner)
        self.bias = jnp.zeros((k, levels.count))

    def __call__(self, x: Cut, *, key: PRNGKeyArray | None = None) -> Float[Array, "T k levels"]:
        """Return the logarithms."""
        seen = self.features(x.levels)
        h = self.stack(self.entered(seen, x.label), causal(self.layout.length), key=key)
        given = jnp.einsum("tf,ifo->tio", seen, self.masked())
        return jax.nn.log_softmax(self.logits(self._context(h) + given, self.bias[None]))

    def features(self, levels: Int[Array, "*T k"]) -> Float[Array, "*T features"]:
        """Return a patch as the transformer is given it."""
        v = self.levels.value.value[levels]
        return jnp.concatenate([v, 2 * v**2 - 1], axis=-1)

    def entered(self, seen: Float[Array, "T features"], label: Int[Array, ""]) -> Float[Array, "T size"]:
        """Return the sequence that the transformer reads: the class, then all patches but the last."""
        first = self.classes[label][None]
        return jnp.concatenate([first, self.enter(seen[:-1])]) + self.places

    def masked(self) -> Float[Array, "k features inner"]:
        """Return the matrices by which pixel i sees those before it in its patch."""
        k = self.layout.inside
        earlier = jnp.tile(jnp.arange(k)[None, :] < jnp.arange(k)[:, None], (1, FEATURES))
        return jnp.where(earlier[:, :, None], self.before, 0)

    def logits(self, given: Float[Array, "*T inner"], bias: Array) -> Float[Array, "*T levels"]:
        """Return the logits of pixels of whose surroundings `given` is known."""
        flat = relu_squared(self.norm(given)).reshape(-1, given.shape[-1])
        flat = flat + relu_squared(self.deeper(flat))
        found = tall_product(flat, self.head.T)
        return found.reshape(*given.shape[:-1], -1) + bias

    def attention(self, x: Cut) -> Float[Array, "layers heads T T"]:
        """Return the P_ij of every layer and head: column 0 is the class, column j the patch j - 1."""
        entered = self.entered(self.features(x.levels), x.label)
        return self.stack.attention(entered, causal(self.layout.length))

    def _context(self, h: Array) -> Array:
        return self.leave(h).reshape(h.shape[0], self.layout.inside, -1)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[PixelTransformer, Cut]":
        """Return a small map and an image for it."""
        from ansatz.generate.images.patches import make_levels

        levels = make_levels(np.array([0, 90, 255], np.uint8), 3)
        model = PixelTransformer(Layout(3, 3, 1, 2), levels, np.ones(2), Sizes(1, 8, 2, 6), key=key)
        return model, Cut(jax.random.randint(key, (4, 4), 0, 3), jnp.asarray(1))


def log_likelihood(model: PixelTransformer, x: Cut, within: Any, key: Any = None) -> Float[Array, " N"]:
    """Return ``log p`` of the levels of images in patches `[N, T, k]`, over the pixels that are `within`."""
    if key is None:
        logs = jax.vmap(model)(x)
    else:
        keys = jax.random.split(key, x.label.shape[0])
        logs = jax.vmap(lambda one, k: model(one, key=k))(x, keys)
    picked = jnp.take_along_axis(logs, x.levels[..., None], axis=3)[..., 0]
    return jnp.where(within[None], picked, 0).sum((1, 2))


def nats(model: PixelTransformer, batch: Pairs, key: Any = None) -> tuple[Array, Metrics]:
    """``-mean log p`` for a pixel, in nats; `batch.x: [B, T, k]` are levels and `batch.y: [B]` classes."""
    within = jnp.asarray(model.layout.within())
    x = Cut(batch.x.astype(jnp.int32), batch.y)
    logs = log_likelihood(model, x, within, key)
    weight = jnp.ones_like(logs) if batch.weight is None else batch.weight.astype(logs.dtype)
    count = jnp.asarray(within.sum(), logs.dtype)
    return -(logs * weight).sum() / jnp.maximum(weight.sum(), 1) / count, {}


@eqx.filter_jit
def write(
    model: PixelTransformer, labels: Array, keys: Rows, known: Array, given: Array, temperature: Array
) -> Int[Array, "B T k"]:
    """Draw images in patches in one compiled loop, each patch at the price of one position.

    Where `known: [T, k]` is true, the pixels are those of `given: [B, T, k]`.
    """
    layout, inside = model.layout, model.layout.inside
    axes = Cache(keys=0, values=0, count=None, skip=0)  # type: ignore[arg-type]
    step = jax.vmap(model.stack.step, in_axes=(0, axes), out_axes=(0, axes))
    rows = labels.shape[0]
    empty = model.stack.empty(layout.length)
    cache = Cache(
        jnp.repeat(empty.keys[None], rows, 0), jnp.repeat(empty.values[None], rows, 0), empty.count,
        jnp.repeat(empty.skip[None], rows),
    )  # fmt: skip
    masked = model.masked()

    def pixel(carry: Any, i: Array) -> tuple[Any, None]:
        patch, context, t = carry
        around = context[:, i] + tall_product(model.features(patch), masked[i])
        logits = model.logits(around, model.bias[i][None]) / temperature
        drawn = jax.vmap(jax.random.categorical)(keys.at(t * inside + i), logits).astype(jnp.int32)
        drawn = jnp.where(known[t, i], given[:, t, i], drawn)
        return (patch.at[:, i].set(drawn), context, t), None

    def position(carry: Any, t: Array) -> tuple[Any, Array]:
        entering, cache = carry
        h, cache = step((entering + model.places[t][None])[:, None], cache)
        context = jax.vmap(model._context)(h)[:, 0]
        start = (jnp.zeros((rows, inside), jnp.int32), context, t)
        patch = jax.lax.scan(pixel, start, jnp.arange(inside, dtype=jnp.int32))[0][0]
        return (model.enter(model.features(patch)), cache), patch

    carry = (model.classes[labels], cache)
    patches = jax.lax.scan(position, carry, jnp.arange(layout.length, dtype=jnp.int32))[1]
    return jnp.moveaxis(patches, 0, 1)
