"""Whole numbers as tokens: a sign, then the digits in a base, the most significant first."""

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from ansatz.core import BadInput
from ansatz.data.vocabulary import SPECIALS, Tokenizer

POSITIVE, NEGATIVE = "INT+", "INT-"
NUMBER = f"a number is {POSITIVE} or {NEGATIVE} and digits"
LONGEST = 4000
"""Decimal digits of the longest number that is read."""


class IntegerTokens(Tokenizer):
    """Whole numbers, each a sign and its digits in a base (Charton 2024, "Learning the GCD").

    A text holds numbers parted by spaces or commas; `decode` parts them by spaces.

    Args:
        base: 2 to a million; the digits are the tokens "0" to str(base − 1).
        specials: the special tokens, all four if not given.

    Raises:
        BadInput: for a base out of its range.

    >>> numbers = IntegerTokens(1000)
    >>> numbers.pieces("-1234567, 8")
    ['INT-', '1', '234', '567', 'INT+', '8']
    >>> numbers.decode(numbers.encode("-1234567, 8"))
    '-1234567 8'
    """

    kind: ClassVar[str] = "integers"

    def __init__(self, base: int = 10, specials: Iterable[str] = SPECIALS):
        self.base = check_base(base)
        super().__init__((*map(str, range(base)), POSITIVE, NEGATIVE), specials)

    def pieces(self, text: str) -> list[str]:
        """Return the signs and digits of the numbers in the text."""
        found = []
        for match in re.finditer(r"[^\s,]+", text):
            word = match.group().replace("−", "-")
            if re.fullmatch(r"[-+]?[0-9]+", word) is None or len(word) > LONGEST:
                shown = word if len(word) <= 40 else f"{word[:37]}..."
                place = f"at character {match.start() + 1}"
                raise BadInput(f"{shown!r} {place} is no whole number of up to {LONGEST} digits.")
            found += digits(int(word), self.base)
        return found

    def join(self, pieces: list[str]) -> str:
        """Return the numbers of the pieces, parted by spaces."""
        starts = [number for number, piece in enumerate(pieces) if piece in (POSITIVE, NEGATIVE)]
        if pieces and (not starts or starts[0] > 0):
            raise BadInput(f"The token {pieces[0]!r} follows no sign; {NUMBER}.")
        ends = [*starts, len(pieces)][1:]
        return " ".join(str(from_digits(pieces[a:b], self.base)) for a, b in zip(starts, ends, strict=True))

    def encode_numbers(self, values: Iterable[int]) -> np.ndarray:
        """Return the tokens of whole numbers, int32 `[T]`."""
        numbers = [self.index[piece] for value in values for piece in digits(int(value), self.base)]
        return np.asarray(numbers, np.int32)

    def decode_numbers(self, ids: Any) -> list[int]:
        """Return the whole numbers of `ids: [T]`, or raise `BadInput` if they are none."""
        return [int(word) for word in self.decode(ids).split()]

    def encode_rows(self, values: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the tokens of many rows of numbers at once, `ids: [N, L]` padded, and `lengths: [N]`.

        Row i is `encode_numbers(values[i])`; L is the length of the longest.

        Args:
            values: whole numbers `[N, K]` that fit into 63 bits.

        >>> ids, lengths = IntegerTokens(10).encode_rows([[7, -12], [0, 5]])
        >>> ids.tolist(), lengths.tolist()
        ([[10, 7, 11, 1, 2], [10, 0, 10, 5, 12]], [5, 4])
        """
        values = np.asarray(values)
        whole = values.ndim == 2 and values.dtype.kind in "iu"
        if not whole or (np.abs(values.astype(np.float64)) >= 2**63).any():
            found = f"{values.dtype} of shape {values.shape}"
            raise BadInput(f"The numbers are {found}; they should be whole [N, K], of 63 bits.")
        left, columns = np.abs(values.astype(np.int64)), []
        while not columns or left.any():
            left, digit = np.divmod(left, self.base)
            columns.append(digit)
        table = np.stack(columns[::-1], axis=-1)
        leading = np.logical_or.accumulate(table > 0, axis=-1)
        leading[..., -1] = True
        sign = np.where(values < 0, self.index[NEGATIVE], self.index[POSITIVE])[..., None]
        pieces = np.concatenate([sign, table], axis=-1).reshape(len(values), -1)
        kept = np.concatenate([np.ones((*values.shape, 1), bool), leading], axis=-1).reshape(len(values), -1)
        lengths = kept.sum(axis=1).astype(np.int32)
        ids = np.full((len(values), max(lengths, default=0)), self.padding, np.int32)
        rows, places = np.nonzero(kept)
        ids[rows, (np.cumsum(kept, axis=1) - 1)[rows, places]] = pieces[rows, places]
        return ids, lengths

    def options(self) -> dict[str, Any]:
        """Return the base."""
        return {"base": self.base}


def check_base(base: int) -> int:
    """Return the base, or raise `BadInput` if it is below 2 or above a million."""
    if not 2 <= base <= 10**6:
        raise BadInput(f"Numbers are not written in base {base}; the base is 2 to a million.")
    return base


def digits(value: int, base: int) -> list[str]:
    """Return the sign and the digits of a whole number, the most significant first.

    >>> digits(-10, 2)
    ['INT-', '1', '0', '1', '0']
    """
    left, found = abs(value), []
    while left or not found:
        left, digit = divmod(left, base)
        found.append(str(digit))
    return [NEGATIVE if value < 0 else POSITIVE, *found[::-1]]


def from_digits(pieces: Sequence[str], base: int) -> int:
    """Return the whole number of a sign and digits, or raise `BadInput` if no digit follows the sign."""
    if len(pieces) < 2:
        raise BadInput(f"No digit follows the sign {pieces[0]!r}; {NUMBER}.")
    if len(pieces) * math.log10(base) > LONGEST:
        count = len(pieces) - 1
        raise BadInput(f"A number of {count} digits in base {base} has more than {LONGEST} decimal ones.")
    value = 0
    for piece in pieces[1:]:
        if not piece.isdecimal():
            raise BadInput(f"The token {piece!r} is no digit; {NUMBER}.")
        value = value * base + int(piece)
    return -value if pieces[0] == NEGATIVE else value
