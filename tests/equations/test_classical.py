"""The classical check: finite differences converge to a right answer and leave a wrong one."""

from dataclasses import replace

import numpy as np
import pytest

from ansatz.equations.finite_differences import Axis, differentiation
from ansatz.equations.solve import solve

HEAT = ("u_t = 0.1*u_xx", "t=0..1, x=0..1", ["u(0,x)=sin(pi*x)", "u(t,0)=0", "u(t,1)=0"])


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "axis", [Axis(np.sort(np.random.default_rng(0).random(30))), Axis(np.linspace(0, 1, 30), True)]
)
def test_stencils_are_exact_for_polynomials(axis, order):
    polynomial = np.polynomial.Polynomial([1.0, -2.0, 0.5, 3.0])
    found = differentiation(axis, order) @ polynomial(axis.nodes)
    assert np.allclose(found, polynomial.deriv(order)(axis.nodes), atol=1e-5)


def test_a_periodic_stencil_wraps():
    x = np.arange(64) * 2 * np.pi / 64
    found = differentiation(Axis(x, period=2 * np.pi), 2) @ np.sin(x)
    assert np.abs(found + np.sin(x)).max() < 1e-5


def test_initial_values_agree_with_scipy():
    s = solve("y'' = -4*y", on="t=0..3", where=["y(0)=1", "y'(0)=0"], accuracy=1e-9, check=True)
    assert s.checked.method == "DOP853"
    assert s.checked.difference < 1e-9


@pytest.mark.parametrize(
    ("equation", "on", "where"),
    [
        HEAT,
        ("u_xx + u_yy = -1", "x=0..1, y=0..1", ["u=0"]),
        ("y'' = y^2 + 1", "x=0..1", ["y(0)=0", "y(1)=0"]),
        ("u_t + u*u_x = 0.1*u_xx", "t=0..1, x=-1..1", ["u(0,x)=-sin(pi*x)", "u(t,-1)=0", "u(t,1)=0"]),
        ("u_t + u_x = 0", "t=0..1, x=0..1", ["u(0,x)=sin(2*pi*x)", "periodic(x)"]),
    ],
)
def test_finite_differences_converge_to_the_answer(equation, on, where):
    s = solve(equation, on=on, where=where, accuracy=1e-5, check=True)
    assert "they converge to our answer" in s.checked.sentence


def test_a_wrong_answer_is_told():
    s = solve(HEAT[0], on=HEAT[1], where=HEAT[2], accuracy=1e-6)
    from ansatz.equations.classical import compare

    coefficients = tuple(1.3 * c for c in s.model.coefficients)
    wrong = replace(s, model=s.model._replace(coefficients=coefficients))
    assert "do not agree" in compare(wrong).sentence


def test_what_cannot_be_checked_says_why():
    s = solve("u_xx + u_yy = -1", on="x,y=disk(0,0,1)", where=["u=0"], accuracy=1e-5, check=True)
    assert "need a box" in s.checked.sentence
