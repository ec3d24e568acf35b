"""Convolutions, pooling and the convolutional network, channels last (notes §3)."""

import math
from functools import partial
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz._spelling import choose
from ansatz.core import BadInput, Map
from ansatz.maps.initial import initial as initial_named
from ansatz.maps.shapes import positive
from ansatz.maps.tall import tall_product

PADDINGS = {"same": "same", "valid": "valid", "circular": "circular"}


@partial(jax.custom_jvp, nondiff_argnums=(2,))
def convolve(x: Array, weight: Array, margin: tuple[int, int]) -> Array:
    """Return ``y_{a,b,o} = Σ_{i,j,c} x_{a+i, b+j, c} w_{i,j,c,o}`` for `x: [H, W, C]` with a margin of zeros.

    `weight` is `[s, s, C, O]`; `margin` gives the zeros (before, after) on each axis.  Its derivative in
    the weight is a sum of s matrix products, which on a CPU take less time than the convolution with a
    kernel as large as the image that it would else be.
    """
    return jax.lax.conv_general_dilated(
        x[None], weight, (1, 1), (margin, margin), dimension_numbers=("NHWC", "HWIO", "NHWC")
    )[0]


@convolve.defjvp
def _convolve_jvp(margin: tuple[int, int], primals: Any, tangents: Any) -> tuple[Array, Array]:
    (x, weight), (dx, dweight) = primals, tangents
    moved = convolve(dx, weight, margin) + by_rows(x, dweight, margin)
    return convolve(x, weight, margin), moved


def by_rows(x: Array, weight: Array, margin: tuple[int, int]) -> Array:
    """Return the same as `convolve`, as a sum of one matrix product for each row of the weight."""
    size, _, channels, out = weight.shape
    x = jnp.pad(x, (margin, margin, (0, 0)))
    height, width = (side - size + 1 for side in x.shape[:2])
    windows = jnp.concatenate([x[:, j : j + width] for j in range(size)], axis=2)
    rows = weight.reshape(size, size * channels, out)
    parts = [
        tall_product(windows[i : i + height].reshape(height * width, size * channels), rows[i])
        for i in range(size)
    ]
    return sum(parts[1:], parts[0]).reshape(height, width, out)


class Convolution(Map):
    """``y_{a,b,o} = bias_o + Σ_{i,j,c} x_{a+i, b+j, c} w_{i,j,c,o}`` on an image `x: [H, W, C]`.

    This is the notes' (and everybody's) convolution, mathematically a cross-correlation.  `weight` is
    `[size, size, in, out]`, `bias` is `[out]`; with `padding` "same" and "circular" the window is
    centered and the image keeps its size (0 or the opposite side stands beyond its border), with
    "valid" it shrinks by size - 1.  A circular one commutes exactly with every translation.

    >>> conv = Convolution(1, 4, padding="valid", key=jax.random.key(0))
    >>> conv(jnp.ones((8, 8, 1))).shape
    (6, 6, 4)
    """

    weight: Float[Array, "height width in out"]
    bias: Float[Array, " out"]
    padding: str = eqx.field(static=True)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int = 3,
        padding: str = "same",
        initial: str = "he",
        gain: float = math.sqrt(2),
        *,
        key: PRNGKeyArray,
    ):
        positive("Convolution", in_channels=in_channels, out_channels=out_channels, size=size)
        self.padding = choose("padding", padding, PADDINGS)
        self.weight = initial_named(initial)(key, (size, size, in_channels, out_channels), gain=gain)
        self.bias = jnp.zeros(out_channels)

    def __call__(self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, "H W out"]:
        """Return the image `[H', W', out]` for `x: [H, W, in]`."""
        size, _, channels, out = self.weight.shape
        smallest = size if self.padding == "valid" else 1
        if x.ndim != 3 or x.shape[2] != channels or min(x.shape[:2]) < smallest:
            raise BadInput(
                f"Convolution takes one image of shape [H, W, {channels}] with H, W ≥ {smallest} "
                f"and got {list(x.shape)}."
            )
        before, after = (size - 1) // 2, size // 2
        margin = (before, after)
        if self.padding == "circular":
            x = jnp.pad(x, (margin, margin, (0, 0)), mode="wrap")
        y = convolve(x, self.weight, margin if self.padding == "same" else (0, 0))
        return y + self.bias.reshape(1, 1, out)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Convolution, Array]":
        """Return a small map and an image for it."""
        return Convolution(2, 3, padding="circular", key=key), jax.random.normal(key, (5, 4, 2))


class _Pool(Map):
    """What the two poolings share: cutting `[H, W, C]` into windows `[H/s, s, W/s, s, C]`."""

    size: int = eqx.field(static=True)
    who: ClassVar[str] = "Pool"

    def __init__(self, size: int = 2):
        positive(self.who, size=size)
        self.size = size

    def windows(self, x: Array) -> Float[Array, "rows size columns size channels"]:
        """Return the windows; rows and columns that fill none are left out at the end."""
        s = self.size
        if x.ndim != 3 or min(x.shape[:2]) < s:
            raise BadInput(
                f"{self.who} takes one image of shape [H, W, C] with H, W ≥ {s} and got {list(x.shape)}."
            )
        rows, columns = x.shape[0] // s, x.shape[1] // s
        return x[: rows * s, : columns * s].reshape(rows, s, columns, s, x.shape[2])


def _largest(arrays: list[Array]) -> Array:
    """Return the elementwise maximum, by pairs, so that the gradient of a tie is shared."""
    while len(arrays) > 1:
        pairs = [jnp.maximum(a, b) for a, b in zip(arrays[::2], arrays[1::2], strict=False)]
        arrays = pairs + arrays[2 * len(pairs) :]
    return arrays[0]


class MaxPool(_Pool):
    """The largest value of each channel in windows of `size` × `size` that do not overlap (notes §3).

    >>> MaxPool(2)(jnp.arange(16.0).reshape(4, 4, 1))[..., 0].tolist()
    [[5.0, 7.0], [13.0, 15.0]]
    """

    who: ClassVar[str] = "MaxPool"

    def __call__(self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, "H W C"]:
        """Return the image `[H // size, W // size, C]` for `x: [H, W, C]`."""
        windows = self.windows(x)
        # Pairwise maxima have a cheaper derivative than a reduction, which must count ties.
        columns = _largest([windows[:, :, :, j] for j in range(self.size)])
        return _largest([columns[:, i] for i in range(self.size)])

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[MaxPool, Array]":
        """Return a map and an image for it."""
        return MaxPool(2), jax.random.normal(key, (5, 4, 2))


class AveragePool(_Pool):
    """The mean of each channel in windows of `size` × `size` that do not overlap.

    >>> AveragePool(2)(jnp.arange(16.0).reshape(4, 4, 1))[..., 0].tolist()
    [[2.5, 4.5], [10.5, 12.5]]
    """

    who: ClassVar[str] = "AveragePool"

    def __call__(self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, "H W C"]:
        """Return the image `[H // size, W // size, C]` for `x: [H, W, C]`."""
        return self.windows(x).mean((1, 3))

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[AveragePool, Array]":
        """Return a map and an image for it."""
        return AveragePool(2), jax.random.normal(key, (4, 6, 2))


class Flatten(Map):
    """All entries of an array as one vector, the last axis running fastest."""

    def __call__(self, x: Array, *, key: PRNGKeyArray | None = None) -> Array:
        """Return `x: [...]` as `[size]`."""
        return x.reshape(-1)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Flatten, Array]":
        """Return a map and an image for it."""
        return Flatten(), jax.random.normal(key, (2, 3, 2))
