"""A problem as texts that state it anew: what a saved solution keeps."""

from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from ansatz.equations.declare import problem_of_text
from ansatz.equations.expression import exact
from ansatz.equations.printing import equation_text, text_of
from ansatz.equations.problem import Condition, Problem


def statement(problem: Problem) -> dict[str, Any]:
    """Return the texts of a problem; complex fields are stated by their real and imaginary parts."""
    domain = [
        f"{s.name}={number_text(low)}..{number_text(high)}" for s, (low, high) in problem.intervals.items()
    ]
    if problem.shape is not None:
        domain.append(f"{','.join(s.name for s in problem.shape_coordinates)}={problem.shape.describe()}")
    whole = {one.text for one in problem.conditions if one.kind == "boundary"}
    stated = [one for one in problem.conditions if one.kind == "boundary" or one.text not in whole]
    unknowns = ", ".join(f"{u.symbol.name}={number_text(u.start)}" for u in problem.unknowns)
    return {
        "equations": [equation_text(one) for one in problem.equations],
        "on": ", ".join(domain),
        "where": [condition_text(one, problem) for one in stated],
        "unknowns": unknowns,
        "eigenvalue": "" if problem.eigenvalue is None else problem.eigenvalue.name,
        "levels": problem.levels or 1,
        "parts": {name: [p.func.__name__ for p in pair] for name, pair in problem.complex_fields.items()},
        "fields": [f.func.__name__ for f in problem.fields],
        "coordinates": [s.name for s in problem.coordinates],
    }


def restated(texts: dict[str, Any]) -> Problem:
    """Return the problem that `statement` wrote down, its fields in the same order.

    Raises:
        BadInput: a text is none that a statement holds.
    """
    keys = ("unknowns", "eigenvalue", "levels")
    problem = problem_of_text(
        texts["equations"], texts["on"], texts["where"], corners="accept", **{k: texts[k] for k in keys}
    )
    by_name = {f.func.__name__: f for f in problem.fields}
    order = [str(name) for name in texts["fields"]]
    problem.fields = tuple(by_name[name] for name in order)
    problem.complex_fields = {
        name: (by_name[pair[0]], by_name[pair[1]]) for name, pair in texts["parts"].items()
    }
    return problem


def condition_text(condition: Condition, problem: Problem) -> str:
    """Return a condition as the parser reads it: `u_x(t,1) + 2*u(t,1) = 0`."""
    at = dict(condition.at)
    if condition.kind == "periodic":
        (symbol, low), (_, high) = condition.at
        name = condition.residual.func.__name__
        return f"{name}{_place(problem, {symbol: low})} = {name}{_place(problem, {symbol: high})}"
    if condition.kind == "boundary":
        return _sides(condition.residual, problem, None)
    if condition.kind == "integral":
        return _sides(condition.residual, problem, at or None)
    return _sides(condition.residual, problem, at)


def _integrated(residual: Any, problem: Problem, at: dict[Any, float] | None) -> Any:
    """Put one symbol, spelled as the parser reads it, in the place of every integral."""
    table = {}
    for one in residual.atoms(sympy.Integral):
        over = ""
        for symbol, *ends in one.limits:
            whole = tuple(map(exact, problem.intervals.get(symbol, ())))
            over += f", {symbol}" + ("" if tuple(ends) == whole else "".join(f", {text_of(e)}" for e in ends))
        table[one] = sympy.Symbol(f"integral({text_of(_named(one.function, problem, at))}{over})")
    return residual.xreplace(table)


def _sides(residual: Any, problem: Problem, at: dict[Any, float] | None) -> str:
    """Return `what is asked of the fields = its value`."""
    terms = sympy.Add.make_args(residual)
    left: Any = sympy.Add(*(one for one in terms if one.has(*problem.fields)))
    right = left - residual
    if left.could_extract_minus_sign():
        left, right = -left, -right
    left = _integrated(left, problem, at)
    return f"{text_of(_named(left, problem, at))} = {text_of(right.subs(at or {}))}"


def _named(expression: Any, problem: Problem, at: dict[Any, float] | None) -> Any:
    """Put one symbol, spelled as the parser reads it, in the place of every field and derivative."""
    place = "" if at is None else _place(problem, at)
    table: dict[Any, sympy.Symbol] = {}
    for one in expression.atoms(sympy.Derivative):
        letters = "_" + "".join(s.name * int(k) for s, k in one.variable_count)
        if len(problem.coordinates) == 1 and one.derivative_count < 4:
            letters = "'" * int(one.derivative_count)
        table[one] = sympy.Symbol(f"{one.expr.func.__name__}{letters}{place}")
    for one in expression.atoms(AppliedUndef):
        if one.func.__name__ == "dn":
            table[one] = sympy.Symbol(f"dn({one.args[0].func.__name__})")
    expression = expression.xreplace(table)
    fields = {f: sympy.Symbol(f"{f.func.__name__}{place}") for f in problem.fields}
    return expression.xreplace(fields).subs(at or {})


def _place(problem: Problem, at: dict[Any, float]) -> str:
    return f"({','.join(number_text(at[s]) if s in at else s.name for s in problem.coordinates)})"


def number_text(value: Any) -> str:
    """Return a number as the parser reads it back to the last bit: `0.5`, `2*pi`, `-pi/2`.

    >>> number_text(-np.pi / 2)
    '-pi/2'
    """
    share = Fraction(float(value) / np.pi).limit_denominator(12)
    multiple = sympy.Rational(share.numerator, share.denominator) * sympy.pi
    if share and abs(share.numerator) < 1000 and float(multiple) == float(value):
        return text_of(multiple)
    return repr(float(value)).removesuffix(".0")
