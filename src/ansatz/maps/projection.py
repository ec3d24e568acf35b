"""The same affine map at every position of a sequence."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import BadInput, Map
from ansatz.maps.initial import initial as initial_named
from ansatz.maps.shapes import positive
from ansatz.maps.tall import tall_product


class Projection(Map):
    """``y_t = W x_t + b`` for each position t, with `weight: [out, in]` and `bias: [out]` or none.

    Under `jax.vmap` a batch of sequences stays one product of `[batch · T, in]` with W.

    `initial` names the initialization of W, `gain` scales it, and b starts at 0.  `pieces` says of how many
    matrices, one below the other, W is made: each is then drawn with the fans of its own.

    >>> Projection(3, 2, key=jax.random.key(0))(jnp.zeros((5, 3))).shape
    (5, 2)
    """

    weight: Float[Array, "out in"]
    bias: Float[Array, " out"] | None

    def __init__(
        self,
        in_size: int,
        out_size: int,
        bias: bool = True,
        initial: str = "glorot",
        gain: float = 1.0,
        pieces: tuple[int, ...] = (),
        *,
        key: PRNGKeyArray,
    ):
        positive("Projection", in_size=in_size, out_size=out_size)
        sizes = pieces or (out_size,)
        if sum(sizes) != out_size:
            raise BadInput(f"Projection has {out_size} outputs, and its pieces {list(sizes)} do not add up.")
        keys = jax.random.split(key, len(sizes))
        draw = initial_named(initial)
        drawn = [draw(k, (rows, in_size), gain=gain) for k, rows in zip(keys, sizes, strict=True)]
        self.weight = jnp.concatenate(drawn)
        self.bias = jnp.zeros(out_size) if bias else None

    def __call__(self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, "T out"]:
        """Return `[T, out]` for `x: [T, in]`."""
        expect_sequence(x, self.weight.shape[1], "Projection")
        y = tall_product(x, self.weight.T)
        return y if self.bias is None else y + self.bias[None, :]

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Projection, Array]":
        """Return a small map and a sequence for it."""
        return Projection(3, 2, key=key), jax.random.normal(key, (4, 3))


def expect_sequence(x: Array, size: int, who: str) -> None:
    """Raise `BadInput` unless `x` is a floating-point array `[T, size]` (one example, no batch axis).

    >>> expect_sequence(jnp.ones((2, 3)), 4, "FeedForward")
    Traceback (most recent call last):
    ansatz.errors.BadInput: FeedForward takes one sequence of shape [T, 4] and got [2, 3].
    """
    found = jnp.shape(x)
    if len(found) != 2 or found[1] != size:
        hint = "; use jax.vmap for a batch" if len(found) == 3 and found[2] == size else ""
        raise BadInput(f"{who} takes one sequence of shape [T, {size}] and got {list(found)}{hint}.")
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise BadInput(f"{who} takes floating-point numbers and got {x.dtype}.")
