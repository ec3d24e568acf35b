"""The three doors, text, Python expressions and plain functions, lead to the same problem."""

from typing import Any

import numpy as np
import pytest
import sympy

import ansatz
from ansatz.core import BadInput
from ansatz.equations.declare import periodic, problem_of_text
from ansatz.equations.domain import Disk
from ansatz.equations.expression import (
    Expression,
    coords,
    dn,
    eigenvalue,
    field,
    integral,
    laplacian,
    parameter,
    pi,
)
from ansatz.equations.problem import Problem, observe

PARTS = (
    "coordinates fields intervals shape_coordinates unknowns eigenvalue levels complex_fields linear time"
).split()
t, x, y = coords("t x y")
u, v, w = field("u", t, x), field("v", t), field("w", x, y)
s, r = field("s", t), field("r", x)
psi = field("psi", t, x, complex=True)
E, nu = eigenvalue("E", k=2), parameter("nu", start=0.1)


def same(one, other):
    """Assert that two problems state the same, conditions up to their sign."""
    for name in PARTS:
        assert getattr(one, name) == getattr(other, name), name
    for a, b in zip(one.equations, other.equations, strict=True):
        assert 0 in ((a - b).expand(), (a + b).expand()), (a, b)
    for a, b in zip(one.conditions, other.conditions, strict=True):
        assert (a.kind, a.at) == (b.kind, b.at)
        assert 0 in ((a.residual - b.residual).expand(), (a.residual + b.residual).expand()), (a, b)


LINE = {t: (0, 1), x: (-1, 1)}
DOORS: dict[str, Any] = {
    "burgers": (
        problem_of_text(
            "u_t + u*u_x = 0.01/pi*u_xx", "t=0..1, x=-1..1", ["u(0,x)=-sin(pi*x)", "u(t,-1)=0", "u(t,1)=0"]
        ),
        lambda: Problem(
            u.t + u * u.x == 0.01 / pi * u.xx,
            on=LINE,
            where=[u(t=0) == -ansatz.sin(pi * x), u(x=-1) == 0, u(t, 1) == 0],
        ),
        lambda: Problem(
            lambda u, t, x: u.t + u * u.x - 0.01 / pi * u.xx,
            on={"t": (0, 1), "x": (-1, 1)},
            where=[lambda u, x: u(t=0) == -np.sin(pi * x), "u(t,-1)=0; u(t,1)=0"],
        ),
    ),
    "oscillators": (
        problem_of_text("s' = v; v' = -4*sin(s)", "t=0..3", ["s(0)=1", "v(0)=0"]),
        lambda: Problem([s.t == v, v.t == -4 * ansatz.sin(s)], on={t: (0, 3)}, where=[s(0) == 1, v(0) == 0]),
        lambda: Problem(
            lambda s, v, t: (s.t - v, v.t + 4 * np.sin(s)),
            on="t=0..3",
            where=[lambda s, v: (s(0) == 1, v(0) == 0)],
        ),
    ),
    "robin": (
        problem_of_text("u_t=u_xx", "t=0..1,x=-1..1", ["u(0,x)=0", "u_x(t,-1)=2*u(t,-1)-t", "u_x(t,1)=0"]),
        lambda: Problem(
            u.t == u.xx, on=LINE, where=[u(t=0) == 0, u.x(x=-1) == 2 * u(x=-1) - t, u.x(x=1) == 0]
        ),
        lambda: Problem(
            lambda u, t, x: u.t == u.xx,
            on="t=0..1, x=-1..1",
            where=["u(0,x)=0", lambda u, t: u.x(x=-1) == 2 * u(x=-1) - t, "u_x(t,1)=0"],
        ),
    ),
    "disk": (
        problem_of_text("laplacian(w) - w = 1", "x,y=disk(0,0,1)", "dn(w) + w = x"),
        lambda: Problem(laplacian(w) - w == 1, on={(x, y): Disk((0, 0), 1)}, where=[dn(w) + w == x]),
        lambda: Problem(
            lambda w, x, y: laplacian(w) - w - 1, on={("x", "y"): Disk((0, 0), 1)}, where=["dn(w) + w = x"]
        ),
    ),
    "schroedinger": (
        problem_of_text(
            "i*psi_t + psi_xx/2 + |psi|^2*psi = 0", "t=0..1,x=-1..1", ["psi(0,x)=2", "periodic(x)"]
        ),
        lambda: Problem(
            1j * psi.t + psi.xx / 2 + abs(psi) ** 2 * psi == 0, on=LINE, where=[psi(t=0) == 2, periodic(x)]
        ),
        lambda: Problem(
            lambda psi, t, x: 1j * psi.t + psi.xx / 2 + abs(psi) ** 2 * psi,
            on="t=0..1, x=-1..1",
            where=["psi(0,x)=2", "periodic(x)"],
        ),
    ),
    "levels": (
        problem_of_text("-r''+x^2*r=E*r", "x=-6..6", ["r(-6)=0", "r(6)=0"], eigenvalue="E", levels=2),
        lambda: Problem(-r.xx + x**2 * r == E * r, on={x: (-6, 6)}, where=[r(-6) == 0, r(6) == 0]),
        lambda: Problem(lambda r, x: -r.xx + x**2 * r - E * r, on="x=-6..6", where=["r(-6)=0", "r(6)=0"]),
    ),
    "unknown": (
        problem_of_text("u_t=nu*u_xx", "t=0..1,x=-1..1", ["u(0,x)=1", "periodic(x)"], unknowns="nu=0.1"),
        lambda: Problem(u.t == nu * u.xx, on=LINE, where=[u(t=0) == 1, periodic(x)]),
        lambda: Problem(lambda u, t, x: u.t - nu * u.xx, on=LINE, where=[lambda u: u(t=0) == 1, periodic(x)]),
    ),
    "integral": (
        problem_of_text("r''=x", "x=0..2", ["r'(0)=0", "integral(r,x)=1"]),
        lambda: Problem(r.xx == x, on={x: (0, 2)}, where=[r.x(x=0) == 0, integral(r, x) == 1]),
        lambda: Problem(
            lambda r, x: r.xx - x, on="x=0..2", where=["r'(0)=0", lambda r, x: integral(r, (x, 0, 2)) == 1]
        ),
    ),
}


@pytest.mark.parametrize("name", DOORS)
@pytest.mark.parametrize("door", [1, 2], ids=["expressions", "function"])
def test_doors_agree(name: str, door: int):
    same(DOORS[name][0], DOORS[name][door]())


KINDS = {
    "u(0,x)=1": [("value", {"t": 0})],
    "u(t,-1)=1": [("value", {"x": -1})],
    "u_x(t,1)=1": [("value", {"x": 1})],
    "u_x(t,1)+2*u(t,1)=t": [("value", {"x": 1})],
    "u(t,0.5)=t": [("value", {"x": 0.5})],
    "u(0,0)=1": [("value", {"t": 0, "x": 0})],
    "integral(u,x)=1": [("integral", {})],
    "integral(u(0,x),x)=1": [("integral", {"t": 0})],
    "u=0": [("value", {"x": -1}), ("value", {"x": 1})],
    "dn(u)=0": [("value", {"x": -1}), ("value", {"x": 1})],
}


@pytest.mark.parametrize("text", KINDS)
def test_kinds_of_conditions(text: str):
    from ansatz.equations.conditions import Setting, conditions_of
    from ansatz.equations.parse import Scope, parse_equation

    symbols = {one.expr.name: one.expr for one in (t, x)}
    setting = Setting({symbols["t"]: (0.0, 1.0), symbols["x"]: (-1.0, 1.0)}, None, (), (u.expr,), {})
    residual = parse_equation(text, Scope(symbols, {"u": u.expr}))
    found = conditions_of(residual, text, setting)
    assert [(one.kind, {s.name: v for s, v in one.at}) for one in found] == KINDS[text]
    assert all(one.text == text and not one.residual.has(sympy.Subs) for one in found)


def test_normal_derivatives_point_outward():
    problem = problem_of_text("u_xx+u_yy-u=0", "x=0..1,y=0..1", "dn(u)=3")
    signs = [
        one.residual.coeff(next(iter(one.residual.atoms(sympy.Derivative)))) for one in problem.conditions
    ]
    assert signs == [-1, 1, -1, 1]


def test_periodic_in_every_spelling():
    start = "u(0,x)=0"
    for where in (["periodic(x)"], ["u(t,-1)=u(t,1)"], ["u(t,1)=u(t,-1)", "u_x(t,-1)=u_x(t,1)"]):
        problem = problem_of_text("u_t=u_xx", "t=0..1,x=-1..1", [start, *where])
        assert [one.kind for one in problem.conditions] == ["value", "periodic"]
        assert [value for _, value in problem.conditions[1].at] == [-1, 1]


def test_complex_fields_are_split_and_their_conditions_with_them():
    problem = DOORS["schroedinger"][0]
    re, im = problem.complex_fields["psi"]
    assert problem.fields == (re, im) and len(problem.equations) == 2
    T, X = problem.coordinates
    one, other = problem.equations
    assert (one - (-im.diff(T) + re.diff(X, 2) / 2 + (re**2 + im**2) * re)).expand() == 0
    assert (other - (re.diff(T) + im.diff(X, 2) / 2 + (re**2 + im**2) * im)).expand() == 0
    assert [one.residual for one in problem.conditions] == [re - 2, im, re, im]


def test_equal_texts_in_other_coordinates_do_not_mix():
    for _ in range(2):
        for one, other in (("t", "x"), ("x", "t")):
            for name in (one, other):
                problem = problem_of_text("y''=-y", f"{name}=0..1", ["y(0)=1", "y'(1)=0"])
                assert {s.name for c in problem.conditions for s, _ in c.at} == {name}
                assert {str(s) for s in problem.equations[0].free_symbols} == {name}


def test_short_decimals_stay_short():
    problem = problem_of_text("u_xx+u_yy=0", "x=-0.3..0.1,y=0..pi", "u=x*y")
    numbers = {n for one in problem.conditions for n in one.residual.atoms(sympy.Rational)}
    assert {sympy.Rational(3, 10), sympy.Rational(-1, 10)} <= numbers
    assert not any(one.residual.atoms(sympy.Float) for one in problem.conditions)


def test_numpy_functions_take_expressions():
    x: Any = coords("x")[0]
    X = x.expr
    assert np.exp(x).expr == sympy.exp(X) and np.arctan2(x, 2.0).expr == sympy.atan2(X, 2)
    assert (np.float64(2.0) * x).expr == 2 * X and (np.float64(1.0) == x).residual in (1 - X, X - 1)
    assert np.square(x).expr == X**2 and np.hypot(x, 3).expr == sympy.sqrt(X**2 + 9)
    assert isinstance(np.maximum(x, 0), Expression)
    with pytest.raises(BadInput, match=r"numpy\.logaddexp does not take expressions; write ansatz\.sin"):
        np.logaddexp(x, 1.0)
    with pytest.raises(BadInput, match=r"numpy\.add does not take"):
        np.add.reduce(x)  # type: ignore[arg-type]


def test_functions_may_keep_constants_by_default():
    problem = Problem(lambda u, t, rate=0.5: u.t + rate * u, on="t=0..1", where="u(0)=1".split(";"))
    assert problem.equations[0].coeff(problem.fields[0]) == sympy.S.Half


def wrong_names(u, z):
    return u.z


WRONG = {
    "no field": (lambda t: t, "takes no unknown function"),
    "no coordinate": (lambda u, t: u.y, "has no derivative 'y'; its coordinates are t"),
    "nothing": (lambda u, t: None, "returns None; it must return left - right"),
    "other names": (wrong_names, "has no derivative 'z'"),
    "stars": (lambda *all: 0, "must name its fields and coordinates"),
    "math": (lambda u, t: __import__("math").sin(u), "fails with expressions"),
    "array": (lambda u, t: u.t + np.ones(2), "A ndarray stands in an equation"),
    "infinite": (lambda u, t: u.t - float("inf"), "every number must be finite"),
    "word": (lambda u, t: u.t - "x", "A str stands in an equation"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_functions_are_refused(name: str):
    function, advice = WRONG[name]
    with pytest.raises(BadInput, match=advice):
        Problem(function, on="t=0..1", where=["u(0)=1"])


def test_wrong_conditions_as_functions_are_refused():
    with pytest.raises(BadInput, match="takes 'v'"):
        Problem(lambda u, t: u.t + u, on="t=0..1", where=[lambda v: v(0)])
    with pytest.raises(BadInput, match="some are not"):
        Problem([lambda u, t: u.t, u.t], on="t=0..1")


def test_attributes_of_expressions():
    assert not hasattr(u, "y") and hasattr(u, "tx")
    assert u.xt.expr == u.tx.expr and u.diff(x, 2).expr == u.xx.expr
    assert bool(u == u) and not bool(u == 1) and len({u, v}) == 2
    with pytest.raises(BadInput, match="takes 2 arguments"):
        u(0)
    with pytest.raises(BadInput, match="no coordinate 'y'"):
        u(y=0)


@pytest.mark.parametrize(
    ("table", "advice"),
    [
        ({"t": [0.1], "u": [1.0]}, "no column 'x'"),
        ({"t": [0.1], "x": [0.0, 0.1], "u": [1.0]}, "not as long as"),
        ({"t": [0.1], "x": [np.nan], "u": [1.0]}, "not finite"),
        ({"t": ["a"], "x": [0.0], "u": [1.0]}, "no number"),
        ({"t": [0.1], "x": [7.0], "u": [1.0]}, "outside x = -1..1"),
        ({"t": [0.1], "x": [0.0], "v": [1.0]}, "no column"),
    ],
)
def test_wrong_data_are_refused_by_every_door(table, advice):
    with pytest.raises(BadInput, match=advice):
        problem_of_text(
            "u_t=nu*u_xx", "t=0..1,x=-1..1", ["u(0,x)=1", "periodic(x)"], unknowns="nu", data=table
        )
    with pytest.raises(BadInput, match=advice):
        Problem(u.t == nu * u.xx, on=LINE, where=[u(t=0) == 1, periodic(x)], data=observe(u, table))


def test_functions_stand_where_texts_do():
    where = ["u(0,x)=0", "u=0"]
    text = problem_of_text("u_t=u_xx", "t=0..1,x=-1..1", where)
    same(text, problem_of_text(lambda u, t, x: u.t - u.xx, "t=0..1,x=-1..1", where))
    same(text, problem_of_text(lambda u, t, x: u.t - u.xx, {"t": (0, 1), "x": (-1, 1)}, where))
    with pytest.raises(BadInput, match="declared by parameter"):
        problem_of_text(lambda u, t: u.t, "t=0..1", "u(0)=1", unknowns="nu")
    with pytest.raises(BadInput, match="is a text too"):
        problem_of_text("u_t=u", {"t": (0, 1)}, "u(0)=1")
