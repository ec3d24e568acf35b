"""How the points of a one-dimensional layer are spread: evenly, or gathered about a place."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Stretch:
    """The map between a coordinate x in [low, high] and ξ in [-1, 1].

    With `width` > 0, x = center + width · sinh(a ξ + b): features of that width about the center, at an
    end or inside, are seen by ξ as smooth (Tee and Trefethen 2006).  Else the map is affine.
    """

    low: float
    high: float
    center: float = 0.0
    width: float = 0.0

    @property
    def _ends(self) -> tuple[float, float]:
        return (
            float(np.arcsinh((self.low - self.center) / self.width)),
            float(np.arcsinh((self.high - self.center) / self.width)),
        )

    def reference(self, x: np.ndarray) -> np.ndarray:
        """Return ξ(x)."""
        if not self.width:
            return (2 * x - self.low - self.high) / (self.high - self.low)
        first, last = self._ends
        return (2 * np.arcsinh((x - self.center) / self.width) - first - last) / (last - first)

    def place(self, reference: np.ndarray) -> np.ndarray:
        """Return x(ξ), within the interval."""
        if not self.width:
            x = self.low + (self.high - self.low) * (reference + 1) / 2
        else:
            first, last = self._ends
            x = self.center + self.width * np.sinh(0.5 * ((last - first) * reference + first + last))
        return np.clip(x, self.low, self.high)

    def slope(self, reference: np.ndarray) -> np.ndarray:
        """Return dx/dξ."""
        if not self.width:
            return np.full_like(reference, (self.high - self.low) / 2)
        first, last = self._ends
        return 0.5 * (last - first) * self.width * np.cosh(0.5 * ((last - first) * reference + first + last))

    def chain(self, x: np.ndarray, tables: list[np.ndarray]) -> list[np.ndarray]:
        """Turn derivatives with respect to ξ, `[N, n]` each, into those with respect to x (to order 4)."""
        if not self.width:
            rate = 2 / (self.high - self.low)
            return [table * rate**k for k, table in enumerate(tables)]
        one, two, three, four = (d[:, None] for d in self._derivatives(x))
        out = [tables[0]]
        if len(tables) > 1:
            out.append(tables[1] * one)
        if len(tables) > 2:
            out.append(tables[2] * one**2 + tables[1] * two)
        if len(tables) > 3:
            out.append(tables[3] * one**3 + 3 * tables[2] * one * two + tables[1] * three)
        if len(tables) > 4:
            out.append(
                tables[4] * one**4 + 6 * tables[3] * one**2 * two
                + tables[2] * (3 * two**2 + 4 * one * three) + tables[1] * four
            )  # fmt: skip
        return out

    def _derivatives(self, x: np.ndarray) -> tuple[np.ndarray, ...]:
        first, last = self._ends
        s = (x - self.center) / self.width
        w, rate = 1 + s**2, 2 / (last - first)
        return (
            rate * w**-0.5 / self.width,
            -rate * s * w**-1.5 / self.width**2,
            rate * (2 * s**2 - 1) * w**-2.5 / self.width**3,
            rate * (9 * s - 6 * s**3) * w**-3.5 / self.width**4,
        )
