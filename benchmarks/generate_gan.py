"""G1 and G2: the Dirac GAN against its eigenvalues, and the modes that a generator finds."""

import time
from typing import Any

import numpy as np

from ansatz.generate.gan.dirac import DiracGAN, exact_step, penalty_cycle, trajectory
from ansatz.generate.gan.modes import REACH, SAMPLES, Modes, count_modes, draw_data, grid, ring
from ansatz.generate.gan.recipe import VectorGAN, fit_gan
from ansatz.generate.gan.spectrum import fitted_step
from benchmarks.run import entry

Row = list[dict[str, Any]]
NEAR = {"theta": 1e-3, "psi": 1e-3, "rate": 0.1}
GAMES = {
    "minimax, at once": DiracGAN("minimax", simultaneous=True, **NEAR),
    "minimax, in turn": DiracGAN("minimax", **NEAR),
    "non-saturating, at once": DiracGAN("non_saturating", simultaneous=True, **NEAR),
    "non-saturating, in turn": DiracGAN("non_saturating", **NEAR),
    "Wasserstein, at once": DiracGAN("wasserstein", simultaneous=True, **NEAR),
    "Wasserstein, in turn": DiracGAN("wasserstein", **NEAR),
    "Wasserstein, five critic steps": DiracGAN("wasserstein", critic_steps=5, **NEAR),
    "R1, at once": DiracGAN("non_saturating", r1=0.3, simultaneous=True, **NEAR),
    "R1, in turn": DiracGAN("non_saturating", r1=0.3, **NEAR),
    "relativistic, R1 and R2": DiracGAN("relativistic", r1=1.0, r2=1.0, **NEAR),
}
STILL = 1e-6
"""A growth below this a round is none: the figures are of double precision near the equilibrium."""
SEEDS = 5
STEPS = 15_000
RECIPE = VectorGAN()
"""One setting for both densities, and no other than the usual one."""


def rates(recipe: DiracGAN, rounds: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Return log |λ| and |arg λ| `[2, 2]` of a round of updates: measured from a training, and in theory."""
    path = trajectory(recipe, rounds * recipe.critic_steps)[:: recipe.critic_steps]
    both = [np.linalg.eigvals(matrix) for matrix in (fitted_step(path), exact_step(recipe))]
    measured, theory = (np.stack([np.sort(np.log(np.abs(v))), np.sort(np.abs(np.angle(v)))]) for v in both)
    return measured, theory


def deviation(measured: np.ndarray, theory: np.ndarray) -> float:
    """Return the largest relative deviation; where theory says 0, infinite unless the figure is still."""
    none = np.abs(theory) < STILL
    if (np.abs(measured[none]) > STILL).any():
        return float("inf")
    apart = np.abs(measured - theory)[~none] / np.abs(theory[~none])
    return float(apart.max(initial=0.0))


def g1() -> Row:
    """G1: growth and turning of the Dirac GAN, from trajectories of the training, against theory."""
    figures = []
    told = []
    begun = time.perf_counter()
    for name, recipe in GAMES.items():
        measured, theory = rates(recipe)
        figures.append(deviation(measured, theory))
        growth = measured[0].max()
        word = "stays" if abs(growth) < STILL else "leaves" if growth > 0 else "converges"
        told.append(f"{name}: {word} ({growth:+.2e} a round, theory {theory[0].max():+.2e})")
    took = time.perf_counter() - begun
    cycles = []
    for factor in (0.2, 0.5):
        path = trajectory(DiracGAN("wasserstein", slope_one=factor, rate=2e-3, theta=0.05), 25_000)
        late, (amplitude, period) = path[12_000:], penalty_cycle(factor)
        up = np.flatnonzero((late[:-1, 1] < 0) & (late[1:, 1] >= 0))
        found = np.abs(late[:, 0]).max(), np.diff(up).mean() * 2e-3
        cycles.append(max(abs(found[0] / amplitude - 1), abs(found[1] / period - 1)))
        told.append(f"gradient penalty, λ = {factor}: cycles at θ = {found[0]:.3f}, theory {amplitude:.3f}")
    share: dict[str, Any] = {"unit": "relative", "must": 0.02, "aim": 0.005, "better": "lower"}
    return [
        entry(
            "", "Dirac GAN: growth and angle of a round of updates, largest deviation from the eigenvalues",
            max(figures), peer="exact eigenvalues", note="; ".join(told), seconds=took, **share,
        ),
        entry(
            "", "Dirac GAN with gradient penalty: amplitude and period of the cycle, largest deviation",
            max(cycles), peer="exact cycle of the flow", seconds=time.perf_counter() - begun - took, **share,
        ),
    ]  # fmt: skip


def trained(name: str, seed: int) -> tuple[Modes, float]:
    """Train on a density with one seed; return what 2500 samples tell, and the seconds with compiling."""
    density = {"ring": ring, "grid": grid}[name]()
    data = draw_data(density, seed=seed)
    begun = time.perf_counter()
    fitted = fit_gan(data, RECIPE, steps=STEPS, key=seed)
    samples = fitted.sample(SAMPLES, seed=seed)
    return count_modes(samples, density), time.perf_counter() - begun


def g2() -> Row:
    """G2: ring of 8 and grid of 25, five seeds each with one setting."""
    figures: Row = []
    for name in ("ring", "grid"):
        runs = [trained(name, seed) for seed in range(SEEDS)]
        found, seconds = [one[0] for one in runs], max(one[1] for one in runs)
        told = ", ".join(f"{one.found}/{one.total} and {100 * one.good:.1f} %" for one in found)
        note = f"modes and good samples by seed: {told}; divergence at most " + (
            f"{max(one.divergence for one in found):.3f} nats; of the density 98.9 % lie within {REACH:g} σ"
        )
        total = found[0].total
        figures += [
            entry(
                "", f"{name} of {total}: fewest modes found of {SEEDS} seeds",
                min(one.found for one in found),
                unit="modes", must=total, aim=total, better="higher", note=note, seconds=seconds,
            ),
            entry(
                "", f"{name} of {total}: least share of good samples of {SEEDS} seeds",
                100 * min(one.good for one in found), unit="%", must=93, aim=95, better="higher",
                seconds=seconds,
            ),
            entry(
                "", f"{name} of {total}: longest training of {SEEDS} seeds, compiling included", seconds,
                unit="s", must=90, aim=20, better="lower", seconds=seconds,
            ),
        ]  # fmt: skip
    return figures
