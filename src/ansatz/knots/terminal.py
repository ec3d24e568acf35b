"""A diagram drawn in the terminal with braille characters, of two by four dots each."""

import numpy as np

from ansatz.errors import BadInput
from ansatz.knots.diagram import Diagram
from ansatz.knots.drawing import GAP, WIDTH, arcs, flattened, strands

BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""The bit of each dot of a braille character, by row and column."""
NARROWEST = 10
OPEN = 3.2
"""A strand stops at least so many dots before one above it."""
FINE = 1 / 3
"""Dots are set at steps of so many."""


def text(diagram: Diagram, width: int = 72) -> str:
    """Return a drawing of a diagram, `width` characters wide and half as many lines high or fewer.

    >>> from ansatz.knots.codes import torus
    >>> lines = text(torus(2, 3), 24).split("\\n")
    >>> max(map(len, lines)) <= 24, len(lines) <= 12
    (True, True)
    """
    if width < NARROWEST:
        raise BadInput(f"A drawing in the terminal is {NARROWEST} characters wide at least, not {width}.")
    drawn = strands(diagram)
    every = np.concatenate([one.points for one in drawn])
    low, high = every.min(0) - WIDTH, every.max(0) + WIDTH
    scale = (2 * width - 1) / max(high - low)
    columns, rows = (np.floor(scale * (high - low)).astype(int) + 1).tolist()
    dots = np.zeros((-(-rows // 4) * 4, -(-columns // 2) * 2), int)
    for one in drawn:
        for arc in arcs(one, max(GAP * WIDTH, OPEN / scale)):
            length = float(np.linalg.norm(np.diff(arc, axis=1), axis=2).sum(1).max())
            line = flattened(arc, int(np.ceil(length * scale / FINE)) + 1).reshape(-1, 2)
            x, y = np.round((line - (low[0], high[1])) * (scale, -scale)).astype(int).T
            dots[y.clip(0, dots.shape[0] - 1), x.clip(0, dots.shape[1] - 1)] = 1
    cells = dots.reshape(dots.shape[0] // 4, 4, dots.shape[1] // 2, 2)
    codes = np.einsum("rycx,yx->rc", cells, BITS)
    lines = ["".join(chr(0x2800 + code) if code else " " for code in row).rstrip() for row in codes.tolist()]
    return "\n".join(lines).strip("\n")
