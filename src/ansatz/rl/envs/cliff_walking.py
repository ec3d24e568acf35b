"""CliffWalking: along the edge is short, and away from it is safe."""

import functools

import equinox as eqx
import numpy as np
from jaxtyping import Array, Int

from ansatz.rl.mdp import Outcomes, TabularEnv

HEIGHT, WIDTH = 4, 12
START, GOAL = 36, 47
MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))


class CliffWalking(TabularEnv):
    """Walk up (0), to the right (1), down (2) or to the left (3) on 4 rows of 12 cells.

    The state is row · 12 + column.  It begins in the lower left corner, pays -1 a step and ends in the lower
    right corner.  Between them is the cliff: who steps into it pays 100 and is back at the beginning, and the
    episode goes on.  On slippery ground the move is with 1/3 each the chosen one or one of the two across it.

    Source: Sutton and Barto, Reinforcement Learning (2018), example 6.6; Gymnasium's `CliffWalking-v1` and
    `CliffWalkingSlippery-v1`, which have no time limit.

    >>> print(CliffWalking().render(np.asarray(36)))
    · · · · · · · · · · · ·
    · · · · · · · · · · · ·
    · · · · · · · · · · · ·
    ◉ ▒ ▒ ▒ ▒ ▒ ▒ ▒ ▒ ▒ ▒ ★
    """

    slippery: bool = eqx.field(static=True, default=False)

    def outcomes(self) -> Outcomes:
        """Return the three moves of each action on slippery ground, and the one of it otherwise."""
        return _outcomes(self.slippery)

    def starts(self) -> np.ndarray:
        """Return certainty of the lower left corner."""
        return np.eye(HEIGHT * WIDTH)[START]

    def render(self, state: Int[Array, ""] | np.ndarray) -> str:
        """Return the cells, the cliff, the goal and the walker."""
        signs = [*"·" * START, "·", *"▒" * (WIDTH - 2), "★"]
        signs[int(state)] = "◉"
        return "\n".join(" ".join(signs[at : at + WIDTH]) for at in range(0, len(signs), WIDTH))


@functools.cache
def _outcomes(slippery: bool) -> Outcomes:
    row, column = np.divmod(np.arange(HEIGHT * WIDTH), WIDTH)
    turns = (-1, 0, 1) if slippery else (0,)
    after = np.zeros((HEIGHT * WIDTH, 4, len(turns)), np.int32)
    for action in range(4):
        for at, turn in enumerate(turns):
            down, right = MOVES[(action + turn) % 4]
            to_row, to_column = np.clip(row + down, 0, HEIGHT - 1), np.clip(column + right, 0, WIDTH - 1)
            after[:, action, at] = to_row * WIDTH + to_column
    fallen = (after > START) & (after < GOAL)
    after[fallen] = START
    reward = np.where(fallen, -100.0, -1.0)
    return Outcomes(np.full(after.shape, 1 / len(turns)), after, reward, after == GOAL)
