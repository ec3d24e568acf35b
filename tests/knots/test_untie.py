"""The fast search: hard unknots come undone, knots stay what they are, compiled as in plain Python."""

import importlib.util
import random

import pytest
from tests.knots.test_play import some_pass

from ansatz.errors import BadInput
from ansatz.knots import flat, kernel
from ansatz.knots.certificate import certify
from ansatz.knots.codes import from_braid, torus
from ansatz.knots.diagram import circle
from ansatz.knots.invariants import jones
from ansatz.knots.play import Move, inverse, play
from ansatz.knots.shorten import shortened
from ansatz.knots.sketch import Sketch
from ansatz.knots.table import hard_unknots, named
from ansatz.knots.untie import Search, untie
from ansatz.knots.verify import verify


@pytest.mark.parametrize("name", [name for name in hard_unknots() if name != "PZ120"])
def test_hard_unknots_come_undone(name: str):
    found = untie(named(name), rounds=2000, seconds=120)
    assert found.untied and found.rounds < 2000
    certificate = certify(found.start, found.moves, name=name)
    if len(found.moves) < 100:
        assert f"a diagram of {named(name).crossings} crossings is the unknot" in verify(certificate)


@pytest.mark.parametrize("name", ["3_1", "4_1", "5_2", "6_3", "7_6", "8_19", "8_20"])
@pytest.mark.parametrize("passes", [True, False])
def test_knots_return_to_their_crossing_number(name: str, passes: bool):
    rng, sketch = random.Random(0), Sketch(named(name))
    for _ in range(5 if passes else 2):
        d = rng.choice([d for d, a in enumerate(sketch.alpha) if a != d])
        play(sketch, ("R1+", d, rng.randrange(2)))
        others = [e for e in sketch.face(d)[1:] if sketch.alpha[d] != e]
        if others:
            play(sketch, ("R2+", d, rng.choice(others), rng.randrange(2)))
        if passes and (lay := some_pass(sketch, rng)):
            play(sketch, lay)
    tangled = sketch.diagram()
    assert tangled.crossings > int(name[0]) + 3
    found = untie(tangled, rounds=300, seconds=60, passes=passes)
    assert found.diagram.crossings == int(name[0]) and not found.untied
    assert passes or "PASS" not in {move[0] for move in found.moves}
    assert jones(found.diagram) == jones(named(name))
    assert "is equivalent to one of" in verify(certify(found.start, found.moves))


def test_every_kind_of_move_is_made_and_replayed():
    kinds = set()
    for seed in range(3):
        for passes in (True, False):
            found = untie(named("D28"), rounds=120, seed=seed, passes=passes)
            certify(found.start, found.moves)
            search = Search(named("OchiaiIV").alpha.tolist(), seed)
            search.run(60, passes)
            kinds |= {move[0] for move in search.moves(whole=True)}
    assert kinds == set(flat.KINDS)


def test_the_whole_state_agrees_with_the_replay():
    for seed, name in enumerate(("OchiaiIV", "PZ78", "8_18")):
        start = named(name).alpha.tolist()
        search, sketch = Search(start, seed), Sketch(named(name))
        search.run(80)
        state = search.state
        for move in search.moves(whole=True):
            play(sketch, move)
        assert state[0][: len(sketch.alpha)] == sketch.alpha and search.crossings == sketch.crossings
        assert state[10] == list(range(len(state[10])))


def test_the_same_seed_gives_the_same_moves_however_it_is_sliced():
    first, again, other = (untie(named("PZ138"), rounds=40, seed=seed) for seed in (3, 3, 4))
    assert first.moves == again.moves and first.rounds == again.rounds and other.moves != first.moves
    sliced = Search(first.start.alpha.tolist(), 3)
    for _ in range(20):
        sliced.run(2)
    assert sliced.moves() == first.moves
    reused = Search(named("Haken").alpha.tolist(), 0)
    reused.run(30)
    reused.load(first.start.alpha.tolist(), 3)
    reused.run(40)
    assert reused.moves() == first.moves


def test_the_log_grows():
    search = Search(named("PZ120").alpha.tolist())
    search.state = (
        *search.state[:12],
        search.state[12][: 4 * len(search.state[0]) + 500],
        *search.state[13:],
    )
    search.run(30)
    whole = Search(named("PZ120").alpha.tolist())
    whole.run(30)
    assert search.state[1] == whole.state[1] and search.rounds == 30


def test_detours_are_left_out():
    found = untie(named("Monster"), rounds=3000, seconds=60, seed=5)
    sketch, there, back = Sketch(found.start), list[Move](), list[Move]()
    for move in (("R1+", 0, 1), ("R3", sketch.triangles()[0]), ("R2+", 5, sketch.face(5)[1], 0)):
        there.append(move)
        undone = inverse(sketch, move)
        assert undone is not None
        back.insert(0, undone)
        play(sketch, move)
    kept = shortened(found.start, [*there, *back, *found.moves])
    assert found.untied and kept == shortened(found.start, found.moves)
    assert certify(found.start, kept)["claim"] == "unknot"


def test_inputs():
    assert untie(circle()).untied and untie(circle()).moves == []
    assert untie(from_braid([1])).untied
    with pytest.raises(BadInput, match="only knots"):
        untie(torus(2, 4))
    with pytest.raises(BadInput, match="both must be positive"):
        untie(circle(), seconds=0)
    with pytest.raises(BadInput, match="both must be positive"):
        untie(circle(), rounds=0)


def test_random_numbers_are_even():
    counters = [0] * 14
    counters[flat.RANDOM] = 1
    drawn = [flat.draw(counters, 6) for _ in range(6000)]
    assert all(850 < drawn.count(i) < 1150 for i in range(6))


@pytest.mark.slow
def test_compiled_and_plain_make_the_same_moves():
    if importlib.util.find_spec("numba") is None:
        with pytest.raises(BadInput, match=r"needs numba; install it with ansatz\[fast\]"):
            untie(named("H"), compiled=True)
        return
    for name in ("Culprit", "D28", "PZ138"):
        for passes in (True, False):
            plain, fast = (
                untie(named(name), rounds=60, seconds=600, passes=passes, compiled=how)
                for how in (False, True)
            )
            assert plain.moves == fast.moves and plain.rounds == fast.rounds
    assert kernel.search is Search([1, 0, 3, 2])._search
