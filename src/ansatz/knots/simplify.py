"""The classical solver: removals, pass moves that gain or keep, random R3, and pushes where it is stuck.

Pass moves that remove no crossing are what unties the hardest diagrams known: they let the search drift among
diagrams of one size until a removal appears.  Every move is logged, so that the answer is a certificate.
"""

import math
import time
from random import Random
from typing import NamedTuple

from ansatz.errors import BadInput
from ansatz.knots.certificate import standard
from ansatz.knots.diagram import Diagram
from ansatz.knots.passes import faces, find_route, runs
from ansatz.knots.play import Move, play
from ansatz.knots.sketch import Sketch

KEEP, SLIDE, TRIES, PATIENCE, ABOVE = 0.9, 0.5, 8, 8, 6
"""The chances of making a pass that gains nothing and an R3; arcs that are tried in a round; rounds without a
gain before a push; how many crossings above the best the search goes back to it."""


class Simplified(NamedTuple):
    """What the search found: where it began, the smallest diagram, the moves from one to the other, its work.

    `rounds` is how often it looked for a pass, `seconds` what it took.
    """

    start: Diagram
    diagram: Diagram
    moves: list[Move]
    rounds: int
    seconds: float

    @property
    def untied(self) -> bool:
        """Tell whether the smallest diagram is the round circle."""
        return self.diagram.crossings == 0 and self.diagram.components == 1


def simplify(
    diagram: Diagram,
    *,
    seconds: float | int = 10.0,
    rounds: int | None = None,
    seed: int = 0,
    passes: bool = True,
) -> Simplified:
    """Look for a smaller diagram of the same knot, with a budget of seconds or of rounds.

    Without `passes` only R1-, R2-, R3 and R2+ are made.  The same seed and rounds give the same moves, which
    start from ``certificate.standard(diagram)``.

    >>> from ansatz.knots.codes import from_gauss
    >>> culprit = from_gauss("-1 2 -3 4 -5 6 7 8 -9 10 -4 5 -6 3 -2 -7 -10 1 -8 9")
    >>> simplify(culprit).untied
    True
    """
    if seconds <= 0 or (rounds is not None and rounds < 1):
        raise BadInput(f"The budget is {seconds} s and {rounds} rounds; both must be positive.")
    if diagram.components != 1:
        raise BadInput(f"The diagram has {diagram.components} components; only knots are simplified.")
    start = standard(diagram)
    began = time.perf_counter()
    most = math.inf if rounds is None else rounds
    best, moves, done = shrink(Sketch(start), Random(seed), most, until=began + seconds, passes=passes)
    return Simplified(start, best.diagram().resized(), moves, done, time.perf_counter() - began)


def shrink(
    sketch: Sketch, rng: Random, rounds: float | int, *, until: float = math.inf, passes: bool = True
) -> tuple[Sketch, list[Move], int]:
    """Return the smallest sketch that the search meets, the moves that lead to it, and the rounds it took.

    The sketch that is given is changed.  The crossings keep their numbers, so that moves may follow on those
    that led to it.  `until` is a time of `time.perf_counter`.

    >>> from ansatz.knots.codes import from_braid
    >>> shrink(Sketch(from_braid([1, 1, -1])), Random(0), 1)[1]
    [('R2-', 3), ('R1-', 4)]
    """
    search, done = _Search(sketch, rng), 0
    while search.reduce() and done < rounds and time.perf_counter() < until:
        done += 1
        search.push_if_stuck()
        moved = passes and search.lay_one_anew()
        if search.sketch.crossings and (not moved or search.rng.random() < SLIDE):
            search.slide()
    search.reduce()
    return search.best, search.log[: search.best_length], done


class _Search:
    """The state of a search: where it is, how it came there, the best so far, and for how long that is."""

    def __init__(self, sketch: Sketch, rng: Random):
        self.sketch, self.rng = sketch, rng
        self.log: list[Move] = []
        self.best, self.best_length, self.stuck = sketch.copy(), 0, 0

    def make(self, move: Move) -> None:
        """Make a move and write it down."""
        play(self.sketch, move, check=False)
        self.log.append(move)

    def reduce(self) -> bool:
        """Make every R1- and R2-, keep the diagram if it is the smallest; tell whether crossings are left."""
        while (move := self.sketch.removable()) is not None:
            self.make(move)
        self.stuck += 1
        if self.sketch.crossings < self.best.crossings:
            self.best, self.best_length, self.stuck = self.sketch.copy(), len(self.log), 0
        return self.sketch.crossings > 0

    def lay_one_anew(self) -> bool:
        """Lay one arc anew, long ones first: where crossings go, or now and then where their number stays."""
        arcs = runs(self.sketch)
        arcs.sort(key=lambda run: -len(run[1]) * (0.3 + self.rng.random()))
        dual = faces(self.sketch)
        for run in arcs[:TRIES]:
            route = find_route(self.sketch, dual, run, self.rng)
            if route is None:
                continue
            if len(route) < len(run[1]) or self.rng.random() < KEEP:
                self.make(("PASS", run[0], len(run[1]), *route))
                return True
        return False

    def slide(self) -> None:
        """Make an R3, if there is one."""
        triangles = self.sketch.triangles()
        if triangles:
            self.make(("R3", self.rng.choice(triangles)))

    def push_if_stuck(self) -> None:
        """After long without a gain make a few R2+, with R3 between them, from the best if far above it."""
        if self.stuck <= PATIENCE:
            return
        self.stuck = 0
        if self.sketch.crossings > self.best.crossings + ABOVE:
            self.sketch = self.best.copy()
            del self.log[self.best_length :]
        for _ in range(self.rng.randrange(1, 5)):
            self.push()
            for _ in range(self.rng.choice((0, 1, 3))):
                self.slide()

    def push(self) -> None:
        """Make a random R2+."""
        alpha = self.sketch.alpha
        d = self.rng.choice([d for d, a in enumerate(alpha) if a != d])
        others = [e for e in self.sketch.face(d)[1:] if alpha[d] != e]
        if others:
            self.make(("R2+", d, self.rng.choice(others), self.rng.randrange(2)))
