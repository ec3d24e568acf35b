"""A solution as an answer: its progress, its record as JSON, the tables a reader sees, and what is kept."""

import time
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ansatz.cli._answer import Answer
from ansatz.equations import gallery
from ansatz.equations.export import export
from ansatz.equations.solution_file import files
from ansatz.equations.solution_report import constant_rows, level_rows, page, true_errors
from ansatz.results.numbers import duration, number
from ansatz.store import RunFolder

SECONDS = 5.0
"""Between two lines of progress where there is no terminal."""


class Bar:
    """The share that is done and the time left, on stderr; call it with the share in [0, 1]."""

    def __init__(self, answer: Answer):
        columns = (
            TextColumn("solving"),
            BarColumn(),
            TextColumn("{task.percentage:.0f} %"),
            TimeRemainingColumn(),
        )
        self.answer, self.last = answer, time.monotonic()
        self.drawn = answer.progress.is_terminal and not answer.quiet
        self.bar = Progress(*columns, console=answer.progress, transient=True, disable=not self.drawn)
        self.task = self.bar.add_task("solving", total=1.0)

    def __enter__(self) -> "Bar":
        """Begin to draw."""
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        self.bar.stop()

    def __call__(self, share: float) -> None:
        """Show the share that is done."""
        self.bar.update(self.task, completed=float(share))
        if not self.drawn and time.monotonic() - self.last >= SECONDS:
            self.last = time.monotonic()
            self.answer.tell(f"solving: {100 * share:.0f} %")


def keep(solution: Any, entry: Any, asked: Any, words: str) -> dict[str, Any]:
    """Save the solution with its report and its exports as far as asked for; return the paths."""
    kept: dict[str, Any] = {"out": None, "report": None, "export": []}
    if asked.out is not None:
        snapshot, extras = files(solution, report=False)
        extras["report.html"] = page(solution, entry, command=words).encode()
        with RunFolder.create(asked.out) as folder:
            folder.finish(snapshot, extras)
        kept |= {"out": asked.out, "report": str(Path(asked.out) / "report.html")}
    for path in asked.export:
        kept["export"].append(str(export(solution, path)))
    return kept


def solved_answer(solution: Any, entry: Any, kept: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """Return the record of a solution and what is shown of it."""
    errors = true_errors(solution, entry)
    shown: list[Any] = []
    if solution.levels is not None:
        shown.append(
            answer_table(("level", "value", "estimated error", "true error"), level_rows(solution, entry))
        )
    if solution.unknowns:
        rows = constant_rows(solution, None if entry is None else entry.truth)
        shown.append(answer_table(("constant", "found", "σ", "true", "distance"), rows))
    if solution.levels is None:
        shown.append(answer_table(("field", "estimated error", "true error"), _error_rows(solution, errors)))
    steps = [
        (one.name, duration(one.seconds), number(one.error, 2), number(one.residual, 2), one.note)
        for one in solution.ladder
    ]
    if steps:
        shown += ["", answer_table(("method", "time", "estimated error", "residual", ""), steps)]
    shown += ["", solution.verdict]
    if entry is not None and errors:
        shown.append(f"The true relative error is {max(errors.values()):.1e} ({entry.certified}).")
    if solution.checked is not None:
        shown.append(solution.checked.sentence)
    shown += [f"· {remark}" for remark in solution.remarks]
    if kept["out"]:
        shown.append(f"The solution is in {kept['out']}, its report in {kept['report']}.")
    shown += [f"Values on a grid are in {path}." for path in kept["export"]]
    return solution_record(solution, entry, errors) | kept, shown


def gallery_list() -> tuple[dict[str, Any], list[Any]]:
    """Return the gallery as a record and as a table."""
    entries = [gallery.get(name) for name in gallery.__all__]
    rows = [(one.name, one.title, "; ".join(one.equations)) for one in entries]
    record = {
        "gallery": [
            {"name": one.name, "title": one.title, "command": one.command(), "remarks": list(one.remarks)}
            for one in entries
        ]
    }
    return record, [answer_table(("name", "title", "equations"), rows), "", "ansatz solve --gallery NAME"]


def solution_record(solution: Any, entry: Any, errors: dict[str, float]) -> dict[str, Any]:
    """Return what JSON says of a solution, beside what is true of an equation of the gallery."""
    truth = {} if entry is None else entry.truth
    record: dict[str, Any] = {
        "gallery": None if entry is None else entry.name,
        "method": solution.method,
        "converged": solution.converged,
        "verdict": solution.verdict,
        "error": solution.error,
        "errors": solution.errors,
        "true_errors": errors,
        "residual": solution.residual,
        "spreads": solution.spreads,
        "members": [{"error": one.error, "residual": one.residual} for one in solution.members],
        "unknowns": {
            name: {"value": one.value, "sigma": one.sigma, "true": truth.get(name)}
            for name, one in solution.unknowns.items()
        },
        "levels": None,
        "ladder": [one._asdict() for one in solution.ladder],
        "checked": None if solution.checked is None else solution.checked._asdict(),
        "remarks": list(solution.remarks),
        "seconds": solution.seconds,
    }
    if solution.levels is not None:
        levels = np.asarray(solution.levels, float)
        energies = None if entry is None else entry.energies
        true = [None] * len(levels) if energies is None else list(energies(len(levels)))
        record["levels"] = [
            {"value": value, "error": error, "true": exact}
            for value, error, exact in zip(levels, np.ravel(solution.level_errors), true, strict=True)
        ]
    return record


def _error_rows(solution: Any, errors: dict[str, float]) -> list[tuple[str, ...]]:
    rows = [(name, number(error, 2), number(errors.get(name), 2)) for name, error in solution.errors.items()]
    return rows if errors else [row[:2] for row in rows]


def answer_table(titles: tuple[str, ...], rows: list[tuple[Any, ...]]) -> Table:
    """Return a table with as many columns as the rows have; all but words stand on the right."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    width = max(map(len, rows))
    for title in titles[:width]:
        words = title in ("", "field", "constant", "method", "name", "title", "equations")
        table.add_column(title, justify="left" if words else "right", no_wrap=title in ("name", "title"))
    for row in rows:
        table.add_row(*(Text(str(one)) for one in row))
    return table
