"""Pass moves: an arc that lies over (or under) all it crosses is taken up and laid down along another route.

Any arc will do whose crossings it passes at one level, with ends on edges of crossings that it does not pass;
any route over the diagram without the arc is legal, since nothing lies above it.  The route is a list of
darts: the arc crosses the edge of each from the face to its left.
"""

from collections.abc import Sequence
from random import Random

from ansatz.errors import BadInput
from ansatz.knots.diagram import turn
from ansatz.knots.sketch import OPEN, Sketch


def entered(sketch: Sketch, s: int, k: int) -> list[int]:
    """Return the darts at which the strand that leaves along s enters its next k + 1 crossings."""
    alpha, found = sketch.alpha, [sketch.alpha[s]]
    for _ in range(k):
        found.append(alpha[turn(found[-1], 2)])
    return found


def check_arc(s: int, arc: Sequence[int], t: int) -> None:
    """Refuse an arc, given by where it enters crossings, that is not at one level or meets its own ends."""
    crossings = {e >> 2 for e in arc}
    if len({e & 1 for e in arc}) != 1:
        raise BadInput(f"the arc from dart {s} passes over some of its {len(arc)} crossings and under others")
    if len(crossings) < len(arc) or s >> 2 in crossings or t >> 2 in crossings or s == t:
        raise BadInput(f"the arc from dart {s} over {len(arc)} crossings ends at a crossing that it passes")


def apply_pass(sketch: Sketch, s: int, k: int, *route: int, check: bool = True) -> None:
    """Move the arc that leaves along dart s and passes k crossings to a route, in place.

    The crossings of the arc are removed first, those of the route are numbered after that.  With `check`,
    raises `BadInput` where the move is illegal; the sketch is of no use after that.
    """
    if check and not (sketch.has(s) and 1 <= k <= 2 * sketch.crossings):
        raise BadInput(f"no arc of {k} crossings leaves along dart {s}")
    *arc, t = entered(sketch, s, k)
    if check:
        check_arc(s, arc, t)
    for e in arc:
        sketch.straighten(turn(e, 1))
        sketch.drop(e >> 2)
    sketch.alpha[s] = sketch.alpha[t] = OPEN
    level, head = arc[0] & 1, s
    for place, g in enumerate(route, 1):
        if check and not (sketch.has(g) and _sees(sketch.alpha, g, head)):
            raise BadInput(
                f"step {place} of the route, dart {g}, does not start from the face where the arc ends"
            )
        c = sketch.new()
        east, north, west, south = (4 * c + ((j + level) & 3) for j in range(4))
        sketch.join(north, sketch.alpha[g])
        sketch.join(south, g)
        sketch.join(west, head)
        sketch.alpha[east], head = OPEN, east
    if check and not _sees(sketch.alpha, _beside(sketch.alpha, head), t):
        raise BadInput(f"the route ends in a face that does not touch the arc's other end, dart {t}")
    sketch.join(head, t)


def _beside(alpha: list[int], stub: int) -> int:
    """Return the dart, not open, that follows an open one around the face in which that lies."""
    while alpha[stub] == OPEN:
        stub = turn(stub, 3)
    return stub


def _sees(alpha: list[int], start: int, stub: int) -> bool:
    """Tell whether an open dart lies in the face to the left of another."""
    d = start
    while True:
        d = turn(alpha[d], 3)
        while alpha[d] == OPEN:
            if d == stub:
                return True
            d = turn(d, 3)
        if d == start:
            return False


def runs(sketch: Sketch) -> list[tuple[int, list[int], int]]:
    """Return the longest arcs at one level: the dart each leaves by, those it enters by, and where it ends.

    Where an end lies on a crossing that the arc passes, the shorter part is cut off.
    """
    alpha, found = sketch.alpha, []
    for s, e in enumerate(alpha):
        if s == e or not (s ^ e) & 1:
            continue
        arc, level = [], e & 1
        while e & 1 == level:
            arc.append(e)
            e = alpha[turn(e, 2)]
        found.append(_cut(s, arc, e))
    return [run for run in found if run[1]]


def _cut(s: int, arc: list[int], t: int) -> tuple[int, list[int], int]:
    """Shorten an arc until neither end lies on a crossing that it passes."""
    i = 0
    while i < len(arc):
        if arc[i] >> 2 in (s >> 2, t >> 2):
            if 2 * i < len(arc):
                s, arc, i = turn(arc[i], 2), arc[i + 1 :], -1
            else:
                t, arc = arc[i], arc[:i]
        i += 1
    return s, arc, t


def faces(sketch: Sketch) -> tuple[list[int], list[list[int]]]:
    """Return the number of the face left of each dart, and the darts around each face."""
    alpha = sketch.alpha
    label, around = [-1] * len(alpha), []
    for d, a in enumerate(alpha):
        if a == d or label[d] >= 0:
            continue
        cycle, number = [], len(around)
        while label[d] < 0:
            label[d] = number
            cycle.append(d)
            a = alpha[d]
            d = a - 1 if a & 3 else a + 3
        around.append(cycle)
    return label, around


def find_route(
    sketch: Sketch,
    dual: tuple[list[int], list[list[int]]],
    run: tuple[int, list[int], int],
    rng: Random,
) -> list[int] | None:
    """Return a shortest route for an arc, drawn at random among them, or None where it has to stay.

    `dual` is what `faces` gives.  Without the arc the faces on both sides of its edges are one, so the search
    is breadth first over the faces as they are, with steps across the arc for nothing.
    """
    alpha, (label, around), (s, arc, t) = sketch.alpha, dual, run
    leaving = [s, *(turn(e, 2) for e in arc)]
    edges = list(zip(leaving, [*arc, t], strict=True))
    own = {d for edge in edges for d in edge}
    across: dict[int, list[int]] = {}
    for d, e in edges:
        across.setdefault(label[d], []).append(label[e])
        across.setdefault(label[e], []).append(label[d])
    goals = (label[leaving[-1]], label[t])
    parent: dict[int, tuple[int, int]] = {label[s]: (-1, -1)}
    level = [label[s]]
    while level:
        for u in level:
            for v in across.get(u, ()):
                if v not in parent:
                    parent[v] = (u, -1)
                    level.append(v)
        if goals[0] in parent:
            return traced(alpha, parent, goals[0], arc)
        rng.shuffle(level)
        following = []
        for u in level:
            cycle = around[u]
            first = rng.randrange(len(cycle))
            for g in cycle[first:] + cycle[:first]:
                v = label[alpha[g]]
                if v not in parent and g not in own:
                    parent[v] = (u, g)
                    following.append(v)
        level = following
    return None


def traced(
    alpha: list[int], parent: dict[int, tuple[int, int]], face: int, arc: list[int]
) -> list[int] | None:
    """Return the route to a face as darts of the diagram without the arc, or None where it is the old one."""
    crossed = []
    while face >= 0:
        face, g = parent[face]
        if g >= 0:
            crossed.append(g)
    gone = {e >> 2 for e in arc}
    found = [_kept(alpha, g, gone) for g in reversed(crossed)]
    same = len(found) == len(arc) and found == [_kept(alpha, turn(e, 3), gone) for e in arc]
    return None if same or -1 in found else found


def _kept(alpha: list[int], g: int, gone: set[int]) -> int:
    """Return the dart that the edge of g starts with when crossings are gone; -1 if it becomes a circle."""
    for _ in range(len(gone) + 1):
        if g >> 2 not in gone:
            return g
        g = alpha[turn(g, 2)]
    return -1
