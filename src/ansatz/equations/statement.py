"""A problem as texts that state it anew: what a saved solution keeps."""

from typing import Any

import sympy
from sympy.core.function import AppliedUndef

from ansatz.equations.declare import problem_of_text
from ansatz.equations.printing import equation_text, text_of
from ansatz.equations.problem import Condition, Problem


def statement(problem: Problem) -> dict[str, Any]:
    """Return the texts of a problem; complex fields are stated by their real and imaginary parts."""
    domain = [f"{s.name}={_number(low)}..{_number(high)}" for s, (low, high) in problem.intervals.items()]
    if problem.shape is not None:
        domain.append(f"{','.join(s.name for s in problem.shape_coordinates)}={problem.shape.describe()}")
    unknowns = ", ".join(f"{u.symbol.name}={_number(u.start)}" for u in problem.unknowns)
    return {
        "equations": [equation_text(one) for one in problem.equations],
        "on": ", ".join(domain),
        "where": [condition_text(one, problem) for one in problem.conditions],
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
        (whole,) = condition.residual.atoms(sympy.Integral)
        inside = text_of(_named(whole.function, problem, at if at else None))
        over = ", ".join(limit[0].name for limit in whole.limits)
        return f"integral({inside}, {over}) = {text_of(whole - condition.residual)}"
    return _sides(condition.residual, problem, at)


def _sides(residual: sympy.Expr, problem: Problem, at: dict[Any, float] | None) -> str:
    """Return `what is asked of the fields = its value`."""
    terms = sympy.Add.make_args(residual)
    left = sympy.Add(*(one for one in terms if one.has(*problem.fields)))
    right = left - residual
    if left.could_extract_minus_sign():
        left, right = -left, -right
    return f"{text_of(_named(left, problem, at))} = {text_of(right.subs(at or {}))}"


def _named(expression: sympy.Expr, problem: Problem, at: dict[Any, float] | None) -> sympy.Expr:
    """Put one symbol, spelled as the parser reads it, in the place of every field and derivative."""
    place = "" if at is None else _place(problem, at)
    table: dict[Any, sympy.Symbol] = {}
    for one in expression.atoms(sympy.Derivative):
        letters = "".join(s.name * int(k) for s, k in one.variable_count)
        table[one] = sympy.Symbol(f"{one.expr.func.__name__}_{letters}{place}")
    for one in expression.atoms(AppliedUndef):
        if one.func.__name__ == "dn":
            table[one] = sympy.Symbol(f"dn({one.args[0].func.__name__})")
    expression = expression.xreplace(table)
    fields = {f: sympy.Symbol(f"{f.func.__name__}{place}") for f in problem.fields}
    return expression.xreplace(fields).subs(at or {})


def _place(problem: Problem, at: dict[Any, float]) -> str:
    return f"({','.join(_number(at[s]) if s in at else s.name for s in problem.coordinates)})"


def _number(value: Any) -> str:
    return repr(float(value)).removesuffix(".0")
