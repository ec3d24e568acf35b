"""A fit as an answer: the record that `--json` prints, and the table and sentences that a reader sees."""

from pathlib import Path
from typing import Any

import numpy as np

from ansatz.cli._answer import sparkline
from ansatz.cli._work import Interrupted
from ansatz.cli.main import DONE, FAILED, INTERRUPTED
from ansatz.core import Status
from ansatz.supervised.baselines import BaselineResult, comparison
from ansatz.supervised.image_result import ImageFit
from ansatz.supervised.result import TableFit


def fit_answer(
    fitted: TableFit | ImageFit, folder: Path, *, report: bool
) -> tuple[dict[str, Any], list[Any], int]:
    """Return the record of a fit, what is shown of it, and the exit code."""
    found, run = fitted.evaluation, fitted.run
    task, target, metric = _named(fitted)
    y = np.asarray(found.y)
    own = BaselineResult("network", y, metric, found.interval, run.info["seconds"])
    page = str(folder / "report.html") if report else None
    record = {
        "run": str(folder),
        "task": task,
        "target": target,
        "status": run.status.name,
        "message": run.message,
        "metric": metric,
        "value": found.interval.value,
        "interval": [found.interval.lower, found.interval.upper],
        "scores": found.scores,
        "level": found.level,
        "coverage": found.coverage._asdict(),
        "rows": fitted.parts,
        "steps": run.step,
        "members": run.seeds,
        "seconds": run.info["seconds"],
        "baselines": [
            {"name": b.name, "value": b.interval.value, "interval": b.interval[1:3], "seconds": b.seconds}
            for b in found.baselines
        ],
        "verdict": found.verdict.outcome if found.verdict else None,
        "remarks": list(fitted.remarks),
        "report": page,
    }
    shown = [comparison([own, *found.baselines]).terminal(), "", *fitted.summary(), *_curve(fitted)]
    shown += [f"· {remark}" for remark in fitted.remarks]
    shown.append(f"The run is in {folder}" + (f", its report in {page}." if page else "."))
    return record, shown, FAILED if run.status is Status.nonfinite else DONE


def _named(fitted: TableFit | ImageFit) -> tuple[str, str, str]:
    """Return the task of a fit, its target and its metric."""
    if isinstance(fitted, ImageFit):
        return "binary" if len(fitted.predictor.classes) == 2 else "multiclass", "class", "accuracy"
    return fitted.predictor.task, fitted.predictor.target.name, fitted.evaluation.metric


def interrupted(stop: Interrupted) -> tuple[dict[str, Any], list[Any], int]:
    """Return the answer of a run that was interrupted."""
    import sys

    print(f"ansatz: {stop}", file=sys.stderr)
    steps = {} if stop.run is None else {"step": stop.run.step, "steps": stop.run.total}
    return {"run": str(stop.folder), "status": "interrupted", **steps}, [], INTERRUPTED


def _curve(fitted: TableFit | ImageFit) -> list[str]:
    """Return the losses in one line each, on a logarithmic scale where they are positive."""
    lines = []
    columns = (("training", fitted.run.history, "loss"), ("validation", fitted.run.validation, "score"))
    for name, table, wanted in columns:
        values = table.get(wanted, table.get("loss"))
        if values is None or not len(values):
            continue
        # A member that has stopped has no loss any more.
        means = np.ma.masked_invalid(np.asarray(values, np.float64).reshape(len(values), -1)).mean(1)
        values = np.ma.compressed(means)
        if not len(values):
            continue
        drawn = np.log(values) if (values > 0).all() else values
        lines.append(f"{name:<10} {sparkline(drawn)}  {values[0]:.4g} → {values[-1]:.4g}")
    return lines
