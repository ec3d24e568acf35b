"""Pass moves under jit and vmap: an arc at one level is laid anew along a random shortest route.

The same move as `passes` makes, on arrays of fixed size: the arc is walked, the strands that it crosses run
straight on, faces are labelled by doubling, a breadth-first search goes only as far as the other end of the
arc, and the route is drawn by one scatter.  Darts are kept in the smallest type that holds them, for a gather
costs what it reads; rounds are loops, for XLA would compute anew what several rounds in a row share.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Bool, Int, PRNGKeyArray, UInt

from ansatz.knots.diagram import Diagram
from ansatz.knots.moves import alive, around, fetch, narrow, turned

FAR = 255
PARTS = 8
"""The parts of a batch in which `lay_where` lays arcs."""


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
    alpha = narrow(diagram.alpha)
    d, s = _darts(alpha), start.astype(alpha.dtype)
    arc, number, t = _walked(alpha, s, longest)
    on = jnp.arange(longest, dtype=jnp.int32) < number
    gone = ((arc[None] >> 2 == d[: d.size // 4, None]) & on[None]).any(1)
    away, open_dart = jnp.repeat(gone, 4, total_repeat_length=d.size), (d == s) | (d == t)
    apart = (fetch(alpha, s) != s) & ~fetch(gone, s >> 2) & ~fetch(gone, t >> 2) & (s != t)
    bare, whole = _straightened(alpha, arc, on, gone)
    bare = jnp.where(away | open_dart, d, bare)
    label = _faces(bare, s, t)
    there, live = fetch(label, bare), (alpha != d) & ~away & ~open_dart
    first, last = (fetch(label, _skipped(turned(dart, 3), s, t)) for dart in (s, t))
    near, steps = _distances(live, label, there, first, last, number)
    legal = apart & whole & (steps <= number)
    route = _traced(live, label, there, near, last, jnp.where(legal, steps, 0), key, longest)
    free = ~alive(diagram.alpha)[::4] | gone
    drawn = _drawn(bare, free, s, t, arc[0] & 1, route)
    return Laid(Diagram(jnp.where(legal, drawn, diagram.alpha), diagram.circles), legal, start, number, route)


def lay_where(
    needed: Bool[Array, ""],
    alpha: Int[Array, " D"],
    start: Int[Array, ""],
    key: PRNGKeyArray,
    longest: int = 8,
) -> Int[Array, " D"]:
    """Return α with the arc along a dart laid anew (see `lay`) where that is `needed`, else as it is.

    In a batch, those that need it are laid an eighth of the batch at a time: where few do, most of the work
    is spared, which `where` under vmap would do for all.
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
        part = -(-size // PARTS)
        place = jnp.cumsum(needed, dtype=jnp.int32)
        (rows,) = jnp.nonzero(needed, size=PARTS * part, fill_value=size - 1)

        def some(state: tuple[Array, Array]) -> tuple[Array, Array]:
            i, made = state
            at = jax.lax.dynamic_slice_in_dim(rows, i, part)
            laid = jax.vmap(fresh)(alpha[at], start[at], key[at])
            return i + part, jax.lax.dynamic_update_slice_in_dim(made, laid, i, 0)

        begun = jnp.int32(0), jnp.zeros((PARTS * part, *alpha.shape[1:]), alpha.dtype)
        made = jax.lax.while_loop(lambda state: state[0] < place[-1], some, begun)[1]
        return jnp.where(needed[:, None], made[jnp.maximum(place - 1, 0)], alpha), True

    return one(needed, alpha, start, key)


def layable(alpha: Int[Array, " D"], longest: int = 8) -> Bool[Array, " D"]:
    """Tell along which darts of a diagram of a knot there is an arc that `lay` may lay anew.

    No component can become a circle there, and the old way is one of those to choose from.
    """
    # An end of the arc lies on it where one of the two walks from its ends comes back within the arc.
    alpha = narrow(alpha)
    d, straight = _darts(alpha), around(alpha, 2)
    level, never = alpha & 1, jnp.full_like(alpha, longest + 1)

    def on(_: Array, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        here, number, back = state
        going = here & 1 == level
        number = number + going.astype(number.dtype)
        back = jnp.where(going & (here >> 2 == d >> 2) & (back > longest), number, back)
        return jnp.where(going, fetch(straight, here), here), number, back

    begun = alpha, jnp.zeros_like(alpha), never
    here, number, back = jax.lax.fori_loop(jnp.int32(0), jnp.int32(longest), on, begun)
    return (alpha != d) & (here != d) & (back > number) & (fetch(back, here) > number)


def as_tuple(laid: Laid) -> tuple:
    """Return one pass that was legal as `play` names it."""
    return ("PASS", int(laid.start), int(laid.crossed), *(int(g) for g in laid.route if g >= 0))


def _darts(alpha: UInt[Array, " D"]) -> UInt[Array, " D"]:
    return jnp.arange(alpha.shape[-1], dtype=alpha.dtype)


def _walked(
    alpha: UInt[Array, " D"], start: UInt[Array, ""], longest: int
) -> tuple[UInt[Array, " longest"], Int[Array, ""], UInt[Array, ""]]:
    """Return the darts by which an arc enters its crossings, how many they are, and the dart that is next."""

    def on(state: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], Array]:
        here, number = state
        going = here & 1 == begun & 1
        return (jnp.where(going, fetch(alpha, here ^ 2), here), number + going.astype(jnp.int32)), here

    begun = fetch(alpha, start)
    (end, number), arc = jax.lax.scan(on, (begun, jnp.int32(0)), None, longest)
    return arc, number, end


def _straightened(
    alpha: UInt[Array, " D"],
    arc: UInt[Array, " longest"],
    on: Bool[Array, " longest"],
    gone: Bool[Array, " N"],
) -> tuple[UInt[Array, " D"], Bool[Array, ""]]:
    """Return α where the strands under an arc run straight on, and whether all of them come out of it."""

    def inside(state: tuple[Array, Array]) -> Array:
        end, i = state
        return (fetch(gone, end >> 2) & on[None]).any() & (i < arc.size)

    def out(state: tuple[Array, Array]) -> tuple[Array, Array]:
        end, i = state
        return jnp.where(fetch(gone, end >> 2), fetch(alpha, end ^ 2), end), i + 1

    begun = fetch(alpha, jnp.stack([turned(arc, 1), turned(arc, 3)]))
    end, _ = jax.lax.while_loop(inside, out, (begun, jnp.int32(0)))
    at = jnp.where(on[None], end.astype(jnp.int32), alpha.size)
    return alpha.at[at].set(end[::-1], mode="drop"), ~(fetch(gone, end >> 2) & on[None]).any()


def _skipped(d: UInt[Array, "*b"], start: UInt[Array, ""], end: UInt[Array, ""]) -> UInt[Array, "*b"]:
    """Return the dart itself, or where it is one of the two open ones, the next that is not, clockwise."""
    for _ in range(2):
        d = jnp.where((d == start) | (d == end), turned(d, 3), d)
    return d


def _faces(bare: UInt[Array, " D"], start: UInt[Array, ""], end: UInt[Array, ""]) -> UInt[Array, " D"]:
    """Return the least dart around the face left of each, on the diagram without the arc.

    The dart 2ⁱ places further and the least until there make one number, so that a round is one gather.
    """
    bits = 8 * bare.dtype.itemsize
    wide = jnp.uint16 if bits == 8 else jnp.uint32
    jump = _skipped(turned(bare, 3), start, end)

    def double(_: Array, both: Array) -> Array:
        far = fetch(both, both >> bits)
        least = jnp.minimum(both.astype(bare.dtype), far.astype(bare.dtype))
        return (far >> bits << bits) | least.astype(wide)

    both = (jump.astype(wide) << bits) | _darts(bare).astype(wide)
    rounds = jnp.int32((bare.size - 1).bit_length())
    return jax.lax.fori_loop(jnp.int32(0), rounds, double, both).astype(bare.dtype)


def _distances(
    live: Bool[Array, " D"],
    label: UInt[Array, " D"],
    there: UInt[Array, " D"],
    first: UInt[Array, ""],
    last: UInt[Array, ""],
    most: Int[Array, ""],
) -> tuple[UInt[Array, " D"], Int[Array, ""]]:
    """Return how far the face left of each dart is from the first, and the last, as far as the search goes.

    It ends with the last face found, or after `most` steps; what it did not reach is `FAR` away.
    """

    def leads(near: Array, depth: Array) -> Array:
        return live & (near == depth.astype(near.dtype))

    def ended(near: Array, depth: Array) -> Array:
        return jnp.where((leads(near, depth) & (there == last)).any(), depth + 1, FAR)

    def relax(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        near, depth, _ = state
        fresh = jnp.zeros_like(live).at[there].max(leads(near, depth), mode="promise_in_bounds")
        depth = depth + 1
        near = jnp.where(fetch(fresh, label) & (near == FAR), depth.astype(near.dtype), near)
        return near, depth, ended(near, depth)

    def searching(state: tuple[Array, Array, Array]) -> Array:
        _, depth, steps = state
        return (steps == FAR) & (depth + 1 < most)

    near, zero = jnp.where(label == first, 0, FAR).astype(jnp.uint8), jnp.int32(0)
    begun = near, zero, jnp.where(first == last, zero, ended(near, zero))
    near, _, steps = jax.lax.while_loop(searching, relax, begun)
    return near, steps


def _traced(
    live: Bool[Array, " D"],
    label: UInt[Array, " D"],
    there: UInt[Array, " D"],
    near: UInt[Array, " D"],
    last: UInt[Array, ""],
    steps: Int[Array, ""],
    key: PRNGKeyArray,
    longest: int,
) -> Int[Array, " longest"]:
    """Return a random shortest route, filled with -1.

    Each dart draws a number, a mixed counter: of those that lead nearer the greatest is taken.
    """
    d = jnp.arange(label.size, dtype=jnp.uint32)
    bits = (label.size - 1).bit_length()
    drawn = (_mixed(jr.bits(key, (), jnp.uint32) + d * jnp.uint32(0x9E3779B9)) >> bits << bits) | d
    place = jnp.arange(longest, dtype=jnp.int32)

    def back(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        left, face, route = state
        leads = live & (there == face) & (near == (left - 1).astype(near.dtype))
        g = jnp.where(leads, drawn, 0).max() & (2**bits - 1)
        return left - 1, fetch(label, g), jnp.where(place == left - 1, g.astype(jnp.int32), route)

    begun = steps, last, jnp.full(longest, -1, jnp.int32)
    return jax.lax.while_loop(lambda state: state[0] > 0, back, begun)[2]


def _mixed(x: UInt[Array, "*b"]) -> UInt[Array, "*b"]:
    """Return 32 bits of which each depends on all (the finalizer of MurmurHash3, a bijection)."""
    x = (x ^ (x >> 16)) * jnp.uint32(0x85EBCA6B)
    x = (x ^ (x >> 13)) * jnp.uint32(0xC2B2AE35)
    return x ^ (x >> 16)


def _drawn(
    bare: UInt[Array, " D"],
    free: Bool[Array, " N"],
    start: UInt[Array, ""],
    end: UInt[Array, ""],
    level: UInt[Array, ""],
    route: Int[Array, " longest"],
) -> Int[Array, " D"]:
    """Return the diagram with an arc from the open dart `start` across the edges of a route to `end`.

    New crossings take the lowest numbers that are free.
    """
    bare, size = bare.astype(jnp.int32), bare.size
    start, end, level = (x.astype(jnp.int32) for x in (start, end, level))
    place, on = jnp.arange(route.size, dtype=jnp.int32), route >= 0
    new = (jnp.cumsum(free, dtype=jnp.int32)[None] <= place[:, None]).sum(1, dtype=jnp.int32)
    east, north, west, south = (4 * new + ((k + level) & 3) for k in range(4))
    steps = jnp.sum(on, dtype=jnp.int32)
    came = jnp.concatenate([start[None], east[:-1]])
    head = jnp.where(steps > 0, east[jnp.maximum(steps - 1, 0)], start)
    one = jnp.concatenate([south, north, west, head[None]])
    two = jnp.concatenate([route, bare[route], came, end[None]])
    on = jnp.concatenate([on, on, on, jnp.ones(1, bool)])
    at = jnp.where(jnp.concatenate([on, on]), jnp.concatenate([one, two]), size)
    return bare.at[at].set(jnp.concatenate([two, one]), mode="drop")
