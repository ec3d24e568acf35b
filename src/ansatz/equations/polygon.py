"""Polygons: rectangles, L-shapes, and any outline of straight edges that does not meet itself."""

import itertools
import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import sympy

from ansatz.equations.curves import Piece, Segment
from ansatz.equations.levels import both, combine, edge_lines, formula, product, strips
from ansatz.equations.shape import Number, Planar, box_distance, check_intervals, finite, number
from ansatz.errors import BadInput


class Rectangle(Planar):
    """The rectangle ``[a, b] × [c, d]`` of two intervals ``((a, b), (c, d))``."""

    def __init__(self, intervals: Sequence[Sequence[Number]]):
        self.intervals = check_intervals("rectangle", intervals)
        if len(self.intervals) != 2:
            raise BadInput(f"A rectangle has 2 intervals, not {len(self.intervals)}.")

    @cached_property
    def outline(self) -> tuple[Piece, ...]:
        """The four edges, counter-clockwise from the lower left."""
        (a, b), (c, d) = self.intervals
        return _edges(np.asarray([(a, c), (b, c), (b, d), (a, d)]))

    def describe(self) -> str:
        """Return `rectangle(a,b,c,d)`."""
        return f"rectangle({','.join(map(number, itertools.chain(*self.intervals)))})"

    def _inside(self, points: np.ndarray) -> np.ndarray:
        return self._distance(points) <= 0

    def _distance(self, points: np.ndarray) -> np.ndarray:
        return box_distance(points, self.intervals)

    def factor(self, symbols: Sequence[sympy.Symbol]) -> sympy.Expr | None:
        """Return ``(x - a)(b - x)(y - c)(d - y)``, scaled to a slope near 1."""
        self._check(symbols)
        return product(strips(symbols, self.intervals), self.intervals)

    def level(self, symbols: Sequence[sympy.Symbol]) -> sympy.Expr | None:
        """Return the R-conjunction of ``(x - a)(b - x)`` and ``(y - c)(d - y)``."""
        self._check(symbols)
        return both(strips(symbols, self.intervals))


class Polygon(Planar):
    """The inside of the closed line through `vertices`, in either orientation.

    Vertices on a straight line between their neighbors are dropped.  Raises `BadInput` where the line
    meets itself or encloses nothing.

    >>> Polygon([(0, 0), (2, 0), (0, 1)]).area
    1.0
    """

    def __init__(self, vertices: Sequence[Sequence[Number]]):
        self.vertices = _checked([finite("A vertex of a polygon", vertex, 2) for vertex in vertices])

    @cached_property
    def outline(self) -> tuple[Piece, ...]:
        """The edges, counter-clockwise."""
        return _edges(np.asarray(self.vertices))

    @property
    def convex(self) -> bool:
        """Whether no corner is reentrant."""
        return not any(corner.reentrant for corner in self.corners)

    def describe(self) -> str:
        """Return `polygon((x,y),(x,y),…)`."""
        return f"polygon({','.join(f'({number(x)},{number(y)})' for x, y in self.vertices)})"

    def _inside(self, points: np.ndarray) -> np.ndarray:
        odd = np.zeros(len(points), dtype=bool)
        x, y = points.T
        for edge in self.outline:
            assert isinstance(edge, Segment)
            (a, b), (c, d) = edge.start, edge.end
            if b != d:
                odd ^= ((b > y) != (d > y)) & (x < a + (c - a) * (y - b) / (d - b))
        return odd

    def factor(self, symbols: Sequence[sympy.Symbol]) -> sympy.Expr | None:
        """Return the product of the distances from the edges' lines, scaled; if not convex the `level`."""
        if not self.convex:
            return self.level(symbols)
        self._check(symbols)
        lines = edge_lines(np.asarray(self.vertices), symbols)
        middles = np.concatenate([piece.at(np.asarray([0.5])) for piece in self.outline])
        normals = np.concatenate([piece.normals(np.asarray([0.5])) for piece in self.outline])
        depth = -np.sum((middles[:, None, :] - middles[None, :, :]) * normals[None, :, :], axis=2)
        np.fill_diagonal(depth, 1.0)
        return sympy.Mul(*lines, sympy.Float(1.0 / float(np.prod(depth, axis=1).max())))

    def level(self, symbols: Sequence[sympy.Symbol]) -> sympy.Expr | None:
        """Return the R-function of the half-planes of all edges, each standing in it once."""
        self._check(symbols)
        vertices = np.asarray(self.vertices)
        return combine(formula(vertices), edge_lines(vertices, symbols))


def l_shape() -> Polygon:
    """Return the square [-1, 1]² without its upper right quarter.

    >>> [corner.vertex for corner in l_shape().corners if corner.reentrant]
    [(0.0, 0.0)]
    """
    return Polygon([(0, 0), (0, 1), (-1, 1), (-1, -1), (1, -1), (1, 0)])


def _edges(vertices: np.ndarray) -> tuple[Piece, ...]:
    corners = [(x, y) for x, y in vertices.tolist()]
    return tuple(
        Segment(first, second) for first, second in zip(corners, [*corners[1:], corners[0]], strict=True)
    )


def _spell(vertex: Sequence[float]) -> str:
    return f"({number(vertex[0])},{number(vertex[1])})"


def _checked(vertices: list[tuple[float, ...]]) -> tuple[tuple[float, float], ...]:
    """Return the vertices counter-clockwise, those on a straight line dropped, or raise `BadInput`."""
    if len(vertices) > 1 and vertices[0] == vertices[-1]:
        vertices = vertices[:-1]
    if len(vertices) < 3:
        raise BadInput(f"A polygon has 3 vertices or more, not {len(vertices)}.")
    points = np.asarray(vertices)
    for first, second in zip(vertices, [*vertices[1:], vertices[0]], strict=True):
        if first == second:
            raise BadInput(f"A polygon has the vertex {_spell(first)} twice in a row; leave one out.")
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    sizes = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    turns = (before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) / sizes
    for vertex, turn, ahead in zip(vertices, turns, np.sum(before * after, axis=1), strict=True):
        if abs(turn) < 1e-12 and ahead < 0:
            raise BadInput(f"A polygon turns back on itself at {_spell(vertex)} and encloses nothing there.")
    points = points[np.abs(turns) >= 1e-12]
    _refuse_meeting(points)
    x, y = points.T
    area = 0.5 * float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))
    ordered = points if area > 0 else points[::-1]
    return tuple((a, b) for a, b in ordered.tolist())


def _refuse_meeting(points: np.ndarray) -> None:
    """Raise `BadInput` where two edges that are no neighbors meet."""
    edges = _edges(points)
    reach = 1e-12 * float(np.max(np.ptp(points, axis=0))) if len(points) else 0.0
    for first, second in itertools.combinations(range(len(edges)), 2):
        if second - first == 1 or second - first == len(edges) - 1:
            continue
        one, two = edges[first], edges[second]
        if _meet(one, two, reach):
            names = [
                f"from {_spell(edge.start)} to {_spell(edge.end)}"
                for edge in (one, two)
                if isinstance(edge, Segment)
            ]
            raise BadInput(
                f"The edges {names[0]} and {names[1]} of a polygon meet; give the vertices in their order "
                f"along the outline."
            )


def _meet(one: Piece, two: Piece, reach: float) -> bool:
    """Tell whether two segments have a point in common, up to `reach`."""
    ends = np.asarray([0.0, 1.0])
    if min(one.distance(two.at(ends)).min(), two.distance(one.at(ends)).min()) <= reach:
        return True

    def sides(edge: Piece, other: Piece) -> float:
        (ax, ay), (bx, by) = edge.at(ends).tolist()
        values = [(bx - ax) * (y - ay) - (by - ay) * (x - ax) for x, y in other.at(ends).tolist()]
        return math.copysign(1.0, values[0]) * math.copysign(1.0, values[1])

    return sides(one, two) < 0 and sides(two, one) < 0
