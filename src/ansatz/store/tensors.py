"""A tree as the bytes of one safetensors file, whose metadata say how its arrays fit together."""

import json
from collections.abc import Mapping
from typing import Any

import safetensors
import safetensors.numpy

from ansatz.core import BadInput
from ansatz.store.decode import decode
from ansatz.store.encode import encode
from ansatz.store.jsonfile import parse_json

_METADATA = "ansatz"


def tree_to_bytes(tree: Any) -> bytes:
    """Return a tree as a safetensors file; the same tree gives the same bytes.

    >>> tree_from_bytes(tree_to_bytes({"degree": 3}), {})
    {'degree': 3}
    """
    spec, arrays = encode(tree)
    # One metadata entry only: the library writes several in an arbitrary order.
    text = json.dumps(spec, allow_nan=False, separators=(",", ":"))
    return safetensors.numpy.save(arrays, metadata={_METADATA: text})


def tree_from_bytes(data: bytes, classes: Mapping[str, type]) -> Any:
    """Return the tree in a safetensors file; raises `BadInput` if it is not one of `tree_to_bytes`."""
    try:
        arrays = safetensors.numpy.load(data)
    except (safetensors.SafetensorError, KeyError, ValueError, TypeError, OverflowError) as error:
        raise BadInput(f"This is no safetensors file that Ansatz wrote: {error}.") from None
    header = parse_json(data[8 : 8 + int.from_bytes(data[:8], "little")], "the header")
    text = header.get("__metadata__", {}).get(_METADATA)
    if text is None:
        raise BadInput("This safetensors file was not written by Ansatz: it does not name its classes.")
    return decode(parse_json(text.encode("utf-8", "surrogatepass"), "the description"), arrays, classes)
