"""The choices of `ansatz generate translation` that are not the network's own."""

import dataclasses
from typing import Any

from ansatz._spelling import choose
from ansatz.core import BadInput
from ansatz.data.token_integers import check_base
from ansatz.generate.settings import Timed, sort_out
from ansatz.generate.translate import Translator
from ansatz.generate.translate_tasks import CHECKS, TASKS, check_largest


@dataclasses.dataclass(frozen=True)
class TranslationSettings(Timed):
    """What is translated, and for how long a model learns it.

    - `task`: derivative, polynomial, gcd or addition, whose texts are drawn; none for those of a table.
    - `source`, `target`: the columns of the table, the first two if it has no more.
    - `check`: how answers to the texts of a table are verified: none, or derivative.
    - `pairs`: the number of texts that a task draws to learn from.
    - `test`: the share of a table's different texts that is kept for testing.
    - `longest`: the characters that a text of a table may have.
    - `base`: in which the numbers of a task are written; `largest`: the largest number or coefficient of a
      task, 0 to choose.
    - `budget`: the time that all may take, as 90s, 3m or 1h; 3m if neither it nor steps are given.
    - `steps`: so many steps, whatever they take; 0 for as many as the budget allows.
    - `beams`: the answers that a beam search finds for each text.
    - `baselines`: whether to compare with what a table alone gives.
    - `seed`: of the initialization and of the texts that are drawn.
    """

    task: str = ""
    source: str | None = None
    target: str | None = None
    check: str = "none"
    pairs: int = 50_000
    test: float = 0.1
    longest: int = 400
    base: int = 10
    largest: int = 0
    budget: float | None = None
    steps: int = 0
    beams: int = 4
    baselines: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be, before a table is read or a text drawn."""
        if self.task:
            choose("task to translate", self.task, TASKS)
            check_largest(self.task, self.largest)
        choose("check of answers", self.check, CHECKS)
        check_base(self.base)
        if not 0 < self.test < 1:
            raise BadInput(f"test={self.test} is no share of the texts: it lies between 0 and 1.")
        self.check_numbers(steps=0, pairs=16, longest=1, beams=1, seed=0)


def sort_out_translation(options: dict[str, Any]) -> tuple[TranslationSettings, Translator]:
    """Return the settings and the recipe that keyword arguments ask for; unknown ones get a sentence."""
    return sort_out(options, TranslationSettings, lambda _: (Translator, ""))[:2]
