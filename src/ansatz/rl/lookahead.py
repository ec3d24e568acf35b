"""A value function as a policy, and policy iteration: the notes' interleaving of two problems (§5).

"Given a state s_t, carry out all possible actions and take the one with the largest v(s_{t+1}), or sample
with weights ∼ v(s_{t+1})":

    q(s_t, a) = R(s_t, a) + γ (1 - terminated) v(s_{t+1})       each legal action tried in the environment

With it the notes' interleaving is *policy iteration*, between two networks:

- control: v is fitted to the returns of the policy that looks ahead with v⁻, by ``(G̃_t - v(s_t))²``;
- decision: every `period` steps v⁻ ← v, so that the policy is the better one of the new values.

**Deviations**: the notes take the largest v(s_{t+1}) alone, which is the same where all steps cost the
same; in a world of chance an action is tried `tries` times; while learning the look-ahead is ε-greedy.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from ansatz._spelling import choose
from ansatz.core import Clock, Fixed, Map, Parts, Recipe, Source
from ansatz.maps.mlp import MLP
from ansatz.rl.advantage import Played, check_discounts, generalized_advantage
from ansatz.rl.agent import Encoder
from ansatz.rl.check import check
from ansatz.rl.dqn import discrete_actions, refresh
from ansatz.rl.env import Env
from ansatz.rl.explore import Schedule, chances, epsilon_greedy
from ansatz.rl.illegal import rule
from ansatz.rl.onpolicy import check_positive, clipped, rate
from ansatz.rl.policy import impossible, masked_argmax
from ansatz.rl.rollout import Batch, Report, Samples, Walk, begin, check_sizes, play, samples_of, values
from ansatz.rl.trpo import value_loss
from ansatz.training.updates import Descend, Epochs, On

CHOICES = ("largest", "proportional")


def look_ahead(
    env: Env,
    value: Any,
    state: PyTree,
    key: PRNGKeyArray,
    gamma: float = 1.0,
    tries: int = 1,
    legal: Bool[Array, " n"] | None = None,
) -> Float[Array, " n"]:
    """Return ``q(s, a)`` of every action by trying it: `value` is v, a function of an observation.

    Each is the mean over `tries` steps of the environment; illegal ones are `impossible`.
    """
    keys = jax.random.split(key, tries)
    actions = jnp.arange(discrete_actions(env, "A look ahead"), dtype=jnp.int32)
    # What an illegal action does is undefined: a legal one is tried in its place and not counted.
    tried = actions if legal is None else jnp.where(legal, actions, jnp.argmax(legal).astype(jnp.int32))

    def one(action: Array, k: PRNGKeyArray) -> Array:
        step = env.step(state, action, k)
        return step.reward + gamma * jnp.where(step.terminated, 0.0, value(step.obs))

    q = jax.vmap(lambda a: jax.vmap(lambda k: one(a, k))(keys).mean())(tried)
    return q if legal is None else jnp.where(legal, q, impossible(q.dtype))


class ValueNetwork(Map):
    """v(s) in training, and v⁻, by which the policy looks ahead."""

    encoder: Encoder
    critic: Map
    target: Fixed
    gamma: float = eqx.field(static=True, default=1.0)

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Float[Array, ""]:
        """Return v(s)."""
        return self.value(x)

    def decide(self, env: Env, state: PyTree, obs: Any, legal: Any, key: PRNGKeyArray) -> Int[Array, ""]:
        """Return the legal action of the largest q, each tried in the environment."""
        return masked_argmax(look_ahead(env, self.value, state, key, self.gamma, 1, legal), legal)

    def value(self, obs: Any) -> Float[Array, ""]:
        """Return v(s)."""
        return self.critic(self.encoder(obs))[0]

    def deciding(self, obs: Any) -> Float[Array, ""]:
        """Return v⁻(s)."""
        return self.target.value(self.encoder(obs))[0]


class ValuePolicy(eqx.Module):
    """A policy that knows the environment, and its states, and a value function v of observations.

    `choice`: the action of the largest q, or one drawn with weights ∼ q, of which negative ones count as 0
    (evenly where none is positive).
    """

    env: Env
    value: Any
    gamma: float = eqx.field(static=True, default=1.0)
    choice: str = eqx.field(static=True, default="largest")
    tries: int = eqx.field(static=True, default=1)

    def __check_init__(self) -> None:
        """Refuse an unknown choice, a discount out of range, and no tries."""
        choose("choice", self.choice, dict.fromkeys(CHOICES))
        check_discounts(self.gamma)
        check_sizes(tries=self.tries)

    def act(self, state: PyTree, key: PRNGKeyArray) -> Int[Array, ""]:
        """Return a legal action at a state of the environment."""
        trying, drawing = jax.random.split(key)
        legal = self.env.legal(state)
        q = look_ahead(self.env, self.value, state, trying, self.gamma, self.tries, legal)
        if self.choice == "largest":
            return masked_argmax(q, legal)
        weight = jnp.where(legal, jnp.maximum(q, 0), 0.0)
        weight = jnp.where(weight.sum() > 0, weight, legal.astype(weight.dtype))
        low = impossible(weight.dtype)
        log = jnp.where(weight > 0, jnp.log(jnp.where(weight > 0, weight, 1.0)), low)
        return masked_argmax(log + jax.random.gumbel(drawing, log.shape), weight > 0)


class Looking(Source):
    """Rollouts `[T·E, ...]` of the policy that looks ahead with v⁻; targets are returns by GAE(λ)."""

    env: Env
    epsilon: Schedule
    envs: int = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    gamma: float = eqx.field(static=True)
    lam: float = eqx.field(static=True)
    tries: int = eqx.field(static=True, default=1)

    def __check_init__(self) -> None:
        """Refuse discounts out of range, and rollouts of nothing."""
        check_discounts(self.gamma, self.lam)
        check_sizes(envs=self.envs, steps=self.steps, tries=self.tries)

    def init(self, model: Any, key: PRNGKeyArray) -> Walk:
        """Return the environments at the beginning of an episode."""
        return begin(self.env, self.envs, key)

    def next(self, state: Walk, model: Any, clock: Clock, key: PRNGKeyArray) -> tuple[Batch, Walk]:
        """Play on."""
        choosing, trying, playing = jax.random.split(key, 3)
        shape = (self.steps, self.envs)
        luck = chances(discrete_actions(self.env, "A look ahead"), choosing, shape)
        drawn = (luck, jax.random.split(trying, shape))
        epsilon = jnp.broadcast_to(self.epsilon(clock.fraction), (self.envs,))

        def choose(state: Any, obs: Any, legal: Any, drawn: Any) -> tuple[Array, tuple[()]]:
            legal = jax.vmap(self.env.legal)(state)

            def q(state: Any, legal: Any, k: Any) -> Array:
                return look_ahead(self.env, model.deciding, state, k, self.gamma, self.tries, legal)

            return epsilon_greedy(jax.vmap(q)(state, legal, drawn[1]), legal, epsilon, drawn[0]), ()

        walk, record, episodes = play(self.env, state, choose, drawn, playing)
        value, after = values(model, record, jax.vmap(self.env.observe)(walk.state))
        played = Played(record.reward, value, after, record.terminated, record.truncated)
        advantage = generalized_advantage(played, self.gamma, self.lam)
        samples = Samples(
            record.obs, None, record.action, jnp.zeros_like(value), value, advantage, advantage + value
        )
        return Batch(jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), samples), episodes), walk


class PolicyIteration(Recipe):
    """Learn a value function by policy iteration (`fit(PolicyIteration(), env, steps=…)`), actions discrete.

    A step of the run plays `steps` steps in each of `envs` environments, looking one step ahead, and fits v
    to the returns by `passes` passes in `minibatches` parts.

    - `gamma`, `lam`: γ, and the λ of the returns (1: Monte-Carlo, as far as was played).
    - `period`: so many steps of the run between two improvements of the policy; `tries`: see `look_ahead`.
    - `first`, `last`, `explored`: ε falls from the first to the last during this share of the run.
    - `learning_rate`, `schedule` (constant, linear, cosine), `largest` norm of a gradient (0: any).
    - `width`, `depth`, `activation`: of the network.

    Numbers out of range, unknown names and an environment that is none raise `BadInput`.
    """

    envs: int = eqx.field(default=16, static=True)
    steps: int = eqx.field(default=32, static=True)
    passes: int = eqx.field(default=4, static=True)
    minibatches: int = eqx.field(default=4, static=True)
    gamma: float = eqx.field(default=0.99, static=True)
    lam: float = eqx.field(default=0.95, static=True)
    period: int = eqx.field(default=10, static=True)
    tries: int = eqx.field(default=1, static=True)
    first: float = eqx.field(default=0.3, static=True)
    last: float = eqx.field(default=0.02, static=True)
    explored: float = eqx.field(default=0.8, static=True)
    learning_rate: float = eqx.field(default=1e-3, static=True)
    schedule: str = eqx.field(default="constant", static=True)
    largest: float = eqx.field(default=0.5, static=True)
    width: int = eqx.field(default=64, static=True)
    depth: int = eqx.field(default=2, static=True)
    activation: str = eqx.field(default="tanh", static=True)

    def build(self, data: Any, key: PRNGKeyArray) -> Parts:
        """Return the parts for an environment."""
        check_positive(learning_rate=self.learning_rate)
        check_sizes(period=self.period, passes=self.passes, minibatches=self.minibatches)
        env = rule(check(data, alone=True), "mask", 1.0).env
        encoder = Encoder(env.observations)
        critic = MLP(encoder.size, 1, self.width, self.depth, self.activation, key=key)
        epsilon = Schedule(self.first, self.last, self.explored)
        source = Looking(env, epsilon, self.envs, self.steps, self.gamma, self.lam, self.tries)
        optimizer = clipped(optax.adam(self.learning_rate), self.largest)
        down = Descend(value_loss, optimizer, lambda m: m.critic, rate(self.schedule))
        updates = (On(samples_of, Epochs(down, self.passes, self.minibatches)), Report())
        model = ValueNetwork(encoder, critic, Fixed(critic), self.gamma)
        return Parts(model, source, updates, refresh(self.period, 1.0, lambda m: m.critic))
