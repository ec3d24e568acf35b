"""Union, intersection and difference of shapes.

In the plane the outlines are cut where they meet and joined anew, so distance, area, corners and boundary
points are exact; in space the distance is the least or the greatest of the parts', and the volume is
estimated.
"""

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
import sympy

from ansatz.equations.curves import Piece, Segment
from ansatz.equations.levels import both, either
from ansatz.equations.outline import trim
from ansatz.equations.polygon import Polygon
from ansatz.equations.shape import ROUNDING, Planar, Shape, halton
from ansatz.equations.solids import Spatial
from ansatz.errors import BadInput

Join: TypeAlias = Literal["|", "&", "-"]
DRAWS = 2**16
STEP = 1e-6
NAMES = {"|": "union", "&": "intersection", "-": "difference"}


def union(first: Shape, second: Shape) -> Shape:
    """Return what is in either of two shapes: `first | second`."""
    return _joined("|", first, second)


def intersection(first: Shape, second: Shape) -> Shape:
    """Return what is in both of two shapes: `first & second`.  Raises `BadInput` where that is nothing."""
    return _joined("&", first, second)


def difference(first: Shape, second: Shape) -> Shape:
    """Return what is in the first and not in the second shape: `first - second`.

    Raises `BadInput` where that is nothing.

    >>> from ansatz.equations.domain import Disk, Rectangle
    >>> round(difference(Rectangle(((-1, 1), (-1, 1))), Disk((0, 0), 0.5)).area, 6)
    3.214602
    """
    return _joined("-", first, second)


def _joined(join: Join, first: Shape, second: Shape) -> Shape:
    if first.dimension != second.dimension:
        raise BadInput(
            f"{first.describe()} has {first.dimension} coordinates and {second.describe()} has "
            f"{second.dimension}; shapes of one space can be combined."
        )
    if isinstance(first, Planar) and isinstance(second, Planar):
        return PlanarCombination(join, first, second)
    return SpatialCombination(join, first, second)


def _least_or_greatest(join: Join, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    if join == "|":
        return np.minimum(first, second)
    return np.maximum(first, second if join == "&" else -second)


def _described(join: Join, first: Shape, second: Shape) -> str:
    parts = [
        f"({part.describe()})"
        if isinstance(part, PlanarCombination | SpatialCombination)
        else part.describe()
        for part in (first, second)
    ]
    return f"{parts[0]} {join} {parts[1]}"


def _keeper(
    join: Join, first: Shape, second: Shape, tolerance: float, step: float
) -> tuple[Callable[[np.ndarray, np.ndarray], np.ndarray], Callable[[np.ndarray, np.ndarray], np.ndarray]]:
    """Return for either part which points of its boundary are boundary points of the whole.

    Where both boundaries run together, only the first part's point is kept, and only if one side of it
    is inside and the other is not.
    """
    wanted = -1.0 if join == "&" else 1.0

    def inside(points: np.ndarray) -> np.ndarray:
        return _least_or_greatest(join, first.signed_distance(points), second.signed_distance(points)) < 0

    def of_first(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        other = second.signed_distance(points)
        step_in, step_out = points - step * normals, points + step * normals
        between = (np.abs(other) <= tolerance) & inside(step_in) & ~inside(step_out)
        return (wanted * other > tolerance) | between

    def of_second(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        return (wanted if join != "-" else -1.0) * first.signed_distance(points) > tolerance

    return of_first, of_second


class PlanarCombination(Planar):
    """Two shapes in the plane, joined by "|", "&" or "-"."""

    def __init__(self, join: Join, first: Planar, second: Planar):
        self.join: Join = join
        self.first, self.second = first, second
        size = max(first.scale, second.scale)
        if not self.outline or self.area <= ROUNDING * size**2:
            raise BadInput(f"The {NAMES[join]} {self.describe()} has no interior.")

    @cached_property
    def _cut(self) -> tuple[list[Piece], list[Piece]]:
        one, two = self.first.outline, self.second.outline
        size = max(self.first.scale, self.second.scale)
        tolerance = ROUNDING * size
        first, second = _keeper(self.join, self.first, self.second, tolerance, STEP * size)
        kept = trim(one, two, lambda points, normals: bool(first(points, normals)[0]), tolerance)
        other = trim(two, one, lambda points, normals: bool(second(points, normals)[0]), tolerance)
        return kept, [piece.reverse() for piece in other] if self.join == "-" else other

    @cached_property
    def outline(self) -> tuple[Piece, ...]:
        """The pieces of the boundary."""
        return tuple(piece for pieces in self._cut for piece in pieces)

    def describe(self) -> str:
        """Return the parts with the sign between them; parts made of parts stand in brackets."""
        return _described(self.join, self.first, self.second)

    def _inside(self, points: np.ndarray) -> np.ndarray:
        size = max(self.first.scale, self.second.scale)
        one, two = self.first.signed_distance(points), self.second.signed_distance(points)
        return _least_or_greatest(self.join, one, two) <= 1e-12 * size

    def factor(self, symbols: Sequence[sympy.Symbol]) -> sympy.Expr | None:
        """Return the `level` where it is smooth inside.

        Nothing where a corner of a curved shape's part stands inside the whole.
        """
        self._check(symbols)
        depth = self.signed_distance(self.kinks)
        return None if np.any(depth < -ROUNDING * self.scale) else self.level(symbols)

    @property
    def kinks(self) -> np.ndarray:
        """Points `[k, 2]` where `level` is not smooth: its corners and, if curved, those of its parts."""
        own = super().kinks
        return (
            own if self._straight is not None else np.concatenate([own, self.first.kinks, self.second.kinks])
        )

    @cached_property
    def _straight(self) -> list[tuple[Polygon, float]] | None:
        return _loops(self.outline, ROUNDING * self.scale)

    def level(self, symbols: Sequence[sympy.Symbol]) -> sympy.Expr | None:
        """Return the R-function of the parts, or of the loops where all edges are straight.

        Nothing where a curved part and another share a piece of boundary.
        """
        self._check(symbols)
        if self._straight is not None:
            outer = [loop.level(symbols) for loop, turn in self._straight if turn > 0]
            holes = [loop.level(symbols) for loop, turn in self._straight if turn < 0]
            found = [level for level in (*outer, *holes) if level is not None]
            return both([either(found[: len(outer)]), *(-level for level in found[len(outer) :])])
        return None if self._run_together else _level(self.join, self.first, self.second, symbols)

    @cached_property
    def _run_together(self) -> bool:
        """Whether the boundaries of the parts have more than single points in common."""
        size = max(self.first.scale, self.second.scale)
        pieces = trim(
            self.first.outline,
            self.second.outline,
            lambda points, normals: bool(abs(self.second.signed_distance(points)[0]) <= ROUNDING * size),
            ROUNDING * size,
        )
        return bool(pieces)


def _level(join: Join, first: Shape, second: Shape, symbols: Sequence[sympy.Symbol]) -> sympy.Expr | None:
    one, two = first.level(symbols), second.level(symbols)
    if one is None or two is None:
        return None
    return either([one, two]) if join == "|" else both([one, two if join == "&" else -two])


def _loops(pieces: Sequence[Piece], tolerance: float) -> list[tuple[Polygon, float]] | None:
    """Return the closed lines of an outline of segments as polygons, each with the sign of its area.

    Nothing where there is an arc, or where lines touch.
    """
    edges = [piece for piece in pieces if isinstance(piece, Segment)]
    if len(edges) < len(pieces):
        return None
    starts = np.asarray([edge.start for edge in edges])
    follow = [np.flatnonzero(np.linalg.norm(starts - edge.end, axis=1) <= tolerance) for edge in edges]
    if any(len(next_ones) != 1 for next_ones in follow):
        return None
    left, found = set(range(len(edges))), []
    while left:
        loop = [left.pop()]
        while (after := int(follow[loop[-1]][0])) in left:
            left.remove(after)
            loop.append(after)
        turn = math.copysign(1.0, sum(edges[index].moment for index in loop))
        found.append((Polygon([edges[index].start for index in loop]), turn))
    return found


class SpatialCombination(Spatial):
    """Two shapes in three or more dimensions, joined by "|", "&" or "-"."""

    def __init__(self, join: Join, first: Shape, second: Shape):
        self.join: Join = join
        self.first, self.second = first, second
        if self.area <= 0:
            raise BadInput(f"The {NAMES[join]} {self.describe()} has no interior.")

    @property
    def dimension(self) -> int:
        """The number of coordinates."""
        return self.first.dimension

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """A box around the shape, made from those of the parts."""
        pairs = zip(self.first.bounds, self.second.bounds, strict=True)
        if self.join == "|":
            return tuple((min(a, c), max(b, d)) for (a, b), (c, d) in pairs)
        return (
            tuple((max(a, c), min(b, d)) for (a, b), (c, d) in pairs)
            if self.join == "&"
            else self.first.bounds
        )

    @cached_property
    def area(self) -> float:
        """The volume, estimated with 65,536 Halton points in `bounds`."""
        low, high = np.asarray(self.bounds).T
        if np.any(high <= low):
            return 0.0
        points = low + (high - low) * halton(self.dimension, 0).random(DRAWS)
        return float(np.prod(high - low) * np.mean(self._distance(points) < 0))

    @property
    def surface(self) -> float:
        """The sum of the parts' boundaries, an upper bound."""
        return sum(part.surface for part in (self.first, self.second) if isinstance(part, Spatial))

    def describe(self) -> str:
        """Return the parts with the sign between them; parts made of parts stand in brackets."""
        return _described(self.join, self.first, self.second)

    def _distance(self, points: np.ndarray) -> np.ndarray:
        one, two = self.first.signed_distance(points), self.second.signed_distance(points)
        return _least_or_greatest(self.join, one, two)

    def _scatter(self, density: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        assert isinstance(self.first, Spatial) and isinstance(self.second, Spatial)
        size = max(self.first.scale, self.second.scale)
        keepers = _keeper(self.join, self.first, self.second, ROUNDING * size, STEP * size)
        found, directions = [], []
        for part, keep, sign in zip(
            (self.first, self.second), keepers, (1, 1 - 2 * (self.join == "-")), strict=True
        ):
            points, normals = part._scatter(density, seed)
            kept = keep(points, normals)
            found.append(points[kept])
            directions.append(sign * normals[kept])
        return np.concatenate(found), np.concatenate(directions)

    def factor(self, symbols: Sequence[sympy.Symbol]) -> sympy.Expr | None:
        """Return the `level` where it is smooth inside: nothing where an edge of a part runs inside."""
        self._check(symbols)
        if isinstance(self.first, SpatialCombination) or isinstance(self.second, SpatialCombination):
            return None
        depth = self.signed_distance(np.concatenate([self.first.kinks, self.second.kinks]))
        return None if np.any(depth < -ROUNDING * self.scale) else self.level(symbols)

    def level(self, symbols: Sequence[sympy.Symbol]) -> sympy.Expr | None:
        """Return the R-function of the parts; nothing where they share a part of their boundaries."""
        self._check(symbols)
        size = max(self.first.scale, self.second.scale)
        points, _ = self.first.boundary(4096)
        if np.any(np.abs(self.second.signed_distance(points)) <= ROUNDING * size):
            return None
        return _level(self.join, self.first, self.second, symbols)
