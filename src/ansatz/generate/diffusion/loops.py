"""Repeating a step: as one compiled loop, or by calls of one compiled step.

Both take the same steps.  On a CPU a convolution within a compiled loop runs on one thread and is many
times slower, so networks with convolutions are called step by step there.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax

from ansatz.core import BadInput
from ansatz.training.program import has_primitive

DRIVERS = ("loop", "stepped")
Step = Callable[[Any, Any, Any], Any]
_convolves: dict[Any, bool] = {}


def repeat(step: Step, constants: Any, carry: Any, xs: Any, driver: str | None = None) -> Any:
    """Return the last carry of ``carry ← step(constants, carry, x)`` over the leading axis of `xs`.

    `step` is a function of a module (it is compiled once, and found again by its identity); what it needs
    stands in `constants`, arrays and settings alike.  `driver` is "loop" or "stepped"; None chooses.
    """
    if driver is None:
        driver = (
            "stepped" if jax.default_backend() == "cpu" and convolves(step, constants, carry, xs) else "loop"
        )
    if driver == "loop":
        return _looped(step, constants, carry, xs)
    if driver != "stepped":
        raise BadInput(f"driver={driver!r} is not known: it is 'loop' or 'stepped', or None to choose.")
    for i in range(jax.tree.leaves(xs)[0].shape[0]):
        carry = _once(step, constants, carry, jax.tree.map(lambda leaf, i=i: leaf[i], xs))
    return carry


def convolves(step: Step, constants: Any, carry: Any, xs: Any) -> bool:
    """Tell whether a step computes a convolution."""
    x = jax.tree.map(lambda leaf: leaf[0], xs)
    arrays, rest = eqx.partition((constants, carry, x), eqx.is_array)
    leaves, treedef = jax.tree.flatten(arrays)
    known = (step, treedef, jax.tree.structure(rest), tuple(jax.tree.leaves(rest)))
    try:
        hash(known)
    except TypeError:
        known = None
    if known is None or known not in _convolves:
        shapes = [jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves]

        def flat(*leaves: Any) -> Any:
            moved = step(*eqx.combine(jax.tree.unflatten(treedef, leaves), rest))
            return eqx.filter(moved, eqx.is_array)

        found = has_primitive(jax.make_jaxpr(flat)(*shapes).jaxpr, "conv_general_dilated")
        if known is None:
            return found
        _convolves[known] = found
    return _convolves[known]


@eqx.filter_jit
def _once(step: Step, constants: Any, carry: Any, x: Any) -> Any:
    return step(constants, carry, x)


@eqx.filter_jit
def _looped(step: Step, constants: Any, carry: Any, xs: Any) -> Any:
    arrays, rest = eqx.partition(carry, eqx.is_array)

    def body(arrays: Any, x: Any) -> tuple[Any, None]:
        moved = step(constants, eqx.combine(arrays, rest), x)
        return eqx.filter(moved, eqx.is_array), None

    return eqx.combine(jax.lax.scan(body, arrays, xs)[0], rest)
