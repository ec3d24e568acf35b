"""Unknotting numbers from above, with certificates that the independent checker accepts; the corpus."""

import json
import random
from pathlib import Path

import pytest

from ansatz.errors import BadInput
from ansatz.knots import unknotting
from ansatz.knots.certificate import certify, load
from ansatz.knots.codes import from_braid, from_pd, to_pd, torus
from ansatz.knots.diagram import circle
from ansatz.knots.invariants import jones
from ansatz.knots.play import play
from ansatz.knots.sketch import Sketch
from ansatz.knots.table import hard_unknots, knots, known_unknotting_number, named
from ansatz.knots.unknotting import unknotting_number
from ansatz.knots.verify import verify

CORPUS = Path(__file__).parents[2] / "benchmarks" / "certificates"


def checked(found) -> int:
    """How many changes the certificate makes, after a check that it is accepted."""
    sentence = verify(json.loads(json.dumps(found.certificate)))
    assert f"has unknotting number at most {found.changes}" in sentence
    return sum(move[0] == "XC" for move in found.certificate["moves"])


@pytest.mark.parametrize("name", ["3_1", "5_1", "7_1", "8_18", "9_49", "10_8", "10_11", "10_139", "K11n34"])
def test_known_numbers_are_reached(name: str):
    low, high = known_unknotting_number(name)
    found = unknotting_number(named(name), 60, target=high)
    assert found.changes == high == checked(found) and found.lower <= low
    assert found.exact == (found.lower == high)
    assert found.certificate["start"] == to_pd(named(name))


def test_torus_knots():
    for p, q in ((2, 11), (3, 5), (4, 5)):
        found = unknotting_number(torus(p, q), 60)
        assert found.exact and found.changes == (p - 1) * (q - 1) // 2 == checked(found)


def test_it_begins_by_simplifying():
    rng, sketch = random.Random(4), Sketch(named("8_16"))
    for _ in range(5):
        d = rng.choice([d for d, a in enumerate(sketch.alpha) if a != d])
        play(sketch, ("R1+", d, rng.randrange(2)))
        e = rng.choice([e for e in sketch.face(d)[1:] if sketch.alpha[d] != e] or [d])
        if e != d:
            play(sketch, ("R2+", d, e, rng.randrange(2)))
    tangled = sketch.diagram()
    found = unknotting_number(tangled, 60, target=2)
    assert tangled.crossings > 14 and found.changes == 2 == checked(found)


def test_other_diagrams_are_tried_when_changes_on_the_small_one_do_not_do(monkeypatch: pytest.MonkeyPatch):
    """Whether two changes untie 10_11 is not known, so that the search goes on until its time is over."""
    tried, real = [], unknotting._kicked
    monkeypatch.setattr(unknotting, "_kicked", lambda *a: tried.append(real(*a)) or tried[-1])
    monkeypatch.setattr(unknotting._Tree, "late", lambda _: len(tried) > 2)
    found = unknotting_number(named("10_11"), 600, seed=1)
    assert len(tried) == 3 and found.changes == 3 == checked(found) and found.lower == 2 and not found.exact


def test_kicks_lead_to_other_diagrams_of_the_same_knot():
    start, rng, sizes = named("8_20"), random.Random(0), set()
    for _ in range(12):
        kicked, moves = unknotting._kicked(Sketch(start), rng)
        sizes.add(kicked.crossings)
        assert "is equivalent to one of" in verify(json.loads(json.dumps(certify(start, moves))))
        assert jones(kicked.diagram()) == jones(start)
    assert min(sizes) >= 8 and max(sizes) > 10


def test_the_unknot_and_kinks():
    for diagram in (circle(), from_pd([[1, 1, 2, 2]]), named("Culprit"), from_braid([1, -1, 1])):
        found = unknotting_number(diagram)
        assert (found.changes, found.lower, found.why) == (0, 0, "nothing")
        assert found.certificate["claim"] == "unknot" and verify(json.loads(json.dumps(found.certificate)))


def test_a_budget_too_small_still_gives_a_certificate():
    found = unknotting_number(torus(5, 6), 1e-6)
    assert 10 <= found.changes <= torus(5, 6).crossings // 2 and checked(found) == found.changes


def test_the_same_seed_gives_the_same_certificate():
    first, again = (unknotting_number(named("9_32"), 60, 5) for _ in range(2))
    assert first.certificate == again.certificate


def test_bad_inputs():
    with pytest.raises(BadInput, match="must be positive"):
        unknotting_number(circle(), 0)
    with pytest.raises(BadInput, match="2 components; only knots"):
        unknotting_number(torus(2, 4))


def test_the_corpus_is_complete_and_every_certificate_of_a_knot_is_accepted():
    for name in knots():
        certificate = load(CORPUS / "knots" / f"{name}.json")
        assert certificate["start"] == to_pd(named(name)) and certificate["claim"] == "unknotting number"
        assert certificate["value"] == known_unknotting_number(name)[1], name
        assert f"at most {certificate['value']}" in verify(certificate)


@pytest.mark.parametrize("name", hard_unknots())
def test_the_corpus_unties_every_hard_unknot(name: str):
    certificate = load(CORPUS / "unknots" / f"{name}.json")
    assert certificate["start"] == to_pd(named(name))
    assert f"a diagram of {named(name).crossings} crossings is the unknot" in verify(certificate)
