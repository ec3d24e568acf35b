"""Energy levels of -½ψ'' + Vψ = Eψ: oscillator, hydrogen s and x⁴, with their states."""

import functools

import numpy as np
from scipy.linalg import eigh
from scipy.special import eval_genlaguerre

from ansatz.equations.reference._arrays import Coordinate, Values, broadcast, relative_difference

# The basis of the quartic: oscillator states of the frequency that balances x² and x⁴ near level ten.
BASIS, FREQUENCY = 96, 5.0


def oscillator_levels(count: int = 6) -> tuple[float, ...]:
    """Return E_n = n + ½ of V = x²/2, n = 0, 1, …"""
    return tuple(n + 0.5 for n in range(count))


def oscillator_state(n: int, x: Coordinate, frequency: float = 1.0) -> Values:
    """Return ψ_n(x) of V = ω²x²/2, ∫ψ² = 1, by the stable recurrence of Hermite functions."""
    (x,) = broadcast(x)
    place = np.sqrt(frequency) * x
    before, state = np.zeros_like(place), (frequency / np.pi) ** 0.25 * np.exp(-place * place / 2)
    for k in range(n):
        before, state = state, np.sqrt(2 / (k + 1)) * place * state - np.sqrt(k / (k + 1)) * before
    return state


def hydrogen_levels(count: int = 3) -> tuple[float, ...]:
    """Return E_n = -1/(2n²) of V = -1/r, n = 1, 2, …, of s states: u = rψ, u(0) = 0."""
    return tuple(-0.5 / n**2 for n in range(1, count + 1))


def hydrogen_state(n: int, r: Coordinate) -> Values:
    """Return u(r) = rR(r) of the ns state, ∫u² = 1: 2 r n^(-3/2) e^(-r/n) L¹_(n-1)(2r/n)/n."""
    (r,) = broadcast(r)
    return 2 * r * n**-2.5 * np.exp(-r / n) * eval_genlaguerre(n - 1, 1, 2 * r / n)


@functools.lru_cache(maxsize=8)
def _quartic(basis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return levels and states of p²/2 + x⁴ in oscillator states, by matrices exact but for the cut."""
    root = np.sqrt(np.arange(1, basis + 4))
    place = (np.diag(root, 1) + np.diag(root, -1)) / np.sqrt(2 * FREQUENCY)
    square = place @ place
    kinetic = FREQUENCY * np.diag(np.arange(basis + 4) + 0.5) - FREQUENCY**2 / 2 * square
    hamiltonian = (kinetic + square @ square)[:basis, :basis]
    values, states = eigh(hamiltonian)
    return values, states


def quartic_levels(count: int = 6, basis: int = BASIS) -> tuple[float, ...]:
    """Return the lowest levels (up to 20) of p²/2 + x⁴: -½ψ'' + x⁴ψ = Eψ.

    Example:
        >>> round(quartic_levels(1)[0], 12)
        0.667986259156
    """
    return tuple(float(value) for value in _quartic(basis)[0][:count])


def quartic_state(n: int, x: Coordinate, basis: int = BASIS) -> Values:
    """Return ψ_n(x) of V = x⁴, ∫ψ² = 1, positive for large x."""
    (x,) = broadcast(x)
    weights = _quartic(basis)[1][:, n]
    states = [oscillator_state(k, x, FREQUENCY) for k in range(basis)]
    total = np.tensordot(weights, np.asarray(states), axes=1)
    far = sum(w * oscillator_state(k, 2.5, FREQUENCY) for k, w in enumerate(weights))
    return total * np.sign(far)


def converge_quartic() -> float:
    """Return the difference of ten levels to a basis a third larger."""
    return relative_difference(quartic_levels(10), quartic_levels(10, 4 * BASIS // 3))
