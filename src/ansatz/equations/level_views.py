"""The figures of energy levels: their states upon the potential, or maps of them."""

from typing import Any

import numpy as np
import sympy

from ansatz.equations.lower import evaluate
from ansatz.equations.problem import Problem
from ansatz.equations.sampling import field_names, letters, nodes, on_grid
from ansatz.results import fields
from ansatz.results.numbers import number
from ansatz.results.report import Picture

CURVE, PLANE = 801, 91
MOST = 12
"""The most states in one figure."""


def level_pictures(solution: Any) -> list[Picture]:
    """Return the diagram of the levels of one coordinate, or maps of the states of two."""
    problem = solution.problem
    levels = np.asarray(solution.levels, float)[:MOST]
    size = len(problem.coordinates)
    if size > 2 or problem.complex_fields or not len(levels):
        return []
    own = field_names(problem)[0]
    axes = nodes(problem, CURVE if size == 1 else PLANE)
    states = [on_grid(problem, axes, solution.state(at)[own])[0] for at in range(len(levels))]
    labels = [letters(one.name) for one in problem.coordinates]
    name = letters(str(problem.eigenvalue))
    if size == 1:
        potential = potential_of(problem)
        values = None if potential is None else _values(potential, problem.coordinates[0], axes[0])
        drawn = fields.level_diagram(
            levels, axes[0], states, x_label=labels[0], potential=values, y_label=name
        )
        beneath = " upon the potential" if values is not None else ""
        return [Picture(drawn, f"The levels {name} and their states{beneath}.", "Levels and states")]
    titles = [f"{name} = {number(level, 7)}" for level in levels]
    signed = [one / np.nanmax(np.abs(one)) for one in states]
    drawn = fields.map_row(axes[0], axes[1], signed, labels=(labels[0], labels[1]), titles=titles)
    return [Picture(drawn, "The states, each scaled to 1.", "States", wide=True)]


def potential_of(problem: Problem) -> Any:
    """Return V of `… + Vψ = Eψ`, what multiplies the field beside its derivatives; None where there is none.

    >>> from ansatz.equations.declare import problem_of_text
    >>> ends = ["u(0)=0", "u(9)=0"]
    >>> potential_of(problem_of_text("-r*u''/2 - u = E*r*u", "r=0..9", ends, eigenvalue="E"))
    -1/r
    """
    if len(problem.equations) != 1 or len(problem.fields) != 1:
        return None
    field, energy = problem.fields[0], problem.eigenvalue
    still: Any = problem.equations[0].xreplace(
        {one: sympy.S.Zero for one in problem.equations[0].atoms(sympy.Derivative)}
    )
    slope: Any = sympy.diff(still, energy)
    if slope == 0 or still.xreplace({energy: sympy.S.Zero}) == 0:
        return None
    potential = sympy.simplify(-still.xreplace({energy: sympy.S.Zero}) / slope)
    return None if potential.has(field) or potential.has(energy) else potential


def _values(potential: Any, symbol: Any, x: np.ndarray) -> np.ndarray:
    """Return the potential at the nodes, NaN where it is not finite."""
    with np.errstate(all="ignore"):
        values = np.asarray(evaluate(potential, {symbol: x}), float)
    return np.where(np.isfinite(values), values, np.nan)
