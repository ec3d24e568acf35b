"""What was understood of a problem, said before anything is solved."""

from typing import Any

import sympy

from ansatz.equations.parse import parse_constant
from ansatz.equations.pointwise import Pointwise
from ansatz.equations.printing import equation_text, latex_text, unicode_of
from ansatz.equations.problem import Condition, Problem


def echo(problem: Problem) -> str:
    """Return the equations, the domain and the conditions with their kinds, as text in Unicode."""
    from ansatz.equations.statement import condition_text

    lines = ["Equation" if len(problem.equations) == 1 else "Equations"]
    lines += [f"  {unicode_of(equation_text(one))}" for one in problem.equations]
    lines.append(f"  {_kind(problem)}")
    lines.append("Domain")
    lines.append(f"  {domain_text(problem)}")
    if problem.conditions:
        lines.append("Conditions")
        texts = [unicode_of(condition_text(one, problem)) for one in problem.conditions]
        width = max(map(len, texts))
        lines += [
            f"  {text:<{width}}   {kind_of(one, problem)}"
            for text, one in zip(texts, problem.conditions, strict=True)
        ]
    for u in problem.unknowns:
        lines.append(f"Unknown  {unicode_of(u.symbol.name)}, starting at {u.start:g}")
    if problem.eigenvalue is not None:
        lines.append(f"Eigenvalue  {unicode_of(problem.eigenvalue.name)}, the {problem.levels} lowest")
    for one in problem.observations:
        lines.append(f"Data  {len(one.values)} values of {one.field.func.__name__}")
    lines += [f"· {remark}" for remark in problem.remarks]
    return "\n".join(lines)


def domain_text(problem: Problem) -> str:
    """Return the domain: `t = 0 … 1, x = -1 … 1`."""
    from ansatz.equations.statement import number_text

    parts = [
        f"{unicode_of(s.name)} = {unicode_of(number_text(low))} … {unicode_of(number_text(high))}"
        for s, (low, high) in problem.intervals.items()
    ]
    if problem.shape is not None:
        names = ", ".join(unicode_of(s.name) for s in problem.shape_coordinates)
        parts.append(f"({names}) in {problem.shape.describe()}")
    return ", ".join(parts)


def kind_of(condition: Condition, problem: Problem) -> str:
    """Return what a condition is called: an initial value, Dirichlet, Neumann, Robin, periodic …"""
    if condition.kind != "value":
        return {"periodic": "periodic", "integral": "integral", "boundary": "on the whole boundary"}[
            condition.kind
        ]
    if len(condition.at) == len(problem.coordinates) > 1:
        return "at a point"
    symbol, place = condition.at[0]
    pointwise = Pointwise([condition.residual], problem.fields, problem.coordinates)
    orders = {sum(index) for _, index in pointwise.jets}
    if symbol == problem.time:
        return "initial value" if orders == {0} else "initial rate" if orders == {1} else "initial condition"
    if place not in map(float, problem.intervals[symbol]):
        return "inside"
    return {frozenset({0}): "Dirichlet", frozenset({1}): "Neumann", frozenset({0, 1}): "Robin"}.get(
        frozenset(orders), "boundary condition"
    )


def latex_of(problem: Problem) -> str:
    """Return the equations, the domain and the conditions in LaTeX, one `aligned` line each."""
    lines = []
    for one in problem.equations:
        left = sympy.Add(*(t for t in sympy.Add.make_args(one) if _fielded(t, problem)))
        right = left - one
        lines.append(f"{latex_text(left)} &= {latex_text(sympy.expand(right))}")
    for one in problem.conditions:
        at = [f"{latex_text(s)} = {_latex_number(v)}" for s, v in one.at]
        if one.kind == "periodic":
            here, there = (rf"{latex_text(one.residual)}\big|_{{{end}}}" for end in at)
            lines.append(f"{here} &= {there}")
            continue
        place = rf" \quad ({', '.join(at)})" if at else ""
        place = r" \quad \text{on the boundary}" if one.kind == "boundary" else place
        lines.append(f"{latex_text(one.residual)} &= 0{place}")
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def _latex_number(value: Any) -> str:
    from ansatz.equations.statement import number_text

    return latex_text(parse_constant(number_text(value)))


def _fielded(term: Any, problem: Problem) -> bool:
    return any(term.has(f) for f in problem.fields)


def _kind(problem: Problem) -> str:
    pointwise = Pointwise(problem.equations, problem.fields, problem.coordinates)
    names = ", ".join(problem.complex_fields) or ", ".join(f.func.__name__ for f in problem.fields)
    orders = []
    for axis, s in enumerate(problem.coordinates):
        order = max(pointwise.order(n, axis) for n in range(len(problem.fields)))
        orders.append(f"{order} in {unicode_of(s.name)}")
    linear = "linear" if pointwise.linear else "nonlinear"
    return f"for {unicode_of(names)}: {linear}, of order {' and '.join(orders)}"
