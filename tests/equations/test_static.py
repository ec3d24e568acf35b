"""Problems solved at once: boxes, shapes, corners, conditions in rows, many dimensions, nonlinear ones."""

import numpy as np
import pytest
from scipy.optimize import brentq

from ansatz.core import BadInput
from ansatz.equations.declare import problem_of_text
from ansatz.equations.reference.lshape import poisson_l_shape
from ansatz.equations.solve import solve
from ansatz.equations.static import Layout, sample, static


def points_of(problem):
    layout = Layout(problem)
    grid = sample(layout)
    flat = [np.zeros(0)] * len(problem.coordinates)
    counts = [len(p) for p in grid]
    index = np.meshgrid(*map(np.arange, counts), indexing="ij")
    for group, p, at in zip(layout.groups, grid, index, strict=True):
        for column, number in enumerate(group):
            flat[number] = (p if len(group) == 1 else p[:, column])[at.ravel()]
    return flat


def bratu(x):
    """Return the lower solution of y'' + eʸ = 0, y(0) = y(1) = 0 (Ascher, Mattheij and Russell 1995)."""
    theta = brentq(lambda a: a - np.sqrt(2) * np.cosh(a / 4), 1, 2, xtol=1e-15)
    return -2 * np.log(np.cosh((x - 0.5) * theta / 2) / np.cosh(theta / 4))


CASES = {
    "two points": (("y'' + 4*y = x", "x=0..1", "y(0)=0", "y'(1)=1"),
                   lambda x: x / 4 + (0.75 / (2 * np.cos(2))) * np.sin(2 * x)),
    "beam": (("y'''' = 1", "x=0..1", "y(0)=0", "y'(0)=0", "y''(1)=0", "y'''(1)=0"),
             lambda x: x**2 * (6 - 4 * x + x**2) / 24),
    "bratu": (("y'' + exp(y) = 0", "x=0..1", "y(0)=0", "y(1)=0"), bratu),
    "bernoulli": (("y'' = 3/2*y^2", "x=0..1", "y(0)=4", "y(1)=1"), lambda x: 4 / (1 + x) ** 2),
    "point inside": (("y'' = 2", "x=-1..1", "y(0.5)=0", "y'(-1)=0"), lambda x: (x + 1) ** 2 - 2.25),
    "nonlinear condition": (("y'' = 0", "x=0..1", "y(0)=1", "y'(1)=-y(1)^3"),
                            lambda x: 1 + (brentq(lambda c: c - 1 + c**3, 0, 1, xtol=1e-15) - 1) * x),
    "boundary layer": (("0.01*y'' + y' = 0", "x=0..1", "y(0)=0", "y(1)=1"),
                       lambda x: (1 - np.exp(-x / 0.01)) / (1 - np.exp(-100))),
    "mean": (("y'' = -cos(x)", "x=0..pi", "y'(0)=0", "integral(y,x)=pi"), lambda x: np.cos(x) + 1),
    "square": (("u_xx + u_yy = -2*pi^2*sin(pi*x)*sin(pi*y)", "x=0..1, y=0..1", "u=0"),
               lambda x, y: np.sin(np.pi * x) * np.sin(np.pi * y)),
    "robin": (("u_xx + u_yy = 0", "x=0..1, y=0..1", "u_x(0,y)+2*u(0,y)=3*cos(y)", "u(1,y)=exp(1)*cos(y)",
               "u_y(x,0)=0", "u_y(x,1)-u(x,1)=-exp(x)*(sin(1)+cos(1))"),
              lambda x, y: np.exp(x) * np.cos(y)),
    "neumann with mean": (("u_xx + u_yy = -pi^2*cos(pi*x)", "x=0..1, y=0..1", "u_x(0,y)=0",
                           "u_x(1,y)=0", "u_y(x,0)=0", "u_y(x,1)=0", "integral(u,x,y)=2"),
                          lambda x, y: np.cos(np.pi * x) + 2),
    "periodic": (("u_xx + u_yy - u = -3*cos(x)*sin(y)", "x=0..2*pi, y=0..2*pi",
                  "u(0,y)=u(2*pi,y)", "u(x,0)=u(x,2*pi)"), lambda x, y: np.cos(x) * np.sin(y)),
    "disk": (("u_xx + u_yy = -4*exp(x)*(1+x)+exp(x)*(1-x^2-y^2)", "x,y=disk(0,0,1)", "u=0"),
             lambda x, y: np.exp(x) * (1 - x**2 - y**2)),
    "disk with values": (("u_xx + u_yy = 0", "x,y=disk(0.5,0,2)", "u=x^3-3*x*y^2"),
                         lambda x, y: x**3 - 3 * x * y**2),
    "disk with slopes": (("u_xx + u_yy - u = 0", "x,y=disk(0,0,1)", "dn(u)=x*exp(x)"),
                         lambda x, y: np.exp(x) + 0 * y),
    "annulus": (("u_xx + u_yy = 0", "x,y=annulus(0,0,0.5,1)", "u=log(x^2+y^2)/2"),
                lambda x, y: np.log(x**2 + y**2) / 2),
    "triangle": (("u_xx + u_yy = 2*y", "x,y=polygon((0,0),(1,0),(0,1))", "u=x^2*y+x"),
                 lambda x, y: x**2 * y + x),
    "ball": (("u_xx + u_yy + u_zz = 6*x", "x,y,z=ball(0,0,0,1)", "u=x^3+z"), lambda x, y, z: x**3 + z),
    "heat in a disk": (("u_t = u_xx + u_yy", "t=0..0.5, x,y=disk(0,0,1)", "u(0,x,y)=x^2-y^2+x^2+y^2",
                        "u=x^2-y^2+x^2+y^2+4*t"), lambda t, x, y: 2 * x**2 + 4 * t),
}  # fmt: skip
SHARP = {"annulus": 1e-5, "triangle": 1e-6, "boundary layer": 1e-6}


@pytest.mark.parametrize("name", CASES)
def test_answer_and_estimated_error_against_the_exact_solution(name):
    (equations, on, *where), exact = CASES[name]
    problem = problem_of_text(equations, on, where)
    accuracy = SHARP.get(name, 1e-7)
    s = solve(problem, accuracy=accuracy)
    points = points_of(problem)
    (field,) = s.fields
    wanted = exact(*points)
    true = np.linalg.norm(s[field](*points) - wanted) / np.linalg.norm(wanted)
    assert s.converged and s.error <= accuracy, s.verdict
    assert true < 3 * accuracy
    assert true / 10 <= max(s.error, 1e-11) and (s.error <= 10 * max(true, 1e-11) or s.error < accuracy / 100)


def test_l_shape_with_its_corner():
    s = solve("u_xx + u_yy = -1", on="x,y=lshape()", where="u=0", accuracy=1e-4)
    x, y = np.array([-0.5, 0.5, -0.01, -0.5]), np.array([-0.5, -0.5, -0.01, 0.5])
    assert np.abs(s.u(x, y) - poisson_l_shape(x, y)).max() < 1e-4 * 0.15
    assert s.converged and s.error < 1e-4


def test_five_dimensions():
    names = "abcde"
    exact = "+".join(f"{n}^2" for n in names)
    s = solve(
        "+".join(f"u_{n}{n}" for n in names) + "=10",
        on=",".join(f"{n}=0..1" for n in names),
        where=f"u={exact}",
    )
    places = np.random.default_rng(0).random((5, 50))
    assert np.abs(s.u(*places) - (places**2).sum(0)).max() < 1e-6 and s.converged


def test_complex_boundary_values():
    s = solve("psi'' + i*psi = 0", on="x=0..1", where=["psi(0)=1", "psi(1)=i"], accuracy=1e-9)
    root = np.sqrt(-1j + 0)
    a, b = np.linalg.solve([[1, 1], [np.exp(root), np.exp(-root)]], [1, 1j])
    x = np.linspace(0, 1, 7)
    assert np.abs(s.psi(x) - a * np.exp(root * x) - b * np.exp(-root * x)).max() < 1e-8


@pytest.mark.parametrize(
    ("equation", "where"),
    [
        ("y'' + pi^2*y = 1", ["y(0)=0", "y(1)=0"]),
        ("y'' + pi^2*y = x", ["y(0)=0", "y(1)=0"]),
        ("y'' = 0", ["y'(0)=0", "y'(1)=1"]),
        ("y'' = 0", ["y'(0)=0", "y'(0.5)=1"]),
        ("y' = 0", ["y(0.5)^2=-1"]),
    ],
)
def test_a_problem_without_solution_is_not_called_converged(equation, where):
    s = solve(equation, on="x=0..1", where=where, accuracy=1e-6, size=60)
    assert not s.converged and s.verdict.startswith("Not converged")


def test_integrals_over_a_part_with_a_factor_and_of_a_function():
    part = solve("y'' = 2", on="x=0..1", where=["y(0)=0", "2*integral(y,x,0,0.5)=1"])
    slope = (1 / 2 - 1 / 24) * 8  # y = x² + a x, ∫ = 1/24 + a/8
    assert abs(part.y(1.0) - 1 - slope) < 1e-10
    square = solve("y' = 1", on="x=0..1", where=["integral(y^2,x)=7/3"], accuracy=1e-9)
    assert abs(square.y(0.0) - 1) < 1e-8 or abs(square.y(0.0) + 2) < 1e-8


def test_bratu_beyond_its_fold_is_not_called_converged():
    s = solve("y'' + 5*exp(y) = 0", on="x=0..1", where=["y(0)=0", "y(1)=0"], accuracy=1e-6, size=60)
    assert not s.converged and s.verdict.startswith("Not converged")


def test_integrals_of_another_form_are_refused():
    problem = problem_of_text("y'' = 1", "x=0..1", ["y(0)=0", "integral(y,x)*y(1)=1"])
    with pytest.raises(BadInput, match=r"'integral\(y,x\)\*y\(1\)=1' is not of the form"):
        solve(problem)


def test_deadline_and_size_limit_are_kept():
    problem = problem_of_text("0.0001*y'' + y' = 0", "x=0..1", ["y(0)=0", "y(1)=1"])
    found = static(problem, accuracy=1e-10, deadline=0.0)
    assert found.remarks and "time allowed" in found.remarks[0]
    assert static(problem, accuracy=1e-10, limit=30).size <= 30
