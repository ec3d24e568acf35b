"""`ansatz list`: the runs in a folder, with what was fitted, the figure, how they ended, and damage.

examples:
  ansatz list
  ansatz list runs --json
"""

import dataclasses
from pathlib import Path
from typing import Any


def command(arguments: list[str]) -> int:
    """List what the words ask for; return 1 if a run is damaged."""
    from ansatz.cli._answer import Answer
    from ansatz.cli._flags import parse
    from ansatz.cli._runs import find_runs

    asked, _ = parse(_form(), arguments, "list", __doc__ or "")
    answer = Answer(as_json=asked.json)
    with answer.working():
        runs = find_runs(Path(asked.folder))
    troubles = [f"{run.name}: {run.trouble}" for run in runs if run.trouble]
    record = {"folder": asked.folder, "runs": [run._asdict() for run in runs]}
    answer.give(record, [_table(runs) if runs else f"There is no run in {asked.folder}.", *troubles])
    return 1 if troubles else 0


def _table(runs: Any) -> Any:
    from rich.table import Table
    from rich.text import Text

    from ansatz.results.numbers import number

    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("run", "what", "metric", "value", "status", "date"):
        table.add_column(title, justify="right" if title == "value" else "left")
    for run in runs:
        words = (run.name, run.what, run.metric, number(run.value), run.status, run.date)
        table.add_row(*map(Text, words), style="red" if run.trouble else None)
    return table


def _form() -> type:
    import tyro

    from ansatz.cli._flags import flag

    return dataclasses.make_dataclass(
        "List",
        [
            ("folder", flag(str, "the folder of runs", tyro.conf.Positional, metavar="DIR"), "runs"),
            ("json", flag(bool, "print one JSON object"), False),
        ],
        frozen=True,
    )
