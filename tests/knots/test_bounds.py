"""Bounds of the unknotting number and the genus never pass what is known, and meet it where they should."""

import json
import re

import pytest

from ansatz.knots.bounds import bounds, cut_by_one, is_alternating, module_rank, slice_torus
from ansatz.knots.codes import from_braid, from_pd, torus
from ansatz.knots.diagram import circle
from ansatz.knots.invariants import jones
from ansatz.knots.seifert import alexander_of, bareiss, inertia, seifert
from ansatz.knots.table import hard_unknots, knots, known_unknotting_number, named

CITED = """9_10 9_13 9_35 9_38 9_49 10_53 10_101 10_103 10_120
10_125 10_126 10_130 10_135 10_138 10_140 10_148 10_151 10_153 10_158 10_162""".split()
"""The knots whose unknotting numbers need more than these bounds (Owens 2008, Ozsváth and Szabó 2005, …)."""


def test_bounds_are_right_for_every_knot_of_the_table():
    short = []
    for name in knots():
        found, (low, high) = bounds(named(name)), known_unknotting_number(name)
        assert found.changes <= low and min(found.unknotting.values()) >= 0, name
        short += [name] if found.changes < low or (low < high and found.changes < 2) else []
    assert short == CITED


def test_each_bound_where_it_is_the_one_that_counts():
    def rules(name: str) -> set[str]:
        found = bounds(named(name)).unknotting
        return {rule for rule, value in found.items() if value == max(found.values())}

    assert rules("8_5") == {"signature", "slice", "alternating"} and rules("10_139") == {"slice"}
    assert rules("8_18") == {"module", "alternating"} and rules("7_4") == {"linking", "alternating"}
    assert rules("8_3") == {"alternating"}
    assert rules("K11n34") == {"nontrivial"}
    assert set(bounds(circle()).unknotting.values()) == {0}
    assert all(bounds(named(name)).changes == 0 for name in hard_unknots()[:12])


def test_torus_knots_have_the_bounds_of_their_genus():
    for p, q in ((2, 9), (3, 4), (3, 5), (4, 5)):
        half = (p - 1) * (q - 1) // 2
        for knot in (torus(p, q), torus(p, -q)):
            assert bounds(knot).changes == half and bounds(knot).genus == (half, half)
        assert slice_torus(torus(p, q)) == 2 * half == -slice_torus(torus(p, -q))
    assert slice_torus(from_braid([1, 1, 1, -2])) == 2 and slice_torus(circle()) == 0


def test_linking_forms_by_hand():
    """The double cover of a two-bridge knot is L(p, q): ±2q must be a square modulo p (9_1 is L(9, 1))."""
    for name, allowed in (("7_4", False), ("6_1", True), ("5_1", False), ("9_1", True), ("8_8", False)):
        v = seifert(named(name)).matrix
        sigma = inertia(v + v.T)
        assert cut_by_one(v, 0 if abs(sigma) > 2 else sigma) == allowed, name
    assert module_rank(seifert(named("9_35")).matrix) == 2 and module_rank(seifert(named("4_1")).matrix) == 1


def test_alternating_is_seen():
    assert all(is_alternating(named(name)) for name in ("3_1", "10_123")) and not is_alternating(circle())
    assert not any(is_alternating(named(name)) for name in ("8_19", "10_124", "Culprit", "K11n34"))


def test_agreement_with_knotinfo():
    info = pytest.importorskip("database_knotinfo", reason="KnotInfo's table is not installed")
    rows = {row["name"]: row for row in info.link_list()}
    for name in knots():
        row, knot = rows[name if "_" in name else name[1:4] + "_" + name[4:]], named(name)
        v, found = seifert(knot).matrix, bounds(knot)
        assert inertia(v + v.T) == int(row["signature"]), name
        assert abs(bareiss(v + v.T)) == int(row["determinant"]), name
        assert evaluated(row["alexander_polynomial"], 2**20) == abs(at(alexander_of(v), 2**20)), name
        assert found.genus[0] <= int(row["three_genus"]) <= found.genus[1], name
        s = int(row["rasmussen_invariant"])
        assert slice_torus(knot) <= s <= -slice_torus(knot.mirrored()), name
        known = [int(digit) for digit in re.findall(r"\d+", row["unknotting_number"])]
        assert known_unknotting_number(name) == (known[0], known[-1]), name
        assert is_alternating(knot) == (row["alternating"] == "Y"), name
        assert jones(knot) == jones(from_pd(json.loads(row["pd_notation"]))), name


def at(coefficients: list[int], t: int) -> int:
    return sum(c * t**i for i, c in enumerate(coefficients))


def evaluated(text: str, t: int) -> int:
    """The value of a polynomial such as 2-3*t+ t^2 at an integer, without its sign."""
    terms = re.findall(r"([+-]?)(\d*)\*?(t?)(?:\^(\d+))?", text.replace(" ", ""))
    values = (
        int(sign + (number or "1")) * t ** (int(power or 1) if letter else 0)
        for sign, number, letter, power in terms
        if number or letter
    )
    return abs(sum(values))
