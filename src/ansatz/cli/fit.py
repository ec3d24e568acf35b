"""`ansatz fit`: what does y depend on? A map, its honest error beside baselines, intervals that hold.

The table may be CSV, TSV, Parquet, Arrow, NPZ, NPY, HDF5 or XLSX, a folder of images by class, or the
name of a data set (`ansatz data list`). The task is found from the target.

examples:
  ansatz fit measurements.csv --target y
  ansatz fit diamonds --log --budget 60s --out runs/diamonds
  ansatz fit measurements.csv --target y --map mlp --width 64 --loss huber --folds 5
  ansatz fit pictures/ --filters 16 32 --budget 3m
  ansatz fit --resume runs/diamonds
"""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansatz.cli._answer import Answer
    from ansatz.cli._source import Given
    from ansatz.cli._work import Work

WITH_RESUME = {"resume", "source", "quiet", "report", "json", "checkpoint", "budget", "loss"}


def command(arguments: list[str]) -> int:
    """Fit what the words ask for; return the exit code."""
    from ansatz.cli._answer import Answer
    from ansatz.cli._flags import parse

    asked, named = parse(_form(), arguments, "fit", __doc__ or "")
    answer = Answer(as_json=asked.json, quiet=asked.quiet)
    with answer.working():
        record, shown, code = _fit(asked, named, answer)
    answer.give(record, shown)
    return code


def _fit(asked: Any, named: set[str], answer: "Answer") -> tuple[dict[str, Any], list[Any], int]:
    """Return the record of the answer, what is shown of it, and the exit code."""
    from ansatz.cli._fitted import fit_answer, interrupted
    from ansatz.cli._flags import seconds
    from ansatz.cli._work import Interrupted, do_work

    every, budget = seconds(asked.checkpoint, "--checkpoint"), seconds(asked.choices.budget)
    assert every is not None
    if asked.resume is not None:
        folder, prepare = Path(asked.resume), _resumed(asked, named, budget, answer)
    else:
        given = _given(asked)
        begin = _images if given.kind == "images" else _table
        prepare = begin(asked, named, given, budget, answer)
        if isinstance(prepare, tuple):
            return prepare
        folder = new_folder(asked.out, given.name)
    try:
        fitted = do_work(prepare, folder, answer, every=every)
    except Interrupted as stop:
        return interrupted(stop)
    return fit_answer(fitted, folder, report=asked.report)


def _given(asked: Any) -> "Given":
    from ansatz.cli._source import find_source
    from ansatz.core import BadInput

    if asked.source is None:
        raise BadInput("There is nothing to fit: name a table, a folder of images or a data set.")
    return find_source(asked.source, asked.target, asked.path)


def _resumed(asked: Any, named: set[str], budget: float | None, answer: "Answer") -> "Callable[[], Work]":
    """Return what prepares the work of an unfinished run."""
    from ansatz.cli._work import recorded
    from ansatz.core import BadInput

    if wrong := sorted(named - WITH_RESUME):
        flag = wrong[0].replace("_", "-")
        raise BadInput(f"--{flag} cannot be given with --resume: the run keeps its recorded settings.")
    found = recorded(asked.resume)
    for remark in found[-1]:
        answer.tell(f"· {remark}")
    if found[0] == "images":
        from ansatz.cli._images import resumed_images

        return lambda: resumed_images(found, asked.resume, asked.source, budget, asked.report)
    from ansatz.cli._table import resumed_table, table_work

    loss = asked.network.loss if "loss" in named else None
    job = resumed_table(found, asked.resume, asked.source, loss, budget)
    return lambda: table_work(job, answer, report=asked.report)


def _table(asked: Any, named: set[str], given: "Given", budget: float | None, answer: "Answer") -> Any:
    """Return what prepares the work of a table, or the answer of its folds."""
    from ansatz.cli._table import Job, table_work
    from ansatz.core import BadInput

    if wrong := sorted(named & {field.name for field in dataclasses.fields(asked.images)}):
        raise BadInput(f"--{wrong[0].replace('_', '-')} is for images, and {asked.source} is a table.")
    job = Job(given, *_choices(asked, budget))
    if asked.folds is not None:
        from ansatz.cli._folds import cross_validate

        return cross_validate(job, asked.folds, answer)
    return lambda: table_work(job, answer, report=asked.report)


def _images(asked: Any, named: set[str], given: "Given", budget: float | None, answer: "Answer") -> Any:
    """Return what prepares the work of images, or the answer of their folds."""
    from ansatz.cli._images import cross_validate_pictures, image_options, image_work
    from ansatz.supervised.image_settings import sort_out_images

    options = image_options(asked, named, budget)
    if asked.folds is not None:
        return cross_validate_pictures(given, asked.folds, options)
    settings, recipe = sort_out_images(options)
    return lambda: image_work(given, settings, recipe, report=asked.report)


def _choices(asked: Any, budget: float | None) -> tuple[Any, Any]:
    from ansatz.supervised.network import TableNetwork
    from ansatz.supervised.settings import TableSettings

    def fields(form: Any) -> dict[str, Any]:
        return {field.name: getattr(form, field.name) for field in dataclasses.fields(form)}

    chosen = fields(asked.choices)
    chosen["budget"] = budget
    return TableSettings(**chosen), TableNetwork(**fields(asked.network))


def new_folder(out: str | None, name: str) -> Path:
    """Return the folder for a new run: `--out`, or the first free `runs/NAME-1`, `runs/NAME-2`, …"""
    from ansatz.cli._runs import is_run
    from ansatz.core import BadInput

    if out is not None:
        if is_run(Path(out)):
            raise BadInput(
                f"{out} holds a run already; go on with it by --resume {out}, or choose another --out."
            )
        return Path(out)
    number = 1
    while (folder := Path("runs") / f"{name}-{number}").exists():
        number += 1
    return folder


def _form() -> type:
    """Return the dataclass of all flags: those of the command, of `TableSettings` and of `TableNetwork`."""
    import tyro

    from ansatz.cli._flags import flag, flag_types, form_of
    from ansatz.supervised.image_network import ImageNetwork
    from ansatz.supervised.image_settings import ImageSettings
    from ansatz.supervised.network import TableNetwork
    from ansatz.supervised.settings import TableSettings
    from ansatz.training.optimizers import OPTIMIZERS, SCHEDULES

    budget = {"budget": (str | None, None)}
    choices = form_of((TableSettings,), "Choices", replaced=budget)
    helps = {
        "optimizer": ", ".join(OPTIMIZERS),
        "learning_rate": "the size of a step",
        "schedule": f"of the learning rate: {', '.join(SCHEDULES)}",
        "warmup": "the share of the run over which the learning rate rises from 0",
        "clip": "the norm at which gradients are clipped, 0 for none",
        "level": "the probability with which an interval is to hold the truth",
    }
    network = form_of((TableNetwork,), "Network", helps=helps)
    shared = [*flag_types(choices), *flag_types(network)]
    images = form_of((ImageSettings, ImageNetwork), "Images", leave_out=shared)

    word: Any = str | None
    return dataclasses.make_dataclass(
        "Fit",
        [
            ("source", flag(word, "a table, a folder of images, or a data set", tyro.conf.Positional), None),
            ("target", flag(word, "the column to predict"), None),
            ("out", flag(word, "the folder of the run; runs/NAME-1, runs/NAME-2, … if not given"), None),
            ("resume", flag(word, "go on with the run in this folder, with its recorded settings"), None),
            ("folds", flag(int | None, "measure by so many folds instead of fitting one run"), None),
            ("path", flag(word, "your own copy of a named data set"), None),
            ("quiet", flag(bool, "no progress on stderr"), False),
            ("report", flag(bool, "write report.html into the run"), True),
            ("json", flag(bool, "print one JSON object instead of tables"), False),
            ("checkpoint", flag(str, "the time between two checkpoints", metavar="TIME"), "20s"),
            ("choices", choices, choices()),
            ("network", network, network()),
            ("images", images, images()),
        ],
        frozen=True,
    )
