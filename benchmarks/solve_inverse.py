"""Row 9: constants from data, exact ones and with 1 % noise, against the truth and the Cramér-Rao bound."""

from typing import Any

import numpy as np

from ansatz.equations import reference
from ansatz.equations.gallery import get
from benchmarks.run import entry
from benchmarks.solve_measure import FAILED, beside, lettered, repeated, solved

SEEDS = 20
NOISE = 0.01
STEP = 1e-4
"""Relative step of the central differences: their error is about its square."""
LABELS = {"inverse_burgers": "Burgers' ν", "inverse_lorenz": "σ, ρ, β of the Lorenz system"}
ACCURACY = {"inverse_burgers": 1e-8, "inverse_lorenz": 1e-9}


def fields(name: str, data: dict[str, np.ndarray], constants: dict[str, float]) -> np.ndarray:
    """Return the certified fields where they were measured, `[fields, n]`, for some constants."""
    if name == "inverse_burgers":
        return np.asarray(reference.burgers(data["t"], data["x"], constants["nu"]))[None]
    return np.stack(reference.lorenz(data["t"], **constants))


def bound(name: str, seed: int) -> dict[str, float]:
    """Return the least standard errors that unbiased estimates can have, √ of the diagonal of (SᵀS/σ²)⁻¹.

    S holds central differences of the certified solution at the true constants; σ is the noise added.
    """
    stated = get(name, noise=NOISE, seed=seed)
    assert stated.measured is not None
    data, truth = stated.measured(), dict(stated.truth)
    sigma = NOISE * np.sqrt(np.mean(fields(name, data, truth) ** 2, axis=1, keepdims=True))
    columns = []
    for key, value in truth.items():
        ends = [fields(name, data, truth | {key: value * (1 + s * STEP)}) for s in (1, -1)]
        columns.append(np.ravel((ends[0] - ends[1]) / (2 * STEP * value) / sigma))
    slopes = np.stack(columns, axis=1)
    covariance = np.linalg.inv(slopes.T @ slopes)
    return dict(zip(truth, np.sqrt(np.diag(covariance)).tolist(), strict=True))


def clean(name: str) -> dict[str, Any]:
    """Measure the largest relative error of the constants from data without noise."""
    runs = repeated(name, accuracy=ACCURACY[name])
    errors = [
        max(abs(one["unknowns"][key][0] / value - 1) for key, value in one["truth"].items())
        if "unknowns" in one
        else FAILED
        for one in runs.found
    ]
    took = runs.middle("seconds")
    note = f"{took:.1f} s (worst {runs.worst('seconds'):.1f} s); {beside(name)}"
    return entry(
        "", f"{LABELS[name]} from exact data: relative error", float(np.median(errors)), unit="", must=1e-4,
        aim=1e-6, better="lower", seconds=took, note=note, peer="least_squares",
    )  # fmt: skip


def noisy(name: str) -> list[dict[str, Any]]:
    """Measure how often the truth is inside two standard errors, and those over the bound."""
    inside, factors, times = [], [], []
    for seed in range(SEEDS):
        found = solved(name, {"noise": NOISE, "seed": seed}, accuracy=1e-6)
        times.append(found["seconds"])
        limits = bound(name, seed)
        for key, limit in limits.items():
            value, sigma = found.get("unknowns", {}).get(key, (FAILED, FAILED))
            inside.append(sigma < FAILED and abs(value - get(name).truth[key]) <= 2 * sigma)
            factors.append(max(sigma / limit, limit / sigma))
    share, middle = 100 * float(np.mean(inside)), float(np.median(factors))
    took = float(np.median(times))
    note = (
        f"{sum(inside)} of {len(inside)} intervals of {SEEDS} seeds; 95.4 % are expected, "
        f"{took:.1f} s a seed (worst {max(times):.1f} s)"
    )
    what = f"{LABELS[name]} from data with 1 % noise"
    return [
        entry(
            "", f"{what}: truth inside two standard errors", share, unit="%", must=85, aim=90,
            better="higher", note=note, seconds=sum(times),
        ),
        entry(
            "", f"{what}: standard error within a factor of the Cramér-Rao bound", middle, unit="×",
            must=1.5, aim=1.1, better="lower", note=f"worst {max(factors):.2f}; the noise is estimated too",
            seconds=sum(times),
        ),
    ]  # fmt: skip


def inverse() -> list[dict[str, Any]]:
    """Row 9: Burgers and Lorenz, without and with noise."""
    figures = [clean(name) for name in LABELS]
    for name in LABELS:
        figures += noisy(name)
    return lettered(9, figures)
