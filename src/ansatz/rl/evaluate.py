"""How well a policy does: whole episodes of their own, without exploring.

`evaluate(env, model)` plays them now; an `Evaluation` is the source of a `Watch`, which plays them inside the
training's compiled loop every so many steps and keeps the best model.  Where an end is to be reached,
`moves_to_end` counts the moves from given states, to be compared with the distances that are known.

An environment that is played in Python (see `hosted`) is judged there, in copies of its own.

In a game of several players the model has one seat, the next one in the next episode, and the others act by
chance; its return is that of its seat.
"""

from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from ansatz.core import Clock, Metrics, Source, Watch
from ansatz.rl.agent import executable
from ansatz.rl.env import Env
from ansatz.rl.illegal import forbids
from ansatz.rl.reference import Chance
from ansatz.rl.rollout import check_sizes


class Scores(NamedTuple):
    """The return and the length of each episode, and whether it ended within the steps allowed."""

    returns: Float[Array, " N"]
    lengths: Int[Array, " N"]
    ended: Bool[Array, " N"]


class Evaluation(Source):
    """`episodes` episodes of a model's `act(obs, legal)`, each from its beginning to its end.

    One that lasts for more than `most` steps is cut off there and counts with what it has collected.
    """

    env: Env
    episodes: int = eqx.field(static=True, default=100)
    most: int = eqx.field(static=True, default=10_000)

    def __check_init__(self) -> None:
        """Refuse episodes of nothing."""
        check_sizes(episodes=self.episodes, most=self.most)

    def init(self, model: Any, key: PRNGKeyArray) -> PRNGKeyArray:
        """Return the key that the episodes are drawn with, in every evaluation the same."""
        return key

    def next(
        self, state: PRNGKeyArray, model: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Scores, PRNGKeyArray]:
        """Play the episodes."""
        return played(self.env, model, self.episodes, self.most, state), state


def played(env: Env, model: Any, episodes: int, most: int, key: PRNGKeyArray) -> Scores:
    """Return the scores of episodes, all played at once until the last of them has ended."""
    masked = forbids(env)
    starting, playing = jax.random.split(key)
    state = jax.vmap(env.reset)(jax.random.split(starting, episodes))
    seat = jnp.arange(episodes, dtype=jnp.int32) % env.players

    def going(carry: Any) -> Array:
        return (~carry[1].ended).any() & (carry[2] < most)

    def one(carry: Any) -> Any:
        state, scores, i = carry
        obs = jax.vmap(env.observe)(state)
        legal = jax.vmap(env.legal)(state) if masked else None
        choosing, stepping = jax.random.split(jax.random.fold_in(playing, i))
        keys = jax.random.split(choosing, episodes), jax.random.split(stepping, episodes)
        action = jax.vmap(partial(choice, env, model))(state, obs, legal, keys[0])
        if env.players > 1:
            others = jax.vmap(partial(choice, env, Chance(env.actions)))(state, obs, legal, keys[1])
            action = jnp.where(jax.vmap(env.player)(state) == seat, action, others)
        step = jax.vmap(env.step)(state, action, keys[1])
        reward = step.reward if env.players == 1 else jnp.take_along_axis(step.reward, seat[:, None], 1)[:, 0]
        counts = ~scores.ended
        scores = Scores(
            scores.returns + jnp.where(counts, reward, 0.0),
            scores.lengths + counts.astype(jnp.int32),
            scores.ended | step.terminated | step.truncated,
        )
        return step.state, scores, i + 1

    none = Scores(jnp.zeros(episodes), jnp.zeros(episodes, jnp.int32), jnp.zeros(episodes, bool))
    return jax.lax.while_loop(going, one, (state, none, jnp.zeros((), jnp.int32)))[1]


def choice(env: Env, model: Any, state: PyTree, obs: Any, legal: Any, key: PRNGKeyArray) -> Array:
    """Return what a model does in a state: `decide(env, state, obs, legal, key)` where it has that, or `act`.

    What decides knows the environment, as a look ahead does, or draws by chance.
    """
    if hasattr(model, "decide"):
        return executable(env.actions, model.decide(env, state, obs, legal, key))
    return executable(env.actions, model.act(obs, legal))


def score(model: Any, batch: Scores, key: PRNGKeyArray | None) -> tuple[Array, Metrics]:
    """Return minus the mean return, and the return and the length (an objective)."""
    mean = batch.returns.mean()
    return -mean, {"return": mean, "length": batch.lengths.astype(mean.dtype).mean()}


def watching(env: Env, every: int, episodes: int = 20, most: int = 10_000) -> Watch:
    """Return the validation of a training in `env`: `episodes` episodes every so many steps of the run."""
    if env.host:
        from ansatz.rl.hosted_judge import HostEvaluation

        check_sizes(episodes=episodes, most=most)
        return Watch(HostEvaluation(env, episodes, most), score, every)
    return Watch(Evaluation(env, episodes, most), score, every)


_played = eqx.filter_jit(played)


def evaluate(env: Env, model: Any, episodes: int = 100, seed: int = 0, most: int = 10_000) -> np.ndarray:
    """Return the returns `[episodes]` of a model's policy in an environment."""
    check_sizes(episodes=episodes, most=most)
    if env.host:
        from ansatz.rl.hosted_judge import host_scores

        return np.asarray(host_scores(env, model, episodes, most, seed).returns)
    return np.asarray(_played(env, model, episodes, most, jax.random.key(seed)).returns)


class Seeing(eqx.Module):
    """A model's `act(obs, legal)` as a policy of states, `act(state, key)`."""

    env: Env
    model: Any

    def act(self, state: PyTree, key: PRNGKeyArray) -> Array:
        """Return the action at what is seen of a state."""
        return self.model.act(self.env.observe(state), self.env.legal(state))


@eqx.filter_jit
def moves_to_end(env: Env, policy: Any, states: PyTree, most: int, key: PRNGKeyArray) -> Int[Array, " N"]:
    """Return how many moves a policy of states takes to an end from each of `states: [N, ...]`.

    It is -1 where they would be more than `most`; time limits of the environment do not count.
    """
    count = jax.tree.leaves(states)[0].shape[0]

    def going(carry: Any) -> Array:
        return (carry[1] < 0).any() & (carry[2] < most)

    def one(carry: Any) -> Any:
        state, moves, i = carry
        first, second = jax.random.split(jax.random.fold_in(key, i))
        action = jax.vmap(policy.act)(state, jax.random.split(first, count))
        step = jax.vmap(env.step)(state, action, jax.random.split(second, count))
        return step.state, jnp.where((moves < 0) & step.terminated, i + 1, moves), i + 1

    zero = jnp.zeros((), jnp.int32)
    return jax.lax.while_loop(going, one, (states, jnp.full(count, -1, jnp.int32), zero))[1]
