"""From SymPy back to text: the form that the parser reads, Unicode for the eye, and LaTeX."""

from typing import Any

import sympy
from sympy.core.function import AppliedUndef
from sympy.printing.latex import LatexPrinter

from ansatz.equations.expression import FUNCTIONS, split_suffix
from ansatz.equations.parse_tokens import tokens
from ansatz.errors import BadInput

NAMES = {function: name for name, function in FUNCTIONS.items() if isinstance(function, type)}
RELATIONS = {
    sympy.StrictLessThan: "<", sympy.LessThan: "<=", sympy.StrictGreaterThan: ">", sympy.GreaterThan: ">=",
}  # fmt: skip
CONSTANTS = {sympy.pi: "pi", sympy.E: "e", sympy.I: "i"}
SUM, PRODUCT, POWER, ATOM = 10, 20, 40, 100
GREEK: dict[str, str] = dict(
    zip(
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau phi chi "
        "psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega".split(),
        "αβγδεζηθικλμνξπρστφχψωΓΔΘΛΞΠΣΦΨΩ",
        strict=True,
    )
)
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def text_of(expr: Any) -> str:
    """Return the text that the parser reads back as the same expression.

    >>> x = sympy.Symbol("x", real=True)
    >>> u = sympy.Function("u", real=True)(x)
    >>> text_of(u.diff(x, 2) + sympy.Rational(1, 100) * u**2 / sympy.pi)
    "0.01*u^2/pi + u''"
    """
    return _text(sympy.sympify(expr, strict=True))[0]


def equation_text(residual: Any) -> str:
    """Return `left = right`, the terms without a field on the right."""
    terms = sympy.Add.make_args(residual)
    right = [one for one in terms if not one.has(AppliedUndef)]
    left = sympy.Add(*(one for one in terms if one.has(AppliedUndef)))
    return f"{text_of(left)} = {text_of(-sympy.Add(*right))}"


def unicode_of(text: str) -> str:
    """Return a text with Greek letters, raised exponents and dots for products."""
    words, shown, end = tokens(text), "", 0
    for before, word, after in zip([words[-1], *words], words[:-1], words[1:], strict=False):
        if word.text == "^" and after.text.isdigit():
            new = ""
        elif before.text == "^" and word.text.isdigit():
            new = word.text.translate(RAISED)
        else:
            new = "·" if word.text == "*" else "_".join(GREEK.get(one, one) for one in word.text.split("_"))
        shown += text[end : word.start] + new
        end = word.start + len(word.text)
    return shown


def _text(expr: Any) -> tuple[str, int]:
    """Return the text and how tightly its outermost operator binds."""
    if expr in CONSTANTS:
        return CONSTANTS[expr], ATOM
    if expr.is_Rational:
        return _number(expr)
    if expr.is_Float:
        return _number(sympy.Rational(str(float(expr))))
    if expr.is_Symbol:
        return expr.name, ATOM
    if expr.is_Add:
        return _sum(expr), SUM
    if expr.is_Mul:
        return _product(expr)
    if expr.is_Pow:
        return _power(expr)
    if type(expr) in RELATIONS:
        return f"{_inside(expr.lhs, SUM)} {RELATIONS[type(expr)]} {_inside(expr.rhs, SUM)}", 5
    if isinstance(expr, sympy.Piecewise):
        return _pieces(list(expr.args)), ATOM
    return _call(expr), ATOM


def _inside(expr: Any, least: int) -> str:
    text, binding = _text(expr)
    return text if binding >= least else f"({text})"


def _number(value: Any) -> tuple[str, int]:
    """Return an integer, a short decimal fraction, or p/q."""
    p, q = abs(int(value.p)), int(value.q)
    twos = (q & -q).bit_length() - 1
    rest, fives = q >> twos, 0
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    if q == 1:
        text, binding = str(p), ATOM
    elif rest == 1 and q >= 10:
        digits = str(p * 10**places // q)
        short = places <= 6 or places < len(digits)
        padded = digits.zfill(places + 1)
        text = f"{padded[:-places]}.{padded[-places:]}" if short else f"{digits}e-{places}"
        binding = ATOM
    else:
        text, binding = f"{p}/{q}", PRODUCT
    return (f"-{text}", SUM) if value < 0 else (text, binding)


def _sum(expr: Any) -> str:
    text = ""
    terms = sorted(expr.args, key=_rank)
    positive = [one for one in terms if not one.could_extract_minus_sign()]
    for term in sorted(terms, key=lambda one: one not in positive[:1]):
        part = _text(term)[0] if not term.is_Add else f"({_text(term)[0]})"
        negative = part.startswith("-")
        text += (" - " if negative else " + ") + part.removeprefix("-") if text else part
    return text


def _rank(term: Any) -> tuple[Any, ...]:
    """Order terms: with fields first, lower derivatives before higher ones, numbers last."""
    orders = [one.derivative_count for one in term.atoms(sympy.Derivative)]
    return not term.has(AppliedUndef), bool(term.is_number), max(orders, default=0), str(term)


def _product(expr: Any) -> tuple[str, int]:
    """Return `-p·a·b/c/q`; the order keeps a number from being multiplied into a sum."""
    coefficient, factors = expr.as_coeff_mul()
    below = [one for one in factors if one.is_Pow and one.exp.is_Rational and one.exp < 0]
    free = abs(coefficient) == 1
    above = sorted(
        (one for one in factors if one not in below),
        key=lambda one: (one.is_Add and not free, one.has(AppliedUndef), not one.is_number, _rank(one)),
    )
    p, binding = _number(abs(coefficient))
    over = "" if binding == ATOM else p.partition("/")[2]
    p = p.partition("/")[0] if over else p
    parts = [_inside(one, PRODUCT + 1) for one in above]
    sums = bool(above) and above[0].is_Add
    last = sums and p != "1"
    if not last and (p != "1" or not parts):
        parts = [p, *parts]
    text = "*".join(parts) + "".join(f"/{_inside(1 / one, PRODUCT + 1)}" for one in below)
    text += (f"*{p}" if last else "") + (f"/{over}" if over else "")
    if coefficient < 0:
        return (f"-({text})" if sums else f"-{text}"), SUM
    return text, PRODUCT


def _power(expr: Any) -> tuple[str, int]:
    base, exponent = expr.args
    if exponent == sympy.S.Half:
        return f"sqrt({_text(base)[0]})", ATOM
    if exponent.is_Rational and exponent < 0 and not base.is_Rational:
        return f"1/{_inside(1 / expr, PRODUCT + 1)}", PRODUCT
    return f"{_inside(base, POWER + 1)}^{_inside(exponent, POWER + 1)}", POWER


def _pieces(pieces: list[Any]) -> str:
    (value, condition), rest = pieces[0], pieces[1:]
    if condition == sympy.true:
        return _text(value)[0]
    if not rest:
        raise BadInput(f"The piecewise expression has no value where {condition} does not hold.")
    return f"where({_text(condition)[0]}, {_text(value)[0]}, {_pieces(rest)})"


def _at(expr: Any) -> tuple[dict[Any, Any], Any]:
    """Return where a value is taken, and of which function."""
    function = expr.expr.expr if isinstance(expr.expr, sympy.Derivative) else expr.expr
    return dict(zip(expr.variables, expr.point, strict=True)), function


def _call(expr: Any) -> str:
    if isinstance(expr, sympy.Derivative):
        return _derivative(expr)
    if isinstance(expr, sympy.Subs):
        fixed, function = _at(expr)
        return f"{_call(expr.expr)}({', '.join(_text(fixed.get(one, one))[0] for one in function.args)})"
    if isinstance(expr, sympy.Integral):
        limits = ["".join(f", {_text(one)[0]}" for one in limit.args) for limit in expr.limits]
        return f"integral({_text(expr.function)[0]}{''.join(limits)})"
    if isinstance(expr, AppliedUndef):
        return f"dn({_text(expr.args[0])[0]})" if expr.func.__name__ == "dn" else expr.func.__name__
    if isinstance(expr, sympy.Heaviside):
        return f"heaviside({_text(expr.args[0])[0]})"
    if type(expr) not in NAMES:
        raise BadInput(f"There is no text for {expr}.")
    return f"{NAMES[type(expr)]}({', '.join(_text(one)[0] for one in expr.args)})"


def _derivative(expr: Any) -> str:
    name, by = _call(expr.expr), expr.variables
    if len(expr.expr.args) == 1 and len(by) < 4:
        return name + "'" * len(by)
    suffix = "".join(one.name for one in by)
    names = [one.name for one in expr.expr.args]
    if split_suffix(suffix, names) == [one.name for one in by]:
        return f"{name}_{suffix}"
    return f"diff({name}{''.join(f', {symbol}, {times}' for symbol, times in expr.variable_count)})"


class _Latex(LatexPrinter):
    def _print_Derivative(self, expr: Any) -> str:
        return f"{self._print_AppliedUndef(expr.expr)}_{{{' '.join(map(self._print, expr.variables))}}}"

    def _print_AppliedUndef(self, expr: Any, exp: str | None = None) -> str:
        name = expr.func.__name__
        own = rf"\partial_n {self._print(expr.args[0])}" if name == "dn" else self._print(sympy.Symbol(name))
        return own if exp is None else f"{{{own}}}^{{{exp}}}"

    def _print_Function(self, expr: Any, exp: Any = None) -> str:
        undefined = isinstance(expr, AppliedUndef)
        return self._print_AppliedUndef(expr, exp) if undefined else super()._print_Function(expr, exp)

    def _print_Subs(self, expr: Any) -> str:
        fixed, function = _at(expr)
        arguments = ", ".join(self._print(fixed.get(one, one)) for one in function.args)
        return f"{self._print(expr.expr)}({arguments})"


def latex_text(expr: Any) -> str:
    """Return an expression in LaTeX, its derivatives as subscripts."""
    return _Latex().doprint(expr)
