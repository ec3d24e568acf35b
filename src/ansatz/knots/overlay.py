"""A diagram with an arc of it, and the new route of that arc drawn over it as a ghost.

The ghost has vertices of its own, with negative numbers: where it begins on the arc (-1) and ends (-2), and
where it crosses (-3, -4, …).  The darts of vertex c are 4c, … as in a diagram; at the ghost's ends they are
the strand outside the arc, the arc, the ghost.
"""

from collections import deque
from itertools import pairwise
from typing import NamedTuple

from ansatz.errors import BadInput
from ansatz.knots.diagram import turn
from ansatz.knots.passes import faces
from ansatz.knots.sketch import Sketch

START, STOP = -4, -8
"""The darts outside the arc at its two ends."""
ARC, GHOST = "arc", "ghost"


class Bigon(NamedTuple):
    """A region between arc and ghost, to the left of the first dart's way along the arc to a vertex.

    `seen` are the darts that have it on their left; `left` tells whether it is left of the arc as that runs
    from its start; `whole` whether arc and ghost bound it from end to end.
    """

    first: int
    seen: set[int]
    stop: int
    left: bool
    whole: bool


class Overlay:
    """The planar map of a diagram and the ghost: `mate` joins its darts, `passed` are the arc's crossings."""

    def __init__(self, sketch: Sketch, s: int, t: int, level: int, route: list[int]):
        self.level, self.mate = level, dict(enumerate(sketch.alpha))
        arc = [s]
        while sketch.alpha[arc[-1]] != t:
            arc.append(turn(sketch.alpha[arc[-1]], 2))
        self.passed = {d >> 2 for d in arc[1:]}
        crossed, left, arrives_left = _ghost(sketch, arc, route, self.passed)
        self.kinds = {START: "", START + 1: ARC, START + 2: GHOST}
        self.kinds |= {STOP: "", STOP + 1: ARC, STOP + 2: GHOST}
        self.ahead = {START: START + 1, START + 1: START, STOP: STOP + 1, STOP + 1: STOP}
        self.clockwise = _ring(START + 1, START + 2, START) if left else _ring(START + 1, START, START + 2)
        self.clockwise |= _ring(STOP + 1, STOP, STOP + 2) if arrives_left else _ring(STOP + 1, STOP + 2, STOP)
        e = self.mate[s]
        self._join(s, START)
        self._join(START + 1, e)
        last = self.mate[t]
        self._join(last, STOP + 1)
        self._join(STOP, t)
        self._draw(crossed)

    def _join(self, d: int, e: int) -> None:
        self.mate[d], self.mate[e] = e, d

    def _draw(self, crossed: list[int]) -> None:
        """Draw the ghost across the edges of darts, from the left of each."""
        head, self.corners = START + 2, [START >> 2]
        self.ghost = [head]
        if len({min(d, self.mate[d]) for d in crossed}) < len(crossed):
            raise BadInput("its route comes twice into one face.")
        for place, d in enumerate(crossed):
            x, kind = -12 - 4 * place, self.kind(d)
            self.kinds |= {x: kind, x + 1: GHOST, x + 2: kind, x + 3: GHOST}
            far = self.mate[d]
            self._join(d, x)
            self._join(x + 2, far)
            self._join(head, x + 3)
            head = x + 1
            self.ghost.append(head)
            self.corners += [x >> 2] if kind else []
        self._join(head, STOP + 2)
        self.corners.append(STOP >> 2)

    def kind(self, d: int) -> str:
        """Return whether a dart is of the arc, of the ghost, or (the empty word) of what they cross."""
        if d < 0:
            return self.kinds[d]
        return ARC if d >> 2 in self.passed and d & 1 == self.level else ""

    def inner(self, d: int) -> bool:
        """Tell whether a dart is at a crossing that the arc and the ghost have nothing to do with."""
        return d >= 0 and d >> 2 not in self.passed

    def next(self, d: int) -> int:
        """Return the dart after d around the face left of it."""
        a = self.mate[d]
        return self.clockwise[a] if a in self.clockwise else turn(a, 3)

    def straight(self, d: int) -> int:
        """Return the dart on the other side of a vertex."""
        return self.ahead[d] if d in self.ahead else turn(d, 2)

    def real(self, d: int) -> int:
        """Return the dart of the diagram's edge along which d leads."""
        while d < 0:
            d = self.mate[self.straight(d)]
        return d

    def along(self, first: int, stop: int) -> list[int]:
        """Return the darts of the arc from the first to a vertex."""
        path = [first]
        while (a := self.mate[path[-1]]) >> 2 != stop:
            path.append(self.straight(a))
        return path

    def least(self) -> Bigon:
        """Return the bigon with the least in it; one at an end with the strand outside counts for more."""
        arc = self.along(START + 1, STOP >> 2)
        position = {d >> 2: i for i, d in enumerate(arc)} | {STOP >> 2: len(arc)}
        rank = {c: i for i, c in enumerate(sorted(self.corners, key=position.__getitem__))}
        place = {d >> 2: i for i, d in enumerate(self.ghost)} | {STOP >> 2: len(self.ghost)}
        found: list[tuple[int, Bigon]] = []
        for one, two in pairwise(self.corners):
            if abs(rank[one] - rank[two]) != 1:
                continue
            low, high = sorted((one, two), key=position.__getitem__)
            part = arc[position[low] : position[high]]
            back = [self.mate[d] for d in part]
            drawn = self.ghost[place[one] : place[two]]
            beside = {*part, *back, *drawn, *(self.mate[d] for d in drawn)}
            whole = len(self.corners) == 2
            for darts, stop, left in ((part, high, True), (back[::-1], low, False)):
                if seen := self._region(darts, beside):
                    ends = 8 * ((START in seen) + (STOP in seen))
                    found.append((len(seen) + ends, Bigon(darts[0], seen, stop, left, whole)))
        if not found:
            raise BadInput("its route and the arc bound no bigon.")
        return min(found, key=lambda one: one[0])[1]

    def _region(self, darts: list[int], beside: set[int]) -> set[int]:
        """Return the darts around the region left of some, or none if more than `beside` bounds it."""
        seen: set[int] = set()
        stack = list(darts)
        while stack:
            d = stack.pop()
            while d not in seen:
                seen.add(d)
                if not self.kind(d):
                    stack.append(self.mate[d])
                elif d not in beside:
                    return set()
                d = self.next(d)
        return seen

    def remove(self, *crossings: int) -> None:
        """Take crossings of the arc out, as R2- does."""
        for c in crossings:
            for d in (4 * c, 4 * c + 1):
                before, after = self.mate[d], self.mate[d + 2]
                if before != d + 2:
                    self._join(before, after)
            self.passed.remove(c)

    def exchange(self, p: int) -> None:
        """Do what R3 does at the triangle left of a dart."""
        rho, d = {}, p
        for _ in range(3):
            a = self.mate[d]
            for x, y in ((turn(d, 2), a), (turn(a, 2), d)):
                rho[x], rho[y] = y, x
            d = turn(a, 3)
        moved = {x: rho.get(self.mate[y], self.mate[y]) for x, y in rho.items()}
        for x, y in moved.items():
            self._join(x, y)

    def push(self, d: int, e: int, first: int, second: int) -> int:
        """Do what R2+ does to the arc's side d and a side e; return its dart from the second crossing."""
        d_end, e_end, o = self.mate[d], self.mate[e], self.level
        P, Q = ([4 * c + ((o + k) & 3) for k in range(4)] for c in (first, second))
        for x, y in ((P[0], d), (P[1], Q[3]), (P[2], Q[2]), (P[3], e_end), (Q[0], d_end), (Q[1], e)):
            self._join(x, y)
        self.passed |= {first, second}
        return Q[0]


def _ring(*darts: int) -> dict[int, int]:
    """Return the dart clockwise of each of three that are given counterclockwise."""
    return {darts[i]: darts[i - 1] for i in range(3)}


def _ghost(
    sketch: Sketch, arc: list[int], route: list[int], passed: set[int]
) -> tuple[list[int], bool, bool]:
    """Return the edges that a route crosses beside the arc, and whether it begins and ends left of the arc.

    `arc` are the darts along the arc.  Of all ways to draw the route it is one that crosses the arc least:
    breadth first over faces and steps of the route, where a step across the arc costs one.
    """
    alpha, (label, _) = sketch.alpha, faces(sketch)
    steps: list[list[int]] = []
    for g in route:
        pieces = [g]
        while alpha[pieces[-1]] >> 2 in passed:
            pieces.append(turn(alpha[pieces[-1]], 2))
        steps.append(pieces)
    across: dict[int, list[int]] = {}
    for d in arc[1:-1]:
        for side in (d, alpha[d]):
            across.setdefault(label[side], []).append(side)
    starts = {(0, label[arc[0]]): True, (0, label[alpha[arc[0]]]): False}
    goals = {(len(route), label[arc[-1]]): True, (len(route), label[alpha[arc[-1]]]): False}
    came: dict[tuple[int, int], tuple[tuple[int, int], int] | None] = {}
    queue: deque[tuple[tuple[int, int], tuple[tuple[int, int], int] | None]] = deque()
    queue.extend((one, None) for one in starts)
    while queue:
        here, link = queue.popleft()
        if here in came:
            continue
        came[here] = link
        if here in goals:
            crossed, end = [], here
            while (link := came[here]) is not None:
                here, d = link
                crossed.append(d)
            return crossed[::-1], starts[here], goals[end]
        step, face = here
        for d in steps[step] if step < len(route) else ():
            if label[d] == face:
                queue.appendleft(((step + 1, label[alpha[d]]), (here, d)))
        queue.extend(((step, label[alpha[d]]), (here, d)) for d in across.get(face, ()))
    raise BadInput("its route does not lead from one end of the arc to the other.")
