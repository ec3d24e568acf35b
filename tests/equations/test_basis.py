"""Frozen layers of one coordinate: derivatives in closed form, conditions in every function, exact sums."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansatz.core import BadInput
from ansatz.equations.basis import Functional, Layer, radau
from ansatz.equations.gather import gathering, needed
from ansatz.equations.stretch import Stretch

ENDS = st.tuples(st.floats(-3, 2), st.floats(0.1, 6)).map(lambda p: (p[0], p[0] + p[1]))
STEP = 1e-30


def in_complex_steps(function, x, order):
    """Differentiate once, exactly, what is known in closed form for complex x, from the derivative below."""
    return function(x + 1j * STEP, order - 1).imag / STEP


def sinh_chain(stretch, x):
    """Return ξ(x) for complex x."""
    low, high = (np.arcsinh((end - stretch.center) / stretch.width) for end in (stretch.low, stretch.high))
    return (2 * np.arcsinh((x - stretch.center) / stretch.width) - low - high) / (high - low)


@given(ENDS, st.integers(1, 12))
def test_chebyshev_tables_are_those_of_numpy(ends, modes):
    layer = Layer(Stretch(*ends), modes)
    x = np.linspace(*ends, 7)
    tables = layer.table(x, 4)
    for k in range(modes):
        polynomial = np.polynomial.Chebyshev.basis(k, domain=ends)
        for order, table in enumerate(tables):
            wanted = polynomial.deriv(order)(x) if order else polynomial(x)
            size = (2 / (ends[1] - ends[0])) ** order * max(k, 1) ** (2 * order)
            assert np.abs(table[:, k] - wanted).max() <= 1e-12 * size


@pytest.mark.parametrize("parity", ["", "even", "odd"])
def test_fourier_tables_are_sines_and_cosines_with_every_derivative(parity):
    low, high, modes = -1.0, 2.5, 7
    layer = Layer(Stretch(low, high), modes, (), parity, "fourier")
    x = np.linspace(low, high, 9)
    tables = layer.table(x, 4)
    speed = 2 * np.pi / (high - low)
    angle = (x - (0.5 * (low + high) if parity else low)) * speed
    both = [(0, "c"), (1, "c"), (1, "s"), (2, "c"), (2, "s"), (3, "c"), (3, "s")]
    every = {"": both, "even": [(k, "c") for k in range(7)], "odd": [(k, "s") for k in range(1, 8)]}
    waves = every[parity]
    turns = {"c": [np.cos, lambda a: -np.sin(a), lambda a: -np.cos(a), np.sin, np.cos],
             "s": [np.sin, np.cos, lambda a: -np.sin(a), lambda a: -np.cos(a), np.sin]}  # fmt: skip
    got = {order: {tuple(np.round(t[:, k], 9)) for k in range(modes)} for order, t in enumerate(tables)}
    for order in range(5):
        wanted = [turns[kind][order](k * angle) * (k * speed) ** order for k, kind in waves]
        assert got[order] == {tuple(np.round(w, 9) + 0.0) for w in wanted}


@given(ENDS, st.floats(0, 1), st.floats(-3, 0), st.floats(0.02, 0.98))
def test_stretch_goes_there_and_back(ends, share, log_width, place):
    low, high = ends
    stretch = Stretch(low, high, low + share * (high - low), 10**log_width * (high - low))
    x = np.array([low, low + place * (high - low), high])
    assert np.allclose(stretch.place(stretch.reference(x)), x, atol=1e-12 * (high - low))
    assert np.allclose(stretch.reference(x)[[0, 2]], [-1, 1])
    inner = x[1:2]
    by_x = sinh_chain(stretch, inner + 1j * STEP).imag / STEP
    assert np.allclose(1 / stretch.slope(stretch.reference(inner)), by_x, rtol=1e-9)


@pytest.mark.parametrize("center", [-1.0, 0.1, 2.0])
@pytest.mark.parametrize("width", [0.05, 0.8])
def test_chain_rule_of_a_stretch_to_order_four(center, width):
    stretch = Stretch(-1.0, 2.0, center, width)
    layer = Layer(stretch, 6)
    x = np.linspace(-0.95, 1.95, 6)
    tables = layer.table(x, 4)
    # a circle of complex points about x gives every derivative by Cauchy's formula
    radius, count = 0.3 * width, 64
    turn = np.exp(2j * np.pi * np.arange(count) / count)
    ring = sinh_chain(stretch, x[:, None] + radius * turn)
    for k in range(6):
        values = np.polynomial.Chebyshev.basis(k)(ring)
        for order in range(5):
            wanted = (values * turn**-order).mean(1).real * np.prod(np.arange(1, order + 1)) / radius**order
            size = np.abs(values).max() * np.prod(np.arange(1, order + 1)) / radius**order
            assert np.abs(tables[order][:, k] - wanted).max() < 1e-11 * size


@settings(max_examples=60)
@given(
    ENDS,
    st.lists(
        st.tuples(st.booleans(), st.sampled_from(["value", "slope", "robin", "second"]), st.floats(-5, 5)),
        min_size=1, max_size=4, unique_by=lambda c: c[:2],
    ),
    st.integers(8, 40),
    st.booleans(),
)  # fmt: skip
def test_conditions_hold_for_every_single_function(ends, chosen, modes, stretched):
    kinds = {"value": (1.0,), "slope": (0.0, 1.0), "second": (0.0, 0.0, 1.0)}
    conditions = tuple(Functional(ends[at], kinds.get(kind, (weight, 1.0))) for at, kind, weight in chosen)
    length = ends[1] - ends[0]
    stretch = Stretch(*ends, ends[0], 0.3 * length) if stretched else Stretch(*ends)
    layer = Layer(stretch, modes, conditions)
    whole = layer.combination
    sizes = np.linalg.norm(whole, axis=0)
    assert layer.size == np.linalg.matrix_rank(whole) >= modes - len(conditions)
    for condition in conditions:
        tables = layer.table(np.array([condition.place]), len(condition.weights) - 1)
        plain = layer.plain(np.array([condition.place]), len(condition.weights) - 1)
        held = sum(w * t[0] for w, t in zip(condition.weights, tables, strict=True))
        size = sum(abs(w) * np.abs(t[0]).max() for w, t in zip(condition.weights, plain, strict=True))
        assert np.abs(held / sizes).max() <= 1e-13 * size


def test_conditions_that_repeat_cost_no_function():
    twice = (Functional(0.0, (1.0,)), Functional(0.0, (2.0,)), Functional(1.0, (1.0,)))
    layer = Layer(Stretch(0.0, 1.0), 8, twice)
    assert np.abs(layer.table(np.array([0.0, 1.0]), 0)[0]).max() < 1e-14


def test_more_conditions_than_functions_are_refused():
    with pytest.raises(BadInput, match="2 functions cannot satisfy 2 conditions"):
        _ = Layer(Stretch(0.0, 1.0), 2, (Functional(0.0, (1.0,)), Functional(1.0, (1.0,)))).size


@pytest.mark.parametrize("kind", ["chebyshev", "fourier"])
@pytest.mark.parametrize(("parity", "sign"), [("even", 1), ("odd", -1)])
def test_parity_mirrors_about_the_middle_and_uses_half_of_the_points(kind, parity, sign):
    layer = Layer(Stretch(1.0, 4.0), 6, (), parity, kind)
    x = np.linspace(1.0, 4.0, 11)
    here, there = layer.table(x, 2), layer.table(5.0 - x, 2)
    for order in range(3):
        assert np.allclose(there[order], sign * (-1) ** order * here[order], atol=1e-10)
    assert layer.nodes().min() >= 2.5 and len(layer.nodes()) == layer.size
    assert np.linalg.cond(layer.table(layer.nodes(), 0)[0]) < 20


@given(ENDS, st.integers(2, 20))
def test_quadrature_is_exact_for_polynomials_and_waves(ends, count):
    low, high = ends
    x, weights = Layer(Stretch(*ends), 3).quadrature(count)
    for degree in (0, 1, 2 * count - 1):
        basis = np.polynomial.Legendre.basis(degree, domain=ends)
        assert abs(weights @ basis(x) - (high - low) * (degree == 0)) < 1e-12 * (high - low)
    x, weights = Layer(Stretch(*ends), 3, (), "", "fourier").quadrature(count)
    for k in range(count):
        wave = np.cos(2 * np.pi * k * (x - low) / (high - low))
        assert abs(weights @ wave - (high - low) * (k == 0)) < 1e-12 * (high - low)


def test_quadrature_of_a_stretched_layer_converges():
    x, weights = Layer(Stretch(0.0, 1.0, 0.0, 0.02), 3).quadrature(60)
    assert abs(weights @ np.exp(-x / 0.02) - 0.02 * (1 - np.exp(-50))) < 1e-14


@pytest.mark.parametrize("stretch", [Stretch(-1.0, 3.0), Stretch(-1.0, 3.0, 0.5, 0.2)])
def test_fit_recovers_what_the_layer_holds(stretch):
    layer = Layer(stretch, 12, (Functional(-1.0, (1.0,)), Functional(3.0, (0.0, 1.0))))
    wanted = np.sin(np.arange(1.0, 11.0))
    found = layer.fit(lambda x: layer.table(x, 0)[0] @ wanted)
    assert np.allclose(found, wanted, atol=1e-9)
    assert layer.resized(20).size == 18


@given(st.integers(1, 12))
def test_radau_points_integrate_to_degree_2n_minus_2(count):
    points = radau(count)
    assert points[-1] == 1.0 and len(points) == count
    moments = np.polynomial.legendre.legvander(points, count - 1).T
    weights = np.linalg.solve(moments, np.eye(count)[0] * 2)
    for degree in range(2 * count - 1):
        assert abs(weights @ points**degree - (1 + (-1) ** degree) / (degree + 1)) < 1e-12


def test_needed_counts_the_functions_of_a_polynomial():
    layer = Layer(Stretch(0.0, 1.0), 30)
    x = layer.nodes(60)
    values = np.stack([np.polynomial.Chebyshev.basis(9, [0, 1])(x), x], 1)
    assert needed(layer, values, 1e-12) == 10
    odd = Layer(Stretch(0.0, 1.0), 30, (), "odd")
    assert needed(odd, np.polynomial.Chebyshev.basis(9, [0, 1])(odd.nodes(60))[:, None], 1e-12) == 5


def test_points_gather_about_a_layer_and_not_about_a_smooth_function():
    layer = Layer(Stretch(0.0, 1.0), 320)
    steep = layer.fit(lambda x: np.tanh((x - 0.3) / 0.02))
    found = gathering([layer], [steep[:, None]], 1e-8)
    assert found is not None and abs(found.center - 0.3) < 0.02 and found.width < 0.2
    smooth = Layer(Stretch(0.0, 1.0), 14)
    assert gathering([smooth], [smooth.fit(np.sin)[:, None]], 1e-10) is None
