"""An n-gram model as a map: it can write, and a network can learn what it misses."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ansatz.core import BadInput, Fixed, Map
from ansatz.generate.ngram import NGram
from ansatz.maps.token_embedding import expect_tokens

ENDLESS = 2**30
"""The tokens that an n-gram can hold: it keeps only where it is."""


class Grams(eqx.Module):
    """The grams of one length k, sorted by their first k - 1 tokens, the context, and then by the last.

    `last: [M + V]` is the last token of each and `kept: [M + V]` what the discount leaves of its count, with
    V more that are 0; by context `start` of its grams, `norm`, the divisor, and `spare`, what is left for the
    shorter context.
    """

    last: Int[Array, " grams"]
    kept: Float[Array, " grams"]
    start: Int[Array, " contexts_and_end"]
    norm: Float[Array, " contexts"]
    spare: Float[Array, " contexts"]


class NGramMap(Map):
    """Tokens `[T]` to ``log p(· | the tokens up to t)``, `[T, V]`, of an n-gram model, in single precision.

    It writes as a `Decoder` does; its carry `[n]` holds for k = 0 … n - 1 the number of the last k tokens
    among the grams of that length, or -1.

    >>> from ansatz.generate.ngram import fit_ngram
    >>> grams = NGramMap(fit_ngram([0, 1, 0, 1, 0, 2, 0, 1], order=2, discount=0.5))
    >>> jnp.exp(grams(jnp.asarray([0])))[0].round(4).tolist()
    [0.125, 0.6875, 0.1875]
    """

    levels: tuple[Grams, ...]
    size: int = eqx.field(static=True)

    def __init__(self, model: NGram):
        spare = np.zeros(model.size)
        if max(len(level.keys) for level in model.levels) >= 2**31:
            raise BadInput("The n-gram model has 2³¹ grams of one length or more; take a lower order.")
        self.levels = tuple(
            Grams(
                jnp.asarray(np.concatenate([level.keys % model.size, spare]), jnp.int32),
                jnp.asarray(np.concatenate([level.kept, spare]), jnp.float32),
                jnp.asarray(level.start, jnp.int32),
                jnp.asarray(level.norm, jnp.float32),
                jnp.asarray(level.spare, jnp.float32),
            )
            for level in model.levels
        )
        self.size = model.size

    @property
    def length(self) -> int:
        """How many tokens it can hold."""
        return ENDLESS

    def __call__(self, x: Int[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, "T V"]:
        """Return the logarithms `[T, V]` for tokens `x: [T]`."""
        expect_tokens(x, "NGramMap")

        def one(nodes: Array, token: Array) -> tuple[Array, Array]:
            nodes = self.move(nodes, token)
            return nodes, self.at(nodes)

        return jax.lax.scan(one, self.start(), x)[1]

    def start(self, length: int | None = None) -> Int[Array, " n"]:
        """Return the carry before the first token."""
        return jnp.full(len(self.levels), -1, jnp.int32).at[0].set(0)

    def prefill(
        self, tokens: Int[Array, " P"], length: int | None = None, skip: Int[Array, ""] | None = None
    ) -> tuple[Float[Array, " V"], Int[Array, " n"]]:
        """Return the logarithms after a prompt, whose first `skip` tokens are padding, and the carry."""
        expect_tokens(tokens, "NGramMap")
        skip = jnp.zeros((), jnp.int32) if skip is None else skip

        def one(i: Array, nodes: Array) -> Array:
            return jnp.where(i >= skip, self.move(nodes, tokens[i]), nodes)

        nodes = jax.lax.fori_loop(0, tokens.shape[0], one, self.start())
        return self.at(nodes), nodes

    def step(self, carry: Int[Array, " n"], token: Int[Array, ""]) -> tuple[Float[Array, " V"], Array]:
        """Return the logarithms after one more token, and the new carry."""
        nodes = self.move(carry, token)
        return self.at(nodes), nodes

    def move(self, nodes: Int[Array, " n"], token: Int[Array, ""]) -> Int[Array, " n"]:
        """Return where one stands after one more token."""
        found = [self._find(k, nodes[k], token) for k in range(len(self.levels) - 1)]
        return jnp.stack([jnp.zeros((), jnp.int32), *found])

    def at(self, nodes: Int[Array, " n"]) -> Float[Array, " V"]:
        """Return the logarithms of the probabilities of what comes next, `[V]`."""
        p = jnp.full(self.size, 1 / self.size, jnp.float32)
        for grams, node in zip(self.levels, nodes, strict=True):
            place = jnp.maximum(node, 0)
            known = (node >= 0) & (grams.norm[place] > 0)
            first = grams.start[place]
            count = jnp.where(known, grams.start[place + 1] - first, 0)
            last = jax.lax.dynamic_slice_in_dim(grams.last, first, self.size)
            kept = jax.lax.dynamic_slice_in_dim(grams.kept, first, self.size)
            kept = jnp.where(jnp.arange(self.size) < count, kept, 0.0)
            norm = jnp.where(known, grams.norm[place], 1.0)
            p = (p * jnp.where(known, grams.spare[place], 1.0)).at[last].add(kept) / norm
        return jnp.log(p)

    def _find(self, k: int, context: Int[Array, ""], token: Int[Array, ""]) -> Int[Array, ""]:
        """Return the number of the gram of length k + 1 that goes on from a context, or -1."""
        grams, place = self.levels[k], jnp.maximum(context, 0)
        low, high = grams.start[place], grams.start[place + 1]
        end = high
        for _ in range(self.size.bit_length()):
            middle = (low + high) // 2
            before = (grams.last[middle] < token) & (low < high)
            low, high = jnp.where(before, middle + 1, low), jnp.where(before, high, middle)
        found = (context >= 0) & (low < end) & (grams.last[low] == token)
        return jnp.where(found, low, -1).astype(jnp.int32)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[NGramMap, Array]":
        """Return a small map and tokens for it."""
        from ansatz.generate.ngram import fit_ngram

        text = np.asarray(jax.random.randint(key, (60,), 0, 5))
        return NGramMap(fit_ngram(text, order=3, size=5)), jnp.asarray([3, 1, 4, 0])


class Residual(Map):
    """``log p(· | context) + f_θ(context)``: an n-gram's logits, which a network corrects.

    `grams` is not trained.  The carry is the pair of both carries.
    """

    network: Any
    grams: Fixed

    def __init__(self, network: Any, grams: NGramMap):
        self.network, self.grams = network, Fixed(grams)

    @property
    def length(self) -> int:
        """How many tokens the network sees at once."""
        return self.network.length

    def __call__(self, x: Int[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, "T V"]:
        """Return the logits `[T, V]` for tokens `x: [T]`."""
        return self.network(x, key=key) + self.grams.value(x)

    def attention(self, tokens: Int[Array, " T"]) -> Float[Array, "layers heads T T"]:
        """Return the P_ij of the network."""
        return self.network.attention(tokens)

    def start(self, length: int | None = None) -> tuple[Any, Array]:
        """Return the carry before the first of `length` tokens."""
        return self.network.start(length), self.grams.value.start()

    def prefill(
        self, tokens: Int[Array, " P"], length: int | None = None, skip: Int[Array, ""] | None = None
    ) -> tuple[Float[Array, " V"], tuple[Any, Array]]:
        """Return the logits after a prompt, whose first `skip` tokens are padding, and the carry."""
        logits, carry = self.network.prefill(tokens, length, skip)
        logs, nodes = self.grams.value.prefill(tokens, length, skip)
        return logits + logs, (carry, nodes)

    def step(self, carry: tuple[Any, Array], token: Int[Array, ""]) -> tuple[Array, tuple[Any, Array]]:
        """Return the logits after one more token, and the new carry."""
        logits, cache = self.network.step(carry[0], token)
        logs, nodes = self.grams.value.step(carry[1], token)
        return logits + logs, (cache, nodes)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Residual, Array]":
        """Return a small map and tokens for it."""
        from ansatz.maps.transformer import Decoder

        network, tokens = Decoder.example(key)
        return Residual(network, NGramMap.example(key)[0]), tokens
