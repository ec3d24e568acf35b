"""Passes taken apart: the same diagram at the end, by R1, R2 and R3 alone, whatever the pass."""

import random

import pytest
from tests.knots.test_certificate import wandering
from tests.knots.test_play import some_pass

from ansatz.errors import BadInput
from ansatz.knots.certificate import replay, standard
from ansatz.knots.codes import from_braid, from_pd
from ansatz.knots.diagram import Diagram
from ansatz.knots.expand import expand
from ansatz.knots.play import Move, inverse, play
from ansatz.knots.sketch import Sketch
from ansatz.knots.table import named
from ansatz.knots.unknot import unknot
from ansatz.knots.untie import Search
from ansatz.knots.verify import verify

MEDIUM = ("H", "J", "Culprit", "Goeritz", "OchiaiI", "D28", "FHW", "D43", "PZ78")


def led(start: Diagram, moves: list[Move]) -> Sketch:
    sketch = Sketch(start)
    for move in moves:
        play(sketch, move)
    return sketch


@pytest.mark.parametrize("name", MEDIUM)
def test_hard_unknots_come_undone_by_reidemeister_moves_alone(name: str):
    found = unknot(name, seed=1)
    assert found.untied and found.passes
    plain = found.expanded()
    assert not plain.passes and len(plain.moves) > len(found.moves)
    assert "is the unknot" in verify(plain.certificate())


@pytest.mark.parametrize("word", [[1, 1, 1], [1, -2, 1, -2], [1, 1, 1, 2, -1, 2], [1, -2, 3, -2, 1, 2, -3]])
def test_wandering_leads_to_the_same_diagram(word: list[int]):
    for seed in range(8):
        certificate = wandering(word, 14, seed)
        start = from_pd(certificate["start"])
        moves = expand(start, certificate["moves"])
        assert "PASS" not in {move[0] for move in moves}
        assert led(start, moves).diagram().canonical() == replay(certificate).canonical()


def test_whole_searches_lead_to_the_same_diagram():
    for seed, name in enumerate(("OchiaiIV", "PZ78", "ReducedOchiaiII", "8_19")):
        start = standard(named(name))
        search = Search(start.alpha.tolist(), seed)
        search.run(40)
        moves = search.moves(whole=True)
        assert sum(move[0] == "PASS" for move in moves) > 4
        assert (
            led(start, expand(start, moves)).diagram().canonical() == led(start, moves).diagram().canonical()
        )


def test_moves_without_passes_stay():
    start = standard(from_braid([1, 1, 1]))
    moves: list[Move] = [("R1+", 0, 1), ("XC", 4), ("R2+", 1, Sketch(start).face(1)[1], 1)]
    assert expand(start, moves) == moves


def test_routes_that_cross_themselves_are_refused():
    rng, refused = random.Random(0), 0
    for _ in range(60):
        start = standard(named("OchiaiI"))
        sketch = Sketch(start)
        move = some_pass(sketch, rng)
        if move is None or (back := inverse(sketch, move)) is None:
            continue
        try:
            moves = expand(start, [move, back])
        except BadInput as why:
            assert "Move 2 cannot be taken apart: its route" in str(why)
            refused += 1
        else:
            assert led(start, moves).diagram().canonical() == start.canonical()
    assert refused < 30
