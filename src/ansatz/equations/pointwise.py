"""Equations at a point: a residual as a function of the coordinates and of the derivatives in it.

`u_t + u u_x − ν u_xx = 0` is, at one point, a number F(x, j) of the coordinates x and of the jets
j = (u, u_t, u_x, u_xx).  Its slopes ∂F/∂j are taken once, symbolically; Newton's method needs no more.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy

from ansatz.equations.lower import evaluate

Index = tuple[int, ...]
Jet = tuple[int, Index]
"""The number of a field and the order of its derivative along every coordinate."""


class Pointwise:
    """Residuals F_1 … F_K of some fields with their slopes.

    `jets` lists what the residuals contain, `slopes[k][jet]` are ∂F_k/∂j and `by_unknown[k][symbol]`
    ∂F_k/∂(constant), all SymPy expressions of the coordinates, of `symbols[jet]` and of the constants.
    """

    def __init__(
        self,
        expressions: Sequence[sympy.Expr],
        fields: Sequence[Any],
        coordinates: Sequence[sympy.Symbol],
        unknowns: Sequence[sympy.Symbol] = (),
    ):
        self.coordinates, self.unknowns = tuple(coordinates), tuple(unknowns)
        self.symbols: dict[Jet, sympy.Symbol] = {}
        self.expressions = [self._replaced(sympy.sympify(e, strict=True).doit(), fields) for e in expressions]
        self.slopes = [self._slopes(e) for e in self.expressions]
        self.by_unknown = [{s: d for s in unknowns if (d := sympy.diff(e, s)) != 0} for e in self.expressions]

    @property
    def jets(self) -> tuple[Jet, ...]:
        """The derivatives that the residuals contain."""
        return tuple(self.symbols)

    @property
    def linear(self) -> bool:
        """Whether every residual is linear in the fields."""
        symbols = set(self.symbols.values())
        return not any(slope.free_symbols & symbols for one in self.slopes for slope in one.values())

    def order(self, field: int, axis: int) -> int:
        """Return the highest derivative of a field along one coordinate."""
        return max((index[axis] for number, index in self.jets if number == field), default=0)

    def residuals(self, values: Mapping[Any, Any], shape: tuple[int, ...]) -> np.ndarray:
        """Return F `[K, *shape]`; `values` holds the coordinates, the constants and `symbols[jet]`."""
        return np.stack([np.broadcast_to(evaluate(e, values), shape) for e in self.expressions])

    def slopes_at(self, k: int, values: Mapping[Any, Any]) -> dict[Jet, Any]:
        """Return ∂F_k/∂j of the jets on which F_k depends: numbers where they are constant, else arrays."""
        return {jet: _number_or_array(slope, values) for jet, slope in self.slopes[k].items()}

    def unknown_slopes_at(self, k: int, values: Mapping[Any, Any], shape: tuple[int, ...]) -> dict[Any, Any]:
        """Return ∂F_k/∂(constant) for every unknown constant in F_k, each of the given shape."""
        found = self.by_unknown[k].items()
        return {symbol: np.broadcast_to(_number_or_array(slope, values), shape) for symbol, slope in found}

    def _replaced(self, expression: Any, fields: Sequence[Any]) -> Any:
        table = {}
        for derivative in expression.atoms(sympy.Derivative):
            if derivative.expr in fields:
                orders: dict[Any, Any] = dict(derivative.variable_count)  # type: ignore[arg-type]
                index = tuple(int(orders.get(c, 0)) for c in self.coordinates)
                table[derivative] = self._symbol(fields.index(derivative.expr), index)
        expression = expression.xreplace(table)
        zero = (0,) * len(self.coordinates)
        plain = {f: self._symbol(n, zero) for n, f in enumerate(fields) if expression.has(f)}
        return expression.xreplace(plain)

    def _symbol(self, field: int, index: Index) -> sympy.Symbol:
        return self.symbols.setdefault(
            (field, index), sympy.Dummy(f"j{field}_{'_'.join(map(str, index))}", real=True)
        )

    def _slopes(self, expression: sympy.Expr) -> dict[Jet, sympy.Expr]:
        found = {jet: sympy.diff(expression, symbol) for jet, symbol in self.symbols.items()}
        return {jet: slope for jet, slope in found.items() if slope != 0}


def _number_or_array(expression: sympy.Expr, values: Mapping[Any, Any]) -> Any:
    used = {symbol: values[symbol] for symbol in expression.free_symbols}
    return np.asarray(evaluate(expression, used)) if used else float(expression)
