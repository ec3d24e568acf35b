"""The network that stands after each attention, the same at every position (notes §4)."""

import math
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz._spelling import choose
from ansatz.core import Map
from ansatz.maps.activations import gelu, relu, silu
from ansatz.maps.projection import Projection, expect_sequence
from ansatz.maps.shapes import positive


def gelu_tanh(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """``x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))``, GPT-2's approximation of ``x · Φ(x)``."""
    return 0.5 * x * (1 + jnp.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def relu_squared(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """``max(0, x)²`` (So et al. 2021)."""
    return relu(x) ** 2


# Each with its gain E[σ(z)²]^(-1/2), z ~ N(0, 1), which keeps the size of a signal at the start.
NONLINEARITIES: dict[str, tuple[Callable[[Array], Array], float]] = {
    "relu": (relu, math.sqrt(2)),
    "gelu": (gelu, 1.5335304412),
    "gelu_tanh": (gelu_tanh, 1.5335304412),
    "silu": (silu, 1.6765324703),
    "relu_squared": (relu_squared, math.sqrt(2 / 3)),
    "swiglu": (silu, 1.6765324703),
}


class FeedForward(Map):
    """``y_t = W₂ σ(W₁ x_t + b₁) + b₂`` at each position t of `x: [T, size]`, with `hidden` nodes.

    `activation` is a name of `NONLINEARITIES`; `swiglu` is ``W₂ (silu(W₁ x) ⊙ V x)`` with W₁ and V in one
    matrix (Shazeer 2020).  Without `bias` there are only products; `gain` scales the initial W₂.

    >>> FeedForward(3, 8, "swiglu", key=jax.random.key(0))(jnp.zeros((5, 3))).shape
    (5, 3)
    """

    first: Projection
    second: Projection
    activation: str = eqx.field(static=True)

    def __init__(
        self,
        size: int = 512,
        hidden: int = 2048,
        activation: str = "relu",
        bias: bool = True,
        gain: float = 1.0,
        *,
        key: PRNGKeyArray,
    ):
        positive("FeedForward", size=size, hidden=hidden)
        _, own = choose("activation of a feed-forward network", activation, NONLINEARITIES)
        self.activation = activation
        rows = (hidden, hidden) if activation == "swiglu" else (hidden,)
        one, two = jax.random.split(key)
        self.first = Projection(size, sum(rows), bias, pieces=rows, key=one)
        self.second = Projection(hidden, size, bias, gain=own * gain, key=two)

    def __call__(self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, "T size"]:
        """Return `[T, size]` for `x: [T, size]`."""
        expect_sequence(x, self.first.weight.shape[1], "FeedForward")
        nodes = self.first(x)
        sigma, _ = NONLINEARITIES[self.activation]
        if self.activation == "swiglu":
            gate, value = jnp.split(nodes, 2, axis=1)
            return self.second(sigma(gate) * value)
        return self.second(sigma(nodes))

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[FeedForward, Array]":
        """Return a small map and a sequence for it."""
        return FeedForward(3, 5, "swiglu", key=key), jax.random.normal(key, (4, 3))
