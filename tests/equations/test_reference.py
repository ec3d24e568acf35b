"""References fulfil their equations and conditions, meet published constants, and agree with themselves."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from ansatz.core import BadInput
from ansatz.equations import reference
from ansatz.equations.reference.lshape import boundary_points
from ansatz.equations.reference.ordinary import lorenz_flow, lotka_volterra_flow

# Central differences of sixth order: offsets and weights of the derivatives one to three.
STENCILS = {
    1: ((1, 3 / 4), (2, -3 / 20), (3, 1 / 60)),
    2: ((1, 3 / 2), (2, -3 / 20), (3, 1 / 90)),
    3: ((1, -61 / 30), (2, 169 / 120), (3, -3 / 10), (4, 7 / 240)),
}
# The relative difference that each reference may show; the printed ones are at most half of it.
BOUNDS = {
    "allen_cahn": 2e-10,
    "nonlinear_schroedinger": 2e-7,
    "cavity": 6e-7,
    "poisson_l_shape": 1e-11,
    "lotka_volterra": 1e-15,
    "lorenz": 1e-15,
    "membrane_levels": 1e-12,
}


def derive(function: Callable, order: int, at: list, axis: int, step: float) -> np.ndarray:
    """Return a derivative of `function(*at)` along one coordinate by central differences."""

    def moved(offset: float):
        return function(*(x + offset if i == axis else x for i, x in enumerate(at)))

    odd = order % 2
    total = sum(w * (moved(k * step) + (-1) ** odd * moved(-k * step)) for k, w in STENCILS[order])
    center = 0 if odd else -2 * sum(w for _, w in STENCILS[order]) * moved(0.0)
    return (total + center) / step**order


def laplacian(function: Callable, at: list, step: float = 4e-3) -> np.ndarray:
    return sum(derive(function, 2, at, axis, step) for axis in range(len(at)))


def inside(*bounds: tuple[float, float], count: int = 60) -> list[np.ndarray]:
    random = np.random.default_rng(1)
    return [random.uniform(low, high, count) for low, high in bounds]


def test_differences_differentiate():
    at = [np.linspace(-1, 1, 7)]
    for order, expected in ((1, np.cos(at[0])), (2, -np.sin(at[0])), (3, -np.cos(at[0]))):
        np.testing.assert_allclose(derive(np.sin, order, at, 0, 0.02), expected, atol=1e-8)


@pytest.mark.parametrize("name", sorted(reference.CERTIFIED))
def test_each_reference_agrees_with_itself(name: str):
    assert reference.self_convergence(name) <= BOUNDS.get(name, 1e-14)


def test_an_unknown_reference_is_named_with_the_nearest():
    with pytest.raises(BadInput, match=r"'burger'.*'burgers'"):
        reference.self_convergence("burger")


@pytest.mark.parametrize("omega", [1.0, 10.0, 80.0])
def test_oscillators(omega: float):
    at = inside((0.1, 0.9))
    for y in (
        lambda t: reference.oscillator(t, omega, 0.3, 2.0),
        lambda t: reference.oscillator_boundary(t, omega, 0.5, -1.0),
    ):
        left = derive(y, 2, at, 0, 0.02 / omega) + omega**2 * y(at[0])
        assert np.abs(left).max() < 1e-8 * omega**2
    assert reference.oscillator(0.0, omega, 0.3) == 0.3
    assert derive(lambda t: reference.oscillator(t, omega, 0.3, 2.0), 1, [0.0], 0, 1e-4) == pytest.approx(2.0)
    ends = reference.oscillator_boundary([0.0, 1.0], omega, 0.5, -1.0)
    np.testing.assert_allclose(ends, [0.5, -1.0], rtol=1e-14)


def test_the_slowest_oscillator_is_a_line():
    np.testing.assert_allclose(reference.oscillator([0.0, 0.5], 0.0, 1.0, 2.0), [1.0, 2.0])
    np.testing.assert_allclose(reference.oscillator_boundary([0.25], 0.0, 0.0, 2.0), [0.5])


@pytest.mark.parametrize("turns", [1, 2, 7, 25])
def test_the_singular_boundary_problem_is_said(turns: int):
    with pytest.raises(BadInput, match=f"{turns} pi"):
        reference.oscillator_boundary(0.5, turns * math.pi)
    assert np.isfinite(reference.oscillator_boundary(0.5, turns * math.pi + 1e-9))


@pytest.mark.parametrize("damping", [0.0, 2.0, 20.0, 50.0])
def test_damped_oscillator(damping: float):
    at = inside((0.05, 0.9))
    run = lambda t: reference.damped_oscillator(t, 20.0, damping, 1.0, -3.0)  # noqa: E731
    rate = derive(run, 1, at, 0, 1e-3)
    left = derive(run, 2, at, 0, 1e-3) + 2 * damping * rate + 400 * run(at[0])
    assert np.abs(left).max() < 1e-5
    assert run(0.0) == 1.0
    assert derive(run, 1, [0.0], 0, 1e-4) == pytest.approx(-3.0, abs=1e-8)
    assert np.isfinite(run(1e3))


def test_pendulum():
    at = inside((0, 20))
    left = derive(lambda t: reference.pendulum(t, 1.3, 3.0), 2, at, 0, 0.02)
    assert np.abs(left + 1.69 * np.sin(reference.pendulum(at[0], 1.3, 3.0))).max() < 1e-8
    small = reference.pendulum(at[0], 1.0, 1e-5)
    np.testing.assert_allclose(small, 1e-5 * np.cos(at[0]), atol=1e-14)
    with pytest.raises(BadInput, match="between"):
        reference.pendulum(0.0, 1.0, 4.0)


@pytest.mark.parametrize(("span", "bound"), [(3.0, 1e-11), (20.0, 1e-6)])
def test_lorenz_against_runge_kutta(span: float, bound: float):
    flow = lorenz_flow(10.0, 28.0, 8 / 3, (1.0, 1.0, 1.0))
    times = np.linspace(0, span, 101)
    run = solve_ivp(flow, (0, span), flow.start, "DOP853", times, rtol=1e-13, atol=1e-13)
    exact = np.asarray(reference.lorenz(times))
    assert np.linalg.norm(run.y - exact) < bound * np.linalg.norm(exact)
    assert exact[:, 0].tolist() == [1.0, 1.0, 1.0]


def test_lotka_volterra_against_runge_kutta_and_its_invariant():
    flow = lotka_volterra_flow(2 / 3, 4 / 3, 1.0, 1.0, (1.5, 1.0))
    times = np.linspace(0, 20, 101)
    run = solve_ivp(flow, (0, 20), flow.start, "DOP853", times, rtol=1e-13, atol=1e-13)
    prey, predators = reference.lotka_volterra(times)
    np.testing.assert_allclose([prey, predators], run.y, rtol=1e-10)
    kept = prey - np.log(prey) + 4 / 3 * predators - 2 / 3 * np.log(predators)
    assert np.ptp(kept) < 1e-14
    with pytest.raises(BadInput, match="negative"):
        reference.lotka_volterra([-0.1])


def test_poisson_laplace_and_helmholtz():
    square = inside((0.1, 0.9), (0.1, 0.9))
    x, y = square
    source = 2 * np.pi**2 * np.sin(np.pi * x) * np.sin(np.pi * y)
    np.testing.assert_allclose(laplacian(reference.poisson_square, square), -source, atol=1e-8)
    number = 4 * np.pi
    left = laplacian(reference.helmholtz, square) + 2 * number**2 * reference.helmholtz(x, y)
    assert np.abs(left).max() < 1e-5
    np.testing.assert_allclose(laplacian(reference.laplace_robin, square), 0, atol=1e-8)
    box = inside(*[(0.1, 0.9)] * 5)
    np.testing.assert_allclose(
        laplacian(reference.poisson_box, box), -(np.pi**2) / 4 * reference.poisson_box(*box), atol=1e-8
    )
    for one in (reference.poisson_square, reference.helmholtz):
        np.testing.assert_allclose(one(x, 1.0), 0, atol=1e-14)
        np.testing.assert_allclose(one(0.0, y), 0, atol=1e-14)


def test_conditions_of_laplace_with_robin():
    x, _ = inside((0, 1), (0, 1))
    np.testing.assert_allclose(reference.laplace_robin(x, 0.0), np.sin(np.pi * x), rtol=1e-13)
    slope = derive(lambda y: reference.laplace_robin(x, y, 2.0), 1, [1.0], 0, 1e-3)
    np.testing.assert_allclose(slope + 2 * reference.laplace_robin(x, 1.0, 2.0), 0, atol=1e-11)
    np.testing.assert_allclose(reference.laplace_robin([0.0, 1.0], 0.5), 0, atol=1e-15)


def test_poisson_on_the_disk():
    at = inside((-0.6, 0.6), (-0.6, 0.6))
    np.testing.assert_allclose(laplacian(reference.poisson_disk, at), -1, atol=1e-8)
    np.testing.assert_allclose(laplacian(reference.poisson_disk_exponential, at), -np.exp(at[0]), atol=1e-8)
    angle = np.linspace(0, 6, 50)
    for one in (reference.poisson_disk, reference.poisson_disk_exponential):
        np.testing.assert_allclose(one(np.cos(angle), np.sin(angle)), 0, atol=2e-15)


def test_poisson_on_the_l():
    at = [np.asarray([-0.5, -0.9, 0.4, -0.2]), np.asarray([-0.5, 0.8, -0.3, -0.1])]
    np.testing.assert_allclose(laplacian(reference.poisson_l_shape, at), -1, atol=1e-7)
    sides = boundary_points(57)
    # Rounding may put a point of a side outside; the sides are at 0 and ±1.
    x, y = np.round(sides.real, 15), np.round(sides.imag, 15)
    np.testing.assert_allclose(reference.poisson_l_shape(x, y), 0, atol=2e-12)
    assert reference.poisson_l_shape(-0.5, -0.5) == pytest.approx(0.13105, abs=5e-6)
    nodes, weights = np.polynomial.legendre.leggauss(60)
    place, weights = ((nodes + 1) / 2) ** 4, weights * 2 * ((nodes + 1) / 2) ** 3
    total = sum(
        weights @ reference.poisson_l_shape(a * place[:, None], b * place[None, :]) @ weights
        for a, b in ((-1, 1), (-1, -1), (1, -1))
    )
    assert total == pytest.approx(0.21407580268, abs=1e-11)
    with pytest.raises(BadInput, match="outside"):
        reference.poisson_l_shape(0.5, 0.5)


def test_heat_and_wave():
    at = inside((0.1, 0.9), (0.1, 0.9))
    left = derive(reference.heat, 1, at, 0, 4e-3) - 0.4 * derive(reference.heat, 2, at, 1, 4e-3)
    assert np.abs(left).max() < 1e-7
    left = derive(reference.wave, 2, at, 0, 1e-3) - 4 * derive(reference.wave, 2, at, 1, 1e-3)
    assert np.abs(left).max() < 1e-5
    x = at[1]
    np.testing.assert_allclose(reference.heat(0.0, x), np.sin(np.pi * x), rtol=1e-14)
    np.testing.assert_allclose(reference.wave(0.0, x), np.sin(np.pi * x) + 0.5 * np.sin(4 * np.pi * x))
    np.testing.assert_allclose(derive(lambda t: reference.wave(t, x), 1, [0.0], 0, 1e-3), 0, atol=1e-12)


def test_burgers():
    t, x = at = inside((0.05, 1), (0.15, 0.9))
    nu = 0.01 / np.pi
    u = reference.burgers
    left = derive(u, 1, at, 0, 1e-3) + u(t, x) * derive(u, 1, at, 1, 1e-3) - nu * derive(u, 2, at, 1, 1e-3)
    assert np.abs(left).max() < 1e-8
    np.testing.assert_allclose(u(0.0, x), -np.sin(np.pi * x), rtol=1e-14)
    np.testing.assert_allclose(u(t[:, None], [[-1.0, 0.0, 1.0]]), 0, atol=1e-13)
    # Basdevant et al. (1986): the steepest slope and its time.
    assert derive(u, 1, [1.6037 / np.pi, 0.0], 1, 1e-5) == pytest.approx(-152.00516, abs=2e-4)


def test_allen_cahn():
    x = np.linspace(-1, 1, 41)
    u = reference.allen_cahn
    np.testing.assert_allclose(u(0.0, x), x**2 * np.cos(np.pi * x), atol=1e-9)
    t, x = at = inside((0.05, 0.9), (-1, 1))
    value = u(t, x)
    right = 1e-4 * derive(u, 2, at, 1, 5e-4) + 5 * value - 5 * value**3
    np.testing.assert_allclose(derive(u, 1, at, 0, 1e-3), right, atol=1e-6)
    np.testing.assert_allclose(u(t, x), u(t, -x), atol=1e-12)
    np.testing.assert_allclose(u(t, -1.0), u(t, 1.0), atol=1e-12)
    with pytest.raises(BadInput, match=r"t = 1.5 is outside"):
        u(1.5, 0.0)


def test_the_kink_of_allen_cahn_melts_as_the_heat_kernel_says():
    # At x = 1: -1 + 2 √(4Dt/π) in leading order, from a jump of slope of 4.
    for t in (1e-8, 1e-7, 1e-6):
        rise = float(reference.allen_cahn(t, 1.0)) + 1
        assert rise == pytest.approx(2 * math.sqrt(4e-4 * t / math.pi), rel=1e-4)


def test_kdv():
    t, x = at = inside((-1, 1), (-6, 6))
    u = reference.kdv
    left = derive(u, 1, at, 0, 4e-3) + 6 * u(t, x) * derive(u, 1, at, 1, 4e-3) + derive(u, 3, at, 1, 2e-2)
    assert np.abs(left).max() < 2e-5
    far = reference.kdv(10.0, np.linspace(30, 50, 4001))
    assert far.max() == pytest.approx(2.0, abs=1e-4)
    np.testing.assert_allclose(u(t, x), u(-t, -x), rtol=1e-12)
    assert 0 < u(0.0, 200.0) < 1e-80
    shifted = reference.kdv(t + 0.5, x + 2.0, meeting=(0.5, 2.0))
    np.testing.assert_allclose(shifted, u(t, x), rtol=1e-12)


def test_nonlinear_schroedinger():
    x = np.linspace(-5, 5, 1001)[:-1]
    psi = reference.nonlinear_schroedinger
    # The series cuts the kink at the ends off: 1e-6 of height.
    np.testing.assert_allclose(psi(0.0, x), 2 / np.cosh(x), atol=5e-6)
    times = np.asarray([[0.1], [math.pi / 4], [1.5]])
    field = psi(times, x[None, :])
    mass = (np.abs(field) ** 2).mean(axis=1) * 10
    np.testing.assert_allclose(mass, 8 * math.tanh(5), rtol=1e-6)
    np.testing.assert_allclose(psi(times, x[None, :]), psi(times, -x[None, :]), atol=1e-7)
    np.testing.assert_allclose(psi(times, -5.0), psi(times, 5.0), atol=1e-12)


def test_nonlinear_schroedinger_in_weak_form():
    # Against cos(πx/5), of which the kink is innocent: i ∫ψ_t φ = ½ (π/5)² ∫ψφ - ∫|ψ|²ψφ.
    x = np.linspace(-5, 5, 4001)[:-1]
    test = np.cos(np.pi * x / 5)

    def project(t: float, power: int = 0) -> complex:
        values = reference.nonlinear_schroedinger(t, x)
        return complex((np.abs(values) ** power * values * test).mean())

    for time in (0.2, 0.7, 1.3):
        rate = derive(lambda t: project(float(t)), 1, [time], 0, 5e-3)
        left = 1j * rate - 0.5 * (np.pi / 5) ** 2 * project(time) + project(time, 2)
        assert abs(left) < 1e-5


def test_kovasznay():
    at = inside((-0.5, 1), (-0.5, 1.5))
    for reynolds in (20.0, 40.0):
        u, v, p = (lambda x, y, i=i, re=reynolds: reference.kovasznay(x, y, re)[i] for i in range(3))
        slope = {(f, a): derive(f, 1, at, a, 2e-3) for f in (u, v, p) for a in (0, 1)}
        assert np.abs(slope[u, 0] + slope[v, 1]).max() < 1e-8
        for one, axis in ((u, 0), (v, 1)):
            transport = u(*at) * slope[one, 0] + v(*at) * slope[one, 1]
            left = transport + slope[p, axis] - laplacian(one, at) / reynolds
            assert np.abs(left).max() < 1e-7


def test_cavity():
    place = np.linspace(0, 1, 33)
    lid, walls = reference.cavity(place, 1.0), [reference.cavity(0.0, place), reference.cavity(1.0, place)]
    np.testing.assert_allclose(lid, [4 * place * (1 - place), 0 * place], atol=1e-9)
    np.testing.assert_allclose(reference.cavity(place, 0.0), 0, atol=1e-9)
    np.testing.assert_allclose(walls, 0, atol=1e-9)
    at = inside((0.1, 0.9), (0.1, 0.9))
    u, v = (lambda x, y, i=i: reference.cavity(x, y)[i] for i in range(2))
    stream, vorticity = (lambda x, y, i=i: reference.cavity_streamfunction(x, y)[i] for i in range(2))
    np.testing.assert_allclose(derive(stream, 1, at, 1, 4e-3), u(*at), atol=1e-8)
    np.testing.assert_allclose(derive(stream, 1, at, 0, 4e-3), -v(*at), atol=1e-8)
    np.testing.assert_allclose(vorticity(*at), -laplacian(stream, at), atol=1e-6)
    transport = u(*at) * derive(vorticity, 1, at, 0, 4e-3) + v(*at) * derive(vorticity, 1, at, 1, 4e-3)
    np.testing.assert_allclose(transport, laplacian(vorticity, at) / 100, atol=1e-3)
    with pytest.raises(BadInput, match="outside"):
        reference.cavity(1.1, 0.5)


def test_center_lines_of_the_cavity_carry_no_net_flow():
    assert abs(quad(lambda y: float(reference.cavity(0.5, y)[0]), 0, 1, epsabs=1e-11)[0]) < 1e-9
    assert abs(quad(lambda x: float(reference.cavity(x, 0.5)[1]), 0, 1, epsabs=1e-11)[0]) < 1e-9


def test_energy_levels_meet_published_values():
    assert reference.oscillator_levels(3) == (0.5, 1.5, 2.5)
    assert reference.hydrogen_levels(3) == (-0.5, -0.125, -1 / 18)
    assert reference.quartic_levels(1)[0] == pytest.approx(0.667986259155777, abs=1e-13)
    first, _, third = reference.membrane_levels(3)
    assert first == pytest.approx(9.6397238440219, abs=2e-13)
    assert third == pytest.approx(2 * np.pi**2, abs=1e-12)


@pytest.mark.parametrize("n", [0, 1, 4])
def test_states_fulfil_their_equations(n: int):
    x = np.linspace(0.1, 2.5, 30)
    hydrogen = lambda r: reference.hydrogen_state(n + 1, r)  # noqa: E731
    cases = (
        (lambda x: reference.oscillator_state(n, x), x**2 / 2, reference.oscillator_levels(n + 1)[n]),
        (lambda x: reference.quartic_state(n, x), x**4, reference.quartic_levels(n + 1)[n]),
        (hydrogen, -1 / x, reference.hydrogen_levels(n + 1)[n]),
    )
    for state, potential, level in cases:
        left = -derive(state, 2, [x], 0, 1e-2) / 2 + (potential - level) * state(x)
        assert np.abs(left).max() < 1e-6
    wide = np.linspace(-12, 12, 4001)
    for state in (reference.oscillator_state, reference.quartic_state):
        assert np.sum(state(n, wide) ** 2) * (wide[1] - wide[0]) == pytest.approx(1, abs=1e-12)
    assert quad(lambda r: float(hydrogen(r)) ** 2, 0, 300, limit=200)[0] == pytest.approx(1, abs=1e-7)


def test_scalars_and_arrays_broadcast():
    assert np.shape(reference.burgers(0.5, 0.1)) == ()
    assert reference.burgers(np.zeros((3, 1)), np.zeros((1, 4))).shape == (3, 4)
    assert reference.cavity(np.zeros((3, 1)), np.zeros((1, 4)))[0].shape == (3, 4)
    assert reference.allen_cahn(np.zeros((3, 1)), np.zeros((1, 4))).dtype == np.float64
    assert reference.nonlinear_schroedinger(0.0, np.zeros((2, 2))).dtype == np.complex128
    assert reference.lorenz([[0.0, 1.0]])[2].shape == (1, 2)
