"""An objective of the user's own: a function in a Python file of theirs, which they name.

The file is run because the user asked for it by its path (see `store.source_file`).
"""

import inspect
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from ansatz._spelling import nearest
from ansatz.core import BadInput, Metrics, Objective
from ansatz.store.source_file import names_in

SHAPE = "def NAME(model, batch, key): ... return loss, metrics"


def load_objective(where: str) -> Objective:
    """Return the function that `where`, as in "losses.py:cubic", names in a Python file.

    It takes `(model, batch, key)` and returns the loss, a scalar, alone or with a dictionary of
    metrics; `batch` is a `Pairs` of `x: [N, ...]`, `y: [N, ...]` and `weight: [N]` or None.  A file
    that is not there or does not run, a name that is not in it, a function with other arguments or results:
    each raises `BadInput`.
    """
    path_text, colon, name = where.rpartition(":")
    if not colon or not path_text.endswith(".py") or not name.isidentifier():
        raise BadInput(f"An objective of your own is written FILE.py:NAME, not {where!r}.")
    path = Path(path_text)
    if not path.is_file():
        raise BadInput(f"There is no file {path_text!r} to take the objective {name!r} from.")
    found = names_in(path)
    if name not in found:
        public = [n for n, value in found.items() if inspect.isfunction(value) and not n.startswith("_")]
        advice = nearest(name, public) if public else f"write {SHAPE}"
        raise BadInput(f"{path_text} has no function {name!r}; {advice}.")
    _check(found[name], where)
    return _checked(found[name], where)


def _check(function: Any, where: str) -> None:
    if not callable(function):
        raise BadInput(f"{where} is a {type(function).__name__} and not a function; write {SHAPE}.")
    try:
        inspect.signature(function).bind(None, None, None)
    except TypeError as error:
        arguments = inspect.signature(function)
        raise BadInput(f"{where} takes {arguments} where an objective takes (model, batch, key).") from error


def _checked(function: Any, where: str) -> Objective:
    def objective(model: Any, batch: Any, key: Any) -> tuple[jax.Array, Metrics]:
        result = function(model, batch, key)
        loss, metrics = result if isinstance(result, tuple) and len(result) == 2 else (result, {})
        if not isinstance(loss, jax.Array) or loss.shape or not jnp.issubdtype(loss.dtype, jnp.floating):
            raise BadInput(f"{where} must return a scalar loss, alone or with metrics, not {_kind(loss)}.")
        if not isinstance(metrics, dict):
            raise BadInput(f"{where} must return its metrics as a dictionary; it gave {_kind(metrics)}.")
        return loss, metrics

    objective.__name__ = objective.__qualname__ = str(getattr(function, "__name__", "objective"))
    objective.__doc__ = function.__doc__
    return objective


def _kind(value: Any) -> str:
    if isinstance(value, jax.Array):
        return f"an array of {value.dtype} with shape {list(value.shape)}"
    return f"a value of type {type(value).__name__}"
