"""What is missing, too much, contradicting or singular is said in one sentence; the echo says the rest."""

from typing import Any

import pytest

from ansatz.core import BadInput
from ansatz.equations.declare import problem_of_text
from ansatz.equations.domain import Disk
from ansatz.equations.expression import coords, field
from ansatz.equations.problem import Problem

WHERE = ["u(0,x)=0", "u(t,-1)=0", "u(t,1)=0"]
HEAT: dict[str, Any] = {"equations": "u_t = u_xx", "on": "t=0..1, x=-1..1", "where": WHERE}
ENDS: dict[str, Any] = {"equations": "y''=-E*y", "on": "x=0..1", "where": ["y(0)=0", "y(1)=0"]}
START: dict[str, Any] = {"on": "x=0..1", "where": ["y(0)=1", "y'(0)=0"]}
PLANE: dict[str, Any] = {"equations": "u_xx+u_yy=1"}

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "empty": (HEAT | {"equations": ""}, "No equation stands"),
    "semicolon": (HEAT | {"equations": " ; "}, "No equation stands"),
    "no field": (HEAT | {"equations": "x = 1"}, "write derivatives as u_x"),
    "order 5": (START | {"equations": "y'''''+y=0"}, "is of order 5; equations go up to order 4"),
    "order 7": (HEAT | {"equations": "u_t=diff(u,x,7)"}, "is of order 7"),
    "two equations": (HEAT | {"equations": "u_t=u_xx; u_x=0"}, "2 equations for 1 unknown"),
    "one equation": ({"equations": "u'=v+v'", "on": "t=0..1", "where": ["u(0)=0"]}, "1 equations for 2"),
    "missing end": (HEAT | {"where": WHERE[:2]}, "1 condition on x; one such as u(t,1)=0 is missing"),
    "missing start": (HEAT | {"where": WHERE[1:]}, "no condition on t; one such as u(0,x)=0 is missing"),
    "missing rate": (HEAT | {"equations": "u_tt=u_xx"}, "one such as u_t(0,x)=0 is missing"),
    "missing second": ({"equations": "y''=1", "on": "x=0..1", "where": "y(0)=0"}, "such as y(1)=0"),
    "system": ({"equations": "u'=v; v'=-u", "on": "t=0..1", "where": "u(0)=0"}, "such as v(0)=0 is missing"),
    "nothing": (HEAT | {"where": []}, "is missing"),
    "boundary": (PLANE | {"on": "x,y=disk(0,0,1)"}, "no condition on its boundary; one such as u=0"),
    "too many": (HEAT | {"where": [*WHERE, "u_x(t,1)=0"]}, "1 of them is too many"),
    "twice": (HEAT | {"where": [*WHERE, "u(t,1)=1"]}, "speak of the same value at one place"),
    "corner": (HEAT | {"where": ["u(0,x)=1", *WHERE[1:]]}, "contradict each other where t = 0 and x = -1"),
    "corners": (HEAT | {"corners": "ignore"}, "corners is 'reject' or 'accept'"),
    "outside x": (HEAT | {"where": [WHERE[0], "u(t,-2)=0"]}, "at x = -2, outside x = -1..1"),
    "outside t": (HEAT | {"where": ["u(2,x)=0"]}, "at t = 2, outside t = 0..1"),
    "no function": (HEAT | {"where": ["x=1"]}, "contains no unknown function; write it as u(0,x)=1"),
    "half placed": (HEAT | {"where": ["u(0,x)+u=0"]}, "give every value its place"),
    "three places": (HEAT | {"where": ["u(t,-1)+u(t,0)=u(t,1)"]}, "joins 3 places"),
    "half period": (HEAT | {"where": ["u(t,-1)=u(t,0)"]}, "two ends of a coordinate"),
    "rate periodic": (HEAT | {"where": ["u_x(t,-1)=u_x(t,1)"]}, "state the function too"),
    "periodic y": (HEAT | {"where": ["periodic(y)"]}, "name one of t, x"),
    "periodic": (HEAT | {"where": ["periodic()"]}, "name one of t, x"),
    "shape placed": (PLANE | {"on": "x,y=disk(0,0,1)", "where": "u(1,y)=0"}, "leave the place away"),
    "divisor": (START | {"equations": "y''+y/(x-0.5)=0"}, "divides by x - 1/2, which vanishes inside"),
    "two": (PLANE | {"equations": "u_xx+u_yy=u/(x+y)", "on": "x=-1..1,y=-1..1", "where": "u=0"}, "by x + y"),
    "pole": (START | {"equations": "y''+tan(x)*y=0", "on": "x=0..3"}, "tan(x), which is infinite inside"),
    "logarithm": (START | {"equations": "y''+log(x-0.5)*y=0"}, "which is infinite inside the domain"),
    "root": (START | {"equations": "y''+sqrt(x-0.5)*y=0"}, "no real value in the domain"),
    "value": (START | {"equations": "y''=y(0)"}, "contains y(0), a value at a place; only conditions do"),
    "delay": (START | {"equations": "y''=y(x-1)"}, "is no fixed place"),
    "integral": (START | {"equations": "y''=integral(y,x,0,1)"}, "stand in conditions only"),
    "normal": (HEAT | {"equations": "u_t=dn(u)"}, "normal derivatives stand in conditions only"),
    "on empty": (HEAT | {"on": ""}, "write the domain, as t=0..1"),
    "on backwards": (HEAT | {"on": "t=1..0, x=-1..1"}, "write the lower end first"),
    "on infinite": (HEAT | {"on": "t=0..inf, x=-1..1"}, "Unknown symbol 'inf' at character 6 of 't=0..inf"),
    "on unknown": (HEAT | {"on": "t=0..T, x=-1..1"}, "at character 6 of 't=0..T, x=-1..1'; give its value"),
    "on twice": (HEAT | {"on": "t=0..1, t=0..1"}, "'t' stands twice at character 9"),
    "on number": (HEAT | {"on": "t=0..1, x=1"}, "an interval is written x=0..1"),
    "on dots": (HEAT | {"on": "t=0...1, x=-1..1"}, "write two dots between the ends"),
    "on colon": (HEAT | {"on": "t=0:1, x=-1..1"}, "an interval is written x=0..1"),
    "on comma": (HEAT | {"on": "t=0..1, x=-1..1,"}, "Nothing stands at the end"),
    "on too few": (HEAT | {"on": "t=0..1"}, "the derivatives of u are written u_t"),
    "on too many": (HEAT | {"on": "t=0..1,x=-1..1,y=0..1"}, "it takes 3, t, x, y"),
    "on pi": (HEAT | {"on": "pi=0..1, x=0..1"}, "pi has a meaning already"),
    "on six": (
        {"equations": "u_aa+u_bb+u_cc+u_dd+u_x=0", "on": "a=0..1,b=0..1,c=0..1,d=0..1,x=0..1,y=0..1"},
        "from 1 to 5 are solved",
    ),
    "shape name": (PLANE | {"on": "x,y=disc(0,0,1)"}, "did you mean 'disk'"),
    "shape numbers": (PLANE | {"on": "x,y=disk(0,0)"}, "write disk(x, y, radius)"),
    "shape radius": (PLANE | {"on": "x,y=disk(0,0,-1)"}, "must be above 0"),
    "shape space": (PLANE | {"on": "x,y,z=disk(0,0,1)"}, "The shape has 2 dimensions"),
    "let value": (HEAT | {"let": "nu"}, "write nu=1"),
    "let nothing": (HEAT | {"let": "nu="}, "write a number after '='"),
    "let broken": (HEAT | {"let": "nu=0.1*"}, "at the end of 'nu=0.1*'"),
    "let twice": (HEAT | {"let": "nu=1,nu=2"}, "give each constant once"),
    "let coordinate": (HEAT | {"let": "x=1"}, "is a coordinate in --on and a constant too"),
    "let function": (HEAT | {"let": "sin=1"}, "a free name must stand there"),
    "let field": (HEAT | {"let": "u=1"}, "differentiated in the equations and a constant too"),
    "let and unknown": (HEAT | {"let": "nu=1", "unknowns": "nu"}, "leave one of them away"),
    "no let": (HEAT | {"equations": "u_t = D*u_xx"}, "--let 'D=1', declare it with --unknown D"),
    "unused": (HEAT | {"unknowns": "k"}, "k is to be found, and no equation or condition contains it"),
    "levels": (ENDS | {"eigenvalue": "E", "levels": 0}, "ask for at least one"),
    "two levels": (ENDS | {"eigenvalue": "E,F"}, "name the one eigenvalue"),
    "no level": (ENDS | {"eigenvalue": "F", "let": "E=1"}, "F is to be found"),
    "complex": (HEAT | {"complex": ["v"]}, "the fields are u"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_problem_is_one_sentence(name: str):
    stated, advice = WRONG[name]
    with pytest.raises(BadInput) as caught:
        problem_of_text(**stated)
    sentence = str(caught.value)
    assert advice in sentence and sentence.endswith(".") and ". " not in sentence


def test_python_names_what_is_undeclared():
    t, D = coords("t D")
    u = field("u", t)
    with pytest.raises(BadInput, match="D stands in the equations and has no value"):
        Problem(u.t == D * u, on={t: (0, 1)}, where=[u(0) == 1])
    with pytest.raises(BadInput, match="has no coordinates"):
        field("u")
    with pytest.raises(BadInput, match="two shapes"):
        x, y, z, w = coords("x y z w")
        Problem(field("u", x, y).xx == 1, on={(x, y): Disk((0, 0), 1), (z, w): Disk((0, 0), 1)})
    for ends in ((1, 0), (0, float("inf")), (0,), 3, ("a", "b")):
        with pytest.raises(BadInput, match="interval"):
            Problem(u.t == u, on={t: ends}, where=[u(0) == 1])


def test_contradicting_corners_may_be_accepted():
    stated = HEAT | {"where": ["u(0,x)=1", *WHERE[1:]]}
    problem = problem_of_text(**stated, corners="accept")
    assert len(problem.remarks) == 2 and all("contradict" in one for one in problem.remarks)


ACCEPTED = {
    "singular end": (
        {"equations": "u_t=u_rr+u_r/r", "on": "t=0..1,r=0..1", "where": ["u(0,r)=1-r^2", "u(t,1)=0"]},
        "divides by r, which vanishes on the boundary",
    ),
    "Legendre": (
        {"equations": "(1-x^2)*y''-2*x*y'+6*y=0", "on": "x=-1..1", "where": "y(1)=1"},
        "The factor 1 - x^2 of the highest derivative in x vanishes near x = -1",
    ),
    "turning point": (
        {"equations": "(x-0.5)*y''+y=0", "on": "x=0..1", "where": ["y(0)=1", "y(1)=0"]},
        "vanishes near x = 0.5",
    ),
    "fluxes": (PLANE | {"on": "x=0..1,y=0..1", "where": "dn(u)=1/4"}, "determined up to a constant only"),
}  # fmt: skip


@pytest.mark.parametrize("name", ACCEPTED)
def test_remarks(name: str):
    stated, remark = ACCEPTED[name]
    problem = problem_of_text(**stated)
    assert any(remark in one for one in problem.remarks) and remark in problem.echo()


@pytest.mark.parametrize(
    "equation",
    [
        "y''+y/(x+2)=0", "y''+tan(x)*y=0", "y''+log(x+1)*y=0", "y''+sqrt(x)*y=0", "y''+y/(1+x^2)=0",
        "y''+sqrt(2+y)=0", "y''+log(2+y)=0", "y''=1/(2+y)",
    ],
)  # fmt: skip
def test_regular_coefficients_pass(equation: str):
    assert problem_of_text(equation, **START).remarks == ()


@pytest.mark.parametrize(
    ("stated", "linear", "time"),
    [
        (HEAT, True, "t"),
        (HEAT | {"equations": "u_t=u_xx+u^2"}, False, "t"),
        (START | {"equations": "y''+y=0"}, True, "x"),
        ({"equations": "y''+y=0", "on": "x=0..1", "where": ["y(0)=0", "y(1)=1"]}, True, None),
        (PLANE | {"on": "x=0..1,y=0..1", "where": "u=0"}, True, None),
        (
            HEAT | {"equations": "u_tau=u_xx", "on": "tau=0..1,x=-1..1", "where": ["u(0,x)=0", "u=0"]},
            True,
            "tau",
        ),
    ],
)
def test_what_is_recognized(stated, linear, time):
    problem = problem_of_text(**stated)
    assert problem.linear is linear and (problem.time and problem.time.name) == time


def test_whole_boundary_leaves_time_out():
    problem = problem_of_text("u_tau=u_xx", "tau=0..1,x=-1..1", ["u(0,x)=0", "u=0"])
    assert [{s.name for s, _ in one.at} for one in problem.conditions] == [{"tau"}, {"x"}, {"x"}]


ECHOED = {
    "initial value": ("y''=-y", "x=0..1", ["y(0)=1", "y'(0)=0"]),
    "initial rate": ("y''=-y", "x=0..1", ["y(0)=1", "y'(0)=0"]),
    "Dirichlet": ("y''=-y", "x=0..1", ["y(0)=1", "y(1)=0"]),
    "Neumann": ("u_t=u_xx", "t=0..1,x=-1..1", ["u(0,x)=0", "u_x(t,-1)=0", "u(t,1)=0"]),
    "Robin": ("u_t=u_xx", "t=0..1,x=-1..1", ["u(0,x)=0", "u_x(t,-1)=u(t,-1)", "u(t,1)=0"]),
    "periodic": ("u_t=u_xx", "t=0..1,x=-1..1", ["u(0,x)=0", "periodic(x)"]),
    "integral": ("y''=1", "x=0..1", ["y'(0)=0", "integral(y,x)=1"]),
    "on the whole boundary": ("u_xx+u_yy=1", "x,y=disk(0,0,1)", ["u=0"]),
    "at a point": ("u_xx+u_yy=cos(pi*x)", "x=0..1,y=0..1", ["dn(u)=0", "u(0,0.5)=0"]),
    "inside": ("y''=1", "x=0..2", ["y(0)=0", "y(0.3)=1"]),
    "boundary condition": ("u_xxxx=1", "x=0..1", ["u(0)=0", "u'(0)=0", "u''(1)=0", "u'''(1)=0"]),
}


@pytest.mark.parametrize("kind", ECHOED)
def test_echo_names_the_kind(kind: str):
    lines = problem_of_text(*ECHOED[kind]).echo().splitlines()
    assert any(line.endswith(kind) for line in lines)


def test_echo_in_full():
    problem = problem_of_text(
        "psi_t = nu*psi_xx + 3*psi^2", "t=0..1,x=0..2*pi", ["psi(0,x)=sin(x)", "periodic(x)"],
        unknowns="nu=0.1", data={"t": [0.5], "x": [1.0], "psi": [0.3]},
    )  # fmt: skip
    assert problem.echo().splitlines() == [
        "Equation",
        "  ψ_t - 3·ψ² - ν·ψ_xx = 0",
        "  for ψ: nonlinear, of order 1 in t and 2 in x",
        "Domain",
        "  t = 0 … 1, x = 0 … 2·π",
        "Conditions",
        "  ψ(0,x) = sin(x)     initial value",
        "  ψ(t,0) = ψ(t,2·π)   periodic",
        "Unknown  ν, starting at 0.1",
        "Data  1 values of psi",
    ]
    assert r"\psi\big|_{x = 0} &= \psi\big|_{x = 2 \pi}" in problem.latex()
    assert problem.latex().startswith("\\begin{aligned}")
