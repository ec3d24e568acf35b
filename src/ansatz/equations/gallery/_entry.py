"""An equation of the gallery: its statement, and the certified solution that it is compared with."""

import inspect
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from ansatz._spelling import nearest
from ansatz.equations.declare import problem_of_text
from ansatz.equations.parse import parse_constant
from ansatz.equations.parse_tokens import split_at, wrong
from ansatz.equations.problem import Problem
from ansatz.errors import BadInput

Grid: TypeAlias = Callable[[], tuple[np.ndarray, ...]]


@dataclass(frozen=True)
class Entry:
    """An equation of the gallery, stated in text.

    - `name`, `title`: how it is called; `equations`, `on`, `where`, `let`, `unknowns`, `eigenvalue`,
      `levels`, `complex`: as in `problem_of_text`;
    - `fields`: those that `reference(*coordinates)` returns, in this order; `certified`: how it is certified;
    - `grid`: returns the coordinates at which errors are measured, arrays that broadcast;
    - `accuracy`, `size`: what is asked of the solver;
    - `measured`: returns the data by column, `truth` the constants behind them; `energies(n)`: the n lowest
      levels; `remarks`: why the domain is this one.
    """

    name: str
    title: str
    equations: tuple[str, ...]
    on: str
    where: tuple[str, ...]
    reference: Callable[..., Any] | None
    grid: Grid
    certified: str
    fields: tuple[str, ...] = ("u",)
    let: str = ""
    unknowns: str = ""
    eigenvalue: str = ""
    levels: int = 1
    complex: tuple[str, ...] = ()
    accuracy: float = 1e-8
    size: int | None = None
    measured: Callable[[], dict[str, np.ndarray]] | None = None
    truth: Mapping[str, float] = field(default_factory=dict)
    energies: Callable[[int], tuple[float, ...]] | None = None
    remarks: tuple[str, ...] = ()

    def problem(self, levels: int | None = None) -> Problem:
        """Return the problem that the texts state, with other `levels` if they are given."""
        return problem_of_text(
            list(self.equations),
            self.on,
            list(self.where),
            let=self.let,
            unknowns=self.unknowns,
            eigenvalue=self.eigenvalue,
            levels=levels or self.levels,
            complex=self.complex,
            data=None if self.measured is None else self.measured(),
        )

    def values(self) -> dict[str, np.ndarray]:
        """Return the reference's fields on the comparison grid."""
        if self.reference is None:
            return {}
        found = self.reference(*self.grid())
        found = found if isinstance(found, tuple) else (found,)
        return {name: np.asarray(one) for name, one in zip(self.fields, found, strict=False)}

    def errors(self, solution: Any) -> dict[str, float]:
        """Return ‖u - reference‖₂ / ‖reference‖₂ by field on the grid; none for an unfinished march."""
        if getattr(solution, "reached", None) is not None:
            return {}
        grid = self.grid()
        return {
            name: float(
                np.linalg.norm(np.ravel(solution[name](*grid) - true)) / np.linalg.norm(np.ravel(true))
            )
            for name, true in self.values().items()
        }

    def command(self) -> str:
        """Return the command that states the equation in full; data are read from `FILE`."""
        words = ["ansatz", "solve", *self.equations, "--on", self.on, "--where", *self.where]
        for flag in ("let", "unknowns", "eigenvalue"):
            if value := getattr(self, flag):
                words += [f"--{flag.removesuffix('s')}", value]
        words += ["--levels", str(self.levels)] if self.eigenvalue else []
        words += ["--complex", *self.complex] if self.complex else []
        words += ["--data", "FILE"] if self.measured else []
        return shlex.join(words)


def made(make: Callable[..., Entry], parameters: Mapping[str, Any]) -> Entry:
    """Return `make(**parameters)`, numbers turned into what the defaults are.

    Raises:
        BadInput: there is no parameter of such a name, or its value is of another kind.
    """
    known = inspect.signature(make).parameters
    given: dict[str, Any] = {}
    for name, value in parameters.items():
        if name not in known:
            advice = nearest(name, known) if known else "it takes no parameters"
            raise BadInput(f"{make.__name__} has no parameter {name!r}; {advice}.")
        kind = type(known[name].default)
        if kind is int and float(value) != int(value):
            raise BadInput(f"{name} of {make.__name__} is a whole number, not {value}.")
        given[name] = kind(value)
    return make(**given)


def parameters_of(text: str) -> dict[str, float]:
    """Return the parameters that a text gives.

    >>> parameters_of("omega=80, span=1/2")
    {'omega': 80.0, 'span': 0.5}
    """
    found: dict[str, float] = {}
    for start, part in split_at(text, ",") if text.strip() else []:
        name, equals, value = part.partition("=")
        if not equals:
            raise wrong(text, start, f"{name.strip()!r} stands without a value", "write name=1")
        found[name.strip()] = float(parse_constant(value))
    return found


def spelled(value: float) -> str:
    """Return the shortest text of a number.

    >>> spelled(80.0), spelled(0.5)
    ('80', '0.5')
    """
    return str(int(value)) if value == int(value) and abs(value) < 1e9 else repr(float(value))


def line(low: float | int, high: float | int, count: int = 1001) -> Grid:
    """Return the grid of one coordinate."""
    return lambda: (np.linspace(low, high, count),)


def mesh(*axes: tuple[float | int, float | int, int]) -> Grid:
    """Return the open grid of several coordinates, `(low, high, count)` each."""
    return lambda: tuple(np.meshgrid(*(np.linspace(*one) for one in axes), indexing="ij", sparse=True))


def inside(make: Callable[[], Any], count: int = 4000) -> Grid:
    """Return points inside a shape, scattered evenly."""

    def grid() -> tuple[np.ndarray, ...]:
        return tuple(make().interior(count).T)

    return grid


def noisy(values: np.ndarray, noise: float, draws: np.random.Generator) -> np.ndarray:
    """Return values with normal noise of `noise` times their root mean square."""
    return values + noise * np.sqrt(np.mean(values**2)) * draws.standard_normal(values.shape)
