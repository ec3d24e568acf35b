"""Taxi: to the passenger, and with the passenger to where they want to go."""

import functools

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from ansatz.rl.mdp import Outcomes, TabularEnv

MAP = ("|R: | : :G|", "| : | : : |", "| : : : : |", "| | : | : |", "|Y| : |B: |")
PLACES = ((0, 0), (0, 4), (4, 0), (4, 3))
NAMES = "RGYB"
ABOARD = 4


class Taxi(TabularEnv):
    """Drive down (0), up (1), right (2) or left (3) on 5 x 5 cells with walls; pick up (4) and drop off (5).

    The state is ((row · 5 + column) · 5 + passenger) · 4 + destination, with passenger and destination at one
    of the places R, G, Y and B, numbered in this order, and the passenger 4 when aboard.  It begins anywhere
    with the passenger at a place that is not the destination, pays -1 a step, -10 for picking up or dropping
    off where it cannot be done and 20 for arriving, where it ends.  `legal` are the actions that change the
    state: Gymnasium's `action_mask`.

    Source: Dietterich, Hierarchical reinforcement learning with the MAXQ value function decomposition (2000);
    Gymnasium's `Taxi-v4`, whose time limit is 200.

    >>> print(Taxi().render(np.asarray(((2 * 5 + 1) * 5 + 0) * 4 + 3)))
    ┌─────────┐
    │R  │    G│
    │   │     │
    │  ◇      │
    │ │   │   │
    │Y│   │B  │
    └─────────┘
    from R to B
    """

    def outcomes(self) -> Outcomes:
        """Return the one outcome of each action."""
        return _outcomes()

    def starts(self) -> np.ndarray:
        """Return equal probabilities of the 300 beginnings."""
        _, _, passenger, destination = _parts()
        here = ((passenger != ABOARD) & (passenger != destination)).astype(float)
        return here / here.sum()

    def legal(self, state: Int[Array, ""]) -> Bool[Array, "6"]:
        """Return which actions change the state."""
        return jnp.asarray(_outcomes_change())[state]

    def render(self, state: Int[Array, ""] | np.ndarray) -> str:
        """Return the town, the taxi (filled with the passenger aboard), and the order."""
        row, column, passenger, destination = (int(part[int(state)]) for part in _parts())
        town = [list(line.replace("|", "│").replace(":", " ")) for line in MAP]
        town[row][2 * column + 1] = "◆" if passenger == ABOARD else "◇"
        order = "aboard" if passenger == ABOARD else f"from {NAMES[passenger]}"
        lines = ["┌─────────┐", *("".join(line) for line in town), "└─────────┘"]
        return "\n".join([*lines, f"{order} to {NAMES[destination]}"])


def _parts() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return row, column, passenger and destination of every state."""
    row, column, passenger, destination = np.indices((5, 5, 5, 4)).reshape(4, -1)
    return row, column, passenger, destination


@functools.cache
def _outcomes() -> Outcomes:
    row, column, passenger, destination = _parts()
    letters = np.array([list(line) for line in MAP])
    # The place at which the taxi stands, and -1 elsewhere.
    place = np.full((5, 5), -1)
    place[tuple(zip(*PLACES, strict=True))] = range(4)
    place = place[row, column]
    picked = (passenger < ABOARD) & (place == passenger)
    dropped = (passenger == ABOARD) & (place >= 0)
    arrived = dropped & (place == destination)
    moved = [
        (np.minimum(row + 1, 4), column, passenger),
        (np.maximum(row - 1, 0), column, passenger),
        (row, column + (letters[row, 2 * column + 2] == ":"), passenger),
        (row, column - (letters[row, 2 * column] == ":"), passenger),
        (row, column, np.where(picked, ABOARD, passenger)),
        (row, column, np.where(dropped, place, passenger)),
    ]
    after = np.stack([((r * 5 + c) * 5 + p) * 4 + destination for r, c, p in moved], 1)[..., None]
    reward = np.full((500, 6, 1), -1.0)
    reward[:, 4, 0] = np.where(picked, -1.0, -10.0)
    reward[:, 5, 0] = np.where(arrived, 20.0, np.where(dropped, -1.0, -10.0))
    over = np.zeros((500, 6, 1), bool)
    over[:, 5, 0] = arrived
    return Outcomes(np.ones(after.shape), after.astype(np.int32), reward, over)


def _outcomes_change() -> np.ndarray:
    return _outcomes().state[..., 0] != np.arange(500)[:, None]
