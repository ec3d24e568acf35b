"""DeepSea: a needle in a haystack, which random actions find once in 2^N episodes."""

import functools

import equinox as eqx
import numpy as np
from jaxtyping import Array, Int

from ansatz.errors import BadInput
from ansatz.rl.mdp import Outcomes, TabularEnv


class DeepSea(TabularEnv):
    """Dive N rows deep, one a step, each to the left or to the right by one column of N.

    The state is row · N + column, and N² at the bottom, where it ends.  It begins in the upper left corner.
    Which of the two actions is right differs by state, drawn with the seed `mapping`; it is 1 everywhere if
    `mapping` is None.  Right costs 0.01/N and pays 1 in the last column: only N times right gets there, for
    a return of 0.99, and every other episode is better off the more it goes to the left.

    Source: Osband et al., Deep exploration via randomized value functions (2017), and bsuite's `deep_sea`,
    whose mapping this is to the bit.

    >>> print(DeepSea(3).render(np.asarray(4)))
    · · ·
    · ◉ ·
    · · ★

    Raises:
        BadInput: `size` is less than 1, or the cost negative.
    """

    size: int = eqx.field(static=True, default=10)
    mapping: int | None = eqx.field(static=True, default=0)
    cost: float = eqx.field(static=True, default=0.01)

    def __check_init__(self) -> None:
        if self.size < 1:
            raise BadInput(f"A deep sea has at least one row, and not {self.size}.")
        if self.cost < 0:
            raise BadInput(f"The cost of moving to the right is not negative: {self.cost}.")

    @property
    def right(self) -> np.ndarray:
        """The action that moves to the right, `[N, N]` by row and column."""
        if self.mapping is None:
            return np.ones((self.size, self.size), int)
        # The generator is bsuite's, so that a mapping is too.
        return np.random.RandomState(self.mapping).binomial(1, 0.5, (self.size, self.size))

    def outcomes(self) -> Outcomes:
        """Return the one outcome of each action."""
        return _outcomes(self)

    def starts(self) -> np.ndarray:
        """Return certainty of the upper left corner."""
        return np.eye(1, self.size**2 + 1)[0]

    def render(self, state: Int[Array, ""] | np.ndarray) -> str:
        """Return the sea, the diver and the needle."""
        signs = ["·"] * self.size**2
        signs[-1] = "★"
        if int(state) < self.size**2:
            signs[int(state)] = "◉"
        return "\n".join(" ".join(signs[at : at + self.size]) for at in range(0, self.size**2, self.size))


@functools.lru_cache(maxsize=16)
def _outcomes(sea: DeepSea) -> Outcomes:
    size, bottom = sea.size, sea.size**2
    row, column = np.divmod(np.arange(bottom), size)
    rightwards = np.arange(2) == sea.right.reshape(-1, 1)
    to_column = np.clip(column[:, None] + np.where(rightwards, 1, -1), 0, size - 1)
    after = np.minimum((row[:, None] + 1) * size + to_column, bottom)
    reward = np.where(rightwards, np.where(column[:, None] == size - 1, 1.0, 0.0) - sea.cost / size, 0.0)
    after = np.concatenate([after, np.full((1, 2), bottom)]).astype(np.int32)[..., None]
    reward = np.concatenate([reward, np.zeros((1, 2))])[..., None]
    return Outcomes(np.ones(after.shape), after, reward, after == bottom)
