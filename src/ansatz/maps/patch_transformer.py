"""The patch transformer: an image cut into patches, which a transformer denoises (Peebles & Xie 2023)."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz._spelling import choose
from ansatz.core import Map
from ansatz.maps.attention import SelfAttention
from ansatz.maps.condition import Condition, Situation, Told
from ansatz.maps.denoiser import Noisy
from ansatz.maps.feed_forward import FeedForward
from ansatz.maps.patches import from_patches, patch_size, to_patches
from ansatz.maps.positions import frequencies
from ansatz.maps.projection import Projection, expect_sequence
from ansatz.maps.shapes import expect, positive

POSITIONS = ("learned", "sinusoidal")


def plane_code(rows: int, columns: int, size: int) -> np.ndarray:
    """Return a code `[rows · columns, size]` of places in the plane: sines of the row, then of the column.

    >>> plane_code(2, 3, 4).round(2)[3].tolist()
    [0.84, 0.54, 0.0, 1.0]
    """
    half = size // 2

    def waves(count: int, size: int) -> np.ndarray:
        angles = np.arange(count)[:, None] * frequencies(max(size, 1))[None, :]
        return np.stack([np.sin(angles), np.cos(angles)], -1).reshape(count, -1)[:, :size]

    down, right = waves(rows, half), waves(columns, size - half)
    return np.concatenate([np.repeat(down, columns, 0), np.tile(right, (rows, 1))], 1)


class ModulatedBlock(Map):
    """``h = x + g₁ ∘ attention(m₁(x))``, ``y = h + g₂ ∘ feed_forward(m₂(h))`` on patches `x: [T, width]`.

    ``m_i(x) = (1 + a_i) ∘ norm(x) + b_i``, where norm has no parameters; the six vectors a, b, g are given:
    it maps `(x, modulation)` with `modulation: [6, width]`.  With g = 0 it is the identity.
    """

    attention: SelfAttention
    feed_forward: FeedForward

    def __init__(self, width: int, heads: int, hidden: int, activation: str = "gelu", *, key: PRNGKeyArray):
        first, second = jax.random.split(key)
        self.attention = SelfAttention(width, heads, key=first)
        self.feed_forward = FeedForward(width, hidden, activation, key=second)

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Float[Array, "T width"]:
        """Return `[T, width]` for `(x, modulation)`."""
        h, modulation = x
        size = self.attention.query_key_value.weight.shape[1]
        expect_sequence(h, size, "ModulatedBlock")
        expect(modulation, (6, size), "The modulation of ModulatedBlock")
        scale, shift, gate, second_scale, second_shift, second_gate = modulation
        h = h + gate[None, :] * self.attention(modulated(h, scale, shift))
        return h + second_gate[None, :] * self.feed_forward(modulated(h, second_scale, second_shift))

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[ModulatedBlock, tuple[Array, Array]]":
        """Return a small map and an input for it."""
        here, there = jax.random.split(key)
        return ModulatedBlock(4, 2, 6, key=key), (
            jax.random.normal(here, (3, 4)),
            jax.random.normal(there, (6, 4)),
        )


def modulated(x: Array, scale: Array, shift: Array) -> Array:
    """Return ``(1 + scale) ∘ norm(x) + shift``, with mean 0 and variance 1 over the last axis of norm(x)."""
    centered = x - x.mean(-1, keepdims=True)
    inverse = jax.lax.rsqrt((centered**2).mean(-1, keepdims=True) + 1e-5)
    ones = (1,) * (x.ndim - 1)
    return centered * inverse * (1 + scale).reshape(*ones, -1) + shift.reshape(*ones, -1)


class PatchTransformer(Map):
    """A transformer on the patches of noisy images `x: [H, W, C]`, told of noise level and condition.

    Patches of `patch` × `patch` pixels are vectors `[patch² · C]`; one matrix and a code of its place make
    of each a vector `[width]`.  `depth` blocks (`ModulatedBlock`) follow, a norm and a matrix back.  Every
    norm is scaled and shifted, and every branch gated, by vectors affine in the `Situation`, which start at
    0 (adaLN-zero): at the start the blocks are the identity and the output is 0.

    * `shape` is (height, width, channels); sides that are no multiples of `patch` are filled up and cut.
      `patch` 0 makes about 8 patches a side.
    * `heads` of the attention (0: of about 32 components); `hidden` nodes (0: 4 · width) after it.
    * `positions`: "learned", from sines on, or "sinusoidal".
    * `classes`, `vocabulary`, `length`: of the conditions (see `Condition`).

    It maps a `Noisy`; sizes that do not fit and conditions that it does not know raise `BadInput`.

    >>> net = PatchTransformer((8, 8, 1), 4, width=8, depth=1, classes=3, key=jax.random.key(0))
    >>> float(abs(net(Noisy(jnp.ones((8, 8, 1)), jnp.asarray(0.5), jnp.asarray(2)))).max())
    0.0
    """

    inward: Projection
    places: Float[Array, "T width"] | None
    situation: Situation
    modulation: Projection
    blocks: tuple[ModulatedBlock, ...]
    outward: Projection
    shape: tuple[int, int, int] = eqx.field(static=True)
    patch: int = eqx.field(static=True)

    def __init__(
        self,
        shape: tuple[int, int, int],
        patch: int = 0,
        width: int = 128,
        depth: int = 6,
        heads: int = 0,
        hidden: int = 0,
        positions: str = "learned",
        activation: str = "gelu",
        classes: int = 0,
        vocabulary: int = 0,
        length: int = 16,
        *,
        key: PRNGKeyArray,
    ):
        height, columns, channels = self.shape = shape
        positive("PatchTransformer", height=height, width=columns, channels=channels)
        self.patch = patch or patch_size(self.shape)
        positive("PatchTransformer", patch=self.patch, width=width, depth=depth)
        choose("positions", positions, dict.fromkeys(POSITIONS))
        values = self.patch**2 * channels
        keys = jax.random.split(key, 6)
        self.inward = Projection(values, width, key=keys[0])
        self.places = (
            jnp.asarray(self._code(width), jnp.result_type(float)) if positions == "learned" else None
        )
        condition = None
        if classes or vocabulary:
            condition = Condition(width, classes, vocabulary, length, key=keys[1])
        self.situation = Situation(width, condition, key=keys[2])
        self.modulation = _zero(Projection(width, (6 * depth + 2) * width, key=keys[3]))
        heads = heads or next(h for h in range(max(width // 32, 1), 0, -1) if width % h == 0)
        self.blocks = tuple(
            ModulatedBlock(width, heads, hidden or 4 * width, activation, key=k)
            for k in jax.random.split(keys[4], depth)
        )
        self.outward = _zero(Projection(width, values, key=keys[5]))

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Float[Array, "H W C"]:
        """Return f `[H, W, C]` of a `Noisy`."""
        noisy = Noisy(*x)
        expect(noisy.x, self.shape, "PatchTransformer")
        width = self.inward.weight.shape[0]
        told = self.modulation(self.situation(noisy, key=key)[None])[0].reshape(-1, width)
        code = self.places if self.places is not None else jnp.asarray(self._code(width), noisy.x.dtype)
        cut = to_patches(noisy.x, self.patch)
        h = self.inward(cut.reshape(-1, cut.shape[2])) + code
        for i, block in enumerate(self.blocks):
            h = block((h, told[6 * i : 6 * i + 6]))
        parts = self.outward(modulated(h, told[-2], told[-1]))
        return from_patches(parts.reshape(cut.shape), self.shape)

    def _code(self, width: int) -> np.ndarray:
        return plane_code(-(-self.shape[0] // self.patch), -(-self.shape[1] // self.patch), width)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[PatchTransformer, Noisy]":
        """Return a small map and an input for it."""
        net = PatchTransformer((5, 4, 2), 2, 8, 1, 2, classes=3, key=key)
        # At the start most parameters have no effect on the output, which is 0.
        parts = lambda n: (n.modulation.weight, n.outward.weight)  # noqa: E731
        drawn = [
            0.3 * jax.random.normal(k, w.shape) / math.sqrt(w.shape[1])
            for k, w in zip(jax.random.split(key), parts(net), strict=True)
        ]
        net = eqx.tree_at(parts, net, tuple(drawn))
        seen = jax.random.normal(key, (5, 4, 2))
        return net, Noisy(seen, jnp.asarray(0.3), Told(jnp.asarray(1)), jnp.asarray(True))


def _zero(projection: Projection) -> Projection:
    """Return a projection whose weight is 0."""
    return eqx.tree_at(lambda p: p.weight, projection, jnp.zeros_like(projection.weight))
