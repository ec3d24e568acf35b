"""Constants from data: against closed forms, finite differences, and the frequency with which σ holds."""

from typing import Any

import numpy as np
import pytest
import sympy
from scipy import stats

from ansatz.core import BadInput
from ansatz.equations import reference
from ansatz.equations.declare import problem_of_text
from ansatz.equations.forward import AtOnce, Marching, forward_of
from ansatz.equations.inverse import infer
from ansatz.equations.problem import Observation

T = np.linspace(0.1, 3.0, 40)
START = (-8.0, 7.0, 27.0)
LORENZ = ["x' = sigma*(y - x)", "y' = x*(rho - z) - y", "z' = x*y - beta*z"]
TRUTH = {"sigma": 10.0, "rho": 28.0, "beta": 8 / 3}


def decay(u, start="k=2"):
    return problem_of_text("u' = -k*u", "t=0..3", "u(0)=1", unknowns=start, data={"t": T, "u": u})


def lorenz(columns, unknowns="sigma=9, rho=26, beta=2.4"):
    return problem_of_text(
        LORENZ, "t=0..3", ["x(0)=-8", "y(0)=7", "z(0)=27"], unknowns=unknowns, data=columns
    )


def heat(columns, unknowns="a=0.3"):
    where = ["u(0,x)=sin(pi*x)", "u(t,0)=0", "u(t,1)=0"]
    return problem_of_text("u_t = a*u_xx", "t=0..1, x=0..1", where, unknowns=unknowns, data=columns)


def observation_of(problem, values, sigma=None):
    (one,) = problem.observations
    return Observation(one.field, one.points, values, sigma)


def test_decay_rate_and_its_sigma_are_those_of_the_closed_form():
    noise = 0.02 * np.random.default_rng(1).standard_normal(T.shape)
    found = infer(decay(np.exp(-0.7 * T) + noise))
    k = found.values["k"]
    residual = np.exp(-0.7 * T) + noise - np.exp(-k * T)
    slope = -T * np.exp(-k * T)
    assert abs(residual @ slope) < 2e-3 * np.linalg.norm(slope) * np.std(residual)
    spread = np.sqrt(residual @ residual / (len(T) - 1))
    assert found.residual_sigma[0] == pytest.approx(spread, rel=1e-5)
    assert found.sigma["k"] == pytest.approx(spread / np.linalg.norm(slope), rel=1e-5)
    assert found.covariance[0, 0] == pytest.approx(found.sigma["k"] ** 2)
    assert found.converged and found.numerical["k"] < 1e-7


def test_a_given_sigma_is_taken_as_it_is():
    problem = decay(np.exp(-0.7 * T))
    found = infer(problem, [observation_of(problem, np.exp(-0.7 * T), sigma=0.1)])
    assert found.sigma["k"] == pytest.approx(0.1 / np.linalg.norm(T * np.exp(-0.7 * T)), rel=1e-4)
    problem = decay(np.exp(-0.7 * T))
    noisy = np.exp(-0.7 * T) + 0.1 * np.cos(17 * T)
    found = infer(problem, [observation_of(problem, noisy, sigma=0.01)])
    assert any("stated deviation" in remark for remark in found.remarks)


@pytest.mark.slow
def test_the_truth_is_inside_two_sigma_as_often_as_it_should_be():
    problem, draws, times = decay(np.exp(-0.7 * T), "k=0.75"), np.random.default_rng(0), 200
    forward, inside, sigmas = forward_of(problem), 0, []
    for _ in range(times):
        noisy = np.exp(-0.7 * T) + 0.02 * draws.standard_normal(T.shape)
        found = infer(
            forward, [observation_of(problem, noisy)], problem.unknowns,
            fields=problem.fields, accuracy=1e-4, estimate=False,
        )  # fmt: skip
        inside += abs(found.values["k"] - 0.7) < 2 * found.sigma["k"]
        sigmas.append(found.sigma["k"])
    share = stats.t(len(T) - 1).cdf(2) - stats.t(len(T) - 1).cdf(-2)
    low, high = stats.binom(times, share).ppf([0.001, 0.999])
    assert low <= inside <= high
    bound = 0.02 / np.linalg.norm(T * np.exp(-0.7 * T))
    assert np.median(sigmas) == pytest.approx(bound, rel=0.05)


def test_logistic_growth_gives_both_constants():
    exact = 3 / (1 + (3 / 0.2 - 1) * np.exp(-1.7 * T))
    problem = problem_of_text(
        "u' = r*u*(1 - u/K)", "t=0..3", "u(0)=0.2", unknowns="r=1, K=2", data={"t": T, "u": exact}
    )
    found = infer(problem)
    assert found.values["r"] == pytest.approx(1.7, rel=1e-6)
    assert found.values["K"] == pytest.approx(3, rel=1e-6)
    assert not found.remarks


@pytest.mark.slow
@pytest.mark.parametrize("columns", ["xyz", "x"])
def test_lorenz_constants_without_noise(columns):
    t = np.sort(np.random.default_rng(3).uniform(0, 3, 60))
    states = dict(zip("xyz", reference.lorenz(t, start=START), strict=True))
    found = infer(lorenz({"t": t, **{name: states[name] for name in columns}}), accuracy=1e-8)
    for name, value in TRUTH.items():
        assert found.values[name] == pytest.approx(value, rel=1e-6)
    assert found.converged


@pytest.mark.slow
def test_far_starts_are_reached_along_a_growing_span_of_time():
    t = np.linspace(0.05, 3, 60)
    states = dict(zip("xyz", reference.lorenz(t, start=START), strict=True))
    found = infer(lorenz({"t": t, **states}, "sigma=4, rho=15, beta=1"), accuracy=1e-6)
    for name, value in TRUTH.items():
        assert found.values[name] == pytest.approx(value, rel=1e-4)


def test_missing_values_are_left_out():
    problem = decay(np.exp(-0.7 * T))
    holes = np.where(np.arange(len(T)) % 3 == 0, np.nan, np.exp(-0.7 * T))
    found = infer(problem, [observation_of(problem, holes)])
    assert found.values["k"] == pytest.approx(0.7, rel=1e-6)


def test_conductivity_from_the_heat_equation():
    draws = np.random.default_rng(2)
    t, x = draws.uniform(0, 1, 200), draws.uniform(0, 1, 200)
    exact = np.exp(-0.1 * np.pi**2 * t) * np.sin(np.pi * x)
    problem = heat({"t": t, "x": x, "u": exact})
    found = infer(problem, [observation_of(problem, exact, sigma=0.01)])
    assert found.values["a"] == pytest.approx(0.1, rel=1e-6)
    bound = 0.01 / np.linalg.norm(np.pi**2 * t * exact)
    assert found.sigma["a"] == pytest.approx(bound, rel=1e-4)


def test_a_measured_derivative_serves_as_well():
    t, x = np.meshgrid(np.linspace(0, 1, 9), np.linspace(0, 1, 7))
    flux = np.pi * np.exp(-0.1 * np.pi**2 * t) * np.cos(np.pi * x)
    problem = heat({"t": t.ravel(), "x": x.ravel(), "u": flux.ravel()})
    (one,) = problem.observations
    measured = Observation(sympy.Derivative(one.field, problem.coordinates[1]), one.points, flux.ravel())
    assert infer(problem, [measured]).values["a"] == pytest.approx(0.1, rel=1e-6)


@pytest.mark.parametrize(
    ("problem", "values"),
    [
        (heat({"t": [0.5], "x": [0.5], "u": [1.0]}), {"a": 0.13}),
        (lorenz({"t": [1.0], "x": [1.0]}), {"sigma": 9.0, "rho": 27.0, "beta": 2.5}),
    ],
)
def test_sensitivities_are_those_of_finite_differences(problem, values):
    forward: Any = forward_of(problem)
    symbols = forward.pointwise.unknowns
    known = {s: values[s.name] for s in symbols}
    draws = np.random.default_rng(0)
    points = [draws.uniform(low, high, 30) for low, high in problem.intervals.values()]
    zero = (0,) * len(points)
    jets = [(n, zero) for n in range(len(problem.fields))] + [(0, (1, *zero[1:]))]
    answer = forward.solve(known, 1e-11)
    found = answer.at(points, jets)
    for p, symbol in enumerate(symbols):
        h = 1e-6 * known[symbol]
        up = forward.solve(known | {symbol: known[symbol] + h}, 1e-11, near=answer).at(points, jets)
        down = forward.solve(known | {symbol: known[symbol] - h}, 1e-11, near=answer).at(points, jets)
        for jet in jets:
            difference = (up[jet][0] - down[jet][0]) / (2 * h)
            scale = np.abs(difference).max()
            np.testing.assert_allclose(found[jet][1][:, p], difference, atol=1e-5 * scale)


def test_an_initial_value_may_be_unknown():
    problem = problem_of_text(
        "u' = -k*u", "t=0..3", "u(0)=c", unknowns="k=2, c=1", data={"t": T, "u": 2.5 * np.exp(-0.7 * T)}
    )
    found = infer(problem)
    assert isinstance(forward_of(problem), Marching)
    assert found.values == pytest.approx({"k": 0.7, "c": 2.5}, rel=1e-6)


def test_boundary_values_may_be_unknown():
    draws = np.random.default_rng(2)
    t, x = draws.uniform(0, 1, 50), draws.uniform(0, 1, 50)
    exact = 0.4 + np.exp(-0.1 * np.pi**2 * t) * np.sin(np.pi * x)
    problem = problem_of_text(
        "u_t = a*u_xx", "t=0..1, x=0..1", ["u(0,x)=b+sin(pi*x)", "u(t,0)=b", "u(t,1)=b"],
        unknowns="a=0.3, b=1", data={"t": t, "x": x, "u": exact},
    )  # fmt: skip
    assert isinstance(forward_of(problem), Marching)
    assert infer(problem).values == pytest.approx({"a": 0.1, "b": 0.4}, rel=1e-6)


def test_a_boundary_value_problem_is_solved_at_once():
    x = np.linspace(0.05, 0.95, 20)
    exact = (1 - np.cosh(3 * (x - 0.5)) / np.cosh(1.5)) / 9
    problem = problem_of_text(
        "u'' - k*u = -1", "x=0..1", ["u(0)=0", "u(1)=0"], unknowns="k=4", data={"x": x, "u": exact}
    )
    assert isinstance(forward_of(problem), AtOnce)
    assert infer(problem).values["k"] == pytest.approx(9, rel=1e-6)


def test_a_coefficient_in_a_boundary_condition():
    x = np.linspace(0.05, 0.95, 20)
    problem = problem_of_text(
        "u'' = 0",
        "x=0..1",
        ["u(0)=1", "u'(1) + h*u(1) = 0"],
        unknowns="h=1",
        data={"x": x, "u": 1 - 0.75 * x},
    )
    assert infer(problem).values["h"] == pytest.approx(3, rel=1e-6)


def test_constants_that_cannot_be_told_apart_are_named():
    problem = problem_of_text(
        "u' = -(a + b)*u", "t=0..3", "u(0)=1", unknowns="a=1, b=0.1", data={"t": T, "u": np.exp(-0.7 * T)}
    )
    found = infer(problem)
    assert found.values["a"] + found.values["b"] == pytest.approx(0.7, rel=1e-6)
    assert any("cannot tell a and b apart" in remark for remark in found.remarks)
    assert min(found.sigma.values()) > 1


def test_data_that_the_equation_cannot_follow_are_remarked():
    found = infer(decay(np.sin(5 * T)), accuracy=1e-5)
    assert any("does not follow the data" in remark for remark in found.remarks)


def test_as_many_values_as_constants_leave_no_sigma():
    problem = problem_of_text(
        "u' = -k*u", "t=0..3", "u(0)=1", unknowns="k=2", data={"t": [1.0], "u": [np.exp(-0.7)]}
    )
    found = infer(problem)
    assert found.values["k"] == pytest.approx(0.7, rel=1e-6)
    assert np.isinf(found.sigma["k"]) and "too few" in found.remarks[0]


@pytest.mark.parametrize(
    ("points", "values", "says"),
    [
        ([1.0, 4.0], [0.5, 0.1], "u(t) is measured at t = 4, outside 0 to 3"),
        ([1.0], [np.nan], "no measured values from which to find k"),
    ],
)
def test_bad_data_are_refused(points, values, says):
    problem = decay(np.exp(-0.7 * T))
    (one,) = problem.observations
    (t,) = problem.coordinates
    with pytest.raises(BadInput, match=says.replace("(", r"\(").replace(")", r"\)")):
        infer(problem, [Observation(one.field, {t: np.array(points)}, np.array(values))])


def test_fewer_values_than_constants_are_refused():
    problem = lorenz({"t": [1.0, 2.0], "x": [1.0, 2.0]})
    with pytest.raises(BadInput, match="2 measured values for 3 constants"):
        infer(problem)
