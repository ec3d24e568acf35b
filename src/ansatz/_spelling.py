"""Finding a name among the known ones, with the nearest spelling where it is not there."""

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

from ansatz.errors import BadInput

Value = TypeVar("Value")


def nearest(name: str, names: Iterable[str]) -> str:
    """Return the advice that ends a sentence about an unknown name.

    >>> nearest("rleu", ["relu", "tanh"])
    "did you mean 'relu'? (relu, tanh)"
    """
    known = list(names)
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    listed = ", ".join(known)
    return f"did you mean {close[0]!r}? ({listed})" if close else f"it must be one of {listed}"


def choose(kind: str, name: str, choices: Mapping[str, Value]) -> Value:
    """Return `choices[name]`, or raise `BadInput` with the nearest spelling.

    >>> choose("activation", "relu", {"relu": 1})
    1
    """
    if name in choices:
        return choices[name]
    raise BadInput(f"There is no {kind} {name!r}; {nearest(str(name), choices)}.")
