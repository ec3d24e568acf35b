"""Pass moves on arrays against those in plain Python."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from ansatz.errors import BadInput
from ansatz.knots.codes import from_braid, torus
from ansatz.knots.diagram import Diagram
from ansatz.knots.lay import Laid, as_tuple, lay, lay_where
from ansatz.knots.moves import room
from ansatz.knots.passes import check_arc, entered, faces, find_route
from ansatz.knots.play import play, refusal
from ansatz.knots.sketch import Sketch
from ansatz.knots.table import named

LONGEST = 6


@pytest.fixture(scope="module")
def tried():
    """Every dart of several diagrams, with several keys each."""
    knots = [room(named(name), 36) for name in ("Culprit", "D28", "ReducedOchiaiII", "6_2")]
    knots += [room(from_braid([1, -2, 1, 3, -2, -4]), 36), room(torus(2, 4), 36)]
    alpha = jnp.stack([knot.alpha for knot in knots])
    n = alpha.shape[1]
    each = jnp.repeat(jnp.arange(len(knots)), 3 * n)
    starts = jnp.tile(jnp.arange(n, dtype=jnp.int32), 3 * len(knots))
    diagrams = Diagram(alpha[each], jnp.zeros(each.size, jnp.int32))
    keys = jr.split(jr.key(0), each.size)
    found = jax.jit(jax.vmap(lambda one, s, key: lay(one, s, key, LONGEST)))(diagrams, starts, keys)
    return np.asarray(diagrams.alpha), jax.tree.map(np.asarray, found)


def test_passes_are_those_of_plain_python(tried):
    before, found = tried
    legal, kept, gained = 0, 0, 0
    for i in np.flatnonzero(found.legal):
        one = jax.tree.map(lambda leaf, i=i: leaf[i], found)
        move = as_tuple(Laid(*one))
        sketch = Sketch(Diagram(before[i]))
        assert refusal(sketch, move) is None, move
        play(sketch, move)
        assert sketch.alpha == one.diagram.alpha.tolist(), move
        legal, kept = legal + 1, kept + (len(move) - 3 == move[2])
        gained += len(move) - 3 < move[2]
    assert legal > 400 and kept > 100 and gained > 20


def test_what_is_not_legal_stays(tried):
    before, found = tried
    refused = np.flatnonzero(~found.legal)
    assert np.array_equal(found.diagram.alpha[refused], before[refused])
    wrong = 0
    for i in refused:
        sketch, s, k = Sketch(Diagram(before[i])), int(found.start[i]), int(found.crossed[i])
        if not sketch.has(s):
            continue
        *arc, t = entered(sketch, s, k)
        try:
            check_arc(s, arc, t)
        except BadInput:
            wrong += 1
            continue
        link = Diagram(before[i]).components > 1
        assert link, (s, arc, t)
    assert wrong > 5


def test_routes_are_shortest(tried):
    import random

    before, found = tried
    for i in np.flatnonzero(found.legal)[::9]:
        sketch, s = Sketch(Diagram(before[i])), int(found.start[i])
        k, steps = int(found.crossed[i]), int((found.route[i] >= 0).sum())
        *arc, t = entered(sketch, s, k)
        route = find_route(sketch, faces(sketch), (s, arc, t), random.Random(0))
        assert route is None or len(route) == steps


def test_routes_differ_with_the_key(tried):
    before, found = tried
    ways: dict[tuple, set] = {}
    for i in np.flatnonzero(found.legal):
        ways.setdefault((before[i].tobytes(), int(found.start[i])), set()).add(tuple(found.route[i].tolist()))
    assert sum(len(way) > 1 for way in ways.values()) > 10


def test_in_a_batch_those_that_need_it_are_laid(tried):
    before, found = tried
    rows = np.flatnonzero(found.legal)[::7]
    keys = jr.split(jr.key(0), len(before))[rows]
    laid = jax.jit(jax.vmap(lambda need, one, s, key: lay_where(need, one, s, key, LONGEST)))
    assert (found.diagram.alpha[rows] != before[rows]).any(1).sum() > 40
    for share in (0, 3, 1):
        need = np.arange(len(rows)) % 3 < share
        alpha = laid(need, before[rows], found.start[rows], keys)
        assert np.array_equal(alpha, np.where(need[:, None], found.diagram.alpha[rows], before[rows]))
