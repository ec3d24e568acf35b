"""What A2C, A3C, PPO and TRPO share: fields, the environment, actor and critic, rollout, optimizer."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import optax
from jaxtyping import PRNGKeyArray, PyTree

from ansatz._spelling import choose
from ansatz.core import BadInput, Clock, Metrics, Recipe, Source, Update, keep
from ansatz.rl.agent import ActorCritic, build_actor_critic, keep_watching
from ansatz.rl.check import check
from ansatz.rl.env import Env
from ansatz.rl.explore import Schedule
from ansatz.rl.hosted_play import driven
from ansatz.rl.illegal import rule
from ansatz.rl.networks import network, unstandardized
from ansatz.rl.rollout import Rollout
from ansatz.training.step import clock_at

RATES = ("constant", "linear", "cosine")


class ActorCriticRecipe(Recipe):
    """The fields that A2C, A3C, PPO and TRPO have in common; each of them sets its own usual values.

    - `envs`: the environments that are played side by side; `steps`: in each of them, in a step of the run.
    - `gamma`: γ; `lam`: the λ of GAE (1: returns of `steps` steps).
    - `learning_rate`: η; `schedule`: how it falls to 0 (constant, linear, cosine); `largest`: the norm to
      which longer gradients are clipped (0: none is).
    - `network`: mlp or darts (see `networks`); `width`, `depth`, `activation`: of actor and critic.
    - `normalize`: standardize observations; `scale`: divide rewards by the discounted return's deviation.
    - `illegal`: what happens to illegal actions (mask, penalty, both); `penalty`: its size.

    Numbers out of range, unknown names and an environment that is none raise `BadInput`.
    """

    envs: int = eqx.field(default=8, static=True)
    steps: int = eqx.field(default=128, static=True)
    gamma: float = eqx.field(default=0.99, static=True)
    lam: float = eqx.field(default=0.95, static=True)
    learning_rate: float = eqx.field(default=3e-4, static=True)
    schedule: str = eqx.field(default="constant", static=True)
    largest: float = eqx.field(default=0.5, static=True)
    width: int = eqx.field(default=64, static=True)
    depth: int = eqx.field(default=2, static=True)
    activation: str = eqx.field(default="tanh", static=True)
    network: str = eqx.field(default="mlp", static=True)
    normalize: bool = eqx.field(default=False, static=True)
    scale: bool = eqx.field(default=False, static=True)
    illegal: str = eqx.field(default="mask", static=True)
    penalty: float = eqx.field(default=1.0, static=True)


class OnPolicy(NamedTuple):
    """An actor-critic, where it plays and whether masked, the factor on illegal mass, and what follows."""

    model: ActorCritic
    env: Env
    masked: bool
    factor: float
    after: Callable[[Any, Any, Clock], Any]


def on_policy(recipe: Any, env: Any, key: PRNGKeyArray) -> OnPolicy:
    """Return what the fields of an on-policy recipe say in common."""
    met = rule(check(env, alone=True), recipe.illegal, recipe.penalty)
    chosen = getattr(recipe, "network", "mlp")
    made = network(chosen, met.env, recipe.width, recipe.depth, recipe.activation, key=key)
    if made is None:
        model = build_actor_critic(
            met.env.observations, met.env.actions, recipe.width, recipe.depth, recipe.activation,
            recipe.normalize, key=key,
        )  # fmt: skip
    else:
        unstandardized(chosen, recipe.normalize)
        model = ActorCritic(made.encoder, made.actor, made.critic, None)
    after = keep if model.encoder.moments is None else keep_watching
    return OnPolicy(model, *met, after)


def rollout(recipe: Any, parts: OnPolicy) -> Source:
    """Return the rollout of a recipe, played in Python where the environment is."""
    return driven(
        Rollout(parts.env, recipe.envs, recipe.steps, recipe.gamma, recipe.lam, parts.masked, recipe.scale)
    )


def clipped(rule: optax.GradientTransformation, largest: float) -> optax.GradientTransformation:
    """Return a rule whose gradients are scaled down to the norm `largest` (0: any), the notes' clipping."""
    if not 0 <= largest < math.inf:
        raise BadInput(f"The largest norm of a gradient is at least 0 (0: any), not {largest!r}.")
    return optax.chain(optax.clip_by_global_norm(largest), rule) if largest else rule


def rate(name: str) -> Callable[[Any], Any] | None:
    """Return the factor on the learning rate over the run: constant, linear or cosine, to 0 at its end."""
    choose("schedule", name, dict.fromkeys(RATES))
    return None if name == "constant" else Schedule(1.0, 0.0, shape=name)


def check_positive(**values: float) -> None:
    """Refuse numbers that are not above 0."""
    for name, value in values.items():
        if not 0 < value < math.inf:
            raise BadInput(f"{name} is a number above 0, not {value!r}.")


class Clocked(Update):
    """An update that is made anew for the time of the run: `make(clock) -> Update`."""

    make: Callable[[Clock], Update] = eqx.field(static=True)

    def init(self, model: Any) -> PyTree:
        """Return the state of the update of the first step."""
        return self.make(clock_at(0, 1)).init(model)

    def apply(
        self, model: Any, opt: PyTree, batch: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Any, PyTree, Metrics]:
        """Apply the update of this time."""
        return self.make(clock).apply(model, opt, batch, clock, key)


def over(model: Any, samples: Any) -> tuple[Any, jax.Array]:
    """Return π(·|s_t) and V(s_t) at all samples."""
    return jax.vmap(model.policy)(samples.obs, samples.legal), jax.vmap(model.value)(samples.obs)
