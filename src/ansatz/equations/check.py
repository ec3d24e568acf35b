"""Is a problem well posed?  What is missing, too much, contradicting or singular is said beforehand."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import sympy

from ansatz.equations.expression import TIMES
from ansatz.equations.lower import evaluate
from ansatz.equations.pointwise import Pointwise
from ansatz.equations.problem import Condition, Problem
from ansatz.equations.singular import singular_places
from ansatz.errors import BadInput

HIGHEST, MOST = 4, 5
APART = 1e-7
"""Values that meet at a corner contradict one another if they differ by so large a share of their size."""


def check(problem: Problem, corners: str = "reject") -> tuple[bool, sympy.Symbol | None, tuple[str, ...]]:
    """Return whether a problem is linear, which coordinate is time if any, and remarks.

    Raises:
        BadInput: the problem is not well posed.
    """
    if corners not in ("reject", "accept"):
        raise BadInput(f"corners is 'reject' or 'accept', not {corners!r}.")
    if len(problem.coordinates) > MOST:
        raise BadInput(f"There are {len(problem.coordinates)} coordinates; equations have {MOST} at most.")
    unknowns = tuple(u.symbol for u in problem.unknowns)
    pointwise = Pointwise(problem.equations, problem.fields, problem.coordinates, unknowns)
    _check_orders(problem, pointwise)
    _check_equations(problem)
    _check_constants(problem)
    _check_observations(problem)
    remarks = list(singular_places(problem, pointwise))
    time = _time(problem, pointwise)
    _check_repeated(problem)
    free = bool(remarks) or problem.eigenvalue is not None
    if len(problem.fields) == 1 or (problem.complex_fields and len(problem.fields) == 2):
        _check_counts(problem, pointwise, time, free)
    else:
        _check_initial(problem, pointwise, time)
    for sentence in _contradictions(problem):
        if corners == "reject":
            raise BadInput(sentence)
        remarks.append(sentence)
    remarks += _undetermined(problem, pointwise)
    return pointwise.linear and problem.eigenvalue is None, time, tuple(remarks)


def _check_orders(problem: Problem, pointwise: Pointwise) -> None:
    for number, index in pointwise.jets:
        if sum(index) > HIGHEST:
            letters = "".join(s.name * k for s, k in zip(problem.coordinates, index, strict=True))
            name = problem.fields[number].func.__name__
            raise BadInput(
                f"The derivative {name}_{letters} is of order {sum(index)}; "
                f"equations go up to order {HIGHEST}: give a lower derivative a name of its own "
                f"and add the equation that defines it."
            )


def _check_equations(problem: Problem) -> None:
    fields, equations = len(problem.fields), len(problem.equations)
    if equations != fields:
        names = ", ".join(f.func.__name__ for f in problem.fields)
        raise BadInput(
            f"There are {equations} equations for {fields} unknown functions, {names}; each needs one."
        )


def _check_constants(problem: Problem) -> None:
    """Refuse a constant to be found that stands nowhere."""
    stated = [*problem.equations, *(one.residual for one in problem.conditions)]
    used = {symbol for one in stated for symbol in one.free_symbols}
    wanted = [one.symbol for one in problem.unknowns]
    for symbol in wanted if problem.eigenvalue is None else [*wanted, problem.eigenvalue]:
        if symbol not in used:
            raise BadInput(f"{symbol} is to be found, and no equation or condition contains it.")
    strange = sorted(used - {*wanted, problem.eigenvalue, *problem.coordinates}, key=str)
    if strange:
        raise BadInput(
            f"{strange[0]} stands in the equations and has no value; give it one, or declare it by parameter."
        )


def _check_observations(problem: Problem) -> None:
    """Refuse measurements outside the domain."""
    for one in problem.observations:
        for symbol, places in one.points.items():
            low, high = problem.intervals.get(symbol, (-np.inf, np.inf))
            out = (places < low - 1e-12 * abs(low)) | (places > high + 1e-12 * abs(high))
            if out.any():
                raise BadInput(
                    f"The measurements of {one.field.func.__name__} go to {symbol} = {places[out][0]:g}, "
                    f"outside {symbol} = {low:g}..{high:g}."
                )


def _time(problem: Problem, pointwise: Pointwise) -> sympy.Symbol | None:
    """Return the coordinate along which all conditions stand at the lower end, as many as the order."""
    names = [s for s in problem.coordinates if s in problem.intervals]
    for symbol in sorted(names, key=lambda s: s.name not in TIMES):
        axis = problem.coordinates.index(symbol)
        orders = [pointwise.order(n, axis) for n in range(len(problem.fields))]
        alone = len(problem.coordinates) == 1
        if not max(orders) or not (alone or symbol.name in TIMES or max(orders) == 1):
            continue
        if all(_is_initial(c, symbol, problem) for c in problem.conditions if symbol in dict(c.at)):
            counts = [
                sum(_speaks_of(c, f) for c in problem.conditions if dict(c.at).keys() == {symbol})
                for f in problem.fields
            ]
            if counts == orders and (alone or symbol.name in TIMES or _bounded(problem, symbol)):
                return symbol
    return None


def _is_initial(condition: Condition, symbol: sympy.Symbol, problem: Problem) -> bool:
    return condition.kind == "value" and dict(condition.at)[symbol] == problem.intervals[symbol][0]


def _bounded(problem: Problem, time: sympy.Symbol) -> bool:
    """Tell whether every other coordinate has conditions."""
    said = {s for c in problem.conditions for s, _ in c.at}
    return problem.shape is not None or all(s in said for s in problem.intervals if s != time)


def _speaks_of(condition: Condition, field: Any) -> bool:
    return condition.residual.has(field)


def _check_repeated(problem: Problem) -> None:
    seen: dict[Any, Condition] = {}
    for c in problem.conditions:
        if c.kind == "value" and len(c.at) == 1:
            atoms = c.residual.atoms(sympy.Derivative) | {f for f in problem.fields if c.residual.has(f)}
            left = frozenset(a for a in atoms if _outermost(a, c.residual))
            if len(left) == 1 and (other := seen.get((c.at, left))) is not None:
                raise BadInput(
                    f"The conditions {other.text!r} and {c.text!r} speak of the same value at one place."
                )
            seen[(c.at, left)] = c


def _outermost(atom: Any, residual: sympy.Expr) -> bool:
    hidden = residual.xreplace({d: sympy.Dummy() for d in residual.atoms(sympy.Derivative)})
    return isinstance(atom, sympy.Derivative) or hidden.has(atom)


def _count(problem: Problem, field: Any, symbol: sympy.Symbol, order: int) -> int:
    found = 0
    for c in problem.conditions:
        if c.kind == "periodic" and c.at[0][0] == symbol and _speaks_of(c, field):
            return order
        if c.kind == "value" and len(c.at) == 1 and symbol in dict(c.at) and _speaks_of(c, field):
            found += 1
    return found


def _loose(problem: Problem) -> bool:
    """Conditions at points and integrals may take the place of others."""
    return any(c.kind == "integral" or (len(c.at) > 1 and c.kind == "value") for c in problem.conditions)


def _check_counts(problem: Problem, pointwise: Pointwise, time: sympy.Symbol | None, free: bool) -> None:
    """Count the conditions along every coordinate; where a coefficient is singular there may be fewer."""
    for number, field in enumerate(problem.fields):
        name = field.func.__name__
        for axis, symbol in enumerate(problem.coordinates):
            order = pointwise.order(number, axis)
            if symbol in problem.shape_coordinates:
                continue
            found = _count(problem, field, symbol, order)
            if (
                found < order
                and not free
                and not _loose(problem)
                and not (problem.unknowns and problem.observations and time is None)
            ):
                raise BadInput(_missing(problem, name, symbol, order, found))
            if found > order and order:
                texts = [c.text for c in problem.conditions if symbol in dict(c.at)]
                raise BadInput(
                    f"The equation has order {order} in {symbol} and {found} conditions on {symbol} "
                    f"({'; '.join(texts)}); {found - order} of them "
                    f"{'is' if found - order == 1 else 'are'} too many."
                )
        if problem.shape is not None:
            _check_boundary(problem, pointwise, number, name, free)


def _missing(problem: Problem, name: str, symbol: sympy.Symbol, order: int, found: int) -> str:
    low, high = (f"{float(v):g}" for v in problem.intervals[symbol])
    here = {float(dict(c.at)[symbol]) for c in problem.conditions if symbol in dict(c.at)}
    ends = [e for e in (low, high) if float(e) not in here] or [low]
    place = low if symbol.name in TIMES else ends[0] if len(problem.coordinates) == 1 else ends[-1]
    arguments = ",".join(place if s == symbol else s.name for s in problem.coordinates)
    count = "no condition" if not found else "1 condition" if found == 1 else f"{found} conditions"
    example = (
        f"{name}({arguments})=0"
        if symbol.name not in TIMES or not found
        else f"{name}_{symbol}({arguments})=0"
    )
    has = f"The equation has order {order} in {symbol} and {count} on {symbol}"
    return f"{has}; one such as {example} is missing."


def _check_boundary(problem: Problem, pointwise: Pointwise, number: int, name: str, free: bool) -> None:
    order = max(pointwise.order(number, problem.coordinates.index(s)) for s in problem.shape_coordinates)
    found = sum(c.kind == "boundary" and _speaks_of(c, problem.fields[number]) for c in problem.conditions)
    if found < (order + 1) // 2 and not free and not _loose(problem):
        raise BadInput(
            f"The equation has order {order} in the coordinates of {problem.shape.describe()} and "
            f"{found or 'no'} condition on its boundary; one such as {name}=0 is missing."
        )


def _check_initial(problem: Problem, pointwise: Pointwise, time: sympy.Symbol | None) -> None:
    """In a system only what is begun must be complete: initial values of every field that has a rate."""
    symbol = next((s for s in problem.coordinates if s.name in TIMES), problem.coordinates[0])
    if (
        time is not None
        or symbol not in problem.intervals
        or (len(problem.coordinates) > 1 and symbol.name not in TIMES)
    ):
        return
    axis = problem.coordinates.index(symbol)
    if len(problem.coordinates) == 1 and len(problem.conditions) >= sum(
        pointwise.order(n, axis) for n in range(len(problem.fields))
    ):
        return
    for number, field in enumerate(problem.fields):
        order = pointwise.order(number, axis)
        found = _count(problem, field, symbol, order)
        if found < order and not _loose(problem):
            raise BadInput(_missing(problem, field.func.__name__, symbol, order, found))


def _contradictions(problem: Problem) -> Iterable[str]:
    """Yield a sentence for every two values that differ where their faces meet."""
    plain = []
    for c in problem.conditions:
        if c.kind == "value" and len(c.at) == 1:
            for f in problem.fields:
                value = sympy.expand(f - c.residual)
                if (
                    not value.has(f)
                    and not value.atoms(sympy.Derivative)
                    and not any(value.has(g) for g in problem.fields)
                ):
                    plain.append((f, c, value))
    known = {u.symbol for u in problem.unknowns} | {problem.eigenvalue}
    for i, (f, one, g) in enumerate(plain):
        for h, two, k in plain[i + 1 :]:
            (a, low), (b, high) = one.at[0], two.at[0]
            if f != h or a == b or (g.free_symbols | k.free_symbols) & known:
                continue
            gap, size = _gap(problem, g, k, {a: low, b: high})
            if gap > APART * max(size, 1e-12) and gap > 1e-9:
                yield (
                    f"The conditions {one.text!r} and {two.text!r} contradict each other where "
                    f"{a} = {low:g} and {b} = {high:g}: they differ by {gap:.3g} there."
                )


def _gap(problem: Problem, g: Any, k: Any, corner: dict[Any, float]) -> tuple[float, float]:
    random = np.random.default_rng(3)
    places = {s: low + (high - low) * random.random(7) for s, (low, high) in problem.intervals.items()}
    for s in problem.shape_coordinates:
        places[s] = problem.shape.interior(7)[:, problem.shape_coordinates.index(s)]
    places |= {s: np.full(7, float(v)) for s, v in corner.items()}
    with np.errstate(all="ignore"):
        here, there = evaluate(g, places), evaluate(k, places)
    both = np.isfinite(here) & np.isfinite(there)
    if not both.any():
        return 0.0, 1.0
    return float(np.abs(here - there)[both].max()), float(
        max(np.abs(here)[both].max(), np.abs(there)[both].max())
    )


def _undetermined(problem: Problem, pointwise: Pointwise) -> list[str]:
    """Remark on a field of which only derivatives appear anywhere."""
    found, zero = [], (0,) * len(problem.coordinates)
    for number, field in enumerate(problem.fields):
        if (number, zero) in pointwise.jets or problem.eigenvalue is not None:
            continue
        hidden = [
            c.residual.xreplace({d: sympy.Dummy() for d in c.residual.atoms(sympy.Derivative)})
            for c in problem.conditions
        ]
        if not any(_plain_value(one, field) for one in hidden):
            found.append(
                f"{field.func.__name__} is determined up to a constant only: no condition states its value."
            )
    return found


def _plain_value(hidden: Any, field: Any) -> bool:
    normals = [a for a in hidden.atoms(sympy.core.function.AppliedUndef) if a.func.__name__ == "dn"]
    return hidden.xreplace({n: sympy.Dummy() for n in normals}).has(field)
