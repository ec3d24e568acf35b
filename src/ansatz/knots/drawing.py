"""Drawings of diagrams: smooth strands through the points of a layout, with gaps where they pass under.

>>> from ansatz.knots.codes import torus
>>> svg(torus(2, 3)).count("<path")
3
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ansatz.errors import BadInput
from ansatz.knots.diagram import Diagram, turn
from ansatz.knots.layout import Layout, lay_out
from ansatz.knots.mesh import Key, crossing_key, middle_key

INK = "var(--ink, #1d2230)"
COLORS = (
    INK,
    "var(--blue, #2f6bdd)",
    "var(--orange, #d9731a)",
    "var(--green, #1f9268)",
    "var(--purple, #8455cf)",
    "var(--red, #cc3d52)",
    "var(--teal, #15889c)",
    "var(--gold, #a98307)",
)
WIDTH, GAP = 0.26, 1.1
"""The width of a strand in quarters of an edge; how far it stops before one above it, in widths."""
FLATTEST = 0.5
"""Gaps grow with the inverse sine of the angle of a crossing, down to this one."""
APART, ROUND = 5.0, 2.5
"""Between parts of a diagram that are not connected, and the radius of a circle, in quarters of an edge."""
KAPPA = 0.5522847498
"""The handles of four cubic curves that make a circle of radius 1."""


class Strand(NamedTuple):
    """A closed curve: its points `[P, 2]` and their heights `[P]`, 1 over, −1 under a crossing, else 0.

    `darts` has for each point the dart at which the strand enters a crossing there, and −1 elsewhere;
    `sines` the sine of the angle at which strands cross there, and 1 elsewhere.
    """

    points: np.ndarray
    heights: np.ndarray
    darts: np.ndarray
    sines: np.ndarray


def strand(diagram: Diagram, cycle: list[int], layout: Layout, name: Callable[[int], Key] = int) -> Strand:
    """Return a component, given by the darts where it enters crossings, along a layout."""
    alpha = np.asarray(diagram.alpha).tolist()
    points, darts, sines = [], [], []
    for d in cycle:
        out = turn(d, 2)
        following = alpha[out]
        keys = (crossing_key(name, d >> 2), name(out), middle_key(name, out, following), name(following))
        points += [layout.at[key] for key in keys]
        darts += [d, -1, -1, -1]
        (a, b), (c, e) = (layout.at[name(turn(d, k))] - layout.at[name(turn(d, k + 2))] for k in (0, 1))
        sines += [abs(a * e - b * c) / np.hypot(a, b) / np.hypot(c, e), 1.0, 1.0, 1.0]
    placed = np.array(darts)
    heights = np.where(placed < 0, 0, np.where(placed & 1, 1, -1))
    return Strand(np.array(points), heights, placed, np.array(sines))


def reversed_strand(one: Strand) -> Strand:
    """Return a strand that begins at the same point and runs the other way."""
    back = -np.arange(len(one.points)) % len(one.points)
    darts = one.darts[back]
    darts = np.where(darts < 0, -1, turn(darts, 2))
    return Strand(one.points[back], one.heights[back], darts, one.sines[back])


def strands(diagram: Diagram) -> list[Strand]:
    """Return the components of a diagram drawn in the plane, in quarters of an edge, parts side by side."""
    cycles, found, right = diagram.strands(), [], 0.0
    for part in diagram.pieces():
        layout, own = lay_out(diagram, part), set(part)
        drawn = [strand(diagram, cycle, layout) for cycle in cycles if cycle[0] >> 2 in own]
        points = np.concatenate([one.points for one in drawn]) / layout.unit
        shift = np.array([right - points[:, 0].min(), -(points[:, 1].min() + points[:, 1].max()) / 2])
        found += [one._replace(points=one.points / layout.unit + shift) for one in drawn]
        right += np.ptp(points[:, 0]) + APART
    for _ in range(int(diagram.circles)):
        found.append(round_strand(ROUND, (right + ROUND, 0.0)))
        right += 2 * ROUND + APART
    return found


def round_strand(radius: float, centre: tuple[float, float] = (0.0, 0.0)) -> Strand:
    """Return a component that crosses nothing."""
    angle = 2 * np.pi * np.arange(12) / 12
    points = np.array(centre) + radius * np.stack([np.cos(angle), np.sin(angle)], 1)
    return Strand(points, np.zeros(12, int), np.full(12, -1), np.ones(12))


def handles(points: np.ndarray) -> np.ndarray:
    """Return the cubic Bézier curves through closed points: `[P, 4, 2]`, the k-th from point k to the next.

    The tangents are those of the parabolas through three points at their distances (Catmull and Rom 1974,
    with chord lengths).
    """
    ahead = np.roll(points, -1, 0) - points
    length = np.maximum(np.linalg.norm(ahead, axis=1), 1e-12)[:, None]
    speed, before = ahead / length, np.roll(length, 1, 0)
    tangent = (before * speed + length * np.roll(speed, 1, 0)) / (before + length)
    end = np.roll(points, -1, 0)
    return np.stack(
        [points, points + tangent * length / 3, end - np.roll(tangent, -1, 0) * length / 3, end], 1
    )


def flattened(curves: np.ndarray, pieces: int) -> np.ndarray:
    """Return points along cubic curves `[P, 4, 2]`, without the end of each: `[P, pieces, 2]`."""
    t = np.arange(pieces)[:, None] / pieces
    powers = np.concatenate([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3], 1)
    return np.einsum("sk,pkx->psx", powers, curves)


def split(curve: np.ndarray, t: float) -> tuple[np.ndarray, np.ndarray]:
    """Return both parts of a cubic curve `[4, 2]`, cut at a parameter (de Casteljau)."""
    rows = [curve]
    while len(rows[-1]) > 1:
        rows.append((1 - t) * rows[-1][:-1] + t * rows[-1][1:])
    return np.array([row[0] for row in rows]), np.array([row[-1] for row in reversed(rows)])


def arcs(one: Strand, gap: float) -> list[np.ndarray]:
    """Return the curves `[K, 4, 2]` that are seen of a strand: from one gap, where it passes under, on.

    Where strands cross at a small angle the gap is longer.  A strand that passes under nothing is one closed
    curve.
    """
    curves = handles(one.points)
    under = np.flatnonzero(one.heights < 0)
    if not len(under):
        return [curves]
    length, gaps = np.linalg.norm(curves[:, 3] - curves[:, 0], axis=1), gap / np.maximum(one.sines, FLATTEST)
    found = []
    for start, stop in zip(under, np.roll(under, -1), strict=True):
        count = (stop - start) % len(curves) or len(curves)
        arc = curves[(start + np.arange(count)) % len(curves)].copy()
        first, last = gaps[start] / length[start], gaps[stop] / length[stop - 1]
        arc[0] = split(arc[0], min(first, 0.9))[1]
        arc[-1] = split(arc[-1], 1 - min(last, 0.9))[0]
        found.append(arc)
    return found


def svg(diagram: Diagram, *, size: int = 640, color: str = "component") -> str:
    """Return a drawing as SVG text, `size` pixels at its longer side, which follows a page's theme.

    Each visible arc is a path, so that a knot diagram of n crossings has n.  `color` is "component", or
    "strand" for hues that go once around along each component.

    >>> drawing = svg(Diagram(np.array([1, 0, 3, 2])))
    >>> drawing[:4], drawing.count("<path")
    ('<svg', 1)
    """
    if color not in ("component", "strand"):
        raise BadInput(f"The colors of a drawing are by 'component' or 'strand', not {color!r}.")
    drawn = strands(diagram)
    ends = np.concatenate([flattened(handles(one.points), 4).reshape(-1, 2) for one in drawn])
    low, high = ends.min(0) - 2 * WIDTH, ends.max(0) + 2 * WIDTH
    scale = size / max(high - low)
    wide, tall = scale * (high - low)
    paths = []
    for place, one in enumerate(drawn):
        seen = arcs(one, GAP * WIDTH)
        for at, arc in enumerate(seen):
            shade = COLORS[place % len(COLORS)]
            if color == "strand":
                shade = f"hsl({round(360 * at / len(seen))} 65% 47%)"
            closed = "Z" if (one.heights >= 0).all() else ""
            path = _path((arc - (low[0], high[1])) * (scale, -scale)) + closed
            paths.append(f'<path stroke="{shade}" d="{path}"/>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.1f} {tall:.1f}">'
        f"<title>{described(diagram)}</title>"
        f'<g fill="none" stroke-width="{min(WIDTH * scale, size / 80):.2f}" stroke-linecap="round" '
        f'stroke-linejoin="round">{"".join(paths)}</g></svg>'
    )


def described(diagram: Diagram) -> str:
    """Return what a drawing shows, in words.

    >>> described(Diagram(np.array([1, 0, 3, 2])))
    'A knot diagram of 1 crossing'
    """
    n, components = diagram.crossings, diagram.components
    kind = "knot" if components == 1 else f"link of {components} components, its"
    return f"A {kind} diagram of {n} crossing{'s' * (n != 1)}"


def _path(curves: np.ndarray) -> str:
    """Return the data of an SVG path along curves that follow one another."""
    x, y = curves[0, 0]
    pieces = [f"M{x:.1f} {y:.1f}"]
    pieces += ["C" + " ".join(f"{value:.1f}" for value in curve[1:].ravel()) for curve in curves]
    return "".join(pieces)
