"""A diagram as a triangulated disk, which is what is laid out in the plane.

Every crossing has a wheel of four points, one on each of its darts; every edge has a point in its middle, and
every face but the outer one a point inside.  The outer face is a band between the diagram and a ring of
points that are fixed on a circle.  The triangulation is simple whatever the diagram (kinks and nugatory
crossings too), so that with the ring convex and all triangles positive nothing overlaps (Tutte 1963).
"""

from collections.abc import Callable, Hashable
from typing import NamedTuple

import numpy as np

from ansatz.knots.diagram import Diagram

Key = Hashable
LEAST_RING = 24
"""The ring has at least so many points, so that it is round."""
PERIMETER = 2 + 2**0.5
"""The part of a face's perimeter that belongs to one of its sides: two pieces of edge and a corner."""
ROOM = 1.25
"""How many times the area of the triangles inside the disk has."""
BAND = 0.02
"""The weight of the band's triangles, which may take any shape, as long as they do not turn over."""


class Mesh(NamedTuple):
    """A triangulated disk with V vertices, the last `ring` of them fixed.

    `keys[v]` names a vertex so that it can be found again after a move; `triangles: [T, 3]` are
    counterclockwise; `rest: [T, 2, 2]` has the two edges from the first corner in the shape that each should
    have, in units of a quarter of an edge, `weight: [T]` how much that matters.  `bends: [B, 3]` are points
    that follow one another along a strand.
    """

    keys: list[Key]
    triangles: np.ndarray
    rest: np.ndarray
    weight: np.ndarray
    bends: np.ndarray
    ring: int

    @property
    def radius(self) -> float:
        """Return the radius of the disk, in the same units, in which the triangles have room."""
        return float(
            np.sqrt(ROOM * np.abs(np.linalg.det(self.rest))[self.weight != BAND].sum() / (2 * np.pi))
        )


def crossing_key(name: Callable[[int], Key], c: int) -> Key:
    """Return the key of a crossing's own point."""
    return "crossing", name(4 * c)


def middle_key(name: Callable[[int], Key], d: int, a: int) -> Key:
    """Return the key of the point in the middle of the edge between two darts."""
    return "middle", frozenset((name(d), name(a)))


def mesh(diagram: Diagram, part: list[int], outer: list[int], name: Callable[[int], Key]) -> Mesh:
    """Return the disk of a connected part of a diagram, given by its crossings, with a face outside.

    `name(d)` names a dart; the names of points are made of those.
    """
    alpha = np.asarray(diagram.alpha).tolist()
    spot: dict[Key, int] = {}

    def vertex(key: Key) -> int:
        return spot.setdefault(key, len(spot))

    def sides(face: list[int]) -> list[int]:
        return [
            v
            for d in face
            for v in (vertex(name(d)), vertex(middle_key(name, d, alpha[d])), vertex(name(alpha[d])))
        ]

    triangles, rest, bends = [], [], []
    for c in part:
        hub = vertex(crossing_key(name, c))
        wheel = [vertex(name(4 * c + k)) for k in range(4)]
        for k in range(4):
            triangles.append((hub, wheel[k], wheel[(k + 1) % 4]))
            rest.append(((1.0, 0.0), (0.0, 1.0)))
        bends += [(wheel[k], hub, wheel[k + 2]) for k in range(2)]
    own = set(part)
    for face in diagram.faces():
        if face[0] >> 2 not in own:
            continue
        for d in face:
            middle, there = vertex(middle_key(name, d, alpha[d])), vertex(name(alpha[d]))
            bends.append((vertex(crossing_key(name, d >> 2)), vertex(name(d)), middle))
            if d < alpha[d]:
                bends.append((vertex(name(d)), middle, there))
        if set(face) == set(outer):
            continue
        around, height = sides(face), _height(len(face))
        centre = vertex(("face", frozenset(map(name, face))))
        for i, (p, q) in enumerate(zip(around, around[1:] + around[:1], strict=True)):
            base = 2**0.5 if i % 3 == 2 else 1.0
            triangles.append((p, q, centre))
            rest.append(((base, 0.0), (base / 2, height)))
    around = sides(outer)
    inner, fan = len(triangles), -(-LEAST_RING // len(around))
    first, ring = len(spot), fan * len(around)
    for i, p in enumerate(around):
        q = around[(i + 1) % len(around)]
        for j in range(fan * i, fan * (i + 1)):
            triangles.append((p, first + (j + 1) % ring, first + j))
        triangles.append((p, q, first + fan * (i + 1) % ring))
    rest += [((1.5, 0.0), (0.75, 1.5))] * (len(triangles) - inner)
    weight = np.where(np.arange(len(triangles)) < inner, 1.0, BAND)
    keys = [*spot, *(("ring", j) for j in range(ring))]
    return Mesh(keys, np.array(triangles), np.array(rest), weight, np.array(bends), ring)


def outer_face(diagram: Diagram, part: list[int]) -> list[int]:
    """Return the face of a connected part that has most sides, the first of them."""
    own = set(part)
    return max((face for face in diagram.faces() if face[0] >> 2 in own), key=len)


def _height(sides: int) -> float:
    """Return how far the point in a face should be from its sides; kinks are wider, large faces flatter."""
    return PERIMETER / (2 * np.pi) * min(max(sides, 2), 4) * max(1.0, sides / 4) ** 0.5
