"""Games in which both players choose at once: competitive, co-operative, and with unequal chances."""

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ansatz.errors import BadInput
from ansatz.rl.env import Box, Discrete, Env, Step, everywhere

Matrix = tuple[tuple[float, ...], ...]


class MatrixState(NamedTuple):
    """`chosen: [2]`, each player's action, -1 as long as there is none."""

    chosen: Int[Array, "*deals 2"]


class MatrixGame(Env):
    """Two players choose once, neither knowing the other's choice; `first[a][b]` and `second[a][b]` are paid.

    The first player chooses the row a, then the second the column b, without seeing a: an observation `[2]`
    only says whose turn it is.  Where there are more rows than columns, or fewer, the surplus actions are
    illegal.
    """

    first: Matrix = eqx.field(static=True)
    second: Matrix = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(default=(), static=True)

    players: ClassVar[int] = 2

    def __check_init__(self) -> None:
        shapes = [{len(row) for row in table} for table in (self.first, self.second)]
        regular = all(len(widths) == 1 and min(widths) > 0 for widths in shapes)
        if not regular or shapes[0] != shapes[1] or len(self.first) != len(self.second):
            raise BadInput(
                f"A matrix game pays two matrices of one shape, not {self.first} and {self.second}."
            )
        if not np.isfinite([*np.ravel(self.first), *np.ravel(self.second)]).all():
            raise BadInput(f"A matrix game pays finite amounts, not {self.first} and {self.second}.")
        if self.names and len(self.names) != self.actions.n:
            raise BadInput(f"{self.actions.n} actions have {self.actions.n} names, not {len(self.names)}.")

    @property
    def shape(self) -> tuple[int, int]:
        """How many actions each player has."""
        return len(self.first), len(self.first[0])

    @property
    def actions(self) -> Discrete:
        """As many as the player with more of them has."""
        return Discrete(max(self.shape))

    @property
    def observations(self) -> Box:
        """Indicators of the player."""
        return everywhere(0.0, 1.0, 2)

    def reset(self, key: PRNGKeyArray) -> MatrixState:
        """Return that nobody has chosen."""
        return MatrixState(jnp.full(2, -1, jnp.int32))

    def deals(self) -> tuple[MatrixState, Float[np.ndarray, "1"]]:
        """Return the one beginning, with its probability."""
        return MatrixState(jnp.full((1, 2), -1, jnp.int32)), np.ones(1)

    def step(self, state: MatrixState, action: Int[Array, ""], key: PRNGKeyArray) -> Step:
        """Choose; the second choice ends the game."""
        chosen = state.chosen.at[self.player(state)].set(action.astype(jnp.int32))
        after = MatrixState(chosen)
        over = chosen[1] >= 0
        table = jnp.asarray(np.stack([self.first, self.second], axis=-1), jnp.float32)
        reward = jnp.where(over, table[chosen[0], chosen[1]], 0.0)
        return Step(after, self.observe(after), reward, over, jnp.zeros((), bool))

    def observe(self, state: MatrixState) -> Float[Array, "2"]:
        """Return whose turn it is, and nothing about what was chosen."""
        return jax.nn.one_hot(self.player(state), 2, dtype=jnp.float32)

    def legal(self, state: MatrixState) -> Bool[Array, " actions"]:
        """Return the rows, or the columns; none when both have chosen."""
        count = jnp.asarray(self.shape, jnp.int32)[self.player(state)]
        return (jnp.arange(self.actions.n, dtype=jnp.int32) < count) & (state.chosen[1] < 0)

    def player(self, state: MatrixState) -> Int[Array, ""]:
        """Return whose turn it is."""
        return (state.chosen[0] >= 0).astype(jnp.int32)

    def render(self, state: MatrixState) -> str:
        """Return both choices, · where there is none."""
        names = self.names or tuple(map(str, range(self.actions.n)))
        return " against ".join(names[int(one)] if one >= 0 else "·" for one in np.asarray(state.chosen))


def zero_sum(first: Matrix, names: tuple[str, ...] = ()) -> MatrixGame:
    """Return the game in which the second player loses what the first wins."""
    return MatrixGame(first, tuple(tuple(-value for value in row) for row in first), names)


def rock_paper_scissors() -> MatrixGame:
    """Return the balanced game, worth 0 and solved by choosing each with probability 1/3."""
    return zero_sum(((0.0, -1.0, 1.0), (1.0, 0.0, -1.0), (-1.0, 1.0, 0.0)), ("rock", "paper", "scissors"))


def matching_pennies() -> MatrixGame:
    """Return the game in which the first player wants equal sides: worth 0, solved by 1/2 each."""
    return zero_sum(((1.0, -1.0), (-1.0, 1.0)), ("heads", "tails"))


def climbing() -> MatrixGame:
    """Return the co-operative game whose best choice, (a, a) for 11 each, is the most dangerous to try.

    Claus & Boutilier 1998, "The dynamics of reinforcement learning in cooperative multiagent systems".
    """
    table = ((11.0, -30.0, 0.0), (-30.0, 7.0, 6.0), (0.0, 0.0, 5.0))
    return MatrixGame(table, table, ("a", "b", "c"))


def no_scissors() -> MatrixGame:
    """Return rock, paper, scissors where the second player has no scissors: worth 1/3 to the first.

    It is solved by (0, 2/3, 1/3) against (1/3, 2/3).
    """
    return zero_sum(((0.0, -1.0), (1.0, 0.0), (-1.0, 1.0)), ("rock", "paper", "scissors"))
