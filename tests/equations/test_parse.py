"""The grammar of equations: what a text means, and what is said of a text that means nothing."""

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from ansatz.core import BadInput
from ansatz.equations.parse import Scope, find_fields, parse_constant, parse_equation, parse_expression
from ansatz.equations.parse_tokens import BadText, split_at, tokens

T, X, NU = sympy.symbols("t x nu", real=True)
U = sympy.Function("u", real=True)(T, X)
PSI = sympy.Function("psi")(T, X)
Y = sympy.Function("y", real=True)(X)
PARTIAL = Scope({"t": T, "x": X}, {"u": U, "psi": PSI}, {"nu": NU})
ORDINARY = Scope({"x": X}, {"y": Y})
THETA = sympy.Symbol("θ", real=True)

MEANINGS = {
    "u_t + u*u_x - nu*u_xx": U.diff(T) + U * U.diff(X) - NU * U.diff(X, 2),
    "u_tx": U.diff(T, X),
    "u_xt": U.diff(T, X),
    "diff(u, x, 2)": U.diff(X, 2),
    "diff(u, x, t, 2)": U.diff(X).diff(T, 2),
    "diff(u^2, x)": 2 * U * U.diff(X),
    "diff(sin(x)*u, x)": sympy.cos(X) * U + sympy.sin(X) * U.diff(X),
    "laplacian(u)": U.diff(X, 2),
    "laplacian(u, t, x)": U.diff(X, 2) + U.diff(T, 2),
    "2pi*x": 2 * sympy.pi * X,
    "2x^2": 2 * X**2,
    "3(x+1)": 3 * X + 3,
    "2sin(x)": 2 * sympy.sin(X),
    "2|x|": 2 * sympy.Abs(X),
    "1.5e-3x": sympy.Rational(3, 2000) * X,
    "-x^2": -(X**2),
    "2^-x": 2 ** (-X),
    "x^-2": X**-2,
    "2^3^2": sympy.Integer(512),
    "(-x)^2": X**2,
    "-2*-x": 2 * X,
    "1 - -x": 1 + X,
    "x/2/3": X / 6,
    "x/2*3": 3 * X / 2,
    "1 - x - t": 1 - X - T,
    "x**2": X**2,
    "x²": X**2,
    "x¹²": X**12,
    "π·x − 1": sympy.pi * X - 1,
    "2 × x": 2 * X,
    "|psi|^2*psi": sympy.Abs(PSI) ** 2 * PSI,
    "||x| - 1|": sympy.Abs(sympy.Abs(X) - 1),
    "|x|*|t|": sympy.Abs(X) * sympy.Abs(T),
    "i*psi_t": sympy.I * PSI.diff(T),
    "conj(psi)": sympy.conjugate(PSI),
    "e^x": sympy.exp(X),
    "ln(x) + arctan(x)": sympy.log(X) + sympy.atan(X),
    "sqrt(x)": sympy.sqrt(X),
    "min(x, 1) + max(x, t, 2)": sympy.Min(X, 1) + sympy.Max(X, T, 2),
    "atan2(x, t)": sympy.atan2(X, T),
    "where(x < 0, -1, 1)": sympy.Piecewise((-1, X < 0), (1, True)),
    "where(x ≥ t, x, 0)": sympy.Piecewise((X, X >= T), (0, True)),
    "heaviside(x)": sympy.Heaviside(X, sympy.S.Half),
    "integral(u, x)": sympy.Integral(U, X),
    "integral(u*x, x, 0, 1/2)": sympy.Integral(U * X, (X, 0, sympy.S.Half)),
    "dn(u)": sympy.Function("dn", real=True)(U),
    "u(t,x)": U,
    ".5 + 5.": sympy.Rational(11, 2),
    "0.1": sympy.Rational(1, 10),
}


@pytest.mark.parametrize("text", MEANINGS)
def test_text_means(text: str):
    assert parse_expression(text, PARTIAL) == MEANINGS[text]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("y'' + y'*y", Y.diff(X, 2) + Y.diff(X) * Y),
        ("y″ + y′", Y.diff(X, 2) + Y.diff(X)),
        ('y"', Y.diff(X, 2)),
        ("y'^2", Y.diff(X) ** 2),
        ("y_xx", Y.diff(X, 2)),
        ("y''''", Y.diff(X, 4)),
        ("2y", 2 * Y),
        ("2y'", 2 * Y.diff(X)),
    ],
)
def test_primes_are_derivatives_by_the_only_coordinate(text, meaning):
    assert parse_expression(text, ORDINARY) == meaning


def test_places_are_values_of_fields_and_derivatives():
    found = parse_expression("u(0,x) + 2*u_x(t,1/2) + u(x=1)", PARTIAL)
    places = {(one.expr, one.variables, one.point) for one in found.atoms(sympy.Subs)}
    assert places == {
        (U, (T,), (sympy.S.Zero,)),
        (U.diff(X), (X,), (sympy.S.Half,)),
        (U, (X,), (sympy.S.One,)),
    }


def test_greek_letters_are_names_like_others():
    rho = sympy.Symbol("ρ", real=True)
    field = sympy.Function("φ", real=True)(THETA)
    scope = Scope({"θ": THETA}, {"φ": field}, {"ρ": rho})
    assert parse_expression("φ_θθ + ρ*cos(θ)", scope) == field.diff(THETA, 2) + rho * sympy.cos(THETA)


@pytest.mark.parametrize(
    "text", ["u_t = u_xx", "u_t == u_xx", "u_t - u_xx", "u_t - u_xx = 0", "0 = u_t-u_xx"]
)
def test_an_equation_is_its_difference(text):
    assert parse_equation(text, PARTIAL) in (U.diff(T) - U.diff(X, 2), U.diff(X, 2) - U.diff(T))


def test_constants_shadow_functions_and_e():
    gamma = sympy.Symbol("gamma", real=True)
    assert parse_expression("gamma*e", Scope(constants={"gamma": gamma, "e": sympy.Integer(2)})) == 2 * gamma


@pytest.mark.parametrize(
    ("texts", "names", "found"),
    [
        (["u_t = u_xx"], "t x", ("u",)),
        (["u_t + p_x = 0; p = 1"], "t x", ("u", "p")),
        (["u' = v", "v' = -u"], "t", ("u", "v")),
        (["u' = v(t)"], "t", ("u", "v")),
        (["laplacian(w) = 1"], "x y", ("w",)),
        (["diff(w, x) = sin(x)"], "x", ("w",)),
        (["psi_re_t = psi_im_xx"], "t x", ("psi_re", "psi_im")),
        (["x = 1"], "x", ()),
    ],
)
def test_fields_are_what_is_differentiated(texts, names, found):
    assert find_fields(texts, names.split()) == found


def test_constants_are_numbers():
    assert parse_constant("0.01/pi") == sympy.Rational(1, 100) / sympy.pi
    assert parse_constant("k^2", {"k": sympy.Integer(3)}) == 9
    with pytest.raises(BadInput, match="No finite real number"):
        parse_constant("i")


def test_words_know_their_place():
    assert [(one.text, one.start) for one in tokens("u_t + 2x²")][:4] == [
        ("u_t", 0),
        ("+", 4),
        ("2", 6),
        ("x", 7),
    ]
    assert split_at("t=0…1, f(1,2)", ",") == [(0, "t=0…1"), (6, " f(1,2)")]
    assert split_at("0 … 1", "..") == [(0, "0 "), (3, " 1")]


WRONG = {
    "": (0, "write an equation such as u_t = u_xx"),
    "   ": (0, "write an equation"),
    "=": (0, "a number, a name or a bracket must stand there"),
    "u_t =": (5, "a number, a name or a bracket must stand there"),
    "u_t = u_xx = 0": (11, "separate equations with ';'"),
    "u_t := u_xx": (4, "an equation left = right"),
    "u_t != u_xx": (4, "an equation left = right"),
    "u_t = D*u_xx": (6, "--let 'D=1', declare it with --unknown D, or write D"),
    "u_t = u_xx + snh(x)": (13, "did you mean 'sinh'"),
    "u_t = u_xx + sine(x)": (13, "did you mean 'sin'"),
    "u_t = psy": (6, "did you mean 'psi'"),
    "u_t = arcsn(x)": (6, "did you mean 'arcsin'"),
    "u_t = u_xz": (6, "the derivatives of u are written u_t, u_x"),
    "u_t = uxx": (6, "write the derivative as u_xx"),
    "du/dt = u_xx": (0, "derivatives are written u_t"),
    "∂u/∂t = u_xx": (0, "write derivatives as u_x or diff"),
    "u_t = ∇²u": (6, "write laplacian(u)"),
    "u_t = Δu": (6, "write laplacian(u)"),
    r"\partial u": (0, "not as LaTeX"),
    "u_t = (u_xx": (11, "')' is missing there"),
    "u_t = u_xx)": (10, "no bracket is open there"),
    "u_t = [u_xx]": (6, "write round brackets"),
    "u_t = {u_xx}": (6, "write round brackets"),
    "u_t = |u": (8, "'|' is missing there"),
    "u_t = u_xx +": (12, "must stand there"),
    "u_t = u_xx */ 2": (12, "must stand there"),
    "u_t = u u_x": (8, "an operator is missing before it"),
    "u_t = (x+1)u_xx": (11, "an operator is missing before it"),
    "u_t = 1/2x": (9, "write * and brackets"),
    "u_t = 0,01*u_xx": (7, "decimals are written with a point"),
    "u_t = 1.2.3": (9, "an operator is missing before it"),
    "u_t = sin": (6, "write sin(…)"),
    "u_t = sin x": (6, "write sin(…)"),
    "u_t = sin()": (6, "it takes 1"),
    "u_t = sin(x, t)": (6, "it takes 1"),
    "u_t = atan2(x)": (6, "it takes 2"),
    "u_t = sin(x < 1)": (6, "it takes numbers"),
    "u' = u_xx": (1, "several coordinates, so write one of u_t, u_x"),
    "u_t = x'": (7, "only an unknown function has a derivative"),
    "u_t = u_xx/0": (10, "no finite value"),
    "u_t = 0*u_xx/(x-x)": (12, "no finite value"),
    "u_t = log(0)": (6, "no finite value"),
    "u_t = 10^400": (8, "must fit in a float64"),
    "u_t = 9^9^9^9": (9, "must fit in a float64"),
    "u_t = 1e999": (6, "does not fit in a float64"),
    "u_t = gamma(200)": (6, "does not fit in a float64"),
    "u_t = inf*u_xx": (6, "every number must be finite"),
    "u_t = ∞": (6, "every number must be finite"),
    "u_t = $u": (6, "no meaning in an equation"),
    "u_t\0= u_xx": (3, "no meaning in an equation"),
    "u_t = 'a'": (6, "must stand there"),
    "u.t = u.xx": (1, "u_x a derivative"),
    "u_t = √x": (6, "write sqrt(…)"),
    "__import__('os')": (0, "Unknown symbol"),
    "diff(u) = 0": (0, "write diff(u, x, 2)"),
    "diff(u, x, 0) = 0": (0, "write diff(u, x, 2)"),
    "diff(u, x, 1/2) = 0": (0, "write diff(u, x, 2)"),
    "laplacian() = 0": (0, "write laplacian(u)"),
    "integral(u) = 0": (0, "write integral(u, x)"),
    "dn(u, x) = 0": (0, "write dn(u)"),
    "where(x, 1, 2) = u": (0, "write where(x < 0, then, otherwise)"),
    "u_t < u_xx": (0, "an equation has the form left = right"),
    "u(0) = 0": (0, "it takes 2, t, x"),
    "u(0,x,1) = 0": (6, "u takes t, x"),
    "u(2*x, 0) = 0": (0, "is no fixed place"),
    "u(z=0) = 0": (2, "Unknown symbol 'z'"),
    "x(2) = u": (0, "so write x*(…)"),
    "pi(2) = u": (0, "so write pi*(…)"),
    "u(t-1, x) = u": (0, "is no fixed place"),
    "u = 0...1": (5, "write two dots"),
}


@pytest.mark.parametrize("text", WRONG)
def test_wrong_text_is_one_sentence_with_its_place(text: str):
    place, advice = WRONG[text]
    with pytest.raises(BadText) as caught:
        parse_equation(text, PARTIAL)
    sentence = str(caught.value)
    assert advice in sentence and sentence.endswith(".") and ". " not in sentence and "? " not in sentence
    assert caught.value.position == place
    assert caught.value.caret.splitlines()[-1] == " " * place + "^"


def test_long_and_deep_texts_are_refused():
    with pytest.raises(BadInput, match="at most 4000"):
        parse_equation("u" + "+x" * 3000, PARTIAL)
    for text in ("(" * 90 + "u" + ")" * 90, "-" * 90 + "u", "sin(" * 90 + "u" + ")" * 90):
        with pytest.raises(BadInput, match="More than 60"):
            parse_equation(text, PARTIAL)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="utx_01.'+-*/^()|=<>, sinpeψ²²", max_size=25))
def test_any_text_is_read_or_refused_in_a_sentence(text: str):
    try:
        parse_equation(text, PARTIAL)
    except BadInput as problem:
        assert str(problem).endswith(".")
