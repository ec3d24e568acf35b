"""The pocket cube, 2 × 2 × 2: one player; 3,674,160 positions, of which none is further than 11 moves."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ansatz.errors import BadInput
from ansatz.rl.env import Box, Discrete, Env, Step, everywhere

CORNERS = 7
FACES = "URF"
# The places are URF, UFL, ULB, UBR, DFR, DLF, DRB; the corner DBL never moves.  A quarter turn, clockwise,
# brings to place i the corner of place FROM[i], and twists it by TWIST[i] thirds of a turn (Kociemba).
FROM = np.array([[3, 0, 1, 2, 4, 5, 6], [4, 1, 2, 0, 6, 5, 3], [1, 5, 2, 3, 0, 4, 6]], np.int32)
TWIST = np.array([[0, 0, 0, 0, 0, 0, 0], [2, 0, 0, 1, 1, 0, 2], [1, 2, 0, 0, 2, 1, 0]], np.int32)
STICKERS = ("U3 R0 F1", "U2 F0 L1", "U0 L0 B1", "U1 B0 R1", "D1 F3 R2", "D0 L3 F2", "D3 R3 B2", "D2 B3 L2")
NET = ("    U0U1", "    U2U3", "L0L1F0F1R0R1B0B1", "L2L3F2F3R2R3B2B3", "    D0D1", "    D2D3")


def _moves() -> tuple[np.ndarray, np.ndarray]:
    """Return places and twists `[9, 7]` of a quarter, a half and three quarters of a turn of U, R and F."""
    places, twists = [], []
    for face, turn in zip(FROM, TWIST, strict=True):
        place, twist = face, turn
        for _ in range(3):
            places.append(place)
            twists.append(twist)
            place, twist = place[face], (twist[face] + turn) % 3
    return np.stack(places), np.stack(twists)


PLACES, TWISTS = _moves()
MOVES = tuple(face + times for face in FACES for times in ("", "2", "'"))
"""The names of the actions: U, U2, U', R, ..."""


class CubeState(NamedTuple):
    """`corners: [7]`, the corner in each place, `twists: [7]` in 0, 1, 2; `time`: the moves made."""

    corners: Int[Array, "7"]
    twists: Int[Array, "7"]
    time: Int[Array, ""]


class Cube(Env):
    """The 2 × 2 × 2 cube, held by its corner down, back, left: the faces up, right and front turn.

    Actions 3 f + k turn face f of U, R, F by k + 1 quarters, clockwise.  Each costs 1, so that with a
    discount of 1 the best return is minus the distance; the episode ends when the cube is solved, and is cut
    off after `limit` moves.  It begins `scramble` random moves from the end, and with ``scramble = 0`` in a
    position drawn uniformly; a neighbour stands in for the solved one.  An observation `[7, 21]` says for
    each place, as indicators, which corner is there in which twist.

    >>> env = Cube()
    >>> turned = env.step(env.solved, jnp.asarray(MOVES.index("R")), jax.random.key(0)).state
    >>> print(env.render(turned))
        U F
        U F
    L L F D R R U B
    L L F D R R U B
        D B
        D B
    """

    scramble: int = eqx.field(default=0, static=True)
    limit: int = eqx.field(default=100, static=True)

    def __check_init__(self) -> None:
        if self.scramble < 0 or self.limit < 1:
            found = f"scramble = {self.scramble}, limit = {self.limit}"
            raise BadInput(f"A cube has scramble >= 0 and limit >= 1, not {found}.")

    @property
    def solved(self) -> CubeState:
        """The position in which each face has one colour."""
        zeros = jnp.zeros(CORNERS, jnp.int32)
        return CubeState(jnp.arange(CORNERS, dtype=jnp.int32), zeros, jnp.zeros((), jnp.int32))

    @property
    def actions(self) -> Discrete:
        """Nine turns."""
        return Discrete(len(MOVES))

    @property
    def observations(self) -> Box:
        """Indicators of corner and twist in each place."""
        return everywhere(0.0, 1.0, CORNERS, 3 * CORNERS)

    def is_solved(self, state: CubeState) -> Bool[Array, ""]:
        """Tell whether each face has one colour."""
        return jnp.all(state.corners == self.solved.corners) & jnp.all(state.twists == 0)

    def reset(self, key: PRNGKeyArray) -> CubeState:
        """Return a position that is not solved."""
        drawing, mending = jax.random.split(key)
        if self.scramble:
            keys = jax.random.split(drawing, self.scramble)
            state = jax.lax.scan(lambda s, k: (self.inverse_moves(s, k), None), self.solved, keys)[0]
        else:
            state = self._uniform(drawing)
        done, nearby = self.is_solved(state), self.inverse_moves(self.solved, mending)
        return jax.tree.map(lambda other, found: jnp.where(done, other, found), nearby, state)

    def _uniform(self, key: PRNGKeyArray) -> CubeState:
        """Return any order of the corners, with twists that add up to whole turns: all can be reached."""
        one, two = jax.random.split(key)
        corners = jax.random.permutation(one, self.solved.corners)
        free = jax.random.randint(two, (CORNERS - 1,), 0, 3, jnp.int32)
        twists = jnp.append(free, -jnp.sum(free, dtype=jnp.int32) % 3)
        return CubeState(corners, twists, jnp.zeros((), jnp.int32))

    def _turned(self, state: CubeState, action: Int[Array, ""]) -> CubeState:
        """Turn a face, outside of time."""
        place, twist = jnp.asarray(PLACES)[action], jnp.asarray(TWISTS)[action]
        return CubeState(state.corners[place], (state.twists[place] + twist) % 3, state.time)

    def step(self, state: CubeState, action: Int[Array, ""], key: PRNGKeyArray) -> Step:
        """Turn a face."""
        after = self._turned(state, action)._replace(time=state.time + 1)
        solved = self.is_solved(after)
        truncated = ~solved & (after.time >= self.limit)
        return Step(after, self.observe(after), jnp.full((), -1, jnp.float32), solved, truncated)

    def observe(self, state: CubeState) -> Float[Array, "7 21"]:
        """Return for each place the indicators of its corner and twist."""
        return jax.nn.one_hot(3 * state.corners + state.twists, 3 * CORNERS, dtype=jnp.float32)

    def legal(self, state: CubeState) -> Bool[Array, "9"]:
        """Return that every turn is allowed; none when the cube is solved."""
        return jnp.full(len(MOVES), ~self.is_solved(state))

    def inverse_moves(self, state: CubeState, key: PRNGKeyArray) -> CubeState:
        """Return a neighbour drawn uniformly: every turn can be undone."""
        after = self._turned(state, jax.random.randint(key, (), 0, len(MOVES), jnp.int32))
        return after._replace(time=jnp.zeros((), jnp.int32))

    def render(self, state: CubeState) -> str:
        """Return the unfolded cube: U above, D below, and between them L, F, R and B."""
        corners = [*np.asarray(state.corners).tolist(), CORNERS]
        twists = [*np.asarray(state.twists).tolist(), 0]
        colours = {}
        for place, corner, twist in zip(STICKERS, corners, twists, strict=True):
            for side, sticker in enumerate(STICKERS[corner].split()):
                colours[place.split()[(side + twist) % 3]] = sticker[0]
        pieces = [[line[i : i + 2] for i in range(0, len(line), 2)] for line in NET]
        return "\n".join(" ".join(colours.get(one, " ") for one in line).rstrip() for line in pieces)
