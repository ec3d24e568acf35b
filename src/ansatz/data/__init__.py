"""Where batches come from: tables, images, texts, streams and named data sets.

What needs SymPy is imported when it is first used.
"""

from typing import TYPE_CHECKING, Any

from ansatz.data.catalogue import CATALOGUE, Entry
from ansatz.data.corpus import Corpus, fit_tokenizer, make_corpus, read_corpus
from ansatz.data.datasets import cache_folder, get, is_here, load_images, load_table, load_text
from ansatz.data.encode import Features, TableEncoder
from ansatz.data.held import Held
from ansatz.data.images import Images, as_float, read_images
from ansatz.data.read import read_table
from ansatz.data.schema import Column, Prepared, find_task, infer_columns, prepare
from ansatz.data.shuffle import shuffled
from ansatz.data.split import Fold, folds, split
from ansatz.data.stream import Batches, Stream
from ansatz.data.table import Blocks, Table, Whole
from ansatz.data.target import TargetEncoder
from ansatz.data.token_infix import InfixTokens
from ansatz.data.token_integers import IntegerTokens
from ansatz.data.token_knots import BraidTokens, DiagramTokens
from ansatz.data.token_pairs import BytePairTokens
from ansatz.data.token_text import ByteTokens, CharacterTokens
from ansatz.data.token_words import WordTokens, one_hot
from ansatz.data.tokens import PairTokens, TokenBlocks, Tokens, Windows, pad_pairs
from ansatz.data.vocabulary import Tokenizer

if TYPE_CHECKING:
    from ansatz.data.token_formulas import FormulaTokens
    from ansatz.data.tokenizers import tokenizer_from_json

__all__ = [
    "CATALOGUE",
    "Batches",
    "Blocks",
    "BraidTokens",
    "BytePairTokens",
    "ByteTokens",
    "CharacterTokens",
    "Column",
    "Corpus",
    "DiagramTokens",
    "Entry",
    "Features",
    "Fold",
    "FormulaTokens",
    "Held",
    "Images",
    "InfixTokens",
    "IntegerTokens",
    "PairTokens",
    "Prepared",
    "Stream",
    "Table",
    "TableEncoder",
    "TargetEncoder",
    "TokenBlocks",
    "Tokenizer",
    "Tokens",
    "Whole",
    "Windows",
    "WordTokens",
    "as_float",
    "cache_folder",
    "find_task",
    "fit_tokenizer",
    "folds",
    "get",
    "infer_columns",
    "is_here",
    "load_images",
    "load_table",
    "load_text",
    "make_corpus",
    "one_hot",
    "pad_pairs",
    "prepare",
    "read_corpus",
    "read_images",
    "read_table",
    "shuffled",
    "split",
    "tokenizer_from_json",
]


def __getattr__(name: str) -> Any:
    """Import what needs SymPy."""
    if name == "FormulaTokens":
        from ansatz.data.token_formulas import FormulaTokens as found
    elif name == "tokenizer_from_json":
        from ansatz.data.tokenizers import tokenizer_from_json as found
    else:
        raise AttributeError(f"module 'ansatz.data' has no attribute {name!r}")
    return found
