"""A2C, advantage actor-critic (notes, §5; Mnih et al. 2016, the synchronous form of A3C).

    A(s_t, a_t) = r_t + [γ V(s_{t+1}) - V(s_t)]            over T steps: Σ_k (γ λ)^k of them
    L_actor     = -ln π(a_t|s_t) · A(s_t, a_t)             A > 0: encourage, A < 0: discourage
    L_critic    = (target - V(s_t))²,                       target = A + V, held fixed
    L           = mean L_actor + c_v mean L_critic - c_e mean H(π(·|s_t)) + penalty · illegal mass

**Deviations**

- From the notes: the advantage in L_actor and the target in L_critic are constants in the gradient (else
  the target would be drawn towards the estimate); the estimate runs over T steps, not one.
- From the paper: E environments advance together and their gradients are averaged, where the paper's threads
  apply theirs one by one; actor and critic share no layer; time limits are bootstrapped from; c_e = 0.
- Plain A2C is PPO with one pass over one minibatch, whose ratio is 1 (Huang et al. 2022).
"""

from typing import Any

import equinox as eqx
import optax
from jaxtyping import Array, PRNGKeyArray

from ansatz._spelling import choose
from ansatz.core import Metrics, Objective, Parts, Recipe
from ansatz.rl.onpolicy import check_positive, clipped, on_policy, over, rate, rollout
from ansatz.rl.rollout import Report, samples_of
from ansatz.training.updates import Descend, On

OPTIMIZERS = {
    "rmsprop": lambda rate: optax.rmsprop(rate, decay=0.99, eps=1e-5, eps_in_sqrt=False),
    "adam": lambda rate: optax.adam(rate, eps=1e-5),
    "gradient_descent": optax.sgd,
}


def actor_critic_loss(value_factor: float, entropy_factor: float, illegal_factor: float = 0.0) -> Objective:
    """Return the objective L of `Samples`, with c_v = `value_factor` and c_e = `entropy_factor`."""

    def loss(model: Any, samples: Any, key: PRNGKeyArray | None) -> tuple[Array, Metrics]:
        policy, value = over(model, samples)
        actor = -(policy.log_prob(samples.action) * samples.advantage).mean()
        critic = ((samples.target - value) ** 2).mean()
        entropy = policy.entropy().mean()
        total = actor + value_factor * critic - entropy_factor * entropy
        metrics = {"actor": actor, "critic": critic, "entropy": entropy}
        if illegal_factor:
            metrics["illegal"] = policy.illegal_mass().mean()
            total = total + illegal_factor * metrics["illegal"]
        return total, metrics

    return loss


class A2C(Recipe):
    """Learn to act in an environment (`fit(A2C(), env, steps=…)`) by advantage actor-critic.

    A step of the run plays `steps` steps in each of `envs` environments and follows one gradient.

    - `gamma`, `lam`: γ, and the λ of GAE (1: returns of `steps` steps).
    - `learning_rate`, `schedule` (constant, linear, cosine), `optimizer` (rmsprop, adam, gradient_descent),
      `largest` norm of a gradient (0: any).
    - `value_factor` c_v, `entropy_factor` c_e.
    - `network`: mlp or darts (see `networks`); `width`, `depth`, `activation`: of actor and critic;
      `normalize`: standardize observations; `scale`: divide rewards by the discounted return's deviation.
    - `illegal`: mask, penalty or both, and the size of the `penalty` (see `illegal`).

    Numbers out of range, unknown names and an environment that is none raise `BadInput`.
    """

    envs: int = eqx.field(default=8, static=True)
    steps: int = eqx.field(default=5, static=True)
    gamma: float = eqx.field(default=0.99, static=True)
    lam: float = eqx.field(default=1.0, static=True)
    learning_rate: float = eqx.field(default=7e-4, static=True)
    schedule: str = eqx.field(default="constant", static=True)
    optimizer: str = eqx.field(default="rmsprop", static=True)
    largest: float = eqx.field(default=0.5, static=True)
    value_factor: float = eqx.field(default=0.5, static=True)
    entropy_factor: float = eqx.field(default=0.0, static=True)
    width: int = eqx.field(default=64, static=True)
    depth: int = eqx.field(default=2, static=True)
    activation: str = eqx.field(default="tanh", static=True)
    network: str = eqx.field(default="mlp", static=True)
    normalize: bool = eqx.field(default=False, static=True)
    scale: bool = eqx.field(default=False, static=True)
    illegal: str = eqx.field(default="mask", static=True)
    penalty: float = eqx.field(default=1.0, static=True)

    def build(self, data: Any, key: PRNGKeyArray) -> Parts:
        """Return the parts for an environment."""
        check_positive(learning_rate=self.learning_rate)
        parts = on_policy(self, data, key)
        rule = clipped(choose("optimizer", self.optimizer, OPTIMIZERS)(self.learning_rate), self.largest)
        loss = actor_critic_loss(self.value_factor, self.entropy_factor, parts.factor)
        down = Descend(loss, rule, schedule=rate(self.schedule))
        return Parts(parts.model, rollout(self, parts), (On(samples_of, down), Report()), parts.after)
