"""What every tokenizer is: text to whole numbers and back, and the special tokens by name."""

import abc
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from ansatz._spelling import nearest
from ansatz.core import BadInput

SPECIALS = ("padding", "begin", "end", "unknown")
"""The special tokens that a tokenizer may have; in a vocabulary they stand after the ordinary tokens."""


class Vocabulary:
    """The tokens by number: the ordinary ones 0, 1, … in the order of `tokens`, then the special ones.

    Args:
        tokens: the ordinary tokens, each once.
        specials: which of "padding", "begin", "end" and "unknown" there are.

    Raises:
        BadInput: if a token stands twice, or a special one is none of the four.
    """

    kind: ClassVar[str]

    def __init__(self, tokens: Sequence[str], specials: Iterable[str] = ()):
        specials = tuple(specials)
        for name in specials:
            if name not in SPECIALS:
                raise BadInput(f"There is no special token {name!r}; {nearest(str(name), SPECIALS)}.")
        self.tokens = tuple(tokens)
        self.specials = tuple(name for name in SPECIALS if name in specials)
        self.index = {token: number for number, token in enumerate(self.tokens)}
        if not self.tokens:
            raise BadInput(
                f"A tokenizer of {self.kind} without a token can spell nothing; give at least one."
            )
        if len(self.index) < len(self.tokens):
            twice = next(t for i, t in enumerate(self.tokens) if self.index[t] != i)
            raise BadInput(f"The token {twice!r} stands twice in the vocabulary; each should stand once.")

    @property
    def size(self) -> int:
        """The number of tokens, the special ones included."""
        return len(self.tokens) + len(self.specials)

    @property
    def names(self) -> tuple[str, ...]:
        """The tokens by number, the special ones as `<begin>`."""
        return (*self.tokens, *(f"<{name}>" for name in self.specials))

    def special(self, name: str) -> int:
        """Return the number of a special token, or raise `BadInput` if there is none of this name."""
        if name not in self.specials:
            has = ", ".join(map(repr, self.specials)) or "no special token"
            raise BadInput(f"This tokenizer of {self.kind} has no token {name!r}; it has {has}.")
        return len(self.tokens) + self.specials.index(name)

    @property
    def padding(self) -> int:
        """The number of the token that fills up."""
        return self.special("padding")

    @property
    def begin(self) -> int:
        """The number of the token that begins a sequence."""
        return self.special("begin")

    @property
    def end(self) -> int:
        """The number of the token that ends a sequence."""
        return self.special("end")

    @property
    def unknown(self) -> int:
        """The number of the token for what is not in the vocabulary."""
        return self.special("unknown")


class Tokenizer(Vocabulary, abc.ABC):
    """Text to tokens, whole numbers in [0, size), and back.

    The ordinary tokens have the numbers 0, 1, … in the order of `tokens`; the special ones follow.
    A tokenizer is JSON (`to_json`, `tokenizer_from_json`), so that a run can be saved with it.

    Args:
        tokens: the ordinary tokens, each once.
        specials: which of "padding", "begin", "end" and "unknown" there are.

    Raises:
        BadInput: if a token stands twice, or a special one is none of the four.
    """

    def encode(self, text: str, *, begin: bool = False, end: bool = False) -> np.ndarray:
        """Return the tokens of a text, int32 `[T]`, with the begin and end tokens if asked for.

        Raises:
            BadInput: for what the vocabulary cannot spell: what, where, and what is known.
        """
        return self.framed(self.numbers(text), begin=begin, end=end)

    def numbers(self, text: str) -> np.ndarray:
        """Return the tokens of a text, int32 `[T]`, without begin and end."""
        pieces = self.pieces(text)
        found = np.fromiter((self.index.get(piece, -1) for piece in pieces), np.int32, len(pieces))
        if found.size and found.min() < 0:
            if "unknown" not in self.specials:
                raise self.refusal(text, int(np.argmin(found)))
            found[found < 0] = self.unknown
        return found

    def framed(self, numbers: np.ndarray, *, begin: bool, end: bool) -> np.ndarray:
        """Return `numbers: [T]` with the begin and end tokens around them if asked for."""
        before, after = [self.begin] if begin else [], [self.end] if end else []
        return np.concatenate([before, numbers, after]).astype(np.int32) if begin or end else numbers

    def decode(self, ids: Any) -> str:
        """Return the text of `ids: [T]`: up to the first end token, without begin and padding.

        Raises:
            BadInput: for numbers that are no tokens, or tokens that are no text of this kind.
        """
        return self.join([self.names[number] for number in self.ordinary(ids)])

    def ordinary(self, ids: Any) -> list[int]:
        """Return the tokens up to the first end token, without begin and padding, as a list."""
        array = np.asarray(ids)
        if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
            raise BadInput(
                f"The tokens are an array of {array.dtype} of shape {array.shape}; they should be whole [T]."
            )
        for number in array[(array < 0) | (array >= self.size)][:1]:
            place = int(np.argmax(array == number))
            raise BadInput(
                f"Token {place + 1} is {number}; the numbers of this vocabulary are 0 to {self.size - 1}."
            )
        if "end" in self.specials and (array == self.end).any():
            array = array[: int(np.argmax(array == self.end))]
        dropped = [self.special(name) for name in ("begin", "padding") if name in self.specials]
        return array[~np.isin(array, dropped)].tolist()

    @abc.abstractmethod
    def pieces(self, text: str) -> list[str]:
        """Return the text cut into the names of tokens."""

    @abc.abstractmethod
    def join(self, pieces: list[str]) -> str:
        """Return the text of which these are the pieces."""

    def refusal(self, text: str, number: int) -> BadInput:
        """Return the error for the piece of this number, which is not in the vocabulary."""
        piece = self.pieces(text)[number]
        return BadInput(f"The piece {number + 1} of the text, {piece!r}, is unknown; {shown(self.tokens)}.")

    @abc.abstractmethod
    def options(self) -> dict[str, Any]:
        """Return the arguments from which the tokenizer is built anew, as JSON can hold them."""

    def to_json(self) -> dict[str, Any]:
        """Return the tokenizer as JSON; `tokenizer_from_json` builds it anew."""
        return {"tokenizer": self.kind, **self.options(), "specials": list(self.specials)}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokenizer) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.kind, self.tokens, self.specials))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.size} tokens>"


def shown(tokens: Sequence[str], most: int = 100) -> str:
    """Return the end of a sentence that says what is known.

    >>> shown(["a", "b"])
    "the 2 tokens known are 'a' 'b'"
    """
    listed = " ".join(map(repr, tokens[:most])) + (" …" if len(tokens) > most else "")
    return f"the {len(tokens)} tokens known are {listed}"


def place_in(text: str, position: int) -> str:
    """Return where a character stands, as one reads it.

    >>> place_in("ab\\ncd", 4)
    'at character 5 (line 2, column 2)'
    """
    before = text[:position]
    line, column = before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1
    return f"at character {position + 1}" + (f" (line {line}, column {column})" if "\n" in text else "")
