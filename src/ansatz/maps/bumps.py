"""The construction behind the universal approximation theorem: a function as a sum of bumps (notes §1)."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ansatz.core import BadInput
from ansatz.maps.mlp import MLP
from ansatz.maps.shapes import positive


def bumps(
    function: Callable[[Float[Array, " count"]], Float[Array, " count"]],
    low: float,
    high: float,
    count: int,
    steepness: float = 50.0,
) -> MLP:
    """Return the one-layer sigmoid network of 2 · count nodes that approximates a function of [low, high].

    The interval is cut into `count` cells of width h; on the cell [a, a + h] with center c stands the bump

    ``f(c) · [σ(s (x - a) / h) - σ(s (x - a - h) / h)]``

    of `steepness` s.  For a continuous function the error goes to 0 with h where s grows too; within
    a cell's width of `low` and `high` the outermost bumps have only half of their height.  `function`
    maps `[count]` to `[count]`.  Source: Cybenko 1989 states the theorem; the bumps are notes §1.

    >>> net = bumps(jnp.sin, 0.0, 3.0, 100)
    >>> abs(float(net(jnp.asarray([1.0]))[0]) - 0.8415) < 0.02
    True
    """
    positive("bumps", count=count)
    if not low < high:
        raise BadInput(f"bumps needs an interval with low < high, not [{low}, {high}].")
    if not steepness > 0:
        raise BadInput(f"bumps needs a steepness above 0, not {steepness}.")
    cell = (high - low) / count
    left = low + cell * jnp.arange(count, dtype=jnp.result_type(float))
    heights = jnp.asarray(function(left + cell / 2))
    if heights.shape != (count,):
        raise BadInput(f"The function must map [{count}] to [{count}], but gave {list(heights.shape)}.")
    slope = steepness / cell
    edges = jnp.concatenate([left, left + cell])
    net = MLP(1, 1, width=2 * count, depth=1, activation="sigmoid", key=jax.random.key(0))
    values = (
        jnp.full((2 * count, 1), slope, heights.dtype),
        -slope * edges,
        jnp.concatenate([heights, -heights])[None, :],
        jnp.zeros(1, heights.dtype),
    )

    def parts(mlp: MLP) -> Any:
        return mlp.hidden[0].weight, mlp.hidden[0].bias, mlp.last.weight, mlp.last.bias

    return eqx.tree_at(parts, net, values)
