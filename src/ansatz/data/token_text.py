"""Characters and bytes as tokens."""

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from ansatz.core import BadInput
from ansatz.data.vocabulary import Tokenizer, place_in


class CharacterTokens(Tokenizer):
    """Each character of an alphabet is a token.

    Args:
        alphabet: the characters, each once; the token of a character is its place.
        specials: the special tokens, none if not given.

    >>> letters = CharacterTokens.fit(["to be"])
    >>> letters.encode("bot").tolist(), letters.decode([4, 3])
    ([1, 3, 4], 'to')
    >>> letters.encode("boat")
    Traceback (most recent call last):
    ansatz.errors.BadInput: The character 'a' at character 3 is unknown; the 5 characters known are ' beot'.
    """

    kind: ClassVar[str] = "characters"

    def __init__(self, alphabet: str, specials: Iterable[str] = ()):
        super().__init__(tuple(alphabet), specials)
        codes = _codes(alphabet)
        self._order = np.argsort(codes, kind="stable").astype(np.int32)
        self._sorted = codes[self._order]

    @classmethod
    def fit(cls, texts: Iterable[str], specials: Iterable[str] = ()) -> "CharacterTokens":
        """Return the tokenizer of the characters in `texts`, in the order of their code points."""
        alphabet = "".join(sorted(set().union(*map(set, texts))))
        if not alphabet:
            raise BadInput("The texts hold no character, so there is no alphabet; give at least one.")
        return cls(alphabet, specials)

    def numbers(self, text: str) -> np.ndarray:
        """Return the tokens of a text, int32 `[T]`."""
        codes = _codes(text)
        place = np.minimum(np.searchsorted(self._sorted, codes), len(self._sorted) - 1)
        known = self._sorted[place] == codes
        found = self._order[place]
        if not known.all():
            if "unknown" not in self.specials:
                raise self.refusal(text, int(np.argmin(known)))
            found[~known] = self.unknown
        return found

    def pieces(self, text: str) -> list[str]:
        """Return the characters of the text."""
        return list(text)

    def join(self, pieces: list[str]) -> str:
        """Return the text of the characters."""
        return "".join(pieces)

    def refusal(self, text: str, number: int) -> BadInput:
        """Return the error for the character of this number, which is not in the alphabet."""
        known = "".join(self.tokens[:200]) + ("…" if len(self.tokens) > 200 else "")
        return BadInput(
            f"The character {text[number]!r} {place_in(text, number)} is unknown; "
            f"the {len(self.tokens)} characters known are {known!r}."
        )

    def options(self) -> dict[str, Any]:
        """Return the alphabet."""
        return {"alphabet": "".join(self.tokens)}


class ByteTokens(Tokenizer):
    """Each byte of the text in UTF-8 is a token, its value: no text is unknown.

    >>> ByteTokens().encode("é").tolist()
    [195, 169]
    >>> ByteTokens().decode([195, 169])
    'é'
    """

    kind: ClassVar[str] = "bytes"

    def __init__(self, specials: Iterable[str] = ()):
        super().__init__([f"{value:02X}" for value in range(256)], specials)

    def numbers(self, text: str) -> np.ndarray:
        """Return the tokens of a text, int32 `[T]`."""
        return np.frombuffer(self._bytes(text), np.uint8).astype(np.int32)

    def decode(self, ids: Any) -> str:
        """Return the text of `ids: [T]`; bytes that are no UTF-8 become the replacement character �."""
        return bytes(number for number in self.ordinary(ids) if number < 256).decode("utf-8", "replace")

    def pieces(self, text: str) -> list[str]:
        """Return the bytes of the text, each as two hexadecimal digits."""
        return [f"{value:02X}" for value in self._bytes(text)]

    def join(self, pieces: list[str]) -> str:
        """Return the text of bytes that are written as two hexadecimal digits."""
        return bytes(int(piece, 16) for piece in pieces).decode("utf-8", "replace")

    def options(self) -> dict[str, Any]:
        """Return nothing: the bytes are always the same."""
        return {}

    @staticmethod
    def _bytes(text: str) -> bytes:
        try:
            return text.encode()
        except UnicodeEncodeError as error:
            raise BadInput(
                f"The character {text[error.start]!r} {place_in(text, error.start)} is half of a pair "
                "(a surrogate) and has no bytes; give whole characters."
            ) from None


def _codes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))
