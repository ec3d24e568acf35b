"""Codes: known diagrams, round trips, unsigned words against a search over signs, malformed codes."""

import itertools
import random

import numpy as np
import pytest
from tests.knots.reference import Reference, walk

from ansatz.errors import BadInput
from ansatz.knots.codes import (
    from_braid,
    from_dt,
    from_gauss,
    from_pd,
    gauss_word,
    to_dt,
    to_gauss,
    to_pd,
    torus,
)
from ansatz.knots.diagram import Diagram, circle
from ansatz.knots.gauss import ends_by_sign, joined
from ansatz.knots.invariants import alexander
from ansatz.knots.table import hard_unknots, named, names, read

# Alexander polynomials of Rolfsen's knots: the lowest half of the coefficients, and the middle one.
ALEXANDER = {
    "3_1": [1, -1],
    "4_1": [-1, 3],
    "5_1": [1, -1, 1],
    "5_2": [2, -3],
    "6_1": [-2, 5],
    "6_2": [-1, 3, -3],
    "6_3": [1, -3, 5],
    "7_1": [1, -1, 1, -1],
    "7_2": [3, -5],
    "7_3": [2, -3, 3],
    "7_4": [4, -7],
    "7_5": [2, -4, 5],
    "7_6": [-1, 5, -7],
    "7_7": [1, -5, 9],
    "8_1": [-3, 7],
    "8_2": [-1, 3, -3, 3],
    "8_3": [-4, 9],
    "8_4": [-2, 5, -5],
    "8_5": [-1, 3, -4, 5],
    "8_6": [-2, 6, -7],
    "8_7": [1, -3, 5, -5],
    "8_8": [2, -6, 9],
    "8_9": [-1, 3, -5, 7],
    "8_10": [1, -3, 6, -7],
    "8_11": [-2, 7, -9],
    "8_12": [1, -7, 13],
    "8_13": [2, -7, 11],
    "8_14": [-2, 8, -11],
    "8_15": [3, -8, 11],
    "8_16": [1, -4, 8, -9],
    "8_17": [-1, 4, -8, 11],
    "8_18": [-1, 5, -10, 13],
    "8_19": [1, -1, 0, 1],
    "8_20": [1, -2, 3],
    "8_21": [-1, 4, -5],
}


@pytest.fixture(scope="module")
def diagrams() -> list[Diagram]:
    """Knot diagrams of many kinds: named ones, and what random walks lead to."""
    found = [named(name) for name in names()[1:57:3]]
    for seed, word in enumerate(([1, 1, 1], [1, -2, 1, -2], [1, 1, 1, 2, -1, 2])):
        found += [after.diagram(14).resized() for *_, after in walk(from_braid(word), 25, 14, 3, seed)]
    return [diagram for diagram in found if diagram.crossings]


def reflected(diagram: Diagram) -> Diagram:
    """The diagram in a mirror beside it: over stays over, and left becomes right."""
    d = np.arange(4 * diagram.capacity)
    seen = 4 * (d >> 2) + (-d & 3)
    alpha = np.empty_like(diagram.alpha)
    alpha[seen] = seen[diagram.alpha]
    return Diagram(alpha, diagram.circles)


def either_image(diagram: Diagram, other: Diagram) -> bool:
    return other.canonical() in (diagram.canonical(), reflected(diagram).canonical())


def summands(word: list[int]) -> int:
    """1 for a word without a proper part, cyclically in one piece, that has both visits of its crossings."""
    n, parts = len(word), 1
    for i in range(n):
        open_crossings: set[int] = set()
        for length in range(1, n):
            open_crossings ^= {abs(word[(i + length - 1) % n])}
            parts += not open_crossings and length < n
    return parts


def test_round_trips(diagrams):
    for diagram in diagrams:
        same = diagram.canonical()
        assert from_pd(to_pd(diagram)).canonical() == same
        assert from_pd(str(to_pd(diagram))).canonical() == same
        assert from_gauss(to_gauss(diagram)).canonical() == same
        pd = to_pd(diagram)
        assert to_pd(from_pd(pd)) == pd


def test_named_codes_are_read_as_they_stand():
    for name in hard_unknots():
        pd = to_pd(named(name))
        assert np.array_equal(from_pd(pd).alpha, named(name).alpha)
        assert named(name).components == 1 and len(named(name).faces()) == named(name).crossings + 2


def test_codes_without_signs_give_one_of_two_images():
    sums = []
    for name in (*hard_unknots(), "3_1", "4_1", "7_7", "8_16", "8_18", "8_19"):
        diagram = named(name)
        (word,) = gauss_word(diagram)
        for drawn in (from_gauss(word), from_gauss(" ".join(map(str, word))), from_dt(to_dt(diagram))):
            assert either_image(diagram, drawn) or not summands(word) == 1, name
            assert drawn.components == 1 and drawn.crossings == diagram.crossings
        assert gauss_word(from_gauss(word)) == [word], name
        sums += [name] * (summands(word) > 1)
    assert sorted(sums) == ["D28", "FHW", "FakeFHW", "PZ78"]


def test_unsigned_words_are_drawn_exactly_when_some_signs_make_them_planar():
    rng, drawn = random.Random(0), 0
    for _ in range(250):
        n = rng.randrange(1, 5)
        word = [*range(1, n + 1), *range(-n, 0)]
        rng.shuffle(word)
        planar = False
        for signs in itertools.product((1, -1), repeat=n):
            ends = ends_by_sign([word], dict(enumerate(signs, 1)))
            planar |= Reference.of(Diagram(np.array(joined([word], ends)))).sound()
        try:
            from_gauss(word)
            drawn += 1
        except BadInput as why:
            assert not planar and "cannot be drawn" in str(why), word
        else:
            assert planar, word
    assert 50 < drawn < 200


def test_links_keep_their_components():
    hopf = from_braid([1, 1])
    assert hopf.components == 2 and hopf.writhe == 2
    assert from_gauss(to_gauss(hopf)).canonical() == hopf.canonical() and " / " in to_gauss(hopf)
    assert torus(2, 4).components == 2 and torus(3, 3).components == 3 and torus(1, 5).components == 1
    assert from_braid([1], 3).circles == 1 and from_braid([], 2).components == 2
    borromean = from_braid([1, -2] * 3)
    assert borromean.components == 3 and borromean.writhe == 0


def test_conventions_of_sign():
    assert from_pd("PD[X[1,4,2,5], X[3,6,4,1], X[5,2,6,3]]").writhe == -3
    assert from_braid([1, 1, 1]).writhe == 3 and from_braid([-1, -1, -1]).writhe == -3
    assert from_braid([1, 1, 1]).mirrored().canonical() == from_braid([-1, -1, -1]).canonical()
    assert from_gauss("O1+U2+O3+U1+O2+U3+").canonical() == from_braid([1, 1, 1]).canonical()
    assert to_dt(from_dt([4, 6, 8, 2])) == [4, 6, 8, 2]
    assert to_pd(circle()) == [] and from_pd([]).components == 1 and to_gauss(circle()) == ""


@pytest.mark.parametrize("name", ALEXANDER)
def test_the_table_of_knots(name: str):
    half = ALEXANDER[name]
    assert alexander(named(name)) == half + half[-2::-1]
    assert named(name).crossings == int(name.split("_")[0]) and named(name).components == 1


def test_read_tells_codes_apart():
    trefoil = from_braid([1, 1, 1])
    for text in (
        "[[1,5,2,4],[5,3,6,2],[3,1,4,6]]",
        "PD[X[1,5,2,4], X[5,3,6,2], X[3,1,4,6]]",
        "O1+U2+O3+U1+O2+U3+",
        "braid: 1 1 1",
        "braid: {1,1,1}",
        "T(2,3)",
        "pd: 1 5 2 4 5 3 6 2 3 1 4 6",
    ):
        assert read(text).canonical() == trefoil.canonical(), text
    for text in ("dt: 4 6 2", "gauss: 1 -2 3 -1 2 -3", "3_1", " 3_1 "):
        assert either_image(trefoil, read(text)), text
    assert read("pz78").crossings == 78 and read("unknot").crossings == 0


MALFORMED = [
    (from_pd, [[1, 2, 3]], r"Row 1 of the PD code is \(1, 2, 3\), 3 labels; a crossing has 4"),
    (from_pd, [[1, 2, 3, 4]], r"Label 1 stands 1 time in the PD code \(row 1 place 1\)"),
    (from_pd, [[1, 1, 1, 2], [2, 3, 3, 1]], "Label 1 stands 4 times"),
    (from_pd, [[1, 3, 2, 4], [3, 2, 4, 1]], "not planar: 2 crossings in 1 connected part have 4 faces"),
    (from_pd, "[[1,4,2,5],[3,6,4,1],[5,2,6;3]] and", "PD code has 'a' at character 33"),
    (from_pd, "1 2 3 4 5", "5 labels; a crossing has 4"),
    (from_pd, "[[1,1,2,2], 7]", "has 7 outside the brackets"),
    (from_gauss, [1, -1, 2], "Crossing 2 stands once in the Gauss code, over at entry 3"),
    (from_gauss, [1, 1], "Entries 1 and 2 of the Gauss code both pass over at crossing 1"),
    (from_gauss, [1, 0, -1], "Entry 2 of the Gauss code is 0"),
    (from_gauss, [1, -2, -1, 2], "between the two visits of crossing 1 stand 1 entries"),
    (from_gauss, [[1, -2], [-1, 2]], "2 components and no signs"),
    (from_gauss, "1 -2 x 3", "Entry 3 of the Gauss code is 'x'"),
    (from_gauss, "O1+U2+O2-U1+", r"Crossing 2 stands with \+ and with -"),
    (from_gauss, "O1+U2", "has 'U2' where O or U, a crossing's number and its sign"),
    (from_gauss, "O1+U1+O2+", "Crossing 2 stands once"),
    (from_gauss, "O1+O2+U1+U2+", "not planar"),
    (from_dt, [4, 6, 3], "Entry 3 of the DT code is 3"),
    (from_dt, [4, 4, 2], "Entries 1 and 2 of the DT code are both ±4"),
    (from_dt, [4, 6, 10], "Entry 3 of the DT code is 10; of 3 entries"),
    (from_dt, "4 six 2", "Entry 2 of the DT code is 'six'"),
    (from_braid, [1, 0], "Letter 2 of the braid word is 0"),
    (lambda code: from_braid(code, 2), [1, 2], "Letter 2 of the braid word is 2; on 2 strands"),
    (named, "Culprti", "no diagram 'Culprti'; did you mean 'Culprit'"),
    (named, "T(0,3)", r"T\(0, 3\) is no torus knot"),
    (read, "1 -2 3 -1 2 -3", "say which: 'gauss:"),
    (read, "bread: 1 1 1", "no code 'bread'; did you mean 'braid'"),
]


@pytest.mark.parametrize(("reader", "code", "sentence"), MALFORMED)
def test_malformed_codes_are_told(reader, code, sentence: str):
    with pytest.raises(BadInput, match=sentence):
        reader(code)


def test_what_a_code_cannot_say_is_told():
    with pytest.raises(BadInput, match="DT code is for knots"):
        to_dt(torus(2, 4))
    with pytest.raises(BadInput, match="circles without crossings"):
        to_pd(from_braid([1], 3))


def test_no_code_crashes_otherwise():
    rng = random.Random(1)
    for _ in range(600):
        size = rng.randrange(0, 9)
        code = [rng.randrange(-size - 1, size + 2) for _ in range(size)]
        rows = [code[i : i + 4] for i in range(0, size, 4)]
        text = "".join(rng.choice("OU12+-/, []PDX4") for _ in range(size * 2))
        readers = ((from_pd, rows), (from_gauss, code), (from_dt, code), (from_braid, code), (read, text))
        for reader, one in readers:
            try:
                assert isinstance(reader(one), Diagram)
            except BadInput:
                pass
