"""Classical Q-learning and SARSA: a table of Q(s, a), updated step by step (notes, §5).

    Q-learning    Q(s_t, a_t) → Q(s_t, a_t) + α (r_t + γ max_{a legal} Q(s_{t+1}, a) - Q(s_t, a_t))
    SARSA         the same with Q(s_{t+1}, a_{t+1}) of the action taken next, in place of the maximum

Q-learning learns the best policy's values whatever it plays (Watkins & Dayan 1992); SARSA those of the policy
that it plays, its exploration included (Rummery & Niranjan 1994).

**Deviations**: E environments may play at once; their updates of one entry add up.  Time limits are
bootstrapped from, by SARSA with an action that it would have taken.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from ansatz._spelling import choose
from ansatz.core import BadInput, Clock, Map, Metrics, Parts, Recipe, Source, Update
from ansatz.rl.advantage import check_discounts
from ansatz.rl.check import check
from ansatz.rl.dqn import Exploring, discrete_actions
from ansatz.rl.env import Discrete
from ansatz.rl.explore import Schedule
from ansatz.rl.illegal import rule
from ansatz.rl.onpolicy import check_positive
from ansatz.rl.policy import masked_argmax, masked_max, pick
from ansatz.rl.replay import Experience, Steps, flattened
from ansatz.rl.rollout import Report, Walk, play

RULES = ("q", "sarsa")


class QTable(Map):
    """Q(s, a) as a table `q: [S, A]`; its argument is the number of a state.

    >>> QTable(jnp.zeros((3, 2)))(jnp.asarray(1)).tolist()
    [0.0, 0.0]
    """

    q: Float[Array, "S A"]

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Float[Array, " A"]:
        """Return Q(s, ·)."""
        return self.q[x]

    def values(self, obs: Any, legal: Any = None) -> Float[Array, " A"]:
        """Return Q(s, ·); entries of illegal actions mean nothing."""
        return self.q[obs]

    def act(self, obs: Any, legal: Any = None) -> Array:
        """Return the legal action of the largest Q."""
        return masked_argmax(self.q[obs], legal)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[QTable, Array]":
        """Return a small table and an input for it."""
        return QTable(jax.random.normal(key, (4, 3))), jnp.asarray(2)


class Turn(NamedTuple):
    """Steps `[E, ...]`, and what SARSA takes next: `next_action: [E]`."""

    step: Any
    next_action: Array


class Ahead(Source):
    """Steps of E environments, one at a time, with the action that is taken after each.

    The next action is chosen before the table learns from the step, as SARSA wants it.
    """

    playing: Steps

    def init(self, model: Any, key: PRNGKeyArray) -> tuple[Walk, Array]:
        """Return the environments at the beginning of an episode, and the first actions."""
        first, second = jax.random.split(key)
        walk = self.playing.init(model, first)
        return walk, self._choose(model, walk, second, jnp.zeros(()))

    def next(self, state: Any, model: Any, clock: Clock, key: PRNGKeyArray) -> tuple[Experience, Any]:
        """Take the chosen actions and choose the next ones."""
        acting, playing = jax.random.split(key)
        env, masked = self.playing.env, self.playing.masked
        walk, record, episodes = play(
            env,
            state[0],
            lambda s, obs, legal, drawn: (drawn, ()),
            state[1][None],
            playing,
            masked,
            ahead=True,
        )
        step = flattened(record)
        action = self._choose(model, walk, acting, clock.fraction)
        done = (record.terminated | record.truncated)[0]
        drawn = self._drawn(acting, clock.fraction)
        would = self.playing.behaviour.act(model, step.next_obs, step.next_legal, drawn)
        return Experience(Turn(step, jnp.where(done, would, action)), episodes), (walk, action)

    def _choose(self, model: Any, walk: Walk, key: PRNGKeyArray, fraction: Array) -> Array:
        env = self.playing.env
        obs = jax.vmap(env.observe)(walk.state)
        legal = jax.vmap(env.legal)(walk.state) if self.playing.masked else None
        return self.playing.behaviour.act(model, obs, legal, self._drawn(key, fraction))

    def _drawn(self, key: PRNGKeyArray, fraction: Array) -> PyTree:
        shape = (self.playing.envs,)
        early = jnp.zeros(shape, bool)
        return self.playing.behaviour.draw(key, shape, jnp.broadcast_to(fraction, shape), early)


class Tabular(Update):
    """``Q(s, a) ← Q(s, a) + α(t) (target - Q(s, a))`` with α falling by `rate`, for every step given."""

    rate: Schedule
    gamma: float = eqx.field(static=True)
    rule: str = eqx.field(static=True, default="q")

    def init(self, model: Any) -> tuple[()]:
        """Return no state."""
        return ()

    def apply(
        self, model: Any, opt: PyTree, batch: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Any, PyTree, Metrics]:
        """Update the entries of these steps."""
        step = batch.samples.step if self.rule == "sarsa" else batch.samples
        ahead = model.q[step.next_obs]
        if self.rule == "sarsa":
            after = pick(ahead, batch.samples.next_action)
        else:
            after = masked_max(ahead, step.next_legal)
        target = step.reward + self.gamma * jnp.where(step.terminated, 0.0, after)
        wrong = target - model.q[step.obs, step.action]
        q = model.q.at[step.obs, step.action].add(self.rate(clock.fraction) * wrong)
        return QTable(q), opt, {"error": jnp.abs(wrong).mean()}


class QLearning(Recipe):
    """Learn a table of Q(s, a) in an environment with finitely many observations and actions.

    A step of the run is a step in each of `envs` environments.

    - `rule`: q (Q-learning) or sarsa; `gamma`: γ.
    - `learning_rate`, `final_rate`, `rate_shape`: α at the beginning and at the end, and how it goes from one
      to the other (linear, cosine, exponential).
    - `explore`: epsilon or temperature, from `first` to `last` during the share `explored` of the run.
    - `initial`: the value that all entries begin with: a high one makes every action worth trying.
    - `illegal`: mask or penalty, and the size of the `penalty` (see `illegal`).

    Numbers out of range, unknown names and an environment that is none raise `BadInput`.
    """

    rule: str = eqx.field(default="q", static=True)
    envs: int = eqx.field(default=1, static=True)
    gamma: float = eqx.field(default=0.99, static=True)
    learning_rate: float = eqx.field(default=0.5, static=True)
    final_rate: float = eqx.field(default=0.01, static=True)
    rate_shape: str = eqx.field(default="exponential", static=True)
    explore: str = eqx.field(default="epsilon", static=True)
    first: float = eqx.field(default=1.0, static=True)
    last: float = eqx.field(default=0.05, static=True)
    explored: float = eqx.field(default=0.8, static=True)
    initial: float = eqx.field(default=0.0, static=True)
    illegal: str = eqx.field(default="mask", static=True)
    penalty: float = eqx.field(default=1.0, static=True)

    def build(self, data: Any, key: PRNGKeyArray) -> Parts:
        """Return the parts for an environment."""
        choose("rule", self.rule, dict.fromkeys(RULES))
        check_positive(learning_rate=self.learning_rate)
        check_discounts(self.gamma)
        met = rule(check(data, alone=True), self.illegal, self.penalty)
        if met.factor:
            raise BadInput(
                "A table proposes nothing that a penalty could fall on: illegal is mask or penalty."
            )
        actions = discrete_actions(met.env, "A table")
        if not isinstance(met.env.observations, Discrete):
            raise BadInput(
                f"A table needs finitely many observations, and those of {type(data).__name__} are arrays: "
                "use DQN."
            )
        exploring = Exploring(actions, Schedule(self.first, self.last, self.explored), self.explore)
        playing = Steps(met.env, exploring, self.envs, 1, 0, met.masked)
        table = QTable(jnp.full((met.env.observations.n, actions), self.initial, jnp.float32))
        update = Tabular(
            Schedule(self.learning_rate, self.final_rate, shape=self.rate_shape), self.gamma, self.rule
        )
        source = Ahead(playing) if self.rule == "sarsa" else playing
        return Parts(table, source, (update, Report()))
