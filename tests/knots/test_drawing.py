"""Drawings of diagrams: planar layouts, gaps where a strand passes under, the same bytes every time."""

from xml.etree import ElementTree

import numpy as np
import pytest
from scipy.ndimage import label

from ansatz.errors import BadInput
from ansatz.knots.codes import from_braid, from_gauss, from_pd, torus
from ansatz.knots.diagram import Diagram, circle
from ansatz.knots.drawing import GAP, WIDTH, Strand, arcs, handles, strands, svg
from ansatz.knots.layout import areas, lay_out
from ansatz.knots.mesh import mesh, middle_key, outer_face
from ansatz.knots.table import named
from ansatz.knots.terminal import BITS, text

DIAGRAMS = {
    "one kink": from_pd([[1, 1, 2, 2]]),
    "kinks": from_gauss("1 -1 2 -2 3 -3"),
    "trefoil": torus(2, 3),
    "sum of knots": from_braid([1, 1, 1, -2, -2, -2]),
    "Hopf link": torus(2, 2),
    "Culprit": named("Culprit"),
    "D28": named("D28"),
    "OchiaiIV": named("OchiaiIV"),
}


def meetings(lines: list[np.ndarray]) -> np.ndarray:
    """Return the pairs of segments that cross, of closed polylines; touching ends do not count."""
    a, b = (np.concatenate([np.roll(line, -k, 0) for line in lines]) for k in (0, 1))

    def side(p: np.ndarray) -> np.ndarray:
        u, v = b - a, p[None] - a[:, None]
        return u[:, None, 0] * v[..., 1] - u[:, None, 1] * v[..., 0]

    apart = side(a) * side(b) < -1e-18
    return np.argwhere(np.triu(apart & apart.T))


def smooth(one: Strand, pieces: int = 3) -> np.ndarray:
    """Return points along the curve that is drawn, none of them at a crossing."""
    t = (np.arange(pieces)[:, None] + 0.5) / pieces
    powers = np.concatenate([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3], 1)
    return np.einsum("sk,pkx->psx", powers, handles(one.points)).reshape(-1, 2)


def turned_area(points: np.ndarray) -> float:
    after = np.roll(points, -1, 0)
    return float((points[:, 0] * after[:, 1] - points[:, 1] * after[:, 0]).sum())


@pytest.mark.parametrize("name", DIAGRAMS)
def test_triangles_and_faces_are_turned_one_way(name: str):
    diagram = DIAGRAMS[name]
    (part,) = diagram.pieces()
    outer = outer_face(diagram, part)
    disk, layout = mesh(diagram, part, outer, int), lay_out(diagram, part)
    points = np.array([layout.at[key] for key in disk.keys])
    assert (areas(points, disk.triangles) > 0).all()
    radii = np.linalg.norm(points, axis=1)
    assert np.allclose(radii[-disk.ring :], 1) and radii.max() < 1 + 1e-9
    sides = np.sort(disk.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), 1)
    assert len(disk.keys) - len(np.unique(sides, axis=0)) + len(disk.triangles) == 1
    alpha = diagram.alpha.tolist()
    for face in diagram.faces():
        keys = [key for d in face for key in (d, middle_key(int, d, alpha[d]), alpha[d])]
        area = turned_area(np.array([layout.at[key] for key in keys]))
        assert (area < 0) == (face == outer) and abs(area) > 0.2 * layout.unit**2


@pytest.mark.parametrize("name", DIAGRAMS)
def test_strands_meet_at_crossings_only(name: str):
    diagram = DIAGRAMS[name]
    drawn = strands(diagram)
    assert len(meetings([one.points for one in drawn])) == 0
    assert len(meetings([smooth(one) for one in drawn])) == diagram.crossings


def test_a_strand_across_others_is_noticed():
    crossed = np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    assert len(meetings([crossed])) == 1


@pytest.mark.parametrize("name", DIAGRAMS)
def test_gaps_are_where_strands_pass_under(name: str):
    diagram, gap = DIAGRAMS[name], GAP * WIDTH
    seen, under, over = [], [], []
    for one in strands(diagram):
        seen += arcs(one, gap)
        under += one.points[one.heights < 0].tolist()
        over += one.points[one.heights > 0].tolist()
    assert len(seen) == len(under) == len(over) == diagram.crossings
    joints = np.concatenate([arc[1:, 0] for arc in seen])
    assert all(np.isclose(joints, point).all(1).any() for point in over)
    ends = np.concatenate([[arc[0, 0], arc[-1, 3]] for arc in seen])
    apart = np.sort(np.linalg.norm(ends[:, None] - np.array(under)[None], axis=2), 0)
    assert (apart[:2] < 2.4 * gap).all() and (apart[:2] > 0.3 * gap).all()
    assert (apart[2:] > gap).all() or diagram.crossings == 1


def test_drawings_are_svg_with_an_arc_for_each_crossing():
    drawing = svg(named("Culprit"))
    assert drawing == svg(named("Culprit"))
    root = ElementTree.fromstring(drawing)
    assert {one.tag.split("}")[1] for one in root.iter()} == {"svg", "title", "g", "path"}
    assert drawing.count("<path") == 10 and drawing.count("Z") == 0
    assert len({path.split('"')[1] for path in svg(named("4_1"), color="strand").split("<path")[1:]}) == 4
    link = Diagram(torus(2, 4).alpha, 1)
    assert svg(link).count("<path") == 5 and svg(link).count('Z"') == 1
    assert "link of 3 components" in svg(link)
    assert svg(circle()).count('Z"') == 1
    with pytest.raises(BadInput, match="'component' or 'strand', not 'rainbow'"):
        svg(circle(), color="rainbow")


def test_parts_stand_apart():
    trefoil = torus(2, 3).alpha
    both = Diagram(np.concatenate([trefoil, trefoil + 12]))
    left, right = (one.points for one in strands(both))
    assert left[:, 0].max() < right[:, 0].min()
    assert svg(both).count("<path") == 6


@pytest.mark.parametrize("name", ["4_1", "Culprit", "Thistlethwaite"])
def test_the_terminal_shows_every_arc_apart(name: str):
    lines = text(named(name)).split("\n")
    assert max(map(len, lines)) <= 72 and len(lines) <= 37
    dots = np.zeros((4 * len(lines), 2 * 72), int)
    for row, line in enumerate(lines):
        for column, mark in enumerate(line):
            bits = 0 if mark == " " else ord(mark) - 0x2800
            dots[4 * row : 4 * row + 4, 2 * column : 2 * column + 2] = (bits & BITS) > 0
    assert label(dots, np.ones((3, 3)))[1] == named(name).crossings


def test_the_terminal_draws_the_circle_and_refuses_no_room():
    assert len(text(circle(), 20).split("\n")) == 10
    with pytest.raises(BadInput, match="10 characters wide at least, not 4"):
        text(circle(), 4)
