"""Multi-head attention: a sequence that asks itself, or another one (notes §4).

Each head has three matrices, Query, Key and Value, of `head_size` × `size` (64 × 512 in the notes):
``q_i = Q w_i``, ``k_j = K w_j``, ``v_j = V w_j``; then ``r_ij = q_i · k_j / √head_size``,
``P_ij = softmax_j(r_ij)``, ``a_i = Σ_j P_ij v_j``, and the heads' answers one after the other are ``A_i``.
The matrices of all heads stand below one another in one, so that few large products are computed.

Sources: Vaswani et al. 2017, section 3.2; Ainslie et al. 2023 (groups); Henry et al. 2020 (cosines).
"""

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ansatz.core import BadInput, Map
from ansatz.maps.attend import attend, check_mask, probabilities
from ansatz.maps.layers import Dropout
from ansatz.maps.positions import rotate
from ansatz.maps.projection import Projection, expect_sequence
from ansatz.maps.shapes import positive


class Across(NamedTuple):
    """What a cross-attention maps: `x: [T, size]`, the `memory: [S, memory_size]` that it asks, and a mask.

    `mask` is boolean, `[T, S]` or `[heads, T, S]` or with 1 in place of a size; `None` shows everything.
    """

    x: Any
    memory: Any
    mask: Any = None


class _Attention(Map):
    """What both kinds share: the sizes of the heads, the scale of the scores, W^O and the dropout."""

    output: Projection | None
    scale: Float[Array, " heads"] | None
    dropout: Dropout
    heads: int = eqx.field(static=True)
    groups: int = eqx.field(static=True)
    head_size: int = eqx.field(static=True)

    def _set(self, who: str, size: int, shape: tuple[int, int, int], *, key: PRNGKeyArray, **options: Any):
        heads, groups, head_size = shape
        positive(who, size=size, heads=heads)
        self.heads, self.groups = heads, groups or heads
        if not head_size and size % heads:
            raise BadInput(f"{who} cannot cut {size} components into {heads} heads of equal size.")
        self.head_size = head_size or size // heads
        positive(who, groups=self.groups, head_size=self.head_size)
        if heads % self.groups:
            raise BadInput(f"{who} cannot share {self.groups} groups of keys equally among {heads} heads.")
        self.output = None
        if options["output"]:
            inner = heads * self.head_size
            self.output = Projection(inner, size, options["bias"], gain=options["gain"], key=key)
        # Cosines lie in [-1, 1]: a learned scale, at first the √D that scores of unit vectors' parts have.
        self.scale = jnp.full(heads, math.sqrt(self.head_size)) if options["cosine"] else None
        self.dropout = Dropout(options["dropout"])

    @property
    def rows(self) -> tuple[int, int, int]:
        """The number of rows of Q, K and V of all heads."""
        shared = self.groups * self.head_size
        return self.heads * self.head_size, shared, shared

    def _split(self, flat: Array) -> Array:
        return flat.reshape(flat.shape[0], -1, self.head_size)

    def _unit(self, x: Array) -> Array:
        """Return each head's vector at length 1, where scores are cosines."""
        if self.scale is None:
            return x
        # The bound keeps the derivative at the vector 0 finite.
        return x * jax.lax.rsqrt(jnp.maximum((x**2).sum(-1, keepdims=True), 1e-12))

    def _scaled(self, q: Array) -> Array:
        if self.scale is None:
            return q * (1 / math.sqrt(self.head_size))
        return q * self.scale[None, :, None].astype(q.dtype)

    def answer(self, q: Array, k: Array, v: Array, mask: Array | None, key: PRNGKeyArray | None) -> Array:
        """Return ``W^O A_i`` for scaled queries `[T, heads, D]`, and keys and values `[S, groups, D]`."""
        drop = None if key is None or not self.dropout.rate else lambda p: self.dropout(p, key=key)
        flat = attend(q, k, v, mask, drop).reshape(q.shape[0], -1)
        return flat if self.output is None else self.output(flat)


class SelfAttention(_Attention):
    """Each vector of a sequence asks all: `x: [T, size]` to `[T, size]`.

    * `heads` queries of `head_size` components each (0: ``size / heads``), with keys and values in `groups`
      (0: as many as heads; 1: one for all);
    * `output` applies the paper's matrix W^O after the heads, which the notes leave out: without it the
      result is `[T, heads · head_size]`; `bias` adds vectors to all products, which the notes leave out too;
    * `cosine` makes r_ij the cosine of the angle between q_i and k_j, times a learned scale of each head;
    * `rotary` turns q_i and k_j by their positions (RoPE);
    * `dropout` in [0, 1) drops that share of the P_ij while a key is given;
    * `gain` scales the initial W^O.

    Sizes that do not fit raise `BadInput`.

    >>> attention = SelfAttention(8, 2, key=jax.random.key(0))
    >>> attention(jnp.zeros((5, 8))).shape, attention.attention(jnp.zeros((5, 8))).shape
    ((5, 8), (2, 5, 5))
    """

    query_key_value: Projection
    rotary: bool = eqx.field(static=True)

    def __init__(
        self,
        size: int = 512,
        heads: int = 8,
        groups: int = 0,
        head_size: int = 0,
        output: bool = True,
        bias: bool = True,
        cosine: bool = False,
        rotary: bool = False,
        dropout: float = 0.0,
        gain: float = 1.0,
        *,
        key: PRNGKeyArray,
    ):
        first, last = jax.random.split(key)
        options = {"output": output, "bias": bias, "cosine": cosine, "dropout": dropout, "gain": gain}
        self._set("SelfAttention", size, (heads, groups, head_size), key=last, **options)
        if rotary and self.head_size % 2:
            raise BadInput(f"Rotary positions need heads of an even size, not {self.head_size}.")
        self.rotary = rotary
        self.query_key_value = Projection(size, sum(self.rows), bias, pieces=self.rows, key=first)

    def __call__(
        self, x: Float[Array, "..."], mask: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "T out"]:
        """Return ``W^O A_i``, or A_i, `[T, size]`; `mask` is true where i may see j, `[T, T]` or per head."""
        return self.read(x, mask, key=key)[0]

    def read(
        self, x: Float[Array, "..."], mask: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Float[Array, "T out"], Float[Array, "T row"], Float[Array, "T row"]]:
        """Return the answers and the keys and values `[T, groups · D]`, as a cache stores them."""
        q, k, v = self.project(x)
        check_mask(mask, self.heads, x.shape[0], x.shape[0], "SelfAttention")
        y = self.answer(self._scaled(q), k, v, mask, key)
        return y, k.reshape(x.shape[0], -1), v.reshape(x.shape[0], -1)

    def project(
        self, x: Float[Array, "..."], positions: Int[Array, " T"] | None = None
    ) -> tuple[Float[Array, "T heads D"], Float[Array, "T groups D"], Float[Array, "T groups D"]]:
        """Return q, not yet scaled, k and v of vectors at these positions (0 … T - 1)."""
        expect_sequence(x, self.query_key_value.weight.shape[1], "SelfAttention")
        flat = self.query_key_value(x)
        turned = self.rows[0] + self.rows[1]
        queries_keys = self._unit(self._split(flat[:, :turned]))
        if self.rotary:
            queries_keys = rotate(queries_keys, jnp.arange(x.shape[0]) if positions is None else positions)
        return queries_keys[:, : self.heads], queries_keys[:, self.heads :], self._split(flat[:, turned:])

    def ask(
        self,
        q: Float[Array, "T heads D"],
        keys: Float[Array, "S row"],
        values: Float[Array, "S row"],
        mask: Array | None = None,
    ) -> Float[Array, "T out"]:
        """Return the answers to queries of `project` from keys and values as a cache stores them."""
        return self.answer(self._scaled(q), self._split(keys), self._split(values), mask, None)

    def attention(self, x: Float[Array, "..."], mask: Array | None = None) -> Float[Array, "heads T T"]:
        """Return the P_ij of each head: how much position i takes from position j."""
        q, k, _ = self.project(x)
        check_mask(mask, self.heads, x.shape[0], x.shape[0], "SelfAttention")
        return probabilities(self._scaled(q), k, mask)

    def scores(self, x: Float[Array, "..."]) -> Float[Array, "heads T T"]:
        """Return ``r_ij = q_i · k_j`` before it is scaled: with `cosine` the cosines, in [-1, 1]."""
        q, k, _ = self.project(x)
        return jnp.einsum("thd,shd->hts", q, jnp.repeat(k, self.heads // self.groups, axis=1))

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[SelfAttention, Array]":
        """Return a small map and a sequence for it."""
        attention = SelfAttention(8, 4, groups=2, cosine=True, rotary=True, dropout=0.2, key=key)
        return attention, jax.random.normal(key, (5, 8))


class CrossAttention(_Attention):
    """Each vector of a sequence asks those of another, the memory: `x: [T, size]` to `[T, size]`.

    The queries come from x, the keys and values from `memory: [S, memory_size]` (0: as large as x).  In a
    decoder x is what it has written and the memory is what the encoder made of the source.  The other
    options are those of `SelfAttention`; the two sequences have no common positions.

    >>> attention = CrossAttention(8, 2, memory_size=3, key=jax.random.key(0))
    >>> attention(Across(jnp.zeros((5, 8)), jnp.zeros((7, 3)))).shape
    (5, 8)
    """

    query: Projection
    key_value: Projection

    def __init__(
        self,
        size: int = 512,
        heads: int = 8,
        groups: int = 0,
        head_size: int = 0,
        memory_size: int = 0,
        output: bool = True,
        bias: bool = True,
        cosine: bool = False,
        dropout: float = 0.0,
        gain: float = 1.0,
        *,
        key: PRNGKeyArray,
    ):
        first, second, last = jax.random.split(key, 3)
        options = {"output": output, "bias": bias, "cosine": cosine, "dropout": dropout, "gain": gain}
        self._set("CrossAttention", size, (heads, groups, head_size), key=last, **options)
        queries, *shared = self.rows
        self.query = Projection(size, queries, bias, key=first)
        self.key_value = Projection(memory_size or size, sum(shared), bias, pieces=tuple(shared), key=second)

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Float[Array, "T out"]:
        """Return ``W^O A_i``, or A_i, `[T, size]`, for an `Across`."""
        q, k, v = self._queries(x), *self._memory(x)
        check_mask(x.mask, self.heads, q.shape[0], k.shape[0], "CrossAttention")
        return self.answer(self._scaled(q), k, v, x.mask, key)

    def remember(self, memory: Float[Array, "S size"]) -> tuple[Float[Array, "S row"], Float[Array, "S row"]]:
        """Return the keys and values `[S, groups · D]` of a memory, which need be computed only once."""
        expect_sequence(memory, self.key_value.weight.shape[1], "The memory of CrossAttention")
        flat = self.key_value(memory)
        keys, values = flat[:, : self.rows[1]], flat[:, self.rows[1] :]
        return self._unit(self._split(keys)).reshape(keys.shape), values

    def ask(
        self,
        x: Float[Array, "T size"],
        keys: Float[Array, "S row"],
        values: Float[Array, "S row"],
        mask: Array | None = None,
        *,
        key: PRNGKeyArray | None = None,
    ) -> Float[Array, "T out"]:
        """Return the answers to x from the keys and values of `remember`."""
        q = self._unit(self._split(self.query(x)))
        return self.answer(self._scaled(q), self._split(keys), self._split(values), mask, key)

    def attention(self, x: Any) -> Float[Array, "heads T S"]:
        """Return the P_ij of each head: how much position i takes from position j of the memory."""
        q, (k, _) = self._queries(x), self._memory(x)
        check_mask(x.mask, self.heads, q.shape[0], k.shape[0], "CrossAttention")
        return probabilities(self._scaled(q), k, x.mask)

    def _queries(self, x: Any) -> Array:
        if not isinstance(x, Across):
            raise BadInput(f"CrossAttention takes an Across(x, memory, mask) and got {type(x).__name__}.")
        expect_sequence(x.x, self.query.weight.shape[1], "CrossAttention")
        return self._unit(self._split(self.query(x.x)))

    def _memory(self, x: Any) -> tuple[Array, Array]:
        keys, values = self.remember(x.memory)
        return self._split(keys), self._split(values)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[CrossAttention, Across]":
        """Return a small map and two sequences for it."""
        here, there = jax.random.split(key)
        sequences = Across(jax.random.normal(here, (3, 4)), jax.random.normal(there, (5, 6)))
        return CrossAttention(4, 2, memory_size=6, dropout=0.2, key=key), sequences
