"""Formulas as they are written, in large tokens: a signed number, a power with its factor sign, a letter."""

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from ansatz.core import BadInput
from ansatz.data.vocabulary import SPECIALS, Tokenizer, place_in, shown

PIECE = re.compile(r"[+-]?\d+|\*?[^\W\d_]+(?:\^\d+)?|\S")


class InfixTokens(Tokenizer):
    """A formula cut where it is read: ``-3*x^2+x`` is ``-3``, ``*x^2``, ``+``, ``x``.

    A number has its sign with it, a letter or a name its power and the factor sign before it, and every
    other mark stands alone, so that a term takes two tokens instead of six characters.  White space
    says nothing: ``decode(encode(text))`` is the text without it.

    Args:
        words: the tokens, each once.
        specials: the special tokens, all four if not given; without "unknown" an unknown piece is refused.

    Raises:
        BadInput: for a token that is not one piece.

    >>> formulas = InfixTokens.fit(["-3*x^2 + x"])
    >>> formulas.pieces("-3*x^2 + x")
    ['-3', '*x^2', '+', 'x']
    >>> formulas.decode(formulas.encode("x-3*x^2"))
    'x-3*x^2'
    >>> InfixTokens(["x"], ()).encode("x-4")
    Traceback (most recent call last):
        ...
    ansatz.errors.BadInput: The piece '-4' at character 2 is unknown; the 1 tokens known are 'x'.
    """

    kind: ClassVar[str] = "infix"

    def __init__(self, words: Iterable[str], specials: Iterable[str] = SPECIALS):
        super().__init__(tuple(words), specials)
        for word in self.tokens:
            if PIECE.fullmatch(word) is None:
                raise BadInput(f"{word!r} is not one piece of a formula, as '-3', '*x^2' and '+' are.")

    @classmethod
    def fit(cls, texts: Iterable[str], *, specials: Iterable[str] = SPECIALS) -> "InfixTokens":
        """Return the tokens of the pieces that stand in `texts`, in the order of their characters."""
        found = sorted({piece for text in texts for piece in PIECE.findall(text)})
        if not found:
            raise BadInput("The texts hold no formula, so there are no tokens.")
        return cls(found, specials)

    def pieces(self, text: str) -> list[str]:
        """Return the pieces of a formula, from left to right."""
        return PIECE.findall(text)

    def join(self, pieces: list[str]) -> str:
        """Return the formula of these pieces."""
        return "".join(pieces)

    def refusal(self, text: str, number: int) -> BadInput:
        """Return the error for the piece of this number, which is not in the vocabulary."""
        found = list(PIECE.finditer(text))[number]
        place = place_in(text, found.start())
        return BadInput(f"The piece {found.group()!r} {place} is unknown; {shown(self.tokens)}.")

    def options(self) -> dict[str, Any]:
        """Return the tokens."""
        return {"words": list(self.tokens)}
