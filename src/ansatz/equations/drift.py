"""How far an answer still is from where growing resolutions lead, told from the steps of three of them."""

from typing import Any

import numpy as np

SLOWEST, FASTEST = 1.0, 60.0
"""The powers of the resolution between which errors are taken to fall."""
MOST = 3.0
"""Steps that happen to be alike would tell of slow convergence where there is none: so much is believed."""


def left_over(first: Any, second: Any, sizes: tuple[int, int, int]) -> np.ndarray:
    """Return by what to multiply the step from size n₁ to n₂ for the error at n₁, at most `MOST`.

    An error C n^-p makes the steps C (n₀^-p - n₁^-p) and C (n₁^-p - n₂^-p), whose ratio tells p; the error
    at n₁ is the second step times 1 / (1 - (n₁/n₂)^p): nothing to speak of where p is large, as for smooth
    solutions, but more than the step where a corner or a kink makes p small (Richardson's extrapolation).

    Args:
        first: the steps from n₀ to n₁.
        second: the steps from n₁ to n₂.
        sizes: n₀ < n₁ < n₂.

    >>> coarse, fine, finer = (n**-6.0 for n in (20, 30, 33))
    >>> step = fine - finer
    >>> factor = left_over(coarse - fine, step, (20, 30, 33))
    >>> bool(abs(factor * step / fine - 1) < 1e-3)
    True
    """
    powers = np.linspace(SLOWEST, FASTEST, 2000)
    shares = (np.asarray(sizes, float)[:, None] / sizes[1]) ** -powers
    ratios = (shares[0] - 1) / (1 - shares[2])
    power = np.interp(np.asarray(first) / np.maximum(second, 1e-300), ratios, powers)
    return np.asarray(np.minimum(1 / (1 - (sizes[1] / sizes[2]) ** power), MOST))
