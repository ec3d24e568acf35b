"""Transformers of one stack: blocks on vectors, the encoder, and the decoder that writes (notes §4)."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ansatz.core import Map
from ansatz.maps.attend import both, causal, not_padding
from ansatz.maps.cache import Cache, check_room, empty, filled, place
from ansatz.maps.layers import LayerNorm, RMSNorm
from ansatz.maps.projection import Projection, expect_sequence
from ansatz.maps.shapes import positive
from ansatz.maps.token_embedding import TokenEmbedding, expect_tokens
from ansatz.maps.transformer_block import BlockOptions, TransformerBlock


class TransformerStack(Map):
    """`layers` blocks one after the other, and a norm if the options want one: `x: [T, size]` to `[T, size]`.

    Without a mask and without `rotary` it commutes with every permutation of the positions.

    >>> TransformerStack(2, BlockOptions(8, 2), key=jax.random.key(0))(jnp.zeros((5, 8))).shape
    (5, 8)
    """

    blocks: tuple[TransformerBlock, ...]
    last: LayerNorm | RMSNorm | None

    def __init__(
        self,
        layers: int = 6,
        options: BlockOptions = BlockOptions(),
        rotary: bool = False,
        *,
        key: PRNGKeyArray,
    ):
        positive("TransformerStack", layers=layers)
        keys = jax.random.split(key, layers)
        self.blocks = tuple(TransformerBlock(options, rotary, 2 * layers, key=k) for k in keys)
        self.last = options.last_norm()

    def __call__(
        self, x: Float[Array, "..."], mask: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "T size"]:
        """Return `[T, size]`; `mask` is true where i may see j, `[T, T]` or per head."""
        return self.read(x, mask, key=key)[0]

    def read(
        self, x: Float[Array, "..."], mask: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Float[Array, "T size"], list[tuple[Array, Array]]]:
        """Return the result and the keys and values of each layer, as a cache stores them."""
        expect_sequence(x, self.blocks[0].attention.query_key_value.weight.shape[1], "TransformerStack")
        keys = [None] * len(self.blocks) if key is None else list(jax.random.split(key, len(self.blocks)))
        rows = []
        for block, k in zip(self.blocks, keys, strict=True):
            x, row = block.read(x, mask, key=k)
            rows.append(row)
        return x if self.last is None else self.last(x), rows

    def empty(self, slots: int) -> Cache:
        """Return a cache for so many tokens."""
        first = self.blocks[0].attention
        return empty(len(self.blocks), slots, first.rows[1], first.query_key_value.weight.dtype)

    def step(self, x: Float[Array, "1 size"], cache: Cache) -> tuple[Float[Array, "1 size"], Cache]:
        """Return the result for one more vector, and the cache with its keys and values."""
        here, store = place(cache), (cache.keys, cache.values)
        for layer, block in enumerate(self.blocks):
            x, store = block.step(x, layer, store, here)
        return x if self.last is None else self.last(x), Cache(*store, cache.count + 1, cache.skip)

    def attention(self, x: Float[Array, "T size"], mask: Array | None = None) -> Array:
        """Return the P_ij of every layer and head, `[layers, heads, T, T]`."""
        maps = []
        for block in self.blocks:
            maps.append(block.probabilities(x, mask))
            x = block(x, mask)
        return jnp.stack(maps)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[TransformerStack, Array]":
        """Return a small map and a sequence for it."""
        options = BlockOptions(4, 2, hidden=6, activation="gelu", norm_first=True, dropout=0.2)
        return TransformerStack(2, options, key=key), jax.random.normal(key, (3, 4))


class Encoder(Map):
    """Tokens `[T]` to vectors `[T, size]` that know of one another: embedding, positions, blocks (notes §4).

    * `positions` is a kind of `Positions`; all but "rope" and "none" limit the sequences to `length` tokens;
    * `padding` names the token that only fills up: nothing sees it, and what stands at it means nothing;
    * `options` say how the blocks are made.

    >>> encoder = Encoder(100, 2, 16, options=BlockOptions(8, 2), key=jax.random.key(0))
    >>> encoder(jnp.arange(5)).shape, encoder.attention(jnp.arange(5)).shape
    ((5, 8), (2, 2, 5, 5))
    """

    embedding: TokenEmbedding
    stack: TransformerStack

    def __init__(
        self,
        vocabulary: int,
        layers: int = 6,
        length: int = 512,
        positions: str = "vaswani",
        padding: int | None = None,
        options: BlockOptions = BlockOptions(),
        *,
        key: PRNGKeyArray,
    ):
        first, second = jax.random.split(key)
        self.embedding = TokenEmbedding(
            vocabulary, options.size, positions, length, padding, options.dropout, key=first
        )
        self.stack = TransformerStack(layers, options, positions == "rope", key=second)

    def __call__(self, x: Int[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, "T size"]:
        """Return `[T, size]` for tokens `x: [T]`."""
        expect_tokens(x, "Encoder")
        first, second = (None, None) if key is None else jax.random.split(key)
        return self.stack(self.embedding(x, key=first), self.mask(x), key=second)

    def mask(self, tokens: Int[Array, " T"]) -> Array | None:
        """Return which tokens are no padding, `[1, T]`; nothing where padding is not looked for."""
        return not_padding(tokens, self.embedding.padding)

    def attention(self, tokens: Int[Array, " T"]) -> Float[Array, "layers heads T T"]:
        """Return the P_ij of every layer and head: how much position i takes from position j."""
        expect_tokens(tokens, "Encoder")
        return self.stack.attention(self.embedding(tokens), self.mask(tokens))

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Encoder, Array]":
        """Return a small map and tokens for it."""
        options = BlockOptions(4, 2, hidden=6, activation="gelu", dropout=0.2)
        return Encoder(5, 2, 8, padding=0, options=options, key=key), jnp.asarray([3, 1, 4, 0])


class Decoder(Map):
    """A language model: tokens `[T]` to the logits `[T, vocabulary]` of the token that follows each.

    Position t sees the tokens 0 … t, and with the positions "rope" and "none", which let a window slide, the
    last `length` of them; with other positions `length` is the most that a sequence may have.  The last layer
    is the transposed embedding when `tied`, else a matrix of its own; softmax is left to the loss and the
    sampling.  The other arguments are those of `Encoder`.

    To write, start from a prompt and go on token by token, each at the price of one position:

    >>> decoder = Decoder(100, 2, 16, "rope", options=BlockOptions(8, 2), key=jax.random.key(0))
    >>> logits, carry = decoder.prefill(jnp.asarray([5, 3]), length=10)
    >>> logits, carry = decoder.step(carry, jnp.argmax(logits))
    >>> logits.shape, int(carry.count)
    ((100,), 3)
    """

    embedding: TokenEmbedding
    stack: TransformerStack
    head: Projection | None
    length: int = eqx.field(static=True)

    def __init__(
        self,
        vocabulary: int,
        layers: int = 6,
        length: int = 512,
        positions: str = "vaswani",
        tied: bool = True,
        padding: int | None = None,
        options: BlockOptions = BlockOptions(),
        *,
        key: PRNGKeyArray,
    ):
        first, second, third = jax.random.split(key, 3)
        self.embedding = TokenEmbedding(
            vocabulary, options.size, positions, length, padding, options.dropout, key=first
        )
        self.stack = TransformerStack(layers, options, positions == "rope", key=second)
        self.head = None if tied else Projection(options.size, vocabulary, options.bias, key=third)
        self.length = length

    def __call__(
        self, x: Int[Array, "..."], *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "T vocabulary"]:
        """Return the logits `[T, vocabulary]` for tokens `x: [T]`."""
        return self.logits(self.states(x, key=key))

    def states(self, x: Int[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, "T size"]:
        """Return what stands before the last layer, `[T, size]`."""
        expect_tokens(x, "Decoder")
        first, second = (None, None) if key is None else jax.random.split(key)
        return self.stack(self.embedding(x, key=first), self.mask(x), key=second)

    def logits(self, states: Float[Array, "T size"]) -> Float[Array, "T vocabulary"]:
        """Return the logits of the next token for what `states` returns."""
        return self.embedding.unembed(states) if self.head is None else self.head(states)

    def mask(self, tokens: Int[Array, " T"]) -> Array:
        """Return where i may see j: not later, within the window, no padding."""
        window = causal(tokens.shape[0], self.length)
        return both(window, not_padding(tokens, self.embedding.padding))  # type: ignore[return-value]

    def attention(self, tokens: Int[Array, " T"]) -> Float[Array, "layers heads T T"]:
        """Return the P_ij of every layer and head: how much position i takes from position j."""
        expect_tokens(tokens, "Decoder")
        return self.stack.attention(self.embedding(tokens), self.mask(tokens))

    def start(self, length: int | None = None) -> Cache:
        """Return the carry before the first of `length` tokens in all (None: the model's `length`).

        More than the model's `length` let the window slide or, where the positions do not, raise `BadInput`.
        """
        return self.stack.empty(self._slots(length))

    def prefill(
        self, tokens: Int[Array, " P"], length: int | None = None, skip: Int[Array, ""] | None = None
    ) -> tuple[Float[Array, " vocabulary"], Cache]:
        """Return the logits after a prompt and the carry, as `step` would make them one by one.

        `length` counts all tokens, the prompt's and those to come.  The first `skip` tokens are padding
        (None: those that are the model's padding), so that prompts of several lengths fill one batch.
        """
        expect_tokens(tokens, "Decoder")
        slots = self._slots(max(tokens.shape[0], self.length) if length is None else length)
        skip = self.embedding.leading(tokens) if skip is None else skip
        mask = causal(tokens.shape[0], self.length)
        if skip is not None:
            mask = mask & (jnp.arange(tokens.shape[0], dtype=jnp.int32) >= skip)[None, :]
        states, rows = self.stack.read(self.embedding(tokens, skip), mask)
        none = jnp.zeros((), jnp.int32)
        return self.logits(states[-1:])[0], filled(rows, slots, none if skip is None else skip)

    def step(self, carry: Cache, token: Int[Array, ""]) -> tuple[Float[Array, " vocabulary"], Cache]:
        """Return the logits after one more token, and the new carry."""
        check_room(carry, self.embedding.positions.slides, "Decoder")
        x = self.embedding.at(token[None], place(carry).position)
        states, carry = self.stack.step(x, carry)
        return self.logits(states)[0], carry

    def _slots(self, length: int | None) -> int:
        wanted = self.length if length is None else length
        positive("Decoder", length=wanted)
        self.embedding.positions.check(wanted, "Decoder")
        return min(wanted, self.length)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Decoder, Array]":
        """Return a small map and tokens for it."""
        options = BlockOptions(4, 2, hidden=6, activation="swiglu", norm="rms", norm_first=True, dropout=0.2)
        return Decoder(5, 2, 8, "rope", tied=False, options=options, key=key), jnp.asarray([3, 1, 4, 0])
