"""From the two ways of stating a problem, Python expressions and text, to its parts."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy
from sympy.core.function import AppliedUndef

from ansatz.equations.complex_parts import pair_of, parts_of
from ansatz.equations.conditions import Setting, conditions_of, merged
from ansatz.equations.declare_domain import domain_of, domain_of_text, taken
from ansatz.equations.declare_function import called, equations_of, is_function
from ansatz.equations.expression import Equation, Expression, Field, Levels, Unknown
from ansatz.equations.parse import Scope, find_fields, parse_constant, parse_equation
from ansatz.equations.parse_tokens import BadText, split_at, tokens, wrong
from ansatz.equations.printing import text_of
from ansatz.equations.problem import Observation, Problem, observe
from ansatz.errors import BadInput

__all__ = ["assemble", "periodic", "problem_of_text"]


def periodic(coordinate: Expression) -> Equation:
    """State that every field is periodic over the interval of a coordinate."""
    return Equation(sympy.Tuple(coordinate.expr), f"periodic({coordinate})")  # type: ignore[arg-type]


def assemble(
    equations: Any, on: Mapping[Any, Any] | str, where: Sequence[Any], data: Sequence[Observation]
) -> dict[str, Any]:
    """Return the attributes of a `Problem` from what was stated; `check` judges them afterwards."""
    intervals, shape, inside = domain_of(domain_of_text(on, {}) if isinstance(on, str) else on)
    symbols = [*intervals, *inside]
    listed = list(equations) if isinstance(equations, list | tuple) else [equations]
    functions = [one for one in listed if is_function(one)]
    if functions and len(functions) < len(listed):
        raise BadInput("Some equations are functions and some are not; state all of them in one way.")
    named: Mapping[str, Field] = {}
    if functions:
        listed, named = equations_of(functions, symbols)
    stated = [_equation(one) for one in listed]
    fields = _fields([one.residual for one in stated], set(symbols))
    scope = _scope(symbols, named, fields)
    places = [_equation(one) for each in where for one in _placed(each, scope)]
    for one in stated:
        _check_equation(one)
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
        left, right = map(Expression, stated.args)
        return left == right
    if isinstance(stated, sympy.Expr):
        return Equation(stated, f"{stated} = 0")
    raise BadInput(f"{stated!r} is no equation; write it with ==, as u.t == u.xx.")


def _scope(symbols: list[Any], named: Mapping[str, Field], fields: tuple[Any, ...]) -> Scope:
    """Return what the names in a condition mean beside the equations."""
    found = {one.func.__name__: one for one in fields} | {name: one.expr for name, one in named.items()}
    return Scope({one.name: one for one in symbols}, found)


def _placed(stated: Any, scope: Scope) -> list[Any]:
    """Return the conditions that a text, a function or an equation states."""
    if isinstance(stated, str):
        return [_condition(part, scope) for part in _texts(stated)]
    if is_function(stated):
        fields = {name: Field(one) for name, one in scope.fields.items()}
        return called(stated, scope.coordinates, fields)
    return [stated]


def _check_equation(stated: Equation) -> None:
    """Refuse in an equation what only a condition may contain."""
    text, residual = stated.text, stated.residual
    if residual.has(sympy.Subs):
        place = min(residual.atoms(sympy.Subs), key=str)
        raise BadInput(
            f"The equation {text} contains {text_of(place)}, a value at a place; only conditions do."
        )
    for one in residual.atoms(sympy.Integral):
        if one.has(AppliedUndef):
            raise BadInput(
                f"The equation {text} contains {text_of(one)}; integrals of unknown functions "
                f"stand in conditions only."
            )


def _fields(residuals: list[Any], coordinates: set[Any]) -> tuple[Any, ...]:
    """Return the unknown functions, which must all have the coordinates of the domain."""
    found = tuple(
        dict.fromkeys(one for each in residuals for one in sorted(each.atoms(AppliedUndef), key=str))
    )
    if not found:
        raise BadInput("The equations differentiate no unknown function; write one as u_t = u_xx.")
    for one in found:
        if one.func.__name__ == "dn":
            raise BadInput(
                f"The equations contain {text_of(one)}; normal derivatives stand in conditions only."
            )
        if not all(isinstance(each, sympy.Symbol) for each in one.args):
            raise BadInput(
                f"The equations contain {one}; an unknown function stands with its coordinates only."
            )
        if one.args != found[0].args:
            raise BadInput(f"{found[0]} and {one} have other coordinates; all fields share one list of them.")
    missing, strange = set(found[0].args) - coordinates, coordinates - set(found[0].args)
    if missing:
        raise BadInput(f"The domain says nothing of {min(map(str, missing))}, on which {found[0]} depends.")
    if strange:
        raise BadInput(f"The domain has {min(map(str, strange))}, on which {found[0]} does not depend.")
    return found


def problem_of_text(
    equations: str | Sequence[str] | Callable[..., Any],
    on: str | Mapping[Any, Any],
    where: str | Sequence[Any] = (),
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
        equations: `"u_t + u*u_x = 0.01/pi*u_xx"`; several, as a list or separated by `;`; or a function
            `residual(u, t, x)`, for which `on` and `where` may be what `Problem` takes.
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
    domain = domain_of_text(on, constants) if isinstance(on, str) else dict(on)
    if not isinstance(equations, str | Sequence):
        if constants or unknowns or eigenvalue or complex or data is not None:
            raise BadInput("A function has its constants inside; unknown ones are declared by parameter.")
        return Problem(equations, domain, [where] if isinstance(where, str) else where, corners=corners)
    if not isinstance(on, str):
        raise BadInput("The domain of equations in text is a text too, such as t=0..1, x=-1..1.")
    symbols = [one for key in domain for one in (key if isinstance(key, tuple) else (key,))]
    names = {one.name: one for one in symbols}
    declared = _unknowns(unknowns, eigenvalue, levels)
    for one in declared:
        if one.symbol.name in constants:
            raise BadInput(f"{one.symbol} has a value in --let and is unknown too; leave one of them away.")
    known = constants | {one.symbol.name: one.symbol for one in declared}
    for name in known:
        if name in names:
            raise BadInput(
                f"{name} is a coordinate in --on and a constant too; give one of them another name."
            )
    texts = _texts(equations)
    if not texts:
        raise BadText("", 0, "No equation stands", "write one such as u_t = u_xx")
    found = find_fields(texts, names, {*known, *names})
    if not found:
        raise wrong(
            texts[0], 0, "No derivative of an unknown function", "write derivatives as u_x, u' or diff(u, x)"
        )
    for name in found:
        if name in known:
            raise BadInput(
                f"{name} is differentiated in the equations and a constant too; rename one of them."
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
        constants[name] = _value_in(text, start, value, constants)
    return constants


def _unknowns(text: str, eigenvalue: str, levels: int) -> list[Unknown | Levels]:
    found: list[Unknown | Levels] = []
    for name, place, value in _assignments(text):
        start = 1.0 if value is None else float(_value_in(text, place, value, {}))
        found.append(Unknown(sympy.Symbol(name, real=True), start))
    if eigenvalue.strip():
        (name, _, value), *more = _assignments(eigenvalue)
        if more or value is not None:
            raise wrong(eigenvalue, 0, "More than one name stands", "name the one eigenvalue, as E")
        if name in {one.symbol.name for one in found}:
            raise BadInput(f"{name} is the eigenvalue and unknown too; leave one of them away.")
        if levels < 1:
            raise BadInput(f"{levels} eigenvalues are asked for; ask for at least one.")
        found.append(Levels(sympy.Symbol(name, real=True), levels))
    return found


def _value_in(text: str, start: int, value: str, constants: Mapping[str, Any]) -> Any:
    """Return the constant that a part of a text spells, its errors placed in the whole."""
    if not value.strip():
        raise wrong(text, start, "A name without a value stands", "write a number after '=', as in nu=0.1")
    try:
        return parse_constant(value, constants)
    except BadText as problem:
        raise problem.within(text, text.index("=", start) + 1) from None


def _assignments(text: str) -> list[tuple[str, int, str | None]]:
    """Split `"a=1, b"` into names, places and values."""
    found: list[tuple[str, int, str | None]] = []
    for start, part in split_at(text, ",") if text.strip() else []:
        name, equals, value = part.partition("=")
        name, place = name.strip(), start + len(part) - len(part.lstrip())
        if not name.isidentifier() or (taken(name) and name != "gamma"):
            shown = f"{name!r} stands" if name else "Nothing stands"
            raise wrong(text, place, shown, "a free name must stand there, as in nu=0.1")
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
    measured: dict[str, Any] = {}
    for name, function in scope.fields.items():
        parts = pair_of(function) if name in imaginary else (function,)
        measured |= {one.func.__name__: one for one in parts}
    found = [observe(Expression(one), data) for name, one in measured.items() if name in data]
    if not found:
        raise BadInput(f"The data have no column for a field; name one of them {' or '.join(measured)}.")
    return found
