"""Pass moves under jit and vmap: an arc at one level is laid anew along a random shortest route.

The same move as `passes` makes, on arrays of fixed size: the arc is walked, its crossings are removed by
doubling, faces are labelled, a breadth-first search relaxes all darts at once, and the route is drawn by one
scatter.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Bool, Int, PRNGKeyArray

from ansatz.knots.diagram import Diagram, turn
from ansatz.knots.moves import alive, around, darts

FAR = 2**30


class Laid(NamedTuple):
    """A diagram after an arc was laid anew, whether it could be, and the move as `play` names it.

    `crossed` is how many crossings the arc passed, `route: [longest]` the darts of its new way and then -1.
    """

    diagram: Diagram
    legal: Bool[Array, ""]
    start: Int[Array, ""]
    crossed: Int[Array, ""]
    route: Int[Array, " longest"]


def lay(diagram: Diagram, start: Int[Array, ""], key: PRNGKeyArray, longest: int = 8) -> Laid:
    """Lay anew the arc along a dart: its crossings at one level, the first `longest` of them at most.

    The new way is a shortest one over the diagram without the arc, drawn at random among them, so the number
    of crossings falls or stays.  Not legal, with the diagram as it was, where there is no crossing there, an
    end of the arc lies on a crossing that it passes, or a component under the arc would become a circle.
    """
    alpha, d = diagram.alpha, darts(diagram.alpha)
    arc, end = _walked(alpha, start, longest)
    size = alpha.shape[-1]
    number = jnp.sum(arc >= 0, dtype=jnp.int32)
    gone = jnp.zeros(size // 4, bool).at[jnp.where(arc >= 0, arc >> 2, size)].set(True, mode="drop")
    away, open_dart = gone[d >> 2], (d == start) | (d == end)
    apart = alive(alpha)[start] & ~gone[start >> 2] & ~gone[end >> 2] & (start != end)
    through = jnp.where(away, alpha[turn(d, 2)], d)
    for _ in range(longest.bit_length()):
        through = through[through]
    crossing = away & ((d ^ arc[0]) & 1 == 1)
    whole = ~jnp.any(crossing & away[through])
    bare = jnp.where(away | open_dart, d, through[alpha])
    live = alive(alpha) & ~away & ~open_dart
    label = _faces(bare, start, end)
    beside = [label[_skipped(turn(dart, 3), start, end)] for dart in (start, end)]
    route, steps = _shortest(bare, live, label, beside[0], beside[1], key, longest)
    legal = apart & whole & (number > 0) & (steps <= number)
    taken = alive(alpha)[::4] & ~gone
    drawn = _drawn(bare, taken, start, end, arc[0] & 1, route)
    return Laid(
        Diagram(jnp.where(legal, drawn, alpha), diagram.circles),
        legal,
        start,
        number,
        jnp.where(legal, route, -1),
    )


def lay_where(
    needed: Bool[Array, ""],
    alpha: Int[Array, " D"],
    start: Int[Array, ""],
    key: PRNGKeyArray,
    longest: int = 8,
) -> Int[Array, " D"]:
    """Return α with the arc along a dart laid anew (see `lay`) where that is `needed`, else as it is.

    In a batch, an eighth of it at a time is laid until nothing is left to do: where few need it, most
    of the work is spared, which `where` under vmap would do for all.
    """

    def fresh(alpha: Array, start: Array, key: Array) -> Array:
        return lay(Diagram(alpha, jnp.zeros((), jnp.int32)), start, key, longest).diagram.alpha

    @custom_vmap
    def one(needed: Array, alpha: Array, start: Array, key: Array) -> Array:
        return jnp.where(needed, fresh(alpha, start, key), alpha)

    @one.def_vmap
    def many(size: int, batched: list[bool], *given: Array) -> tuple[Array, bool]:
        needed, alpha, start, key = (
            x if has else jnp.broadcast_to(x, (size, *x.shape)) for x, has in zip(given, batched, strict=True)
        )
        part = -(-size // 8)

        def some(state: tuple[Array, Array]) -> tuple[Array, Array]:
            left, alpha = state
            (rows,) = jnp.nonzero(left, size=part, fill_value=size)
            at = jnp.minimum(rows, size - 1)
            laid = jax.vmap(fresh)(alpha[at], start[at], key[at])
            return left.at[rows].set(False, mode="drop"), alpha.at[rows].set(laid, mode="drop")

        return jax.lax.while_loop(lambda state: state[0].any(), some, (needed, alpha))[1], True

    return one(needed, alpha, start, key)


def layable(alpha: Int[Array, " D"], longest: int = 8) -> Bool[Array, " D"]:
    """Tell along which darts of a diagram of a knot there is an arc that `lay` may lay anew.

    No component can become a circle there, and the old way is one of those to choose from.
    """
    d = darts(alpha)
    straight = around(alpha, 2)
    here, level, going = alpha, alpha & 1, jnp.ones_like(d, bool)
    arc = []
    for _ in range(longest):
        going &= (here & 1) == level
        arc.append(jnp.where(going, here >> 2, -1))
        here = jnp.where(going, straight[here], here)
    met = [(one == d >> 2) | (one == here >> 2) for one in arc]
    return alive(alpha) & (here != d) & ~jnp.stack(met).any(0)


def as_tuple(laid: Laid) -> tuple:
    """Return one pass that was legal as `play` names it."""
    return ("PASS", int(laid.start), int(laid.crossed), *(int(g) for g in laid.route if g >= 0))


def _walked(
    alpha: Int[Array, " D"], start: Int[Array, ""], longest: int
) -> tuple[Int[Array, " longest"], Int[Array, ""]]:
    """Return the darts by which an arc enters its crossings, then -1, and the dart that is next."""
    here, level, going = alpha[start], alpha[start] & 1, jnp.ones_like(start, bool)
    arc = []
    for _ in range(longest):
        going &= (here & 1) == level
        arc.append(jnp.where(going, here, -1))
        here = jnp.where(going, alpha[turn(here, 2)], here)
    return jnp.stack(arc), here


def _skipped(d: Int[Array, "*b"], start: Int[Array, ""], end: Int[Array, ""]) -> Int[Array, "*b"]:
    """Return the dart itself, or where it is one of the two open ones, the next that is not, clockwise."""
    for _ in range(2):
        d = jnp.where((d == start) | (d == end), turn(d, 3), d)
    return d


def _faces(bare: Int[Array, " D"], start: Int[Array, ""], end: Int[Array, ""]) -> Int[Array, " D"]:
    """Return the least dart around the face left of each, on the diagram without the arc."""
    label, jump = darts(bare), _skipped(turn(bare, 3), start, end)
    for _ in range((bare.shape[-1] - 1).bit_length()):
        label, jump = jnp.minimum(label, label[jump]), jump[jump]
    return label


def _shortest(
    bare: Int[Array, " D"],
    live: Bool[Array, " D"],
    label: Int[Array, " D"],
    first: Int[Array, ""],
    last: Int[Array, ""],
    key: PRNGKeyArray,
    longest: int,
) -> tuple[Int[Array, " longest"], Int[Array, ""]]:
    """Return a random shortest route from one face to another, filled with -1, and its length.

    A face is known by its label; where several darts lead into a new face, the one with the greatest number
    drawn is kept.
    """
    size = bare.shape[-1]
    drawn = jr.randint(key, (size,), 0, FAR // size, jnp.int32) * size + darts(bare)
    there = label[bare]

    def relax(depth, state):
        distance, parent = state
        can = live & (distance[label] == depth) & (distance[there] == FAR)
        best = jnp.full(size, -1, jnp.int32).at[jnp.where(can, there, size)].max(drawn, mode="drop")
        fresh = best >= 0
        return jnp.where(fresh, depth + 1, distance), jnp.where(fresh, best % size, parent)

    begun = jnp.full(size, FAR, jnp.int32).at[first].set(0), jnp.full(size, -1, jnp.int32)
    distance, parent = jax.lax.fori_loop(jnp.int32(0), jnp.int32(longest), relax, begun)
    steps, face = distance[last], last
    route = jnp.full(longest, -1, jnp.int32)
    for i in range(longest):
        back = i < steps
        g = parent[face]
        route = route.at[jnp.where(back, steps - 1 - i, longest)].set(g, mode="drop")
        face = jnp.where(back & (g >= 0), label[g], face)
    return route, steps


def _drawn(
    bare: Int[Array, " D"],
    taken: Bool[Array, " N"],
    start: Int[Array, ""],
    end: Int[Array, ""],
    level: Int[Array, ""],
    route: Int[Array, " longest"],
) -> Int[Array, " D"]:
    """Return the diagram with an arc from the open dart `start` across the edges of a route to `end`."""
    size, longest = bare.shape[-1], route.shape[-1]
    (free,) = jnp.nonzero(~taken, size=longest, fill_value=0)
    east, north, west, south = (4 * free.astype(jnp.int32) + ((k + level) & 3) for k in range(4))
    on = route >= 0
    steps = jnp.sum(on, dtype=jnp.int32)
    came = jnp.concatenate([start[None], east[:-1]])
    head = jnp.where(steps > 0, east[jnp.maximum(steps - 1, 0)], start)
    one = jnp.concatenate([south, north, west, head[None]])
    two = jnp.concatenate([route, bare[route], came, end[None]])
    on = jnp.concatenate([on, on, on, jnp.ones(1, bool)])
    at = jnp.where(jnp.concatenate([on, on]), jnp.concatenate([one, two]), size)
    return bare.at[at].set(jnp.concatenate([two, one]), mode="drop")
