"""A differential equation with its domain, conditions and data, stated in full and checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import sympy

from ansatz.equations.expression import Expression, Unknown
from ansatz.errors import BadInput

__all__ = ["Condition", "Observation", "Problem", "Unknown", "observe"]

Kind: TypeAlias = Literal["value", "periodic", "boundary", "integral"]


@dataclass(frozen=True)
class Condition:
    """`residual = 0` at a place.

    The residual is written with unplaced fields and derivatives, and `at` fixes coordinates:
    "value" at one place (initial, Dirichlet, Neumann, Robin, a point); "periodic" at two places of one
    coordinate, the residual being the field; "boundary" on the boundary of the shape, where the normal
    derivative is the applied function `dn(u)`; "integral" with a `sympy.Integral` in the residual.
    """

    kind: Kind
    residual: sympy.Expr
    at: tuple[tuple[sympy.Symbol, float], ...]
    text: str


@dataclass(frozen=True, eq=False)
class Observation:
    """Measured values `[n]` of a field at points, with the standard deviation `sigma` if it is known."""

    field: sympy.Expr
    points: dict[sympy.Symbol, np.ndarray]
    values: np.ndarray
    sigma: float | None = None


class Problem:
    """Equations, each `= 0`, on a domain, with conditions.

    Args:
        equations: one equation, or a list for a system; or a function `residual(u, t, x)` that returns one.
            Its parameters are fields, and coordinates by the names in `on`.
        on: intervals by coordinate, `{t: (0, 1), x: (-1, 1)}`, or a shape: `{(x, y): Disk(…)}`; or text.
        where: the conditions, as equations between values at places: `u(t=0) == sin(pi * x)`; functions
            of the fields and coordinates that return them, or texts.
        data: what `observe` returns, one or several.
        corners: "reject" an initial value that contradicts a boundary value where they meet, or "accept" it.

    Raises:
        BadInput: the statement is not well posed; the sentence names the equation or condition.

    >>> from ansatz.equations.expression import coords, field
    >>> (t,) = coords("t")
    >>> u = field("u", t)
    >>> print(Problem(u.tt + u == 0, on={t: (0, 6)}, where=[u(0) == 1, u.t(t=0) == 0]).time)
    t
    >>> print(Problem(lambda u, t: u.t + u**2, on={"t": (0, 6)}, where=["u(0)=1"]).linear)
    False
    """

    coordinates: tuple[sympy.Symbol, ...]
    fields: tuple[Any, ...]
    equations: tuple[sympy.Expr, ...]
    intervals: dict[sympy.Symbol, tuple[float, float]]
    shape: Any
    shape_coordinates: tuple[sympy.Symbol, ...]
    conditions: tuple[Condition, ...]
    unknowns: tuple[Unknown, ...]
    eigenvalue: sympy.Symbol | None
    levels: int
    observations: tuple[Observation, ...]
    complex_fields: dict[str, tuple[Any, Any]]
    linear: bool
    time: sympy.Symbol | None
    remarks: tuple[str, ...]

    def __init__(
        self,
        equations: Any,
        on: Mapping[Any, Any] | str,
        where: Sequence[Any] = (),
        *,
        data: Observation | Sequence[Observation] = (),
        corners: str = "reject",
    ):
        from ansatz.equations.check import check
        from ansatz.equations.declare import assemble

        given = (data,) if isinstance(data, Observation) else tuple(data)
        for name, value in assemble(equations, on, where, given).items():
            setattr(self, name, value)
        self.linear, self.time, self.remarks = check(self, corners)

    def order(self, field: Any, coordinate: sympy.Symbol) -> int:
        """Return the order of the highest derivative of a field by a coordinate in the equations."""
        return max((order_of(one, field, coordinate) for one in self.equations), default=0)

    def echo(self) -> str:
        """Return the equations, the domain and the conditions as text in Unicode."""
        from ansatz.equations.echo import echo

        return echo(self)

    def latex(self) -> str:
        """Return the equations, the domain and the conditions in LaTeX."""
        from ansatz.equations.echo import latex_of

        return latex_of(self)


def order_of(expr: Any, field: Any, coordinate: sympy.Symbol) -> int:
    """Return the order of the highest derivative of `field` by `coordinate` in one expression."""
    orders = [
        int(times)
        for one in expr.atoms(sympy.Derivative)
        if one.expr == field
        for symbol, times in one.variable_count
        if symbol == coordinate
    ]
    return max(orders, default=0)


def observe(field: Expression, table: Mapping[Any, Any], sigma: float | None = None) -> Observation:
    """Return measurements of `field` for a Problem.

    Args:
        field: the field, or an expression in it, that was measured.
        table: columns `[n]`, by coordinate and, for the values, by the name of the field, or `"value"`.
        sigma: the standard deviation of the noise, where it is known.

    Raises:
        BadInput: a column is missing, of another length, or not finite.
    """
    columns = {str(name): _column(str(name), value) for name, value in table.items()}
    function: Any = field.expr
    own = str(function.func) if hasattr(function, "func") else "value"
    names = [symbol.name for symbol in _arguments(function)]
    value = own if own in columns else "value"
    for name in [*names, value]:
        if name not in columns:
            has, name = ", ".join(columns), own if name == value else name
            raise BadInput(f"The measurements of {field} have no column {name!r}; the columns are {has}.")
    for name in [*names, value]:
        if columns[name].ndim != 1 or len(columns[name]) != len(columns[value]):
            raise BadInput(f"The column {name!r} of the measurements is not as long as the column {value!r}.")
        if not np.isfinite(columns[name]).all():
            raise BadInput(f"The column {name!r} of the measurements holds a value that is not finite.")
    points = {symbol: columns[symbol.name] for symbol in _arguments(function)}
    return Observation(function, points, columns[value], sigma)


def _column(name: str, value: Any) -> np.ndarray:
    try:
        return np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise BadInput(f"The column {name!r} of the measurements holds a value that is no number.") from None


def _arguments(expr: Any) -> tuple[sympy.Symbol, ...]:
    from ansatz.equations.expression import coordinates_of

    return coordinates_of(expr)
