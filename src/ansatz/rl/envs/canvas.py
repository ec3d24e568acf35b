"""A drawing in braille dots, for the terminal."""

from itertools import pairwise

import numpy as np

# The bit of each dot within its character, by row and column.
DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
BLANK = 0x2800


class Canvas:
    """Characters of 2 × 4 dots over the window (left, right, bottom, top); what lies outside is not seen.

    >>> print(Canvas(4, 2, (0.0, 1.0, 0.0, 1.0)).line((0.0, 0.0), (1.0, 1.0)))
    ⠀⠀⡠⠊
    ⡠⠊⠀⠀
    """

    def __init__(self, columns: int, rows: int, window: tuple[float, float, float, float]):
        self.lit = np.zeros((4 * rows, 2 * columns), bool)
        self.window = window

    def dot(self, x: np.ndarray | float, y: np.ndarray | float) -> "Canvas":
        """Light the dots at these points."""
        left, right, bottom, top = self.window
        height, width = self.lit.shape
        column = np.rint((np.ravel(x) - left) / (right - left) * (width - 1)).astype(int)
        row = np.rint((top - np.ravel(y)) / (top - bottom) * (height - 1)).astype(int)
        seen = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        self.lit[row[seen], column[seen]] = True
        return self

    def line(self, *points: tuple[float, float]) -> "Canvas":
        """Light the straight lines from point to point."""
        steps = np.linspace(0.0, 1.0, 2 * sum(self.lit.shape))
        for (x, y), (to_x, to_y) in pairwise(points):
            self.dot(x + steps * (to_x - x), y + steps * (to_y - y))
        return self

    def disc(self, center: tuple[float, float], radius: float) -> "Canvas":
        """Light the dots within a circle."""
        left, right, bottom, top = self.window
        height, width = self.lit.shape
        x, y = np.meshgrid(np.linspace(left, right, width), np.linspace(top, bottom, height))
        self.lit |= (x - center[0]) ** 2 + (y - center[1]) ** 2 <= radius**2
        return self

    def __str__(self) -> str:
        rows, columns = self.lit.shape[0] // 4, self.lit.shape[1] // 2
        cells = self.lit.reshape(rows, 4, columns, 2).transpose(0, 2, 1, 3)
        codes = BLANK + (cells * DOTS).sum((2, 3))
        return "\n".join("".join(map(chr, row)) for row in codes.tolist())
