"""The domain of a problem: an interval for each coordinate, or a shape for several."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import sympy

from ansatz._spelling import nearest
from ansatz.equations.expression import ALIASES, FUNCTIONS, Expression
from ansatz.equations.parse import CONSTANTS, parse_constant
from ansatz.equations.parse_calls import FORMS as CALLS
from ansatz.equations.parse_tokens import BadText, Token, split_at, tokens, wrong
from ansatz.errors import BadInput

MOST = 5
FORMS = {
    "disk": "disk(x, y, radius)",
    "annulus": "annulus(x, y, inner, outer)",
    "ball": "ball(x, y, z, radius)",
    "polygon": "polygon((0,0), (1,0), (1,1))",
    "rectangle": "rectangle(0, 1, 0, 2)",
    "lshape": "lshape()",
}


def domain_of(
    on: Mapping[Any, Any],
) -> tuple[dict[sympy.Symbol, tuple[float, float]], Any, tuple[sympy.Symbol, ...]]:
    """Return the intervals by coordinate, the shape or None, and the coordinates of the shape.

    Raises:
        BadInput: an interval is empty or infinite, there are two shapes, or more than five coordinates.
    """
    intervals: dict[sympy.Symbol, tuple[float, float]] = {}
    shape, inside = None, ()
    for key, value in on.items():
        if isinstance(key, tuple):
            if shape is not None:
                raise BadInput("The domain has two shapes; one shape and intervals may be combined.")
            shape, inside = value, tuple(_symbol(one) for one in key)
            if len(shape.bounds) != len(inside):
                raise BadInput(
                    f"The shape has {len(shape.bounds)} dimensions, and {inside} has {len(inside)}."
                )
        else:
            intervals[_symbol(key)] = _interval(_symbol(key), value)
    count = len(intervals) + len(inside)
    if not 0 < count <= MOST:
        raise BadInput(f"The domain has {count} coordinates; from 1 to {MOST} are solved.")
    return intervals, shape, inside


def _symbol(key: Any) -> sympy.Symbol:
    value = key.expr if isinstance(key, Expression) else key
    if isinstance(value, str) and value.isidentifier() and not taken(value):
        return sympy.Symbol(value, real=True)
    if not isinstance(value, sympy.Symbol):
        raise BadInput(f"The domain names {key!r}, which is no coordinate; declare it by coords.")
    return value


def _interval(symbol: sympy.Symbol, value: Any) -> tuple[float, float]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise BadInput(f"The interval of {symbol} is {value!r}; it must be a pair such as (0, 1).")
    try:
        a, b = (float(one.expr if isinstance(one, Expression) else one) for one in value)
    except (TypeError, ValueError):
        raise BadInput(f"The interval of {symbol} is {value!r}; its ends must be numbers.") from None
    if not (math.isfinite(a) and math.isfinite(b) and a < b):
        raise BadInput(
            f"The interval {symbol} = {a:g}..{b:g} is empty or infinite; write it from the lower end."
        )
    return a, b


def domain_of_text(text: str, constants: Mapping[str, Any]) -> dict[Any, Any]:
    """Return the domain that a text such as `"t=0..1, x,y=disk(0,0,1)"` spells, by symbols.

    >>> domain_of_text("t=0..2*pi", {})
    {t: (0.0, 6.283185307179586)}
    """
    if not text.strip():
        raise wrong(text, 0, "Nothing stands", "write the domain, as t=0..1 or x,y=disk(0,0,1)")
    found: dict[Any, Any] = {}
    names: list[sympy.Symbol] = []
    used: set[str] = set()
    for start, part in split_at(text, ","):
        sides = split_at(part, "=")
        name = sides[0][1].strip()
        position = start + len(part) - len(part.lstrip())
        if not name.isidentifier() or name in used or len(sides) > 2:
            shown = repr(part.strip()) if part.strip() else "Nothing"
            problem = f"The coordinate {name!r} stands twice" if name in used else f"{shown} stands"
            raise wrong(text, position, problem, "write intervals such as x=0..1, or x,y=disk(0,0,1)")
        if taken(name):
            raise wrong(text, position, f"The coordinate {name} stands", f"{name} has a meaning already")
        used.add(name)
        names.append(sympy.Symbol(name, real=True))
        if len(sides) == 1:
            continue
        value = _value(text, start + sides[1][0], sides[1][1], constants)
        found[names[0] if isinstance(value, tuple) else tuple(names)] = value
        if isinstance(value, tuple) and len(names) > 1:
            raise wrong(text, position, "One interval stands for several coordinates", "give each its own")
        names = []
    if names:
        raise wrong(text, len(text), f"Nothing is said about {names[0]}", f"write {names[0]}=0..1")
    return found


def _value(text: str, start: int, part: str, constants: Mapping[str, Any]) -> Any:
    ends = split_at(part, "..")
    if len(ends) == 2:
        a, b = (float(_constant(text, start + at, one, constants)) for at, one in ends)
        if not a < b:
            raise wrong(text, start, f"The empty interval {part.strip()} stands", "write the lower end first")
        return a, b
    return _Shapes(text, start, part, constants).read()


def _constant(text: str, start: int, part: str, constants: Mapping[str, Any]) -> Any:
    """Return a constant within a longer text, its errors placed in the whole."""
    if not part.strip():
        raise wrong(text, start, "Nothing stands where a number should", "write an interval such as x=0..1")
    try:
        return parse_constant(part, constants)
    except BadText as problem:
        raise problem.within(text, start) from None


class _Shapes:
    """A reader of shapes combined by | (union), & (intersection) and - (difference)."""

    def __init__(self, text: str, start: int, part: str, constants: Mapping[str, Any]):
        self.text, self.start, self.part, self.constants = text, start, part, constants
        self.words, self.at = tokens(part), 0

    @property
    def word(self) -> Token:
        return self.words[self.at]

    def wrong(self, found: str, advice: str) -> BadInput:
        return wrong(self.text, self.start + self.word.start, found, advice)

    def read(self) -> Any:
        """Read the whole part."""
        shape = self.combination()
        if self.word.kind != "end":
            raise self.wrong(f"{self.word.text!r} stands", "shapes are combined by |, & and -")
        return shape

    def combination(self) -> Any:
        """Read shapes and the signs between them, from left to right, & before | and -."""
        shape = self.meeting()
        while self.word.text in ("|", "-"):
            union = self.word.text == "|"
            self.at += 1
            other = self.meeting()
            shape = shape | other if union else shape - other
        return shape

    def meeting(self) -> Any:
        """Read shapes joined by &."""
        shape = self.primitive()
        while self.word.text == "&":
            self.at += 1
            shape = shape & self.primitive()
        return shape

    def primitive(self) -> Any:
        """Read one shape or a bracket."""
        if self.word.text == "(":
            self.at += 1
            shape = self.combination()
            self.need(")")
            return shape
        name = self.word.text
        if name not in FORMS:
            found = f"The shape {name!r} stands" if name else "Nothing stands"
            raise self.wrong(found, f"{nearest(name, FORMS)}; an interval is written x=0..1")
        self.at += 1
        groups = self.numbers()
        try:
            shape = _SHAPES[name](groups)
        except (TypeError, IndexError):
            shape = None
        if shape is None:
            raise self.wrong(f"{name} has other arguments", f"write {FORMS[name]}")
        return shape

    def need(self, mark: str) -> None:
        """Go past a mark that must stand here."""
        if self.word.text != mark:
            raise self.wrong(
                f"{self.word.text!r} stands" if self.word.text else "Nothing stands", f"{mark!r} is missing"
            )
        self.at += 1

    def numbers(self) -> list[Any]:
        """Read `(…, …)`: numbers, and points in brackets of their own."""
        self.need("(")
        found: list[Any] = []
        while self.word.text != ")":
            points = self.part[self.word.start :]
            pair = self.word.text == "(" and len(split_at(_bracket(points), ",")) > 1
            found.append(tuple(self.numbers()) if pair else self.number())
            if self.word.text != ")":
                self.need(",")
        self.need(")")
        return found

    def number(self) -> float:
        """Read a constant up to the next comma or closing bracket."""
        first, depth = self.at, 0
        while self.word.kind != "end" and (depth or self.word.text not in (",", ")")):
            depth += {"(": 1, ")": -1}.get(self.word.text, 0)
            self.at += 1
        part = self.part[self.words[first].start : self.word.start]
        return float(_constant(self.text, self.start + self.words[first].start, part, self.constants))


def _bracket(text: str) -> str:
    """Return what stands inside the bracket that opens a text."""
    depth = 0
    for index, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0:
            return text[1:index]
    return ""


def _disk(given: list[Any]) -> Any:
    from ansatz.equations.domain import Disk

    return Disk(tuple(given[:2]), given[2]) if len(given) == 3 else None


def _annulus(given: list[Any]) -> Any:
    from ansatz.equations.domain import Annulus

    return Annulus(tuple(given[:2]), given[2], given[3]) if len(given) == 4 else None


def _ball(given: list[Any]) -> Any:
    from ansatz.equations.domain import Ball

    return Ball(tuple(given[:3]), given[3]) if len(given) == 4 else None


def _polygon(given: list[Any]) -> Any:
    from ansatz.equations.domain import Polygon

    points = all(isinstance(one, tuple) and len(one) == 2 for one in given)
    return Polygon(tuple(given)) if points and len(given) > 2 else None


def _rectangle(given: list[Any]) -> Any:
    from ansatz.equations.domain import Rectangle

    return Rectangle(((given[0], given[1]), (given[2], given[3]))) if len(given) == 4 else None


def _lshape(given: list[Any]) -> Any:
    corners = [(-1.0, -1.0), (1.0, -1.0), (1.0, 0.0), (0.0, 0.0), (0.0, 1.0), (-1.0, 1.0)]
    return None if given else _polygon(corners)


_SHAPES: dict[str, Callable[[list[Any]], Any]] = {
    "disk": _disk, "annulus": _annulus, "ball": _ball,
    "polygon": _polygon, "rectangle": _rectangle, "lshape": _lshape,
}  # fmt: skip
RESERVED = frozenset(CONSTANTS) | FUNCTIONS.keys() | CALLS.keys() | ALIASES.keys()


def taken(name: str) -> bool:
    """Tell whether a name has a meaning of its own, as `sin`; e and i may be given another one."""
    return name in RESERVED and name not in ("e", "i")
