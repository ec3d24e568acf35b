"""Approximate value iteration: a network learns what looking one move ahead says (notes, §5).

    v(s) → max_{a legal} R(s, a) + γ (1 - terminated) v⁻(s')       each action tried in the environment

v⁻ follows v by the share `share` every `period` steps of the run.  Unlike policy iteration it does not learn
from what was played: half of a batch may be positions in which no game stands.  They are drawn where the
environment begins, which is to be near the goal at first, and further as games are won: a `Curriculum`.
The games are played by the same look ahead, which costs nothing more, and say when that is.

Where every move costs 1 and γ = 1, -v(s) is the number of moves that are left: an estimate for `astar`.

Agostinelli et al. 2019, "Solving the Rubik's cube with deep reinforcement learning and search" (DeepCubeA).
**Deviation**: v⁻ moves at fixed times, not when the loss has fallen below a bound.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from ansatz.core import Clock, Fixed, Parts, Recipe, Source
from ansatz.maps.mlp import MLP
from ansatz.rl.advantage import check_discounts
from ansatz.rl.agent import Encoder
from ansatz.rl.check import check
from ansatz.rl.dqn import discrete_actions, refresh
from ansatz.rl.env import Env
from ansatz.rl.explore import Schedule, chances, epsilon_greedy
from ansatz.rl.illegal import rule
from ansatz.rl.lookahead import ValueNetwork, look_ahead
from ansatz.rl.onpolicy import check_positive, clipped, rate
from ansatz.rl.rollout import Episodes, Report, Walk, begin, check_sizes, play, samples_of
from ansatz.rl.trpo import value_loss
from ansatz.rl.wrappers import TimeLimit
from ansatz.training.updates import Descend, Epochs, On


class Backups(NamedTuple):
    """What is seen of N positions, and the best that looking one move ahead says of each."""

    obs: PyTree
    target: Float[Array, " N"]


class Backed(NamedTuple):
    """The positions of a batch, and the games that ended in it."""

    samples: Backups
    episodes: Episodes


class Looked(Source):
    """`positions` drawn where episodes begin, and those of `envs` games of one move, with their backups.

    The games are played ε-greedily by the look ahead with v⁻.
    """

    env: Env
    epsilon: Schedule
    positions: int = eqx.field(static=True)
    envs: int = eqx.field(static=True)
    gamma: float = eqx.field(static=True)

    def __check_init__(self) -> None:
        """Refuse discounts out of range, and batches of nothing."""
        check_discounts(self.gamma)
        check_sizes(positions=self.positions, envs=self.envs)

    def init(self, model: Any, key: PRNGKeyArray) -> Walk:
        """Return the games at their beginning."""
        return begin(self.env, self.envs, key)

    def next(self, state: Walk, model: Any, clock: Clock, key: PRNGKeyArray) -> tuple[Backed, Walk]:
        """Draw positions, and play a move."""
        drawing, choosing, trying, playing = jax.random.split(key, 4)
        luck = chances(discrete_actions(self.env, "A look ahead"), choosing, (1, self.envs))
        keys = jax.random.split(trying, (1, self.envs))
        epsilon = jnp.broadcast_to(self.epsilon(clock.fraction), (self.envs,))

        def q(state: Any, legal: Any, k: Any) -> Array:
            return look_ahead(self.env, model.deciding, state, k, self.gamma, 1, legal)

        def choose(state: Any, obs: Any, legal: Any, drawn: Any) -> tuple[Array, Array]:
            legal = jax.vmap(self.env.legal)(state)
            values = jax.vmap(q)(state, legal, drawn[1])
            return epsilon_greedy(values, legal, epsilon, drawn[0]), values.max(-1)

        walk, record, episodes = play(self.env, state, choose, (luck, keys), playing)
        fresh = jax.vmap(self.env.reset)(jax.random.split(drawing, self.positions))
        tried = jax.vmap(q)(fresh, jax.vmap(self.env.legal)(fresh), jax.random.split(trying, self.positions))
        met = Backups(jax.vmap(self.env.observe)(fresh), tried.max(-1))
        played = Backups(jax.tree.map(lambda x: x[0], record.obs), record.extra[0])
        samples = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), met, played)
        return Backed(samples, episodes), walk


class ValueIteration(Recipe):
    """Learn a value function by value iteration (`fit(ValueIteration(), env, steps=…)`), actions discrete.

    A step of the run draws `positions` where episodes begin, plays a move in each of `envs` games, and fits v
    to what looking one move ahead with v⁻ says, by `passes` passes in `minibatches` parts.

    - `gamma`: γ; `period`, `share`: every so many steps of the run v⁻ goes this share of the way to v.
    - `longest`: a game is cut off after so many moves.
    - `first`, `last`, `explored`: ε falls from the first to the last during this share of the run.
    - `learning_rate`, `schedule` (constant, linear, cosine), `largest` norm of a gradient (0: any).
    - `width`, `depth`, `activation`: of the network; `skip`: hidden layers add to the one before.

    Numbers out of range, unknown names and an environment that is none raise `BadInput`.
    """

    positions: int = eqx.field(default=896, static=True)
    envs: int = eqx.field(default=128, static=True)
    passes: int = eqx.field(default=2, static=True)
    minibatches: int = eqx.field(default=2, static=True)
    gamma: float = eqx.field(default=1.0, static=True)
    period: int = eqx.field(default=1, static=True)
    share: float = eqx.field(default=0.2, static=True)
    longest: int = eqx.field(default=50, static=True)
    first: float = eqx.field(default=0.0, static=True)
    last: float = eqx.field(default=0.0, static=True)
    explored: float = eqx.field(default=1.0, static=True)
    learning_rate: float = eqx.field(default=1e-3, static=True)
    schedule: str = eqx.field(default="cosine", static=True)
    largest: float = eqx.field(default=0.0, static=True)
    width: int = eqx.field(default=256, static=True)
    depth: int = eqx.field(default=3, static=True)
    activation: str = eqx.field(default="relu", static=True)
    skip: bool = eqx.field(default=True, static=True)

    @property
    def steps(self) -> int:
        """How many positions a step of the run looks at, for each game: what counts as steps of a world."""
        return 1 + round(self.positions / self.envs)

    def build(self, data: Any, key: PRNGKeyArray) -> Parts:
        """Return the parts for an environment."""
        check_positive(learning_rate=self.learning_rate, share=self.share)
        check_sizes(
            period=self.period, passes=self.passes, minibatches=self.minibatches, longest=self.longest
        )
        env = TimeLimit(rule(check(data, alone=True), "mask", 1.0).env, self.longest)
        encoder = Encoder(env.observations)
        critic = MLP(
            encoder.size, 1, self.width, self.depth, self.activation, skip=self.skip, initial="he", key=key
        )
        epsilon = Schedule(self.first, self.last, self.explored)
        source = Looked(env, epsilon, self.positions, self.envs, self.gamma)
        optimizer = clipped(optax.adam(self.learning_rate), self.largest)
        down = Descend(value_loss, optimizer, lambda m: m.critic, rate(self.schedule))
        updates = (On(samples_of, Epochs(down, self.passes, self.minibatches)), Report())
        model = ValueNetwork(encoder, critic, Fixed(critic), self.gamma)
        return Parts(model, source, updates, refresh(self.period, self.share, lambda m: m.critic))
