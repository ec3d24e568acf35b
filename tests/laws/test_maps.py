"""Every map obeys every law; a map that escapes the table fails the guard."""

import importlib
import inspect
import json
import pkgutil

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ansatz.maps
import ansatz.store as store
from ansatz.core import BadInput, Map, count_parameters, over_batch, trainable
from ansatz.maps import (
    CNN,
    MLP,
    Affine,
    Convolution,
    Fourier,
    MemberMean,
    Polynomial,
    Row,
    Skip,
    TableEncoder,
    Tabular,
    Taylor,
)

# What stands in `__all__` beside the maps: inputs of several parts.
INPUTS = {"Row", "Across", "Noisy", "Told", "Translation"}
# These map arrays of every shape.
ANY_SHAPE = {"Activation", "Dropout", "Flatten"}


def normal(*shape):
    return jax.random.normal(jax.random.key(9), shape)


def plain_tabular(key):
    encoder = TableEncoder(2, edges=[[0.0, 1.0], [-1.0, 0.5, 2.0]], key=key)
    return Tabular(encoder, 1, width=5, activation="silu", wide=False, key=key), normal(2)


def mean_of_members(key, kind):
    inner, row = Tabular.example(key)
    return MemberMean(inner, kind), row


VARIANTS = {
    "MLP of depth 0": lambda key: (MLP(2, 3, depth=0, key=key), normal(2)),
    "MLP with softmax": lambda key: (
        MLP(2, 3, 5, output="softmax", initial="orthogonal", key=key),
        normal(2),
    ),
    "CNN, circular": lambda key: (CNN((4, 4, 1), 2, (3,), padding="circular", key=key), normal(4, 4, 1)),
    "Convolution, valid": lambda key: (Convolution(1, 2, 2, "valid", key=key), normal(3, 4, 1)),
    "Convolution, same": lambda key: (Convolution(1, 2, 4, "same", key=key), normal(3, 4, 1)),
    "Polynomial, cross": lambda key: (Polynomial(3, 2, 3, "chebyshev", cross=True, key=key), normal(3)),
    "Polynomial, degree 1": lambda key: (Polynomial(3, 2, 1, "monomial", key=key), normal(3)),
    "Taylor, additive": lambda key: (Taylor(3, 2, 4, key=key), normal(3)),
    "Fourier, wide": lambda key: (Fourier(1, 1, 32, 3.0, key=key), normal(1)),
    "Skip of an MLP": lambda key: (Skip(MLP(3, 3, 4, dropout=0.3, key=key)), normal(3)),
    "Tabular, plain": plain_tabular,
    "Tabular, categories alone": lambda key: (
        Tabular(TableEncoder(0, (4, 2), key=key), 2, 5, key=key),
        Row(jnp.zeros(0), jnp.asarray([3, 1])),
    ),
    "MemberMean, value": lambda key: mean_of_members(key, "value"),
    "MemberMean, binary": lambda key: (
        MemberMean(Tabular.example(key)[0], "binary"),
        Tabular.example(key)[1],
    ),
}
CASES = {
    name: getattr(ansatz.maps, name).example for name in ansatz.maps.__all__ if name not in INPUTS
} | VARIANTS
every_map = pytest.mark.parametrize("name", CASES)


def cast(tree, dtype):
    return jax.tree.map(lambda a: a.astype(dtype) if eqx.is_inexact_array(a) else a, tree)


def case(name, dtype=jnp.float64):
    """Return the example of a map in a dtype; call it within `jax.enable_x64(True)`."""
    return cast(CASES[name](jax.random.key(1)), dtype)


def close(a, b, tolerance=1e-11):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance)


def stacked(x, count=3):
    """Return a batch of inputs like x: the numbers differ, the codes stay."""
    factors = jnp.linspace(0.5, 1.5, count)

    def one(leaf):
        if not eqx.is_inexact_array(leaf):
            return jnp.stack([leaf] * count)
        return factors.astype(leaf.dtype).reshape(count, *[1] * leaf.ndim) * leaf[None]

    return jax.tree.map(one, x)


@every_map
def test_jit_equals_eager(name):
    with jax.enable_x64(True):
        model, x = case(name)
        for key in (None, jax.random.key(2)):
            close(eqx.filter_jit(lambda m, x, k: m(x, key=k))(model, x, key), model(x, key=key))


@every_map
def test_vmap_equals_one_by_one(name):
    with jax.enable_x64(True):
        model, x = case(name)
        batch, key = stacked(x), jax.random.key(3)
        keys = jax.random.split(key, 3)
        single = eqx.filter_jit(lambda m, x, k: m(x, key=k))
        silent, random = (
            eqx.filter_jit(over_batch)(model, batch),
            eqx.filter_jit(over_batch)(model, batch, key),
        )
        for i in range(3):
            one = jax.tree.map(lambda leaf, i=i: leaf[i], batch)
            close(silent[i], model(one))
            close(random[i], single(model, one, keys[i]))


@every_map
def test_gradients_are_finite_and_equal_to_finite_differences(name):
    with jax.enable_x64(True):
        model, x = case(name)
        key = jax.random.key(4)
        moving, rest = eqx.partition((model, x), (trainable(model), jax.tree.map(eqx.is_inexact_array, x)))
        readout = jax.random.normal(jax.random.key(5), model(x, key=key).shape)

        @jax.jit
        def value(moving):
            model, x = eqx.combine(moving, rest)
            return (readout * model(x, key=key)).sum()

        leaves, structure = jax.tree.flatten(moving)
        keys = jax.random.split(jax.random.key(6), max(len(leaves), 1))
        way = structure.unflatten([jax.random.normal(k, a.shape) for k, a in zip(keys, leaves, strict=False)])
        gradient = jax.grad(value)(moving)
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))
        slope = sum(jax.tree.leaves(jax.tree.map(lambda a, b: (a * b).sum(), gradient, way)), start=0.0)
        size = 1e-6
        ends = [value(jax.tree.map(lambda a, b, s=s: a + s * size * b, moving, way)) for s in (1, -1)]
        np.testing.assert_allclose(slope, (ends[0] - ends[1]) / (2 * size), rtol=1e-6, atol=1e-7)


@every_map
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_is_kept(name, dtype):
    with jax.enable_x64(True):
        model, x = case(name, dtype)
        for key in (None, jax.random.key(0)):
            assert eqx.filter_eval_shape(lambda m, x, k: m(x, key=k), model, x, key).dtype == dtype


@every_map
def test_examples_are_float32_by_default_and_float64_within_the_scope(name):
    for scope, dtype in ((False, jnp.float32), (True, jnp.float64)):
        with jax.enable_x64(scope):
            leaves = [
                leaf for leaf in jax.tree.leaves(CASES[name](jax.random.key(1))) if eqx.is_inexact_array(leaf)
            ]
            assert {leaf.dtype for leaf in leaves} <= {jnp.dtype(dtype)}


@every_map
def test_same_key_gives_same_bits(name):
    (one, x), (two, _) = CASES[name](jax.random.key(7)), CASES[name](jax.random.key(7))
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
        assert np.array_equal(a, b)
    key = jax.random.key(8)
    assert np.array_equal(one(x, key=key), two(x, key=key))


@every_map
def test_parameters_depend_on_the_key(name):
    (one, _), (two, _) = CASES[name](jax.random.key(7)), CASES[name](jax.random.key(11))
    if count_parameters(one) and name not in ("LayerNorm", "RMSNorm"):
        pairs = zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True)
        assert any(not np.array_equal(a, b) for a, b in pairs)


@every_map
def test_saved_and_loaded_gives_the_same_bits(name):
    classes = {c for n in ansatz.maps.__all__ if inspect.isclass(c := getattr(ansatz.maps, n))}
    classes |= {ansatz.core.Fixed}
    model, x = CASES[name](jax.random.key(7))
    spec, arrays = store.encode(model)
    again = store.decode(json.loads(json.dumps(spec)), arrays, store.named(*classes))
    assert jax.tree.structure(again) == jax.tree.structure(model)
    assert np.array_equal(model(x), again(x))
    key = jax.random.key(8)
    assert np.array_equal(model(x, key=key), again(x, key=key))


@every_map
def test_second_call_compiles_nothing(name):
    traces = []

    @eqx.filter_jit
    def call(model, x):
        traces.append(1)
        return model(x)

    (first, x), (second, _) = CASES[name](jax.random.key(1)), CASES[name](jax.random.key(2))
    call(first, x)
    call(first, x)
    call(second, x)
    assert len(traces) == 1


@every_map
@pytest.mark.parametrize("batched", [False, True])
def test_wrong_shape_gets_a_sentence(name, batched):
    model, x = CASES[name](jax.random.key(1))
    wrong = jax.tree.map(lambda leaf: jnp.zeros((2, 2, 2, 2, 2), leaf.dtype), x)
    if name in ANY_SHAPE:
        assert model(wrong).size == 32
        return
    call = (lambda x: over_batch(model, x)) if batched else jax.jit(model.__call__)
    with pytest.raises(BadInput) as error:
        call(wrong)
    assert str(error.value).endswith(".") and "[2, 2, 2, 2" in str(error.value)


def test_no_map_escapes_the_table():
    found = set()
    for module in pkgutil.iter_modules(ansatz.maps.__path__, "ansatz.maps."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if inspect.isclass(value) and issubclass(value, Map) and value.__module__ == module.name:
                found |= set() if name.startswith("_") else {name}
    listed = set(ansatz.maps.__all__) - INPUTS
    assert found == listed
    assert listed <= set(CASES)


@pytest.mark.parametrize("name", [n for n in ansatz.maps.__all__ if n not in INPUTS])
def test_example_is_of_its_own_class(name):
    cls = getattr(ansatz.maps, name)
    model, x = cls.example(jax.random.key(0))
    assert type(model) is cls
    assert all(eqx.is_array(leaf) for leaf in jax.tree.leaves(model))
    assert isinstance(model(x), jax.Array)
    assert cls.__doc__ and Affine.__doc__
