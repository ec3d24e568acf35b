"""A matrix product that stays one tall product when `jax.vmap` gives it a batch of matrices.

Under `vmap` a product `[n, k] @ [k, m]` becomes one over two axes, and the derivative in the second
factor sums over both: XLA on a CPU transposes the whole batch for it.  Here the axes are merged first.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, Float

_tall = Primitive("tall_product")


def tall_product(x: Float[Array, "n k"], w: Float[Array, "k m"]) -> Float[Array, "n m"]:
    """Return ``x w``.

    >>> x, w = jnp.ones((4, 3, 2)), jnp.ones((2, 5))
    >>> jax.vmap(tall_product, (0, None))(x, w).shape
    (4, 3, 5)
    """
    return _tall.bind(x, w)


def _product(x: Array, w: Array) -> Array:
    return jax.lax.dot_general(x, w, (((1,), (0,)), ((), ())))


def _batch(arguments: Any, axes: Any) -> tuple[Array, int]:
    x, w = arguments
    if axes[1] is not None:
        return jax.vmap(_product, axes)(x, w), 0
    x = jnp.moveaxis(x, axes[0], 0)
    count, rows, inner = x.shape
    return tall_product(x.reshape(count * rows, inner), w).reshape(count, rows, w.shape[1]), 0


def _in_x(cotangent: Array, x: Any, w: Array) -> Array:
    return tall_product(cotangent, w.T)


def _in_w(cotangent: Array, x: Array, w: Any) -> Array:
    return jax.lax.dot_general(x, cotangent, (((0,), (0,)), ((), ())))


_tall.def_impl(jax.jit(_product))
_tall.def_abstract_eval(lambda x, w: ShapedArray((x.shape[0], w.shape[1]), x.dtype))
mlir.register_lowering(_tall, mlir.lower_fun(_product, multiple_results=False))
batching.primitive_batchers[_tall] = _batch
ad.defbilinear(_tall, _in_x, _in_w)
