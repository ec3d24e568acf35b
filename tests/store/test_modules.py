"""A tree that is taken apart and built anew is the same to the bit."""

import json
import re

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.store.trees import CLASSES, Layer, Moments, Network, Square, keys, random_array, same, trees

from ansatz.core import BadInput, Fixed
from ansatz.store import decode, encode, known_classes, named, tree_from_bytes, tree_to_bytes
from ansatz.store.arrays import DTYPES

KNOWN = named(*CLASSES)


@settings(deadline=None, max_examples=150)
@given(trees)
def test_round_trip_through_a_file_keeps_every_bit(tree):
    data = tree_to_bytes(tree)
    assert same(tree_from_bytes(data, KNOWN), tree)
    assert tree_to_bytes(tree) == data


@settings(deadline=None, max_examples=60)
@given(trees)
def test_specification_is_pure_json_and_array_names_are_plain(tree):
    spec, arrays = encode(tree)
    assert json.loads(json.dumps(spec, allow_nan=False)) == spec
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]{1,128}", name) for name in arrays)
    assert all(isinstance(array, np.ndarray) and array.flags.c_contiguous for array in arrays.values())


@settings(deadline=None, max_examples=20)
@given(keys)
def test_random_keys_draw_the_same_numbers_after_loading(key):
    loaded = tree_from_bytes(tree_to_bytes({"key": key}), {})["key"]
    assert same(loaded, key)
    assert jax.random.key_impl(loaded) == jax.random.key_impl(key)
    assert np.array_equal(jax.random.bits(loaded[0], (4,)), jax.random.bits(key[0], (4,)))


@pytest.mark.parametrize("name", sorted(DTYPES))
@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (3, 2)])
def test_every_dtype_and_shape(name, shape):
    array = random_array(name, shape, 1)
    assert same(tree_from_bytes(tree_to_bytes([array]), {})[0], array)


def test_layouts_that_are_not_contiguous_or_native_keep_their_values():
    array = np.arange(12.0).reshape(3, 4)
    for view in (array.T, array[:, ::2], array[::-1], array.astype(">f8")):
        loaded = tree_from_bytes(tree_to_bytes([view]), {})[0]
        assert np.array_equal(loaded, view)
        assert loaded.dtype == np.float64


def test_float64_arrays_of_jax_are_not_cut_to_float32():
    with jax.enable_x64(True):
        array = jnp.array([1 / 3], jnp.float64)
    loaded = tree_from_bytes(tree_to_bytes([array]), {})[0]
    assert loaded.dtype == jnp.float64
    assert same(loaded, array)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=5), st.integers(0, 2**31), st.booleans())
def test_modules_of_equinox_give_the_same_outputs_after_loading(widths, seed, bias):
    split = jax.random.split(jax.random.key(seed), len(widths))
    layers = tuple(
        eqx.nn.Linear(a, b, use_bias=bias, key=key)
        for a, b, key in zip(widths, widths[1:], split, strict=False)
    )
    norm = eqx.nn.LayerNorm(widths[-1])
    model = Network((*layers, (norm, Fixed(jnp.ones(2)))), jnp.float32(2), options=("a", 1, None))
    loaded = decode(*encode(model), {**known_classes(), **KNOWN})
    assert same(loaded, model)
    assert jax.tree.structure(loaded) == jax.tree.structure(model)
    x = loaded_x = jnp.ones(widths[0])
    for mine, theirs in zip(layers, loaded.layers, strict=False):
        x, loaded_x = mine(x), theirs(loaded_x)
    assert np.array_equal(norm(x), loaded.layers[-1][0](loaded_x))


@pytest.mark.parametrize(
    "optimizer",
    [
        optax.adamw(1e-3),
        optax.lbfgs(),
        optax.inject_hyperparams(optax.adam)(learning_rate=0.1),
        optax.masked(optax.sgd(0.1, momentum=0.9), {"a": True, "b": False}),
        optax.MultiSteps(optax.adam(1.0), 2),
        optax.multi_transform({"x": optax.sgd(0.1), "y": optax.adam(1.0)}, {"a": "x", "b": "y"}),
        optax.apply_if_finite(optax.adam(1.0), 3),
    ],
    ids=["adamw", "lbfgs", "inject", "masked", "multisteps", "multi", "if_finite"],
)
def test_states_of_optimizers(optimizer):
    state = optimizer.init({"a": jnp.ones(2), "b": jnp.zeros(3)})
    loaded = decode(*encode(state), known_classes())
    assert jax.tree.structure(loaded) == jax.tree.structure(state)
    assert all(map(same, jax.tree.leaves(loaded), jax.tree.leaves(state)))


def test_the_written_form_is_what_it_was():
    layer = Layer(np.zeros((2, 1), np.float32), None, 2)
    spec, arrays = encode({"θ": layer, "rest": (Moments(1, float("nan")), [True, "x", 1j])})
    name = "tests.store.trees"
    assert spec == {
        "schema": 1,
        "tree": {
            "dict": {
                "θ": {
                    "module": f"{name}.Layer",
                    "fields": {
                        "weight": {"array": "_.weight", "dtype": "float32", "shape": [2, 1], "of": "numpy"},
                        "bias": None,
                        "width": 2,
                        "activation": "tanh",
                    },
                    "checked": False,
                },
                "rest": {
                    "tuple": [
                        {"namedtuple": f"{name}.Moments", "fields": {"count": 1, "mean": {"float": "nan"}}},
                        [True, "x", {"complex": [0.0, 1.0]}],
                    ]
                },
            }
        },
    }
    assert list(arrays) == ["_.weight"]


def test_a_module_is_checked_where_it_was_whole_when_saved():
    whole = Square(jnp.eye(2))
    spec, arrays = encode(whole)
    assert same(decode(spec, arrays, KNOWN), whole)
    spec["tree"]["fields"]["weight"]["shape"] = [1, 4]
    with pytest.raises(BadInput, match="is a Square whose fields do not fit together: the weight must be"):
        decode(spec, {"weight": arrays["weight"].reshape(1, 4)}, KNOWN)


def test_a_model_of_several_seeds_loads_although_its_arrays_have_one_axis_more():
    stacked = eqx.filter_vmap(lambda scale: Square(scale * jnp.eye(2)))(jnp.arange(3.0))
    assert stacked.weight.shape == (3, 2, 2)
    assert same(decode(*encode(stacked), KNOWN), stacked)


class Wrapped(eqx.Module):
    weight: float

    def __call__(self, x):
        return x


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        ({"f": jnp.tanh}, "the tree's f is the function 'tanh', and a file holds no code"),
        (Network((), 1.0, options=len), "the tree's options is the function 'len'"),
        ({1: 2}, "the tree has the key 1; a dictionary is saved only if its keys are strings"),
        ({"a": [{1, 2}]}, "the tree's a.0 is of type 'set'"),
        ([np.array(["x"])], "the tree's 0 is an array of <U1; only numbers"),
        ([np.array([None])], "the tree's 0 is an array of object"),
        ([np.zeros(2, "datetime64[s]")], "an array of datetime64"),
        (2**5000, "is an integer of 5001 bits"),
        (eqx.filter_jit(Wrapped(1.0)), "attribute|function"),
        (jax.ShapeDtypeStruct((2,), jnp.float32), "is of type 'ShapeDtypeStruct'"),
    ],
)
def test_what_is_no_data_is_refused_by_name(tree, sentence):
    with pytest.raises(BadInput, match=sentence):
        encode(tree)


def test_a_traced_value_is_refused():
    def save(x):
        encode({"x": x})
        return x

    with pytest.raises(BadInput, match="is being traced"):
        jax.jit(save)(jnp.ones(2))


def test_a_tree_that_holds_itself_is_refused():
    tree: list = []
    tree.append(tree)
    with pytest.raises(BadInput, match="nested more than"):
        encode(tree)
