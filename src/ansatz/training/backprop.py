"""The forward and the backward pass of an MLP, written out by hand (notes §2).

Forward, for n = 1 … depth + 1 with ``ℓ⁰ = x``:

    xⁿ = Wⁿ ℓⁿ⁻¹ + bⁿ,    ℓⁿ = σ(xⁿ),    ŷ = x of the last n,    L = (y - ŷ)² / 2

Backward, with ``δⁿ = ∂L/∂xⁿ``:

    δ of the last n = ŷ - y,    δⁿ = (Wⁿ⁺¹ᵀ δⁿ⁺¹) ⊙ σ'(xⁿ),    ∂L/∂Wⁿ = δⁿ ℓⁿ⁻¹ᵀ,    ∂L/∂bⁿ = δⁿ

The notes print the first δ with the opposite sign and leave σ' out of the last line; docs/errata.md.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from ansatz.core import BadInput
from ansatz.maps.activations import activation as activation_named
from ansatz.maps.activations import derivative


class Forward(NamedTuple):
    """What the forward pass leaves behind: xⁿ for n = 1 …, ℓⁿ for n = 0 …, and ŷ `[out]`."""

    before: tuple[Array, ...]
    after: tuple[Array, ...]
    prediction: Array


class Backward(NamedTuple):
    """What the backward pass finds: L, ∂L/∂Wⁿ `[out, in]`, ∂L/∂bⁿ `[out]`, δⁿ `[out]` for n = 1 …, and ŷ."""

    loss: Array
    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    deltas: tuple[Array, ...]
    prediction: Array


def forward(
    weights: Sequence[Float[Array, "_ _"]],
    biases: Sequence[Float[Array, " _"]],
    x: Float[Array, " in"],
    activation: str = "tanh",
) -> Forward:
    """Return all that the network computes on one example.

    `weights` are `[out, in]` and `biases` `[out]`, one of each a layer; the last layer has no activation.
    Shapes that do not fit raise `BadInput`.
    """
    sigma = activation_named(activation)
    _check(weights, biases, x)
    before, after = [], [x]
    for weight, bias in zip(weights, biases, strict=True):
        before.append(weight @ after[-1] + bias)
        after.append(sigma(before[-1]))
    return Forward(tuple(before), tuple(after[:-1]), before[-1])


def backpropagate(
    weights: Sequence[Float[Array, "_ _"]],
    biases: Sequence[Float[Array, " _"]],
    x: Float[Array, " in"],
    y: Float[Array, " out"],
    activation: str = "tanh",
) -> Backward:
    """Return the loss ``(y - ŷ)² / 2`` of one example, its gradients, and the δ of every layer.

    `activation` is the name of a unary one.  For a batch, `jax.vmap` over x and y and take the mean.

    >>> w, b, one = [jnp.asarray([[2.0]])], [jnp.asarray([1.0])], jnp.ones(1)
    >>> found = backpropagate(w, b, one, one)
    >>> float(found.loss), float(found.deltas[0][0]), float(found.weights[0][0, 0])
    (2.0, 2.0, 2.0)
    """
    slope = derivative(activation)
    pass_ = forward(weights, biases, x, activation)
    if y.shape != pass_.prediction.shape:
        raise BadInput(f"The network gives {list(pass_.prediction.shape)} and the target is {list(y.shape)}.")
    delta = pass_.prediction - y
    deltas = [delta]
    for weight, before in zip(reversed(weights[1:]), reversed(pass_.before[:-1]), strict=True):
        delta = (weight.T @ delta) * slope(before)
        deltas.append(delta)
    deltas.reverse()
    gradients = tuple(jnp.outer(d, entering) for d, entering in zip(deltas, pass_.after, strict=True))
    loss = ((y - pass_.prediction) ** 2).sum() / 2
    return Backward(loss, gradients, tuple(deltas), tuple(deltas), pass_.prediction)


def _check(weights: Sequence[Array], biases: Sequence[Array], x: Array) -> None:
    if not weights or len(weights) != len(biases):
        raise BadInput(
            f"There must be one bias for each of at least one weight, not {len(weights)} and {len(biases)}."
        )
    size = x.shape[0]
    for n, (weight, bias) in enumerate(zip(weights, biases, strict=True), 1):
        if weight.shape != (bias.shape[0], size):
            raise BadInput(
                f"Layer {n} gets {size} numbers and has {bias.shape[0]} biases, so its weight must be "
                f"[{bias.shape[0]}, {size}], not {list(weight.shape)}."
            )
        size = bias.shape[0]
