"""Behaviour cloning: a network that learns a teacher's moves from examples (notes, §5; Pomerleau 1991).

    L = - Σ_a π_T(a|s) log π(a|s)          mean over the examples, π over legal actions alone

A teacher is anything that says how it moves in a state: a table of best moves, a search, a person's games.
No step of the environment is taken while learning: positions are classified by their next moves.

**Deviation**: with `any_best` the loss is ``-log Σ_{a: π_T(a|s) > 0} π(a|s)`` instead, which asks for one of
the teacher's moves and leaves open which.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from ansatz.core import BadInput, Map, Metrics, Objective, Pairs, Parts, Recipe
from ansatz.data.table import Table
from ansatz.maps.mlp import MLP
from ansatz.rl.agent import Encoder
from ansatz.rl.check import check
from ansatz.rl.dqn import discrete_actions
from ansatz.rl.env import Box, Env
from ansatz.rl.networks import network
from ansatz.rl.onpolicy import check_positive, clipped, rate
from ansatz.rl.policy import Categorical, masked_log_softmax
from ansatz.rl.rollout import check_sizes
from ansatz.training.updates import Descend


class Lessons(eqx.Module):
    """Examples of a teacher: `states: [N, ...]` of `env`, and `policy: [N, n]`, how it moves there.

    Rows of `policy` are probabilities, or ones and zeros for moves as good as each other (they are brought to
    the sum 1); they are 0 where a move is illegal.

    Raises:
        BadInput: there are as many rows of neither, or a row without a move.
    """

    env: Env
    states: PyTree
    policy: Any

    def __check_init__(self) -> None:
        count = discrete_actions(self.env, "Imitation")
        rows = {len(leaf) for leaf in jax.tree.leaves(self.states)}
        if rows != {len(self.policy)} or self.policy.shape[1:] != (count,):
            raise BadInput(
                f"Lessons have a row of {count} moves for each state, not moves of shape "
                f"{list(self.policy.shape)} for {sorted(rows)} states."
            )
        if isinstance(self.policy, np.ndarray):
            empty = np.flatnonzero((self.policy.sum(1) <= 0) | (self.policy < 0).any(1))
            if len(empty):
                raise BadInput(f"Row {empty[0]} of the moves is {self.policy[empty[0]].tolist()}: no policy.")

    def __len__(self) -> int:
        return len(self.policy)

    def take(self, rows: Any) -> "Lessons":
        """Return the examples of some rows."""
        return Lessons(self.env, jax.tree.map(lambda x: x[rows], self.states), self.policy[rows])


def taught(env: Env, states: PyTree, teacher: Callable[[Any], Array]) -> Lessons:
    """Return what a teacher, `state -> action` or `state -> [n]`, does in `states: [N, ...]`.

    >>> from ansatz.rl.envs.tic_tac_toe import TicTacToe
    >>> env = TicTacToe()
    >>> states = jax.vmap(env.reset)(jax.random.split(jax.random.key(0), 2))
    >>> taught(env, states, lambda state: jnp.argmax(env.legal(state))).policy[:, :2].tolist()
    [[1.0, 0.0], [1.0, 0.0]]
    """
    count = discrete_actions(env, "Imitation")
    said = jax.jit(jax.vmap(teacher))(states)
    policy = jax.nn.one_hot(said, count) if said.ndim == 1 else said
    return Lessons(env, states, np.asarray(policy))


class Imitator(Map):
    """π(·|s) by one map of the encoded observation."""

    encoder: Encoder
    body: Map

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Float[Array, " n"]:
        """Return the logits at an observation."""
        return self.body(self.encoder(x))

    def policy(self, obs: Any, legal: Any = None) -> Categorical:
        """Return π(·|s)."""
        return Categorical(self(obs), legal)

    def act(self, obs: Any, legal: Any = None) -> Int[Array, ""]:
        """Return the likeliest action."""
        return self.policy(obs, legal).mode()

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Imitator, Array]":
        """Return a small map and an input for it."""
        return Imitator(Encoder(Box((-1.0, -1.0), (1.0, 1.0))), MLP(2, 3, 8, 1, key=key)), jnp.ones(2)


def imitation_loss(env: Env, any_best: bool = True) -> Objective:
    """Return the objective of `Pairs((states, legal), policy)`: the loss above, and the `agreement`."""

    def loss(model: Any, batch: Pairs, key: PRNGKeyArray | None) -> tuple[Array, Metrics]:
        states, legal = batch.x
        log_p = masked_log_softmax(jax.vmap(model)(jax.vmap(env.observe)(states)), legal)
        share = batch.y.astype(log_p.dtype)
        share = share / share.sum(-1, keepdims=True)
        best = jnp.where(share > 0, log_p, -jnp.inf)
        each = jax.nn.logsumexp(best, axis=-1) if any_best else (share * log_p).sum(-1)
        hit = jnp.take_along_axis(share, jnp.argmax(log_p, axis=-1, keepdims=True), axis=-1) > 0
        return -each.mean(), {"agreement": hit.astype(log_p.dtype).mean()}

    return loss


class Imitate(Recipe):
    """Learn a teacher's moves: `fit(Imitate(), lessons, steps=…)`, with `Lessons`, actions discrete.

    - `any_best`: one of the teacher's moves is enough (see above).
    - `batch` examples a step; `learning_rate` of Adam, `schedule` (constant, linear, cosine), `largest` norm
      of a gradient (0: any); `network` (`ansatz.rl.networks`) and its `width`, `depth`, `activation`.

    >>> from ansatz.rl.envs.tic_tac_toe import TicTacToe
    >>> env = TicTacToe()
    >>> states = jax.vmap(env.reset)(jax.random.split(jax.random.key(0), 4))
    >>> lessons = taught(env, states, lambda state: jnp.asarray(4))
    >>> Imitate(width=8).build(lessons, jax.random.key(0)).source.size
    4

    Numbers out of range, unknown names and data that are no `Lessons` raise `BadInput`.
    """

    any_best: bool = eqx.field(default=True, static=True)
    batch: int = eqx.field(default=512, static=True)
    learning_rate: float = eqx.field(default=2e-3, static=True)
    schedule: str = eqx.field(default="cosine", static=True)
    largest: float = eqx.field(default=0.0, static=True)
    network: str = eqx.field(default="mlp", static=True)
    width: int = eqx.field(default=256, static=True)
    depth: int = eqx.field(default=2, static=True)
    activation: str = eqx.field(default="relu", static=True)

    def build(self, data: Any, key: PRNGKeyArray) -> Parts:
        """Return the parts for some lessons."""
        if not isinstance(data, Lessons):
            raise BadInput(f"Imitation learns from Lessons(env, states, policy), not {type(data).__name__}.")
        check_positive(learning_rate=self.learning_rate)
        check_sizes(batch=self.batch)
        env = check(data.env)
        parts = network(self.network, env, self.width, self.depth, self.activation, key=key)
        encoder = Encoder(env.observations) if parts is None else parts.encoder
        count = discrete_actions(env, "Imitation")
        if parts is None:
            body: Map = MLP(encoder.size, count, self.width, self.depth, self.activation, key=key)
        else:
            body = parts.actor
        # What is legal is told once: the tables of an environment have no place in a step of training.
        legal = jax.jit(jax.vmap(env.legal))(data.states)
        source = Table(Pairs((data.states, legal), jnp.asarray(data.policy)), self.batch)
        optimizer = clipped(optax.adam(self.learning_rate), self.largest)
        down = Descend(imitation_loss(env, self.any_best), optimizer, schedule=rate(self.schedule))
        return Parts(Imitator(encoder, body), source, (down,))


@eqx.filter_jit
def moved(model: Any, env: Env, states: PyTree) -> Int[Array, " N"]:
    """Return the likeliest legal moves of a model in `states: [N, ...]`."""
    return jax.vmap(model.act)(jax.vmap(env.observe)(states), jax.vmap(env.legal)(states))


def agreement(model: Any, lessons: Lessons) -> float:
    """Return the share of the examples in which the model's move is one of the teacher's."""
    action = np.asarray(moved(model, lessons.env, lessons.states))
    return float((np.asarray(lessons.policy)[np.arange(len(lessons)), action] > 0).mean())
