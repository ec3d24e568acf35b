"""What a network is given instead of the bare coordinates: scaled ones, and waves of periodic ones."""

import math
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import BadInput, Map
from ansatz.equations.jets import ORDER, Jet, compose
from ansatz.equations.slopes import slopes
from ansatz.maps.shapes import expect


class Features(Map):
    """Scale each coordinate to [-1, 1], or turn it into waves of its period.

    A coordinate in the interval (a, b) becomes ``(2x - a - b) / (b - a)``.  One of those at the places
    `periodic` becomes ``sin(2πk (x-a)/(b-a))`` and ``cos(2πk (x-a)/(b-a))`` for k = 1 … `waves`, so that
    any function of it has the period b - a exactly.  The result is `[size]`, coordinate by coordinate.

    >>> inputs = Features(((0.0, 2.0), (-1.0, 1.0)), periodic=(1,))
    >>> inputs(jnp.asarray([2.0, 0.5])).round(6).tolist()
    [1.0, -1.0, 0.0]
    """

    intervals: tuple[tuple[float, float], ...] = eqx.field(static=True)
    periodic: tuple[int, ...] = eqx.field(static=True)
    waves: int = eqx.field(static=True)

    def __init__(
        self, intervals: Sequence[tuple[float, float]], periodic: Sequence[int] = (), waves: int = 1
    ):
        self.intervals = tuple((float(a), float(b)) for a, b in intervals)
        self.periodic, self.waves = tuple(periodic), waves
        if bad := [pair for pair in self.intervals if not (pair[0] < pair[1] < math.inf)]:
            raise BadInput(f"The interval {bad[0]} is empty or infinite: give its lower end first.")
        if not all(0 <= j < len(self.intervals) for j in self.periodic):
            raise BadInput(
                f"The places {self.periodic} of periodic coordinates must be below {len(self.intervals)}."
            )
        if waves < 1:
            raise BadInput(f"Features needs at least one wave a periodic coordinate, not {waves}.")

    @property
    def size(self) -> int:
        """The number of features."""
        return sum(2 * self.waves if j in self.periodic else 1 for j in range(len(self.intervals)))

    def __call__(self, x: Float[Array, " d"], *, key: PRNGKeyArray | None = None) -> Float[Array, " size"]:
        """Return the features `[size]` of `x: [d]`."""
        expect(x, (len(self.intervals),), "Features")
        zero = (0,) * len(self.intervals)
        return self.jet({zero: x}, (zero,))[zero]

    def jet(self, jet: Jet, carried: tuple[Any, ...]) -> Jet:
        """Return the jet of the features for the jet of the coordinates."""
        parts = [part for j in range(len(self.intervals)) for part in self._coordinate(j, jet, carried)]
        indices = [index for index in carried if any(index in part for part in parts)]
        zero = jnp.zeros((1,), jet[carried[0]].dtype)
        width = [part[carried[0]].shape for part in parts]
        blank = [jnp.broadcast_to(zero, shape) for shape in width]
        return {
            index: jnp.concatenate([part.get(index, none) for part, none in zip(parts, blank, strict=True)])
            for index in indices
        }

    def _coordinate(self, j: int, jet: Jet, carried: tuple[Any, ...]) -> list[Jet]:
        (a, b), zero = self.intervals[j], carried[0]
        own = {index: value[j : j + 1] for index, value in jet.items()}
        if j not in self.periodic:
            scaled = {index: value * (2 / (b - a)) for index, value in own.items()}
            return [scaled | {zero: scaled[zero] - (a + b) / (b - a)}]
        rate = 2 * math.pi * jnp.arange(1, self.waves + 1, dtype=own[zero].dtype) / (b - a)
        angle = {index: rate * value for index, value in own.items()}
        angle[zero] = angle[zero] - a * rate
        quarter = angle | {zero: angle[zero] + math.pi / 2}
        return [compose(slopes("sin", one[zero], ORDER), one, carried) for one in (angle, quarter)]

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Features, Array]":
        """Return a small map and an input for it."""
        return Features(((0.0, 1.0), (-2.0, 3.0)), periodic=(1,), waves=2), jax.random.uniform(key, (2,))
