"""How a sweep is stated: a problem for each value, and one in which the swept constants stay symbols."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from ansatz._spelling import nearest
from ansatz.equations.declare import _assignments, _let, _texts, problem_of_text
from ansatz.equations.expression import ALIASES, FUNCTIONS
from ansatz.equations.parse import CONSTANTS, find_fields
from ansatz.equations.parse_calls import FORMS
from ansatz.equations.parse_tokens import split_at, tokens
from ansatz.equations.problem import Problem
from ansatz.equations.sampling import letters
from ansatz.equations.solve_inverse import with_constants
from ansatz.equations.statement import number_text, restated, statement
from ansatz.equations.sweep_values import Case
from ansatz.errors import BadInput


class General(NamedTuple):
    """A problem whose unknown constants are what varies, and their values case by case."""

    problem: Problem
    values: list[dict[str, float]]


@runtime_checkable
class Stated(Protocol):
    """A statement with constants that take several values."""

    def check(self, case: Case) -> None:
        """Refuse to sweep what the statement does not have, or what it asks for."""

    def problem(self, case: Case) -> Problem:
        """Return the problem of one case."""
        ...

    def domain(self, case: Case) -> Any:
        """Return what cases must share to have one domain."""

    def general(self, cases: Sequence[Case]) -> General | None:
        """Return the problem of cases of one domain with their constants as symbols, if there is one."""


class Texts:
    """Equations, a domain and conditions as text; the constants are put in as `let`."""

    def __init__(self, equations: Any, on: Any, where: Any, rest: Mapping[str, Any]):
        if not isinstance(equations, str | Sequence) or not isinstance(on, str):
            raise BadInput(
                "A sweep takes equations and the domain as text, or a Problem whose constants are parameters."
            )
        self.equations, self.on, self.where, self.rest = equations, on, where, dict(rest)

    def check(self, case: Case) -> None:
        """Refuse to sweep what the statement does not have, or what it asks for."""
        texts = [*_texts(self.equations), *_texts(self.where)]
        coordinates = [part.partition("=")[0].strip() for _, part in split_at(self.on, ",")]
        fields = find_fields(texts, coordinates)
        lets = [value or "" for _, _, value in _assignments(case.let)]
        used = _names(self.on, *texts, *lets)
        kinds = {
            "the eigenvalue": self._asked("eigenvalue"), "to be found from data": self._asked("unknowns"),
            "a coordinate": coordinates, "an unknown function": fields,
        }  # fmt: skip
        derived = {name for name in used if name.partition("_")[0] in fields}
        others = used - derived - {one for names in kinds.values() for one in names}
        others = sorted(
            others - set(FUNCTIONS) - set(FORMS) - set(CONSTANTS) - set(ALIASES) - set(case.values)
        )
        for name in case.values:
            for kind, names in kinds.items():
                if name in names:
                    advice = " or ".join(others) or "a constant of the equations"
                    raise BadInput(f"{name} is {kind}, so it has no values to sweep; sweep {advice}.")
            if name not in used:
                advice = "write it where it belongs, as in y'' = -omega^2*y"
                advice = nearest(name, others) if others else advice
                raise BadInput(f"The statement has no constant {name!r}; {advice}.")

    def problem(self, case: Case) -> Problem:
        """Return the problem of one case."""
        return problem_of_text(self.equations, self.on, self.where, let=case.let, **self.rest)

    def domain(self, case: Case) -> Any:
        """Return the values of the constants in the domain."""
        inside = _names(self.on)
        return tuple((name, float(value)) for name, value in _let(case.let).items() if name in inside)

    def general(self, cases: Sequence[Case]) -> General | None:
        """Return the problem in which what varies over the cases is unknown."""
        if self.rest.get("unknowns") or self.rest.get("eigenvalue"):
            return None
        tables = [{name: float(value) for name, value in _let(one.let).items()} for one in cases]
        varying = [name for name in tables[0] if len({one[name] for one in tables}) > 1]
        stated = _names(*_texts(self.equations), *_texts(self.where))
        used = [name for name in varying if name in stated]
        if not used or set(varying) & _names(self.on):
            return None
        fixed = [f"{name}={text}" for name, _, text in _assignments(cases[0].let) if name not in varying]
        unknowns = ", ".join(f"{name}={number_text(tables[0][name])}" for name in used)
        rest: dict[str, Any] = self.rest | {"unknowns": unknowns, "corners": "accept"}
        try:
            found = problem_of_text(self.equations, self.on, self.where, let=", ".join(fixed), **rest)
        except BadInput:
            return None
        return General(found, [{name: one[name] for name in used} for one in tables])

    def _asked(self, name: str) -> list[str]:
        return [one for one, _, _ in _assignments(self.rest.get(name, ""))]


class Declared:
    """A `Problem` whose constants, declared by `parameter`, take the values."""

    def __init__(self, problem: Problem):
        self.whole = problem

    def check(self, case: Case) -> None:
        """Refuse to sweep what the problem does not have, or what it asks for."""
        own = [u.symbol.name for u in self.whole.unknowns]
        if self.whole.observations:
            raise BadInput("The problem's parameters are found from its data; a sweep gives them instead.")
        for name in case.values:
            if self.whole.eigenvalue is not None and name == self.whole.eigenvalue.name:
                raise BadInput(f"{name} is the eigenvalue, so it has no values to sweep.")
            if name not in own:
                advice = nearest(name, own) if own else "declare it by ansatz.parameter"
                raise BadInput(f"The problem has no parameter {name!r}; {advice}.")
        given = _numbers(case)
        for name in own:
            if name not in given:
                raise BadInput(f"The parameter {name} has no value; let needs it too.")

    def problem(self, case: Case) -> Problem:
        """Return the problem of one case."""
        return restated(statement(with_constants(self.whole, _numbers(case))))

    def domain(self, case: Case) -> Any:
        """Return nothing: the domain is the same."""
        return ()

    def general(self, cases: Sequence[Case]) -> General | None:
        """Return the problem itself."""
        own = {u.symbol.name for u in self.whole.unknowns}
        values = [{name: value for name, value in _numbers(one).items() if name in own} for one in cases]
        return None if self.whole.eigenvalue is not None else General(self.whole, values)


def echo(problem: Problem, columns: Mapping[str, Any]) -> str:
    """Return a general problem as text in Unicode, and the values `[k]` of its constants below."""
    lines = [line for line in problem.echo().splitlines() if not line.startswith("Unknown ")]
    for name, values in columns.items():
        own = dict.fromkeys(f"{value:.6g}" for value in values)
        listed = [*list(own)[:6], *(["…"] if len(own) > 6 else [])]
        lines.append(f"Swept  {letters(name)} = {', '.join(listed)}")
    return "\n".join(lines)


def _numbers(case: Case) -> dict[str, float]:
    return {name: float(value) for name, value in _let(case.let).items()}


def _names(*texts: str) -> set[str]:
    return {word.text for text in texts for word in tokens(text) if word.kind == "name"}
