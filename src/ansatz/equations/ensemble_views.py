"""What a report says of the members of an ensemble: their errors, and where they lie apart."""

from typing import Any

import numpy as np

from ansatz.equations.sampling import bounds_of, field_names, letters, nodes, on_grid
from ansatz.results import fields
from ansatz.results.numbers import number
from ansatz.results.report import Picture, Section, Table

CURVE, ROUGH, MOST_FIELDS = 801, (81, 71), 4


def section(solution: Any) -> Section:
    """Return the section on the members; it is empty where there are none."""
    if not solution.members:
        return Section("The members")
    header = ["network", "estimated error", "held-out residual"]
    rows = [
        (str(at), number(one.error, 2), number(one.residual, 2)) for at, one in enumerate(solution.members, 1)
    ]
    rows.append(("mean", number(solution.error, 2), number(solution.residual, 2)))
    own = frozenset({len(rows) - 1})
    table = Table(header, rows, caption="Relative errors in the L2 norm.", own=own)
    names = field_names(solution.problem)[:MOST_FIELDS]
    drawn = [_spread(solution, name) for name in names]
    lead = (
        "Networks of different starts, trained at once; the answer is their mean. Their spread shows what "
        "the start decides; what all of them miss it does not show."
    )
    return Section("The members", [table, *drawn], lead)


def _spread(solution: Any, name: str) -> Picture:
    """Return the standard deviation over the members: a curve of one coordinate, a map of two."""
    problem, shown = solution.problem, letters(name)
    labels = [letters(one.name) for one in problem.coordinates]
    if len(labels) == 1:
        (x,) = nodes(problem, CURVE)
        lines = {
            "spread": (x, solution[name].spread(x)),
            "estimated error": (x, np.abs(solution.defect(name, x))),
        }
        drawn = fields.curves(lines, x_label=labels[0], y_label=f"error of {shown}", log=True)
        said = f"The standard deviation of {shown} over the members, beside the mean's estimated error."
        return Picture(drawn, said, f"Spread of {shown}")
    axes, fixed = [], []
    for at, (low, high) in enumerate(bounds_of(problem)):
        if at < 2:
            axes.append(np.linspace(low, high, ROUGH[at]))
            continue
        axes.append(np.array([high if problem.coordinates[at] == problem.time else (low + high) / 2]))
        fixed.append(f"{labels[at]} = {axes[-1][0]:.3g}")
    values, _ = on_grid(problem, tuple(axes), solution[name].spread)
    drawn = fields.size_map(
        axes[0], axes[1], values.reshape(ROUGH), labels=(labels[0], labels[1]), space=problem.time is None
    )
    where = f" where {', '.join(fixed)}" if fixed else ""
    return Picture(drawn, f"The standard deviation of {shown} over the members{where}.", f"Spread of {shown}")
