"""The U-Net: an image made coarser and finer again, with skips between equal sizes (Ronneberger et al. 2015).

As a denoiser it follows Ho et al. 2020: residual blocks, attention at the coarsest size, and the noise level
in every block.
"""

import itertools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import BadInput, Map
from ansatz.maps.attention import SelfAttention
from ansatz.maps.condition import Condition, Situation, Told
from ansatz.maps.convolution import AveragePool, Convolution
from ansatz.maps.denoiser import Noisy
from ansatz.maps.patch_transformer import modulated
from ansatz.maps.projection import Projection
from ansatz.maps.shapes import expect, positive


class ResidualBlock(Map):
    """``y = S x + K₂ σ((1 + a) ∘ norm(K₁ σ(norm(x))) + b)`` with 3 × 3 convolutions K and σ the SiLU.

    It maps `(x, told)` with `x: [H, W, in]` and `told: [told]`; a and b are affine in what is told.  S is
    the identity, or a 1 × 1 convolution where the channels change; norm is over the channels of a pixel.
    """

    first: Convolution
    modulation: Projection
    second: Convolution
    skip: Convolution | None

    def __init__(self, channels: int, out_channels: int, told: int, *, key: PRNGKeyArray):
        keys = jax.random.split(key, 4)
        self.first = Convolution(channels, out_channels, gain=1.6765, key=keys[0])
        self.modulation = Projection(told, 2 * out_channels, gain=0.5, key=keys[1])
        self.second = Convolution(out_channels, out_channels, gain=0.8, key=keys[2])
        same = channels == out_channels
        self.skip = None if same else Convolution(channels, out_channels, 1, gain=1.0, key=keys[3])

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Float[Array, "H W out"]:
        """Return the image `[H, W, out]` for `(x, told)`."""
        h, told = x
        channels = self.first.weight.shape[2]
        if h.ndim != 3 or h.shape[2] != channels:
            raise BadInput(f"ResidualBlock takes an image [H, W, {channels}] and got {list(h.shape)}.")
        expect(told, (self.modulation.weight.shape[1],), "What ResidualBlock is told")
        scale, shift = self.modulation(told[None])[0].reshape(2, -1)
        nothing = jnp.zeros(h.shape[-1], h.dtype)
        moved = self.first(jax.nn.silu(modulated(h, nothing, nothing)))
        moved = self.second(jax.nn.silu(modulated(moved, scale, shift)))
        return moved + (h if self.skip is None else self.skip(h))

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[ResidualBlock, tuple[Array, Array]]":
        """Return a small map and an input for it."""
        here, there = jax.random.split(key)
        return ResidualBlock(2, 3, 4, key=key), (
            jax.random.normal(here, (4, 3, 2)),
            jax.random.normal(there, (4,)),
        )


class UNet(Map):
    """A U-Net on noisy images `x: [H, W, C]`, told of noise level and condition.

    At each size stands a `ResidualBlock` on the way down and one on the way up, which also sees what went
    down; `channels` names their channels from the finest size on.  Down an image is averaged over 2 × 2
    pixels; up each pixel is doubled and a convolution follows (a transposed one would leave a pattern of
    squares, and is slow on a CPU).  At the coarsest size stand a block, self-attention among the pixels, and
    a block.

    * `shape` is (height, width, channels); images that cannot be halved so often are filled up with zeros
      below and to the right, and the answer is cut.
    * `classes`, `vocabulary`, `length`: of the conditions (see `Condition`); `told` is the size of the
      vector that says noise level and condition.

    The output starts at 0.  It maps a `Noisy`; wrong sizes and unknown conditions raise `BadInput`.

    >>> net = UNet((5, 7, 1), (4, 8), key=jax.random.key(0))
    >>> net(Noisy(jnp.ones((5, 7, 1)), jnp.asarray(0.5))).shape
    (5, 7, 1)
    """

    situation: Situation
    inward: Convolution
    down: tuple[ResidualBlock, ...]
    middle: tuple[ResidualBlock, ...]
    attention: SelfAttention
    up: tuple[ResidualBlock, ...]
    finer: tuple[Convolution, ...]
    outward: Convolution
    shape: tuple[int, int, int] = eqx.field(static=True)

    def __init__(
        self,
        shape: tuple[int, int, int],
        channels: tuple[int, ...] = (32, 64),
        told: int = 128,
        heads: int = 4,
        classes: int = 0,
        vocabulary: int = 0,
        length: int = 16,
        *,
        key: PRNGKeyArray,
    ):
        height, columns, colors = self.shape = shape
        channels = tuple(channels)
        positive("UNet", height=height, width=columns, channels=colors, told=told)
        positive("UNet", **{f"channels[{i}]": c for i, c in enumerate(channels)})
        if not channels or min(height, columns) < 2 ** (len(channels) - 1):
            raise BadInput(
                f"UNet halves an image between its sizes, so one of {height} × {columns} pixels allows 1 to "
                f"{min(height, columns).bit_length()} of them, not {len(channels)}."
            )
        keys = jax.random.split(key, 8)
        condition = None
        if classes or vocabulary:
            condition = Condition(told, classes, vocabulary, length, key=keys[0])
        self.situation = Situation(told, condition, key=keys[1])
        self.inward = Convolution(colors, channels[0], gain=1.0, key=keys[2])
        before, last = (channels[0], *channels[:-1]), channels[-1]
        self.down = tuple(
            ResidualBlock(a, b, told, key=jax.random.fold_in(keys[3], i))
            for i, (a, b) in enumerate(zip(before, channels, strict=True))
        )
        self.middle = (
            ResidualBlock(last, last, told, key=jax.random.fold_in(keys[4], 0)),
            ResidualBlock(last, last, told, key=jax.random.fold_in(keys[4], 1)),
        )
        self.attention = SelfAttention(last, heads if last % heads == 0 else 1, gain=0.5, key=keys[5])
        self.up = tuple(
            ResidualBlock(2 * c, c, told, key=jax.random.fold_in(keys[6], i)) for i, c in enumerate(channels)
        )
        self.finer = tuple(
            Convolution(b, a, gain=1.0, key=jax.random.fold_in(keys[7], i))
            for i, (a, b) in enumerate(itertools.pairwise(channels))
        )
        zero = Convolution(channels[0], colors, key=keys[7])
        self.outward = eqx.tree_at(lambda c: c.weight, zero, jnp.zeros_like(zero.weight))

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Float[Array, "H W C"]:
        """Return f `[H, W, C]` of a `Noisy`."""
        noisy = Noisy(*x)
        expect(noisy.x, self.shape, "UNet")
        told = self.situation(noisy, key=key)
        height, width, _ = self.shape
        whole = 2 ** (len(self.down) - 1)
        h = self.inward(jnp.pad(noisy.x, ((0, -height % whole), (0, -width % whole), (0, 0))))
        kept = []
        for i, block in enumerate(self.down):
            h = block((AveragePool(2)(h) if i else h, told))
            kept.append(h)
        h = self.middle[1]((self._attended(self.middle[0]((h, told))), told))
        for i in reversed(range(len(self.up))):
            h = self.up[i]((jnp.concatenate([h, kept[i]], 2), told))
            if i:
                h = self.finer[i - 1](doubled(h))
        nothing = jnp.zeros(h.shape[-1], h.dtype)
        return self.outward(jax.nn.silu(modulated(h, nothing, nothing)))[:height, :width]

    def _attended(self, h: Array) -> Array:
        """Return the coarsest image after each pixel has asked all."""
        nothing = jnp.zeros(h.shape[-1], h.dtype)
        rows = modulated(h, nothing, nothing).reshape(-1, h.shape[-1])
        return h + self.attention(rows).reshape(h.shape)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[UNet, Noisy]":
        """Return a small map and an input for it."""
        net = UNet((5, 4, 2), (4, 6), 5, 2, classes=3, key=key)
        weight = 0.2 * jax.random.normal(key, net.outward.weight.shape)
        net = eqx.tree_at(lambda n: n.outward.weight, net, weight)
        seen = jax.random.normal(key, (5, 4, 2))
        return net, Noisy(seen, jnp.asarray(0.3), Told(jnp.asarray(1)), jnp.asarray(True))


def doubled(x: Float[Array, "H W C"]) -> Float[Array, "H2 W2 C"]:
    """Return the image with each pixel as a square of 2 × 2.

    >>> doubled(jnp.asarray([[[1.0], [2.0]]]))[..., 0].tolist()
    [[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]
    """
    return jnp.repeat(jnp.repeat(x, 2, 0), 2, 1)
