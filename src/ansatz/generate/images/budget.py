"""How large a model of images, and for how many steps, so that they are learned as well as a time allows."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from ansatz.core import Pairs
from ansatz.generate.budget import MARGIN, Ladder, Plan, operations_of, speed, timed_driver
from ansatz.generate.images.family import Family
from ansatz.generate.images.settings import ImagesSettings
from ansatz.results.numbers import duration, number

SIZES = ("width", "size", "depth", "layers", "inner", "hidden", "critic_width", "critic_depth")
"""Who gives one of these has chosen the size."""


class Rung(NamedTuple):
    """About how many parameters, the images of a step, and how many images seen it is best up to."""

    parameters: float
    batch: int
    images: float


LADDER = (
    Rung(6e4, 64, 1.2e5),
    Rung(2e5, 64, 5e5),
    Rung(8e5, 128, 4e6),
    Rung(3e6, 128, 2e7),
    Rung(1e7, 128, float("inf")),
)
REST = 0.15
"""The share of the time for what follows the training: draws, figures, the report."""
AFTER = 20.0
"""The seconds that this takes, and the start of Python, however short the training; half the time at most."""


def plan_images(
    family: Family,
    recipe: Any,
    data: Pairs,
    settings: ImagesSettings,
    given: frozenset[str] = frozenset(),
    *,
    seconds: float | None = None,
    rest: float = REST,
    tell: Callable[[str], None] = lambda words: None,
) -> Plan:
    """Return what to train within `seconds` from now, or for the steps that the settings ask for.

    Where no field of the recipe in `given` is a size, the size is chosen from the ladder by the rate that is
    measured, unless the settings say how many parameters it has.
    """
    begun = time.monotonic()
    seconds = settings.seconds if seconds is None else seconds
    shape = data.x.shape[1:]
    free = not any(name in given for name in SIZES)
    if settings.parameters and free:
        recipe = family.sized(recipe, shape, settings.parameters)
    if settings.steps:
        driver, _ = timed_driver(recipe, data, settings.seed)
        return _plan(recipe, driver, settings.steps, None, data)

    def filled(at: int) -> Any:
        rung = LADDER[at]
        batch = recipe.batch if "batch" in given else min(rung.batch, len(data.x))
        sized = dataclasses.replace(recipe, batch=batch)
        if free and not settings.parameters:
            sized = family.sized(sized, shape, int(rung.parameters))
        return sized

    after = min(AFTER + rest * seconds, seconds / 2) if rest else 0.0
    ladder = Ladder(
        [rung.images for rung in LADDER],
        filled,
        lambda one: timed_driver(one, data, settings.seed),
        lambda one: float(one.batch),
    )
    at = ladder.guess(seconds - after, speed(), lambda one: operations_of(one, data, settings.seed))
    found = ladder.settle(at, lambda: MARGIN * (seconds - after) - (time.monotonic() - begun), tell)
    return _plan(found.recipe, found.driver, found.steps, found.seconds, data)


def _plan(recipe: Any, driver: Any, steps: int, step: float | None, data: Pairs) -> Plan:
    took = "" if step is None else f" of {duration(step)}"
    seen = steps * recipe.batch
    words = (
        f"Training for {steps:,} steps{took} on {recipe.batch} images each: {seen:,} images, "
        f"{number(seen / len(data.x), 2)} times the {len(data.x):,} that train."
    )
    return Plan(recipe, steps, driver.name, driver.program.place, words)
