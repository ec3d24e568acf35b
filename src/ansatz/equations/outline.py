"""What holds for a boundary as a whole: where pieces cross, what is cut off, where the corners are."""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ansatz.equations.curves import FULL, Arc, Piece, Point, Points, Segment, Values

STRAIGHT = 1e-7


class Corner(NamedTuple):
    """A corner of a domain: its `vertex`, its interior opening `angle` and where that `start`s.

    Both are in radians.  The interior is `0 < θ < angle` with θ measured counter-clockwise from the
    edge that leaves the vertex in the direction `start`.
    """

    vertex: Point
    angle: float
    start: float

    @property
    def reentrant(self) -> bool:
        """Whether the interior takes more than half a turn: there the solution is singular."""
        return self.angle > math.pi * (1 + STRAIGHT)


def crossings(first: Piece, second: Piece) -> Points:
    """Return the points `[k, 2]` where the lines or circles of two pieces meet."""
    if isinstance(first, Segment) and isinstance(second, Segment):
        return _line_line(first, second)
    if isinstance(first, Segment) and isinstance(second, Arc):
        return _line_circle(first, second)
    if isinstance(first, Arc) and isinstance(second, Segment):
        return _line_circle(second, first)
    assert isinstance(first, Arc) and isinstance(second, Arc)
    return _circle_circle(first, second)


def _line_line(first: Segment, second: Segment) -> Points:
    one, two = np.subtract(first.end, first.start), np.subtract(second.end, second.start)
    cross = one[0] * two[1] - one[1] * two[0]
    if abs(cross) <= 1e-12 * first.length * second.length:
        return np.empty((0, 2))
    gap = np.subtract(second.start, first.start)
    return (np.asarray(first.start) + one * (gap[0] * two[1] - gap[1] * two[0]) / cross)[None, :]


def _line_circle(line: Segment, circle: Arc) -> Points:
    along = np.subtract(line.end, line.start) / line.length
    foot = np.subtract(circle.center, line.start) @ along
    nearest = np.asarray(line.start) + foot * along
    half = circle.radius**2 - float(np.sum((nearest - np.asarray(circle.center)) ** 2))
    if half < 0:
        return np.empty((0, 2))
    return np.stack([nearest - math.sqrt(half) * along, nearest + math.sqrt(half) * along])


def _circle_circle(first: Arc, second: Arc) -> Points:
    gap = np.subtract(second.center, first.center)
    apart = math.hypot(*gap)
    if apart <= 1e-12 * first.radius:
        return np.empty((0, 2))
    foot = (apart**2 + first.radius**2 - second.radius**2) / (2 * apart)
    half = first.radius**2 - foot**2
    if half < 0:
        return np.empty((0, 2))
    middle = np.asarray(first.center) + gap * foot / apart
    aside = np.asarray([-gap[1], gap[0]]) * math.sqrt(half) / apart
    return np.stack([middle - aside, middle + aside])


def trim(
    pieces: Sequence[Piece],
    others: Sequence[Piece],
    keep: Callable[[Points, Points], bool],
    tolerance: float,
) -> list[Piece]:
    """Cut `pieces` where they meet `others` and return those parts that are to be kept.

    `keep(points: [1, 2], normals: [1, 2])` is asked in the middle of each part; lengths below
    `tolerance` count as nothing.
    """
    found = []
    for piece in pieces:
        ends = [other.at(np.asarray([0.0, 1.0])) for other in others]
        meeting = np.concatenate([*(crossings(piece, other) for other in others), *ends])
        meeting = meeting[piece.distance(meeting) <= tolerance]
        least = tolerance / piece.length
        cuts = [0.0]
        for cut in sorted(piece.locate(meeting).tolist()):
            if cut - cuts[-1] > least and cut < 1.0 - least:
                cuts.append(cut)
        for low, high in itertools.pairwise([*cuts, 1.0]):
            middle = np.asarray([(low + high) / 2])
            if keep(piece.at(middle), piece.normals(middle)):
                found.append(piece.part(low, high) if high - low < 1.0 else piece)
    return found


def find_corners(pieces: Sequence[Piece], tolerance: float) -> tuple[Corner, ...]:
    """Return the corners of a closed boundary; its smooth joints are none."""
    if not pieces:
        return ()
    ends = np.concatenate([piece.at(np.asarray([1.0])) for piece in pieces])
    found = []
    for piece in pieces:
        vertex = piece.at(np.asarray([0.0]))[0]
        arriving = np.flatnonzero(np.linalg.norm(ends - vertex, axis=1) <= tolerance)
        start = piece.heading(0.0)
        angles = [(pieces[index].heading(1.0) + math.pi - start) % FULL for index in arriving.tolist()]
        angle = min((angle if angle > STRAIGHT else FULL for angle in angles), default=math.pi)
        if abs(angle - math.pi) > STRAIGHT:
            x, y = vertex.tolist()
            found.append(Corner((x, y), angle, start))
    return tuple(found)


def spread(count: int, offset: float, grade: float, toward: tuple[bool, bool]) -> Values:
    """Return `count` fractions of a piece in (0, 1), equidistant for `grade` 0.

    Toward the ends named in `toward` the distances shrink geometrically, over about `grade` decades.
    """
    even = (np.arange(count) + offset) / count
    if grade <= 0:
        return even
    rate = grade * math.log(10.0)
    near = np.where(even < 0.5, even, 1 - even)
    graded = 0.5 * np.expm1(rate * 2 * near) / math.expm1(rate)
    chosen = np.where(np.where(even < 0.5, toward[0], toward[1]), graded, near)
    return np.where(even < 0.5, chosen, 1 - chosen)


def sample(
    pieces: Sequence[Piece], corners: Sequence[Corner], count: int, offset: float, grade: float
) -> tuple[Points, Points]:
    """Return at least `count` points `[m, 2]` along the pieces, and their outward normals."""
    total = sum(piece.length for piece in pieces)
    vertices = np.asarray([corner.vertex for corner in corners]).reshape(-1, 2)
    points, normals = [], []
    for piece in pieces:
        ends = piece.at(np.asarray([0.0, 1.0]))
        near = np.linalg.norm(ends[:, None, :] - vertices[None, :, :], axis=2) <= 1e-9 * total
        toward = (bool(near[0].any()), bool(near[1].any()))
        share = max(1, math.ceil(count * piece.length / total - 1e-9))
        fraction = spread(share, offset, grade, toward)
        points.append(piece.at(fraction))
        normals.append(piece.normals(fraction))
    return np.concatenate(points), np.concatenate(normals)
