"""Formulas from text by a grammar: nothing is executed, and no number grows without bound."""

import math
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

import sympy

from ansatz._spelling import nearest
from ansatz.core import BadInput

FUNCTIONS: dict[str, Callable[[sympy.Expr], sympy.Expr]] = {
    "exp": sympy.exp, "log": sympy.log, "sqrt": sympy.sqrt, "abs": sympy.Abs, "sign": sympy.sign,
    "sin": sympy.sin, "cos": sympy.cos, "tan": sympy.tan,
    "cot": sympy.cot, "sec": sympy.sec, "csc": sympy.csc,
    "asin": sympy.asin, "acos": sympy.acos, "atan": sympy.atan, "acot": sympy.acot,
    "sinh": sympy.sinh, "cosh": sympy.cosh, "tanh": sympy.tanh, "coth": sympy.coth,
    "asinh": sympy.asinh, "acosh": sympy.acosh, "atanh": sympy.atanh,
}  # fmt: skip
"""The functions of one argument that a formula may have."""
CONSTANTS: dict[str, sympy.Expr] = {"pi": sympy.pi, "E": sympy.E, "I": sympy.I}
SPELLINGS = {"Abs": "abs", "ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan"}
LONGEST, DEEPEST = 4000, 60
LARGEST = 4096
"""The largest number in an exponent, and the bits that a power of numbers may have."""

WORD = re.compile(
    r"(?P<space>\s+)|(?P<number>\d+\.?\d*|\.\d+)|(?P<name>[^\W\d]\w*)|(?P<mark>\*\*|[-+*/^(),−·×])"
)
BINDING = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 3}
SAME = {"**": "^", "−": "-", "·": "*", "×": "*"}


class Word(NamedTuple):
    """A word of the text ("" at the end), what it is, and where it starts."""

    text: str
    kind: str
    start: int


def parse_formula(text: str, names: Iterable[str]) -> sympy.Expr:
    """Return the formula that a text states, as SymPy evaluates it.

    Known are `names`, whole and decimal numbers (taken exactly), `+ - * / ^ **`, round brackets,
    `FUNCTIONS` and `CONSTANTS`.

    Args:
        text: the formula, at most 4000 characters.
        names: the variables.

    Raises:
        BadInput: for what is no formula, an unknown name, or a number that would grow beyond bounds.

    >>> parse_formula("2*sin(x)^2 + 0.5", ["x"])
    2*sin(x)**2 + 1/2
    """
    if len(text) > LONGEST:
        raise BadInput(f"A text of {len(text)} characters is no formula; at most {LONGEST} are read.")
    return _Parser(text, tuple(names)).whole()


def power(base: sympy.Expr, exponent: sympy.Expr) -> sympy.Expr:
    """Return base^exponent; raise `BadInput` where SymPy would compute a number of many digits."""
    check_power(base, exponent)
    return finite(base**exponent)


def apply(name: str, argument: sympy.Expr) -> sympy.Expr:
    """Return the function of this name at `argument`."""
    if name == "exp":
        check_power(sympy.E, argument)
    return finite(FUNCTIONS[name](argument))


def check_power(base: sympy.Expr, exponent: sympy.Expr) -> None:
    """Raise `BadInput` where base^exponent would be a number of many digits."""
    for term in sympy.Add.make_args(exponent):
        number, rest = term.as_coeff_Mul()
        if abs(number) > LARGEST:
            raise BadInput(f"The exponent {term} is too large; numbers in exponents go up to {LARGEST}.")
        logarithms = [factor for factor in sympy.Mul.make_args(rest) if isinstance(factor, sympy.log)]
        for logarithm in logarithms if base == sympy.E else []:
            check_power(logarithm.args[0], number)
    for factor in sympy.Mul.make_args(base) if exponent.is_Rational else []:
        root, inner = factor.as_base_exp()
        if isinstance(root, sympy.Rational) and inner.is_Rational:
            bits = float(abs(inner * exponent)) * math.log2(max(abs(root.p), root.q))
            if bits > LARGEST:
                raise BadInput(f"The power {factor}^{exponent} has {bits:.0f} bits; at most {LARGEST} do.")


def finite(value: sympy.Expr) -> sympy.Expr:
    """Return the value, or raise `BadInput` if it is infinite or undefined, as 1/0 is."""
    if value.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.AccumBounds):
        raise BadInput("A part of the formula has no finite value, as 1/0 has none.")
    return value


class _Parser:
    """Operators by their binding, one word of look-ahead."""

    def __init__(self, text: str, names: tuple[str, ...]):
        self.text = text
        self.symbols = {name: sympy.Symbol(name) for name in names}
        self.words = list(self.cut())
        self.at = 0
        self.depth = 0

    def cut(self) -> Iterable[Word]:
        position = 0
        while position < len(self.text):
            match = WORD.match(self.text, position)
            if match is None:
                raise self.wrong(
                    Word(self.text[position], "mark", position), "it has no meaning in a formula"
                )
            kind = match.lastgroup or ""
            if kind != "space":
                yield Word(SAME.get(match.group(), match.group()), kind, position)
            position = match.end()
        yield Word("", "end", len(self.text))

    def wrong(self, word: Word, advice: str) -> BadInput:
        shown = self.text if len(self.text) <= 100 else f"{self.text[:97]}..."
        where = f"at character {word.start + 1} of" if word.text else "at the end of"
        return BadInput(f"There is {word.text or 'nothing'!r} {where} {shown!r}: {advice}.")

    def take(self, *texts: str) -> str | None:
        word = self.words[self.at]
        if word.kind == "mark" and word.text in texts:
            self.at += 1
            return word.text
        return None

    def whole(self) -> sympy.Expr:
        value = self.expression(1)
        if self.words[self.at].kind != "end":
            raise self.wrong(self.words[self.at], "an operator such as * or + should stand here")
        return value

    def expression(self, least: int) -> sympy.Expr:
        """Read operands as long as their operators bind at least so strongly (precedence climbing).

        Terms and factors are gathered and evaluated together, a sign as the factor -1: one by one, SymPy
        would multiply -(x + 1) out before it sees what follows.
        """
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong(self.words[self.at], f"it is nested more than {DEEPEST} deep here")
        kind, parts = sympy.Mul, self.operand()
        while least <= (binding := BINDING.get(self.words[self.at].text, 0)):
            mark = self.words[self.at].text
            self.at += 1
            right = self.expression(binding if mark == "^" else binding + 1)
            if mark == "^":
                parts = [*parts[:-1], power(parts[-1], right)]
            elif mark in "*/":
                parts.append(right if mark == "*" else power(right, sympy.S.NegativeOne))
            else:
                kind, parts = sympy.Add, parts if kind is sympy.Add else [finite(sympy.Mul(*parts))]
                parts.append(right if mark == "+" else -right)
        self.depth -= 1
        return finite(kind(*parts))

    def operand(self) -> list[sympy.Expr]:
        """Return a number, a name or a bracket, as a list of factors, the first -1 if it is negative."""
        if mark := self.take("+", "-"):
            value = self.expression(BINDING["^"])
            return [value] if mark == "+" else [sympy.S.NegativeOne, value]
        word = self.words[self.at]
        self.at += 1
        if word.kind == "number":
            return [sympy.Rational(word.text)]
        if word.kind == "name":
            return [self.named(word)]
        if word.text == "(" and word.kind == "mark":
            value = self.expression(1)
            self.close()
            return [value]
        raise self.wrong(word, "a number, a name or an opening bracket should stand here")

    def named(self, word: Word) -> sympy.Expr:
        if word.text in self.symbols:
            return self.symbols[word.text]
        name = SPELLINGS.get(word.text, word.text)
        if name in FUNCTIONS:
            if self.take("(") is None:
                raise self.wrong(self.words[self.at], f"the function {name} needs its argument in brackets")
            argument = self.expression(1)
            self.close()
            return apply(name, argument)
        if name in CONSTANTS:
            return CONSTANTS[name]
        raise self.wrong(word, f"no such name; {nearest(name, [*self.symbols, *FUNCTIONS, *CONSTANTS])}")

    def close(self) -> None:
        if self.take(")") is None:
            raise self.wrong(self.words[self.at], "a closing bracket should stand here")
