"""Tokens as vectors that know where they stand: what every transformer starts with (notes §4)."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ansatz.core import BadInput, Map
from ansatz.maps.encoding import Embedding
from ansatz.maps.layers import Dropout
from ansatz.maps.positions import SINUSOIDAL, Positions
from ansatz.maps.shapes import positive
from ansatz.maps.tall import tall_product


class TokenEmbedding(Map):
    """``x_t = c · W[token_t] + p(t)``: the row of a token in W, which is one-hot @ W, and a position code.

    W, `table.weight`, is `[vocabulary, size]`; a token outside 0 … vocabulary - 1 has the vector 0.  Beside a
    sinusoidal code c is ``√size`` (Vaswani et al. 2017, section 3.4), which makes the two equally large;
    else it is 1.

    Where `padding` is a token, positions count from the first token that is another.

    >>> TokenEmbedding(300_000, 4, "vaswani", key=jax.random.key(0))(jnp.asarray([7, 299_999])).shape
    (2, 4)
    """

    table: Embedding
    positions: Positions
    dropout: Dropout
    factor: float = eqx.field(static=True)
    padding: int | None = eqx.field(static=True)

    def __init__(
        self,
        vocabulary: int,
        size: int = 512,
        positions: str = "vaswani",
        length: int = 512,
        padding: int | None = None,
        dropout: float = 0.0,
        *,
        key: PRNGKeyArray,
    ):
        positive("TokenEmbedding", vocabulary=vocabulary)
        first, second = jax.random.split(key)
        self.table = Embedding((vocabulary,), size, key=first)
        self.positions = Positions(positions, length, size, key=second)
        self.dropout = Dropout(dropout)
        self.factor = math.sqrt(size) if positions in SINUSOIDAL else 1.0
        self.padding = padding

    @property
    def vocabulary(self) -> int:
        """The number of tokens."""
        return self.table.levels[0]

    def __call__(
        self, x: Int[Array, "..."], skip: Int[Array, ""] | None = None, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "T size"]:
        """Return `[T, size]` for tokens `x: [T]`, of which the first `skip` are padding."""
        expect_tokens(x, "TokenEmbedding")
        self.positions.check(x.shape[0], "TokenEmbedding")
        skip = self.leading(x) if skip is None else skip
        at = jnp.arange(x.shape[0], dtype=jnp.int32)
        return self.dropout(self.at(x, at if skip is None else jnp.maximum(at - skip, 0)), key=key)

    def at(self, tokens: Int[Array, " T"], positions: Int[Array, " T"]) -> Float[Array, "T size"]:
        """Return the vectors of tokens at these positions."""
        words = jax.vmap(self.table)(tokens[:, None])
        return self.positions.at(words if self.factor == 1 else words * self.factor, positions)

    def leading(self, tokens: Int[Array, " T"]) -> Int[Array, ""] | None:
        """Return how many tokens of padding come first; nothing where padding is not looked for."""
        if self.padding is None:
            return None
        return jnp.cumprod((tokens == self.padding).astype(jnp.int32)).sum(dtype=jnp.int32)

    def unembed(self, states: Float[Array, "T size"]) -> Float[Array, "T vocabulary"]:
        """Return the products of states with all the rows of W: the logits of a tied softmax layer."""
        return tall_product(states, self.table.weight.T)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[TokenEmbedding, Array]":
        """Return a small map and tokens for it."""
        embedding = TokenEmbedding(5, 4, "notes", 6, padding=0, dropout=0.2, key=key)
        return embedding, jnp.asarray([0, 3, 1, 4])


def expect_tokens(x: Array, who: str) -> None:
    """Raise `BadInput` unless `x` holds the tokens `[T]` of one example, as integers.

    >>> expect_tokens(jnp.zeros((2, 3), int), "Decoder")
    Traceback (most recent call last):
    ansatz.errors.BadInput: Decoder takes the tokens [T] of one sequence and got [2, 3]; use jax.vmap ...
    """
    found = jnp.shape(x)
    if len(found) != 1 or not found[0]:
        hint = "; use jax.vmap for a batch" if len(found) == 2 else ""
        raise BadInput(f"{who} takes the tokens [T] of one sequence and got {list(found)}{hint}.")
    if not jnp.issubdtype(x.dtype, jnp.integer):
        raise BadInput(f"{who} takes integer tokens and got {x.dtype}.")
