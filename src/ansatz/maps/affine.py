"""The affine map ``W x + b``, of which every network is made (notes §1)."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import Map
from ansatz.maps.initial import initial as initial_named
from ansatz.maps.shapes import expect, positive


class Affine(Map):
    """``f(x) = W x + b`` with `weight: [out, in]` and `bias: [out]`.

    `initial` names the initialization of W and `gain` scales it; the entries of b are drawn from
    N(0, `bias_deviation`²), by default all 0.

    >>> Affine(3, 2, key=jax.random.key(0))(jnp.zeros(3)).tolist()
    [0.0, 0.0]
    """

    weight: Float[Array, "out in"]
    bias: Float[Array, " out"]

    def __init__(
        self,
        in_size: int,
        out_size: int,
        initial: str = "glorot",
        gain: float = 1.0,
        bias_deviation: float = 0.0,
        *,
        key: PRNGKeyArray,
    ):
        positive("Affine", in_size=in_size, out_size=out_size)
        weight_key, bias_key = jax.random.split(key)
        self.weight = initial_named(initial)(weight_key, (out_size, in_size), gain=gain)
        self.bias = jnp.zeros(out_size)
        if bias_deviation:
            self.bias = bias_deviation * jax.random.normal(bias_key, (out_size,))

    def __call__(self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, " out"]:
        """Return W x + b for `x: [in]`."""
        expect(x, (self.weight.shape[1],), "Affine")
        return self.weight @ x + self.bias

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Affine, Array]":
        """Return a small map and an input for it."""
        return Affine(3, 2, bias_deviation=0.5, key=key), jax.random.normal(key, (3,))


def compose(second: Affine, first: Affine) -> Affine:
    """Return the affine map ``second(first(x))``: ``W = W₂ W₁``, ``b = W₂ b₁ + b₂`` (notes §1).

    >>> k = jax.random.key(0)
    >>> compose(Affine(3, 2, key=k), Affine(4, 3, key=k)).weight.shape
    (2, 4)
    """
    expect(first.bias, (second.weight.shape[1],), "The second affine map")
    composed = Affine(first.weight.shape[1], second.weight.shape[0], key=jax.random.key(0))
    values = second.weight @ first.weight, second.weight @ first.bias + second.bias
    return eqx.tree_at(lambda affine: (affine.weight, affine.bias), composed, values)
