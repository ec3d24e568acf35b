"""The keyed permutation and the sources on the device."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.core import BadInput, Clock, Pairs
from ansatz.data import Blocks, Table, Whole
from ansatz.data.shuffle import epoch_words, mix, shuffled, sides

CLOCK = Clock(jnp.asarray(0), jnp.asarray(10))
KEY = jax.random.key(3)
WORDS = jax.random.bits(KEY, (3, 2), jnp.uint32)


def pairs(n: int) -> Pairs:
    return Pairs(jnp.arange(n, dtype=jnp.float32)[:, None], jnp.arange(n, dtype=jnp.int32))


def draw(source, steps: int, key=KEY):
    state = source.init(None, key)
    step = jax.jit(lambda source, state: source.next(state, None, CLOCK, KEY))
    batches = []
    for _ in range(steps):
        batch, state = step(source, state)
        batches.append(batch)
    return batches, state


def in_numpy(n: int, words: np.ndarray) -> np.ndarray:
    """The same network in NumPy's wrapping arithmetic, to test every n without compiling each."""

    def mixed(x: np.ndarray) -> np.ndarray:
        x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
        x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
        return x ^ (x >> np.uint32(16))

    a, b = sides(n)
    assert a * b >= n and (n > 256 or a == int(np.ceil(np.sqrt(n))))
    first, second, keys = words[:1], words[1:], []
    for number in range(6):
        second = mixed(second + np.uint32((0x9E3779B9 * (number + 1)) & 0xFFFFFFFF))
        keys.append(mixed(first ^ second))
    place = np.arange(n, dtype=np.uint32)
    todo = np.ones(n, bool)
    while todo.any():
        left, right = place // np.uint32(b), place % np.uint32(b)
        for number, key in enumerate(keys):
            if number % 2 == 0:
                left = (left + mixed(right ^ key) % np.uint32(a)) % np.uint32(a)
            else:
                right = (right + mixed(left ^ key) % np.uint32(b)) % np.uint32(b)
        place = np.where(todo, left * np.uint32(b) + right, place)
        todo = place >= n
    return place


def test_bijection_for_every_n_and_several_keys():
    for n in range(1, 2001):
        for words in np.asarray(WORDS):
            assert (np.sort(in_numpy(n, words)) == np.arange(n)).all()


@pytest.mark.parametrize("n", [1, 2, 3, 5, 7, 64, 65, 100, 999, 1024, 1025, 60_000])
def test_compiled_permutation_is_the_same_bijection(n: int):
    for words in WORDS:
        order = np.asarray(jax.jit(shuffled, static_argnums=1)(jnp.arange(n), n, words))
        assert (np.sort(order) == np.arange(n)).all()
        assert (order == in_numpy(n, np.asarray(words))).all()


def test_permutation_under_vmap_equals_one_by_one():
    n = 37
    together = jax.vmap(lambda words: shuffled(jnp.arange(n), n, words))(WORDS)
    apart = jnp.stack([shuffled(jnp.arange(n), n, words) for words in WORDS])
    single = jax.vmap(lambda i: shuffled(i, n, WORDS[0]))(jnp.arange(n))
    assert (together == apart).all() and (single == apart[0]).all()


def test_places_are_uniform_over_keys():
    n, draws = 10, 4000
    words = jax.random.bits(jax.random.key(0), (draws, 2), jnp.uint32)
    orders = np.asarray(jax.vmap(lambda w: shuffled(jnp.arange(n), n, w))(words))
    expected = draws / n
    counts = np.stack([np.bincount(orders[:, i], minlength=n) for i in range(n)])
    # χ² of n(n−1) cells with (n−1)² degrees of freedom: mean 81, standard deviation 12.7
    assert ((counts - expected) ** 2 / expected).sum() < 81 + 5 * 12.7
    neighbors = np.bincount((orders[:, 1] - orders[:, 0]) % n, minlength=n)[1:]
    assert ((neighbors - draws / 9) ** 2 / (draws / 9)).sum() < 8 + 5 * 4


def test_epochs_have_orders_of_their_own():
    words = epoch_words(WORDS[0], jnp.arange(50))
    assert words.shape == (2, 50) and len({tuple(w) for w in np.asarray(words).T.tolist()}) == 50
    assert len(np.unique(np.asarray(mix(jnp.arange(4096, dtype=jnp.uint32))))) == 4096


@pytest.mark.parametrize(("n", "batch"), [(10, 5), (10, 3), (7, 7), (13, 1), (5, 9), (1, 1)])
def test_each_example_once_an_epoch(n: int, batch: int):
    epochs = 6
    size = min(batch, n)
    batches, state = draw(Table(pairs(n), batch), epochs * n // size)
    seen = np.concatenate([np.asarray(b.y) for b in batches])
    whole = [seen[i * n : (i + 1) * n] for i in range(len(seen) // n)]
    assert all((np.sort(epoch) == np.arange(n)).all() for epoch in whole)
    assert (np.concatenate([np.asarray(b.x)[:, 0] for b in batches]) == seen).all()
    assert int(state.epoch) == len(seen) // n and int(state.cursor) == len(seen) % n
    if n > 5:
        assert len({tuple(epoch) for epoch in whole}) > 1


def test_table_resumes_and_repeats_by_its_key():
    table = Table(pairs(11), 4)
    (first, second), _ = draw(table, 2)
    state = table.init(None, KEY)
    _, state = table.next(state, None, CLOCK, KEY)
    batch, _ = table.next(state, None, CLOCK, jax.random.key(99))
    assert (batch.y == second.y).all()
    other, _ = draw(table, 2, jax.random.key(4))
    assert not (np.asarray(first.y) == np.asarray(other[0].y)).all()


def test_members_share_data_and_differ_in_rows():
    data = pairs(10)
    rows = jnp.asarray([[0, 1, 2, 3], [6, 7, 8, 9]])
    members = [Table(data, 2, r) for r in rows]
    for member, allowed in zip(members, np.asarray(rows), strict=True):
        batches, _ = draw(member, 2)
        assert sorted(np.concatenate([np.asarray(b.y) for b in batches])) == allowed.tolist()
    axes = eqx.tree_at(
        lambda t: t.rows, jax.tree.map(lambda _: None, members[0]), 0, is_leaf=lambda x: x is None
    )
    stacked = eqx.tree_at(lambda t: t.rows, members[0], rows)
    states = jax.vmap(lambda k: members[0].init(None, k))(jax.random.split(KEY, 2))
    batch, _ = eqx.filter_vmap(lambda t, s: t.next(s, None, CLOCK, KEY), in_axes=(axes, 0))(stacked, states)
    assert set(np.asarray(batch.y[0])) <= {0, 1, 2, 3} and set(np.asarray(batch.y[1])) <= {6, 7, 8, 9}


def test_whole_and_blocks():
    (batch,), _ = draw(Whole(pairs(5)), 1)
    assert batch.y.tolist() == [0, 1, 2, 3, 4] and batch.weight is None
    (part,), _ = draw(Whole(pairs(5), np.array([4, 1])), 1)
    assert part.y.tolist() == [4, 1]
    blocks = Blocks(pairs(5), 2)
    assert blocks.blocks == 3
    batches, state = draw(blocks, 3)
    assert [b.y.tolist() for b in batches] == [[0, 1], [2, 3], [4, 4]]
    assert [b.weight.tolist() for b in batches] == [[1, 1], [1, 1], [1, 0]]
    assert int(state) == 0
    assert draw(Blocks(pairs(4), 2), 1)[0][0].weight is None
    weighted = pairs(3)._replace(weight=jnp.asarray([0.5, 2.0, 3.0]))
    assert [b.weight.tolist() for b in draw(Blocks(weighted, 2), 2)[0]] == [[0.5, 2.0], [3.0, 0.0]]
    assert draw(Blocks(pairs(5), 2, [3, 1, 2]), 2)[0][1].y.tolist()[0] == 2


@pytest.mark.parametrize("kind", [Table, Blocks])
def test_wrong_data_get_a_sentence(kind):
    uneven = Pairs(jnp.ones((3, 1)), jnp.ones(4))
    for options, words in [
        ((uneven, 2), "same N"),
        ((Pairs(jnp.ones((0, 1)), jnp.ones(0)), 2), "same N"),
        ((pairs(3), 0), "at least 1"),
        ((pairs(3), 2, [0, 3]), "the table has 3 rows"),
        ((pairs(3), 2, [-1]), "the table has 3 rows"),
        ((pairs(3), 2, np.zeros(0, int)), "row numbers"),
    ]:
        with pytest.raises(BadInput, match=words):
            kind(*options)


def test_a_table_carries_no_order():
    state = Table(pairs(1000), 10).init(None, KEY)
    assert sum(leaf.size for leaf in jax.tree.leaves(state)) == 4
