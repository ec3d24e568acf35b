"""An answer as coefficients of frozen layers: what least squares found, evaluated by NumPy."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import sympy

from ansatz.equations.basis import Layer
from ansatz.equations.corner_layer import CornerLayer
from ansatz.equations.declare_domain import domain_of_text
from ansatz.equations.domain import Box
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


class Expansion(NamedTuple):
    """u_f(x) = A_f(x) + Σ c_{ij…} τ_i(t) φ_j(x) …, with other coefficients in every window of axis 0.

    `coefficients[f]: [windows, modes of axis 0, modes of axis 1, …]`, `edges: [windows + 1]`; `lifts[f]`
    is the expression A_f as text; `groups` says which coordinates an axis stands for.  NumPy evaluates it;
    `ExpansionMap(*expansion)` is the same as a map of JAX.
    """

    coefficients: tuple[Any, ...]
    edges: Any
    axes: tuple[tuple[Any, ...], ...]
    groups: tuple[tuple[int, ...], ...]
    coordinates: tuple[str, ...]
    fields: tuple[str, ...]
    lifts: tuple[str, ...]


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
    return expansion._replace(groups=groups, coordinates=names)


def _axis(layer: Layer) -> Axis:
    s = layer.stretch
    return Axis(layer.kind, s.low, s.high, s.center, s.width, layer.parity)
