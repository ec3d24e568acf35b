"""A transformer that writes token by token gives what it gives when it reads everything anew."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.core import BadInput
from ansatz.maps import Decoder, EncoderDecoder, Translation
from ansatz.maps.cache import Cache, carry_axes, empty, filled, place, write
from ansatz.maps.transformer_block import BlockOptions

KEY = jax.random.key(0)
call = eqx.filter_jit(lambda function, *given: function(*given))
KINDS = ["vaswani", "notes", "learned", "rope", "none"]
VOCABULARY, LENGTH, PROMPT = 11, 12, 4
OPTIONS = {
    "post-norm": BlockOptions(16, 4, hidden=24),
    "modern": BlockOptions(
        16, 4, 2, hidden=24, activation="swiglu", norm="rms", norm_first=True, cosine=True, bias=False
    ),
}
TOLERANCE = {"float32": 1e-5, "float64": 1e-11}


def of_dtype(tree, dtype):
    return jax.tree.map(lambda a: a.astype(dtype) if eqx.is_inexact_array(a) else a, tree)


def decoder_of(positions, length=LENGTH, options="modern", dtype="float64", **more):
    decoder = Decoder(VOCABULARY, 2, length, positions, options=OPTIONS[options], key=KEY, **more)
    return of_dtype(decoder, dtype)


def translator_of(positions, length=LENGTH, options="modern", dtype="float64", **more):
    model = EncoderDecoder(VOCABULARY, 9, 1, 2, length, positions, options=OPTIONS[options], key=KEY, **more)
    return of_dtype(model, dtype)


PROMPTS = jnp.asarray([3, 1, 4, 1])
SOURCE = jnp.asarray([2, 7, 1, 8, 2])


def anew(read, total):
    """Return the greedy tokens and logits when every token is read anew; `read` maps `[total]` tokens."""
    tokens, logits = jnp.zeros(total, PROMPTS.dtype).at[:PROMPT].set(PROMPTS), []
    for t in range(PROMPT, total):
        logits.append(read(tokens)[t - 1])
        tokens = tokens.at[t].set(jnp.argmax(logits[-1]).astype(tokens.dtype))
    return np.asarray(tokens[PROMPT:]), np.asarray(jnp.stack(logits))


def cached(model, prompt, total):
    """Return the same from a cache, in one loop."""
    first, carry = model.prefill(prompt, total)

    def one(state, _):
        carry, logits = state
        token = jnp.argmax(logits)
        after, carry = model.step(carry, token)
        return (carry, after), (token, logits)

    _, (tokens, logits) = jax.lax.scan(one, (carry, first), None, length=total - PROMPT)
    return tokens, logits


def agree(ours, theirs, dtype):
    assert ours[1].dtype == theirs[1].dtype == dtype
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_allclose(ours[1], theirs[1], rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("positions", KINDS)
def test_a_decoder_writes_with_a_cache_what_it_writes_without(positions, options, dtype):
    with jax.enable_x64(True):
        model = decoder_of(positions, options=options, dtype=dtype)
        ours = eqx.filter_jit(cached)(model, PROMPTS, LENGTH)
        agree(ours, anew(eqx.filter_jit(model), LENGTH), dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("positions", KINDS)
def test_an_encoder_decoder_writes_with_a_cache_what_it_writes_without(positions, options, dtype):
    with jax.enable_x64(True):
        model = translator_of(positions, options=options, dtype=dtype)
        read = eqx.filter_jit(lambda m, t: m(Translation(SOURCE, t)))
        ours = eqx.filter_jit(cached)(model, Translation(SOURCE, PROMPTS), LENGTH)
        agree(ours, anew(lambda tokens: read(model, tokens), LENGTH), dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("positions", ["rope", "none"])
@pytest.mark.parametrize("window", [3, 5])
def test_a_window_slides_along_sequences_longer_than_the_context(positions, window, dtype):
    with jax.enable_x64(True):
        for make, wrap in (
            (decoder_of, lambda t: t),
            (translator_of, lambda t: Translation(SOURCE, t)),
        ):
            model = make(positions, length=window, dtype=dtype)
            _, carry = eqx.filter_eval_shape(lambda m, w=wrap: m.prefill(w(PROMPTS), LENGTH), model)
            written = carry if isinstance(carry, Cache) else carry.written
            assert written.keys.shape[1] == window
            read = eqx.filter_jit(lambda m, t, wrap=wrap: m(wrap(t)))
            ours = eqx.filter_jit(cached)(model, wrap(PROMPTS), LENGTH)
            agree(ours, anew(lambda tokens, m=model, r=read: r(m, tokens), LENGTH), dtype)


@pytest.mark.parametrize("positions", KINDS)
def test_a_prompt_read_at_once_is_a_prompt_read_token_by_token(positions):
    with jax.enable_x64(True):
        model = decoder_of(positions)
        carry = model.start()
        for token in PROMPTS:
            logits, carry = call(model.step, carry, token)
        at_once, filled_carry = call(model.prefill, PROMPTS)
        np.testing.assert_allclose(logits, at_once, rtol=0, atol=1e-12)
        for one, other in zip(carry, filled_carry, strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)
        translator = translator_of(positions)
        carry = call(translator.start, SOURCE)
        for token in PROMPTS:
            logits, carry = call(translator.step, carry, token)
        at_once, filled_carry = call(translator.prefill, Translation(SOURCE, PROMPTS))
        np.testing.assert_allclose(logits, at_once, rtol=0, atol=1e-12)
        assert jax.tree.structure(carry) == jax.tree.structure(filled_carry)


@pytest.mark.parametrize("positions", KINDS)
def test_prompts_of_unequal_length_fill_one_batch(positions):
    with jax.enable_x64(True):
        model = decoder_of(positions, padding=0)
        prompts = [jnp.asarray(one) for one in ([5, 3, 1, 4], [2, 9], [7])]
        batch = jnp.stack([jnp.pad(one, (PROMPT - len(one), 0)) for one in prompts])
        axes = carry_axes(model.start())
        prefill = jax.vmap(lambda p: model.prefill(p, LENGTH), out_axes=(0, axes))
        logits, carry = call(prefill, batch)
        assert carry.count.shape == () and carry.skip.tolist() == [0, 2, 3]
        step = eqx.filter_jit(lambda m, c, t: jax.vmap(m.step, (axes, 0), (0, axes))(c, t))
        tokens = []
        for _ in range(3):
            tokens.append(jnp.argmax(logits, -1).astype(jnp.int32))
            logits, carry = step(model, carry, tokens[-1])
        for i, prompt in enumerate(prompts):
            alone, one = call(model.prefill, prompt, LENGTH)
            for t in range(3):
                assert int(jnp.argmax(alone)) == int(tokens[t][i])
                alone, one = call(model.step, one, tokens[t][i])
            np.testing.assert_allclose(logits[i], alone, rtol=0, atol=1e-12)


def test_padded_sources_fill_one_batch():
    with jax.enable_x64(True):
        model = translator_of("vaswani", padding=0)
        sources = [jnp.asarray(one) for one in ([5, 3, 1, 4], [2, 8])]
        batch = jnp.stack([jnp.pad(one, (0, 4 - len(one))) for one in sources])
        axes = carry_axes(call(model.start, sources[0]))
        carry = jax.jit(jax.vmap(model.start, out_axes=axes))(batch)
        step = jax.jit(jax.vmap(model.step, (axes, 0), (0, axes)))
        for token in (1, 6, 2):
            logits, carry = step(carry, jnp.full(2, token))
        for i, source in enumerate(sources):
            one = call(model.start, source)
            for token in (1, 6, 2):
                alone, one = call(model.step, one, jnp.asarray(token))
            np.testing.assert_allclose(logits[i], alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("positions", ["vaswani", "notes", "learned"])
def test_a_context_that_cannot_slide_says_its_length(positions):
    model = decoder_of(positions, length=3, dtype="float32")
    with pytest.raises(BadInput, match="at most 3 tokens and got 5"):
        model.start(5)
    with pytest.raises(BadInput, match="at most 3 tokens and got 4"):
        model.prefill(PROMPTS)
    _, carry = call(model.prefill, PROMPTS[:2], 3)
    _, carry = call(model.step, carry, PROMPTS[2])
    with pytest.raises(BadInput, match="started for 3 tokens"):
        model.step(carry, PROMPTS[3])


@pytest.mark.parametrize("length", [0, -1, True])
def test_a_length_below_one_gets_a_sentence(length):
    with pytest.raises(BadInput, match="at least 1"):
        decoder_of("rope", dtype="float32").start(length)


def test_the_ring_remembers_the_youngest_tokens():
    for count in range(1, 12):
        rows = jnp.arange(1.0, count + 1)[:, None]
        at_once = filled([(rows, -rows)], 4, jnp.zeros((), jnp.int32))
        one_by_one = empty(1, 4, 1, jnp.float32)
        for t in range(count):
            here = place(one_by_one)
            assert int(here.slot) == t % 4 and int(here.token[0]) == t
            keys = write(one_by_one.keys, 0, here.slot, rows[t][None])
            assert np.asarray(here.mask[0]).sum() == min(t + 1, 4)
            one_by_one = one_by_one._replace(keys=keys, count=one_by_one.count + 1)
        np.testing.assert_array_equal(at_once.keys, one_by_one.keys)
        assert set(np.asarray(at_once.keys).ravel()) - {0.0} == set(range(max(1, count - 3), count + 1))
        assert int(at_once.count) == count


def test_padding_in_the_ring_is_seen_by_nobody_until_it_is_overwritten():
    cache = empty(1, 4, 1, jnp.float32)._replace(skip=jnp.asarray(2, jnp.int32))
    seen = []
    for t in range(7):
        here = place(cache._replace(count=jnp.asarray(t, jnp.int32)))
        seen.append(np.flatnonzero(here.mask[0]).tolist())
        assert int(here.position[0]) == max(t - 2, 0)
    assert seen == [[], [], [2], [2, 3], [0, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3]]


def test_a_step_changes_no_shape_and_compiles_once():
    model = decoder_of("rope", dtype="float32")
    traces = []

    @eqx.filter_jit
    def step(model, carry, token):
        traces.append(1)
        return model.step(carry, token)

    carry = model.start()
    shapes = jax.tree.map(lambda a: (a.shape, a.dtype), carry)
    for token in PROMPTS:
        _, carry = step(model, carry, token)
        assert jax.tree.map(lambda a: (a.shape, a.dtype), carry) == shapes
    assert len(traces) == 1 and int(carry.count) == PROMPT


def test_no_step_copies_the_cache():
    model = Decoder(VOCABULARY, 2, 4096, "rope", options=OPTIONS["post-norm"], key=KEY)
    axes = carry_axes(model.start())

    def generate(model, carry, token):
        def one(_, state):
            carry, token = state
            logits, carry = jax.vmap(model.step, (axes, 0), (0, axes))(carry, token)
            return carry, jnp.argmax(logits, -1).astype(token.dtype)

        return jax.lax.fori_loop(0, 10, one, (carry, token))

    carry = jax.vmap(lambda _: model.start(), out_axes=axes)(jnp.arange(2))
    token = jnp.zeros(2, jnp.int32)
    compiled = jax.jit(generate, donate_argnums=1).lower(model, carry, token).compile()
    size = sum(leaf.nbytes for leaf in (carry.keys, carry.values))
    assert compiled.memory_analysis().temp_size_in_bytes < 1.5 * size
