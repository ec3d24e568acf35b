"""SAC, soft actor-critic (notes, §5; Haarnoja et al. 2018; for discrete actions Christodoulou 2019).

    maximize     G + α H(π(·|s_t))
    y_t        = r_t + γ (1 - terminated) E_{a' ~ π}[min_i Q⁻_i(s', a') - α log π(a'|s')]
    L_critic   = Σ_i mean ½ [y_t - Q_i(s_t, a_t)]²               two critics, of which the lower one counts
    L_actor    = mean E_{a ~ π}[α log π(a|s_t) - min_i Q_i(s_t, a)]
    L_α        = log α · mean (H(π(·|s_t)) - H̄)                  α rises while the entropy is below H̄

For discrete actions the expectations are sums over the legal ones; for continuous ones they are taken
with one action, the tanh of normal noise that θ scales and shifts, through which the gradient flows.  After
each step ``Q⁻ ← Q⁻ + τ (Q - Q⁻)``.

H̄ is -d for d continuous actions, measured on [-1, 1]^d, and `entropy` · log of the number of legal actions
for discrete ones.

**Deviations**: Adam for all; the derivative by log α instead of α (as the authors' code); a step of α and one
of the actor use the same actions; time limits are bootstrapped from; masks, which the papers do not have.
"""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from ansatz.core import BadInput, Clock, Fixed, Map, Metrics, Objective, Parts, Recipe, Update
from ansatz.maps.mlp import MLP
from ansatz.maps.stacked import Stacked
from ansatz.rl.advantage import check_discounts
from ansatz.rl.agent import Encoder, action_size
from ansatz.rl.check import check
from ansatz.rl.dqn import refresh
from ansatz.rl.env import Box, Discrete
from ansatz.rl.hosted_play import driven
from ansatz.rl.illegal import rule
from ansatz.rl.onpolicy import check_positive, clipped, rate
from ansatz.rl.policy import Categorical, Normal, Squashed, noise, pick
from ansatz.rl.replay import InTurn, Replay, Steps
from ansatz.rl.rollout import Report, check_sizes, samples_of
from ansatz.training.updates import Descend, On

LOWEST, HIGHEST = -20.0, 2.0
"""The bounds of log σ."""


class SoftActorCritic(Map):
    """π_NN, two critics with their copies Q⁻, and log α.

    The critics answer `[2, n]` for discrete actions, and `[2, 1]` at an observation and an action in
    [-1, 1]^d for continuous ones.
    """

    encoder: Encoder
    actor: Map
    critics: Stacked
    target: Fixed
    log_alpha: Any
    box: Fixed | None

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Array:
        """Return the actor's answer at an observation: logits, or means and log σ."""
        return self.actor(self.encoder(x))

    @property
    def alpha(self) -> Float[Array, ""]:
        """The temperature α."""
        log = self.log_alpha.value if isinstance(self.log_alpha, Fixed) else self.log_alpha
        return jnp.exp(log)

    def policy(self, obs: Any, legal: Any = None) -> Any:
        """Return π(·|s), a `Categorical` or a `Squashed`."""
        answer = self(obs)
        if self.box is None:
            return Categorical(answer, legal)
        mean, log_std = jnp.split(answer, 2)
        return Squashed(Normal(mean, jnp.clip(log_std, LOWEST, HIGHEST)), *self.box.value)

    def act(self, obs: Any, legal: Any = None) -> Array:
        """Return the likeliest action, or that of the mean."""
        return self.policy(obs, legal).mode()

    def judge(self, critics: Stacked, obs: Any, action: Any = None) -> Array:
        """Return what the critics say: `[2, n]` of all discrete actions, or `[2]` of a continuous one."""
        code = self.encoder(obs)
        if self.box is None:
            return critics(code)
        center, half = self.box.value
        return critics(jnp.concatenate([code, (action - center) / half]))[:, 0]


class Acting(eqx.Module):
    """The behaviour of SAC: actions drawn from the policy, and while it is early from all alike."""

    actions: Discrete | Box

    def draw(self, key: PRNGKeyArray, shape: tuple[int, ...], fraction: Array, early: Array) -> PyTree:
        """Return the noise, a uniform choice, and whether it is early, for each step."""
        first, second = jax.random.split(key)
        if isinstance(self.actions, Discrete):
            return noise(self.actions, first, shape), early, None
        low, high = (jnp.asarray(bound, jnp.float32) for bound in (self.actions.low, self.actions.high))
        share = jax.random.uniform(second, (*shape, *low.shape))
        low, high = jnp.broadcast_to(low, share.shape), jnp.broadcast_to(high, share.shape)
        return noise(self.actions, first, shape), early, low + share * (high - low)

    def act(self, model: Any, obs: Any, legal: Any, drawn: Any) -> Array:
        """Return the actions in E environments."""
        luck, early, anywhere = drawn
        policy = jax.vmap(model.policy)(obs, legal)
        if anywhere is None:
            return Categorical(jnp.where(early[:, None], 0.0, policy.logits), legal).sample(luck)
        return jnp.where(early[:, None], anywhere, policy.sample(luck))


def critic_loss(gamma: float) -> Objective:
    """Return the objective L_critic of a `SoftActorCritic` and a batch of `Transition`s."""

    def loss(model: Any, batch: Any, key: PRNGKeyArray | None) -> tuple[Array, Metrics]:
        policy = jax.vmap(model.policy)(batch.next_obs, batch.next_legal)
        if isinstance(policy, Categorical):
            ahead = jax.vmap(lambda obs: model.judge(model.target.value, obs))(batch.next_obs).min(1)
            log_p = policy.log_p
            after = (jnp.exp(log_p) * (ahead - model.alpha * log_p)).sum(-1)
            every = jax.vmap(lambda obs: model.judge(model.critics, obs))(batch.obs)
            q = jax.vmap(pick, in_axes=(1, None), out_axes=1)(every, batch.action)
        else:
            action, log_p = policy.sample_and_log_prob(_normal(key, policy))
            judged = jax.vmap(lambda obs, a: model.judge(model.target.value, obs, a))(batch.next_obs, action)
            after = judged.min(1) - model.alpha * log_p
            q = jax.vmap(lambda obs, a: model.judge(model.critics, obs, a))(batch.obs, batch.action)
        target = batch.reward + gamma * jnp.where(batch.terminated, 0.0, after)
        wrong = jax.lax.stop_gradient(target)[:, None] - q
        return 0.5 * (wrong**2).mean(0).sum(), {"value": q.mean()}

    return loss


def actor_loss(entropy: float, illegal_factor: float = 0.0) -> Objective:
    """Return the objective L_actor + L_α, with H̄ from `entropy` (see above)."""

    def loss(model: Any, batch: Any, key: PRNGKeyArray | None) -> tuple[Array, Metrics]:
        policy = jax.vmap(model.policy)(batch.obs, batch.legal)
        alpha = jax.lax.stop_gradient(model.alpha)
        if isinstance(policy, Categorical):
            q = jax.lax.stop_gradient(jax.vmap(lambda obs: model.judge(model.critics, obs))(batch.obs).min(1))
            log_p = policy.log_p
            actor = (jnp.exp(log_p) * (alpha * log_p - q)).sum(-1).mean()
            found = policy.entropy().mean()
            count = jnp.full(q.shape[:1], float(q.shape[1])) if batch.legal is None else batch.legal.sum(-1)
            wanted = entropy * jnp.log(count.astype(q.dtype)).mean()
        else:
            action, log_p = policy.sample_and_log_prob(_normal(key, policy))
            q = jax.vmap(lambda obs, a: model.judge(model.critics, obs, a))(batch.obs, action).min(1)
            actor = (alpha * log_p - q).mean()
            found, wanted = -log_p.mean(), jnp.asarray(_volume(model) + entropy)
        total = actor
        if not isinstance(model.log_alpha, Fixed):
            total = total + model.log_alpha * jax.lax.stop_gradient(found - wanted)
        metrics = {"entropy": found, "alpha": model.alpha}
        if illegal_factor:
            metrics["illegal"] = policy.illegal_mass().mean()
            total = total + illegal_factor * metrics["illegal"]
        return total, metrics

    return loss


class SAC(Recipe):
    """Learn to act in an environment (`fit(SAC(), env, steps=…)`) by soft actor-critic.

    A step of the run plays `steps` steps in each of `envs` environments and learns from `batches` batches of
    `batch` steps out of the last `capacity`, from the `start`-th step on.

    - `gamma`: γ; `share`: τ of Q⁻.
    - `alpha`: the temperature, learned where it is 0; `entropy`: H̄ as a share of the largest entropy for
      discrete actions (0: 0.6), and as itself for continuous ones (0: -d).
    - `learning_rate`, `schedule` (constant, linear, cosine), `largest` norm of a gradient (0: any).
    - `width`, `depth`, `activation`: of actor and critics.
    - `illegal`: mask, penalty or both, and the size of the `penalty` (see `illegal`).

    Numbers out of range, unknown names and an environment that is none raise `BadInput`.
    """

    envs: int = eqx.field(default=1, static=True)
    steps: int = eqx.field(default=1, static=True)
    batches: int = eqx.field(default=1, static=True)
    batch: int = eqx.field(default=256, static=True)
    capacity: int = eqx.field(default=100_000, static=True)
    start: int = eqx.field(default=100, static=True)
    gamma: float = eqx.field(default=0.99, static=True)
    share: float = eqx.field(default=0.005, static=True)
    alpha: float = eqx.field(default=0.0, static=True)
    entropy: float = eqx.field(default=0.0, static=True)
    learning_rate: float = eqx.field(default=1e-3, static=True)
    schedule: str = eqx.field(default="constant", static=True)
    largest: float = eqx.field(default=0.0, static=True)
    width: int = eqx.field(default=64, static=True)
    depth: int = eqx.field(default=2, static=True)
    activation: str = eqx.field(default="relu", static=True)
    illegal: str = eqx.field(default="mask", static=True)
    penalty: float = eqx.field(default=1.0, static=True)

    def build(self, data: Any, key: PRNGKeyArray) -> Parts:
        """Return the parts for an environment."""
        check_positive(learning_rate=self.learning_rate)
        check_discounts(self.gamma)
        check_sizes(envs=self.envs, steps=self.steps)
        if not 0 < self.share <= 1 or not 0 <= self.alpha < math.inf:
            raise BadInput(
                f"SAC has a share in (0, 1] and alpha >= 0 (0: learned), not {self.share!r}, {self.alpha!r}."
            )
        met = rule(check(data, alone=True), self.illegal, self.penalty)
        model = self._model(met.env.observations, met.env.actions, key)
        playing = Steps(met.env, Acting(met.env.actions), self.envs, self.steps, self.start, met.masked)
        source = driven(Replay(playing, self.capacity, self.batch, self.batches))
        learn = InTurn(_Both(*self._updates(met)), self.batches, math.ceil(self.start / playing.size))
        share = 1 - (1 - self.share) ** self.batches
        after = refresh(1, share, lambda m: m.critics)
        return Parts(model, source, (On(samples_of, learn), Report()), after)

    def _model(self, observations: Any, actions: Any, key: PRNGKeyArray) -> SoftActorCritic:
        encoder, size = Encoder(observations), action_size(actions)
        first, second = jax.random.split(key)
        discrete = isinstance(actions, Discrete)

        def net(inputs: int, outputs: int, k: PRNGKeyArray) -> MLP:
            return MLP(inputs, outputs, self.width, self.depth, self.activation, key=k)

        actor = net(encoder.size, size if discrete else 2 * size, first)
        inputs, outputs = (encoder.size, size) if discrete else (encoder.size + size, 1)
        two = eqx.filter_vmap(lambda k: net(inputs, outputs, k))(jax.random.split(second, 2))
        log_alpha = jnp.log(jnp.asarray(self.alpha or 1.0, jnp.float32))
        return SoftActorCritic(
            encoder, actor, Stacked(two), Fixed(Stacked(two)),
            Fixed(log_alpha) if self.alpha else log_alpha, None if discrete else _box(actions),
        )  # fmt: skip

    def _updates(self, met: Any) -> tuple[Update, Update]:
        entropy = self.entropy
        if not entropy:
            entropy = 0.6 if isinstance(met.env.actions, Discrete) else -float(action_size(met.env.actions))
        optimizer, falls = clipped(optax.adam(self.learning_rate), self.largest), rate(self.schedule)
        critic = Descend(critic_loss(self.gamma), optimizer, lambda m: m.critics, falls, "critic")
        where = (lambda m: m.actor) if self.alpha else (lambda m: (m.actor, m.log_alpha))
        actor = Descend(actor_loss(entropy, met.factor), optimizer, where, falls, "actor")
        return critic, actor


class _Both(Update):
    """Two updates, one after the other."""

    first: Update
    second: Update

    def init(self, model: Any) -> PyTree:
        return self.first.init(model), self.second.init(model)

    def apply(
        self, model: Any, opt: PyTree, batch: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Any, PyTree, Metrics]:
        keys = jax.random.split(key)
        model, one, metrics = self.first.apply(model, opt[0], batch, clock, keys[0])
        model, other, more = self.second.apply(model, opt[1], batch, clock, keys[1])
        return model, (one, other), metrics | more


def _box(actions: Box) -> Fixed:
    low, high = np.asarray(actions.low, np.float32), np.asarray(actions.high, np.float32)
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all()):
        raise BadInput(f"SAC acts in a box with finite bounds, low < high, not from {low} to {high}.")
    return Fixed((jnp.asarray((low + high) / 2), jnp.asarray((high - low) / 2)))


def _volume(model: Any) -> Array:
    """Return Σ log half: what the entropy on the box is larger by than that on [-1, 1]^d."""
    return jnp.log(model.box.value[1]).sum()


def _normal(key: PRNGKeyArray | None, policy: Any) -> Array:
    key = jax.random.key(0) if key is None else key
    return jax.random.normal(key, policy.normal.mean.shape)
