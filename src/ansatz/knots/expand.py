"""Pass moves taken apart into R1, R2 and R3.

The new route of an arc is drawn over the diagram as a ghost (`overlay`).  Arc and ghost bound bigons, and
the arc is swept over one bigon after another until it lies along the ghost.  Inside a bigon the arc, which is
above (or below) all there is,

    leaves a side that it crosses twice in a row        R2-
    slides over a crossing with two sides on it         R3
    slides over a crossing with one side on it          R2+, R3
    reaches a side that it does not cross               R2+

so that crossings inside become fewer, and then sides that it has not reached: it ends.  Where the strand
comes to an end of the arc inside the bigon, the arc is first turned about that end by an R1+.
"""

from collections.abc import Iterable, Sequence
from heapq import nsmallest
from itertools import pairwise
from typing import Any

from ansatz.errors import BadInput
from ansatz.knots.diagram import Diagram, turn
from ansatz.knots.overlay import START, STOP, Bigon, Overlay
from ansatz.knots.passes import apply_pass, entered
from ansatz.knots.play import Move, play
from ansatz.knots.sketch import Sketch

TURNS = 1000
"""The most bigons of one pass; that many mean a route that no search finds."""


def expand(start: Diagram, moves: Iterable[Sequence[Any]]) -> list[Move]:
    """Return moves without PASS that lead from a diagram where the given ones lead, up to numbers.

    Raises `BadInput`, with the number of the move, at a pass whose route crosses itself or comes twice into
    one face; searches make none.

    >>> from ansatz.knots.certificate import certify
    >>> from ansatz.knots.simplify import simplify
    >>> from ansatz.knots.table import named
    >>> found = simplify(named("Culprit"))
    >>> moves = expand(found.start, found.moves)
    >>> "PASS" in {move[0] for move in moves}, certify(found.start, moves)["claim"]
    (False, 'unknot')
    """
    pair = _Pair(start)
    for number, (kind, *rest) in enumerate(moves, 1):
        try:
            pair.lay(*rest) if kind == "PASS" else pair.follow(kind, *rest)
        except BadInput as why:
            raise BadInput(f"Move {number} cannot be taken apart: {why}") from None
    return pair.log


class _Pair:
    """The diagram as the given moves leave it, as ours do, and where each crossing of theirs is in ours."""

    def __init__(self, start: Diagram):
        self.given, self.ours = Sketch(start), Sketch(start)
        self.place = {c: (c, 0) for c in start.live()}
        self.log: list[Move] = []

    def dart(self, d: int) -> int:
        """Return our dart for a given one."""
        if d >> 2 not in self.place:
            raise BadInput(f"there is no dart {d} beside the arc.")
        number, turned = self.place[d >> 2]
        return 4 * number + ((d + turned) & 3)

    def make(self, *move: Any) -> None:
        """Make a move of ours and write it down."""
        play(self.ours, move, check=False)
        self.log.append(move)

    def follow(self, kind: str, *rest: int) -> None:
        """Make a move that is no pass on both sides."""
        count = {"R1+": 1, "R2+": 2}.get(kind, 0)
        pairs = list(zip(fresh(self.given, count), fresh(self.ours, count), strict=True))
        darts = 2 if kind == "R2+" else 1
        self.make(kind, *map(self.dart, rest[:darts]), *rest[darts:])
        play(self.given, (kind, *rest), check=False)
        self.place |= {mine: (there, 0) for mine, there in pairs}
        self._forget()

    def lay(self, s: int, k: int, *route: int) -> None:
        """Make a pass there, and here what it is made of."""
        *arc, t = entered(self.given, s, k)
        gone, level = {e >> 2 for e in arc}, arc[0] & 1
        if any(g >> 2 in gone or g >> 2 not in self.place for g in route):
            raise BadInput("its route crosses itself.")
        ends, way = (self.dart(s), self.dart(t)), [self.dart(g) for g in route]
        self._sweep(*ends, level, way)
        apply_pass(self.given, s, k, *route, check=False)
        for c in gone:
            del self.place[c]
        drawn = zip(
            entered(self.given, s, len(way))[:-1], entered(self.ours, ends[0], len(way))[:-1], strict=True
        )
        self.place |= {mine >> 2: (there >> 2, (there - mine) & 3) for mine, there in drawn}
        self._compare()

    def _sweep(self, s: int, t: int, level: int, route: list[int]) -> None:
        """Move our arc from s to t over all bigons between it and a route."""
        for _ in range(TURNS):
            overlay = Overlay(self.ours, s, t, level, route)
            bigon = overlay.least()
            if bigon.seen.isdisjoint((START, STOP)):
                _sweep(self, overlay, bigon)
                s, t = overlay.mate[START], overlay.mate[STOP]
                if bigon.whole:
                    return
            elif START in bigon.seen:
                s = self._turn_about(s, level, bigon.left)
            else:
                t = self._turn_about(t, level, not bigon.left)
        raise BadInput("its route is too long.")

    def _turn_about(self, s: int, level: int, left: bool) -> int:
        """Turn the arc about the end of the strand that leaves along s; return the dart that now leads there.

        `left` tells on which side of the arc it comes to lie across the strand.
        """
        (c,) = fresh(self.ours, 1)
        if left:
            self.make("R1+", self.ours.alpha[s], level)
            return 4 * c + level + 1
        self.make("R1+", s, 1 - level)
        return 4 * c + 1 - level

    def _forget(self) -> None:
        for c in [c for c in self.place if not self.given.has(4 * c)]:
            del self.place[c]

    def _compare(self) -> None:
        """Make sure that both diagrams are the same."""
        for c in self.place:
            for d in range(4 * c, 4 * c + 4):
                if self.ours.alpha[self.dart(d)] != self.dart(self.given.alpha[d]):
                    raise BadInput(f"the arc does not come to lie along its route at dart {d}.")


def fresh(sketch: Sketch, count: int) -> list[int]:
    """Return the numbers that the next new crossings of a sketch will have."""
    following = len(sketch.alpha) // 4
    return [*nsmallest(count, sketch.free), *range(following, following + count)][:count]


def _sweep(pair: _Pair, overlay: Overlay, bigon: Bigon) -> None:
    """Make the moves that take an arc over a bigon."""
    while True:
        path = overlay.along(bigon.first, bigon.stop)
        if not (
            _leave(pair, overlay, path)
            or _slide(pair, overlay, path)
            or _round(pair, overlay, path)
            or _reach(pair, overlay, path)
        ):
            return


def _leave(pair: _Pair, overlay: Overlay, path: list[int]) -> bool:
    """R2-: a side that the arc crosses at both ends of one of its own."""
    for p in path[1:-1]:
        q = overlay.next(p)
        if overlay.next(q) == p and overlay.kind(q) == "":
            pair.make("R2-", p)
            overlay.remove(p >> 2, overlay.mate[p] >> 2)
            return True
    return False


def _slide(pair: _Pair, overlay: Overlay, path: list[int]) -> bool:
    """R3: a triangle of the arc with a crossing."""
    for p in path[1:-1]:
        q = overlay.next(overlay.next(p))
        if overlay.next(q) == p and overlay.inner(q):
            pair.make("R3", p)
            overlay.exchange(p)
            return True
    return False


def _round(pair: _Pair, overlay: Overlay, path: list[int]) -> bool:
    """R2+, R3: a crossing at the end of a side that the arc crosses."""
    for p, following in pairwise(path):
        v = overlay.mate[turn(following)]
        if overlay.inner(v):
            Q = _push(pair, overlay, p, turn(v, 3))
            pair.make("R3", Q)
            overlay.exchange(Q)
            return True
    return False


def _reach(pair: _Pair, overlay: Overlay, path: list[int]) -> bool:
    """R2+: a side of a face beside the arc that is nowhere on it."""
    for p in path:
        q = overlay.next(p)
        while q != p:
            if overlay.kind(q) == "" and not {q >> 2, overlay.mate[q] >> 2} & overlay.passed:
                _push(pair, overlay, p, q)
                return True
            q = overlay.next(q)
    return False


def _push(pair: _Pair, overlay: Overlay, p: int, q: int) -> int:
    """Push the arc's side p over a side q of the same face; return its dart from the second crossing."""
    first, second = fresh(pair.ours, 2)
    pair.make("R2+", overlay.real(p), overlay.real(q), overlay.level)
    return overlay.push(p, q, first, second)
