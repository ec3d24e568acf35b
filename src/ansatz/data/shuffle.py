"""A new order of n rows for every key, computed for one place at a time: no sorting, no stored order."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, UInt32

ROUNDS = 6


def shuffled(index: Int[Array, "..."], n: int, words: UInt32[Array, "2 ..."]) -> Int[Array, "..."]:
    """Return π(index), where π is a permutation of {0, …, n−1} that `words` chooses.

    π is a generalised Feistel network on Z_a × Z_b with a = ⌈√n⌉ and b = ⌈n/a⌉, an exact
    bijection of Z_ab, walked along its cycle until it is below n (Black and Rogaway 2002,
    "Ciphers with arbitrary finite domains").  Each place costs the same for any n and needs no memory.

    Args:
        index: places `[...]` in [0, n), whole numbers.
        n: the number of places, at least 1 and below 2³¹; a Python integer.
        words: two 32-bit words that choose π; each may have the shape of `index`, a key for each place.

    >>> sorted(shuffled(jnp.arange(5), 5, jnp.array([1, 2], jnp.uint32)).tolist())
    [0, 1, 2, 3, 4]
    """
    a = math.isqrt(n - 1) + 1 if n > 1 else 1
    b = -(-n // a)
    keys = round_keys(words)
    start = jnp.asarray(index).astype(jnp.uint32)

    def permute(place: Array) -> Array:
        left, right = place // jnp.uint32(b), place % jnp.uint32(b)
        for number, key in enumerate(keys):
            if number % 2 == 0:
                left = (left + mix(right ^ key) % jnp.uint32(a)) % jnp.uint32(a)
            else:
                right = (right + mix(left ^ key) % jnp.uint32(b)) % jnp.uint32(b)
        return left * jnp.uint32(b) + right

    def walk(place: Array) -> Array:
        return jnp.where(place >= jnp.uint32(n), permute(place), place)

    place = permute(start + jnp.zeros_like(keys[0]))
    if a * b > n:
        place = jax.lax.while_loop(lambda p: jnp.any(p >= jnp.uint32(n)), walk, place)
    return place.astype(jnp.int32)


def round_keys(words: UInt32[Array, "2 ..."]) -> list[UInt32[Array, "..."]]:
    """Return one key of 32 bits for each round, each depending on both words."""
    first, second = words[0], words[1]
    keys = []
    for number in range(ROUNDS):
        second = mix(second + jnp.uint32((0x9E3779B9 * (number + 1)) & 0xFFFFFFFF))
        keys.append(mix(first ^ second))
    return keys


def mix(x: UInt32[Array, "..."]) -> UInt32[Array, "..."]:
    """Return x with its 32 bits mixed: the bijection "lowbias32" (Wellons 2018, hash-prospector)."""
    x = (x ^ (x >> jnp.uint32(16))) * jnp.uint32(0x7FEB352D)
    x = (x ^ (x >> jnp.uint32(15))) * jnp.uint32(0x846CA68B)
    return x ^ (x >> jnp.uint32(16))


def epoch_words(words: UInt32[Array, " 2"], epoch: Int[Array, "..."]) -> UInt32[Array, "2 ..."]:
    """Return the words of the order of an epoch, `[2, ...]`, from the words of the run."""
    number = jnp.asarray(epoch).astype(jnp.uint32)
    return jnp.stack([mix(words[0] ^ mix(number)), mix(words[1] + mix(~number))])
