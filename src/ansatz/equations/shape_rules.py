"""Points and weights that integrate over a shape: Gauss rules where there are any, else a Halton sequence."""

from typing import Any

import numpy as np

from ansatz.equations.polygon import Polygon, Rectangle
from ansatz.equations.round_shapes import Annulus, Disk

EACH = 40
POINTS = 20_000


def rule(shape: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return points `[N, d]` inside a shape and weights `[N]`.

    Disk and annulus: Gauss times equal angles.  Rectangle: Gauss.  A polygon that is a fan about one of its
    corners (the reentrant one, if any): Gauss on the triangles, in coordinates that shrink to the corner.
    All others: equal weights.
    """
    x, weights = np.polynomial.legendre.leggauss(EACH)
    x, weights = (x + 1) / 2, weights / 2
    if isinstance(shape, Disk | Annulus):
        inner, outer = (0.0, shape.radius) if isinstance(shape, Disk) else (shape.inner, shape.outer)
        radius = inner + (outer - inner) * x
        angles = 2 * np.pi * np.arange(3 * EACH) / (3 * EACH)
        points = radius[:, None, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        ring = (outer - inner) * weights * radius * 2 * np.pi / len(angles)
        return points.reshape(-1, 2) + np.asarray(shape.center), np.repeat(ring, len(angles))
    if isinstance(shape, Rectangle):
        (a, b), (c, d) = shape.intervals
        first, second = np.meshgrid(a + (b - a) * x, c + (d - c) * x, indexing="ij")
        area = (b - a) * (d - c) * np.outer(weights, weights)
        return np.stack([first.ravel(), second.ravel()], axis=1), area.ravel()
    fan = _fan(shape) if isinstance(shape, Polygon) else None
    if fan is not None:
        return _triangles(fan, x, weights)
    points = shape.interior(POINTS)
    return points, np.full(POINTS, shape.area / POINTS)


def _fan(polygon: Polygon) -> np.ndarray | None:
    """Return triangles `[k, 3, 2]` about one corner that make up a polygon, if there are such."""
    vertices = np.asarray(polygon.vertices)
    reentrant = [np.asarray(c.vertex) for c in polygon.corners if c.reentrant]
    apex = reentrant[0] if reentrant else vertices[0]
    start = int(np.linalg.norm(vertices - apex, axis=1).argmin())
    ring = np.roll(vertices, -start, axis=0)[1:]
    edges = np.stack([np.broadcast_to(apex, (len(ring) - 1, 2)), ring[:-1], ring[1:]], axis=1)
    return edges if (_doubled(edges) > 0).all() else None


def _doubled(triangles: np.ndarray) -> np.ndarray:
    one, two = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    return one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]


def _triangles(fan: np.ndarray, x: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rule x = apex + t³ (side(v) - apex): t³ makes roots of the distance from the apex smooth."""
    t, v = (one.ravel() for one in np.meshgrid(x, x, indexing="ij"))
    share = np.outer(weights, weights).ravel() * 3 * t**5
    side = fan[:, 1, None] + v[None, :, None] * (fan[:, 2] - fan[:, 1])[:, None]
    points = fan[:, 0, None] + (t**3)[None, :, None] * (side - fan[:, 0, None])
    return points.reshape(-1, 2), (_doubled(fan)[:, None] * share).ravel()
