"""What the kinds of `ansatz generate` have in common: their words, the folder of a run, its resumption."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansatz.cli._answer import Answer
    from ansatz.cli._work import Work

WITH_RESUME = {"resume", "data", "quiet", "report", "json", "checkpoint"}

Given = tuple[dict[str, Any], list[Any], int]
"""The record of the answer, what is shown of it, and the exit code."""


@dataclasses.dataclass(frozen=True)
class Generation:
    """A kind of generation: the words after `ansatz`, the flags, and what is done with them.

    `named(asked)` returns the name of a new run, or raises `BadInput` where nothing is asked for;
    `begun(asked, answer)` the work of a new run; `resumed(asked, answer)` what prepares that of an unfinished
    one; `answered(model, folder, report)` what is printed.
    """

    verb: str
    description: str
    form: Callable[[], type]
    named: Callable[[Any], str]
    begun: Callable[[Any, "Answer"], "Work"]
    resumed: Callable[[Any, "Answer"], Callable[[], "Work"]]
    answered: Callable[[Any, Path, bool], Given]


def generate(kind: Generation, arguments: list[str]) -> int:
    """Train what the words ask for; return the exit code."""
    from ansatz.cli._answer import Answer
    from ansatz.cli._flags import parse

    asked, named = parse(kind.form(), arguments, kind.verb, kind.description)
    answer = Answer(as_json=asked.json, quiet=asked.quiet)
    with answer.working():
        record, shown, code = _done(kind, asked, named, answer)
    answer.give(record, shown)
    return code


def _done(kind: Generation, asked: Any, named: set[str], answer: "Answer") -> Given:
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
        folder, prepare = Path(asked.resume), kind.resumed(asked, answer)
    else:
        folder, prepare = new_folder(asked.out, kind.named(asked)), lambda: kind.begun(asked, answer)
    try:
        model = do_work(prepare, folder, answer, every=every)
    except Interrupted as stop:
        return interrupted(stop)
    return kind.answered(model, folder, asked.report)


def unfinished(asked: Any, answer: "Answer", kind: str, words: str, recipe: type) -> tuple[Any, Any, Any]:
    """Return the record, the recipe and the training of the unfinished run that is to be resumed."""
    from ansatz.cli._work import recorded
    from ansatz.core import BadInput

    _, record, found, run, remarks = recorded(asked.resume, (kind,), words)
    for remark in remarks:
        answer.tell(f"· {remark}")
    if not isinstance(found, recipe):
        raise BadInput(f"{asked.resume} does not hold the recipe of its run; it cannot be resumed.")
    return record, found, run


def fields(form: Any) -> dict[str, Any]:
    """Return the fields of a dataclass, not going into them."""
    return {field.name: getattr(form, field.name) for field in dataclasses.fields(form)}


def run_form(name: str, data: str, metavar: str, choices: type, network: type) -> type:
    """Return the dataclass of the flags: of the data and the run, then the choices and the network."""
    from ansatz.cli._flags import flag

    word: Any = str | None
    return dataclasses.make_dataclass(
        name,
        [
            ("data", flag(word, data, metavar=metavar), None),
            ("out", flag(word, "the folder of the run; runs/NAME-1, runs/NAME-2, … if not given"), None),
            ("resume", flag(word, "go on with the run in this folder, with its recorded settings"), None),
            ("quiet", flag(bool, "no progress on stderr"), False),
            ("report", flag(bool, "write report.html into the run"), True),
            ("json", flag(bool, "print one JSON object instead of tables"), False),
            ("checkpoint", flag(str, "the time between two checkpoints", metavar="TIME"), "20s"),
            ("choices", choices, choices()),
            ("network", network, network()),
        ],
        frozen=True,
    )
