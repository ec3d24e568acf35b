"""The choices of `ansatz generate images` that are not the network's own."""

import dataclasses
from typing import Any

from ansatz._spelling import nearest
from ansatz.core import BadInput, Recipe
from ansatz.generate.images.families import FAMILIES, family_of
from ansatz.generate.settings import Timed, sort_out

SENTENCES = ("", "arithmetic")
SHORTEST = 10.0
"""A budget of fewer seconds is spent before a step is compiled."""
SHORT, LONG = 120.0, 300.0
"""Within fewer seconds than the one less is measured, and within as many as the other more."""
FEW, MANY = 300, 1000
"""The images that are drawn to be judged, within a long time many."""


@dataclasses.dataclass(frozen=True)
class ImagesSettings(Timed):
    """How images are read, and for how long a model is trained on them.

    - `model`: the family, diffusion, vae, gan or autoregressive.
    - `validation`: the share of images that is kept to judge the model, where no test part is given.
    - `pixels`: the longer side to which images are brought; 0 to keep them, those above 64 shrunk to 64.
    - `labels`: whether classes, where images have some, are learned.
    - `sentences`: arithmetic tells a diffusion of digits sentences such as "three plus four".
    - `budget`: the time that all may take, as 90s, 3m or 1h: size, batch and steps are chosen to fit; 3m if
      not given.
    - `steps`: so many steps, whatever they take; 0 for as many as the budget allows.
    - `parameters`: of the network, about; 0 to choose.
    - `judged`: the images that are drawn to be judged, 0 to choose.
    - `baselines`: whether to compare with classical models.
    - `seed`: of the initialization, the batches and the draws in the report.
    """

    model: str = "diffusion"
    validation: float = 0.1
    pixels: int = 0
    labels: bool = True
    sentences: str = ""
    budget: float | None = None
    steps: int = 0
    parameters: int = 0
    judged: int = 0
    baselines: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be, before an image is read."""
        if self.model not in FAMILIES:
            raise BadInput(f"There is no model {self.model!r} of images; {nearest(self.model, FAMILIES)}.")
        if self.sentences not in SENTENCES:
            raise BadInput(
                f"There are no sentences {self.sentences!r}; {nearest(self.sentences, SENTENCES[1:])}."
            )
        if self.sentences and self.model != "diffusion":
            raise BadInput(f"Sentences are read by a diffusion, and not by the model {self.model!r}.")
        if not 0 < self.validation < 1:
            raise BadInput(f"validation={self.validation} is no share of images: it lies between 0 and 1.")
        self.check_numbers(steps=0, parameters=0, judged=0, seed=0, pixels=0)
        if self.budget is not None and not self.steps and self.budget < SHORTEST:
            raise BadInput(
                f"A budget of {self.budget:g} s is too short: to compile a step and to judge the model takes "
                f"{SHORTEST:g} s at least; give more, or a number of steps."
            )
        if 0 < self.judged < LEAST_JUDGED:
            raise BadInput(f"judged={self.judged} is too few: figures want {LEAST_JUDGED} images at least.")

    @property
    def draws(self) -> int:
        """The images that are drawn to be judged."""
        return self.judged or (MANY if self.seconds >= LONG else FEW)

    @property
    def feature_steps(self) -> int:
        """The steps in which the features are learned, for images of 28 by 28 pixels."""
        return 300 if self.steps or self.seconds < SHORT else 800


LEAST_JUDGED = 10


def sort_out_images(options: dict[str, Any]) -> tuple[ImagesSettings, Recipe, frozenset[str]]:
    """Return the settings, the recipe, and the names of its fields that keyword arguments give."""

    def recipe_of(settings: ImagesSettings) -> tuple[type, str]:
        return family_of(settings.model).recipe, f" of the model {settings.model!r}"

    return sort_out(options, ImagesSettings, recipe_of)
