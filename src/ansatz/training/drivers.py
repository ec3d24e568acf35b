"""The two ways of repeating a step, and the choice between them."""

import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ansatz.training.program import Program, exhausted, make_loop


class Chunk(NamedTuple):
    """What some steps did.

    `arrays` are the state after `taken` steps.  `rows: [taken, (seeds,) m]` are the metrics of the
    steps, `checks: [c, (seeds,) v]` those of the validations after `times: [c]` steps.  `bad` is the
    row whose metrics were not finite; the state is then the one before that step.
    """

    arrays: list[Any]
    taken: int
    rows: np.ndarray
    checks: np.ndarray
    times: np.ndarray
    bad: np.ndarray | None
    done: bool


class Loop:
    """Many steps in one compiled call."""

    name = "loop"

    def __init__(self, program: Program, consts: Any):
        self.program, self.consts = program, consts

    def compile(self, arrays: list[Any], key: Any) -> None:
        """Compile the loop, unless this program has it already."""
        if "loop" not in self.program.compiled:
            begun = time.perf_counter()
            zero = jnp.zeros((), jnp.int32)
            lowered = make_loop(self.program, self.consts).lower(self.consts, arrays, key, zero, zero, zero)
            self.program.compiled["loop"] = lowered.compile()
            self.program.compile_seconds += time.perf_counter() - begun

    def run(self, arrays: list[Any], key: Any, start: int, total: int, count: int, stop: Any = None) -> Chunk:
        """Take up to `count` steps."""
        call = self.program.compiled["loop"]
        to = self._scalars(start, total, count)
        new, taken, fine, rows, checks, times = call(self.consts, arrays, key, *to)
        taken = int(np.max(np.asarray(taken)))
        rows, times = np.asarray(rows)[:taken], np.asarray(times)[np.argmax(np.asarray(times).max(-1))]
        checks, times = np.asarray(checks)[: (times > 0).sum()], times[times > 0]
        if not np.all(np.asarray(fine)):
            finite = np.isfinite(rows).reshape(taken, -1).all(-1)
            last = int(np.argmin(finite))
            new = call(self.consts, arrays, key, *self._scalars(start, total, last))[0]
            early = times <= start + last
            return Chunk(new, last, rows[:last], checks[early], times[early], rows[last], True)
        done = bool(exhausted(self.program, new))
        return Chunk(new, taken, rows, checks, times, None, done)

    def _scalars(self, *values: int) -> list[Any]:
        return [jnp.asarray(value, jnp.int32) for value in values]


class Stepped:
    """One call a step, on flat arrays that the call may overwrite."""

    name = "stepped"

    def __init__(self, program: Program, consts: Any):
        self.program, self.consts = program, consts

    def compile(self, arrays: list[Any], key: Any) -> None:
        """Compile the step and the validation, unless this program has them already."""
        program, begun = self.program, time.perf_counter()
        zero = jnp.zeros((), jnp.int32)
        if "one" not in program.compiled:
            one = jax.jit(program.trace("one", self.consts), donate_argnums=1)
            program.compiled["one"] = one.lower(self.consts, arrays, key, zero, zero).compile()
            if program.watch:
                check = jax.jit(program.trace("validate", self.consts))
                program.compiled["validate"] = check.lower(self.consts, arrays, key, zero, zero).compile()
            program.compile_seconds += time.perf_counter() - begun

    def run(self, arrays: list[Any], key: Any, start: int, total: int, count: int, stop: Any = None) -> Chunk:
        """Take up to `count` steps; `stop()` is asked before each."""
        kept, program, watch = arrays, self.program, self.program.watch
        arrays = [jnp.array(leaf, copy=True) for leaf in arrays]
        rows, checks, times, done = [], [], [], False
        for i in range(count):
            if i and stop is not None and stop():
                break
            step = jnp.asarray(start + i, jnp.int32)
            arrays, row = program.compiled["one"](
                self.consts, arrays, key, step, jnp.asarray(total, jnp.int32)
            )
            rows.append(np.asarray(row))
            if not np.isfinite(rows[-1]).all():
                good = self.run(kept, key, start, total, i) if i else Chunk(kept, 0, *_no_rows(), None, True)
                return good._replace(bad=rows[-1], done=True)
            if watch and ((start + i + 1) % watch.every == 0 or start + i + 1 == total):
                arrays, check = program.compiled["validate"](
                    self.consts, arrays, key, step + 1, jnp.asarray(total, jnp.int32)
                )
                checks.append(np.asarray(check))
                times.append(start + i + 1)
                if done := bool(exhausted(program, arrays)):
                    break
        return Chunk(arrays, len(rows), _stack(rows), _stack(checks), np.array(times, np.int32), None, done)


def measured(driver: Any, arrays: list[Any], key: Any, total: int, target: float = 0.02) -> float:
    """Return the seconds of one step, by taking some and throwing them away."""
    steps, clock = 1, time.perf_counter
    driver.run(arrays, key, 0, total, 1)
    while True:
        begun = clock()
        driver.run(arrays, key, 0, total, steps)
        elapsed = clock() - begun
        if elapsed >= target or steps >= 256:
            return elapsed / steps
        steps = min(256, 4 * steps)


def _stack(rows: list[np.ndarray]) -> np.ndarray:
    return np.stack(rows) if rows else np.zeros((0, 0), np.float32)


def _no_rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.zeros((0, 0), np.float32), np.zeros((0, 0), np.float32), np.zeros(0, np.int32)
