"""Penalties on the slope ∇ₓD of a critic: what makes a game of two networks converge.

| name | formula | source |
|---|---|---|
| R1 | ``½ E_p ‖∇D(x)‖²``, on data | Mescheder et al. 2018, equation 9 |
| R2 | ``½ E_q ‖∇D(y)‖²``, on fakes | the same, equation 10 |
| gradient penalty | ``E (‖∇D(x̂)‖ - 1)²`` at ``x̂ = u x + (1 - u) y``, u uniform | Gulrajani et al. 2017 |

R1 and R2 are `zero_centered` on the slopes at the one and the other.  A critic is a function of one example
with a scalar answer; slopes are taken of each example by itself.  Penalties are differentiated once more by
θ: the second derivatives of the activations count, and a ReLU has none.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import BadInput

Critic = Callable[..., Float[Array, ""]]


def logits_and_slopes(critic: Critic, x: Any, *rest: Any) -> tuple[Float[Array, " n"], Float[Array, "n ..."]]:
    """Return ``D(x)`` and ``∇ₓD(x)`` of each example of a batch.

    `critic(x, *rest) -> []` is of one example; `x: [N, ...]`, and `rest` are arrays `[N, ...]` or None that
    the slope is not taken by (labels).

    >>> logits, slopes = logits_and_slopes(lambda x: (x**2).sum(), jnp.asarray([[1.0, 2.0]]))
    >>> logits.tolist(), slopes.tolist()
    ([5.0], [[2.0, 4.0]])
    """
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise BadInput(f"The slope of a critic is taken by floating-point examples, not by {x.dtype}.")
    return jax.vmap(jax.value_and_grad(critic))(x, *rest)


def squared_norms(slopes: Float[Array, "n ..."]) -> Float[Array, " n"]:
    """Return ``‖∇D‖²`` of each example."""
    return (slopes.reshape(slopes.shape[0], -1) ** 2).sum(1)


def zero_centered(slopes: Float[Array, "n ..."]) -> Float[Array, ""]:
    """Return ``½ mean ‖∇D‖²``: R1 of the slopes at data, R2 of those at fakes.

    >>> float(zero_centered(jnp.asarray([[3.0, 4.0], [0.0, 1.0]])))
    6.5
    """
    return 0.5 * squared_norms(slopes).mean()


def one_centered(slopes: Float[Array, "n ..."], target: float = 1.0) -> Float[Array, ""]:
    """Return ``mean (‖∇D‖ - target)²``; where a slope is exactly 0 its own derivative counts as 0.

    >>> float(one_centered(jnp.asarray([[3.0, 4.0], [0.0, 0.0]])))
    8.5
    """
    squares = squared_norms(slopes)
    some = squares > 0
    norms = jnp.where(some, jnp.sqrt(jnp.where(some, squares, jnp.ones_like(squares))), squares)
    return ((norms - target) ** 2).mean()


def between(real: Float[Array, "n ..."], fake: Float[Array, "m ..."], key: PRNGKeyArray) -> Array:
    """Return a point on the line from each fake to an example, uniform in between."""
    if real.shape != fake.shape:
        raise BadInput(
            f"The gradient penalty joins each example with a fake, and these are {list(real.shape)} and "
            f"{list(fake.shape)}: draw as many."
        )
    share = jax.random.uniform(key, (real.shape[0],) + (1,) * (real.ndim - 1), real.dtype)
    return share * real + (1 - share) * fake


def gradient_penalty(
    critic: Critic,
    real: Float[Array, "n ..."],
    fake: Float[Array, "m ..."],
    key: PRNGKeyArray,
    *rest: Any,
) -> Float[Array, ""]:
    """Return ``mean (‖∇D(x̂)‖ - 1)²`` on the lines between examples and fakes.

    >>> x, y = jnp.ones((4, 2)), jnp.zeros((4, 2))
    >>> float(gradient_penalty(lambda x: 3 * x[0] + 4 * x[1], x, y, jax.random.key(0)))
    16.0
    """
    return one_centered(logits_and_slopes(critic, between(real, fake, key), *rest)[1])
