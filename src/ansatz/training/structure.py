"""Whether two things built from the same recipe are the same program.

Compiled programs are kept by the static half of what a recipe builds: modules, optimizers and
objectives without their arrays.  Functions have no equality of their own, and Optax makes new
closures every time, so two functions count as the same when they run the same code over the same
captured values.  Captured arrays must be the very same object: they are constants of the program.
"""

import functools
import types
from typing import Any

import equinox as eqx
import jax
import numpy as np


def same(a: Any, b: Any) -> bool:
    """Tell whether two static values describe the same computation.

    >>> make = lambda rate: lambda x: rate * x
    >>> same(make(0.1), make(0.1)), same(make(0.1), make(0.2))
    (True, False)
    """
    return _same(a, b, set())


def _same(a: Any, b: Any, seen: set[tuple[int, int]]) -> bool:
    if a is b:
        return True
    if type(a) is not type(b) or isinstance(a, np.ndarray | jax.Array):
        return False
    if (id(a), id(b)) in seen:
        return True
    seen = seen | {(id(a), id(b))}
    if isinstance(a, types.FunctionType):
        return _same_function(a, b, seen)
    if isinstance(a, types.MethodType):
        return a.__func__ is b.__func__ and _same(a.__self__, b.__self__, seen)
    if isinstance(a, functools.partial):
        return _same((a.func, a.args, a.keywords), (b.func, b.args, b.keywords), seen)
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(_same(x, y, seen) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return list(a) == list(b) and all(_same(a[k], b[k], seen) for k in a)
    if isinstance(a, eqx.Module):
        return _same(dict(vars(a)), dict(vars(b)), seen)
    if isinstance(a, float) and a != a:
        return b != b
    return _equal(a, b)


def _same_function(a: Any, b: Any, seen: set[tuple[int, int]]) -> bool:
    if a.__code__ is not b.__code__ and a.__code__ != b.__code__:
        return False
    if a.__globals__ is not b.__globals__:
        return False
    return _same(
        (a.__defaults__, a.__kwdefaults__, _captured(a)),
        (b.__defaults__, b.__kwdefaults__, _captured(b)),
        seen,
    )


def _captured(function: Any) -> tuple[Any, ...]:
    return tuple(_content(cell) for cell in function.__closure__ or ())


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _equal(a: Any, b: Any) -> bool:
    try:
        return bool(a == b)
    except Exception:
        return False
