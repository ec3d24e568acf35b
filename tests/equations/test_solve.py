"""From text to an answer: problems of textbooks at first try, and sentences for what is asked amiss."""

import numpy as np
import pytest
from scipy import special

from ansatz.core import BadInput
from ansatz.equations.declare import problem_of_text
from ansatz.equations.solve import solve

PI = np.pi

# Each: the source, the text, the exact answer by field.
TEXTBOOK = {
    "Riccati, Boyce and DiPrima §2.4": (
        ("y' = 1 + y^2", "t=0..1", "y(0)=0"), {"y": np.tan}),
    "resonance, Boyce and DiPrima §3.8": (
        ("y'' + 4*y = cos(2*t)", "t=0..6", "y(0)=0", "y'(0)=0"), {"y": lambda t: t * np.sin(2 * t) / 4}),
    "Euler's equation, Boyce and DiPrima §5.4": (
        ("x^2*y'' - 2*x*y' - 4*y = 0", "x=1..2", "y(1)=2", "y(2)=16.5"), {"y": lambda x: x**4 + 1 / x}),
    "Airy, Bender and Orszag §3.2": (
        ("y'' = x*y", "x=-8..2", f"y(-8)={special.airy(-8)[0]:.17g}", f"y(2)={special.airy(2)[0]:.17g}"),
        {"y": lambda x: special.airy(x)[0]}),
    "boundary layer, Bender and Orszag §9.1": (
        ("0.05*y'' + (1+x)*y' + y = 0", "x=0..1", "y(0)=1", "y(1)=1"), None),
    "Troesch, Stoer and Bulirsch §7.3": (
        ("y'' = 2*sinh(2*y)", "x=0..1", "y(0)=0", "y(1)=1"), None),
    "epidemic with a conserved sum, Murray §10.2": (
        ("s' = -2*s*j; j' = 2*s*j - j; r' = j", "t=0..5", "s(0)=0.9", "j(0)=0.1", "r(0)=0"), None),
    "Van der Pol, Strogatz §7.5": (
        ("y'' - 2*(1-y^2)*y' + y = 0", "t=0..5", "y(0)=2", "y'(0)=0"), None),
    "heat with a source, Haberman §8.3": (
        ("u_t = u_xx + exp(-t)*sin(3*x)", "t=0..1, x=0..pi", "u(0,x)=sin(x)", "u(t,0)=0", "u(t,pi)=0"),
        {"u": lambda t, x: np.exp(-t) * np.sin(x) + (np.exp(-t) - np.exp(-9 * t)) / 8 * np.sin(3 * x)}),
    "telegraph, Strauss §4.3": (
        ("u_tt + 2*u_t = u_xx", "t=0..2, x=0..1", "u(0,x)=sin(pi*x)", "u_t(0,x)=-sin(pi*x)",
         "u(t,0)=0", "u(t,1)=0"),
        {"u": lambda t, x: np.exp(-t) * np.cos(np.sqrt(PI**2 - 1) * t) * np.sin(PI * x)}),
    "beam that vibrates, Strauss §4.3": (
        ("u_tt + u_xxxx = 0", "t=0..0.3, x=0..pi", "u(0,x)=sin(2*x)", "u_t(0,x)=0",
         "u(t,0)=0", "u(t,pi)=0", "u_xx(t,0)=0", "u_xx(t,pi)=0"),
        {"u": lambda t, x: np.cos(4 * t) * np.sin(2 * x)}),
    "Fisher's travelling wave, Murray §13.2": (
        ("u_t = u_xx + u*(1-u)", "t=0..1, x=-5..5", "u(0,x)=(1+exp(x/sqrt(6)))^(-2)",
         "u(t,-5)=(1+exp((-5-5/sqrt(6)*t)/sqrt(6)))^(-2)", "u(t,5)=(1+exp((5-5/sqrt(6)*t)/sqrt(6)))^(-2)"),
        {"u": lambda t, x: (1 + np.exp((x - 5 / np.sqrt(6) * t) / np.sqrt(6))) ** -2}),
    "Laplace in a square, Haberman §2.5": (
        ("u_xx + u_yy = 0", "x=0..pi, y=0..1", "u(0,y)=0", "u(pi,y)=0", "u(x,0)=0", "u(x,1)=sin(x)"),
        {"u": lambda x, y: np.sin(x) * np.sinh(y) / np.sinh(1)}),
    "torsion of an ellipse by scaling, Timoshenko and Goodier §107": (
        ("u_xx + 4*u_yy = -2", "x,y=disk(0,0,1)", "u=0"),
        {"u": lambda x, y: (1 - x**2 - y**2) / 5}),
    "minimal surface of Scherk, Struwe §1": (
        ("(1+u_y^2)*u_xx - 2*u_x*u_y*u_xy + (1+u_x^2)*u_yy = 0", "x=-1..1, y=-1..1", "u=log(cos(x)/cos(y))"),
        {"u": lambda x, y: np.log(np.cos(x) / np.cos(y))}),
}  # fmt: skip


def scipy_answer(name, problem):
    """Return the answer of SciPy's solvers to the ordinary problems without closed form, by field."""
    from scipy.integrate import solve_bvp, solve_ivp

    if "Murray" in name:
        run = solve_ivp(lambda t, y: [-2 * y[0] * y[1], 2 * y[0] * y[1] - y[1], y[1]], (0, 5), [0.9, 0.1, 0],
                        "DOP853", rtol=1e-12, atol=1e-13, dense_output=True)  # fmt: skip
        return {f: (lambda t, k=k: run.sol(t)[k]) for k, f in enumerate("sjr")}
    if "Pol" in name:
        run = solve_ivp(lambda t, y: [y[1], 2 * (1 - y[0] ** 2) * y[1] - y[0]], (0, 5), [2, 0],
                        "DOP853", rtol=1e-12, atol=1e-13, dense_output=True)  # fmt: skip
        return {"y": lambda t: run.sol(t)[0]}
    rates = {
        "Bender": lambda x, y: [y[1], -((1 + x) * y[1] + y[0]) / 0.05],
        "Troesch": lambda x, y: [y[1], 2 * np.sinh(2 * y[0])],
    }
    (rate,) = (r for key, r in rates.items() if key in name)
    low, high = (1.0, 1.0) if "Bender" in name else (0.0, 1.0)
    x = np.linspace(0, 1, 400)
    run = solve_bvp(
        lambda x, y: np.array(rate(x, y)), lambda a, b: np.array([a[0] - low, b[0] - high]), x,
        np.stack([low + (high - low) * x, 0 * x]), tol=1e-10, max_nodes=20000,
    )  # fmt: skip
    return {"y": lambda x: run.sol(x)[0]}


@pytest.mark.parametrize("name", TEXTBOOK)
def test_textbook_problems_at_first_try(name):
    (equations, on, *where), exact = TEXTBOOK[name]
    problem = problem_of_text(equations, on, where)
    s = solve(problem, accuracy=1e-6)
    assert s.converged and s.error <= 1e-6, s.verdict
    assert "Converged" in s.verdict and s.ladder[-1].error == s.error and s.residual < 1e-3
    if problem.shape is None:
        axes = [low + (high - low) * (np.arange(12) + 0.3) / 12 for low, high in problem.intervals.values()]
        points = [g.ravel() for g in np.meshgrid(*axes, indexing="ij")]
    else:
        points = list(problem.shape.interior(60).T)
    for field, function in (exact or scipy_answer(name, problem)).items():
        wanted = function(*points)
        assert np.linalg.norm(s[field](*points) - wanted) < 5e-6 * np.linalg.norm(wanted)


def test_values_broadcast_and_derivatives_are_fields():
    s = solve("u_t = u_xx", on="t=0..1, x=0..pi", where=["u(0,x)=sin(x)", "u(t,0)=0", "u(t,pi)=0"])
    t, x = np.linspace(0, 1, 3)[:, None], np.linspace(0, PI, 4)
    wanted = np.exp(-t) * np.sin(x)
    assert s.u(t, x).shape == (3, 4) and np.allclose(s.u(t, x), wanted, atol=1e-7)
    assert np.allclose(s["u"](x=x, t=t), s.u(t, x)) and np.ndim(s.u(0.5, 1.0)) == 0
    assert np.allclose(s.u.xx(t, x), -wanted, atol=1e-4) and np.allclose(s.u.t(t, x), -wanted, atol=1e-4)
    assert np.allclose(s.u.derivative("txx")(t, x), s.u.t.xx(t, x))
    assert s.residual_at(t, x).shape == (1, 3, 4) and np.abs(s.residual_at(t, x)).max() < 1e-4
    assert np.abs(s.defect("u", t, x)).max() < 1e-5


def test_progress_is_told_and_a_function_of_it_stops_at_one():
    shares = []
    solve("y' = y*(1-y)", on="t=0..5", where="y(0)=0.1", progress=shares.append)
    assert shares and 0 <= min(shares) and max(shares) <= 1.0 + 1e-12


def problem():
    return problem_of_text("y'' = -y", "t=0..1", ["y(0)=1", "y'(0)=0"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "magic"}, "magic"),
        ({"accuracy": 0.0}, "accuracy"),
        ({"accuracy": 2.0}, "accuracy"),
        ({"soft": True}, "Soft conditions are for networks"),
        ({"on": "t=0..1"}, "A Problem is complete"),
        ({"where": "y(0)=1"}, "A Problem is complete"),
        ({"let": "k=1"}, "A Problem is complete"),
    ],
)
def test_options_amiss_are_one_sentence(options, message):
    with pytest.raises(BadInput, match=message) as caught:
        solve(problem(), **options)
    assert "\n" not in str(caught.value) and str(caught.value).endswith((".", "?"))


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda s: s.y(2.0), "t = 2 is outside the domain, 0 to 1"),
        (lambda s: s.y(float("nan")), "outside the domain"),
        (lambda s: s.y(), "coordinate t is missing"),
        (lambda s: s.y(x=1.0), "'x' is no coordinate"),
        (lambda s: s["z"], "no field 'z'; the solution has y"),
        (lambda s: s.y.derivative("x"), "'x' in the derivative 'x' is no coordinate"),
        (lambda s: s.y.derivative("ttttt"), "order 5; derivatives go up to order 4"),
        (lambda s: s.y(0.1, 0.2), "2 places are given"),
        (lambda s: s.y(0.1, t=0.2), "2 places are given"),
    ],
)
def test_questions_amiss_are_one_sentence(ask, message):
    s = solve(problem(), accuracy=1e-6)
    with pytest.raises(BadInput, match=message):
        ask(s)


def test_a_point_outside_a_shape_is_named():
    s = solve("u_xx + u_yy = 1", on="x,y=disk(0,0,1)", where="u=0")
    with pytest.raises(BadInput, match=r"The point \(1, 1\) is outside disk"):
        s.u(1.0, 1.0)


def test_a_missing_attribute_is_no_field():
    with pytest.raises(AttributeError, match="its fields are y"):
        solve(problem(), accuracy=1e-4).z  # noqa: B018


def test_primes_and_diff_are_the_same():
    text, spelled = solve(problem()), solve("diff(y,t,2) = -y", on="t=0..1", where=["y(0)=1", "y'(0)=0"])
    assert text.y(0.7) == spelled.y(0.7)
