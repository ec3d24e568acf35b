"""Whether a probability of 0.8 means right in 8 of 10 cases, and the one number that mends it."""

from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import softmax

from ansatz.core import BadInput

COLDEST, HOTTEST = 0.02, 50.0


class Reliability(NamedTuple):
    """A reliability curve: mean confidence, accuracy and count of each bin that holds examples."""

    confidence: np.ndarray
    accuracy: np.ndarray
    count: np.ndarray


def temperature(logits: Any, y: Any, *, spread: float | None = None) -> float:
    """Return the T that minimizes the log loss of softmax(logits / T), in [0.02, 50].

    With a `spread` s > 0, ln T is taken to be N(0, s²) beforehand, and T is where the posterior is
    largest: N examples that are all right would else make every probability 0 or 1.

    In β = 1/T the loss, mean(logsumexp(βz) − βz_y), is convex, so that the root of its derivative
    mean(Σ_k p_k z_k − z_y) is its minimum (Guo et al. 2017). `logits: [N, C]`, `y: [N]` in 0…C−1, held-out.

    >>> import numpy as np
    >>> logits = np.tile([[2.0, 0.0]], (4, 1))  # always sure of class 0, right in 3 of 4 cases
    >>> round(2.0 / temperature(logits, np.array([0, 0, 0, 1])), 4)  # the log odds, log 3
    1.0986
    """
    z = _logits(logits, y)
    chosen = z[np.arange(len(z)), np.asarray(y, np.int64)].mean()

    def slope(log_beta: float) -> float:
        prior = 0.0 if spread is None else log_beta * np.exp(-log_beta) / (len(z) * spread**2)
        return float((softmax(np.exp(log_beta) * z, axis=1) * z).sum(1).mean() - chosen + prior)

    low, high = -np.log(HOTTEST), -np.log(COLDEST)
    if slope(low) >= 0:
        return HOTTEST
    if slope(high) <= 0:
        return COLDEST
    log_beta: Any = brentq(slope, low, high, xtol=1e-12)
    return float(np.exp(-log_beta))


def calibrated(logits: Any, temperature: float) -> np.ndarray:
    """Return the probabilities softmax(logits / T), `[N, C]`."""
    return softmax(np.asarray(logits, np.float64) / temperature, axis=-1)


def log_loss_at(logits: Any, y: Any, temperature: float) -> float:
    """Return the mean log loss of softmax(logits / T)."""
    z = _logits(logits, y) / temperature
    return float((np.logaddexp.reduce(z, axis=1) - z[np.arange(len(z)), np.asarray(y, np.int64)]).mean())


def reliability(probabilities: Any, y: Any, *, bins: int = 15) -> Reliability:
    """Return accuracy against confidence, the largest probability, in bins of equal width.

    `probabilities: [N, C]`, `y: [N]` in 0…C−1; a bin is (k/bins, (k+1)/bins] and empty ones are left out.
    """
    p = np.asarray(probabilities, np.float64)
    confidence = p.max(1)
    right = (p.argmax(1) == np.asarray(y)).astype(np.float64)
    bin_of = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    count = np.bincount(bin_of, minlength=bins)
    held = count > 0
    share = np.maximum(count, 1)
    mean = np.bincount(bin_of, confidence, bins) / share
    accuracy = np.bincount(bin_of, right, bins) / share
    return Reliability(mean[held], accuracy[held], count[held])


def expected_calibration_error(probabilities: Any, y: Any, *, bins: int = 15) -> float:
    """Return ECE = Σ_b (n_b / N) |accuracy_b − confidence_b| over bins of equal width.

    >>> expected_calibration_error([[0.75, 0.25]] * 4, [0, 0, 0, 1])
    0.0
    """
    curve = reliability(probabilities, y, bins=bins)
    return float(np.abs(curve.accuracy - curve.confidence) @ curve.count / curve.count.sum())


def _logits(logits: Any, y: Any) -> np.ndarray:
    z, y = np.asarray(logits, np.float64), np.asarray(y)
    if z.ndim != 2 or z.shape[0] == 0 or y.shape != z.shape[:1]:
        raise BadInput(
            f"The logits have shape {list(z.shape)} for classes of shape {list(y.shape)}; [N, C] and [N]."
        )
    if not np.isfinite(z).all():
        raise BadInput("A logit is infinite or not a number; a temperature needs finite ones.")
    return z
