"""What training fits into a time: the measured rate of a step, and the size of model that is worth it.

A ladder holds sizes of models, smallest first; each rung says after how many examples the next one would have
been the better use of the time.  The rung is guessed from the speed of a matrix product, its step is
compiled and timed, and another is taken where the guess was wrong.
"""

import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from ansatz.core import BadInput
from ansatz.results.numbers import duration
from ansatz.training.devices import ONE, Placement, for_batch, keep_compiled_programs
from ansatz.training.prepare import arrays_for, choose, prepare, program_for

BUDGET = 180.0
"""The seconds that a run may take where neither a budget nor a number of steps is given."""
UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
HEAVY = 1e9
"""A step of more operations is called step by step, its batch split over the devices; others are looped."""
ENDLESS = 10**6
"""The steps of a run that is only timed."""
TIMED = 0.5
"""The seconds for which steps are timed."""
MARGIN = 0.93
"""The share of the time that is planned for; a machine is not always equally fast."""


class Plan(NamedTuple):
    """What will be trained: the recipe, its steps, and how they are taken; `words` say it.

    With 0 steps the time is over before the first.
    """

    recipe: Any
    steps: int
    driver: str | None
    placement: Placement | None
    words: str


class Settled(NamedTuple):
    """What a ladder settled on: the recipe, its compiled driver, the steps, and the seconds of one."""

    recipe: Any
    driver: Any
    steps: int
    seconds: float


@dataclass(frozen=True)
class Ladder:
    """Sizes of models by rung: `filled(rung)` is the recipe, `limits[rung]` the examples it is best up to.

    `timed(recipe)` returns the driver of a step and its seconds, `seen(recipe)` the examples of a step.
    """

    limits: Sequence[float]
    filled: Callable[[int], Any]
    timed: Callable[[Any], tuple[Any, float]]
    seen: Callable[[Any], float]

    def settle(self, at: int, left: Callable[[], float], tell: Callable[[str], None]) -> Settled:
        """Return the recipe for the time that `left()` tells, beginning with the rung `at`."""
        tried: set[int] = set()
        while True:
            recipe = self.filled(at)
            driver, step = self.timed(recipe)
            tried.add(at)
            rest = left()
            steps = max(int(rest / step), 0)
            other = self.better(at, steps * self.seen(recipe))
            # To try another rung costs a compilation; only where there is time for it.
            costly = driver.program.compile_seconds > 0.1 * rest
            if other == at or other in tried or costly or self.filled(other) == recipe:
                return Settled(recipe, driver, steps, step)
            which = "larger" if other > at else "smaller"
            tell(f"A step takes {duration(step)}: a {which} model fits the time better.")
            at = other

    def better(self, at: int, seen: float) -> int:
        """Return the rung for so many examples, if the present one is not within a factor 2 of its range."""
        low = self.limits[at - 1] if at else 0.0
        if seen > 2 * self.limits[at]:
            return at + 1
        return at - 1 if seen < low / 2 else at

    def guess(self, seconds: float, speed: float, operations: Callable[[Any], float]) -> int:
        """Return the first rung whose limit is not passed within the time, at so many operations a second."""
        for at, limit in enumerate(self.limits[:-1]):
            recipe = self.filled(at)
            if seconds * speed / operations(recipe) * self.seen(recipe) <= limit:
                return at
        return len(self.limits) - 1


def speed() -> float:
    """Return the operations a second that training may reach here, from a matrix product on all devices."""
    a = jnp.ones((512, 512), jnp.float32)
    product = jax.jit(lambda a: a @ a)
    product(a).block_until_ready()
    best = np.inf
    for _ in range(5):
        begun = time.perf_counter()
        product(a).block_until_ready()
        best = min(best, time.perf_counter() - begun)
    # What a step reaches of it was measured for the smaller rungs.
    return 0.35 * 2 * 512**3 / best


def timed_driver(recipe: Any, data: Any, seed: int, operations: float | None = None) -> tuple[Any, float]:
    """Return the driver of the step, compiled, and the seconds of a step; `fit` will find its program again.

    Which driver it is follows from the sizes alone, so that the same words give the same bits; where the
    `operations` of a step are not given, its products are counted.
    """
    keep_compiled_programs()
    ready = prepare(recipe, data, jr.key(seed), 1)
    if operations is None:
        operations = counted(program_for(ready, 1, ONE), ready.consts)
    split = for_batch(np.zeros(recipe.batch))
    heavy = operations > HEAVY
    driver = choose(ready, 1, "stepped" if heavy else "loop", split if heavy else ONE, ENDLESS)
    _, arrays, key = arrays_for(driver.program.place, driver.program.shared, ready)
    times: list[float] = []
    while len(times) < 3 or (sum(times) < TIMED and len(times) < 20):
        begun = time.perf_counter()
        driver.run(arrays, key, 0, ENDLESS, 1)
        times.append(time.perf_counter() - begun)
    return driver, driver.program.step_seconds if not heavy else float(np.median(times))


def operations_of(recipe: Any, data: Any, seed: int) -> float:
    """Return the floating-point operations of the products in a step, which is traced and not compiled."""
    ready = prepare(recipe, data, jr.key(seed), 1)
    return counted(program_for(ready, 1, ONE), ready.consts)


def counted(program: Any, consts: Any) -> float:
    """Return the operations of the products in a step of a program; infinite with a convolution.

    XLA runs convolutions on one thread inside a loop on a CPU: they are always called step by step.
    """
    if program.has_convolution(consts):
        return math.inf
    return products(program.jaxprs["one"].jaxpr)


def products(jaxpr: Any) -> float:
    """Return the floating-point operations of the matrix products in a jaxpr, those in loops included.

    >>> products(jax.make_jaxpr(lambda a: a @ a)(jnp.ones((3, 3))).jaxpr)
    54.0
    """
    total = 0.0
    for equation in jaxpr.eqns:
        times = equation.params.get("length", 1) if equation.primitive.name == "scan" else 1
        if equation.primitive.name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            shape = equation.invars[0].aval.shape
            inner = math.prod(shape[axis] for axis in contracted)
            total += 2.0 * inner * math.prod(equation.outvars[0].aval.shape)
        for value in equation.params.values():
            for one in value if isinstance(value, tuple | list) else (value,):
                one = getattr(one, "jaxpr", one)
                total += times * products(one) if hasattr(one, "eqns") else 0.0
    return total


def used_up(budget: float, spent: float, by: str = "reading the data and compiling a step") -> BadInput:
    """Return what is raised where a budget ends before the first step, `spent` seconds after its beginning.

    >>> print(used_up(5.0, 7.3, "reading the data"))
    A budget of 5 s is too short: reading the data took 7.3 s, and what follows the training takes time as
    well; give 30 s or more, or a number of steps.
    """
    # The training has half of a short budget at least: of this one it would have as long as what precedes it.
    enough = 10 * math.ceil(0.4 * spent)
    return BadInput(
        f"A budget of {budget:g} s is too short: {by} took {duration(spent)}, and what follows the training "
        f"takes time as well; give {enough} s or more, or a number of steps."
    )


def seconds_of(text: str) -> float:
    """Return the seconds that a time such as `90s`, `3m` or `1.5h` means.

    >>> seconds_of("3m")
    180.0
    """
    match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)", text.strip().lower())
    if match is None or match[2] not in UNITS or not float(match[1]) > 0:
        raise BadInput(f"The budget {text!r} is no time; write 90s, 3m or 1h.")
    return float(match[1]) * UNITS[match[2]]
