"""Every equation of the gallery parses, is echoed, and its reference fulfils what is stated."""

import math

import numpy as np
import pytest
import sympy

from ansatz.core import BadInput
from ansatz.equations import gallery
from ansatz.equations.lower import evaluate

NAMES = gallery.__all__
TOLERANCE = {"kdv": 1e-7, "schroedinger_nls": 1e-5}
"""Where the line is cut, and where a series is slow at the kink of its periodic start."""


@pytest.fixture(scope="module", params=NAMES)
def entry(request):
    return gallery.get(request.param)


def parts(values, problem):
    """Return real values by real field."""
    found = {}
    for name, one in values.items():
        if name in problem.complex_fields:
            re, im = problem.complex_fields[name]
            found |= {re: one.real, im: one.imag}
        else:
            found |= {field: one for field in problem.fields if field.func.__name__ == name}
    return found


def reference_of(entry, problem):
    """Return a function from coordinates to real values by real field."""

    def values(*places):
        found = entry.reference(*places)
        found = found if isinstance(found, tuple) else (found,)
        return parts(dict(zip(entry.fields, map(np.asarray, found), strict=False)), problem)

    return values


def measured(entry):
    """Return the data of an inverse problem."""
    assert entry.measured is not None
    return entry.measured()


def exact_at(entry, at):
    """Return what the reference gives at places."""
    assert entry.reference is not None
    return entry.reference(*at)


def slope(values, field, derivative, problem, at):
    """Return a derivative of the reference by Chebyshev interpolation beside a place, inside the domain."""
    ((symbol, times),) = derivative.variable_count
    axis = problem.coordinates.index(symbol)
    low, high = problem.intervals[symbol]
    width, count = 0.02 * (high - low), 12
    start = np.clip(np.asarray(at[axis]) - width / 2, low, high - width)
    nodes = 0.5 - 0.5 * np.cos(np.pi * np.arange(count) / (count - 1))
    rows = [
        values(*(start + width * node if k == axis else one for k, one in enumerate(at)))[field]
        for node in nodes
    ]
    fit = np.polynomial.chebyshev.Chebyshev.fit
    stack = np.asarray(rows).reshape(count, -1)
    place = np.ravel(np.broadcast_to((np.asarray(at[axis]) - start) / width, np.shape(rows[0])))
    found = [
        fit(nodes, row, count - 1).deriv(int(times))(spot) for row, spot in zip(stack.T, place, strict=True)
    ]
    return np.reshape(found, np.shape(rows[0])) / width ** int(times)


def test_the_statement_is_echoed_with_every_condition(entry):
    problem = entry.problem()
    echo = problem.echo()
    assert len(problem.conditions) >= 1 and echo.count("\n") >= len(problem.equations)
    assert problem.levels == (entry.levels if entry.eigenvalue else 0)
    assert set(problem.complex_fields) == set(entry.complex)
    assert "--on" in entry.command()


def test_the_reference_fulfils_the_conditions(entry):
    problem = entry.problem()
    if entry.reference is None:
        return
    values, checked = reference_of(entry, problem), 0
    known = [field for field in problem.fields if entry.complex or str(field.func) in entry.fields]
    stated = [one for one in problem.conditions if any(one.residual.has(field) for field in known)]
    for one in stated:
        ends = [dict([pair]) for pair in one.at] if one.kind == "periodic" else [dict(one.at)]
        residuals = [placed(one, end, entry, problem, values) for end in ends]
        residual = residuals[0] - residuals[1] if len(residuals) == 2 else residuals[0]
        assert np.max(np.abs(residual)) < TOLERANCE.get(entry.name, 2e-8), one.text
        checked += 1
    assert checked == len(stated) >= len(problem.conditions) - 1


def placed(condition, fixed, entry, problem, values):
    """Return the residual of a condition at points of its place."""
    if condition.kind == "boundary":
        points, _ = problem.shape.boundary(200)
        at = [points[:, k] for k in range(points.shape[1])]
        if entry.name == "poisson_l_shape":
            at = [np.where((at[0] > 0) & (at[1] > 0), np.minimum(one, 0), one) for one in at]
            at = [np.clip(one, -1, 1) for one in at]
    else:
        grid = entry.grid()
        at = [np.ravel(one)[:: max(1, np.size(one) // 40)] for one in grid]
        count = min(map(len, at))
        named = list(zip(problem.coordinates, at, strict=True))
        at = [np.full(count, fixed[one]) if one in fixed else nodes[:count] for one, nodes in named]
    table = dict(zip(problem.coordinates, at, strict=True)) | values(*at)
    for one in condition.residual.atoms(sympy.Derivative):
        table[one] = slope(values, one.expr, one, problem, at)
    return evaluate(condition.residual, table)


def test_ordinary_references_fulfil_their_equations(entry):
    problem = entry.problem()
    if len(problem.coordinates) > 1 or entry.reference is None:
        return
    (t,) = problem.coordinates
    low, high = problem.intervals[t]
    at = [np.linspace(low, high, 23)]
    values = reference_of(entry, problem)
    table = {t: at[0]} | values(*at) | {sympy.Symbol(k, real=True): v for k, v in entry.truth.items()}
    for equation in problem.equations:
        for one in equation.atoms(sympy.Derivative):
            table[one] = slope(values, one.expr, one, problem, at)
        size = max(np.max(np.abs(table[one])) for one in equation.atoms(sympy.Derivative))
        assert np.max(np.abs(evaluate(equation, table))) < 1e-5 * size


def test_the_comparison_grid_lies_in_the_domain_and_the_reference_is_finite(entry):
    problem, grid = entry.problem(), entry.grid()
    assert len(grid) == len(problem.coordinates)
    for symbol, one in zip(problem.coordinates, grid, strict=True):
        low, high = problem.intervals.get(symbol, (-np.inf, np.inf))
        assert np.min(one) >= low and np.max(one) <= high
    for one in entry.values().values():
        assert one.shape == np.broadcast_shapes(*(np.shape(at) for at in grid)) and np.isfinite(one).all()


def test_levels_have_certified_values(entry):
    if entry.energies is None:
        assert entry.reference is not None
        return
    levels = entry.energies(entry.levels)
    assert len(levels) == entry.levels and list(levels) == sorted(levels)
    assert entry.problem(2).levels == 2


def test_errors_of_the_reference_itself_are_zero_and_of_a_shift_are_its_size():
    entry = gallery.get("heat")

    class Shifted(dict):
        def __missing__(self, name):
            return lambda t, x: exact_at(entry, (t, x)) * (1 + 1e-3)

    assert entry.errors(Shifted()) == pytest.approx({"u": 1e-3}, rel=1e-9)


@pytest.mark.parametrize("omega", [1, 10, 80])
def test_parameters_come_by_keyword(omega):
    entry = gallery.get("oscillator", omega=omega)
    assert entry.let == f"omega={omega}"
    assert np.allclose(entry.values()["y"], np.cos(omega * entry.grid()[0]))


def test_the_singular_boundary_problem_is_recognized():
    for multiple in (1, 3):
        with pytest.raises(BadInput, match=f"is {multiple} pi, where the boundary values do not determine"):
            gallery.get("oscillator_boundary", omega=multiple * math.pi)


def test_names_and_parameters_are_corrected():
    with pytest.raises(BadInput, match="did you mean 'burgers'"):
        gallery.get("burger")
    with pytest.raises(BadInput, match="did you mean 'viscosity'"):
        gallery.get("burgers", viscosty=0.1)
    with pytest.raises(BadInput, match="it takes no parameters"):
        gallery.get("wave", speed=2)
    with pytest.raises(BadInput, match="whole number"):
        gallery.get("helmholtz", waves=1.5)


@pytest.mark.parametrize("name", ["inverse_burgers", "inverse_lorenz"])
def test_data_are_the_reference_with_the_stated_noise(name):
    clean, again = (measured(gallery.get(name, seed=3)) for _ in range(2))
    noisy = measured(gallery.get(name, seed=3, noise=0.01, count=400))
    assert all(np.array_equal(clean[key], again[key]) for key in clean)
    entry = gallery.get(name)
    at = [clean[one.name] for one in entry.problem().coordinates]
    true = exact_at(entry, at)
    true = true if isinstance(true, tuple) else (true,)
    for field, one in zip(entry.fields, true, strict=True):
        assert np.array_equal(clean[field], one)
    at = [noisy[one.name] for one in entry.problem().coordinates]
    exact = exact_at(entry, at)
    exact = exact[0] if isinstance(exact, tuple) else exact
    size = np.sqrt(np.mean(exact**2))
    assert np.std(noisy[entry.fields[0]] - exact) == pytest.approx(0.01 * size, rel=0.15)
