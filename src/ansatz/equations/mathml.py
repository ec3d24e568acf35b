"""Equations and conditions typeset for a browser: MathML from SymPy, derivatives as subscripts."""

import re
from collections.abc import Mapping
from html import escape
from typing import Any

import sympy
from sympy.core.function import AppliedUndef

from ansatz.equations.expression import TIMES
from ansatz.equations.printing import ATOM, GREEK, NAMES, POWER, PRODUCT, RELATIONS, SUM, _number, _rank
from ansatz.equations.problem import Condition, Problem

GREEK_OF: Mapping[Any, str] = GREEK
CONSTANTS = {sympy.pi: "π", sympy.E: "e", sympy.I: "i"}
PRIMES = "′″‴"
LONG_NAME = re.compile(r"^(<mrow>)?<mi>\w{2,}</mi>(?!<mo>\()")


def problem_mathml(problem: Problem) -> list[str]:
    """Return the equations of a problem and its conditions, a `<math>` element each."""
    rows = [_math(equation_mathml(one, right=problem.eigenvalue)) for one in problem.equations]
    for one in problem.conditions:
        rows.append(_math(condition_mathml(one, problem)))
    return rows


def expression_mathml(expr: Any) -> str:
    """Return an expression as presentation MathML.

    >>> x = sympy.Symbol("x", real=True)
    >>> expression_mathml(x**2)
    '<msup><mi>x</mi><mn>2</mn></msup>'
    """
    return _Writer({}).write(sympy.sympify(expr, strict=True))[0]


def equation_mathml(residual: Any, places: Mapping[Any, float] | None = None, right: Any = None) -> str:
    """Return both sides of `residual = 0`; on the right what has no field, or has the eigenvalue `right`.

    `places` are written as arguments of the fields.
    """
    terms = sympy.Add.make_args(residual.expand() if right is not None and residual.has(right) else residual)
    moved = [one for one in terms if not one.has(AppliedUndef) or (right is not None and one.has(right))]
    left = sympy.Add(*(one for one in terms if one not in moved))
    writer = _Writer(places or {})
    if right is None and all(one.could_extract_minus_sign() for one in sympy.Add.make_args(left)):
        left, moved = -left, [-one for one in moved]
    return f"{writer.write(left)[0]}<mo>=</mo>{writer.write(-sympy.Add(*moved))[0]}"


def condition_mathml(condition: Condition, problem: Problem) -> str:
    """Return a condition with its places."""
    if condition.kind == "periodic":
        (symbol, low), (_, high) = condition.at
        one, other = (_Writer({symbol: end}).write(condition.residual)[0] for end in (low, high))
        return f"{one}<mo>=</mo>{other}"
    shown = equation_mathml(condition.residual, dict(condition.at))
    if condition.kind == "boundary":
        return f"{shown}<mtext>\u2002on the boundary</mtext>"
    return shown


def _math(inner: str) -> str:
    return f'<math display="block"><mrow>{inner}</mrow></math>'


class _Writer:
    """A walk over an expression; every part comes with how tightly its outermost operator binds."""

    def __init__(self, places: Mapping[Any, float]):
        self.places = places

    def write(self, expr: Any) -> tuple[str, int]:
        if expr in CONSTANTS:
            return f"<mi>{CONSTANTS[expr]}</mi>", ATOM
        if expr.is_Rational or expr.is_Float:
            return self.number(expr if expr.is_Rational else sympy.Rational(str(float(expr))))
        if expr.is_Symbol:
            return _name(expr.name), ATOM
        if expr.is_Add:
            return self.sum(expr), SUM
        if expr.is_Mul:
            return self.product(expr)
        if expr.is_Pow:
            return self.power(*expr.args)
        if type(expr) in RELATIONS:
            sign = escape(RELATIONS[type(expr)].replace("<=", "≤").replace(">=", "≥"))
            return f"{self.write(expr.lhs)[0]}<mo>{sign}</mo>{self.write(expr.rhs)[0]}", 5
        return self.call(expr), ATOM

    def inside(self, expr: Any, least: int) -> str:
        """Return a part, in brackets where it binds less tightly than `least`."""
        text, binding = self.write(expr)
        return text if binding >= least else f"<mrow><mo>(</mo>{text}<mo>)</mo></mrow>"

    def number(self, value: Any) -> tuple[str, int]:
        text, binding = _number(abs(value))
        if len(text) > 10:
            text, binding = f"{float(abs(value)):.6g}".replace("e+", "e").replace("e-0", "e-"), ATOM
        top, slash, below = text.partition("/")
        digits, power, exponent = top.partition("e")
        shown = f"<mn>{digits}</mn>"
        if power:
            raised = f"<msup><mn>10</mn><mn>{exponent.replace('-', '−')}</mn></msup>"
            shown = raised if digits == "1" else f"{shown}<mo>·</mo>{raised}"
        if slash:
            shown, binding = f"<mfrac>{shown}<mn>{below}</mn></mfrac>", ATOM
        return (
            (f"<mo>−</mo>{shown}", SUM)
            if value < 0
            else (f"<mrow>{shown}</mrow>" if power else shown, binding)
        )

    def sum(self, expr: Any) -> str:
        text = ""
        for term in sorted(expr.args, key=_order):
            negative = term.could_extract_minus_sign()
            part = self.inside(-term if negative else term, SUM + 1)
            text += (f"<mo>{'−' if negative else '+'}</mo>{part}") if text or negative else part
        return text

    def product(self, expr: Any) -> tuple[str, int]:
        """Return a sign, a fraction of what is above and below the line, and the fields after it."""
        coefficient, factors = expr.as_coeff_mul()
        if coefficient < 0:
            return f"<mo>−</mo>{self.inside(-expr, PRODUCT)}", SUM
        below = [1 / one for one in factors if one.is_Pow and one.exp.is_Rational and one.exp < 0]
        above = [one for one in factors if not (one.is_Pow and one.exp.is_Rational and one.exp < 0)]
        whole = int(coefficient.q) if coefficient.q >= 10 and _number(coefficient)[1] == ATOM else 1
        number = coefficient if whole > 1 else sympy.Integer(coefficient.p)
        if whole == 1 and coefficient.q != 1:
            below = [sympy.Integer(coefficient.q), *below]
        above = sorted(above, key=lambda one: (one.has(AppliedUndef), one.is_Add, _rank(one)))
        constant = [one for one in above if not one.has(AppliedUndef)] if below else []
        rest = [one for one in above if one not in constant]
        parts = [self.number(number)[0]] if number != 1 else []
        parts += [self.inside(one, PRODUCT) for one in constant]
        alone = (
            not constant and len(below) + len(rest) > 1 and not any(one.has(AppliedUndef) for one in below)
        )
        if below:
            if not parts and not alone and rest:
                parts, rest = [self.inside(one, PRODUCT) for one in rest], []
            under = _joined([self.inside(one, PRODUCT if len(below) == 1 else PRODUCT + 1) for one in below])
            parts = [f"<mfrac><mrow>{_joined(parts) or '<mn>1</mn>'}</mrow><mrow>{under}</mrow></mfrac>"]
        parts += [self.inside(one, PRODUCT) for one in rest]
        return _joined(parts), PRODUCT

    def power(self, base: Any, exponent: Any) -> tuple[str, int]:
        if exponent == sympy.S.Half:
            return f"<msqrt>{self.write(base)[0]}</msqrt>", ATOM
        if exponent.is_Rational and exponent < 0:
            return f"<mfrac><mn>1</mn><mrow>{self.write(1 / base**exponent)[0]}</mrow></mfrac>", ATOM
        raised = (
            f"<mrow>{self.write(exponent)[0]}</mrow>" if not exponent.is_Integer else self.write(exponent)[0]
        )
        return f"<msup>{_row(self.inside(base, POWER + 1))}{raised}</msup>", POWER

    def call(self, expr: Any) -> str:
        if isinstance(expr, sympy.Derivative):
            return self.derivative(expr)
        if isinstance(expr, AppliedUndef):
            if expr.func.__name__ == "dn":
                return f"<msub><mo>∂</mo><mi>n</mi></msub>{self.inside(expr.args[0], PRODUCT)}"
            return _name(expr.func.__name__) + self.place(expr)
        if isinstance(expr, sympy.Integral):
            return self.integral(expr)
        if isinstance(expr, sympy.exp) and sympy.count_ops(expr.args[0]) <= 4:
            return f"<msup><mi>e</mi><mrow>{self.write(expr.args[0])[0]}</mrow></msup>"
        if isinstance(expr, sympy.Abs):
            return f"<mrow><mo>|</mo>{self.write(expr.args[0])[0]}<mo>|</mo></mrow>"
        name = NAMES.get(type(expr), type(expr).__name__)
        inner = "<mo>,</mo>".join(self.write(one)[0] for one in expr.args if isinstance(one, sympy.Expr))
        return f"<mrow><mi>{escape(name)}</mi><mo>(</mo>{inner}<mo>)</mo></mrow>"

    def integral(self, expr: Any) -> str:
        signs, by = "", ""
        for symbol, *ends in expr.limits:
            low, high = (f"<mrow>{self.write(one)[0]}</mrow>" for one in ends)
            signs += f"<msubsup><mo>∫</mo>{low}{high}</msubsup>"
            by += f"<mi>d</mi>{_name(symbol.name)}"
        return f"{signs}{self.inside(expr.function, PRODUCT)}{by}"

    def derivative(self, expr: Any) -> str:
        """Return `u_xx`, or primes where there is one coordinate."""
        name, by = _name(expr.expr.func.__name__), expr.variables
        if len(expr.expr.args) == 1 and len(by) <= 3:
            return f"<mrow>{name}<mo>{PRIMES[len(by) - 1]}</mo></mrow>{self.place(expr.expr)}"
        under = "".join(_name(one.name) for one in by)
        if name.startswith("<msub>"):
            base, index = name.removeprefix("<msub>").removesuffix("</msub>").split("</mi>", 1)
            name, under = f"{base}</mi>", f"{index}<mo>,</mo>{under}"
        return f"<msub>{name}<mrow>{under}</mrow></msub>{self.place(expr.expr)}"

    def place(self, function: Any) -> str:
        """Return the arguments of a field where some are fixed."""
        if not any(one in self.places for one in function.args):
            return ""
        shown = [_place(self.places[one]) if one in self.places else _name(one.name) for one in function.args]
        return f"<mrow><mo>(</mo>{'<mo>,</mo>'.join(shown)}<mo>)</mo></mrow>"


def _place(value: float) -> str:
    known = sympy.nsimplify(value, [sympy.pi], rational=False, tolerance=1e-13) if value else sympy.S.Zero
    simple = known.is_Rational or (known.has(sympy.pi) and sympy.count_ops(known) <= 3)
    if simple and not (known.is_Rational and known.q > 1):
        return expression_mathml(known)
    return f"<mn>{value:.6g}</mn>".replace("-", "−")


def _name(name: str) -> str:
    """Return a name, what follows its first underscore as an index, Greek letters as such."""
    first, *rest = (GREEK_OF.get(one, one) for one in name.split("_"))
    letters, digits = first.rstrip("0123456789"), first[len(first.rstrip("0123456789")) :]
    rest = [digits, *rest] if letters and digits else rest
    shown = f"<mi>{escape(letters if letters and digits else first)}</mi>"
    return f"<msub>{shown}<mi>{escape(' '.join(rest))}</mi></msub>" if rest else shown


def _order(term: Any) -> tuple[Any, ...]:
    """Order terms: of one coordinate the highest derivative first, else what differentiates by time."""
    derivatives = term.atoms(sympy.Derivative)
    highest = max((one.derivative_count for one in derivatives), default=0)
    by_time = any(symbol.name in TIMES for one in derivatives for symbol in one.variables)
    alone = all(len(one.args) == 1 for one in term.atoms(AppliedUndef))
    return not term.has(AppliedUndef), -highest if alone else not by_time, _rank(term)


def _joined(parts: list[str]) -> str:
    """Return factors side by side; a number after a factor, and long names, take a dot."""
    text, before = "", ""
    for one in parts:
        long = LONG_NAME.search(one) or LONG_NAME.search(before)
        text += ("<mo>·</mo>" if text and (long or one.startswith("<mn>")) else "") + one
        before = one
    return text


def _row(text: str) -> str:
    """Return one element for what may be several."""
    return text if text.count("<m") == 1 else f"<mrow>{text}</mrow>"
