"""Images as sequences of patches whose pixels have a few levels, which costs a likelihood nothing."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ansatz.core import BadInput


class Levels(NamedTuple):
    """A table between bytes and levels.

    `of_byte: [256]` is the level of each byte, `chance: [256]` the probability of a byte given its level, and
    `value: [L]` the mean of a level, in [-1, 1].  With ``p(byte) = p(level) · chance[byte]`` a model of
    levels is one of bytes: its likelihood is exact, whatever the number of levels.
    """

    of_byte: Int[Array, " 256"]
    chance: Float[Array, " 256"]
    value: Float[Array, " levels"]

    @property
    def count(self) -> int:
        """The number of levels."""
        return self.value.shape[0]


def make_levels(x: np.ndarray, most: int) -> Levels:
    """Return the levels of bytes `x`: their own values where these are few, else `most` equal steps.

    >>> levels = make_levels(np.array([0, 0, 255], np.uint8), 4)
    >>> levels.count, levels.of_byte[jnp.array([0, 1, 255])].tolist()
    (2, [0, 0, 1])
    """
    if not 2 <= most <= 256:
        raise BadInput(f"levels={most} is no number of gray levels: it is from 2 to 256.")
    counts = np.bincount(x.ravel(), minlength=256)
    found, bytes_ = np.flatnonzero(counts), np.arange(256)
    if len(found) <= 2 * most:
        of_byte = np.abs(bytes_[:, None] - found[None, :]).argmin(1)
    else:
        of_byte = bytes_ * most // 256
    size = int(of_byte.max()) + 1
    # One more of each byte, so that none is impossible.
    more = counts + 1.0
    total = np.bincount(of_byte, more, size)
    mean = np.bincount(of_byte, more * bytes_, size) / total
    return Levels(
        jnp.asarray(of_byte, jnp.int32),
        jnp.asarray(more / total[of_byte], jnp.float32),
        jnp.asarray(mean / 127.5 - 1, jnp.float32),
    )


def draw_bytes(levels: Levels, chosen: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return a byte for each level in `chosen`, drawn by its chance."""
    of_byte, chance = np.asarray(levels.of_byte), np.asarray(levels.chance, np.float64)
    # Bytes of a level stand together: one sorted column of summed chances holds them all.
    edges = of_byte + _summed(of_byte, chance)
    wanted = chosen + random.random(chosen.shape)
    return np.minimum(np.searchsorted(edges, wanted, side="right"), 255).astype(np.uint8)


def _summed(of_byte: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Return the chance of each byte and those before it within its level."""
    total = np.cumsum(chance)
    first = np.searchsorted(of_byte, of_byte)
    return total - (total - chance)[first]


class Layout(NamedTuple):
    """How images `[H, W, C]` are cut into patches of `size` × `size` pixels, row by row."""

    height: int
    width: int
    channels: int
    size: int

    @property
    def rows(self) -> tuple[int, int]:
        """The number of patches down and across."""
        return -(-self.height // self.size), -(-self.width // self.size)

    @property
    def length(self) -> int:
        """The number of patches."""
        down, across = self.rows
        return down * across

    @property
    def inside(self) -> int:
        """The numbers in a patch."""
        return self.size**2 * self.channels

    def cut(self, x: Any) -> np.ndarray:
        """Return the patches `[N, T, k]` of images `[N, H, W, C]`; what is over the edge is 0."""
        (down, across), s = self.rows, self.size
        high, wide = down * s - self.height, across * s - self.width
        x = np.pad(np.asarray(x), ((0, 0), (0, high), (0, wide), (0, 0)))
        x = x.reshape(len(x), down, s, across, s, self.channels).transpose(0, 1, 3, 2, 4, 5)
        return np.ascontiguousarray(x.reshape(len(x), self.length, self.inside))

    def join(self, patches: Any) -> np.ndarray:
        """Return the images `[N, H, W, C]` of patches `[N, T, k]`.

        >>> layout = Layout(3, 5, 1, 2)
        >>> x = np.arange(15).reshape(1, 3, 5, 1)
        >>> layout.cut(x).shape, bool((layout.join(layout.cut(x)) == x).all())
        ((1, 6, 4), True)
        """
        (down, across), s = self.rows, self.size
        x = np.asarray(patches).reshape(-1, down, across, s, s, self.channels).transpose(0, 1, 3, 2, 4, 5)
        x = x.reshape(len(x), down * s, across * s, self.channels)
        return x[:, : self.height, : self.width]

    def within(self) -> np.ndarray:
        """Return which numbers of the patches are of the image and not over its edge, `[T, k]`."""
        return self.cut(np.ones((1, self.height, self.width, self.channels), bool))[0]


def usual_patch(height: int, width: int) -> int:
    """Return the size of patches where none is given: the sequence has at most 49.

    >>> [usual_patch(n, n) for n in (8, 16, 28, 32, 64)]
    [2, 4, 4, 8, 16]
    """
    size = 1
    while -(-height // size) * -(-width // size) > 49:
        size *= 2
    return size
