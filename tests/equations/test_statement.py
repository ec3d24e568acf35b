"""A problem written down and stated anew is the same problem."""

import json
from typing import Any

import pytest

from ansatz.equations import gallery
from ansatz.equations.declare import problem_of_text
from ansatz.equations.statement import condition_text, number_text, restated, statement

HEAT = {"equations": "u_t = u_xx", "on": "t=0..1, x=-0.5..1"}
BOX: dict[str, Any] = {"equations": "u_xx + u_yy - u = 1", "on": "x=0..1, y=-0.5..0.25"}
DISK = {"equations": "u_xx + u_yy - u = 1", "on": "x,y=disk(0,0,1)"}
STATED: dict[str, dict[str, Any]] = {
    "initial": {"equations": "y''=-y", "on": "x=0..1", "where": ["y(0)=1", "y'(0)=1/3"]},
    "dirichlet": HEAT | {"where": ["u(0,x)=0", "u(t,-0.5)=t^2", "u(t,1)=sin(t)/3"]},
    "neumann": HEAT | {"where": ["u(0,x)=0", "u_x(t,-0.5)=0", "u_x(t,1)=t*sin(t)/3"]},
    "robin": HEAT | {"where": ["u(0,x)=0", "u_x(t,-0.5)-2*u(t,-0.5)=exp(t)-1", "2*u(t,1)+u_x(t,1)=0"]},
    "radiation": HEAT | {"where": ["u(0,x)=0", "u_x(t,-0.5)=u(t,-0.5)^4", "u(t,1)=0"]},
    "periodic": HEAT | {"where": ["u(0,x)=1", "periodic(x)"]},
    "ends": HEAT | {"where": ["u(0,x)=1", "u(t,-0.5)=u(t,1)", "u_x(t,-0.5)=u_x(t,1)"]},
    "faces": BOX | {"where": ["u=x*y"]},
    "fluxes": BOX | {"where": ["dn(u)=1"]},
    "boundary": DISK | {"where": ["u=x^2"]},
    "normal": DISK | {"where": ["dn(u)+2*u=x*y"]},
    "cylinder": {"equations": "u_zz+u_xx+u_yy=1", "on": "z=0..1, x,y=disk(0,0,1)", "where": ["u=z"]},
    "evolving": {
        "equations": "u_t=laplacian(u)", "on": "t=0..1,x,y=annulus(0,0,1,2)",
        "where": ["u(0,x,y)=0", "u=0"],
    },
    "integral": {"equations": "y''=1", "on": "x=0..2", "where": ["y'(0)=0", "integral(y*x,x,0,1)=3"]},
    "mass": HEAT | {"where": ["u(0,x)=0", "u_x(t,-0.5)=0", "integral(u,x)=t"]},
    "point": {"equations": "u_xx+u_yy=cos(pi*x)", "on": "x=0..1,y=0..1", "where": ["dn(u)=0", "u(0,0.5)=0"]},
    "inside": {"equations": "y''=1", "on": "x=0..2", "where": ["y(0)=0", "y(0.3)=1"]},
    "complex": {
        "equations": "i*psi_t+psi_xx/2+|psi|^2*psi=0", "on": "t=0..pi/2,x=-pi..pi",
        "where": ["psi(0,x)=exp(i*x)", "periodic(x)"],
    },
    "wall": {
        "equations": "i*psi_t+psi_xx=0", "on": "t=0..1,x=0..1",
        "where": ["psi(0,x)=i*sin(pi*x)", "psi(t,0)=0", "psi_x(t,1)=-pi*i*exp(-i*pi^2*t)"],
    },
    "system": {"equations": "u'=v; v'=-u", "on": "t=0..1", "where": ["u(0)=0", "v(0)=1"]},
    "beam": {"equations": "u_xxxx=1", "on": "x=0..1",
        "where": ["u(0)=0", "u'(0)=0", "u''(1)=0", "u'''(1)=0"]},
    "levels": {
        "equations": "-u''/2+x^2*u/2=E*u", "on": "x=-8..8", "where": ["u(-8)=0", "u(8)=0"],
        "eigenvalue": "E", "levels": 3,
    },
    "unknown": HEAT | {"equations": "u_t=nu*u_xx", "where": ["u(0,x)=0", "u=0"], "unknowns": "nu=0.1"},
}  # fmt: skip


def same(one, other):
    """Assert that two problems are equal, conditions up to their sign."""
    for name in (
        "coordinates fields intervals shape_coordinates equations unknowns eigenvalue levels complex_fields "
        "linear time remarks"
    ).split():
        assert getattr(one, name) == getattr(other, name), name
    assert len(one.conditions) == len(other.conditions)
    for a, b in zip(one.conditions, other.conditions, strict=True):
        assert (a.kind, a.at) == (b.kind, b.at)
        assert 0 in ((a.residual - b.residual).expand(), (a.residual + b.residual).expand()), (a, b)


def round_trip(problem):
    """Return the problem after its statement went through JSON."""
    texts = json.loads(json.dumps(statement(problem)))
    again = restated(texts)
    assert statement(again) == texts
    return again


@pytest.mark.parametrize("name", gallery.__all__)
def test_gallery(name: str):
    problem = gallery.get(name).problem()
    same(problem, round_trip(problem))


@pytest.mark.parametrize("name", STATED)
def test_every_kind_of_condition(name: str):
    problem = problem_of_text(**STATED[name])
    same(problem, round_trip(problem))


def test_conditions_read_well():
    problem = problem_of_text(**STATED["complex"])
    assert [condition_text(one, problem) for one in problem.conditions] == [
        "psi_re(0,x) = cos(x)", "psi_im(0,x) = sin(x)",
        "psi_re(t,-pi) = psi_re(t,pi)", "psi_im(t,-pi) = psi_im(t,pi)",
    ]  # fmt: skip
    problem = problem_of_text(**STATED["beam"])
    assert [condition_text(one, problem) for one in problem.conditions][1:3] == ["u'(0) = 0", "u''(1) = 0"]
    problem = problem_of_text(**BOX, where="u = x*y")
    assert [condition_text(one, problem) for one in problem.conditions][2:] == [
        "u(x,-0.5) = -x/2", "u(x,0.25) = x/4"
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["pi", "-pi/2", "2*pi", "0.5", "-3", "1e-07", "0.1", "3.14159"])
def test_numbers_are_short(text: str):
    from ansatz.equations.parse import parse_constant

    value = float(parse_constant(text))
    assert float(parse_constant(number_text(value))) == value and len(number_text(value)) <= len(text)
