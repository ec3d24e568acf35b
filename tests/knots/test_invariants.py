"""Invariants against known values, against each other, and against a sum over all states."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.knots.reference import walk

from ansatz.errors import BadInput
from ansatz.knots.codes import from_braid, from_pd, to_pd, torus
from ansatz.knots.diagram import circle
from ansatz.knots.invariants import SMALL_PRIME, alexander, determinant, determinants, jones
from ansatz.knots.moves import room
from ansatz.knots.table import hard_unknots, knots, named, names

JONES = {
    (1, 1, 1): {1: 1, 3: 1, 4: -1},
    (1, -2, 1, -2): {-2: 1, -1: -1, 0: 1, 1: -1, 2: 1},
    (1, 1, 1, 1, 1): {2: 1, 4: 1, 5: -1, 6: 1, 7: -1},
    (1, 1, 1, 2, 1, 1, 1, 2): {3: 1, 5: 1, 8: -1},
}


def state_sum(diagram) -> dict[int, int]:
    """The Kauffman bracket by its definition, over all 2^n smoothings, with one circle worth 1."""
    rows, total = to_pd(diagram), {}
    for choice in itertools.product((1, -1), repeat=len(rows)):
        joined = {label: label for row in rows for label in row}

        def root(x: int, joined: dict[int, int] = joined) -> int:
            while joined[x] != x:
                x = joined[x]
            return x

        for (a, b, c, d), one in zip(rows, choice, strict=True):
            for x, y in ((a, b), (c, d)) if one == 1 else ((b, c), (d, a)):
                joined[root(x)] = root(y)
        loops = len({root(x) for x in joined})
        for k in range(loops):
            power = sum(choice) + 2 * (loops - 1) - 4 * k
            term = (-1) ** (loops - 1) * math.comb(loops - 1, k)
            total[power] = total.get(power, 0) + term
    return {e: c for e, c in total.items() if c}


@pytest.mark.parametrize("word", JONES)
def test_known_jones_polynomials(word: tuple[int, ...]):
    knot = from_braid(word)
    assert jones(knot) == JONES[word]
    mirrored = {-power: c for power, c in JONES[word].items()}
    assert jones(knot.mirrored()) == mirrored


def test_jones_is_the_sum_over_all_states():
    for _, _, _, after in itertools.islice(walk(from_braid([1, -2, 1, -2]), 400, 9, 3, 0), 0, 400, 20):
        diagram = after.diagram(9).resized()
        if not diagram.crossings:
            continue
        w = diagram.writhe
        wanted = {(3 * w - e) // 4: c * (-1) ** (w % 2) for e, c in state_sum(diagram).items()}
        assert jones(diagram) == dict(sorted(wanted.items()))


def test_polynomials_agree_where_they_must():
    for name in names():
        knot = named(name)
        if knot.crossings > 16:
            continue
        delta, v = alexander(knot), jones(knot)
        assert delta == delta[::-1] and sum(delta) == 1 and sum(v.values()) == 1
        assert abs(sum(c * (-1) ** k for k, c in v.items())) == determinant(knot)
        assert determinant(knot) % 2 == 1


def test_torus_knots_have_their_formula():
    for p, q in ((2, 7), (3, 4), (3, 5), (4, 5)):
        numerator = np.polymul([1] + [0] * (p * q - 1) + [-1], [1, -1])
        denominator = np.polymul([1] + [0] * (p - 1) + [-1], [1] + [0] * (q - 1) + [-1])
        quotient, rest = np.polydiv(numerator, denominator)
        assert not rest.any()
        assert alexander(torus(p, q)) == np.rint(quotient).astype(int).tolist()


def test_the_hard_unknots_look_like_the_unknot():
    for name in hard_unknots():
        assert determinant(named(name)) == 1, name
        if named(name).crossings <= 45:
            assert alexander(named(name)) == [1], name
        if named(name).crossings <= 21:
            assert jones(named(name)) == {0: 1}, name


def test_determinants_under_jit_and_vmap():
    diagrams = [circle(), from_pd([[1, 1, 2, 2]]), *(named(name) for name in knots()[:35]), torus(4, 5)]
    diagrams += [after.diagram(16) for *_, after in walk(from_braid([1, 1, 1]), 40, 12, 3, 4)]
    alpha = jnp.stack([room(knot, 16).alpha for knot in diagrams])
    primes = (SMALL_PRIME, 10007, 7)
    found = np.asarray(jax.jit(jax.vmap(lambda one: determinants(one, primes)))(alpha))
    for knot, row in zip(diagrams, found, strict=True):
        value = determinant(knot)
        assert row.tolist() == [min(value % p, -value % p) for p in primes]


def test_links_and_bad_moduli_are_told():
    for invariant in (alexander, determinant, jones):
        with pytest.raises(BadInput, match="is of knots here; this diagram has 2 components"):
            invariant(torus(2, 4))
    with pytest.raises(BadInput, match="must be a prime between 5 and"):
        alexander(torus(2, 3), 15)
    with pytest.raises(BadInput, match="must be a prime between 5 and"):
        alexander(torus(2, 3), 3)
    with pytest.raises(BadInput, match="must be odd and below 32768"):
        determinants(room(torus(2, 3), 4).alpha, (65537,))
    assert alexander(circle()) == [1] and jones(circle()) == {0: 1} and determinant(circle()) == 1
