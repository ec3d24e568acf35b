"""A diagram of a knot or link on the sphere: half-edges, and one involution that joins them.

Crossing c has the darts 4c, 4c+1, 4c+2, 4c+3, counterclockwise; 4c and 4c+2 are the ends of the strand that
passes under, 4c+1 and 4c+3 of the one that passes over.  σ(d) is the next dart of the same crossing, α(d)
the other end of the edge that starts with d.  A strand enters a crossing at d and leaves it at σ²(d).  The
face to the left of d is followed by ``f(d) = σ³(α(d))``.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ansatz.errors import BadInput


def turn(d: Any, k: int = 1) -> Any:
    """Return σᵏ(d): the dart k places further, counterclockwise, around its crossing; of arrays elementwise.

    >>> [turn(d) for d in (0, 3, 6)], turn(5, 2)
    ([1, 0, 7], 7)
    """
    return (d & ~3) | ((d + k) & 3)


def orbits(step: list[int], among: Iterator[int] | range | list[int]) -> list[list[int]]:
    """Return the cycles of a permutation, each from the first of its elements in `among`.

    >>> orbits([1, 0, 2], range(3))
    [[0, 1], [2]]
    """
    seen, found = bytearray(len(step)), []
    for start in among:
        if seen[start]:
            continue
        cycle = []
        while not seen[start]:
            seen[start] = 1
            cycle.append(start)
            start = step[start]
        found.append(cycle)
    return found


class Diagram(NamedTuple):
    """A diagram with room for N crossings: `alpha: int32[4N]`, and the circles that cross nothing.

    A crossing that is not there has ``α(d) = d`` at its four darts.  The arrays may be NumPy's, or JAX's with
    axes before the last one (`moves`); the methods here read one diagram.  No orientation is stored: a
    component runs such that it enters the first crossing where it passes under at dart 4c, as in a PD code.

    >>> trefoil = Diagram(np.array([7, 6, 9, 8, 11, 10, 1, 0, 3, 2, 5, 4], np.int32))
    >>> trefoil.crossings, trefoil.writhe, len(trefoil.faces()), len(trefoil.strands())
    (3, -3, 5, 1)
    """

    alpha: Any
    circles: Any = 0

    @property
    def capacity(self) -> int:
        """Return N, the number of crossings that there is room for."""
        return self.alpha.shape[-1] // 4

    @property
    def crossings(self) -> int:
        """Return the number of crossings."""
        return int(np.count_nonzero(np.asarray(self.alpha) != np.arange(4 * self.capacity))) // 4

    @property
    def components(self) -> int:
        """Return the number of components, circles included; a knot has one."""
        return len(self.strands()) + int(self.circles)

    @property
    def writhe(self) -> int:
        """Return the sum of the signs of the crossings."""
        return sum(self.signs().values())

    def live(self) -> list[int]:
        """Return the numbers of the crossings that are there, in order."""
        alpha = np.asarray(self.alpha)[::4]
        return np.flatnonzero(alpha != 4 * np.arange(self.capacity)).tolist()

    def darts(self) -> list[int]:
        """Return the darts of the crossings that are there, in order."""
        return [4 * c + k for c in self.live() for k in range(4)]

    def faces(self) -> list[list[int]]:
        """Return the darts around each face, which lies to their left; a connected diagram has n + 2."""
        return orbits([turn(a, 3) for a in np.asarray(self.alpha).tolist()], self.darts())

    def strands(self) -> list[list[int]]:
        """Return for each component with crossings the darts at which it enters them, one after another."""
        alpha = np.asarray(self.alpha).tolist()
        step = [alpha[turn(d, 2)] for d in range(len(alpha))]
        found, seen = [], set()
        for cycle in orbits(step, sorted(self.darts(), key=lambda d: (d & 3, d))):
            if cycle[0] not in seen:
                found.append(cycle)
                seen.update(turn(d, 2) for d in cycle)
        return found

    def signs(self) -> dict[int, int]:
        """Return the sign of each crossing: +1 where the over-strand comes from the left of the under-strand.

        With the incoming under-strand at 4c, the incoming over-strand is 4c+3 at a positive crossing and 4c+1
        at a negative one (KnotTheory's and KnotInfo's reading of PD codes).
        """
        entering = {d for strand in self.strands() for d in strand}
        return {
            c: 1 if turn(4 * c if 4 * c in entering else 4 * c + 2, 3) in entering else -1
            for c in self.live()
        }

    def pieces(self) -> list[list[int]]:
        """Return the crossings of each connected part of the diagram."""
        alpha, found, seen = np.asarray(self.alpha).tolist(), [], set()
        for c in self.live():
            if c in seen:
                continue
            part, seen = [c], seen | {c}
            for x in part:
                fresh = {alpha[4 * x + k] >> 2 for k in range(4)} - seen
                part += sorted(fresh)
                seen |= fresh
            found.append(part)
        return found

    def resized(self, capacity: int | None = None) -> "Diagram":
        """Return the diagram with its crossings numbered from 0 on and room for `capacity`, or for no more.

        >>> Diagram(np.array([0, 1, 2, 3, 5, 4, 7, 6])).resized(2).alpha.tolist()
        [1, 0, 3, 2, 4, 5, 6, 7]
        """
        live, alpha = self.live(), np.asarray(self.alpha)
        size = len(live) if capacity is None else capacity
        if size < len(live):
            raise BadInput(
                f"A diagram of {len(live)} crossings needs room for as many; capacity {size} is too small."
            )
        number = np.zeros(self.capacity, np.int64)
        number[live] = np.arange(len(live))
        old = alpha[np.array(self.darts(), np.int64)]
        new = np.arange(4 * size, dtype=np.int32)
        new[: len(old)] = 4 * number[old >> 2] + (old & 3)
        return Diagram(new, int(self.circles))

    def mirrored(self) -> "Diagram":
        """Return the mirror image in the plane of the diagram: every crossing is changed."""
        d = np.arange(4 * self.capacity)
        swap = turn(d, 1)
        alpha = np.empty_like(np.asarray(self.alpha))
        alpha[swap] = swap[np.asarray(self.alpha)]
        return Diagram(alpha, self.circles)

    def canonical(self) -> tuple[tuple[int, ...], ...]:
        """Return what two diagrams share if and only if they are the same on the oriented sphere.

        Each connected part is walked from every crossing, breadth first; the least list of neighbours
        stands for it.  O(n²).
        """
        alpha = np.asarray(self.alpha).tolist()
        parts = []
        for part in self.pieces():
            least: tuple[int, ...] = ()
            for start in (4 * c + k for c in part for k in (0, 2)):
                least = _least_walk(alpha, start, least)
            parts.append(least)
        return (*sorted(parts), (int(self.circles),))

    def check(self) -> "Diagram":
        """Return the diagram if it is one on the sphere; `BadInput` says what is wrong otherwise."""
        alpha = np.asarray(self.alpha)
        if alpha.ndim != 1 or alpha.size % 4 or not np.issubdtype(alpha.dtype, np.integer):
            raise BadInput(f"A diagram is int32[4N] and got {alpha.dtype} of shape {list(alpha.shape)}.")
        d = np.arange(alpha.size)
        if alpha.size and (alpha.min() < 0 or alpha.max() >= alpha.size or (alpha[alpha] != d).any()):
            bad = next(x for x, a in enumerate(alpha.tolist()) if not 0 <= a < d.size or alpha[a] != x)
            raise BadInput(f"Dart {bad} is joined to {alpha[bad]}, not joined to it: α(α(d)) must be d.")
        dead = (alpha == d).reshape(-1, 4)
        if (dead.any(1) & ~dead.all(1)).any():
            c = int(np.flatnonzero(dead.any(1) & ~dead.all(1))[0])
            raise BadInput(f"Crossing {c} has a dart joined to itself, which only an absent crossing has.")
        n, faces, parts = self.crossings, len(self.faces()), len(self.pieces())
        if faces != n + 2 * parts:
            genus = (n + 2 * parts - faces) // 2
            raise BadInput(
                f"The diagram is not planar: {n} crossings in {parts} connected part{'s' * (parts != 1)} "
                f"have {n + 2 * parts} faces on the sphere, and these have {faces} (genus {genus})."
            )
        return self


def circle(capacity: int = 0) -> Diagram:
    """Return the round circle, the diagram without crossings.

    >>> circle().crossings, circle().components
    (0, 1)
    """
    return Diagram(np.arange(4 * capacity, dtype=np.int32), 1)


def _least_walk(alpha: list[int], start: int, best: tuple[int, ...]) -> tuple[int, ...]:
    """Return the lesser of the best and all darts' neighbours, numbered breadth first from a dart."""
    base = {start >> 2: (0, start & 2)}
    order, code, tied = [start >> 2], [], bool(best)
    for c in order:
        shift = base[c][1]
        for k in range(4):
            a = alpha[4 * c + ((k + shift) & 3)]
            if a >> 2 not in base:
                base[a >> 2] = (len(order), a & 2)
                order.append(a >> 2)
            number, turned = base[a >> 2]
            entry = 4 * number + ((a - turned) & 3)
            if tied and entry != best[len(code)]:
                if entry > best[len(code)]:
                    return best
                tied = False
            code.append(entry)
    return tuple(code)
