"""JSON that is read with care: bounded in size and depth, and never with numbers that JSON lacks."""

import json
import math
from typing import Any

import numpy as np

from ansatz.core import BadInput

LIMIT = 64 * 2**20
DEPTH = 100
_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def parse_json(data: bytes, what: str) -> Any:
    """Return the value of a JSON text; `what` names it in the sentence of the `BadInput`.

    >>> parse_json(b'{"steps": 3}', "run.json")
    {'steps': 3}
    """
    if len(data) > LIMIT:
        raise BadInput(f"{what} has {len(data)} bytes, more than the {LIMIT} that are read.")
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_no_constant)
    except RecursionError:
        raise BadInput(f"{what} is nested too deeply to be read.") from None
    except ValueError as error:
        raise BadInput(f"{what} is not JSON: {error}.") from None


def to_json(value: Any, where: str = "info") -> Any:
    """Return a value as pure JSON: NumPy numbers as numbers, tuples as lists, NaN as `{"float": "nan"}`.

    Raises `BadInput` for anything else that JSON cannot say, and names where it stands.

    >>> to_json({"loss": float("inf"), "shape": (2, 3)})
    {'loss': {'float': 'inf'}, 'shape': [2, 3]}
    """
    if where.count("\0") > DEPTH:
        raise BadInput(f"{where.split(chr(0))[0]} is nested more than {DEPTH} deep.")
    if isinstance(value, np.bool_ | np.integer | np.floating):
        value = value.item()
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": "nan" if math.isnan(value) else str(value)}
    if type(value) in (list, tuple):
        return [to_json(item, f"{where}\0{i}") for i, item in enumerate(value)]
    if type(value) is dict and all(type(key) is str for key in value):
        if set(value) == {"float"} and type(value["float"]) is str:
            raise BadInput(f"{_dotted(where)} has the one key 'float', which a run keeps for NaN; rename it.")
        return {key: to_json(item, f"{where}\0{key}") for key, item in value.items()}
    raise BadInput(
        f"{_dotted(where)} is of type {type(value).__name__!r}; what a run records is numbers, text, lists "
        "and dictionaries with text as keys."
    )


def from_json(value: Any) -> Any:
    """Return the value that `to_json` was given, with lists for tuples."""
    if type(value) is list:
        return [from_json(item) for item in value]
    if type(value) is dict:
        if set(value) == {"float"} and type(value["float"]) is str and value["float"] in _FLOATS:
            return _FLOATS[value["float"]]
        return {key: from_json(item) for key, item in value.items()}
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _dotted(where: str) -> str:
    return where.replace("\0", ".")
