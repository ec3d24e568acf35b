"""Classical models of images, drawn from and judged beside a network: PPCA, and a mixture of Gaussians.

Both are densities of bytes spread over their steps, (byte + u) / 256 with u uniform in [0, 1): what they say
of -log p bounds that of the bytes (Theis et al. 2016), as the networks' bounds do.
"""

import math
import time
import warnings
from typing import Any, NamedTuple, Protocol

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from ansatz.generate.images.family import Bound
from ansatz.generate.vae.ppca import PPCA, fit_ppca

MOST = 10_000
"""The most images from which a mixture is fitted."""
COMPONENTS = 48
"""The principal components in which a mixture lives, at most."""
MIXED = 30
ROOM = 40
"""The images for each Gaussian of a mixture, at least."""


class Density(Protocol):
    """A density of rows `[N, d]` that is drawn from."""

    def sample(self, count: int, seed: int = 0) -> np.ndarray:
        """Draw rows `[count, d]`."""
        ...

    def log_likelihood(self, x: np.ndarray) -> np.ndarray:
        """Return log p of rows `[N, d]` in nats."""
        ...


class Mixture(NamedTuple):
    """Gaussians in the plane of the first principal components, with noise of one variance about it.

    ``x = mean + axes z + ε`` with z from the mixture and ε ~ N(0, `variance`) at right angles to the axes
    `[d, k]`, so that ``log p(x) = log p(z) + log p(ε)``.
    """

    mean: np.ndarray
    axes: np.ndarray
    variance: float
    inner: Any

    def log_likelihood(self, x: np.ndarray) -> np.ndarray:
        """Return log p(x) in nats for rows `x: [N, d]`."""
        apart = np.asarray(x, np.float64) - self.mean
        z = apart @ self.axes
        rest = np.maximum((apart**2).sum(1) - (z**2).sum(1), 0)
        free = self.axes.shape[0] - self.axes.shape[1]
        noise = -0.5 * (free * math.log(2 * math.pi * self.variance) + rest / self.variance)
        return self.inner.score_samples(z) + noise

    def sample(self, count: int, seed: int = 0) -> np.ndarray:
        """Draw rows `[count, d]`."""
        random = np.random.default_rng(seed)
        chosen = random.choice(len(self.inner.weights_), count, p=self.inner.weights_)
        roots = np.linalg.cholesky(self.inner.covariances_)
        k = self.axes.shape[1]
        z = self.inner.means_[chosen] + np.einsum(
            "nij,nj->ni", roots[chosen], random.standard_normal((count, k))
        )
        noise = math.sqrt(self.variance) * random.standard_normal((count, self.axes.shape[0]))
        noise -= noise @ self.axes @ self.axes.T
        return self.mean + z @ self.axes.T + noise


class Classical(NamedTuple):
    """A classical model of images, its name, and the seconds that it took."""

    name: str
    density: Density
    seconds: float

    def draw(self, count: int, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
        """Draw images in [0, 1], `[count, H, W, C]`."""
        rows = self.density.sample(count, seed)
        return np.clip((256 * rows - 0.5) / 255, 0, 1).astype(np.float32).reshape(count, *shape)

    def bound(self, images: np.ndarray, seed: int = 0) -> Bound:
        """Return -log p of bytes `uint8[N, H, W, C]` in nats for each image, at most."""
        rows = spread(images, seed)
        values = rows.shape[1] * math.log(256) - self.density.log_likelihood(rows)
        error = float(values.std(ddof=1) / math.sqrt(len(values)))
        return Bound("-log p of bytes, at most", float(values.mean()), error)


def fit_classical(images: np.ndarray, seed: int = 0) -> list[Classical]:
    """Return PPCA and a mixture of Gaussians of images `uint8[N, H, W, C]`.

    >>> x = np.random.default_rng(0).integers(0, 256, (60, 4, 4, 1)).astype(np.uint8)
    >>> [one.name for one in fit_classical(x)]
    ['PPCA of 8', 'mixture of 1 Gaussian']
    """
    rows = spread(images[np.sort(np.random.default_rng(seed).permutation(len(images))[:MOST])], seed)
    count, d = rows.shape
    size = max(min(COMPONENTS, d // 2, count // 4), 1)
    begun = time.perf_counter()
    ppca: PPCA = fit_ppca(rows, size)
    found = [Classical(f"PPCA of {size}", ppca, time.perf_counter() - begun)]
    begun = time.perf_counter()
    mixed = max(min(MIXED, count // (ROOM + size)), 1)
    name = f"mixture of {mixed} Gaussian{'s' if mixed > 1 else ''}"
    found.append(Classical(name, fit_mixture(rows, size, mixed, seed), time.perf_counter() - begun))
    return found


def fit_mixture(rows: np.ndarray, size: int, mixed: int, seed: int = 0) -> Mixture:
    """Return `mixed` Gaussians of rows `[N, d]` in `size` < d principal components."""
    mean = rows.mean(0)
    values, vectors = np.linalg.eigh(np.cov(rows.T, bias=True))
    axes = vectors[:, ::-1][:, :size]
    variance = float(values[: rows.shape[1] - size].mean())
    inner = GaussianMixture(mixed, reg_covar=max(variance, 1e-6), max_iter=60, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        inner.fit((rows - mean) @ axes)
    return Mixture(mean, axes, variance, inner)


def spread(images: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return bytes `[N, H, W, C]` as rows of numbers (byte + u) / 256, u uniform in [0, 1)."""
    rows = images.reshape(len(images), -1).astype(np.float64)
    return (rows + np.random.default_rng(seed).random(rows.shape)) / 256
