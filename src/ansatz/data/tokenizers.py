"""All tokenizers by name, and from the JSON of a run."""

from typing import Any

from ansatz._spelling import choose
from ansatz.core import BadInput
from ansatz.data.token_formulas import FormulaTokens
from ansatz.data.token_infix import InfixTokens
from ansatz.data.token_integers import IntegerTokens
from ansatz.data.token_knots import BraidTokens, DiagramTokens
from ansatz.data.token_pairs import BytePairTokens
from ansatz.data.token_text import ByteTokens, CharacterTokens
from ansatz.data.token_words import WordTokens
from ansatz.data.vocabulary import Tokenizer

TOKENIZERS: dict[str, type[Tokenizer]] = {
    cls.kind: cls
    for cls in (
        CharacterTokens,
        ByteTokens,
        WordTokens,
        BytePairTokens,
        FormulaTokens,
        InfixTokens,
        IntegerTokens,
        DiagramTokens,
        BraidTokens,
    )
}
"""The tokenizers by their names in JSON."""


def tokenizer_from_json(value: Any) -> Tokenizer:
    """Return the tokenizer that `to_json` wrote.

    >>> tokenizer_from_json(IntegerTokens(1000).to_json())
    <IntegerTokens of 1006 tokens>
    """
    if not isinstance(value, dict) or not isinstance(value.get("tokenizer"), str):
        raise BadInput("A tokenizer in JSON is an object whose key 'tokenizer' names it; this is none.")
    cls = choose("tokenizer", value["tokenizer"], TOKENIZERS)
    options = {name: option for name, option in value.items() if name != "tokenizer"}
    try:
        return cls(**options)
    except BadInput:
        raise
    except (TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"The tokenizer {cls.kind!r} cannot be built from its JSON: {error}.") from None
