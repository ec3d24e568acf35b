"""A text to learn from: read from a file, cut into training and validation, as tokens."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ansatz._spelling import choose
from ansatz.core import BadInput
from ansatz.data.limits import LARGEST
from ansatz.data.token_pairs import BytePairTokens
from ansatz.data.token_text import ByteTokens, CharacterTokens
from ansatz.data.token_words import WordTokens
from ansatz.data.vocabulary import Tokenizer


class Corpus(NamedTuple):
    """A text as tokens: `train: [N]` and `validation: [M]`, int32, and what turns them into text."""

    train: np.ndarray
    validation: np.ndarray
    tokenizer: Tokenizer


def read_corpus(path: str | Path) -> str:
    """Return the text of a file in UTF-8, character by character (a byte-order mark is left out).

    Raises:
        BadInput: if the file is not there, is empty, holds a NUL byte or other bytes than UTF-8, naming
            the byte, or is larger than 8 GiB.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is not there"
        raise BadInput(f"The text file {path} {what}; name a file of plain text.")
    if path.stat().st_size > LARGEST:
        raise BadInput(f"{path.name} is larger than {LARGEST >> 30} GiB; give a part of it.")
    content = path.read_bytes()
    nul = content.find(b"\0")
    if nul >= 0:
        raise BadInput(f"{path.name} is no plain text: byte {nul + 1} is NUL; save it as UTF-8.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{path.name} is not UTF-8: byte {error.start + 1} is 0x{content[error.start]:02X} "
            f"({error.reason}); save it as UTF-8."
        ) from None
    if not text:
        raise BadInput(f"{path.name} is empty; a model learns from text.")
    return text


def make_corpus(
    text: str, tokenizer: str | Tokenizer = "characters", *, validation: float = 0.1, window: int = 1
) -> Corpus:
    """Return a text as tokens, its end kept for validation.

    Of n characters the first ⌊n (1 − validation)⌋ are for training: for a tenth this is the split of
    nanoGPT.  A vocabulary that is to be learned is learned from the whole text for characters, and
    from the training part for words and pairs.

    Args:
        text: the text.
        tokenizer: a tokenizer, or the name of one for texts ("characters", "bytes", "words", "pairs").
        validation: the share of the text that is kept, in (0, 1).
        window: the number of tokens that a model will see at once; each part must have one more.

    Raises:
        BadInput: if a part has too few tokens, or the tokenizer cannot spell the text.

    >>> corpus = make_corpus("to be or not to be, that is the question")
    >>> len(corpus.train), corpus.tokenizer.decode(corpus.validation)
    (36, 'tion')
    """
    if not 0 < validation < 1:
        raise BadInput(f"The share for validation is {validation}; it should lie between 0 and 1.")
    cut = int(len(text) * (1 - validation))
    if not isinstance(tokenizer, Tokenizer):
        tokenizer = fit_tokenizer(tokenizer, [text] if tokenizer == "characters" else [text[:cut]])
    if isinstance(tokenizer, CharacterTokens):
        parts = np.split(tokenizer.encode(text), [cut])
    else:
        parts = [tokenizer.encode(part) for part in (text[:cut], text[cut:])]
    for name, part in zip(("training", "validation"), parts, strict=True):
        if len(part) <= window:
            raise BadInput(
                f"The {name} part of the text has {len(part)} tokens and a window needs {window} + 1; "
                "give a longer text or a shorter window."
            )
    return Corpus(parts[0], parts[1], tokenizer)


def fit_tokenizer(name: str, texts: Iterable[str], specials: Iterable[str] = ()) -> Tokenizer:
    """Return a tokenizer for texts, its vocabulary learned from them.

    Args:
        name: "characters", "bytes", "words" or "pairs".
        texts: the texts; for bytes they need not be read.
        specials: the special tokens; words have "unknown" besides.

    >>> fit_tokenizer("characters", ["to be"])
    <CharacterTokens of 5 tokens>
    """
    learn = {
        "characters": CharacterTokens.fit,
        "bytes": lambda texts, specials: ByteTokens(specials),
        "words": lambda texts, specials: WordTokens.fit(texts, specials=(*specials, "unknown")),
        "pairs": lambda texts, specials: BytePairTokens.fit(texts, specials=specials),
    }
    return choose("tokenizer for texts", name, learn)(texts, specials=tuple(specials))
