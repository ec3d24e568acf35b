"""Equations as Python expressions: `u.t + u * u.x == nu * u.xx`, with SymPy underneath."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from ansatz._spelling import nearest
from ansatz.equations.ufuncs import UFUNCS
from ansatz.errors import BadInput

TIMES = ("t", "time", "tau", "τ")
"""The names of coordinates that are time."""


@dataclass(frozen=True)
class Unknown:
    """A constant that the data determine: its symbol, where the search starts, and its sign."""

    symbol: sympy.Symbol
    start: float = 1.0
    positive: bool = False


@dataclass(frozen=True)
class Levels:
    """An eigenvalue and how many of its lowest values are wanted."""

    symbol: sympy.Symbol
    count: int = 1


Declared: TypeAlias = frozenset[Unknown | Levels]
Operation: TypeAlias = Callable[[Any], "Expression"]


class NoDerivative(BadInput, AttributeError):
    """A derivative by what is no coordinate."""


class Expression:
    """A SymPy expression in `expr` whose `==` states an equation.

    `e.x`, `e.tx` differentiate by the coordinates; `e(x=1)` is the value at a place.
    """

    def __init__(self, expr: Any, declared: Declared = frozenset()):
        self.expr = _plain(expr)
        self.declared = declared

    if TYPE_CHECKING:
        __add__: Operation
        __radd__: Operation
        __sub__: Operation
        __rsub__: Operation
        __mul__: Operation
        __rmul__: Operation
        __truediv__: Operation
        __rtruediv__: Operation
        __pow__: Operation
        __rpow__: Operation
        __lt__: Operation
        __le__: Operation
        __gt__: Operation
        __ge__: Operation
        __neg__: Callable[[], "Expression"]
        __pos__: Callable[[], "Expression"]
        __abs__: Callable[[], "Expression"]

    def _sympy_(self) -> sympy.Basic:
        return self.expr

    def __repr__(self) -> str:
        return str(self.expr)

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: Any) -> "Equation":  # type: ignore[override]
        """State that both sides are equal."""
        difference = _apply(lambda a, b: a - b, self, other)
        return Equation(difference.expr, f"{self} = {other}", difference.declared)

    def __getattr__(self, name: str) -> "Expression":
        """Differentiate: `u.tx` is ∂²u/∂t∂x."""
        if name.startswith("_"):
            raise AttributeError(name)
        known = {symbol.name: symbol for symbol in coordinates_of(self.expr)}
        by = split_suffix(name, list(known))
        if by is None:
            raise NoDerivative(
                f"{self} has no derivative {name!r}; its coordinates are {', '.join(known) or 'none'}."
            )
        return Expression(sympy.diff(self.expr, *(known[one] for one in by)), self.declared)

    def __call__(self, **places: Any) -> "Expression":
        """Return the value at a place: `u(t=0)`."""
        return Expression(placed(self.expr, places), self.declared)

    def __array_ufunc__(self, ufunc: Any, method: str, *values: Any, **options: Any) -> Any:
        """Apply a function of NumPy, so that `np.sin(u)` is the sine of u."""
        if ufunc.__name__ == "equal" and method == "__call__":
            return _apply(lambda a: a, values[0]) == values[1]
        operation = UFUNCS.get(ufunc.__name__) if method == "__call__" and not options else None
        if operation is None:
            raise BadInput(
                f"numpy.{ufunc.__name__} does not take expressions; write ansatz.sin and its like."
            )
        return _apply(operation, *values)

    def diff(self, by: "Expression", times: int = 1) -> "Expression":
        """Differentiate `times` times by a coordinate."""
        return Expression(sympy.diff(self.expr, (_plain(by), times)), self.declared)


class Field(Expression):
    """An unknown function of its coordinates; `u(0, x)` or `u(t=0)` is its value at a place."""

    def __call__(self, *values: Any, **places: Any) -> Expression:
        """Return the value at a place, by position or by name."""
        names = [symbol.name for symbol in self.expr.args]
        if values and len(values) != len(names):
            raise BadInput(
                f"{self} takes {len(names)} arguments, {', '.join(names)}, and {len(values)} are given."
            )
        return Expression(
            placed(self.expr, {**dict(zip(names, values, strict=False)), **places}), self.declared
        )


class Equation:
    """`residual = 0`, with the text it was written as."""

    def __init__(self, residual: Any, text: str, declared: Declared = frozenset()):
        self.residual, self.text, self.declared = residual, text, declared

    def __bool__(self) -> bool:
        """Tell whether both sides are the same expression, which is what dictionaries ask."""
        return self.residual == 0

    def __repr__(self) -> str:
        return self.text


def _plain(value: Any) -> Any:
    """Return the SymPy form; a float becomes the decimal fraction that its shortest spelling is."""
    if isinstance(value, Expression):
        return value.expr
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, float | np.floating):
        if not math.isfinite(value):
            raise BadInput(f"The number {value} stands in an equation; every number must be finite.")
        return exact(float(value))
    if isinstance(value, complex | np.complexfloating):
        return _plain(float(value.real)) + sympy.I * _plain(float(value.imag))
    try:
        return sympy.sympify(value, strict=True)
    except (sympy.SympifyError, AttributeError):
        kind = type(value).__name__
        raise BadInput(f"A {kind} stands in an equation; numbers, coordinates and fields may.") from None


def exact(value: float) -> Any:
    """Return the decimal fraction that is the shortest spelling of a finite float."""
    return sympy.Rational(repr(float(value)))


def _apply(operation: Callable[..., Any], *values: Any) -> Expression:
    declared = frozenset().union(*(one.declared for one in values if isinstance(one, Expression)))
    return Expression(operation(*map(_plain, values)), declared)


def _operator(operation: Callable[..., Any]) -> Callable[..., Expression]:
    return lambda *values: _apply(operation, *values)


for _name, _operation in {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "truediv": lambda a, b: a / b,
    "pow": lambda a, b: a**b,
}.items():
    setattr(Expression, f"__{_name}__", _operator(_operation))
    setattr(Expression, f"__r{_name}__", _operator(lambda a, b, do=_operation: do(b, a)))
for _name, _operation in {
    "neg": lambda a: -a,
    "pos": lambda a: a,
    "abs": sympy.Abs,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}.items():
    setattr(Expression, f"__{_name}__", _operator(_operation))


def coordinates_of(expr: Any) -> tuple[sympy.Symbol, ...]:
    """Return the coordinates of the fields in an expression, else its free symbols."""
    found = [arg for one in sorted(expr.atoms(AppliedUndef), key=str) for arg in one.args if arg.is_Symbol]
    return tuple(dict.fromkeys(found)) or tuple(sorted(expr.free_symbols, key=str))


def split_suffix(suffix: str, names: Sequence[str]) -> list[str] | None:
    """Split `"txx"` into names of coordinates, or return None where it is none.

    >>> split_suffix("xxt", ["t", "x"])
    ['x', 'x', 't']
    """
    if not suffix:
        return []
    for name in sorted(names, key=len, reverse=True):
        rest = split_suffix(suffix[len(name) :], names) if suffix.startswith(name) else None
        if rest is not None:
            return [name, *rest]
    return None


def placed(expr: sympy.Basic, places: dict[str, Any]) -> sympy.Basic:
    """Return the unevaluated value of `expr` where the named coordinates have the given values."""
    known = {symbol.name: symbol for symbol in coordinates_of(expr)}
    for name in places:
        if name not in known:
            raise BadInput(f"{expr} has no coordinate {name!r}; {nearest(name, known)}.")
    given = {known[name]: _plain(value) for name, value in places.items()}
    fixed = {symbol: value for symbol, value in given.items() if value != symbol}
    return place(expr, fixed)


class At(sympy.Subs):
    """A value at a place.

    SymPy takes `Subs` of y(x) and of y(t) at 1 for one thing, whose caches then mix up the coordinates
    of two problems; here what is written inside counts.
    """

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self.expr, self.variables, self.point)


def place(expr: Any, fixed: Mapping[Any, Any]) -> Any:
    """Return `expr` where coordinates have fixed values; every field and derivative becomes a `Subs`."""
    if not fixed:
        return expr
    atoms = expr.atoms(AppliedUndef, sympy.Derivative)
    inner = {part for one in atoms for part in one.args[:1] if part in atoms}
    at = (tuple(fixed), tuple(fixed.values()))
    moved = {one: sympy.Dummy() for one in atoms - inner}
    rest = expr.xreplace(moved).subs(dict(fixed))
    return rest.xreplace({dummy: At(one, *at) for one, dummy in moved.items()})


def coords(names: str) -> tuple[Expression, ...]:
    """Declare coordinates, separated by spaces or commas.

    >>> t, x = coords("t x")
    """
    return tuple(Expression(sympy.Symbol(name, real=True)) for name in names.replace(",", " ").split())


def field(name: str, *coordinates: Expression, complex: bool = False) -> Field:
    """Declare an unknown function of the coordinates, real unless `complex`.

    >>> t, x = coords("t x")
    >>> u = field("u", t, x)
    >>> u.t - u.xx
    Derivative(u(t, x), t) - Derivative(u(t, x), (x, 2))
    """
    if not coordinates:
        raise BadInput(f"The field {name} has no coordinates; write field({name!r}, x).")
    function: Any = sympy.Function(name) if complex else sympy.Function(name, real=True)
    return Field(function(*map(_plain, coordinates)))


def parameter(name: str, start: float = 1.0, positive: bool = False) -> Expression:
    """Declare a constant that the data are to determine; the search starts at `start`."""
    symbol = sympy.Symbol(name, real=True)
    return Expression(symbol, frozenset({Unknown(symbol, float(start), positive)}))


def eigenvalue(name: str, k: int = 1) -> Expression:
    """Declare an eigenvalue, of which the `k` lowest are wanted."""
    symbol = sympy.Symbol(name, real=True)
    return Expression(symbol, frozenset({Levels(symbol, k)}))


def function_of(operation: Callable[..., Any]) -> Callable[..., Expression]:
    """Return the function of expressions that a function of SymPy expressions makes."""

    def function(*values: Any) -> Expression:
        return _apply(operation, *values)

    function.__name__ = getattr(operation, "__name__", "function")
    function.__doc__ = f"Return {function.__name__} of an expression, a coordinate or a number."
    return function


def diff(expression: Expression, by: Expression, times: int = 1) -> Expression:
    """Differentiate an expression `times` times by a coordinate."""
    return expression.diff(by, times)


def laplacian(expression: Expression, *by: Expression) -> Expression:
    """Return ∂²/∂x² + ∂²/∂y² + … over `by`, or over every coordinate that is not time."""
    symbols: Iterable[Any] = (
        map(_plain, by) if by else [one for one in coordinates_of(expression.expr) if one.name not in TIMES]
    )
    return Expression(sum(sympy.diff(expression.expr, (one, 2)) for one in symbols), expression.declared)


def dn(expression: Expression) -> Expression:
    """Return the derivative along the outward normal, for a condition on the boundary."""
    return Expression(sympy.Function("dn", real=True)(expression.expr), expression.declared)


def integral(expression: Expression, *by: Any) -> Expression:
    """Return the integral over coordinates: `integral(u, x)` or, between bounds, `integral(u, (x, 0, 1))`."""
    limits = [tuple(map(_plain, one)) if isinstance(one, tuple) else (_plain(one),) for one in by]
    return Expression(sympy.Integral(expression.expr, *limits), expression.declared)


def where(condition: Any, then: Any, otherwise: Any) -> Expression:
    """Return `then` where the condition holds and `otherwise` elsewhere."""
    return _apply(lambda c, a, b: sympy.Piecewise((a, c), (b, True)), condition, then, otherwise)


def heaviside(value: Any) -> Any:
    """Return the step θ of a SymPy expression, ½ at 0."""
    return sympy.Heaviside(value, sympy.S.Half)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(sympy, name)
    for name in (
        "sin cos tan sec csc cot asin acos atan sinh cosh tanh sech csch coth asinh acosh atanh "
        "exp log sqrt cbrt erf erfc gamma sign floor re im conjugate atan2"
    ).split()
} | {"abs": sympy.Abs, "min": sympy.Min, "max": sympy.Max, "heaviside": heaviside, "ceil": sympy.ceiling}
ALIASES = {
    "ln": "log", "conj": "conjugate", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "sgn": "sign",
    "Heaviside": "heaviside", "Abs": "abs", "tg": "tan", "ceiling": "ceil", "Min": "min", "Max": "max",
}  # fmt: skip

pi = Expression(sympy.pi)
(sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, exp, log, sqrt, sign, erf, conjugate) = (
    function_of(FUNCTIONS[_one])
    for _one in "sin cos tan asin acos atan sinh cosh tanh exp log sqrt sign erf conjugate".split()
)
step = function_of(heaviside)
absolute, minimum, maximum = function_of(sympy.Abs), function_of(sympy.Min), function_of(sympy.Max)
