"""A world of one's own: `ansatz play docs/maze.py:Maze --with ppo`, or dqn, alphazero, q-learning, …"""

# ruff: noqa: D102
import jax.numpy as jnp

from ansatz.rl.env import Discrete, Env, Step

ROWS = "  #   ", "# # # ", "    # ", " ##   "
WALLS = jnp.array([[place == "#" for place in row] for row in ROWS])
MOVES = jnp.array([(-1, 0), (0, 1), (1, 0), (0, -1)], jnp.int32)
SIZE = jnp.array(WALLS.shape, jnp.int32)


class Maze(Env):
    """Walk from the upper left corner to the lower right one; a step costs 0.05, and walls are illegal."""

    actions = Discrete(4)  # up, right, down, left
    observations = Discrete(WALLS.size)

    def reset(self, key):
        return jnp.zeros(2, jnp.int32)

    def step(self, state, action, key):
        after = state + MOVES[action]
        over = (after == SIZE - 1).all()
        return Step(after, self.observe(after), jnp.array(-0.05), over, jnp.array(False))

    def observe(self, state):
        return state[0] * SIZE[1] + state[1]

    def legal(self, state):
        ahead = state + MOVES
        inside = ((ahead >= 0) & (ahead < SIZE)).all(1)
        row, column = jnp.clip(ahead, 0, SIZE - 1).T
        return inside & ~WALLS[row, column]

    def render(self, state):
        rows = [["#" if wall else "·" for wall in row] for row in WALLS.tolist()]
        rows[int(state[0])][int(state[1])] = "@"
        return "\n".join("".join(row) for row in rows)
