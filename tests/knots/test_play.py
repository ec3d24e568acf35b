"""Moves in place against the reference, passes by their invariants, refusals, moves that take back."""

import random

import numpy as np
import pytest
from tests.knots.reference import Reference, walk

from ansatz.errors import BadInput
from ansatz.knots.codes import from_braid, from_pd, torus
from ansatz.knots.diagram import Diagram
from ansatz.knots.invariants import alexander, jones
from ansatz.knots.passes import faces, find_route, runs
from ansatz.knots.play import inverse, play, refusal
from ansatz.knots.sketch import Sketch
from ansatz.knots.table import named

KNOTS = {"trefoil": [1, 1, 1], "figure eight": [1, -2, 1, -2], "5_2": [1, 1, 1, 2, -1, 2]}


def same(sketch: Sketch, reference: Reference) -> bool:
    mine = {d: a for d, a in enumerate(sketch.alpha) if a != d}
    return mine == reference.joined and sketch.circles == reference.circles


def sound(sketch: Sketch) -> bool:
    return Reference.of(sketch.diagram()).sound()


def some_pass(sketch: Sketch, rng: random.Random) -> tuple | None:
    """A random pass along a shortest route, over all or some of the crossings of an arc."""
    s, arc, t = rng.choice(runs(sketch) or [(0, [], 0)])
    if not arc:
        return None
    k = rng.randrange(1, len(arc) + 1)
    if k < len(arc):
        arc, t = arc[:k], arc[k]
    route = find_route(sketch, faces(sketch), (s, arc, t), rng)
    return None if route is None else ("PASS", s, k, *route)


def test_moves_agree_with_the_reference():
    for seed, start in enumerate((from_pd([[1, 1, 2, 2]]), from_braid([1, 1, 1]), torus(2, 4), torus(3, 3))):
        for here, _, move, after in walk(start, 300, 11, 4, seed, changes=True):
            sketch = Sketch(here.diagram(11))
            assert refusal(sketch, move) is None
            play(sketch, move)
            assert same(sketch, after), move
            numbers = range(len(sketch.alpha) // 4)
            assert sorted(sketch.free) == [c for c in numbers if c not in after.crossings]
            assert sketch.crossings == len(after.crossings)


def test_refusals_agree_with_the_reference():
    rng, refused = random.Random(0), 0
    for here, legal, _, _ in walk(from_braid([1, -2, 1, -2]), 150, 9, 20, 3):
        sketch = Sketch(here.diagram(9))
        for name in ("R1-", "R2-", "R3", "XC"):
            for d in rng.sample(range(-1, 37), 8):
                dart = d - d % 4 if name == "XC" else d
                assert (refusal(sketch, (name, d)) is None) == ((name, dart) in legal), (name, d)
        for _ in range(10):
            d, e, o = rng.randrange(36), rng.randrange(36), rng.randrange(-1, 3)
            good = o in (0, 1) and d in here.joined and e != d and e in here.face(d)
            why = refusal(sketch, ("R2+", d, e, o))
            assert (why is None) == good
            refused += why is not None
    assert refused > 500


@pytest.mark.parametrize("word", KNOTS.values(), ids=KNOTS)
def test_every_move_keeps_the_invariants(word: list[int]):
    start = from_braid(word)
    delta, v, rng = alexander(start), jones(start), random.Random(1)
    sketch, seen = Sketch(start), {}
    for step in range(130):
        here = Reference.of(sketch.diagram())
        legal = sorted(here.legal(11, 4))
        by_kind = {kind: [m for m in legal if m[0] == kind] for kind in ("R1-", "R2-", "R3", "R1+", "R2+")}
        by_kind["PASS"] = [m for m in [some_pass(sketch, rng)] if m is not None]
        kinds = [kind for kind, moves in by_kind.items() if moves]
        kind = rng.choices(kinds, [{"R1+": 1, "R2+": 1, "PASS": 4}.get(one, 2) for one in kinds])[0]
        move = rng.choice(by_kind[kind])
        play(sketch, move)
        seen[kind] = seen.get(kind, 0) + 1
        diagram = sketch.diagram()
        assert diagram.check().components == 1
        if step % 3 == 0:
            assert alexander(diagram, 32749) == delta, move
            assert jones(diagram) == v, move
    assert len(seen) == 6 and seen["PASS"] > 5


def test_a_crossing_change_may_change_the_knot():
    sketch = Sketch(from_braid([1, 1, 1]))
    play(sketch, ("XC", 4))
    assert jones(sketch.diagram()) == {0: 1} and sound(sketch)


def test_moves_are_taken_back():
    rng, passes, none = random.Random(2), 0, 0
    for seed, word in enumerate(KNOTS.values()):
        for here, _, move, _ in walk(from_braid(word), 90, 10, 4, seed, changes=True):
            for one in (move, *(some_pass(Sketch(here.diagram(10)), rng) for _ in range(3))):
                if one is None:
                    continue
                sketch = Sketch(here.diagram(10))
                back = inverse(sketch, one)
                if back is None:
                    none += one[0] != "PASS"
                    assert one[0] in ("R1-", "R2-") or len(one) == 3, one
                    continue
                play(sketch, one)
                play(sketch, back)
                assert sketch.diagram().canonical() == here.diagram(10).canonical(), (one, back)
                passes += one[0] == "PASS"
    assert passes > 50 and none < 30


def test_an_arc_that_crosses_one_edge_twice_comes_back_to_it():
    # A strand over a bigon: both crossings lie on one edge once the strand is taken up.
    sketch = Sketch(from_braid([1, 1, 1]))
    here = Reference.of(sketch.diagram())
    d, e = next((d, here.face(d)[1]) for d in here.joined if len(here.face(d)) == 3)
    play(sketch, ("R2+", d, e, 1))
    start = sketch.diagram()
    run = next(run for run in runs(sketch) if len(run[1]) > 1 and run[1][0] & 1)
    route = find_route(sketch, faces(sketch), run, random.Random(0))
    assert route is not None and len(route) < len(run[1])
    move = ("PASS", run[0], len(run[1]), *route)
    back = inverse(sketch, move)
    play(sketch, move)
    if back is not None:
        play(sketch, back)
        assert sketch.diagram().canonical() == start.canonical()


def test_routes_are_legal_and_never_longer():
    rng = random.Random(3)
    for name in ("Culprit", "Thistlethwaite", "D28"):
        sketch = Sketch(named(name))
        for _ in range(60):
            dual = faces(sketch)
            arcs = runs(sketch)
            if not arcs:
                break
            run = rng.choice(arcs)
            route = find_route(sketch, dual, run, rng)
            if route is None:
                continue
            assert len(route) <= len(run[1])
            move = ("PASS", run[0], len(run[1]), *route)
            assert refusal(sketch, move) is None, (name, move)
            play(sketch, move)
            if sketch.crossings == 0:
                break
            assert sound(sketch)


@pytest.mark.parametrize(
    ("move", "sentence"),
    [
        (("R1-", 0), "the face left of dart 0 has . sides, and a kink has 1"),
        (("R1-", 99), "there is no dart 99 in a diagram of 3 crossings"),
        (("R2-", 0), "the face left of dart 0 has 3 sides|are clasped"),
        (("R3", 0), "needs 3|no strand is over at both"),
        (("R1+", 0, 2), "the slot of the loop is 2"),
        (("R2+", 0, 1, 5), "the level is 5"),
        (("R2+", 0, 0, 1), "darts 0 and 0 belong to one edge"),
        (("PASS", 0, 0), "no arc of 0 crossings leaves along dart 0"),
        (("PASS", 0, 2), "passes over some of its 2 crossings and under others"),
        (("PASS", 0, 1, 77), "step 1 of the route, dart 77, does not start"),
        (("PASS", 0, 1), "the route ends in a face that does not touch"),
    ],
)
def test_refusals_say_what_is_wrong(move: tuple, sentence: str):
    sketch = Sketch(from_braid([1, 1, 1]))
    before = sketch.alpha[:]
    with pytest.raises(BadInput, match=sentence):
        play(sketch, move)
    assert sketch.alpha == before


@pytest.mark.parametrize("move", [("R9", 0), ("R1-",), ("R1-", 0, 0), ("R3", 1.0), ("PASS", 0), ("XC", True)])
def test_no_moves_are_told(move: tuple):
    with pytest.raises(BadInput, match=r"no move 'R9'|is malformed: after"):
        refusal(Sketch(from_braid([1, 1, 1])), move)


def test_a_sketch_copies_and_numbers():
    sketch = Sketch(Diagram(np.array([0, 1, 2, 3, 5, 4, 7, 6], np.int32)))
    other = sketch.copy()
    play(other, ("R1+", 4, 1))
    assert other.alpha[0] != 0 and sketch.alpha[0] == 0 and other.crossings == 2
    play(other, ("R1+", 4, 0))
    assert len(other.alpha) == 12 and other.free == []
