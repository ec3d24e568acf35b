"""Values of expressions: against SymPy's own evaluation, with NumPy and with JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy

from ansatz.core import BadInput
from ansatz.equations.lower import evaluate
from ansatz.equations.parse import Scope, parse_expression

X, Y = sympy.symbols("x y", real=True)
U = sympy.Function("u", real=True)(X, Y)
SCOPE = Scope({"x": X, "y": Y}, {"u": U})
TEXTS = """
x + 2*y - 1/3; x*y/(x+y); x^5; x^-3; sqrt(x); 1/sqrt(x); x^(1/3); x^y; 2^x; e^x; exp(-x^2); pi*e*x; |x - y|
sin(x) + cos(x) + tan(x); sec(x) + csc(x) + cot(x); asin(x/2) + acos(x/2) + atan(x)
atan2(y, x); erf(x); erfc(x); gamma(x); log(x)
sinh(x) + cosh(x) + tanh(x); sech(x) + csch(x) + coth(x); asinh(x) + acosh(1 + x) + atanh(x/3)
sign(y - x); floor(3*x); ceil(3*x); min(x, y, 1); max(x, y); where(x < y, x^2, y)
where(x >= 1, 1, where(y > 1, 2, 3))
heaviside(x - 1); cbrt(x); x/y/3*7; -x^2; (x - y)^3
""".replace("\n", ";")
TEXTS = [one.strip() for one in TEXTS.split(";") if one.strip()]
PLACES = {X: np.array([0.25, 0.8, 1.3, 1.9]), Y: np.array([1.1, 0.4, 1.7, 0.9])}


@pytest.mark.parametrize("text", TEXTS)
def test_values_are_those_of_sympy(text: str):
    expr = parse_expression(text, SCOPE)
    exact = [float(expr.subs({X: a, Y: b}).evalf(30)) for a, b in zip(PLACES[X], PLACES[Y], strict=True)]
    assert evaluate(expr, PLACES) == pytest.approx(np.array(exact), rel=2e-15, abs=1e-300)


@pytest.mark.parametrize("text", TEXTS)
def test_jax_agrees_with_numpy_and_compiles(text: str):
    expr = parse_expression(text, SCOPE)
    with jax.enable_x64(True):
        found = jax.jit(lambda x, y: evaluate(expr, {X: x, Y: y}, jnp))(*map(jnp.asarray, PLACES.values()))
        assert found.dtype == jnp.float64 and found.shape == (4,)
        assert np.asarray(found) == pytest.approx(evaluate(expr, PLACES), rel=1e-13)


def test_jax_keeps_single_precision():
    x = jnp.asarray([0.5, 2.0], jnp.float32)
    assert evaluate(X**2 / 3 + sympy.pi, {X: x}, jnp).dtype == jnp.float32
    assert evaluate(sympy.pi * 1, {X: x}, jnp).dtype == jnp.float32


def test_derivatives_and_fields_are_looked_up():
    jets = {X: np.linspace(0, 1, 3), U: np.full(3, 2.0), U.diff(X): np.arange(3.0)}
    assert np.array_equal(evaluate(U * U.diff(X) + X, jets), [0.0, 2.5, 5.0])


def test_constants_take_the_shape_of_the_places():
    assert evaluate(sympy.Integer(3), {X: np.zeros((2, 1)), Y: np.zeros(5)}).shape == (2, 5)
    assert float(evaluate(sympy.pi, {})) == np.pi


def test_negative_numbers_have_odd_roots():
    assert evaluate(sympy.cbrt(X), {X: np.array([-8.0, 8.0])}) == pytest.approx([-2.0, 2.0])


def test_imaginary_values():
    assert evaluate(sympy.exp(sympy.I * X), {X: np.array([0.7])}) == pytest.approx(np.exp(0.7j))


def test_equal_parts_are_computed_once():
    calls = []

    class Counted:
        def __getattr__(self, name: str):
            calls.append(name)
            return getattr(np, name)

    evaluate(sympy.sin(X) ** 2 + sympy.exp(sympy.sin(X)) * sympy.sin(X), {X: np.ones(2)}, Counted())
    assert calls.count("sin") == 1


def test_what_has_no_value_is_refused():
    with pytest.raises(BadInput, match="no value for y"):
        evaluate(X + Y, {X: np.ones(2)})
    with pytest.raises(BadInput, match="no function that computes it"):
        evaluate(sympy.besselj(0, X), {X: np.ones(2)})
