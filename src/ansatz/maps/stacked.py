"""Several maps of one kind as one: every array has a leading axis, and all answer."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import Map
from ansatz.maps.affine import Affine


class Stacked(Map):
    """k maps of one structure: `f(x): [k, ...]`.

    `inner` is a map each of whose arrays has a leading axis k, as the model of a run with k seeds has.
    Its mean is `MemberMean(Stacked(inner), kind)`.

    >>> two = eqx.filter_vmap(lambda key: Affine(3, 2, key=key))(jax.random.split(jax.random.key(0), 2))
    >>> Stacked(two)(jnp.ones(3)).shape
    (2, 2)
    """

    inner: Map

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Float[Array, "..."]:
        """Return the members' answers to x."""
        arrays, rest = eqx.partition(self.inner, eqx.is_array)
        if key is None:
            return jax.vmap(lambda member: eqx.combine(member, rest)(x))(arrays)
        keys = jax.random.split(key, jax.tree.leaves(arrays)[0].shape[0])
        return jax.vmap(lambda member, k: eqx.combine(member, rest)(x, key=k))(arrays, keys)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Stacked, Array]":
        """Return a small map and an input for it."""
        two = eqx.filter_vmap(lambda k: Affine(3, 2, key=k))(jax.random.split(key, 2))
        return Stacked(two), jnp.linspace(-1.0, 1.0, 3)
