"""Time windows: exact solutions met, joined smoothly, with an estimated error that is near the true one."""

import time

import numpy as np
import pytest

import ansatz.equations.evolve as evolving
from ansatz.equations.declare import problem_of_text
from ansatz.equations.evolve import evolution_of, evolve, grid, marches
from ansatz.equations.expansion import values
from ansatz.equations.impose import impose
from ansatz.equations.solve import solve
from ansatz.equations.windows import march

FRONT = "-0.5*tanh(2.5*(x-0.5*t))+0.5"


def shock(t, x):
    """Return a travelling front of Burgers' equation, ν = 0.1."""
    return 0.5 - 0.5 * np.tanh(2.5 * (x - 0.5 * t))


CASES = {
    "exponential": (("y' = -3*y", "t=0..2", "y(0)=1"), {"y": lambda t: np.exp(-3 * t)}),
    "stiff": (("y' = -1000*(y-cos(t)) - sin(t)", "t=0..3", "y(0)=1"), {"y": np.cos}),
    "second order": (("y'' + y'/5 + 9*y = 0", "t=0..5", "y(0)=0", "y'(0)=1"),
                     {"y": lambda t: np.exp(-t / 10) * np.sin(np.sqrt(8.99) * t) / np.sqrt(8.99)}),
    "third order": (("y''' = -y' + 2", "t=0..3", "y(0)=0", "y'(0)=0", "y''(0)=1"),
                    {"y": lambda t: 1 - np.cos(t) + 2 * (t - np.sin(t))}),
    "logistic": (("y' = y*(1-y)", "t=0..6", "y(0)=0.1"), {"y": lambda t: 1 / (1 + 9 * np.exp(-t))}),
    "rotation": (("a' = -b*(a^2+b^2); b' = a*(a^2+b^2)", "t=0..4", "a(0)=1", "b(0)=0"),
                 {"a": np.cos, "b": np.sin}),
    "heat": (("u_t = 0.2*u_xx", "t=0..1, x=0..1", "u(0,x)=sin(pi*x)+x", "u(t,0)=0", "u(t,1)=1"),
             {"u": lambda t, x: np.exp(-0.2 * np.pi**2 * t) * np.sin(np.pi * x) + x}),
    "wave": (("u_tt = u_xx", "t=0..2, x=0..1", "u(0,x)=sin(pi*x)", "u_t(0,x)=0", "u(t,0)=0", "u(t,1)=0"),
             {"u": lambda t, x: np.sin(np.pi * x) * np.cos(np.pi * t)}),
    "advection": (("u_t + u_x = 0", "t=0..2, x=-1..1", "u(0,x)=exp(sin(pi*x))", "u(t,-1)=u(t,1)"),
                  {"u": lambda t, x: np.exp(np.sin(np.pi * (x - t)))}),
    "front": (("u_t + u*u_x = 0.1*u_xx", "t=0..0.5, x=-1..1", f"u(0,x)={FRONT.replace('t)', '0)')}",
               f"u(t,-1)={FRONT.replace('(x-', '(-1-')}", f"u(t,1)={FRONT.replace('(x-', '(1-')}"),
              {"u": shock}),
    "plate": (("u_t = 0.1*(u_xx+u_yy)", "t=0..0.3, x=0..1, y=0..1", "u(0,x,y)=sin(pi*x)*cos(pi*y)",
               "u(t,0,y)=0", "u(t,1,y)=0", "u_y(t,x,0)=0", "u_y(t,x,1)=0"),
              {"u": lambda t, x, y: np.exp(-0.2 * np.pi**2 * t) * np.sin(np.pi * x) * np.cos(np.pi * y)}),
}  # fmt: skip


def stated(name):
    (equations, on, *where), exact = CASES[name]
    return problem_of_text(equations, on, where), exact


@pytest.mark.parametrize("name", CASES)
def test_answer_and_estimated_error_against_the_exact_solution(name):
    problem, exact = stated(name)
    assert marches(problem, impose(problem))
    s = solve(problem, accuracy=1e-6)
    points = grid(problem)
    assert s.converged and s.error < 1e-6, s.verdict
    for field, function in exact.items():
        wanted = function(*points)
        gap = wanted - s[field](*points)
        true = np.linalg.norm(gap) / np.linalg.norm(wanted)
        assert true < 2e-6
        assert true / 10 <= max(s.errors[field], 1e-12) and s.errors[field] <= 10 * max(true, 1e-12)
        if true > 1e-11:
            assert np.linalg.norm(gap - s.defect(field, *points)) < 0.5 * np.linalg.norm(gap)


@pytest.mark.parametrize("name", ["second order", "third order", "rotation", "logistic"])
def test_windows_join_with_their_derivatives(name):
    problem, _ = stated(name)
    found = march(evolution_of(problem, impose(problem)), tolerance=1e-5, estimate=False)
    assert len(found.windows) > 2 and found.windows[-1].end == found.evolution.end
    for before, after in zip(found.windows, found.windows[1:], strict=False):
        assert before.end == after.start
        for a, b, order in zip(before.coefficients, after.coefficients, found.evolution.orders, strict=True):
            b = np.concatenate([b, np.zeros((1, *b.shape[1:]))])
            for k in range(order):
                ends = []
                for w, c, place in ((before, a, 1.0), (after, b, -1.0)):
                    slope = np.polynomial.chebyshev.chebder(c, k) if k else c
                    ends.append(np.polynomial.chebyshev.chebval(place, slope) * (2 / (w.end - w.start)) ** k)
                left = np.zeros_like(ends[1])
                left[tuple(map(slice, ends[0].shape))] = ends[0]
                assert np.abs(left - ends[1]).max() < 1e-11 * np.abs(a).max() * 10**k


def test_layers_grow_with_the_solution():
    problem = problem_of_text(
        "u_t + u*u_x = 0.03*u_xx", "t=0..0.3, x=-1..1", ["u(0,x)=-sin(pi*x)", "u(t,-1)=u(t,1)"]
    )
    found = march(evolution_of(problem, impose(problem)), tolerance=1e-5)
    sizes = [w.coefficients[0].shape[1] for w in found.windows]
    assert sizes[-1] > 20 and sorted(sizes) == sizes
    assert found.converged and found.tail <= 1e-5


def test_points_gather_where_the_solution_is_steep():
    problem = problem_of_text(
        "u_t + u*u_x = u_xx/60", "t=0..0.02, x=0..1",
        ["u(0,x)=-tanh((x-0.3)*30)", "u(t,0)=tanh(9)", "u(t,1)=-tanh(21)"],
    )  # fmt: skip
    found, answer, _, errors = evolve(problem, impose(problem), accuracy=1e-5, size=250)
    stretch = found.evolution.layers[0][0].stretch
    assert found.converged and abs(stretch.center - 0.3) < 0.05 and 0 < stretch.width < 0.3
    points = grid(problem)
    wanted = -np.tanh((points[1] - 0.3) * 30)
    true = np.linalg.norm(values(answer, 0, points, (0, 0)) - wanted) / np.linalg.norm(wanted)
    assert true < 1e-5 and 0.1 < errors["u"] / true < 10


@pytest.mark.parametrize(
    ("equation", "where"),
    [
        ("u_t = 0.1*u_xx - u^2", ["u(0,x)=1+x", "u(t,0)=1", "u_x(t,1)=1"]),
        ("u_t = 0.1*u_xx + 1", ["u(0,x)=0", "u(t,0)=0", "u(t,1)=0"]),
        ("u_t = u_xx - u^3", ["u(0,x)=1", "u_x(t,0)=0", "u_x(t,1)=0"]),
    ],
)
def test_fields_that_their_lift_starts_or_that_start_at_nothing_have_a_size(equation, where):
    problem = problem_of_text(equation, "t=0..1, x=0..1", where)
    found = march(evolution_of(problem, impose(problem)), tolerance=1e-4)
    assert found.converged and len(found.windows) < 20 and found.evolution.space < 60


def test_complex_fields_are_of_one_size():
    problem = problem_of_text(
        "i*psi_t + psi_xx = 0", "t=0..0.3, x=0..2*pi", ["psi(0,x)=cos(x)", "psi(t,0)=psi(t,2*pi)"]
    )
    s = solve(problem, accuracy=1e-8)
    t, x = grid(problem)
    assert np.abs(s.psi(t, x) - np.exp(-1j * t) * np.cos(x)).max() < 1e-7
    assert set(s.errors) == {"psi_re", "psi_im"} and s.error < 1e-8


def test_a_solution_that_ends_is_not_called_converged():
    s = solve("y' = y^2", on="t=0..2", where="y(0)=1", accuracy=1e-6)
    assert not s.converged and s.verdict.startswith("Not converged")
    end = float(s.model.edges[-1])
    assert 0.9 < end < 1.01
    assert abs(s.y(0.5) - 2) < 1e-4


def test_time_allowed_is_kept():
    problem, _ = stated("logistic")
    evolution = evolution_of(problem, impose(problem))
    found = march(evolution, deadline=time.monotonic() - 1)
    assert not found.converged and "time allowed was over" in found.remarks[0]
    shares = []
    march(evolution, progress=shares.append)
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1.0)


def test_a_finer_march_that_would_take_too_long_gives_way_to_one_between(monkeypatch):
    tolerances = []

    def slow(evolution, *, tolerance, progress, **options):
        tolerances.append(tolerance)
        clock[0] += 1000 if tolerance < 1e-7 else 1
        progress(0.5)
        return march(evolution, tolerance=tolerance, **options)

    clock = [time.monotonic()]
    monkeypatch.setattr(evolving, "march", slow)
    monkeypatch.setattr(evolving, "relative", lambda *_: {"u": 1e-5})
    monkeypatch.setattr(evolving.time, "monotonic", lambda: clock[0])
    problem, _ = stated("logistic")
    found, *_, errors = evolve(problem, impose(problem), accuracy=1e-6)
    assert found.converged and errors == {"u": 1e-5}
    first, finer, between, *_ = tolerances
    assert finer < 1e-7 and between == pytest.approx((first * finer) ** 0.5)


def test_boundary_problems_do_not_march():
    for equation, *where in [
        ("y'' + y = 0", "y(0)=0", "y(1)=1"),
        ("y'' + y = 0", "y(0)=0", "y(0.5)=1"),
        ("y' = y", "integral(y,t)=1"),
    ]:
        problem = problem_of_text(equation, "t=0..1", where)
        assert not marches(problem, impose(problem))
