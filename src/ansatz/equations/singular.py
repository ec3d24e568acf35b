"""Where an equation is singular: zeros of what it divides by, poles, and places without a real value."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from ansatz.equations.lower import evaluate
from ansatz.equations.pointwise import Pointwise
from ansatz.equations.printing import text_of
from ansatz.equations.problem import Problem
from ansatz.errors import BadInput

POLES = {
    sympy.tan: sympy.cos, sympy.sec: sympy.cos, sympy.cot: sympy.sin, sympy.csc: sympy.sin,
    sympy.coth: sympy.sinh, sympy.csch: sympy.sinh,
}  # fmt: skip
"""Functions with poles, and what vanishes there."""


def singular_places(problem: Problem, pointwise: Pointwise) -> Iterable[str]:
    """Refuse what is divided by zero, infinite or not real inside the domain; remark on zeros at its ends.

    Raises:
        BadInput: a coefficient is singular inside the domain.
    """
    known = set(problem.intervals)
    for base, phrase in _divisors(problem.equations, known):
        inside, end, place = _where(problem, base, _zeros)
        if inside:
            raise BadInput(f"The equation {phrase} inside the domain, near {place}.")
        if end:
            yield f"The equation {phrase} on the boundary; it is taken inside only."
    for term in _roots(problem.equations, known):
        inside, _, place = _where(problem, term, lambda values: ~np.isfinite(values))
        if inside:
            raise BadInput(
                f"The equation contains {text_of(term)}, which has no real value in the domain, near {place}."
            )
    for factor, symbol in _leading(problem, pointwise, known):
        inside, end, place = _where(problem, factor, _zeros)
        if inside or end:
            yield (
                f"The factor {text_of(factor)} of the highest derivative in {symbol} vanishes near {place}; "
                f"answers that are smooth there are looked for."
            )


def _divisors(equations: Sequence[Any], known: set[Any]) -> list[tuple[Any, str]]:
    """Return the functions of the coordinates at whose zeros a coefficient is infinite, and what is said."""
    found: dict[Any, str] = {}
    for equation in equations:
        for one in equation.atoms(sympy.Pow, sympy.log, *POLES):
            if not _of_places(one, known):
                continue
            if not one.is_Pow:
                zero = one.args[0] if isinstance(one, sympy.log) else POLES[type(one)](one.args[0])
                found.setdefault(zero, f"contains {text_of(one)}, which is infinite")
            elif one.exp.is_negative:
                found[one.base] = f"divides by {text_of(one.base)}, which vanishes"
    return sorted(found.items(), key=str)


def _roots(equations: Sequence[Any], known: set[Any]) -> list[Any]:
    """Return logarithms and broken powers of the coordinates, which need not be real."""
    found = {
        one
        for equation in equations
        for one in equation.atoms(sympy.log, sympy.Pow, sympy.asin, sympy.acos, sympy.acosh, sympy.atanh)
        if not (one.is_Pow and one.exp.is_Integer) and one.is_real is not True
    }
    return sorted((one for one in found if _of_places(one, known)), key=str)


def _of_places(expression: Any, known: set[Any]) -> bool:
    """Tell whether an expression depends on coordinates alone, and not on what is solved for."""
    symbols = expression.free_symbols
    return bool(symbols) and symbols <= known and not expression.atoms(AppliedUndef)


def _leading(problem: Problem, pointwise: Pointwise, known: set[Any]) -> Iterable[tuple[Any, Any]]:
    """Yield the factor of the highest derivative of one field along every coordinate, where it varies."""
    for slopes in pointwise.slopes if len(problem.fields) == 1 else []:
        for axis, symbol in enumerate(problem.coordinates):
            order = pointwise.order(0, axis)
            index = tuple(order * (k == axis) for k in range(len(problem.coordinates)))
            factor = slopes.get((0, index), sympy.S.One)
            if order > 1 and factor.free_symbols and factor.free_symbols <= known:
                yield sympy.factor_terms(factor), symbol


def _where(problem: Problem, expression: Any, judge: Any) -> tuple[bool, bool, str]:
    """Tell whether values are judged so inside the domain and at its ends, and where first."""
    symbols = sorted(expression.free_symbols, key=str)
    if len(symbols) > 2:
        return False, False, ""
    count = 401 if len(symbols) == 1 else 81
    ends = [problem.intervals[s] for s in symbols]
    axes = [np.linspace(float(low), float(high), count) for low, high in ends]
    grids = np.meshgrid(*axes, indexing="ij")
    with np.errstate(all="ignore"):
        values = np.asarray(evaluate(expression, dict(zip(symbols, grids, strict=True))))
    found = judge(values)
    inner = np.zeros(found.shape, bool)
    inner[tuple(slice(1, -1) for _ in symbols)] = True
    chosen = found & inner if (found & inner).any() else found
    at = np.unravel_index(int(np.argmax(chosen)), found.shape)
    place = ", ".join(f"{s} = {axis[k]:.4g}" for s, axis, k in zip(symbols, axes, at, strict=True))
    return bool((found & inner).any()), bool(found.any()), place


def _zeros(values: np.ndarray) -> np.ndarray:
    """Return where values on a grid are zero: tiny beside a neighbor, or of another sign than that."""
    found = np.zeros(values.shape, bool)
    for axis in range(values.ndim):
        moved, mark = np.moveaxis(values, axis, 0), np.moveaxis(found, axis, 0)
        size = np.abs(moved)
        mark[1:] |= size[1:] <= 1e-10 * size[:-1]
        mark[:-1] |= size[:-1] <= 1e-10 * size[1:]
        mark[1:] |= (moved[1:] * moved[:-1] < 0) & ~mark[:-1]
    return found
