"""How large a model, and for how many steps, so that a text is learned as well as a time allows.

Of models trained for the same time the best is neither the smallest, which sees more than it can hold, nor
the largest, which sees too little.  The ladder holds sizes; for each one the tokens after which the next rung
would have been the better use of the time.  The rate is measured: the step that will be taken is timed.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from ansatz.generate import budget
from ansatz.generate.budget import MARGIN, Ladder, Plan
from ansatz.generate.budget import speed as _speed
from ansatz.generate.text_network import TextData, TextNetwork
from ansatz.results.numbers import duration, number


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
REST = 0.07
"""The share of the time for what follows the training: judging, samples, the report."""
AFTER = 18.0
"""The seconds that this takes, and the start of Python, for however short a training; a third of the time
at most."""


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
    after = min(AFTER + rest * seconds, seconds / 3) if rest else 0.0
    ladder = Ladder(
        [rung.tokens for rung in LADDER],
        lambda at: fill(recipe, LADDER[at], shortest),
        lambda filled: timed_driver(filled, data, seed),
        lambda filled: float(filled.batch * filled.length),
    )
    at = ladder.guess(seconds, _speed(), lambda filled: operations(filled, data.size))
    found = ladder.settle(at, lambda: MARGIN * (seconds - after) - (time.monotonic() - begun), tell)
    program = found.driver.program
    words = _words(found.recipe, data, found.steps, found.seconds)
    return Plan(found.recipe, found.steps, found.driver.name, program.place, words)


def timed_driver(recipe: TextNetwork, data: TextData, seed: int) -> tuple[Any, float]:
    """Return the driver of the step, compiled, and the seconds of a step."""
    return budget.timed_driver(recipe, data, seed, operations(recipe, data.size))


def _words(recipe: TextNetwork, data: TextData, steps: int, step: float | None) -> str:
    weights, seen = weights_of(recipe, data.size), steps * recipe.batch * recipe.length
    took = "" if step is None else f" of {duration(step)}"
    return (
        f"Training a decoder of {recipe.layers} layers and {recipe.size} components "
        f"({number(weights / 1e6, 2)} million weights) for {steps:,} steps{took} on {recipe.batch} windows "
        f"of {recipe.length} tokens: "
        f"{number(seen / 1e6, 3)} million tokens, {number(seen / max(len(data.train), 1), 2)} times the text."
    )
