"""The Allen-Cahn equation of the gallery, by exponential Runge-Kutta steps on a Fourier series.

The periodic extension of the initial value x² cos πx has a kink at x = ±1, whose Fourier coefficients fall
like n⁻² only until diffusion has smoothed it.  Three things keep the early times accurate: the series starts
from exact coefficients in place of samples; time runs in blocks that double from 2⁻²⁰ on; and what the
truncated series lacks of the kink is added in closed form (heat kernel on |s|, decaying by the linear
reaction at u = -1).
"""

import functools

import numpy as np
from numpy import fft
from scipy.special import erf

from ansatz.equations.reference._arrays import (
    Coordinate,
    Values,
    broadcast,
    relative_difference,
    require_range,
)
from ansatz.equations.reference.periodic import evaluate, interpolate_in_time, refined, square_coefficients

DIFFUSION, REACTION = 1e-4, 5.0
# f'(-1) for f = 5u - 5u³.
DECAY = -2 * REACTION
BLOCKS, STORED = 20, 32
MODES, STEPS = 4096, 2048


def _stages(linear: np.ndarray, step: float) -> tuple[np.ndarray, ...]:
    """Return the coefficients of ETDRK4, as means over a circle (Kassam and Trefethen 2005)."""
    roots = np.exp(1j * np.pi * (np.arange(1, 33) - 0.5) / 32)
    z = step * linear[:, None] + roots[None, :]
    grown = np.exp(z)
    half = step * np.mean((np.exp(z / 2) - 1) / z, axis=1).real
    first = step * np.mean((-4 - z + grown * (4 - 3 * z + z**2)) / z**3, axis=1).real
    middle = step * np.mean((2 + z + grown * (z - 2)) / z**3, axis=1).real
    last = step * np.mean((-4 - 3 * z - z**2 + grown * (4 - z)) / z**3, axis=1).real
    return np.exp(step * linear), np.exp(step * linear / 2), half, first, 2 * middle, last


def _cubed(coefficients: np.ndarray) -> np.ndarray:
    """Return -5u³ in Fourier space without aliasing, on a grid twice as fine."""
    size = 4 * (len(coefficients) - 1)
    values = fft.irfft(coefficients, size)
    product = fft.rfft(values * values * values)
    return -REACTION * size**2 * product[: len(coefficients)]


def _advance(state: np.ndarray, stages: tuple[np.ndarray, ...]) -> np.ndarray:
    """Return the coefficients one step later."""
    full, root, half, first, middle, last = stages
    now = _cubed(state)
    a = root * state + half * now
    at_a = _cubed(a)
    at_b = _cubed(root * state + half * at_a)
    at_c = _cubed(root * a + half * (2 * at_b - now))
    return full * state + first * now + middle * (at_a + at_b) + last * at_c


@functools.lru_cache(maxsize=2)
def _run(modes: int, steps: int) -> tuple[np.ndarray, ...]:
    """Return the Fourier coefficients at the stored times of each block, `[stored, modes/2 + 1]`."""
    orders = np.arange(modes // 2 + 1)
    linear = REACTION - DIFFUSION * (np.pi * orders) ** 2
    state = (square_coefficients(orders - 1) + square_coefficients(orders + 1)).astype(complex) / 2
    blocks, start = [], 0.0
    for block in range(BLOCKS + 1):
        end = 2.0 ** (block - BLOCKS)
        stored = STORED if block else 1
        inner = max(1, round((end - start) / stored * steps))
        stages = _stages(linear, (end - start) / stored / inner)
        states = [state]
        for _ in range(stored):
            for _ in range(inner):
                state = _advance(state, stages)
            states.append(state)
        blocks.append(np.asarray(states))
        start = end
    return tuple(blocks)


def _smooth_values(time: float, modes: int, steps: int) -> np.ndarray:
    """Return u at one time on the refined grid from x = 0 on, less the kink where the series cuts it off."""
    # Block b > 0 covers 2^(b-1-BLOCKS) … 2^(b-BLOCKS), block 0 what lies before.
    block = int(np.clip(np.frexp(time)[1] + BLOCKS, 0, BLOCKS)) if time > 0 else 0
    end = 2.0 ** (block - BLOCKS)
    start = end / 2 if block else 0.0
    states = _run(modes, steps)[block]
    coefficients = interpolate_in_time(states, (time - start) / (end - start) * (len(states) - 1))
    orders = np.arange(modes // 2 + 1)
    if _is_cut(time, modes):
        smoothed = square_coefficients(orders) * np.exp(-DIFFUSION * (np.pi * orders) ** 2 * time)
        coefficients = coefficients + np.exp(DECAY * time) * smoothed
    return refined(coefficients)


def _is_cut(time: Values | float, modes: int) -> Values | bool:
    """Tell when the highest mode has not decayed to nothing."""
    return DIFFUSION * (np.pi * modes / 2) ** 2 * time < 45


def _kink(t: np.ndarray, x: np.ndarray) -> Values:
    """Return the solution of u_t = D u_xx + f'(-1) u from the periodic extension of -x², for small t."""
    distance = 1 - np.abs(np.mod(x + 1, 2) - 1)
    width = np.sqrt(4 * DIFFUSION * np.maximum(t, 1e-300))
    absolute = distance * erf(distance / width) + width / np.sqrt(np.pi) * np.exp(-((distance / width) ** 2))
    return np.exp(DECAY * t) * (2 * absolute - 1 - distance**2 - 2 * DIFFUSION * t)


def allen_cahn(t: Coordinate, x: Coordinate, modes: int = MODES, steps: int = STEPS) -> Values:
    """Return u of u_t = 1e-4 u_xx + 5u - 5u³, u(0, x) = x² cos πx, periodic on [-1, 1], 0 ≤ t ≤ 1.

    `modes` Fourier modes and `steps` steps of ETDRK4 per unit of time; the first call takes seconds.
    Against a finer run 9 digits hold at the kink before t = 1e-3 (worst 4e-10), 11 from t = 0.005 on.

    Raises:
        BadInput: when a time lies outside of [0, 1].
    """
    t, x = (one.astype(np.float64) for one in broadcast(t, x))
    require_range("t", t, 0.0, 1.0)
    smooth = evaluate(t, x, 1.0, lambda time: _smooth_values(time, modes, steps))
    return smooth + np.where(_is_cut(t, modes), _kink(t, x), 0.0)


def converge_allen_cahn() -> float:
    """Return the difference to half as many steps again and 1.5 times the modes, early times included."""
    times = np.concatenate([[0.0], np.geomspace(1e-7, 1, 24), np.linspace(0.05, 0.95, 10)])[:, None]
    places = np.concatenate([np.linspace(-1, 1, 301), 1 - np.geomspace(1e-6, 1e-1, 40)])[None, :]
    finer = allen_cahn(times, places, 3 * MODES // 2, 3 * STEPS // 2)
    return relative_difference(allen_cahn(times, places), finer)
