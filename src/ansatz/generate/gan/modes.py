"""How many modes a generator finds: the ring of 8 Gaussians and the grid of 25, and what is counted on them.

The densities and figures are those of PacGAN (Lin et al. 2018, section 4.1), which follow VEEGAN
(Srivastava et al. 2017, section 5.1):

* ring: 8 round Gaussians of deviation 0.01 on the unit circle;
* grid: 25 round Gaussians of deviation 0.05 at the points of {-4, -2, 0, 2, 4}²;
* of 2500 samples, one is *good* (high-quality) if it lies within 3 deviations of the nearest mode, which
  98.9 % of samples of the density itself do;
* a mode is *found* if a good sample is nearest to it;
* the *divergence* is KL(generated, true) between the shares of the samples nearest to each mode.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ansatz.core import BadInput
from ansatz.generate.diffusion.densities import Mixture, mixture

SAMPLES = 2500
REACH = 3.0
"""The deviations within which a sample is good."""


class Modes(NamedTuple):
    """What samples tell of a mixture's modes.

    `found` of `total` modes have a good sample; `good` is the share of good samples; `divergence` compares
    the shares of the modes, in nats; `counts: [k]` are the good samples of each.
    """

    found: int
    total: int
    good: float
    divergence: float
    counts: tuple[int, ...]


def ring(modes: int = 8, deviation: float = 0.01) -> Mixture:
    """Return equal round Gaussians on the unit circle.

    >>> ring().means.shape
    (8, 2)
    """
    angle = 2 * np.pi * np.arange(modes) / modes
    return _round(np.stack([np.cos(angle), np.sin(angle)], 1), deviation)


def grid(side: int = 5, spacing: float = 2.0, deviation: float = 0.05) -> Mixture:
    """Return equal round Gaussians on a square grid around 0.

    >>> grid().means[0].tolist(), grid().means.shape
    ([-4.0, -4.0], (25, 2))
    """
    line = spacing * (np.arange(side) - (side - 1) / 2)
    return _round(np.stack(np.meshgrid(line, line), -1).reshape(-1, 2), deviation)


def _round(means: np.ndarray, deviation: float) -> Mixture:
    return mixture(np.ones(len(means)), means, np.full(len(means), deviation**2))


def count_modes(samples: object, density: Mixture) -> Modes:
    """Return what `samples: [N, d]` tell of the modes of a mixture of round Gaussians.

    Samples that are not finite count as bad.

    >>> count_modes(ring().means[:6], ring())[:3]
    (6, 8, 1.0)
    """
    x = np.asarray(samples, np.float64)
    means, deviations = np.asarray(density.means, np.float64), np.sqrt(np.asarray(density.values, np.float64))
    if x.ndim != 2 or x.shape[1] != means.shape[1] or not len(x):
        raise BadInput(f"The samples have the shape {list(x.shape)}; they should be [N, {means.shape[1]}].")
    if not np.allclose(deviations, deviations[:, :1], rtol=1e-4):
        raise BadInput("Modes are counted on round Gaussians, and this mixture has others.")
    distance = np.sqrt(((x[:, None] - means[None]) ** 2).sum(-1))
    nearest = np.where(np.isfinite(distance), distance, np.inf).argmin(1)
    good = distance[np.arange(len(x)), nearest] < REACH * deviations[nearest, 0]
    counts = np.bincount(nearest[good], minlength=len(means))
    share = np.bincount(nearest, minlength=len(means)) / len(x)
    weights = np.exp(np.asarray(density.log_weights, np.float64))
    some = share > 0
    divergence = float((share[some] * np.log(share[some] / weights[some])).sum())
    return Modes(int((counts > 0).sum()), len(means), float(good.mean()), divergence, tuple(counts.tolist()))


def draw_data(density: Mixture, count: int = 100_000, seed: int = 0) -> np.ndarray:
    """Return `count` samples `[count, d]` of a density, to train on."""
    return np.asarray(density.sample(jax.random.key(seed), count), jnp.float32)
