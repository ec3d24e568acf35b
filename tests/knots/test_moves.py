"""Masks and results under jit and vmap against the reference; inverses; the numbering of actions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.knots.reference import Reference, walk

from ansatz.errors import BadInput
from ansatz.knots.codes import from_braid, from_pd, torus
from ansatz.knots.diagram import Diagram
from ansatz.knots.moves import (
    KINDS,
    Actions,
    Move,
    apply,
    as_move,
    as_tuple,
    face_labels,
    inverse,
    is_legal,
    masks,
    room,
)

CAPACITY, REACH, BATCH = 9, 2, 1000
STARTS = {
    "unknot": from_pd([[1, 1, 2, 2]]),
    "trefoil": from_braid([1, 1, 1]),
    "figure eight": from_braid([1, -2, 1, -2]),
    "links": torus(2, 4),
}
APPLY = jax.jit(jax.vmap(apply))
MASKS = jax.jit(jax.vmap(lambda alpha: masks(alpha, REACH)))
ONE_APPLY = jax.jit(apply)
ONE_MASKS = jax.jit(lambda alpha: masks(alpha, REACH))


def arrays(found: list[tuple[Reference, tuple]]) -> tuple[Diagram, Move]:
    """Stack diagrams and moves."""
    diagrams = [reference.diagram(CAPACITY) for reference, _ in found]
    codes = []
    for _, (name, first, *rest) in found:
        second, level = (rest[0], rest[1]) if name == "R2+" else (0, rest[0] if rest else 0)
        codes.append((KINDS.index(name), first, second, level))
    alpha = jnp.asarray(np.stack([d.alpha for d in diagrams]))
    circles = jnp.asarray([d.circles for d in diagrams], jnp.int32)
    return Diagram(alpha, circles), Move(*jnp.asarray(np.array(codes, np.int32).T))


def marked(found) -> list[set[tuple]]:
    """The moves that masks allow, as the reference names them."""
    alphas, marks = found
    sets: list[set[tuple]] = [set() for _ in alphas]
    for name, mask in zip(("R1-", "R2-", "R3"), marks[:3], strict=True):
        for i, d in np.argwhere(np.asarray(mask)):
            sets[i].add((name, int(d)))
    for i, d, j in np.argwhere(np.asarray(marks.r1_plus)):
        sets[i].add(("R1+", int(d), int(j)))
    for i, d, k, o in np.argwhere(np.asarray(marks.r2_plus)):
        e = int(d)
        for _ in range(k + 1):
            a = int(alphas[i][e])
            e = 4 * (a // 4) + (a - 1) % 4
        sets[i].add(("R2+", int(d), e, int(o)))
    for i, c in np.argwhere(np.asarray(marks.change)):
        sets[i].add(("XC", 4 * int(c)))
    return sets


def compare(steps: int, seed: int) -> int:
    """Compare masks and results on `steps` diagrams of random walks; return how many were compared.

    `compare(100_000, 0)` is the long form: a minute or two.
    """
    seen = []
    for i, start in enumerate(STARTS.values()):
        seen += walk(start, steps // len(STARTS), CAPACITY, REACH, seed + i, changes=True)
    for begin in range(0, len(seen), BATCH):
        part = seen[begin : begin + BATCH]
        diagrams, moves = arrays([(here, move) for here, _, move, _ in part])
        allowed = marked((np.asarray(diagrams.alpha), MASKS(diagrams.alpha)))
        for (here, legal, _, _), found in zip(part, allowed, strict=True):
            assert found == legal, here.joined
        results = APPLY(diagrams, moves)
        wanted = np.stack([after.diagram(CAPACITY).alpha for *_, after in part])
        differ = np.flatnonzero((np.asarray(results.alpha) != wanted).any(1))
        assert differ.size == 0, [part[i][2] for i in differ[:5]]
        assert [int(c) for c in results.circles] == [after.circles for *_, after in part]
    return len(seen)


@pytest.fixture(scope="module")
def seen():
    found = []
    for i, start in enumerate(STARTS.values()):
        found += walk(start, 250, CAPACITY, REACH, 100 + i, changes=True)
    return found


def test_masks_and_results_agree_with_the_reference():
    assert compare(10_000, 0) == 10_000


def test_every_kind_occurs_and_every_diagram_is_sound(seen):
    assert {move[0] for _, _, move, _ in seen} == set(KINDS)
    assert all(after.sound() for *_, after in seen)
    assert all(after.components() == here.components() for here, _, _, after in seen)


def test_inverses_take_back(seen):
    diagrams, moves = arrays([(here, move) for here, _, move, _ in seen])
    back, exists = jax.jit(jax.vmap(inverse))(diagrams.alpha, moves)
    after = APPLY(diagrams, moves)
    legal = jax.jit(jax.vmap(is_legal))(after.alpha, back)
    again = APPLY(after, back)
    exists = np.asarray(exists)
    assert exists.mean() > 0.9 and bool(np.asarray(legal)[exists].all())
    for i in np.flatnonzero(exists):
        start = Diagram(np.asarray(diagrams.alpha[i]), int(diagrams.circles[i]))
        end = Diagram(np.asarray(again.alpha[i]), int(again.circles[i]))
        assert end.canonical() == start.canonical(), seen[i][2]
    refused = [seen[i] for i in np.flatnonzero(~exists)]
    assert {move[0] for _, _, move, _ in refused} <= {"R1-", "R2-"}


def test_legal_is_what_the_masks_mark(seen):
    rng = np.random.default_rng(0)
    tried, expected = [], []
    for here, legal, _, _ in seen[::2]:
        for name in KINDS:
            darts = rng.integers(0, 4 * CAPACITY, 2).tolist()
            if name == "R2+":
                move = (name, *darts, int(rng.integers(2)))
                d, e = darts
                fits = len(here.crossings) + 2 <= CAPACITY
                good = fits and d in here.joined and d != e and e in here.face(d)
            else:
                move = (name, darts[0], 0) if name == "R1+" else (name, darts[0])
                d = darts[0] - darts[0] % 4 if name == "XC" else darts[0]
                good = (name, d, 0) in legal if name == "R1+" else (name, d) in legal
            tried.append((here, move))
            expected.append(good)
    diagrams, moves = arrays(tried)
    found = jax.jit(jax.vmap(is_legal))(diagrams.alpha, moves)
    assert np.asarray(found).tolist() == expected
    assert 0 < sum(expected) < len(expected)


def test_actions_number_what_the_masks_mark(seen):
    actions = Actions(CAPACITY, REACH)
    alpha = jnp.asarray(np.stack([here.diagram(CAPACITY).alpha for here, *_ in seen[:200]]))
    marks = np.asarray(jax.jit(jax.vmap(actions.mask))(alpha))
    assert marks.shape[1] == actions.size == sum(actions.parts)
    rows, numbers = np.nonzero(marks)
    moves = jax.jit(jax.vmap(actions.move))(alpha[rows], jnp.asarray(numbers, jnp.int32))
    columns = [np.asarray(part) for part in moves]
    named: list[list[tuple]] = [[] for _ in alpha]
    for i, *one in zip(rows, *columns, strict=True):
        named[i].append(as_tuple(Move(*one)))
    for (_, legal, _, _), found in zip(seen, named, strict=False):
        assert len(found) == len(set(found)) and set(found) == legal


def test_faces_are_labelled_by_their_least_dart(seen):
    label = jax.jit(face_labels)
    for here, *_ in seen[::10]:
        labels = np.asarray(label(jnp.asarray(here.diagram(CAPACITY).alpha)))
        assert all(labels[d] == min(here.face(d)) for d in here.joined)


def test_circles_are_counted_when_components_come_free():
    hopf = room(from_braid([1, 1]), CAPACITY)
    loose = ONE_APPLY(hopf, as_move(("XC", 0)))
    bigon = int(np.flatnonzero(ONE_MASKS(loose.alpha).r2_minus)[0])
    pulled = ONE_APPLY(loose, as_move(("R2-", bigon)))
    assert int(pulled.circles) == 2 and not np.asarray(ONE_MASKS(pulled.alpha).change).any()


def test_capacity_is_a_limit():
    for crossings, kink, push in ((CAPACITY, False, False), (CAPACITY - 1, True, False), (3, True, True)):
        marks = ONE_MASKS(room(torus(2, crossings), CAPACITY).alpha)
        assert np.asarray(marks.r1_plus).any() == kink and np.asarray(marks.r2_plus).any() == push
    with pytest.raises(BadInput, match="3 crossings needs room"):
        room(from_braid([1, 1, 1]), 2)
    with pytest.raises(BadInput, match="PASS"):
        as_move(("PASS", 0, 1))
