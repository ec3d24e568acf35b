"""Probabilistic PCA, the linear autoencoder with noise, whose maximum likelihood is known in closed form.

    z ~ N(0, I_k),   x = W z + μ + ε,   ε ~ N(0, σ² I_d),   so that   x ~ N(μ, C),  C = W Wᵀ + σ² I

Source: Tipping and Bishop, "Probabilistic principal component analysis", JRSS B 61 (1999).
"""

from typing import NamedTuple

import numpy as np

from ansatz.errors import BadInput


class PPCA(NamedTuple):
    """The parameters: `mean: [d]`, `loadings: [d, k]` (W), and `variance`, σ² > 0."""

    mean: np.ndarray
    loadings: np.ndarray
    variance: float

    def log_likelihood(self, x: np.ndarray) -> np.ndarray:
        """Return log p(x) in nats for rows `x: [N, d]`."""
        d, k = self.loadings.shape
        apart = np.asarray(x, np.float64) - self.mean
        inner = self.variance * np.eye(k) + self.loadings.T @ self.loadings
        # C⁻¹ = (I - W M⁻¹ Wᵀ) / σ² and |C| = |M| σ^(2(d - k)), with M = σ² I + Wᵀ W of size k.
        seen = apart @ self.loadings
        square = (apart**2).sum(1) - (seen * np.linalg.solve(inner, seen.T).T).sum(1)
        volume = np.linalg.slogdet(inner)[1] + (d - k) * np.log(self.variance)
        return -0.5 * (d * np.log(2 * np.pi) + volume + square / self.variance)

    def encode(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean `[N, k]` and covariance `[k, k]` of z given rows `x: [N, d]`."""
        k = self.loadings.shape[1]
        inner = self.variance * np.eye(k) + self.loadings.T @ self.loadings
        mean = np.linalg.solve(inner, self.loadings.T @ (np.asarray(x, np.float64) - self.mean).T).T
        return mean, self.variance * np.linalg.inv(inner)

    def decode(self, z: np.ndarray) -> np.ndarray:
        """Return W z + μ for codes `z: [N, k]`."""
        return np.asarray(z) @ self.loadings.T + self.mean

    def sample(self, count: int, seed: int = 0) -> np.ndarray:
        """Draw rows `[count, d]`."""
        random = np.random.default_rng(seed)
        d, k = self.loadings.shape
        noise = np.sqrt(self.variance) * random.standard_normal((count, d))
        return self.decode(random.standard_normal((count, k))) + noise


def fit_ppca(x: np.ndarray, size: int) -> PPCA:
    """Return the most likely PPCA of rows `x: [N, d]` with codes of `size` k < d numbers.

    ``W = U_k (Λ_k - σ² I)^½`` of the largest eigenvalues of the covariance, σ² the mean of the others.

    Raises:
        BadInput: x is no table, k is not from 1 to d - 1, or what k components leave is nothing.

    >>> random = np.random.default_rng(0)
    >>> x = random.normal(size=(5000, 1)) @ [[3.0, 4.0]] + 0.1 * random.normal(size=(5000, 2))
    >>> found = fit_ppca(x, 1)
    >>> np.abs(found.loadings[:, 0]).round(1).tolist(), round(found.variance, 3)
    ([3.0, 4.0], 0.01)
    """
    x = np.asarray(x, np.float64)
    if x.ndim != 2 or not np.isfinite(x).all():
        raise BadInput(f"PPCA takes rows [N, d] of finite numbers, not an array of shape {list(x.shape)}.")
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size < x.shape[1]:
        raise BadInput(f"PPCA of {x.shape[1]} columns has 1 to {x.shape[1] - 1} components, not {size!r}.")
    mean = x.mean(0)
    values, vectors = np.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    values, vectors = values[::-1], vectors[:, ::-1]
    variance = float(values[size:].mean())
    if not variance > 1e-12 * values[0]:
        raise BadInput(f"{size} components explain these data to the last digit: take fewer.")
    return PPCA(mean, vectors[:, :size] * np.sqrt(np.maximum(values[:size] - variance, 0)), variance)


def subspace_angle(one: np.ndarray, two: np.ndarray) -> float:
    """Return the largest principal angle, in degrees, between the spans of columns `[d, k]`.

    >>> round(subspace_angle(np.eye(3)[:, :1], np.ones((3, 1))), 3)
    54.736
    """
    first, second = (np.linalg.qr(np.asarray(a, np.float64))[0] for a in (one, two))
    # By the sine, which is exact where the angle is small.
    rest = second - first @ (first.T @ second)
    return float(np.degrees(np.arcsin(min(np.linalg.norm(rest, 2), 1.0))))
