"""One diagram in plain Python, changed in place: what the search and the replay of certificates work on."""

import heapq

import numpy as np

from ansatz.knots.diagram import Diagram, turn

OPEN = -1
"""What a dart is joined to while the arc at it is being drawn anew."""


class Sketch:
    """A diagram's α as a list that grows, with its circles, the number of crossings, and the free numbers.

    A new crossing takes the lowest number that is free, so that the darts in a list of moves mean the same to
    everyone who replays it.

    >>> sketch = Sketch(Diagram(np.array([1, 0, 3, 2])))
    >>> sketch.remove(0)
    >>> sketch.crossings, sketch.circles
    (0, 1)
    """

    __slots__ = ("alpha", "circles", "crossings", "free")

    def __init__(self, diagram: Diagram):
        live = set(diagram.live())
        self.alpha: list[int] = np.asarray(diagram.alpha).tolist()
        self.circles = int(diagram.circles)
        self.crossings = len(live)
        self.free = [c for c in range(diagram.capacity) if c not in live]

    def copy(self) -> "Sketch":
        """Return a sketch of its own with the same diagram."""
        other = object.__new__(Sketch)
        other.alpha, other.free = self.alpha[:], self.free[:]
        other.circles, other.crossings = self.circles, self.crossings
        return other

    def diagram(self) -> Diagram:
        """Return the diagram as arrays, with the same numbers."""
        return Diagram(np.array(self.alpha, np.int32), self.circles)

    def has(self, d: int) -> bool:
        """Tell whether a dart is there and joined."""
        return 0 <= d < len(self.alpha) and self.alpha[d] not in (d, OPEN)

    def new(self) -> int:
        """Return the number of a new crossing, whose darts are still to be joined."""
        self.crossings += 1
        if self.free:
            return heapq.heappop(self.free)
        c = len(self.alpha) // 4
        self.alpha += range(4 * c, 4 * c + 4)
        return c

    def join(self, d: int, e: int) -> None:
        """Join two darts by an edge."""
        self.alpha[d], self.alpha[e] = e, d

    def straighten(self, d: int) -> None:
        """Take the strand through d out of its crossing: the edges before and after it become one."""
        alpha, opposite = self.alpha, turn(d, 2)
        before, after = alpha[d], alpha[opposite]
        if before == opposite:
            self.circles += 1
        else:
            alpha[before], alpha[after] = after, before

    def drop(self, c: int) -> None:
        """Free the number of a crossing whose strands are taken out."""
        self.alpha[4 * c : 4 * c + 4] = range(4 * c, 4 * c + 4)
        heapq.heappush(self.free, c)
        self.crossings -= 1

    def remove(self, c: int) -> None:
        """Remove a crossing; both strands run straight on, and one that meets nothing else is a circle."""
        self.straighten(4 * c)
        self.straighten(4 * c + 1)
        self.drop(c)

    def face(self, d: int) -> list[int]:
        """Return the darts around the face left of d, from d on."""
        found, e = [d], turn(self.alpha[d], 3)
        while e != d:
            found.append(e)
            e = turn(self.alpha[e], 3)
        return found

    def removable(self) -> tuple[str, int] | None:
        """Return the first move R1- or R2- there is."""
        alpha = self.alpha
        for d, a in enumerate(alpha):
            if a == d:
                continue
            following = d + 1 if d & 3 != 3 else d - 3
            if a == following:
                return ("R1-", d)
            if (d ^ a) & 1 == 0 and alpha[a - 1 if a & 3 else a + 3] == following and d >> 2 != a >> 2:
                return ("R2-", d)
        return None

    def triangles(self) -> list[int]:
        """Return the least dart of every face at which R3 is possible."""
        alpha, found = self.alpha, []
        for d, a in enumerate(alpha):
            if a == d:
                continue
            e = a - 1 if a & 3 else a + 3
            if e <= d:
                continue
            a = alpha[e]
            g = a - 1 if a & 3 else a + 3
            if g <= d or g == e:
                continue
            a = alpha[g]
            if (a - 1 if a & 3 else a + 3) == d and layered(d, e, g):
                found.append(d)
        return found


def layered(d: int, e: int, g: int) -> bool:
    """Tell whether three darts in order around a face make a triangle that a strand can pass over.

    Its crossings differ, and one strand is over at both of its corners, one under, one mixed.

    >>> layered(0, 5, 9), layered(0, 4, 8), layered(0, 1, 6)
    (True, False, False)
    """
    crossings, level = {d >> 2, e >> 2, g >> 2}, (d & 1) + (e & 1) + (g & 1)
    return len(crossings) == 3 and 0 < level < 3
