"""TRPO, trust region policy optimization (notes, §5; Schulman et al. 2015).

    max_θ E[π_θ(a|s) / π_old(a|s) · A(s, a)]    subject to    E[KL(π_old(·|s) ‖ π_θ(·|s))] ≤ δ

Near θ_old the objective is linear with the slope g, and the divergence is quadratic, ``½ Δᵀ F Δ`` with F the
Fisher matrix; the best step is ``Δ = √(2δ / dᵀ F d) d`` with ``F d = g``.

- d comes from conjugate gradients, which need F only as products ``F v = Jᵀ M J v``: J is the derivative of
  logits or means and deviations by θ, M the Fisher matrix of the distribution in these, in closed form.
- A line search then shortens Δ until the *true* divergence is at most δ and the true objective has risen; if
  no step does, θ stays.  So the bound holds at every step that is taken.
- The critic is fitted to the returns by minibatches of Adam.

**Deviations**

- From the notes: the objective is expanded to the first order and the divergence to the second.
- From the paper: advantages are GAE(λ), standardized (Schulman et al. 2016); `damping` is added to F; the
  step's length counts the damping too, as in the implementations compared with; F uses all states.
"""

import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from ansatz.core import BadInput, Clock, Metrics, Parts, Update, trainable
from ansatz.rl.onpolicy import ActorCriticRecipe, check_positive, clipped, on_policy, rate, rollout
from ansatz.rl.policy import Categorical
from ansatz.rl.ppo import standardized
from ansatz.rl.rollout import Report, check_sizes, samples_of
from ansatz.training.updates import Descend, Epochs, On

RESIDUAL = 1e-10


def conjugate_gradients(
    product: Callable[[Array], Array], g: Float[Array, " n"], iterations: int
) -> Float[Array, " n"]:
    """Return d with ``F d ≈ g``, F symmetric and positive, given as `product(v) = F v`.

    It ends after `iterations`, or once the square of the residual is below 1e-10 of that of g.

    >>> F = jnp.asarray([[2.0, 1.0], [1.0, 3.0]])
    >>> [round(float(x), 4) for x in conjugate_gradients(lambda v: F @ v, jnp.asarray([1.0, 2.0]), 5)]
    [0.2, 0.6]
    """

    def going(carry: Any) -> Array:
        return (carry[4] < iterations) & (carry[3] > RESIDUAL * (g @ g))

    def once(carry: Any) -> Any:
        d, residual, direction, square, i = carry
        image = product(direction)
        # A direction in which F vanishes carries no step: none is better than one of any length.
        along = direction @ image
        step = jnp.where(along > 0, square / jnp.where(along > 0, along, 1.0), 0.0)
        d, residual = d + step * direction, residual - step * image
        after = residual @ residual
        return d, residual, residual + after / square * direction, after, i + 1

    first = (jnp.zeros_like(g), g, g, g @ g, jnp.zeros((), jnp.int32))
    return jax.lax.while_loop(going, once, first)[0]


class TrustRegion(Update):
    """One step of the actor within the trust region, from `Samples`.

    - `delta`: δ, the bound on the mean divergence; `damping`: added to the diagonal of F.
    - `iterations`: of conjugate gradients; `tries` of the line search, each `shrink` times the one before.
    """

    delta: float = eqx.field(static=True, default=0.01)
    damping: float = eqx.field(static=True, default=0.1)
    iterations: int = eqx.field(static=True, default=15)
    shrink: float = eqx.field(static=True, default=0.8)
    tries: int = eqx.field(static=True, default=10)
    standardize: bool = eqx.field(static=True, default=True)
    illegal_factor: float = eqx.field(static=True, default=0.0)

    def __check_init__(self) -> None:
        """Refuse numbers out of range."""
        if not (0 < self.delta < math.inf and 0 <= self.damping < math.inf and 0 < self.shrink < 1):
            raise BadInput(
                f"A trust region has delta > 0, damping >= 0 and shrink in (0, 1), not {self.delta!r}, "
                f"{self.damping!r}, {self.shrink!r}."
            )
        check_sizes(iterations=self.iterations, tries=self.tries)

    def init(self, model: Any) -> tuple[()]:
        """Return no state."""
        return ()

    def apply(
        self, model: Any, opt: PyTree, batch: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Any, PyTree, Metrics]:
        """Take one step."""
        flat, rebuild = _actor(model)
        advantage = standardized(batch.advantage) if self.standardize else batch.advantage
        policy = jax.vmap(model.policy)(batch.obs, batch.legal)
        before = policy.log_prob(batch.action)

        def gain(flat: Array) -> tuple[Array, Array]:
            new = jax.vmap(rebuild(flat).policy)(batch.obs, batch.legal)
            surrogate = (jnp.exp(new.log_prob(batch.action) - before) * advantage).mean()
            if self.illegal_factor:
                surrogate = surrogate - self.illegal_factor * new.illegal_mass().mean()
            return surrogate, policy.divergence(new).mean()

        (old, _), slope = jax.value_and_grad(gain, has_aux=True)(flat)
        product = fisher_product(rebuild, flat, policy, batch, self.damping)
        direction = conjugate_gradients(product, slope, self.iterations)
        square = direction @ product(direction)
        longest = jnp.sqrt(2 * self.delta / jnp.maximum(square, jnp.finfo(square.dtype).tiny))
        full = jnp.where(square > 0, longest, 0.0) * direction

        def short(carry: Any) -> Array:
            i, _, surrogate, divergence = carry
            return (i < self.tries) & ~((divergence <= self.delta) & (surrogate > old))

        def shorten(carry: Any) -> Any:
            length = self.shrink ** carry[0].astype(flat.dtype)
            return carry[0] + 1, length, *gain(flat + length * full)

        one = jnp.ones((), flat.dtype)
        start = (jnp.zeros((), jnp.int32), one, old, one * jnp.inf)
        _, length, surrogate, divergence = jax.lax.while_loop(short, shorten, start)
        taken = (divergence <= self.delta) & (surrogate > old)
        share = jnp.where(taken, length, 0.0)
        metrics = {
            "gain": jnp.where(taken, surrogate - old, 0.0),
            "kl": jnp.where(taken, divergence, 0.0),
            "step": share,
            "entropy": policy.entropy().mean(),
        }
        return rebuild(flat + share * full), opt, metrics


def fisher_product(
    rebuild: Callable[[Array], Any], flat: Array, policy: Any, batch: Any, damping: float
) -> Callable[[Array], Array]:
    """Return ``v ↦ (F + damping) v``, with F the mean Fisher matrix of π at the samples' states.

    The derivative J is linearized once and its transpose taken from that: a product costs one pass in each
    direction and no second derivative.
    """

    def parameters(flat: Array) -> PyTree:
        new = jax.vmap(rebuild(flat).policy)(batch.obs, batch.legal)
        return new.logits if isinstance(new, Categorical) else (new.mean, new.log_std)

    _, forward = jax.linearize(parameters, flat)
    backward = jax.linear_transpose(forward, flat)
    count = batch.advantage.shape[0]

    def product(v: Array) -> Array:
        moved = forward(v)
        if isinstance(policy, Categorical):
            p = jnp.exp(policy.log_p)
            image = p * (moved - (p * moved).sum(-1, keepdims=True)) / count
        else:
            image = (moved[0] * jnp.exp(-2 * policy.log_std) / count, 2 * moved[1] / count)
        return backward(image)[0] + damping * v

    return product


def _actor(model: Any) -> tuple[Array, Callable[[Array], Any]]:
    """Return the actor's parameters as one vector, and the model with others in their place."""
    mask = jax.tree.map(lambda _: False, trainable(model))
    where = _where(model)
    mask = eqx.tree_at(where, mask, where(trainable(model)))
    theta, rest = eqx.partition(model, mask)
    flat, unravel = ravel_pytree(theta)
    return flat, lambda flat: eqx.combine(unravel(flat), rest)


def _where(model: Any) -> Callable[[Any], Any]:
    if model.log_std is None:
        return lambda m: m.actor
    return lambda m: (m.actor, m.log_std)


def value_loss(model: Any, samples: Any, key: PRNGKeyArray | None) -> tuple[Array, Metrics]:
    """Return ``mean (target - V(s_t))²``: what the critic lowers (an objective)."""
    return ((samples.target - jax.vmap(model.value)(samples.obs)) ** 2).mean(), {}


def _critic(model: Any) -> Any:
    return model.critic


class TRPO(ActorCriticRecipe):
    """Learn to act in an environment (`fit(TRPO(), env, steps=…)`) by trust region policy optimization.

    A step of the run plays `steps` steps in each of `envs` environments, moves the actor once, and goes over
    the steps `passes` times in `minibatches` shuffled parts with the critic.

    - `delta`, `damping`, `iterations`, `shrink`, `tries`, `standardize`: see `TrustRegion`.
    - `passes`, `minibatches`: how often the critic goes over the steps, in how many shuffled parts.

    `learning_rate`, `schedule` and `largest` are the critic's.
    The fields that others have too are those of `ActorCriticRecipe`.
    """

    delta: float = eqx.field(default=0.01, static=True)
    damping: float = eqx.field(default=0.1, static=True)
    iterations: int = eqx.field(default=15, static=True)
    shrink: float = eqx.field(default=0.8, static=True)
    tries: int = eqx.field(default=10, static=True)
    standardize: bool = eqx.field(default=True, static=True)
    passes: int = eqx.field(default=10, static=True)
    minibatches: int = eqx.field(default=8, static=True)
    learning_rate: float = eqx.field(default=1e-3, static=True)
    largest: float = eqx.field(default=0.0, static=True)

    def build(self, data: Any, key: PRNGKeyArray) -> Parts:
        """Return the parts for an environment."""
        check_positive(learning_rate=self.learning_rate)
        check_sizes(passes=self.passes, minibatches=self.minibatches)
        if self.envs * self.steps < self.minibatches:
            raise BadInput(
                f"A rollout of {self.envs} · {self.steps} steps cannot be cut into {self.minibatches} parts."
            )
        if self.network != "mlp":
            raise BadInput(f"TRPO needs slopes of slopes, and {self.network!r} gives none; use PPO or A2C.")
        parts = on_policy(self, data, key)
        region = TrustRegion(
            self.delta, self.damping, self.iterations, self.shrink, self.tries, self.standardize,
            parts.factor,
        )  # fmt: skip
        rule = clipped(optax.adam(self.learning_rate), self.largest)
        fitted = Descend(value_loss, rule, _critic, rate(self.schedule), "critic")
        critic = Epochs(fitted, self.passes, self.minibatches)
        updates = (On(samples_of, region), On(samples_of, critic), Report())
        return Parts(parts.model, rollout(self, parts), updates, parts.after)
