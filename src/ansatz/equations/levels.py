"""Expressions with a given zero set: R-functions (Rvachev) and the formula of a polygon.

An R-function of f and g has a sign that the signs of f and g decide: the conjunction
``f + g - √(f² + g²)`` is positive where both are, the disjunction ``f + g + √(f² + g²)`` where one is.
Where g > 0 and f → 0 both tend to a multiple of f, so the derivative along the normal stays; only
where f = g = 0, at corners, they are not smooth.  Source: Shapiro, "Semi-analytic geometry with
R-functions", Acta Numerica 16 (2007).
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import sympy

from ansatz.equations.shape import exact

Formula: TypeAlias = int | tuple[str, Any, Any]


def both(levels: Sequence[sympy.Expr]) -> sympy.Expr:
    """Return the R-conjunction of all `levels`."""
    result = levels[0]
    for level in levels[1:]:
        result = result + level - sympy.sqrt(result**2 + level**2)
    return result


def either(levels: Sequence[sympy.Expr]) -> sympy.Expr:
    """Return the R-disjunction of all `levels`."""
    result = levels[0]
    for level in levels[1:]:
        result = result + level + sympy.sqrt(result**2 + level**2)
    return result


def strips(symbols: Sequence[sympy.Symbol], intervals: Sequence[tuple[float, float]]) -> list[sympy.Expr]:
    """Return ``(x - a)(b - x) / (b - a)`` for each coordinate: about the distance near either end."""
    return [
        (x - exact(a)) * (exact(b) - x) / exact(b - a) for x, (a, b) in zip(symbols, intervals, strict=True)
    ]


def product(levels: Sequence[sympy.Expr], intervals: Sequence[tuple[float, float]]) -> sympy.Expr:
    """Return the product of the strips of a box, with slope 1 in the middle of its nearest faces."""
    sides = sorted(b - a for a, b in intervals)
    return sympy.Mul(*levels, *(4 / exact(side) for side in sides[1:]))


def formula(vertices: np.ndarray) -> Formula:
    """Return the monotone formula of half-planes of a simple polygon, each edge standing in it once.

    `vertices: [k, 2]` counter-clockwise, no three in a row on a line; leaf i is the half-plane left of
    the edge from vertex i to i + 1, a pair is joined by "and" or "or".  Source: Dobkin, Guibas,
    Hershberger, Snoeyink, "An efficient algorithm for finding the CSG representation of a simple
    polygon", SIGGRAPH 1988: split the chain at a vertex of its hull, with "and" where that is convex.
    """
    count = len(vertices)
    order = np.lexsort((vertices[:, 1], vertices[:, 0]))
    first, last = int(order[0]), int(order[-1])
    there = [(first + step) % count for step in range((last - first) % count)]
    back = [(last + step) % count for step in range((first - last) % count)]
    return ("and", _chain(vertices, there), _chain(vertices, back))


def _chain(vertices: np.ndarray, edges: list[int]) -> Formula:
    """Return the formula of a chain of edges, whose first and last are prolonged to infinity."""
    if len(edges) == 1:
        return edges[0]
    count = len(vertices)
    ahead = vertices[(np.asarray(edges) + 1) % count] - vertices[edges]
    ahead = ahead / np.linalg.norm(ahead, axis=1, keepdims=True)
    away = ahead[0] - ahead[-1]
    inner = vertices[edges[1:]]
    along = np.asarray([-away[1], away[0]])
    if np.linalg.norm(away) < 1e-9:  # the prolonged ends are parallel: take a side where the first is not
        away, along = np.asarray([-ahead[0, 1], ahead[0, 0]]), -ahead[0]
        heights = (inner - inner[0]) @ away
        away = away if np.max(heights) >= -np.min(heights) else -away
    heights = inner @ (away / np.linalg.norm(away))
    top = np.flatnonzero(heights >= heights.max() - 1e-9 * np.ptp(vertices))
    split = int(top[np.argmax(inner[top] @ along)]) + 1
    turn = ahead[split - 1, 0] * ahead[split, 1] - ahead[split - 1, 1] * ahead[split, 0]
    join = "and" if turn > 0 else "or"
    return (join, _chain(vertices, edges[:split]), _chain(vertices, edges[split:]))


def edge_lines(vertices: np.ndarray, symbols: Sequence[sympy.Symbol]) -> list[sympy.Expr]:
    """Return the distance from the line of each edge of a counter-clockwise polygon, inside positive."""
    x, y = symbols
    found = []
    for (a, b), (c, d) in zip(vertices.tolist(), np.roll(vertices, -1, axis=0).tolist(), strict=True):
        length = float(np.hypot(c - a, d - b))
        nx, ny = exact((b - d) / length), exact((c - a) / length)
        found.append(nx * (x - exact(a)) + ny * (y - exact(b)))
    return found


def combine(tree: Formula, levels: Sequence[sympy.Expr]) -> sympy.Expr:
    """Return the R-function that a formula makes of the levels of its leaves."""
    if isinstance(tree, int):
        return levels[tree]
    join, first, second = tree
    parts = [combine(first, levels), combine(second, levels)]
    return both(parts) if join == "and" else either(parts)
