"""Games that a network plays against itself by tree search, and the ring from which it learns (notes, §5).

    s_t → tree search → π_t → a_t ~ π_t^(1/T) → r_t, s_{t+1}, …        and a new game wherever one has ended
    z_t = r_t + c_t z_{t+1}                        c_t = γ, -γ where the other player is next, 0 at the end

z is the return of whoever moves at s_t; for a game with rewards at its end alone, its outcome.  What has not
been played is bootstrapped from the network: after the last move of a step of the run, and at time limits.  A
move drawn at random says nothing about its state: the search's own value takes the place of what it led to.
"""

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from ansatz.core import BadInput, Clock, Mean, Source
from ansatz.rl.env import Box, Discrete
from ansatz.rl.mcts import Search
from ansatz.rl.mcts_nodes import evaluation, seen_by_mover
from ansatz.rl.policy import masked_argmax
from ansatz.rl.replay import Experience
from ansatz.rl.rollout import Episodes, check_sizes


class Positions(NamedTuple):
    """What is learned from, `[N, ...]`: observations, legal actions, the search's policy, and z."""

    obs: PyTree
    legal: Bool[Array, "N n"]
    policy: Float[Array, "N n"]
    target: Float[Array, " N"]


class Table(NamedTuple):
    """Where E games stand: the states, the moves made, how many are random, and what the first player got."""

    state: PyTree
    moves: Int[Array, " E"]
    random: Int[Array, " E"]
    total: Float[Array, " E"]


class Move(NamedTuple):
    """One move in each game, `[T, E, ...]`, as `outcomes` takes it.

    `carry` is c_t, `cut` whether the game was cut off and `after` V of the state then, `guess` whether the
    move was random and `value` the search's V(s_t), which lies between `low` and `high` by proof.
    """

    reward: Float[Array, "T E"]
    carry: Float[Array, "T E"]
    cut: Bool[Array, "T E"]
    after: Float[Array, "T E"]
    guess: Bool[Array, "T E"]
    value: Float[Array, "T E"]
    low: Float[Array, "T E"]
    high: Float[Array, "T E"]


def outcomes(moves: Move, last: Float[Array, " E"]) -> Float[Array, "T E"]:
    """Return z_t of every move, `last` being V of the states that the last ones led to.

    >>> x, no = jnp.zeros((3, 1)), jnp.zeros((3, 1), bool)
    >>> carry, wide = jnp.asarray([[-1.0], [-1.0], [0.0]]), jnp.full((3, 1), 9.0)
    >>> won = Move(jnp.asarray([[0.0], [0.0], [1.0]]), carry, no, x, no, x, -wide, wide)
    >>> outcomes(won, x[0])[:, 0].tolist()
    [1.0, -1.0, 1.0]
    """

    def back(z: Array, move: Move) -> tuple[Array, Array]:
        z = move.reward + move.carry * jnp.where(move.cut, move.after, z)
        z = jnp.clip(jnp.where(move.guess, move.value, z), move.low, move.high)
        return z, z

    return jax.lax.scan(back, last, moves, reverse=True)[1]


class Held(NamedTuple):
    """The ring, `[capacity, width]`, and where the games stand."""

    ring: Float[Array, "capacity width"]
    table: Table


class Games(Source):
    """Positions `[G, B, ...]` (`[B, ...]` for G = 1) from the last `capacity` of games by tree search.

    - `search`: how moves are found; T = `steps` of them in each of E = `games` games at a time.
    - `opening`: a game begins with up to so many random moves, each number as likely.
    - `warm`: so many moves then are drawn by π^(1/T) with T = `temperature`, and later ones are the best.
    - `batch` B and `batches` G: how many positions are drawn, with replacement, after each addition.
    """

    search: Search
    games: int = eqx.field(static=True, default=64)
    steps: int = eqx.field(static=True, default=16)
    warm: int = eqx.field(static=True, default=8)
    temperature: float = eqx.field(static=True, default=1.0)
    opening: int = eqx.field(static=True, default=0)
    capacity: int = eqx.field(static=True, default=50_000)
    batch: int = eqx.field(static=True, default=256)
    batches: int = eqx.field(static=True, default=4)

    def __check_init__(self) -> None:
        """Refuse games of nothing, and rings that do not hold what is played at once."""
        check_sizes(games=self.games, steps=self.steps, batch=self.batch, batches=self.batches)
        if self.capacity < self.size:
            raise BadInput(
                f"A ring of {self.capacity} positions does not hold the {self.size} that are played at once."
            )
        if min(self.warm, self.opening) < 0 or not 0 <= self.temperature < math.inf:
            raise BadInput(
                "Games have warm >= 0, opening >= 0 and temperature >= 0, not "
                f"{self.warm!r}, {self.opening!r}, {self.temperature!r}."
            )

    @property
    def size(self) -> int:
        """The number of positions played at once."""
        return self.games * self.steps

    @property
    def blocks(self) -> int:
        """How many additions the ring holds."""
        return self.capacity // self.size

    def init(self, model: Any, key: PRNGKeyArray) -> Held:
        """Return an empty ring, and games at their beginning."""
        width = _obs_size(self.search.env.observations) + self._actions + 1
        table = self._begun(self.games, key)
        return Held(jnp.zeros((self.blocks * self.size, width), jnp.float32), table)

    def next(self, state: Held, model: Any, clock: Clock, key: PRNGKeyArray) -> tuple[Experience, Held]:
        """Play on, store the positions, and draw."""
        first, second = jax.random.split(key)
        positions, episodes, table = self.played(state.table, model, first)
        place = (clock.step % self.blocks) * self.size
        rows = self._packed(positions)
        ring = jax.lax.dynamic_update_slice(state.ring, rows, (place, jnp.zeros_like(place)))
        filled = jnp.minimum(clock.step + 1, self.blocks) * self.size
        index = jax.random.randint(second, (self.batches * self.batch,), 0, filled)
        drawn = self._unpacked(ring.at[index].get(mode="promise_in_bounds"))
        if self.batches > 1:
            drawn = jax.tree.map(lambda x: x.reshape(self.batches, self.batch, *x.shape[1:]), drawn)
        return Experience(drawn, episodes), Held(ring, table)

    def played(self, table: Table, model: Any, key: PRNGKeyArray) -> tuple[Positions, Episodes, Table]:
        """Play T moves in each game; return the positions `[T·E, ...]`, finished games, and how all stand."""
        env, search = self.search.env, self.search
        shape = (self.steps, self.games)
        drawing, searching, world, fresh = jax.random.split(key, 4)
        evaluate = evaluation(model)

        def one(table: Table, now: Any) -> tuple[Table, Any]:
            gumbel, k, keys, begun = now
            noise, run = jax.random.split(k)
            tree = search.run(search.noisy(search.root(table.state, evaluate), noise), evaluate, run)
            guess = table.moves < table.random
            action = self._chosen(table, tree, gumbel, guess)
            step = jax.vmap(env.step)(table.state, action, keys)
            reward, sign = seen_by_mover(env, table.state, step.state, step.reward)
            move = Move(
                reward, jnp.where(step.terminated, 0.0, search.gamma * sign), step.truncated,
                jax.vmap(model.value)(step.obs), guess, search.value(tree), tree.low[:, 0], tree.high[:, 0],
            )  # fmt: skip
            obs, legal = jax.vmap(env.observe)(table.state), jax.vmap(env.legal)(table.state)
            total = table.total + (step.reward if env.players == 1 else step.reward[:, 0])
            after = Table(step.state, table.moves + 1, table.random, total)
            done = step.terminated | step.truncated
            ended = (jnp.where(done, total, 0.0), jnp.where(done, after.moves, 0), done, step.terminated)
            return _where(done, begun, after), (obs, legal, search.policy(tree), move, ended)

        drawn = (
            jax.random.gumbel(drawing, (*shape, self._actions)),
            jax.random.split(searching, self.steps),
            jax.random.split(world, shape),
            jax.vmap(lambda k: self._begun(self.games, k))(jax.random.split(fresh, self.steps)),
        )
        table, (obs, legal, policy, moves, ended) = jax.lax.scan(one, table, drawn)
        target = outcomes(moves, jax.vmap(model.value)(jax.vmap(env.observe)(table.state)))
        positions = jax.tree.map(_flat, Positions(obs, legal, policy, target))
        total, length, count, over = (x.sum().astype(jnp.float32) for x in ended)
        episodes = Episodes(Mean(total, count), Mean(length, count), Mean(over, count))
        return positions, episodes, table

    def _chosen(self, table: Table, tree: Any, gumbel: Array, guess: Array) -> Array:
        """Return the moves: random ones first, then drawn ones, then the best."""
        temperature = jnp.where(table.moves < table.random + self.warm, self.temperature, 0.0)
        action = self.search.sample(tree, temperature.astype(gumbel.dtype), gumbel)
        legal = jax.vmap(self.search.env.legal)(table.state)
        return jnp.where(guess, masked_argmax(gumbel, legal), action)

    def _begun(self, games: int, key: PRNGKeyArray) -> Table:
        first, second = jax.random.split(key)
        state = jax.vmap(self.search.env.reset)(jax.random.split(first, games))
        random = jax.random.randint(second, (games,), 0, self.opening + 1, jnp.int32)
        return Table(state, jnp.zeros(games, jnp.int32), random, jnp.zeros(games))

    @property
    def _actions(self) -> int:
        actions: Any = self.search.env.actions
        return actions.n

    def _packed(self, positions: Positions) -> Float[Array, "N width"]:
        """Return positions as rows; an illegal action has the probability -1 there."""
        policy = jnp.where(positions.legal, positions.policy, -1.0)
        count = len(positions.target)
        parts = (positions.obs, policy, positions.target)
        return jnp.concatenate([x.reshape(count, -1).astype(jnp.float32) for x in parts], axis=1)

    def _unpacked(self, rows: Float[Array, "N width"]) -> Positions:
        space, n = self.search.env.observations, self._actions
        size = _obs_size(space)
        obs, policy = rows[:, :size], rows[:, size : size + n]
        if isinstance(space, Discrete):
            obs = obs[:, 0].astype(jnp.int32)
        else:
            obs = obs.reshape(-1, *space.shape)
        return Positions(obs, policy >= 0, jnp.maximum(policy, 0.0), rows[:, -1])


def _obs_size(space: Discrete | Box) -> int:
    if isinstance(space, Discrete) and space.n > 2**24:
        raise BadInput(f"A row in single precision holds numbers up to 2^24, not {space.n}.")
    return 1 if isinstance(space, Discrete) else math.prod(space.shape)


def _flat(leaf: Array) -> Array:
    return leaf.reshape(-1, *leaf.shape[2:])


def _where(flags: Bool[Array, " E"], yes: PyTree, no: PyTree) -> PyTree:
    def either(a: Array, b: Array) -> Array:
        return jnp.where(flags.reshape(-1, *[1] * (a.ndim - 1)), a, b)

    return jax.tree.map(either, yes, no)
