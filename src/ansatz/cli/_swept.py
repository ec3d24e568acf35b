"""`ansatz solve --sweep`: one equation for many values of its constants: a table, JSON, and a folder."""

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansatz._spelling import nearest
from ansatz.cli._answer import Answer
from ansatz.cli._solved import Bar, answer_table, solution_record
from ansatz.equations import gallery
from ansatz.equations.declare import _assignments
from ansatz.equations.gallery._entry import parameters_of
from ansatz.equations.problem import Problem
from ansatz.equations.solution_report import true_errors
from ansatz.equations.solve import check_options
from ansatz.equations.sweep import Sweep, sweep_of
from ansatz.equations.sweep_file import check_export, save
from ansatz.equations.sweep_statement import Stated, Texts, echo
from ansatz.equations.sweep_values import Case, Cases, cases_of, lists_of
from ansatz.errors import BadInput
from ansatz.results.numbers import duration, number


class Entries:
    """An equation of the gallery, whose parameters take the values."""

    def __init__(self, name: str, levels: int | None):
        gallery.get(name)
        self.name, self.levels = name, levels

    def check(self, case: Case) -> None:
        """Refuse to sweep what is no parameter of the equation."""
        known = inspect.signature(getattr(gallery, self.name)).parameters
        for name in case.values:
            if name not in known:
                advice = nearest(name, known) if known else "it takes no parameters"
                raise BadInput(f"{self.name} has no parameter {name!r}; {advice}.")

    def entry(self, case: Case) -> Any:
        """Return the equation of one case."""
        return gallery.get(self.name, **parameters_of(case.let))

    def problem(self, case: Case) -> Problem:
        """Return the problem of one case."""
        return self.entry(case).problem(self.levels)

    def domain(self, case: Case) -> Any:
        """Return the case itself: a parameter may change anything."""
        return case.let

    def general(self, cases: Sequence[Case]) -> None:
        """Return nothing."""


def solve_swept(
    asked: Any,
    stated: dict[str, Any],
    network: dict[str, Any],
    budget: float | None,
    answer: Answer,
    words: str,
) -> tuple[dict[str, Any], list[Any], bool]:
    """Solve for every value that `--sweep` names.

    Args:
        asked: the flags.
        stated: `equations`, `on`, `where` and what else states the problem; nothing with `--gallery`.
        network: settings of the network.
        budget: seconds for all values.
        answer: where the problem is said back.
        words: the command.

    Returns:
        The record, what is shown of it, and whether all values converged.
    """
    for path in asked.export:
        check_export(path)
    cases = _cases(asked)
    rest = {name: value for name, value in stated.items() if name not in ("equations", "on", "where", "let")}
    whole: Stated = (
        Texts(stated["equations"], stated["on"], stated["where"], rest)
        if asked.gallery is None
        else Entries(asked.gallery, asked.levels)
    )
    whole.check(cases.listed[0])
    options: dict[str, Any] = {"accuracy": asked.accuracy or 1e-6, "size": asked.size}
    if isinstance(whole, Entries):
        entry = gallery.get(whole.name)
        options = {"accuracy": asked.accuracy or entry.accuracy, "size": asked.size or entry.size}
    check_options(asked.method, options["accuracy"], asked.soft, network)
    if (general := whole.general(cases.listed)) is not None:
        answer.tell(echo(general.problem, cases.columns))
    answer.tell(f"· {len(cases.listed)} values, from {cases.listed[0].label} to {cases.listed[-1].label}")
    with Bar(answer) as bar:
        found = sweep_of(
            whole, cases, method=asked.method, seed=asked.seed, budget=budget, progress=bar, network=network,
            soft=asked.soft, check=asked.check, **options,
        )  # fmt: skip
    kept = _keep(found, asked, words)
    pairs = zip(cases.listed, found.solutions, strict=True)
    entries = [whole.entry(one) if isinstance(whole, Entries) and at else None for one, at in pairs]
    return _record(found, entries) | kept, _shown(found, entries, kept), bool(found.converged.all())


def _cases(asked: Any) -> Cases:
    lists = lists_of(asked.sweep)
    given = {name: text or "" for name, _, text in _assignments(asked.let)}
    if both := [name for name in lists if name in given]:
        raise BadInput(f"{both[0]} has a value in --let and is swept too; leave one of them away.")
    return cases_of({**lists, **given}, paired=asked.paired)


def _keep(found: Sweep, asked: Any, words: str) -> dict[str, Any]:
    """Save the sweep and its exports as far as asked for; return the paths."""
    kept: dict[str, Any] = {"out": None, "report": None, "index": None, "export": []}
    if asked.out is not None:
        save(found, asked.out, command=words)
        folder = Path(asked.out)
        kept |= {"out": asked.out, "report": str(folder / "report.html"), "index": str(folder / "index.html")}
    kept["export"] = [str(found.export(path)) for path in asked.export]
    return kept


def _record(found: Sweep, entries: Sequence[Any]) -> dict[str, Any]:
    values = []
    for at, (solution, entry) in enumerate(zip(found.solutions, entries, strict=True)):
        own: dict[str, Any] = {name: float(column[at]) for name, column in found.parameters.items()}
        record: dict[str, Any] = {"constants": own, "failure": found.failures[at] or None}
        if solution is not None:
            record |= solution_record(solution, entry, true_errors(solution, entry))
        values.append(record)
    return {
        "parameters": found.parameters,
        "shape": found.shape,
        "method": found.method,
        "converged": bool(found.converged.all()),
        "verdict": found.verdict,
        "error": found.error,
        "values": values,
        "remarks": found.remarks,
        "seconds": found.seconds,
    }


def _shown(found: Sweep, entries: Sequence[Any], kept: dict[str, Any]) -> list[Any]:
    """Return a table with a row for every value, the verdict, and where the files are."""
    table = found.table()
    left_out = ("converged", "residual", "verdict", "seconds", "error", "spread")
    plain = [name for name in table.columns if name not in left_out]
    true = [
        "" if one is None or entry is None else number(max(true_errors(one, entry).values(), default=None), 2)
        for one, entry in zip(found.solutions, entries, strict=True)
    ]
    rows = []
    for at, row in enumerate(table.rows(named=True)):
        cells = [f"{row[name]:.6g}" if name in found.parameters else number(row[name], 8) for name in plain]
        cells += [number(row["error"], 2), *([true[at]] if any(true) else [])]
        cells += [number(row["spread"], 2)] if "spread" in table.columns else []
        rows.append((*cells, duration(row["seconds"]), "" if row["converged"] else found.sentence(at)))
    titles = [*plain, "estimated error", *(["true error"] if any(true) else [])]
    titles += ["spread"] if "spread" in table.columns else []
    shown = [answer_table((*titles, "time", ""), rows), "", found.verdict]
    shown += [f"· {remark}" for remark in found.remarks]
    if kept["out"]:
        shown.append(f"The solutions are in {kept['out']}; {kept['index']} leads to their reports.")
    return shown + [f"Values on a grid are in {path}." for path in kept["export"]]
