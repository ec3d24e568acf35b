"""REINFORCE: the policy gradient by whole episodes, the oldest of the actor's algorithms (Williams 1992).

    ∇_θ E[G_{s_0}] = E[Σ_t γ^t G_t ∇_θ ln π_θ(a_t|s_t)],        G_t = Σ_k γ^k r_{t+k}: the Monte-Carlo return
    L_actor        = -Σ_t γ^t ln π(a_t|s_t) · (G_t - V(s_t)),   averaged over E episodes
    L_critic       = (G_t - V(s_t))²

A baseline V_NN(s_t) takes nothing from the mean of the gradient and much from its variance.

**Deviations**

- Episodes are played for at most T steps; what is cut off there, or by a time limit, is worth V(s_T) with the
  baseline and 0 without: the notes' truncated G̃.
- The factor γ^t is left out unless `discounted`, as nearly everywhere: it would make late steps count for
  nothing, although the policy is to act well there too.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, PRNGKeyArray, PyTree

from ansatz.core import Clock, Mean, Metrics, Objective, Parts, Recipe, Source
from ansatz.rl.advantage import Played, check_discounts, monte_carlo
from ansatz.rl.env import Env
from ansatz.rl.onpolicy import check_positive, clipped, on_policy, over, rate
from ansatz.rl.policy import noise
from ansatz.rl.rollout import Batch, Episodes, Report, begin, check_sizes, play, samples_of, values
from ansatz.training.updates import Descend, On


class Story(NamedTuple):
    """Steps of whole episodes `[T·E, ...]`: the return G_t of each, and its weight.

    The weight is 0 after the end of the episode, else 1, or γ^t.
    """

    obs: PyTree
    legal: Bool[Array, "N n"] | None
    action: Array
    returns: Float[Array, " N"]
    weight: Float[Array, " N"]


class WholeEpisodes(Source):
    """One episode, of at most `steps` steps, in each of `envs` environments, all begun anew."""

    env: Env
    envs: int = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    gamma: float = eqx.field(static=True, default=0.99)
    baseline: bool = eqx.field(static=True, default=True)
    discounted: bool = eqx.field(static=True, default=False)
    masked: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        """Refuse a discount out of range, and episodes of nothing."""
        check_discounts(self.gamma)
        check_sizes(envs=self.envs, steps=self.steps)

    def init(self, model: Any, key: PRNGKeyArray) -> tuple[()]:
        """Return no state: every batch begins anew."""
        return ()

    def next(self, state: tuple[()], model: Any, clock: Clock, key: PRNGKeyArray) -> tuple[Batch, tuple[()]]:
        """Play the episodes."""
        starting, choosing, playing = jax.random.split(key, 3)
        drawn = noise(self.env.actions, choosing, (self.steps, self.envs))

        def choose(state: Any, obs: Any, legal: Any, drawn: Any) -> tuple[Array, tuple[()]]:
            return jax.vmap(model.policy)(obs, legal).sample(drawn), ()

        walk = begin(self.env, self.envs, starting)
        walk, record, _ = play(self.env, walk, choose, drawn, playing, self.masked)
        done = record.terminated | record.truncated
        ends = done.astype(jnp.int32)
        alive = jnp.cumsum(ends, axis=0) == ends
        if self.baseline:
            after = values(model, record, jax.vmap(self.env.observe)(walk.state))[1]
        else:
            after = jnp.zeros_like(record.reward)
        played = Played(record.reward, jnp.zeros_like(after), after, record.terminated, record.truncated)
        weight = alive.astype(record.reward.dtype)
        if self.discounted:
            powers = self.gamma ** jnp.arange(self.steps, dtype=weight.dtype)
            weight = weight * powers[:, None]
        story = Story(record.obs, record.legal, record.action, monte_carlo(played, self.gamma), weight)
        flat = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), story)
        return Batch(flat, _first_episodes(record.reward, alive, done, record.terminated)), state


def reinforce_loss(
    episodes: int,
    baseline: bool = True,
    value_factor: float = 0.5,
    entropy_factor: float = 0.0,
    illegal_factor: float = 0.0,
) -> Objective:
    """Return the objective of a `Story` of so many episodes: sums over their steps, means over them."""

    def loss(model: Any, story: Any, key: PRNGKeyArray | None) -> tuple[Array, Metrics]:
        policy, value = over(model, story)
        base = jax.lax.stop_gradient(value) if baseline else 0.0
        gain = story.weight * policy.log_prob(story.action) * (story.returns - base)
        actor = -gain.sum() / episodes
        alive = (story.weight > 0).astype(value.dtype)
        count = alive.sum()
        critic = (alive * (story.returns - value) ** 2).sum() / count
        entropy = (alive * policy.entropy()).sum() / count
        total = actor - entropy_factor * entropy
        metrics = {"actor": actor, "entropy": entropy}
        if baseline:
            total, metrics["critic"] = total + value_factor * critic, critic
        if illegal_factor:
            metrics["illegal"] = (alive * policy.illegal_mass()).sum() / count
            total = total + illegal_factor * metrics["illegal"]
        return total, metrics

    return loss


class REINFORCE(Recipe):
    """Learn to act in an environment (`fit(REINFORCE(), env, steps=…)`) by whole episodes.

    A step of the run plays one episode of at most `steps` steps in each of `envs` environments.

    - `gamma`: γ; `baseline`: subtract V_NN; `discounted`: with the factor γ^t.
    - `learning_rate`, `schedule` (constant, linear, cosine), `largest` norm of a gradient (0: any): Adam's.
    - `value_factor`, `entropy_factor`: on L_critic, and on the mean entropy, which is subtracted.
    - `width`, `depth`, `activation`: of actor and critic; `normalize`: standardize observations.
    - `illegal`: mask, penalty or both, and the size of the `penalty` (see `illegal`).

    Numbers out of range, unknown names and an environment that is none raise `BadInput`.
    """

    envs: int = eqx.field(default=16, static=True)
    steps: int = eqx.field(default=500, static=True)
    gamma: float = eqx.field(default=0.99, static=True)
    baseline: bool = eqx.field(default=True, static=True)
    discounted: bool = eqx.field(default=False, static=True)
    learning_rate: float = eqx.field(default=3e-3, static=True)
    schedule: str = eqx.field(default="constant", static=True)
    largest: float = eqx.field(default=0.5, static=True)
    value_factor: float = eqx.field(default=0.5, static=True)
    entropy_factor: float = eqx.field(default=0.0, static=True)
    width: int = eqx.field(default=64, static=True)
    depth: int = eqx.field(default=2, static=True)
    activation: str = eqx.field(default="tanh", static=True)
    normalize: bool = eqx.field(default=False, static=True)
    illegal: str = eqx.field(default="mask", static=True)
    penalty: float = eqx.field(default=1.0, static=True)

    def build(self, data: Any, key: PRNGKeyArray) -> Parts:
        """Return the parts for an environment."""
        check_positive(learning_rate=self.learning_rate)
        parts = on_policy(self, data, key)
        source = WholeEpisodes(
            parts.env, self.envs, self.steps, self.gamma, self.baseline, self.discounted, parts.masked
        )
        loss = reinforce_loss(
            self.envs, self.baseline, self.value_factor, self.entropy_factor, parts.factor
        )  # fmt: skip
        rule = clipped(optax.adam(self.learning_rate), self.largest)
        down = Descend(loss, rule, schedule=rate(self.schedule))
        return Parts(parts.model, source, (On(samples_of, down), Report()), parts.after)


def _first_episodes(reward: Array, alive: Array, done: Array, terminated: Array) -> Episodes:
    over = (alive & done).any(0).astype(reward.dtype)
    count = over.sum()
    total = (jnp.where(alive, reward, 0.0).sum(0) * over).sum()
    length = (alive.sum(0).astype(reward.dtype) * over).sum()
    ended = (alive & terminated).any(0).astype(reward.dtype).sum()
    return Episodes(Mean(total, count), Mean(length, count), Mean(ended, count))
