"""Seeds one after the other: for steps with convolutions, which grow slow when vmapped on a CPU."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from ansatz.training.devices import ONE
from ansatz.training.drivers import Chunk, Stepped
from ansatz.training.program import flatten, unflatten


class OneByOne:
    """Every seed takes the chunk's steps alone; the state keeps the seeds' leading axis."""

    name = "one by one"

    def __init__(self, prepared: Any, seeds: int, program_for: Any):
        self.prepared, self.seeds = prepared, seeds
        flat = flatten(prepared.state)
        first = prepared._replace(
            state=unflatten(flat, [x[0] for x in flat.arrays]),
            consts=self._consts(0),
            shared=[True] * len(prepared.shared),
            key=prepared.key[0],
        )
        self.program = program_for(first, 1, ONE)
        self.steppers = [Stepped(self.program, self._consts(i)) for i in range(seeds)]

    def compile(self, arrays: list[Any], key: Any) -> None:
        """Compile the step of one seed, which serves all."""
        self.steppers[0].compile([x[0] for x in arrays], key[0])

    def run(self, arrays: list[Any], key: Any, start: int, total: int, count: int, stop: Any = None) -> Chunk:
        """Take up to `count` steps with every seed."""
        chunks = [
            stepper.run([x[i] for x in arrays], key[i], start, total, count)
            for i, stepper in enumerate(self.steppers)
        ]
        if any(chunk.bad is not None for chunk in chunks):
            last = min(chunk.taken for chunk in chunks if chunk.bad is not None)
            bad = next(chunk.bad for chunk in chunks if chunk.bad is not None and chunk.taken == last)
            if last:
                good = self.run(arrays, key, start, total, last)
            else:
                empty = np.zeros((0, self.seeds, 0), np.float32)
                good = Chunk(arrays, 0, empty, empty, np.zeros(0, np.int32), None, True)
            bads = np.full((self.seeds, *bad.shape), 0.0, bad.dtype)
            bads[[c.bad is not None and c.taken == last for c in chunks].index(True)] = bad
            return good._replace(bad=bads, done=True)
        taken = max(chunk.taken for chunk in chunks)
        longest = max(chunks, key=lambda chunk: len(chunk.times))
        return Chunk(
            [jnp.stack(leaves) for leaves in zip(*(chunk.arrays for chunk in chunks), strict=True)],
            taken,
            _padded([chunk.rows for chunk in chunks], taken),
            _padded([chunk.checks for chunk in chunks], len(longest.times)),
            longest.times,
            None,
            all(chunk.done for chunk in chunks),
        )

    def _consts(self, i: int) -> list[Any]:
        prepared = self.prepared
        return [x if s else x[i] for x, s in zip(prepared.consts, prepared.shared, strict=True)]


def _padded(parts: list[np.ndarray], length: int) -> np.ndarray:
    """Stack `[n_i, m]` along a new second axis, filling what a seed did not reach with nan."""
    width = max((part.shape[1] for part in parts), default=0)
    out = np.full((length, len(parts), width), np.nan, np.float32)
    for i, part in enumerate(parts):
        if len(part):
            out[: len(part), i] = part
    return out
