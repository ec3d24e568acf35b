"""Conditions built into the ansatz: exact on every face, in agreement where faces meet, symmetries found."""

import numpy as np
import pytest
import sympy

from ansatz.core import BadInput
from ansatz.equations.declare import problem_of_text
from ansatz.equations.impose import impose, lift
from ansatz.equations.lower import evaluate
from ansatz.equations.series import product
from ansatz.equations.solve import solve
from ansatz.equations.static import Layout


def stated(equations, on, *where, **options):
    return problem_of_text(equations, on, where, **options)


def held(problem):
    """Return the largest |left − right| of the built-in conditions for random coefficients.

    It is relative to the terms of the condition away from the face, where they do not cancel.
    """
    layout, worst = Layout(problem), 0.0
    fields = layout.fields(1, layout.stretches)
    for one in layout.imposed.exact:
        s = fields[one.field]
        points = [layer.nodes(9) for layer in s.layers]
        points[one.axis] = np.append(points[one.axis], one.functional.place)
        grid = dict(zip(problem.coordinates, np.meshgrid(*points, indexing="ij"), strict=True))
        total = -evaluate(one.value, grid)
        random = np.random.default_rng(7).standard_normal(s.shape)
        for order, weight in enumerate(one.functional.weights):
            orders = [order if axis == one.axis else 0 for axis in range(len(points))]
            tables = [layer.table(p, k)[-1] for layer, p, k in zip(s.layers, points, orders, strict=True)]
            slope = sympy.diff(s.lift, problem.coordinates[one.axis], order)
            total = total + weight * (product(random, tables) + evaluate(slope, grid))
        gap = np.abs(np.moveaxis(total, one.axis, 0))
        worst = max(worst, float(gap[-1].max() / max(1.0, gap.max())))
    return worst, layout


CASES = {
    "dirichlet in time": (
        "u_t = u_xx", "t=0..1, x=-1..2", "u(0,x)=cos(x)+x", "u(t,-1)=cos(1)*exp(-t)-1",
        "u(t,2)=2+cos(2)-sin(t)",
    ),
    "neumann and robin in time": (
        "u_t = u_xx", "t=0..1, x=0..3", "u(0,x)=x", "u_x(t,0)=exp(t)", "u_x(t,3)+2*u(t,3)=7+t^2"
    ),
    "two in time": (
        "u_tt = u_xx", "t=0..1, x=0..1", "u(0,x)=sin(pi*x)", "u_t(0,x)=x", "u(t,0)=0", "u(t,1)=t"
    ),
    "robin at both ends": ("y'' = y", "x=0..1", "y(0)-3*y'(0)=2", "y(1)+y'(1)=-1"),
    "clamped beam": ("y'''' = 1", "x=0..2", "y(0)=1", "y'(0)=2", "y''(2)=3", "y'''(2)=4"),
    "square": (
        "u_xx + u_yy = 0", "x=0..1, y=0..2",
        "u(0,y)=y^2", "u(1,y)=y^2+sin(y)", "u(x,0)=0", "u(x,2)=4+x*sin(2)",
    ),
    "box": (
        "u_xx + u_yy + u_zz = 0", "x=0..1, y=0..1, z=0..1",
        "u(0,y,z)=y+z", "u(1,y,z)=1+y+z", "u(x,0,z)=x+z", "u_y(x,1,z)=1", "u(x,y,0)=x+y", "u(x,y,1)=x+y+1",
    ),
    "system": (
        ["u_x + v_y = 0", "u_y - v_x = 0"], "x=0..1, y=0..1", "u(0,y)=-y", "u(1,y)=1-y", "v(x,0)=exp(x)"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_conditions_hold_for_any_coefficients(name):
    problem = stated(*CASES[name])
    worst, layout = held(problem)
    assert worst < 1e-12
    assert len(layout.imposed.exact) == len(problem.conditions) and not layout.imposed.rest


@pytest.mark.parametrize("name", ["dirichlet in time", "neumann and robin in time", "two in time"])
def test_the_answer_of_a_march_meets_its_conditions(name):
    problem = stated(*CASES[name])
    s = solve(problem, accuracy=1e-4)
    for condition in problem.conditions:
        ((symbol, place),) = condition.at
        axes = [np.linspace(*problem.intervals[c], 5) if c != symbol else place for c in problem.coordinates]
        points = dict(zip(problem.coordinates, np.broadcast_arrays(*axes), strict=True))
        (u,) = problem.fields
        values = {}
        for atom in condition.residual.atoms(sympy.Derivative) | {u}:
            counts = dict(atom.variable_count) if isinstance(atom, sympy.Derivative) else {}
            view = s.u
            for c, times in counts.items():
                for _ in range(int(times)):
                    view = view.derivative(c.name)
            values[atom] = view(*points.values())
        gap = evaluate(condition.residual, points | values)
        assert np.abs(gap).max() < (1e-9 if symbol == problem.time else 1e-12), condition.text


def test_lifts_meet_both_conditions_where_faces_meet():
    problem = stated(*CASES["square"])
    imposed = impose(problem)
    x, y = problem.coordinates
    closed = lift(problem, imposed.exact, 0, (0, 1))
    corners = {(0, 0): 0, (0, 2): 4, (1, 0): 0, (1, 2): 4 + np.sin(2)}
    for (a, b), value in corners.items():
        assert abs(float(closed.subs({x: a, y: b})) - value) < 1e-13


def test_homogeneous_conditions_need_no_lift():
    problem = stated("y'' = 1", "x=0..1", "y(0)=0", "y'(1)=0")
    assert lift(problem, impose(problem).exact, 0, (0,)) == 0


def test_conditions_of_an_odd_kind_are_left_to_rows():
    problem = stated(
        "y'' + z = 0; z'' + y = 0", "x=0..1",
        "y(0)=0", "y(0.5)*y'(0.5)=1", "y(1)+z(1)=2", "z(0)=z(1)",
    )  # fmt: skip
    imposed = impose(problem)
    assert [e.condition.text for e in imposed.exact] == ["y(0)=0"]
    assert {c.text for c in imposed.rest} == {"y(0.5)*y'(0.5)=1", "y(1)+z(1)=2"}
    assert imposed.periodic == {(1, 0)}


def test_conditions_with_unknowns_points_integrals_and_oblique_slopes_are_left_to_rows():
    line = stated("u_x + u_y = k", "x=0..1, y=0..1", "u(0,y)=k*y", "u(x,0)=0", unknowns="k=1")
    assert len(impose(line).rest) == 1
    flat = stated(
        "u_xx + u_yy = 0", "x=0..1, y=0..1",
        "u_x(0,y)+u_y(0,y)=0", "(x+1)*u(x,1)=x", "integral(u,x,y)=2", "u(1,y)=y",
    )  # fmt: skip
    imposed = impose(flat)
    assert [e.condition.text for e in imposed.exact] == ["u(1,y)=y"]
    assert len(imposed.rest) == 3
    point = stated("y'' = 0", "x=0..1", "y(0)=0", "y(0.5)^2=1")
    assert [c.text for c in impose(point).rest] == ["y(0.5)^2=1"]


def test_initial_conditions_are_ordered_and_scaled():
    problem = stated("u_tt = -u", "t=0..1", "2*u_t(0)=6", "-u(0)=1")
    imposed = impose(problem)
    assert [float(v) for v in imposed.initial(0, 0)] == [-1.0, 3.0]
    mixed = stated("u_tt = -u", "t=0..1", "u_t(0)+u(0)=6", "u(0)=1")
    assert len(impose(mixed).rest) == 2 and not impose(mixed).exact


def test_repeated_conditions_are_refused_by_name():
    problem = stated("y'' = 0", "x=0..1", "y(0)=0", "y(1)=1")
    exact = impose(problem).exact
    with pytest.raises(BadInput, match=r"'y\(0\)=0' and 'y\(0\)=0' repeat or contradict"):
        lift(problem, [exact[0], exact[0]], 0, (0,))


PARITIES = {
    "odd": ("u_t + u*u_x = 0.01*u_xx", "t=0..1, x=-1..1", "u(0,x)=-sin(pi*x)", "u(t,-1)=0", "u(t,1)=0"),
    "even": ("u_t = 0.01*u_xx + 5*(u - u^3)", "t=0..1, x=-1..1", "u(0,x)=x^2*cos(pi*x)", "periodic(x)"),
    "": ("u_t + u*u_x + 0.01*u_xxx = 0", "t=0..1, x=-1..1", "u(0,x)=cos(pi*x)", "periodic(x)"),
}


@pytest.mark.parametrize("parity", PARITIES)
def test_symmetries_are_found(parity):
    equation, on, *where = PARITIES[parity]
    assert impose(stated(equation, on, *where)).parity.get((0, 1), "") == parity


def test_symmetries_need_the_conditions_too():
    whole = ("u_t = u_xx", "t=0..1, x=0..2", "u(0,x)=sin(pi*x/2)", "u(t,0)=0", "u(t,2)=0")
    assert impose(stated(*whole)).parity == {(0, 1): "even"}
    assert impose(stated(*whole[:2], "u(0,x)=x*(2-x)^2", *whole[3:])).parity == {}
    assert impose(stated(*whole[:4], "u_x(t,2)=-pi/2*exp(-t)")).parity == {}
    assert impose(stated(*whole[:4], "u(t,2)=t")).parity == {}
    assert impose(stated("u_t = u_xx + x*u", *whole[1:])).parity == {}


def test_symmetries_of_systems_have_a_sign_for_each_field():
    problem = stated(
        "u_t = v_x; v_t = u_x", "t=0..1, x=-1..1", "u(0,x)=cos(pi*x/2)", "v(0,x)=0", "u(t,-1)=0", "u(t,1)=0"
    )
    assert impose(problem).parity == {(0, 1): "even", (1, 1): "odd"}
