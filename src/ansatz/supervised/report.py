"""The report of a fit: one page that answers, shows, doubts, and tells how to do it again."""

from pathlib import Path
from typing import Any

import numpy as np

from ansatz.core import BadInput
from ansatz.results import pictures
from ansatz.results.numbers import duration, number
from ansatz.results.report import Details, Facts, Picture, Remarks, Section, Sentence, Table, render
from ansatz.supervised import report_figures as figures
from ansatz.supervised import report_words as words
from ansatz.supervised.baselines import BaselineResult, comparison
from ansatz.supervised.report_shared import again, place_of, versions_line
from ansatz.supervised.result import TableFit
from ansatz.training.run import Run

TASKS = {
    "regression": "A regression:",
    "binary": "A classification in two classes:",
    "multiclass": "A classification:",
}


def report(fitted: Any, path: Any = None) -> str:
    """Return the report of a fit as one HTML page that needs no network, and write it if a path is given.

    `fitted` is what `fit_table`, `fit_images` or `fit` returned, or the folder of a run.

    >>> import numpy as np
    >>> from ansatz.supervised.table import fit_table
    >>> table = {"x": np.linspace(0, 1, 60), "y": np.linspace(0, 1, 60) ** 2}
    >>> page = report(fit_table(table, "y", epochs=2, members=2, baselines=False, attribution=False))
    >>> "Fitted curve" in page
    True
    """
    if isinstance(fitted, str | Path):
        fitted = _load(Path(fitted))
    if isinstance(fitted, Run):
        page = run_report(fitted)
    elif hasattr(fitted, "report"):
        page = fitted.report()
    else:
        raise BadInput(
            f"There is no report of a {type(fitted).__name__}; give a fit, a run or a run's folder."
        )
    if path is not None:
        from ansatz.store import write_file

        write_file(Path(path), page.encode())
    return page


def table_report(fitted: TableFit) -> str:
    """Return the report of a fitted table as one HTML page."""
    target = words.short_name(fitted.predictor.target.name)
    sections = [
        Section("Predictions", figures.predictions(fitted), "What the fit says of rows that it never saw."),
        _baselines(fitted),
        Section("How far to trust it", [Sentence(text) for text in words.trust(fitted)]),
        _attribution(fitted),
        _training(fitted.run),
        _data(fitted),
        again(fitted, words.command(fitted)),
    ]
    inputs = fitted.predictor.encoder.columns
    listed = ", ".join(words.short_name(name, 24) for name in inputs[:6]) + (", …" if len(inputs) > 6 else "")
    return render(
        [section for section in sections if section.blocks],
        f"What does {target} depend on?",
        subtitle=f"{TASKS[fitted.predictor.task]} {target} from {listed}",
        answer=words.answer(fitted),
        tiles=words.tiles(fitted),
        footer=versions_line(fitted.run),
    )


def run_report(run: Run) -> str:
    """Return the report of a bare run: how it ended, its losses and its settings."""
    title = type(run.recipe).__name__
    sections = [_training(run)]
    return render(sections, title, answer=run.message, footer=versions_line(run))


def _load(folder: Path) -> Any:
    """Return the fit in a folder."""
    from ansatz.store import RunFolder
    from ansatz.supervised.result import load_table_fit
    from ansatz.training.run import from_snapshot

    snapshot, remarks = RunFolder.read(folder)
    kind = snapshot.info.get("kind")
    if kind == "table":
        return load_table_fit(folder)
    if kind == "images":
        from ansatz.supervised.image_result import load_image_fit

        return load_image_fit(folder)
    return from_snapshot(snapshot, remarks)


def _baselines(fitted: TableFit) -> Section:
    found = fitted.evaluation
    if not found.baselines:
        return Section("Baselines")
    own = BaselineResult(
        "network", found.prediction, found.metric, found.interval, fitted.run.info["seconds"]
    )
    table = comparison([own, *found.baselines]).block()
    lead = "Classical methods on the same rows, fitted on all that is not test."
    return Section("Baselines", [figures.compared(fitted), table], lead)


def _attribution(fitted: TableFit) -> Section:
    found = fitted.evaluation
    if found.importance is None:
        return Section("Which columns matter")
    given, band = found.importance, found.null
    order = np.argsort(-given.mean, kind="stable")[:40]
    unit = "standard deviations" if fitted.predictor.task == "regression" else "logits"
    header = ["column", "loss when shuffled", "± spread", "chance reaches", f"slope ({unit})"]
    rows = []
    for at in order:
        slope = found.gradient.get(given.names[at])
        rows.append((
            words.short_name(given.names[at], 40), number(given.mean[at], 3), number(given.spread[at], 2),
            number(None if band is None else band.upper[at], 2), number(slope, 3),
        ))  # fmt: skip
    caption = (
        "Slope: by how much the prediction moves, on average, for one standard deviation of the column; "
        "– for a column of many words."
    )
    table = Table(header, rows, caption=caption)
    lead = ""
    if band is not None:
        above = [given.names[at] for at in order if given.mean[at] > band.any_column]
        listed = ", ".join(words.short_name(name, 30) for name in above[:12]) or "none"
        lead = (
            f"{len(above)} of {len(given.names)} columns matter more than chance would show in any: {listed}."
        )
    folded = Details("The figures, with the gradients", [table])
    return Section("Which columns matter", [figures.importances(fitted), folded], lead)


def _training(run: Run) -> Section:
    best = run.best_step
    info = run.info
    seconds, compiling = duration(info.get("seconds", 0.0)), duration(info.get("compile_seconds", 0.0))
    rows: list[tuple[str, Any]] = [
        ("steps", f"{run.step:,} of {run.total:,}"),
        ("time", f"{seconds}, of which compiling {compiling}"),
        ("driver", info.get("driver", "–")),
    ]
    if best is not None:
        kept = ", ".join(f"{int(one):,}" for one in np.ravel(best))
        rows.append(
            ("step of the kept model" if run.seeds == 1 else "steps of the members' kept models", kept)
        )
    return Section("Training", [figures.training(run), Facts(rows)], run.message)


def _data(fitted: TableFit) -> Section:
    found, source = fitted.evaluation, fitted.source
    parts = [(f"rows for {name}", count) for name, count in fitted.parts.items() if count]
    if fitted.run.seeds > 1:
        parts[0:2] = [(f"{label}, each member", count) for label, count in parts[0:2]]
    place = place_of(fitted, "a table in memory")
    facts = Facts(
        [("source", place), ("rows", source.get("rows")), *parts, ("SHA-256", source.get("sha256"))]
    )
    drawn = pictures.data_summary(found.summary)
    picture = Picture(
        drawn, "The target and the inputs over the rows outside the test part.", "Columns", wide=True
    )
    header = ["column", "missing", "different", "mean", "spread", "least", "most"]
    rows = [
        (
            words.short_name(name, 40),
            one.gaps,
            one.different,
            *map(number, (one.mean, one.spread, one.low, one.high)),
        )
        for name, one in found.summary.items()
    ]
    folded = Details(f"All {len(rows)} columns", [Table(header, rows)])
    return Section(
        "Data", [facts, picture, folded, Remarks(fitted.data_remarks, "What was done to the table")]
    )
