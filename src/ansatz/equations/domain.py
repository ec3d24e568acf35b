"""The domains of an equation: shapes by their signed distance, and their combinations."""

from ansatz.equations.combinations import difference, intersection, union
from ansatz.equations.outline import Corner
from ansatz.equations.polygon import Polygon, Rectangle, l_shape
from ansatz.equations.round_shapes import Annulus, Disk
from ansatz.equations.shape import Shape
from ansatz.equations.solids import Ball, Box

__all__ = [
    "Annulus",
    "Ball",
    "Box",
    "Corner",
    "Disk",
    "Polygon",
    "Rectangle",
    "Shape",
    "difference",
    "intersection",
    "l_shape",
    "union",
]
