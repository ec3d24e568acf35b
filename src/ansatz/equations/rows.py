"""Conditions that cannot be built in: rows of the least-squares system."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy

from ansatz.equations.basis import Layer
from ansatz.equations.pointwise import Pointwise
from ansatz.equations.problem import Condition
from ansatz.equations.series import Block, Series
from ansatz.equations.stretch import Stretch
from ansatz.errors import BadInput

BOUNDARY = 100.0
"""The weight of the rows of a condition: the equations are scaled to 1."""


def condition_block(layout: Any, condition: Condition, fields: Sequence[Series]) -> Block:
    """Return the rows of one condition for a `Layout`.

    Raises:
        BadInput: an integral is of a form that has no rows.
    """
    symbols, fixed = layout.problem.coordinates, dict(condition.at)
    limits = _limits(condition, layout)
    residual, known = condition.residual, {}
    points: list[np.ndarray] = []
    weights: Any = None
    for axis, group in enumerate(layout.groups):
        largest = max((s.layers[axis] for s in fields), key=lambda one: one.size)
        if len(group) > 1 and condition.kind == "boundary":
            count = max(60, int(6 * np.sqrt(largest.size)) * 4)
            on, normals = layout.shape.boundary(count, corners=2.0 if layout.shape.corners else 0.0)
            points.append(on)
            residual, known = _with_normals(residual, normals, layout.inside)
        elif len(group) > 1:
            points.append(_inside(layout, fixed, largest.size))
        elif symbols[group[0]] in fixed:
            points.append(np.array([float(fixed[symbols[group[0]]])]))
        elif limits:
            x, w = _quadrature(largest, *limits[symbols[group[0]]])
            points.append(x)
            weights = w if weights is None else np.multiply.outer(weights, w)
        else:
            points.append(largest.nodes(largest.size + 2))
    if limits:
        residual = _integrand(condition, float(np.sum(weights)))
        weights = np.asarray(weights).reshape([len(p) for p in points])
    pointwise = Pointwise([residual], layout.problem.fields, symbols, layout.pointwise.unknowns)
    return Block(
        pointwise, fields, points, groups=layout.groups, weight=BOUNDARY, quadrature=weights, known=known
    )


def _limits(condition: Condition, layout: Any) -> dict[Any, tuple[float, float]]:
    """Return the bounds of the integral in a condition, by coordinate; none where there is no integral."""
    residual: Any = condition.residual
    integrals = list(residual.atoms(sympy.Integral))
    if not integrals:
        return {}
    factor, whole = residual.coeff(integrals[0]), integrals[0]
    rest = sympy.expand(residual - factor * whole)
    if len(integrals) > 1 or not factor.is_number or any(rest.has(f) for f in layout.problem.fields):
        raise BadInput(f"The condition {condition.text!r} is not of the form integral(…) = number.")
    limits = {}
    for symbol, *ends in whole.limits:
        if symbol in layout.inside or len(ends) != 2 or not all(end.is_number for end in ends):
            raise BadInput(
                f"The condition {condition.text!r} integrates over {symbol}, which needs an interval and "
                "fixed bounds."
            )
        limits[symbol] = (float(ends[0]), float(ends[1]))
    if {s for s, _ in condition.at} | set(limits) != set(layout.problem.coordinates):
        raise BadInput(
            f"The condition {condition.text!r} neither integrates over nor fixes every coordinate."
        )
    return limits


def _quadrature(layer: Layer, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    count = layer.modes + 8
    if (low, high) == (layer.stretch.low, layer.stretch.high):
        return layer.quadrature(2 * count if layer.parity else count)
    return Layer(Stretch(low, high), 1).quadrature(2 * count)


def _integrand(condition: Condition, volume: float) -> sympy.Expr:
    """Return what integrates to the residual."""
    residual: Any = condition.residual
    (whole,) = residual.atoms(sympy.Integral)
    factor = residual.coeff(whole)
    return factor * whole.function + sympy.expand(residual - factor * whole) / volume


def _with_normals(residual: Any, normals: np.ndarray, inside: Sequence[sympy.Symbol]) -> tuple[Any, dict]:
    """Return the residual with the normal derivatives written out, and the normals by their symbols."""
    names = [sympy.Dummy(f"n_{s.name}", real=True) for s in inside]
    table = {}
    for one in residual.atoms(sympy.core.function.AppliedUndef):
        if one.func.__name__ == "dn":
            table[one] = sum(n * sympy.Derivative(one.args[0], s) for n, s in zip(names, inside, strict=True))
    return residual.xreplace(table), dict(zip(names, normals.T, strict=True))


def _inside(layout: Any, fixed: dict, size: int) -> np.ndarray:
    """Return points of a shape: one, on the face where some coordinates are fixed, or everywhere."""
    inside = layout.inside
    if all(s in fixed for s in inside):
        return np.array([[float(fixed[s]) for s in inside]])
    if not any(s in fixed for s in inside):
        return layout.shape.interior(size * 2)
    points = layout.shape.interior(max(80, int(3 * size ** (1 - 1 / len(inside)))), seed=1)
    for axis, s in enumerate(inside):
        if s in fixed:
            points[:, axis] = float(fixed[s])
    return points
