"""Domains: distances, areas, boundaries, corners and factors against closed forms and brute force."""

import itertools
import math

import numpy as np
import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansatz.core import BadInput
from ansatz.equations.domain import (
    Annulus,
    Ball,
    Box,
    Corner,
    Disk,
    Polygon,
    Rectangle,
    Shape,
    difference,
    intersection,
    l_shape,
    union,
)
from ansatz.equations.levels import formula
from ansatz.equations.shape import finite

SQUARE = Rectangle(((-1, 1), (-1, 1)))
COMB = Polygon(
    [(0, 0), (7, 0), (7, 3), (6, 3), (6, 1), (5, 1), (5, 3), (3, 3), (3, 1), (2, 1), (2, 3), (0, 3)]
)
SPIRAL = Polygon(
    [(0, 0), (5, 0), (5, 5), (1, 5), (1, 2), (3, 2), (3, 3), (2, 3), (2, 4), (4, 4), (4, 1), (0, 1)]
)
PRIMITIVES = [
    Disk((0.3, -0.2), 1.5),
    Annulus((1, 2), 0.4, 1.1),
    Rectangle(((-1, 2), (0, 0.5))),
    Polygon([(0, 0), (2, 0), (0.5, 1.5)]),
    Polygon([(math.cos(2 * math.pi * k / 7), math.sin(2 * math.pi * k / 7)) for k in range(7)]),
    l_shape(),
    COMB,
    SPIRAL,
    Ball((0, 1, 2), 0.7),
    Ball((0, 0, 0, 0), 2),
    Box(((0, 1), (-1, 1), (2, 5))),
]
COMBINED = [
    Disk((0, 0), 1) | Disk((1, 0.2), 0.8),
    Disk((0, 0), 1) & Disk((1, 0.2), 0.8),
    SQUARE - Disk((0, 0), 0.5),
    SQUARE - Disk((1, 1), 0.75),
    (Rectangle(((0, 3), (0, 1))) | Disk((1.5, 0.9), 0.7)) - Disk((0.3, 0.4), 0.2),
    Rectangle(((-1, 0), (-1, 1))) | Rectangle(((0, 1), (-1, 0))),
    Rectangle(((0, 3), (0, 3))) - Rectangle(((1, 2), (1, 2))),
    Annulus((0, 0), 0.5, 1) & Rectangle(((0, 2), (0, 2))),
    Disk((0, 0), 1) | Disk((5, 0), 1),
    Ball((0, 0, 0), 1) - Ball((1, 0, 0), 0.8),
    Box(((-1, 1), (-1, 1), (-1, 1))) & Ball((0, 0, 0), 1.2),
]
SHAPES = PRIMITIVES + COMBINED
described = {"ids": lambda shape: shape.describe()[:40]}


def cloud(shape: Shape, count: int = 4000) -> np.ndarray:
    """Return points in and around a shape."""
    low, high = np.asarray(shape.bounds).T
    wide = 0.3 * (high - low)
    return np.random.default_rng(1).uniform(low - wide, high + wide, (count, shape.dimension))


def evaluate(expression: sympy.Expr, symbols: tuple, points: np.ndarray) -> np.ndarray:
    """Return the values of an expression that is made of +, ·, powers."""
    values = dict(zip(symbols, points.T, strict=True))

    def of(node: sympy.Basic) -> np.ndarray:
        if node in values:
            return values[node]
        if isinstance(node, sympy.Add):
            return sum(of(one) for one in node.args)
        if isinstance(node, sympy.Mul):
            return math.prod((of(one) for one in node.args), start=np.ones(len(points)))
        if isinstance(node, sympy.Pow):
            power = float(node.exp)
            base = of(node.base)
            return np.power(np.maximum(base, 0.0), power) if power == 0.5 else np.power(base, power)
        return np.full(len(points), float(node))

    return of(expression)


def symbols_of(shape: Shape) -> tuple[sympy.Symbol, ...]:
    return sympy.symbols(f"x:{shape.dimension}", real=True)


def stars() -> st.SearchStrategy[list[tuple[float, float]]]:
    """Return the vertices of star-shaped polygons with random radii."""
    radii = st.lists(st.floats(0.2, 2.0), min_size=4, max_size=12)

    def make(radii: list[float]) -> list[tuple[float, float]]:
        angles = 2 * math.pi * np.arange(len(radii)) / len(radii)
        return [(float(r * math.cos(a)), float(r * math.sin(a))) for r, a in zip(radii, angles, strict=True)]

    return radii.map(make)


@pytest.mark.parametrize("shape", SHAPES, **described)
def test_interior_is_inside_and_repeats(shape: Shape):
    points = shape.interior(500, seed=3, margin=0.01)
    assert points.shape == (500, shape.dimension)
    assert np.all(shape.signed_distance(points) < -0.01) and np.all(shape.contains(points))
    assert np.array_equal(points, shape.interior(500, seed=3, margin=0.01))
    assert not np.array_equal(points, shape.interior(500, seed=4, margin=0.01))


@pytest.mark.parametrize("shape", SHAPES, **described)
def test_boundary_is_at_distance_zero_with_outward_normals(shape: Shape):
    points, normals = shape.boundary(300)
    assert len(points) >= 300 and points.shape == normals.shape
    assert np.max(np.abs(shape.signed_distance(points))) < 1e-9
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1.0, rtol=1e-12)
    step = 1e-6
    assert np.all(shape.signed_distance(points + step * normals) > 0.5 * step)
    assert np.all(shape.signed_distance(points - step * normals) < -0.5 * step)
    low, high = np.asarray(shape.bounds).T
    assert np.all(points >= low - 1e-12) and np.all(points <= high + 1e-12)


@pytest.mark.parametrize("shape", [one for one in SHAPES if one.dimension == 2], **described)
def test_distance_is_that_of_the_nearest_boundary_point(shape: Shape):
    points, (edge, _) = cloud(shape, 500), shape.boundary(20000)
    nearest = np.min(np.linalg.norm(points[:, None, :] - edge[None, :, :], axis=2), axis=1)
    spacing = 30 * shape.scale / 20000
    np.testing.assert_allclose(np.abs(shape.signed_distance(points)), nearest, atol=spacing)


@pytest.mark.parametrize("shape", [one for one in PRIMITIVES if one.dimension > 2], **described)
def test_distance_in_space_is_lipschitz_and_reached(shape: Shape):
    points, (edge, _) = cloud(shape, 200), shape.boundary(30000)
    nearest = np.min(np.linalg.norm(points[:, None, :] - edge[None, :, :], axis=2), axis=1)
    distance = np.abs(shape.signed_distance(points))
    assert np.all(distance <= nearest + 1e-12) and np.max(nearest - distance) < 0.2 * shape.scale


@pytest.mark.parametrize("shape", SHAPES, **described)
def test_area_is_that_of_random_points(shape: Shape):
    low, high = np.asarray(shape.bounds).T
    points = np.random.default_rng(0).uniform(low, high, (200_000, shape.dimension))
    box = float(np.prod(high - low))
    assert shape.area == pytest.approx(box * np.mean(shape.signed_distance(points) < 0), abs=0.006 * box)


@pytest.mark.parametrize("shape", SHAPES, **described)
def test_factor_vanishes_on_the_boundary_only(shape: Shape):
    symbols = symbols_of(shape)
    factor = shape.factor(symbols)
    assert factor is not None
    points, normals = shape.boundary(200)
    assert np.max(np.abs(evaluate(factor, symbols, points))) < 1e-7 * max(1.0, shape.scale)
    assert np.all(evaluate(factor, symbols, shape.interior(2000, margin=1e-3 * shape.scale)) > 0)
    step = 1e-5
    slope = evaluate(factor, symbols, points - step * normals) / step
    assert np.all(slope > 0) and 0.1 < np.median(slope) < 10


@pytest.mark.parametrize("shape", SHAPES, **described)
def test_level_is_negative_outside(shape: Shape):
    symbols = symbols_of(shape)
    level, points = shape.level(symbols), cloud(shape)
    assert level is not None
    distance = shape.signed_distance(points)
    clear = np.abs(distance) > 1e-6
    assert np.array_equal(evaluate(level, symbols, points[clear]) > 0, distance[clear] < 0)


@settings(deadline=None, max_examples=60)
@given(stars())
def test_formula_of_a_polygon_is_its_inside(star: list[tuple[float, float]]):
    shape = Polygon(star)
    vertices, points = np.asarray(shape.vertices), cloud(shape, 2000)
    ahead = np.roll(vertices, -1, axis=0) - vertices
    left = [
        d[0] * (points[:, 1] - v[1]) - d[1] * (points[:, 0] - v[0]) > 0
        for v, d in zip(vertices, ahead, strict=True)
    ]
    leaves = []

    def of(tree: object) -> np.ndarray:
        if isinstance(tree, int):
            leaves.append(tree)
            return left[tree]
        join, first, second = tree  # type: ignore[misc]
        return of(first) & of(second) if join == "and" else of(first) | of(second)

    distance = shape.signed_distance(points)
    clear = np.abs(distance) > 1e-9
    assert np.array_equal(of(formula(vertices))[clear], distance[clear] < 0)
    assert sorted(leaves) == list(range(len(vertices)))


@settings(deadline=None, max_examples=60)
@given(stars())
def test_angles_of_a_polygon_add_up(star: list[tuple[float, float]]):
    shape = Polygon(star)
    assert len(shape.corners) == len(shape.vertices)
    total = sum(corner.angle for corner in shape.corners)
    assert total == pytest.approx((len(shape.vertices) - 2) * math.pi)
    for corner in shape.corners:
        middle = corner.start + corner.angle / 2
        beside = np.asarray([corner.vertex]) + 1e-5 * np.asarray([[math.cos(middle), math.sin(middle)]])
        assert shape.contains(beside)[0]


@settings(deadline=None, max_examples=60)
@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(0.1, 2), st.sampled_from("|&-"))
def test_two_disks_combine_as_their_lens_says(x: float, y: float, radius: float, join: str):
    one, two, gap = Disk((0, 0), 1), Disk((x, y), radius), math.hypot(x, y)
    assume(min(abs(gap - 1 - radius), abs(gap - abs(1 - radius))) > 0.02)
    if gap >= 1 + radius:
        lens = 0.0
    elif gap <= abs(1 - radius):
        lens = math.pi * min(1.0, radius) ** 2
    else:
        first = math.acos((gap**2 + 1 - radius**2) / (2 * gap))
        second = math.acos((gap**2 + radius**2 - 1) / (2 * gap * radius))
        lens = first - math.sin(2 * first) / 2 + radius**2 * (second - math.sin(2 * second) / 2)
    total = math.pi * (1 + radius**2)
    area = {"|": total - lens, "&": lens, "-": math.pi - lens}[join]
    made = {"|": union, "&": intersection, "-": difference}[join]
    if area < 1e-6:
        with pytest.raises(BadInput, match="has no interior"):
            made(one, two)
        return
    shape = made(one, two)
    assert shape.area == pytest.approx(area, rel=1e-9)
    meeting = abs(1 - radius) < gap < 1 + radius
    assert len(shape.corners) == (2 if meeting else 0)
    assert all(corner.reentrant == (join == "|") for corner in shape.corners if join != "-")
    points = cloud(shape, 300)
    inside = {"|": np.logical_or, "&": np.logical_and, "-": lambda a, b: a & ~b}[join]
    expected = inside(one.signed_distance(points) < 0, two.signed_distance(points) < 0)
    assert np.array_equal(shape.signed_distance(points) < 0, expected)


def test_l_shape_has_one_reentrant_corner():
    shape = l_shape()
    assert shape.area == pytest.approx(3.0)
    assert shape.describe() == "polygon((0,0),(0,1),(-1,1),(-1,-1),(1,-1),(1,0))"
    (corner,) = [corner for corner in shape.corners if corner.reentrant]
    assert corner.vertex == (0.0, 0.0)
    assert corner.angle == pytest.approx(1.5 * math.pi)
    assert corner.start == pytest.approx(math.pi / 2)
    rest = [one.angle for one in shape.corners if not one.reentrant]
    np.testing.assert_allclose(rest, math.pi / 2)
    assert shape.signed_distance(np.array([[-0.5, -0.5], [0.5, 0.5]])).tolist() == [-0.5, 0.5]


def test_two_rectangles_with_a_common_edge_are_the_l_shape():
    joined = Rectangle(((-1, 0), (-1, 1))) | Rectangle(((0, 1), (-1, 0)))
    points = cloud(l_shape())
    np.testing.assert_allclose(joined.signed_distance(points), l_shape().signed_distance(points), atol=1e-14)
    assert joined.signed_distance(np.array([[0.0, -0.5]])).tolist() == [-0.5]
    assert {one.vertex for one in joined.corners} == {one.vertex for one in l_shape().corners}


def test_corners_between_an_arc_and_a_line():
    shape = Disk((0, 0), 1) & Rectangle(((-2, 2), (0, 2)))
    assert shape.area == pytest.approx(math.pi / 2)
    assert sorted(corner.vertex[0] for corner in shape.corners) == pytest.approx([-1.0, 1.0])
    np.testing.assert_allclose([corner.angle for corner in shape.corners], math.pi / 2)
    assert shape.bounds == (pytest.approx((-1.0, 1.0)), pytest.approx((0.0, 1.0), abs=1e-12))


def test_parts_that_share_a_curve_have_no_factor():
    half = Disk((0, 0), 1) & Rectangle(((-2, 2), (0, 2)))
    assert half.factor(sympy.symbols("x y", real=True)) is not None
    whole = half | (Disk((0, 0), 1) & Rectangle(((-2, 2), (-2, 0))))
    assert whole.area == pytest.approx(math.pi) and whole.corners == ()
    assert whole.factor(sympy.symbols("x y", real=True)) is None


def test_a_corner_inside_the_whole_leaves_no_smooth_factor():
    symbols = sympy.symbols("x y z", real=True)
    stadium = Rectangle(((0, 3), (0, 1))) | Disk((3, 0.5), 0.7)
    assert stadium.factor(symbols[:2]) is None and stadium.level(symbols[:2]) is not None
    assert (stadium - Rectangle(((2, 5), (-1, 3)))).factor(symbols[:2]) is not None
    trio = Disk((0, 0), 1) | Disk((1, 0), 1) | Disk((0.5, 0.9), 0.4)
    assert len(trio.corners) == 3 and trio.factor(symbols[:2]) is None
    solid = Box(((0, 1), (0, 1), (0, 1))) | Ball((1, 1, 1), 0.5)
    assert solid.factor(symbols) is None and solid.level(symbols) is not None
    assert (solid - Ball((0, 0, 0), 0.1)).factor(symbols) is None


def test_points_crowd_toward_corners():
    even, _ = l_shape().boundary(400)
    dense, _ = l_shape().boundary(400, corners=4)
    gaps = [np.sort(np.linalg.norm(points, axis=1)) for points in (even, dense)]
    assert gaps[0][0] > 1e-3 and gaps[1][0] < 1e-4
    counts = np.histogram(gaps[1], bins=[1e-4, 1e-3, 1e-2, 1e-1])[0]
    assert np.all(counts > 5) and counts.max() < 2.5 * counts.min()
    spacing = np.linalg.norm(np.diff(Disk((0, 0), 2).boundary(64)[0], axis=0), axis=1)
    np.testing.assert_allclose(spacing, 4 * math.sin(math.pi / 64))


def test_boundary_seed_moves_the_points():
    first, second = (l_shape().boundary(60, seed=seed)[0] for seed in (0, 1))
    assert first.shape == second.shape and not np.allclose(first, second)


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        (Disk((0, 0), 1), "disk(0,0,1)"),
        (Annulus((0, 0.5), 0.25, 1), "annulus(0,0.5,0.25,1)"),
        (Ball((0, 0, 1), 2), "ball(0,0,1,2)"),
        (Rectangle(((0, 1), (-1, 2.5))), "rectangle(0,1,-1,2.5)"),
        (Box(((0, 1), (0, 2), (0, 3))), "box(0,1,0,2,0,3)"),
        (Polygon([(0, 0), (1, 1), (1, 0)]), "polygon((1,0),(1,1),(0,0))"),
        (SQUARE - Disk((0, 0), 0.1), "rectangle(-1,1,-1,1) - disk(0,0,0.1)"),
        (
            (Disk((0, 0), 1) | Disk((1, 0), 1)) & SQUARE,
            "(disk(0,0,1) | disk(1,0,1)) & rectangle(-1,1,-1,1)",
        ),
    ],
    ids=str,
)
def test_shapes_are_described_and_equal_by_it(shape: Shape, text: str):
    assert shape.describe() == text and repr(shape) == text
    assert shape == shape and hash(shape) == hash(text) and shape != Disk((9, 9), 9)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Disk((0, 0), 0), "radius of a disk must be above 0, not 0"),
        (lambda: Disk((0, 0, 0), 1), "must be 2 numbers, not the 3"),
        (lambda: Disk((0, math.nan), 1), "finite"),
        (lambda: finite("The center", (0, "a"), 2), "must be numbers"),
        (lambda: Annulus((0, 0), 2, 1), "below the outer one, not 2 against 1"),
        (lambda: Ball((0, 0), 1), r"disk\(x,y,radius\)"),
        (lambda: Rectangle(((1, 0), (0, 1))), "upward, not from 1 to 0"),
        (lambda: Rectangle(((0, 1),)), "2 intervals, not 1"),
        (lambda: Box(((0, 1), (0, 1))), "3 intervals or more"),
        (lambda: Polygon([(0, 0), (1, 1)]), "3 vertices or more, not 2"),
        (lambda: Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), r"from \(0,0\) to \(1,1\) and from \(1,0\) to"),
        (lambda: Polygon([(0, 0), (2, 0), (1, 0)]), "turns back on itself at"),
        (lambda: Polygon([(0, 0), (0, 0), (1, 0), (0, 1)]), r"\(0,0\) twice"),
        (lambda: Polygon([(0, 0), (4, 0), (4, 4), (2, 0), (0, 4)]), "meet"),
        (lambda: Disk((0, 0), 1) & Disk((5, 0), 1), "has no interior"),
        (lambda: SQUARE & Rectangle(((1, 2), (-1, 1))), "has no interior"),
        (lambda: Disk((0, 0), 1) - Disk((0, 0), 2), "has no interior"),
        (lambda: Ball((0, 0, 0), 1) & Ball((3, 0, 0), 1), "has no interior"),
        (lambda: Disk((0, 0), 1) | Ball((0, 0, 0), 1), "2 coordinates and"),
        (lambda: SQUARE.signed_distance(np.zeros((3, 3))), r"\[n, 2\], not \[3, 3\]"),
        (lambda: SQUARE.interior(3, margin=2), "from its boundary"),
        (lambda: SQUARE.factor(sympy.symbols("x y z")), "2 coordinates, not 3"),
        (lambda: SQUARE.boundary(3, corners=-1), "decades"),
    ],
)
def test_bad_shapes_are_refused_in_a_sentence(make, words: str):
    with pytest.raises(BadInput, match=words) as caught:
        make()
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_straight_vertices_are_no_corners():
    shape = Polygon([(0, 0), (1, 0), (2, 0), (2, 2), (0, 2), (0, 0)])
    assert len(shape.vertices) == 4 and shape.area == 4.0
    assert all(isinstance(corner, Corner) for corner in shape.corners)


def test_every_pair_of_primitives_of_the_plane_combines():
    plane = [shape for shape in PRIMITIVES if shape.dimension == 2]
    for one, two in itertools.combinations(plane, 2):
        joined = one | two
        points = cloud(joined, 300)
        inside = (one.signed_distance(points) < -1e-9) | (two.signed_distance(points) < -1e-9)
        outside = (one.signed_distance(points) > 1e-9) & (two.signed_distance(points) > 1e-9)
        distance = joined.signed_distance(points)
        assert np.all(distance[inside] < 0) and np.all(distance[outside] > 0)
        edge, normals = joined.boundary(100)
        assert np.all(joined.signed_distance(edge + 1e-7 * normals) > 0)
        assert joined.area <= one.area + two.area + 1e-12
