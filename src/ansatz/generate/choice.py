"""How the next token is chosen from the logits: the likeliest, or one drawn from what the filters leave.

The filters act one after the other on the distribution ``p = softmax(logits / temperature)``, each on what
the one before left, as is usual: `top_k` (Fan et al. 2018), `top_p`, the nucleus (Holtzman et al. 2020), and
`min_p` (Nguyen et al. 2024).
"""

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ansatz.core import BadInput


class Choice(eqx.Module):
    """A way of choosing the next token.

    * `temperature` ≥ 0: 1 draws from the model's own distribution, less makes likely tokens likelier, and 0
      takes the likeliest;
    * `top_k` ≥ 0: only the k likeliest are left (0: all);
    * `top_p` in (0, 1]: only the likeliest are left that together have at least this probability;
    * `min_p` in [0, 1): only those are left that are at least so many times as likely as the likeliest.

    Only which filters there are is part of a compiled program, not their numbers.

    >>> Choice(top_k=2).probabilities(jnp.log(jnp.asarray([0.5, 0.25, 0.25]))).tolist()
    [0.6666666865348816, 0.3333333432674408, 0.0]
    """

    temperature: Float[Array, ""]
    top_k: Int[Array, ""] | None
    top_p: Float[Array, ""] | None
    min_p: Float[Array, ""] | None
    greedy: bool = eqx.field(static=True)

    def __init__(
        self, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0, min_p: float = 0.0
    ) -> None:
        _check(temperature, top_k, top_p, min_p)
        self.greedy = temperature == 0
        self.temperature = jnp.asarray(temperature or 1.0, jnp.float32)
        drawn = not self.greedy
        self.top_k = jnp.asarray(top_k, jnp.int32) if top_k and drawn else None
        self.top_p = jnp.asarray(top_p, jnp.float32) if top_p < 1 and drawn else None
        self.min_p = jnp.asarray(min_p, jnp.float32) if min_p and drawn else None

    def __call__(self, logits: Float[Array, " V"], key: PRNGKeyArray) -> Int[Array, ""]:
        """Return a token for `logits: [V]`; the same key gives the same token."""
        if self.greedy:
            return jnp.argmax(logits).astype(jnp.int32)
        return jax.random.categorical(key, self.filtered(logits)).astype(jnp.int32)

    def probabilities(self, logits: Float[Array, " V"]) -> Float[Array, " V"]:
        """Return the distribution from which a token is drawn."""
        if self.greedy:
            return jax.nn.one_hot(jnp.argmax(logits), logits.shape[0])
        return jax.nn.softmax(self.filtered(logits))

    def filtered(self, logits: Float[Array, " V"]) -> Float[Array, " V"]:
        """Return the logits divided by the temperature, and -∞ for what the filters take away."""
        logits = logits.astype(jnp.float32) / self.temperature
        kept = jnp.ones(logits.shape, bool)
        if self.top_k is not None or self.top_p is not None:
            kept = self._likeliest(logits)
        if self.min_p is not None:
            kept = kept & (logits >= logits.max() + jnp.log(self.min_p))
        return jnp.where(kept, logits, -jnp.inf)

    def _likeliest(self, logits: Array) -> Array:
        """Return which tokens `top_k` and `top_p` keep; of equals the first in the vocabulary go before."""
        order = jnp.argsort(-logits, stable=True)
        rank = jnp.zeros_like(order).at[order].set(jnp.arange(order.shape[0], dtype=order.dtype))
        kept = jnp.ones(logits.shape, bool) if self.top_k is None else jnp.arange(len(order)) < self.top_k
        if self.top_p is not None:
            falling = jax.nn.softmax(jnp.where(kept, logits[order], -jnp.inf))
            # A token stays while those before it do not yet have the mass asked for.
            kept = kept & (jnp.cumsum(falling) - falling < self.top_p)
        return kept[rank]


class Rows(NamedTuple):
    """The random keys of the rows of a batch, `[B]`: token t of row i is drawn with ``fold_in(key_i, t)``."""

    keys: Any

    def at(self, t: Int[Array, ""]) -> Any:
        """Return the keys `[B]` of the tokens number t."""
        return jax.vmap(jax.random.fold_in, (0, None))(self.keys, t)


def row_keys(seed: Any, rows: int) -> Rows:
    """Return the keys of `rows` sequences: row i has that of `seed` and i, or of its own seed and 0.

    So the first sequence drawn with a seed is the same however many are drawn beside it, and with a list of
    seeds each sequence is the one that its seed gives alone.

    >>> both, alone = row_keys(7, 2), row_keys([3, 7], 2)
    >>> bool((both.keys[0] == alone.keys[1]).all())
    True
    """
    if not isinstance(seed, int | np.integer):
        seeds = list(seed)
        if len(seeds) != rows:
            raise BadInput(f"There are {len(seeds)} seeds for {rows} sequences; give one, or one for each.")
        return Rows(jnp.stack([row_keys(int(one), 1).keys[0] for one in seeds]))
    key = jax.random.key(int(seed))
    return Rows(jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(rows, dtype=jnp.uint32)))


def _check(temperature: float, top_k: int, top_p: float, min_p: float) -> None:
    if not 0 <= temperature < math.inf:
        raise BadInput(f"The temperature is {temperature}; it is a number of at least 0.")
    if isinstance(top_k, bool) or not isinstance(top_k, int) or top_k < 0:
        raise BadInput(f"top_k is {top_k!r}; it is a number of tokens, or 0 for all.")
    if not 0 < top_p <= 1:
        raise BadInput(f"top_p is {top_p}; it is a probability above 0 and at most 1.")
    if not 0 <= min_p < 1:
        raise BadInput(f"min_p is {min_p}; it is a ratio of probabilities from 0 to below 1.")
