"""What `ansatz generate` does for every kind: begin a run or go on with one, and answer."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansatz.cli._answer import Answer
    from ansatz.cli._work import Work

WITH_RESUME = {"resume", "data", "quiet", "report", "json", "checkpoint"}
Told = tuple[dict[str, Any], list[Any], int]
"""The record of the answer, what is shown of it, and the exit code."""


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of data of which more is generated.

    `name` is the word after `generate` and `kind` what run folders record; `data` names the data in a
    sentence, `model` what is made of them.  `begun(asked, named, answer)` returns the work of a new run,
    `resumed(asked, record, recipe, run)` that of an unfinished one, `answer(model, folder, report=…)` what is
    said of the result.
    """

    name: str
    kind: str
    data: str
    model: str
    recipes: tuple[type, ...]
    begun: Callable[[Any, set[str], "Answer"], "Work"]
    resumed: Callable[[Any, dict[str, Any], dict[str, Any], Any, Any], "Work"]
    answer: Callable[..., Told]

    @property
    def verb(self) -> str:
        """The words after `ansatz`."""
        return f"generate {self.name}"


def run(kind: Kind, form: type, arguments: list[str], doc: str) -> int:
    """Do what the words ask for; return the exit code."""
    from ansatz.cli._answer import Answer
    from ansatz.cli._flags import parse

    asked, named = parse(form, arguments, kind.verb, doc)
    answer = Answer(as_json=asked.json, quiet=asked.quiet)
    with answer.working():
        record, shown, code = _generate(kind, asked, named, answer)
    answer.give(record, shown)
    return code


def _generate(kind: Kind, asked: Any, named: set[str], answer: "Answer") -> Told:
    from ansatz.cli._fitted import interrupted
    from ansatz.cli._flags import seconds
    from ansatz.cli._work import Interrupted, do_work
    from ansatz.cli.fit import new_folder
    from ansatz.core import BadInput

    every = seconds(asked.checkpoint, "--checkpoint")
    assert every is not None
    if asked.resume is not None:
        if wrong := sorted(named - WITH_RESUME):
            flag = wrong[0].replace("_", "-")
            raise BadInput(f"--{flag} cannot be given with --resume: the run keeps its recorded settings.")
        folder, prepare = Path(asked.resume), _resumed(kind, asked, answer)
    else:
        if asked.data is None:
            raise BadInput(f"There {kind.data} with --data.")
        name = Path(asked.data).name.partition(".")[0] or kind.name
        folder, prepare = new_folder(asked.out, name), lambda: kind.begun(asked, named, answer)
    try:
        model = do_work(prepare, folder, answer, every=every)
    except Interrupted as stop:
        return interrupted(stop)
    return kind.answer(model, folder, report=asked.report)


def _resumed(kind: Kind, asked: Any, answer: "Answer") -> "Callable[[], Work]":
    """Return what prepares the work of an unfinished run; `--data` says where its data stand now."""
    from ansatz.cli._work import recorded
    from ansatz.core import BadInput

    _, record, recipe, run, remarks = recorded(asked.resume, (kind.kind,), kind.model)
    for remark in remarks:
        answer.tell(f"· {remark}")
    if not isinstance(recipe, kind.recipes):
        raise BadInput(f"{asked.resume} does not hold the recipe of its run; it cannot be resumed.")
    try:
        begun = {"driver": record["driver"], "placement": record["placement"]}
        origin = dict(record["source"])
    except (KeyError, TypeError) as error:
        raise BadInput(f"{asked.resume} does not say what was trained: {error!r}.") from None
    place = asked.data or origin.get("catalogue") or origin.get("path")
    if not isinstance(place, str):
        raise BadInput("The run was trained on data in memory; resume it where these are.")
    asked = dataclasses.replace(asked, data=place)
    return lambda: kind.resumed(asked, record, begun, recipe, run)


def same_data(found: dict[str, Any], origin: dict[str, Any], place: str, what: str) -> None:
    """Raise `BadInput` where data at a place are not those that a run records."""
    from ansatz.core import BadInput

    if found["sha256"] != origin.get("sha256"):
        raise BadInput(
            f"{place} has changed since the run began (another SHA-256); resume with the {what} as it was, "
            "or begin a new run."
        )


def fields(form: Any) -> dict[str, Any]:
    """Return the fields of a dataclass by name, as they are."""
    return {field.name: getattr(form, field.name) for field in dataclasses.fields(form)}


def common_flags(data: str, metavar: str) -> list[tuple[str, Any, Any]]:
    """Return the flags that every kind has; `data` says what `--data` takes."""
    from ansatz.cli._flags import flag

    word: Any = str | None
    return [
        ("data", flag(word, data, metavar=metavar), None),
        ("out", flag(word, "the folder of the run; runs/NAME-1, runs/NAME-2, … if not given"), None),
        ("resume", flag(word, "go on with the run in this folder, with its recorded settings"), None),
        ("quiet", flag(bool, "no progress on stderr"), False),
        ("report", flag(bool, "write report.html into the run"), True),
        ("json", flag(bool, "print one JSON object instead of tables"), False),
        ("checkpoint", flag(str, "the time between two checkpoints", metavar="TIME"), "20s"),
    ]
