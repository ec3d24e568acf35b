"""The moves under jit and vmap: which are legal on a diagram of fixed capacity N, and what they lead to.

A move is four integers (`Move`); `Actions` numbers all moves of a diagram for a policy.  One `apply` does
every kind: crossings are removed (their strands run straight on), edges are written, darts are relabelled
(``α ↦ ρ∘α∘ρ⁻¹``), each by one scatter to the few darts concerned; kinds differ only in what is removed,
written and relabelled.  New crossings take the lowest numbers that are free, as in `sketch`, so that a move
means the same here, in `play` and in a certificate.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Integer, UInt

from ansatz.errors import BadInput
from ansatz.knots.diagram import Diagram, turn

KINDS = ("R1-", "R2-", "R3", "R1+", "R2+", "XC")
R1_MINUS, R2_MINUS, R3, R1_PLUS, R2_PLUS, XC = range(6)


class Move(NamedTuple):
    """A move as arrays of one shape: its number in `KINDS`, its darts, the slot of R1+ or the level of R2+.

    What a kind does not use is 0.
    """

    kind: Int[Array, "*b"]
    first: Int[Array, "*b"]
    second: Int[Array, "*b"]
    level: Int[Array, "*b"]


class Masks(NamedTuple):
    """Which moves are legal: at each dart (R1-, R2-, R3), with each slot (R1+), to each place on (R2+)."""

    r1_minus: Bool[Array, " D"]
    r2_minus: Bool[Array, " D"]
    r3: Bool[Array, " D"]
    r1_plus: Bool[Array, " D 2"]
    r2_plus: Bool[Array, " D reach 2"]
    change: Bool[Array, " N"]


def darts(alpha: Int[Array, " D"]) -> Int[Array, " D"]:
    """Return 0, …, 4N - 1."""
    return jnp.arange(alpha.shape[-1], dtype=jnp.int32)


def alive(alpha: Int[Array, " D"]) -> Bool[Array, " D"]:
    """Tell which darts belong to crossings that are there."""
    return alpha != darts(alpha)


def count(alpha: Int[Array, " D"]) -> Int[Array, ""]:
    """Return the number of crossings."""
    return jnp.sum(alive(alpha)[::4], dtype=jnp.int32)


def following(alpha: Int[Array, " D"]) -> Int[Array, " D"]:
    """Return for each dart the next around the face to its left."""
    return turn(alpha, 3)


def around(x: Array, k: int) -> Array:
    """Return for each dart d the entry of σᵏ(d): x∘σᵏ, without a gather."""
    return jnp.roll(x.reshape(-1, 4, *x.shape[1:]), -k, axis=1).reshape(x.shape)


def narrow(alpha: Int[Array, " D"]) -> UInt[Array, " D"]:
    """Return α in the smallest unsigned type that holds its darts: gathers cost what they read."""
    size = alpha.shape[-1]
    return alpha.astype(jnp.uint8 if size <= 2**8 else jnp.uint16 if size <= 2**16 else jnp.uint32)


def fetch(x: Array, i: Integer[Array, "*b"]) -> Array:
    """Return x[i] for places that are known to be there."""
    return x.at[i].get(mode="promise_in_bounds", wrap_negative_indices=False)


def turned(d: Integer[Array, "*b"], k: int) -> Integer[Array, "*b"]:
    """Return σᵏ(d), as `turn` does, in unsigned types too."""
    return (d ^ (d & 3)) | ((d + k) & 3)


def powers(step: Integer[Array, " D"], most: int) -> Integer[Array, "powers D"]:
    """Return d, f(d), …, f^most(d) for all darts; in a loop, or XLA would go all the way for each anew."""
    d = jnp.arange(step.shape[-1], dtype=step.dtype)
    return jax.lax.scan(lambda x, _: (fetch(step, x), x), d, None, most + 1)[1]


def face_labels(alpha: Int[Array, " D"]) -> Int[Array, " D"]:
    """Return for each dart the least dart around the face to its left, by doubling: 2⌈log₂ 4N⌉ gathers."""
    label, jump = darts(alpha), following(alpha)
    for _ in range((alpha.shape[-1] - 1).bit_length()):
        label, jump = jnp.minimum(label, label[jump]), jump[jump]
    return label


def face_lengths(alpha: Int[Array, " D"], most: int) -> Int[Array, " D"]:
    """Return how many darts the face to the left of each has, `most` where it has that many or more.

    It has j where f^a(d) = f^-b(d) for a + b = j and no smaller one: half the gathers of going around.
    """
    alpha = narrow(alpha)
    ahead = powers(turned(alpha, 3), most // 2)
    behind = powers(around(alpha, 1), (most - 1) // 2)
    length = jnp.full(alpha.shape, most, jnp.int32)
    for j in range(most - 1, 0, -1):
        length = jnp.where(ahead[(j + 1) // 2] == behind[j // 2], j, length)
    return length


def masks(alpha: Int[Array, " D"], reach: int = 4, length: Int[Array, " D"] | None = None) -> Masks:
    """Return the legal moves of a diagram `[4N]`.

    Every dart by which a move can be named is marked: a bigon has two, a triangle three.  R2+ joins a dart to
    the one k places further around its face, ``1 ≤ k ≤ reach``, with ``2k`` at most the face's length: the
    rest are the same moves from the other side.  R1+ and R2+ are not legal where N leaves no room for them.
    `length` is what `face_lengths` gives for ``max(2 * reach, 4)`` or more, where it is known.
    """
    if length is None:
        length = face_lengths(alpha, max(2 * reach, 4))
    live, n, room = alive(alpha), count(alpha), alpha.shape[-1] // 4
    alpha = narrow(alpha)
    d, e = jnp.arange(alpha.size, dtype=alpha.dtype), turned(alpha, 3)
    g = fetch(e, e)
    distinct = (d >> 2 != e >> 2) & (e >> 2 != g >> 2) & (g >> 2 != d >> 2)
    layers = (d & 1) + (e & 1) + (g & 1)
    far = length[:, None] >= 2 * jnp.arange(1, reach + 1, dtype=jnp.int32)[None]
    return Masks(
        r1_minus=live & (length == 1),
        r2_minus=live & (length == 2) & (d >> 2 != alpha >> 2) & (((d ^ alpha) & 1) == 0),
        r3=live & (length == 3) & distinct & (layers > 0) & (layers < 3),
        r1_plus=jnp.broadcast_to((live & (n + 1 <= room))[:, None], (d.size, 2)),
        r2_plus=jnp.broadcast_to((far & (live & (n + 2 <= room))[:, None])[:, :, None], (d.size, reach, 2)),
        change=live[::4],
    )


def is_legal(alpha: Int[Array, " D"], move: Move) -> Bool[Array, ""]:
    """Tell whether one move is legal; for R2+ the darts may be any two on one face."""
    d, e = move.first, move.second
    m = masks(alpha, 1)
    inside = (d >= 0) & (d < alpha.shape[-1]) & (e >= 0) & (e < alpha.shape[-1])
    d, e = jnp.where(inside, d, 0), jnp.where(inside, e, 0)
    label = face_labels(alpha)
    level = (move.level == 0) | (move.level == 1)
    room = count(alpha) + 2 <= alpha.shape[-1] // 4
    push = (label[d] == label[e]) & (d != e) & (alpha[d] != e) & alive(alpha)[d] & room & level
    cases = [m.r1_minus[d], m.r2_minus[d], m.r3[d], m.r1_plus[d, 0] & level, push, m.change[d >> 2]]
    return inside & jnp.stack(cases)[jnp.clip(move.kind, 0, 5)] & (move.kind >= 0) & (move.kind < 6)


def free_pair(alpha: Int[Array, " D"]) -> tuple[Int[Array, ""], Int[Array, ""]]:
    """Return the two lowest numbers of crossings that are not there; without meaning where there are none."""
    free = ~alive(alpha)[::4]
    first = jnp.argmax(free).astype(jnp.int32)
    second = jnp.argmax(free.at[first].set(False)).astype(jnp.int32)
    return first, second


def apply(diagram: Diagram, move: Move) -> Diagram:
    """Return the diagram after a legal move; after an illegal one it is not a diagram.

    >>> import numpy as np
    >>> kinked = Diagram(jnp.asarray(np.array([1, 0, 3, 2], np.int32)), jnp.int32(0))
    >>> after = jax.jit(apply)(kinked, as_move(("R1-", 0)))
    >>> after.alpha.tolist(), int(after.circles)
    ([0, 1, 2, 3], 1)
    """
    alpha, circles = diagram
    kind, d, *_ = move
    gone = jnp.where(kind == R2_MINUS, alpha[d] >> 2, d >> 2)
    removes = kind <= R2_MINUS
    first, second = jnp.where(removes, d >> 2, -1), jnp.where(removes, gone, -1)
    circles = circles + closed(alpha, first, second)
    places, values = _written(alpha, move)
    alpha = straightened(alpha, first, second).at[places].set(values, mode="drop")
    return Diagram(_relabelled(alpha, move), circles)


def straightened(alpha: Int[Array, " D"], first: Int[Array, ""], second: Int[Array, ""]) -> Int[Array, " D"]:
    """Return α without two crossings (-1: none): their strands run straight on.

    A strand passes two crossings at most four times, so four steps ``t ← α(σ²(t))`` lead out of them.
    """
    d, slots = darts(alpha), jnp.arange(4, dtype=jnp.int32)
    own = jnp.concatenate([4 * first + slots, 4 * second + slots])
    end = fetch(alpha, jnp.maximum(own, 0))
    for _ in range(4):
        end = jnp.where((end >> 2 == first) | (end >> 2 == second), fetch(alpha, turn(end, 2)), end)
    at = jnp.where(own >= 0, end, alpha.size)
    alpha = alpha.at[at].set(around(end, 2), mode="drop")
    return jnp.where((d >> 2 == first) | (d >> 2 == second), d, alpha)


def closed(alpha: Int[Array, " D"], first: Int[Array, ""], second: Int[Array, ""]) -> Int[Array, ""]:
    """Return how many components meet no crossing but these two (-1: none): circles when they are removed."""
    slots = jnp.arange(4, dtype=jnp.int32)
    d = jnp.concatenate([4 * jnp.maximum(first, 0) + slots, 4 * jnp.maximum(second, 0) + slots])
    twice = jnp.concatenate([jnp.zeros(4, bool), jnp.broadcast_to(first == second, (4,))])
    here, least = d, d
    inside = (first >= 0) & ~twice
    for _ in range(4):
        here = alpha[turn(here, 2)]
        inside &= (here >> 2 == first) | (here >> 2 == second)
        least = jnp.minimum(least, here)
    return jnp.sum(inside & (least == d), dtype=jnp.int32) // 2


def _written(alpha: Int[Array, " D"], move: Move) -> tuple[Int[Array, " 12"], Int[Array, " 12"]]:
    """Return where R1+ and R2+ write new edges, 4N where nothing is written, and the darts to write there."""
    kind, d, e, level = move
    d_end, e_end = alpha[d], alpha[e]
    c, b = free_pair(alpha)
    P = [4 * c + ((level + k) & 3) for k in range(4)]
    Q = [4 * b + ((level + k) & 3) for k in range(4)]
    nowhere = jnp.full_like(d, alpha.shape[-1])
    kink = jnp.stack([P[0], P[1], d, P[2], d_end, P[3], *[nowhere] * 6])
    push = jnp.stack([P[0], d, P[1], Q[3], P[2], Q[2], P[3], e_end, Q[0], d_end, Q[1], e])
    ends = jnp.where(kind == R2_PLUS, push, jnp.where(kind == R1_PLUS, kink, nowhere)).reshape(6, 2)
    return ends.reshape(-1), ends[:, ::-1].reshape(-1)


def _relabelled(alpha: Int[Array, " D"], move: Move) -> Int[Array, " D"]:
    """Return ρ∘α∘ρ⁻¹: ρ is six transpositions for R3, a turn of one crossing for XC, else the identity.

    R3 exchanges, for the darts d of the triangle and a = α(d), σ²(d) with a and σ²(a) with d.
    """
    kind, d = move.kind, move.first
    sides = [d, following(alpha)[d]]
    sides.append(following(alpha)[sides[1]])
    near = jnp.stack(sides)
    end = alpha[near]
    x = jnp.concatenate([turn(near, 2), turn(end, 2)])
    y = jnp.concatenate([end, near])
    own = (d & ~3) + jnp.arange(12, dtype=jnp.int32)
    old = jnp.where(kind == R3, jnp.concatenate([x, y]), own)
    new = jnp.where(kind == R3, jnp.concatenate([y, x]), turn(own, 1))
    moved = (kind == R3) | ((kind == XC) & (jnp.arange(12) < 4))
    old, new = (jnp.where(moved, z, alpha.size) for z in (old, new))
    rho = darts(alpha).at[old].set(new, mode="drop")
    end = rho[alpha[jnp.minimum(old, alpha.size - 1)]]
    at = jnp.concatenate([new, jnp.where(moved, end, alpha.size)])
    return alpha.at[at].set(jnp.concatenate([end, new]), mode="drop")


def inverse(alpha: Int[Array, " D"], move: Move) -> tuple[Move, Bool[Array, ""]]:
    """Return the move that takes a legal one back, and whether one move does.

    It does not where R1- or R2- leaves a circle or joins its strands into one edge.  Crossings may come back
    with other numbers.
    """
    kind, d, _, level = move
    a = alpha[d]
    c, _ = free_pair(alpha)
    before, beside, beyond = alpha[turn(d, 3)], alpha[turn(d, 2)], alpha[turn(a, 2)]
    zero, always = jnp.zeros_like(d), jnp.ones_like(d, bool)
    stubs = jnp.stack([before, beside, beyond]) >> 2
    apart = jnp.all((stubs != d >> 2) & (stubs != a >> 2))
    cases = [
        (R1_PLUS, beside, zero, d & 1, beside >> 2 != d >> 2),
        (R2_PLUS, before, beyond, 1 - (d & 1), apart),
        (R3, turn(d, 2), zero, zero, always),
        (R1_MINUS, 4 * c + (level & 3), zero, zero, always),
        (R2_MINUS, 4 * c + ((level + 1) & 3), zero, zero, always),
        (XC, d, zero, zero, always),
    ]
    kinds = jnp.asarray([case[0] for case in cases], jnp.int32)
    fields = [jnp.stack([case[i] for case in cases])[kind] for i in range(1, 5)]
    return Move(kinds[kind], *fields[:3]), fields[3]


def as_move(move: tuple) -> Move:
    """Return the arrays of a move as `play` names it; PASS has none.

    >>> [int(part) for part in as_move(("R2+", 3, 8, 1))]
    [4, 3, 8, 1]
    """
    name, *rest = move
    if name not in KINDS:
        raise BadInput(f"The move {name!r} has no form as an array; it must be one of {', '.join(KINDS)}.")
    second, level = (rest[1], rest[2]) if name == "R2+" else (0, rest[1] if name == "R1+" else 0)
    return Move(*(jnp.int32(part) for part in (KINDS.index(name), rest[0], second, level)))


def as_tuple(move: Move) -> tuple:
    """Return one move as `play` names it.

    >>> as_tuple(as_move(("R1+", 5, 1)))
    ('R1+', 5, 1)
    """
    name, first, second, level = KINDS[int(move.kind)], int(move.first), int(move.second), int(move.level)
    return {"R1+": (name, first, level), "R2+": (name, first, second, level)}.get(name, (name, first))


class Actions(NamedTuple):
    """All moves of diagrams of one capacity, numbered for a policy, in the order of `KINDS`.

    >>> Actions(16, 4).size
    848
    """

    capacity: int
    reach: int = 4

    @property
    def parts(self) -> tuple[int, ...]:
        """Return how many actions each kind has."""
        D = 4 * self.capacity
        return (D, D, D, 2 * D, 2 * D * self.reach, self.capacity)

    @property
    def size(self) -> int:
        """Return the number of actions."""
        return sum(self.parts)

    def mask(self, alpha: Int[Array, " D"]) -> Bool[Array, " actions"]:
        """Tell which actions are legal."""
        return jnp.concatenate([part.reshape(-1) for part in masks(alpha, self.reach)])

    def total(self, alpha: Int[Array, " D"], change: bool = True) -> Int[Array, ""]:
        """Return the number of legal actions."""
        return functools.reduce(jnp.add, self._counts(alpha, change)).sum(dtype=jnp.int32)

    def _counts(self, alpha: Int[Array, " D"], change: bool) -> list[Int[Array, " D"]]:
        length = face_lengths(alpha, max(2 * self.reach, 4))
        m = masks(alpha, 1, length)
        pushes = jnp.where(m.r2_plus[:, 0, 0], jnp.minimum(length, 2 * self.reach) & ~1, 0)
        xc = (darts(alpha) & 3 == 0) & alive(alpha) & change
        kinds = [m.r1_minus, m.r2_minus, m.r3, jnp.where(m.r1_plus[:, 0], 2, 0), pushes, xc]
        return [kind.astype(jnp.int32) for kind in kinds]

    def draw(self, alpha: Int[Array, " D"], u: Float[Array, ""], change: bool = True) -> Int[Array, ""]:
        """Return the legal action that u in [0, 1) picks of all of them, each as likely; 0 where none is.

        They are counted dart by dart, and the mask of all actions is never made.  XC may be left out.
        """
        counts = self._counts(alpha, change)
        d, rest = counted(functools.reduce(jnp.add, counts), u)
        ends = jnp.cumsum(jnp.stack([kind[d] for kind in counts]), dtype=jnp.int32)
        kind = jnp.sum(ends <= rest, dtype=jnp.int32)
        rest = rest - jnp.where(kind > 0, ends[kind - 1], 0)
        D = alpha.shape[-1]
        starts = jnp.asarray([0, D, 2 * D, 3 * D, 5 * D, (5 + 2 * self.reach) * D], jnp.int32)
        at = jnp.stack([d, d, d, 2 * d, 2 * self.reach * d, d >> 2])
        return jnp.where(kind < 6, (starts + at)[kind] + rest, 0)

    def move(self, alpha: Int[Array, " D"], action: Int[Array, ""]) -> Move:
        """Return what an action does to a diagram."""
        starts = [sum(self.parts[:i]) for i in range(6)]
        kind = jnp.sum(action >= jnp.asarray(starts[1:], jnp.int32), dtype=jnp.int32)
        rest = action - jnp.asarray(starts, jnp.int32)[kind]
        step = jnp.where(kind == R2_PLUS, (rest >> 1) % self.reach + 1, 0)
        width = jnp.asarray([1, 1, 1, 2, 2 * self.reach, 1], jnp.int32)[kind]
        first = jnp.where(kind == XC, 4 * rest, rest // width)
        second, up = first, following(alpha)
        for k in range(self.reach):
            second = jnp.where(k < step, up[second], second)
        level = jnp.where(width > 1, rest & 1, 0)
        return Move(kind, first, jnp.where(kind == R2_PLUS, second, 0), level)


def counted(counts: Int[Array, " D"], u: Float[Array, ""]) -> tuple[Int[Array, ""], Int[Array, ""]]:
    """Return the place in which ⌊u Σ counts⌋ falls, and how far into it; first by fours, then within."""
    fours = jnp.cumsum(counts.reshape(-1, 4).sum(1, dtype=jnp.int32), dtype=jnp.int32)
    rest = jnp.clip((u * fours[-1].astype(u.dtype)).astype(jnp.int32), 0, jnp.maximum(fours[-1] - 1, 0))
    four = jnp.minimum(jnp.sum(fours <= rest, dtype=jnp.int32), fours.size - 1)
    rest = rest - jnp.where(four > 0, fours[four - 1], 0)
    ends = jnp.cumsum(counts.reshape(-1, 4)[four], dtype=jnp.int32)
    slot = jnp.minimum(jnp.sum(ends <= rest, dtype=jnp.int32), 3)
    return 4 * four + slot, rest - jnp.where(slot > 0, ends[slot - 1], 0)


def room(diagram: Diagram, capacity: int) -> Diagram:
    """Return a diagram as JAX arrays with room for `capacity` crossings, its numbers kept where they fit.

    >>> from ansatz.knots.codes import from_braid
    >>> room(from_braid([1, 1, 1]), 8).alpha.shape
    (32,)
    """
    old = np.asarray(diagram.alpha)
    if max(diagram.live(), default=-1) >= capacity:
        old = np.asarray(diagram.resized(capacity).alpha)
    alpha = np.arange(4 * capacity, dtype=np.int32)
    alpha[: min(old.size, alpha.size)] = old[: alpha.size]
    return Diagram(jax.device_put(alpha), jnp.int32(int(diagram.circles)))
