"""The choices of `ansatz generate text` that are not the network's own."""

import dataclasses
from typing import Any

from ansatz._spelling import nearest
from ansatz.core import BadInput
from ansatz.generate.settings import Timed, sort_out
from ansatz.generate.text_network import TextNetwork

TOKENIZERS = ("characters", "bytes", "words", "pairs")


@dataclasses.dataclass(frozen=True)
class TextSettings(Timed):
    """How a text is read, and for how long a model is trained on it.

    - `tokenizer`: what a token is: characters, bytes, words or pairs (of bytes, merged).
    - `validation`: the share of the text, its end, that is kept for validation.
    - `budget`: the time that all may take, as 90s, 3m or 1h: size, batch and steps are chosen to fit; 3m if
      not given.
    - `steps`: so many steps, whatever they take; 0 for as many as the budget allows.
    - `residual`: let the network correct a Kneser-Ney model instead of starting from nothing.
    - `order`: the length of the longest grams of the Kneser-Ney model.
    - `baselines`: whether to compare with classical models.
    - `seed`: of the initialization, the windows and the samples in the report.
    """

    tokenizer: str = "characters"
    validation: float = 0.1
    budget: float | None = None
    steps: int = 0
    residual: bool = False
    order: int = 6
    baselines: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be, before a text is read."""
        if self.tokenizer not in TOKENIZERS:
            raise BadInput(
                f"There is no tokenizer {self.tokenizer!r} for texts; {nearest(self.tokenizer, TOKENIZERS)}."
            )
        if not 0 < self.validation < 1:
            raise BadInput(f"validation={self.validation} is no share of a text: it lies between 0 and 1.")
        self.check_numbers(steps=0, order=1, seed=0)


def sort_out_text(options: dict[str, Any]) -> tuple[TextSettings, TextNetwork]:
    """Return the settings and the network that keyword arguments ask for; unknown ones get a sentence."""
    return sort_out(options, TextSettings, lambda _: (TextNetwork, ""))[:2]
