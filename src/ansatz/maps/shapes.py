"""Checks of sizes and shapes, made while a map is built or traced and at no cost afterwards."""

from typing import Any

import jax.numpy as jnp

from ansatz.core import BadInput


def expect(x: Any, shape: tuple[int, ...], who: str) -> None:
    """Raise `BadInput` unless `x` is a floating-point array of this shape (one example, no batch axis).

    >>> expect(jnp.ones(3), (4,), "MLP")
    Traceback (most recent call last):
    ansatz.errors.BadInput: MLP takes one example of shape [4] and got [3].
    """
    found = jnp.shape(x)
    if found != shape:
        hint = "; use jax.vmap for a batch" if len(found) == len(shape) + 1 and found[1:] == shape else ""
        raise BadInput(f"{who} takes one example of shape {list(shape)} and got {list(found)}{hint}.")
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise BadInput(f"{who} takes floating-point numbers and got {x.dtype}.")


def positive(who: str, **sizes: int) -> None:
    """Raise `BadInput` unless every size is an integer of at least 1."""
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise BadInput(f"{who} needs {name} to be an integer of at least 1, not {size!r}.")


def wide(dtype: Any) -> jnp.dtype:
    """Return the type in which sums and angles are computed: the array's own, or float32 where that has less.

    >>> wide(jnp.bfloat16).name, wide(jnp.float32).name
    ('float32', 'float32')
    """
    return jnp.dtype(dtype if jnp.finfo(dtype).bits >= 32 else jnp.float32)
