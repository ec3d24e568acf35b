"""GPT-2 from a file: a file of random weights with its names, and the forward pass written out in NumPy."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

from ansatz.core import BadInput, count_parameters
from ansatz.maps.gpt2 import gpt2

VOCABULARY, LENGTH, SIZE, HEADS, LAYERS = 23, 10, 32, 4, 2


def weights_of(seed=0):
    rng = np.random.default_rng(seed)

    def draw(*shape, around=0.0):
        return (around + 0.2 * rng.normal(size=shape)).astype(np.float32)

    weights = {"wte.weight": draw(VOCABULARY, SIZE), "wpe.weight": draw(LENGTH, SIZE)}
    for i in range(LAYERS):
        for name, rows, columns in (
            ("attn.c_attn", SIZE, 3 * SIZE),
            ("attn.c_proj", SIZE, SIZE),
            ("mlp.c_fc", SIZE, 4 * SIZE),
            ("mlp.c_proj", 4 * SIZE, SIZE),
        ):
            weights |= {f"h.{i}.{name}.weight": draw(rows, columns), f"h.{i}.{name}.bias": draw(columns)}
        for name in ("ln_1", "ln_2"):
            weights |= {f"h.{i}.{name}.weight": draw(SIZE, around=1), f"h.{i}.{name}.bias": draw(SIZE)}
    return weights | {"ln_f.weight": draw(SIZE, around=1), "ln_f.bias": draw(SIZE)}


def forward(w, tokens):
    """Return GPT-2's logits as Radford et al. describe them, in double precision."""
    w = {name: value.astype(np.float64) for name, value in w.items()}

    def norm(x, name):
        x = x - x.mean(-1, keepdims=True)
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * w[f"{name}.weight"] + w[f"{name}.bias"]

    def linear(x, name):
        return x @ w[f"{name}.weight"] + w[f"{name}.bias"]

    x = w["wte.weight"][tokens] + w["wpe.weight"][: len(tokens)]
    for i in range(LAYERS):
        q, k, v = np.split(linear(norm(x, f"h.{i}.ln_1"), f"h.{i}.attn.c_attn"), 3, axis=1)
        heads = []
        for h in range(HEADS):
            part = slice(h * SIZE // HEADS, (h + 1) * SIZE // HEADS)
            r = q[:, part] @ k[:, part].T / math.sqrt(SIZE // HEADS)
            p = np.exp(r - r.max()) * np.tri(len(tokens))
            heads.append(p / p.sum(1, keepdims=True) @ v[:, part])
        x = x + linear(np.concatenate(heads, axis=1), f"h.{i}.attn.c_proj")
        n = linear(norm(x, f"h.{i}.ln_2"), f"h.{i}.mlp.c_fc")
        n = 0.5 * n * (1 + np.tanh(np.sqrt(2 / np.pi) * (n + 0.044715 * n**3)))
        x = x + linear(n, f"h.{i}.mlp.c_proj")
    return norm(x, "ln_f") @ w["wte.weight"].T


def saved(path, weights):
    safetensors.numpy.save_file(weights, path)
    return path


@pytest.mark.parametrize("prefix", ["", "transformer."])
def test_logits_are_those_of_gpt2(tmp_path, prefix):
    weights = weights_of()
    extra = {
        "h.0.attn.bias": np.ones((1, 1, LENGTH, LENGTH), np.float32),
        "h.1.attn.masked_bias": np.ones(()),
    }
    stored = {prefix + name: np.ascontiguousarray(value) for name, value in (weights | extra).items()}
    stored["lm_head.weight"] = weights["wte.weight"].copy()
    model = gpt2(saved(tmp_path / "model.safetensors", stored), heads=HEADS)
    tokens = np.asarray([3, 22, 0, 3, 17, 9])
    np.testing.assert_allclose(model(jnp.asarray(tokens)), forward(weights, tokens), rtol=0, atol=1e-5)
    assert count_parameters(model) == sum(value.size for value in weights.values())


def test_the_model_writes_on_from_a_prompt(tmp_path):
    weights = weights_of()
    model = gpt2(saved(tmp_path / "model.safetensors", weights), heads=HEADS)
    tokens = np.asarray([3, 22, 0, 3, 17, 9])
    logits, carry = model.prefill(jnp.asarray(tokens[:3]))
    for t in range(3, 6):
        logits, carry = model.step(carry, jnp.asarray(tokens[t]))
    np.testing.assert_allclose(logits, forward(weights, tokens)[-1], rtol=0, atol=1e-5)


def test_half_precision_is_read(tmp_path):
    weights = {name: value.astype(np.float16) for name, value in weights_of().items()}
    model = gpt2(saved(tmp_path / "model.safetensors", weights), heads=HEADS)
    assert model.embedding.table.weight.dtype == jnp.float32
    tokens = np.asarray([1, 2, 3])
    np.testing.assert_allclose(model(jnp.asarray(tokens)), forward(weights, tokens), rtol=0, atol=1e-5)


def without(name):
    return {key: value for key, value in weights_of().items() if key != name}


BAD = {
    "no embedding": (without("wte.weight"), r"no weight 'wte.weight'"),
    "no bias": (without("h.1.mlp.c_fc.bias"), r"no weight 'h.1.mlp.c_fc.bias'"),
    "no layers": ({"wte.weight": np.ones((2, 4)), "wpe.weight": np.ones((2, 4))}, r"'h.0.mlp.c_fc.weight'"),
    "a vector": (weights_of() | {"wpe.weight": np.ones(3, np.float32)}, r"shape \[3\]; it must be a matrix"),
    "turned": (
        weights_of() | {"h.0.attn.c_attn.weight": np.ones((3 * SIZE, SIZE), np.float32)},
        r"'h.0.attn.c_attn.weight' has shape \[96, 32\].*must be \[32, 96\]",
    ),
    "another model": (weights_of() | {"rotary.weight": np.ones(3, np.float32)}, r"'rotary.weight'.*no GPT-2"),
    "integers": (weights_of() | {"ln_f.bias": np.ones(SIZE, np.int32)}, r"'ln_f.bias' holds int32"),
    "twice": (weights_of() | {"transformer.ln_f.bias": np.ones(SIZE, np.float32)}, "twice"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_no_gpt2_gets_a_sentence(tmp_path, name):
    weights, sentence = BAD[name]
    with pytest.raises(BadInput, match=sentence) as error:
        gpt2(saved(tmp_path / "model.safetensors", weights), heads=HEADS)
    assert str(error.value).count(".\n") == 0 and str(error.value).endswith(".")


def test_what_is_no_file_or_no_safetensors_gets_a_sentence(tmp_path):
    with pytest.raises(BadInput, match="There is no file"):
        gpt2(tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(BadInput, match="no safetensors file"):
        gpt2(tmp_path / "model.safetensors")


def test_heads_that_do_not_fit_get_a_sentence(tmp_path):
    path = saved(tmp_path / "model.safetensors", weights_of())
    with pytest.raises(BadInput, match="32 components cannot be cut into 5 heads"):
        gpt2(path, heads=5)
    assert gpt2(path).stack.blocks[0].attention.heads == 1
