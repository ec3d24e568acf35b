"""From the text of an equation to SymPy, by operator precedence; nothing in the text is ever run."""

import difflib
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy

from ansatz._spelling import nearest
from ansatz.equations.expression import ALIASES, FUNCTIONS, split_suffix
from ansatz.equations.parse_calls import FORMS, call_function
from ansatz.equations.parse_tokens import Token, tokens, wrong
from ansatz.errors import BadInput

DEEPEST = 60
BINARY: dict[str, tuple[int, int, Callable[[Any, Any], Any]]] = {
    "<": (5, 6, lambda a, b: a < b),
    ">": (5, 6, lambda a, b: a > b),
    "<=": (5, 6, lambda a, b: a <= b),
    ">=": (5, 6, lambda a, b: a >= b),
    "+": (10, 11, lambda a, b: a + b),
    "-": (10, 11, lambda a, b: a - b),
    "*": (20, 21, lambda a, b: a * b),
    "/": (20, 21, lambda a, b: a / b),
    "^": (40, 39, lambda a, b: a**b),
}
NO_VALUE = (sympy.nan, sympy.zoo, sympy.oo, sympy.S.NegativeInfinity)
INFINITE = ("inf", "infinity", "oo", "Inf", "Infinity")
CONSTANTS = {"pi": sympy.pi, "π": sympy.pi, "e": sympy.E, "i": sympy.I}


@dataclass
class Scope:
    """What the names in a text mean: coordinates, fields, and constants with their values."""

    coordinates: dict[str, sympy.Symbol] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)

    def value(self, name: str) -> Any:
        """Return what a name stands for, or None; `u_xx` is a derivative."""
        for known in (self.constants, self.coordinates, self.fields, CONSTANTS):
            if name in known:
                return known[name]
        base, _, suffix = name.rpartition("_")
        by = split_suffix(suffix, list(self.coordinates)) if base in self.fields and suffix else None
        return sympy.diff(self.fields[base], *(self.coordinates[one] for one in by)) if by else None

    def advice(self, name: str) -> str:
        """Return the nearest valid spelling of a name, or how to declare it."""
        declare = f"give its value with --let '{name}=1'"
        if not self.coordinates:
            return declare if name not in INFINITE else "every number must be finite"
        declare += f", declare it with --unknown {name}"
        for base in sorted(self.fields, key=len, reverse=True):
            suffix = name.removeprefix(base).removeprefix("_")
            if name.startswith(f"{base}_") and suffix:
                written = ", ".join(f"{base}_{one}" for one in self.coordinates)
                return f"the derivatives of {base} are written {written} and so on, by what --on names"
            if name.startswith(base) and suffix and split_suffix(suffix, list(self.coordinates)):
                return f"write the derivative as {base}_{suffix}"
        if name[0] == "d" and (name[1:] in self.fields or name[1:] in self.coordinates) and self.fields:
            return f"derivatives are written {next(iter(self.fields))}_{next(iter(self.coordinates))}"
        if name in INFINITE:
            return "every number must be finite, so write a large one"
        if name[0] in "Δ∆" and name[1:] in self.fields:
            return f"write laplacian({name[1:]})"
        known = [*self.fields, *self.coordinates, *self.constants, *FUNCTIONS, *FORMS, *CONSTANTS, *ALIASES]
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.65 if len(name) > 2 else 0.7)
        if close:
            return f"did you mean {close[0]!r}, or else {declare.replace(', declare', ' or declare')}"
        return f"{declare}, or write {name}({','.join(self.coordinates)}) if it is an unknown function"


class Parser:
    """A reader of one text; the value of what it reads is a SymPy expression."""

    def __init__(self, text: str, scope: Scope):
        self.text, self.scope, self.words = text, scope, tokens(text)
        self.at, self.depth, self.bars = 0, 0, False

    @property
    def word(self) -> Token:
        """The next word."""
        return self.words[self.at]

    def take(self, *marks: str) -> Token | None:
        """Return the next word and go on if it is one of the marks."""
        word = self.word
        if word.kind != "mark" or word.text not in marks:
            return None
        self.at += 1
        return word

    def need(self, mark: str) -> None:
        """Go past a mark that must stand here."""
        if not self.take(mark):
            raise self.wrong(f"{_shown(self.word)} stands", f"{mark!r} is missing there")

    def wrong(self, found: str, advice: str, word: Token | None = None) -> BadInput:
        """Return the error about what stands at a word, by default the next."""
        return wrong(self.text, (word or self.word).start, found, advice)

    def expression(self, binding: int = 0) -> Any:
        """Read an expression whose operators bind at least as tightly as `binding`."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong("More than 60 brackets or signs stand open", "split the expression with --let")
        value, divided = self.primary(), False
        while True:
            word = self.word
            product = binding <= 20 and self.implicit()
            if product and divided:
                raise self.wrong("A product without a sign stands after a division", "write * and brackets")
            left, right, operation = BINARY["*"] if product else BINARY.get(word.text, (-1, -1, _nothing))
            if left < binding:
                break
            self.at += not product
            value = self.combine(operation, word, value, self.expression(right))
            divided = word.text == "/" and not product
        self.depth -= 1
        return value

    def implicit(self) -> bool:
        """Tell whether a number stands directly before a name or a bracket: 2pi, 3(x+1), 2|x|."""
        bracket = self.word.text == "(" or (self.word.text == "|" and not self.bars)
        return self.words[self.at - 1].kind == "number" and (self.word.kind == "name" or bracket)

    def combine(self, operation: Callable[..., Any], word: Token, *values: Any) -> Any:
        """Apply an operator, refusing what has no value or no bounded size."""
        try:
            if word.text == "^" and all(one.is_number for one in values) and not _small_power(*values):
                raise self.wrong("A power beyond 1e300 stands", "constants must fit in a float64", word)
            result = operation(*values)
        except (TypeError, ValueError, AttributeError, OverflowError) as problem:
            if isinstance(problem, BadInput):
                raise
            advice = "it does not take these operands"
            raise self.wrong(f"{word.text!r} stands", advice, word) from None
        if isinstance(result, sympy.Basic) and result.has(*NO_VALUE):
            raise self.wrong(f"{word.text!r} stands", "it has no finite value for these operands", word)
        return result

    def primary(self) -> Any:
        """Read a number, a name, a bracket, a bar or a sign, with what follows it."""
        word = self.word
        self.at += 1
        if word.kind == "number":
            if not math.isfinite(float(word.text)) or (float(word.text) == 0) != (
                sympy.Rational(word.text) == 0
            ):
                raise self.wrong(f"The number {word.text} stands", "it does not fit in a float64", word)
            return sympy.Rational(word.text)
        if word.kind == "name":
            return self.name(word)
        if word.text in ("(", "|"):
            bars, self.bars = self.bars, word.text == "|"
            value = self.expression()
            self.need(")" if word.text == "(" else "|")
            self.bars = bars
            return value if word.text == "(" else self.combine(sympy.Abs, word, value)
        if word.text in ("-", "+"):
            value = self.expression(30)
            return self.combine(lambda a: -a, word, value) if word.text == "-" else value
        raise self.wrong(f"{_shown(word)} stands", "a number, a name or a bracket must stand there", word)

    def name(self, word: Token) -> Any:
        """Read a name with its primes and arguments."""
        name = ALIASES.get(word.text, word.text) if self.scope.value(word.text) is None else word.text
        value = self.scope.value(name)
        if self.word.kind == "prime":
            value = self.primes(word, value)
        opens = self.word.text == "(" and self.word.kind == "mark"
        if value is None and (name in FUNCTIONS or name in FORMS):
            if not opens:
                raise self.wrong(f"The function {name} stands without arguments", f"write {name}(…)", word)
            return call_function(self, name, word)
        if value is None:
            raise self.wrong(f"Unknown symbol {word.text!r}", self.scope.advice(word.text), word)
        return call_function(self, word.text, word, value) if opens else value

    def primes(self, word: Token, value: Any) -> Any:
        """Differentiate a field by its only coordinate, once for each prime."""
        times = len(self.word.text)
        if word.text not in self.scope.fields:
            raise self.wrong(
                "A prime stands", f"only an unknown function has a derivative, and {word.text} is none"
            )
        if len(self.scope.coordinates) != 1:
            by = ", ".join(f"{word.text}_{one}" for one in self.scope.coordinates)
            raise self.wrong("A prime stands", f"there are several coordinates, so write one of {by}")
        self.at += 1
        return sympy.diff(value, (next(iter(self.scope.coordinates.values())), times))

    def finish(self) -> None:
        """Refuse words after the end."""
        if self.word.kind != "end":
            numbers = {self.words[self.at - 1].kind, self.words[min(self.at + 1, len(self.words) - 1)].kind}
            decimal = self.word.text == "," and numbers == {"number"}
            advice = "decimals are written with a point" if decimal else "an operator is missing before it"
            raise self.wrong(f"{_shown(self.word)} stands", _closing(self.word.text) or advice)


def parse_expression(text: str, scope: Scope) -> Any:
    """Return the SymPy expression that a text spells.

    >>> parse_expression("2pi*sin(x)^2", Scope({"x": sympy.Symbol("x", real=True)}))
    2*pi*sin(x)**2

    Raises:
        BadText: the text is no expression; the sentence says which character and what would be right.
    """
    parser = Parser(text, scope)
    value = parser.expression()
    parser.finish()
    return value


def parse_equation(text: str, scope: Scope) -> Any:
    """Return left minus right of `left = right`; without `=`, the text is what vanishes."""
    if not text.strip():
        raise wrong(text, 0, "Nothing stands", "write an equation such as u_t = u_xx")
    parser = Parser(text, scope)
    value = parser.expression()
    equals = parser.take("=", "==")
    if equals:
        value = parser.combine(lambda a, b: a - b, equals, value, parser.expression())
        if parser.word.text in ("=", "=="):
            raise parser.wrong("A second '=' stands", "separate equations with ';'")
    parser.finish()
    if not isinstance(value, sympy.Expr):
        raise wrong(text, 0, "A comparison stands", "an equation has the form left = right")
    return value


def parse_constant(text: str, constants: Mapping[str, Any] | None = None) -> Any:
    """Return the finite real constant that a text spells, such as `0.01/pi`."""
    value = parse_expression(text, Scope(constants=dict(constants or {})))
    if not isinstance(value, sympy.Expr) or not value.is_number or not math.isfinite(_real(value)):
        raise wrong(text, 0, "No finite real number stands", "write a constant such as 2*pi")
    return value


def find_fields(
    texts: Iterable[str], coordinates: Iterable[str], constants: Collection[str] = ()
) -> tuple[str, ...]:
    """Return the names that the equations differentiate, or apply to all the coordinates."""
    names, found = list(coordinates), dict[str, None]()
    for text in texts:
        words = tokens(text)
        for index, word in enumerate(words):
            if word.kind != "name" or word.text in constants:
                continue
            after = [one.text for one in words[index + 1 : index + 2 * len(names) + 2]]
            inside = (
                index > 1 and words[index - 1].text == "(" and words[index - 2].text in ("diff", "laplacian")
            )
            applied = after == ["(", *" , ".join(names).split(), ")"]
            base, _, suffix = word.text.rpartition("_")
            if base and suffix and base not in FUNCTIONS and split_suffix(suffix, names):
                found[base] = None
            elif word.text in names or word.text in FUNCTIONS or word.text in FORMS or word.text in ALIASES:
                continue
            elif words[index + 1].kind == "prime" or inside or (applied and not _like_function(word.text)):
                found[word.text] = None
    return tuple(found)


def _like_function(name: str) -> bool:
    return len(name) > 2 and nearest(name, [*FUNCTIONS, *FORMS]).startswith("did")


def _closing(mark: str) -> str:
    advice = {")": "no bracket is open there", "==": "an equation is written with one '='"}
    return advice.get(mark, "")


def _nothing(*values: Any) -> Any:
    return None


def _shown(word: Token) -> str:
    return "Nothing" if word.kind == "end" else repr(word.text)


def _real(value: Any) -> float:
    number = complex(value)
    return number.real if number.imag == 0 else math.nan


def _small_power(base: Any, exponent: Any) -> bool:
    """Tell whether a constant power keeps within a float64, without computing it."""
    a, b = abs(complex(base)), complex(exponent).real
    return a in (0, 1) or (abs(b * math.log(a)) < 690 and math.isfinite(b))
