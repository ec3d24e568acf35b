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

from ansatz.cli._generate_run import Generation, Given, fields, generate, run_form, unfinished

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansatz.cli._answer import Answer
    from ansatz.cli._work import Work
    from ansatz.generate.text_model import TextModel

VERB = "generate text"


def command(arguments: list[str]) -> int:
    """Train what the words ask for; return the exit code."""
    return generate(Generation(VERB, __doc__ or "", _form, _named, _begun, _resumed, _answer), arguments)


def _named(asked: Any) -> str:
    """Return the name of a new run."""
    from ansatz.core import BadInput

    if asked.data is None:
        raise BadInput("There is no text: name a file or a data set with --data.")
    return Path(asked.data).name.partition(".")[0] or "text"


def _begun(asked: Any, answer: "Answer") -> "Work":
    """Return the work of a new run."""
    from ansatz.cli._flags import seconds
    from ansatz.generate.text import find_text, make_ready_text
    from ansatz.generate.text_network import TextNetwork
    from ansatz.generate.text_settings import TextSettings

    chosen = fields(asked.choices)
    chosen["budget"] = seconds(asked.choices.budget)
    settings, recipe = TextSettings(**chosen), TextNetwork(**fields(asked.network))
    ready = make_ready_text(find_text(asked.data), settings, recipe, tell=answer.tell)
    return _work(ready, None, asked.report)


def _resumed(asked: Any, answer: "Answer") -> "Callable[[], Work]":
    """Return what prepares the work of an unfinished run; `--data` says where its text stands now."""
    from ansatz.core import BadInput
    from ansatz.generate.text import find_text, make_ready_text
    from ansatz.generate.text_network import TextNetwork
    from ansatz.generate.text_settings import TextSettings

    record, recipe, run = unfinished(asked, answer, "text", "model of a text", TextNetwork)
    try:
        settings, origin = TextSettings(**record["settings"]), dict(record["source"])
        begun = {"driver": record["driver"], "placement": record["placement"]}
    except (KeyError, TypeError) as error:
        raise BadInput(f"{asked.resume} does not say what was trained: {error!r}.") from None
    place = asked.data or origin.get("catalogue") or origin.get("path")
    if not isinstance(place, str):
        raise BadInput("The run was trained on a text in memory; resume it where that text is.")

    def prepare() -> "Work":
        given = find_text(place)
        if given.source["sha256"] != origin.get("sha256"):
            raise BadInput(
                f"{place} has changed since the run began (another SHA-256); resume with the text as it was, "
                "or begin a new run."
            )
        ready = make_ready_text(given._replace(source=origin), settings, recipe, begun=begun)
        return _work(ready, run, asked.report)

    return prepare


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
        verb=VERB,
    )


def _answer(model: "TextModel", folder: Path, report: bool) -> Given:
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
    return run_form("Text", "a text file, or a data set of text", "FILE", choices, network)
