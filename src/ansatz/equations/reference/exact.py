"""Partial equations with solutions in closed form: Poisson, Laplace, Helmholtz, heat, wave, KdV, Kovasznay.

Each function says its equation, its domain and its conditions; all are exact but for rounding.
"""

import numpy as np
from scipy.special import ive

from ansatz.equations.reference._arrays import Coordinate, Values, broadcast


def poisson_square(x: Coordinate, y: Coordinate) -> Values:
    """Return u = sin πx sin πy of -Δu = 2π² sin πx sin πy on [0, 1]², u = 0 on the boundary."""
    x, y = broadcast(x, y)
    return np.sin(np.pi * x) * np.sin(np.pi * y)


def poisson_disk(x: Coordinate, y: Coordinate) -> Values:
    """Return u = (1 - x² - y²)/4 of -Δu = 1 on the unit disk, u = 0 on the circle."""
    x, y = broadcast(x, y)
    return (1 - x * x - y * y) / 4


def poisson_disk_exponential(x: Coordinate, y: Coordinate, terms: int = 40) -> Values:
    """Return u = Σ ε_n I_n(1) rⁿ cos nφ - eˣ of -Δu = eˣ on the unit disk, u = 0 on the circle.

    ε_0 = 1, ε_n = 2: on the circle the sum is the generating function of the Bessel functions, eˣ, and its
    terms fall like 1/(2ⁿ n!).
    """
    x, y = broadcast(x, y)
    z = x + 1j * y
    coefficients = 2 * np.e * ive(np.arange(terms), 1.0)
    coefficients[0] /= 2
    return np.polynomial.polynomial.polyval(z, coefficients).real - np.exp(x)


def poisson_box(*coordinates: Coordinate) -> Values:
    """Return u = Σ sin(πx_i/2) of -Δu = π²/4 Σ sin(πx_i/2) on [0, 1]ᵈ, u given on the boundary, any d.

    Example:
        >>> float(poisson_box(1, 1, 1, 1, 1))
        5.0
    """
    return np.sum([np.sin(np.pi / 2 * x) for x in broadcast(*coordinates)], axis=0)


def laplace_robin(x: Coordinate, y: Coordinate, exchange: float = 1.0) -> Values:
    """Return u of Δu = 0 on [0, 1]²: u = sin πx at y = 0, u = 0 at x = 0 and 1, u_y + h u = 0 at y = 1.

    By separation u = sin πx (π cosh π(1-y) + h sinh π(1-y)) / (π cosh π + h sinh π), h = `exchange`.
    """
    x, y = broadcast(x, y)
    profile = np.pi * np.cosh(np.pi * (1 - y)) + exchange * np.sinh(np.pi * (1 - y))
    return np.sin(np.pi * x) * profile / (np.pi * np.cosh(np.pi) + exchange * np.sinh(np.pi))


def helmholtz(x: Coordinate, y: Coordinate, waves: int = 2) -> Values:
    """Return u = sin k₀x sin k₀y of -Δu - k₀² u = k₀² sin k₀x sin k₀y on [0, 1]², u = 0, k₀ = 2π·`waves`."""
    x, y = broadcast(x, y)
    number = 2 * np.pi * waves
    return np.sin(number * x) * np.sin(number * y)


def heat(t: Coordinate, x: Coordinate, diffusivity: float = 0.4) -> Values:
    """Return u = exp(-π²αt) sin πx of u_t = α u_xx on [0, 1], u(t, 0) = u(t, 1) = 0, u(0, x) = sin πx."""
    t, x = broadcast(t, x)
    return np.exp(-(np.pi**2) * diffusivity * t) * np.sin(np.pi * x)


def wave(t: Coordinate, x: Coordinate) -> Values:
    """Return u of u_tt = 4 u_xx on [0, 1], u = 0 at the ends, u(0, x) = sin πx + ½ sin 4πx, u_t(0, x) = 0."""
    t, x = broadcast(t, x)
    slow = np.sin(np.pi * x) * np.cos(2 * np.pi * t)
    return slow + np.sin(4 * np.pi * x) * np.cos(8 * np.pi * t) / 2


def kdv(
    t: Coordinate,
    x: Coordinate,
    wave_numbers: tuple[float, float] = (2.0, 1.0),
    meeting: tuple[float, float] = (0.0, 0.0),
) -> Values:
    """Return the two-soliton u of u_t + 6 u u_x + u_xxx = 0 (Hirota): u = 2 ∂²ₓ ln F on the whole line.

    F = 1 + e^θ₁ + e^θ₂ + A e^(θ₁+θ₂), θ_i = k_i x - k_i³ t + δ, A = ((k₁-k₂)/(k₁+k₂))², δ = -½ ln A about
    the `meeting` (t, x), where the solitons of heights k²/2 and speeds k² cross.  The second derivative of
    ln F is the variance of a slope that is 0, k₁, k₂ or k₁+k₂ with the terms of F as weights: a sum of
    positive products, with every digit right even where u is 1e-200.
    """
    t, x = broadcast(t, x)
    first, second = wave_numbers
    shift = -2 * np.log(abs((first - second) / (first + second)))
    phases = [k * (x - meeting[1]) - k**3 * (t - meeting[0]) for k in wave_numbers]
    phases = [phase + shift / 2 for phase in phases]
    exponents = [np.zeros_like(phases[0]), phases[0], phases[1], phases[0] + phases[1] - shift]
    slopes = [0.0, first, second, first + second]
    top = np.max(exponents, axis=0)
    weights = [np.exp(one - top) for one in exponents]
    total = np.sum(weights, axis=0)
    pairs = [(i, j) for i in range(4) for j in range(i)]
    spread = [weights[i] * weights[j] * (slopes[i] - slopes[j]) ** 2 for i, j in pairs]
    return 2 * np.sum(spread, axis=0) / total**2


def kovasznay(x: Coordinate, y: Coordinate, reynolds: float = 20.0) -> tuple[Values, Values, Values]:
    """Return u, v, p of steady flow behind a grid: u·∇u = -∇p + Δu/Re, ∇·u = 0 (Kovasznay 1948).

    u = 1 - e^(λx) cos 2πy, v = λ/2π e^(λx) sin 2πy, p = (1 - e^(2λx))/2, λ = Re/2 - √(Re²/4 + 4π²); commonly
    on [-0.5, 1] × [-0.5, 1.5] with the velocities given on the boundary.
    """
    x, y = broadcast(x, y)
    rate = -4 * np.pi**2 / (reynolds / 2 + np.sqrt(reynolds**2 / 4 + 4 * np.pi**2))
    decay = np.exp(rate * x)
    u = 1 - decay * np.cos(2 * np.pi * y)
    v = rate / (2 * np.pi) * decay * np.sin(2 * np.pi * y)
    return u, v, -np.expm1(2 * rate * x) / 2
