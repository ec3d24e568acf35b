"""The diagrams that `unknot` is measured on, and the counting of what is untied and what is wrong."""

import math
from random import Random
from typing import Any

import pytest
from benchmarks import unknot, unknot_rivals, unknot_verdicts

from ansatz.knots.codes import from_pd
from ansatz.knots.invariants import determinant, jones
from ansatz.knots.table import named
from ansatz.knots.unknot import KNOTTED, UNDECIDED


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(unknot_rivals, "may_compile", lambda: False)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let a peer leave ten crossings of every second diagram after a second, and tell what it was asked."""
    tasks = []

    def peer(task: str, codes: Any, **_: Any) -> dict[str, Any]:
        tasks.append(task)
        found = [[10 * (i % 2), 1.0] for i in range(len(codes))]
        return {"found": found, "moves": 500, "seconds": 2.0, "crossings": 63.0} | dict.fromkeys(
            ("snappy", "spherogram", "regina"), "1.0"
        )

    monkeypatch.setattr(unknot_rivals, "peer", peer)
    return tasks


def test_every_bar_has_a_row():
    assert len(unknot.ROWS) == 12


def test_cores_are_inflated_to_the_size_and_stay_what_they_are():
    for core in ("D28", "Culprit"):
        codes = unknot_rivals.family(core, 50, 2)
        assert all(50 <= len(code) <= 51 for code in codes) and codes[0] != codes[1]
        assert all(determinant(from_pd(code)) == 1 for code in codes)
    assert unknot_rivals.family("D28", 50, 1) == unknot_rivals.family("D28", 50, 2)[:1]


def test_the_jones_polynomial_of_a_sum_is_the_product():
    rng = Random(0)
    for _ in range(3):
        both = unknot_rivals.summed(named("3_1"), named("4_1"), rng)
        assert both.crossings == 7 and both.components == 1 and determinant(both) == 15
    square = unknot_rivals.summed(named("3_1"), named("3_1").mirrored(), rng)
    granny = unknot_rivals.summed(named("3_1"), named("3_1"), rng)
    assert jones(square) != jones(granny) and determinant(square) == determinant(granny) == 9


def test_passes_on_small_cores_beside_a_peer(asked: list[str]):
    share, ratio = unknot_rivals.hard_cores_pass(2, (30,))
    assert share["value"] == 100 and "4 of 4, 4 verified" in share["note"]
    assert ratio["value"] > 1 and "against 4 s in all" in ratio["note"]
    assert asked == ["global", "global"] and share["peer"] == "snappy 1.0, spherogram 1.0"


def test_r_moves_alone_on_small_cores(monkeypatch: pytest.MonkeyPatch, asked: list[str]):
    search = unknot_rivals.searcher()
    (code,) = unknot_rivals.family("Culprit", 20, 1)
    spent, moves = unknot_rivals.by_r_moves(search, code, 60)
    assert 0 < spent < 60 and {move[0] for move in moves} <= {"R1-", "R2-", "R3", "R1+", "R2+"}
    assert unknot_rivals.replayed(code, moves) and not unknot_rivals.replayed(code, moves[:-1])
    assert unknot_rivals.by_r_moves(search, unknot_rivals.family("D28", 30, 1)[0], 1e-9)[0] == math.inf
    monkeypatch.setattr(unknot_rivals, "LIMIT", 1e-9)
    (figure,) = unknot_rivals.hard_cores_r(1, 1, (30,))
    assert figure["value"] == 0 and "D28 0 of 1" in figure["note"] and figure["must"] == 80


def test_hard_diagrams_beside_two_peers(asked: list[str]):
    share, first, second = unknot_rivals.hard(3, 2, 1)
    assert share["value"] == 100 and first["value"] > 0 and "1 of 1 untied, 1 verified" in second["note"]
    assert asked == ["global", "restarts", "regina", "restarts", "regina"]


def test_rates_stand_over_the_peers(asked: list[str]):
    (figure,) = unknot_rivals.spherogram({"r-only": 5000.0})
    assert figure["value"] == 20 and asked == ["moves"]


def test_wrong_and_open_verdicts_are_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(unknot_verdicts, "LARGEST", 22)
    monkeypatch.setattr(unknot_verdicts, "LARGEST_CORE", 11)
    wrong, left = unknot_verdicts.verdicts(4)
    assert wrong["value"] == 0 and left["value"] == 0 and "determinant 4" in left["note"]
    decide = unknot_verdicts.decide

    def confused(*asked: Any) -> Any:
        found = decide(*asked)
        return found._replace(verdict=KNOTTED if found.untied else UNDECIDED)

    monkeypatch.setattr(unknot_verdicts, "decide", confused)
    wrong, left = unknot_verdicts.verdicts(4)
    assert wrong["value"] == 4 and left["value"] == 50


def test_knots_without_an_alexander_polynomial_are_told_apart(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(unknot_verdicts, "knots", lambda: unknot_verdicts.WITHOUT_ALEXANDER)
    monkeypatch.setattr(unknot_verdicts, "LARGEST", 20)
    found, _ = unknot_verdicts.decided(unknot_verdicts.tangled, 2, 20)
    assert [name for name, _ in found] == ["K11n34", "K11n42"]
    assert all(one.verdict == KNOTTED and "Jones" in one.why for _, one in found)
