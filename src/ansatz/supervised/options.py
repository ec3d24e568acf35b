"""What the recipes and settings of tables and of images check and choose alike."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from ansatz._spelling import nearest
from ansatz.core import BadInput
from ansatz.training.optimizers import optimizer, schedule


def check_sizes(have: Any, *, at_least_one: Sequence[str] = (), not_negative: Sequence[str] = ()) -> None:
    """Raise `BadInput` where one of the named numbers is too small."""
    for name in at_least_one:
        if getattr(have, name) < 1:
            raise BadInput(f"{name}={getattr(have, name)} is too small: it is at least 1.")
    for name in not_negative:
        if getattr(have, name) < 0:
            raise BadInput(f"{name}={getattr(have, name)} is negative: it is at least 0.")


def check_level(level: float) -> None:
    """Raise `BadInput` where a coverage is no probability."""
    if not 0 < level < 1:
        raise BadInput(f"level={level} is no probability: it lies between 0 and 1.")


def check_budget(budget: float | None) -> None:
    """Raise `BadInput` where a budget is no time."""
    if budget is not None and not budget > 0:
        raise BadInput(f"budget={budget} is no time: give a positive number of seconds.")


def optimizer_of(recipe: Any, rate: float | None) -> Any:
    """Return the optimizer that a network asks for; weight decay is AdamW's, and L-BFGS is not clipped."""
    decay = recipe.weight_decay if recipe.optimizer == "adamw" else 0.0
    clip = recipe.clip if recipe.clip and recipe.optimizer != "lbfgs" else None
    return optimizer(recipe.optimizer, rate, weight_decay=decay, clip=clip)


def schedule_of(recipe: Any) -> Any:
    """Return the schedule of the learning rate that a network asks for; L-BFGS has none."""
    return None if recipe.optimizer == "lbfgs" else schedule(recipe.schedule, recipe.warmup)


def batch_for(examples: int, most: int) -> int:
    """Return a mini-batch for so many training examples: a power of two in [16, most].

    >>> [batch_for(n, 256) for n in (100, 1000, 50_000)]
    [16, 32, 256]
    """
    size = 16
    while size < most and 2 * size * 17 <= examples:
        size *= 2
    return size


def sort_options(
    options: dict[str, Any], settings: type, network: type
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields of `settings` and those of `network` among options; unknown ones get a sentence."""
    mine, theirs = ({field.name for field in dataclasses.fields(kind)} for kind in (settings, network))
    unknown = [name for name in options if name not in mine | theirs]
    if unknown:
        raise BadInput(f"There is no setting {unknown[0]!r}; {nearest(unknown[0], sorted(mine | theirs))}.")
    return (
        {name: value for name, value in options.items() if name in mine},
        {name: value for name, value in options.items() if name in theirs},
    )
