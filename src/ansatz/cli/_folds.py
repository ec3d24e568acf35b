"""`ansatz fit --folds K`: the same fit on K parts in turn, each measured on the part it has not seen."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from rich.table import Table

from ansatz.cli._answer import Answer
from ansatz.cli._table import Job, tuned
from ansatz.cli._work import progress
from ansatz.core import BadInput
from ansatz.data import folds, prepare, read_table
from ansatz.results.numbers import number
from ansatz.supervised.ready import make_ready, train
from ansatz.supervised.table import judge


def cross_validate(job: Job, count: int, answer: Answer) -> tuple[dict[str, Any], list[Any], int]:
    """Return the figures of each of `count` folds, their mean ± standard deviation, and the exit code.

    Classes are stratified, and rows of one group stay together; in time there are no folds.
    """
    given, settings = job.given, job.settings
    if count < 2:
        raise BadInput(f"--folds {count} is too few: two parts at least are needed.")
    if settings.split == "time":
        raise BadInput("--folds mixes past and future; leave it out for a split by time.")
    assert given.target is not None
    remarks = list(given.remarks)
    frame = read_table(given.data, remarks=remarks)
    table = prepare(frame, given.target, task=settings.task, ignore=settings.ignore)
    keys: dict[str, Any] = {}
    if settings.split == "group":
        if settings.by not in table.frame.columns:
            raise BadInput(f"A split by group needs its column; {settings.by!r} is not in the table.")
        keys = {"groups": table.frame[settings.by].to_numpy()}
    elif table.task != "regression":
        keys = {"stratify": table.frame[given.target].cast(pl.String).to_numpy()}
    rows = []
    quiet = replace(settings, attribution=False)
    for at, part in enumerate(folds(table.frame.height, count, seed=settings.seed, **keys)):
        answer.tell(f"Fold {at + 1} of {count}.")
        ready = make_ready(given.data, given.target, quiet, job.recipe, held_out=part.held)
        ready = tuned(ready, answer)
        run = train(ready, hooks=progress(answer))
        found = judge(ready, run).evaluation
        row = {"rows": len(part.held), found.metric: found.interval.value, **found.scores}
        row |= {"coverage": found.coverage.share}
        row |= {f"{b.name}: {b.metric}": b.interval.value for b in found.baselines}
        rows.append(row)
        remarks += [one for one in ready.prepared.remarks if one not in remarks]
    return _answer(given.name, given.target, rows, remarks)


def _answer(
    name: str, target: str, rows: list[dict[str, Any]], remarks: list[str]
) -> tuple[dict[str, Any], list[Any], int]:
    columns = list(rows[0])
    values = {column: np.array([row[column] for row in rows], np.float64) for column in columns}
    mean = {column: float(found.mean()) for column, found in values.items()}
    spread = {column: float(found.std(ddof=1)) for column, found in values.items()}
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("fold")
    for column in columns:
        table.add_column(column, justify="right")
    for at, row in enumerate(rows):
        table.add_row(str(at + 1), *(number(row[column]) for column in columns))
    ends = (f"{number(mean[c])} ± {number(spread[c], 2)}" for c in columns)
    table.add_row("mean ± sd", *ends, style="bold")
    record = {"data": name, "target": target, "folds": rows, "mean": mean, "sd": spread, "remarks": remarks}
    return record, [table, *(f"· {remark}" for remark in remarks)], 0
