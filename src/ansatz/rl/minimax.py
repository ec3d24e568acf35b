"""The exact solution of a two-player game of perfect information, by playing all of it."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from ansatz.errors import BadInput
from ansatz.rl.env import Discrete, Env

CHUNK = 4096


class Solved(NamedTuple):
    """Every state that can be reached, in the order in which play first reaches it.

    `states`: stacked, n of them.  `value: [n]`: what the player to move gets from here on when both play
    best, 0 at an end.  `action: [n, actions]`: what each action gets, -inf where it is illegal.  `after: [n,
    actions]`: the state that an action leads to, -1 where it is illegal.
    """

    states: PyTree
    value: np.ndarray
    action: np.ndarray
    after: np.ndarray

    @property
    def optimal(self) -> np.ndarray:
        """Which actions keep the value, `[n, actions]`; none at an end."""
        return self.action == self.value[:, None]

    @property
    def terminal(self) -> np.ndarray:
        """Which states are ends, `[n]`."""
        return np.asarray((self.after < 0).all(axis=1))


def bytes_of(states: PyTree) -> list[bytes]:
    """Return the bytes of each of some stacked states, by which they are told apart.

    >>> bytes_of((np.zeros((2, 3), np.int8), np.arange(2, dtype=np.int8)))
    [b'\\x00\\x00\\x00\\x00', b'\\x00\\x00\\x00\\x01']
    """
    leaves = jax.tree.leaves(states)
    count = len(leaves[0])
    rows = [np.ascontiguousarray(leaf).reshape(count, -1).view(np.uint8) for leaf in leaves]
    return [row.tobytes() for row in np.concatenate([one.reshape(count, -1) for one in rows], axis=1)]


def _taken(tree: PyTree, rows: Any) -> PyTree:
    return jax.tree.map(lambda x: x[rows], tree)


def _explored(env: Env, limit: int) -> tuple[PyTree, np.ndarray, np.ndarray, np.ndarray]:
    """Return all states, what follows each, what each action pays, and 1 where the mover stays, else -1."""
    actions = env.actions.n  # type: ignore[union-attr]

    @jax.jit
    @jax.vmap
    def expand(state):
        step = jax.vmap(lambda a: env.step(state, a, jax.random.key(0)))(jnp.arange(actions, dtype=jnp.int32))
        again = jax.vmap(env.player)(step.state) == env.player(state)
        return step.state, step.reward[:, env.player(state)], step.terminated, again, env.legal(state)

    root = jax.tree.map(lambda x: np.asarray(x)[None], env.reset(jax.random.key(0)))
    known, level, parts, waiting = {bytes_of(root)[0]: 0}, root, [root], 1
    edges, pays, signs, live = [], [], [], np.ones(1, bool)
    while waiting:
        rows = np.arange(-(-waiting // CHUNK) * CHUNK).clip(max=waiting - 1).reshape(-1, CHUNK)
        pieces = [expand(_taken(level, r)) for r in rows]
        states, reward, ends, again, legal = _taken(
            jax.tree.map(lambda *p: np.concatenate(p), *pieces), slice(waiting)
        )
        legal = legal & live[:, None]
        at, action = np.nonzero(legal)
        reached = _taken(states, (at, action))
        edge, fresh = np.full((waiting, actions), -1), []
        for number, key in enumerate(bytes_of(reached) if len(at) else []):
            if key not in known:
                known[key] = len(known)
                fresh.append(number)
            edge[at[number], action[number]] = known[key]
        if len(known) > limit:
            raise BadInput(
                f"{type(env).__name__} has more than {limit:,} states, and is not solved by listing."
            )
        edges.append(edge)
        pays.append(np.where(legal, reward, 0))
        signs.append(np.where(again, 1, -1))
        level, live, waiting = _taken(reached, fresh), ~ends[at, action][fresh], len(fresh)
        parts += [level] if waiting else []
    stacked = jax.tree.map(lambda *p: np.concatenate(p), *parts)
    return stacked, np.concatenate(edges), np.concatenate(pays), np.concatenate(signs)


def minimax(env: Env, *, limit: int = 1_000_000) -> Solved:
    """Return the value of every reachable state, and the best actions.

    The game has two players whose rewards add up to zero, is deterministic, and ends: no state comes twice.

    >>> from ansatz.rl.envs.tic_tac_toe import TicTacToe
    >>> solved = minimax(TicTacToe())
    >>> len(solved.value), int(solved.terminal.sum()), float(solved.value[0])
    (5478, 958, 0.0)
    """
    if env.players != 2 or not isinstance(env.actions, Discrete):
        raise BadInput(f"Minimax solves games of two players and discrete actions, not {type(env).__name__}.")
    states, after, reward, sign = _explored(env, limit)
    allowed, value = after >= 0, np.zeros(len(after))
    known = np.asarray(~allowed.any(axis=1))
    while not known.all():
        ready = ~known & (known[after] | ~allowed).all(axis=1)
        if not ready.any():
            raise BadInput(f"{type(env).__name__} can return to a state, and minimax takes games that end.")
        q = reward[ready] + sign[ready] * value[after[ready]]
        value[ready] = np.where(allowed[ready], q, -np.inf).max(axis=1)
        known |= ready
    q = np.where(allowed, reward + sign * value[after], -np.inf)
    return Solved(states, value, q, after)
