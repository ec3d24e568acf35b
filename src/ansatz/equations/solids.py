"""Ball and box in three and more dimensions."""

import abc
import itertools
import math
from collections.abc import Sequence

import numpy as np
import sympy

from ansatz.equations.levels import both, product, strips
from ansatz.equations.round_shapes import check_radius, squared_distance
from ansatz.equations.shape import (
    Number,
    Points,
    Shape,
    box_distance,
    check_intervals,
    exact,
    finite,
    halton,
    number,
)
from ansatz.errors import BadInput


class Spatial(Shape):
    """A shape of any dimension, whose boundary is scattered with points."""

    @property
    @abc.abstractmethod
    def surface(self) -> float:
        """The area of the boundary, or a bound from above."""

    @abc.abstractmethod
    def _scatter(self, density: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return points of the boundary, `density` to a unit of its area, with their normals."""

    def boundary(self, n: int, seed: int = 0, corners: Number = 0.0) -> tuple[Points, Points]:
        """Return at least n points of the boundary and their outward normals: see `Shape.boundary`."""
        density = max(n, 1) / self.surface
        while True:
            points, normals = self._scatter(density, seed)
            if len(points) >= n:
                return points, normals
            if density * self.surface > 1e8:
                raise BadInput(f"The boundary of {self.describe()} is too small a part of that of its parts.")
            density *= max(1.05, min(8.0, 1.05 * n / max(len(points), 1)))


class Ball(Spatial):
    """The ball ``|x - center| ≤ radius`` in three or more dimensions (in the plane it is a `Disk`)."""

    def __init__(self, center: Sequence[Number], radius: Number):
        self.center = finite("The center of a ball", center)
        self.radius = check_radius("a ball", radius)
        if len(self.center) < 3:
            raise BadInput(
                f"A ball has a center of 3 coordinates or more, not {len(self.center)}: in the plane it is "
                f"disk(x,y,radius)."
            )

    @property
    def dimension(self) -> int:
        """The number of coordinates."""
        return len(self.center)

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """The least and the greatest value of each coordinate."""
        return tuple((c - self.radius, c + self.radius) for c in self.center)

    @property
    def area(self) -> float:
        """The volume, ``π^(d/2) r^d / Γ(d/2 + 1)``."""
        half = self.dimension / 2
        return math.pi**half * self.radius**self.dimension / math.gamma(half + 1)

    @property
    def surface(self) -> float:
        """The area of the sphere."""
        return self.area * self.dimension / self.radius

    def describe(self) -> str:
        """Return `ball(x,y,z,radius)`."""
        return f"ball({','.join(map(number, (*self.center, self.radius)))})"

    def _distance(self, points: np.ndarray) -> np.ndarray:
        return np.linalg.norm(points - np.asarray(self.center), axis=1) - self.radius

    def _scatter(self, density: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        from scipy.special import ndtri

        count = math.ceil(density * self.surface)
        uniform = halton(self.dimension, seed).random(count)
        normals = ndtri(np.clip(uniform, 1e-9, 1 - 1e-9))
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return np.asarray(self.center) + self.radius * normals, normals

    def factor(self, symbols: Sequence[sympy.Symbol]) -> sympy.Expr | None:
        """Return ``(r² - |x - c|²) / 2r``."""
        self._check(symbols)
        r = exact(self.radius)
        return (r**2 - squared_distance(symbols, self.center)) / (2 * r)


class Box(Spatial):
    """The box of three or more `intervals` ``((a, b), (c, d), …)`` (in the plane it is a `Rectangle`)."""

    def __init__(self, intervals: Sequence[Sequence[Number]]):
        self.intervals = check_intervals("box", intervals)
        if len(self.intervals) < 3:
            raise BadInput(f"A box has 3 intervals or more, not {len(self.intervals)}.")

    @property
    def dimension(self) -> int:
        """The number of coordinates."""
        return len(self.intervals)

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """The intervals."""
        return self.intervals

    @property
    def area(self) -> float:
        """The volume."""
        return math.prod(b - a for a, b in self.intervals)

    @property
    def surface(self) -> float:
        """The area of all faces."""
        return sum(2 * self.area / (b - a) for a, b in self.intervals)

    def describe(self) -> str:
        """Return `box(a,b,c,d,e,f)`."""
        return f"box({','.join(map(number, itertools.chain(*self.intervals)))})"

    def _distance(self, points: np.ndarray) -> np.ndarray:
        return box_distance(points, self.intervals)

    def _scatter(self, density: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        low, high = np.asarray(self.intervals).T
        found, normals = [], []
        for axis, side in itertools.product(range(self.dimension), (0, 1)):
            count = math.ceil(density * self.area / (high - low)[axis])
            uniform = halton(self.dimension, seed + 2 * axis + side).random(count)
            uniform[:, axis] = side
            found.append(low + (high - low) * uniform)
            normals.append(np.tile(np.eye(self.dimension)[axis] * (2 * side - 1), (count, 1)))
        return np.concatenate(found), np.concatenate(normals)

    def factor(self, symbols: Sequence[sympy.Symbol]) -> sympy.Expr | None:
        """Return the product of ``(x - a)(b - x)`` over the coordinates, scaled to a slope near 1."""
        self._check(symbols)
        return product(strips(symbols, self.intervals), self.intervals)

    @property
    def kinks(self) -> Points:
        """Points on the edges, where `level` is not smooth."""
        low, high = np.asarray(self.intervals).T
        found = []
        for one, two in itertools.combinations(range(self.dimension), 2):
            for sides in itertools.product((0, 1), repeat=2):
                uniform = halton(self.dimension, 0).random(256)
                uniform[:, [one, two]] = sides
                found.append(low + (high - low) * uniform)
        return np.concatenate(found)

    def level(self, symbols: Sequence[sympy.Symbol]) -> sympy.Expr | None:
        """Return the R-conjunction of ``(x - a)(b - x)`` over the coordinates."""
        self._check(symbols)
        return both(strips(symbols, self.intervals))
