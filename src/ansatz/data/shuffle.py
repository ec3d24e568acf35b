"""A new order of n rows for every key, computed for one place at a time: no sorting, no stored order."""

import functools
import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, UInt32

ROUNDS = 6
MOST_STEPS = 16


def shuffled(index: Int[Array, "..."], n: int, words: UInt32[Array, "2 ..."]) -> Int[Array, "..."]:
    """Return π(index), where π is a permutation of {0, …, n−1} that `words` chooses.

    π is a generalised Feistel network on Z_a × Z_b with ab ≥ n and a, b near √n, an exact
    bijection of Z_ab, walked along its cycle until it is below n (Black and Rogaway 2002,
    "Ciphers with arbitrary finite domains").  Each place costs the same for any n and needs no memory.

    Args:
        index: places `[...]` in [0, n), whole numbers.
        n: the number of places, at least 1 and below 2³¹; a Python integer.
        words: two 32-bit words that choose π; each may have the shape of `index`, a key for each place.

    >>> sorted(shuffled(jnp.arange(5), 5, jnp.array([1, 2], jnp.uint32)).tolist())
    [0, 1, 2, 3, 4]
    """
    a, b = sides(n)
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
    # A walk leaves {0, …, n−1} at most ab − n times; a loop, even an idle one, costs far more than these.
    for _ in range(a * b - n if a * b - n <= MOST_STEPS else 0):
        place = walk(place)
    if a * b - n > MOST_STEPS:
        place = jax.lax.while_loop(lambda p: jnp.any(p >= jnp.uint32(n)), walk, place)
    return place.astype(jnp.int32)


@functools.cache
def sides(n: int) -> tuple[int, int]:
    """Return a ≤ √n + 1 and b with the smallest ab ≥ n among those with a ≥ √n / 2.

    Up to 256 places a is ⌈√n⌉: a less square network would reach too few of the permutations.

    >>> sides(2000), sides(10_007)
    ((40, 50), (72, 139))
    """
    root = math.isqrt(n - 1) + 1 if n > 1 else 1
    candidates = range(root, root - 1 if n <= 256 else root // 2 - 1, -1)
    return min(((a, -(-n // a)) for a in candidates), key=lambda side: side[0] * side[1])


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
