"""A tree of modules from JSON and arrays: what is read.

A file names classes and fields; both must be ones that this program has. No constructor and no
other code is called by name, only a class's own `__check_init__`.
"""

import dataclasses
import difflib
import inspect
import math
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ansatz.core import BadInput
from ansatz.store.arrays import DTYPES, from_stored, stored, stored_shape
from ansatz.store.encode import DEPTH, KEY_IMPLEMENTATIONS, SCHEMA, checks, is_namedtuple

_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def decode(spec: Any, arrays: Mapping[str, np.ndarray], classes: Mapping[str, type]) -> Any:
    """Return the tree that `encode` took apart.

    Args:
        spec: the JSON value that `encode` gave; it may come from a hostile file.
        arrays: the arrays by name; each must be used exactly once.
        classes: every class that may be built, by the name that `named` gives it.

    Raises:
        BadInput: for an unknown class, field, dtype or array, for shapes that differ, or for
            anything else that `encode` does not write.

    >>> from ansatz.store import encode
    >>> decode(*encode({"theta": np.float32(2), "widths": (3, None)}), {})
    {'theta': np.float32(2.0), 'widths': (3, None)}
    """
    if type(spec) is not dict or set(spec) != {"schema", "tree"} or type(spec["schema"]) is not int:
        raise BadInput("This is no description of a saved tree: it needs a 'schema' number and a 'tree'.")
    if spec["schema"] != SCHEMA:
        raise BadInput(
            f"This tree has schema {spec['schema']} and this version reads {SCHEMA}; use a newer Ansatz."
        )
    decoder = _Decoder(arrays, classes)
    tree = decoder.node(spec["tree"], ())
    unused = sorted(set(arrays) - decoder.used)
    if unused:
        raise BadInput(f"The array {_short(unused[0])} belongs to no part of the saved tree.")
    decoder.check()
    return tree


class _Decoder:
    """Builds nodes from the leaves up and remembers which arrays it used."""

    def __init__(self, arrays: Mapping[str, np.ndarray], classes: Mapping[str, type]) -> None:
        self.arrays = arrays
        self.classes = classes
        self.used: set[str] = set()
        self.to_check: list[tuple[tuple[str, ...], Any]] = []

    def node(self, node: Any, path: tuple[str, ...]) -> Any:
        if len(path) > DEPTH:
            raise BadInput(f"The saved tree is nested more than {DEPTH} deep at {_where(path[:6])}...")
        if node is None or type(node) in (bool, int, str):
            return node
        if type(node) is float and math.isfinite(node):
            return node
        if type(node) is list:
            return self.items(node, path)
        if type(node) is dict:
            builder = _BUILDERS.get(frozenset(key for key in node if type(key) is str))
            if builder is not None and len(node) > 0:
                return builder(self, node, path)
        raise BadInput(f"{_where(path)} holds {_short(node)}, which is no part of a saved tree.")

    def items(self, node: Any, path: tuple[str, ...]) -> list[Any]:
        if type(node) is not list:
            raise BadInput(f"{_where(path)} should hold a list, not {_short(node)}.")
        return [self.node(item, (*path, str(i))) for i, item in enumerate(node)]

    def fields(self, node: Any, path: tuple[str, ...]) -> dict[str, Any]:
        if type(node) is not dict or not all(type(key) is str for key in node):
            raise BadInput(f"{_where(path)} should hold names and values, not {_short(node)}.")
        return {key: self.node(item, (*path, key)) for key, item in node.items()}

    def take(
        self, node: dict[str, Any], dtype: np.dtype, last: tuple[int, ...], path: tuple[str, ...]
    ) -> np.ndarray:
        """Return the array that a node names, if it is what the node says."""
        name, shape = node["array"], node["shape"]
        if type(name) is not str or name not in self.arrays:
            raise BadInput(f"{_where(path)} needs the array {_short(name)}, which is not in the file.")
        if name in self.used:
            raise BadInput(f"{_where(path)} needs the array {_short(name)}, which another part uses already.")
        if type(shape) is not list or not all(type(n) is int and n >= 0 for n in shape):
            raise BadInput(f"{_where(path)} has the shape {_short(shape)}, which is not a list of lengths.")
        found = self.arrays[name]
        full = (*shape, *last)
        if found.dtype != stored(dtype) or found.shape != stored_shape(dtype, full):
            raise BadInput(
                f"{_where(path)} should be {dtype.name}{_short(list(full))}, and the file's array {name} is "
                f"{found.dtype}{list(found.shape)}."
            )
        if dtype.kind == "b" and np.any(found.view(np.uint8) > 1):
            raise BadInput(f"{_where(path)} is an array of truth values with a byte other than 0 and 1.")
        self.used.add(name)
        return from_stored(found, dtype, full)

    def named(self, name: Any, path: tuple[str, ...]) -> type:
        found = self.classes.get(name) if type(name) is str else None
        if found is None:
            near = difflib.get_close_matches(str(name)[:200], self.classes, n=1, cutoff=0.0)
            hint = f" (nearest: {near[0]})" if near else ""
            raise BadInput(
                f"{_where(path)} is of the class {_short(name)}, which this program does not know{hint}; "
                "pass `classes` if it is your own."
            )
        return found

    def exactly(self, cls: type, names: list[str], node: Any, path: tuple[str, ...]) -> dict[str, Any]:
        """Return the values of a class's fields, if the file has all of them and no other."""
        keys = set(node) if type(node) is dict else set()
        for name in names:
            if name not in keys:
                raise BadInput(f"{_where(path)} is a {cls.__name__} without its field {name!r}.")
        extra = sorted(str(key) for key in keys - set(names))
        if extra:
            raise BadInput(f"{_where(path)} is a {cls.__name__}, which has no field {_short(extra[0])}.")
        return self.fields(node, path)

    def check(self) -> None:
        for path, module in self.to_check:
            try:
                for check in checks(type(module)):
                    check(module)
            except Exception as error:
                raise BadInput(
                    f"{_where(path)} is a {type(module).__name__} whose fields do not fit together: {error}"
                ) from None


def _tuple(decoder: _Decoder, node: dict[str, Any], path: tuple[str, ...]) -> Any:
    return tuple(decoder.items(node["tuple"], path))


def _dictionary(decoder: _Decoder, node: dict[str, Any], path: tuple[str, ...]) -> Any:
    return decoder.fields(node["dict"], path)


def _float(decoder: _Decoder, node: dict[str, Any], path: tuple[str, ...]) -> Any:
    name = node["float"]
    if type(name) is not str or name not in _FLOATS:
        raise BadInput(f"{_where(path)} holds the number {_short(name)}, which is not nan, inf or -inf.")
    return _FLOATS[name]


def _complex(decoder: _Decoder, node: dict[str, Any], path: tuple[str, ...]) -> Any:
    parts = decoder.items(node["complex"], path)
    if [type(part) for part in parts] != [float, float]:
        raise BadInput(f"{_where(path)} is a complex number, which has two parts, not {_short(parts)}.")
    return complex(*parts)


def _array(decoder: _Decoder, node: dict[str, Any], path: tuple[str, ...]) -> Any:
    name = node["dtype"]
    if type(name) is not str or name not in DTYPES:
        raise BadInput(f"{_where(path)} is an array of {_short(name)}; known are {', '.join(DTYPES)}.")
    value = decoder.take(node, DTYPES[name], (), path)
    if node["of"] == "numpy":
        return value
    if node["of"] == "scalar" and value.shape == ():
        return value[()]
    if node["of"] == "jax":
        with jax.enable_x64(True):
            return jnp.array(value, dtype=value.dtype)
    raise BadInput(f"{_where(path)} is an array of kind {_short(node['of'])}, not numpy or jax.")


def _key(decoder: _Decoder, node: dict[str, Any], path: tuple[str, ...]) -> Any:
    if node["key"] not in KEY_IMPLEMENTATIONS:
        raise BadInput(
            f"{_where(path)} is a random key of kind {_short(node['key'])}; "
            f"known are {', '.join(KEY_IMPLEMENTATIONS)}."
        )
    words = 2 if node["key"] == "threefry2x32" else 4
    data = decoder.take(node, DTYPES["uint32"], (words,), path)
    return jax.random.wrap_key_data(jnp.array(data), impl=node["key"])


def _namedtuple(decoder: _Decoder, node: dict[str, Any], path: tuple[str, ...]) -> Any:
    cls = decoder.named(node["namedtuple"], path)
    if not is_namedtuple(cls):
        raise BadInput(f"{_where(path)} names {cls.__name__}, which is not a named tuple.")
    names = list(cls._fields)  # pyright: ignore[reportAttributeAccessIssue]
    values = decoder.exactly(cls, names, node["fields"], path)
    return tuple.__new__(cls, [values[name] for name in names])


def _module(decoder: _Decoder, node: dict[str, Any], path: tuple[str, ...]) -> Any:
    cls = decoder.named(node["module"], path)
    if not issubclass(cls, eqx.Module) or inspect.isabstract(cls) or getattr(cls, "__abstractvars__", ()):
        raise BadInput(f"{_where(path)} names {cls.__name__}, which is not a module that can be built.")
    if type(node["checked"]) is not bool:
        raise BadInput(f"{_where(path)} holds {_short(node['checked'])} where true or false should be.")
    names = [field.name for field in dataclasses.fields(cls)]
    values = decoder.exactly(cls, names, node["fields"], path)
    module = object.__new__(cls)
    for name in names:
        object.__setattr__(module, name, values[name])
    if node["checked"]:
        decoder.to_check.append((path, module))
    return module


_BUILDERS = {
    frozenset(keys.split()): builder
    for keys, builder in {
        "tuple": _tuple,
        "dict": _dictionary,
        "float": _float,
        "complex": _complex,
        "array dtype shape of": _array,
        "key array shape": _key,
        "namedtuple fields": _namedtuple,
        "module fields checked": _module,
    }.items()
}


def _short(value: Any) -> str:
    """Return a value as text of at most 60 characters, whatever a file put there."""
    if type(value) in (list, dict) and len(value) > 8:
        return f"a {type(value).__name__} of {len(value)} items"
    try:
        text = repr(value)
    except (RecursionError, ValueError):
        return f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


def _where(path: tuple[str, ...]) -> str:
    if not path:
        return "The saved tree"
    text = ".".join(path)
    return f"The saved tree's {text if len(text) <= 120 else text[:117] + '...'}"
