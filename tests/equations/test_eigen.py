"""Levels of eigenvalue problems against closed forms, special functions and certified references."""

import mpmath
import numpy as np
import pytest
import scipy.special
from scipy.optimize import brentq

from ansatz.core import BadInput
from ansatz.equations.corner_layer import CornerLayer
from ansatz.equations.declare import problem_of_text
from ansatz.equations.domain import Annulus, Disk, Polygon, Rectangle, l_shape
from ansatz.equations.eigen import Levels, eigen
from ansatz.equations.reference.levels import (
    hydrogen_state,
    oscillator_levels,
    oscillator_state,
    quartic_levels,
)
from ansatz.equations.reference.lshape import membrane_levels
from ansatz.equations.shape_rules import rule

PI = np.pi
AIRY = [-float(mpmath.airyaizero(k)) for k in (1, 2, 3, 4)]
"""The zeros of Ai; those of `scipy.special.ai_zeros` are off by 2e-13."""
BOX = ("x=0..1", ["u(0)=0", "u(1)=0"])


def levels(equation, on, where, count, **options) -> Levels:
    """Solve a problem stated in text for its lowest `count` levels."""
    return eigen(problem_of_text(equation, on, where, eigenvalue="E", levels=count, **options))


def agree(found: Levels, exact, tolerance: float) -> None:
    """Check the values, that the errors are believable, and that the search converged."""
    exact = np.asarray(exact, float)
    miss = np.abs(found.values - exact)
    assert found.converged, found.remarks
    assert miss.max() < tolerance, miss
    assert (miss <= 30 * found.errors).all(), (miss, found.errors)


def robin(k: int) -> float:
    """Return the k-th root squared of w cos w + sin w = 0."""
    return brentq(lambda w: w * np.cos(w) + np.sin(w), (k + 0.5) * PI, (k + 1) * PI, xtol=1e-15) ** 2


def test_six_levels_and_states_of_the_oscillator():
    found = levels("-u''/2 + x^2*u/2 = E*u", "x=-10..10", ["u(-10)=0", "u(10)=0"], 6)
    agree(found, oscillator_levels(6), 1e-10)
    x = np.linspace(-6, 6, 101)
    for n in range(6):
        state = oscillator_state(n, x)
        mine = found.field(n, 0, x[:, None])
        assert np.abs(np.abs(mine) - np.abs(state)).max() < 1e-8
        assert mine[np.abs(mine).argmax()] > 0 or n % 2
    slope = found.field(0, 0, x[:, None], (1,))
    assert np.abs(slope + x * found.field(0, 0, x[:, None])).max() < 1e-8


def test_quartic():
    found = levels("-u''/2 + x^4*u = E*u", "x=-6..6", ["u(-6)=0", "u(6)=0"], 3)
    agree(found, quartic_levels(3), 1e-10)
    assert abs(found.values[0] - 0.667986259155777) < 1e-12


def test_hydrogen_has_a_singular_end():
    found = levels("-u''/2 - u/x = E*u", "x=0..90", ["u(0)=0", "u(90)=0"], 3)
    agree(found, [-1 / 2, -1 / 8, -1 / 18], 1e-10)
    x = np.linspace(0.01, 40, 50)
    assert np.abs(np.abs(found.field(1, 0, x[:, None])) - np.abs(hydrogen_state(2, x))).max() < 1e-8


@pytest.mark.parametrize(
    ("equation", "on", "where", "exact"),
    [
        ("-u'' = E*u", *BOX, [(n * PI) ** 2 for n in (1, 2, 3, 4)]),
        ("-u'' = E*u", "x=0..1", ["u'(0)=0", "u'(1)=0"], [(n * PI) ** 2 for n in (0, 1, 2)]),
        ("-u'' = E*u", "x=0..1", ["u(0)=0", "u'(1)+u(1)=0"], [robin(k) for k in range(3)]),
        ("-u'' = E*u", "x=0..1", ["periodic(x)"], [0, 4 * PI**2, 4 * PI**2, 16 * PI**2, 16 * PI**2]),
        ("-u''+x*u = E*u", "x=0..20", ["u(0)=0", "u(20)=0"], AIRY),
        ("-(1-x^2)*u''+2*x*u' = E*u", "x=0..1", ["u'(0)=0", "2*u'(1)=E*u(1)"], [0, 6, 20]),
        (
            "-u''+4*cos(2*x)*u = E*u", "x=0..pi", ["u'(0)=0", "u'(pi)=0"],
            [scipy.special.mathieu_a(n, 2.0) for n in range(4)],
        ),
        (["u'=v", "-v'=E*u"], *BOX, [(n * PI) ** 2 for n in (1, 2, 3)]),
        (["u''=v", "v''=E*u"], "x=0..1", ["u(0)=0", "u(1)=0", "v(0)=0", "v(1)=0"], [PI**4, (2 * PI) ** 4]),
        ("u_xxxx = E*u", "x=0..1", ["u(0)=0", "u(1)=0", "u'(0)=0", "u'(1)=0"], [4.730040744862704**4]),
        ("-x^2*u''-x*u' = E*u", "x=1..e", ["u(1)=0", "u(e)=0"], [PI**2, 4 * PI**2]),
    ],
)  # fmt: skip
def test_sturm_liouville(equation, on, where, exact):
    exact = np.asarray(exact, float)
    found = levels(equation, on, where, len(exact))
    agree(found, exact, 1e-9 * max(1, exact.max()))


def test_a_weight():
    """-u'' = E u / x² has the levels 1/4 + (nπ / log 2)² between 1 and 2."""
    found = levels("-u'' = E*u/x^2", "x=1..2", ["u(1)=0", "u(2)=0"], 3)
    agree(found, [0.25 + (n * PI / np.log(2)) ** 2 for n in (1, 2, 3)], 1e-9)


def test_the_eigenvalue_in_a_condition():
    found = levels("-u'' = E*u", "x=0..1", ["u(0)=0", "u'(1)=E*u(1)"], 1)
    agree(found, [brentq(lambda w: np.cos(w) - w * np.sin(w), 0.5, 1.5, xtol=1e-15) ** 2], 1e-10)


def test_no_lowest_level():
    found = levels("u'' = E*u", *BOX, 2)
    agree(found, [-4 * PI**2, -(PI**2)], 1e-9)
    assert any("unbounded below" in remark for remark in found.remarks)


def test_complex_fields_give_each_level_once():
    found = levels("-psi'' - i*psi' = E*psi", "x=0..2*pi", ["periodic(x)"], 4, complex=["psi"])
    agree(found, [0, 0, 2, 2], 1e-10)
    x = np.linspace(0, 2 * PI, 400, endpoint=False)[:, None]
    states = np.array([found.field(k, 0, x) + 1j * found.field(k, 1, x) for k in range(4)])
    assert np.abs(states.conj() @ states.T * 2 * PI / 400 - np.eye(4)).max() < 1e-9


def test_square_membrane_keeps_degenerate_levels():
    found = levels("-u_xx-u_yy = E*u", "x=0..1, y=0..1", ["u=0"], 4)
    agree(found, PI**2 * np.array([2, 5, 5, 8]), 1e-9)
    x, w = np.polynomial.legendre.leggauss(30)
    grid = np.stack(np.meshgrid(x, x, indexing="ij"), axis=-1).reshape(-1, 2) / 2 + 0.5
    states = np.array([found.field(k, 0, grid) for k in range(4)])
    assert np.abs(states * np.outer(w, w).ravel() / 4 @ states.T - np.eye(4)).max() < 1e-9
    assert all(state[np.abs(state).argmax()] > 0 for state in states[[0]])


def test_disk():
    zeros = scipy.special.jn_zeros
    found = levels("-u_xx-u_yy = E*u", "x,y=disk(0,0,1)", ["u=0"], 4)
    agree(found, np.array([zeros(0, 1)[0], *[zeros(1, 1)[0]] * 2, zeros(2, 1)[0]]) ** 2, 1e-8)
    radius = np.linspace(0, 0.99, 9)
    bessel = scipy.special.j0(zeros(0, 1)[0] * radius) / (np.sqrt(PI) * scipy.special.j1(zeros(0, 1)[0]))
    assert np.abs(found.field(0, 0, np.stack([0 * radius, radius], axis=1)) - bessel).max() < 1e-8


def test_disk_with_a_natural_condition_and_a_plate():
    slopes = scipy.special.jnp_zeros(1, 1)[0]
    agree(levels("-u_xx-u_yy = E*u", "x,y=disk(0,0,1)", ["dn(u)=0"], 3), [0, slopes**2, slopes**2], 1e-8)
    plate = levels("u_xxxx+2*u_xxyy+u_yyyy = E*u", "x,y=disk(0,0,1)", ["u=0", "dn(u)=0"], 1)
    agree(plate, [3.196220616582541**4], 1e-8)


def test_membrane_on_the_l():
    found = levels("-u_xx-u_yy = E*u", "x,y=lshape()", ["u=0"], 3)
    agree(found, [*membrane_levels(2), 2 * PI**2], 1e-6)
    assert abs(found.values[0] - 9.6397238440219) < 1e-7
    edge = np.array([[0.0, 0.5], [0.5, 0.0], [-1.0, 0.3], [0.4, -1.0], [1.0, -0.2]])
    assert np.abs(found.field(0, 0, edge)).max() < 1e-12


def test_equilateral_triangle():
    corners = "x,y=polygon((0,0),(1,0),(0.5,0.8660254037844386))"
    agree(levels("-u_xx-u_yy = E*u", corners, ["u=0"], 1), [16 * PI**2 / 3], 1e-7)


@pytest.mark.parametrize("shape", [l_shape(), Polygon([(0, 0), (2, 0), (1, 1)])])
def test_derivatives_of_a_corner_layer(shape):
    layer, points, step = CornerLayer(shape, 4), shape.interior(20, margin=0.05), 1e-5
    indices = {(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)}
    tables = layer.tables(points, indices)
    assert layer.exact
    assert all(table.shape == (20, layer.size) for table in tables.values())
    for axis, move in enumerate(np.eye(2) * step):
        ahead, behind = (layer.tables(points + sign * move, {(0, 0), (1, 0), (0, 1)}) for sign in (1, -1))
        for index in ((0, 0), (1, 0), (0, 1)):
            higher = tuple(k + (a == axis) for a, k in enumerate(index))
            difference = (ahead[index] - behind[index]) / (2 * step)
            assert np.abs(difference - tables[higher]).max() < 1e-6 * max(1, np.abs(tables[higher]).max())
    assert np.abs(layer.tables(shape.boundary(60)[0], {(0, 0)})[(0, 0)]).max() < 1e-13


@pytest.mark.parametrize(
    "shape",
    [
        Disk((1, 0), 2),
        Annulus((0, 0), 1, 2),
        Rectangle(((0, 2), (0, 1))),
        l_shape(),
        Disk((0, 0), 1) | Disk((1, 0), 1),
    ],
)
def test_rules_integrate(shape):
    points, weights = rule(shape)
    assert abs(weights.sum() - shape.area) < 1e-12 * shape.area
    assert shape.contains(points).all()


@pytest.mark.parametrize(
    ("equation", "on", "where", "sentence"),
    [
        ("-u'' = E*u + 1", *BOX, "without a field"),
        ("-u'' = E*u^2", *BOX, "not linear in the fields"),
        ("-u'' = E^2*u", *BOX, "not linear in E"),
        ("-u'' = E*u", "x=0..1", ["u(0)=1", "u(1)=0"], "without a field"),
        ("-u'' = E*u", "x=0..1", ["u(0)^2=0", "u(1)=0"], "not linear in the fields"),
        ("-u'' = E*u", "x=0..1", ["u(0)=0", "u(1)=0", "integral(u,x)=1"], "is an integral"),
    ],
)
def test_what_is_no_eigenvalue_problem_is_refused(equation, on, where, sentence):
    with pytest.raises(BadInput, match=sentence):
        levels(equation, on, where, 1)


def test_a_problem_without_an_eigenvalue_is_refused():
    with pytest.raises(BadInput, match="declares no eigenvalue"):
        eigen(problem_of_text("-u'' = u", *BOX))


def test_a_small_limit_is_reported():
    problem = problem_of_text(
        "-u''/2 + x^2*u/2 = E*u", "x=-10..10", ["u(-10)=0", "u(10)=0"], eigenvalue="E", levels=6
    )
    found = eigen(problem, limit=70)
    miss = np.abs(found.values - oscillator_levels(len(found.values)))
    assert not found.converged and found.remarks
    assert (miss <= 10 * found.errors).all()
