"""From the two ways of stating a problem, Python expressions and text, to its parts."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from ansatz.core import BadInput
from ansatz.equations.complex_parts import pair_of, parts_of
from ansatz.equations.conditions import Setting, conditions_of, merged
from ansatz.equations.declare_domain import RESERVED, domain_of, domain_of_text
from ansatz.equations.expression import ALIASES, FUNCTIONS, Equation, Expression, Levels, Unknown
from ansatz.equations.parse import Scope, find_fields, parse_constant, parse_equation
from ansatz.equations.parse_calls import FORMS
from ansatz.equations.parse_tokens import split_at, tokens, wrong
from ansatz.equations.problem import Observation, Problem

__all__ = ["assemble", "periodic", "problem_of_text"]


def periodic(coordinate: Expression) -> Equation:
    """State that every field is periodic over the interval of a coordinate."""
    return Equation(sympy.Tuple(coordinate.expr), f"periodic({coordinate})")  # type: ignore[arg-type]


def assemble(
    equations: Any, on: Mapping[Any, Any], where: Sequence[Any], data: Sequence[Observation]
) -> dict[str, Any]:
    """Return the attributes of a `Problem` from what was stated; `check` judges them afterwards."""
    stated = [_equation(one) for one in (equations if isinstance(equations, list | tuple) else [equations])]
    places = [_equation(one) for one in where]
    intervals, shape, inside = domain_of(on)
    fields = _fields([one.residual for one in stated], {*intervals, *inside})
    pairs = {one: pair_of(one) for one in fields if not one.is_real}
    setting = Setting(intervals, shape, inside, fields, pairs)
    found = [one for each in places for one in conditions_of(each.residual, each.text, setting)]
    declared = sorted(frozenset().union(*(one.declared for one in [*stated, *places])), key=str)
    levels = [one for one in declared if isinstance(one, Levels)]
    if len(levels) > 1:
        raise BadInput(
            f"There are two eigenvalues, {levels[0].symbol} and {levels[1].symbol}; one is solved for."
        )
    real = tuple(part for one in fields for part in pairs.get(one, (one,)))
    return {
        "coordinates": fields[0].args,
        "fields": real,
        "equations": tuple(part for one in stated for part in parts_of(one.residual, pairs) if part != 0),
        "intervals": intervals,
        "shape": shape,
        "shape_coordinates": inside,
        "conditions": merged(found),
        "unknowns": tuple(one for one in declared if isinstance(one, Unknown)),
        "eigenvalue": levels[0].symbol if levels else None,
        "levels": levels[0].count if levels else 0,
        "observations": tuple(data),
        "complex_fields": {one.func.__name__: pairs[one] for one in pairs},
    }


def _equation(stated: Any) -> Equation:
    if isinstance(stated, Equation):
        return stated
    if isinstance(stated, Expression):
        return Equation(stated.expr, f"{stated} = 0", stated.declared)
    if isinstance(stated, sympy.Eq):
        return Equation(stated.lhs - stated.rhs, f"{stated.lhs} = {stated.rhs}")
    if isinstance(stated, sympy.Expr):
        return Equation(stated, f"{stated} = 0")
    raise BadInput(f"{stated!r} is no equation; write it with ==, as u.t == u.xx.")


def _fields(residuals: list[Any], coordinates: set[Any]) -> tuple[Any, ...]:
    """Return the unknown functions, which must all have the coordinates of the domain."""
    found = tuple(
        dict.fromkeys(one for each in residuals for one in sorted(each.atoms(AppliedUndef), key=str))
    )
    if not found:
        raise BadInput("The equations differentiate no unknown function; write one as u_t = u_xx.")
    for one in found:
        if one.args != found[0].args:
            raise BadInput(f"{found[0]} and {one} have other coordinates; all fields share one list of them.")
    missing, strange = set(found[0].args) - coordinates, coordinates - set(found[0].args)
    if missing:
        raise BadInput(f"The domain says nothing of {min(map(str, missing))}, on which {found[0]} depends.")
    if strange:
        raise BadInput(f"The domain has {min(map(str, strange))}, on which {found[0]} does not depend.")
    return found


def problem_of_text(
    equations: str | Sequence[str],
    on: str,
    where: str | Sequence[str] = (),
    *,
    unknowns: str = "",
    eigenvalue: str = "",
    levels: int = 1,
    let: str = "",
    complex: Sequence[str] = (),
    data: Mapping[str, Any] | None = None,
    corners: str = "reject",
) -> Problem:
    """Return the problem that texts state.

    Args:
        equations: `"u_t + u*u_x = 0.01/pi*u_xx"`; several, as a list or separated by `;`.
        on: the domain, `"t=0..1, x=-1..1"` or `"x,y=disk(0,0,1)"`.
        where: the conditions, `"u(0,x)=-sin(pi*x)"`, `"u(t,-1)=u(t,1)"`, `"u=0"`, `"integral(u,x)=1"`.
        unknowns: constants to find from data, with their start: `"nu=0.1, rho"`.
        eigenvalue: the name of an eigenvalue, of which the lowest `levels` are wanted.
        let: constants with their values, `"nu=0.01/pi, k=4*pi"`.
        complex: the complex fields; by default those of the equations that contain `i`.
        data: columns `[n]` by name: every coordinate, and the fields that were measured.
        corners: "reject" or "accept" an initial value that contradicts a boundary value.

    Raises:
        BadInput: a text is not understood, or the problem is not well posed.

    >>> problem = problem_of_text("u'' + u = 0", "t=0..6", ["u(0)=1", "u'(0)=0"])
    >>> print(problem.linear, problem.time)
    True t
    """
    constants = _let(let)
    domain = domain_of_text(on, constants)
    symbols = [one for key in domain for one in (key if isinstance(key, tuple) else (key,))]
    names = {one.name: one for one in symbols}
    declared = _unknowns(unknowns, eigenvalue, levels)
    known = constants | {one.symbol.name: one.symbol for one in declared}
    for name in known:
        if name in names:
            raise BadInput(
                f"{name} is a coordinate in --on and a constant too; give one of them another name."
            )
    texts = _texts(equations)
    found = find_fields(texts, names, {*known, *names})
    if not found:
        raise wrong(
            texts[0], 0, "No derivative of an unknown function", "write derivatives as u_x, u' or diff(u, x)"
        )
    conditions = _texts(where)
    imaginary = _complex(texts, conditions, found, complex, {*names, *known})
    scope = Scope(names, {name: _function(name, name in imaginary)(*symbols) for name in found}, known)
    own = frozenset(declared)
    stated = [Equation(parse_equation(one, scope), one, own) for one in texts]
    places = [_condition(one, scope) for one in conditions]
    problem = Problem(stated, domain, places, data=_observed(data, scope, imaginary), corners=corners)
    return problem


def _texts(given: str | Sequence[str]) -> list[str]:
    listed = [given] if isinstance(given, str) else list(given)
    parts = [part.strip() for text in listed for _, part in split_at(text, ";")]
    return [part for part in parts if part]


def _function(name: str, imaginary: bool) -> Any:
    return sympy.Function(name) if imaginary else sympy.Function(name, real=True)


def _let(text: str) -> dict[str, Any]:
    """Return the constants of `"nu=0.01/pi, k=4*pi"`; later ones may use earlier ones."""
    constants: dict[str, Any] = {}
    for name, start, value in _assignments(text):
        if value is None:
            raise wrong(text, start, f"{name} stands without a value", f"write {name}=1")
        constants[name] = parse_constant(value, constants)
    return constants


def _unknowns(text: str, eigenvalue: str, levels: int) -> list[Unknown | Levels]:
    found: list[Unknown | Levels] = []
    for name, _, value in _assignments(text):
        start = 1.0 if value is None else float(parse_constant(value))
        found.append(Unknown(sympy.Symbol(name, real=True), start))
    if eigenvalue:
        name = next(iter(_assignments(eigenvalue)))[0]
        if levels < 1:
            raise BadInput(f"{levels} eigenvalues are asked for; ask for at least one.")
        found.append(Levels(sympy.Symbol(name, real=True), levels))
    return found


def _assignments(text: str) -> list[tuple[str, int, str | None]]:
    """Split `"a=1, b"` into names, places and values."""
    found: list[tuple[str, int, str | None]] = []
    for start, part in split_at(text, ",") if text.strip() else []:
        name, equals, value = part.partition("=")
        name, place = name.strip(), start + len(part) - len(part.lstrip())
        taken = name in RESERVED or name in FUNCTIONS or name in FORMS or name in ALIASES
        if not name.isidentifier() or (taken and name not in ("e", "i")):
            raise wrong(text, place, f"{name!r} stands", "a free name must stand there, as in nu=0.1")
        if name in {one[0] for one in found}:
            raise wrong(text, place, f"{name} stands a second time", "give each constant once")
        found.append((name, place, value if equals else None))
    return found


def _complex(
    equations: list[str], conditions: list[str], fields: Sequence[str], given: Sequence[str], known: set[str]
) -> set[str]:
    """Return the names of the complex fields: those given, else those beside an `i`."""
    for name in given:
        if name not in fields:
            raise BadInput(
                f"{name} is to be complex and no equation contains it; the fields are {', '.join(fields)}."
            )
    if given or "i" in known:
        return set(given)
    found: set[str] = set()
    for text in [*equations, *conditions]:
        words = {
            part
            for word in tokens(text)
            if word.kind == "name"
            for part in (word.text, word.text.rpartition("_")[0])
        }
        found |= {name for name in fields if name in words} if "i" in words else set()
    return found


def _condition(text: str, scope: Scope) -> Equation:
    words = [word.text for word in tokens(text)]
    if words[:2] == ["periodic", "("]:
        if len(words) != 5 or words[2] not in scope.coordinates or words[3] != ")":
            raise wrong(
                text, 0, "periodic has other arguments", f"name one of {', '.join(scope.coordinates)}"
            )
        return periodic(Expression(scope.coordinates[words[2]]))
    return Equation(parse_equation(text, scope), text)


def _observed(data: Mapping[str, Any] | None, scope: Scope, imaginary: set[str]) -> list[Observation]:
    """Return an observation for every field that has a column."""
    if data is None:
        return []
    columns = {str(name): np.asarray(value, np.float64) for name, value in data.items()}
    for name in scope.coordinates:
        if name not in columns:
            raise BadInput(
                f"The data have no column {name!r} for the coordinate; the columns are {', '.join(columns)}."
            )
    points = {symbol: columns[name] for name, symbol in scope.coordinates.items()}
    measured: dict[str, Any] = {}
    for name, function in scope.fields.items():
        parts = pair_of(function) if name in imaginary else (function,)
        measured |= {one.func.__name__: one for one in parts}
    found = [Observation(one, points, columns[name]) for name, one in measured.items() if name in columns]
    if not found:
        raise BadInput(f"The data have no column for a field; name one of them {' or '.join(measured)}.")
    return found
