"""The value of a zero-sum game and an equilibrium, by one linear program over sequences.

Player i chooses weights x of sequences (`extensive`) to maximise what a best response leaves:

    maximise v(root)  subject to  v(I(s)) <= Σ_z c u_i(z) x(i's sequence to z) + Σ_J v(J),  x a plan

with one inequality for every sequence s of the other player, z the ends with s, J the information sets with
parent s, and I(s) the information set that s acts in.  Koller, Megiddo & von Stengel 1994, "Fast algorithms
for finding randomized strategies in game trees".
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array, hstack

from ansatz.errors import BadInput
from ansatz.rl.env import Env
from ansatz.rl.extensive import Game, extensive


class Solution(NamedTuple):
    """`value`: what the first player gets; `policy: [I, a]`: an equilibrium."""

    value: float
    policy: np.ndarray


def equilibrium(game: Game | Env) -> Solution:
    """Return the value of a two-player zero-sum game and an equilibrium, exact to the solver's 1e-7 or so.

    Information sets that an equilibrium never reaches get the uniform policy.

    >>> from ansatz.rl.envs.kuhn import Kuhn
    >>> round(18 * equilibrium(Kuhn()).value, 6)
    -1.0
    """
    game = game if isinstance(game, Game) else extensive(game)
    if game.players != 2:
        raise BadInput(f"A linear program solves games of two players, and this one has {game.players}.")
    paid = [_matrix(game, player) for player in range(2)]
    if abs(paid[0] + paid[1].T).max() > 1e-9:
        raise BadInput("A linear program solves zero-sum games, and in this one the rewards do not cancel.")
    legal = np.asarray(game.legal)
    values, policy = [], legal / legal.sum(axis=1, keepdims=True)
    for player in range(2):
        value, weights = _best_plan(game, player, paid[player])
        values.append(value)
        rows = game.rows(player)
        reach = weights[game.parent[rows]]
        taken = weights[game.players :].reshape(game.legal.shape)[rows]
        positive = np.maximum(taken, 0)
        reached = (reach > 1e-9) & (positive.sum(axis=1) > 0)
        policy[rows][reached] = (positive / np.maximum(positive.sum(axis=1, keepdims=True), 1e-300))[reached]
    return Solution((values[0] - values[1]) / 2, policy)


def _matrix(game: Game, player: int) -> Any:
    """Return the payoffs `[own sequence, other's sequence]`, weighted by chance."""
    paid = game.payoffs[player]
    entries = np.asarray(paid.amount), (np.asarray(paid.own), np.asarray(paid.others)[:, 0])
    return csr_array(coo_array(entries, shape=(game.sequences, game.sequences)))


def _flow(game: Game, player: int) -> Any:
    """Return F `[1 + i, sequences]`: ``(F x)_0 = x(root)``, ``(F x)_I = Σ_a x(I, a) - x(parent(I))``."""
    number, actions = np.arange(game.legal.shape[0])[game.rows(player)], game.legal.shape[1]
    row, column = np.nonzero(np.asarray(game.legal)[number])
    at = np.arange(len(number)) + 1
    rows = np.concatenate([[0], row + 1, at])
    columns = np.concatenate(
        [[player], game.players + actions * number[row] + column, np.asarray(game.parent)[number]]
    )
    signs = np.concatenate([np.ones(1 + len(row)), -np.ones(len(at))])
    return csr_array(coo_array((signs, (rows, columns)), shape=(1 + len(number), game.sequences)))


def _best_plan(game: Game, player: int, paid: Any) -> tuple[float, np.ndarray]:
    """Return what a player can be sure of, and the weights that make sure."""
    own, other = _flow(game, player), _flow(game, 1 - player)
    mine, theirs = _present(own), _present(other)
    # Transposed, F has in row s the coefficient of v at I(s), and -1 at those that follow from s.
    inequalities = hstack([-paid.T[theirs][:, mine], other.T[theirs]], format="csr")
    equalities = hstack([own[:, mine], csr_array((own.shape[0], other.shape[0]))], format="csr")
    right = np.zeros(own.shape[0])
    right[0] = 1.0
    goal = np.zeros(len(mine) + other.shape[0])
    goal[len(mine)] = -1.0
    bounds = [(0.0, None)] * len(mine) + [(None, None)] * other.shape[0]
    found = linprog(
        goal, inequalities, np.zeros(len(theirs)), equalities, right, bounds=bounds, method="highs"
    )
    if not found.success:
        raise BadInput(f"The linear program of the game was not solved: {found.message}")
    weights = np.zeros(game.sequences)
    weights[mine] = found.x[: len(mine)]
    return -float(found.fun), weights


def _present(flow: Any) -> np.ndarray:
    """Return the sequences that occur."""
    return np.unique(flow.indices)
