"""Byte-pair encoding, by the library `tokenizers`."""

import json
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from ansatz.core import BadInput
from ansatz.data.vocabulary import Tokenizer


class BytePairTokens(Tokenizer):
    """Pieces of words, learned by merging the most frequent neighbors (Sennrich et al. 2016).

    It begins with the 256 bytes, so that no text is unknown and `decode(encode(text)) == text`.

    Args:
        model: the vocabulary and merges, as the library `tokenizers` writes them in JSON.
        specials: the special tokens, none if not given.

    Raises:
        BadInput: if the library is not installed, or cannot read the model.
    """

    kind: ClassVar[str] = "pairs"

    def __init__(self, model: dict[str, Any], specials: Iterable[str] = ()):
        self.model = model
        library = _library()
        try:
            self._library = library.Tokenizer.from_str(json.dumps(model))
        except Exception as error:  # the library raises nothing narrower
            raise BadInput(f"The model of a byte-pair encoding cannot be read: {error}.") from None
        number_of = self._library.get_vocab()
        super().__init__(sorted(number_of, key=lambda token: number_of[token]), specials)

    @classmethod
    def fit(cls, texts: Iterable[str], *, size: int = 1024, specials: Iterable[str] = ()) -> "BytePairTokens":
        """Return the tokenizer of `size` ordinary tokens that is learned from `texts`."""
        if size < 256:
            raise BadInput(f"A byte-pair encoding of {size} tokens is too small; the bytes alone are 256.")
        library = _library()
        learned = library.Tokenizer(library.models.BPE())
        learned.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
        learned.decoder = library.decoders.ByteLevel()
        trainer = library.trainers.BpeTrainer(
            vocab_size=size, initial_alphabet=library.pre_tokenizers.ByteLevel.alphabet(), show_progress=False
        )
        learned.train_from_iterator(list(texts), trainer)
        return cls(json.loads(learned.to_str()), specials)

    def numbers(self, text: str) -> np.ndarray:
        """Return the tokens of a text, int32 `[T]`."""
        return np.asarray(self._library.encode(text).ids, np.int32)

    def decode(self, ids: Any) -> str:
        """Return the text of `ids: [T]`; bytes that are no UTF-8 become the replacement character �."""
        return self._library.decode([number for number in self.ordinary(ids) if number < len(self.tokens)])

    def pieces(self, text: str) -> list[str]:
        """Return the pieces, in the alphabet in which the library writes bytes."""
        return self._library.encode(text).tokens

    def join(self, pieces: list[str]) -> str:
        """Return the text of the pieces."""
        return self._library.decode([self.index[piece] for piece in pieces])

    def options(self) -> dict[str, Any]:
        """Return the model."""
        return {"model": self.model}


def _library() -> Any:
    try:
        import tokenizers  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise BadInput(
            "Byte-pair encoding needs the package tokenizers: pip install 'ansatz[bpe]'; "
            "the tokenizers of characters, bytes and words need nothing."
        ) from None
    return tokenizers
