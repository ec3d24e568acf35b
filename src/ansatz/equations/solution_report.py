"""The report of a solution: one page that answers, shows, doubts, and tells how to do it again."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ansatz.equations import ensemble_views, views
from ansatz.equations.level_views import level_pictures
from ansatz.equations.mathml import problem_mathml
from ansatz.equations.printing import equation_text
from ansatz.equations.problem import Problem
from ansatz.equations.sampling import field_names, letters
from ansatz.results.numbers import duration, number
from ansatz.results.report import (
    Code,
    Details,
    Facts,
    Formulas,
    Picture,
    Remarks,
    Section,
    Sentence,
    Table,
    render,
)
from ansatz.training.run import versions


def page(solution: Any, entry: Any = None, *, command: str = "", title: str = "") -> str:
    """Return the report of a solution as one HTML page without scripts or links.

    Args:
        solution: what `solve` returned.
        entry: the equation of the gallery that it solves, if any: its reference is set beside.
        command: the command that gives the solution again; without it, the lines of Python that state it.
        title: the heading, by default the entry's or the first equation.
    """
    errors = true_errors(solution, entry)
    problem = solution.problem
    return render(
        sections(solution, entry, command=command),
        title or (entry.title if entry is not None else equation_text(problem.equations[0])),
        subtitle=subtitle(problem),
        answer=Sentence(solution.verdict, "good" if solution.converged else "bad"),
        tiles=_tiles(solution, errors, entry),
        footer=f"ansatz {versions()['ansatz']}",
    )


def sections(solution: Any, entry: Any = None, *, command: str = "") -> list[Section]:
    """Return the sections of the report: the problem, the answer, how far to trust it, how to do it again."""
    found = [
        _statement(solution.problem),
        *_answer(solution, entry),
        _trust(solution, entry, true_errors(solution, entry)),
        ensemble_views.section(solution),
        _ladder(solution),
        _again(solution, entry, command),
    ]
    return [one for one in found if one.blocks]


def true_errors(solution: Any, entry: Any) -> dict[str, float]:
    """Return the relative L2 errors against the reference of the gallery, where there is one."""
    return {} if entry is None or solution.levels is not None else entry.errors(solution)


def subtitle(problem: Problem) -> str:
    """Return what is solved for, on which domain."""
    names = ", ".join(letters(one) for one in field_names(problem))
    ends = [f"{letters(one.name)} from {a:.6g} to {b:.6g}" for one, (a, b) in problem.intervals.items()]
    if problem.shape is not None:
        inside = ", ".join(letters(one.name) for one in problem.shape_coordinates)
        ends.append(f"{inside} in {problem.shape.describe()}")
    kind = "linear" if problem.linear else "nonlinear"
    return f"A {kind} problem for {names}: {', '.join(ends)}"


def level_rows(solution: Any, entry: Any = None, most: int = 50) -> list[tuple[Any, ...]]:
    """Return for each level its number, value, estimated error and, beside a reference, its true error."""
    levels = np.asarray(solution.levels, float)[:most]
    true = None if entry is None or entry.energies is None else entry.energies(len(levels))
    rows = []
    for at, (level, error) in enumerate(zip(levels, np.ravel(solution.level_errors), strict=False)):
        row = (at, number(level, 12), number(float(error), 2))
        rows.append(row if true is None else (*row, number(abs(level - true[at]), 2)))
    return rows


def constant_rows(solution: Any, truth: Any = None) -> list[tuple[Any, ...]]:
    """Return for each found constant its value, σ and, beside a truth, this and the distance in σ."""
    rows = []
    for name, one in solution.unknowns.items():
        row = (letters(name), number(one.value, 10), number(one.sigma, 2))
        if truth and name in truth:
            away = (one.value - truth[name]) / one.sigma if one.sigma else np.nan
            row = (*row, number(truth[name], 10), f"{number(abs(away), 2)} σ")
        rows.append(row)
    return rows


def _tiles(solution: Any, errors: dict[str, float], entry: Any) -> list[tuple[str, Any, str]]:
    tiles: list[tuple[str, Any, str]] = []
    if solution.levels is not None:
        tiles.append(("lowest level", number(float(np.min(solution.levels)), 8), ""))
        tiles.append(
            ("estimated error", number(float(np.max(solution.level_errors)), 2), "of the worst level")
        )
    else:
        tiles.append(("estimated error", number(solution.error, 2), "relative, L2"))
    if errors:
        tiles.append(("true error", number(max(errors.values()), 2), entry.certified))
    if solution.members:
        spread = number(max(solution.spreads.values()), 2)
        tiles.append(("spread", spread, f"of {len(solution.members)} networks, relative"))
    if solution.levels is None:
        tiles.append(("held-out residual", number(solution.residual, 2), "relative to its terms"))
    return [*tiles, ("time", duration(solution.seconds), solution.method)]


def _statement(problem: Problem) -> Section:
    rows = problem_mathml(problem)
    count = len(problem.equations)
    blocks: list[Any] = [Formulas(rows[:count])]
    if rows[count:]:
        blocks += [Sentence("with the conditions"), Formulas(rows[count:])]
    return Section("The problem", blocks)


def _answer(solution: Any, entry: Any) -> list[Section]:
    """Return the sections of the answer: levels, constants, and the figures."""
    found = []
    if solution.levels is not None:
        header = ["level", "value", "estimated error", "true error"]
        rows = level_rows(solution, entry)
        table = Table(header[: len(rows[0])], rows, caption="The lowest levels.")
        return [Section("Levels", [*level_pictures(solution), table])]
    if solution.unknowns:
        truth = {} if entry is None else entry.truth
        header = ["constant", "found", "standard deviation", "true", "distance"]
        rows = constant_rows(solution, truth)
        blocks: list[Any] = [Table(header[: max(map(len, rows))], rows)]
        if drawn := views.constants_picture(solution.unknowns, truth):
            blocks.append(drawn)
        found.append(Section("Constants", blocks, "What the data say of the unknown constants."))
    pictures = views.field_pictures(solution)
    if moving := views.animated(solution):
        pictures.append(Picture(moving, "The solution as time goes by.", "Animation"))
    return [*found, Section("Solution", pictures)]


def _trust(solution: Any, entry: Any, errors: dict[str, float]) -> Section:
    if solution.levels is not None:
        return Section("How far to trust it")
    header = ["field", "estimated error", "true error", "estimated / true"]
    rows = []
    for name, estimated in solution.errors.items():
        true = errors.get(name)
        rows.append((letters(name), number(estimated, 2)))
        if true is not None:
            rows[-1] += (number(true, 2), number(estimated / true if true else np.inf, 3))
    widest = max(map(len, rows))
    rows = [(*row, *["–"] * (widest - len(row))) for row in rows]
    said = " The reference: " + entry.certified + "." if errors else ""
    table = Table(header[:widest], rows, caption=f"Relative errors in the L2 norm.{said}")
    reference = _reference(entry) if errors else None
    lead = "The error is estimated from what the answer leaves of the equations, by a richer answer to them."
    checked = [] if solution.checked is None else [Sentence(solution.checked.sentence, "note")]
    return Section("How far to trust it", [table, *checked, *views.trust_pictures(solution, reference)], lead)


def _reference(entry: Any) -> Callable[[str], Any]:
    def of(name: str) -> Any:
        if name not in entry.fields:
            return None
        at = entry.fields.index(name)

        def values(*places: Any) -> Any:
            found = entry.reference(*places)
            return found[at] if isinstance(found, tuple) else found

        return values

    return of


def _ladder(solution: Any) -> Section:
    header = ["method", "time", "estimated error", "residual", "note"]
    rows = [
        (one.name, duration(one.seconds), number(one.error, 2), number(one.residual, 2), one.note)
        for one in solution.ladder
    ]
    if not rows:
        return Section("What was tried")
    return Section(
        "What was tried", [Table(header, rows)], "Each method in turn, until the accuracy was reached."
    )


def _again(solution: Any, entry: Any, command: str) -> Section:
    remarks = [*(entry.remarks if entry is not None else ()), *solution.remarks]
    blocks: list[Any] = [Remarks(remarks)] if remarks else []
    blocks.append(Code(command or statement(solution.problem)))
    settings = [("method", solution.method), ("accuracy asked for", number(solution.accuracy, 2))]
    return Section("Do it again", [*blocks, Details("Settings", [Facts(settings)])])


def statement(problem: Problem) -> str:
    """Return the problem in Unicode, as it was understood."""
    return problem.echo()
