"""Encodings of numbers and categories for tables: piecewise linear, periodic, embedding tables.

Source: Gorishniy, Rubachev, Babenko, "On embeddings for numerical features in tabular deep learning"
(2022).
"""

import math
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ansatz.core import BadInput, Fixed, Map
from ansatz.maps.shapes import expect, positive


class PiecewiseLinear(Map):
    """Where a number stands among the bins of its column: 1 in bins below it, 0 in bins above it.

    For a column with edges ``e_0 < e_1 < … < e_T`` component t = 1 … T is ``(x - e_{t-1}) / (e_t - e_{t-1})``
    clipped to [0, 1]; the first is not clipped below and the last not above, so that nothing is lost
    outside the edges.  The edges are carried and not trained; a column with fewer bins than the most
    has components that are always 0, and one with fewer than two edges (a constant) has none.

    `edges` holds one increasing array for each column, usually quantiles of the training part.  The
    result is `[columns · bins]`.  Edges that do not increase or are not finite raise `BadInput`.

    >>> PiecewiseLinear([[0.0, 1.0, 3.0]])(jnp.asarray([2.0])).tolist()
    [1.0, 0.5]
    """

    slope: Fixed
    offset: Fixed
    low: Fixed
    high: Fixed

    def __init__(self, edges: Sequence[Sequence[float] | np.ndarray]):
        columns = [np.asarray(e, np.float64) for e in edges]
        for i, e in enumerate(columns):
            if e.ndim != 1 or not np.isfinite(e).all() or (np.diff(e) <= 0).any():
                raise BadInput(f"The bin edges of column {i} must be finite and increase, not {e.tolist()}.")
        bins = max((len(e) - 1 for e in columns), default=0)
        if bins < 1:
            raise BadInput("PiecewiseLinear needs at least one column with two or more bin edges.")
        slope, offset, low, high = np.zeros((4, len(columns), bins))
        for i, e in enumerate(columns):
            if (count := len(e) - 1) < 1:
                continue
            slope[i, :count] = 1 / np.diff(e)
            offset[i, :count] = e[:-1] / np.diff(e)
            high[i, :count] = 1
            low[i, 0], high[i, count - 1] = -np.inf, np.inf
        floats = jnp.result_type(float)
        self.slope, self.offset, self.low, self.high = (
            Fixed(jnp.asarray(a, floats)) for a in (slope, offset, low, high)
        )

    @property
    def out_size(self) -> int:
        """The number of components, columns · bins."""
        return self.slope.value.size

    def __call__(self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, " out"]:
        """Return the components `[columns · bins]` of `x: [columns]`, column by column."""
        expect(x, self.slope.value.shape[:1], "PiecewiseLinear")
        place = x[:, None] * self.slope.value - self.offset.value
        return jnp.clip(place, self.low.value, self.high.value).reshape(-1)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[PiecewiseLinear, Array]":
        """Return a small map and an input for it."""
        return PiecewiseLinear([[-1.0, 0.0, 2.0], [-0.5, 0.5], [3.0]]), jax.random.normal(key, (3,))


class Periodic(Map):
    """``relu(A [sin(2π c x), cos(2π c x)] + b)`` for each column, with frequencies c of its own.

    `frequency: [columns, frequencies]` starts at N(0, scale²); `weight: [2 · frequencies, size]` (A) and
    `bias: [size]` are shared by the columns (the paper's PLR "lite").  The result is `[columns · size]`.

    >>> Periodic(3, 8, 4, key=jax.random.key(0))(jnp.zeros(3)).shape
    (12,)
    """

    frequency: Float[Array, "columns frequencies"]
    weight: Float[Array, "waves size"]
    bias: Float[Array, " size"]

    def __init__(
        self, columns: int, frequencies: int = 16, size: int = 8, scale: float = 0.1, *, key: PRNGKeyArray
    ):
        positive("Periodic", columns=columns, frequencies=frequencies, size=size)
        if not scale > 0:
            raise BadInput(f"Periodic needs a scale above 0, not {scale!r}.")
        frequency_key, weight_key = jax.random.split(key)
        self.frequency = scale * jax.random.normal(frequency_key, (columns, frequencies))
        self.weight = math.sqrt(2 / frequencies) * jax.random.normal(weight_key, (2 * frequencies, size))
        self.bias = jnp.zeros(size)

    @property
    def out_size(self) -> int:
        """The number of components, columns · size."""
        return self.frequency.shape[0] * self.bias.shape[0]

    def __call__(self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, " out"]:
        """Return the components `[columns · size]` of `x: [columns]`, column by column."""
        expect(x, self.frequency.shape[:1], "Periodic")
        angle = 2 * math.pi * self.frequency * x[:, None]
        waves = jnp.concatenate([jnp.sin(angle), jnp.cos(angle)], axis=1)
        return jax.nn.relu(waves @ self.weight + self.bias[None, :]).reshape(-1)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Periodic, Array]":
        """Return a small map and an input for it."""
        return Periodic(3, 4, 5, scale=0.3, key=key), jax.random.normal(key, (3,))


class Waves(Map):
    """``[x, sin(2π B x), cos(2π B x)]``: plane waves of the first `size` entries beside the vector.

    `frequency: [count, size]` (B) starts at N(0, scale²) and is trained.  An MLP of the result sees details
    that one of x alone learns late or never (Tancik et al. 2020, "Fourier features let networks learn high
    frequency functions in low dimensional domains").

    >>> Waves(2, 4, key=jax.random.key(0))(jnp.zeros(2)).tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]
    """

    frequency: Float[Array, "count size"]

    def __init__(self, size: int, count: int = 32, scale: float = 0.5, *, key: PRNGKeyArray):
        positive("Waves", size=size, count=count)
        if not scale > 0:
            raise BadInput(f"Waves needs a scale above 0, not {scale!r}.")
        self.frequency = scale * jax.random.normal(key, (count, size))

    def __call__(self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, " out"]:
        """Return `[n + 2 · count]` for `x: [n]`, n at least `size`."""
        size = self.frequency.shape[1]
        if x.ndim != 1 or x.shape[0] < size:
            raise BadInput(f"Waves takes a vector of at least {size} entries and got {list(x.shape)}.")
        angle = 2 * math.pi * (self.frequency @ x[:size])
        return jnp.concatenate([x, jnp.sin(angle), jnp.cos(angle)])

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Waves, Array]":
        """Return a small map and an input for it."""
        return Waves(2, 3, key=key), jax.random.normal(key, (3,))


class Embedding(Map):
    """A learned vector for each category of each column, in one table.

    `levels` gives the number of categories of each column and `weight` is `[Σ levels, size]`.  The
    codes of a column run from 0; one outside (an unknown or a missing category) gives the vector 0.
    The result is `[columns · size]`.

    >>> Embedding((2, 5), 3, key=jax.random.key(0))(jnp.asarray([1, -1])).shape
    (6,)
    """

    weight: Float[Array, "levels size"]
    levels: tuple[int, ...] = eqx.field(static=True)

    def __init__(self, levels: Sequence[int], size: int = 8, *, key: PRNGKeyArray):
        self.levels = tuple(int(count) for count in levels)
        if not self.levels:
            raise BadInput("Embedding needs at least one column of categories.")
        positive("Embedding", size=size, **{f"levels[{i}]": count for i, count in enumerate(self.levels)})
        self.weight = jax.random.normal(key, (sum(self.levels), size)) / math.sqrt(size)

    @property
    def out_size(self) -> int:
        """The number of components, columns · size."""
        return len(self.levels) * self.weight.shape[1]

    def __call__(self, x: Int[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, " out"]:
        """Return the vectors `[columns · size]` of the codes `x: [columns]`."""
        if x.shape != (len(self.levels),) or not jnp.issubdtype(x.dtype, jnp.integer):
            raise BadInput(
                f"Embedding takes integer codes of shape [{len(self.levels)}] and got {x.dtype} of "
                f"shape {list(x.shape)}."
            )
        levels = np.asarray(self.levels, x.dtype)
        known = (x >= 0) & (x < levels)
        rows = jnp.where(known, x, jnp.zeros_like(x)) + (np.cumsum(levels) - levels).astype(x.dtype)
        vectors = self.weight.at[rows].get(mode="promise_in_bounds")
        return jnp.where(known[:, None], vectors, jnp.zeros_like(vectors)).reshape(-1)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Embedding, Array]":
        """Return a small map and codes for it."""
        return Embedding((3, 5), 4, key=key), jnp.asarray([2, 4])
