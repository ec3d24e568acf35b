"""From a SymPy expression to arrays: a walk over its tree, with NumPy or JAX doing the arithmetic."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy
from sympy.logic import boolalg

from ansatz.errors import BadInput

NAMED = {
    sympy.sin: "sin", sympy.cos: "cos", sympy.tan: "tan", sympy.asin: "arcsin", sympy.acos: "arccos",
    sympy.atan: "arctan", sympy.sinh: "sinh", sympy.cosh: "cosh", sympy.tanh: "tanh", sympy.asinh: "arcsinh",
    sympy.acosh: "arccosh", sympy.atanh: "arctanh", sympy.exp: "exp", sympy.log: "log", sympy.sign: "sign",
    sympy.Abs: "abs", sympy.floor: "floor", sympy.ceiling: "ceil", sympy.atan2: "arctan2", sympy.re: "real",
    sympy.im: "imag", sympy.conjugate: "conj", boolalg.And: "logical_and", boolalg.Or: "logical_or",
    boolalg.Not: "logical_not", sympy.StrictLessThan: "less", sympy.LessThan: "less_equal",
    sympy.StrictGreaterThan: "greater", sympy.GreaterThan: "greater_equal", sympy.Eq: "equal",
    sympy.Ne: "not_equal", sympy.Min: "minimum", sympy.Max: "maximum",
}  # fmt: skip
RECIPROCAL = {
    sympy.sec: "cos", sympy.csc: "sin", sympy.cot: "tan",
    sympy.sech: "cosh", sympy.csch: "sinh", sympy.coth: "tanh",
}  # fmt: skip
SPECIAL = {sympy.erf: "erf", sympy.erfc: "erfc", sympy.gamma: "gamma"}


def evaluate(expr: Any, values: Mapping[Any, Any], xp: Any = np) -> Any:
    """Return the values of `expr` where its atoms have the given values.

    Args:
        expr: a SymPy expression; every symbol, field and derivative in it is a key of `values`.
        values: from SymPy atoms (symbols, `u(t, x)`, `Derivative(u(t, x), x)`) to arrays
            that broadcast together.
        xp: `numpy` or `jax.numpy`.

    Returns:
        An array of the shape to which the used values broadcast, constants too.

    Raises:
        BadInput: an atom has no value, or a function has no numerical form.

    >>> x = sympy.Symbol("x", real=True)
    >>> evaluate(x**2 + 1, {x: np.array([1.0, 2.0])})
    array([2., 5.])
    """
    expr = sympy.sympify(expr, strict=True)
    arrays = [one for one in values.values() if hasattr(one, "shape")]
    shape = np.broadcast_shapes(*(np.shape(one) for one in values.values())) if values else ()
    result = _Walk(values, xp)(expr)
    if np.shape(result) == shape and hasattr(result, "dtype"):
        return result
    wanted = (
        None if isinstance(result, complex) or hasattr(result, "dtype") or not arrays else arrays[0].dtype
    )
    return xp.broadcast_to(xp.asarray(result, wanted), shape)


class _Walk:
    """One pass over a tree in which equal subtrees are computed once."""

    def __init__(self, values: Mapping[Any, Any], xp: Any):
        self.values, self.xp, self.done = values, xp, {}

    def __call__(self, expr: Any) -> Any:
        if expr in self.values:
            return self.values[expr]
        if expr not in self.done:
            self.done[expr] = self.compute(expr)
        return self.done[expr]

    def compute(self, expr: Any) -> Any:
        if expr.is_number and not expr.has(sympy.I) and expr is not sympy.zoo:
            return float(expr)
        if expr is sympy.I or expr.is_number:
            return complex(expr)
        if expr in (sympy.true, sympy.false):
            return bool(expr)
        if expr.is_Add:
            return _fold(lambda a, b: a + b, map(self, expr.args))
        if expr.is_Mul:
            return self.product(expr)
        if expr.is_Pow:
            return self.power(*expr.args)
        if isinstance(expr, sympy.Piecewise):
            return self.pieces(expr)
        if isinstance(expr, sympy.Heaviside):
            x, middle = map(self, expr.args)
            return self.xp.where(x > 0, 1.0, self.xp.where(x < 0, 0.0, middle))
        return self.function(expr)

    def product(self, expr: Any) -> Any:
        """Multiply what is above the line, and divide once by what is below."""
        below = [one for one in expr.args if _is_below(one)]
        above = [one for one in expr.args if not _is_below(one)]
        top = _fold(lambda a, b: a * b, map(self, above or [sympy.S.One]))
        return top / _fold(lambda a, b: a * b, [self(1 / one) for one in below]) if below else top

    def power(self, base: Any, exponent: Any) -> Any:
        """Raise to a power: whole exponents and roots by their own operations."""
        x = self(base)
        if exponent.is_Integer:
            n = int(exponent)
            return x**n if n > 0 else 1.0 / x ** (-n)
        if exponent == sympy.Rational(1, 2):
            return self.xp.sqrt(x)
        if exponent == sympy.Rational(-1, 2):
            return 1.0 / self.xp.sqrt(x)
        if exponent.is_Rational and exponent.q % 2 and base.is_real:
            return self.odd_root(x, int(exponent.p), int(exponent.q))
        return self.xp.exp(self(exponent)) if base is sympy.E else x ** self(exponent)

    def odd_root(self, x: Any, above: int, below: int) -> Any:
        """Return the real x^(above/below), which exists for negative x too when `below` is odd."""
        size = self.xp.abs(x) ** (above / below)
        return size * self.xp.sign(x) if above % 2 else size

    def pieces(self, expr: Any) -> Any:
        """Choose the first piece whose condition holds; NaN where none does."""
        result: Any = float("nan")
        for value, condition in reversed(expr.args):
            result = self(value) if condition == True else self.xp.where(self(condition), self(value), result)  # noqa: E712
        return result

    def function(self, expr: Any) -> Any:
        """Apply a named function to the values of its arguments."""
        kind = type(expr)
        if kind in RECIPROCAL:
            return 1.0 / getattr(self.xp, RECIPROCAL[kind])(self(expr.args[0]))
        if kind in SPECIAL:
            return _special(self.xp, SPECIAL[kind])(self(expr.args[0]))
        if kind not in NAMED:
            raise BadInput(f"There is no value for {expr}, and no function that computes it.")
        operation = getattr(self.xp, NAMED[kind])
        arguments = [self(one) for one in expr.args]
        return _fold(operation, arguments) if len(arguments) > 1 else operation(*arguments)


def _is_below(factor: Any) -> bool:
    return factor.is_Pow and factor.exp.is_Rational and factor.exp.is_negative and not factor.is_number


def _fold(operation: Callable[[Any, Any], Any], values: Any) -> Any:
    first, *rest = values
    for one in rest:
        first = operation(first, one)
    return first


def _special(xp: Any, name: str) -> Callable[..., Any]:
    if xp is np:
        import scipy.special

        return getattr(scipy.special, name)
    import jax.scipy.special

    return getattr(jax.scipy.special, name)
