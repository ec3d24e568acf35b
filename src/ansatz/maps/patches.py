"""Convolutional networks whose every operation is a matrix product: between an image and a vector.

An image is cut into patches, which one affine map takes (a convolution whose stride is its size), and
3 × 3 convolutions follow on the small grid of patches, each a sum of three products.  So there is no
convolution for a compiled loop on a CPU to be slow at.  Images are vectors `[H · W · C]`, channels last.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import BadInput, Map
from ansatz.maps.activations import activation as activation_named
from ansatz.maps.affine import Affine
from ansatz.maps.convolution import by_rows
from ansatz.maps.initial import gain, initial
from ansatz.maps.shapes import expect, positive
from ansatz.maps.tall import tall_product

Shape = tuple[int, int, int]
GRID = 8
"""About so many patches lie along the shorter side of an image."""


def patch_size(shape: Shape) -> int:
    """Return the power of 2, at least 2, that cuts an image into a grid of about 8 patches a side.

    >>> [patch_size((side, side, 1)) for side in (8, 28, 32, 64)]
    [2, 4, 4, 8]
    """
    return max(2, 2 ** round(math.log2(max(1.0, min(shape[:2]) / GRID))))


def to_patches(image: Float[Array, "H W C"], size: int) -> Float[Array, "rows columns numbers"]:
    """Return the patches `[⌈H/size⌉, ⌈W/size⌉, size² C]`; zeros stand beyond the last row and column.

    >>> to_patches(jnp.arange(16.0).reshape(4, 4, 1), 2)[0, 0].tolist()
    [0.0, 1.0, 4.0, 5.0]
    """
    height, width, channels = image.shape
    rows, columns = -(-height // size), -(-width // size)
    full = jnp.pad(image, ((0, rows * size - height), (0, columns * size - width), (0, 0)))
    cut = full.reshape(rows, size, columns, size, channels).transpose(0, 2, 1, 3, 4)
    return cut.reshape(rows, columns, size * size * channels)


def from_patches(patches: Float[Array, "rows columns numbers"], shape: Shape) -> Float[Array, "H W C"]:
    """Return the image of this shape that was cut into these patches.

    >>> image = jnp.arange(15.0).reshape(3, 5, 1)
    >>> bool((from_patches(to_patches(image, 2), (3, 5, 1)) == image).all())
    True
    """
    rows, columns, numbers = patches.shape
    height, width, channels = shape
    size = math.isqrt(numbers // channels)
    spread = patches.reshape(rows, columns, size, size, channels).transpose(0, 2, 1, 3, 4)
    return spread.reshape(rows * size, columns * size, channels)[:height, :width]


class PatchBlock(Map):
    """``x + A σ(K ∗ σ(x))`` on a grid of nodes `x: [rows, columns, width]`: K is 3 × 3, A a matrix.

    Zeros stand beyond the border.  A is small at first, so that a block begins near the identity.
    """

    kernel: Float[Array, "3 3 in width"]
    bias: Float[Array, " width"]
    mix: Float[Array, "width out"]
    activation: str = eqx.field(static=True)

    def __init__(self, width: int, activation: str = "silu", *, key: PRNGKeyArray):
        positive("PatchBlock", width=width)
        first, second = jax.random.split(key)
        up = gain(activation)
        self.kernel = initial("he_normal")(first, (3, 3, width, width), gain=up)
        self.bias = jnp.zeros(width)
        self.mix = initial("he_normal")(second, (width, width), gain=0.3 * up)
        self.activation = activation

    def __call__(
        self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "rows columns width"]:
        """Return the grid after the block."""
        width = self.bias.shape[0]
        if x.ndim != 3 or x.shape[2] != width:
            raise BadInput(f"PatchBlock takes a grid [rows, columns, {width}] and got {list(x.shape)}.")
        sigma = activation_named(self.activation)
        inner = sigma(by_rows(sigma(x), self.kernel, (1, 1)) + self.bias.reshape(1, 1, width))
        return x + tall_product(inner.reshape(-1, width), self.mix).reshape(x.shape)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[PatchBlock, Array]":
        """Return a small map and an input for it."""
        return PatchBlock(4, key=key), jax.random.normal(key, (3, 2, 4))


class PatchEncoder(Map):
    """From an image to a vector: an affine map of each patch, `depth` blocks, an affine map of all nodes.

    * `shape` is (height, width, channels) of an image; the input is a vector `[height · width · channels]`.
    * `out_size` is the length of the output; `width` the numbers at each patch.
    * `patch` is the side of a patch, 0 for one that makes about 8 a side.

    >>> encoder = PatchEncoder((8, 8, 1), 3, width=4, key=jax.random.key(0))
    >>> encoder(jnp.zeros(64)).shape
    (3,)
    """

    first: Float[Array, "numbers width"]
    place: Float[Array, "rows columns width"]
    blocks: tuple[PatchBlock, ...]
    last: Affine
    shape: Shape = eqx.field(static=True)
    patch: int = eqx.field(static=True)
    activation: str = eqx.field(static=True)

    def __init__(
        self,
        shape: Shape,
        out_size: int,
        width: int = 32,
        depth: int = 2,
        patch: int = 0,
        activation: str = "silu",
        *,
        key: PRNGKeyArray,
    ):
        self.shape, self.patch, rows, columns = _cut("PatchEncoder", shape, out_size, width, depth, patch)
        keys = jax.random.split(key, depth + 3)
        numbers = self.patch**2 * self.shape[2]
        self.first = initial("he_normal")(keys[0], (width, numbers), gain=1.0).T
        self.place = 0.1 * jax.random.normal(keys[1], (rows, columns, width))
        self.blocks = tuple(PatchBlock(width, activation, key=k) for k in keys[3:])
        self.last = Affine(rows * columns * width, out_size, gain=gain(activation), key=keys[2])
        self.activation = activation

    def __call__(self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, " out"]:
        """Return the vector `[out_size]` of an image `x: [height · width · channels]`."""
        expect(x, (math.prod(self.shape),), "PatchEncoder")
        patches = to_patches(x.reshape(self.shape), self.patch)
        nodes = tall_product(patches.reshape(-1, patches.shape[2]), self.first)
        nodes = nodes.reshape(self.place.shape) + self.place
        for block in self.blocks:
            nodes = block(nodes)
        return self.last(activation_named(self.activation)(nodes).reshape(-1))

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[PatchEncoder, Array]":
        """Return a small map and an input for it."""
        return PatchEncoder((5, 4, 2), 3, width=4, depth=1, key=key), jax.random.normal(key, (40,))


class PatchDecoder(Map):
    """From a vector to an image: an affine map to all nodes, `depth` blocks, an affine map to each patch.

    Sizes are those of `PatchEncoder`, with `in_size` in place of `out_size`.

    >>> decoder = PatchDecoder(3, (8, 8, 1), width=4, key=jax.random.key(0))
    >>> decoder(jnp.zeros(3)).shape
    (64,)
    """

    first: Affine
    blocks: tuple[PatchBlock, ...]
    last: Float[Array, "width numbers"]
    place: Float[Array, " size"]
    shape: Shape = eqx.field(static=True)
    patch: int = eqx.field(static=True)
    activation: str = eqx.field(static=True)

    def __init__(
        self,
        in_size: int,
        shape: Shape,
        width: int = 32,
        depth: int = 2,
        patch: int = 0,
        activation: str = "silu",
        *,
        key: PRNGKeyArray,
    ):
        self.shape, self.patch, rows, columns = _cut("PatchDecoder", shape, in_size, width, depth, patch)
        keys = jax.random.split(key, depth + 2)
        numbers = self.patch**2 * self.shape[2]
        self.first = Affine(
            in_size, rows * columns * width, "he_normal", 1.0, bias_deviation=0.1, key=keys[0]
        )
        self.blocks = tuple(PatchBlock(width, activation, key=k) for k in keys[2:])
        self.last = initial("glorot_normal")(keys[1], (numbers, width), gain=gain(activation)).T
        self.place = jnp.zeros(math.prod(self.shape))
        self.activation = activation

    def __call__(self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, " size"]:
        """Return the image `[height · width · channels]` of a vector `x: [in_size]`."""
        expect(x, (self.first.weight.shape[1],), "PatchDecoder")
        rows, columns = (-(-side // self.patch) for side in self.shape[:2])
        nodes = self.first(x).reshape(rows, columns, -1)
        for block in self.blocks:
            nodes = block(nodes)
        nodes = activation_named(self.activation)(nodes).reshape(rows * columns, -1)
        patches = tall_product(nodes, self.last).reshape(rows, columns, -1)
        return from_patches(patches, self.shape).reshape(-1) + self.place

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[PatchDecoder, Array]":
        """Return a small map and an input for it."""
        return PatchDecoder(3, (5, 4, 2), width=4, depth=1, key=key), jax.random.normal(key, (3,))


def _cut(
    who: str, shape: Shape, size: int, width: int, depth: int, patch: int
) -> tuple[Shape, int, int, int]:
    """Return the shape, the side of a patch, and how many patches lie in a column and a row."""
    if len(shape) != 3:
        raise BadInput(f"{who} is of images (height, width, channels), not {tuple(shape)}.")
    height, width_of_image, channels = shape
    positive(who, size=size, width=width, depth=depth, height=height, width_of_image=width_of_image)
    positive(who, channels=channels)
    if isinstance(patch, bool) or not isinstance(patch, int) or patch < 0:
        raise BadInput(f"The side of a patch is a number of pixels, or 0 to choose, not {patch!r}.")
    side = patch or patch_size((height, width_of_image, channels))
    return (height, width_of_image, channels), side, -(-height // side), -(-width_of_image // side)
