"""What a transformer keeps of the tokens it has read, so that the next costs one position's work.

A cache is a carry of fixed shape: `start` makes it, `prefill` fills it with a prompt, `step` adds one token.
It is a ring: token t stands in slot ``t mod slots``, and what no longer fits is overwritten, never moved.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Bool, Float, Int

from ansatz.core import BadInput


class Cache(NamedTuple):
    """The keys and values of the tokens read so far, `[layers, slots, groups · head_size]` each.

    `count` tokens have been read, of which the first `skip` are padding.  A batch of caches has one `count`
    (see `carry_axes`), so that all its sequences grow in step; prompts of unequal length start with padding.
    """

    keys: Float[Array, "*batch layers slots row"]
    values: Float[Array, "*batch layers slots row"]
    count: Int[Array, ""]
    skip: Int[Array, "*batch"]


class MemoryCache(NamedTuple):
    """A decoder's cache beside the keys and values of its source, `[layers, S, row]`, computed once.

    `mask: [1, S]` is true where the source is no padding; `None` where none was looked for.
    """

    written: Cache
    keys: Float[Array, "*batch layers S row"]
    values: Float[Array, "*batch layers S row"]
    mask: Bool[Array, "*batch 1 S"] | None


class Place(NamedTuple):
    """Where a step writes, the number of its token with and without the padding, and the slots it sees."""

    slot: Int[Array, ""]
    token: Int[Array, " 1"]
    position: Int[Array, " 1"]
    mask: Bool[Array, "1 slots"]


def carry_axes(carry: Any) -> Any:
    """Return the axes of a carry that `jax.vmap` maps over: all but `count`, which a batch shares.

    >>> cache = empty(1, 4, 2, jnp.float32)
    >>> carry_axes(cache)
    Cache(keys=0, values=0, count=None, skip=0)
    >>> batch = jax.vmap(lambda k: empty(1, 4, 2, jnp.float32), out_axes=carry_axes(cache))(jnp.arange(3))
    >>> batch.keys.shape, batch.count.shape
    ((3, 1, 4, 2), ())
    """

    def axes(part: Any) -> Any:
        return Cache._make((0, 0, None, 0)) if isinstance(part, Cache) else 0

    return jax.tree.map(axes, carry, is_leaf=lambda part: isinstance(part, Cache))


def empty(layers: int, slots: int, row: int, dtype: Any) -> Cache:
    """Return a cache in which nothing is written yet."""
    zeros, none = jnp.zeros((layers, slots, row), dtype), jnp.zeros((), jnp.int32)
    return Cache(zeros, zeros, none, none)


def filled(rows: list[tuple[Array, Array]], slots: int, skip: Array) -> Cache:
    """Return the cache after a prompt whose layers made these keys and values, `[P, row]` each.

    Of a prompt longer than the ring the last `slots` tokens are kept, each in its slot.
    """
    count = rows[0][0].shape[0]
    first = max(0, count - slots)

    def placed(layers: list[Array]) -> Array:
        kept = jnp.stack(layers)[:, first:]
        if first:
            cut = (slots - first % slots) % slots
            return jnp.concatenate([kept[:, cut:], kept[:, :cut]], axis=1)
        return jnp.pad(kept, ((0, 0), (0, slots - count), (0, 0)))

    keys, values = (placed([pair[i] for pair in rows]) for i in range(2))
    return Cache(keys, values, jnp.asarray(count, jnp.int32), jnp.asarray(skip, jnp.int32))


def place(cache: Cache) -> Place:
    """Return where the next token is written and what it sees: itself and what the ring holds, no padding."""
    slots = cache.keys.shape[-2]
    slot = cache.count % slots
    # Slot s holds the youngest token t ≤ count with t mod slots = s; negative ones are not written yet.
    token = cache.count - (slot - jnp.arange(slots, dtype=jnp.int32)) % slots
    position = jnp.maximum(cache.count - cache.skip, 0)
    return Place(slot, cache.count[None], position[None], (token >= cache.skip)[None, :])


def write(store: Float[Array, "layers slots row"], layer: int, slot: Array, row: Array) -> Array:
    """Return the store with `row: [1, row]` in this slot of this layer."""
    none = jnp.zeros((), jnp.int32)
    return jax.lax.dynamic_update_slice(store, row[None].astype(store.dtype), (none + layer, slot, none))


def check_room(cache: Cache, slides: bool, who: str) -> None:
    """Raise `BadInput` when a cache that cannot slide is full; within `jit` its count is not known."""
    slots, count = cache.keys.shape[-2], cache.count
    if not slides and not isinstance(count, Tracer) and int(count) >= slots:
        raise BadInput(f"{who} was started for {slots} tokens and has read them all; start it for more.")
