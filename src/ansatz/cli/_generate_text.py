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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansatz.cli import _generated as shared

if TYPE_CHECKING:
    from ansatz.cli._answer import Answer
    from ansatz.cli._work import Work
    from ansatz.generate.text_model import TextModel


def command(arguments: list[str]) -> int:
    """Train what the words ask for; return the exit code."""
    from ansatz.generate.text_network import TextNetwork

    data = "is no text: name a file or a data set"
    kind = shared.Kind("text", "text", data, "model of a text", (TextNetwork,), _begun, _resumed, _answer)
    return shared.run(kind, _form(), arguments, __doc__ or "")


def _begun(asked: Any, named: set[str], answer: "Answer") -> "Work":
    """Return the work of a new run."""
    from ansatz.cli._flags import seconds
    from ansatz.generate.text import find_text, make_ready_text
    from ansatz.generate.text_network import TextNetwork
    from ansatz.generate.text_settings import TextSettings

    chosen = shared.fields(asked.choices)
    chosen["budget"] = seconds(asked.choices.budget)
    settings, recipe = TextSettings(**chosen), TextNetwork(**shared.fields(asked.network))
    ready = make_ready_text(find_text(asked.data), settings, recipe, tell=answer.tell)
    return _work(ready, None, asked.report)


def _resumed(asked: Any, record: dict[str, Any], begun: dict[str, Any], recipe: Any, run: Any) -> "Work":
    """Return the work of an unfinished run."""
    from ansatz.core import BadInput
    from ansatz.generate.text import find_text, make_ready_text
    from ansatz.generate.text_settings import TextSettings

    try:
        settings = TextSettings(**record["settings"])
    except (KeyError, TypeError) as error:
        raise BadInput(f"{asked.resume} does not say what was trained: {error!r}.") from None
    given = find_text(asked.data)
    shared.same_data(given.source, record["source"], asked.data, "text")
    ready = make_ready_text(given._replace(source=record["source"]), settings, recipe, begun=begun)
    return _work(ready, run, asked.report)


def _work(ready: Any, run: Any, report: bool) -> "Work":
    from ansatz.cli._work import Work
    from ansatz.generate.text import train_text
    from ansatz.generate.text_judge import judge_text

    return Work(
        kind="text",
        words=ready.words,
        begun=ready.begun,
        recipe=ready.recipe,
        run=run,
        train=lambda hooks, run: train_text(ready, hooks, run),
        judge=lambda run: judge_text(ready, run),
        files=lambda model: model.files(report=report),
        verb="generate text",
    )


def _answer(model: "TextModel", folder: Path, *, report: bool) -> shared.Told:
    """Return the record of a model, what is shown of it, and the exit code."""
    from rich.table import Table

    from ansatz.cli.main import DONE, FAILED
    from ansatz.core import Status, count_parameters
    from ansatz.generate.text_report import answer
    from ansatz.results.numbers import duration, number

    found, run = model.evaluation, model.run
    page = str(folder / "report.html") if report else None
    record = {
        "run": str(folder),
        "status": run.status.name,
        "message": run.message,
        "bits_per_character": model.bits_per_character,
        "nats": found.judged.nats,
        "standard_error": found.judged.error,
        "nats_long": found.judged.long,
        "calibration": found.judged.calibration,
        "baselines": [dataclasses.asdict(one) for one in found.baselines],
        "parameters": count_parameters(model.model),
        "steps": run.step,
        "tokens": run.step * model.recipe.batch * model.recipe.length,
        "seconds": run.info["seconds"],
        "samples": [dataclasses.asdict(one) for one in found.samples],
        "remarks": list(model.remarks),
        "report": page,
    }
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("model", "bits a character", "time"):
        table.add_column(title, justify="left" if title == "model" else "right")
    rows = [("network", model.bits_per_character, run.info["seconds"])]
    rows += [(one.name, one.bits, one.seconds) for one in found.baselines]
    for name, bits, seconds in sorted(rows, key=lambda row: row[1]):
        style = "bold" if name == "network" else None
        table.add_row(name, number(bits), duration(seconds), style=style)
    shown: list[Any] = [table, "", answer(model).text, run.message]
    if found.samples:
        middle = found.samples[len(found.samples) // 2]
        shown += [
            "",
            f"A sample at temperature {middle.temperature:g}:",
            found.prompt + middle.text[:300],
            "",
        ]
    shown += [f"· {remark}" for remark in model.remarks]
    shown.append(f"The run is in {folder}" + (f", its report in {page}." if page else "."))
    return record, shown, FAILED if run.status is Status.nonfinite else DONE


def _form() -> type:
    """Return the dataclass of all flags: those of the command, of `TextSettings` and of `TextNetwork`."""
    from ansatz.cli._flags import flag_types, form_of
    from ansatz.generate.text_network import TextNetwork
    from ansatz.generate.text_settings import TextSettings

    choices = form_of((TextSettings,), "Choices", replaced={"budget": (str | None, None)})
    network = form_of((TextNetwork,), "Network", leave_out=list(flag_types(choices)))
    flags = shared.common_flags("a text file, or a data set of text", "FILE")
    groups = [("choices", choices, choices()), ("network", network, network())]
    return dataclasses.make_dataclass("Text", [*flags, *groups], frozen=True)
