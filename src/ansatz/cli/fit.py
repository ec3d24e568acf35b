"""`ansatz fit`: what does y depend on? A map, its honest error beside baselines, intervals that hold.

The table may be CSV, TSV, Parquet, Arrow, NPZ, NPY, HDF5 or XLSX, a folder of images by class, or the
name of a data set (`ansatz data list`). The task is found from the target.

examples:
  ansatz fit measurements.csv --target y
  ansatz fit diamonds --log --budget 60s --out runs/diamonds
  ansatz fit measurements.csv --target y --map mlp --width 64 --loss huber --folds 5
  ansatz fit --resume runs/diamonds
"""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansatz.cli._answer import Answer
    from ansatz.cli._source import Given

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
    from ansatz.cli._fitted import interrupted, table_answer
    from ansatz.cli._flags import seconds
    from ansatz.cli._source import find_source
    from ansatz.cli._table import Interrupted, Job, fit_job, resumed_job
    from ansatz.core import BadInput

    every, budget = seconds(asked.checkpoint, "--checkpoint"), seconds(asked.choices.budget)
    assert every is not None
    if asked.resume is not None:
        if wrong := sorted(named - WITH_RESUME):
            flag = wrong[0].replace("_", "-")
            raise BadInput(f"--{flag} cannot be given with --resume: the run keeps its recorded settings.")
        loss = asked.network.loss if "loss" in named else None
        job, folder = resumed_job(asked.resume, asked.source, loss, budget), Path(asked.resume)
    else:
        if asked.source is None:
            raise BadInput("There is nothing to fit: name a table, a folder of images or a data set.")
        settings, recipe = _choices(asked, budget)
        given = find_source(asked.source, asked.target, asked.path)
        if given.kind == "images":
            return _images(asked, named, given, answer)
        job = Job(given, settings, recipe)
        if asked.folds is not None:
            from ansatz.cli._folds import cross_validate

            return cross_validate(job, asked.folds, answer)
        folder = _new_folder(asked.out, given.name)
    try:
        fitted = fit_job(job, folder, answer, every=every, report=asked.report)
    except Interrupted as stop:
        return interrupted(stop)
    return table_answer(fitted, folder, report=asked.report)


def _choices(asked: Any, budget: float | None) -> tuple[Any, Any]:
    from ansatz.supervised.network import TableNetwork
    from ansatz.supervised.settings import TableSettings

    def fields(form: Any) -> dict[str, Any]:
        return {field.name: getattr(form, field.name) for field in dataclasses.fields(form)}

    chosen = fields(asked.choices)
    chosen["budget"] = budget
    return TableSettings(**chosen), TableNetwork(**fields(asked.network))


def _new_folder(out: str | None, name: str) -> Path:
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


def _images(
    asked: Any, named: set[str], given: "Given", answer: "Answer"
) -> tuple[dict[str, Any], list[Any], int]:
    from ansatz.cli._images import fit_pictures

    return fit_pictures(asked, named, given, _new_folder(asked.out, given.name), answer)


def _form() -> type:
    """Return the dataclass of all flags: those of the command, of `TableSettings` and of `TableNetwork`."""
    import tyro

    from ansatz.cli._flags import flag, form_of
    from ansatz.supervised.network import TableNetwork
    from ansatz.supervised.settings import TableSettings
    from ansatz.training.optimizers import OPTIMIZERS, SCHEDULES

    budget = {"budget": (str | None, None)}
    choices = form_of(TableSettings, "Choices", replaced=budget)
    helps = {
        "optimizer": ", ".join(OPTIMIZERS),
        "learning_rate": "the size of a step",
        "schedule": f"of the learning rate: {', '.join(SCHEDULES)}",
        "warmup": "the share of the run over which the learning rate rises from 0",
        "clip": "the norm at which gradients are clipped, 0 for none",
        "level": "the probability with which an interval is to hold the truth",
    }
    network = form_of(TableNetwork, "Network", helps=helps)

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
        ],
        frozen=True,
    )
