"""Texts for unknotdb: what is written is read again, and what is wrong is refused with its line."""

import pytest
from tests.knots.test_certificate import changed, wandering
from tests.knots.unknotdb_replay import check

from ansatz.errors import BadInput
from ansatz.knots.certificate import certify, replay
from ansatz.knots.codes import from_pd
from ansatz.knots.unknot import unknot
from ansatz.knots.unknotdb import from_unknotdb, to_unknotdb
from ansatz.knots.verify import verify

KINK = "---\nclaim: unknot\nsubject:\n  pd: PD[X[1,1,2,2]]\n---\nR1- c=0\n"


def text_of(certificate: dict) -> str:
    return to_unknotdb(certificate, source="a", author="b", date="2026-01-01")


@pytest.mark.parametrize("name", ["Culprit", "Goeritz", "D28"])
def test_what_is_written_is_read(name: str):
    written = text_of(unknot(name, expanded=True).certificate())
    found = from_unknotdb(written)
    assert "is the unknot" in verify(found) and replay(found).circles == 1
    assert text_of(found).splitlines()[-1] == written.splitlines()[-1] and check(text_of(found)) == (0, 1)


def test_crossing_changes_are_read():
    found = from_unknotdb(text_of(changed([1] * 5, 0)))
    assert "has unknotting number at most 2" in verify(found)


def test_kinks_of_all_four_loops_are_read():
    for loop in range(4):
        for ending in ("R1- c=1", "R1- c=0"):
            text = KINK.replace("R1- c=0", f"R1+ d=0 loop={loop}\n{ending}\nR1- c=0")
            assert check_or_none(text) == accepts(text)


def check_or_none(text: str) -> bool:
    try:
        ended = check(
            text.replace(
                "PD[X[1,1,2,2]]\n", "PD[X[1,1,2,2]]\n  canon: O1+U1+\nalphabet: R\nchirality: unknotdb\n"
            )
        )
    except AssertionError:
        return False
    return ended == (0, 1)


def accepts(text: str) -> bool:
    try:
        return "is the unknot" in verify(from_unknotdb(text))
    except BadInput:
        return False


def test_comments_and_signs_of_the_shell_are_passed_over():
    found = from_unknotdb(KINK.replace("R1- c=0", "# the only move\n\nR1- c=0  # done"))
    assert found == certify(from_pd([[1, 1, 2, 2]]), [("R1-", 0)], hashes=False)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("---\nclaim", "claim", "begins with fields between two lines"),
        ("unknot\nsub", "knot\nsub", "a claim, one of unknot, unknotting_number_le; it is knot"),
        ("  pd:", "  dp:", "need a pd and a claim"),
        ("claim: unknot", "claim: unknotting_number_le", "The field value is no number"),
        ("subject:", "subject:\n  canon: O1-U1-", "The field canon is 'O1-U1-', and the PD code's"),
        ("R1- c=0", "R1- d=0", "Line 6 is 'R1- d=0'; a move is R1- c="),
        ("R1- c=0", "R9 c=0", "Line 6 is 'R9 c=0'"),
        ("R1- c=0", "R1- c=4", "Line 6, 'R1- c=4', is illegal: the diagram has no place for it"),
        ("R1- c=0", "R2- c1=0 c2=0", "is illegal"),
        ("R1- c=0", "R1+ d=0 loop=4", "is illegal"),
        ("R1- c=0", "R2+ d1=0 d2=1 over=3", "is illegal"),
        ("R1- c=0", "R2+ d1=0 d2=3 over=1", "is illegal: darts"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(old: str, new: str, sentence: str):
    with pytest.raises(BadInput, match=sentence):
        from_unknotdb(KINK.replace(old, new))


def test_random_moves_survive():
    for seed in range(4):
        certificate = wandering([1, 1, 1], 3, seed)
        assert certificate["claim"] == "equivalent"
        with pytest.raises(BadInput, match="no claim 'equivalent'"):
            text_of(certificate)
