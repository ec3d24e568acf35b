"""Diffusion: the order of every sampler, densities of the plane, and posteriors of measurements.

Each function measures one bar and returns its figures; the area's file numbers them.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from ansatz.generate.diffusion.densities import gaussian
from ansatz.generate.diffusion.errors import Normal, drawn, marginal, wasserstein
from ansatz.generate.diffusion.exact import Exact
from ansatz.generate.diffusion.grids import grid
from ansatz.generate.diffusion.inverse import solve_inverse
from ansatz.generate.diffusion.operators import Blur, Mask
from ansatz.generate.diffusion.result import fit_vectors
from ansatz.generate.diffusion.samplers import SAMPLERS, sampler_named
from ansatz.generate.diffusion.schedule import Cosine, Exploding, Flow, Linear
from ansatz.generate.diffusion.zoo import density
from ansatz.generate.metrics.two_sample import two_sample
from benchmarks.run import entry

Row = list[dict[str, Any]]
SEEDS = (0, 1, 2)
SETTINGS: tuple[tuple[Any, str], ...] = (
    (Linear(), "karras"),
    (Cosine(), "log_snr"),
    (Exploding(), "karras"),
    (Flow(), "uniform"),
)
TRAINED = ("gaussian_mixture", "eight_gaussians")
COMPARED = ("gaussian_mixture", "eight_gaussians", "checkerboard", "two_moons")
STEPS = 4000
POINTS = 4000


def samplers() -> Row:
    """D1: on Gaussian data with the exact denoiser, how the exact W₂ falls with the steps."""
    mean = np.array([0.5, -1.0, 2.0])
    covariance = np.array([[1.0, 0.6, 0.1], [0.6, 0.8, -0.2], [0.1, -0.2, 0.5]])
    figures: Row = []
    for name in SAMPLERS:
        begun, orders = time.perf_counter(), {}
        for process, kind in SETTINGS:
            with jax.enable_x64(True):
                denoiser, errors = Exact(gaussian(mean, covariance), process), []
                for steps in (320, 640):
                    times = grid(process, steps + 1, kind)
                    errors.append(
                        float(wasserstein(drawn(denoiser, name, times), marginal(denoiser, times[-1])))
                    )
            orders[type(process).__name__] = float(np.log2(errors[0] / errors[1]))
        wanted = sampler_named(name).order
        told = ", ".join(f"{process} {order:.3f}" for process, order in orders.items())
        figures.append(
            entry(
                "", f"{name}: largest distance of the measured order from {wanted}, four processes",
                max(abs(order - wanted) for order in orders.values()), unit="", must=0.15, aim=0.1,
                better="lower", peer="theory (Pierret & Galerne 2025)", seconds=time.perf_counter() - begun,
                note=f"order of W₂ from 320 to 640 steps: {told}",
            )
        )  # fmt: skip
    return [*figures, _closed_form()]


def _closed_form() -> dict[str, Any]:
    """Return how far the exact error of DDIM is from its closed form, which is a product."""
    begun, worst = time.perf_counter(), 0.0
    for process, kind in SETTINGS:
        with jax.enable_x64(True):
            for variance in (0.05, 0.5, 2.0):
                denoiser = Exact(gaussian([0.0], [[variance]]), process)
                times = grid(process, 20, kind)
                alpha, sigma = (np.asarray(value) for value in process.pair(times))
                v = alpha**2 * variance + sigma**2
                product = np.prod((alpha[:-1] * alpha[1:] * variance + sigma[:-1] * sigma[1:]) / v[:-1])
                wanted = abs(product * np.sqrt(v[0]) - np.sqrt(v[-1]))
                begin = Normal(jnp.zeros(1), jnp.asarray([[v[0]]]))
                found = float(
                    wasserstein(drawn(denoiser, "ddim", times, begin), marginal(denoiser, times[-1]))
                )
                worst = max(worst, abs(found - wanted))
    return entry(
        "", "exact W₂ of DDIM against its closed form: largest difference, twelve cases", worst, unit="",
        must=1e-3, aim=1e-9, better="lower", peer="the product over the steps",
        seconds=time.perf_counter() - begun,
    )  # fmt: skip


def densities() -> Row:
    """D2: training on 50,000 points of a density of the plane, its divergence and its draws."""
    figures: Row = []
    found = {name: [_trained(name, seed) for seed in SEEDS] for name in COMPARED}
    for name in TRAINED:
        divergences = [run["divergence"] for run in found[name]]
        told = ", ".join(
            f"{d:.4f} ± {run['error']:.4f}" for d, run in zip(divergences, found[name], strict=True)
        )
        figures.append(
            entry(
                "", f"{name}: KL divergence from the density, median of {len(SEEDS)} seeds",
                statistics.median(divergences), unit="nats", must=0.03, aim=0.02, better="lower",
                peer="exact density", seconds=found[name][0]["seconds"], note=f"seeds: {told}",
            )
        )  # fmt: skip
    for name in COMPARED:
        accuracies = [run["accuracy"] for run in found[name]]
        floor = found[name][0]["floor"]
        figures.append(
            entry(
                "", f"{name}: accuracy of telling draws from data, median of {len(SEEDS)} seeds",
                statistics.median(accuracies), unit="", must=0.56, aim=0.53, better="lower",
                peer="gradient boosting, 5 folds", seconds=found[name][0]["seconds"],
                note=f"seeds: {', '.join(f'{a:.3f}' for a in accuracies)}; data against data {floor:.3f}",
            )
        )  # fmt: skip
    times = [run["seconds"] for runs in found.values() for run in runs]
    figures.append(
        entry(
            "", f"training and 4,000 draws: longest wall time of {len(times)} runs", max(times), unit="s",
            must=60, aim=20, better="lower", note=f"{STEPS} steps; median {statistics.median(times):.1f} s",
        )
    )  # fmt: skip
    return figures


def _trained(name: str, seed: int) -> dict[str, float]:
    """Train on one density and compare what was learned with it."""
    data = density(name)
    x = np.asarray(data.sample(jr.key(100 + seed), 50_000))
    begun = time.perf_counter()
    learned = fit_vectors(x, steps=STEPS, seed=seed)
    drawings = learned.sample(POINTS, seed=seed)
    seconds = time.perf_counter() - begun
    fresh = data.sample(jr.key(10_000 + seed), POINTS)
    result = {
        "seconds": seconds,
        "accuracy": two_sample(drawings, np.asarray(fresh)).accuracy,
        "floor": two_sample(data.sample(jr.key(20_000), POINTS), fresh).accuracy,
    }
    if name in TRAINED:
        truth = np.asarray(jax.vmap(data.log_density)(fresh))
        away = truth - learned.log_density(fresh).value
        result |= {"divergence": float(away.mean()), "error": float(away.std() / np.sqrt(POINTS))}
    return result


SIZE = 32
NOISE = 0.1


def inverse_problems() -> Row:
    """D6: fields on a line, from half of their points and from a blurred image, against Bayes' rule."""
    places = np.linspace(0, 1, SIZE)
    covariance = np.exp(-0.5 * ((places[:, None] - places[None]) / 0.1) ** 2) + 1e-5 * np.eye(SIZE)
    with jax.enable_x64(True):
        data = gaussian(np.sin(3 * places), covariance)
        window = np.exp(-0.5 * (np.arange(-4, 5) / 1.5) ** 2)
        hidden = np.ones(SIZE, bool)
        hidden[10:22] = False
        problems: dict[str, Callable[[Any], Any]] = {
            "inpainting": Mask(hidden),
            "deblurring": Blur(window / window.sum(), (SIZE,)),
        }
        return [one for name, operator in problems.items() for one in _judged(name, operator, data)]


def _judged(name: str, operator: Any, data: Any) -> Row:
    """Return the error of the posterior mean and the coverage of the intervals, over 100 fields."""
    begun = time.perf_counter()
    prior, matrix = Exact(data, Flow()), np.asarray(jax.jacfwd(operator)(jnp.zeros(SIZE)))
    mean, covariance = (np.asarray(part) for part in data.moments())
    gain = (
        covariance @ matrix.T @ np.linalg.inv(matrix @ covariance @ matrix.T + NOISE**2 * np.eye(len(matrix)))
    )
    errors, held = [], []
    for i, field in enumerate(data.sample(jr.key(1), 100)):
        y = operator(field) + NOISE * jr.normal(jr.fold_in(jr.key(2), i), (len(matrix),))
        found = solve_inverse(prior, operator, y, NOISE, jr.split(jr.key(3 + i), 500), (SIZE,), steps=16)
        wanted = mean + gain @ (np.asarray(y) - matrix @ mean)
        errors.append(float(np.linalg.norm(found.mean - wanted) / np.linalg.norm(wanted)))
        low, high = found.interval(0.9)
        held.append(np.mean((low <= field) & (field <= high)))
    seconds, peer = time.perf_counter() - begun, "Bayes' rule for Gaussians"
    spread = np.std(held) / np.sqrt(len(held))
    return [
        entry(
            "", f"{name} of a field: relative error of the posterior mean, median of 100",
            statistics.median(errors),
            unit="", must=0.05, aim=0.03, better="lower", peer=peer, seconds=seconds,
            note=f"500 draws in 16 steps; largest {max(errors):.3f}",
        ),
        entry(
            "", f"{name} of a field: distance of the coverage of 90% intervals from 90%",
            abs(np.mean(held) - 0.9),
            unit="", must=0.03, aim=0.01, better="lower", peer=peer, seconds=seconds,
            note=f"coverage {np.mean(held):.4f} ± {spread:.4f}",
        ),
    ]  # fmt: skip
