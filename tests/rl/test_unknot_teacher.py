"""Lessons for untying: the actions that moves are, the shortest ways, and what is left out."""

from random import Random

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.core import BadInput
from ansatz.knots.codes import from_braid
from ansatz.knots.diagram import Diagram
from ansatz.knots.families import images
from ansatz.knots.moves import as_tuple
from ansatz.knots.play import play
from ansatz.knots.sketch import Sketch
from ansatz.knots.table import named
from ansatz.rl.envs.unknot import Unknot
from ansatz.rl.imitation import Imitate, agreement
from ansatz.rl.unknot_baselines import legal_moves
from ansatz.rl.unknot_teacher import Ways, course_of, named_by, strayed, ways
from ansatz.training.fit import fit

ENV = Unknot(capacity=16)
HARD = [named("Culprit"), named("Monster")]


@pytest.fixture(scope="module")
def graph():
    """Return the ways from two hard diagrams."""
    return ways(HARD, starts=3, tries=6, kept=3, most=14)


def test_the_actions_of_a_move_are_those_that_lead_where_it_leads():
    alpha = named("Goeritz").resized(16).alpha
    sketch = Sketch(Diagram(alpha, 0))
    wanted = {}
    for move in legal_moves(sketch, 16):
        after = sketch.copy()
        play(after, move)
        wanted[move] = after.diagram().canonical()
    codes = {}
    for action in np.flatnonzero(np.asarray(ENV.table.mask(jnp.asarray(alpha)))[: ENV.actions.n]).tolist():
        move = as_tuple(jax.device_get(ENV.table.move(jnp.asarray(alpha), jnp.int32(action))))
        codes[action] = wanted[move]
    for move, code in wanted.items():
        actions = named_by(ENV, alpha, move)
        assert actions and {codes[action] for action in actions} == {code}


def test_r2_is_named_from_its_nearer_end():
    alpha = named("Thistlethwaite").resized(20).alpha
    sketch, env = Sketch(Diagram(alpha, 0)), Unknot(capacity=20, reach=2)
    far = [(d, face) for d in range(60) if len(face := sketch.face(d)) >= 5]
    d, face = far[0]
    assert named_by(env, alpha, ("R2+", d, face[-1], 0)) == named_by(env, alpha, ("R2+", face[-1], d, 1))
    (action,) = named_by(env, alpha, ("R2+", d, face[-1], 0))
    assert as_tuple(jax.device_get(env.table.move(jnp.asarray(alpha), jnp.int32(action)))) == (
        "R2+", face[-1], d, 1)  # fmt: skip
    assert not named_by(Unknot(capacity=20, reach=1), alpha, ("R2+", d, face[2], 0))
    assert not named_by(Unknot(capacity=16), alpha[:64], ("R2+", d, face[1], 0))
    assert named_by(Unknot(capacity=16), alpha[:64], ("R1+", d, 0))


def test_a_detour_of_one_way_is_cut_by_another():
    start, found = from_braid([1, 2]).resized(3), Ways()
    long = [("R1+", 0, 0), ("R1-", 0), ("R1-", 5), ("R1-", 8)]
    sketch, made = Sketch(start), []
    for move in long:
        if sketch.crossings:
            move = move if move[0] == "R1+" else sketch.removable()
            play(sketch, move)
            made.append(move)
    found.add(start, made)
    assert found.distances()[start.canonical()] == len(made)
    sketch = Sketch(start)
    short = []
    while (move := sketch.removable()) is not None:
        play(sketch, move)
        short.append(move)
    found.add(start, short)
    assert found.distances()[start.canonical()] == 2


def test_every_lesson_leads_one_move_nearer(graph):
    distances = graph.distances()
    for alpha, moves, left in graph.nearer():
        for move in moves:
            sketch = Sketch(Diagram(np.asarray(alpha, np.int32), 0))
            play(sketch, move)
            code = sketch.diagram().canonical() if sketch.crossings else ()
            assert distances[code] == left - 1
    # The Culprit needs crossings added; nobody knows a way of fewer than ten moves for it.
    assert distances[named("Culprit").canonical()] >= 10


def test_lessons_are_legal_and_leave_out_what_is_excluded(graph):
    course = course_of(ENV, graph)
    legal = np.asarray(jax.jit(jax.vmap(ENV.legal))(course.lessons.states))
    assert not (course.lessons.policy & ~legal).any()
    assert course.lessons.policy.any(1).all() and course.left.min() == 1
    fewer = course_of(ENV, graph, HARD)
    banned = {one.canonical() for hard in HARD for one in images(hard)}
    shown = [Diagram(alpha, 0).canonical() for alpha in np.asarray(fewer.lessons.states.alpha)]
    assert not banned & set(shown) and 0 < len(course.left) - len(fewer.left) <= len(banned)


def test_the_network_learns_lessons(graph):
    course = course_of(ENV, graph)
    far = course.lessons.take(np.flatnonzero(course.left >= 5)[:64])
    recipe = Imitate(network="darts", width=16, depth=2, batch=64, learning_rate=1e-2)
    before, run = recipe.build(far, jax.random.key(0)).model, fit(recipe, far, steps=150, key=0)
    assert agreement(run.model, far) > agreement(before, far) + 0.3


def test_strayed_diagrams_stay_unknots_of_bounded_size():
    found = [strayed(HARD[0], Random(seed), 13) for seed in range(30)]
    assert max(one.crossings for one in found) <= 13 and len({one.canonical() for one in found}) > 15
    assert all(one.check().components == 1 for one in found)


def test_nothing_to_teach_is_said():
    with pytest.raises(BadInput, match="untied nothing"):
        course_of(ENV, Ways())
    with pytest.raises(BadInput, match="starts"):
        ways(HARD, starts=0)
