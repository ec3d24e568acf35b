"""The classical solver: hard unknots come undone with certificates that verify; knots stay what they are."""

import random

import pytest
from tests.knots.test_play import some_pass

from ansatz.errors import BadInput
from ansatz.knots.certificate import certify
from ansatz.knots.codes import from_braid, torus
from ansatz.knots.diagram import circle
from ansatz.knots.invariants import jones
from ansatz.knots.play import play
from ansatz.knots.simplify import simplify
from ansatz.knots.sketch import Sketch
from ansatz.knots.table import hard_unknots, named
from ansatz.knots.verify import verify

SLOW = ("PZ120", "PZ138", "Haken")


@pytest.mark.parametrize("name", [name for name in hard_unknots() if name not in SLOW])
def test_hard_unknots_come_undone(name: str):
    found = simplify(named(name), rounds=4000, seconds=120)
    assert found.untied and found.rounds < 4000
    certificate = certify(found.start, found.moves, name=name)
    assert f"a diagram of {named(name).crossings} crossings is the unknot" in verify(certificate)


@pytest.mark.parametrize("name", ["3_1", "4_1", "5_2", "6_3", "7_6", "8_19", "8_20"])
def test_knots_return_to_their_crossing_number(name: str):
    rng, sketch = random.Random(0), Sketch(named(name))
    for _ in range(6):
        d = rng.choice([d for d, a in enumerate(sketch.alpha) if a != d])
        play(sketch, ("R1+", d, rng.randrange(2)))
        e = rng.choice([e for e in sketch.face(d)[1:] if sketch.alpha[d] != e] or [d])
        if e != d:
            play(sketch, ("R2+", d, e, rng.randrange(2)))
        if lay := some_pass(sketch, rng):
            play(sketch, lay)
    tangled = sketch.diagram()
    assert tangled.crossings > int(name[0]) + 6
    found = simplify(tangled, rounds=150, seconds=60)
    assert found.diagram.crossings == int(name[0]) and not found.untied
    assert jones(found.diagram) == jones(named(name))
    sentence = verify(certify(found.start, found.moves))
    assert f"{tangled.crossings} crossings is equivalent to one of {name[0]}" in sentence


def test_the_same_seed_gives_the_same_moves():
    first, again = (simplify(named("D28"), rounds=50, seed=3) for _ in range(2))
    other = simplify(named("D28"), rounds=50, seed=4)
    assert first.moves == again.moves and first.rounds == again.rounds
    assert other.moves != first.moves


def test_without_passes_there_are_none():
    found = simplify(named("Monster"), rounds=3000, seconds=60, passes=False)
    assert found.untied and "PASS" not in {move[0] for move in found.moves}
    assert "is the unknot" in verify(certify(found.start, found.moves))


def test_budgets_and_inputs():
    found = simplify(named("PZ120"), rounds=3)
    assert found.rounds == 3 and not found.untied and found.diagram.crossings <= 120
    assert verify(certify(found.start, found.moves))
    quick = simplify(named("PZ120"), seconds=0.2)
    assert 0.2 <= quick.seconds < 5
    assert simplify(circle()).untied and simplify(circle()).moves == []
    assert simplify(from_braid([1])).untied
    with pytest.raises(BadInput, match="only knots"):
        simplify(torus(2, 4))
    with pytest.raises(BadInput, match="both must be positive"):
        simplify(circle(), seconds=0)
    with pytest.raises(BadInput, match="both must be positive"):
        simplify(circle(), rounds=0)
