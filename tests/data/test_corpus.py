"""Texts from files: the split, the vocabulary, and one sentence for each thing that is wrong."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansatz.core import BadInput
from ansatz.data import (
    CATALOGUE,
    ByteTokens,
    CharacterTokens,
    fit_tokenizer,
    load_images,
    load_table,
    load_text,
    make_corpus,
    read_corpus,
)

TEXT = "To be, or not to be: that is the question.\n" * 20


@settings(max_examples=40, deadline=None, database=None)
@given(st.text(alphabet="ab é\n🙂", min_size=10), st.sampled_from([0.1, 0.25, 0.5]))
def test_the_parts_are_the_text(text: str, validation: float):
    cut = int(len(text) * (1 - validation))
    corpus = make_corpus(text, validation=validation, window=0)
    assert corpus.train.dtype == corpus.validation.dtype == np.int32
    assert corpus.tokenizer.decode(corpus.train) == text[:cut]
    assert corpus.tokenizer.decode(corpus.validation) == text[cut:]
    assert corpus.tokenizer == CharacterTokens.fit([text])
    by_byte = make_corpus(text, "bytes", validation=validation, window=0)
    assert by_byte.tokenizer.decode(by_byte.train) == text[:cut]


def test_a_tenth_is_the_split_of_nanogpt():
    for length in (1_115_394, 1000, 1001, 1009):
        text = "x" * (length - 1) + "y"
        corpus = make_corpus(text)
        assert len(corpus.train) == int(length * 0.9)
        assert len(corpus.train) + len(corpus.validation) == length


def test_words_are_learned_from_the_training_part():
    corpus = make_corpus("a b c d e f g h i " * 4 + "zebra", "words")
    assert "zebra" not in corpus.tokenizer.tokens
    assert corpus.validation[-1] == corpus.tokenizer.unknown
    assert fit_tokenizer("bytes", []) == ByteTokens()
    with pytest.raises(BadInput, match="no tokenizer for texts 'character'; did you mean 'characters'"):
        fit_tokenizer("character", [TEXT])
    known = CharacterTokens.fit([TEXT])
    assert make_corpus(TEXT, known).tokenizer is known
    with pytest.raises(BadInput, match=r"'é' at character 861 \(line 21, column 1\)"):
        make_corpus(TEXT + "é", known)


def test_texts_that_are_too_short_or_shares_that_are_none():
    with pytest.raises(BadInput, match=r"validation part of the text has 2 tokens and a window needs 8"):
        make_corpus("0123456789" * 2, window=8)
    with pytest.raises(BadInput, match="training part of the text has 0 tokens"):
        make_corpus("a")
    with pytest.raises(BadInput, match="hold no character"):
        make_corpus("")
    for share in (0.0, 1.0, -1.0):
        with pytest.raises(BadInput, match="should lie between 0 and 1"):
            make_corpus(TEXT, validation=share)


def test_a_file_is_read_as_it_is(tmp_path: Path):
    path = tmp_path / "text.txt"
    for text in (TEXT, "windows\r\nlines\r\n", "é∂🙂\u2028", " \n"):
        path.write_bytes(text.encode())
        assert read_corpus(path) == read_corpus(str(path)) == text
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    assert read_corpus(path) == TEXT


@pytest.mark.parametrize(
    "content, sentence",
    [
        (b"", r"text\.txt is empty"),
        (b"\xef\xbb\xbf", r"text\.txt is empty"),
        (b"abc\0def", r"text\.txt is no plain text: byte 4 is NUL"),
        (b"abc\xffdef", r"text\.txt is not UTF-8: byte 4 is 0xFF \(invalid start byte\); save it as UTF-8"),
        ("é".encode() + "é".encode("latin-1") + b"x", r"byte 3 is 0xE9"),
        ("ab".encode("utf-16"), "byte 4 is NUL|byte 1 is 0xFF"),
    ],
)
def test_files_that_are_no_text(tmp_path: Path, content: bytes, sentence: str):
    (tmp_path / "text.txt").write_bytes(content)
    with pytest.raises(BadInput, match=sentence):
        read_corpus(tmp_path / "text.txt")


def test_files_that_are_not_there(tmp_path: Path):
    with pytest.raises(BadInput, match="is not there"):
        read_corpus(tmp_path / "none.txt")
    with pytest.raises(BadInput, match="is a folder"):
        read_corpus(tmp_path)


def test_named_texts(tmp_path: Path):
    assert CATALOGUE["tiny-shakespeare"].kind == "text"
    (tmp_path / "own.txt").write_text(TEXT)
    remarks: list[str] = []
    assert load_text("tiny-shakespeare", path=tmp_path / "own.txt", remarks=remarks) == TEXT
    assert "is not the file that the catalogue knows" in remarks[0]
    for load, name, sentence in (
        (load_text, "iris", "'iris' holds table; load it with load_table"),
        (load_table, "tiny-shakespeare", "holds text; load it with load_text"),
        (load_images, "tiny-shakespeare", "holds text; load it with load_text"),
    ):
        with pytest.raises(BadInput, match=sentence):
            load(name)
