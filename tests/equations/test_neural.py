"""A network holds its conditions; its residuals are those of nested derivatives; every method trains it."""

import math

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansatz.core import BadInput, Map
from ansatz.equations.collocation import Adaptive, Squares
from ansatz.equations.declare import problem_of_text
from ansatz.equations.neural import make_ansatz, rows_of, scatter
from ansatz.store import decode, encode, known_classes
from ansatz.training.step import clock_at

OSCILLATOR = ("y'' = -4*y", "t=0..2", ("y(0)=1", "y'(0)=-3"))
BVP = ("y'' = -4*y", "t=0..2", ("y(0)=1", "y(2)=-3"))
BEAM = ("u_xxxx = 24", "x=0..1", ("u(0)=1", "u(1)=2", "u'(0)=0", "u'(1)=0"))
HEAT = ("u_t = u_xx", "t=0..1, x=-1..1", ("u(0,x)=sin(pi*x)+x", "u(t,-1)=-1-t", "u(t,1)=cos(t)"))
WAVE = ("u_tt = 4*u_xx", "t=0..1, x=0..3", ("u(0,x)=x*(3-x)", "u_t(0,x)=x", "u(t,0)=0", "u(t,3)=3*t"))
BOX = (
    "u_xx + u_yy = 0", "x=0..1, y=0..2", ("u(0,y)=y^2", "u(1,y)=y^2-1", "u(x,0)=-x^2", "u(x,2)=4-x^2"),
)  # fmt: skip
BURGERS = ("u_t + u*u_x = 0.1*u_xx", "t=0..1, x=-1..1", ("u(0,x)=-sin(pi*x)", "u(t,-1)=0", "u(t,1)=0"))
PERIODIC = ("u_t + u*u_x + u_xxx = 0", "t=0..1, x=-1..3", ("u(0,x)=cos(pi*x/2)", "periodic(x)"))
PREY = (("x' = x - x*y", "y' = x*y - 2*y"), "t=0..1", ("x(0)=1", "y(0)=0.5"))
ROBIN = ("u_t = u_xx", "t=0..1, x=0..1", ("u(0,x)=1", "u_x(t,0)=u(t,0)-1", "u_x(t,1)=-sin(t)"))
DISK = ("u_xx + u_yy = 1", "x,y=disk(0,0,1)", ("u=x*y",))


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def problem_of(stated):
    text, on, where = stated
    return problem_of_text(list(text) if isinstance(text, tuple) else text, on, list(where))


def untrained(problem, seed=0, size=1.0, soft=False, depth=2):
    """Return an ansatz with every parameter drawn at random, and what it does not hold."""
    model, left = make_ansatz(
        problem, width=6, depth=depth, activation="tanh", soft=soft, waves=2, key=jr.key(seed)
    )
    leaves, treedef = jax.tree.flatten(model)
    keys = jr.split(jr.key(seed + 1), len(leaves))
    drawn = [size * jr.normal(k, leaf.shape, jnp.float64) for k, leaf in zip(keys, leaves, strict=True)]
    return jax.tree.unflatten(treedef, drawn), left


def nested(model, number, index):
    """Return ∂^index of one field of a map by nested forward mode, as a function of a point."""
    function = lambda x: model(x)[number]  # noqa: E731
    for coordinate, order in enumerate(index):
        for _ in range(order):
            function = (lambda f, j: lambda x: jax.jvp(f, (x,), (jnp.eye(x.size)[j],))[1])(
                function, coordinate
            )
    return function


T, Z = np.linspace(0, 1, 7), np.linspace(0, 1, 5)
HELD = {
    "initial": (OSCILLATOR, [((0,), (0 * T,), 1 + 0 * T), ((1,), (0 * T,), -3 + 0 * T)]),
    "ends": (BVP, [((0,), (0 * T,), 1 + 0 * T), ((0,), (2 + 0 * T,), -3 + 0 * T)]),
    "heat": (HEAT, [
        ((0, 0), (0 * T, 2 * T - 1), np.sin(np.pi * (2 * T - 1)) + 2 * T - 1),
        ((0, 0), (T, -1 + 0 * T), -1 - T), ((0, 0), (T, 1 + 0 * T), np.cos(T)),
    ]),
    "wave": (WAVE, [
        ((0, 0), (0 * T, 3 * T), 3 * T * (3 - 3 * T)), ((1, 0), (0 * T, 3 * T), 3 * T),
        ((0, 0), (T, 0 * T), 0 * T), ((0, 0), (T, 3 + 0 * T), 3 * T),
    ]),
    "box": (BOX, [
        ((0, 0), (0 * T, 2 * T), 4 * T**2), ((0, 0), (1 + 0 * T, 2 * T), 4 * T**2 - 1),
        ((0, 0), (T, 0 * T), -(T**2)), ((0, 0), (T, 2 + 0 * T), 4 - T**2),
    ]),
}  # fmt: skip
"""Where a derivative of the field is known, and its values there."""


@pytest.mark.parametrize("name", HELD)
@given(seed=st.integers(0, 2**31 - 2), size=st.sampled_from([0.1, 1.0, 3.0]))
@settings(max_examples=4, deadline=None)
def test_initial_and_boundary_values_are_exact_for_every_theta(name, seed, size):
    stated, known = HELD[name]
    model, left = untrained(problem_of(stated), seed, size)
    assert left == []
    for index, places, expected in known:
        found = model.values(0, places, index)
        np.testing.assert_allclose(found, expected, atol=1e-12 * max(1.0, size), rtol=1e-12)


@given(seed=st.integers(0, 2**31 - 2), order=st.integers(0, 3))
@settings(max_examples=8, deadline=None)
def test_periodic_fields_close_with_their_derivatives(seed, order):
    model, left = untrained(problem_of(PERIODIC), seed)
    low, high = (model.values(0, (T, edge + 0 * T), (0, order)) for edge in (-1.0, 3.0))
    np.testing.assert_allclose(low, high, atol=1e-12 * (1 + np.abs(low).max()) * 10**order)
    np.testing.assert_allclose(
        model.values(0, (0 * T, 4 * T - 1), (0, 0)), np.cos(np.pi * (4 * T - 1) / 2), atol=1e-12
    )
    assert left == []


def test_fields_of_which_one_alone_is_periodic_get_a_sentence():
    mixed = (
        ("u_t = u_xx", "v_t = v_xx"), "t=0..1, x=0..1",
        ("u(0,x)=0", "v(0,x)=0", "u(t,0)=u(t,1)", "v(t,0)=0", "v(t,1)=0"),
    )  # fmt: skip
    with pytest.raises(BadInput, match="periodic in x"):
        untrained(problem_of(mixed))


def test_both_fields_of_a_system_start_where_they_must():
    model, left = untrained(problem_of(PREY), 3)
    zero = np.zeros(1)
    assert left == []
    assert [float(model.values(n, (zero,), (0,))[0]) for n in (0, 1)] == pytest.approx([1.0, 0.5], abs=1e-13)


def test_the_map_and_its_jets_agree():
    model, _ = untrained(problem_of(WAVE), 4)
    places = (T, 3 * Z[:1] + T)
    points = jnp.asarray(np.stack(places, 1))
    for index in ((0, 0), (1, 0), (0, 2), (2, 1), (2, 2)):
        expected = jax.vmap(nested(model, 0, index))(points)
        np.testing.assert_allclose(
            model.values(0, places, index), expected, atol=1e-10 * (1 + float(abs(expected).max()))
        )


ROWS = {
    "oscillator": (OSCILLATOR, lambda u: lambda x: (u(0, (2,))(x) + 4 * u(0, (0,))(x),)),
    "beam": (BEAM, lambda u: lambda x: (u(0, (4,))(x) - 24,)),
    "burgers": (
        BURGERS,
        lambda u: lambda x: (u(0, (1, 0))(x) + u(0, (0, 0))(x) * u(0, (0, 1))(x) - 0.1 * u(0, (0, 2))(x),),
    ),
    "periodic": (
        PERIODIC,
        lambda u: lambda x: (u(0, (1, 0))(x) + u(0, (0, 0))(x) * u(0, (0, 1))(x) + u(0, (0, 3))(x),),
    ),
    "prey": (
        PREY,
        lambda u: (
            lambda t: (
                u(0, (1,))(t) - u(0, (0,))(t) * (1 - u(1, (0,))(t)),
                u(1, (1,))(t) - u(1, (0,))(t) * (u(0, (0,))(t) - 2),
            )
        ),
    ),
}


def values_of(rows, model, block=0):
    one = rows[block]
    return np.asarray(
        jax.jit(jax.vmap(one.residual, (None, 0)))(model, jax.tree.map(jnp.asarray, one.points))
    )


@pytest.mark.parametrize("name", ROWS)
def test_residuals_are_those_of_nested_derivatives(name):
    stated, by_hand = ROWS[name]
    problem = problem_of(stated)
    model, left = untrained(problem, 7, 0.5)
    rows = rows_of(problem, model, left, 16, 0, 3.0)
    found = values_of(rows, model)
    points = jnp.asarray(rows[0].points.x)
    assert found.shape == (16, len(problem.equations))
    expected = jax.vmap(lambda x: jnp.stack(by_hand(lambda n, i: nested(model, n, i))(x)))(points)
    expected = np.asarray(expected) / 4
    signs = np.sign((found * expected).sum(0, keepdims=True))
    np.testing.assert_allclose(found, signs * expected, atol=1e-10 * (1 + float(abs(expected).max())))


def test_what_is_not_built_in_becomes_rows_at_its_place():
    problem = problem_of(ROBIN)
    model, left = untrained(problem, 2)
    assert {c.text for c in left} == {c.text for c in problem.conditions if "u_x" in c.text}
    np.testing.assert_allclose(model.values(0, (0 * T, T), (0, 0)), 1.0, atol=1e-12)
    rows = rows_of(problem, model, left, 256, 0, 3.0)
    assert len(rows) == 3 and len(rows[1].points.x) == 32
    u, slope = nested(model, 0, (0, 0)), nested(model, 0, (0, 1))
    for block, expected in ((1, lambda x: slope(x) - u(x) + 1), (2, lambda x: slope(x) + jnp.sin(x[0]))):
        points = jnp.asarray(rows[block].points.x)
        assert set(np.asarray(points[:, 1])) == {block - 1.0}
        by_hand = 3 * jax.vmap(expected)(points) / math.sqrt(32)
        np.testing.assert_allclose(abs(values_of(rows, model, block)[:, 0]), abs(by_hand), atol=1e-12)


def test_the_soft_form_holds_nothing_and_weighs_every_condition():
    problem = problem_of(BURGERS)
    model, left = untrained(problem, 5, soft=True)
    assert model.lifts == ("0",) and model.factors == ("1",) and len(left) == 3
    np.testing.assert_allclose(
        jax.vmap(model)(jnp.asarray([[0.3, 0.2]])), jax.vmap(model.net)(jnp.asarray([[0.3, 0.2]]))
    )
    rows = rows_of(problem, model, left, 256, 0, 10.0)
    assert len(rows) == 4
    starts = [i for i in range(1, 4) if not np.asarray(rows[i].points.x)[:, 0].any()]
    points = jnp.asarray(rows[starts[0]].points.x)
    expected = 10 * (jax.vmap(model)(points)[:, 0] + jnp.sin(jnp.pi * points[:, 1])) / math.sqrt(32)
    np.testing.assert_allclose(abs(values_of(rows, model, starts[0])[:, 0]), abs(expected), atol=1e-12)
    loss, _ = Squares(tuple(r.residual for r in rows))(
        model, tuple(jax.tree.map(jnp.asarray, r.points) for r in rows), None
    )
    assert float(loss) == pytest.approx(
        0.5 * sum((values_of(rows, model, i) ** 2).sum() for i in range(4)), rel=1e-12
    )


def test_on_a_shape_the_boundary_is_rows_of_values_or_of_normal_slopes():
    for where, expected in (
        ("u=x*y", lambda u, x: u(x) - x[0] * x[1]),
        ("dn(u)=x", lambda u, x: jax.grad(u)(x) @ x - x[0]),
    ):
        problem = problem_of((DISK[0], DISK[1], (where,)))
        model, left = untrained(problem, 1)
        rows = rows_of(problem, model, left, 64, 0, 3.0)
        points = rows[1].points[0].x
        np.testing.assert_allclose(np.hypot(*points.T), 1.0, atol=1e-12)
        assert (np.hypot(*np.asarray(rows[0].points.x).T) < 1).all()
        u = nested(model, 0, (0, 0))
        by_hand = (
            3 * jax.vmap(lambda x, u=u, e=expected: e(u, x))(jnp.asarray(points)) / math.sqrt(len(points))
        )
        np.testing.assert_allclose(abs(values_of(rows, model, 1)[:, 0]), abs(by_hand), atol=1e-11)


@given(count=st.integers(1, 200), seed=st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_points_are_as_many_as_asked_for_and_inside(count, seed):
    found = scatter(problem_of(PERIODIC), count, seed)
    assert found.shape == (count, 2)
    assert ((found >= [0, -1]) & (found <= [1, 3])).all()
    assert np.array_equal(found, scatter(problem_of(PERIODIC), count, seed))


def test_adaptive_points_gather_where_the_residual_is_large():
    pool = jnp.linspace(0.0, 1.0, 2000)[:, None]
    source = Adaptive((pool, jnp.ones((3, 1))), lambda model, x: jnp.where(x > 0.9, 20.0, 0.1), 200, 5)
    draw = jax.jit(lambda state, step: source.next(state, None, clock_at(step, 100), jr.key(4)))
    state = source.init(None, jr.key(0))
    batch, kept = draw(state, jnp.asarray(4, jnp.int32))
    assert np.array_equal(kept, state) and np.array_equal(batch[0], pool[:200])
    batch, drawn = draw(state, jnp.asarray(5, jnp.int32))
    assert len(set(np.asarray(drawn).tolist())) == 200 and np.array_equal(batch[1], jnp.ones((3, 1)))
    # |r| / mean |r| + 1 is about 10.6 in a tenth and 1.05 elsewhere, so that half of few draws lie there.
    assert 0.35 < float((batch[0] > 0.9).mean()) < 0.6
    flat = Adaptive((pool,), lambda model, x: 0 * x, 200, 5)
    batch, _ = flat.next(state, None, clock_at(5, 100), jr.key(1))
    assert 0.03 < float((batch[0] > 0.9).mean()) < 0.2


def test_the_ansatz_is_a_map_that_a_file_can_hold():
    model, _ = untrained(problem_of(HEAT), 6)
    assert isinstance(model, Map)
    restored = decode(*encode(model), known_classes())
    point = jnp.asarray([0.25, 0.5])
    assert np.array_equal(restored(point), model(point))
