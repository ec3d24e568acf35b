"""What is printed is read back as the same expression."""

import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansatz.core import BadInput
from ansatz.equations import gallery
from ansatz.equations.parse import Scope, parse_equation, parse_expression
from ansatz.equations.printing import equation_text, latex_text, text_of, unicode_of

X, Y = sympy.symbols("x y", real=True)
U = sympy.Function("u", real=True)(X, Y)
SCOPE = Scope({"x": X, "y": Y}, {"u": U})
LEAVES = [X, Y, U, U.diff(X), U.diff(X, 2, Y), sympy.pi, sympy.E]
NUMBERS = st.fractions(-30, 30, max_denominator=125).map(
    lambda one: sympy.Rational(one.numerator, one.denominator)
)
POWERS = [sympy.Rational(one) for one in ("2", "3", "-1", "-2", "1/2", "-3/2", "2/3")]
FUNCTIONS = [sympy.sin, sympy.exp, sympy.tanh, sympy.Abs, sympy.sqrt, sympy.cosh, sympy.atan]


def larger(part):
    """Return expressions made of smaller ones."""
    return st.one_of(
        st.tuples(part, part).map(lambda two: two[0] + two[1]),
        st.tuples(part, part).map(lambda two: two[0] - two[1]),
        st.tuples(part, part).map(lambda two: two[0] * two[1]),
        st.tuples(part, part).map(lambda two: two[0] / two[1]),
        st.tuples(part, st.sampled_from(POWERS)).map(lambda two: two[0] ** two[1]),
        st.tuples(st.sampled_from(FUNCTIONS), part).map(lambda two: two[0](two[1])),
        st.tuples(part, part, part).map(lambda three: sympy.Piecewise((three[0], X < Y), (three[1], True))),
    )


EXPRESSIONS = st.recursive(st.one_of(st.sampled_from(LEAVES), NUMBERS), larger, max_leaves=8)


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS)
def test_random_expressions_are_read_back(expr):
    assume(isinstance(expr, sympy.Expr) and not expr.has(sympy.zoo, sympy.nan, sympy.oo, sympy.I))
    again = parse_expression(text_of(expr), SCOPE)
    if again != expr:  # SymPy leaves some products of roots unfolded, and folds them when built anew.
        at = {one: 0.3 + 0.1 * k for k, one in enumerate(LEAVES[4::-1])}
        one, two = (complex(sympy.N(part.xreplace(at))) for part in (expr, again))
        assert one == pytest.approx(two, rel=1e-12, abs=1e-12)
        assert text_of(again).count("(") <= text_of(expr).count("(")


@settings(max_examples=200, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_keep_every_bit(value: float):
    number = sympy.Rational(repr(value))
    assert float(parse_expression(text_of(number), Scope())) == value


@pytest.mark.parametrize("name", gallery.__all__)
def test_gallery_is_read_back(name: str):
    problem = gallery.get(name).problem()
    fields = {one.func.__name__: one for one in problem.fields}
    own = [*(one.symbol for one in problem.unknowns), problem.eigenvalue]
    constants = {one.name: one for one in own if one is not None}
    scope = Scope({one.name: one for one in problem.coordinates}, fields, constants)
    for one in problem.equations:
        assert parse_expression(text_of(one), scope) == one
        assert (parse_equation(equation_text(one), scope) - one).expand() == 0


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("u_xx - u*u_x", "u_xx - u*u_x"),
        ("(1-x^2)*u_xx", "(1 - x^2)*u_xx"),
        ("-u*(x+y)", "-((x + y)*u)"),
        ("2*u*(x+y)", "2*u*(x + y)"),
        ("x-1/2", "x - 1/2"),
        ("-1+x^2", "x^2 - 1"),
        ("u_x/y/2", "u_x/y/2"),
        ("sin(pi*x)", "sin(pi*x)"),
        ("2^(x+1)", "2^(x + 1)"),
        ("(2^x)^y", "2^(x*y)"),
        ("1e-7", "1e-7"),
        ("x^(1/2)", "sqrt(x)"),
        ("u(0,y)", "u(0, y)"),
        ("u_x(1/2,y)", "u_x(1/2, y)"),
        ("where(x<y,1,2)", "where(x < y, 1, 2)"),
        ("heaviside(x)", "heaviside(x)"),
        ("integral(u,x,0,1)", "integral(u, x, 0, 1)"),
        ("dn(u)", "dn(u)"),
        ("abs(u)", "abs(u)"),
    ],
)
def test_printed_form(text: str, printed: str):
    assert text_of(parse_expression(text, SCOPE)) == printed


def test_primes_where_there_is_one_coordinate():
    field = sympy.Function("y", real=True)(X)
    assert [text_of(field.diff(X, k)) for k in range(1, 5)] == ["y'", "y''", "y'''", "y_xxxx"]


def test_ambiguous_names_of_coordinates_are_spelled_out():
    a, aa = sympy.symbols("a aa", real=True)
    field = sympy.Function("u", real=True)(a, aa)
    assert text_of(field.diff(a, 2)) == "diff(u, a, 2)"
    scope = Scope({"a": a, "aa": aa}, {"u": field})
    assert parse_expression("diff(u, a, 2)", scope) == field.diff(a, 2)


def test_what_has_no_text_is_refused():
    with pytest.raises(BadInput, match="no text for"):
        text_of(sympy.besselj(0, X))
    with pytest.raises(BadInput, match="no value where"):
        text_of(sympy.Piecewise((1, X < 0)))


def test_unicode_and_latex():
    assert unicode_of("psi_t - 2*nu*u^12") == "ψ_t - 2·ν·u¹²"
    assert latex_text(U.diff(X, 2) + sympy.sin(X) / Y) == r"u_{x x} + \frac{\sin{\left(x \right)}}{y}"
