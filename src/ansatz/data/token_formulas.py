"""Formulas in prefix form as tokens: a SymPy expression to a sequence, and back to an equal one."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
import sympy

from ansatz._spelling import choose
from ansatz.core import BadInput
from ansatz.data.formula_text import CONSTANTS, DEEPEST, FUNCTIONS, apply, finite, parse_formula, power
from ansatz.data.token_integers import NEGATIVE, NUMBER, POSITIVE, check_base, digits, from_digits
from ansatz.data.vocabulary import SPECIALS, Tokenizer, shown

BINARY = ("add", "mul", "div", "pow")
NEGATED = "neg"
KNOWN = {"abs": sympy.Abs} | {name: FUNCTIONS[name] for name in FUNCTIONS if name != "sqrt"}
NAMES = {function: name for name, function in KNOWN.items()}


class FormulaTokens(Tokenizer):
    """A formula as its tree, read root first: `2 + 3x²` is `add +2 mul +3 pow x +2`.

    Prefix form needs no brackets (Lample and Charton 2020, "Deep learning for symbolic mathematics").
    Sums and products of n terms are n − 1 binary nodes, nested to the right; a whole number is a sign
    and its digits in the base, the first digit the most significant; -f is `neg f`, f/g is `div f g`.
    `decode(encode(text))` is what SymPy writes for the text, and equal to it.

    Args:
        variables: the names of the variables.
        functions: names of `FUNCTIONS`, all of them if not given.
        constants: of "pi", "E" and "I".
        base: the base of the digits, 2 to a million.
        specials: the special tokens, all four if not given.

    Raises:
        BadInput: for an unknown function or constant, a name that stands twice, a base out of its range.

    >>> formulas = FormulaTokens()
    >>> " ".join(formulas.pieces("sin(x)/2 - 35"))
    'add INT- 3 5 div sin x INT+ 2'
    >>> formulas.decode(formulas.encode("x*(-2) + sqrt(x)**3"))
    'x**(3/2) - 2*x'
    """

    kind: ClassVar[str] = "formulas"

    def __init__(
        self,
        variables: Sequence[str] = ("x",),
        *,
        functions: Iterable[str] | None = None,
        constants: Iterable[str] = ("pi", "E"),
        base: int = 10,
        specials: Iterable[str] = SPECIALS,
    ):
        self.base = check_base(base)
        self.variables = tuple(variables)
        self.functions = tuple(FUNCTIONS) if functions is None else tuple(functions)
        self.constants = tuple(constants)
        for name in self.functions:
            choose("function for formulas", name, FUNCTIONS)
        for name in self.constants:
            choose("constant for formulas", name, CONSTANTS)
        for name in self.variables:
            if not name.isidentifier() or name in (*FUNCTIONS, *CONSTANTS, *BINARY, NEGATED):
                raise BadInput(f"A variable cannot be named {name!r}; use a letter, or letters and digits.")
        signs = (POSITIVE, NEGATIVE)
        operators = (*BINARY, NEGATED, *self.functions)
        names = (*operators, *self.constants, *self.variables, *signs, *map(str, range(self.base)))
        super().__init__(names, specials)
        self.symbols = {name: sympy.Symbol(name) for name in self.variables}
        named = self.symbols | {name: CONSTANTS[name] for name in self.constants}
        self._atoms = {value: name for name, value in named.items()}

    def pieces(self, text: str) -> list[str]:
        """Return the prefix form of the formula in the text."""
        return self.to_prefix(parse_formula(text, self.variables))

    def join(self, pieces: list[str]) -> str:
        """Return the formula of a prefix form, as SymPy writes it."""
        return str(self.from_prefix(pieces))

    def encode_expression(
        self, expression: sympy.Expr, *, begin: bool = False, end: bool = False
    ) -> np.ndarray:
        """Return the tokens of a SymPy expression, int32 `[T]`."""
        numbers = [self.index[piece] for piece in self.to_prefix(expression)]
        return self.framed(np.asarray(numbers, np.int32), begin=begin, end=end)

    def decode_expression(self, ids: Any) -> sympy.Expr:
        """Return the SymPy expression of `ids: [T]`, or raise `BadInput` if they are none."""
        return self.from_prefix([self.names[number] for number in self.ordinary(ids)])

    def to_prefix(self, expression: Any) -> list[str]:
        """Return the prefix form of an expression; equal to it once SymPy has evaluated it again.

        Raises:
            BadInput: for a float, or a function, constant or variable that is no token.
        """
        if isinstance(expression, sympy.Integer):
            return digits(int(expression), self.base)
        if isinstance(expression, sympy.Rational):
            above, below = sympy.Integer(expression.p), sympy.Integer(expression.q)
            return ["div", *self.to_prefix(above), *self.to_prefix(below)]
        if isinstance(expression, sympy.Add):
            return self._nested("add", expression.args)
        if isinstance(expression, sympy.Mul):
            return self._product(expression)
        if isinstance(expression, sympy.Pow):
            return self._power(*expression.args)
        name = NAMES.get(type(expression)) if expression.args else self._atoms.get(expression)
        if name is None or (expression.args and name not in self.functions):
            raise BadInput(self._unspeakable(expression))
        return [name, *(piece for part in expression.args for piece in self.to_prefix(part))]

    def from_prefix(self, pieces: Sequence[str]) -> sympy.Expr:
        """Return the expression of a prefix form.

        Raises:
            BadInput: if operands lack or are left over, a sign has no digits, or a part has no value.
        """
        stack: list[tuple[sympy.Expr, int]] = []
        pending: list[str] = []
        for number in range(len(pieces) - 1, -1, -1):
            piece = pieces[number]
            if piece.isdecimal():
                pending.insert(0, piece)
                continue
            if piece in (POSITIVE, NEGATIVE):
                stack.append((sympy.Integer(from_digits([piece, *pending], self.base)), 1))
                pending = []
                continue
            if pending:
                break
            needed = 2 if piece in BINARY else 1 if piece == NEGATED or piece in self.functions else 0
            if len(stack) < needed:
                place = f"token {number + 1} of {len(pieces)}"
                raise BadInput(f"The operator {piece!r}, {place}, lacks an operand.")
            operands, depths = (
                zip(*(stack.pop() for _ in range(needed)), strict=True) if needed else ((), (0,))
            )
            if max(depths) >= DEEPEST and piece not in ("add", "mul"):
                raise BadInput(f"The {len(pieces)} tokens are nested more than {DEEPEST} deep.")
            grown = 0 if piece in ("add", "mul") else 1
            stack.append((self._value(piece, operands), max(depths) + grown))
        if pending:
            raise BadInput(f"The digit {pending[0]!r} follows no sign; {NUMBER}.")
        if len(stack) != 1:
            found = "no operand" if not stack else f"{len(stack)} expressions one after another"
            raise BadInput(f"The {len(pieces)} tokens are {found}; a formula is one expression.")
        return stack[0][0]

    def options(self) -> dict[str, Any]:
        """Return variables, functions, constants and base."""
        lists = {name: list(getattr(self, name)) for name in ("variables", "functions", "constants")}
        return {**lists, "base": self.base}

    def _nested(self, operator: str, parts: Sequence[sympy.Expr]) -> list[str]:
        found = [piece for part in parts[:-1] for piece in (operator, *self.to_prefix(part))]
        return [*found, *self.to_prefix(parts[-1])]

    def _product(self, product: sympy.Mul) -> list[str]:
        """Numbers stand outermost: next to a sum alone, SymPy would multiply them out."""
        number, rest = product.as_coeff_Mul()
        if not isinstance(number, sympy.Rational):
            raise BadInput(self._unspeakable(number))
        if number.q != 1:
            return ["div", *self.to_prefix(rest * number.p), *digits(int(number.q), self.base)]
        if number == -1:
            return [NEGATED, *self.to_prefix(rest)]
        if number != 1:
            return ["mul", *digits(int(number), self.base), *self.to_prefix(rest)]
        above, below = [], []
        for factor in product.args:
            base, exponent = factor.args if isinstance(factor, sympy.Pow) else (factor, sympy.S.One)
            down = exponent.is_Rational and exponent.is_negative
            (below if down else above).append(base**-exponent if down else factor)
        if not below:
            return self._nested("mul", product.args)
        top = self._nested("mul", above) if above else digits(1, self.base)
        return ["div", *top, *self._nested("mul", below)]

    def _power(self, base: Any, exponent: Any) -> list[str]:
        if exponent.is_Rational and exponent.is_negative:
            return ["div", *digits(1, self.base), *self.to_prefix(base**-exponent)]
        if exponent == sympy.S.Half and "sqrt" in self.functions:
            return ["sqrt", *self.to_prefix(base)]
        return ["pow", *self.to_prefix(base), *self.to_prefix(exponent)]

    def _value(self, name: str, operands: Sequence[sympy.Expr]) -> sympy.Expr:
        if name in self.symbols:
            return self.symbols[name]
        if name in self.constants:
            return CONSTANTS[name]
        if name in self.functions:
            return apply(name, operands[0])
        if name == "add":
            return finite(sympy.Add(*operands))
        if name == "mul":
            return finite(sympy.Mul(*operands))
        if name == "div":
            return finite(operands[0] * power(operands[1], sympy.S.NegativeOne))
        if name == "pow":
            return power(*operands)
        if name == NEGATED:
            return -operands[0]
        raise BadInput(f"The token {name!r} is no part of a formula.")

    def _unspeakable(self, expression: sympy.Expr) -> str:
        if isinstance(expression, sympy.Float):
            return f"The number {expression} is a float; give it exactly, as sympy.Rational does."
        if isinstance(expression, sympy.Symbol) and expression.name in self.symbols:
            return f"The variable {expression} has assumptions; variables of formulas have none."
        return f"The part {expression} of the formula has no token; {shown(self.tokens)}."
