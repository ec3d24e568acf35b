"""Every source against every law; a guard fails when one is added without them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import ansatz.data as data
from ansatz.core import Pairs, Source
from ansatz.store import decode, encode, known_classes
from ansatz.training.step import clock_at

KEY = jr.key(5)
PAIRS = Pairs(jnp.arange(14.0).reshape(7, 2), jnp.arange(7))
ROWS = jnp.asarray([5, 1, 2], jnp.int32)
TEXT = jnp.asarray([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8], jnp.int32)
SOURCES = {
    "Table": lambda: data.Table(PAIRS, 3),
    "Table of rows": lambda: data.Table(PAIRS, 2, ROWS),
    "Whole": lambda: data.Whole(PAIRS, ROWS),
    "Blocks": lambda: data.Blocks(PAIRS, 3),
    "Held": lambda: data.Held(data.Table(PAIRS, 3), 4),
    "Tokens": lambda: data.Tokens(TEXT, 3, 4),
    "Tokens with more": lambda: data.Tokens(TEXT, 2, 5, {"rows": jnp.arange(24.0).reshape(12, 2)}),
    "TokenBlocks": lambda: data.TokenBlocks(TEXT, 2, 4),
}
OF_ROWS = [name for name in SOURCES if not name.startswith("Token")]
"""Sources of rows of a table; the others cut windows of a text."""
ON_HOST = {"Stream", "Batches"}
"""Sources that draw in Python; `tests/training/test_hosted.py` and `tests/data` hold theirs."""


def test_no_source_escapes():
    found = {
        name
        for name in data.__all__
        if isinstance(getattr(data, name), type) and issubclass(getattr(data, name), Source)
    }
    assert found == {name.split()[0] for name in SOURCES} | ON_HOST
    assert all(getattr(data, name).host for name in ON_HOST)


def walk(source, steps, jitted, key=KEY):
    arrays, rest = eqx.partition(source, eqx.is_array)
    traces = []

    def draw(arrays, state, step):
        traces.append(step)
        clock = clock_at(step, 100)
        return eqx.combine(arrays, rest).next(state, None, clock, jr.fold_in(key, step))

    call = jax.jit(draw) if jitted else draw
    state, batches = source.init(None, key), []
    for i in range(steps):
        batch, state = call(arrays, state, jnp.asarray(i, jnp.int32))
        batches.append(jax.tree.map(np.asarray, batch))
    return batches, state, len(traces)


def same(a, b):
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return all(np.array_equal(x, y) and np.asarray(x).dtype == np.asarray(y).dtype for x, y in pairs)


@pytest.mark.parametrize("name", SOURCES)
def test_jitted_equals_eager_and_is_traced_once(name):
    eager, state, _ = walk(SOURCES[name](), 6, jitted=False)
    compiled, other, traces = walk(SOURCES[name](), 6, jitted=True)
    assert same(eager, compiled) and same(state, other)
    assert traces == 1


@pytest.mark.parametrize("name", SOURCES)
def test_same_key_same_batches(name):
    assert same(walk(SOURCES[name](), 5, jitted=True)[0], walk(SOURCES[name](), 5, jitted=True)[0])


@pytest.mark.parametrize("name", SOURCES)
def test_batches_and_states_keep_their_shapes(name):
    source = SOURCES[name]()
    batches, state, _ = walk(source, 4, jitted=True)
    shapes = [[x.shape for x in jax.tree.leaves(batch)] for batch in batches]
    assert all(shape == shapes[0] for shape in shapes)
    first = source.init(None, KEY)
    assert jax.tree.structure(first) == jax.tree.structure(state)
    pairs = zip(jax.tree.leaves(first), jax.tree.leaves(state), strict=True)
    assert all(a.shape == b.shape and a.dtype == b.dtype for a, b in pairs)


@pytest.mark.parametrize("name", OF_ROWS)
def test_every_batch_holds_rows_of_the_data(name):
    for batch in walk(SOURCES[name](), 7, jitted=True)[0]:
        assert np.array_equal(batch.x, np.asarray(PAIRS.x)[batch.y])


@pytest.mark.parametrize("name", [name for name in SOURCES if name not in OF_ROWS])
def test_every_window_is_a_piece_of_the_text(name):
    source = SOURCES[name]()
    pieces = {tuple(TEXT[i : i + source.window + 1].tolist()) for i in range(len(TEXT) - source.window)}
    for batch in walk(source, 7, jitted=True)[0]:
        assert {tuple(row) for row in batch.tokens.tolist()} <= pieces


@pytest.mark.parametrize("name", SOURCES)
def test_a_saved_state_goes_on_with_the_same_batches(name):
    source = SOURCES[name]()
    unbroken = walk(source, 8, jitted=True)[0]
    state = walk(source, 3, jitted=True)[1]
    spec, arrays = encode(state)
    state = decode(spec, arrays, known_classes())
    for i in range(3, 8):
        batch, state = source.next(state, None, clock_at(i, 100), jr.fold_in(KEY, i))
        assert same(batch, unbroken[i])


@pytest.mark.parametrize("name", SOURCES)
def test_vmap_over_keys_equals_one_by_one(name):
    source, keys = SOURCES[name](), jr.split(KEY, 3)

    def first(key):
        return source.next(source.init(None, key), None, clock_at(0, 100), key)[0]

    together = jax.vmap(first)(keys)
    for i, key in enumerate(keys):
        assert same(jax.tree.map(lambda x, i=i: x[i], together), first(key))
