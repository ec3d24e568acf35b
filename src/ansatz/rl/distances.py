"""How many moves each position of the sliding puzzle and of the pocket cube is from the end.

Positions are numbered: a permutation by its place in the lexicographic order, ``Σ_i (n - 1 - i)! · #{j > i:
p_j < p_i}``, and the cube's twists by their digits in base 3, the last being fixed by the others.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from ansatz.errors import BadInput
from ansatz.rl.envs.cube import CORNERS, PLACES, TWISTS, CubeState
from ansatz.rl.envs.puzzle import PuzzleState

TWISTED = 3 ** (CORNERS - 1)


def rank(permutations: Any, xp: Any = np) -> Any:
    """Return the lexicographic numbers `[...]` of permutations `[..., n]` of 0, ..., n - 1, n <= 12.

    >>> rank(np.array([[0, 1, 2], [0, 2, 1], [2, 1, 0]])).tolist()
    [0, 1, 5]
    """
    count = permutations.shape[-1]
    number = xp.zeros(permutations.shape[:-1], xp.int32)
    for i in range(count - 1):
        smaller = xp.sum(permutations[..., i + 1 :] < permutations[..., i : i + 1], axis=-1, dtype=xp.int32)
        number = number + smaller * math.factorial(count - 1 - i)
    return number


def unrank(numbers: np.ndarray, count: int) -> np.ndarray:
    """Return the permutations `[..., count]` with these lexicographic numbers.

    >>> unrank(np.array([1, 5]), 3).tolist()
    [[0, 2, 1], [2, 1, 0]]
    """
    rest = np.asarray(numbers)
    digits = np.empty((*rest.shape, count), np.int8)
    for i in range(count):
        digits[..., i], rest = np.divmod(rest, math.factorial(count - 1 - i))
    # Each digit counts the smaller values among those to its right.
    for i in range(count - 2, -1, -1):
        digits[..., i + 1 :] += digits[..., i + 1 :] >= digits[..., i : i + 1]
    return digits.astype(np.int32)


def breadth_first(
    count: int, start: int, neighbours: Callable[[np.ndarray], Iterable[np.ndarray]]
) -> np.ndarray:
    """Return the distances `[count]` from `start`, -1 where nothing leads.

    `neighbours` takes numbers and returns arrays of the numbers one move away.

    >>> breadth_first(5, 0, lambda at: [(at + 1) % 4]).tolist()
    [0, 1, 2, 3, -1]
    """
    distance = np.full(count, -1, np.int8)
    distance[start] = 0
    frontier = np.array([start])
    for depth in range(1, 128):
        for found in neighbours(frontier):
            distance[found[distance[found] < 0]] = depth
        frontier = np.flatnonzero(distance == depth)
        if not len(frontier):
            return distance
    raise BadInput("A graph in which something is further than 127 moves is not searched here.")


def puzzle_index(state: PuzzleState) -> Int[Array, "..."]:
    """Return the number of a position of the sliding puzzle, for `side` 2 or 3; compiles."""
    return rank(state.tiles, jnp)


def puzzle_distances(side: int = 3) -> np.ndarray:
    """Return the distances `[side²!]` of the sliding puzzle by `puzzle_index`, -1 where it cannot be solved.

    >>> distance = puzzle_distances()
    >>> int((distance >= 0).sum()), int(distance.max())
    (181440, 31)
    """
    if side not in (2, 3):
        raise BadInput(f"All positions of a sliding puzzle are listed for side 2 or 3, not {side}.")
    cells = side**2

    def neighbours(numbers: np.ndarray) -> Iterable[np.ndarray]:
        tiles = unrank(numbers, cells)
        blank = np.argmin(tiles, axis=1)
        for step, inside in (
            (-side, blank >= side),
            (side, blank < cells - side),
            (-1, blank % side > 0),
            (1, blank % side < side - 1),
        ):
            moved, at = tiles[inside], blank[inside]
            row = np.arange(len(at))
            moved[row, at] = moved[row, at + step]
            moved[row, at + step] = 0
            yield rank(moved)

    return breadth_first(math.factorial(cells), int(rank((np.arange(cells) + 1) % cells)), neighbours)


def cube_index(state: CubeState) -> Int[Array, "..."]:
    """Return the number of a position of the pocket cube, 0 to 3,674,159; compiles."""
    powers = jnp.asarray(3 ** np.arange(CORNERS - 1), jnp.int32)
    twist = jnp.dot(state.twists[..., :-1], powers)
    return rank(state.corners, jnp) * TWISTED + twist


def cube_distances() -> np.ndarray:
    """Return the distances `[3674160]` of the pocket cube by `cube_index`; none is over 11.

    The corners and their twists move apart from each other, so that two small tables hold all moves.
    """
    corners = unrank(np.arange(math.factorial(CORNERS)), CORNERS)
    digits = np.arange(TWISTED)[:, None] // 3 ** np.arange(CORNERS - 1) % 3
    twists = np.concatenate([digits, -digits.sum(axis=1, keepdims=True) % 3], axis=1)
    powers = 3 ** np.arange(CORNERS - 1)
    placed = np.stack([rank(corners[:, place]) for place in PLACES])
    turned = [(twists[:, place] + twist) % 3 for place, twist in zip(PLACES, TWISTS, strict=True)]
    twisted = np.stack([one[:, :-1] @ powers for one in turned])

    def neighbours(numbers: np.ndarray) -> Iterable[np.ndarray]:
        corner, twist = np.divmod(numbers, TWISTED)
        for place, turn in zip(placed, twisted, strict=True):
            yield place[corner] * TWISTED + turn[twist]

    return breadth_first(len(corners) * TWISTED, 0, neighbours)
