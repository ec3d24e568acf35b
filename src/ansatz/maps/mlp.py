"""The multilayer perceptron: affine maps with nonlinearities between them (notes §1)."""

import math

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import BadInput, Map
from ansatz.maps.activations import activation as activation_named
from ansatz.maps.affine import Affine
from ansatz.maps.initial import gain
from ansatz.maps.layers import Dropout, LayerNorm
from ansatz.maps.shapes import expect, positive


class MLP(Map):
    """``ℓ⁰ = x``, ``ℓⁿ = σ(Wⁿ ℓⁿ⁻¹ + bⁿ)`` for n = 1 … depth, ``f(x) = output(W ℓ + b)``.

    * `depth` counts the hidden layers, of `width` nodes each; depth 0 is an affine map.
    * `activation` and `output` are names of `ACTIVATIONS`.
    * `norm` puts a layer norm before each σ; `skip` adds ℓⁿ⁻¹ to ℓⁿ from the second hidden layer on.
    * `dropout` in [0, 1) drops that share of each hidden layer while a key is given.
    * `initial` names the initialization of the weights; what leaves an activation meets its gain, so that
      inputs of mean square 1 enter every hidden σ with mean square 1, however deep.

    The biases start at 0 but for the first layer, where they are drawn from N(0, 1 / in_size): the
    bends of the first layer's nodes then lie spread over the data instead of all at x = 0.

    An unknown name, a size below 1 or a rate outside [0, 1) raises `BadInput`.

    >>> mlp = MLP(2, 3, width=8, output="softmax", key=jax.random.key(0))
    >>> round(float(mlp(jax.numpy.ones(2)).sum()), 5)
    1.0
    """

    hidden: tuple[Affine, ...]
    norms: tuple[LayerNorm, ...]
    last: Affine
    dropout: Dropout
    activation: str = eqx.field(static=True)
    output: str = eqx.field(static=True)
    skip: bool = eqx.field(static=True)

    def __init__(
        self,
        in_size: int,
        out_size: int,
        width: int = 64,
        depth: int = 2,
        activation: str = "gelu",
        skip: bool = False,
        norm: bool = False,
        dropout: float = 0.0,
        output: str = "identity",
        initial: str = "glorot",
        *,
        key: PRNGKeyArray,
    ):
        positive("MLP", in_size=in_size, out_size=out_size, width=width)
        if isinstance(depth, bool) or not isinstance(depth, int) or depth < 0:
            raise BadInput(f"MLP needs depth to be an integer of at least 0, not {depth!r}.")
        activation_named(activation)
        activation_named(output)
        sizes = [in_size, *[width] * depth, out_size]
        keys = jax.random.split(key, depth + 1)
        spread = [1 / math.sqrt(in_size)] + [0.0] * depth
        gains = [1.0] + [gain(activation)] * depth
        self.hidden = tuple(
            Affine(sizes[i], width, initial, gains[i], spread[i], key=keys[i]) for i in range(depth)
        )
        self.norms = tuple(LayerNorm(width) for _ in range(depth if norm else 0))
        self.last = Affine(sizes[-2], out_size, initial, 1.0, key=keys[-1])
        self.dropout = Dropout(dropout)
        self.activation, self.output, self.skip = activation, output, skip

    def __call__(self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, " out"]:
        """Return f(x) for `x: [in_size]`; `key` is given while training and drives the dropout."""
        first = self.hidden[0] if self.hidden else self.last
        expect(x, (first.weight.shape[1],), "MLP")
        return activation_named(self.output)(self.last(self._nodes(x, key)))

    def _nodes(self, x: Array, key: PRNGKeyArray | None) -> Array:
        sigma = activation_named(self.activation)
        keys = [None] * len(self.hidden)
        if key is not None and self.hidden:
            keys = list(jax.random.split(key, len(self.hidden)))
        for i, affine in enumerate(self.hidden):
            nodes = affine(x)
            if self.norms:
                nodes = self.norms[i](nodes)
            nodes = self.dropout(sigma(nodes), key=keys[i])
            x = x + nodes if self.skip and i > 0 else nodes
        return x

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[MLP, Array]":
        """Return a small map and an input for it."""
        mlp = MLP(3, 2, width=8, depth=3, activation="tanh", skip=True, norm=True, dropout=0.2, key=key)
        return mlp, jax.random.normal(key, (3,))
