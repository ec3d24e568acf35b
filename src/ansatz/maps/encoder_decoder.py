"""The transformer of the paper: an encoder reads, and a decoder asks it while it writes (notes §4)."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ansatz.core import BadInput, Map
from ansatz.maps.attend import both, causal, not_padding
from ansatz.maps.attention import Across
from ansatz.maps.cache import Cache, MemoryCache, check_room, empty, filled, place
from ansatz.maps.layers import LayerNorm, RMSNorm
from ansatz.maps.projection import Projection
from ansatz.maps.shapes import positive
from ansatz.maps.token_embedding import TokenEmbedding, expect_tokens
from ansatz.maps.transformer import TransformerStack
from ansatz.maps.transformer_block import BlockOptions, CrossBlock


class Translation(NamedTuple):
    """The tokens that are read, `source: [S]`, and those that are written so far, `target: [T]`."""

    source: Any
    target: Any


class AttentionMaps(NamedTuple):
    """The P_ij of every layer and head: within the source, within the target, from target to source."""

    source: Float[Array, "layers heads S S"]
    target: Float[Array, "layers heads T T"]
    cross: Float[Array, "layers heads T S"]


class CrossStack(Map):
    """`layers` decoder blocks one after the other, and a norm if the options want one; it maps an `Across`.

    >>> stack = CrossStack(2, BlockOptions(8, 2), key=jax.random.key(0))
    >>> stack(Across(jnp.zeros((5, 8)), jnp.zeros((7, 8)))).shape
    (5, 8)
    """

    blocks: tuple[CrossBlock, ...]
    last: LayerNorm | RMSNorm | None

    def __init__(
        self,
        layers: int = 6,
        options: BlockOptions = BlockOptions(),
        rotary: bool = False,
        memory_size: int = 0,
        *,
        key: PRNGKeyArray,
    ):
        positive("CrossStack", layers=layers)
        keys = jax.random.split(key, layers)
        self.blocks = tuple(CrossBlock(options, rotary, memory_size, 3 * layers, key=k) for k in keys)
        self.last = options.last_norm()

    def __call__(
        self, x: Any, mask: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "T size"]:
        """Return `[T, size]` for an `Across`; `mask` is true where i may see j of the sequence itself."""
        if not isinstance(x, Across):
            raise BadInput(f"CrossStack takes an Across(x, memory, mask) and got {type(x).__name__}.")
        return self.read(x, mask, key=key)[0]

    def read(
        self, x: Across, mask: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Float[Array, "T size"], list[tuple[Array, Array]]]:
        """Return the result and the keys and values of each layer, as a cache stores them."""
        keys = [None] * len(self.blocks) if key is None else list(jax.random.split(key, len(self.blocks)))
        rows = []
        for block, k in zip(self.blocks, keys, strict=True):
            h, row = block.read(x, mask, key=k)
            x = x._replace(x=h)
            rows.append(row)
        return x.x if self.last is None else self.last(x.x), rows

    def remember(self, memory: Float[Array, "S size"]) -> tuple[Array, Array]:
        """Return the keys and values `[layers, S, row]` that the layers ask."""
        pairs = [block.cross.remember(memory) for block in self.blocks]
        return jnp.stack([keys for keys, _ in pairs]), jnp.stack([values for _, values in pairs])

    def empty(self, slots: int) -> Cache:
        """Return a cache for so many tokens."""
        first = self.blocks[0].attention
        return empty(len(self.blocks), slots, first.rows[1], first.query_key_value.weight.dtype)

    def step(self, x: Float[Array, "1 size"], carry: MemoryCache) -> tuple[Array, MemoryCache]:
        """Return the result `[1, size]` for one more vector, and the carry with its keys and values."""
        written = carry.written
        here, store = place(written), (written.keys, written.values)
        for layer, block in enumerate(self.blocks):
            memory = carry.keys[layer], carry.values[layer], carry.mask
            x, store = block.step(x, layer, store, here, memory)
        written = Cache(*store, written.count + 1, written.skip)
        return x if self.last is None else self.last(x), carry._replace(written=written)

    def attention(self, x: Across, mask: Array | None = None) -> tuple[Array, Array]:
        """Return the P_ij of every layer and head, over the sequence itself and over the memory."""
        pairs = []
        for block in self.blocks:
            pairs.append(block.probabilities(x, mask))
            x = x._replace(x=block(x, mask))
        return jnp.stack([own for own, _ in pairs]), jnp.stack([cross for _, cross in pairs])

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[CrossStack, Across]":
        """Return a small map and two sequences for it."""
        options = BlockOptions(4, 2, hidden=6, activation="gelu", final_norm=True, dropout=0.2)
        here, there = jax.random.split(key)
        sequences = Across(jax.random.normal(here, (3, 4)), jax.random.normal(there, (5, 4)))
        return CrossStack(2, options, key=key), sequences


class EncoderDecoder(Map):
    """A `Translation` to the logits `[T, vocabulary]` of the token that follows each one of the target.

    The decoder sees the target up to and with position t, and asks all of the encoded source: its queries
    come from the target, keys and values from the source.  `source_vocabulary` 0 means that both speak one
    language with one embedding; `decoder_layers` 0 as many as the encoder's `layers`.  `length` is the most
    that each of the two may have; with "rope" and "none" the source may have any length and the target's
    window slides.  The other arguments are those of `Decoder`; `padding` is looked for in both.

    >>> model = EncoderDecoder(100, layers=2, length=16, options=BlockOptions(8, 2), key=jax.random.key(0))
    >>> model(Translation(jnp.arange(7), jnp.arange(5))).shape
    (5, 100)
    >>> logits, carry = model.prefill(Translation(jnp.arange(7), jnp.asarray([1])), length=10)
    >>> logits, carry = model.step(carry, jnp.argmax(logits))
    >>> int(carry.written.count)
    2
    """

    source: TokenEmbedding | None
    target: TokenEmbedding
    encoder: TransformerStack
    decoder: CrossStack
    head: Projection | None
    length: int = eqx.field(static=True)

    def __init__(
        self,
        vocabulary: int,
        source_vocabulary: int = 0,
        layers: int = 6,
        decoder_layers: int = 0,
        length: int = 512,
        positions: str = "vaswani",
        tied: bool = True,
        padding: int | None = None,
        options: BlockOptions = BlockOptions(),
        *,
        key: PRNGKeyArray,
    ):
        keys = jax.random.split(key, 5)
        shared = (options.size, positions, length, padding, options.dropout)
        self.source = TokenEmbedding(source_vocabulary, *shared, key=keys[0]) if source_vocabulary else None
        self.target = TokenEmbedding(vocabulary, *shared, key=keys[1])
        rotary = positions == "rope"
        self.encoder = TransformerStack(layers, options, rotary, key=keys[2])
        self.decoder = CrossStack(decoder_layers or layers, options, rotary, key=keys[3])
        self.head = None if tied else Projection(options.size, vocabulary, options.bias, key=keys[4])
        self.length = length

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Float[Array, "T vocabulary"]:
        """Return the logits `[T, vocabulary]` for a `Translation`."""
        return self.logits(self.states(x, key=key))

    def states(self, x: Any, *, key: PRNGKeyArray | None = None) -> Float[Array, "T size"]:
        """Return what stands before the last layer, `[T, size]`."""
        first, second, third = (None, None, None) if key is None else jax.random.split(key, 3)
        across, mask = self._across(x, first, second)
        return self.decoder(across, mask, key=third)

    def logits(self, states: Float[Array, "T size"]) -> Float[Array, "T vocabulary"]:
        """Return the logits of the next token for what `states` returns."""
        return self.target.unembed(states) if self.head is None else self.head(states)

    def encode(
        self, source: Int[Array, "..."], *, key: PRNGKeyArray | None = None
    ) -> tuple[Float[Array, "S size"], Array | None]:
        """Return the encoded source and which of its tokens are no padding, `[1, S]`."""
        expect_tokens(source, "EncoderDecoder")
        mask = not_padding(source, self.target.padding)
        first, second = (None, None) if key is None else jax.random.split(key)
        embedding = self.target if self.source is None else self.source
        return self.encoder(embedding(source, key=first), mask, key=second), mask

    def attention(self, x: Any) -> AttentionMaps:
        """Return the P_ij of every layer and head of a `Translation`."""
        across, mask = self._across(x)
        embedding = self.target if self.source is None else self.source
        own = self.encoder.attention(embedding(x.source), across.mask)
        return AttentionMaps(own, *self.decoder.attention(across, mask))

    def start(self, source: Int[Array, " S"], length: int | None = None) -> MemoryCache:
        """Return the carry that has read a source, before the first of `length` tokens in all.

        As in `Decoder.start`, more than the model's `length` let the window slide or raise `BadInput`.
        """
        memory, mask = self.encode(source)
        return MemoryCache(self.decoder.empty(self._slots(length)), *self.decoder.remember(memory), mask)

    def prefill(self, x: Translation, length: int | None = None) -> tuple[Array, MemoryCache]:
        """Return the logits `[vocabulary]` after a source and the first tokens of a target, and the carry."""
        slots = self._slots(max(x.target.shape[0], self.length) if length is None else length)
        across, mask = self._across(x)
        states, rows = self.decoder.read(across, mask)
        skip = self.target.leading(x.target)
        written = filled(rows, slots, jnp.zeros((), jnp.int32) if skip is None else skip)
        carry = MemoryCache(written, *self.decoder.remember(across.memory), across.mask)
        return self.logits(states[-1:])[0], carry

    def step(self, carry: MemoryCache, token: Int[Array, ""]) -> tuple[Array, MemoryCache]:
        """Return the logits `[vocabulary]` after one more token of the target, and the new carry."""
        check_room(carry.written, self.target.positions.slides, "EncoderDecoder")
        x = self.target.at(token[None], place(carry.written).position)
        states, carry = self.decoder.step(x, carry)
        return self.logits(states)[0], carry

    def _across(self, x: Any, first: Any = None, second: Any = None) -> tuple[Across, Array | None]:
        if not isinstance(x, Translation):
            raise BadInput(f"EncoderDecoder takes a Translation(source, target) and got {type(x).__name__}.")
        expect_tokens(x.target, "EncoderDecoder")
        memory, seen = self.encode(x.source, key=first)
        window = causal(x.target.shape[0], self.length)
        mask = both(window, not_padding(x.target, self.target.padding))
        return Across(self.target(x.target, key=second), memory, seen), mask

    def _slots(self, length: int | None) -> int:
        wanted = self.length if length is None else length
        positive("EncoderDecoder", length=wanted)
        self.target.positions.check(wanted, "EncoderDecoder")
        return min(wanted, self.length)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[EncoderDecoder, Translation]":
        """Return a small map and two sequences of tokens for it."""
        options = BlockOptions(4, 2, hidden=6, activation="gelu", dropout=0.2)
        model = EncoderDecoder(5, 6, layers=1, length=8, padding=0, options=options, key=key)
        return model, Translation(jnp.asarray([5, 1, 2, 0]), jnp.asarray([1, 3, 4]))
