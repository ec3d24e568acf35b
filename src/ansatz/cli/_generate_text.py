"""`ansatz generate text`: a transformer that writes more like a text, measured beside n-grams and
compressors.

The text is a file in UTF-8 or the name of a data set (`ansatz data list`). Size, batch and steps are chosen
from the measured speed of the machine, so that all is done within the budget.

examples:
  ansatz generate text --data plays.txt --budget 3m --out runs/plays
  ansatz generate text --data tiny-shakespeare --residual
  ansatz generate text --data plays.txt --layers 6 --size 192 --steps 2000
  ansatz generate text --resume runs/plays
"""

import dataclasses
from typing import TYPE_CHECKING, Any

from ansatz.cli._generated import Kind, Ways, new_table

if TYPE_CHECKING:
    from ansatz.generate.text_model import TextModel


def command(arguments: list[str]) -> int:
    """Train what the words ask for; return the exit code."""
    return Text().command(arguments, __doc__ or "")


class Text(Kind):
    """Texts."""

    name, kind, model = "text", "text", "model of a text"
    data, metavar = "a text file, or a data set of text", "FILE"
    nothing = "There is no text: name a file or a data set with --data."
    before = "text as it was"

    def types(self) -> tuple[type, type]:
        """Return the settings and the network."""
        from ansatz.generate.text_network import TextNetwork
        from ansatz.generate.text_settings import TextSettings

        return TextSettings, TextNetwork

    def ways(self) -> Ways:
        """Return what is done with a text."""
        from ansatz.generate.text import find_text, make_ready_text
        from ansatz.generate.text_judge import judge_text
        from ansatz.generate.text_settings import sort_out_text

        return Ways(sort_out_text, lambda place, _: find_text(place), make_ready_text, judge_text)

    def told(self, model: "TextModel") -> tuple[dict[str, Any], list[Any]]:
        """Return the bits a character, and a table of them with a sample."""
        from ansatz.generate.text_report import answer

        found, run = model.evaluation, model.run
        record = {
            "bits_per_character": model.bits_per_character,
            "nats": found.judged.nats,
            "standard_error": found.judged.error,
            "nats_long": found.judged.long,
            "calibration": found.judged.calibration,
            "baselines": [dataclasses.asdict(one) for one in found.baselines],
            "tokens": run.step * model.recipe.batch * model.recipe.length,
            "samples": [dataclasses.asdict(one) for one in found.samples],
        }
        shown: list[Any] = [_compared(model), "", answer(model).text, run.message]
        if found.samples:
            middle = found.samples[len(found.samples) // 2]
            title = f"A sample at temperature {middle.temperature:g}:"
            shown += ["", title, found.prompt + middle.text[:300], ""]
        return record, shown


def _compared(model: "TextModel") -> Any:
    """Return the bits a character of the network and the classical models, the fewest first."""
    from ansatz.results.numbers import duration, number

    found = new_table("model", "bits a character", "time")
    rows = [("network", model.bits_per_character, model.run.info["seconds"])]
    rows += [(one.name, one.bits, one.seconds) for one in model.evaluation.baselines]
    for name, bits, seconds in sorted(rows, key=lambda row: row[1]):
        style = "bold" if name == "network" else None
        found.add_row(name, number(bits), duration(seconds), style=style)
    return found
