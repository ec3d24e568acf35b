"""What every domain can do: distances, points inside and on the boundary, and to be combined."""

import abc
import math
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import sympy
from jaxtyping import Float

from ansatz.equations.curves import Piece
from ansatz.equations.outline import Corner, find_corners, sample
from ansatz.errors import BadInput

if TYPE_CHECKING:
    from scipy.stats import qmc

Number: TypeAlias = float | int
Points: TypeAlias = Float[np.ndarray, "n d"]
Values: TypeAlias = Float[np.ndarray, " n"]
ROUNDING = 1e-9
LARGEST = 2**22


def number(value: Number) -> str:
    """Return a number as the shortest text that is read back to the same number.

    >>> number(1.0), number(0.1)
    ('1', '0.1')
    """
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def exact(value: Number) -> sympy.Expr:
    """Return a number for use in an expression; whole ones become exact."""
    return sympy.Integer(int(value)) if float(value).is_integer() else sympy.Float(float(value))


def finite(what: str, values: object, count: int | None = None) -> tuple[float, ...]:
    """Return `values` as a tuple of floats, or raise `BadInput` naming the shape."""
    try:
        found = tuple(float(value) for value in values)  # type: ignore[union-attr, attr-defined]
    except (TypeError, ValueError):
        raise BadInput(f"{what} must be numbers such as (0, 1), not {values!r}.") from None
    if count is not None and len(found) != count:
        raise BadInput(f"{what} must be {count} numbers, not the {len(found)} of {values!r}.")
    if not all(math.isfinite(value) for value in found):
        raise BadInput(f"{what} must be finite numbers, not {values!r}.")
    return found


def check_intervals(what: str, intervals: Sequence[Sequence[Number]]) -> tuple[tuple[float, float], ...]:
    """Return the intervals as pairs of floats, or raise `BadInput`."""
    found = []
    for given in intervals:
        low, high = finite(f"An interval of a {what}", given, 2)
        if low >= high:
            raise BadInput(
                f"An interval of a {what} must go upward, not from {number(low)} to {number(high)}."
            )
        found.append((low, high))
    return tuple(found)


def box_distance(points: np.ndarray, intervals: Sequence[tuple[float, float]]) -> np.ndarray:
    """Return the signed distance of `points: [n, d]` from a box."""
    low, high = np.asarray(intervals).T
    beyond = np.abs(points - (low + high) / 2) - (high - low) / 2
    return np.linalg.norm(np.maximum(beyond, 0.0), axis=1) + np.minimum(beyond.max(axis=1), 0.0)


def halton(dimension: int, seed: int) -> "qmc.Halton":
    """Return a scrambled Halton sequence in the unit cube."""
    from scipy.stats import qmc

    return qmc.Halton(dimension, seed=seed)  # pyright: ignore[reportCallIssue]  # SciPy before 1.15 has no rng=


class Described(abc.ABC):
    """What is equal where its description is, and is combined by `|`, `&` and `-`."""

    @abc.abstractmethod
    def describe(self) -> str:
        """Return the text that the equations' grammar reads back to this shape."""

    def __or__(self, other: Any) -> Any:
        from ansatz.equations.combinations import union

        return union(self, other)  # type: ignore[arg-type]

    def __and__(self, other: Any) -> Any:
        from ansatz.equations.combinations import intersection

        return intersection(self, other)  # type: ignore[arg-type]

    def __sub__(self, other: Any) -> Any:
        from ansatz.equations.combinations import difference

        return difference(self, other)  # type: ignore[arg-type]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Described) and self.describe() == other.describe()

    def __hash__(self) -> int:
        return hash(self.describe())

    def __repr__(self) -> str:
        return self.describe()


class Shape(Described):
    """A bounded domain of d-dimensional space; `|`, `&` and `-` make union, intersection, difference.

    Two shapes are equal where `describe()` is.
    """

    @property
    @abc.abstractmethod
    def dimension(self) -> int:
        """The number d of coordinates."""

    @property
    @abc.abstractmethod
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """The least and the greatest value of each coordinate."""

    @property
    @abc.abstractmethod
    def area(self) -> float:
        """The area; in d dimensions the volume."""

    @property
    def corners(self) -> tuple[Corner, ...]:
        """The corners of a shape in the plane."""
        return ()

    @abc.abstractmethod
    def _distance(self, points: np.ndarray) -> np.ndarray: ...

    @abc.abstractmethod
    def boundary(self, n: int, seed: int = 0, corners: Number = 0.0) -> tuple[Points, Points]:
        """Return at least n points `[m, d]` of the boundary, evenly spread, and their outward unit normals.

        `seed` shifts the points.  With `corners` above 0 they crowd toward the corners of a shape in
        the plane, geometrically over about so many decades; no point is a corner itself.
        """

    @abc.abstractmethod
    def factor(self, symbols: Sequence[sympy.Symbol]) -> sympy.Expr | None:
        """Return an expression that is 0 on the boundary and positive inside, or nothing where none is known.

        It is infinitely smooth except at corners, and its derivative along the normal is not 0 at
        smooth points of the boundary.  Raises `BadInput` unless there is one symbol for each coordinate.
        """

    def level(self, symbols: Sequence[sympy.Symbol]) -> sympy.Expr | None:
        """Return such an expression that is also negative everywhere outside."""
        return self.factor(symbols)

    @property
    def kinks(self) -> Points:
        """Points `[k, d]` where `level` is not smooth, outside the shape too."""
        return np.asarray([corner.vertex for corner in self.corners]).reshape(-1, self.dimension)

    @property
    def scale(self) -> float:
        """The diagonal of the box of `bounds`."""
        return math.hypot(*(high - low for low, high in self.bounds))

    def signed_distance(self, points: Points) -> Values:
        """Return the distance of each of `points: [n, d]` from the boundary, negative inside.

        >>> from ansatz.equations.domain import Disk
        >>> Disk((0, 0), 1).signed_distance(np.array([[0.0, 0.0], [3.0, 0.0]])).tolist()
        [-1.0, 2.0]
        """
        given = np.asarray(points, dtype=np.float64)
        if given.ndim != 2 or given.shape[1] != self.dimension:
            raise BadInput(
                f"{self.describe()} needs points of shape [n, {self.dimension}], not {list(given.shape)}."
            )
        return self._distance(given)

    def contains(self, points: Points) -> np.ndarray:
        """Tell for each of `points: [n, d]` whether it is inside or, up to rounding, on the boundary."""
        return self.signed_distance(points) <= ROUNDING * self.scale

    def interior(self, n: int, seed: int = 0, margin: Number = 0.0) -> Points:
        """Return n points `[n, d]` inside, deeper than `margin`: a Halton sequence, filtered.

        Raises `BadInput` where nothing is that deep.
        """
        low, high = np.asarray(self.bounds).T
        draws = halton(self.dimension, seed)
        kept, found, drawn = [], 0, 0
        while found < n:
            batch = min(max(2 * n, drawn, 64), 2**18)
            points = low + (high - low) * draws.random(batch)
            points = points[self._distance(points) < -max(margin, 1e-12 * self.scale)]
            kept.append(points)
            found, drawn = found + len(points), drawn + batch
            if not found and drawn >= LARGEST:
                raise BadInput(f"No point of {self.describe()} is {number(margin)} from its boundary.")
        return np.concatenate(kept)[:n] if kept else np.empty((0, self.dimension))

    def _check(self, symbols: Sequence[sympy.Symbol]) -> None:
        if len(symbols) != self.dimension:
            raise BadInput(f"{self.describe()} has {self.dimension} coordinates, not {len(symbols)}.")


class Planar(Shape):
    """A shape in the plane, known by its `outline`: directed pieces with the interior on their left."""

    @property
    @abc.abstractmethod
    def outline(self) -> tuple[Piece, ...]:
        """The pieces of the boundary."""

    @abc.abstractmethod
    def _inside(self, points: np.ndarray) -> np.ndarray:
        """Tell which points are inside; on the boundary either answer will do."""

    @property
    def dimension(self) -> int:
        """The number of coordinates, 2."""
        return 2

    @cached_property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """The least and the greatest value of each coordinate."""
        boxes = np.asarray([piece.box for piece in self.outline])
        least, most = boxes[:, 0].min(axis=0).tolist(), boxes[:, 1].max(axis=0).tolist()
        return (least[0], most[0]), (least[1], most[1])

    @cached_property
    def area(self) -> float:
        """The area, by ``½ ∮ (x dy - y dx)`` along the outline."""
        return math.fsum(piece.moment for piece in self.outline)

    @cached_property
    def corners(self) -> tuple[Corner, ...]:
        """The corners, those between an arc and another piece included."""
        return find_corners(self.outline, ROUNDING * self.scale)

    def _distance(self, points: np.ndarray) -> np.ndarray:
        nearest = np.full(len(points), np.inf)
        for piece in self.outline:
            nearest = np.minimum(nearest, piece.distance(points))
        return np.where(self._inside(points), -nearest, nearest)

    def boundary(self, n: int, seed: int = 0, corners: Number = 0.0) -> tuple[Points, Points]:
        """Return at least n points of the outline and their outward normals: see `Shape.boundary`."""
        if corners < 0:
            raise BadInput(f"corners is a number of decades, at least 0, not {corners}.")
        offset = 0.5 if seed == 0 else float(np.random.default_rng(seed).uniform(0.1, 0.9))
        return sample(self.outline, self.corners, max(n, 1), offset, float(corners))
