"""Few crossing changes that untie a knot: an upper bound of its unknotting number, with a certificate.

A tree: change a crossing, search for a smaller diagram, go on with one change less.  It starts on a diagram
as small as can be found, and goes on with others that the search makes of it: fewest changes may need a
diagram that is not minimal (10_8: Bleiler 1984, Nakanishi 1983).
"""

import math
import time
from collections.abc import Callable
from random import Random
from typing import NamedTuple

import numpy as np

from ansatz.errors import BadInput
from ansatz.knots.certificate import Certificate, certify
from ansatz.knots.codes import from_pd
from ansatz.knots.diagram import Diagram, turn
from ansatz.knots.knotted import why_knotted
from ansatz.knots.play import Move
from ansatz.knots.unknot import started
from ansatz.knots.untie import Search

FIRST, BETWEEN, LAST, AROUND = 64, 8, 24, 12
"""Rounds of search: on the given diagram, between changes, after the last, on the way to another diagram."""


class Changes(NamedTuple):
    """Bounds of an unknotting number, lower ≤ u ≤ changes, what proves the lower one, and the moves.

    `start` is the PD code from which the moves lead to the circle; `seconds` is what the search took.
    """

    name: str
    start: list[list[int]]
    changes: int
    moves: list[Move]
    lower: int
    why: str
    seconds: float

    def certificate(self) -> Certificate:
        """Return the certificate of the upper bound, replayed, with a hash for each step."""
        claim = "unknotting number" if self.changes else "unknot"
        return certify(from_pd(self.start), self.moves, claim, name=self.name)

    def __str__(self) -> str:
        """Return the bounds as a sentence."""
        called, n = self.name or "the diagram", self.changes
        if not n:
            return f"u({called}) = 0: it is the unknot."
        bounds = f"u({called}) = {n}" if n == self.lower else f"{self.lower} ≤ u({called}) ≤ {n}"
        untied = f"{n} crossing changes untie it" if n > 1 else "1 crossing change unties it"
        return f"{bounds}: {untied}, and {self.why}."


def few_changes(
    diagram: Diagram | str,
    budget: float | int = 10.0,
    *,
    diagrams: int | None = None,
    seed: int = 0,
    name: str = "",
    report: Callable[[int, float], None] | None = None,
) -> Changes:
    """Look for few crossing changes that untie a knot, in some seconds or on so many diagrams of it.

    The first answer is found by changing what makes the diagram smallest; then one change less is tried, on
    one diagram of the knot after another, until the budget is used or the lower bound is met.

    >>> found = few_changes("5_1", diagrams=3)
    >>> found.changes, found.lower, found.certificate()["claim"]
    (2, 1, 'unknotting number')
    """
    if not budget > 0 or (diagrams is not None and diagrams < 1):
        raise BadInput(f"The budget is {budget} s and {diagrams} diagrams; both must be positive.")
    began, start = time.perf_counter(), started(diagram, name)
    tree = _Tree(seed, began + budget)
    small, moves = tree.smaller(start.alpha, FIRST)
    why = why_knotted(Diagram(np.array(small, np.int32)).resized()) if tree.search.best else None
    lower, told = (1, why) if why else (0, "no invariant here tells it from the unknot")
    found = tree.greedy(small)
    here, way, left = small, list[Move](), math.inf if diagrams is None else diagrams
    while found.count > lower and left and not tree.late():
        if (better := tree.untie(here, found.count - 1)) is not None:
            found = _Found([*way, *better])
        else:
            here, way = tree.another(small)
            left -= 1
        if report is not None:
            report(found.count, time.perf_counter() - began)
    spent = time.perf_counter() - began
    return Changes(start.name, start.rows, found.count, [*moves, *found.moves], lower, told, spent)


class _Found(NamedTuple):
    """Moves that lead to the circle."""

    moves: list[Move]

    @property
    def count(self) -> int:
        """Return how many crossings are changed."""
        return sum(move[0] == "XC" for move in self.moves)


class _Tree:
    """The search for changes, until a time, and the diagrams that are known to need more."""

    def __init__(self, seed: int, until: float):
        self.search, self.rng, self.until = Search([]), Random(seed), until
        self.failed: dict[tuple, int] = {}

    def late(self) -> bool:
        """Tell whether the time is over."""
        return time.perf_counter() > self.until

    def smaller(self, alpha: list[int], rounds: int) -> tuple[list[int], list[Move]]:
        """Return the smallest diagram that some rounds of search find, and the moves to it."""
        self.search.load(alpha, self.rng.randrange(1 << 20))
        self.search.run(rounds)
        return _trimmed(self.search.state[11]), self.search.moves()

    def changed(self, alpha: list[int], rounds: int) -> list[tuple[int, list[int], list[Move]]]:
        """Return what each crossing change leads to: crossings, diagram, moves; the smallest first."""
        found = []
        for c in self.rng.sample(live := _live(alpha), len(live)):
            after, moves = self.smaller(_change(alpha, c), rounds)
            found.append((self.search.best, after, [("XC", 4 * c), *moves]))
            if not self.search.best or self.late():
                break
        return sorted(found, key=lambda one: one[0])

    def greedy(self, alpha: list[int]) -> _Found:
        """Change again and again the crossing that leaves the smallest diagram; the unknot comes in the end.

        Where none leaves a smaller one, what is met first from below is changed.
        """
        moves: list[Move] = []
        while live := _live(alpha):
            crossings, after, made = self.changed(alpha, BETWEEN)[0]
            if crossings >= len(live):
                break
            alpha, moves = after, moves + made
        if live:
            for c in _met_below(alpha):
                alpha = _change(alpha, c)
                moves.append(("XC", 4 * c))
            self.search.load(alpha)
            while self.search.crossings:
                self.search.run(FIRST)
            moves += self.search.moves()
        return _Found(moves)

    def untie(self, alpha: list[int], changes: int) -> list[Move] | None:
        """Return moves to the circle with at most so many changes, or None where none are found."""
        if not _live(alpha):
            return []
        if changes == 0 or self.late():
            return None
        key = Diagram(np.array(alpha, np.int32)).canonical()
        if self.failed.get(key, 0) >= changes:
            return None
        for _, after, moves in self.changed(alpha, BETWEEN if changes > 1 else LAST):
            if (rest := self.untie(after, changes - 1)) is not None:
                return [*moves, *rest]
        if not self.late():
            self.failed[key] = changes
        return None

    def another(self, alpha: list[int]) -> tuple[list[int], list[Move]]:
        """Return another diagram of the same knot, a few crossings larger at most, and the moves to it."""
        self.search.load(alpha, self.rng.randrange(1 << 20))
        self.search.run(self.rng.randrange(1, AROUND))
        return _trimmed(self.search.state[0]), self.search.moves(whole=True)


def _live(alpha: list[int]) -> list[int]:
    """Return the numbers of the crossings that are there."""
    return [d >> 2 for d in range(0, len(alpha), 4) if alpha[d] != d]


def _change(alpha: list[int], c: int) -> list[int]:
    """Return α after a crossing change."""
    changed = alpha[:]
    for d in range(4 * c, 4 * c + 4):
        a = alpha[d]
        end = turn(a) if a >> 2 == c else a
        changed[turn(d)], changed[end] = end, turn(d)
    return changed


def _trimmed(alpha: list[int]) -> list[int]:
    """Return α without the room for crossings above the last one."""
    size = len(alpha)
    while size and alpha[size - 4] == size - 4:
        size -= 4
    return alpha[:size]


def _met_below(alpha: list[int]) -> list[int]:
    """Return the crossings that a walk along the knot meets below at first: without them it goes downhill."""
    first = 4 * _live(alpha)[0]
    d, seen = first, dict[int, int]()
    while d != first or not seen:
        seen.setdefault(d >> 2, d & 1)
        d = alpha[d ^ 2]
    return [c for c, over in seen.items() if not over]
