"""Attention against the formulas of the notes, head by head, and what its options promise."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.core import BadInput
from ansatz.maps import Across, CrossAttention, FeedForward, Positions, Projection, RMSNorm, SelfAttention
from ansatz.maps.attend import attend, causal, probabilities
from ansatz.maps.feed_forward import NONLINEARITIES
from ansatz.maps.positions import rotate, sinusoidal

KEY = jax.random.key(0)
call = eqx.filter_jit(lambda function, *given: function(*given))


def normal(*shape):
    return jnp.asarray(np.random.default_rng(3).normal(size=shape))


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def by_the_notes(attention, w, allowed):
    """Return A_i as the notes write it: for each head, each i, each j."""
    count, size = attention.heads, attention.head_size
    q, k, v = (np.asarray(m).reshape(count, size, -1) for m in np.split(attention.query_key_value.weight, 3))
    result = np.zeros((len(w), count * size))
    for h in range(count):
        for i in range(len(w)):
            r = [(q[h] @ w[i]) @ (k[h] @ w[j]) / math.sqrt(size) for j in range(len(w))]
            e = [math.exp(r[j]) * allowed[i, j] for j in range(len(w))]
            a = sum(e[j] / sum(e) * (v[h] @ w[j]) for j in range(len(w)))
            result[i, h * size : (h + 1) * size] = a
    return result


@pytest.mark.parametrize("masked", [False, True])
def test_self_attention_is_the_formula_of_the_notes(masked):
    attention = SelfAttention(512, 8, output=False, bias=False, key=KEY)
    assert attention.head_size == 64
    w = normal(4, 512)
    mask = causal(4) if masked else None
    expected = by_the_notes(attention, np.asarray(w), np.tri(4) if masked else np.ones((4, 4)))
    np.testing.assert_allclose(call(attention, w, mask), expected, rtol=0, atol=1e-13)


def test_probabilities_are_those_by_which_the_answers_are_weighed():
    attention = SelfAttention(12, 3, output=False, key=KEY)
    x = normal(5, 12)
    p = call(attention.attention, x, causal(5))
    np.testing.assert_allclose(np.asarray(p).sum(-1), 1, rtol=1e-14)
    _, _, v = call(attention.project, x)
    answers = np.einsum("hij,jhd->ihd", p, v).reshape(5, 12)
    np.testing.assert_allclose(call(attention, x, causal(5)), answers, rtol=0, atol=1e-14)


def test_an_output_matrix_follows_the_heads():
    attention = SelfAttention(12, 3, key=KEY)
    x = normal(5, 12)
    q, k, v = call(attention.project, x)
    heads = call(attend, q / 2, k, v).reshape(5, 12)
    assert attention.output is not None
    np.testing.assert_allclose(call(attention, x), call(attention.output, heads), rtol=0, atol=1e-14)


def test_one_mask_for_each_head():
    attention = SelfAttention(8, 4, groups=2, key=KEY)
    x = normal(3, 8)
    mask = jnp.asarray(np.random.default_rng(1).random((4, 3, 3)) < 0.5) | jnp.eye(3, dtype=bool)[None]
    together = np.asarray(call(attention.attention, x, mask))
    mask = np.asarray(mask)
    for h in range(4):
        alone = np.asarray(call(attention.attention, x, jnp.asarray(mask[h])))
        np.testing.assert_allclose(together[h], alone[h], rtol=0, atol=1e-14)
    assert (together[~mask] == 0).all()


@pytest.mark.parametrize("mask", [jnp.ones((2, 4), bool), jnp.ones((3, 3, 3), bool), jnp.ones(3, bool)])
def test_a_mask_of_another_shape_gets_a_sentence(mask):
    with pytest.raises(BadInput, match=r"mask of shape \[3, 3\] or \[4, 3, 3\]"):
        SelfAttention(8, 4, key=KEY)(jnp.zeros((3, 8)), mask)


def test_a_mask_of_numbers_gets_a_sentence():
    with pytest.raises(BadInput, match="booleans"):
        SelfAttention(8, 4, key=KEY)(jnp.zeros((3, 8)), jnp.ones((3, 3)))


def test_a_row_that_sees_nothing_answers_nothing():
    q, k = normal(2, 3, 2, 4)
    mask = jnp.asarray([[True, True, False], [False] * 3, [True] * 3])
    p = call(probabilities, q, k, mask)
    assert (np.asarray(p[:, 1]) == 0).all() and np.allclose(p[:, 0].sum(-1), 1)
    slopes = jax.jit(jax.grad(lambda k: (probabilities(q, k, mask) ** 2).sum()))(k)
    assert np.isfinite(slopes).all()


def test_scores_of_any_size_do_not_overflow():
    q = (1e4 * normal(3, 1, 4)).astype(jnp.float32)
    p = np.asarray(call(probabilities, q, q))
    np.testing.assert_allclose(p.sum(-1), 1, rtol=1e-6)


def test_shared_keys_are_those_of_the_group():
    attention = SelfAttention(12, 6, groups=2, output=False, key=KEY)
    x = normal(5, 12)
    q, k, v = call(attention.project, x)
    k, v = (jnp.asarray(np.repeat(one, 3, axis=1)) for one in (k, v))
    full = np.asarray(call(attend, q / math.sqrt(2), k, v)).reshape(5, 12)
    np.testing.assert_allclose(call(attention, x), full, rtol=0, atol=1e-14)


def test_groups_that_are_all_equal_make_full_heads_with_equal_keys():
    grouped = SelfAttention(12, 6, groups=1, output=False, key=KEY)
    x = normal(5, 12)
    q, k, v = call(grouped.project, x)
    q, k, v = (np.asarray(one) for one in (q, k, v))
    for h in range(6):
        r = q[:, h] @ k[:, 0].T / math.sqrt(2)
        p = np.exp(r) / np.exp(r).sum(1, keepdims=True)
        np.testing.assert_allclose(call(grouped, x)[:, 2 * h : 2 * h + 2], p @ v[:, 0], rtol=0, atol=1e-14)


def test_cosine_scores_lie_between_minus_one_and_one():
    attention = SelfAttention(12, 3, groups=1, cosine=True, rotary=True, key=KEY)
    x = 100 * normal(7, 12)
    scores = np.asarray(call(attention.scores, x))
    assert scores.shape == (3, 7, 7) and np.abs(scores).max() <= 1 + 1e-14
    assert np.abs(call(SelfAttention(12, 3, key=KEY).scores, x)).max() > 10
    r = 2 * scores
    expected = np.exp(r) / np.exp(r).sum(-1, keepdims=True)
    np.testing.assert_allclose(call(attention.attention, x), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("groups", [3, 1])
def test_rotary_scores_depend_on_the_difference_of_positions(groups):
    attention = SelfAttention(12, 3, groups=groups, rotary=True, key=KEY)
    x = jnp.asarray(np.tile(normal(12), (6, 1)))
    scores = np.asarray(call(attention.scores, x))
    for d in range(-5, 6):
        along = np.stack([np.diagonal(head, d) for head in scores])
        np.testing.assert_allclose(along, np.repeat(along[:, :1], 6 - abs(d), axis=1), rtol=0, atol=1e-12)
    assert np.abs(scores[:, 0, 0] - scores[:, 1, 0]).min() > 1e-3


@pytest.mark.parametrize("shift", [1, 17, 4000])
def test_rotations_are_orthogonal_and_add_up(shift):
    x, y = normal(2, 5, 2, 8)
    at = jnp.arange(5)
    turn = jax.jit(rotate)

    def scores(at):
        return np.einsum("ihd,jhd->hij", turn(x, at), turn(y, at))

    np.testing.assert_allclose(scores(at + shift), scores(at), rtol=0, atol=1e-11)
    np.testing.assert_allclose(
        (np.asarray(turn(x, at)) ** 2).sum(-1), (np.asarray(x) ** 2).sum(-1), rtol=1e-13
    )


@pytest.mark.parametrize(("form", "omega"), [("vaswani", 10000 ** (-4 / 6)), ("notes", 4 / 1000)])
def test_sinusoidal_positions_are_the_two_formulas(form, omega):
    codes = jax.jit(sinusoidal, static_argnums=(1, 2, 3))
    code = np.asarray(codes(jnp.arange(30), 6, form, jnp.float64))
    t = np.arange(30)
    np.testing.assert_allclose(code[:, 4], np.sin(omega * t), rtol=0, atol=1e-14)
    np.testing.assert_allclose(code[:, 5], np.cos(omega * t), rtol=0, atol=1e-14)
    odd = np.asarray(codes(jnp.arange(30), 5, form, jnp.float64))
    assert odd.shape == (30, 5) and np.allclose(odd[:, 0], code[:, 0])


def test_positions_are_added_or_not():
    x = normal(4, 6)
    for kind in ("rope", "none"):
        np.testing.assert_array_equal(Positions(kind, 8, 6)(x), x)
    learned = Positions("learned", 8, 6, key=KEY)
    assert learned.weight is not None
    np.testing.assert_array_equal(call(learned, x), np.asarray(x) + np.asarray(learned.weight)[:4])
    with pytest.raises(BadInput, match="at most 3 tokens and got 4"):
        Positions("notes", 3, 6)(x)
    with pytest.raises(BadInput, match="need a key"):
        Positions("learned", 3, 6)


def test_cross_attention_asks_another_sequence():
    attention = CrossAttention(8, 2, memory_size=6, output=False, key=KEY)
    x, memory = normal(3, 8), normal(5, 6)
    assert attention.query.bias is not None and attention.key_value.bias is not None
    q = np.asarray(call(attention.query, x)).reshape(3, 2, 4)
    k, v = np.split(np.asarray(call(attention.key_value, memory)), 2, axis=1)
    p, y = (np.asarray(call(f, Across(x, memory))) for f in (attention.attention, attention))
    for h in range(2):
        r = q[:, h] @ k.reshape(5, 2, 4)[:, h].T / 2
        np.testing.assert_allclose(p[h], np.exp(r) / np.exp(r).sum(1, keepdims=True), rtol=0, atol=1e-14)
        answer = p[h] @ v.reshape(5, 2, 4)[:, h]
        np.testing.assert_allclose(y[:, 4 * h : 4 * h + 4], answer, rtol=0, atol=1e-14)
    again = call(attention.ask, x, *call(attention.remember, memory))
    np.testing.assert_allclose(again, y, rtol=0, atol=1e-14)
    with pytest.raises(BadInput, match="Across"):
        call(attention, x)


def test_cross_attention_does_not_see_the_masked_memory():
    attention = CrossAttention(8, 2, cosine=True, key=KEY)
    x, memory = normal(2, 4, 8)
    seen = jnp.asarray([[True, True, False, True]])
    changed = memory.at[2].set(99.0)
    np.testing.assert_array_equal(
        call(attention, Across(x, memory, seen)), call(attention, Across(x, changed, seen))
    )


def test_dropout_of_probabilities_keeps_their_expectation():
    attention = SelfAttention(8, 2, output=False, dropout=0.5, key=KEY)
    x = normal(4, 8)
    keys = jax.random.split(jax.random.key(1), 5_000)
    drawn = np.asarray(jax.jit(jax.vmap(lambda k: attention(x, key=k)))(keys))
    error = drawn.std(0) / math.sqrt(len(keys))
    assert (np.abs(drawn.mean(0) - call(attention, x)) < 5 * error).all() and error.max() > 1e-4


@pytest.mark.parametrize("name", [n for n in NONLINEARITIES if n != "swiglu"])
def test_nonlinearities_have_the_gain_that_keeps_the_mean_square(name):
    sigma, gain = NONLINEARITIES[name]
    points, weights = np.polynomial.hermite_e.hermegauss(120)
    square = (weights * np.asarray(sigma(jnp.asarray(points))) ** 2).sum() / weights.sum()
    assert gain**2 * square == pytest.approx(1, rel=2e-2 if name == "relu_squared" else 2e-3)


def test_feed_forward_is_its_formula():
    x = normal(3, 5)
    plain = FeedForward(5, 7, "relu_squared", key=KEY)
    assert plain.first.bias is not None
    nodes = np.maximum(np.asarray(x) @ np.asarray(plain.first.weight).T, 0) ** 2
    np.testing.assert_allclose(call(plain, x), nodes @ np.asarray(plain.second.weight).T, rtol=0, atol=1e-13)
    gated = FeedForward(5, 7, "swiglu", bias=False, key=KEY)
    a, b = np.split(np.asarray(x) @ np.asarray(gated.first.weight).T, 2, axis=1)
    nodes = a / (1 + np.exp(-a)) * b
    np.testing.assert_allclose(call(gated, x), nodes @ np.asarray(gated.second.weight).T, rtol=0, atol=1e-13)


def test_rms_norm_divides_by_the_root_mean_square():
    x = 3 + 7 * normal(50)
    y = np.asarray(call(RMSNorm(50), x))
    np.testing.assert_allclose(y, x / np.sqrt((np.asarray(x) ** 2).mean() + 1e-5), rtol=1e-14)


def test_pieces_of_a_projection_are_drawn_with_fans_of_their_own():
    whole = Projection(64, 192, pieces=(64, 64, 64), key=KEY)
    assert float(jnp.std(whole.weight)) == pytest.approx(math.sqrt(2 / 128), rel=0.05)
    with pytest.raises(BadInput, match="do not add up"):
        Projection(3, 4, pieces=(1, 2), key=KEY)


def test_a_batch_is_one_product_of_two_matrices():
    projection = Projection(6, 5, key=KEY)
    text = jax.jit(jax.vmap(projection)).lower(jnp.zeros((7, 3, 6))).as_text()
    assert "tensor<21x6x" in text and "tensor<21x5x" in text
