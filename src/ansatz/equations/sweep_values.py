"""Which values the constants of a sweep take: lists and ranges, and how they are combined."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ansatz.equations.parse import parse_constant
from ansatz.equations.statement import number_text
from ansatz.errors import BadInput

MOST = 10_000
"""The most values of a sweep."""
MISSED = (BadInput, ArithmeticError, np.linalg.LinAlgError)
"""What one value may raise without an end to the others."""


@dataclass(frozen=True)
class Case:
    """One value of every swept constant, and `let`: all constants as the text that states them."""

    values: dict[str, float]
    let: str

    @property
    def label(self) -> str:
        """The values in words.

        >>> Case({"omega": 2.0, "k": 0.25}, "").label
        'omega = 2, k = 0.25'
        """
        return ", ".join(f"{name} = {value:.6g}" for name, value in self.values.items())


@dataclass(frozen=True)
class Cases:
    """All values of a sweep in order; of a grid the last constant varies fastest, `shape` says how many."""

    shape: tuple[int, ...]
    listed: tuple[Case, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The swept constants."""
        return tuple(self.listed[0].values)

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """The values of each swept constant, `[k]`."""
        return {name: np.array([one.values[name] for one in self.listed]) for name in self.names}


def cases_of(let: Mapping[str, Any] | str, *, paired: bool = False) -> Cases:
    """Return the values that constants take.

    Args:
        let: constants by name: one with a list of values (numbers, or texts such as `"pi/2"`) is swept, one
            with a single value is not, and its text may use the swept ones, as `"2*omega"`.
        paired: take the i-th values of all lists together; otherwise every combination is taken.

    Raises:
        BadInput: a list is empty, a value is no finite number, or paired lists differ in length.

    >>> [one.let for one in cases_of({"a": [1, 2], "b": [0.5, "pi"], "c": "2*a"}).listed]
    ['a=1, b=0.5, c=2*a', 'a=1, b=pi, c=2*a', 'a=2, b=0.5, c=2*a', 'a=2, b=pi, c=2*a']
    >>> cases_of({"a": [1, 2], "b": [3, 4]}, paired=True).listed[1].label
    'a = 2, b = 4'
    """
    if not isinstance(let, Mapping):
        raise BadInput(f"The constants of a sweep are a mapping, as {{'omega': [1, 2, 5]}}, not {let!r}.")
    swept = {name: _values(name, value) for name, value in let.items() if _is_list(value)}
    if not swept:
        raise BadInput("Nothing is swept: give a constant several values, as let={'omega': [1, 2, 5]}.")
    rest = [f"{name}={value if isinstance(value, str) else _spelled(name, value)[0]}"
            for name, value in let.items() if name not in swept]  # fmt: skip
    counts = [len(values) for values in swept.values()]
    if paired and len(set(counts)) > 1:
        said = ", ".join(f"{name} has {count}" for name, count in zip(swept, counts, strict=True))
        raise BadInput(f"Paired constants need equally many values: {said}.")
    total = counts[0] if paired else math.prod(counts)
    if total > MOST:
        raise BadInput(f"The sweep has {total:,} values; at most {MOST:,} are solved at once.")
    rows = zip(*swept.values(), strict=True) if paired else itertools.product(*swept.values())
    listed = []
    for row in rows:
        texts = [f"{name}={text}" for name, (text, _) in zip(swept, row, strict=True)]
        values = {name: value for name, (_, value) in zip(swept, row, strict=True)}
        listed.append(Case(values, ", ".join([*texts, *rest])))
    return Cases((total,) if paired else tuple(counts), tuple(listed))


def lists_of(texts: Sequence[str]) -> dict[str, list[Any]]:
    """Return the values that texts give: `"omega=1,2,5"`, or `"omega=1..10:10"`, from 1 to 10 in 10 steps.

    >>> lists_of(["omega=1, pi/2", "k=0..1:3; c=2"])
    {'omega': ['1', 'pi/2'], 'k': [0.0, 0.5, 1.0], 'c': ['2']}
    """
    found: dict[str, list[Any]] = {}
    for part in (part for text in texts for part in text.split(";")):
        name, equals, values = (word.strip() for word in part.partition("="))
        if not name.isidentifier() or not equals or not values:
            raise BadInput(f"{part.strip()!r} sweeps nothing; write omega=1,2,5 or omega=1..10:10.")
        if name in found:
            raise BadInput(f"{name} is swept twice; list all its values once, as {name}=1,2,5.")
        found[name] = [one for piece in _pieces(values) for one in _ranged(name, piece)]
    return found


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple | range | set) or getattr(value, "ndim", 0) > 0


def _values(name: str, given: Any) -> list[tuple[str, float]]:
    """Return the values of a swept constant as texts and numbers."""
    if not isinstance(name, str) or not name.isidentifier():
        raise BadInput(f"A constant is swept by its name, such as 'omega', not {name!r}.")
    if isinstance(given, set) or getattr(given, "ndim", 1) != 1:
        raise BadInput(f"The values of {name} are a list of numbers in order, as [1, 2, 5], not {given!r}.")
    listed = list(given)
    if not listed:
        raise BadInput(f"{name} is swept over no value; list at least one, as {name}=[1, 2, 5].")
    return [_spelled(name, one) for one in listed]


def _spelled(name: str, value: Any) -> tuple[str, float]:
    """Return a value as the text that states it and as a number."""
    if isinstance(value, str):
        text = value.strip()
        if _plain_number(text) is None:
            return text, float(parse_constant(text))
        value = _plain_number(text)
    else:
        text = None
    real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not real or not math.isfinite(value):
        raise BadInput(
            f"The value {value!r} of {name} is no finite number; give one such as 0.5, or a text such as "
            "'2*pi'."
        )
    return text or number_text(value), float(value)


def _plain_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _pieces(values: str) -> list[str]:
    """Split at the commas outside of brackets."""
    pieces, depth = [""], 0
    for letter in values:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += letter
    return pieces


def _ranged(name: str, piece: str) -> list[Any]:
    """Return the values of `1..10:10`, or the one value that a piece spells."""
    if ".." not in piece:
        if not piece.strip():
            raise BadInput(f"A value of {name} is missing between two commas; write {name}=1,2,5.")
        return [piece.strip()]
    low, _, rest = piece.partition("..")
    high, colon, count = rest.rpartition(":")
    if not colon or not count.strip().isdigit() or not 2 <= int(count) <= MOST:
        raise BadInput(
            f"The range {piece.strip()!r} of {name} lacks its number of values, from 2 to {MOST:,}; write "
            f"{name}=1..10:10."
        )
    first, last = (float(parse_constant(one)) for one in (low, high))
    return [float(one) for one in np.linspace(first, last, int(count))]
