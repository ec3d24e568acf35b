"""Trees to save, and what it means that two of them are the same to the bit."""

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st

from ansatz.store.arrays import DTYPES


class Layer(eqx.Module):
    weight: Any
    bias: Any
    width: int = eqx.field(static=True)
    activation: str = eqx.field(static=True, default="tanh")


class Network(eqx.Module):
    layers: tuple
    scale: Any
    options: Any = eqx.field(static=True, default=None)


class Square(eqx.Module):
    weight: Any

    def __check_init__(self):
        if self.weight.ndim != 2 or self.weight.shape[0] != self.weight.shape[1]:
            raise ValueError(f"the weight must be square, not {self.weight.shape}")


class Moments(NamedTuple):
    count: Any
    mean: Any


CLASSES = (Layer, Network, Square, Moments)


def same(a: Any, b: Any) -> bool:
    """Say whether two trees agree in types, dtypes, shapes and every bit."""
    if isinstance(a, jax.Array) or isinstance(b, jax.Array):
        if not (isinstance(a, jax.Array) and isinstance(b, jax.Array) and a.dtype == b.dtype):
            return False
        if jnp.issubdtype(a.dtype, jax.dtypes.prng_key):
            a, b = jax.random.key_data(a), jax.random.key_data(b)
        a, b = np.asarray(a), np.asarray(b)
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, eqx.Module):
        return list(vars(a)) == list(vars(b)) and all(same(vars(a)[name], vars(b)[name]) for name in vars(a))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    return bool(a == b)


def random_array(name: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Return an array of arbitrary bits, NaNs with payloads included."""
    dtype = DTYPES[name]
    bits = np.random.default_rng(seed).integers(0, 256, (*shape, dtype.itemsize), dtype=np.uint8)
    if dtype.kind == "b" or name in ("int2", "int4", "uint2", "uint4", "float4_e2m1fn"):
        bits &= 1
    return bits.reshape(-1).view(dtype).reshape(shape)


shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)
arrays = st.builds(random_array, st.sampled_from(sorted(DTYPES)), shapes, st.integers(0, 2**32))


def _to_jax(array: np.ndarray) -> jax.Array:
    with jax.enable_x64(True):
        return jnp.array(array, dtype=array.dtype)


keys = st.builds(
    lambda seed, kind, many: jax.random.split(jax.random.key(seed, impl=kind), 2)[: 2 if many else 1],
    st.integers(0, 2**31),
    st.sampled_from(["threefry2x32", "rbg", "unsafe_rbg"]),
    st.booleans(),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**80), 2**80),
    st.floats(),
    st.complex_numbers(),
    st.text(st.characters(), max_size=5),
)
leaves = st.one_of(
    scalars,
    arrays,
    arrays.map(_to_jax),
    arrays.filter(lambda a: a.size > 0).map(lambda a: a.reshape(-1)[0]),
)


def _branches(children: Any) -> Any:
    few = st.lists(children, max_size=3)
    return st.one_of(
        few,
        few.map(tuple),
        st.dictionaries(st.text(max_size=4), children, max_size=3),
        st.builds(Moments, children, children),
        st.builds(Layer, children, children, st.integers(), st.text(max_size=4)),
        st.builds(Network, few.map(tuple), children, st.lists(scalars, max_size=2).map(tuple)),
    )


trees = st.recursive(leaves, _branches, max_leaves=8)
