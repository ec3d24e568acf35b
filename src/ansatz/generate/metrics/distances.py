"""Distances between two samples by their features: Fréchet's and the kernel one.

In features of a network these are called FID and KID.  Sources: Dowson and Landau, "The Fréchet distance
between multivariate normal distributions" (1982); Heusel et al., "GANs trained by a two time-scale update
rule" (2017); Bińkowski et al., "Demystifying MMD GANs" (2018); Chong and Forsyth, "Effectively unbiased FID"
(2020).
"""

import numpy as np
import scipy.linalg

from ansatz.errors import BadInput
from ansatz.generate.metrics.card import as_features


def frechet(one: np.ndarray, two: np.ndarray) -> float:
    """Return ``|μ₁ - μ₂|² + tr(C₁ + C₂ - 2 (C₁^½ C₂ C₁^½)^½)`` of features `[N, p]`, `[M, p]`.

    The squared Wasserstein distance of the normal distributions with these means and covariances.  It is
    biased upwards for small samples: compare figures of equal N.

    >>> frechet(np.array([[0.0], [2.0]]), np.array([[3.0], [5.0]]))
    9.0
    """
    one, two = as_features(one), as_features(two)
    shift = one.mean(0) - two.mean(0)
    first, second = (np.atleast_2d(np.cov(x.T, bias=True)) for x in (one, two))
    root = _root(first)
    cross = np.linalg.eigvalsh(root @ second @ root)
    both = float(np.trace(first) + np.trace(second) - 2 * np.sqrt(np.maximum(cross, 0)).sum())
    return float(shift @ shift + max(both, 0.0))


def frechet_limit(one: np.ndarray, two: np.ndarray, parts: int = 8, seed: int = 0) -> float:
    """Return the Fréchet distance extrapolated to infinitely many drawn examples `one`.

    The bias falls as 1 / N: a line through distances at N/2 … N is followed to 1 / N = 0.
    """
    one, random = as_features(one), np.random.default_rng(seed)
    if len(one) < 4 * parts:
        raise BadInput(f"To extrapolate takes at least {4 * parts} examples, not {len(one)}.")
    counts = np.linspace(len(one) // 2, len(one), parts).astype(int)
    values = [frechet(one[random.permutation(len(one))[:n]], two) for n in counts]
    return float(np.polyfit(1 / counts, values, 1)[1])


def kernel_distance(one: np.ndarray, two: np.ndarray) -> float:
    """Return the unbiased squared distance of mean embeddings with ``k(x, y) = (x·y / p + 1)³``.

    Zero in the mean for samples of one distribution, and hence sometimes negative.

    >>> kernel_distance(np.array([[0.0], [0.0]]), np.array([[1.0], [1.0]]))
    7.0
    """
    one, two = as_features(one), as_features(two)

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def inside(a: np.ndarray) -> float:
        values = kernel(a, a)
        return float((values.sum() - np.trace(values)) / (len(a) * (len(a) - 1)))

    return inside(one) + inside(two) - 2 * float(kernel(one, two).mean())


def _root(matrix: np.ndarray) -> np.ndarray:
    """Return the symmetric square root of a covariance."""
    values, vectors = scipy.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
