"""The block of a transformer: attention and a feed-forward network with skips and norms (notes §4)."""

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz._spelling import choose
from ansatz.core import BadInput, Map
from ansatz.maps.attention import Across, CrossAttention, SelfAttention
from ansatz.maps.cache import Place, write
from ansatz.maps.feed_forward import FeedForward
from ansatz.maps.layers import Dropout, LayerNorm, RMSNorm

NORMS = {"layer": LayerNorm, "rms": RMSNorm}


class BlockOptions(NamedTuple):
    """How the blocks of a transformer are made; the defaults are the notes' and the paper's sizes and order.

    * `size` components in `heads` heads of `head_size` (0: size / heads), and `groups` of keys (0: heads);
    * `hidden` nodes (0: 4 · size) with `activation`, a name of `feed_forward.NONLINEARITIES`;
    * `norm` is "layer" or "rms"; it stands after each skip, or with `norm_first` before what is skipped;
    * `final_norm` adds one at the end: by default with `norm_first`, where nothing else bounds the result;
    * `bias`, `output` and `cosine` as in `SelfAttention`;
    * `dropout` acts on what each skip passes and on the embedded tokens, `attention_dropout` on the P_ij.
    """

    size: int = 512
    heads: int = 8
    groups: int = 0
    head_size: int = 0
    hidden: int = 0
    activation: str = "relu"
    norm: str = "layer"
    norm_first: bool = False
    final_norm: bool | None = None
    bias: bool = True
    output: bool = True
    cosine: bool = False
    dropout: float = 0.0
    attention_dropout: float = 0.0

    def norm_map(self) -> LayerNorm | RMSNorm:
        """Return a normalization of vectors of this size."""
        return choose("norm", self.norm, NORMS)(self.size)

    def last_norm(self) -> LayerNorm | RMSNorm | None:
        """Return the normalization after the last block, if there is one."""
        wanted = self.norm_first if self.final_norm is None else self.final_norm
        return self.norm_map() if wanted else None

    def attention(self) -> dict[str, Any]:
        """Return the options of an attention within a block, whose result must have the size of its input."""
        inner = self.heads * (self.head_size or self.size // max(self.heads, 1))
        if not self.output and inner != self.size:
            raise BadInput(
                f"Without an output matrix the heads' {inner} components cannot be added to the {self.size} "
                "of the skip; heads · head_size must equal size."
            )
        shape = {"size": self.size, "heads": self.heads, "groups": self.groups, "head_size": self.head_size}
        rest = {"output": self.output, "bias": self.bias, "cosine": self.cosine}
        return shape | rest | {"dropout": self.attention_dropout}

    def feed_forward(self, gain: float, key: PRNGKeyArray) -> FeedForward:
        """Return the network of a block."""
        return FeedForward(self.size, self.hidden or 4 * self.size, self.activation, self.bias, gain, key=key)

    def branch_gain(self, branches: int) -> float:
        """Return the factor on the last weights of each of so many branches.

        With the norm first, nothing normalizes the sum of the branches: ``1 / √branches`` keeps its size.
        """
        return 1 / math.sqrt(branches) if self.norm_first else 1.0


class _Block(Map):
    """What the blocks share: the order of norm and skip."""

    norms: tuple[LayerNorm | RMSNorm, ...]
    dropout: Dropout
    norm_first: bool = eqx.field(static=True)

    def _enter(self, i: int, x: Array) -> Array:
        """Return what branch i is given."""
        return self.norms[i](x) if self.norm_first else x

    def _leave(self, i: int, x: Array, moved: Array, key: PRNGKeyArray | None = None) -> Array:
        """Return what follows when branch i has made `moved` of x."""
        total = x + self.dropout(moved, key=key)
        return total if self.norm_first else self.norms[i](total)


class TransformerBlock(_Block):
    """``h = norm(x + attention(x))``, ``y = norm(h + feed_forward(h))`` for `x: [T, size]` (notes §4).

    With `norm_first` it is ``h = x + attention(norm(x))``, ``y = h + feed_forward(norm(h))``.  `rotary` gives
    the attention rotary positions, and `branches` is the number of all skips of the transformer.

    >>> import jax.numpy as jnp
    >>> TransformerBlock(BlockOptions(8, 2), key=jax.random.key(0))(jnp.zeros((5, 8))).shape
    (5, 8)
    """

    attention: SelfAttention
    feed_forward: FeedForward

    def __init__(
        self,
        options: BlockOptions = BlockOptions(),
        rotary: bool = False,
        branches: int = 2,
        *,
        key: PRNGKeyArray,
    ):
        first, second = jax.random.split(key)
        gain = options.branch_gain(branches)
        self.attention = SelfAttention(**options.attention(), rotary=rotary, gain=gain, key=first)
        self.feed_forward = options.feed_forward(gain, second)
        self.norms = (options.norm_map(), options.norm_map())
        self.dropout, self.norm_first = Dropout(options.dropout), options.norm_first

    def __call__(
        self, x: Float[Array, "..."], mask: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "T size"]:
        """Return `[T, size]`; `mask` is true where i may see j, `[T, T]` or per head."""
        return self.read(x, mask, key=key)[0]

    def read(
        self, x: Float[Array, "..."], mask: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Float[Array, "T size"], tuple[Array, Array]]:
        """Return the block's answer and its keys and values, as a cache stores them."""
        keys = [None] * 3 if key is None else list(jax.random.split(key, 3))
        moved, *row = self.attention.read(self._enter(0, x), mask, key=keys[0])
        h = self._leave(0, x, moved, keys[1])
        y = self._leave(1, h, self.feed_forward(self._enter(1, h)), keys[2])
        return y, (row[0], row[1])

    def step(
        self, x: Float[Array, "1 size"], layer: int, store: tuple[Array, Array], place: Place
    ) -> tuple[Float[Array, "1 size"], tuple[Array, Array]]:
        """Return the answer to one more vector, and the keys and values of all layers with its own added."""
        moved, store = _step_attention(self.attention, self._enter(0, x), layer, store, place)
        h = self._leave(0, x, moved)
        return self._leave(1, h, self.feed_forward(self._enter(1, h))), store

    def probabilities(self, x: Float[Array, "T size"], mask: Array | None = None) -> Array:
        """Return the P_ij of the block's heads, `[heads, T, T]`."""
        return self.attention.attention(self._enter(0, x), mask)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[TransformerBlock, Array]":
        """Return a small map and a sequence for it."""
        options = BlockOptions(4, 2, hidden=6, activation="gelu", dropout=0.2, attention_dropout=0.1)
        return TransformerBlock(options, key=key), jax.random.normal(key, (3, 4))


class CrossBlock(_Block):
    """A decoder's block: self-attention, attention to a memory, feed-forward, each with a skip and a norm.

    It maps an `Across`; the mask in it is that of the memory, and `mask` that of the sequence itself.

    >>> import jax.numpy as jnp
    >>> block = CrossBlock(BlockOptions(8, 2), key=jax.random.key(0))
    >>> block(Across(jnp.zeros((5, 8)), jnp.zeros((7, 8)))).shape
    (5, 8)
    """

    attention: SelfAttention
    cross: CrossAttention
    feed_forward: FeedForward

    def __init__(
        self,
        options: BlockOptions = BlockOptions(),
        rotary: bool = False,
        memory_size: int = 0,
        branches: int = 3,
        *,
        key: PRNGKeyArray,
    ):
        first, second, third = jax.random.split(key, 3)
        gain, shared = options.branch_gain(branches), options.attention()
        self.attention = SelfAttention(**shared, rotary=rotary, gain=gain, key=first)
        self.cross = CrossAttention(**shared, memory_size=memory_size, gain=gain, key=second)
        self.feed_forward = options.feed_forward(gain, third)
        self.norms = (options.norm_map(), options.norm_map(), options.norm_map())
        self.dropout, self.norm_first = Dropout(options.dropout), options.norm_first

    def __call__(
        self, x: Any, mask: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "T size"]:
        """Return `[T, size]` for an `Across`; `mask` is true where i may see j of the sequence itself."""
        if not isinstance(x, Across):
            raise BadInput(f"CrossBlock takes an Across(x, memory, mask) and got {type(x).__name__}.")
        return self.read(x, mask, key=key)[0]

    def read(
        self, x: Across, mask: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Float[Array, "T size"], tuple[Array, Array]]:
        """Return the block's answer and the keys and values of its self-attention, as a cache stores them."""
        keys = [None] * 5 if key is None else list(jax.random.split(key, 5))
        moved, *row = self.attention.read(self._enter(0, x.x), mask, key=keys[0])
        h = self._leave(0, x.x, moved, keys[1])
        h = self._leave(1, h, self.cross(x._replace(x=self._enter(1, h)), key=keys[2]), keys[3])
        y = self._leave(2, h, self.feed_forward(self._enter(2, h)), keys[4])
        return y, (row[0], row[1])

    def step(
        self,
        x: Float[Array, "1 size"],
        layer: int,
        store: tuple[Array, Array],
        place: Place,
        memory: tuple[Array, Array, Array | None],
    ) -> tuple[Float[Array, "1 size"], tuple[Array, Array]]:
        """Return as `TransformerBlock.step`; `memory` is what `cross.remember` made, and its mask."""
        moved, store = _step_attention(self.attention, self._enter(0, x), layer, store, place)
        h = self._leave(0, x, moved)
        h = self._leave(1, h, self.cross.ask(self._enter(1, h), *memory))
        return self._leave(2, h, self.feed_forward(self._enter(2, h))), store

    def probabilities(self, x: Across, mask: Array | None = None) -> tuple[Array, Array]:
        """Return the P_ij of the heads, over the sequence itself and over the memory."""
        own = self.attention.attention(self._enter(0, x.x), mask)
        h = self._leave(0, x.x, self.attention(self._enter(0, x.x), mask))
        return own, self.cross.attention(x._replace(x=self._enter(1, h)))

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[CrossBlock, Across]":
        """Return a small map and two sequences for it."""
        options = BlockOptions(4, 2, hidden=6, activation="gelu", norm="rms", norm_first=True, dropout=0.2)
        here, there = jax.random.split(key)
        sequences = Across(jax.random.normal(here, (3, 4)), jax.random.normal(there, (5, 6)))
        return CrossBlock(options, memory_size=6, key=key), sequences


def _step_attention(
    attention: SelfAttention, x: Array, layer: int, store: tuple[Array, Array], place: Place
) -> tuple[Array, tuple[Array, Array]]:
    q, k, v = attention.project(x, place.token)
    keys = write(store[0], layer, place.slot, k.reshape(1, -1))
    values = write(store[1], layer, place.slot, v.reshape(1, -1))
    return attention.ask(q, keys[layer], values[layer], place.mask), (keys, values)
