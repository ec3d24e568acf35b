"""Verdicts: unknots with certificates, knots with what proves them, and never the wrong one."""

import json
import random

import pytest

import ansatz
from ansatz.errors import BadInput
from ansatz.knots.certificate import load
from ansatz.knots.codes import from_braid, from_pd, to_pd, torus
from ansatz.knots.diagram import circle
from ansatz.knots.knotted import why_knotted, written
from ansatz.knots.play import play
from ansatz.knots.sketch import Sketch
from ansatz.knots.table import named, names
from ansatz.knots.unknot import KNOTTED, UNDECIDED, UNKNOT, decide, decide_all, started, unknot
from ansatz.knots.untie import Search
from ansatz.knots.verify import verify

CONWAY = "DT: 4 8 12 2 -16 -18 6 -20 -22 -14 -10"


def tangled(rng: random.Random, core: list[int], size: int) -> list[list[int]]:
    """The PD code of a braid's closure after random R1+, R2+ and R3."""
    sketch = Sketch(from_braid(core))
    while sketch.crossings < size:
        d = rng.choice([d for d, a in enumerate(sketch.alpha) if a != d])
        others = [e for e in sketch.face(d)[1:] if sketch.alpha[d] != e]
        if rng.random() < 0.2:
            play(sketch, ("R1+", d, rng.randrange(2)))
        elif others:
            play(sketch, ("R2+", d, rng.choice(others), rng.randrange(2)))
        if rng.random() < 0.7 and (corners := sketch.triangles()):
            play(sketch, ("R3", rng.choice(corners)))
    return to_pd(sketch.diagram())


def test_the_three_lines(tmp_path):
    found = ansatz.unknot("Culprit")
    assert found.untied and str(found).startswith("Culprit (10 crossings) is the unknot: ")
    found.save(tmp_path / "culprit.json")
    assert "10 crossings is the unknot" in verify(load(tmp_path / "culprit.json"))


@pytest.mark.parametrize("name", [name for name in names() if "_" in name])
def test_prime_knots_are_knotted(name: str):
    found = unknot(name)
    assert found.verdict == KNOTTED and "is not the unknot: its " in str(found)
    assert len(found.smallest) == int(name.partition("_")[0])


def test_tangles_of_unknots_and_knots():
    rng = random.Random(5)
    cores = {UNKNOT: ([1], [1, -2, 3]), KNOTTED: ([1, 1, 1], [1, -2, 1, -2], [1, 1, 1, 2, -1, 2])}
    for verdict, words in cores.items():
        for word in words * 8:
            rows = tangled(rng, word, rng.randrange(15, 35))
            (found,) = decide_all([started(json.dumps(rows))])
            assert found.verdict == verdict
            if verdict == UNKNOT:
                assert found.peak >= len(rows) == len(found.start)
                assert "is the unknot" in verify(json.loads(found.line()))


def test_what_the_alexander_polynomial_misses_the_jones_polynomial_proves():
    diagram = started(CONWAY)
    found = decide(diagram, Search(diagram.alpha), 5)
    assert found.verdict == KNOTTED and found.why.startswith("its Jones polynomial is ")


def test_undecided_within_the_budget():
    found = unknot("PZ120", 0.01)
    assert found.verdict == UNDECIDED and len(found.smallest) == 120 and "120 crossings" in str(found)
    assert from_pd(found.smallest).crossings == 120
    assert found.certificate()["claim"] == "equivalent"


@pytest.mark.parametrize("name", ["H", "J", "Culprit", "Goeritz", "Monster"])
def test_reidemeister_moves_alone_untie(name: str):
    found = unknot(name, passes=False)
    assert found.untied and not found.passes
    assert "is the unknot" in verify(found.certificate())


def test_rows_that_begin_where_the_strand_leaves_are_read():
    rows = to_pd(named("Culprit"))
    turned = [row[2:] + row[:2] if i % 2 else row for i, row in enumerate(rows)]
    found = unknot(json.dumps(turned))
    assert found.untied and "is the unknot" in verify(found.certificate())
    assert unknot(circle()).untied and unknot(from_braid([1])).untied


def test_names_and_numbers():
    assert started("Culprit").name == "Culprit" and started("braid: 1 1 1").name == ""
    assert started("[[1,1,2,2]]").name == "" and started("3_1", "mine").name == "mine"
    assert str(unknot("[[1,1,2,2]]")) == "The diagram (1 crossing) is the unknot: 1 move."
    assert written({-2: -1, 0: 1, 1: -1, 12: 3}) == "-t⁻² + 1 - t + 3t¹²"
    assert why_knotted(named("8_19")) == "its determinant is 3"
    assert why_knotted(torus(3, 5)) == "its Alexander polynomial is 1 - t + t³ - t⁴ + t⁵ - t⁷ + t⁸"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("T(2,4)", "has 2 components; only knots"),
        ("[[1,2,3]]", "Row 1 of the PD code is"),
        ("[[1,2,1,2]]", "not planar"),
        ("[[1,2,3,4]]", "Label 1 stands 1 time"),
        ("[[1,1,1,1]]", "Label 1 stands 4 times"),
        ("[[1.5,1.5,2,2]]", "'.' at character 4"),
        ("[[1,1,2,2],[3,3,4,4]]", "has 2 components"),
        ("Culpit", "did you mean 'Culprit'"),
        ("1 2 3", "say which"),
        ("", "There is no diagram ''"),
    ],
)
def test_malformed_diagrams_are_refused_in_a_sentence(text: str, sentence: str):
    with pytest.raises(BadInput, match=sentence.replace("(", r"\(")):
        unknot(text)


def test_budget_must_be_positive():
    with pytest.raises(BadInput, match="it must be positive"):
        unknot("H", 0)
