"""The estimated error against the true one, on problems with closed forms of every kind that is solved."""

import numpy as np
import pytest
from scipy import special

from ansatz.equations.declare import problem_of_text
from ansatz.equations.drift import left_over
from ansatz.equations.evolve import evolution_of
from ansatz.equations.impose import impose
from ansatz.equations.solve import solve

PI = np.pi
EPS = np.finfo(float).eps


def line(low, high):
    return (np.linspace(low, high, 1001),)


def mesh(*ends):
    count = {2: 61, 3: 16, 4: 9}[len(ends)]
    return np.meshgrid(*(np.linspace(low, high, count) for low, high in ends), indexing="ij")


def inside(holds, low=-1.0):
    x, y = np.random.default_rng(3).uniform(low, 1, (2, 3000))
    return x[holds(x, y)], y[holds(x, y)]


def parabola(t, x):
    """Return the heat that starts as x(1 - x) between cold ends: u_t is not 0 there, as the ends ask."""
    terms = (8 / (PI * n) ** 3 * np.sin(n * PI * x) * np.exp(-((n * PI) ** 2) * t) for n in range(1, 400, 2))
    return np.where(t == 0, x * (1 - x), sum(terms))


def kink(t, x):
    """Return the heat that starts as x², repeated with a kink at x = ±1."""
    terms = (
        (-1) ** n * 4 / (PI * n) ** 2 * np.cos(n * PI * x) * np.exp(-0.02 * (n * PI) ** 2 * t)
        for n in range(1, 400)
    )
    return np.where(t == 0, x**2, 1 / 3 + sum(terms))


def loaded(x, y):
    """Return the solution of -Δu = 1 on the unit square, singular at its corners."""
    terms = (
        4 / (PI * n) ** 3 * np.sin(n * PI * x) * (np.exp(-n * PI * y) + np.exp(-n * PI * (1 - y)))
        / (1 + np.exp(-n * PI))
        for n in range(1, 400, 2)
    )  # fmt: skip
    return x * (1 - x) / 2 - sum(terms)


# Each: what is stated, the accuracy asked, where the answer is compared, the exact answer by field.
CASES = {
    "growth": (("y' = y", "t=0..8", "y(0)=1"), 1e-4, line(0, 8), {"y": np.exp}),
    "an oscillator, exact to rounding": (
        ("y'' = -y", "t=0..1", "y(0)=1", "y'(0)=0"), 1e-10, line(0, 1), {"y": np.cos}),
    "forced oscillator": (
        ("y'' + y = cos(2*t)", "t=0..20", "y(0)=0", "y'(0)=0"), 1e-8, line(0, 20),
        {"y": lambda t: (np.cos(t) - np.cos(2 * t)) / 3}),
    "stiff": (
        ("y' = -1000*(y - cos(t)) - sin(t)", "t=0..3", "y(0)=2"), 1e-4, line(0, 3),
        {"y": lambda t: np.cos(t) + np.exp(-1000 * t)}),
    "logistic": (
        ("y' = y*(1-y)", "t=0..12", "y(0)=0.01"), 1e-6, line(0, 12),
        {"y": lambda t: 1 / (1 + 99 * np.exp(-t))}),
    "near a pole": (("y' = y^2", "t=0..0.99", "y(0)=1"), 1e-6, line(0, 0.99), {"y": lambda t: 1 / (1 - t)}),
    "boundary layer": (
        ("-0.01*u'' + u' = 1", "x=0..1", "u(0)=0", "u(1)=0"), 1e-4, line(0, 1),
        {"u": lambda x: x - (np.exp((x - 1) / 0.01) - np.exp(-100)) / (1 - np.exp(-100))}),
    "a kink in the load": (
        ("u'' = 6*abs(x-0.3)", "x=0..1", "u(0)=0.027", "u(1)=0.343"), 1e-5, line(0, 1),
        {"u": lambda x: np.abs(x - 0.3) ** 3}),
    "a step in the load": (
        ("u'' = 2*sign(x-0.3)", "x=0..1", "u(0)=-0.09", "u(1)=0.49"), 1e-4, line(0, 1),
        {"u": lambda x: (x - 0.3) * np.abs(x - 0.3)}),
    "nonlinear between two ends": (
        ("u'' = 2*u^3", "x=0..1", "u(0)=1", "u(1)=0.5"), 1e-6, line(0, 1), {"u": lambda x: 1 / (1 + x)}),
    "a system between two ends": (
        ("p' = q; q' = p", "t=0..2", "p(0)=0", "p(2)=1"), 1e-6, line(0, 2),
        {"p": lambda t: np.sinh(t) / np.sinh(2), "q": lambda t: np.cosh(t) / np.sinh(2)}),
    "periodic": (
        ("u'' + 3*u = exp(cos(x))*(sin(x)^2-cos(x)+3)", "x=0..2*pi", "periodic(x)"), 1e-4, line(0, 2 * PI),
        {"u": lambda x: np.exp(np.cos(x))}),
    "heat that starts at odds with its ends": (
        ("u_t = u_xx", "t=0..0.2, x=0..1", "u(0,x)=x*(1-x)", "u(t,0)=0", "u(t,1)=0"), 1e-4,
        mesh((0, 0.2), (0, 1)), {"u": parabola}),
    "heat that starts with a kink": (
        ("u_t = 0.02*u_xx", "t=0..1, x=-1..1", "u(0,x)=x^2", "periodic(x)"), 3e-4, mesh((0, 1), (-1, 1)),
        {"u": kink}),
    "wave": (
        ("u_tt = u_xx", "t=0..2, x=0..1", "u(0,x)=sin(pi*x)", "u_t(0,x)=0", "u(t,0)=0", "u(t,1)=0"), 1e-6,
        mesh((0, 2), (0, 1)), {"u": lambda t, x: np.sin(PI * x) * np.cos(PI * t)}),
    "a complex field": (
        ("i*psi_t = -psi_xx/2", "t=0..1, x=0..2*pi", "psi(0,x)=exp(cos(x))*exp(i*x)",
         "periodic(x)"), 1e-5, mesh((0, 1), (0, 2 * PI)),
        {"psi": lambda t, x: sum(
            special.iv(abs(k), 1) * np.exp(1j * (k + 1) * x - 0.5j * (k + 1) ** 2 * t) for k in range(-20, 21)
        )}),
    "singular corners": (
        ("-laplacian(u) = 1", "x=0..1, y=0..1", "u=0"), 1e-4, mesh((0, 1), (0, 1)), {"u": loaded}),
    "nonlinear on a box": (
        ("laplacian(u) = u^3 - sin(x)^3*sin(y)^3 - 2*sin(x)*sin(y)", "x=0..2, y=0..1", "u=sin(x)*sin(y)"),
        1e-3, mesh((0, 2), (0, 1)), {"u": lambda x, y: np.sin(x) * np.sin(y)}),
    "slow flow": (
        ("-laplacian(u) + p_x = 2*pi^2*sin(pi*x)*cos(pi*y) + cos(x);"
         "-laplacian(v) + p_y = -2*pi^2*cos(pi*x)*sin(pi*y); u_x + v_y = 0", "x=0..1, y=0..1",
         "u=sin(pi*x)*cos(pi*y)", "v=-cos(pi*x)*sin(pi*y)", "p(0,0)=0"), 1e-4, mesh((0, 1), (0, 1)),
        {"u": lambda x, y: np.sin(PI * x) * np.cos(PI * y),
         "v": lambda x, y: -np.cos(PI * x) * np.sin(PI * y),
         "p": lambda x, y: np.sin(x)}),
    "slopes on a disk": (
        ("laplacian(u) - u = 0", "x,y=disk(0,0,1)", "dn(u) = x*exp(x)"), 1e-4,
        inside(lambda x, y: np.hypot(x, y) < 1), {"u": lambda x, y: np.exp(x)}),
    "triangle": (
        ("laplacian(u) = 0", "x,y=polygon((0,0),(1,0),(0,1))", "u=exp(x)*sin(y)"), 1e-4,
        inside(lambda x, y: x + y < 1, 0.0), {"u": lambda x, y: np.exp(x) * np.sin(y)}),
}  # fmt: skip


LEVELS = {
    "a box": (("-u'' = E*u", "x=0..1", "u(0)=0", "u(1)=0"), 1e-8, [(n * PI) ** 2 for n in (1, 2, 3)]),
    "a square": (("-laplacian(u) = E*u", "x=0..1, y=0..1", "u=0"), 1e-4, PI**2 * np.array([2, 5, 5])),
    "a disk": (
        ("-laplacian(u) = E*u", "x,y=disk(0,0,1)", "u=0"), 1e-4,
        np.array([special.jn_zeros(0, 1)[0], *[special.jn_zeros(1, 1)[0]] * 2]) ** 2),
    "Morse": (
        ("-u''/2 + 10*(1-exp(-x))^2*u = E*u", "x=-3..25", "u(-3)=0", "u(25)=0"), 1e-8,
        [np.sqrt(20) * (n + 0.5) - (n + 0.5) ** 2 / 2 for n in range(3)]),
    "a potential with a kink": (
        ("-u'' + abs(x)*u = E*u", "x=-15..15", "u(-15)=0", "u(15)=0"), 1e-4,
        sorted(-np.concatenate([special.ai_zeros(2)[1], special.ai_zeros(1)[0]]))),
}  # fmt: skip


def fair(estimate, true, factor):
    """Tell whether an estimate is within a factor of the true error, or both are of the order of rounding."""
    near = max(true, EPS) / factor <= estimate <= factor * max(true, EPS)
    return near or max(true, estimate) <= 20 * EPS


def stated(parts):
    equations, on, *where = parts
    return {"problem": equations.split(";"), "on": on, "where": where}


def relative(s, places, exact):
    """Return the largest relative L2 error of an answer's fields."""
    errors = []
    for name, function in exact.items():
        wanted = np.ravel(function(*places))
        errors.append(float(np.linalg.norm(np.ravel(s[name](*places)) - wanted) / np.linalg.norm(wanted)))
    return max(errors)


@pytest.mark.parametrize("name", CASES)
def test_the_estimate_is_near_the_true_error(name):
    parts, accuracy, places, exact = CASES[name]
    s = solve(**stated(parts), accuracy=accuracy)
    true = relative(s, places, exact)
    assert s.converged and s.error < 10 * accuracy, s.verdict
    assert fair(s.error, true, 5), (s.error, true)


@pytest.mark.parametrize("name", LEVELS)
def test_the_estimate_of_levels_is_near_their_true_error(name):
    parts, accuracy, exact = LEVELS[name]
    s = solve(**stated(parts), eigenvalue="E", levels=len(exact), accuracy=accuracy)
    misses, size = np.abs(s.levels - exact), np.max(np.abs(exact))
    assert s.level_errors is not None and s.converged and misses.max() < accuracy * size
    assert fair(s.level_errors.max() / size, misses.max() / size, 10), (s.level_errors, misses)


def test_a_start_that_the_functions_cannot_follow_is_an_error_of_the_answer():
    """The kink of x², repeated: what the functions leave of it is seen at the start, and there whole."""
    parts, _, _, exact = CASES["heat that starts with a kink"]
    s = solve(**stated(parts), accuracy=1e-4, size=400)
    x = np.linspace(-1, 1, 401)
    gap = float(np.linalg.norm(s.u(0.0, x) - x**2))
    whole = np.linalg.norm(exact["u"](*np.meshgrid(np.linspace(0, 1, 51), x, indexing="ij")))
    assert s.error >= 0.99 * gap / whole


def test_moving_to_larger_layers_rounds_nothing():
    problem = problem_of_text(["u_t = u_xx"], "t=0..1, x=0..1", ["u(0,x)=x", "u(t,0)=0", "u_x(t,1)+u(t,1)=0"])
    small = evolution_of(problem, impose(problem))
    large = small.resized(1.5)
    given = np.random.default_rng(0).standard_normal((1, small.space))
    (found,) = small.moved([given], large)
    assert np.array_equal(found[:, : small.space], given) and not found[:, small.space :].any()
    x = np.linspace(0, 1, 7)
    before, after = (e.layers[0][0].table(x, 0)[0] @ c[0] for e, c in ((small, given), (large, found)))
    assert np.abs(before - after).max() < 1e-13


def test_an_estimate_is_doubted_where_the_one_before_proved_wrong():
    """The answers to a step in the load shift alike by chance; no size of theirs is believed at once."""
    for place in (0.3, 0.37):
        s = solve(
            f"u'' = 2*sign(x-{place})", on="x=0..1", where=[f"u(0)={-place**2}", f"u(1)={(1 - place) ** 2}"],
            accuracy=1e-4,
        )  # fmt: skip
        true = relative(s, line(0, 1), {"u": lambda x, p=place: (x - p) * np.abs(x - p)})
        assert s.error > true / 10, (place, s.error, true)


def test_points_gather_about_the_middle_of_an_even_field():
    s = solve("u'' = 6*abs(x-0.5)", on="x=0..1", where=["u(0)=0.125", "u(1)=0.125"], accuracy=1e-4)
    true = relative(s, line(0, 1), {"u": lambda x: np.abs(x - 0.5) ** 3})
    assert s.converged and true < 1e-4 and fair(s.error, true, 5)


def test_slow_convergence_is_told_from_fast():
    n = np.array([20.0, 30.0, 33.0])
    for power, factor in ((5.0, 1 / (1 - (30 / 33) ** 5)), (40.0, 1.0)):
        coarse, fine, finer = n**-power
        found = float(left_over(coarse - fine, fine - finer, (20, 30, 33)))
        assert abs(found / factor - 1) < 0.05
    assert float(left_over(1.0, 1.0, (20, 30, 33))) == 3.0
