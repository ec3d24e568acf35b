"""PPO, proximal policy optimization (notes, §5; Schulman et al. 2017).

With the ratio ``ρ_t(θ) = π_θ(a_t|s_t) / π_old(a_t|s_t)`` of the policy in training to the one that played,

    L_actor  = -min(ρ_t A_t, clip(ρ_t, 1 - ε, 1 + ε) A_t)
    L_critic = (target - V(s_t))²,                          target = A_t + V_old(s_t)
    L        = mean L_actor + c_v mean L_critic - c_e mean H(π(·|s_t)) + penalty · illegal mass

over K passes in shuffled minibatches.  What is clipped is the *ratio*: once an action has become 1 + ε times
as likely its advantage pulls no further.  The notes' "clip gradients (updates)" is a bound of its own on the
norm of each gradient, `largest`, and is applied too.

**Deviations**

- From the paper: advantages are standardized in each minibatch, gradients are clipped to a norm, actor and
  critic share no layer, c_e = 0; all as in the implementations that reproduce its results (Huang et al. 2022,
  "The 37 implementation details of PPO").
- From those implementations: time limits are bootstrapped from; standardizing divides by max(σ, 1e-8).
"""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import BadInput, Clock, Metrics, Objective, Parts, Update
from ansatz.rl.explore import Schedule
from ansatz.rl.onpolicy import (
    ActorCriticRecipe,
    Clocked,
    check_positive,
    clipped,
    on_policy,
    over,
    rate,
    rollout,
)
from ansatz.rl.rollout import Report, check_sizes, samples_of
from ansatz.training.updates import Descend, Epochs, On, Until


def standardized(advantage: Float[Array, " N"]) -> Float[Array, " N"]:
    """Return ``(A - mean) / σ``.

    >>> standardized(jnp.asarray([1.0, 3.0])).tolist()
    [-1.0, 1.0]
    """
    return (advantage - advantage.mean()) / jnp.maximum(advantage.std(), 1e-8)


def clipped_loss(
    clip: float | Array,
    value_factor: float = 0.5,
    entropy_factor: float = 0.0,
    illegal_factor: float = 0.0,
    standardize: bool = True,
    value_clip: bool = False,
) -> Objective:
    """Return the objective L of `Samples` with ε = `clip`.

    With `value_clip` the critic's answer, too, counts as at most ε from the old one where that is worse.
    """

    def loss(model: Any, samples: Any, key: PRNGKeyArray | None) -> tuple[Array, Metrics]:
        policy, value = over(model, samples)
        advantage = standardized(samples.advantage) if standardize else samples.advantage
        change = policy.log_prob(samples.action) - samples.log_prob
        ratio = jnp.exp(change)
        near = jnp.clip(ratio, 1 - clip, 1 + clip)
        actor = -jnp.minimum(ratio * advantage, near * advantage).mean()
        wrong = (samples.target - value) ** 2
        if value_clip:
            held = samples.value + jnp.clip(value - samples.value, -clip, clip)
            wrong = jnp.maximum(wrong, (samples.target - held) ** 2)
        critic, entropy = wrong.mean(), policy.entropy().mean()
        total = actor + value_factor * critic - entropy_factor * entropy
        metrics = {
            "actor": actor,
            "critic": critic,
            "entropy": entropy,
            # KL(old ‖ new) = E[ρ - 1 - log ρ], every term of it at least 0 (Schulman 2020).
            "kl": (ratio - 1 - change).mean(),
            "clipped": (jnp.abs(ratio - 1) > clip).astype(ratio.dtype).mean(),
        }
        if illegal_factor:
            metrics["illegal"] = policy.illegal_mass().mean()
            total = total + illegal_factor * metrics["illegal"]
        return total, metrics

    return loss


class PPO(ActorCriticRecipe):
    """Learn to act in an environment (`fit(PPO(), env, steps=…)`) by proximal policy optimization.

    A step of the run plays `steps` steps in each of `envs` environments, and then goes over them `passes`
    times in `minibatches` shuffled parts.

    - `passes`, `minibatches`: how often the steps are gone over, in how many shuffled parts.
    - `clip`, `clip_schedule`: ε, and how it falls (constant, linear, cosine); `value_clip`: clip V too.
    - `divergence`: the passes end once the mean KL(old ‖ new) of one is above it (0: never).
    - `value_factor`: c_v; `entropy_factor`: c_e; `standardize`: standardize advantages.

    The other fields are those of `ActorCriticRecipe`.
    """

    passes: int = eqx.field(default=10, static=True)
    minibatches: int = eqx.field(default=4, static=True)
    clip: float = eqx.field(default=0.2, static=True)
    clip_schedule: str = eqx.field(default="constant", static=True)
    value_clip: bool = eqx.field(default=False, static=True)
    divergence: float = eqx.field(default=0.0, static=True)
    schedule: str = eqx.field(default="linear", static=True)
    value_factor: float = eqx.field(default=0.5, static=True)
    entropy_factor: float = eqx.field(default=0.0, static=True)
    standardize: bool = eqx.field(default=True, static=True)

    def build(self, data: Any, key: PRNGKeyArray) -> Parts:
        """Return the parts for an environment."""
        check_positive(learning_rate=self.learning_rate, clip=self.clip)
        check_sizes(envs=self.envs, steps=self.steps, passes=self.passes, minibatches=self.minibatches)
        if self.envs * self.steps < self.minibatches:
            raise BadInput(
                f"A rollout of {self.envs} · {self.steps} steps cannot be cut into {self.minibatches} parts."
            )
        parts = on_policy(self, data, key)
        update = self._update(parts.factor)
        return Parts(parts.model, rollout(self, parts), (On(samples_of, update), Report()), parts.after)

    def _update(self, illegal_factor: float) -> Update:
        rule = clipped(optax.adam(self.learning_rate, eps=1e-5), self.largest)
        falls, factor = rate(self.clip_schedule) or Schedule(1.0, 1.0), rate(self.schedule)

        def make(clock: Clock) -> Update:
            clip = self.clip * falls(clock.fraction)
            loss = clipped_loss(
                clip, self.value_factor, self.entropy_factor, illegal_factor, self.standardize,
                self.value_clip,
            )  # fmt: skip
            down = Descend(loss, rule, schedule=factor)
            if not self.divergence:
                return Epochs(down, self.passes, self.minibatches)
            return Until(Epochs(down, 1, self.minibatches), "kl", self.divergence, self.passes)

        return Clocked(make)
