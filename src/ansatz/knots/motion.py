"""An untying as a film: for every move the strands before it and after it, point by point.

A layout starts from the one before the move, so that crossings which outlast a move keep their places.
Between two layouts every strand is cut at the crossings that both have; the pieces are matched, and points
move on straight lines.  What is above stays above: each point has a height, and a strand that a move carries
over (or under) others is lifted all along while it moves.
"""

from collections.abc import Callable, Sequence
from itertools import count
from typing import NamedTuple

import numpy as np

from ansatz.errors import BadInput
from ansatz.knots.certificate import Certificate, replay
from ansatz.knots.codes import from_pd
from ansatz.knots.diagram import Diagram
from ansatz.knots.drawing import APART, ROUND, Strand, handles, reversed_strand, round_strand, strand
from ansatz.knots.layout import Layout, lay_out
from ansatz.knots.passes import entered
from ansatz.knots.play import Move, play
from ansatz.knots.sketch import Sketch

LIFTED, REACH = 2, 2
"""The height of a strand that is carried over others; how many points of it beyond its crossings."""
MOST_STEPS, MOST_POINTS = 300, 80_000
"""The steps of a film and the points in all of them; of a longer one each step shows several moves."""
VERBS = {
    "R1-": "remove a kink",
    "R2-": "pull two strands apart",
    "R3": "slide a strand over a crossing",
    "R1+": "add a kink",
    "R2+": "push a strand over another",
    "XC": "change a crossing",
}


class Moving(NamedTuple):
    """A closed curve that moves: points `[P, 2]` and heights `[P]` at both ends; `shown: [P]` is lit."""

    start: np.ndarray
    end: np.ndarray
    low: np.ndarray
    high: np.ndarray
    shown: np.ndarray

    def at(self, t: float) -> Strand:
        """Return the curve at a time between 0 and 1."""
        points = self.start + t * (self.end - self.start)
        heights = self.low + t * (self.high - self.low)
        return Strand(points, heights, np.full(len(points), -1), np.ones(len(points)))


class Step(NamedTuple):
    """One step of a film: its moves, counted from 1; the crossings before and after; what moves, and says so.

    Points lie in the unit disk; `quarter` has the length of a quarter of an edge before and after.
    """

    first: int
    last: int
    crossings: tuple[int, int]
    curves: list[Moving]
    quarter: tuple[float, float]
    text: str


class Names:
    """Names of darts that outlast moves: their crossing's number in order of birth, and their slot then."""

    def __init__(self, sketch: Sketch):
        live = _live(sketch)
        self.birth = dict(zip(live, count(), strict=False))
        self.turned = dict.fromkeys(live, 0)
        self.fresh = count(len(live))

    def __call__(self, d: int) -> tuple[int, int]:
        """Return the name of a dart."""
        return self.birth[d >> 2], (d - self.turned[d >> 2]) & 3

    def follow(self, sketch: Sketch, move: Move) -> None:
        """Make a move on a sketch and name what it adds; the crossings of R3 and of arcs are new after it."""
        kind, d = move[:2]
        gone: set[int] = set()
        if kind == "R3":
            gone = {e >> 2 for e in sketch.face(d)}
        elif kind == "PASS":
            gone = {e >> 2 for e in entered(sketch, d, move[2])[:-1]}
        stay = set(_live(sketch)) - gone
        play(sketch, move, check=False)
        if kind == "XC":
            self.turned[d >> 2] += 1
        for c in set(_live(sketch)) - stay:
            self.birth[c], self.turned[c] = next(self.fresh), 0


class Scene(NamedTuple):
    """A diagram laid out: its strands in the unit disk, and where each visits crossings.

    `visits` has for each strand `{(birth, level): (at, slot)}`, as `Names` counts; `quarter` is the length of
    a quarter of an edge.
    """

    strands: list[Strand]
    visits: list[dict[tuple[int, int], tuple[int, int]]]
    layouts: list[Layout]
    quarter: float


def animate(certificate: Certificate, most: int = MOST_STEPS) -> list[Step]:
    """Return the steps of a certificate, one a move, or at most `most` with several moves in each.

    Raises `BadInput` where the certificate does not replay, or makes no move.

    >>> from ansatz.knots.certificate import certify
    >>> [one.text for one in animate(certify(from_pd([[1, 1, 2, 2]]), [("R1-", 0)]))]
    ['R1−: remove a kink']
    """
    replay(certificate)
    moves = [tuple(move) for move in certificate["moves"]]
    if not moves:
        raise BadInput(
            "The certificate makes no move, so there is nothing to animate; draw its diagram instead."
        )
    start = from_pd(certificate["start"])
    stride = _stride(start, moves, most)
    sketch, found = Sketch(start), []
    names = Names(sketch)
    before = scene(start, names)
    for first in range(0, len(moves), stride):
        some = moves[first : first + stride]
        n, marks = sketch.crossings, ({}, {})
        if len(some) == 1:
            marks = _marked(sketch, some[0])
        lifted = _levels(before, marks[0])
        for move in some:
            names.follow(sketch, move)
        diagram = sketch.diagram()
        after = scene(diagram, names, before)
        curves = _matched(before, after, lifted, _levels(after, marks[1]))
        found.append(
            Step(
                first + 1,
                first + len(some),
                (n, sketch.crossings),
                curves,
                (before.quarter, after.quarter),
                described(some),
            )
        )
        before = after
    return found


def scene(diagram: Diagram, names: Callable[[int], tuple[int, int]], before: Scene | None = None) -> Scene:
    """Return a diagram laid out near where it was before; parts that are not connected stand side by side."""
    layouts, cycles, parts = [], diagram.strands(), diagram.pieces()
    for part in parts:
        near = None
        if before is not None and before.layouts:
            own = {names(4 * c + k) for c in part for k in range(4)}
            near = max(before.layouts, key=lambda old: len(own & old.at.keys()))
            near = near if own & near.at.keys() else None
        layouts.append(lay_out(diagram, part, name=names, before=near))
    radii = [1 / one.unit for one in layouts] + [1.6 * ROUND] * int(diagram.circles)
    quarter = 2 / (2 * sum(radii) + APART * (len(radii) - 1))
    drawn, left = [], -1.0
    for part, layout, radius in zip(parts, layouts, radii, strict=False):
        own = set(part)
        for cycle in cycles:
            if cycle[0] >> 2 in own:
                one = strand(diagram, cycle, layout, names)
                drawn.append(
                    one._replace(points=one.points * radius * quarter + (left + radius * quarter, 0.0))
                )
        left += (2 * radius + APART) * quarter
    for radius in radii[len(parts) :]:
        drawn.append(round_strand(ROUND * quarter, (left + radius * quarter, 0.0)))
        left += (2 * radius + APART) * quarter
    visits = [_visits(one, names) for one in drawn]
    return Scene(drawn, visits, layouts, quarter)


def described(moves: Sequence[Move]) -> str:
    """Return what a step does, in a few words.

    >>> described([("PASS", 3, 2, 8)]), described([("R3", 1), ("R1-", 5), ("R3", 2)])
    ('PASS: an arc of 2 crossings laid to cross 1', '3 moves: R1− 1, R3 2')
    """
    if len(moves) == 1:
        kind, *rest = moves[0]
        if kind == "PASS":
            k, route = rest[1], len(rest) - 2
            return f"PASS: an arc of {k} crossing{'s' * (k != 1)} laid to cross {route or 'nothing'}"
        verb = VERBS[kind].replace("over", "under") if kind == "R2+" and not rest[2] else VERBS[kind]
        return f"{kind.replace('-', '−')}: {verb}"
    kinds = [str(move[0]) for move in moves]
    each = ", ".join(f"{kind.replace('-', '−')} {kinds.count(kind)}" for kind in sorted(set(kinds)))
    return f"{len(moves)} moves: {each}"


def _live(sketch: Sketch) -> list[int]:
    return [d >> 2 for d in range(0, len(sketch.alpha), 4) if sketch.alpha[d] != d]


def _stride(start: Diagram, moves: Sequence[Move], most: int) -> int:
    """Return how many moves a step shows, so that neither steps nor points are too many."""
    sketch, points = Sketch(start), 0
    for move in moves:
        points += 8 * sketch.crossings
        play(sketch, move, check=False)
    return max(-(-len(moves) // most), -(-points // MOST_POINTS))


Marks = dict[tuple[int, int], tuple[int, bool]]
"""For the visits of a move, crossing and level: the height while it is made, and whether it is shown."""


def _marked(sketch: Sketch, move: Move) -> tuple[Marks, Marks]:
    """Return the marks of a legal move before it and after it."""
    kind, d, *rest = move
    c, alpha = d >> 2, sketch.alpha
    if kind == "R1-":
        return {(c, 0): (0, True), (c, 1): (0, True)}, {}
    if kind == "XC":
        return {(c, 0): (0, True)}, {(c, 1): (0, True)}
    if kind == "R3":
        marks: Marks = {}
        for e in sketch.face(d):
            a = alpha[e]
            if not (e ^ a) & 1:
                raised = e & 1 == 1
                height = LIFTED if raised else -LIFTED
                marks |= {(e >> 2, e & 1): (height, raised), (a >> 2, a & 1): (height, raised)}
        return marks, marks
    if kind == "R2-":
        pair = (c, alpha[d] >> 2)
        return {(x, level): (LIFTED * (2 * level - 1), level == 1) for x in pair for level in (0, 1)}, {}
    if kind == "PASS":
        k, *route = rest
        arc = entered(sketch, d, k)[:-1]
        height = LIFTED if arc[0] & 1 else -LIFTED
        free = sorted({*sketch.free, *(e >> 2 for e in arc)})
        free += range(len(alpha) // 4, len(alpha) // 4 + len(route))
        after: Marks = {(x, arc[0] & 1): (height, True) for x in free[: len(route)]}
        return {(e >> 2, e & 1): (height, True) for e in arc}, after
    number = 1 if kind == "R1+" else 2
    free = [*sorted(sketch.free), *range(len(alpha) // 4, len(alpha) // 4 + number)][:number]
    if kind == "R1+":
        return {}, {(free[0], 0): (0, True), (free[0], 1): (0, True)}
    carried = 1 if rest[1] else 0
    return {}, {(x, lv): (LIFTED * (2 * lv - 1), lv == carried) for x in free for lv in (0, 1)}


def _levels(shot: Scene, marks: Marks) -> list[np.ndarray]:
    """Return for each strand, at each point, a mark's height and whether it is shown; NaN without."""
    found = []
    for one in shot.strands:
        level = np.full((len(one.points), 2), np.nan)
        for at in np.flatnonzero(one.darts >= 0).tolist():
            d = int(one.darts[at])
            if (d >> 2, d & 1) in marks:
                level[np.arange(at - REACH, at + REACH + 1) % len(level)] = marks[d >> 2, d & 1]
        found.append(level)
    return found


def _visits(one: Strand, names: Callable[[int], tuple[int, int]]) -> dict[tuple[int, int], tuple[int, int]]:
    found = {}
    for at in np.flatnonzero(one.darts >= 0).tolist():
        birth, slot = names(int(one.darts[at]))
        found[birth, slot & 1] = at, slot
    return found


def _matched(before: Scene, after: Scene, low: list[np.ndarray], high: list[np.ndarray]) -> list[Moving]:
    """Return how each strand of a scene moves into one of the next: that with most visits in common."""
    left, found = list(range(len(after.strands))), []
    shared = [[len(a.keys() & b.keys()) for b in after.visits] for a in before.visits]
    for i in sorted(range(len(before.strands)), key=lambda i: -max(shared[i])):
        j = max(left, key=lambda j: shared[i][j])
        left.remove(j)
        found.append(_between(before, i, after, j, low[i], high[j]))
    return found


def _between(before: Scene, i: int, after: Scene, j: int, low: np.ndarray, high: np.ndarray) -> Moving:
    """Return how one strand moves into another."""
    one, other, visits = before.strands[i], after.strands[j], after.visits[j]
    common = sorted((at, *visits[key], slot) for key, (at, slot) in before.visits[i].items() if key in visits)
    size = len(other.points)
    if not common:
        return _closest(one, other, low, high)
    if common[0][2] != common[0][3]:
        other, high = reversed_strand(other), high[-np.arange(size) % size]
        common = [(at, -there % size, slot, slot) for at, there, _, slot in common]
    here, there = [], []
    for (a, b, *_), (a_next, b_next, *_) in zip(common, common[1:] + common[:1], strict=True):
        p, q = ((n - m - 1) % k + 1 for n, m, k in ((a_next, a, len(one.points)), (b_next, b, size)))
        along = np.unique(np.round(np.concatenate([np.arange(p) / p, np.arange(q) / q]), 9))
        here.append(a + along * p)
        there.append(b + along * q)
    return _sampled(one, other, low, high, np.concatenate(here), np.concatenate(there))


def _closest(one: Strand, other: Strand, low: np.ndarray, high: np.ndarray) -> Moving:
    """Return how a strand moves into one without common crossings: turned so that points move least."""
    p, q = len(one.points), len(other.points)
    number = max(p, q, 24)
    steps = np.arange(number) / number
    best = None
    for way in (1, -1):
        for k in range(number):
            there = (way * steps + k / number) % 1 * q
            moved = _along(handles(other.points), there) - _along(handles(one.points), steps * p)
            if best is None or (moved**2).sum() < best[0]:
                best = (moved**2).sum(), there
    assert best is not None
    return _sampled(one, other, low, high, steps * p, best[1])


def _sampled(
    one: Strand, other: Strand, low: np.ndarray, high: np.ndarray, here: np.ndarray, there: np.ndarray
) -> Moving:
    """Return the movement between points of two strands, given by where they lie along them."""
    marks = np.stack(
        [low[np.round(here).astype(int) % len(low)], high[np.round(there).astype(int) % len(high)]]
    )
    lifted = np.asarray(np.isfinite(marks).all(2))
    mark = np.where(lifted[0][:, None], marks[0], marks[1])
    ends = [
        np.interp(place, np.arange(len(s.heights) + 1), np.append(s.heights, s.heights[0]))
        for s, place in ((one, here % len(one.heights)), (other, there % len(other.heights)))
    ]
    raised = lifted.any(0) & (np.abs(mark[:, 0]) > 0)
    return Moving(
        _along(handles(one.points), here),
        _along(handles(other.points), there),
        np.where(raised, mark[:, 0], ends[0]),
        np.where(raised, mark[:, 0], ends[1]),
        lifted.any(0) & (mark[:, 1] > 0),
    )


def _along(curves: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return the points of closed cubic curves at fractional places along them."""
    k, t = np.divmod(place, 1.0)
    t = t[:, None]
    powers = np.concatenate([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3], 1)
    return np.einsum("sk,skx->sx", powers, curves[k.astype(int) % len(curves)])
