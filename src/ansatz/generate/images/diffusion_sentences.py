"""Sentences that say which digit an image is to show: "a seven", "three plus four", "nine minus two".

The values of all sentences, and of their first two numbers, are digits.  Some pairs of numbers are held
back: what a network draws from them shows whether it has learned to calculate.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ansatz.core import BadInput
from ansatz.data.token_words import WordTokens
from ansatz.maps.condition import FILL

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
OPERATIONS = {"plus": lambda a, b: a + b, "minus": lambda a, b: a - b, "times": lambda a, b: a * b}


class Sentences(NamedTuple):
    """Sentences for each digit: those to learn from, and those `held` back."""

    train: tuple[tuple[str, ...], ...]
    held: tuple[tuple[str, ...], ...]

    def captions(self, digits: np.ndarray, seed: int = 0, held: bool = False) -> list[str]:
        """Return a sentence drawn for each of the digits `[N]`.

        >>> arithmetic().captions(np.array([7]), seed=2)
        ['seven minus five plus five']
        """
        choices, random = self.held if held else self.train, np.random.default_rng(seed)
        return [choices[d][random.integers(len(choices[d]))] for d in np.asarray(digits)]


def value(sentence: str) -> int:
    """Return the number that a sentence means, worked out from left to right.

    >>> value("a seven"), value("three plus four"), value("nine minus two times one")
    (7, 7, 7)
    """
    first, *rest = sentence.removeprefix("a ").split()
    total = NUMBERS.index(first)
    for operation, number in zip(rest[::2], rest[1::2], strict=True):
        total = OPERATIONS[operation](total, NUMBERS.index(number))
    return total


def arithmetic(seed: int = 0, share: float = 0.15) -> Sentences:
    """Return all sentences of one to three numbers whose values are digits.

    A `share` of the pairs of numbers is held back: sums in both orders, differences, and products with 0 or 1
    (other products up to 9 are too few to be guessed from the rest).  No sentence to learn from
    contains a pair held back, and each digit is the value of at least one of them.

    >>> found = arithmetic()
    >>> sum(map(len, found.held)), sum(map(len, found.train)) > 900
    (20, True)
    """
    kept, back = _divided(np.random.default_rng(seed), share)
    train = [f"a {number}" for number in NUMBERS] + [_said(pair) for pair in kept]
    chain = [pair for pair in kept if pair[1] != "times"]
    for a, first, b in chain:
        for second in ("plus", "minus"):
            for c in range(10):
                total = OPERATIONS[second](OPERATIONS[first](a, b), c)
                if 0 <= total <= 9 and (b, second, c) not in back:
                    train.append(f"{_said((a, first, b))} {second} {NUMBERS[c]}")
    return Sentences(_by_value(train), _by_value([_said(pair) for pair in sorted(back)]))


def tokens(texts: Sequence[str], words: WordTokens, length: int) -> np.ndarray:
    """Return the tokens of texts `[N, length]`, from 1 on and filled up with 0."""
    rows = np.full((len(texts), length), FILL, np.int32)
    known: dict[str, np.ndarray] = {}
    for row, text in zip(rows, texts, strict=True):
        if text not in known:
            known[text] = words.encode(text) + 1
        if not 0 < len(known[text]) <= length:
            raise BadInput(
                f"The sentence {text!r} has {len(known[text])} words; this network reads 1 to {length}."
            )
        row[: len(known[text])] = known[text]
    return rows


def _divided(random: np.random.Generator, share: float) -> tuple[list, set]:
    """Return the pairs to learn from and those held back, drawn until these have every value."""
    every = [
        (a, name, b)
        for name, apply in OPERATIONS.items()
        for a in range(10)
        for b in range(10)
        if 0 <= apply(a, b) <= 9
    ]
    while True:
        back: set[tuple[int, str, int]] = set()
        for name in OPERATIONS:
            pairs = [(a, b) for a, o, b in every if o == name and (name != "plus" or a <= b)]
            if name == "times":
                pairs = [pair for pair in pairs if min(pair) <= 1]
            for i in random.permutation(len(pairs))[: round(share * len(pairs))]:
                back |= {
                    (a, name, b)
                    for a, b in (pairs[i], pairs[i][::-1])
                    if name == "plus" or (a, b) == pairs[i]
                }
        if {OPERATIONS[o](a, b) for a, o, b in back} == set(range(10)):
            return [pair for pair in every if pair not in back], back


def _said(pair: tuple[int, str, int]) -> str:
    a, operation, b = pair
    return f"{NUMBERS[a]} {operation} {NUMBERS[b]}"


def _by_value(sentences: list[str]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(s for s in sentences if value(s) == digit) for digit in range(10))
