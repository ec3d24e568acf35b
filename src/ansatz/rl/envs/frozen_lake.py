"""FrozenLake: over the ice to the goal, around the holes."""

import functools

import equinox as eqx
import numpy as np
from jaxtyping import Array, Int

from ansatz._spelling import choose
from ansatz.errors import BadInput
from ansatz.rl.mdp import Outcomes, TabularEnv

LAKES = {
    "4x4": ("SFFF", "FHFH", "FFFH", "HFFG"),
    "8x8": (
        "SFFFFFFF",
        "FFFFFFFF",
        "FFFHFFFF",
        "FFFFFHFF",
        "FFFHFFFF",
        "FHHFFFHF",
        "FHFFHFHF",
        "FFFHFFFG",
    ),
}
MOVES = ((0, -1), (1, 0), (0, 1), (-1, 0))
SIGNS = {"S": "·", "F": "·", "H": "○", "G": "★"}


class FrozenLake(TabularEnv):
    """Walk over a frozen lake to the left (0), down (1), to the right (2) or up (3).

    The state is row · columns + column.  On slippery ice the move is the chosen one with the probability
    `success`, and one of the two across it with (1 - `success`)/2 each; the edge of the lake stops it.  It
    pays 1 for reaching a goal (G) and ends there and in a hole (H); it begins on a start (S), each as likely.

    `lake` is "4x4", "8x8" or rows of the letters S, F, H and G.

    Source: Gymnasium's `FrozenLake-v1` and `FrozenLake8x8-v1`, whose time limits are 100 and 200.

    >>> print(FrozenLake().render(np.asarray(6)))
    · · · ·
    · ○ ◉ ○
    · · · ○
    ○ · · ★

    Raises:
        BadInput: the lake has another name, rows of several lengths, other letters, or no start.
    """

    lake: str | tuple[str, ...] = eqx.field(static=True, default="4x4")
    slippery: bool = eqx.field(static=True, default=True)
    success: float = eqx.field(static=True, default=1 / 3)

    def __check_init__(self) -> None:
        rows = self.rows
        if not rows or len({len(row) for row in rows}) != 1 or not rows[0]:
            raise BadInput(f"A lake has rows of one length: {list(rows)}.")
        if other := sorted(set("".join(rows)) - set("SFHG")):
            raise BadInput(f"A lake is made of S, F, H and G; this one has {other[0]!r}.")
        if "S" not in "".join(rows):
            raise BadInput(f"A lake has an S, where one starts; this one has none: {list(rows)}.")
        if not 0 <= self.success <= 1:
            raise BadInput(f"success is a probability, from 0 to 1, and not {self.success}.")

    @property
    def rows(self) -> tuple[str, ...]:
        """The letters of the lake."""
        return choose("lake", self.lake, LAKES) if isinstance(self.lake, str) else self.lake

    def outcomes(self) -> Outcomes:
        """Return the three moves of each action on slippery ice, and the one of it otherwise."""
        return _outcomes(self.rows, self.success if self.slippery else None)

    def starts(self) -> np.ndarray:
        """Return equal probabilities of all starts."""
        here = np.array([letter == "S" for letter in "".join(self.rows)], float)
        return here / here.sum()

    def render(self, state: Int[Array, ""] | np.ndarray) -> str:
        """Return the lake with the walker on it."""
        signs = [SIGNS[letter] for letter in "".join(self.rows)]
        signs[int(state)] = "◉"
        width = len(self.rows[0])
        return "\n".join(" ".join(signs[at : at + width]) for at in range(0, len(signs), width))


@functools.cache
def _outcomes(rows: tuple[str, ...], success: float | None) -> Outcomes:
    height, width = len(rows), len(rows[0])
    letters = np.array([list(row) for row in rows]).ravel()
    row, column = np.divmod(np.arange(height * width), width)
    turns = (0,) if success is None else (-1, 0, 1)
    chances = [1.0] if success is None else [(1 - success) / 2, success, (1 - success) / 2]
    after = np.zeros((height * width, 4, len(turns)), np.int32)
    for action in range(4):
        for at, turn in enumerate(turns):
            down, right = MOVES[(action + turn) % 4]
            to_row, to_column = np.clip(row + down, 0, height - 1), np.clip(column + right, 0, width - 1)
            after[:, action, at] = to_row * width + to_column
    probability = np.broadcast_to(np.array(chances), after.shape).copy()
    reward = (letters[after] == "G").astype(float)
    ended = np.isin(letters, ["G", "H"])
    probability[ended] = np.eye(len(turns))[0]
    after[ended] = np.flatnonzero(ended)[:, None, None]
    reward[ended] = 0.0
    return Outcomes(probability, after, reward, ended[after])
