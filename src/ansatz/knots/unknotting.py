"""Unknotting numbers from above: crossing changes that untie a knot, with the certificate of all moves.

The search is a tree: change a crossing, simplify what comes, go on with one change less.  Branches whose
signature, determinant or Alexander polynomial need more changes than are left are not entered, and no
diagram twice.  It starts on a diagram as small as can be found.  Since fewest changes may need other diagrams
(10_8: Bleiler 1984, Nakanishi 1983), it goes on with ones that random pushes and passes make.
"""

import math
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

from ansatz.errors import BadInput
from ansatz.knots.bounds import bounds, may_untie
from ansatz.knots.certificate import Certificate, certify, standard
from ansatz.knots.diagram import Diagram
from ansatz.knots.passes import faces, find_route, runs
from ansatz.knots.play import Move, play
from ansatz.knots.simplify import shrink
from ansatz.knots.sketch import Sketch

START, BETWEEN, LAST, KICKS = 60, 12, 60, 3
"""Rounds of simplification: of the given diagram, between changes, and after the last; how far kicks go."""


PROOFS = {
    "signature": "its signature",
    "slice": "a bound of its slice genus",
    "module": "its Alexander module",
    "linking": "the linking form of its double branched cover",
    "alternating": "a theorem on alternating diagrams",
    "nontrivial": "a polynomial that is not 1",
}
"""What the names of `bounds` stand for, in a sentence that ends with "proves that … are needed"."""


class Bound(NamedTuple):
    """What was found of an unknotting number: lower <= u <= changes, and the certificate of the upper one.

    `why` names the invariant that proves the lower bound; `seconds` is what the search took.
    """

    changes: int
    certificate: Certificate
    lower: int
    why: str
    seconds: float

    @property
    def exact(self) -> bool:
        """Tell whether the two bounds meet."""
        return self.changes == self.lower

    def told(self, name: str = "") -> str:
        """Return the bounds as a sentence."""
        called, n = name or "the diagram", self.changes
        if not n:
            return f"u({called}) = 0: it is the unknot."
        between = f"u({called}) = {n}" if self.exact else f"{self.lower} ≤ u({called}) ≤ {n}"
        needed = f"{self.lower} {'is' if self.lower == 1 else 'are'} needed"
        proof = f"{PROOFS[self.why]} proves that {needed}" if self.lower else "nothing here proves it knotted"
        return f"{between}: {n} crossing {'change unties' if n == 1 else 'changes untie'} it, and {proof}."


def unknotting_number(
    diagram: Diagram, budget: float | int = 10.0, seed: int = 0, *, target: int = 0, name: str = "",
    report: Callable[[int, int, float], None] | None = None,
) -> Bound:  # fmt: skip
    """Return bounds of the unknotting number of a knot, with a certificate of the upper one.

    The search begins with as many changes as `bounds` says are needed, or with `target` if that is more, and
    allows one more each time that the simplified diagram has none.  What is left of the budget, in seconds,
    goes to other diagrams with one change less, until the bounds meet or the target is reached.  If nothing
    better is found, the changes that make the diagram descending are certified: n / 2 at most.  The same seed
    gives the same certificate if the budget is not used up.  `report(lower, upper, seconds)` is called each
    time that another diagram has been tried.

    >>> from ansatz.knots.table import named
    >>> found = unknotting_number(named("7_4"))
    >>> found.lower, found.changes, found.why, found.certificate["claim"]
    (2, 2, 'linking', 'unknotting number')
    """
    if budget <= 0:
        raise BadInput(f"The budget is {budget} s; it must be positive.")
    if diagram.components != 1:
        raise BadInput(f"The diagram has {diagram.components} components; only knots have this number here.")
    began = time.perf_counter()
    start, rng = standard(diagram), Random(seed)
    rounds = START * max(1, start.crossings // 10)
    small, moves, _ = shrink(Sketch(start), rng, rounds, until=began + budget / 4)
    proved = bounds(small.diagram().resized()).unknotting
    least = max(proved.values())
    why = next(name for name, value in proved.items() if value == least) if least else "nothing"
    goal = max(least, target)
    tree = _Tree(rng, began + budget)
    most, found = _descending(small, rng)
    for changes in range(goal, most):
        if (better := tree.untie(small, changes)) is not None:
            most, found = changes, better
            break
    while most > goal and not tree.late():
        if report is not None:
            report(least, most, time.perf_counter() - began)
        kicked, kicks = _kicked(small, rng)
        if (better := tree.untie(kicked, most - 1)) is not None:
            most, found = sum(move[0] == "XC" for move in better), kicks + better
    claim = "unknotting number" if most else "unknot"
    certificate = certify(start, moves + found, claim, name=name)
    return Bound(most, certificate, least, why, time.perf_counter() - began)


class _Tree:
    """A search for changes that untie, until a time, and what it knows to fail."""

    def __init__(self, rng: Random, until: float):
        self.rng, self.until = rng, until
        self.failed: dict[tuple, int] = {}

    def late(self) -> bool:
        """Tell whether the time is over."""
        return time.perf_counter() > self.until

    def untie(self, sketch: Sketch, changes: int) -> list[Move] | None:
        """Return moves with at most so many changes that lead to the circle, or None where none are found."""
        if not sketch.crossings:
            return []
        if changes == 0:
            best, moves, _ = shrink(sketch.copy(), self.rng, LAST)
            return moves if not best.crossings else None
        for d in self.promising(sketch, changes):
            if self.late():
                return None
            following = sketch.copy()
            play(following, ("XC", d), check=False)
            small, moves, _ = shrink(following, self.rng, BETWEEN if changes > 1 else 0)
            if (rest := self.once(small, changes - 1)) is not None:
                return [("XC", d), *moves, *rest]
        return None

    def promising(self, sketch: Sketch, changes: int) -> Iterator[int]:
        """Yield a dart of each crossing whose change may leave one change less to make, in random order."""
        live = sketch.diagram().live()
        for c in self.rng.sample(live, len(live)):
            following = sketch.copy()
            play(following, ("XC", 4 * c), check=False)
            if may_untie(following.diagram(), changes - 1):
                yield 4 * c

    def once(self, sketch: Sketch, changes: int) -> list[Move] | None:
        """Untie a diagram unless that failed before, with as many changes."""
        key = sketch.diagram().canonical()
        if self.failed.get(key, -1) >= changes:
            return None
        found = self.untie(sketch, changes)
        if found is None and not self.late():
            self.failed[key] = changes
        return found


def _descending(sketch: Sketch, rng: Random) -> tuple[int, list[Move]]:
    """Return how many changes make a diagram descend, at most half its crossings, and moves that untie it.

    Each crossing is first met above, or each below; of all starts and both directions the best is taken.
    """
    (strand,) = sketch.diagram().strands() or [[]]
    if not strand:
        return 0, []
    choices = []
    for way in (strand, [d ^ 2 for d in reversed(strand)]):
        for i in range(len(way)):
            seen: dict[int, int] = {}
            for d in way[i:] + way[:i]:
                seen.setdefault(d >> 2, d & 1)
            choices += [[4 * c for c, over in seen.items() if over == level] for level in (0, 1)]
    least = min(choices, key=len)
    changed: list[Move] = [("XC", d) for d in least]
    tied = sketch.copy()
    for move in changed:
        play(tied, move, check=False)
    _, moves, _ = shrink(tied, rng, math.inf)
    return len(changed), changed + moves


def _kicked(sketch: Sketch, rng: Random) -> tuple[Sketch, list[Move]]:
    """Return another diagram of the same knot, some crossings larger, and the moves that lead to it."""
    kicked, moves = sketch.copy(), []

    def make(move: Move) -> None:
        play(kicked, move, check=False)
        moves.append(move)

    for _ in range(rng.randrange(1, KICKS + 1)):
        d = rng.choice([d for d, a in enumerate(kicked.alpha) if a != d])
        others = [e for e in kicked.face(d)[1:] if kicked.alpha[d] != e]
        if others:
            make(("R2+", d, rng.choice(others), rng.randrange(2)))
        for _ in range(rng.randrange(3)):
            if triangles := kicked.triangles():
                make(("R3", rng.choice(triangles)))
        if rng.random() < 0.5 and (arcs := runs(kicked)):
            run = rng.choice(arcs)
            route = find_route(kicked, faces(kicked), run, rng)
            if route is not None:
                make(("PASS", run[0], len(run[1]), *route))
    return kicked, moves
