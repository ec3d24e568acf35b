"""The greatest common divisor of two numbers as a translation, and which divisors a model has learned.

    1200 84  →  12

A transformer that reads numbers in base B learns the divisors that are products of powers of B's primes,
which the last digits show, and answers with the largest of them that divides the right one (Charton 2024,
"Learning the greatest common divisor: explaining transformer predictions", the three rules).
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ansatz.core import BadInput

TEST_SHARE = 0.1
MIXING = 0x9E3779B1
"""Knuth's multiplier: it spreads the pairs over the parts."""


class ByDivisor(NamedTuple):
    """Answers to pairs with the same greatest common divisor.

    `right` is the share of right answers among `count`, `commonest` the answer given most often with its
    share `held`, and `rule` what Charton's rules predict: the largest product of powers of the base's primes
    that divides the divisor.
    """

    divisor: int
    count: int
    right: float
    commonest: str
    held: float
    rule: int


def divisor_pairs(
    count: int, part: str = "train", *, largest: int = 10_000, divisor: int = 0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return so many pairs of numbers from 1 to `largest`, `[count, 2]`, and their gcd, `[count]`.

    Args:
        count: how many.
        part: "train" or "test"; a tenth of all pairs is for testing, in either order of the two.
        largest: the largest number.
        divisor: the gcd of all of them; 0 for whatever chance gives.
        seed: of the draws.

    >>> x, y = divisor_pairs(3, divisor=6)
    >>> y.tolist(), np.gcd(x[:, 0], x[:, 1]).tolist()
    ([6, 6, 6], [6, 6, 6])
    """
    if part not in ("train", "test"):
        raise BadInput(f"The part is 'train' or 'test', not {part!r}.")
    factor = max(divisor, 1)
    if largest // factor < 2:
        raise BadInput(f"Numbers up to {largest} have too few multiples of {divisor}; give a larger bound.")
    random, found, missing = np.random.default_rng([seed, part == "test", divisor]), [], count
    for _ in range(1000):
        x = factor * random.integers(1, largest // factor + 1, (4 * missing + 64, 2))
        kept = is_test_pair(x) == (part == "test")
        if divisor:
            kept &= np.gcd(x[:, 0], x[:, 1]) == divisor
        found.append(x[kept][:missing])
        missing -= len(found[-1])
        if not missing:
            pairs = np.concatenate(found)
            return pairs, np.gcd(pairs[:, 0], pairs[:, 1])
    raise BadInput(f"No pair up to {largest} with the divisor {divisor} is in the {part} part.")


def is_test_pair(pairs: np.ndarray) -> np.ndarray:
    """Return which pairs `[N, 2]` belong to the test part, in either order."""
    low, high = pairs.min(1).astype(np.uint64), pairs.max(1).astype(np.uint64)
    mixed = (low * np.uint64(MIXING) + high * np.uint64(MIXING**2 % 2**32)) % np.uint64(2**32)
    mixed = (mixed ^ (mixed >> np.uint64(15))) * np.uint64(MIXING) % np.uint64(2**32)
    return mixed < TEST_SHARE * 2**32


def by_the_rules(divisor: int, base: int) -> int:
    """Return the largest divisor of a number whose primes all divide the base.

    >>> by_the_rules(60, 10), by_the_rules(9, 10)
    (20, 1)
    """
    found = 1
    while (common := math.gcd(divisor, base)) > 1:
        found, divisor = found * common, divisor // common
    return found


def by_divisor(wanted: Sequence[int], answers: Sequence[str], base: int) -> list[ByDivisor]:
    """Return how the answers to pairs were, by the right answer `wanted`.

    >>> by_divisor([1, 6, 6], ["1", "2", "6"], 10)[1]
    ByDivisor(divisor=6, count=2, right=0.5, commonest='2', held=0.5, rule=2)
    """
    groups: dict[int, list[str]] = {}
    for divisor, answer in zip(wanted, answers, strict=True):
        groups.setdefault(int(divisor), []).append(answer)
    rows = []
    for divisor, given in sorted(groups.items()):
        commonest, times = Counter(given).most_common(1)[0]
        right = given.count(str(divisor)) / len(given)
        rows.append(
            ByDivisor(divisor, len(given), right, commonest, times / len(given), by_the_rules(divisor, base))
        )
    return rows
