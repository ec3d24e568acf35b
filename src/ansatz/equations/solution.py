"""What `solve` returns: a function to call and differentiate, and how far to trust it."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ansatz.equations.places import placed, residuals_of, value_of
from ansatz.equations.problem import Problem
from ansatz.errors import BadInput

if TYPE_CHECKING:
    from ansatz.core import Map


class Rung(NamedTuple):
    """One method that was tried: its name, seconds, estimated error, held-out residual, and a remark."""

    name: str
    seconds: float
    error: float
    residual: float
    note: str = ""


class Estimate(NamedTuple):
    """A constant found from data and its standard error."""

    value: float
    sigma: float


class FieldView:
    """One field of a solution: call it with the coordinates, by position or by name.

    Values are float64 (complex128 for complex fields) and broadcast like NumPy's.
    """

    def __init__(self, solution: "Solution", name: str, index: tuple[int, ...]):
        self.solution, self.name, self.index = solution, name, index

    def __call__(self, *places: Any, **named: Any) -> Any:
        """Return the values at the given places.

        Raises:
            BadInput: a coordinate is missing, or a place is outside the domain.
        """
        return self.solution.values(self.name, self.index, *places, **named)

    def spread(self, *places: Any, **named: Any) -> Any:
        """Return the standard deviation over the members of an ensemble at the given places.

        Raises:
            BadInput: the solution has no members; or as for a call.
        """
        members = self.solution.members
        if not members:
            raise BadInput(
                "One network has no spread; train several, as method='lm' with network={'members': 5}."
            )
        each = [one.values(self.name, self.index, *places, **named) for one in members]
        return np.std(each, axis=0, ddof=1)[()]

    def derivative(self, by: str) -> "FieldView":
        """Return a derivative as a field: `derivative("xx")`, `derivative("t")`."""
        names = [s.name for s in self.solution.problem.coordinates]
        index = list(self.index)
        for letter in by.split() if " " in by else by:
            if letter not in names:
                raise BadInput(
                    f"{letter!r} in the derivative {by!r} is no coordinate; they are {', '.join(names)}."
                )
            index[names.index(letter)] += 1
        if sum(index) > 4:
            raise BadInput(f"The derivative {by!r} is of order {sum(index)}; derivatives go up to order 4.")
        return FieldView(self.solution, self.name, tuple(index))

    def __getattr__(self, by: str) -> "FieldView":
        if by.startswith("_"):
            raise AttributeError(by)
        return self.derivative(by)


@dataclass
class Solution:
    """The answer to a differential equation.

    `error` is the estimated relative L2 error, the largest over the fields; `residual` that of the equation
    at held-out points, relative to its terms; `ladder` what was tried, in order.  `model` answers on the
    map's side: an `Expansion` or a network.
    """

    problem: Problem
    method: str
    model: Any
    defect_model: Any
    errors: dict[str, float]
    residual: float
    converged: bool
    accuracy: float
    ladder: tuple[Rung, ...] = ()
    remarks: tuple[str, ...] = ()
    seconds: float = 0.0
    unknowns: dict[str, Estimate] = field(default_factory=dict)
    levels: np.ndarray | None = None
    level_errors: np.ndarray | None = None
    level_models: tuple[Any, ...] = ()
    checked: Any = None
    inference: Any = None
    reached: float | None = None
    """Where the march over time ended, if that was before the end of the domain."""
    members: tuple["Solution", ...] = ()
    """The networks of an ensemble, each a solution with its own error; the ensemble is their mean."""
    spreads: dict[str, float] = field(default_factory=dict)
    """‖standard deviation over the members‖ / ‖mean‖ in L2, by field."""
    _richer: bool = False

    @property
    def error(self) -> float:
        """The estimated relative L2 error, the largest over the fields."""
        return max(self.errors.values(), default=float("inf"))

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields, complex ones whole."""
        complex_fields = self.problem.complex_fields
        parts = {str(p.func): name for name, pair in complex_fields.items() for p in pair}
        return tuple(dict.fromkeys(parts.get(str(f.func), str(f.func)) for f in self.problem.fields))

    @property
    def map(self) -> "Map":
        """The answer as a map of one point `x: [d]` to the real fields, for `jax.grad` and `jax.vmap`."""
        from ansatz.equations.expansion import Expansion
        from ansatz.equations.expansion_map import ExpansionMap

        return ExpansionMap(*self.model) if isinstance(self.model, Expansion) else self.model

    @property
    def verdict(self) -> str:
        """How far to trust the answer, in a sentence."""
        if not self.converged:
            why = f" {self.remarks[-1]}" if self.remarks else ""
            return f"Not converged: the estimated relative error is {self.error:.1e}.{why}"
        if self.levels is not None:
            return f"Converged: the levels are known to about {np.max(self.level_errors):.1e}."  # type: ignore[arg-type]
        short = "" if self.error <= self.accuracy else f", short of the {self.accuracy:.0e} asked for"
        apart = ""
        if self.members:
            apart = f"; its {len(self.members)} members spread by {max(self.spreads.values()):.1e}"
        return f"Converged: the estimated relative error is {self.error:.1e}{short}{apart}."

    def __getitem__(self, name: str) -> FieldView:
        return self.field(name)

    def __getattr__(self, name: str) -> FieldView:
        if name.startswith("_") or "problem" not in self.__dict__ or name not in self.fields:
            raise AttributeError(f"A solution has no {name!r}; its fields are {', '.join(self.fields)}.")
        return self.field(name)

    def state(self, level: int) -> "Solution":
        """Return the solution whose fields are those of a level, counted from 0, of an eigenvalue problem."""
        if self.levels is None or not 0 <= level < len(self.level_models):
            raise BadInput(
                f"There is no level {level}; the solution has {len(self.level_models)}, from 0 on."
            )
        levels, errors = self.levels[level : level + 1], self.level_errors[level : level + 1]  # type: ignore[index]
        return replace(self, model=self.level_models[level], levels=levels, level_errors=errors)

    def scattered(self, count: int = 0) -> list[np.ndarray]:
        """Return places all over the domain, one array for each coordinate."""
        from ansatz.equations.evolve import scattered

        return scattered(self.problem, count, self.reached)

    def field(self, name: str) -> FieldView:
        """Return a field by its name."""
        real = [f.func.__name__ for f in self.problem.fields]
        if name not in self.fields and name not in real:
            raise BadInput(f"There is no field {name!r}; the solution has {', '.join(self.fields)}.")
        return FieldView(self, name, (0,) * len(self.problem.coordinates))

    def values(self, name: str, index: tuple[int, ...], *places: Any, **named: Any) -> Any:
        """Return a derivative of a field where the coordinates say."""
        points, shape = placed(self.problem, places, named, self.reached)
        found = value_of(self, self.model, name, index, points)
        return found.reshape(shape)[()]

    def defect(self, name: str, *places: Any, **named: Any) -> Any:
        """Return the estimated error of a field at places: what to add to the answer to better it."""
        points, shape = placed(self.problem, places, named, self.reached)
        zero = (0,) * len(self.problem.coordinates)
        found = value_of(self, self.defect_model, name, zero, points)
        if self._richer:
            found = found - value_of(self, self.model, name, zero, points)
        return found.reshape(shape)[()]

    def residual_at(self, *places: Any, **named: Any) -> np.ndarray:
        """Return the residuals of the equations at places, `[equations, …]`."""
        points, shape = placed(self.problem, places, named, self.reached)
        rows, _ = residuals_of(self, points)
        return rows.reshape(-1, *shape)

    def save(self, path: Any) -> None:
        """Write the solution as a folder, all of it or nothing."""
        from ansatz.equations.solution_file import save

        save(self, path)

    @classmethod
    def load(cls, path: Any) -> "Solution":
        """Return a solution from its folder."""
        from ansatz.equations.solution_file import load

        return load(path)

    def export(self, path: Any, **options: Any) -> None:
        """Write values on a grid: NPZ, CSV or VTK by the ending of the name."""
        from ansatz.equations.export import export

        export(self, Path(path), **options)

    def report(self, path: Any = None) -> str:
        """Return the report as one HTML page, and write it if a path is given."""
        from ansatz.equations.solution_report import page

        text = page(self)
        if path is not None:
            from ansatz.store import write_file

            write_file(Path(path), text.encode())
        return text
