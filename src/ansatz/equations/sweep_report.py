"""The report of a sweep: its values in a table, the solutions side by side, and an index of their pages."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ansatz.equations.mathml import problem_mathml
from ansatz.equations.printing import equation_text
from ansatz.equations.sampling import bounds_of, field_names, letters, nodes, on_grid
from ansatz.equations.solution_report import subtitle
from ansatz.equations.sweep import Sweep
from ansatz.equations.sweep_statement import echo
from ansatz.equations.views import field_pictures
from ansatz.results import families
from ansatz.results.families import Curve, Panel
from ansatz.results.index import Card, render_index
from ansatz.results.numbers import duration, number
from ansatz.results.report import Code, Formulas, Picture, Remarks, Section, Sentence, Table, render
from ansatz.training.run import versions

CURVE, PLANE = 401, (81, 71)
"""The nodes of a curve and of a map."""
MOST_FIELDS, MOST_CURVES, MOST_PANELS = 4, 60, 12


def page(swept: Sweep, *, command: str = "") -> str:
    """Return the report of a sweep as one HTML page without scripts or links.

    Args:
        swept: what `sweep` returned.
        command: the command that gives the sweep again; without it, the problem as it was understood.
    """
    problem = swept.general or swept.first.problem
    known = swept.error[np.isfinite(swept.error)]
    tiles: list[tuple[str, Any, str]] = [
        ("values", len(swept), " × ".join(map(str, swept.shape)) if len(swept.shape) > 1 else ""),
        ("converged", int(swept.converged.sum()), f"of {len(swept)}"),
        ("largest estimated error", number(float(known.max()) if len(known) else np.inf, 2), "relative, L2"),
        ("time", duration(swept.seconds), swept.method),
    ]
    blocks: list[Any] = [Remarks(list(swept.remarks))] if swept.remarks else []
    sections = [
        Section("The problem", [Formulas(problem_mathml(problem))], f"Swept: {_swept(swept)}."),
        Section("Values", [_table(swept)]),
        Section("Solutions", pictures(swept)),
        Section("Do it again", [*blocks, Code(command or echo(problem, swept.parameters))]),
    ]
    return render(
        [one for one in sections if one.blocks],
        equation_text(problem.equations[0]),
        subtitle=subtitle(swept.first.problem),
        answer=Sentence(swept.verdict, "good" if swept.converged.all() else "bad"),
        tiles=tiles,
        footer=f"ansatz {versions()['ansatz']}",
    )


def index(swept: Sweep, folders: Sequence[str]) -> str:
    """Return the page that leads to the report of every value, by the folders' names."""
    cards = []
    for at, (name, solution) in enumerate(zip(folders, swept.solutions, strict=True)):
        if solution is None:
            cards.append(Card(swept.label(at), swept.sentence(at), "report.html"))
            continue
        drawn = field_pictures(solution)
        image = drawn[0].image if drawn else ""
        cards.append(Card(swept.label(at), swept.sentence(at), f"{name}/report.html", image))
    whole = Card("All values", swept.verdict, "report.html")
    title = equation_text((swept.general or swept.first.problem).equations[0])
    return render_index([whole, *cards], title, subtitle=f"Swept: {_swept(swept)}")


def pictures(swept: Sweep) -> list[Picture]:
    """Return the figures of a sweep: levels or curves or maps for every value, and the errors over them."""
    found: list[Picture] = []
    if swept.levels is not None:
        found += _over(swept, {f"level {n}": row for n, row in enumerate(swept.levels.T)}, "Levels", "level")
    elif len(swept.first.problem.coordinates) == 1:
        found += [_family(swept, name) for name in field_names(swept.first.problem)[:MOST_FIELDS]]
    else:
        found += [_panels(swept, name) for name in field_names(swept.first.problem)[:MOST_FIELDS]]
    spread = [
        np.nan if one is None or not one.spreads else max(one.spreads.values()) for one in swept.solutions
    ]
    lines = {"estimated error": swept.error}
    if np.isfinite(spread).any():
        lines["spread of the members"] = np.array(spread)
    shown = {name: line for name, line in lines.items() if np.any(np.isfinite(line) & (line > 0))}
    return found + (_over(swept, shown, "Errors", "relative error", log=True) if shown else [])


def _swept(swept: Sweep) -> str:
    said = []
    for name, values in swept.parameters.items():
        own = np.unique(values)
        listed = ", ".join(number(float(one), 5) for one in own[:6])
        said.append(f"{letters(name)} = {listed}{', …' if len(own) > 6 else ''}")
    return "; ".join(said)


def _table(swept: Sweep) -> Table:
    found = swept.table()
    plain = [name for name in found.columns if name not in ("verdict", "converged", "residual")]
    header = [letters(name) if name in swept.parameters else name for name in plain]
    digits = {"error": 2, "spread": 2, "seconds": 2}
    rows = []
    for at, row in enumerate(found.select(plain).rows(named=True)):
        cells = [
            duration(value) if name == "seconds" else number(value, digits.get(name, 6))
            for name, value in row.items()
        ]
        rows.append([*cells, "converged" if swept.converged[at] else swept.sentence(at)])
    header = ["time" if name == "seconds" else name for name in header]
    return Table([*header, ""], rows, caption="Estimated relative errors in the L2 norm.")


def _shown(swept: Sweep, most: int) -> tuple[list[int], str]:
    """Return which places a figure shows, evenly chosen if there are too many, and what to say of it."""
    known = [at for at, one in enumerate(swept.solutions) if one is not None]
    if len(known) <= most:
        return known, ""
    chosen = [known[round(i)] for i in np.linspace(0, len(known) - 1, most)]
    return chosen, f" {most} of {len(known)} values are shown."


def _labels(swept: Sweep, at: int) -> str:
    return ", ".join(
        f"{letters(name)} = {number(float(values[at]), 4)}" for name, values in swept.parameters.items()
    )


def _family(swept: Sweep, name: str) -> Picture:
    chosen, said = _shown(swept, MOST_CURVES)
    own, first = letters(name), next(iter(swept.parameters))
    complex_valued, curves = False, []
    for at in chosen:
        solution: Any = swept.solutions[at]
        (x,) = nodes(solution.problem, CURVE)
        inside = x if solution.reached is None else x[x <= solution.reached]
        y = np.asarray(solution[name](inside))
        complex_valued = np.iscomplexobj(y)
        y = np.abs(y) if complex_valued else y
        curves.append(Curve(_labels(swept, at), float(swept.parameters[first][at]), inside, y))
    label = letters(swept.first.problem.coordinates[0].name)
    shown = f"|{own}|" if complex_valued else own
    drawn = families.family(curves, x_label=label, y_label=shown, value_label=letters(first))
    return Picture(drawn, f"{shown} over {label} for every value.{said}", f"Solutions {own}")


def _panels(swept: Sweep, name: str) -> Picture:
    """Return a map of a field for every value, the coordinates beyond two at one place each."""
    chosen, said = _shown(swept, MOST_PANELS)
    problem = swept.first.problem
    names = [one.name for one in problem.coordinates]
    space = [at for at, one in enumerate(problem.coordinates) if one != problem.time]
    pair = (0, 1) if len(names) == 2 else (space[0], space[1])
    frames, fixed = [], ""
    for at in chosen:
        solution: Any = swept.solutions[at]
        bounds = bounds_of(solution.problem)
        axes, parts = [], []
        for number_, (low, high) in enumerate(bounds):
            is_time = problem.time is not None and names[number_] == problem.time.name
            high = solution.reached if is_time and solution.reached is not None else high
            if number_ in pair:
                axes.append(np.linspace(low, high, PLANE[pair.index(number_)]))
            else:
                axes.append(np.array([high if is_time else (low + high) / 2]))
                parts.append(f"{letters(names[number_])} = {axes[-1][0]:.3g}")
        values, _ = on_grid(solution.problem, tuple(axes), solution[name])
        values = np.abs(values) if np.iscomplexobj(values) else values
        frames.append(Panel(_labels(swept, at), axes[pair[0]], axes[pair[1]], values.reshape(PLANE)))
        fixed = f" where {', '.join(parts)}" if parts else ""
    drawn = families.panels(frames, labels=(letters(names[pair[0]]), letters(names[pair[1]])))
    return Picture(
        drawn, f"{letters(name)} for every value{fixed}.{said}", f"Solutions {letters(name)}", wide=True
    )


def _over(swept: Sweep, lines: dict[str, Any], title: str, label: str, log: bool = False) -> list[Picture]:
    """Return a figure of numbers over the one constant that is swept; none for several."""
    if len(swept.parameters) != 1 or len(swept) < 3:
        return []
    ((name, values),) = swept.parameters.items()
    drawn = families.over(values, lines, x_label=letters(name), y_label=label, log=log)
    return [Picture(drawn, f"{title} over {letters(name)}.", title)]
