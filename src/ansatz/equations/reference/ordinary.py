"""Ordinary equations: oscillators and pendulum in closed form, Lotka-Volterra and Lorenz by Taylor series."""

import math

import numpy as np
from scipy.special import ellipj

from ansatz.equations.reference._arrays import Coordinate, Values, broadcast, relative_difference
from ansatz.equations.reference.taylor import Precision, QuadraticFlow, trajectory
from ansatz.errors import BadInput

FINER = Precision(halvings=7, order=34, bits=192)


def oscillator(t: Coordinate, omega: float = 1.0, position: float = 1.0, velocity: float = 0.0) -> Values:
    """Return y of ÿ = -ω² y, y(0) = `position`, ẏ(0) = `velocity`.

    Example:
        >>> round(float(oscillator(3.141592653589793, omega=1.0)), 12)
        -1.0
    """
    (t,) = broadcast(t)
    phase = omega * t
    return position * np.cos(phase) + velocity * (np.sin(phase) / omega if omega else t)


def oscillator_boundary(
    t: Coordinate, omega: float = 1.0, left: float = 0.0, right: float = 1.0, span: float = 1.0
) -> Values:
    """Return y of ÿ = -ω² y, y(0) = `left`, y(span) = `right`.

    Raises:
        BadInput: when ω·span is a multiple kπ, k ≥ 1: sin(ωt) then fulfils the equation with zeros at both
            ends, and the boundary values have either no solution or infinitely many.
    """
    (t,) = broadcast(t)
    turn = omega * span
    multiple = round(abs(turn) / math.pi)
    if multiple and abs(abs(turn) - multiple * math.pi) <= 1e-14 * abs(turn):
        raise BadInput(
            f"omega * span = {turn:.15g} is {multiple} pi, where the boundary values do not determine y; "
            f"omega = {(multiple + 0.5) * math.pi / span:.6g} lies halfway to the next such value"
        )
    if not omega:
        return left + (right - left) * t / span
    return (left * np.sin(omega * (span - t)) + right * np.sin(omega * t)) / math.sin(turn)


def damped_oscillator(
    t: Coordinate, omega: float = 20.0, damping: float = 2.0, position: float = 1.0, velocity: float = 0.0
) -> Values:
    """Return y of ÿ + 2γẏ + ω² y = 0 with γ = `damping` from a position and a velocity.

    Under-damped, critical (γ = ω) and over-damped motion have one formula each.
    """
    (t,) = broadcast(t)
    slope = velocity + damping * position
    square = omega**2 - damping**2
    root = math.sqrt(abs(square))
    if square > 0:
        return np.exp(-damping * t) * (position * np.cos(root * t) + slope / root * np.sin(root * t))
    if square == 0:
        return np.exp(-damping * t) * (position + slope * t)
    # One exponent each, so that cosh does not overflow before the decay brings it down; γ - √(γ² - ω²)
    # would cancel for strong damping.
    slow, fast = omega**2 / (damping + root), damping + root
    grown, decayed = np.exp(-slow * t), np.exp(-fast * t)
    return position * (grown + decayed) / 2 + slope / (2 * root) * (grown - decayed)


def pendulum(t: Coordinate, omega: float = 1.0, angle: float = 2.0) -> Values:
    """Return θ of θ̈ = -ω² sin θ, θ(0) = `angle` in (-π, π), θ̇(0) = 0.

    θ = 2 arcsin(k cd(ωt | k²)) with Jacobi's cd = cn/dn and k = sin(angle/2).

    Example:
        >>> round(float(pendulum(0.0, angle=2.5)), 12)
        2.5

    Raises:
        BadInput: when the angle is not between -π and π.
    """
    (t,) = broadcast(t)
    if not abs(angle) < math.pi:
        raise BadInput(f"angle = {angle:g} is not between -pi and pi, where the pendulum swings")
    modulus = math.sin(angle / 2)
    _, cn, _, _ = ellipj(omega * t, modulus**2)
    # arcsin would lose half of the digits near ±1; sin(θ/2) : cos(θ/2) = k cn : k' keeps them.
    return 2 * np.arctan2(modulus * cn, math.cos(angle / 2))


def lotka_volterra_flow(
    alpha: float, beta: float, gamma: float, delta: float, start: tuple[float, float]
) -> QuadraticFlow:
    """Return ẋ = αx - βxy, ẏ = δxy - γy as a quadratic system."""
    linear = ((0, 0, alpha), (1, 1, -gamma))
    return QuadraticFlow(linear, ((0, 0, 1, -beta), (1, 0, 1, delta)), start)


def lotka_volterra(
    t: Coordinate,
    alpha: float = 2 / 3,
    beta: float = 4 / 3,
    gamma: float = 1.0,
    delta: float = 1.0,
    start: tuple[float, float] = (1.5, 1.0),
) -> tuple[Values, Values]:
    """Return prey and predators: ẋ = αx - βxy, ẏ = δxy - γy for t ≥ 0; all digits of a double hold."""
    (t,) = broadcast(t)
    prey, predators = trajectory(lotka_volterra_flow(alpha, beta, gamma, delta, start), t)
    return prey, predators


def lorenz_flow(sigma: float, rho: float, beta: float, start: tuple[float, float, float]) -> QuadraticFlow:
    """Return ẋ = σ(y - x), ẏ = x(ρ - z) - y, ż = xy - βz as a quadratic system."""
    linear = ((0, 0, -sigma), (0, 1, sigma), (1, 0, rho), (1, 1, -1.0), (2, 2, -beta))
    return QuadraticFlow(linear, ((1, 0, 2, -1.0), (2, 0, 1, 1.0)), start)


def lorenz(
    t: Coordinate,
    sigma: float = 10.0,
    rho: float = 28.0,
    beta: float = 8 / 3,
    start: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> tuple[Values, Values, Values]:
    """Return x, y, z of the Lorenz system, ẋ = σ(y - x), ẏ = x(ρ - z) - y, ż = xy - βz for t ≥ 0.

    48 decimal digits enter; to t = 20 chaos amplifies a disturbance about 1e8 times and to t = 40 1e16
    times, so every digit of the doubles that come out holds for the equation with the doubles given.
    """
    (t,) = broadcast(t)
    x, y, z = trajectory(lorenz_flow(sigma, rho, beta, start), t)
    return x, y, z


def pendulum_by_series(t: np.ndarray, omega: float, angle: float, precision: Precision) -> np.ndarray:
    """Return θ again from Taylor series of (θ, θ̇/ω, sin θ, cos θ), a quadratic system."""
    quadratic = ((2, 3, 1, omega), (3, 2, 1, -omega))
    start = (angle, 0.0, math.sin(angle), math.cos(angle))
    return trajectory(QuadraticFlow(((0, 1, omega), (1, 2, -omega)), quadratic, start), t, precision)[0]


def converge_flow(flow: QuadraticFlow, span: float) -> float:
    """Return the difference between two step lengths, degrees and widths of the integers on [0, span]."""
    times = np.linspace(0, span, 997)
    return relative_difference(trajectory(flow, times), trajectory(flow, times, FINER))


def converge_pendulum() -> float:
    """Return the difference between elliptic functions and Taylor series to t = 20."""
    times = np.linspace(0, 20, 997)
    return relative_difference(pendulum(times), pendulum_by_series(times, 1.0, 2.0, FINER))
