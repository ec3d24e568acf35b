"""The tasks that a translator can be trained on without a table: their texts are drawn and checked."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ansatz.core import BadInput
from ansatz.data.token_infix import InfixTokens
from ansatz.data.token_integers import IntegerTokens
from ansatz.data.vocabulary import Tokenizer
from ansatz.generate.derivatives import derivatives, is_derivative
from ansatz.generate.divisors import divisor_pairs, is_test_pair
from ansatz.generate.products import product_derivatives

SPECIALS = ("padding", "begin", "end")


class Drawn(NamedTuple):
    """N texts, their translations, and the group of each, by which the share of right answers is told."""

    sources: list[str]
    targets: list[str]
    groups: list[str]


class Task(NamedTuple):
    """A task: what it is, `draw(count, part, seed, base, largest)`, how answers are checked, its classic.

    `tokenizer(base, texts)` is that of the task's texts; `accepts(source, answer)` says whether an answer is
    right in whatever form, and is None where only the exact text is right; `classic` names the method that
    answers without learning; the numbers in the texts are at most the `largest` that can be asked for.
    """

    words: str
    draw: Callable[[int, str, int, int, int], Drawn]
    classic: str
    accepts: Callable[[str, str], bool] | None
    tokenizer: Callable[[int, list[str]], Tokenizer]
    largest: tuple[int, int]


def _polynomials(count: int, part: str, seed: int, base: int, largest: int) -> Drawn:
    found = derivatives(count, part, largest=largest or 5, seed=seed)
    return Drawn(*map(list, zip(*((e.source, e.target, f"degree {e.degree}") for e in found), strict=True)))  # type: ignore[arg-type]


def _products(count: int, part: str, seed: int, base: int, largest: int) -> Drawn:
    found = product_derivatives(count, part, largest=largest or 5, seed=seed)
    rows = ((e.source, e.target, f"{e.degree} term{'s' * (e.degree > 1)}") for e in found)
    return Drawn(*map(list, zip(*rows, strict=True)))  # type: ignore[arg-type]


def _divisors(count: int, part: str, seed: int, base: int, largest: int) -> Drawn:
    x, y = divisor_pairs(count, part, largest=largest or 10_000, seed=seed)
    return Drawn(_spaced(x), [str(d) for d in y.tolist()], [f"gcd {d}" for d in y.tolist()])


def _sums(count: int, part: str, seed: int, base: int, largest: int) -> Drawn:
    random, found = np.random.default_rng([seed, part == "test"]), np.zeros((0, 2), np.int64)
    most = largest or 10_000
    while len(found) < count:
        x = random.integers(0, most + 1, (2 * count + 64, 2))
        found = np.concatenate([found, x[is_test_pair(x) == (part == "test")]])
    x = found[:count]
    lengths = [len(np.base_repr(int(n), min(base, 36))) for n in x.max(1)]
    return Drawn(_spaced(x), [str(s) for s in x.sum(1).tolist()], [f"{n} digits" for n in lengths])


def _spaced(x: np.ndarray) -> list[str]:
    return [f"{a} {b}" for a, b in x.tolist()]


def _digits(base: int, texts: list[str]) -> Tokenizer:
    return IntegerTokens(base, SPECIALS)


def _terms(base: int, texts: list[str]) -> Tokenizer:
    return InfixTokens.fit(texts, specials=SPECIALS)


COEFFICIENTS, NUMBERS = (1, 99), (10, 10**15)


TASKS: dict[str, Task] = {
    "derivative": Task(
        "sums of x^n times 1, sin x, cos x or e^x, and their derivatives", _products, "SymPy", is_derivative,
        _terms, COEFFICIENTS,
    ),
    "polynomial": Task(
        "polynomials in any spelling, and their derivatives", _polynomials, "SymPy", is_derivative,
        _terms, COEFFICIENTS,
    ),
    "gcd": Task(
        "two numbers, and their greatest common divisor", _divisors, "Euclid's algorithm", None,
        _digits, NUMBERS,
    ),
    "addition": Task(
        "two numbers, and their sum", _sums, "adding digit by digit", None, _digits, NUMBERS
    ),
}  # fmt: skip
"""The tasks by name."""
CHECKS: dict[str, Any] = {"none": None, "derivative": is_derivative}
"""How the answers to the texts of a table can be checked, by name."""


def check_largest(task: str, largest: int) -> None:
    """Raise `BadInput` for a bound of the numbers that leaves too little to learn, or 63 bits behind."""
    least, most = TASKS[task].largest
    if largest and not least <= largest <= most:
        raise BadInput(f"largest={largest} does not fit the task {task!r}: it is from {least} to {most}.")
