"""Crossing changes that untie: known unknotting numbers are reached, and every bound is certified."""

import pytest

from ansatz.errors import BadInput
from ansatz.knots.changes import few_changes
from ansatz.knots.codes import torus
from ansatz.knots.diagram import circle
from ansatz.knots.verify import verify

KNOWN = {"3_1": 1, "4_1": 1, "5_1": 2, "5_2": 1, "6_2": 1, "7_1": 3, "7_4": 2, "8_3": 2, "8_19": 3, "8_20": 1}


@pytest.mark.parametrize("name", KNOWN)
def test_known_unknotting_numbers_are_reached(name: str):
    found = few_changes(name, 600, diagrams=6)
    assert found.changes == KNOWN[name] and found.lower == 1
    assert f"has unknotting number at most {KNOWN[name]} " in verify(found.certificate())
    assert (" = 1: 1 crossing change unties it" in str(found)) == (KNOWN[name] == 1)


def test_unknots_need_none():
    for diagram in ("Culprit", "Goeritz"):
        found = few_changes(diagram, 5)
        assert found.changes == found.lower == 0 and found.certificate()["claim"] == "unknot"
    assert str(few_changes(circle(), name="O")) == "u(O) = 0: it is the unknot."


def test_large_knots_have_some_bound():
    found = few_changes(torus(4, 5), diagrams=1)
    assert 6 <= found.changes <= 8 and found.lower == 1
    assert "has unknotting number at most" in verify(found.certificate())


def test_inputs():
    with pytest.raises(BadInput, match="only knots"):
        few_changes("T(2,4)")
    with pytest.raises(BadInput, match="both must be positive"):
        few_changes("3_1", 0)
    with pytest.raises(BadInput, match="both must be positive"):
        few_changes("3_1", diagrams=0)
