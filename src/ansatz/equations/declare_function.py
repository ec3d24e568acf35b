"""Equations and conditions as plain functions: `residual(u, t, x)`, called once with expressions."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy

from ansatz._spelling import nearest
from ansatz.equations.expression import Equation, Expression, Field
from ansatz.errors import BadInput


def is_function(stated: Any) -> bool:
    """Tell whether an equation is stated by a plain function."""
    return callable(stated) and not isinstance(stated, Expression | Equation | sympy.Basic | type)


def equations_of(
    functions: Sequence[Callable[..., Any]], coordinates: Sequence[sympy.Symbol]
) -> tuple[list[Any], dict[str, Field]]:
    """Return the equations that functions state, and the fields by name.

    A parameter with the name of a coordinate is the coordinate, one with a default keeps it, and every
    other is a field; fields depend on the coordinates in the order of the first function.  They are complex
    where an imaginary number stands in an equation.

    Raises:
        BadInput: a function has no field, or fails.
    """
    names = {one.name: one for one in coordinates}
    taken = [parameters_of(one) for one in functions]
    order = dict.fromkeys([*(one for one in taken[0] if one in names), *names])
    symbols = [names[one] for one in order]
    found = dict.fromkeys(one for each in taken for one in each if one not in names)
    if not found:
        own = name_of(functions[0])
        raise BadInput(f"The function {own} takes no unknown function; write {own}(u, {', '.join(order)}).")
    for imaginary in (False, True):
        fields = {one: _field(one, symbols, imaginary) for one in found}
        stated = [one for each in functions for one in called(each, names, fields)]
        if not any(_plain(one).has(sympy.I) for one in stated):
            break
    return stated, fields


def called(
    function: Callable[..., Any], coordinates: Mapping[str, sympy.Symbol], fields: Mapping[str, Field]
) -> list[Any]:
    """Return the equations that one function states for given fields.

    Raises:
        BadInput: the function has another parameter, fails, or returns no equation.
    """
    known = {name: Expression(one) for name, one in coordinates.items()} | dict(fields)
    own = name_of(function)
    for name in parameters_of(function):
        if name not in known:
            raise BadInput(f"The function {own} takes {name!r}; {nearest(name, known)}.")
    try:
        result = function(*(known[name] for name in parameters_of(function)))
    except BadInput:
        raise
    except (TypeError, ValueError, AttributeError) as problem:
        reason = str(problem).strip().splitlines()[0].rstrip(".")
        raise BadInput(
            f"The function {own} fails with expressions ({reason}); "
            f"write functions as ansatz.sin, and derivatives as u.t and u.xx."
        ) from problem
    found = list(result) if isinstance(result, list | tuple) else [result]
    for one in found:
        if not isinstance(one, Expression | Equation | sympy.Expr | sympy.Eq):
            raise BadInput(
                f"The function {own} returns {one!r}; it must return left - right, or left == right."
            )
    return found


def name_of(function: Callable[..., Any]) -> str:
    """Return what a function is called."""
    return getattr(function, "__name__", type(function).__name__)


def parameters_of(function: Callable[..., Any]) -> list[str]:
    """Return the names of the parameters that have no default.

    Raises:
        BadInput: the parameters have no names.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        parameters = ()
    wanted = [one for one in parameters if one.default is one.empty]
    named = all(one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD) for one in wanted)
    if not wanted or not named:
        raise BadInput(
            f"The function {name_of(function)} must name its fields and coordinates, as (u, t, x)."
        )
    return [one.name for one in wanted]


def _field(name: str, symbols: Sequence[sympy.Symbol], imaginary: bool) -> Field:
    function: Any = sympy.Function(name) if imaginary else sympy.Function(name, real=True)
    return Field(function(*symbols))


def _plain(stated: Any) -> sympy.Basic:
    if isinstance(stated, Equation):
        return sympy.sympify(stated.residual, strict=True)
    return stated.expr if isinstance(stated, Expression) else stated
