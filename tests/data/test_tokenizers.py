"""Tokenizers: every text comes back, JSON builds the same tokenizer, and refusals name the place."""

import json
import sys

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from ansatz.core import BadInput
from ansatz.data import (
    BraidTokens,
    BytePairTokens,
    ByteTokens,
    CharacterTokens,
    DiagramTokens,
    FormulaTokens,
    InfixTokens,
    IntegerTokens,
    WordTokens,
    one_hot,
    tokenizer_from_json,
)
from ansatz.data.formula_text import FUNCTIONS, parse_formula
from ansatz.data.vocabulary import SPECIALS, place_in

WORDS = ["The scientist eats the chicken.", "The chicken eats the scientist, doesn't it?\n"]
TOKENIZERS = {
    "characters": (lambda: CharacterTokens.fit(WORDS, SPECIALS), WORDS[1]),
    "bytes": (lambda: ByteTokens(SPECIALS), "naïve ∂²u/∂x² 🙂"),
    "words": (lambda: WordTokens.fit(WORDS), WORDS[1]),
    "formulas": (lambda: FormulaTokens(("x", "y"), base=30), "x**2*sin(y)/2 - 35"),
    "infix": (lambda: InfixTokens.fit(["-3*x^2+x", "sin(x)^2*y-12"]), "x-3*x^2-12*y"),
    "integers": (lambda: IntegerTokens(1000), "0 -1234567 89"),
    "diagrams": (lambda: DiagramTokens(4), "[(4, 2, 5, 1), (8, 6, 1, 5), (6, 3, 7, 4), (2, 7, 3, 8)]"),
    "braids": (lambda: BraidTokens(4), "[1, -2, 3, 3]"),
}
SETTINGS = settings(max_examples=60, deadline=None, database=None)


@pytest.mark.parametrize("name", TOKENIZERS)
def test_protocol(name: str):
    make, text = TOKENIZERS[name]
    tokenizer = make()
    ids = tokenizer.encode(text, begin=True, end=True)
    assert ids.dtype == np.int32 and ids.ndim == 1
    assert ids[0] == tokenizer.begin and ids[-1] == tokenizer.end
    assert 0 <= ids.min() and ids.max() < tokenizer.size == len(tokenizer.names)
    assert tokenizer.decode(ids) == text
    padded = np.concatenate([ids, [tokenizer.padding] * 3])
    assert tokenizer.decode(padded) == text and tokenizer.decode(padded.tolist()) == text
    assert tokenizer.encode(text).tolist() == ids[1:-1].tolist()
    assert [tokenizer.names[i] for i in ids[1:-1]] == tokenizer.pieces(text)
    assert tokenizer.join(tokenizer.pieces(text)) == text
    specials = [tokenizer.special(special) for special in SPECIALS]
    assert specials == list(range(tokenizer.size - 4, tokenizer.size))


@pytest.mark.parametrize("name", TOKENIZERS)
def test_json_builds_the_same_tokenizer(name: str):
    tokenizer, text = TOKENIZERS[name][0](), TOKENIZERS[name][1]
    again = tokenizer_from_json(json.loads(json.dumps(tokenizer.to_json())))
    assert again == tokenizer and again.names == tokenizer.names and hash(again) == hash(tokenizer)
    assert np.array_equal(again.encode(text), tokenizer.encode(text))


@pytest.mark.parametrize("name", TOKENIZERS)
def test_numbers_that_are_no_tokens_are_refused(name: str):
    tokenizer = TOKENIZERS[name][0]()
    with pytest.raises(BadInput, match=f"Token 2 is {tokenizer.size}; the numbers .* are 0 to"):
        tokenizer.decode([0, tokenizer.size])
    with pytest.raises(BadInput, match="they should be whole"):
        tokenizer.decode([0.5])
    bare = type(tokenizer)(**tokenizer.options(), specials=())
    with pytest.raises(BadInput, match="no token 'end'; it has no special token"):
        bare.encode(TOKENIZERS[name][1], end=True)
    with pytest.raises(BadInput, match="did you mean 'begin'"):
        type(tokenizer)(**tokenizer.options(), specials=["beginn"])


@SETTINGS
@given(st.text(alphabet="abé∂🙂 \n\0", min_size=1))
def test_characters_give_every_text_back(text: str):
    tokenizer = CharacterTokens.fit([text])
    assert tokenizer.size == len(set(text)) and tokenizer.decode(tokenizer.encode(text)) == text
    assert [tokenizer.names[i] for i in tokenizer.encode(text)] == list(text)


@SETTINGS
@given(st.text(alphabet="abé∂🙂 \n\0"))
def test_bytes_give_every_text_back(text: str):
    assert ByteTokens().decode(ByteTokens().encode(text)) == text
    assert ByteTokens().encode(text).tolist() == list(text.encode())


@SETTINGS
@given(st.text(alphabet="ab'é ,.\n_7’", min_size=1))
def test_words_give_every_text_back(text: str):
    tokenizer = WordTokens.fit([text])
    assert tokenizer.decode(tokenizer.encode(text)) == text


@SETTINGS
@given(st.lists(st.integers()), st.integers(2, 1000))
def test_integers_come_back_in_any_base(values: list[int], base: int):
    tokenizer = IntegerTokens(base)
    ids = tokenizer.encode(" ".join(map(str, values)))
    assert tokenizer.decode_numbers(ids) == values
    assert np.array_equal(tokenizer.encode_numbers(values), ids)
    for value, piece in zip(values, tokenizer.decode(ids).split(), strict=True):
        alone = tokenizer.pieces(piece)
        assert sum(int(d) * base**i for i, d in enumerate(alone[:0:-1])) == abs(value)
        assert alone[1] != "0" or len(alone) == 2


@SETTINGS
@given(
    st.lists(st.lists(st.integers(-(2**62), 2**62), min_size=3, max_size=3), min_size=1),
    st.integers(2, 1000),
)
def test_rows_of_integers_equal_one_by_one(rows: list[list[int]], base: int):
    tokenizer = IntegerTokens(base)
    ids, lengths = tokenizer.encode_rows(rows)
    assert ids.shape == (len(rows), lengths.max()) and ids.dtype == lengths.dtype == np.int32
    for row, table, length in zip(rows, ids, lengths, strict=True):
        assert np.array_equal(table[:length], tokenizer.encode_numbers(row))
        assert (table[length:] == tokenizer.padding).all()


X, Y = sympy.symbols("x y")
FORMULAS = FormulaTokens(("x", "y"), constants=("pi", "E", "I"))
NUMBERS = st.one_of(
    st.integers(-40, 40).map(sympy.Integer), st.fractions(-9, 9, max_denominator=9).map(sympy.Rational)
)
LEAVES = st.one_of(st.sampled_from([X, Y, sympy.pi, sympy.E, sympy.I]), NUMBERS)
EXPONENTS = st.one_of(
    st.integers(-4, 4).map(sympy.Integer),
    st.sampled_from([X, -Y, X + 2, sympy.Rational(-3, 2), sympy.S.Half]),
)


def grow(parts):
    return st.one_of(
        st.lists(parts, min_size=2, max_size=4).map(lambda terms: sympy.Add(*terms)),
        st.lists(parts, min_size=2, max_size=4).map(lambda factors: sympy.Mul(*factors)),
        st.tuples(parts, EXPONENTS).map(lambda pair: sympy.Pow(*pair)),
        st.tuples(parts, parts).map(lambda pair: pair[0] / pair[1]),
        st.tuples(st.sampled_from(sorted(FUNCTIONS)), parts).map(lambda pair: FUNCTIONS[pair[0]](pair[1])),
    )


def is_finite(expression) -> bool:
    return not expression.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.AccumBounds)


@settings(max_examples=80, deadline=None, database=None, derandomize=True)
@given(st.recursive(LEAVES, grow, max_leaves=8).filter(is_finite))
def test_formulas_come_back_equal(expression):
    try:
        pieces = FORMULAS.to_prefix(expression)
    except BadInput as refusal:
        # SymPy turns some values into functions that are no tokens: re, im, arg of complex numbers.
        assert "has no token" in str(refusal) and expression.has(sympy.I)
        return
    again = FORMULAS.from_prefix(pieces)
    assert again == expression
    ids = FORMULAS.encode_expression(expression, begin=True, end=True)
    assert FORMULAS.decode_expression(ids) == expression
    # SymPy multiplies some products out as it reads them: what was read once stays as it is.
    text = FORMULAS.decode(FORMULAS.encode(str(expression)))
    assert FORMULAS.decode(FORMULAS.encode(text)) == text


def test_unevaluated_formulas_come_back_of_equal_value():
    for expression in (
        sympy.Mul(2, X + Y, evaluate=False),
        sympy.factor(2 * X + 2 * X * Y),
        sympy.Pow(sympy.Mul(2, X + 1, evaluate=False), -1),
        sympy.Mul(X, sympy.Pow(X, 2, evaluate=False), evaluate=False),
    ):
        assert sympy.simplify(FORMULAS.from_prefix(FORMULAS.to_prefix(expression)) - expression) == 0


def test_prefix_forms_are_those_of_the_tree():
    formulas = FormulaTokens(base=10)
    known = {
        "2 + 3*x^2": "add INT+ 2 mul INT+ 3 pow x INT+ 2",
        "-x": "neg x",
        "x/120": "div x INT+ 1 2 0",
        "1/sqrt(x)": "div INT+ 1 sqrt x",
        "a": None,
    }
    for text, form in known.items():
        if form is None:
            with pytest.raises(BadInput, match=r"There is 'a' at character 1 of 'a': no such name"):
                formulas.encode(text)
        else:
            assert " ".join(formulas.pieces(text)) == form
    assert FormulaTokens(base=30).pieces("900")[1:] == ["1", "0", "0"]


@pytest.mark.parametrize(
    "form, sentence",
    [
        ("add x", "'add', token 1 of 2, lacks an operand"),
        ("x x", "2 expressions one after another"),
        ("", "no operand"),
        ("3 x", "digit '3' follows no sign"),
        ("INT- x", "No digit follows the sign 'INT-'"),
        ("div x INT+ 0", "has no finite value"),
        ("log INT+ 0", "has no finite value"),
        ("pow INT+ 9 INT+ 9 9 9 9", "exponent 9999 is too large"),
        ("pow pow INT+ 9 INT+ 9 9 9 INT+ 9 9", "bits; at most 4096"),
        ("exp mul INT+ 4 0 0 0 log INT+ 9", "bits; at most 4096"),
        ("sin " * 61 + "x", "nested more than 60 deep"),
        ("<unknown>", "is no part of a formula"),
    ],
)
def test_wrong_prefix_forms_are_refused(form: str, sentence: str):
    with pytest.raises(BadInput, match=sentence):
        FormulaTokens().from_prefix(form.split())


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("2x", "There is 'x' at character 2 .* an operator such as"),
        ("sin x", "needs its argument in brackets"),
        ("(x", "nothing' at the end of .* a closing bracket"),
        ("x @ 2", "'@' at character 3"),
        ("sin(xx)", "'xx' at character 5 .* did you mean 'x'"),
        ("1/0", "no finite value"),
        ("9^9^9^9", "too large"),
        ("2^(1/2)^(-20)", "too large|bits"),
        ("(2*x)^4000*(9*x)^4000", "bits"),
        ("(" * 60 + "x" + ")" * 60, "nested more than 60 deep"),
        ("-" * 60 + "x", "nested more than 60 deep"),
        ("x^" * 60 + "x", "nested more than 60 deep"),
        ("x+" * 3000, "6000 characters is no formula"),
        ("", "nothing' at the end"),
    ],
)
def test_texts_that_are_no_formula_are_refused(text: str, sentence: str):
    with pytest.raises(BadInput, match=sentence):
        FormulaTokens().encode(text)


def test_formula_text_keeps_the_rules_of_precedence():
    x = sympy.Symbol("x")
    for text, value in {
        "-x^2": -(x**2),
        "2^-x": 2**-x,
        "x^2^3": x**8,
        "1 - 2 - 3*x/2/x": sympy.Rational(-5, 2),
        "0.1 + .2 - 3.": sympy.Rational(-27, 10),
        "--x·2 − +x": x,
        "Abs(ln(x))**2": sympy.Abs(sympy.log(x)) ** 2,
    }.items():
        assert parse_formula(text, ["x"]) == value


def test_what_formulas_cannot_say_is_refused():
    for expression, sentence in {
        sympy.Float(0.5) * X: "0.5.* is a float; give it exactly",
        sympy.Symbol("z"): "part z of the formula has no token",
        sympy.Symbol("pi"): "part pi of the formula has no token",
        sympy.Symbol("x", real=True): "The variable x has assumptions",
        sympy.besselj(0, X): "part besselj",
        sympy.oo: "part oo",
    }.items():
        with pytest.raises(BadInput, match=sentence):
            FORMULAS.to_prefix(expression)
    with pytest.raises(BadInput, match="part sin"):
        FormulaTokens(functions=["cos"]).to_prefix(sympy.sin(X))
    with pytest.raises(BadInput, match="cannot be named 'sin'"):
        FormulaTokens(["sin"])
    with pytest.raises(BadInput, match="did you mean 'sin'"):
        FormulaTokens(functions=["sine"])


def test_unknown_characters_are_named_with_their_place():
    tokenizer = CharacterTokens("abc \n")
    with pytest.raises(BadInput, match=r"'é' at character 7 \(line 2, column 4\) is unknown; the 5 .*'abc "):
        tokenizer.encode("ab\nabcé")
    with pytest.raises(BadInput, match="'b' stands twice"):
        CharacterTokens("abcb")
    with pytest.raises(BadInput, match="hold no character"):
        CharacterTokens.fit([""])
    known = CharacterTokens("abc", ["unknown"])
    assert known.encode("aéc").tolist() == [0, 3, 2] and known.decode([0, 3]) == "a<unknown>"
    assert place_in("abc", 1) == "at character 2"
    with pytest.raises(BadInput, match="at character 2 is half of a pair"):
        ByteTokens().encode("a\ud800")
    assert ByteTokens().decode([0xFF, 65]) == "�A"


def test_formulas_in_large_tokens():
    formulas = InfixTokens.fit(["-3*x^2 + x", "12"])
    assert formulas.pieces("-3*x^2 + x") == ["-3", "*x^2", "+", "x"]
    assert formulas.tokens == ("*x^2", "+", "-3", "12", "x")
    with pytest.raises(BadInput, match=r"The piece '\*y' at character 2 is unknown; the 5 tokens"):
        InfixTokens(formulas.tokens, ()).encode("x*y")
    with pytest.raises(BadInput, match="'x y' is not one piece of a formula"):
        InfixTokens(["x y"])
    with pytest.raises(BadInput, match="hold no formula"):
        InfixTokens.fit([" "])


def test_dictionary_of_the_notes():
    text = "a Zyzzogeton ate Aardvark and a scientist"
    words = WordTokens.fit([text])
    assert words.tokens == ("a", "Aardvark", "and", "ate", "scientist", "Zyzzogeton")
    rows = one_hot(words.encode("a Aardvark Zyzzogeton"), words.size)
    assert np.array_equal(rows[:, :6], np.eye(6)[[0, 1, 5]])
    weights = np.random.default_rng(0).normal(size=(words.size, 4))
    assert np.allclose(rows @ weights, weights[words.encode("a Aardvark Zyzzogeton")])
    assert words.encode("the scientist")[0] == words.unknown
    strict = WordTokens(words.tokens, ())
    with pytest.raises(BadInput, match=r"'scientists' at character 3 is unknown; did you mean 'scientist'"):
        strict.encode("a scientists")
    assert WordTokens.fit(["b b a a a c"], most=2).tokens == ("a", "b")
    assert WordTokens.fit(["b b a a a c"], least=3).tokens == ("a",)
    with pytest.raises(BadInput, match="No word stands 4 times"):
        WordTokens.fit(["b b a a a c"], least=4)
    with pytest.raises(BadInput, match="'a b' is not one word"):
        WordTokens(["a b"])


@pytest.mark.parametrize(
    "text, sentence",
    [("12 x7", "'x7' at character 4"), ("1.5", "'1.5' at character 1"), ("9" * 4001, "up to 4000 digits")],
)
def test_texts_that_are_no_integers_are_refused(text: str, sentence: str):
    with pytest.raises(BadInput, match=sentence):
        IntegerTokens(7).encode(text)


def test_tokens_that_are_no_integers_are_refused():
    tokenizer = IntegerTokens(10)
    for pieces, sentence in {
        ("7", "INT+"): "'7' follows no sign",
        ("INT+", "7", "INT-"): "No digit follows the sign 'INT-'",
        ("INT+", "<unknown>"): "'<unknown>' is no digit",
        ("INT+", *("9",) * 4001): "more than 4000 decimal ones",
    }.items():
        with pytest.raises(BadInput, match=sentence):
            tokenizer.join(list(pieces))
    for values in ([1, 2], [[0.5]], np.array([[2**63]], np.uint64), [[-(2**63)]]):
        with pytest.raises(BadInput, match="should be whole"):
            tokenizer.encode_rows(values)
    with pytest.raises(BadInput, match="base 1; the base is 2 to a million"):
        IntegerTokens(1)


@st.composite
def diagrams(draw):
    count = draw(st.integers(0, 6))
    arcs = draw(st.permutations([arc for arc in range(1, 2 * count + 1) for _ in range(2)]))
    return [tuple(arcs[i : i + 4]) for i in range(0, len(arcs), 4)]


@SETTINGS
@given(diagrams())
def test_diagrams_come_back_from_every_spelling(diagram):
    tokenizer = DiagramTokens(6)
    ids = tokenizer.encode(str(diagram))
    assert tokenizer.decode(ids) == str(diagram) and len(ids) == 4 * len(diagram)
    brackets = f"PD[{', '.join(f'X{list(crossing)}' for crossing in diagram)}]"
    assert np.array_equal(tokenizer.encode(brackets), ids)
    assert np.array_equal(tokenizer.encode(str([list(crossing) for crossing in diagram])), ids)


@SETTINGS
@given(st.lists(st.integers(-5, 5).filter(bool)))
def test_braids_come_back(word: list[int]):
    tokenizer = BraidTokens(6)
    assert tokenizer.decode(tokenizer.encode(str(word))) == str(word)
    assert tokenizer.encode(str(word)).size == len(word)


def test_texts_that_are_no_knots_are_refused():
    for text, sentence in {
        "[(1,4,2,5),(3,6,4,1),(5,2,6,7)]": "arc 3 stands 1 times|arc 7",
        "[(1,1,2)]": "Item 1 of the code, at '\\(1,1,2\\)', is not a crossing",
        "(1,1,2,2)": "not in square brackets",
        "[(1,1,2,2) (3,3,4,4)]": "After item 1 stands '\\('; a comma",
        "[(1,1,2,2),(3,3,4,4),(5,5,6,6)]": "has 3 crossings; this tokenizer knows up to 2",
    }.items():
        with pytest.raises(BadInput, match=sentence):
            DiagramTokens(2 if "5,5" in text else 3).encode(text)
    with pytest.raises(BadInput, match="6 arcs is no diagram"):
        DiagramTokens(3).decode([0, 1, 2, 0, 1, 2])
    for text, sentence in {
        "[1, 3]": "letter 3, number 2 of the braid word, is none: on up to 3 strands there are ±1 to ±2",
        "[0]": "letter 0, number 1",
        "[1, a]": "Item 2 of the code, at 'a'",
        "1 2": "not in square brackets",
    }.items():
        with pytest.raises(BadInput, match=sentence):
            BraidTokens(3).encode(text)
    for make in (lambda: DiagramTokens(0), lambda: BraidTokens(1), lambda: DiagramTokens(10**9)):
        with pytest.raises(BadInput, match="are not written; give"):
            make()


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"tokenizer": 3},
        {"tokenizer": "morse"},
        {"tokenizer": "characters"},
        {"tokenizer": "characters", "alphabet": 5, "specials": []},
        {"tokenizer": "integers", "base": "ten", "specials": []},
        {"tokenizer": "bytes", "specials": [], "run": "rm"},
        {"tokenizer": "words", "words": ["a"], "specials": [[]]},
    ],
)
def test_hostile_json_is_one_sentence(value):
    with pytest.raises(BadInput):
        tokenizer_from_json(value)


def test_byte_pairs_need_their_library_and_say_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(BadInput, match=r"needs the package tokenizers: pip install 'ansatz\[bpe\]'"):
        BytePairTokens.fit(["ab"])


def test_byte_pairs_give_every_text_back():
    pytest.importorskip("tokenizers")
    tokenizer = BytePairTokens.fit(WORDS * 50, size=300, specials=["end"])
    assert 256 < tokenizer.size <= 301 and tokenizer.end == tokenizer.size - 1
    for text in (*WORDS, "  naïve\t∂²u 🙂\n\n", ""):
        ids = tokenizer.encode(text, end=True)
        assert tokenizer.decode(ids) == text
        assert tokenizer.join(tokenizer.pieces(text)) == text
    assert len(tokenizer.encode(WORDS[0])) < len(WORDS[0])
    again = tokenizer_from_json(json.loads(json.dumps(tokenizer.to_json())))
    assert again == tokenizer and np.array_equal(again.encode(WORDS[0]), tokenizer.encode(WORDS[0]))
    with pytest.raises(BadInput, match="cannot be read"):
        BytePairTokens({"model": "none"})
    with pytest.raises(BadInput, match="the bytes alone are 256"):
        BytePairTokens.fit(WORDS, size=100)
