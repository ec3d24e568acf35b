"""The rules of unknotdb's format v0, read from its documents: what its checker would make of a text."""

import re

import numpy as np

from ansatz.knots.codes import from_pd
from ansatz.knots.diagram import Diagram
from ansatz.knots.unknotdb import canon


def sigma(d: int, k: int = 1) -> int:
    return 4 * (d // 4) + (d + k) % 4


class Replay:
    """Darts numbered without gaps; faces to the right, the cycles of σ∘α."""

    def __init__(self, alpha: list[int]):
        self.alpha, self.loops = alpha, 0

    def face(self, d: int) -> list[int]:
        found, e = [d], sigma(self.alpha[d])
        while e != d:
            found.append(e)
            e = sigma(self.alpha[e])
        return found

    def splice(self, gone: set[int]) -> None:
        before = self.components()
        kept = [c for c in range(len(self.alpha) // 4) if c not in gone]
        number = {c: i for i, c in enumerate(kept)}
        alpha = []
        for c in kept:
            for k in range(4):
                end = self.alpha[4 * c + k]
                while end // 4 in gone:
                    end = self.alpha[sigma(end, 2)]
                alpha.append(4 * number[end // 4] + end % 4)
        self.alpha = alpha
        self.loops += before - self.components()

    def components(self) -> int:
        left, count = set(range(len(self.alpha))), 0
        while left:
            d, count = min(left), count + 1
            while d in left:
                left -= {d, sigma(d, 2)}
                d = self.alpha[sigma(d, 2)]
        return count

    def link(self, *pairs: tuple[int, int]) -> None:
        self.alpha += [-1] * (4 * (max(max(pair) for pair in pairs) // 4 + 1) - len(self.alpha))
        for x, y in pairs:
            self.alpha[x], self.alpha[y] = y, x

    def r1_minus(self, c: int) -> None:
        assert any(self.alpha[4 * c + k] == 4 * c + (k + 3) % 4 for k in range(4))
        self.splice({c})

    def r2_minus(self, c1: int, c2: int) -> None:
        faces = [self.face(4 * c1 + k) for k in range(4)]
        two = [f for f in faces if len(f) == 2 and {x // 4 for x in f} == {c1, c2}]
        assert any((f[0] - self.alpha[f[0]]) % 2 == 0 for f in two)
        self.splice({c1, c2})

    def r3(self, c1: int, c2: int, c3: int) -> None:
        faces = [f for d in range(len(self.alpha)) if len(f := self.face(d)) == 3 and min(f) == d]
        (d,) = [f for f in faces if {x // 4 for x in f} == {c1, c2, c3}]
        sides = [(x % 2, self.alpha[x] % 2) for x in d]
        assert sides.count((1, 1)) == sides.count((0, 0)) == 1
        moved: dict[int, int] = {}
        inner = [self.alpha[x] for x in d]
        for i in range(3):
            moved[sigma(d[i], 2)] = inner[i]
            moved[sigma(d[(i + 1) % 3])] = d[i]
        outer = {x: self.alpha[x] for x in moved}
        for x, y in outer.items():
            self.link((moved[x], moved.get(y, y)))
        for i in range(3):
            self.link((sigma(d[(i + 1) % 3]), sigma(d[i], 2)))

    def r1_plus(self, d: int, loop: int) -> None:
        c, e = len(self.alpha) // 4, self.alpha[d]
        q = [4 * c + (loop + k) % 4 for k in range(4)]
        self.link((q[0], q[1]), (q[3], d), (q[2], e))

    def r2_plus(self, d1: int, d2: int, over: int) -> None:
        assert d2 in self.face(d1) and d2 != d1 != self.alpha[d2]
        e1, e2, c, s = self.alpha[d1], self.alpha[d2], len(self.alpha) // 4, over - 1
        p, q = ([4 * x + (s + k) % 4 for k in range(4)] for x in (c, c + 1))
        self.link((d1, p[1]), (p[3], q[1]), (q[3], e1), (d2, q[2]), (q[0], p[0]), (p[2], e2))

    def xc(self, c: int) -> None:
        there = lambda x: 4 * c + (x + 3) % 4 if x // 4 == c else x  # noqa: E731
        self.alpha = [
            there(self.alpha[4 * c + (x + 1) % 4 if x // 4 == c else x]) for x in range(len(self.alpha))
        ]


def check(text: str) -> tuple[int, int]:
    """Replay a certificate; return the crossings and circles at its end."""
    _, head, trace = text.split("---\n")
    fields = dict(re.findall(r"^\s*(\w+): *(.+)$", head, re.M))
    start = from_pd(fields["pd"].strip('"'))
    assert fields["canon"].strip('"') == canon(start) and fields["chirality"] == "unknotdb"
    here, changes = Replay(start.alpha.tolist()), 0
    for line in trace.splitlines():
        name, *numbers = re.findall(r"^\S+|(?<==)\d+", line)
        kinds = {
            "R1-": here.r1_minus,
            "R2-": here.r2_minus,
            "R3": here.r3,
            "R1+": here.r1_plus,
            "R2+": here.r2_plus,
            "XC": here.xc,
        }
        kinds[name](*map(int, numbers))
        changes += name == "XC"
        Diagram(np.array(here.alpha, np.int32)).check()
    assert fields["alphabet"] == ("X" if changes else "R")
    assert changes == int(fields.get("value", 0))
    return len(here.alpha) // 4, here.loops
