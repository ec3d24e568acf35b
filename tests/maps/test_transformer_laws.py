"""What a transformer promises beside torch's numbers: masks, padding, last layers, maps, sentences."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.core import BadInput, count_parameters
from ansatz.maps import Decoder, Encoder, EncoderDecoder, TransformerBlock, TransformerStack, Translation
from ansatz.maps.attend import causal
from ansatz.maps.transformer_block import BlockOptions

KEY = jax.random.key(0)
call = eqx.filter_jit(lambda function, *given: function(*given))
SMALL = BlockOptions(16, 4, hidden=24, activation="gelu")


def test_no_gradient_comes_from_later_tokens():
    with jax.enable_x64(True):
        stack = TransformerStack(2, SMALL, key=KEY)
        x = jax.random.normal(KEY, (6, 16))
        # A layer norm's components add up to 0 whatever x is: read them out with unequal weights.
        readout = jnp.asarray(np.random.default_rng(4).normal(size=16))
        slopes = jax.jit(jax.jacobian(lambda x: stack(x, causal(6)) @ readout))(x)
        size = np.abs(slopes).sum(-1)
        assert (size[np.triu_indices(6, 1)] == 0).all() and (size[np.tril_indices(6)] > 0).all()


@pytest.mark.parametrize("positions", ["vaswani", "learned", "rope", "none"])
@pytest.mark.parametrize("front", [False, True])
def test_padding_does_not_change_the_answer(positions, front):
    with jax.enable_x64(True):
        tokens = jnp.asarray([3, 5, 1, 2])
        none = jnp.zeros(3, tokens.dtype)
        padded = jnp.concatenate([none, tokens] if front else [tokens, none])
        inside = slice(3, None) if front else slice(0, 4)
        encoder = Encoder(7, 2, 8, positions, padding=0, options=SMALL, key=KEY)
        np.testing.assert_allclose(call(encoder, padded)[inside], call(encoder, tokens), rtol=0, atol=1e-12)
        decoder = Decoder(7, 2, 8, positions, padding=0, options=SMALL, key=KEY)
        np.testing.assert_allclose(call(decoder, padded)[inside], call(decoder, tokens), rtol=0, atol=1e-12)
        both = EncoderDecoder(7, layers=1, length=8, positions=positions, padding=0, options=SMALL, key=KEY)
        plain = call(both, Translation(tokens, tokens))
        np.testing.assert_allclose(call(both, Translation(padded, tokens)), plain, rtol=0, atol=1e-12)
        np.testing.assert_allclose(call(both, Translation(tokens, padded))[inside], plain, rtol=0, atol=1e-12)


def test_rows_that_see_nothing_are_finite_and_have_finite_gradients():
    decoder = Decoder(7, 2, 8, padding=0, options=SMALL, key=KEY)

    def loss(decoder):
        return (decoder(jnp.asarray([0, 0, 3])) ** 2).sum()

    value, gradient = call(eqx.filter_value_and_grad(loss), decoder)
    assert all(np.isfinite(leaf).all() for leaf in [value, *jax.tree.leaves(gradient)])


def test_tied_and_untied_last_layers():
    with jax.enable_x64(True):
        tokens = jnp.asarray([1, 4, 2])
        tied = Decoder(9, 1, 8, options=SMALL, key=KEY)
        np.testing.assert_allclose(
            call(tied, tokens), call(tied.states, tokens) @ tied.embedding.table.weight.T, rtol=0, atol=1e-13
        )
        untied = Decoder(9, 1, 8, tied=False, options=SMALL, key=KEY)
        assert untied.head is not None and untied.head.bias is not None
        expected = call(untied.states, tokens) @ untied.head.weight.T + untied.head.bias[None]
        np.testing.assert_allclose(call(untied, tokens), expected, rtol=0, atol=1e-13)
        assert count_parameters(untied) - count_parameters(tied) == 9 * 16 + 9


def test_the_notes_transformer_has_the_parameters_of_its_sizes():
    block = eqx.filter_eval_shape(
        lambda k: TransformerBlock(BlockOptions(output=False, bias=False), key=k), KEY
    )
    shapes = sorted(leaf.shape for leaf in jax.tree.leaves(block))
    # Q, K and V of eight heads are 64 × 512 each; A_i is added to w_i without an output matrix.
    assert shapes == [(512,)] * 4 + [(512, 2048), (3 * 8 * 64, 512), (2048, 512)]


def test_attention_maps_of_every_model_are_probabilities():
    tokens = jnp.asarray([3, 5, 1, 2])
    encoder = Encoder(7, 3, 8, options=SMALL, key=KEY)
    assert call(encoder.attention, tokens).shape == (3, 4, 4, 4)
    decoder = Decoder(7, 2, 8, "rope", options=SMALL._replace(norm_first=True), key=KEY)
    maps = np.asarray(call(decoder.attention, tokens))
    np.testing.assert_allclose(maps.sum(-1), 1, rtol=1e-6)
    assert (np.triu(maps, 1) == 0).all() and (maps[..., 0, 0] == 1).all()
    both = EncoderDecoder(7, 6, layers=2, decoder_layers=1, length=8, padding=0, options=SMALL, key=KEY)
    source, target, cross = call(both.attention, Translation(jnp.asarray([3, 5, 0]), tokens))
    assert source.shape == (2, 4, 3, 3) and target.shape == (1, 4, 4, 4) and cross.shape == (1, 4, 4, 3)
    assert (np.asarray(cross)[..., 2] == 0).all() and (np.asarray(source)[..., 2] == 0).all()


def test_wrong_sizes_and_lengths_get_a_sentence():
    decoder = Decoder(7, 1, 4, options=SMALL, key=KEY)
    with pytest.raises(BadInput, match=r"at most 4 tokens and got 5; 'rope' or 'none'"):
        decoder(jnp.arange(5))
    with pytest.raises(BadInput, match=r"at most 4 tokens and got 9"):
        decoder.start(9)
    with pytest.raises(BadInput, match="cannot cut 10 components into 4 heads"):
        Decoder(7, 1, 4, options=BlockOptions(10, 4), key=KEY)
    with pytest.raises(BadInput, match="3 groups of keys equally among 4 heads"):
        Decoder(7, 1, 4, options=BlockOptions(8, 4, groups=3), key=KEY)
    with pytest.raises(BadInput, match="even size, not 3"):
        Decoder(7, 1, 4, "rope", options=BlockOptions(6, 2), key=KEY)
    with pytest.raises(BadInput, match="heads' 8 components cannot be added to the 16"):
        Decoder(7, 1, 4, options=BlockOptions(16, 2, head_size=4, output=False), key=KEY)
    with pytest.raises(BadInput, match="did you mean 'rope'"):
        Decoder(7, 1, 4, "rop", options=SMALL, key=KEY)
    with pytest.raises(BadInput, match="did you mean 'layer'"):
        Decoder(7, 1, 4, options=SMALL._replace(norm="leyer"), key=KEY)
    with pytest.raises(BadInput, match="Translation"):
        EncoderDecoder(7, layers=1, length=4, options=SMALL, key=KEY)(jnp.arange(3))
