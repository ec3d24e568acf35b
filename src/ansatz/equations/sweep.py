"""`sweep`: one equation for many values of its constants."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ansatz._spelling import nearest
from ansatz.equations.problem import Problem
from ansatz.equations.solution import FieldView, Solution
from ansatz.equations.solve import check_options, solve
from ansatz.equations.sweep_statement import Declared, Stated, Texts
from ansatz.equations.sweep_values import MISSED, Case, Cases, cases_of
from ansatz.errors import BadInput

if TYPE_CHECKING:
    import polars as pl

SOLVING = ("accuracy", "soft", "size", "check")
STATING = ("on", "where", "unknowns", "eigenvalue", "levels", "complex", "data", "corners")


def sweep(
    problem: str | Sequence[str] | Problem,
    *,
    let: Mapping[str, Any] | str,
    paired: bool = False,
    method: str = "auto",
    seed: int = 0,
    budget: float | None = None,
    progress: Callable[[float], None] | None = None,
    network: Mapping[str, Any] | None = None,
    **options: Any,
) -> "Sweep":
    """Solve a differential equation for many values of its constants.

    Args:
        problem: equations as text; or a `Problem` whose constants `ansatz.parameter` declares.
        let: constants by name; those with a list of values are swept: `{"omega": [1, 2, 5], "k": 3}`.
        paired: take the i-th values of several lists together; otherwise every combination is solved, the
            last list varying fastest.
        method: as in `solve`.  Least squares ("auto", "series") solves one value after another; networks
            are trained for all values at once, by one program, whose data the constants are.
        seed: of parameters and random points; the networks of all values begin at the same parameters.
        budget: seconds for all values together.
        progress: called with the share that is done.
        network: as in `solve`; with `members` every value has an ensemble.
        options: `accuracy`, `soft`, `size` and `check` of `solve`; `on`, `where` and what else states a
            problem in text, as in `solve`.

    Returns:
        A `Sweep`: `s.parameters`, `s.solutions`, `s.u(t, x)` of shape `[k, …]`, `s.error` of shape `[k]`.  A
        value that could not be solved has None for its solution, and its sentence in `s.failures`.

    Raises:
        BadInput: nothing is swept, a constant is not in the statement, or no value could be solved.

    >>> let = {"omega": [1, 2, 5]}
    >>> s = sweep("y'' = -omega^2*y", on="t=0..1", where=["y(0)=1", "y'(0)=0"], let=let)
    >>> bool(np.abs(s.y(0.5) - np.cos([0.5, 1.0, 2.5])).max() < 1e-6)
    True
    """
    for name in options:
        if name not in SOLVING + STATING:
            raise BadInput(f"A sweep has no option {name!r}; {nearest(name, [*SOLVING, *STATING])}.")
    solving = {"accuracy": 1e-6, "soft": False} | {n: v for n, v in options.items() if n in SOLVING}
    check_options(method, solving["accuracy"], solving["soft"], network)
    cases = cases_of(let, paired=paired)
    stating = {name: value for name, value in options.items() if name in STATING}
    if isinstance(problem, Problem):
        if stating:
            raise BadInput("A Problem is complete: the domain and the conditions are part of it.")
        stated: Stated = Declared(problem)
    else:
        stated = Texts(problem, stating.pop("on", ""), stating.pop("where", ()), stating)
    stated.check(cases.listed[0])
    return sweep_of(
        stated, cases, method=method, seed=seed, budget=budget, progress=progress, network=network, **solving
    )


def sweep_of(
    stated: Stated,
    cases: Cases,
    *,
    method: str,
    seed: int = 0,
    budget: float | None = None,
    progress: Callable[[float], None] | None = None,
    network: Mapping[str, Any] | None = None,
    **options: Any,
) -> "Sweep":
    """Solve every case of a statement; `options` go to `solve`."""
    begun = time.monotonic()
    report = progress or (lambda share: None)
    deadline = None if budget is None else begun + budget
    problems, found = _problems(stated, cases.listed)
    if method in ("auto", "series"):
        options |= {"method": method, "seed": seed}
        found |= _one_by_one(problems, deadline=deadline, progress=report, **options)
        remarks = ["The values were solved one after another."] if len(problems) > 1 else []
    else:
        from ansatz.equations.sweep_network import solve_networks

        checks = {name: options.pop(name, None) for name in ("check", "size")}
        solved, remarks = solve_networks(
            stated, cases.listed, problems, network=network or {}, seed=seed, deadline=deadline,
            progress=report, method=method, **options,
        )  # fmt: skip
        found |= _checked(solved) if checks["check"] else solved
    listed = [found[at] for at in range(len(cases.listed))]
    if not any(isinstance(one, Solution) for one in listed):
        raise BadInput(f"No value of the sweep could be solved; for {cases.listed[0].label}: {listed[0]}")
    general = stated.general(cases.listed)
    return Sweep(
        cases.columns, cases.shape,
        tuple(one if isinstance(one, Solution) else None for one in listed),
        tuple(one if isinstance(one, str) else "" for one in listed),
        method, tuple(remarks), time.monotonic() - begun, None if general is None else general.problem,
    )  # fmt: skip


def _problems(stated: Stated, cases: Sequence[Case]) -> tuple[dict[int, Problem], dict[int, Solution | str]]:
    """Return the problems by place, and the sentences of those that are none."""
    problems: dict[int, Problem] = {}
    failed: dict[int, Solution | str] = {}
    first: BadInput | None = None
    for at, case in enumerate(cases):
        try:
            problems[at] = stated.problem(case)
        except BadInput as reason:
            failed[at], first = str(reason), first or reason
    if not problems and first is not None:
        raise first
    return problems, failed


def _one_by_one(
    problems: Mapping[int, Problem], *, deadline: float | None, progress: Any, **options: Any
) -> dict[int, Solution | str]:
    """Solve problems in turn; a budget is shared among those that are left."""
    found: dict[int, Solution | str] = {}
    for done, (at, problem) in enumerate(problems.items()):
        left = None if deadline is None else max(deadline - time.monotonic(), 0.1) / (len(problems) - done)

        def tell(share: float, done: int = done) -> None:
            progress((done + share) / len(problems))

        try:
            found[at] = solve(problem, budget=left, progress=tell, **options)
        except MISSED as reason:
            found[at] = str(reason)
        tell(1.0)
    return found


def _checked(found: dict[int, Solution | str]) -> dict[int, Solution | str]:
    from ansatz.equations.classical import compare

    for one in found.values():
        if isinstance(one, Solution):
            one.checked = compare(one)
    return found


class SweptField:
    """One field for all values: call it with the coordinates; the values of a sweep come first, `[k, …]`."""

    def __init__(self, whole: "Sweep", name: str, by: tuple[str, ...] = ()):
        self.whole, self.name, self.by = whole, name, by

    def __call__(self, *places: Any, **named: Any) -> np.ndarray:
        """Return the field at the given places for every value, NaN where there is no solution.

        Raises:
            BadInput: a coordinate is missing, or a place is outside the domain of a value.
        """
        return self._each(lambda view: view(*places, **named))

    def spread(self, *places: Any, **named: Any) -> np.ndarray:
        """Return the standard deviation over the members of every value's ensemble."""
        return self._each(lambda view: view.spread(*places, **named))

    def derivative(self, by: str) -> "SweptField":
        """Return a derivative for every value: `derivative("xx")`."""
        found = SweptField(self.whole, self.name, (*self.by, by))
        found._view(self.whole.first)
        return found

    def __getattr__(self, by: str) -> "SweptField":
        if by.startswith("_"):
            raise AttributeError(by)
        return self.derivative(by)

    def _view(self, solution: Solution) -> FieldView:
        view = solution.field(self.name)
        for by in self.by:
            view = view.derivative(by)
        return view

    def _each(self, value: Callable[[Any], Any]) -> np.ndarray:
        found: list[Any] = []
        for at, solution in enumerate(self.whole.solutions):
            if solution is None:
                found.append(None)
                continue
            try:
                found.append(np.asarray(value(self._view(solution))))
            except BadInput as reason:
                raise BadInput(f"For {self.whole.label(at)}: {reason}") from None
        like = next(one for one in found if one is not None)
        return np.stack([np.full_like(like, np.nan) if one is None else one for one in found])


@dataclass
class Sweep:
    """The answers to one equation for many values of its constants.

    `parameters` are the k values of each swept constant and `shape` is that of their grid, `(k,)` for a list
    or pairs; `solutions[i]` is None where there is none, and `failures[i]` then says why.  `general` is the
    problem with its constants as symbols, where there is such a one.
    """

    parameters: dict[str, np.ndarray]
    shape: tuple[int, ...]
    solutions: tuple[Solution | None, ...]
    failures: tuple[str, ...]
    method: str
    remarks: tuple[str, ...] = ()
    seconds: float = 0.0
    general: Problem | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.solutions)

    @property
    def first(self) -> Solution:
        """The first solution that there is."""
        return next(one for one in self.solutions if one is not None)

    @property
    def error(self) -> np.ndarray:
        """The estimated relative L2 error of every value, `[k]`; infinite where there is no solution."""
        return np.array([np.inf if one is None else one.error for one in self.solutions])

    @property
    def converged(self) -> np.ndarray:
        """For every value whether its answer converged, `[k]`."""
        return np.array([one is not None and one.converged for one in self.solutions])

    @property
    def levels(self) -> np.ndarray | None:
        """The levels of eigenvalue problems, `[k, n]`, NaN where there is none; None of other problems."""
        each = [None if one is None else one.levels for one in self.solutions]
        if all(one is None for one in each):
            return None
        found = np.full((len(each), max(len(one) for one in each if one is not None)), np.nan)
        for row, one in zip(found, each, strict=True):
            row[: 0 if one is None else len(one)] = [] if one is None else one
        return found

    @property
    def verdict(self) -> str:
        """How far to trust the answers, in a sentence or two."""
        good, count = int(self.converged.sum()), len(self)
        said = f"All {count} values converged" if good == count else f"{good} of {count} values converged"
        if good:
            worst = int(np.argmax(np.where(self.converged, self.error, -1)))
            said += f": their estimated relative errors are at most {self.error[worst]:.1e}"
            said += f" ({self.label(worst)})" if count > 1 else ""
        if good < count:
            bad = int(np.argmin(self.converged))
            said += f". For {self.label(bad)}: {self.sentence(bad).rstrip('.')}"
        return f"{said}."

    def label(self, at: int) -> str:
        """Return the values of one place in words: `omega = 2, k = 0.5`."""
        return Case({name: float(values[at]) for name, values in self.parameters.items()}, "").label

    def sentence(self, at: int) -> str:
        """Return what is to be said of one value: the verdict of its solution, or why there is none."""
        solution = self.solutions[at]
        return self.failures[at] if solution is None else solution.verdict

    def __getitem__(self, name: str) -> SweptField:
        self.first.field(name)
        return SweptField(self, name)

    def __getattr__(self, name: str) -> SweptField:
        if name.startswith("_") or "solutions" not in self.__dict__ or name not in self.first.fields:
            fields = ", ".join(self.first.fields) if "solutions" in self.__dict__ else "none yet"
            raise AttributeError(f"A sweep has no {name!r}; its fields are {fields}.")
        return self[name]

    def table(self) -> "pl.DataFrame":
        """Return a row for every value: the constants, the estimated error, the residual, and the verdict."""
        from ansatz.equations.sweep_file import table

        return table(self)

    def export(self, path: Any, axes: tuple[np.ndarray, ...] | None = None) -> Path:
        """Write the values of all solutions on a grid, as `.npz` or `.csv`; return the path."""
        from ansatz.equations.sweep_file import export

        return export(self, Path(path), axes)

    def save(self, path: Any) -> None:
        """Write a folder: every solution in a folder of its own, an index page, a report and a table."""
        from ansatz.equations.sweep_file import save

        save(self, path)

    @classmethod
    def load(cls, path: Any) -> "Sweep":
        """Return a sweep from its folder."""
        from ansatz.equations.sweep_file import load

        return load(path)

    def report(self, path: Any = None) -> str:
        """Return the report as one HTML page, and write it if a path is given."""
        from ansatz.equations.sweep_report import page

        text = page(self)
        if path is not None:
            from ansatz.store import write_file

            write_file(Path(path), text.encode())
        return text
