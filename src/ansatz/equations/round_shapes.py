"""Disk and annulus in the plane; ball and box in three and more dimensions."""

import abc
import itertools
import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import sympy
from scipy.special import ndtri

from ansatz.core import BadInput
from ansatz.equations.curves import FULL, Arc, Piece
from ansatz.equations.levels import both, product
from ansatz.equations.shape import Number, Planar, Points, Shape, exact, finite, halton, number


def _radius(what: str, value: object) -> float:
    radius = finite(f"The radius of {what}", (value,))[0]
    if radius <= 0:
        raise BadInput(f"The radius of {what} must be above 0, not {number(radius)}.")
    return radius


def _square(symbols: Sequence[sympy.Symbol], center: Sequence[float]) -> sympy.Expr:
    """Return ``|x - center|²``."""
    return sympy.Add(*((x - exact(c)) ** 2 for x, c in zip(symbols, center, strict=True)))


class Disk(Planar):
    """The disk ``|x - center| ≤ radius`` in the plane.

    >>> Disk((0, 0), 1).factor(sympy.symbols("x y", real=True))
    -x**2/2 - y**2/2 + 1/2
    """

    def __init__(self, center: Sequence[Number], radius: Number):
        self.center = finite("The center of a disk", center, 2)
        self.radius = _radius("a disk", radius)

    @cached_property
    def outline(self) -> tuple[Piece, ...]:
        """The circle."""
        return (Arc((self.center[0], self.center[1]), self.radius),)

    def describe(self) -> str:
        """Return `disk(x,y,radius)`."""
        return f"disk({','.join(map(number, (*self.center, self.radius)))})"

    def _inside(self, points: np.ndarray) -> np.ndarray:
        return self._distance(points) <= 0

    def _distance(self, points: np.ndarray) -> np.ndarray:
        return np.linalg.norm(points - np.asarray(self.center), axis=1) - self.radius

    def factor(self, symbols: Sequence[sympy.Symbol]) -> sympy.Expr | None:
        """Return ``(r² - |x - c|²) / 2r``."""
        self._check(symbols)
        r = exact(self.radius)
        return ((r**2 - _square(symbols, self.center)) / (2 * r)).expand(deep=False)


class Annulus(Planar):
    """The ring ``inner ≤ |x - center| ≤ outer`` in the plane."""

    def __init__(self, center: Sequence[Number], inner: Number, outer: Number):
        self.center = finite("The center of an annulus", center, 2)
        self.inner, self.outer = _radius("an annulus", inner), _radius("an annulus", outer)
        if self.inner >= self.outer:
            raise BadInput(
                f"The inner radius of an annulus must be below the outer one, not {number(self.inner)} "
                f"against {number(self.outer)}."
            )

    @cached_property
    def outline(self) -> tuple[Piece, ...]:
        """The outer circle counter-clockwise and the inner one clockwise."""
        center = (self.center[0], self.center[1])
        return Arc(center, self.outer), Arc(center, self.inner, 0.0, -FULL)

    def describe(self) -> str:
        """Return `annulus(x,y,inner,outer)`."""
        return f"annulus({','.join(map(number, (*self.center, self.inner, self.outer)))})"

    def _inside(self, points: np.ndarray) -> np.ndarray:
        return self._distance(points) <= 0

    def _distance(self, points: np.ndarray) -> np.ndarray:
        radius = np.linalg.norm(points - np.asarray(self.center), axis=1)
        return np.maximum(radius - self.outer, self.inner - radius)

    def factor(self, symbols: Sequence[sympy.Symbol]) -> sympy.Expr | None:
        """Return ``(R² - ρ²)(ρ² - r²) / ((R² - r²)(R + r))`` with ρ = |x - c|."""
        self._check(symbols)
        r, big, square = exact(self.inner), exact(self.outer), _square(symbols, self.center)
        return (big**2 - square) * (square - r**2) / ((big**2 - r**2) * (big + r))


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
        self.radius = _radius("a ball", radius)
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
        count = math.ceil(density * self.surface)
        uniform = halton(self.dimension, seed).random(count)
        normals = ndtri(np.clip(uniform, 1e-9, 1 - 1e-9))
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return np.asarray(self.center) + self.radius * normals, normals

    def factor(self, symbols: Sequence[sympy.Symbol]) -> sympy.Expr | None:
        """Return ``(r² - |x - c|²) / 2r``."""
        self._check(symbols)
        r = exact(self.radius)
        return (r**2 - _square(symbols, self.center)) / (2 * r)


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

    def level(self, symbols: Sequence[sympy.Symbol]) -> sympy.Expr | None:
        """Return the R-conjunction of ``(x - a)(b - x)`` over the coordinates."""
        self._check(symbols)
        return both(strips(symbols, self.intervals))


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


def strips(symbols: Sequence[sympy.Symbol], intervals: Sequence[tuple[float, float]]) -> list[sympy.Expr]:
    """Return ``(x - a)(b - x) / (b - a)`` for each coordinate: about the distance near either end."""
    return [
        (x - exact(a)) * (exact(b) - x) / exact(b - a) for x, (a, b) in zip(symbols, intervals, strict=True)
    ]
