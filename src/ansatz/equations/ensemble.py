"""Networks of different starts as one answer: their mean, and how far they lie apart."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import Map
from ansatz.equations.neural import NeuralAnsatz


class Ensemble(Map):
    """The mean of networks that hold the same conditions, which it therefore holds too.

    With ``u_i = A + B N_i`` the mean is ``A + B mean N_i``: exact where every member is.
    """

    members: tuple[NeuralAnsatz, ...]

    def __call__(self, x: Float[Array, " d"], *, key: PRNGKeyArray | None = None) -> Float[Array, " f"]:
        """Return the fields at one point."""
        return jnp.stack([one(x) for one in self.members]).mean(0)

    def values(self, number: int, points: Sequence[np.ndarray], index: Sequence[int]) -> np.ndarray:
        """Return a derivative of one field at scattered points, one array `[N]` for each coordinate."""
        return self.each(number, points, index).mean(0)

    def each(self, number: int, points: Sequence[np.ndarray], index: Sequence[int]) -> np.ndarray:
        """Return a derivative of one field by every member, `[members, N]`."""
        asked = (number, tuple(index))
        terms = self.members[0].terms(np.stack(points, axis=1), (asked,))
        return np.stack([one.derivative(terms, asked) for one in self.members])


def relative_spreads(solution: Any) -> Mapping[str, float]:
    """Return ‖standard deviation over the members‖ / ‖mean‖ in L2, by field."""
    points, found = solution.scattered(), {}
    for name in solution.errors:
        apart, size = solution.field(name).spread(*points), solution.field(name)(*points)
        found[name] = float(np.linalg.norm(apart) / (np.linalg.norm(size) or 1.0))
    return found
