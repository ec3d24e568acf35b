"""How large a model, and for how many steps, so that a text is learned as well as a time allows.

Of models trained for the same time the best is neither the smallest, which sees more than it can hold, nor
the largest, which sees too little.  The ladder holds sizes; for each one the tokens after which the next rung
would have been the better use of the time.  The rate is measured: the step that will be taken is timed.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from ansatz.generate.text_network import TextData, TextNetwork
from ansatz.results.numbers import duration, number
from ansatz.training.devices import ONE, Placement, for_batch
from ansatz.training.prepare import arrays_for, choose, prepare


class Rung(NamedTuple):
    """A size of model, the windows that it sees, and for how many tokens at most it is the one to take."""

    layers: int
    size: int
    heads: int
    length: int
    batch: int
    tokens: float


LADDER = (
    Rung(2, 64, 2, 64, 16, 4e5),
    Rung(3, 96, 3, 128, 16, 1.5e6),
    Rung(4, 128, 4, 128, 16, 8e6),
    Rung(6, 192, 6, 256, 16, 3e7),
    Rung(6, 384, 6, 256, 32, 2e8),
    Rung(12, 512, 8, 512, 32, float("inf")),
)
USUAL = 2
"""The rung where no time is given."""
HEAVY = 1e9
"""A step of more operations is called step by step, its batch split over the devices; others are looped."""
ENDLESS = 10**6
"""The steps of a run that is only timed."""
TIMED = 0.5
"""The seconds for which steps are timed."""
MARGIN = 0.93
"""The share of the time that is planned for; a machine is not always equally fast."""
REST = 0.07
"""The share of the time for what follows the training: judging, samples, the report."""
AFTER = 18.0
"""The seconds that this takes, and the start of Python, for however short a training; a third of the time
at most."""


class Plan(NamedTuple):
    """What will be trained: the recipe, its steps, and how they are taken; `words` say it."""

    recipe: TextNetwork
    steps: int
    driver: str | None
    placement: Placement | None
    words: str


def fill(recipe: TextNetwork, rung: Rung, shortest: int) -> TextNetwork:
    """Return a recipe whose open sizes are a rung's; windows are at most `shortest` - 1 tokens long."""
    size = recipe.size or rung.size
    even = [h for h in range(1, max(size // 32, 1) + 1) if size % h == 0 and size // h % 2 == 0]
    heads = recipe.heads or max(even, default=1)
    length = recipe.length or max(min(rung.length, shortest - 1), 1)
    layers, batch = recipe.layers or rung.layers, recipe.batch or rung.batch
    return replace(recipe, layers=layers, size=size, heads=heads, length=length, batch=batch)


def operations(recipe: TextNetwork, vocabulary: int) -> float:
    """Return the floating-point operations of a step: 6 a weight and token, and those of the attention."""
    weights = 12 * recipe.layers * recipe.size**2 + vocabulary * recipe.size
    tokens = recipe.batch * recipe.length
    return 6.0 * tokens * (weights + recipe.layers * recipe.size * recipe.length)


def weights_of(recipe: TextNetwork, vocabulary: int) -> int:
    """Return the number of weights of the matrices."""
    return 12 * recipe.layers * recipe.size**2 + vocabulary * recipe.size


def plan(
    recipe: TextNetwork,
    data: TextData,
    seconds: float,
    steps: int = 0,
    *,
    seed: int = 0,
    rest: float = REST,
    tell: Callable[[str], None] = lambda words: None,
) -> Plan:
    """Return what to train within `seconds` from now, or for so many steps.

    The open sizes of the recipe are chosen where `steps` is 0: the rung is guessed from the speed of a matrix
    product, its step is compiled and timed, and another is taken where the guess was wrong.  The share `rest`
    of the time is kept for what follows the training.
    """
    begun = time.monotonic()
    shortest = min(len(data.train), len(data.validation))
    if steps:
        filled = fill(recipe, LADDER[USUAL], shortest)
        driver, _ = timed_driver(filled, data, seed)
        return Plan(filled, steps, driver.name, driver.program.place, _words(filled, data, steps, None))
    speed, tried = _speed(), set()
    at = _guess(recipe, data, shortest, seconds, speed)
    while True:
        filled = fill(recipe, LADDER[at], shortest)
        driver, step = timed_driver(filled, data, seed)
        tried.add(at)
        after = min(AFTER + rest * seconds, seconds / 3) if rest else 0.0
        left = MARGIN * (seconds - after) - (time.monotonic() - begun)
        count = max(int(left / step), 1)
        seen = count * filled.batch * filled.length
        other = _better(at, float(seen))
        # To try another rung costs a compilation; only where there is time for it.
        costly = driver.program.compile_seconds > 0.1 * left
        if other == at or other in tried or costly or fill(recipe, LADDER[other], shortest) == filled:
            break
        which = "larger" if other > at else "smaller"
        tell(f"A step takes {duration(step)}: a {which} model fits the time better.")
        at = other
    return Plan(filled, count, driver.name, driver.program.place, _words(filled, data, count, step))


def _better(at: int, seen: float) -> int:
    """Return the rung for so many tokens, if the present one is not within a factor 2 of its range."""
    low = LADDER[at - 1].tokens if at else 0.0
    if seen > 2 * LADDER[at].tokens:
        return at + 1
    return at - 1 if seen < low / 2 else at


def _guess(recipe: TextNetwork, data: TextData, shortest: int, seconds: float, speed: float) -> int:
    for at, rung in enumerate(LADDER):
        filled = fill(recipe, rung, shortest)
        seen = seconds * speed / operations(filled, data.size) * filled.batch * filled.length
        if seen <= rung.tokens:
            return at
    return len(LADDER) - 1


def _speed() -> float:
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


def timed_driver(recipe: TextNetwork, data: TextData, seed: int) -> tuple[Any, float]:
    """Return the driver of the step, compiled, and the seconds of a step; `fit` will find its program again.

    Which driver it is follows from the sizes alone, so that the same words give the same bits.
    """
    ready = prepare(recipe, data, jr.key(seed), 1)
    split = for_batch(np.zeros(recipe.batch))
    heavy = operations(recipe, data.size) > HEAVY
    driver = choose(ready, 1, "stepped" if heavy else "loop", split if heavy else ONE, ENDLESS)
    _, arrays, key = arrays_for(driver.program.place, driver.program.shared, ready)
    times: list[float] = []
    while len(times) < 3 or (sum(times) < TIMED and len(times) < 20):
        begun = time.perf_counter()
        driver.run(arrays, key, 0, ENDLESS, 1)
        times.append(time.perf_counter() - begun)
    return driver, driver.program.step_seconds if not heavy else float(np.median(times))


def _words(recipe: TextNetwork, data: TextData, steps: int, step: float | None) -> str:
    weights, seen = weights_of(recipe, data.size), steps * recipe.batch * recipe.length
    took = "" if step is None else f" of {duration(step)}"
    return (
        f"Training a decoder of {recipe.layers} layers and {recipe.size} components "
        f"({number(weights / 1e6, 2)} million weights) for {steps:,} steps{took} on {recipe.batch} windows "
        f"of {recipe.length} tokens: "
        f"{number(seen / 1e6, 3)} million tokens, {number(seen / max(len(data.train), 1), 2)} times the text."
    )
