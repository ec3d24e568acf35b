"""Transformers against torch's, with torch's weights; what the notes say of them, as laws."""

from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.golden import transformer_rule as rule
from tests.maps.ported import named, port

from ansatz.maps import (
    Across,
    CrossStack,
    Decoder,
    Embedding,
    Encoder,
    TokenEmbedding,
    TransformerStack,
)
from ansatz.maps.attend import causal
from ansatz.maps.transformer_block import BlockOptions

KEY = jax.random.key(0)
GOLDEN = Path(__file__).parents[1] / "golden" / "transformer.npz"
SMALL = BlockOptions(16, 4, hidden=24, activation="gelu")
CASES = {
    "encoder": BlockOptions(rule.SIZE, rule.HEADS, hidden=rule.HIDDEN),
    "norm_first": BlockOptions(rule.SIZE, rule.HEADS, hidden=rule.HIDDEN, activation="gelu", norm_first=True),
    "transformer": BlockOptions(rule.SIZE, rule.HEADS, hidden=rule.HIDDEN, final_norm=True),
}


def stacks(name, options, weights, dtype):
    """Return the stacks of a case with torch's weights."""
    kinds = {"encoder": TransformerStack} | ({"decoder": CrossStack} if name == "transformer" else {})
    empty = {
        prefix: eqx.filter_eval_shape(lambda k, kind=kind: kind(rule.LAYERS, options, key=k), KEY)
        for prefix, kind in kinds.items()
    }
    return {prefix: port(stack, weights, prefix, dtype) for prefix, stack in empty.items()}


def run(models, inputs, padded):
    """Return the result of the stacks; the last `padded` of the source are padding."""
    seen = (jnp.arange(len(inputs["source"])) < len(inputs["source"]) - padded)[None, :]
    memory = models["encoder"](inputs["source"], seen)
    if "target" not in inputs:
        return memory
    return models["decoder"](Across(inputs["target"], memory, seen), causal(len(inputs["target"])))


@eqx.filter_jit
def outputs_and_gradients(models, inputs, readout, padded):
    """Return the output and the gradients of ``Σ readout · output``."""

    def loss(moving):
        output = run(*moving, padded)
        return (readout * output).sum(), output

    (_, output), gradients = eqx.filter_value_and_grad(loss, has_aux=True)((models, inputs))
    return output, gradients


def by_name(gradients):
    """Return the gradients under torch's names."""
    models, inputs = gradients
    found = dict(inputs)
    for prefix, stack in models.items():
        found |= named(stack, prefix)
    return found


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-11), ("float32", 1e-5)])
@pytest.mark.parametrize("name", CASES)
def test_outputs_and_gradients_are_those_of_torch_at_the_size_of_the_notes(name, dtype, tolerance):
    golden = np.load(GOLDEN, allow_pickle=False)
    weights, inputs, readout = rule.case(name)
    with jax.enable_x64(True):
        models = stacks(name, CASES[name], weights, dtype)
        given = {one: jnp.asarray(value, dtype) for one, value in inputs.items()}
        output, gradients = outputs_and_gradients(models, given, jnp.asarray(readout, dtype), rule.PADDED)
        assert output.dtype == dtype
        np.testing.assert_allclose(np.asarray(output), golden[f"{name}/output"], rtol=0, atol=tolerance)
        found = by_name(gradients)
        expected = {k.rsplit("/", 1)[1]: golden[k] for k in golden if k.startswith(f"{name}/gradient/")}
        assert set(found) == set(expected)
        for one, value in expected.items():
            np.testing.assert_allclose(
                rule.excerpt(found[one]), value, rtol=0, atol=tolerance * value[0], err_msg=one
            )


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("norm_first", [False, True])
def test_live_torch_agrees_where_it_is_installed(activation, norm_first):
    torch = pytest.importorskip("torch", reason="torch is no dependency; the golden file stands for it")
    torch.manual_seed(1)
    shape = {"dim_feedforward": 40, "dropout": 0.0, "activation": activation, "batch_first": True}
    peer = torch.nn.Transformer(24, 3, 2, 2, norm_first=norm_first, **shape).double()
    weights = {name: value.detach().numpy() for name, value in peer.named_parameters()}
    options = BlockOptions(24, 3, hidden=40, activation=activation, norm_first=norm_first, final_norm=True)
    rng = np.random.default_rng(2)
    inputs = {"source": rng.normal(size=(6, 24)), "target": rng.normal(size=(5, 24))}
    readout = rng.normal(size=(5, 24))
    theirs = {name: torch.from_numpy(value).requires_grad_() for name, value in inputs.items()}
    later = torch.triu(torch.ones(5, 5, dtype=torch.bool), diagonal=1)
    expected = peer(theirs["source"][None], theirs["target"][None], tgt_mask=later)[0]
    (torch.from_numpy(readout) * expected).sum().backward()
    slopes = {name: value.grad.numpy() for name, value in [*peer.named_parameters(), *theirs.items()]}
    with jax.enable_x64(True):
        models = stacks("transformer", options, weights, "float64")
        given = jax.tree.map(jnp.asarray, inputs)
        output, gradients = outputs_and_gradients(models, given, jnp.asarray(readout), 0)
        np.testing.assert_allclose(output, expected.detach().numpy(), rtol=0, atol=1e-12)
        for name, value in by_name(gradients).items():
            np.testing.assert_allclose(value, slopes[name], rtol=0, atol=1e-12 * np.linalg.norm(slopes[name]))


def test_an_embedding_is_one_hot_times_its_matrix():
    with jax.enable_x64(True):
        embedding = TokenEmbedding(7, 4, "none", key=KEY)
        tokens = jnp.asarray([3, 0, 6, 3])
        expected = jax.nn.one_hot(tokens, 7, dtype=jnp.float64) @ embedding.table.weight
        np.testing.assert_array_equal(embedding(tokens), expected)
        rows = jax.vmap(Embedding((7,), 4, key=jax.random.split(KEY)[0]))(tokens[:, None])
        np.testing.assert_array_equal(rows, expected)


def test_a_vocabulary_of_300_000_words_is_never_one_hot():
    embedding = TokenEmbedding(300_000, 8, "none", key=KEY)
    tokens = jnp.asarray([299_999, 5, 5])

    @jax.jit
    def loss(embedding):
        return embedding(tokens).sum()

    text = jax.jit(jax.grad(loss)).lower(embedding).as_text()
    assert "3x300000" not in text and "300000x3" not in text
    gradient = np.asarray(jax.grad(loss)(embedding).table.weight)
    assert gradient.sum() == 24 and gradient[5].tolist() == [2.0] * 8


@pytest.mark.parametrize("positions", ["none", "vaswani", "notes", "learned", "rope"])
def test_only_positions_tell_who_eats_whom(positions):
    the, scientist, eats, chicken = range(4)
    one = jnp.asarray([the, scientist, eats, the, chicken])
    order = np.asarray([0, 4, 2, 3, 1])
    other = one[order]
    assert other.tolist() == [the, chicken, eats, the, scientist]
    with jax.enable_x64(True):
        encoder = Encoder(4, 2, 8, positions, options=SMALL, key=KEY)
        difference = np.abs(encoder(other) - encoder(one)[order]).max()
        assert difference < 1e-12 if positions == "none" else difference > 1e-2


@pytest.mark.parametrize("positions", ["vaswani", "notes", "learned", "rope", "none"])
def test_a_causal_mask_lets_nothing_leak(positions):
    with jax.enable_x64(True):
        options = SMALL._replace(norm_first=True, groups=2, cosine=True)
        decoder = eqx.filter_jit(Decoder(9, 2, 8, positions, options=options, key=KEY))
        tokens = jax.random.randint(KEY, (8,), 0, 9)
        before = decoder(tokens)
        for t in (7, 4, 1):
            after = decoder(tokens.at[t].set((tokens[t] + 1) % 9))
            np.testing.assert_allclose(after[:t], before[:t], rtol=0, atol=1e-12)
            assert np.abs(after[t] - before[t]).max() > 1e-3
