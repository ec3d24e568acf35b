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

from ansatz.core import Parts
from ansatz.training.drivers import Chunk, _no_rows, _stack
from ansatz.training.program import Program, exhausted, unflatten
from ansatz.training.step import FIRST, clock_at, watched


class Hosted:
    """One compiled call a batch, the batches coming from Python."""

    name = "hosted"

    def __init__(self, program: Program, consts: Any, parts: Parts, source_state: Any):
        self.program, self.consts, self.source = program, consts, parts.source
        # The program may be that of another environment of the same shapes: what is played is our own.
        self.watch, self.source_state = parts.watch, source_state
        self._learn = program.compiled.setdefault("learn", jax.jit(program.learn))
        self._check = program.compiled.setdefault("validate", jax.jit(program.validate))
        self._judge = program.compiled.setdefault("judge", jax.jit(program.judge))

    def compile(self, arrays: list[Any], key: Any) -> None:
        """Nothing can be compiled before the first batch is seen."""

    def run(self, arrays: list[Any], key: Any, start: int, total: int, count: int, stop: Any = None) -> Chunk:
        """Take up to `count` steps; `stop()` is asked before each."""
        rows, checks, times, done, watch = [], [], [], False, self.watch
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
                    arrays, check = self._validated(arrays, key, start + i + 1, total)
                    checks.append(np.asarray(check))
                    times.append(start + i + 1)
                    if done := bool(exhausted(self.program, arrays)):
                        break
        finally:
            batches.close()
        return Chunk(arrays, len(rows), _stack(rows), _stack(checks), np.array(times, np.int32), None, done)

    def measured(self, arrays: list[Any], key: Any, target: float = 0.3) -> float:
        """Return the seconds of one step with its share of a validation: some are taken and thrown away.

        The source then begins anew, as if it had not been drawn from.
        """
        clock, total, steps = time.perf_counter, 2**31 - 2, 1
        self.run(arrays, key, 0, total, 1)
        while True:
            begun = clock()
            self.run(arrays, key, 0, total, steps)
            elapsed = clock() - begun
            if elapsed >= target or steps >= 256:
                break
            steps = min(256, 4 * steps)
        seconds = elapsed / steps
        if self.watch is not None:
            for _ in range(2):
                begun = clock()
                jax.block_until_ready(self._validated(arrays, key, 1, total))
                elapsed = clock() - begun
            seconds += elapsed / self.watch.every
        model = unflatten(self.program.state, arrays).model
        self.source_state = self.source.init(model, jax.random.fold_in(key, FIRST))
        return seconds

    def _validated(self, arrays: list[Any], key: Any, step: int, total: int) -> tuple[Any, Any]:
        """Return the arrays with the best model so far, and the row of a validation after `step` steps."""
        now, all_ = jnp.asarray(step, jnp.int32), jnp.asarray(total, jnp.int32)
        if self.watch is None or not self.watch.source.host:
            return self._check(self.consts, arrays, key, now, all_)
        model = unflatten(self.program.state, arrays).model
        batches = watched(self.watch, model, clock_at(now, all_), key)
        return self._judge(self.consts, arrays, batches, now, all_)

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
