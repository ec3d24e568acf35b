"""An answer as a map: the expansion that least squares found, as f_θ(x) that JAX differentiates."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import sympy
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import Map
from ansatz.equations.expansion import Axis, CornerAxis, ShapeAxis
from ansatz.equations.lower import evaluate
from ansatz.equations.parse import Scope, parse_expression
from ansatz.equations.shape_layer import ShapeLayer


class ExpansionMap(Map):
    """The map x: [d] → [fields] of an `Expansion`, whose fields it has: `ExpansionMap(*expansion)`."""

    coefficients: tuple[Any, ...]
    edges: Any
    axes: tuple[tuple[Any, ...], ...] = eqx.field(static=True)
    groups: tuple[tuple[int, ...], ...] = eqx.field(static=True)
    coordinates: tuple[str, ...] = eqx.field(static=True)
    fields: tuple[str, ...] = eqx.field(static=True)
    lifts: tuple[str, ...] = eqx.field(static=True)

    def __call__(self, x: Float[Array, " d"], *, key: PRNGKeyArray | None = None) -> Float[Array, " f"]:
        """Return the fields at one point `x: [d]`."""
        at = self._window(x)
        return jnp.stack([self._field(n, x, at) for n in range(len(self.fields))])

    def _window(self, x: Array) -> Array:
        edges = jnp.asarray(self.edges)
        place = jnp.searchsorted(edges, x[self.groups[0][0]], side="left") - 1
        return jnp.clip(place, 0, len(self.edges) - 2)

    def _field(self, n: int, x: Array, at: Array) -> Array:
        value = jnp.asarray(self.coefficients[n])[at]
        edges = jnp.asarray(self.edges)
        windowed = len(self.edges) > 2
        for number, (axis, group) in enumerate(zip(self.axes[n], self.groups, strict=True)):
            modes = value.shape[0]
            if isinstance(axis, CornerAxis):
                table = _vanishing_functions(axis, x[jnp.asarray(group)])
            elif isinstance(axis, ShapeAxis):
                table = _shape_functions(axis, x[jnp.asarray(group)])
            elif number == 0 and windowed:
                table = functions(axis, x[group[0]], modes, edges[at], edges[at + 1])
            else:
                table = functions(axis, x[group[0]], modes)
            value = jnp.tensordot(table.astype(value.dtype), value, 1)
        if self.lifts[n] != "0":
            symbols = {name: sympy.Symbol(name, real=True) for name in self.coordinates}
            lift = parse_expression(self.lifts[n], Scope(symbols, {}, {}))
            value = value + evaluate(lift, {s: x[i] for i, s in enumerate(symbols.values())}, jnp)
        return value


def functions(axis: Axis, x: Array, modes: int, low: Any = None, high: Any = None) -> Array:
    """Return the functions of an axis at one place, `[modes]`, on a window if one is given."""
    low, high = axis.low if low is None else low, axis.high if high is None else high
    if axis.kind == "fourier":
        middle = 0.5 * (axis.low + axis.high) if axis.parity else axis.low
        angle = (x - middle) * (2 * np.pi / (axis.high - axis.low))
        if axis.parity:
            k = jnp.asarray(np.arange(modes) + (axis.parity == "odd"), x.dtype)
            return jnp.sin(angle * k) if axis.parity == "odd" else jnp.cos(angle * k)
        k = jnp.asarray((np.arange(modes) + 1) // 2, x.dtype)
        phase = 0.5 * np.pi * ((np.arange(modes) + 1) % 2 * (np.arange(modes) > 0))
        return jnp.cos(angle * k - jnp.asarray(phase, x.dtype))
    if axis.width:
        first, last = (float(np.arcsinh((end - axis.center) / axis.width)) for end in (axis.low, axis.high))
        reference = (2 * jnp.arcsinh((x - axis.center) / axis.width) - first - last) / (last - first)
    else:
        reference = (2 * x - low - high) / (high - low)
    start = 1 if axis.parity == "odd" else 0
    total = modes if not axis.parity else 2 * modes - 1 + start
    return _chebyshev(reference, total)[start :: 2 if axis.parity else 1]


def _vanishing_functions(axis: CornerAxis, x: Array) -> Array:
    """Return the functions of a polygon at one place `x: [2]`."""
    layer = axis.layer()
    shape, powers = layer.shape, layer._powers
    tables = [
        _chebyshev((2 * x[k] - low - high) / (high - low), layer.degree + 1)
        for k, (low, high) in enumerate(shape.bounds)
    ]
    polynomials = tables[0][powers[:, 0]] * tables[1][powers[:, 1]]
    found = []
    for corner, exponent, degree in layer.families:
        base = jnp.ones((), x.dtype)
        if corner is not None:
            r2, theta = _polar(corner, x, shape.scale)
            base = r2 ** (exponent / 2) * jnp.sin(exponent * theta)
        if layer.exact:
            for one, two, offset in layer.lines if corner is None else layer._others(corner):
                base = base * (one * x[0] + two * x[1] - offset) / shape.scale
        found.append(base * polynomials[np.flatnonzero(powers.sum(axis=1) <= degree)])
    return jnp.concatenate(found)


def _chebyshev(x: Array, count: int) -> Array:
    """Return T_0(x) … T_{count−1}(x) by their recurrence, which differentiates well everywhere."""
    if count == 1:
        return jnp.ones_like(x)[None]

    def next_one(pair: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], Array]:
        before, now = pair
        return (now, 2 * x * now - before), before

    return jax.lax.scan(next_one, (jnp.ones_like(x), x), None, length=count)[1]


def _shape_functions(axis: ShapeAxis, x: Array) -> Array:
    layer = axis.layer()
    value: Any = 1.0
    for column, (low, high) in enumerate(layer.shape.bounds):
        table = _chebyshev((2 * x[column] - low - high) / (high - low), layer.degree + 1)
        value = value * table[layer.powers[:, column]]
    if layer.factor is not None:
        value = value * evaluate(layer.factor, dict(zip(layer.symbols, x, strict=True)), jnp)
    if layer.singular:
        value = jnp.concatenate([value, _corner_functions(layer, x)])
    return value


def _polar(corner: Any, x: Array, unit: float) -> tuple[Array, Array]:
    """Return (r / unit)² and θ about a corner, the cut of the angle outside."""
    z = (x - jnp.asarray(corner.vertex, x.dtype)) / unit
    half = corner.start + corner.angle / 2
    along, across = z[0] * np.cos(half) + z[1] * np.sin(half), z[1] * np.cos(half) - z[0] * np.sin(half)
    return z[0] ** 2 + z[1] ** 2, jnp.arctan2(across, along) + corner.angle / 2


def _corner_functions(layer: ShapeLayer, x: Array) -> Array:
    """Return the corner functions at one place, in the order of the layer's tables."""
    found = []
    radius = max(high - low for low, high in layer.shape.bounds)
    for corner, broken, whole in layer.corner_plan():
        r2, theta = _polar(corner, x, radius)
        if broken:
            s = np.asarray(broken)
            base = r2 ** (s / 2) * jnp.sin(s * theta)
            found += [base, r2 * base]
        if whole:
            s = np.asarray(whole)
            found.append(
                r2 ** (s / 2) * (0.5 * jnp.log(r2) * jnp.sin(s * theta) + theta * jnp.cos(s * theta))
            )
    return jnp.concatenate(found)
