"""`ansatz generate translation`: a transformer that turns one text into another, measured on texts it has
not seen.

The texts are two columns of a table, or those of a task: derivative, polynomial, gcd, addition.

examples:
  ansatz generate translation --data words.csv --budget 3m --out runs/words
  ansatz generate translation --data forms.csv --source formula --target slope --check derivative
  ansatz generate translation --task gcd --base 30 --budget 5m
  ansatz generate translation --resume runs/words
"""

import dataclasses
from typing import TYPE_CHECKING, Any

from ansatz.cli._generated import Kind, Ways, new_table

if TYPE_CHECKING:
    from ansatz.generate.translation_model import TranslationModel


def command(arguments: list[str]) -> int:
    """Train what the words ask for; return the exit code."""
    return Translation().command(arguments, __doc__ or "")


class Translation(Kind):
    """Texts, and what they become."""

    name, kind, model = "translation", "translation", "translation"
    data, metavar = "a table with two columns of texts", "TABLE"
    nothing = "There is nothing to translate: name a table with --data, or a task with --task."
    before = "texts as they were"

    def types(self) -> tuple[type, type]:
        """Return the settings and the recipe."""
        from ansatz.generate.translate import Translator
        from ansatz.generate.translation_settings import TranslationSettings

        return TranslationSettings, Translator

    def ways(self) -> Ways:
        """Return what is done with texts and their translations."""
        from ansatz.generate.translation import find_texts, make_ready
        from ansatz.generate.translation_judge import judge_translation
        from ansatz.generate.translation_settings import sort_out_translation

        return Ways(sort_out_translation, find_texts, make_ready, judge_translation)

    def run_name(self, asked: Any) -> str:
        """Return the name of a new run: the task's, or the table's."""
        from ansatz.core import BadInput

        if asked.choices.task and asked.data is not None:
            raise BadInput("--task draws its own texts; give either --task or --data.")
        return asked.choices.task or super().run_name(asked)

    def told(self, model: "TranslationModel") -> tuple[dict[str, Any], list[Any]]:
        """Return the share of right answers, and tables of it by method and by group."""
        from ansatz.generate.translation_report import answer

        found = model.evaluation
        record = {
            "exact": found.exact.value,
            "interval": found.exact[1:3],
            "verified": found.accepted,
            "tested": found.count,
            "groups": [dataclasses.asdict(one) for one in found.groups],
            "divisors": found.divisors,
            "baselines": [dataclasses.asdict(one) for one in found.baselines],
            "examples": [dataclasses.asdict(one) for one in found.examples],
        }
        shown = [_compared(model), "", _by_group(model), "", answer(model).text, model.run.message]
        return record, shown


def _compared(model: "TranslationModel") -> Any:
    """Return the table of methods and their right answers."""
    from ansatz.generate.translate_tasks import TASKS
    from ansatz.results.numbers import duration

    found = model.evaluation
    rows = [("network", found.exact.value, model.run.info["seconds"])]
    rows += [(one.name, one.right, one.seconds) for one in found.baselines]
    rows.sort(key=lambda row: -row[1])
    table = new_table("method", "right", "time")
    for name, right, seconds in rows:
        style = "bold" if name == "network" else None
        table.add_row(name, f"{100 * right:.1f} %", duration(seconds), style=style)
    if model.settings.task:
        table.add_row(TASKS[model.settings.task].classic, "100 %", "–")
    return table


def _by_group(model: "TranslationModel") -> Any:
    """Return the table of groups; of divisors, with the commonest answers and what the rules predict."""
    found = model.evaluation
    if not found.divisors:
        table = new_table("texts", "tested", "right")
        for one in found.groups:
            table.add_row(one.name, str(one.count), f"{100 * one.right:.1f} %")
        return table
    base = model.settings.base
    table = new_table("gcd", "tested", "right", "commonest answer", "its share", f"rules of base {base}")
    for divisor, count, right, commonest, held, rule in found.divisors[:24]:
        cells = (divisor, count, f"{100 * right:.0f} %", commonest, f"{100 * held:.0f} %", rule)
        table.add_row(*map(str, cells))
    return table
