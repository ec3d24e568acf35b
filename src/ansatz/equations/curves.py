"""Pieces of a boundary in the plane: directed segments and arcs, with the interior on their left."""

import dataclasses
import math
from typing import TypeAlias

import numpy as np
from jaxtyping import Float

Point: TypeAlias = tuple[float, float]
Points: TypeAlias = Float[np.ndarray, "n 2"]
Values: TypeAlias = Float[np.ndarray, " n"]
FULL = 2 * math.pi


@dataclasses.dataclass(frozen=True)
class Segment:
    """The straight piece from `start` to `end`."""

    start: Point
    end: Point

    @property
    def length(self) -> float:
        """The length."""
        return math.dist(self.start, self.end)

    @property
    def moment(self) -> float:
        """``½ ∫ (x dy - y dx)``: the sum over a closed boundary is the area."""
        return 0.5 * (self.start[0] * self.end[1] - self.end[0] * self.start[1])

    @property
    def box(self) -> tuple[Point, Point]:
        """The lower left and the upper right corner of the smallest box around the piece."""
        (a, b), (c, d) = self.start, self.end
        return (min(a, c), min(b, d)), (max(a, c), max(b, d))

    def at(self, fraction: Values) -> Points:
        """Return the points at `fraction: [n]` of the length, each in [0, 1]."""
        share = fraction[:, None]
        return (1 - share) * np.asarray(self.start) + share * np.asarray(self.end)

    def heading(self, fraction: float) -> float:
        """Return the direction of travel, an angle in radians, at a `fraction` of the length."""
        return math.atan2(self.end[1] - self.start[1], self.end[0] - self.start[0])

    def normals(self, fraction: Values) -> Points:
        """Return the unit normals at `fraction: [n]`, to the right of the direction of travel."""
        x, y = (np.subtract(self.end, self.start) / self.length).tolist()
        return np.tile([y, -x], (len(fraction), 1))

    def distance(self, points: Points) -> Values:
        """Return the distance of each of `points: [n, 2]` from the piece."""
        along = np.subtract(self.end, self.start)
        share = np.clip((points - np.asarray(self.start)) @ along / (along @ along), 0.0, 1.0)
        return np.linalg.norm(points - self.at(share), axis=1)

    def locate(self, points: Points) -> Values:
        """Return the fraction of the length nearest to each of `points: [n, 2]`."""
        along = np.subtract(self.end, self.start)
        return np.clip((points - np.asarray(self.start)) @ along / (along @ along), 0.0, 1.0)

    def part(self, low: float, high: float) -> "Segment":
        """Return the piece between two fractions of the length."""
        ends = self.at(np.asarray([low, high])).tolist()
        return Segment(tuple(ends[0]), tuple(ends[1]))

    def reverse(self) -> "Segment":
        """Return the piece travelled the other way."""
        return Segment(self.end, self.start)


@dataclasses.dataclass(frozen=True)
class Arc:
    """The circular piece from angle `start`, turning by `sweep` (counter-clockwise where positive)."""

    center: Point
    radius: float
    start: float = 0.0
    sweep: float = FULL

    @property
    def length(self) -> float:
        """The length."""
        return self.radius * abs(self.sweep)

    @property
    def moment(self) -> float:
        """``½ ∫ (x dy - y dx)``: the sum over a closed boundary is the area."""
        (x, y), r, low, high = self.center, self.radius, self.start, self.start + self.sweep
        tilt = x * (math.sin(high) - math.sin(low)) - y * (math.cos(high) - math.cos(low))
        return 0.5 * (r * r * self.sweep + r * tilt)

    @property
    def box(self) -> tuple[Point, Point]:
        """The lower left and the upper right corner of the smallest box around the piece."""
        low, high = sorted((self.start, self.start + self.sweep))
        quarters = np.arange(math.ceil(low / (FULL / 4)), math.floor(high / (FULL / 4)) + 1) * FULL / 4
        points = self._points(np.concatenate([[low, high], quarters]))
        least, most = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        return (least[0], least[1]), (most[0], most[1])

    def _points(self, angle: Values) -> Points:
        return np.asarray(self.center) + self.radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)

    def at(self, fraction: Values) -> Points:
        """Return the points at `fraction: [n]` of the length, each in [0, 1]."""
        return self._points(self.start + self.sweep * fraction)

    def heading(self, fraction: float) -> float:
        """Return the direction of travel, an angle in radians, at a `fraction` of the length."""
        angle = self.start + self.sweep * fraction + math.copysign(FULL / 4, self.sweep)
        return math.atan2(math.sin(angle), math.cos(angle))

    def normals(self, fraction: Values) -> Points:
        """Return the unit normals at `fraction: [n]`, to the right of the direction of travel."""
        angle = self.start + self.sweep * fraction
        return math.copysign(1.0, self.sweep) * np.stack([np.cos(angle), np.sin(angle)], axis=1)

    def distance(self, points: Points) -> Values:
        """Return the distance of each of `points: [n, 2]` from the piece."""
        radial = points - np.asarray(self.center)
        ring = np.abs(np.linalg.norm(radial, axis=1) - self.radius)
        ends = self.at(np.asarray([0.0, 1.0]))
        tips = np.minimum(*(np.linalg.norm(points - end, axis=1) for end in ends))
        return np.where(self._turn(points) <= 1.0, ring, tips)

    def _turn(self, points: Points) -> Values:
        """Return the fraction at which the ray from the center through each point meets the circle."""
        radial = points - np.asarray(self.center)
        turned = np.arctan2(radial[:, 1], radial[:, 0]) - self.start
        return np.mod(math.copysign(1.0, self.sweep) * turned, FULL) / abs(self.sweep)

    def locate(self, points: Points) -> Values:
        """Return the fraction of the length nearest to each of `points: [n, 2]`."""
        fraction = self._turn(points)
        beyond = (1.0 + FULL / abs(self.sweep)) / 2
        return np.where(fraction > beyond, 0.0, np.minimum(fraction, 1.0))

    def part(self, low: float, high: float) -> "Arc":
        """Return the piece between two fractions of the length."""
        return Arc(
            self.center, self.radius, float(self.start + self.sweep * low), float(self.sweep * (high - low))
        )

    def reverse(self) -> "Arc":
        """Return the piece travelled the other way."""
        return Arc(self.center, self.radius, self.start + self.sweep, -self.sweep)


Piece: TypeAlias = Segment | Arc
