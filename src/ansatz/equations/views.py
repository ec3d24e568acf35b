"""The figures of a solution: fields and slices, residual and error, animation, levels, found constants."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ansatz.equations.sampling import bounds_of, field_names, letters, nodes, on_grid
from ansatz.errors import BadInput
from ansatz.results import animation, fields
from ansatz.results.report import Picture
from ansatz.store import write_file

CURVE, PLANE, ROUGH = 801, (141, 121), (81, 71)
"""The nodes of a curve, of a map, and of a map of errors."""
MOST_FIELDS = 4
"""The most fields of which there is a figure each."""


def field_pictures(solution: Any) -> list[Picture]:
    """Return the figures of the fields: curves of one coordinate, maps and slices of two or more."""
    problem = solution.problem
    if len(problem.coordinates) == 1:
        return _curves(solution)
    found = []
    for name in field_names(problem)[:MOST_FIELDS]:
        if len(problem.coordinates) == 3 and problem.time is not None:
            found.append(_row(solution, name))
        else:
            found += [_map(solution, name), _slices(solution, name)]
    return found


def trust_pictures(solution: Any, reference: Callable[..., Any] | None = None) -> list[Picture]:
    """Return the figures of the residual, the estimated error and, beside a reference, the true error.

    `reference(name)` returns a certified function of the coordinates for a field, or None.
    """
    problem = solution.problem
    found = [
        _sizes(solution, "Residual", lambda *at: _residual(solution, at), "The residual of the equations.")
    ]
    for name in field_names(problem)[:MOST_FIELDS]:
        true = None if reference is None else reference(name)
        if len(problem.coordinates) == 1:
            found.append(_error_curves(solution, name, true))
            continue
        said = f"The estimated error of {letters(name)}."
        found.append(
            _sizes(solution, "Estimated error", lambda *at, one=name: solution.defect(one, *at), said)
        )
        if true is not None:
            said = f"The difference of {letters(name)} to the reference."

            def difference(*at: Any, one: str = name, exact: Callable[..., Any] = true) -> Any:
                return solution[one](*at) - exact(*at)

            found.append(_sizes(solution, "True error", difference, said))
    return found


def animated(solution: Any, suffix: str = ".png") -> bytes | None:
    """Return the first field moving in time as an animated PNG (or GIF), None where nothing moves."""
    problem = solution.problem
    space = [one for one in problem.coordinates if one != problem.time]
    if problem.time is None or not 1 <= len(space) <= 2 or (len(space) == 2 and problem.complex_fields):
        return None
    steps = animation.FRAMES if len(space) == 1 else animation.FRAMES // 2
    counts = [steps if one == problem.time else 241 if len(space) == 1 else 61 for one in problem.coordinates]
    axes, at = nodes(problem, counts), problem.coordinates.index(problem.time)
    own = [one for place, one in enumerate(axes) if place != at]
    labels = [letters(one.name) for one in (problem.time, *space)]
    if len(space) == 2:
        values = np.moveaxis(on_grid(problem, axes, solution[field_names(problem)[0]])[0], at, 0)
        return animation.animated_map(
            axes[at], own[0], own[1], values, labels=(labels[0], labels[1], labels[2]), suffix=suffix
        )
    lines = {}
    for name in field_names(problem)[:MOST_FIELDS]:
        values = np.moveaxis(on_grid(problem, axes, solution[name])[0], at, 0)
        lines |= _real_lines(name, values)
    return animation.animated_curves(axes[at], own[0], lines, labels=(labels[0], labels[1]), suffix=suffix)


def animate(solution: Any, path: str | Path) -> Path:
    """Write the first field moving in time as `.gif` or animated `.png`; return the path.

    Raises:
        BadInput: nothing moves, there are more than two coordinates of space, or the ending is another one.
    """
    path = Path(path)
    found = animated(solution, path.suffix)
    if found is None:
        raise BadInput("Only a field of time and one or two real coordinates can be animated.")
    write_file(path, found)
    return path


def constants_picture(unknowns: Any, truth: Any) -> Picture | None:
    """Return the figure of found constants beside the true ones, where these are known."""
    names = [name for name, one in unknowns.items() if name in truth and one.sigma and one.sigma > 0]
    if not names:
        return None
    errors = [(truth[name] - unknowns[name].value) / unknowns[name].sigma for name in names]
    drawn = fields.deviations([letters(name) for name in names], errors)
    return Picture(drawn, "The bands are one and two standard deviations about what was found.", "Constants")


def _residual(solution: Any, at: tuple[Any, ...]) -> Any:
    """Return the size of the residual at points, the largest over the equations."""
    found = np.abs(np.asarray(solution.residual_at(*at)))
    wanted = np.broadcast_shapes(*(np.shape(one) for one in at))
    return found.max(0) if found.ndim > len(wanted) else found


def _real_lines(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    """Return a field as it is, a complex one as its size and its real part."""
    shown = letters(name)
    return (
        {f"|{shown}|": np.abs(values), f"Re {shown}": np.real(values)}
        if np.iscomplexobj(values)
        else {shown: values}
    )


def _curves(solution: Any) -> list[Picture]:
    """Return the curves of all fields over the one coordinate, and one field against another."""
    problem = solution.problem
    (x,) = nodes(problem, CURVE)
    label, names = letters(problem.coordinates[0].name), field_names(problem)
    values = {name: np.asarray(solution[name](x)) for name in names}
    lines = {shown: (x, y) for name in names for shown, y in _real_lines(name, values[name]).items()}
    marks = {
        letters(one.field.func.__name__): (one.points[problem.coordinates[0]], one.values)
        for one in problem.observations
    }
    many = len(lines) > 1
    drawn = fields.curves(lines, x_label=label, y_label="" if many else next(iter(lines)), marks=marks)
    dots = " Dots are the data." if marks else ""
    found = [Picture(drawn, f"The solution over {label}.{dots}", "Solution")]
    if len(names) in (2, 3) and problem.time is not None and not problem.complex_fields:
        first, second = names[0], names[-1]
        drawn = fields.phase_portrait(values[first], values[second], labels=(letters(first), letters(second)))
        found.append(Picture(drawn, "One field against another; the dot is the start.", "Phase portrait"))
    return found


def _error_curves(solution: Any, name: str, true: Callable[..., Any] | None) -> Picture:
    (x,) = nodes(solution.problem, CURVE)
    lines = {"estimated": (x, np.abs(solution.defect(name, x)))}
    if true is not None:
        lines["true"] = (x, np.abs(solution[name](x) - true(x)))
    label = letters(solution.problem.coordinates[0].name)
    drawn = fields.curves(lines, x_label=label, y_label=f"error of {letters(name)}", log=True)
    beside = " beside the difference to the reference" if true is not None else ""
    return Picture(drawn, f"The estimated error of {letters(name)}{beside}.", f"Error of {letters(name)}")


def _plane(solution: Any, counts: tuple[int, int]) -> tuple[tuple[int, int], list[np.ndarray], str]:
    """Return which two coordinates a map shows, the nodes (one where a coordinate is fixed), and where."""
    problem = solution.problem
    first, second = 0, 1
    sizes = {first: counts[0], second: counts[1]}
    axes, fixed = [], []
    for at, (a, b) in enumerate(bounds_of(problem)):
        if at in sizes:
            axes.append(np.linspace(a, b, sizes[at]))
        else:
            middle = b if problem.coordinates[at] == problem.time else (a + b) / 2
            axes.append(np.array([middle]))
            fixed.append(f"{letters(problem.coordinates[at].name)} = {middle:.3g}")
    return (first, second), axes, f" where {', '.join(fixed)}" if fixed else ""


def _on_plane(
    solution: Any, function: Any, counts: tuple[int, int], margin: float = 0.0
) -> tuple[Any, Any, Any, tuple[str, str], str]:
    pair, axes, fixed = _plane(solution, counts)
    values, _ = on_grid(solution.problem, tuple(axes), function, margin)
    names = [letters(solution.problem.coordinates[at].name) for at in pair]
    return axes[pair[0]], axes[pair[1]], values.reshape(counts), (names[0], names[1]), fixed


def _map(solution: Any, name: str) -> Picture:
    problem = solution.problem
    x, y, values, labels, fixed = _on_plane(solution, solution[name], PLANE)
    shown, cut = letters(name), np.iscomplexobj(values)
    places = None
    for one in problem.observations:
        if one.field.func.__name__ == name and len(problem.coordinates) == 2:
            places = tuple(one.points[symbol] for symbol in problem.coordinates)
    drawn = fields.field_map(
        x, y, np.abs(values) if cut else values, labels=labels, title=f"|{shown}|" if cut else "",
        points=places, isolines=problem.time is None,
    )  # fmt: skip
    dots = " Dots are places of data." if places else ""
    return Picture(
        drawn, f"The field {shown} over {labels[0]} and {labels[1]}{fixed}.{dots}", f"Field {shown}"
    )


def _slices(solution: Any, name: str) -> Picture:
    """Return the field along the second coordinate at five places of the first, time being the first."""
    problem, shown = solution.problem, letters(name)
    along = 1 if problem.coordinates[1] != problem.time else 0
    across = 1 - along
    bounds, lines = bounds_of(problem), {}
    (a, b), (low, high) = bounds[across], bounds[along]
    shares = (0, 0.25, 0.5, 0.75, 1) if problem.coordinates[across] == problem.time else (0.25, 0.5, 0.75)
    x = np.linspace(low, high, CURVE)
    label = letters(problem.coordinates[across].name)
    for share in shares:
        place = a + share * (b - a)
        axes = [np.array([(one + other) / 2]) for one, other in bounds]
        axes[along], axes[across] = x, np.array([place])
        values = on_grid(problem, tuple(axes), solution[name])[0].ravel()
        values = np.abs(values) if np.iscomplexobj(values) else values
        lines[f"{label} = {place:.3g}"] = (x, values)
    sized = f"|{shown}|" if name in problem.complex_fields else shown
    drawn = fields.curves(lines, x_label=letters(problem.coordinates[along].name), y_label=sized)
    return Picture(drawn, f"Slices of {sized}, each at one {label}.", f"Slices of {shown}")


def _row(solution: Any, name: str) -> Picture:
    """Return maps of a field of time and two coordinates at six times."""
    problem = solution.problem
    at = problem.coordinates.index(problem.time)
    axes = nodes(problem, [6 if place == at else 71 for place in range(3)])
    values = np.moveaxis(on_grid(problem, axes, solution[name])[0], at, 0)
    values = np.abs(values) if np.iscomplexobj(values) else values
    x, y = (one for place, one in enumerate(axes) if place != at)
    labels = [letters(one.name) for one in problem.coordinates if one != problem.time]
    label, shown = letters(problem.time.name), letters(name)
    titles = [f"{label} = {time:.3g}" for time in axes[at]]
    drawn = fields.map_row(x, y, list(values), labels=(labels[0], labels[1]), titles=titles)
    return Picture(drawn, f"The field {shown} at six times.", f"Field {shown}", wide=True)


def _sizes(solution: Any, title: str, function: Callable[..., Any], said: str) -> Picture:
    """Return the size of a function on a logarithmic scale: a curve of one coordinate, a map of more."""
    problem = solution.problem
    if len(problem.coordinates) == 1:
        (x,) = nodes(problem, CURVE)
        label = letters(problem.coordinates[0].name)
        drawn = fields.curves(
            {title: (x, np.abs(function(x)))}, x_label=label, y_label=title.lower(), log=True
        )
        return Picture(drawn, said, title)
    # At a vertex derivatives can be infinite.
    margin = 1e-6 * min(b - a for a, b in bounds_of(problem))
    x, y, values, labels, fixed = _on_plane(solution, function, ROUGH, margin)
    drawn = fields.size_map(x, y, np.abs(values), labels=labels, space=problem.time is None)
    return Picture(drawn, said.removesuffix(".") + f"{fixed}.", title)
