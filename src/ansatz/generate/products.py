"""Sums of powers of x times sin x, cos x or e^x, and their derivatives, which are such sums again.

    x^2*sin(x)-3*exp(x)  →  2*x*sin(x)+x^2*cos(x)-3*exp(x)

The family is closed under differentiation, so that each derivative has one canonical text, written without
computer algebra; SymPy is what judges the answers.
"""

import hashlib

import numpy as np

from ansatz.core import BadInput
from ansatz.generate.derivatives import TEST_SHARE, Example

FACTORS = ("", "sin(x)", "cos(x)", "exp(x)")
"""What a power of x is multiplied by."""
SLOPES = {"": {}, "sin(x)": {"cos(x)": 1}, "cos(x)": {"sin(x)": -1}, "exp(x)": {"exp(x)": 1}}
MOST_TERMS = 3

Sum = dict[tuple[str, int], int]
"""The coefficient c of each ``c · x^n · g``, by (g, n)."""


def product_derivatives(
    count: int, part: str = "train", *, highest: int = 3, largest: int = 5, seed: int = 0
) -> list[Example]:
    """Return so many sums of 1 to 3 terms ``c · x^n · g`` and their derivatives.

    Args:
        count: how many.
        part: "train" or "test"; a tenth of all sums is for testing, whatever the order of their terms.
        highest: the highest power n.
        largest: coefficients are whole numbers from -largest to largest, none 0.
        seed: of the draws.

    The `degree` of an example is its number of terms.

    >>> product_derivatives(1, seed=1)[0][:2]
    ('2*x^3*exp(x)+5*x^3*cos(x)', '-5*x^3*sin(x)+15*x^2*cos(x)+2*x^3*exp(x)+6*x^2*exp(x)')
    """
    if part not in ("train", "test"):
        raise BadInput(f"The part is 'train' or 'test', not {part!r}.")
    random, found = np.random.default_rng([seed, part == "test"]), []
    while len(found) < count:
        terms: Sum = {}
        wanted = int(random.integers(1, MOST_TERMS + 1))
        while len(terms) < wanted:
            g, n = FACTORS[random.integers(len(FACTORS))], int(random.integers(highest + 1))
            c = int(random.integers(1, largest + 1)) * (1 if random.random() < 0.5 else -1)
            terms[g, n] = c
        if is_test_sum(terms) != (part == "test"):
            continue
        order = list(terms)
        shown = {order[i]: terms[order[i]] for i in random.permutation(wanted)}
        found.append(Example(joined(shown), joined(canonical(differentiated_sum(terms))), wanted))
    return found


def differentiated_sum(terms: Sum) -> Sum:
    """Return the derivative: ``(x^n g)' = n x^(n-1) g + x^n g'``.

    >>> differentiated_sum({("sin(x)", 2): 3})
    {('sin(x)', 1): 6, ('cos(x)', 2): 3}
    """
    found: Sum = {}
    for (g, n), c in terms.items():
        parts = [((g, n - 1), n * c)] if n else []
        parts += [((other, n), sign * c) for other, sign in SLOPES[g].items()]
        for place, value in parts:
            found[place] = found.get(place, 0) + value
    return {place: c for place, c in found.items() if c}


def canonical(terms: Sum) -> Sum:
    """Return the terms in the one order: by g as in `FACTORS`, powers fall."""
    order = sorted(terms, key=lambda place: (FACTORS.index(place[0]), -place[1]))
    return {place: terms[place] for place in order}


def is_test_sum(terms: Sum) -> bool:
    """Return whether a sum belongs to the test part, which follows from the terms and not their order."""
    found = hashlib.sha256(joined(canonical(terms)).encode()).digest()
    return int.from_bytes(found[:4], "big") < TEST_SHARE * 2**32


def joined(terms: Sum) -> str:
    """Return the text of a sum, in the order of its terms.

    >>> joined({("exp(x)", 1): -1, ("", 0): 4}), joined({})
    ('-x*exp(x)+4', '0')
    """
    text = ""
    for (g, n), c in terms.items():
        power = "" if n == 0 else "x" if n == 1 else f"x^{n}"
        letters = "*".join(part for part in (power, g) if part)
        factor = "" if abs(c) == 1 and letters else str(abs(c))
        text += ("-" if c < 0 else "+") + "*".join(part for part in (factor, letters) if part)
    return text.removeprefix("+") or "0"
