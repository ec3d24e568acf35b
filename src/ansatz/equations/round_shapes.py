"""Disk and annulus."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import sympy

from ansatz.equations.curves import FULL, Arc, Piece
from ansatz.equations.shape import Number, Planar, exact, finite, number
from ansatz.errors import BadInput


def check_radius(what: str, value: object) -> float:
    """Return the radius as a float, or raise `BadInput` unless it is above 0."""
    radius = finite(f"The radius of {what}", (value,))[0]
    if radius <= 0:
        raise BadInput(f"The radius of {what} must be above 0, not {number(radius)}.")
    return radius


def squared_distance(symbols: Sequence[sympy.Symbol], center: Sequence[float]) -> sympy.Expr:
    """Return ``|x - center|²``."""
    return sympy.Add(*((x - exact(c)) ** 2 for x, c in zip(symbols, center, strict=True)))


class Disk(Planar):
    """The disk ``|x - center| ≤ radius`` in the plane.

    >>> Disk((0, 0), 1).factor(sympy.symbols("x y", real=True))
    -x**2/2 - y**2/2 + 1/2
    """

    def __init__(self, center: Sequence[Number], radius: Number):
        self.center = finite("The center of a disk", center, 2)
        self.radius = check_radius("a disk", radius)

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
        return ((r**2 - squared_distance(symbols, self.center)) / (2 * r)).expand(deep=False)


class Annulus(Planar):
    """The ring ``inner ≤ |x - center| ≤ outer`` in the plane."""

    def __init__(self, center: Sequence[Number], inner: Number, outer: Number):
        self.center = finite("The center of an annulus", center, 2)
        self.inner, self.outer = check_radius("an annulus", inner), check_radius("an annulus", outer)
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
        r, big, square = exact(self.inner), exact(self.outer), squared_distance(symbols, self.center)
        return (big**2 - square) * (square - r**2) / ((big**2 - r**2) * (big + r))
