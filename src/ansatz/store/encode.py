"""A tree of modules as JSON and arrays: what is written."""

import dataclasses
import math
import re
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from ansatz.core import BadInput
from ansatz.store.arrays import DTYPES, to_stored

SCHEMA = 1
DEPTH = 96
KEY_IMPLEMENTATIONS = ("threefry2x32", "rbg", "unsafe_rbg")
_MARK = {math.inf: "inf", -math.inf: "-inf"}


def encode(tree: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return `(spec, arrays)`, from which `decode` builds the tree anew to the same bits.

    Args:
        tree: `eqx.Module`s, tuples, lists, dictionaries with string keys, `NamedTuple`s, `None`,
            numbers, strings, NumPy and JAX arrays of every dtype, and typed random keys. Static
            fields are written like the others. JAX's weak types become ordinary ones, and where an
            array was placed is not written.

    Returns:
        `spec` is pure JSON; `arrays` has names such as `layers.0.weight` with dtypes that
        safetensors knows (a complex array has a last axis of length 2, bfloat16 its bits as uint16).

    Raises:
        BadInput: if the tree holds a function or anything else that is neither number nor text.

    >>> spec, arrays = encode({"width": 3, "theta": np.zeros(2, np.float32)})
    >>> spec["tree"]["dict"]["width"], list(arrays)
    (3, ['theta'])
    """
    encoder = _Encoder()
    node = encoder.node(tree, ())
    return {"schema": SCHEMA, "tree": node}, encoder.arrays


def class_name(cls: type) -> str:
    """Return the name under which a class stands in a file: module and qualified name."""
    return f"{cls.__module__}.{cls.__qualname__}"


def named(*classes: type) -> dict[str, type]:
    """Return the mapping from names to classes that `decode` and `RunFolder.read` take."""
    return {class_name(cls): cls for cls in classes}


def is_namedtuple(cls: type) -> bool:
    """Say whether a class is a `NamedTuple`."""
    return issubclass(cls, tuple) and isinstance(getattr(cls, "_fields", None), tuple)


def checks(cls: type) -> list[Callable[[Any], Any]]:
    """Return the `__check_init__`s of a module class, in the order in which Equinox runs them."""
    return [vars(parent)["__check_init__"] for parent in cls.__mro__ if "__check_init__" in vars(parent)]


class _Encoder:
    """Collects the arrays on the way down; a path is the tuple of names from the root."""

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}

    def node(self, value: Any, path: tuple[str, ...]) -> Any:
        if len(path) > DEPTH:
            raise BadInput(f"{_where(path[:6])}... is nested more than {DEPTH} deep; make the tree flatter.")
        if value is None or type(value) in (bool, int, float, complex, str):
            return _scalar(value, path)
        if isinstance(value, jax.Array):
            return self.jax_array(value, path)
        if isinstance(value, np.ndarray):
            return self.array(value, path, "numpy")
        if isinstance(value, np.generic):
            return self.array(np.asarray(value), path, "scalar")
        if type(value) in (list, tuple):
            items = [self.node(item, (*path, str(i))) for i, item in enumerate(value)]
            return items if type(value) is list else {"tuple": items}
        if type(value) is dict:
            return self.dictionary(value, path)
        if is_namedtuple(type(value)):
            fields = {name: self.node(getattr(value, name), (*path, name)) for name in value._fields}
            return {"namedtuple": class_name(type(value)), "fields": fields}
        if isinstance(value, eqx.Module):
            return self.module(value, path)
        raise BadInput(_refusal(value, path))

    def dictionary(self, value: dict[Any, Any], path: tuple[str, ...]) -> dict[str, Any]:
        for key in value:
            if type(key) is not str:
                raise BadInput(
                    f"{_where(path)} has the key {key!r}; a dictionary is saved only if its keys are strings."
                )
        return {"dict": {key: self.node(item, (*path, key)) for key, item in value.items()}}

    def module(self, value: eqx.Module, path: tuple[str, ...]) -> dict[str, Any]:
        names = [field.name for field in dataclasses.fields(value)]
        differing = set(names) ^ set(vars(value))
        if differing:
            raise BadInput(
                f"{_where(path)} is a {type(value).__name__} whose attribute {sorted(differing)[0]!r} is not "
                "a field that was set; a module is saved by its fields, all of them."
            )
        fields = {name: self.node(vars(value)[name], (*path, name)) for name in names}
        return {"module": class_name(type(value)), "fields": fields, "checked": _passes(value)}

    def jax_array(self, value: jax.Array, path: tuple[str, ...]) -> dict[str, Any]:
        if isinstance(value, Tracer):
            raise BadInput(f"{_where(path)} is being traced and has no value yet; save outside of `jax.jit`.")
        if not value.is_fully_addressable:
            raise BadInput(f"{_where(path)} lies partly on other hosts; gather it before it is saved.")
        if jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
            implementation = str(jax.random.key_impl(value))
            if implementation not in KEY_IMPLEMENTATIONS:
                raise BadInput(
                    f"{_where(path)} is a random key of kind {implementation!r}; "
                    f"the kinds that are saved are {', '.join(KEY_IMPLEMENTATIONS)}."
                )
            data = self.array(np.asarray(jax.random.key_data(value)), path, "numpy")
            return {"key": implementation, "array": data["array"], "shape": list(value.shape)}
        return self.array(np.asarray(value), path, "jax")

    def array(self, value: np.ndarray, path: tuple[str, ...], of: str) -> dict[str, Any]:
        native = value.dtype.newbyteorder("=")
        if DTYPES.get(native.name) != native:
            raise BadInput(
                f"{_where(path)} is an array of {value.dtype}; only numbers and truth values are saved."
            )
        name = self.fresh_name(path)
        self.arrays[name] = to_stored(value)
        return {"array": name, "dtype": native.name, "shape": list(value.shape), "of": of}

    def fresh_name(self, path: tuple[str, ...]) -> str:
        parts = (re.sub(r"[^A-Za-z0-9_-]", "_", part) or "_" for part in path)
        stem = ".".join(parts)[:110] or "value"
        name, count = stem, 1
        while name in self.arrays:
            count += 1
            name = f"{stem}-{count}"
        return name


def _scalar(value: Any, path: tuple[str, ...]) -> Any:
    if type(value) is int and value.bit_length() > 4096:
        raise BadInput(f"{_where(path)} is an integer of {value.bit_length()} bits; at most 4096 are saved.")
    if type(value) is complex:
        return {"complex": [_scalar(value.real, path), _scalar(value.imag, path)]}
    if type(value) is float and not math.isfinite(value):
        return {"float": _MARK.get(value, "nan")}
    return value


def _passes(module: eqx.Module) -> bool:
    """Say whether a file may promise the module's `__check_init__`.

    A model of several seeds has a leading axis on its arrays and need not pass its own check.
    """
    found = checks(type(module))
    try:
        for check in found:
            check(module)
    except Exception:
        return False
    return bool(found)


def _refusal(value: Any, path: tuple[str, ...]) -> str:
    kind = type(value).__name__
    if callable(value):
        name = getattr(value, "__name__", kind)
        return f"{_where(path)} is the function {name!r}, and a file holds no code; keep its name as text."
    return (
        f"{_where(path)} is of type {kind!r}; what is saved is modules, tuples, lists, dictionaries, "
        "named tuples, arrays, numbers and text."
    )


def _where(path: tuple[str, ...]) -> str:
    return "the tree's " + ".".join(path) if path else "the tree"
