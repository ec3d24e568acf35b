"""What `ansatz generate` does for every kind: begin a run or go on with one, and answer."""

import abc
import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

if TYPE_CHECKING:
    from ansatz.cli._answer import Answer
    from ansatz.cli._work import Work

WITH_RESUME = {"resume", "data", "quiet", "report", "json", "checkpoint"}
Told = tuple[dict[str, Any], list[Any], int]
"""The record of the answer, what is shown of it, and the exit code."""


class Ways(NamedTuple):
    """What is done with the data of a kind, from the flags to a model.

    `sort_out(options)` returns the settings, the recipe and what else `ready` takes; `find(place, settings)`
    the data, with their `source`; `ready(given, settings, recipe, …)` what will be trained on them (see
    `generate.ready`); `judge(ready, run)` the trained model with what it is worth.
    """

    sort_out: Callable[[dict[str, Any]], tuple[Any, ...]]
    find: Callable[[Any, Any], Any]
    ready: Callable[..., Any]
    judge: Callable[[Any, Any], Any]


class Kind(abc.ABC):
    """A kind of data of which more is generated: what `ansatz generate` asks of it.

    `name` is the word after `generate`, `kind` what run folders record and `model` what is made, in words;
    `data` and `metavar` are those of the flag `--data`, `nothing` is said where it is missing, and `before`
    names the data that an unfinished run wants.
    """

    name: ClassVar[str]
    kind: ClassVar[str]
    model: ClassVar[str]
    data: ClassVar[str]
    metavar: ClassVar[str]
    nothing: ClassVar[str]
    before: ClassVar[str]

    @abc.abstractmethod
    def types(self) -> tuple[type, type]:
        """Return the dataclass of the settings and the recipe, whose fields are flags."""

    @abc.abstractmethod
    def ways(self) -> Ways:
        """Return what is done with the data; importing it takes a while."""

    @abc.abstractmethod
    def told(self, model: Any) -> tuple[dict[str, Any], list[Any]]:
        """Return what the record says of a model beside the run, and what a reader is shown first."""

    @property
    def recipe(self) -> type:
        """What the recipe of an unfinished run is to be."""
        return self.types()[1]

    def run_name(self, asked: Any) -> str:
        """Return the name of a new run; where nothing is asked for raise `BadInput`."""
        from ansatz.core import BadInput

        if asked.data is None:
            raise BadInput(self.nothing)
        return Path(str(asked.data)).name.partition(".")[0] or self.name

    def command(self, arguments: list[str], doc: str) -> int:
        """Do what the words ask for; return the exit code."""
        from ansatz.cli._answer import Answer
        from ansatz.cli._flags import parse

        asked, named = parse(_form(self), arguments, f"generate {self.name}", doc)
        answer = Answer(as_json=asked.json, quiet=asked.quiet)
        with answer.working():
            record, shown, code = _generate(self, asked, named, answer)
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
        folder = new_folder(asked.out, kind.run_name(asked))
        prepare = functools.partial(_begun, kind, asked, named, answer)
    try:
        model = do_work(prepare, folder, answer, every=every)
    except Interrupted as stop:
        return interrupted(stop)
    return _told(kind, model, folder, report=asked.report)


def _begun(kind: Kind, asked: Any, named: set[str], answer: "Answer") -> "Work":
    """Return the work of a new run."""
    from ansatz.cli._flags import seconds

    options = _fields(asked.choices) | {"budget": seconds(asked.choices.budget)}
    options |= {name: value for name, value in _fields(asked.network).items() if name in named}
    ways = kind.ways()
    settings, *more = ways.sort_out(options)
    ready = ways.ready(ways.find(asked.data, settings), settings, *more, tell=answer.tell)
    return _work(kind, ready, None, asked.report)


def _resumed(kind: Kind, asked: Any, answer: "Answer") -> "Callable[[], Work]":
    """Return what prepares the work of an unfinished run; `--data` says where its data stand now."""
    from ansatz.cli._work import recorded
    from ansatz.core import BadInput

    _, record, recipe, run, remarks = recorded(asked.resume, (kind.kind,), kind.model)
    for remark in remarks:
        answer.tell(f"· {remark}")
    if not isinstance(recipe, kind.recipe):
        raise BadInput(f"{asked.resume} does not hold the recipe of its run; it cannot be resumed.")
    try:
        settings = kind.types()[0](**record["settings"])
        begun = {"driver": record["driver"], "placement": record["placement"]}
        source = dict(record["source"])
    except (KeyError, TypeError) as error:
        raise BadInput(f"{asked.resume} does not say what was trained: {error!r}.") from None
    place = asked.data or source.get("catalogue") or source.get("path")
    if not isinstance(place, str) and "task" not in source:
        raise BadInput("The run was trained on data in memory; resume it where these are.")

    def prepare() -> "Work":
        ways = kind.ways()
        given = ways.find(place, settings)
        if given.source["sha256"] != source.get("sha256"):
            raise BadInput(
                f"{place or source['task']} has changed since the run began (another SHA-256); resume with "
                f"the {kind.before}, or begin a new run."
            )
        ready = ways.ready(given._replace(source=source), settings, recipe, begun=begun)
        return _work(kind, ready, run, asked.report)

    return prepare


def _work(kind: Kind, ready: Any, run: Any, report: bool) -> "Work":
    from ansatz.cli._work import Work
    from ansatz.generate.ready import train

    return Work(
        kind=kind.kind,
        words=ready.words,
        begun=ready.begun,
        recipe=ready.recipe,
        run=run,
        train=lambda hooks, run: train(ready, hooks, run),
        judge=lambda run: kind.ways().judge(ready, run),
        files=lambda model: model.files(report=report),
        verb=f"generate {kind.name}",
    )


def _told(kind: Kind, model: Any, folder: Path, *, report: bool) -> Told:
    """Return the record of a model, what is shown of it, and the exit code."""
    from ansatz.cli.main import DONE, FAILED
    from ansatz.core import Status, count_parameters

    run, (own, shown) = model.run, kind.told(model)
    page = str(folder / "report.html") if report else None
    record = {
        "run": str(folder),
        "status": run.status.name,
        "message": run.message,
        **own,
        "parameters": count_parameters(run.model),
        "steps": run.step,
        "seconds": run.info["seconds"],
        "remarks": list(model.remarks),
        "report": page,
    }
    shown = [*shown, *(f"· {remark}" for remark in model.remarks)]
    shown.append(f"The run is in {folder}" + (f", its report in {page}." if page else "."))
    return record, shown, FAILED if run.status is Status.nonfinite else DONE


def new_table(first: str, *titles: str) -> Any:
    """Return an empty table for the terminal, the first column of words and the others of numbers."""
    from rich.table import Table

    found = Table(box=None, pad_edge=False, header_style="dim")
    found.add_column(first)
    for title in titles:
        found.add_column(title, justify="right")
    return found


def _fields(form: Any) -> dict[str, Any]:
    """Return the fields of a dataclass by name, as they are."""
    return {field.name: getattr(form, field.name) for field in dataclasses.fields(form)}


def _form(kind: Kind) -> type:
    """Return the dataclass of all flags: those of the command, of the settings and of the recipe."""
    from ansatz.cli._flags import flag, flag_types, form_of

    settings, recipe = kind.types()
    choices = form_of((settings,), "Choices", replaced={"budget": (str | None, None)})
    network = form_of((recipe,), "Network", leave_out=list(flag_types(choices)))
    word: Any = str | None
    return dataclasses.make_dataclass(
        type(kind).__name__,
        [
            ("data", flag(word, kind.data, metavar=kind.metavar), None),
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
