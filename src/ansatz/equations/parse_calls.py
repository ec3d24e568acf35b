"""What stands before brackets: functions, derivatives, integrals, and fields at a place."""

from typing import Any

import sympy
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanAtom

from ansatz.equations.expression import FUNCTIONS, TIMES, At
from ansatz.equations.parse_tokens import Token

FORMS = {
    "diff": "diff(u, x, 2)",
    "laplacian": "laplacian(u)",
    "integral": "integral(u, x) or integral(u, x, 0, 1)",
    "dn": "dn(u)",
    "where": "where(x < 0, then, otherwise)",
}
TAKES = {"atan2": (2, 2), "min": (2, 9), "max": (2, 9)}


def call_function(reader: Any, name: str, word: Token, value: Any = None) -> Any:
    """Read the arguments and return the value of `name(…)`; `value` is what a known name stands for."""
    if value is not None:
        return _place(reader, name, word, value)
    given = _arguments(reader)
    if name in FORMS:
        first = bool(given) and (name == "where" or isinstance(given[0], sympy.Expr))
        result = _FORM[name](reader, given) if first else None
        if result is None:
            raise reader.wrong(f"{name} is given other arguments", f"write {FORMS[name]}", word)
        return result
    if not all(isinstance(one, sympy.Expr) for one in given):
        raise reader.wrong(f"{name} is given a comparison", "it takes numbers", word)
    least, most = TAKES.get(name, (1, 1))
    if not least <= len(given) <= most:
        raise reader.wrong(f"{name} is given {_arguments_of(len(given))}", f"it takes {least}", word)
    if name == "gamma" and given[0].is_number and abs(complex(given[0])) > 170:
        raise reader.wrong("gamma of a number above 170 stands", "its value does not fit in a float64", word)
    return reader.combine(FUNCTIONS[name], word, *given)


def _arguments_of(count: int) -> str:
    return f"{count or 'no'} argument{'' if count == 1 else 's'}"


def _arguments(reader: Any) -> list[Any]:
    reader.need("(")
    bars, reader.bars = reader.bars, False
    given = [] if reader.word.text == ")" else [reader.expression()]
    while reader.take(","):
        given.append(reader.expression())
    reader.need(")")
    reader.bars = bars
    return given


def _place(reader: Any, name: str, word: Token, value: Any) -> Any:
    """Read the place of a field or derivative: `u(0, x)`, `u_x(t, 1)`, `u(t=0)`."""
    function = value.expr if isinstance(value, sympy.Derivative) else value
    if not isinstance(function, sympy.Function) or function not in reader.scope.fields.values():
        raise reader.wrong(f"{name} stands before a bracket", f"it is no function, so write {name}*(…)", word)
    symbols: dict[str, Any] = {str(symbol): symbol for symbol in function.args}
    places: dict[Any, Any] = {}
    named = False
    reader.need("(")
    while not places or reader.take(","):
        start = reader.word
        argument = reader.expression()
        if reader.take("="):
            if argument not in symbols.values():
                raise reader.wrong(f"{argument} is given a place", f"{name} has {', '.join(symbols)}", start)
            places[argument], named = reader.expression(), True
        elif len(places) < len(symbols):
            places[list(symbols.values())[len(places)]] = argument
        else:
            raise reader.wrong("One argument too many stands", f"{name} takes {', '.join(symbols)}", start)
    if len(places) < len(symbols) and not named:
        given, wanted = len(places), ", ".join(symbols)
        raise reader.wrong(
            f"{name} is given {_arguments_of(given)}", f"it takes {len(symbols)}, {wanted}", word
        )
    reader.need(")")
    moved = {symbol: at for symbol, at in places.items() if at != symbol}
    for symbol, at in moved.items():
        if not (at.is_number and at.is_real):
            advice = f"there must stand {symbol} or a number, for {symbol} = {at} is no fixed place"
            raise reader.wrong(f"{name} is taken where {symbol} = {at}", advice, word)
    return At(value, tuple(moved), tuple(moved.values())) if moved else value


def _by(reader: Any, given: list[Any]) -> list[tuple[Any, list[Any]]] | None:
    """Group arguments as coordinates, each with the numbers that follow it."""
    groups: list[tuple[Any, list[Any]]] = []
    for one in given:
        if one in reader.scope.coordinates.values():
            groups.append((one, []))
        elif groups and one.is_number:
            groups[-1][1].append(one)
        else:
            return None
    return groups or None


def _diff(reader: Any, given: list[Any]) -> Any:
    groups = _by(reader, given[1:])
    if not groups or any(len(n) > 1 or not all(k.is_Integer and 0 < k < 20 for k in n) for _, n in groups):
        return None
    return sympy.diff(given[0], *((symbol, n[0] if n else 1) for symbol, n in groups))


def _laplacian(reader: Any, given: list[Any]) -> Any:
    space = [one for name, one in reader.scope.coordinates.items() if name not in TIMES]
    groups = _by(reader, given[1:]) if len(given) > 1 else [(one, []) for one in space]
    if not groups or any(n for _, n in groups):
        return None
    return sympy.Add(*(sympy.diff(given[0], (symbol, 2)) for symbol, _ in groups))


def _integral(reader: Any, given: list[Any]) -> Any:
    groups = _by(reader, given[1:])
    if not groups or any(len(n) not in (0, 2) for _, n in groups):
        return None
    return sympy.Integral(given[0], *((symbol, *n) for symbol, n in groups))


def _normal(reader: Any, given: list[Any]) -> Any:
    return sympy.Function("dn", real=True)(given[0]) if len(given) == 1 else None


def _where(reader: Any, given: list[Any]) -> Any:
    if (
        len(given) != 3
        or not isinstance(given[0], Relational | BooleanAtom)
        or not all(isinstance(one, sympy.Expr) for one in given[1:])
    ):
        return None
    return sympy.Piecewise((given[1], given[0]), (given[2], True))


_FORM = {"diff": _diff, "laplacian": _laplacian, "integral": _integral, "dn": _normal, "where": _where}
