"""Diagrams of one knot at random, under jit and vmap: moves that add crossings, and R3.

From the round circle on this is the inverse search tree of untying; from a hard diagram it inflates that.
Scrambles of the circle are easy: removals and R3 alone undo nearly all of them.
"""

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Int, PRNGKeyArray

from ansatz.knots.diagram import Diagram
from ansatz.knots.moves import (
    R1_PLUS,
    R2_PLUS,
    R3,
    Move,
    apply,
    count,
    counted,
    darts,
    face_lengths,
    following,
    masks,
)

CHANCES = (0.3, 0.4, 0.3)
"""How often R1+, R2+ and R3 are made, where all three can be."""


def kinked(alpha: Int[Array, " D"], slot: Int[Array, ""]) -> Int[Array, " D"]:
    """Return the circle with one kink, of which there are two: ``α = (0 1)(2 3)`` and ``(1 2)(3 0)``.

    >>> [kinked(jnp.arange(8, dtype=jnp.int32), jnp.int32(j)).tolist() for j in (0, 1)]
    [[1, 0, 3, 2, 4, 5, 6, 7], [3, 2, 1, 0, 4, 5, 6, 7]]
    """
    ends = jnp.asarray([[1, 0, 3, 2], [3, 2, 1, 0]], jnp.int32)[slot]
    return darts(alpha).at[:4].set(ends)


def backwards(alpha: Int[Array, " D"], key: PRNGKeyArray, most: int, reach: int = 4) -> Int[Array, " D"]:
    """Return a diagram that R1-, R2- or R3 leads to this one from, with at most `most` crossings.

    The kind is drawn by `CHANCES` among those that can be, and the place evenly; the circle gets a kink.  A
    diagram that is too large for more, and has no triangle to move, stays.
    """
    kind_key, place_key, level_key, offset_key = jr.split(key, 4)
    length = face_lengths(alpha, max(2 * reach, 4))
    n, m, length = count(alpha), masks(alpha, 1, length), jnp.minimum(length, 2 * reach)
    marks = jnp.stack([m.r1_plus[:, 0] & (n + 1 <= most), m.r2_plus[:, 0, 0] & (n + 2 <= most), m.r3])
    weights = jnp.where(marks.any(1), jnp.asarray(CHANCES, jnp.float32), 0.0)
    ends = jnp.cumsum(weights)
    which = jnp.sum(ends <= jr.uniform(kind_key, dtype=jnp.float32) * ends[-1], dtype=jnp.int32)
    which = jnp.minimum(which, 2)
    first, _ = counted(marks[which].astype(jnp.int32), jr.uniform(place_key, dtype=jnp.float32))
    offset = jr.randint(offset_key, (), 1, jnp.maximum(length[first] >> 1, 1) + 1, jnp.int32)
    second, up = first, following(alpha)
    for k in range(reach):
        second = jnp.where(k < offset, up[second], second)
    level = jr.randint(level_key, (), 0, 2, jnp.int32)
    kind = jnp.asarray([R1_PLUS, R2_PLUS, R3], jnp.int32)[which]
    move = Move(kind, first, jnp.where(kind == R2_PLUS, second, 0), jnp.where(kind == R3, 0, level))
    moved = apply(Diagram(alpha, jnp.zeros_like(n)), move).alpha
    return jnp.where(n == 0, kinked(alpha, level), jnp.where(marks.any(), moved, alpha))


def scrambled(
    alpha: Int[Array, " D"], key: PRNGKeyArray, moves: int, most: int, reach: int = 4
) -> Int[Array, " D"]:
    """Return a diagram after so many random moves `backwards`, with at most `most` crossings.

    >>> start = jnp.arange(32, dtype=jnp.int32)
    >>> int(count(scrambled(start, jr.key(0), 20, 6))) <= 6
    True
    """

    def one(i: Int[Array, ""], now: Int[Array, " D"]) -> Int[Array, " D"]:
        return backwards(now, jr.fold_in(key, i), most, reach)

    return jax.lax.fori_loop(jnp.int32(0), jnp.int32(moves), one, alpha)
