"""What the settings of texts, images and translations share: the time that a training may take."""

import dataclasses
from collections.abc import Callable
from typing import Any

from ansatz._spelling import nearest
from ansatz.core import BadInput
from ansatz.generate.budget import BUDGET, seconds_of


class Timed:
    """Settings of what is trained within a budget, or for a number of steps."""

    budget: float | None
    steps: int

    @property
    def seconds(self) -> float:
        """The seconds that all may take."""
        return BUDGET if self.budget is None else self.budget

    def check_numbers(self, **least: int) -> None:
        """Refuse a budget that is no time, and numbers below the least that each may be."""
        if self.budget is not None and not self.budget > 0:
            raise BadInput(f"budget={self.budget} is no time: give a positive number of seconds.")
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise BadInput(f"{name}={getattr(self, name)} is too small: it is at least {bound}.")


def sort_out(
    options: dict[str, Any], kind: type, recipe_of: Callable[[Any], tuple[type, str]]
) -> tuple[Any, Any, frozenset[str]]:
    """Return the settings, the recipe, and the names of its fields that keyword arguments give.

    `kind` is the dataclass of the settings, `recipe_of(settings)` the type of the recipe and whose it is, in
    words; an option that is a field of neither gets a sentence with the nearest.
    """
    mine = {field.name for field in dataclasses.fields(kind)}
    given = {name: value for name, value in options.items() if name in mine}
    if isinstance(given.get("budget"), str):
        given["budget"] = seconds_of(given["budget"])
    settings = kind(**given)
    recipe, whose = recipe_of(settings)
    theirs = {field.name for field in dataclasses.fields(recipe)}
    if unknown := [name for name in options if name not in mine | theirs]:
        hint = nearest(unknown[0], sorted(mine | theirs))
        raise BadInput(f"There is no setting {unknown[0]!r}{whose}; {hint}.")
    own = {name: value for name, value in options.items() if name in theirs}
    return settings, recipe(**own), frozenset(own)
