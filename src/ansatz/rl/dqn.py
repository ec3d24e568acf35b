"""DQN, deep Q-learning (notes, §5; Mnih et al. 2015).

    y_t   = r_t + γ (1 - terminated) max_{a legal} Q⁻(s_{t+1}, a)
    L_DQN = ½ [y_t - Q(s_t, a_t)]²                     or Huber's loss of the same error

with the notes' two tricks: Q⁻ is a copy of the network whose weights are frozen for a while, and the steps
come from a replay buffer.  The policy is implicit: the legal action of the largest Q, ε-greedily.

- *double*: the network chooses the action and Q⁻ says its worth, ``Q⁻(s', argmax_a Q(s', a))``, which
  removes the bias of a maximum over noisy values (van Hasselt et al. 2016).
- *dueling*: ``Q(s, a) = V(s) + A(s, a) - mean_{b legal} A(s, b)`` (Wang et al. 2016).

A table is the network without hidden layers or biases on one-hot states: with batches of the one step just
played, and a copy in every step, this is tabular Q-learning but for rounding.

**Deviations**

- From the papers: Adam for RMSProp, a bound on the gradient's norm for one on each error, and Huber's loss by
  default; maximum and mean are over legal actions; time limits are bootstrapped from.
- From the notes: the factor ½, so that a gradient step with rate α is the notes' update of Q.
- With `illegal` = "both" the values of illegal actions are drawn to -penalty by ½ (Q + penalty)².
"""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from ansatz._spelling import choose
from ansatz.core import BadInput, Clock, Fixed, Map, Metrics, Objective, Parts, Recipe
from ansatz.maps.mlp import MLP
from ansatz.rl.advantage import check_discounts
from ansatz.rl.agent import Encoder
from ansatz.rl.check import check
from ansatz.rl.env import Box, Discrete, Env
from ansatz.rl.explore import Schedule, boltzmann, chances, epsilon_greedy
from ansatz.rl.hosted_play import driven
from ansatz.rl.illegal import rule
from ansatz.rl.networks import Heads, Network, network
from ansatz.rl.onpolicy import check_positive, clipped, rate
from ansatz.rl.policy import masked_argmax, masked_max, pick
from ansatz.rl.replay import InTurn, Replay, Steps
from ansatz.rl.rollout import Report, check_sizes, samples_of
from ansatz.training.updates import Descend, On

ERRORS = {
    "huber": lambda error: optax.losses.huber_loss(error),
    "squares": lambda error: 0.5 * error**2,
}
EXPLORING = ("epsilon", "temperature")


class QNetwork(Map):
    """Q(s, ·) of all actions: an MLP of the encoded observation, or what is `made`; with a V if `dueling`."""

    encoder: Encoder
    body: Map
    dueling: bool = eqx.field(static=True)

    def __init__(
        self,
        observations: Discrete | Box,
        actions: int,
        width: int = 64,
        depth: int = 2,
        activation: str = "relu",
        dueling: bool = False,
        made: Network | None = None,
        *,
        key: PRNGKeyArray,
    ):
        self.dueling = dueling
        if made is None:
            self.encoder = Encoder(observations)
            self.body = MLP(self.encoder.size, actions + dueling, width, depth, activation, key=key)
        else:
            self.encoder = made.encoder
            self.body = Heads((made.critic, made.actor)) if dueling else made.actor

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Float[Array, " actions"]:
        """Return Q(s, ·), all actions being legal."""
        return self.values(x)

    def values(self, obs: Any, legal: Any = None) -> Float[Array, " actions"]:
        """Return Q(s, ·); entries of illegal actions mean nothing."""
        answer = self.body(self.encoder(obs))
        if not self.dueling:
            return answer
        value, advantage = answer[0], answer[1:]
        if legal is None:
            return value + advantage - advantage.mean()
        kept = jnp.where(legal, advantage, 0.0)
        return value + kept - kept.sum() / jnp.maximum(legal.sum(), 1).astype(kept.dtype)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[QNetwork, Array]":
        """Return a small map and an input for it."""
        return QNetwork(Box((-1.0, -1.0), (1.0, 1.0)), 3, 8, 1, dueling=True, key=key), jnp.ones(2)


class DeepQ(Map):
    """A Q-network in training, and the frozen copy Q⁻ of it."""

    online: Map
    target: Fixed

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Float[Array, " actions"]:
        """Return Q(s, ·)."""
        return self.online(x)

    def values(self, obs: Any, legal: Any = None) -> Float[Array, " actions"]:
        """Return Q(s, ·); entries of illegal actions mean nothing."""
        net: Any = self.online
        return net.values(obs, legal)

    def act(self, obs: Any, legal: Any = None) -> Array:
        """Return the legal action of the largest Q."""
        return masked_argmax(self.values(obs, legal), legal)


class Exploring(eqx.Module):
    """The behaviour of value-based algorithms: `kind` epsilon or temperature, falling by `schedule`.

    While it is early every legal action is as likely as any other.
    """

    actions: int = eqx.field(static=True)
    schedule: Schedule
    kind: str = eqx.field(static=True, default="epsilon")

    def __check_init__(self) -> None:
        """Refuse an unknown kind, chances outside [0, 1] and temperatures that are none."""
        choose("way of exploring", self.kind, dict.fromkeys(EXPLORING))
        ends = (self.schedule.start, self.schedule.end)
        if self.kind == "epsilon" and not all(0 <= end <= 1 for end in ends):
            raise BadInput(f"The chance ε lies in [0, 1], not between {ends[0]!r} and {ends[1]!r}.")
        if self.kind == "temperature" and not all(end > 0 for end in ends):
            raise BadInput(f"A temperature is above 0, not between {ends[0]!r} and {ends[1]!r}.")

    def draw(self, key: PRNGKeyArray, shape: tuple[int, ...], fraction: Array, early: Array) -> PyTree:
        """Return the chances, ε or T, and whether it is early, for each step."""
        return chances(self.actions, key, shape), self.schedule(fraction), early

    def act(self, model: Any, obs: Any, legal: Any, drawn: Any) -> Array:
        """Return the actions in E environments."""
        luck, amount, early = drawn
        values = jax.vmap(model.values)(obs, legal)
        if self.kind == "epsilon":
            return epsilon_greedy(values, legal, jnp.where(early, 1.0, amount), luck)
        return boltzmann(jnp.where(early[:, None], 0.0, values), legal, amount, luck)


def q_loss(gamma: float, error: str = "huber", double: bool = True, illegal_factor: float = 0.0) -> Objective:
    """Return the objective L_DQN of a `DeepQ` and a batch of `Transition`s."""
    measure = choose("error", error, ERRORS)

    def loss(model: Any, batch: Any, key: PRNGKeyArray | None) -> tuple[Array, Metrics]:
        values = jax.vmap(model.online.values)(batch.obs, batch.legal)
        ahead = jax.vmap(model.target.value.values)(batch.next_obs, batch.next_legal)
        if double:
            chosen = jax.vmap(model.act)(batch.next_obs, batch.next_legal)
            after = pick(ahead, chosen)
        else:
            after = masked_max(ahead, batch.next_legal)
        target = batch.reward + gamma * jnp.where(batch.terminated, 0.0, after)
        q = pick(values, batch.action)
        wrong = jax.lax.stop_gradient(target) - q
        total = measure(wrong).mean()
        if illegal_factor:
            punished = jnp.where(batch.legal, 0.0, 0.5 * (values + illegal_factor) ** 2)
            total = total + punished.mean()
        return total, {"value": q.mean(), "error": jnp.abs(wrong).mean()}

    return loss


def refresh(period: int, share: float, where: Any = lambda m: m.online) -> Any:
    """Return the `after` that moves `target` towards a part of the model every `period` steps.

    ``Q⁻ ← Q⁻ + share (Q - Q⁻)``, a copy where the share is 1.
    """

    def after(model: Any, batch: Any, clock: Clock) -> Any:
        amount = jnp.where((clock.step + 1) % period == 0, share, 0.0)
        moved = towards(model.target.value, where(model), amount)
        return eqx.tree_at(lambda m: m.target, model, Fixed(moved))

    return after


def towards(old: PyTree, new: PyTree, share: Array) -> PyTree:
    """Return ``old + share (new - old)`` of all floating-point arrays; exactly `new` where the share is 1."""

    def move(a: Any, b: Any) -> Any:
        if not eqx.is_inexact_array(a):
            return a
        return jnp.where(share == 1, b, a + share.astype(a.dtype) * (b - a))

    return jax.tree.map(move, old, new)


class DQN(Recipe):
    """Learn to act in an environment (`fit(DQN(), env, steps=…)`) by deep Q-learning; actions are discrete.

    A step of the run plays `steps` steps in each of `envs` environments and learns from `batches` batches of
    `batch` steps out of the last `capacity`, from the `start`-th step on.

    - `gamma`: γ; `double`, `dueling`: see above; `error`: huber or squares.
    - `target_every`: so many steps of the environments between two moves of Q⁻, by the share `target_share`.
    - `explore`: epsilon or temperature, from `first` to `last` during the share `explored` of the run.
    - `learning_rate`, `schedule` (constant, linear, cosine), `largest` norm of a gradient (0: any).
    - `network`: mlp or darts (see `networks`), and its `width`, `depth`, `activation`.
    - `illegal`: mask, penalty or both, and the size of the `penalty` (see `illegal`).

    Numbers out of range, unknown names and an environment that is none raise `BadInput`.
    """

    envs: int = eqx.field(default=1, static=True)
    steps: int = eqx.field(default=4, static=True)
    batches: int = eqx.field(default=1, static=True)
    batch: int = eqx.field(default=64, static=True)
    capacity: int = eqx.field(default=50_000, static=True)
    start: int = eqx.field(default=1_000, static=True)
    gamma: float = eqx.field(default=0.99, static=True)
    double: bool = eqx.field(default=True, static=True)
    dueling: bool = eqx.field(default=False, static=True)
    error: str = eqx.field(default="huber", static=True)
    target_every: int = eqx.field(default=500, static=True)
    target_share: float = eqx.field(default=1.0, static=True)
    explore: str = eqx.field(default="epsilon", static=True)
    first: float = eqx.field(default=1.0, static=True)
    last: float = eqx.field(default=0.05, static=True)
    explored: float = eqx.field(default=0.2, static=True)
    learning_rate: float = eqx.field(default=1e-3, static=True)
    schedule: str = eqx.field(default="constant", static=True)
    largest: float = eqx.field(default=10.0, static=True)
    width: int = eqx.field(default=64, static=True)
    depth: int = eqx.field(default=2, static=True)
    activation: str = eqx.field(default="relu", static=True)
    network: str = eqx.field(default="mlp", static=True)
    illegal: str = eqx.field(default="mask", static=True)
    penalty: float = eqx.field(default=1.0, static=True)

    def build(self, data: Any, key: PRNGKeyArray) -> Parts:
        """Return the parts for an environment."""
        check_positive(learning_rate=self.learning_rate, target_share=self.target_share)
        check_discounts(self.gamma)
        check_sizes(target_every=self.target_every, envs=self.envs, steps=self.steps)
        met = rule(check(data, alone=True), self.illegal, self.penalty)
        actions = discrete_actions(met.env, "DQN")
        net = QNetwork(
            met.env.observations, actions, self.width, self.depth, self.activation, self.dueling,
            network(self.network, met.env, self.width, self.depth, self.activation, False, key=key), key=key,
        )  # fmt: skip
        exploring = Exploring(actions, Schedule(self.first, self.last, self.explored), self.explore)
        playing = Steps(met.env, exploring, self.envs, self.steps, self.start, met.masked)
        source = driven(Replay(playing, self.capacity, self.batch, self.batches))
        loss = q_loss(self.gamma, self.error, self.double, met.factor)
        optimizer = clipped(optax.adam(self.learning_rate), self.largest)
        down = Descend(loss, optimizer, lambda m: m.online, rate(self.schedule))
        learn = InTurn(down, self.batches, math.ceil(self.start / playing.size))
        period = max(1, round(self.target_every / playing.size))
        updates = (On(samples_of, learn), Report())
        return Parts(DeepQ(net, Fixed(net)), source, updates, refresh(period, self.target_share))


def discrete_actions(env: Env, who: str) -> int:
    """Return the number of the actions of an environment, which must be discrete."""
    if not isinstance(env.actions, Discrete):
        raise BadInput(
            f"{who} chooses among finitely many actions, and those of {type(env).__name__} are continuous: "
            "use PPO, TRPO, A2C or SAC."
        )
    return env.actions.n
