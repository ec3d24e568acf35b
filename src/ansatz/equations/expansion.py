"""An answer as a map: what least squares found, as f_θ(x) that JAX differentiates and a folder keeps."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import sympy
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import Map
from ansatz.equations.basis import Layer
from ansatz.equations.corner_layer import CornerLayer
from ansatz.equations.declare_domain import domain_of_text
from ansatz.equations.domain import Box
from ansatz.equations.lower import evaluate
from ansatz.equations.parse import Scope, parse_expression
from ansatz.equations.printing import text_of
from ansatz.equations.series import Series, lift_at
from ansatz.equations.shape_layer import ShapeLayer
from ansatz.equations.stretch import Stretch


class Axis(NamedTuple):
    """The frozen layer of one coordinate: its functions, before they are combined, on [low, high]."""

    kind: str
    low: float
    high: float
    center: float = 0.0
    width: float = 0.0
    parity: str = ""

    def layer(self, modes: int, low: float | None = None, high: float | None = None) -> Layer:
        """Return the layer with so many functions, on a window if one is given."""
        ends = (self.low if low is None else low, self.high if high is None else high)
        return Layer(Stretch(*ends, self.center, self.width), modes, (), self.parity, self.kind)  # type: ignore[arg-type]

    def functions(self, x: Array, modes: int, low: Any = None, high: Any = None) -> Array:
        """Return the functions at one place in JAX, `[modes]`."""
        low, high = self.low if low is None else low, self.high if high is None else high
        if self.kind == "fourier":
            middle = 0.5 * (self.low + self.high) if self.parity else self.low
            angle = (x - middle) * (2 * np.pi / (self.high - self.low))
            if self.parity:
                k = jnp.asarray(np.arange(modes) + (self.parity == "odd"), x.dtype)
                return jnp.sin(angle * k) if self.parity == "odd" else jnp.cos(angle * k)
            k = jnp.asarray((np.arange(modes) + 1) // 2, x.dtype)
            phase = 0.5 * np.pi * ((np.arange(modes) + 1) % 2 * (np.arange(modes) > 0))
            return jnp.cos(angle * k - jnp.asarray(phase, x.dtype))
        if self.width:
            first, last = (
                float(np.arcsinh((end - self.center) / self.width)) for end in (self.low, self.high)
            )
            reference = (2 * jnp.arcsinh((x - self.center) / self.width) - first - last) / (last - first)
        else:
            reference = (2 * x - low - high) / (high - low)
        start = 1 if self.parity == "odd" else 0
        total = modes if not self.parity else 2 * modes - 1 + start
        return _chebyshev(reference, total)[start :: 2 if self.parity else 1]


class ShapeAxis(NamedTuple):
    """The frozen layer of the coordinates of a shape, given as text."""

    shape: str
    coordinates: tuple[str, ...]
    degree: int
    factor: str
    singular: int

    def layer(self) -> ShapeLayer:
        """Return the layer."""
        if self.shape.startswith("box("):
            ends = [float(one) for one in self.shape[4:-1].split(",")]
            shape: Any = Box(tuple(zip(ends[::2], ends[1::2], strict=True)))
            symbols = tuple(sympy.Symbol(name, real=True) for name in self.coordinates)
        else:
            ((symbols, shape),) = domain_of_text(f"{','.join(self.coordinates)} = {self.shape}", {}).items()
        scope = Scope({s.name: s for s in symbols}, {}, {})
        factor = parse_expression(self.factor, scope) if self.factor else None
        return ShapeLayer(shape, self.degree, factor, tuple(symbols), self.singular)


class CornerAxis(NamedTuple):
    """The frozen layer of a polygon that vanishes on its boundary, given as text."""

    shape: str
    coordinates: tuple[str, ...]
    degree: int

    def layer(self) -> CornerLayer:
        """Return the layer."""
        (shape,) = domain_of_text(f"{','.join(self.coordinates)} = {self.shape}", {}).values()
        return CornerLayer(shape, self.degree)

    def functions(self, x: Array) -> Array:
        """Return the functions at one place `x: [2]` in JAX."""
        layer = self.layer()
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


class Expansion(Map):
    """u_f(x) = A_f(x) + Σ c_{ij…} τ_i(t) φ_j(x) …, with other coefficients in every window of axis 0.

    `coefficients[f]: [windows, modes of axis 0, modes of axis 1, …]`, `edges: [windows + 1]`; `lifts[f]`
    is the expression A_f as text; `groups` says which coordinates an axis stands for.
    """

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
                table = axis.functions(x[jnp.asarray(group)])
            elif isinstance(axis, ShapeAxis):
                table = _shape_functions(axis, x[jnp.asarray(group)])
            elif number == 0 and windowed:
                table = axis.functions(x[group[0]], modes, edges[at], edges[at + 1])
            else:
                table = axis.functions(x[group[0]], modes)
            value = jnp.tensordot(table.astype(value.dtype), value, 1)
        if self.lifts[n] != "0":
            symbols = {name: sympy.Symbol(name, real=True) for name in self.coordinates}
            lift = parse_expression(self.lifts[n], Scope(symbols, {}, {}))
            value = value + evaluate(lift, {s: x[i] for i, s in enumerate(symbols.values())}, jnp)
        return value


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


def values(
    expansion: Expansion, field: int, points: Sequence[np.ndarray], index: Sequence[int], block: int = 8192
) -> np.ndarray:
    """Return a derivative of a field at scattered points, one array `[N]` for each coordinate, in float64."""
    count = len(points[0])
    out = np.empty(count)
    edges = np.asarray(expansion.edges)
    at = np.clip(np.searchsorted(edges, points[expansion.groups[0][0]], side="left") - 1, 0, len(edges) - 2)
    at = at if len(edges) > 2 else np.zeros(count, int)
    for window in np.unique(at):
        rows = np.flatnonzero(at == window)
        for start in range(0, len(rows), block):
            some = rows[start : start + block]
            out[some] = _in_window(expansion, field, [p[some] for p in points], index, int(window))
    lift = expansion.lifts[field]
    if lift != "0":
        symbols = {name: sympy.Symbol(name, real=True) for name in expansion.coordinates}
        expression = parse_expression(lift, Scope(symbols, {}, {}))
        named = dict(zip(symbols.values(), points, strict=True))
        extra = lift_at(expression, tuple(index), list(symbols.values()), named, (count,))
        out = out if extra is None else out + extra
    return out


def _in_window(
    expansion: Expansion, field: int, points: Sequence[np.ndarray], index: Sequence[int], window: int
) -> np.ndarray:
    value = np.asarray(expansion.coefficients[field])[window]
    edges = np.asarray(expansion.edges)
    result: Any = None
    for number, (axis, group) in enumerate(zip(expansion.axes[field], expansion.groups, strict=True)):
        modes = value.shape[0] if result is None else result.shape[1]
        if isinstance(axis, ShapeAxis | CornerAxis):
            key: Any = tuple(index[c] for c in group)
            table = axis.layer().tables(np.stack([points[c] for c in group], 1), {key})[key]
        else:
            ends = (float(edges[window]), float(edges[window + 1])) if number == 0 and len(edges) > 2 else ()
            table = axis.layer(modes, *ends).table(points[group[0]], index[group[0]])[-1]
        if result is None:
            result = np.tensordot(table, value, 1)
        else:
            result = np.einsum("nm,nm...->n...", table, result)
    return result


def of_series(
    fields: Sequence[Series],
    coefficients: Sequence[np.ndarray],
    groups: Any,
    coordinates: Sequence[Any],
    names: Sequence[str],
) -> Expansion:
    """Return the expansion of an answer found at once."""
    axes, arrays = [], []
    for s, c in zip(fields, coefficients, strict=True):
        row = []
        for number, (layer, group) in enumerate(zip(s.layers, groups, strict=True)):
            if isinstance(layer, CornerLayer):
                inside = tuple(coordinates[g].name for g in group)
                row.append(CornerAxis(layer.shape.describe(), inside, layer.degree))
            elif isinstance(layer, ShapeLayer):
                factor = "" if layer.factor is None else text_of(layer.factor)
                inside = tuple(coordinates[g].name for g in group)
                row.append(ShapeAxis(layer.shape.describe(), inside, layer.degree, factor, layer.singular))
            else:
                row.append(_axis(layer))
                c = np.moveaxis(np.tensordot(layer.combination, c, (1, number)), 0, number)
        axes.append(tuple(row))
        arrays.append(c[None])
    return Expansion(
        tuple(arrays), np.array([0.0, 1.0]), tuple(axes), tuple(groups), tuple(s.name for s in coordinates),
        tuple(names), tuple(text_of(s.lift) for s in fields),
    )  # fmt: skip


def of_windows(
    windows: Sequence[Any],
    layers: Sequence[Sequence[Layer]],
    lifts: Sequence[Any],
    coordinates: Sequence[Any],
    names: Sequence[str],
) -> Expansion:
    """Return the expansion of an answer found window by window."""
    edges = np.array([windows[0].start, *(w.end for w in windows)])
    arrays, axes = [], []
    for n, one in enumerate(layers):
        shapes = np.array([w.coefficients[n].shape for w in windows])
        whole = np.zeros((len(windows), *shapes.max(axis=0)))
        for at, w in enumerate(windows):
            part = w.coefficients[n]
            whole[(at, *(slice(0, k) for k in part.shape))] = part
        if len(windows) == 1:
            edges = np.array([windows[0].start, windows[0].end])
        arrays.append(whole)
        axes.append((Axis("chebyshev", float(edges[0]), float(edges[-1])), *(_axis(layer) for layer in one)))
    groups = tuple((axis,) for axis in range(len(coordinates)))
    return Expansion(
        tuple(arrays), edges, tuple(axes), groups, tuple(s.name for s in coordinates), tuple(names),
        tuple(text_of(lift) for lift in lifts),
    )  # fmt: skip


def reordered(expansion: Expansion, coordinates: Sequence[Any]) -> Expansion:
    """Return the same map of the coordinates in another order."""
    names = tuple(s.name for s in coordinates)
    groups = tuple(tuple(names.index(expansion.coordinates[c]) for c in group) for group in expansion.groups)
    return dataclasses.replace(expansion, groups=groups, coordinates=names)


def _axis(layer: Layer) -> Axis:
    s = layer.stretch
    return Axis(layer.kind, s.low, s.high, s.center, s.width, layer.parity)
