"""Minibatches of examples that lie on the device."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Int, PRNGKeyArray, UInt32

from ansatz.core import BadInput, Clock, Source
from ansatz.data.shuffle import epoch_words, shuffled


class Place(NamedTuple):
    """Where a table is being read: the words of its orders, the epoch and the rows used of it."""

    words: UInt32[Array, " 2"]
    epoch: Int[Array, ""]
    cursor: Int[Array, ""]


def as_rows(rows: Any) -> Any:
    """Return row numbers `[n]` as an int32 array on the device."""
    return None if rows is None else jnp.asarray(rows, jnp.int32)


class Table(Source):
    """Minibatches of examples, each exactly once an epoch, in a new order every epoch.

    The order is a keyed permutation that is computed for each place (`shuffled`): the state is four
    numbers whatever the size of the table.  A batch may straddle two epochs.

    Args:
        data: any tree of arrays `[N, ...]`, usually `Pairs(x, y)`.
        batch: the number of examples B; with more than there are rows, all rows in each batch.
        rows: `[n]` numbers of the rows to use, all of them if not given (several tables may share
            `data` and differ in `rows`: the members of a k-fold).
    """

    data: Any
    batch: int = eqx.field(static=True)
    rows: Int[Array, " n"] | None = eqx.field(default=None, converter=as_rows)

    def __check_init__(self) -> None:
        """Refuse data without rows, or of unequal lengths."""
        check_data(self.data, self.batch, self.rows)

    @property
    def length(self) -> int:
        """The number of examples in an epoch."""
        return count_rows(self.data, self.rows)

    @property
    def size(self) -> int:
        """The number of examples in a batch."""
        return min(self.batch, self.length)

    def init(self, model: Any, key: PRNGKeyArray) -> Place:
        """Return the start of the first epoch, whose order `key` chooses."""
        return Place(
            jax.random.bits(key, (2,), jnp.uint32), jnp.zeros((), jnp.int32), jnp.zeros((), jnp.int32)
        )

    def next(self, state: Place, model: Any, clock: Clock, key: PRNGKeyArray) -> tuple[Any, Place]:
        """Return the next batch `[B, ...]` and the place after it."""
        n, size = self.length, self.size
        place = state.cursor + jnp.arange(size, dtype=jnp.int32)
        over = place >= n
        epoch = state.epoch + over.astype(jnp.int32)
        index = shuffled(jnp.where(over, place - n, place), n, epoch_words(state.words, epoch))
        done = state.cursor + size
        last = done >= n
        after = Place(state.words, state.epoch + last.astype(jnp.int32), jnp.where(last, done - n, done))
        return gather(self.data, index, self.rows), after


class Whole(Source):
    """All examples in every batch, in the order of the rows.

    Args:
        data: any tree of arrays `[N, ...]`.
        rows: `[n]` numbers of the rows to use, all of them if not given.
    """

    data: Any
    rows: Int[Array, " n"] | None = eqx.field(default=None, converter=as_rows)

    def __check_init__(self) -> None:
        """Refuse data without rows, or of unequal lengths."""
        check_data(self.data, 1, self.rows)

    @property
    def length(self) -> int:
        """The number of examples."""
        return count_rows(self.data, self.rows)

    def init(self, model: Any, key: PRNGKeyArray) -> tuple[()]:
        """Return the state, which is empty."""
        return ()

    def next(self, state: tuple[()], model: Any, clock: Clock, key: PRNGKeyArray) -> tuple[Any, tuple[()]]:
        """Return all examples."""
        if self.rows is None:
            return jax.tree.map(jnp.asarray, self.data), state
        return gather(self.data, jnp.arange(self.length, dtype=jnp.int32), self.rows), state


class Blocks(Source):
    """Examples in order, in batches of equal shape; `blocks` of them are one pass (validation).

    Where the batch does not divide the number of rows, every batch carries weights, and the rows that
    fill up the last one weigh 0: a weighted mean over a pass is the mean over the examples.

    Args:
        data: `Pairs(x, y, weight)`, or another named tuple with a `weight`, of arrays `[N, ...]`.
        batch: the number of examples B; with more than there are rows, all rows.
        rows: `[n]` numbers of the rows to use, all of them if not given.
    """

    data: Any
    batch: int = eqx.field(static=True)
    rows: Int[Array, " n"] | None = eqx.field(default=None, converter=as_rows)

    def __check_init__(self) -> None:
        """Refuse data without rows, or of unequal lengths."""
        check_data(self.data, self.batch, self.rows)

    @property
    def length(self) -> int:
        """The number of examples in a pass."""
        return count_rows(self.data, self.rows)

    @property
    def size(self) -> int:
        """The number of examples in a batch."""
        return min(self.batch, self.length)

    @property
    def blocks(self) -> int:
        """The number of batches in a pass."""
        return -(-self.length // self.size)

    def init(self, model: Any, key: PRNGKeyArray) -> Int[Array, ""]:
        """Return the number of rows used, 0."""
        return jnp.zeros((), jnp.int32)

    def next(
        self, state: Int[Array, ""], model: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Any, Int[Array, ""]]:
        """Return the next batch `[B, ...]` and the number of rows used of this pass."""
        n, size = self.length, self.size
        place = state + jnp.arange(size, dtype=jnp.int32)
        batch = gather(self.data, jnp.minimum(place, n - 1), self.rows)
        if n % size:
            real = (place < n).astype(jnp.float32)
            batch = batch._replace(weight=real if batch.weight is None else batch.weight * real)
        done = state + size
        return batch, jnp.where(done >= n, 0, done).astype(jnp.int32)


def gather(data: Any, index: Int[Array, " B"], rows: Int[Array, " n"] | None = None) -> Any:
    """Return the rows at `index`, which must be in bounds, of every array in the tree."""
    if rows is not None:
        index = jnp.asarray(rows).at[index].get(mode="promise_in_bounds")
    return jax.tree.map(lambda leaf: jnp.asarray(leaf).at[index].get(mode="promise_in_bounds"), data)


def count_rows(data: Any, rows: Int[Array, " n"] | None) -> int:
    """Return the number of examples that are used."""
    return (jax.tree.leaves(data)[0] if rows is None else rows).shape[0]


def check_data(data: Any, batch: int, rows: Any) -> None:
    """Raise `BadInput` for data without rows, of unequal lengths, a batch below 1, or rows out of range."""
    shapes = [jnp.shape(leaf) for leaf in jax.tree.leaves(data)]
    lengths = {shape[0] if shape else 0 for shape in shapes}
    if len(lengths) != 1 or 0 in lengths:
        raise BadInput(f"The arrays have the shapes {shapes}; each should be [N, ...] with the same N > 0.")
    if batch < 1:
        raise BadInput(f"A batch of {batch} examples is none; it needs at least 1.")
    if rows is None:
        return
    if rows.ndim != 1 or rows.shape[0] == 0:
        raise BadInput(f"The row numbers have the shape {rows.shape}; they should be [n] with n > 0.")
    if eqx.is_array(rows) and not isinstance(rows, Tracer):
        low, high = int(rows.min()), int(rows.max())
        if low < 0 or high >= min(lengths):
            raise BadInput(f"The row numbers go from {low} to {high}; the table has {min(lengths)} rows.")
