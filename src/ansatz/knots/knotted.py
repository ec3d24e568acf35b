"""Proofs that a diagram is not the unknot, by invariants of growing cost."""

from ansatz.knots.diagram import Diagram
from ansatz.knots.invariants import Polynomial, alexander, determinant, jones

POLYNOMIAL, BRACKET = 60, 24
"""The most crossings for which the Alexander and the Jones polynomial are made."""


def why_knotted(diagram: Diagram) -> str | None:
    """Return what proves that a knot is not the unknot, or None where none of the invariants here does.

    The determinant first, then the Alexander polynomial up to 60 crossings and the Jones polynomial up to 24.
    All are 1 for the unknot; the first two also for some other knots.

    >>> from ansatz.knots.codes import from_braid
    >>> why_knotted(from_braid([1, 1, 1])), why_knotted(from_braid([1, 2]))
    ('its determinant is 3', None)
    """
    found = determinant(diagram)
    if found != 1:
        return f"its determinant is {found}"
    if diagram.crossings <= POLYNOMIAL and (delta := alexander(diagram)) != [1]:
        return f"its Alexander polynomial is {written(dict(enumerate(delta)))}"
    if diagram.crossings <= BRACKET and (value := jones(diagram)) != {0: 1}:
        return f"its Jones polynomial is {written(value)}"
    return None


def written(polynomial: Polynomial, variable: str = "t") -> str:
    """Return a polynomial as text.

    >>> written({0: -1, 1: 3, 2: -1}), written({-1: 1}), written({0: 1, 3: -2})
    ('-1 + 3t - t²', 't⁻¹', '1 - 2t³')
    """
    terms = []
    for power, coefficient in sorted(polynomial.items()):
        if not coefficient:
            continue
        raised = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        letter = "" if power == 0 else variable if power == 1 else f"{variable}{raised}"
        size = "" if letter and abs(coefficient) == 1 else str(abs(coefficient))
        terms.append(("-" if coefficient < 0 else "+", size + letter))
    text = " ".join(f"{sign} {term}" for sign, term in terms) or "0"
    return "-" + text[2:] if text.startswith("- ") else text.removeprefix("+ ")
