"""A policy and a value of knot diagrams, of any number of crossings with the same weights.

The vectors of the darts (`ansatz.maps.darts`) give a logit to every move:

    R1-, R2-, R3, R1+, PASS at d     w · h_d + b
    XC at a crossing                 the mean over its darts
    R2+ from d to e = f^k(d)         q_o(h_d) · k_o(h_e) / √m + s_o(h_d) + t_o(h_e) + b_k,o

and the value is a perceptron of their mean, their largest entries and the number of crossings.
"""

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ansatz.core import BadInput, Map
from ansatz.knots.moves import around, following
from ansatz.maps.affine import Affine
from ansatz.maps.darts import Darts, carried, mean_of, partners
from ansatz.maps.mlp import MLP
from ansatz.rl.agent import Encoder
from ansatz.rl.env import Env
from ansatz.rl.envs.unknot import Layout, Unknot
from ansatz.rl.wrappers import unwrapped

POINTERS = 8
"""The numbers by which R2+ compares two darts."""
PRIOR = {"R1+": -3.0, "R2+": -4.0, "XC": -2.0, "PASS": -2.0}
"""Where logits begin: n crossings have 8n moves R1+ and about 16n R2+, and each kind is to be tried."""


class Code(NamedTuple):
    """The vectors of the darts, α, and which darts are there."""

    h: Float[Array, "D w"]
    alpha: Int[Array, " D"]
    live: Bool[Array, " D"]


class DartEncoder(Encoder):
    """What is seen of a diagram `[4N, features]` as a `Code`."""

    trunk: Darts

    def __init__(self, features: int, width: int, depth: int, activation: str, *, key: PRNGKeyArray):
        self.n, self.size, self.moments = 0, width, None
        self.trunk = Darts(features, width, depth, activation, key=key)

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Code:  # pyright: ignore
        """Return the code of a diagram."""
        alpha = partners(x)
        return Code(self.trunk(x), alpha, alpha != jnp.arange(x.shape[0], dtype=jnp.int32))


class DartActor(Map):
    """A logit `[n]` for every action of `Unknot`, in its order; those of illegal ones mean nothing."""

    single: Affine
    ends: Affine
    offsets: Float[Array, "reach 2"]
    layout: Layout = eqx.field(static=True)

    def __init__(self, width: int, layout: Layout, prior: bool = True, *, key: PRNGKeyArray):
        first, second = jax.random.split(key)
        start = PRIOR if prior else dict.fromkeys(PRIOR, 0.0)
        single = Affine(width, 7, key=first)
        bias = [0.0, 0.0, 0.0, start["R1+"], start["R1+"], start["XC"], start["PASS"]]
        self.single = _scaled(single, jnp.asarray(bias, single.bias.dtype))
        # For each level o: a query and a key of POINTERS numbers, and what either end says alone.
        self.ends = Affine(width, 4 * (POINTERS + 1), key=second)
        self.offsets = jnp.full((layout.reach, 2), start["R2+"], single.bias.dtype)
        self.layout = layout

    def __call__(self, x: Code, *, key: PRNGKeyArray | None = None) -> Float[Array, " n"]:
        """Return the logits."""
        at = x.h @ self.single.weight.T + self.single.bias[None]
        parts = [at[:, 0], at[:, 1], at[:, 2], at[:, 3:5], self._pushes(x)]
        if self.layout.changes:
            parts.append(at[:, 5].reshape(-1, 4).mean(1))
        if self.layout.passes:
            parts.append(at[:, 6])
        return jnp.concatenate([part.reshape(-1) for part in parts])

    def _pushes(self, x: Code) -> Float[Array, "D reach 2"]:
        ends = (x.h @ self.ends.weight.T + self.ends.bias[None]).reshape(-1, 4, POINTERS + 1)
        here, there = ends[:, :2], ends[:, 2:]
        up, down = following(x.alpha), around(x.alpha, 1)
        found = []
        for _ in range(self.layout.reach):
            there = carried(there, up, down)
            product = (here[..., :-1] * there[..., :-1]).sum(-1) / math.sqrt(POINTERS)
            found.append(product + here[..., -1] + there[..., -1])
        return jnp.stack(found, 1) + self.offsets[None]


class DartCritic(Map):
    """A value `[1]` of a diagram."""

    body: MLP

    def __init__(self, width: int, *, key: PRNGKeyArray):
        self.body = MLP(2 * width + 1, 1, width, 1, "silu", key=key)

    def __call__(self, x: Code, *, key: PRNGKeyArray | None = None) -> Float[Array, "1"]:
        """Return the value."""
        low = jnp.where(x.live[:, None], x.h, -jnp.inf).max(0)
        highest = jnp.where(x.live.any(), low, 0.0)
        n = jnp.sum(x.live, dtype=jnp.int32).astype(x.h.dtype) / 4
        return self.body(jnp.concatenate([mean_of(x.h, x.live), highest, jnp.log1p(n)[None]]))


def encoder(env: Env, width: int, depth: int, activation: str, prior: bool, key: PRNGKeyArray) -> DartEncoder:
    """Return the encoder for an environment of diagrams."""
    features = diagrams(env).observations.shape[1]
    return DartEncoder(features, width, depth, activation, key=jax.random.fold_in(key, 0))


def actor(env: Env, width: int, depth: int, activation: str, prior: bool, key: PRNGKeyArray) -> DartActor:
    """Return the actor for an environment of diagrams."""
    return DartActor(width, diagrams(env).layout, prior, key=jax.random.fold_in(key, 1))


def critic(env: Env, width: int, depth: int, activation: str, prior: bool, key: PRNGKeyArray) -> DartCritic:
    """Return the critic for an environment of diagrams."""
    return DartCritic(width, key=jax.random.fold_in(key, 2))


def diagrams(env: Env) -> Unknot:
    """Return the environment of diagrams within all wrappers."""
    inner = unwrapped(env)
    if not isinstance(inner, Unknot):
        raise BadInput(
            f"The network 'darts' sees the darts of a knot diagram, which Unknot shows and "
            f"{type(inner).__name__} does not: set network='mlp'."
        )
    return inner


def _scaled(affine: Affine, bias: Float[Array, " n"]) -> Affine:
    """Return an affine map with a hundredth of the weights and this bias."""
    return eqx.tree_at(lambda a: (a.weight, a.bias), affine, (0.01 * affine.weight, bias))
