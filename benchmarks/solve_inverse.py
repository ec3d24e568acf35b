"""Constants from data: Burgers' viscosity and the three of the Lorenz system, without and with noise."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ansatz.equations.forward import forward_of
from ansatz.equations.gallery._entry import Entry
from ansatz.equations.gallery.inverse import inverse_burgers, inverse_lorenz
from ansatz.equations.inverse import infer
from benchmarks.run import entry

SEEDS = 20
NOISE = 0.01
START = "nu=0.05"
"""Sixteen times the true viscosity."""


def burgers_entry(noise: float = 0.0, seed: int = 0) -> Entry:
    """Return inverse Burgers with a far start."""
    return dataclasses.replace(inverse_burgers(noise, seed), unknowns=START)


def exact(make: Callable[..., Entry], name: str, accuracy: float) -> list[dict[str, Any]]:
    """Measure the largest relative error of the constants from data without noise."""
    stated = make()
    begun = time.perf_counter()
    found = infer(stated.problem(), accuracy=accuracy)
    seconds = time.perf_counter() - begun
    error = max(abs(found.values[k] / v - 1) for k, v in stated.truth.items())
    expected = max(found.numerical[k] / abs(v) for k, v in stated.truth.items())
    note = f"the solver itself expected {expected:.1e}; {found.iterations} iterations"
    what = f"relative error of the constants, {stated.name}, no noise"
    return [
        entry(name, what, error, unit="", must=1e-4, aim=1e-6, better="lower", seconds=seconds, note=note)
    ]


def noisy(make: Callable[..., Entry], name: str, accuracy: float) -> list[dict[str, Any]]:
    """Measure coverage and the standard error over the Cramér-Rao bound, 20 seeds of 1 % noise."""
    stated, ratios, begun = make(), [], time.perf_counter()
    inside = dict.fromkeys(stated.truth, 0)
    for seed in range(SEEDS):
        problem = make(NOISE, seed).problem()
        found = infer(problem, accuracy=accuracy, estimate=False)
        bound = bounds(make, seed, accuracy)
        for k, v in stated.truth.items():
            inside[k] += abs(found.values[k] - v) < 2 * found.sigma[k]
            ratios.append(found.sigma[k] / bound[k])
    seconds = time.perf_counter() - begun
    share = 100 * min(inside.values()) / SEEDS
    ratio = float(np.median(np.maximum(ratios, 1 / np.asarray(ratios))))
    note = f"{SEEDS} seeds, {seconds / SEEDS:.1f} s each; by constant {inside}"
    common = {"seconds": seconds, "note": note}
    return [
        entry(f"{name}a", f"truth inside two standard errors, {stated.name}, {100 * NOISE:g} % noise", share,
              unit="%", must=85, aim=95, better="higher", **common),
        entry(f"{name}b", f"standard error over the Cramér-Rao bound, {stated.name}", ratio,
              unit="×", must=1.5, aim=1.1, better="lower", **common),
    ]  # fmt: skip


def bounds(make: Callable[..., Entry], seed: int, accuracy: float) -> dict[str, float]:
    """Return the Cramér-Rao bound of every constant: sensitivities at the truth, the noise that was added."""
    from ansatz.equations.misfit import Measured, covariance

    clean, stated = make(0.0, seed).problem(), make()
    forward = forward_of(clean)
    values = {s: stated.truth[s.name] for s in forward.pointwise.unknowns}
    answer = forward.solve(values, accuracy)
    sets = [Measured(one, clean.fields, forward.pointwise) for one in clean.observations]
    rows = [one.compared(answer, values).slopes / (NOISE * one.scale) for one in sets]
    names = [s.name for s in values]
    matrix = covariance(np.concatenate(rows), names)[0]
    return dict(zip(names, np.sqrt(np.diag(matrix)).tolist(), strict=True))


def burgers_exact() -> list[dict[str, Any]]:
    """Measure inverse Burgers without noise."""
    return exact(burgers_entry, "solve_inverse-1", 1e-7)


def burgers_noisy() -> list[dict[str, Any]]:
    """Measure inverse Burgers with noise."""
    return noisy(burgers_entry, "solve_inverse-2", 1e-5)


def lorenz_exact() -> list[dict[str, Any]]:
    """Measure inverse Lorenz without noise."""
    return exact(inverse_lorenz, "solve_inverse-3", 1e-8)


def lorenz_noisy() -> list[dict[str, Any]]:
    """Measure inverse Lorenz with noise."""
    return noisy(inverse_lorenz, "solve_inverse-4", 1e-6)


ROWS = (burgers_exact, burgers_noisy, lorenz_exact, lorenz_noisy)
