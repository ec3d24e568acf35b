"""The closed set of classes that a file may name."""

import functools
import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import equinox as eqx

from ansatz.store.encode import class_name, is_namedtuple

PACKAGES = (
    "equinox.nn",
    "optax",
    "optax._src",
    "ansatz.core",
    "ansatz.data",
    "ansatz.maps",
    "ansatz.objectives",
    "ansatz.training",
    "ansatz.supervised",
    "ansatz.symmetry",
    "ansatz.knots",
    "ansatz.theory",
    "ansatz.equations",
    "ansatz.formulas",
    "ansatz.generate",
    "ansatz.rl",
)


class _Known(Mapping[str, type]):
    """The classes by name; only the package that a name begins with is imported to look it up."""

    def __getitem__(self, name: str) -> type:
        for package in PACKAGES:
            if name.startswith(package + ".") and name in (found := _classes_of(package)):
                return found[name]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter({name: None for package in PACKAGES for name in _classes_of(package)})

    def __len__(self) -> int:
        return sum(1 for _ in self)


def known_classes() -> Mapping[str, type]:
    """Return every module class and named tuple that is defined in one of `PACKAGES`, by its name.

    A user's own classes are not among them: pass them to what loads.

    >>> "ansatz.core.Fixed" in known_classes(), "os.system" in known_classes()
    (True, False)
    """
    return _Known()


@functools.cache
def _classes_of(package: str) -> dict[str, type]:
    found: dict[str, type] = {}
    for module in _modules(package):
        for value in vars(module).values():
            if _is_building_block(value) and value.__module__ == module.__name__:
                found[class_name(value)] = value
    return found


def _is_building_block(value: Any) -> bool:
    return isinstance(value, type) and (issubclass(value, eqx.Module) or is_namedtuple(value))


def _modules(package: str) -> Iterator[ModuleType]:
    """Give a package and the modules in it; what needs an extra that is not installed is left out."""
    module = _import(package)
    if module is None:
        return
    yield module
    for entry in pkgutil.walk_packages(getattr(module, "__path__", []), package + ".", onerror=_ignore):
        last = entry.name.rpartition(".")[2]
        if last != "__main__" and not last.startswith("test_") and not last.endswith("_test"):
            inner = _import(entry.name)
            if inner is not None:
                yield inner


def _import(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.startswith("ansatz") and missing != name and not name.startswith(missing + "."):
            raise
        return None


def _ignore(name: str) -> None:
    """Leave out a subpackage whose import failed for lack of an extra; `_import` judged it already."""
