"""Polynomials and their derivatives as text, and whether an answer is one: a translation that can be checked.

    3*x^2-x+2*x^2  →  10*x-1

A polynomial has many spellings; whether it belongs to the training or the test part is decided by what it
equals, so that no test polynomial was seen in any spelling.
"""

import hashlib
from typing import NamedTuple

import numpy as np
import sympy

from ansatz.core import BadInput
from ansatz.data.formula_text import parse_formula

TEST_SHARE = 0.1
HIGHEST, LARGEST = 5, 5
SPLIT = 0.3
"""How often a coefficient is spelled as a sum of two."""


class Example(NamedTuple):
    """A spelled polynomial, its derivative, and its degree."""

    source: str
    target: str
    degree: int


def derivatives(
    count: int,
    part: str = "train",
    *,
    degree: int = 0,
    highest: int = HIGHEST,
    largest: int = LARGEST,
    seed: int = 0,
) -> list[Example]:
    """Return so many polynomials in x of degrees 1 to `highest`, each degree alike, and their derivatives.

    Args:
        count: how many.
        part: "train" or "test"; a tenth of all polynomials is for testing.
        degree: of all of them; 0 for every one from 1 to `highest`.
        highest: the highest degree.
        largest: coefficients are whole numbers from -largest to largest, the leading one not 0.
        seed: of the draws.

    >>> [one.degree for one in derivatives(4, degree=2)]
    [2, 2, 2, 2]
    """
    if part not in ("train", "test"):
        raise BadInput(f"The part is 'train' or 'test', not {part!r}.")
    random, found = np.random.default_rng([seed, part == "test"]), []
    while len(found) < count:
        n = degree or int(random.integers(1, highest + 1))
        coefficients = random.integers(-largest, largest + 1, n + 1).tolist()
        if coefficients[-1] and is_test(coefficients) == (part == "test"):
            found.append(Example(spelled(coefficients, random), written(differentiated(coefficients)), n))
    return found


def is_test(coefficients: list[int]) -> bool:
    """Return whether a polynomial, c_0 first, belongs to the test part.

    >>> sum(is_test([a, b]) for a in range(100) for b in range(1, 100)) / 9900
    0.09717171717171717
    """
    found = hashlib.sha256(",".join(map(str, coefficients)).encode()).digest()
    return int.from_bytes(found[:4], "big") < TEST_SHARE * 2**32


def differentiated(coefficients: list[int]) -> list[int]:
    """Return the coefficients of the derivative, c_0 first."""
    return [n * c for n, c in enumerate(coefficients)][1:] or [0]


def written(coefficients: list[int]) -> str:
    """Return the canonical text of a polynomial, c_0 first: powers fall, no factor 1.

    >>> written([-1, 0, 3]), written([0, 1]), written([0])
    ('3*x^2-1', 'x', '0')
    """
    return _joined([(c, n) for n, c in reversed(list(enumerate(coefficients))) if c])


def spelled(coefficients: list[int], random: np.random.Generator) -> str:
    """Return a text that equals a polynomial: terms in any order, some split in two."""
    terms = []
    for n, c in enumerate(coefficients):
        if c and random.random() < SPLIT:
            first = int(random.integers(-9, 10))
            terms += [(first, n), (c - first, n)]
        else:
            terms.append((c, n))
    kept = [term for term in terms if term[0]]
    return _joined([kept[i] for i in random.permutation(len(kept))])


def _joined(terms: list[tuple[int, int]]) -> str:
    text = ""
    for c, n in terms:
        factor = "" if abs(c) == 1 and n else str(abs(c))
        letter = "" if n == 0 else "x" if n == 1 else f"x^{n}"
        text += ("-" if c < 0 else "+") + factor + ("*" if factor and letter else "") + letter
    return text.removeprefix("+") or "0"


def is_derivative(source: str, answer: str, variable: str = "x") -> bool:
    """Return whether a text is the derivative of another, in whatever form.

    First by numbers, which refutes most wrong answers at once, then by SymPy.

    >>> is_derivative("sin(x)^2", "2*sin(x)*cos(x)"), is_derivative("x^2", "2*x+1")
    (True, False)
    """
    x = sympy.Symbol(variable)
    try:
        given, found = parse_formula(source, [variable]), parse_formula(answer, [variable])
    except BadInput:
        return False
    wrong = sympy.diff(given, x) - found
    for at in (0.37, -1.93, 2.71):
        value = complex(sympy.N(wrong.subs(x, at)))
        size = 1 + abs(complex(sympy.N(found.subs(x, at))))
        if np.isfinite(value) and abs(value) > 1e-8 * size:
            return False
    return bool(sympy.simplify(wrong) == 0)
