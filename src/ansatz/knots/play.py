"""Moves by name on a sketch: is it legal, what does it lead to, and which move takes it back.

A move is a tuple of its name and darts, as certificates write it:

    ("R1-", d)           remove the kink whose loop has dart d, with the loop to its left
    ("R2-", d)           pull apart two strands: the face left of d has two sides, one over at both crossings
    ("R3", d)            pass a strand over the crossing of two others: the face left of d is a triangle
    ("R1+", d, j)        add a kink to the edge of d, on its left; the loop's first dart has slot j, 0 or 1
    ("R2+", d, e, o)     push the edge of d over (o = 1) or under (o = 0) that of e; both have one face to
                         their left
    ("XC", d)            change the crossing of d
    ("PASS", s, k, …)    lay the arc that leaves along s and passes k crossings along a route (`passes`)
"""

from typing import Any

from ansatz._spelling import choose
from ansatz.errors import BadInput
from ansatz.knots.diagram import turn
from ansatz.knots.passes import apply_pass, entered
from ansatz.knots.sketch import Sketch, layered

Move = tuple[Any, ...]
SIZES = {"R1-": 1, "R2-": 1, "R3": 1, "R1+": 2, "R2+": 3, "XC": 1, "PASS": 2}
"""How many integers stand after a move's name; a pass may have more."""


def play(sketch: Sketch, move: Move, check: bool = True) -> None:
    """Make a move, in place; with `check`, raise `BadInput` and leave the sketch alone where it is illegal.

    >>> from ansatz.knots.codes import from_pd
    >>> sketch = Sketch(from_pd([[1, 1, 2, 2]]))
    >>> play(sketch, ("R1-", 0))
    >>> sketch.crossings, sketch.circles
    (0, 1)
    """
    if check and (why := refusal(sketch, move)):
        raise BadInput(f"{move[0]} at dart {move[1]} is illegal: {why}." if len(move) > 1 else why)
    _APPLY[move[0]](sketch, *move[1:])


def refusal(sketch: Sketch, move: Move) -> str | None:
    """Return why a move is illegal on a sketch, or None where it is legal; `BadInput` if it is no move.

    >>> from ansatz.knots.codes import from_pd
    >>> refusal(Sketch(from_pd([[1, 1, 2, 2]])), ("R1-", 1))
    'the face left of dart 1 has 2 sides, and a kink has 1'
    """
    kind, *rest = move
    size = choose("move", str(kind), SIZES)
    if len(rest) < size or (len(rest) > size and kind != "PASS") or any(type(one) is not int for one in rest):
        wanted = f"{'at least ' * (kind == 'PASS')}{size} integer{'s' * (size > 1)}"
        raise BadInput(f"The move {list(move)} is malformed: after {kind!r} there must be {wanted}.")
    if kind == "PASS":
        try:
            apply_pass(sketch.copy(), *rest)
        except BadInput as why:
            return str(why)
        return None
    darts = rest[:2] if kind == "R2+" else rest[:1]
    for d in darts:
        if not sketch.has(d):
            return f"there is no dart {d} in a diagram of {sketch.crossings} crossings"
    return _REFUSALS[kind](sketch, *rest) if kind in _REFUSALS else None


def inverse(sketch: Sketch, move: Move) -> Move | None:
    """Return the move that takes a legal one back, in the darts of the diagram after it.

    The crossings may come back with other numbers.  None where one move does not do: where R1- or R2- leaves
    a circle, or joins both of its strands into one edge, or where an arc's old route is not one to return to.
    """
    return _INVERSES[move[0]](sketch, *move[1:])


def _refuse_r1_minus(sketch: Sketch, d: int) -> str | None:
    if sketch.alpha[d] == turn(d):
        return None
    return f"the face left of dart {d} has {len(sketch.face(d))} sides, and a kink has 1"


def _refuse_r2_minus(sketch: Sketch, d: int) -> str | None:
    face = sketch.face(d)
    if len(face) != 2:
        return f"the face left of dart {d} has {len(face)} sides, and R2- removes a face of 2"
    if face[0] >> 2 == face[1] >> 2:
        return f"both corners of the face left of dart {d} are crossing {d >> 2}"
    if (d ^ sketch.alpha[d]) & 1:
        return f"the strands beside the face left of dart {d} are clasped: each is over at one crossing"
    return None


def _refuse_r3(sketch: Sketch, d: int) -> str | None:
    face = sketch.face(d)
    if len(face) != 3:
        return f"the face left of dart {d} has {len(face)} sides, and R3 needs 3"
    if len({e >> 2 for e in face}) < 3:
        return f"the face left of dart {d} has a crossing at two of its corners"
    return None if layered(*face) else f"no strand is over at both corners of the face left of dart {d}"


def _refuse_r1_plus(sketch: Sketch, d: int, j: int) -> str | None:
    return None if j in (0, 1) else f"the slot of the loop is {j}, and it must be 0 or 1"


def _refuse_r2_plus(sketch: Sketch, d: int, e: int, o: int) -> str | None:
    if o not in (0, 1):
        return f"the level is {o}, and it must be 1 (over) or 0 (under)"
    if d == e or sketch.alpha[d] == e:
        return f"darts {d} and {e} belong to one edge"
    return None if e in sketch.face(d) else f"darts {d} and {e} do not have the same face to their left"


def _r1_minus(sketch: Sketch, d: int) -> None:
    sketch.remove(d >> 2)


def _r2_minus(sketch: Sketch, d: int) -> None:
    first, second = d >> 2, sketch.alpha[d] >> 2
    sketch.remove(first)
    sketch.remove(second)


def _r3(sketch: Sketch, d: int) -> None:
    """Exchange, on each strand of the triangle, the two crossings that it meets."""
    alpha, rho = sketch.alpha, {}
    for e in sketch.face(d):
        a = alpha[e]
        for x, y in ((turn(e, 2), a), (turn(a, 2), e)):
            rho[x], rho[y] = y, x
    moved = {x: rho.get(alpha[y], alpha[y]) for x, y in rho.items()}
    for x, y in moved.items():
        sketch.join(x, y)


def _r1_plus(sketch: Sketch, d: int, j: int) -> None:
    e, c = sketch.alpha[d], sketch.new()
    loop, end, inward, outward = (4 * c + ((j + k) & 3) for k in range(4))
    sketch.join(loop, end)
    sketch.join(d, inward)
    sketch.join(e, outward)


def _r2_plus(sketch: Sketch, d: int, e: int, o: int) -> None:
    """Lay the strand d → P → Q over or under the strand e → Q → P."""
    d_end, e_end = sketch.alpha[d], sketch.alpha[e]
    P, Q = ([4 * c + ((o + k) & 3) for k in range(4)] for c in (sketch.new(), sketch.new()))
    for x, y in ((P[0], d), (P[1], Q[3]), (P[2], Q[2]), (P[3], e_end), (Q[0], d_end), (Q[1], e)):
        sketch.join(x, y)


def _change(sketch: Sketch, d: int) -> None:
    """Turn the darts of a crossing by one slot, which lifts the lower strand over the other."""
    base = d & ~3
    partners = [sketch.alpha[base + k] for k in range(4)]
    for k, a in enumerate(partners):
        sketch.join(base + (k + 1) % 4, turn(a, 1) if a & ~3 == base else a)


def _undo_r1_minus(sketch: Sketch, d: int) -> Move | None:
    edge = sketch.alpha[turn(d, 2)]
    return None if edge >> 2 == d >> 2 else ("R1+", edge, d & 1)


def _undo_r2_minus(sketch: Sketch, d: int) -> Move | None:
    a = sketch.alpha[d]
    gone = {d >> 2, a >> 2}
    stubs = [sketch.alpha[turn(d, 3)], sketch.alpha[turn(d, 2)], sketch.alpha[turn(a, 2)]]
    if any(stub >> 2 in gone for stub in stubs):
        return None
    return ("R2+", stubs[0], stubs[2], 1 - (d & 1))


def _undo_r3(sketch: Sketch, d: int) -> Move:
    return ("R3", turn(d, 2))


def _undo_r1_plus(sketch: Sketch, d: int, j: int) -> Move:
    return ("R1-", 4 * _free(sketch, 1)[0] + j)


def _undo_r2_plus(sketch: Sketch, d: int, e: int, o: int) -> Move:
    return ("R2-", 4 * _free(sketch, 1)[0] + ((o + 1) & 3))


def _undo_change(sketch: Sketch, d: int) -> Move:
    return ("XC", d)


def _undo_pass(sketch: Sketch, s: int, k: int, *route: int) -> Move | None:
    """Return along the old route: for each crossing of the arc the dart below it, when it is drawn again."""
    if not route:
        return None
    *arc, _ = entered(sketch, s, k)
    bare = sketch.copy()
    apply_pass(bare, s, k, *route, check=False)
    for e in entered(bare, s, len(route))[:-1]:
        bare.drop(e >> 2)
    gone, drawn, back = {e >> 2 for e in arc}, {}, []
    for e, c in zip(arc, _free(bare, k), strict=True):
        g = sketch.alpha[turn(e, 1)]
        while g >> 2 in gone and g >> 2 not in drawn:
            g = sketch.alpha[turn(g, 2)]
        if g >> 2 in drawn:
            entry, number = drawn[g >> 2]
            g = 4 * number + ((g - entry + 2 + (e & 1)) & 3)
        back.append(g)
        drawn[e >> 2] = e, c
    return ("PASS", s, len(route), *back)


def _free(sketch: Sketch, count: int) -> list[int]:
    """Return the numbers that the next new crossings will have."""
    following = len(sketch.alpha) // 4
    return [*sorted(sketch.free), *range(following, following + count)][:count]


_REFUSALS = {
    "R1-": _refuse_r1_minus,
    "R2-": _refuse_r2_minus,
    "R3": _refuse_r3,
    "R1+": _refuse_r1_plus,
    "R2+": _refuse_r2_plus,
}
_APPLY = {
    "R1-": _r1_minus,
    "R2-": _r2_minus,
    "R3": _r3,
    "R1+": _r1_plus,
    "R2+": _r2_plus,
    "XC": _change,
    "PASS": lambda sketch, s, k, *route: apply_pass(sketch, s, k, *route, check=False),
}
_INVERSES = {
    "R1-": _undo_r1_minus,
    "R2-": _undo_r2_minus,
    "R3": _undo_r3,
    "R1+": _undo_r1_plus,
    "R2+": _undo_r2_plus,
    "XC": _undo_change,
    "PASS": _undo_pass,
}
