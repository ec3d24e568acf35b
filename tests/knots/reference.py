"""The moves once more, slow and by the definitions, on a dictionary of darts: what all else is compared with.

Also the random walks through diagrams that the tests share.
"""

import random
from collections.abc import Iterator

import numpy as np

from ansatz.knots.diagram import Diagram


def around(d: int, k: int = 1) -> int:
    return 4 * (d // 4) + (d + k) % 4


class Reference:
    """`joined[d]` is the other end of d's edge; a crossing is there if its darts are keys."""

    def __init__(self, joined: dict[int, int], circles: int = 0):
        self.joined, self.circles = dict(joined), circles

    @classmethod
    def of(cls, diagram: Diagram) -> "Reference":
        alpha = np.asarray(diagram.alpha).tolist()
        return cls({d: a for d, a in enumerate(alpha) if a != d}, int(diagram.circles))

    def diagram(self, capacity: int) -> Diagram:
        alpha = np.arange(4 * capacity, dtype=np.int32)
        alpha[list(self.joined)] = list(self.joined.values())
        return Diagram(alpha, self.circles)

    def copy(self) -> "Reference":
        return Reference(self.joined, self.circles)

    @property
    def crossings(self) -> list[int]:
        return sorted({d // 4 for d in self.joined})

    def face(self, d: int) -> list[int]:
        found, e = [d], around(self.joined[d], -1)
        while e != d:
            found.append(e)
            e = around(self.joined[e], -1)
        return found

    def faces(self) -> set[frozenset[int]]:
        return {frozenset(self.face(d)) for d in self.joined}

    def components(self) -> int:
        left, count = set(self.joined), self.circles
        while left:
            d, count = min(left), count + 1
            while d in left:
                left -= {d, around(d, 2)}
                d = self.joined[around(d, 2)]
        return count

    def legal(self, capacity: int, reach: int) -> set[tuple]:
        """All legal moves; R2+ to at most `reach` places further and half of the face."""
        found, n = set(), len(self.joined) // 4
        for d in self.joined:
            face = self.face(d)
            corners = [x // 4 for x in face]
            if len(face) == 1:
                found.add(("R1-", d))
            if len(face) == len(set(corners)) == 2 and all((x - self.joined[x]) % 2 == 0 for x in face):
                found.add(("R2-", d))
            if len(face) == len(set(corners)) == 3 and self.one_above(face):
                found.add(("R3", d))
            if n + 1 <= capacity:
                found |= {("R1+", d, j) for j in (0, 1)}
            if n + 2 <= capacity:
                far = [face[k] for k in range(1, min(reach, len(face) // 2) + 1)]
                found |= {("R2+", d, e, o) for e in far for o in (0, 1)}
            found.add(("XC", d - d % 4))
        return found

    def one_above(self, face: list[int]) -> bool:
        """Of the three strands one is above at both ends of its side, one below, one neither."""
        sides = [(d % 2, self.joined[d] % 2) for d in face]
        return sides.count((1, 1)) == 1 and sides.count((0, 0)) == 1

    def link(self, *pairs: tuple[int, int]) -> None:
        for x, y in pairs:
            self.joined[x], self.joined[y] = y, x

    def fresh(self, count: int) -> list[int]:
        used, found, c = set(self.crossings), [], 0
        while len(found) < count:
            found += [c] * (c not in used)
            c += 1
        return found

    def remove(self, dead: set[int]) -> None:
        before = self.components()
        kept = {}
        for d in self.joined:
            if d // 4 not in dead:
                end = self.joined[d]
                while end // 4 in dead:
                    end = self.joined[around(end, 2)]
                kept[d] = end
        self.joined, self.circles = kept, 0
        self.circles = before - self.components()

    def apply(self, move: tuple) -> None:
        getattr(
            self, {"R1-": "r1m", "R2-": "r2m", "R3": "r3", "R1+": "r1p", "R2+": "r2p", "XC": "xc"}[move[0]]
        )(*move[1:])

    def r1m(self, d: int) -> None:
        self.remove({d // 4})

    def r2m(self, d: int) -> None:
        self.remove({d // 4, self.joined[d] // 4})

    def r3(self, d: int) -> None:
        """Each strand of the triangle meets its two crossings in the other order."""
        exchanged = {}
        for x in self.face(d):
            y = self.joined[x]
            exchanged |= {around(x, 2): y, y: around(x, 2), around(y, 2): x, x: around(y, 2)}
        self.joined = {exchanged.get(x, x): exchanged.get(y, y) for x, y in self.joined.items()}

    def r1p(self, d: int, j: int) -> None:
        (c,), e = self.fresh(1), self.joined[d]
        q = [4 * c + (j + k) % 4 for k in range(4)]
        self.link((q[0], q[1]), (d, q[2]), (e, q[3]))

    def r2p(self, d: int, e: int, o: int) -> None:
        p, q = ([4 * c + (o + k) % 4 for k in range(4)] for c in self.fresh(2))
        d_end, e_end = self.joined[d], self.joined[e]
        self.link((d, p[0]), (p[2], q[2]), (q[0], d_end), (e, q[1]), (q[3], p[1]), (p[3], e_end))

    def xc(self, d: int) -> None:
        c = d // 4
        moved = lambda x: around(x) if x // 4 == c else x  # noqa: E731
        self.joined = {moved(x): moved(y) for x, y in self.joined.items()}

    def sound(self) -> bool:
        """A diagram on the sphere: an involution without fixed points, n + 2 faces for each part."""
        n, parts, left = len(self.joined) // 4, 0, set(self.crossings)
        while left:
            queue, parts = [left.pop()], parts + 1
            for c in queue:
                near = {self.joined[4 * c + k] // 4 for k in range(4)} & left
                left -= near
                queue += near
        involution = all(self.joined[self.joined[d]] == d != self.joined[d] for d in self.joined)
        return involution and len(self.faces()) == n + 2 * parts


def walk(
    start: Diagram, steps: int, capacity: int, reach: int, seed: int, changes: bool = False
) -> Iterator[tuple[Reference, set[tuple], tuple, Reference]]:
    """Random moves from a diagram: each diagram, its legal moves, the one made, and what it led to.

    Kinds are drawn first, so that rare ones are seen; a diagram without crossings begins again.
    """
    rng, here = random.Random(seed), Reference.of(start)
    for _ in range(steps):
        legal = here.legal(capacity, reach)
        kinds = sorted({move[0] for move in legal} - (set() if changes else {"XC"}))
        weights = [{"R3": 6, "R2-": 2, "R1-": 2}.get(kind, 1) for kind in kinds]
        kind = rng.choices(kinds, weights)[0]
        move = rng.choice(sorted(m for m in legal if m[0] == kind))
        after = here.copy()
        after.apply(move)
        yield here, legal, move, after
        here = after if after.joined and after.circles == 0 else Reference.of(start)
