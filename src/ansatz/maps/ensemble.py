"""Ensembles that share their weights (TabM), and the mean of an ensemble's members."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz._spelling import choose
from ansatz.core import BadInput, Map
from ansatz.maps.activations import activation as activation_named
from ansatz.maps.initial import gain
from ansatz.maps.initial import initial as initial_named
from ansatz.maps.layers import Dropout
from ansatz.maps.shapes import expect, positive


class SharedAffine(Map):
    """k affine maps with one weight: ``y_m = s_m ⊙ W (r_m ⊙ x_m) + b_m`` for the members m = 1 … k.

    `weight: [out, in]`, `read: [k, in]` (r), `write: [k, out]` (s), `bias: [k, out]`.  With `signs`, r starts
    at random signs, which makes the members differ; otherwise at 1, as s does (Wen et al. 2020).

    >>> SharedAffine(3, 2, 4, key=jax.random.key(0))(jnp.ones((4, 3))).shape
    (4, 2)
    """

    weight: Float[Array, "out in"]
    read: Float[Array, "members in"]
    write: Float[Array, "members out"]
    bias: Float[Array, "members out"]

    def __init__(
        self,
        in_size: int,
        out_size: int,
        members: int,
        gain: float = 1.0,
        signs: bool = False,
        *,
        key: PRNGKeyArray,
    ):
        positive("SharedAffine", in_size=in_size, out_size=out_size, members=members)
        weight_key, sign_key, bias_key = jax.random.split(key, 3)
        self.weight = initial_named("glorot")(weight_key, (out_size, in_size), gain=gain)
        ones = jnp.ones((members, in_size))
        drawn = jax.random.bernoulli(sign_key, 0.5, (members, in_size))
        self.read = jnp.where(drawn, ones, -ones) if signs else ones
        self.write = jnp.ones((members, out_size))
        self.bias = jax.random.normal(bias_key, (members, out_size)) / math.sqrt(in_size)

    def __call__(self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, "k out"]:
        """Return the members' outputs `[k, out]` for their inputs `x: [k, in]`."""
        expect(x, self.read.shape, "SharedAffine")
        return ((x * self.read) @ self.weight.T) * self.write + self.bias

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[SharedAffine, Array]":
        """Return a small map and an input for it."""
        return SharedAffine(3, 2, 4, signs=True, key=key), jax.random.normal(key, (4, 3))


class BatchEnsemble(Map):
    """TabM: k MLPs that share their hidden weights and have heads of their own, `f(x): [k, out]`.

    Hidden layers are `SharedAffine`; the first one's input adapters start at random signs, all other
    adapters at 1.  `head: [k, out, width]`, `head_bias: [k, out]`.  Train each member on the labels
    (`objectives.over_members`) and average them afterwards (`MemberMean`).  Source: Gorishniy, Kotelnikov,
    Babenko, "TabM: advancing tabular deep learning with parameter-efficient ensembling" (2024).

    >>> BatchEnsemble(5, 2, members=4, key=jax.random.key(0))(jnp.zeros(5)).shape
    (4, 2)
    """

    hidden: tuple[SharedAffine, ...]
    head: Float[Array, "members out width"]
    head_bias: Float[Array, "members out"]
    dropout: Dropout
    activation: str = eqx.field(static=True)

    def __init__(
        self,
        in_size: int,
        out_size: int,
        members: int = 16,
        width: int = 64,
        depth: int = 2,
        activation: str = "relu",
        dropout: float = 0.0,
        *,
        key: PRNGKeyArray,
    ):
        positive(
            "BatchEnsemble", in_size=in_size, out_size=out_size, members=members, width=width, depth=depth
        )
        activation_named(activation)
        keys = jax.random.split(key, depth + 1)
        sizes = [in_size] + [width] * depth
        self.hidden = tuple(
            SharedAffine(sizes[i], width, members, gain(activation) if i else 1.0, i == 0, key=keys[i])
            for i in range(depth)
        )
        deviation = math.sqrt(2 / (width + out_size))
        self.head = deviation * jax.random.normal(keys[-1], (members, out_size, width))
        self.head_bias = jnp.zeros((members, out_size))
        self.dropout = Dropout(dropout)
        self.activation = activation

    @property
    def members(self) -> int:
        """The number of members k."""
        return self.head.shape[0]

    def __call__(self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, "k out"]:
        """Return the members' outputs `[k, out]` for `x: [in_size]`."""
        first = self.hidden[0]
        expect(x, first.read.shape[1:], "BatchEnsemble")
        sigma = activation_named(self.activation)
        keys = [None] * len(self.hidden) if key is None else list(jax.random.split(key, len(self.hidden)))
        nodes = jnp.broadcast_to(x[None, :], first.read.shape)
        for affine, k in zip(self.hidden, keys, strict=True):
            nodes = self.dropout(sigma(affine(nodes)), key=k)
        return jnp.einsum("kow,kw->ko", self.head, nodes) + self.head_bias

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[BatchEnsemble, Array]":
        """Return a small map and an input for it."""
        ensemble = BatchEnsemble(3, 2, members=4, width=6, activation="tanh", dropout=0.2, key=key)
        return ensemble, jax.random.normal(key, (3,))


def _values(outputs: Array) -> Array:
    return outputs.mean(0)


def _classes(outputs: Array) -> Array:
    return jax.nn.logsumexp(jax.nn.log_softmax(outputs, axis=-1), axis=0) - math.log(outputs.shape[0])


def _binary(outputs: Array) -> Array:
    yes = jax.nn.logsumexp(jax.nn.log_sigmoid(outputs), axis=0)
    return yes - jax.nn.logsumexp(jax.nn.log_sigmoid(-outputs), axis=0)


KINDS = {"value": _values, "classes": _classes, "binary": _binary}


class MemberMean(Map):
    """The mean over the members of an ensemble, `inner(x): [k, ...]` to `[...]`.

    `kind` says what is averaged: "value" the outputs themselves; "classes" the probabilities whose
    logits `[k, classes]` are given, returned as logarithms; "binary" the probabilities of yes, returned as
    logits ``ln(p / (1 - p))``.

    >>> ensemble = BatchEnsemble(5, 2, members=4, key=jax.random.key(0))
    >>> MemberMean(ensemble, "classes")(jnp.zeros(5)).shape
    (2,)
    """

    inner: Map
    kind: str = eqx.field(static=True)

    def __init__(self, inner: Map, kind: str = "value"):
        choose("kind of mean", kind, KINDS)
        self.inner, self.kind = inner, kind

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Array:
        """Return the mean of the members' answers to x."""
        outputs = self.inner(x, key=key)
        if outputs.ndim < 2:
            raise BadInput(f"MemberMean needs outputs of shape [members, ...] and got {list(outputs.shape)}.")
        return KINDS[self.kind](outputs)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[MemberMean, Array]":
        """Return a small map and an input for it."""
        return MemberMean(BatchEnsemble(3, 2, members=4, width=6, key=key), "classes"), jax.random.normal(
            key, (3,)
        )
