"""Host sources: a table larger than memory, and batches from the user's own iterator."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import equinox as eqx
import jax
import numpy as np
import polars as pl
from jaxtyping import PRNGKeyArray

from ansatz.core import BadInput, Clock, Source
from ansatz.data.blocks import BlockFile, open_blocks


class Buffer:
    """The group of blocks that is in memory, and the largest number of rows that ever was."""

    def __init__(self, file: BlockFile):
        self.file = file
        self.loaded: tuple[int, ...] | None = None
        self.data: Any = None
        self.largest = 0


class Stream(Source):
    """Minibatches of a table that need not fit into memory, each row exactly once an epoch.

    The blocks of rows come in a new order every epoch; `mix` of them at a time are held in memory and
    their rows shuffled together.  A batch is drawn in Python; the state is five whole numbers (two of
    the order, epoch, group, cursor), from which a resumed run continues exactly.

    Args:
        path: an NPY, CSV, TSV, Parquet or Arrow file.
        encode: `encode(frame) -> Pairs` (or any tree) of NumPy arrays `[n, ...]` for a frame of n rows.
        batch: the number of examples B.
        block: the number of rows that are read at once.
        mix: the number of blocks that are shuffled together; `mix·block` rows are in memory.
    """

    host: ClassVar[bool] = True

    path: str = eqx.field(static=True)
    encode: Callable[[pl.DataFrame], Any] = eqx.field(static=True)
    batch: int = eqx.field(static=True)
    block: int = eqx.field(static=True)
    mix: int = eqx.field(static=True)
    buffer: Buffer = eqx.field(static=True, repr=False)

    def __init__(
        self,
        path: str | Path,
        encode: Callable[[pl.DataFrame], Any],
        batch: int,
        *,
        block: int = 16_384,
        mix: int = 4,
    ):
        if min(batch, block, mix) < 1:
            raise BadInput(f"batch, block and mix are {batch}, {block} and {mix}; each should be at least 1.")
        self.path, self.encode, self.batch = str(path), encode, batch
        self.block, self.mix = block, mix
        self.buffer = Buffer(open_blocks(path, block))

    @property
    def length(self) -> int:
        """The number of examples in an epoch."""
        return self.buffer.file.rows

    @property
    def groups(self) -> int:
        """The number of groups of blocks in an epoch."""
        return math.ceil(math.ceil(self.length / self.block) / self.mix)

    def init(self, model: Any, key: PRNGKeyArray) -> np.ndarray:
        """Return the start of the first epoch, whose order `key` chooses: int64 `[5]`."""
        words = np.asarray(jax.random.bits(key, (2,), np.uint32)).astype(np.int64)
        return np.concatenate([words, np.zeros(3, np.int64)])

    def next(self, state: np.ndarray, model: Any, clock: Clock, key: PRNGKeyArray) -> tuple[Any, np.ndarray]:
        """Return the next batch `[B, ...]` of NumPy arrays and the state after it."""
        first, second, epoch, group, cursor = (int(word) for word in np.asarray(state))
        pieces, lacking = [], min(self.batch, self.length)
        while lacking:
            data, rows = self._group(first, second, epoch, group)
            taken = min(lacking, rows - cursor)
            pieces.append(jax.tree.map(lambda leaf, a=cursor, b=cursor + taken: leaf[a:b], data))
            lacking, cursor = lacking - taken, cursor + taken
            if cursor == rows:
                epoch, group, cursor = (epoch, group + 1, 0) if group + 1 < self.groups else (epoch + 1, 0, 0)
        batch = jax.tree.map(lambda *parts: np.concatenate(parts), *pieces)
        return batch, np.asarray([first, second, epoch, group, cursor], np.int64)

    def _group(self, first: int, second: int, epoch: int, group: int) -> tuple[Any, int]:
        """Return the shuffled rows of a group of blocks, from memory if they are the last ones read."""
        number = math.ceil(self.length / self.block)
        order = np.random.default_rng([first, second, epoch]).permutation(number)
        blocks = order[group * self.mix : (group + 1) * self.mix]
        starts = [int(b) * self.block for b in blocks]
        rows = sum(min(start + self.block, self.length) - start for start in starts)
        wanted = (first, second, epoch, group)
        if self.buffer.loaded != wanted:
            self.buffer.data = self.buffer.loaded = None
            read = [self.buffer.file.read(s, min(s + self.block, self.length)) for s in starts]
            data = self.encode(pl.concat(read, how="vertical_relaxed"))
            mixed = np.random.default_rng([first, second, epoch, group]).permutation(rows)
            self.buffer.data = jax.tree.map(lambda leaf: np.asarray(leaf)[mixed], data)
            self.buffer.loaded, self.buffer.largest = wanted, max(self.buffer.largest, rows)
        return self.buffer.data, rows


class Handle:
    """A running iterator and the place where it stands: (epoch, batches drawn in it)."""

    def __init__(self) -> None:
        self.place: tuple[int, int] | None = None
        self.iterator: Iterator[Any] = iter(())


class Batches(Source):
    """Batches from the user's own Python iterator.

    `start(epoch)` returns a new iterator over the batches of an epoch; when it ends, the next epoch
    begins.  The state is (epoch, number of batches drawn): a resumed run starts the epoch's iterator
    again and draws that number of batches without using them.

    >>> source = Batches(lambda epoch: iter([np.ones(2)]))
    >>> batch, state = source.next(np.array([0, 0]), None, None, None)
    >>> state.tolist()
    [0, 1]
    """

    host: ClassVar[bool] = True

    start: Callable[[int], Iterator[Any]] = eqx.field(static=True)
    handle: Handle = eqx.field(static=True, repr=False)

    def __init__(self, start: Callable[[int], Iterator[Any]]):
        self.start = start
        self.handle = Handle()

    def init(self, model: Any, key: PRNGKeyArray) -> np.ndarray:
        """Return the start of the first epoch: int64 `[2]`."""
        return np.zeros(2, np.int64)

    def next(self, state: np.ndarray, model: Any, clock: Any, key: Any) -> tuple[Any, np.ndarray]:
        """Return the next batch and the state after it."""
        epoch, drawn = (int(word) for word in np.asarray(state))
        if self.handle.place != (epoch, drawn):
            self.handle.iterator = iter(self.start(epoch))
            for number in range(drawn):
                if next(self.handle.iterator, None) is None:
                    raise BadInput(
                        f"The iterator of epoch {epoch} ended after {number} batches; the run drew {drawn}."
                    )
        batch = next(self.handle.iterator, None)
        if batch is None:
            epoch, drawn = epoch + 1, 0
            self.handle.iterator = iter(self.start(epoch))
            batch = next(self.handle.iterator, None)
            if batch is None:
                raise BadInput(f"The iterator of epoch {epoch} gives no batch; it should give at least one.")
        self.handle.place = (epoch, drawn + 1)
        return batch, np.asarray([epoch, drawn + 1], np.int64)
