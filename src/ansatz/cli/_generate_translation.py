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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansatz.cli._generate_run import Generation, Given, fields, generate, run_form, unfinished

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansatz.cli._answer import Answer
    from ansatz.cli._work import Work
    from ansatz.generate.translation_model import TranslationModel

VERB = "generate translation"


def command(arguments: list[str]) -> int:
    """Train what the words ask for; return the exit code."""
    return generate(Generation(VERB, __doc__ or "", _form, _named, _begun, _resumed, _answer), arguments)


def _named(asked: Any) -> str:
    """Return the name of a new run."""
    from ansatz.core import BadInput

    task = asked.choices.task
    if asked.data is None and not task:
        raise BadInput("There is nothing to translate: name a table with --data, or a task with --task.")
    if asked.data is not None and task:
        raise BadInput("--task draws its own texts; give either --task or --data.")
    return task or Path(str(asked.data)).name.partition(".")[0] or "translation"


def _begun(asked: Any, answer: "Answer") -> "Work":
    """Return the work of a new run."""
    from ansatz.cli._flags import seconds
    from ansatz.generate.translate import Translator
    from ansatz.generate.translation import find_texts, make_ready
    from ansatz.generate.translation_settings import TranslationSettings

    chosen = fields(asked.choices)
    chosen["budget"] = seconds(asked.choices.budget)
    settings, recipe = TranslationSettings(**chosen), Translator(**fields(asked.network))
    return _work(make_ready(find_texts(asked.data, settings), settings, recipe), None, asked.report)


def _resumed(asked: Any, answer: "Answer") -> "Callable[[], Work]":
    """Return what prepares the work of an unfinished run; `--data` says where its table stands now."""
    from ansatz.core import BadInput
    from ansatz.generate.translate import Translator
    from ansatz.generate.translation import find_texts, make_ready
    from ansatz.generate.translation_settings import TranslationSettings

    record, recipe, run = unfinished(asked, answer, "translation", "translation", Translator)
    try:
        settings, origin = TranslationSettings(**record["settings"]), dict(record["source"])
    except (KeyError, TypeError) as error:
        raise BadInput(f"{asked.resume} does not say what was trained: {error!r}.") from None
    place = asked.data or origin.get("path")
    if not settings.task and not isinstance(place, str):
        raise BadInput("The run was trained on a table in memory; resume it where that table is.")

    def prepare() -> "Work":
        given = find_texts(place, settings)
        if given.source["sha256"] != origin.get("sha256"):
            raise BadInput(
                f"{place or settings.task} has changed since the run began (another SHA-256); resume with "
                "the texts as they were, or begin a new run."
            )
        return _work(make_ready(given._replace(source=origin), settings, recipe), run, asked.report)

    return prepare


def _work(ready: Any, run: Any, report: bool) -> "Work":
    from ansatz.cli._work import Work
    from ansatz.generate.translation import train_translation
    from ansatz.generate.translation_judge import judge_translation

    return Work(
        kind="translation",
        words=ready.words,
        begun=ready.begun,
        recipe=ready.recipe,
        run=run,
        train=lambda hooks, run: train_translation(ready, hooks, run),
        judge=lambda run: judge_translation(ready, run),
        files=lambda model: model.files(report=report),
        verb=VERB,
    )


def _answer(model: "TranslationModel", folder: Path, report: bool) -> Given:
    """Return the record of a model, what is shown of it, and the exit code."""
    from ansatz.cli.main import DONE, FAILED
    from ansatz.core import Status, count_parameters
    from ansatz.generate.translation_report import answer

    found, run = model.evaluation, model.run
    page = str(folder / "report.html") if report else None
    record = {
        "run": str(folder),
        "status": run.status.name,
        "message": run.message,
        "exact": found.exact.value,
        "interval": found.exact[1:3],
        "verified": found.accepted,
        "tested": found.count,
        "groups": [dataclasses.asdict(one) for one in found.groups],
        "divisors": found.divisors,
        "baselines": [dataclasses.asdict(one) for one in found.baselines],
        "examples": [dataclasses.asdict(one) for one in found.examples],
        "parameters": count_parameters(run.model),
        "steps": run.step,
        "seconds": run.info["seconds"],
        "remarks": list(model.remarks),
        "report": page,
    }
    shown: list[Any] = [_compared(model), "", _by_group(model), "", answer(model).text, run.message]
    shown += [f"· {remark}" for remark in model.remarks]
    shown.append(f"The run is in {folder}" + (f", its report in {page}." if page else "."))
    return record, shown, FAILED if run.status is Status.nonfinite else DONE


def _compared(model: "TranslationModel") -> Any:
    """Return the table of methods and their right answers."""
    from ansatz.generate.translate_tasks import TASKS
    from ansatz.results.numbers import duration

    found = model.evaluation
    rows = [("network", found.exact.value, model.run.info["seconds"])]
    rows += [(one.name, one.right, one.seconds) for one in found.baselines]
    rows.sort(key=lambda row: -row[1])
    table = _table("method", "right", "time")
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
        table = _table("texts", "tested", "right")
        for one in found.groups:
            table.add_row(one.name, str(one.count), f"{100 * one.right:.1f} %")
        return table
    base = model.settings.base
    table = _table("gcd", "tested", "right", "commonest answer", "its share", f"rules of base {base}")
    for divisor, count, right, commonest, held, rule in found.divisors[:24]:
        cells = (divisor, count, f"{100 * right:.0f} %", commonest, f"{100 * held:.0f} %", rule)
        table.add_row(*map(str, cells))
    return table


def _table(first: str, *titles: str) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(first)
    for title in titles:
        table.add_column(title, justify="right")
    return table


def _form() -> type:
    """Return the dataclass of all flags: those of the command, of `TranslationSettings`, of `Translator`."""
    from ansatz.cli._flags import flag_types, form_of
    from ansatz.generate.translate import Translator
    from ansatz.generate.translation_settings import TranslationSettings

    choices = form_of((TranslationSettings,), "Choices", replaced={"budget": (str | None, None)})
    network = form_of((Translator,), "Network", leave_out=list(flag_types(choices)))
    return run_form("Translation", "a table with two columns of texts", "TABLE", choices, network)
