"""A3C, asynchronous advantage actor-critic (notes, §5; Mnih et al. 2016).

N workers explore at once and move the same θ, none waiting for another.  In its turn a worker does

    θ' ← θ                                   read what the others have made of it, the version k - d
    s_t, a_t, r_t, …                         T steps with π_θ'
    g  = ∇ L(θ')                             A2C's loss of these steps alone
    θ  ← θ - η g / (√G + ε),  G ← ρ G + (1 - ρ) g²         the version k + 1

where d, the *staleness*, counts the updates of others since it read.  A2C is d = 0.  Three forms of it:

| form | call | who moves θ | staleness |
|---|---|---|---|
| threads | `asynchronous(A3C(), env, steps=…)` | N threads, in place, without locks | measured |
| processes | `asynchronous(…, backend="ray")` | one process, as gradients arrive | measured |
| **simulation** | `fit(A3C(), env, steps=…)` | one loop, the workers taking turns | drawn from `delays` |

The simulation has no concurrency: it is there for studying what staleness does, with the same key to the
same bits, over seeds.  Its `delays` may be those that the other forms measured, `run.info["staleness"]`.
One worker is A2C with one environment.

**Deviations**

- From the paper: ε is outside the root and 1e-5 (as in A2C here), actor and critic share no layer, time
  limits are bootstrapped from, the learning rate is constant by default.
- A torn read, of a θ that is partly moved, can happen to threads, and does not happen in the simulation.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from ansatz._spelling import choose
from ansatz.core import BadInput, Clock, Metrics, Objective, Parts, Source, Update, trainable
from ansatz.rl.a2c import A2C, OPTIMIZERS, actor_critic_loss
from ansatz.rl.onpolicy import check_positive, clipped, on_policy, rate
from ansatz.rl.rollout import Episodes, Report, Rollout, Samples, Scaling, check_sizes

DRAW = 1
"""Folded into a step's key for the draw of its delay, so that the rollout keeps the key that A2C gives it."""


class Turn(NamedTuple):
    """What a worker played, the flat θ' that it had read, and how many updates old that was."""

    samples: Samples
    episodes: Episodes
    theta: Float[Array, " P"]
    delay: Int[Array, ""]


class Waiting(NamedTuple):
    """The last versions of θ, `[D, P]`, and where the environments of all workers stand."""

    past: Float[Array, "D P"]
    playing: PyTree


class Turns(Source):
    """N workers taking turns, each playing with a θ that is some updates old: a simulation of A3C.

    `rollout` is that of one worker; `shares` are the probabilities of the delays 0, 1, …, D - 1.
    """

    rollout: Rollout
    workers: int = eqx.field(static=True)
    shares: tuple[float, ...] = eqx.field(static=True)

    def init(self, model: Any, key: PRNGKeyArray) -> Waiting:
        """Return every worker's environments at the beginning of an episode."""
        theta, _ = flat(model)
        everyone = dataclasses.replace(self.rollout, envs=self.workers * self.rollout.envs)
        return Waiting(jnp.zeros((len(self.shares), theta.size), theta.dtype), everyone.init(model, key))

    def next(self, state: Waiting, model: Any, clock: Clock, key: PRNGKeyArray) -> tuple[Turn, Waiting]:
        """Let the worker whose turn it is play with an old θ."""
        theta, rebuild = flat(model)
        size = len(self.shares)
        past = jax.lax.dynamic_update_index_in_dim(state.past, theta, clock.step % size, 0)
        delay = jnp.minimum(self._delay(jax.random.fold_in(key, DRAW)), clock.step)
        read = jax.lax.dynamic_index_in_dim(past, (clock.step - delay) % size, keepdims=False)
        at = clock.step % self.workers * self.rollout.envs
        batch, mine = self.rollout.next(self.part(state.playing, at), rebuild(read), clock, key)
        playing = self._put_back(state.playing, mine, at)
        return Turn(batch.samples, batch.episodes, read, delay), Waiting(past, playing)

    def part(self, playing: PyTree, at: Any) -> PyTree:
        """Return a worker's share of where the environments stand, from the one numbered `at`."""
        envs = self.rollout.envs

        def cut(leaf: Array) -> Array:
            return jax.lax.dynamic_slice_in_dim(leaf, at, envs)

        walk, scaling = playing
        if scaling is not None:
            scaling = Scaling(cut(scaling.discounted), scaling.moments)
        return jax.tree.map(cut, walk), scaling

    def _put_back(self, playing: PyTree, mine: PyTree, at: Array) -> PyTree:
        def put(whole: Array, part: Array) -> Array:
            return jax.lax.dynamic_update_slice_in_dim(whole, part, at, 0)

        scaling = mine[1]
        if scaling is not None:
            scaling = Scaling(put(playing[1].discounted, scaling.discounted), scaling.moments)
        return jax.tree.map(put, playing[0], mine[0]), scaling

    def _delay(self, key: PRNGKeyArray) -> Int[Array, ""]:
        bounds = np.cumsum(self.shares, dtype=np.float32)[:-1]
        return (jax.random.uniform(key, dtype=jnp.float32) >= bounds).sum(dtype=jnp.int32)


class Stale(Update):
    """Move θ by the gradient at the θ' that a worker had read; the optimizer's state is shared."""

    objective: Objective
    optimizer: optax.GradientTransformation = eqx.field(static=True)
    schedule: Callable[[Any], Any] | None = eqx.field(static=True, default=None)

    def init(self, model: Any) -> PyTree:
        """Return the optimizer's state."""
        return self.optimizer.init(eqx.filter(model, trainable(model)))

    def apply(
        self, model: Any, opt: PyTree, batch: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Any, PyTree, Metrics]:
        """Take one step of the optimizer."""
        theta, rest = eqx.partition(model, trainable(model))
        read = eqx.filter(flat(model)[1](batch.theta), trainable(model))

        def loss(theta: PyTree) -> tuple[Array, Metrics]:
            return self.objective(eqx.combine(theta, rest), batch.samples, key)

        (value, metrics), gradient = jax.value_and_grad(loss, has_aux=True)(read)
        # Optax mixes integers and floats, which a user's strict setting would refuse.
        with jax.numpy_dtype_promotion("standard"):
            moves, opt = self.optimizer.update(gradient, opt, theta)
        if self.schedule is not None:
            factor = self.schedule(clock.fraction)
            moves = jax.tree.map(lambda move: move * jnp.asarray(factor, move.dtype), moves)
        staleness = {"staleness": batch.delay.astype(value.dtype)}
        return eqx.combine(eqx.apply_updates(theta, moves), rest), opt, {"loss": value} | metrics | staleness


class A3C(A2C):
    """Learn to act in an environment by asynchronous advantage actor-critic.

    `fit(A3C(), env, steps=…)` simulates it, and `ansatz.rl.asynchronous` runs it in threads or processes.
    A step of the run is the turn of one worker: `steps` steps in each of its `envs` environments, and one
    update.

    - `workers`: N; `delays`: how often a gradient is 0, 1, 2, … updates old, in shares or counts; empty:
      always N - 1, which is what workers of one speed, that take turns, have.
    - `envs`: the environments of one worker.

    The other fields are those of `A2C`.
    """

    workers: int = eqx.field(default=4, static=True)
    envs: int = eqx.field(default=1, static=True)
    delays: tuple[float | int, ...] = eqx.field(default=(), static=True)

    def build(self, data: Any, key: PRNGKeyArray) -> Parts:
        """Return the parts for an environment."""
        check_positive(learning_rate=self.learning_rate)
        check_sizes(workers=self.workers)
        parts = on_policy(self, data, key)
        rule = clipped(choose("optimizer", self.optimizer, OPTIMIZERS)(self.learning_rate), self.largest)
        loss = actor_critic_loss(self.value_factor, self.entropy_factor, parts.factor)
        rollout = Rollout(
            parts.env, self.envs, self.steps, self.gamma, self.lam, parts.masked, self.scale
        )  # fmt: skip
        source = Turns(rollout, self.workers, shares(self.delays, self.workers))
        updates = (Stale(loss, rule, rate(self.schedule)), Report())
        return Parts(parts.model, source, updates, parts.after)


def shares(delays: tuple[float | int, ...], workers: int) -> tuple[float, ...]:
    """Return the probabilities of the delays 0, 1, …; without `delays` that of N - 1 is 1.

    >>> shares((1, 3), 4), shares((), 3)
    ((0.25, 0.75), (0.0, 0.0, 1.0))
    """
    if not delays:
        return (0.0,) * (workers - 1) + (1.0,)
    total = sum(delays)
    if not (all(0 <= one < math.inf for one in delays) and 0 < total < math.inf):
        raise BadInput(f"Delays are numbers of at least 0, one of them above 0, not {delays!r}.")
    return tuple(one / total for one in delays)


def flat(model: Any) -> tuple[Float[Array, " P"], Callable[[Array], Any]]:
    """Return θ as one vector, and the function that puts another into the model."""
    theta, rest = eqx.partition(model, trainable(model))
    vector, unravel = ravel_pytree(theta)
    return vector, lambda vector: eqx.combine(unravel(vector), rest)
