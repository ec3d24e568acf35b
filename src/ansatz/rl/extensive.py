"""Games of imperfect information as arrays of their information sets, and how far a policy is from Nash.

An information set I of player i is all that i can tell apart, and with perfect recall it has one way there
from i's side: the sequence of i's own actions, which ends in ``parent(I)``.  A policy σ gives sequences the
weights

    x(i's root) = 1,     x(I, a) = x(parent(I)) σ(I, a)

and a terminal state z the probability ``c(z) Π_i x(i's sequence to z)``, c(z) that of the cards.  From the
payoffs u_i, weighted by c and by the *others'* x, come counterfactual values, from the leaves up:

    Q(s) = Σ_z c u_i(z) Π_j≠i x_j(z) + Σ_I V(I),    over the z that end s and the I with parent s
    V(I) = Σ_a σ(I, a) Q(I, a),  or max_a Q(I, a) for the best response

and V at i's root is what i gets.  So one array over sequences holds a game of many more states, and a pass
over it takes as many operations as a player has moves.
"""

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PyTree, Shaped

from ansatz.errors import BadInput
from ansatz.rl.env import Discrete, Env

CHUNK = 1024


@runtime_checkable
class Dealt(Protocol):
    """An environment in which chance only deals the cards, before the first action."""

    def deals(self) -> tuple[PyTree, np.ndarray]:
        """Return the states in which an episode can begin, stacked, and their probabilities."""
        ...


class Payoffs(eqx.Module):
    """What one player is paid at the ends: own sequence, the others', and the chance-weighted amount."""

    own: Int[Array | np.ndarray, " z"]
    others: Int[Array | np.ndarray, "z n"]
    amount: Float[Array | np.ndarray, " z"]


class Game(eqx.Module):
    """The information sets of a game, each player's together, and by the number of own moves before them.

    Sequence p is the root of player p; sequence ``players + actions I + a`` is action a in information set I.
    `levels[p]` holds the bounds of each level of player p.  `observations[I]` is what the player sees there,
    so that the policy of a network is ``jax.vmap(network)(game.observations)``.  The arrays are NumPy's, the
    amounts in double precision, and a compiled function takes them in the precision in force there.
    """

    legal: Bool[Array | np.ndarray, "I a"]
    parent: Int[Array | np.ndarray, " I"]
    observations: Shaped[Array | np.ndarray, "I ..."]
    payoffs: tuple[Payoffs, ...]
    levels: tuple[tuple[tuple[int, int], ...], ...] = eqx.field(static=True)

    @property
    def players(self) -> int:
        """How many players there are."""
        return len(self.levels)

    @property
    def sequences(self) -> int:
        """How many sequences there are, the roots among them."""
        return self.players + self.legal.size

    def rows(self, player: int) -> slice:
        """Return which information sets are a player's."""
        return slice(self.levels[player][0][0], self.levels[player][-1][1])

    def uniform(self) -> Float[Array, "I a"]:
        """Return the policy that takes every legal action alike."""
        legal = jnp.asarray(self.legal, jnp.result_type(float))
        return legal / jnp.sum(legal, axis=1, keepdims=True)


class _Nodes(NamedTuple):
    """The histories of one length: states, chance, each player's last sequence, and the pay so far."""

    states: PyTree
    chance: np.ndarray
    last: np.ndarray
    paid: np.ndarray


def _taken(tree: PyTree, rows: np.ndarray) -> PyTree:
    return jax.tree.map(lambda x: x[rows], tree)


class _Builder:
    """Walks through a game and numbers its information sets as it meets them."""

    def __init__(self, env: Env):
        if not isinstance(env.actions, Discrete):
            raise BadInput(f"{type(env).__name__} has continuous actions, and its tree has no end.")
        self.env, self.actions = env, env.actions.n
        self.number: dict[tuple[int, bytes], int] = {}
        self.owner: list[int] = []
        self.parent: list[int] = []
        self.depth: list[int] = []
        self.legal: list[np.ndarray] = []
        self.seen: list[np.ndarray] = []
        self.ends: dict[tuple[int, ...], np.ndarray] = {}
        self._look = jax.jit(jax.vmap(lambda s: (env.player(s), env.legal(s), env.observe(s))))
        self._step = jax.jit(jax.vmap(lambda s, a: env.step(s, a, jax.random.key(0))))

    def _batched(self, call: Callable, *arguments: Any) -> Any:
        """Call in pieces of one size, so that one program serves all lengths."""
        count, pieces = len(jax.tree.leaves(arguments)[0]), []
        for start in range(0, count, CHUNK):
            rows = np.minimum(np.arange(start, start + CHUNK), count - 1)
            pieces.append(jax.tree.map(np.asarray, call(*_taken(arguments, rows))))
        return jax.tree.map(lambda *parts: np.concatenate(parts)[:count], *pieces)

    def _information_set(self, player: int, seen: np.ndarray, legal: np.ndarray, last: int) -> int:
        """Return the number of what a player sees, and check that no player forgets."""
        key = (player, np.ascontiguousarray(seen).tobytes())
        found = self.number.setdefault(key, len(self.number))
        if found == len(self.owner):
            before = (
                0 if last < self.env.players else self.depth[(last - self.env.players) // self.actions] + 1
            )
            self.owner.append(player)
            self.parent.append(last)
            self.depth.append(before)
            self.legal.append(legal)
            self.seen.append(seen)
        elif self.parent[found] != last or not np.array_equal(self.legal[found], legal):
            raise BadInput(
                f"{type(self.env).__name__} lets player {player} forget: one observation stands for "
                "several sequences of own actions, or several masks, and has to tell them apart."
            )
        return found

    def advance(self, nodes: _Nodes) -> _Nodes | None:
        """Number a level's information sets, keep what ends, and return the next level."""
        turn, legal, seen = self._batched(self._look, nodes.states)
        if not legal.any(axis=1).all():
            raise BadInput(f"{type(self.env).__name__} has a state that is not over and has no legal action.")
        last, paid, moves = nodes.last, nodes.paid, np.argwhere(legal)
        own = last[np.arange(len(turn)), turn]
        rows = zip(turn.tolist(), seen, legal, own.tolist(), strict=True)
        at = np.array([self._information_set(*row) for row in rows])
        origin, action = moves[:, 0], moves[:, 1].astype(np.int32)
        step = self._batched(self._step, _taken(nodes.states, origin), action)
        last, paid, chance = last[origin], paid[origin] + step.reward, nodes.chance[origin]
        mine = self.env.players + self.actions * at[origin] + action
        last[np.arange(len(mine)), turn[origin]] = mine
        done = step.terminated | step.truncated
        for key, amount in zip(map(tuple, last[done].tolist()), chance[done, None] * paid[done], strict=True):
            self.ends[key] = self.ends.get(key, 0.0) + amount
        going = ~done
        if not going.any():
            return None
        return _Nodes(_taken(step.state, going), chance[going], last[going], paid[going])

    def sorted(self) -> Game:
        """Return the arrays, each player's information sets together and by their depth."""
        players, number = self.env.players, len(self.owner)
        order = np.lexsort(np.array([np.arange(number), self.depth, self.owner]))
        place = np.empty(number, int)
        place[order] = np.arange(number)

        def moved(sequences: Any) -> np.ndarray:
            sequences = np.asarray(sequences)
            which, action = np.divmod(np.maximum(sequences - players, 0), self.actions)
            return np.where(sequences < players, sequences, players + self.actions * place[which] + action)

        ranks = [(self.owner[i], self.depth[i]) for i in order]
        levels: list[list[tuple[int, int]]] = [[] for _ in range(players)]
        for (player, _), group in itertools.groupby(range(number), key=lambda i: ranks[i]):
            members = list(group)
            levels[player].append((members[0], members[-1] + 1))
        if not all(levels):
            raise BadInput(f"{type(self.env).__name__} has a player who never acts: {levels.index([])}.")
        ends, amounts = moved(list(self.ends)), np.stack(list(self.ends.values()))
        return Game(
            np.stack(self.legal)[order],
            moved(self.parent)[order].astype(np.int32),
            np.stack(self.seen)[order],
            tuple(_payoffs(player, ends, amounts[:, player]) for player in range(players)),
            tuple(map(tuple, levels)),
        )


def _payoffs(player: int, ends: np.ndarray, amount: np.ndarray) -> Payoffs:
    """Return a player's payoffs by own sequence, without those of nothing."""
    order = np.argsort(ends[:, player], kind="stable")
    order = order[amount[order] != 0]
    own, others = ends[order, player], np.delete(ends[order], player, axis=1)
    return Payoffs(own.astype(np.int32), others.astype(np.int32), amount[order])


def extensive(env: Env) -> Game:
    """Return the information sets of a game, found by playing all of it, in double precision.

    `env` deals with `deals`, is deterministic from there on, and its observations tell each player the whole
    of their own past (perfect recall).

    >>> from ansatz.rl.envs.kuhn import Kuhn
    >>> game = extensive(Kuhn())
    >>> game.legal.shape, game.levels
    ((12, 2), (((0, 3), (3, 6)), ((6, 12),)))
    """
    if not isinstance(env, Dealt):
        raise BadInput(f"{type(env).__name__} does not say by `deals` how its episodes can begin.")
    states, chance = env.deals()
    chance = np.asarray(chance, np.float64)
    if abs(chance.sum() - 1) > 1e-9 or (chance < 0).any():
        raise BadInput(f"The deals of {type(env).__name__} have probabilities that add up to {chance.sum()}.")
    builder, count = _Builder(env), len(chance)
    roots = np.tile(np.arange(env.players), (count, 1))
    nodes: _Nodes | None = _Nodes(
        jax.tree.map(np.asarray, states), chance, roots, np.zeros((count, env.players))
    )
    while nodes is not None:
        nodes = builder.advance(nodes)
    return builder.sorted()


def plans(game: Game, policy: Float[Array, "I a"]) -> Float[Array, " sequences"]:
    """Return x(s) for the sequences of all players."""
    weights = jnp.zeros(game.sequences, policy.dtype).at[: game.players].set(1)
    for start, stop in itertools.chain(*game.levels):
        here = weights[game.parent[start:stop]][:, None] * policy[start:stop]
        first = game.players + game.legal.shape[1] * start
        weights = weights.at[first : first + here.size].set(here.reshape(-1))
    return weights


def action_values(
    game: Game, weights: Float[Array, " sequences"], player: int, policy: Float[Array, "I a"] | None
) -> tuple[Float[Array, "i a"], Float[Array, " i"], Float[Array, ""]]:
    """Return Q, V of a player's information sets and of the root; `policy=None` is the best response.

    Only the others' part of `weights` is used.
    """
    paid, actions, base = game.payoffs[player], game.legal.shape[1], game.players
    ends = jnp.asarray(paid.amount, weights.dtype) * jnp.prod(weights[paid.others], axis=1)
    q = jax.ops.segment_sum(ends, paid.own, game.sequences, indices_are_sorted=True)
    values = []
    for start, stop in reversed(game.levels[player]):
        here = q[base + actions * start : base + actions * stop].reshape(-1, actions)
        if policy is None:
            value = jnp.max(jnp.where(game.legal[start:stop], here, -jnp.inf), axis=1)
        else:
            value = jnp.sum(policy[start:stop] * here, axis=1)
        q = q.at[game.parent[start:stop]].add(value)
        values.append(value)
    rows = game.rows(player)
    mine = q[base + actions * rows.start : base + actions * rows.stop].reshape(-1, actions)
    return mine, jnp.concatenate(values[::-1]), q[player]


def expected_returns(game: Game, policy: Float[Array, "I a"]) -> Float[Array, " players"]:
    """Return what each player gets when all follow a policy; differentiable."""
    weights = plans(game, policy)
    return jnp.stack([action_values(game, weights, p, policy)[2] for p in range(game.players)])


def best_responses(game: Game, policy: Float[Array, "I a"]) -> Float[Array, " players"]:
    """Return what each player could get against a policy of the others."""
    weights = plans(game, policy)
    return jnp.stack([action_values(game, weights, p, None)[2] for p in range(game.players)])


def nash_conv(game: Game, policy: Float[Array, "I a"]) -> Float[Array, ""]:
    """Return what the players could gain by each deviating alone, added up: 0 at a Nash equilibrium.

    `policy: [I, a]` holds probabilities, 0 where illegal.  Exact to rounding; within a compiled function it
    takes microseconds.

    >>> from ansatz.rl.envs.kuhn import Kuhn
    >>> game = extensive(Kuhn())
    >>> round(float(jax.jit(nash_conv)(game, game.uniform())), 6)
    0.916667
    """
    return jnp.sum(best_responses(game, policy) - expected_returns(game, policy))


def exploitability(game: Game, policy: Float[Array, "I a"]) -> Float[Array, ""]:
    """Return `nash_conv` per player, as OpenSpiel has it."""
    return nash_conv(game, policy) / game.players
