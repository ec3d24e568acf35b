"""What a stated condition is: a value at a place, periodicity, a boundary, or an integral."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy
from sympy.core.function import AppliedUndef

from ansatz.equations.complex_parts import Pairs, parts_of
from ansatz.equations.expression import TIMES, exact
from ansatz.equations.problem import Condition
from ansatz.errors import BadInput

Place = tuple[tuple[sympy.Symbol, float], ...]


@dataclass(frozen=True)
class Setting:
    """What a condition is read against: the domain and the fields."""

    intervals: Mapping[sympy.Symbol, tuple[float, float]]
    shape: Any
    shape_coordinates: tuple[sympy.Symbol, ...]
    fields: tuple[Any, ...]
    pairs: Pairs


def conditions_of(residual: Any, text: str, setting: Setting) -> list[Condition]:
    """Return the conditions that one statement makes, complex ones split into their parts.

    Raises:
        BadInput: the statement has no unknown function, no place, or a place outside the domain.
    """
    if isinstance(residual, sympy.Tuple):
        return [one for each in setting.fields for one in _periodic(each, residual[0], text, setting)]
    if not residual.has(AppliedUndef):
        raise BadInput(f"The condition {text} contains no unknown function; write it as u(0,x)=1.")
    strange = {
        one for one in residual.atoms(AppliedUndef) if one not in setting.fields and not _is_normal(one)
    }
    if strange:
        raise BadInput(
            f"The condition {text} speaks of {min(map(str, strange))}, which no equation contains."
        )
    places = {_place(one, text, setting) for one in residual.atoms(sympy.Subs)}
    if len(places) == 2:
        return _two_places(residual, text, places, setting)
    if len(places) > 2:
        raise BadInput(
            f"The condition {text} joins {len(places)} places; conditions hold at one place, or two ends."
        )
    bare = residual.xreplace({one: sympy.Dummy() for one in residual.atoms(sympy.Subs)})
    if places and bare.has(AppliedUndef) and not residual.has(sympy.Integral):
        raise BadInput(
            f"The condition {text} has values at a place and without one; give every value its place."
        )
    at = places.pop() if places else ()
    residual = _unplaced(residual, at, setting)
    if residual.has(sympy.Integral):
        return _split("integral", _limited(residual, setting), at, text, setting)
    if at:
        return _split("value", residual, at, text, setting)
    return _whole_boundary(residual, text, setting)


def _is_normal(one: Any) -> bool:
    return one.func.__name__ == "dn"


def _split(kind: Any, residual: Any, at: Place, text: str, setting: Setting) -> list[Condition]:
    parts = [one for one in parts_of(residual, setting.pairs) if one != 0]
    return [Condition(kind, one, at, text) for one in parts]


def _place(subs: Any, text: str, setting: Setting) -> Place:
    """Return where a `Subs` is taken, with ends hit to rounding made exact."""
    found = []
    for symbol, value in zip(subs.variables, subs.point, strict=True):
        if not (value.is_number and value.is_real):
            raise BadInput(
                f"The condition {text} is taken at {symbol} = {value}, which is no fixed real number."
            )
        if symbol not in setting.intervals:
            raise BadInput(
                f"The condition {text} is placed at {symbol} inside a shape; leave the place away."
            )
        a, b = setting.intervals[symbol]
        number, tolerance = float(value), 1e-12 * max(abs(a), abs(b), b - a)
        number = next((end for end in (a, b) if abs(end - number) <= tolerance), number)
        if not a <= number <= b:
            raise BadInput(
                f"The condition {text} is at {symbol} = {number:g}, outside {symbol} = {a:g}..{b:g}."
            )
        found.append((symbol, number))
    return tuple(sorted(found, key=lambda one: str(one[0])))


def _unplaced(residual: Any, at: Place, setting: Setting) -> Any:
    """Write a residual with unplaced fields, and its other terms at the place."""
    inner = {one: sympy.Dummy() for one in residual.atoms(sympy.Subs)}
    moved = residual.xreplace(inner)
    fixed = {
        symbol: value
        for one in residual.atoms(sympy.Subs)
        for symbol, value in zip(one.variables, one.point, strict=True)
    }
    return moved.subs(fixed).xreplace({dummy: one.expr for one, dummy in inner.items()}) if at else residual


def _limited(residual: Any, setting: Setting) -> Any:
    """Give integrals without bounds the whole interval."""
    table = {}
    for one in residual.atoms(sympy.Integral):
        limits = []
        for symbol, *ends in one.limits:
            if not ends and symbol not in setting.intervals:
                raise BadInput(f"The integral over {symbol} needs its bounds, for {symbol} has no interval.")
            limits.append((symbol, *(ends or map(exact, setting.intervals[symbol]))))
        table[one] = sympy.Integral(one.function, *limits)
    return residual.xreplace(table)


def _two_places(residual: Any, text: str, places: set[Place], setting: Setting) -> list[Condition]:
    """Read `u(t,a) = u(t,b)`."""
    one, two = sorted(residual.atoms(sympy.Subs), key=lambda subs: _place(subs, text, setting))[:2]
    lower, upper = (_place(each, text, setting) for each in (one, two))
    same = len(residual.atoms(sympy.Subs)) == 2 and one.expr == two.expr
    factor = residual.coeff(one)
    ends = len(lower) == len(upper) == 1 and lower[0][0] == upper[0][0]
    plain = same and ends and factor.is_number and (residual - factor * (one - two)).expand() == 0
    symbol = lower[0][0]
    if not plain or (lower[0][1], upper[0][1]) != setting.intervals[symbol]:
        raise BadInput(
            f"The condition {text} joins two places and is not u = u at the two ends of a coordinate."
        )
    return _periodic(one.expr, symbol, text, setting)


def _periodic(inner: Any, symbol: Any, text: str, setting: Setting) -> list[Condition]:
    if symbol not in setting.intervals:
        raise BadInput(f"The condition {text} is periodic in {symbol}, which has no interval.")
    a, b = setting.intervals[symbol]
    return _split("periodic", inner, ((symbol, a), (symbol, b)), text, setting)


def _whole_boundary(residual: Any, text: str, setting: Setting) -> list[Condition]:
    """Read a condition without a place: on the boundary of the shape, and on faces that are not time."""
    found = _split("boundary", residual, (), text, setting) if setting.shape is not None else []
    for symbol, ends in setting.intervals.items():
        if symbol.name in TIMES:
            continue
        for end, sign in zip(ends, (-1, 1), strict=True):
            normals = {
                one: sign * sympy.diff(one.args[0], symbol)
                for one in residual.atoms(AppliedUndef)
                if _is_normal(one)
            }
            fixed = _unfielded_subs(residual.xreplace(normals), symbol, end)
            found += _split("value", fixed, ((symbol, end),), text, setting)
    if not found:
        raise BadInput(f"The condition {text} has no place, and time has no boundary; write it as u(0)=1.")
    return found


def _unfielded_subs(residual: Any, symbol: Any, end: float) -> Any:
    """Put the end in for a coordinate, except inside the fields."""
    atoms = residual.atoms(AppliedUndef, sympy.Derivative)
    inner = {one.expr for one in atoms if isinstance(one, sympy.Derivative)}
    moved = {one: sympy.Dummy() for one in atoms - inner}
    return (
        residual.xreplace(moved)
        .subs(symbol, exact(end))
        .xreplace({dummy: one for one, dummy in moved.items()})
    )


def merged(found: list[Any]) -> tuple[Condition, ...]:
    """Drop the periodic derivatives that a periodic field implies, and refuse them without it."""
    fields = {(one.residual, one.at) for one in found if one.kind == "periodic" and one.residual.is_Function}
    for one in found:
        periodic = one.kind == "periodic" and not one.residual.is_Function
        if periodic and (one.residual.expr, one.at) not in fields:
            raise BadInput(
                f"The condition {one.text} makes only a derivative periodic; state the function too."
            )
    seen: dict[Any, Condition] = {}
    for one in found:
        if one.kind != "periodic" or (one.residual, one.at) in fields:
            seen.setdefault((one.residual, one.at) if one.kind == "periodic" else id(one), one)
    return tuple(seen.values())
