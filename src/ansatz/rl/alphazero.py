"""AlphaZero (notes, §5; Silver et al. 2018): a network that searches, and learns what its search found.

One network answers with a policy p and a value v.  The games that it plays against itself by tree search
(`mcts`, `alphazero_games`) give positions s with the search's policy π, the share of the visits, and the
outcome z for whoever moves at s; and

    L = (z - v)² - π · log p + decay · ‖θ‖²

with p over legal actions alone.  The network sees every position as the player to move does, and answers for
that player: a game of two with opposite aims needs no more than the sign with which values go up the tree.
With one player z is the return, and nothing changes sign.

**Deviations** from the paper

- Adam for stochastic gradients with momentum; a perceptron for the residual tower.
- What a search has proven replaces the outcome (`solve`): z is brought within the proven bounds of the state.
- Games may begin with random moves (`opening`), so that states are seen that good play never reaches.
- The search begins anew with every move: in a batch of games some tree is always new.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import BadInput, Map, Metrics, Objective, Parts, Recipe, trainable
from ansatz.maps.mlp import MLP
from ansatz.rl.agent import Encoder
from ansatz.rl.alphazero_games import Games, Positions
from ansatz.rl.check import check
from ansatz.rl.dqn import discrete_actions
from ansatz.rl.env import Box, Env
from ansatz.rl.mcts import Search
from ansatz.rl.networks import Heads, network
from ansatz.rl.onpolicy import check_positive, clipped, rate
from ansatz.rl.policy import Categorical, masked_log_softmax
from ansatz.rl.replay import InTurn
from ansatz.rl.rollout import Report, samples_of
from ansatz.training.updates import Descend, On


class PolicyValue(Map):
    """p and v by one map of the encoded observation; v = tanh of its last number where `bounded`."""

    encoder: Encoder
    body: Map
    bounded: bool = eqx.field(static=True)

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> tuple[Array, Array]:
        """Return the logits `[n]` at an observation, and the value for the player to move."""
        answer = self.body(self.encoder(x))
        return answer[:-1], jnp.tanh(answer[-1]) if self.bounded else answer[-1]

    def policy(self, obs: Any, legal: Any = None) -> Categorical:
        """Return p(·|s)."""
        return Categorical(self(obs)[0], legal)

    def value(self, obs: Any) -> Float[Array, ""]:
        """Return v(s)."""
        return self(obs)[1]

    def act(self, obs: Any, legal: Any = None) -> Array:
        """Return the likeliest action, without a search."""
        return self.policy(obs, legal).mode()

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[PolicyValue, Array]":
        """Return a small map and an input for it."""
        space = Box((-1.0, -1.0), (1.0, 1.0))
        return PolicyValue(Encoder(space), MLP(2, 4, 8, 1, key=key), True), jnp.ones(2)


def search_loss(decay: float, value_factor: float = 1.0) -> Objective:
    """Return the objective ``L = f_v (z - v)² - π · log p + decay ‖θ‖²`` of `Positions`, means over them."""

    def loss(model: Any, batch: Positions, key: PRNGKeyArray | None) -> tuple[Array, Metrics]:
        logits, value = jax.vmap(model)(batch.obs)
        log_p = masked_log_softmax(logits, batch.legal)
        cross = -(batch.policy * log_p).sum(-1).mean()
        log_pi = jnp.log(jnp.where(batch.policy > 0, batch.policy, 1.0))
        wrong = ((batch.target - value) ** 2).mean()
        theta = jax.tree.leaves(eqx.filter(model, trainable(model)))
        size = jnp.stack([(x**2).sum() for x in theta]).sum()
        metrics = {
            # KL(π ‖ p), which is 0 once the network has learned what the search says.
            "policy": cross + (batch.policy * log_pi).sum(-1).mean(),
            "value": wrong,
        }
        return cross + value_factor * wrong + decay * size, metrics

    return loss


class AlphaZero(Recipe):
    """Learn to play by self-play with tree search (`fit(AlphaZero(), env, steps=…)`), actions discrete.

    The environment has one player, or two whose rewards add up to zero; then returns lie in [-1, 1].  A step
    of the run plays `steps` moves in each of `games` games and learns from `batches` batches of `batch`
    positions out of the last `capacity`.

    - `simulations`, `c`, `noise`, `spread`, `gamma`: of the search (see `Search`).
    - `solve`: ends and what follows from them are proven, in games of two.
    - `warm`, `temperature`, `opening`: how moves are drawn (see `Games`).
    - `learning_rate`, `schedule` (constant, linear, cosine), `largest` norm of a gradient (0: any).
    - `decay` and `value_factor` of the loss; `network`: mlp or darts (see `networks`), and its `width`,
      `depth`, `activation`.

    >>> from ansatz.rl.envs.tic_tac_toe import TicTacToe
    >>> parts = AlphaZero(width=8).build(TicTacToe(), jax.random.key(0))
    >>> int(parts.model.act(jnp.zeros((3, 3, 2)), jnp.arange(9) == 4))
    4

    Numbers out of range, unknown names and an environment that is none raise `BadInput`.
    """

    games: int = eqx.field(default=128, static=True)
    steps: int = eqx.field(default=16, static=True)
    simulations: int = eqx.field(default=32, static=True)
    c: float = eqx.field(default=1.25, static=True)
    gamma: float = eqx.field(default=1.0, static=True)
    noise: float = eqx.field(default=0.25, static=True)
    spread: float = eqx.field(default=10.0, static=True)
    solve: bool = eqx.field(default=True, static=True)
    warm: int = eqx.field(default=8, static=True)
    temperature: float = eqx.field(default=1.0, static=True)
    opening: int = eqx.field(default=0, static=True)
    capacity: int = eqx.field(default=50_000, static=True)
    batch: int = eqx.field(default=256, static=True)
    batches: int = eqx.field(default=8, static=True)
    learning_rate: float = eqx.field(default=2e-3, static=True)
    schedule: str = eqx.field(default="cosine", static=True)
    largest: float = eqx.field(default=0.0, static=True)
    decay: float = eqx.field(default=1e-5, static=True)
    value_factor: float = eqx.field(default=1.0, static=True)
    width: int = eqx.field(default=128, static=True)
    depth: int = eqx.field(default=2, static=True)
    activation: str = eqx.field(default="relu", static=True)
    network: str = eqx.field(default="mlp", static=True)

    def build(self, data: Any, key: PRNGKeyArray) -> Parts:
        """Return the parts for an environment."""
        check_positive(learning_rate=self.learning_rate, value_factor=self.value_factor)
        if not self.decay >= 0:
            raise BadInput(f"The factor decay of ‖θ‖² is at least 0, not {self.decay!r}.")
        search = self.search(data)
        env = check(search.env)
        count = discrete_actions(env, "AlphaZero")
        made = network(self.network, env, self.width, self.depth, self.activation, key=key)
        if made is None:
            encoder = Encoder(env.observations)
            body = MLP(encoder.size, count + 1, self.width, self.depth, self.activation, key=key)
        else:
            encoder, body = made.encoder, Heads((made.actor, made.critic))
        source = Games(
            search, self.games, self.steps, self.warm, self.temperature, self.opening, self.capacity,
            self.batch, self.batches,
        )  # fmt: skip
        optimizer = clipped(optax.adam(self.learning_rate), self.largest)
        down = Descend(search_loss(self.decay, self.value_factor), optimizer, schedule=rate(self.schedule))
        updates = (On(samples_of, InTurn(down, self.batches)), Report())
        return Parts(PolicyValue(encoder, body, env.players > 1), source, updates)

    def search(self, env: Any, simulations: int | None = None) -> Search:
        """Return the search of the recipe in an environment, with other `simulations` if asked."""
        if not isinstance(env, Env):
            raise BadInput(f"AlphaZero plays in an `ansatz.rl.env.Env`, not {type(env).__name__}.")
        bounds = (-1.0, 1.0) if self.solve and env.players > 1 else None
        return Search(
            env, simulations or self.simulations, self.c, self.gamma, bounds, None, self.noise, self.spread
        )
