"""Sources that draw in Python: a table larger than memory, a Gymnasium environment.

Only the learning is compiled.  Batches are drawn ahead by one thread, in order, each together with
the source's state after it, so that a saved run resumes at the batch that comes next.
"""

import queue
import threading
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ansatz.core import Source
from ansatz.training.drivers import Chunk, _no_rows, _stack
from ansatz.training.program import Program, exhausted, unflatten
from ansatz.training.step import clock_at


class Hosted:
    """One compiled call a batch, the batches coming from Python."""

    name = "hosted"

    def __init__(self, program: Program, consts: Any, source: Source, source_state: Any):
        self.program, self.consts, self.source = program, consts, source
        self.source_state = source_state
        self._learn = program.compiled.setdefault("learn", jax.jit(program.learn))
        self._check = program.compiled.setdefault("validate", jax.jit(program.validate))

    def compile(self, arrays: list[Any], key: Any) -> None:
        """Nothing can be compiled before the first batch is seen."""

    def run(self, arrays: list[Any], key: Any, start: int, total: int, count: int, stop: Any = None) -> Chunk:
        """Take up to `count` steps; `stop()` is asked before each."""
        rows, checks, times, done, watch = [], [], [], False, self.program.watch
        batches = self._ahead(arrays, key, start, total, count)
        try:
            for i in range(count):
                if i and stop is not None and stop():
                    break
                batch, source_state = (
                    next(batches)
                    if self.source.prefetch
                    else self._draw(self.source_state, arrays, key, start + i, total)
                )
                step, all_ = jnp.asarray(start + i, jnp.int32), jnp.asarray(total, jnp.int32)
                new, row = self._learn(self.consts, arrays, batch, key, step, all_)
                row = np.asarray(row)
                if not np.isfinite(row).all():
                    rest = (_stack(rows), _stack(checks), np.array(times, np.int32)) if rows else _no_rows()
                    return Chunk(arrays, len(rows), *rest, row, True)
                arrays, self.source_state = new, source_state
                rows.append(row)
                if watch and ((start + i + 1) % watch.every == 0 or start + i + 1 == total):
                    arrays, check = self._check(self.consts, arrays, key, step + 1, all_)
                    checks.append(np.asarray(check))
                    times.append(start + i + 1)
                    if done := bool(exhausted(self.program, arrays)):
                        break
        finally:
            batches.close()
        return Chunk(arrays, len(rows), _stack(rows), _stack(checks), np.array(times, np.int32), None, done)

    def _draw(self, state: Any, arrays: Any, key: Any, step: int, total: int) -> tuple[Any, Any]:
        model = unflatten(self.program.state, arrays).model
        keys = jax.random.split(jax.random.fold_in(key, step), 2)
        return self.source.next(state, model, clock_at(step, total), keys[0])

    def _ahead(self, arrays: Any, key: Any, start: int, total: int, count: int) -> Any:
        """Yield batches that a thread draws ahead, at most `prefetch` of them."""
        if not self.source.prefetch:
            return
        ready: queue.Queue[Any] = queue.Queue(maxsize=self.source.prefetch)
        closed = threading.Event()

        def put(item: Any) -> bool:
            while not closed.is_set():
                try:
                    ready.put(item, timeout=0.1)
                    return True
                except queue.Full:
                    time.sleep(0)
            return False

        def work() -> None:
            state = self.source_state
            try:
                for i in range(count):
                    batch, state = self._draw(state, arrays, key, start + i, total)
                    if not put((batch, state)):
                        return
            except BaseException as error:
                put(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            for _ in range(count):
                item = ready.get()
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            closed.set()
            thread.join()
