"""A solution on a grid of its domain: what figures, tables and files are made from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ansatz.equations.printing import GREEK as GREEK_LETTERS
from ansatz.equations.problem import Problem
from ansatz.errors import BadInput

GREEK: Mapping[Any, str] = GREEK_LETTERS
MOST = 200_000
"""The most points of a grid that is chosen for a file."""


@dataclass(frozen=True)
class Sample:
    """Values on a grid.

    `names` are the coordinates and `axes` their nodes; `inside` is false outside of the domain, where the
    values `[n, m, …]` are NaN.
    """

    names: tuple[str, ...]
    axes: tuple[np.ndarray, ...]
    inside: np.ndarray
    values: dict[str, np.ndarray]

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of nodes of each coordinate."""
        return tuple(map(len, self.axes))

    def columns(self) -> dict[str, np.ndarray]:
        """Return the coordinates and the values of the points inside, `[N]` each; complex ones as two."""
        mesh = np.meshgrid(*self.axes, indexing="ij")
        found = {name: one[self.inside] for name, one in zip(self.names, mesh, strict=True)}
        for name, one in real_parts(self.values).items():
            found[name] = one[self.inside]
        return found


def real_parts(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the values with each complex array as two, named `…_re` and `…_im`."""
    found: dict[str, np.ndarray] = {}
    for name, one in values.items():
        if np.iscomplexobj(one):
            found |= {f"{name}_re": np.real(one), f"{name}_im": np.imag(one)}
        else:
            found[name] = one
    return found


def letters(name: str) -> str:
    """Return a name with its Greek letter.

    >>> letters("psi_re"), letters("u")
    ('ψ_re', 'u')
    """
    return "_".join(GREEK.get(one, one) for one in name.split("_"))


def field_names(problem: Problem) -> tuple[str, ...]:
    """Return the names of the fields as they were stated: complex ones by their own name."""
    parts = {str(part) for pair in problem.complex_fields.values() for part in pair}
    real = [one.func.__name__ for one in problem.fields if str(one) not in parts]
    return (*problem.complex_fields, *real)


def bounds_of(problem: Problem) -> list[tuple[float, float]]:
    """Return the least and the greatest value of each coordinate."""
    shape = (
        {}
        if problem.shape is None
        else dict(zip(problem.shape_coordinates, problem.shape.bounds, strict=True))
    )
    found = [problem.intervals.get(one) or shape[one] for one in problem.coordinates]
    return [(float(low), float(high)) for low, high in found]


def nodes(problem: Problem, counts: Sequence[int] | int | None = None) -> tuple[np.ndarray, ...]:
    """Return equidistant nodes for each coordinate, by default as many as a file should hold."""
    size = len(problem.coordinates)
    if counts is None:
        counts = min(1001, int(MOST ** (1 / size)))
    each = [counts] * size if isinstance(counts, int) else list(counts)
    if len(each) != size or min(each) < 2:
        raise BadInput(f"The grid has the nodes {each}; give {size} numbers from 2 up.")
    return tuple(np.linspace(a, b, n) for (a, b), n in zip(bounds_of(problem), each, strict=True))


def on_grid(
    problem: Problem, axes: tuple[np.ndarray, ...], function: Callable[..., Any], margin: float = 0.0
) -> tuple[Any, Any]:
    """Return `function(*coordinates)` on the grid, NaN outside of the shape, and where it is inside.

    Points nearer to the boundary than `margin` count as outside.
    """
    shape = tuple(map(len, axes))
    if problem.shape is None:
        values = np.asarray(function(*np.meshgrid(*axes, indexing="ij", sparse=True)))
        return np.broadcast_to(values, shape), np.ones(shape, bool)
    mesh = np.meshgrid(*axes, indexing="ij")
    own = [mesh[problem.coordinates.index(one)].ravel() for one in problem.shape_coordinates]
    inside = (problem.shape.signed_distance(np.stack(own, axis=1)) <= -margin).reshape(shape)
    found = np.asarray(function(*(one[inside] for one in mesh)))
    values = np.full(shape, np.nan, found.dtype)
    values[inside] = found
    return values, inside


def sample(solution: Any, axes: tuple[np.ndarray, ...] | None = None, *, errors: bool = False) -> Sample:
    """Return the fields of a solution on a grid, with `errors` beside each its estimated error as well."""
    problem = solution.problem
    axes = nodes(problem) if axes is None else axes
    values, inside = {}, np.ones(tuple(map(len, axes)), bool)
    for name in field_names(problem):
        values[name], inside = on_grid(problem, axes, solution[name])
    for name in field_names(problem) if errors else ():
        found, _ = on_grid(problem, axes, lambda *at, one=name: solution.defect(one, *at))
        values[f"{name}_error"] = np.abs(found)
    return Sample(tuple(one.name for one in problem.coordinates), axes, inside, values)
