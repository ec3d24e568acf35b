"""What a diagram says about itself, and what `check` refuses."""

import numpy as np
import pytest
from tests.knots.reference import Reference, walk

from ansatz.errors import BadInput
from ansatz.knots.codes import from_braid, from_pd, torus
from ansatz.knots.diagram import Diagram, circle, turn


def shuffled(diagram: Diagram, seed: int) -> Diagram:
    """The same diagram with other numbers, and crossings turned by half."""
    rng = np.random.default_rng(seed)
    n = diagram.capacity
    order, half = rng.permutation(n), 2 * rng.integers(0, 2, n)
    d = np.arange(4 * n)
    moved = 4 * order[d >> 2] + ((d + half[d >> 2]) & 3)
    alpha = np.empty(4 * n, np.int32)
    alpha[moved] = moved[diagram.alpha]
    return Diagram(alpha, diagram.circles)


def test_faces_components_and_signs_agree_with_the_reference():
    for start in (from_braid([1, 1, 1]), torus(2, 4), from_pd([[1, 1, 2, 2]])):
        for _, _, _, after in walk(start, 60, 10, 3, 5):
            diagram = after.diagram(10)
            assert {frozenset(face) for face in diagram.faces()} == after.faces()
            assert diagram.components == after.components()
            assert diagram.crossings == len(after.crossings) and diagram.live() == after.crossings
            assert diagram.check() is diagram


def test_canonical_sees_the_diagram_and_not_its_numbers():
    seen = {}
    for _, _, _, after in walk(from_braid([1, -2, 1, -2]), 80, 9, 3, 2):
        diagram = after.diagram(9)
        key = diagram.canonical()
        for seed in range(3):
            assert shuffled(diagram, seed).canonical() == key
        assert diagram.resized().canonical() == key == diagram.resized(12).canonical()
        seen.setdefault(key, diagram)
    assert len(seen) > 20
    chiral = from_braid([1, 1, 1])
    assert chiral.canonical() != chiral.mirrored().canonical()
    eight = from_braid([1, -2, 1, -2])
    assert eight.canonical() == eight.mirrored().canonical()


def test_the_mirror_image_has_the_other_signs():
    for diagram in (from_braid([1, 1, -2, 1]), torus(3, 4)):
        signs, image = diagram.signs(), diagram.mirrored()
        assert image.signs() == {c: -sign for c, sign in signs.items()}
        assert image.check().mirrored().canonical() == diagram.canonical()


def test_turn_works_on_arrays():
    d = np.arange(12)
    assert (turn(turn(d, 3), 1) == d).all() and (turn(d, 2) >> 2 == d >> 2).all()


@pytest.mark.parametrize(
    ("alpha", "sentence"),
    [
        ([1, 0, 2], r"int32\[4N\] and got int64 of shape \[3\]"),
        ([1.0, 0.0, 3.0, 2.0], "got float64"),
        ([1, 2, 0, 3], "Dart 0 is joined to 1, not joined to it"),
        ([1, 0, 3, 9], "Dart 2 is joined to 3, not joined to it|Dart 3 is joined to 9"),
        ([1, 0, 2, 3], "Crossing 0 has a dart joined to itself"),
        ([2, 3, 0, 1], r"not planar: 1 crossings in 1 connected part have 3 faces .* \(genus 1\)"),
    ],
)
def test_check_tells_what_is_wrong(alpha: list, sentence: str):
    with pytest.raises(BadInput, match=sentence):
        Diagram(np.array(alpha)).check()


def test_the_circle_has_no_crossings():
    assert circle(3).capacity == 3 and circle().canonical() == ((1,),) and circle().writhe == 0
    assert Reference.of(circle(2)).components() == 1
