"""Seifert matrices: moves keep what follows from them, known values, and agreement with other ways."""

import random

import numpy as np
import pytest
from tests.knots.reference import walk
from tests.knots.test_play import some_pass

from ansatz.errors import BadInput
from ansatz.knots.codes import from_braid, from_pd, torus
from ansatz.knots.diagram import circle
from ansatz.knots.invariants import alexander, determinant, jones
from ansatz.knots.play import play
from ansatz.knots.seifert import alexander_of, bareiss, inertia, seifert, signature
from ansatz.knots.sketch import Sketch
from ansatz.knots.table import hard_unknots, knots, named

SIGNATURES = {
    **{"3_1": -2, "4_1": 0, "5_1": -4, "5_2": -2, "6_1": 0, "6_2": -2, "6_3": 0, "7_1": -6, "7_7": 0},
    **{"8_5": -4, "8_18": 0, "8_19": -6, "8_20": 0, "9_1": -8, "10_124": -8, "10_132": 0, "10_139": -6},
    **{"10_152": -6, "10_161": -4, "K11n34": 0, "K11n42": 0},
}


def invariants(diagram) -> tuple:
    v = seifert(diagram).matrix
    assert bareiss(v - v.T) == 1 and alexander_of(v) == alexander(diagram)
    assert abs(bareiss(v + v.T)) == determinant(diagram)
    return signature(diagram), alexander_of(v), determinant(diagram), jones(diagram)


@pytest.mark.parametrize("word", [[1, 1, 1], [1, -2, 1, -2], [1, 1, 1, 2, -1, 2], [1, 1, 1, 2, 1, 1, 1, 2]])
def test_every_move_keeps_the_invariants(word):
    start, kinds = from_braid(word), set()
    wanted, rng = invariants(start), random.Random(1)
    for number, (_, _, move, after) in enumerate(walk(start, 120, 13, 3, 2)):
        kinds.add(move[0])
        if number % 2:
            continue
        sketch = Sketch(after.diagram(13))
        if number % 6 == 0 and (lay := some_pass(sketch, rng)):
            play(sketch, lay)
            kinds.add("PASS")
        assert invariants(sketch.diagram()) == wanted
    assert kinds == {"R1-", "R1+", "R2-", "R2+", "R3", "PASS"}


def test_a_crossing_change_moves_the_signature_by_its_sign():
    for name in ("8_17", "9_32", "10_139", "10_165"):
        knot = named(name)
        before = signature(knot)
        for c, sign in knot.signs().items():
            sketch = Sketch(knot)
            play(sketch, ("XC", 4 * c))
            assert signature(sketch.diagram()) - before in ((0, 2) if sign > 0 else (0, -2))


def test_known_signatures_and_mirror_images():
    for name, value in SIGNATURES.items():
        assert (signature(named(name)), signature(named(name).mirrored())) == (value, -value), name
    for p in (3, 5, 9):
        assert signature(torus(2, p)) == 1 - p and signature(torus(2, -p)) == p - 1
    assert signature(torus(3, 7)) == -8 and signature(torus(4, 5)) == -8 and signature(torus(5, 6)) == -16


def test_every_knot_of_the_table_agrees_with_the_modular_invariants():
    for name in knots():
        knot = named(name)
        surface = seifert(knot)
        delta = alexander_of(surface.matrix)
        assert delta == alexander(knot) and len(delta) - 1 <= 2 * surface.genus
        assert np.linalg.matrix_rank(surface.matrix - surface.matrix.T) == 2 * surface.genus
        eigenvalues = np.linalg.eigvalsh(surface.matrix + surface.matrix.T)
        assert signature(knot) == (eigenvalues > 0).sum() - (eigenvalues < 0).sum()


def test_the_hard_unknots_have_the_matrix_of_an_unknot():
    for name in hard_unknots():
        v = seifert(named(name)).matrix
        assert bareiss(v - v.T) == 1 and abs(bareiss(v + v.T)) == 1 and inertia(v + v.T) == 0, name
        if len(v) <= 40:
            assert alexander_of(v) == [1], name


def test_surfaces_of_braids_have_a_circle_for_each_strand():
    for word, strands in (([1, 1, 1], 2), ([1, 1, 2, -1, -3, 2, -3], 4), ([1, -2, 1, -2, 3, -4], 5)):
        surface = seifert(from_braid(word))
        assert surface.circles == strands and 2 * surface.genus == len(word) - strands + 1


def test_exact_elimination():
    rng = np.random.default_rng(0)
    for size in (1, 2, 5, 8):
        for _ in range(20):
            a = rng.integers(-3, 4, (size, size))
            assert bareiss(a) == round(np.linalg.det(a))
            a = np.triu(a) + np.triu(a, 1).T
            a[: size // 2, : size // 2] = 0
            values = np.linalg.eigvalsh(a)
            assert inertia(a) == (values > 1e-9).sum() - (values < -1e-9).sum()
    huge = np.array([[10**40, 1], [1, -1]], object)
    assert bareiss(huge) == -(10**40) - 1 and inertia(huge) == 0 and bareiss([[0, 1], [0, 1]]) == 0


def test_circles_kinks_and_links():
    assert seifert(circle()).matrix.shape == (0, 0) and signature(circle()) == 0
    assert alexander_of(seifert(from_pd([[1, 1, 2, 2]])).matrix) == [1]
    with pytest.raises(BadInput, match="is of knots here; this diagram has 2 components"):
        seifert(torus(2, 4))
