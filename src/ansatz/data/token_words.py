"""Words as tokens: the dictionary of the notes, one-hot."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from ansatz._spelling import nearest
from ansatz.core import BadInput
from ansatz.data.vocabulary import SPECIALS, Tokenizer, place_in

PIECE = re.compile(r"\w+(?:['’]\w+)*|[^\w]")
UNKNOWN = "<unknown>"


class WordTokens(Tokenizer):
    """Each word of a dictionary is a token (notes §4: a ↦ 1000…, Aardvark ↦ 0100…).

    Words, marks and white space are pieces; one space between two words is understood, so that
    `decode(encode(text)) == text` where every piece is known.

    Args:
        words: the words, each once; the token of a word is its place.
        specials: the special tokens, all four if not given; without "unknown" an unknown word is refused.

    >>> words = WordTokens.fit(["The scientist eats the chicken."])
    >>> words.tokens
    ('.', 'chicken', 'eats', 'scientist', 'The', 'the')
    >>> words.decode(words.encode("The chicken eats the physicist."))
    'The chicken eats the <unknown>.'
    >>> one_hot(words.encode("the chicken"), words.size)[:, :6].tolist()
    [[0.0, 0.0, 0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]]
    """

    kind: ClassVar[str] = "words"

    def __init__(self, words: Iterable[str], specials: Iterable[str] = SPECIALS):
        super().__init__(tuple(words), specials)
        for word in self.tokens:
            if PIECE.fullmatch(word) is None:
                raise BadInput(f"{word!r} is not one word; words are letters and digits, or one mark.")

    @classmethod
    def fit(
        cls,
        texts: Iterable[str],
        *,
        most: int | None = None,
        least: int = 1,
        specials: Iterable[str] = SPECIALS,
    ) -> "WordTokens":
        """Return the dictionary of the words in `texts`, in alphabetical order.

        Args:
            texts: the texts.
            most: the most frequent this many words are kept, all of them if not given.
            least: words that stand less often are left out.
            specials: the special tokens.
        """
        count = Counter(piece for text in texts for piece in _pieces(text))
        frequent = [word for word in sorted(count, key=lambda w: (-count[w], w)) if count[word] >= least]
        if not frequent:
            raise BadInput(f"No word stands {least} times in the texts, so there is no dictionary.")
        return cls(sorted(frequent[:most], key=lambda word: (word.casefold(), word)), specials)

    def pieces(self, text: str) -> list[str]:
        """Return the words, marks and white space of the text, without the spaces between two words."""
        return _pieces(text)

    def join(self, pieces: list[str]) -> str:
        """Return the text of the pieces, with one space between two words."""
        text, before = [], False
        for piece in pieces:
            word = _is_word(piece) or piece == UNKNOWN
            text += [" ", piece] if word and before else [piece]
            before = word
        return "".join(text)

    def refusal(self, text: str, number: int) -> BadInput:
        """Return the error for the piece of this number, which is not in the dictionary."""
        piece, start = list(_places(text))[number]
        known = nearest(piece, self.tokens) if self.size <= 20 else _near(piece, self.tokens)
        return BadInput(f"The word {piece!r} {place_in(text, start)} is unknown; {known}.")

    def options(self) -> dict[str, Any]:
        """Return the words."""
        return {"words": list(self.tokens)}


def one_hot(ids: np.ndarray, size: int) -> np.ndarray:
    """Return the rows of the identity at `ids: [T]`, float32 `[T, size]` (notes §4, step i).

    An embedding is this times a matrix `[size, D]`, which is looking up its rows.
    """
    rows = np.zeros((len(ids), size), np.float32)
    rows[np.arange(len(ids)), ids] = 1
    return rows


def _near(word: str, known: tuple[str, ...]) -> str:
    advice = nearest(word, known).partition(" (")[0]
    close = advice if advice.startswith("did you mean") else "none of them is spelled like it"
    return f"the dictionary has {len(known)} words, from {known[0]!r} to {known[-1]!r}: {close}"


def _is_word(piece: str) -> bool:
    return re.match(r"\w", piece) is not None


def _places(text: str) -> Iterable[tuple[str, int]]:
    """Yield the pieces with their starts; a space between two words is none."""
    found = [(match.group(), match.start()) for match in PIECE.finditer(text)]
    for number, (piece, start) in enumerate(found):
        between = 0 < number < len(found) - 1 and piece == " "
        if not (between and _is_word(found[number - 1][0]) and _is_word(found[number + 1][0])):
            yield piece, start


def _pieces(text: str) -> list[str]:
    return [piece for piece, _ in _places(text)]
