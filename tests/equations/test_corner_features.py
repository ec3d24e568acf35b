"""Singular functions at corners: harmonic, zero where they should be, with the derivatives they say."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansatz.core import BadInput
from ansatz.equations.corner_features import KINDS, corner_exponents, corner_tables
from ansatz.equations.domain import Corner, Disk, l_shape

corners = st.builds(
    Corner,
    st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    st.floats(0.3, 6.2),
    st.floats(-math.pi, math.pi),
)
ORIGIN = Corner((0.0, 0.0), math.pi / 2, 0.0)


def around(corner: Corner, angles: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Return the points at polar coordinates of a corner."""
    turned = corner.start + angles
    return np.asarray(corner.vertex) + radii[:, None] * np.stack([np.cos(turned), np.sin(turned)], axis=1)


def inside(corner: Corner, count: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """Return angles and radii inside."""
    draw = np.random.default_rng(2)
    return corner.angle * draw.uniform(0.02, 0.98, count), draw.uniform(0.2, 1.5, count)


@settings(deadline=None)
@given(corners, st.floats(0.1, 6), st.sampled_from(sorted(KINDS)), st.sampled_from([0.7, 1.0, 2.0]))
def test_values_are_those_of_the_formula(corner: Corner, s: float, kind: str, radius: float):
    angles, radii = inside(corner)
    value = corner_tables(corner, [s], kind, around(corner, angles, radii), radius=radius)["value"][:, 0]
    r, sine, cosine = radii / radius, np.sin(s * angles), np.cos(s * angles)
    expected = {
        "dirichlet": r**s * sine,
        "neumann": r**s * cosine,
        "dirichlet_logarithm": r**s * (np.log(r) * sine + angles * cosine),
        "neumann_logarithm": r**s * (np.log(r) * cosine - angles * sine),
    }[kind]
    np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-10)


@settings(deadline=None)
@given(corners, st.floats(0.1, 5), st.sampled_from(sorted(KINDS)), st.sampled_from([1.0, 1.7]))
def test_derivatives_are_those_of_differences(corner: Corner, s: float, kind: str, radius: float):
    points, step = around(corner, *inside(corner)), 1e-5

    def tables(x: float, y: float):
        return corner_tables(corner, [s, 2 * s], kind, points + np.asarray([x, y]), radius=radius)

    here = tables(0, 0)
    for axis, (x, y) in {"x": (step, 0), "y": (0, step)}.items():
        ahead, behind = tables(x, y), tables(-x, -y)
        pairs = {"value": axis, "x": "x" + axis, axis: axis + axis}
        for name, derivative in pairs.items():
            expected = (ahead[name] - behind[name]) / (2 * step)
            known = here["xy" if derivative in ("xy", "yx") else derivative]
            np.testing.assert_allclose(known, expected, rtol=1e-5, atol=1e-5 * np.max(np.abs(known)) + 1e-6)


@settings(deadline=None)
@given(corners, st.sampled_from(sorted(KINDS)))
def test_all_are_harmonic(corner: Corner, kind: str):
    exponents = corner_exponents(corner, 8)
    found = corner_tables(corner, exponents, kind, around(corner, *inside(corner)))
    size = np.abs(found["xx"]) + np.abs(found["xy"])
    assert np.all(np.abs(found["xx"] + found["yy"]) <= 1e-12 * size)


@pytest.mark.parametrize("side", [0.0, 1.0])
@pytest.mark.parametrize("corner", [*l_shape().corners, Corner((1.0, 2.0), 5.9, -2.0)], ids=str)
def test_boundary_values_and_fluxes_vanish(corner: Corner, side: float):
    radii = np.linspace(0.1, 1.0, 20)
    points = around(corner, np.full(20, side * corner.angle * (1 - 1e-15)), radii)
    exponents = corner_exponents(corner, 6)
    assert np.max(np.abs(corner_tables(corner, exponents, "dirichlet", points)["value"])) < 1e-12
    direction = corner.start + side * corner.angle + math.pi / 2
    flux = corner_tables(corner, exponents, "neumann", points, order=1)
    normal = math.cos(direction) * flux["x"] + math.sin(direction) * flux["y"]
    assert np.max(np.abs(normal)) < 1e-11
    mixed = corner_tables(corner, corner_exponents(corner, 6, mixed=True), "dirichlet", points, order=1)
    normal = math.cos(direction) * mixed["x"] + math.sin(direction) * mixed["y"]
    assert np.max(np.abs(mixed["value"] if side == 0 else normal)) < 1e-11


def test_resonance_lifts_a_polynomial_to_the_second_edge():
    radii = np.linspace(0.1, 1.0, 7)
    points = around(ORIGIN, np.full(7, math.pi / 2), radii)
    value = corner_tables(ORIGIN, [2], "dirichlet_logarithm", points)["value"][:, 0]
    np.testing.assert_allclose(value, -(math.pi / 2) * radii**2, atol=1e-14)


def test_exponents():
    reentrant = next(corner for corner in l_shape().corners if corner.reentrant)
    np.testing.assert_allclose(corner_exponents(reentrant, 4), [2 / 3, 4 / 3, 2, 8 / 3])
    np.testing.assert_allclose(corner_exponents(reentrant, 3, whole=False), [2 / 3, 4 / 3, 8 / 3])
    np.testing.assert_allclose(corner_exponents(reentrant, 2, mixed=True), [1 / 3, 1])
    assert corner_exponents(ORIGIN, 3) == (2.0, 4.0, 6.0)
    with pytest.raises(BadInput, match="whole numbers"):
        corner_exponents(ORIGIN, 1, whole=False)


def test_vertex_itself():
    vertex = np.zeros((1, 2))
    assert corner_tables(ORIGIN, [0.5, 2], "dirichlet", vertex, order=0)["value"].tolist() == [[0.0, 0.0]]
    assert corner_tables(ORIGIN, [2], "dirichlet", vertex)["xy"].tolist() == [[2.0]]
    assert corner_tables(ORIGIN, [2.5], "dirichlet_logarithm", vertex)["xy"].tolist() == [[0.0]]
    with pytest.raises(BadInput, match="stands on the vertex"):
        corner_tables(ORIGIN, [0.5], "dirichlet", vertex, order=1)
    with pytest.raises(BadInput, match="did you mean 'dirichlet'"):
        corner_tables(ORIGIN, [0.5], "dirichlett", vertex)
    with pytest.raises(BadInput, match="order is the highest"):
        corner_tables(ORIGIN, [0.5], "dirichlet", vertex, order=3)
    with pytest.raises(BadInput, match="from 0 upward"):
        corner_tables(ORIGIN, [-0.5], "dirichlet", vertex)


def torsion_of_the_l_shape(count: int) -> tuple[float, float]:
    """Return u(-1/2, -1/2) for -Δu = 1 and the largest error on the boundary, by corner functions.

    ``-(x² + y²)/4`` is corrected by harmonic functions: those of every corner, with the resonant r² terms.
    """
    shape = l_shape()
    points, _ = shape.boundary(2000, corners=3)
    probe = np.asarray([[-0.5, -0.5]])

    def columns(where: np.ndarray) -> np.ndarray:
        found = []
        for corner in shape.corners:
            exponents = corner_exponents(corner, count if corner.reentrant else count // 3)
            found.append(corner_tables(corner, exponents, "dirichlet", where, 0, 2.5)["value"])
            found.append(corner_tables(corner, [2], "dirichlet_logarithm", where, 0, 2.5)["value"])
            found.append(corner_tables(corner, [1, 2], "neumann", where, 0, 2.5)["value"])
        return np.concatenate([np.ones((len(where), 1)), *found], axis=1)

    wanted = np.sum(points**2, axis=1) / 4
    matrix = columns(points)
    scale = np.linalg.norm(matrix, axis=0)
    weights = np.linalg.lstsq(matrix / scale, wanted, rcond=1e-15)[0] / scale
    error = float(np.max(np.abs(matrix @ weights - wanted)))
    return float((columns(probe) @ weights)[0] - np.sum(probe**2) / 4), error


def test_poisson_on_the_l_shape_by_corner_functions():
    value, error = torsion_of_the_l_shape(30)
    assert error < 1e-7  # by the maximum principle the error inside is no larger
    assert value == pytest.approx(0.13105, abs=1e-5)


def test_a_smooth_domain_has_no_corner():
    assert Disk((0, 0), 1).corners == ()
