"""Playing E environments for T steps at once, and the batch that on-policy algorithms learn from (notes, §5).

    s_t → a_t ~ π_NN(·|s_t) → r_t, s_{t+1}, …      and a new episode wherever one has ended

Everything random is drawn before the loop, and the values of all states after it, in one product each: what
is left in the loop is one forward pass of the actor and one step of the environments.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from ansatz.core import BadInput, Clock, Mean, Metrics, Source, Update
from ansatz.rl.advantage import Played, check_discounts, generalized_advantage
from ansatz.rl.agent import executable
from ansatz.rl.env import Env
from ansatz.rl.normalize import Moments, moments
from ansatz.rl.policy import noise


class Walk(NamedTuple):
    """Where E environments stand: their states, and the return and length of each episode so far.

    `total` is `[E]`, and `[E, players]` in a game of several.
    """

    state: PyTree
    total: Float[Array, "E ..."]
    length: Int[Array, " E"]


class Record(NamedTuple):
    """What was played, `[T, E, ...]`: `next_obs` and `next_legal` are those of the state that a step led to.

    A mask is None where nothing is masked, or where it was not asked for.
    """

    obs: PyTree
    legal: Bool[Array, "T E n"] | None
    action: Array
    extra: PyTree
    reward: Float[Array, "T E ..."]
    terminated: Bool[Array, "T E"]
    truncated: Bool[Array, "T E"]
    next_obs: PyTree
    next_legal: Bool[Array, "T E n"] | None


class Episodes(NamedTuple):
    """The mean return (of each player) and length of the episodes that are over, and how many were ended.

    `ended` is the share of them that reached an end and were not cut off.
    """

    returns: Mean
    lengths: Mean
    ended: Mean


def begin(env: Env, envs: int, key: PRNGKeyArray) -> Walk:
    """Return E environments at the beginning of an episode."""
    state = jax.vmap(env.reset)(jax.random.split(key, envs))
    total = jnp.zeros(envs) if env.players == 1 else jnp.zeros((envs, env.players))
    return Walk(state, total, jnp.zeros(envs, jnp.int32))


def play(
    env: Env,
    walk: Walk,
    choose: Callable[[Any, Any, Any, Any], tuple[Array, Any]],
    drawn: PyTree,
    key: PRNGKeyArray,
    masked: bool = False,
    ahead: bool = False,
) -> tuple[Walk, Record, Episodes]:
    """Play on for T steps, `choose(state, obs, legal, drawn) -> (action, extra)` acting in all environments.

    `drawn: [T, E, ...]` is the randomness that the choices use.  Where an episode ends the next one begins.
    With `masked` the legal actions are asked for, and with `ahead` those of the next state too.
    """
    steps, envs = jax.tree.leaves(drawn)[0].shape[:2]
    world, fresh = jax.random.split(key)

    def asked(state: PyTree) -> Any:
        return jax.vmap(env.legal)(state) if masked else None

    def one(walk: Walk, now: Any) -> tuple[Walk, Any]:
        drawn, keys, fresh = now
        obs, legal = jax.vmap(env.observe)(walk.state), asked(walk.state)
        action, extra = choose(walk.state, obs, legal, drawn)
        step = jax.vmap(env.step)(walk.state, executable(env.actions, action), keys)
        done = step.terminated | step.truncated
        total, length = walk.total + step.reward, walk.length + 1
        over = (
            jnp.where(_like(done, total), total, 0.0).sum(0),
            jnp.where(done, length, 0).sum(),
            step.terminated.sum(),
            done.sum(),
        )
        state = jax.tree.map(lambda a, b: jnp.where(_like(done, a), a, b), fresh, step.state)
        after = Walk(state, jnp.where(_like(done, total), 0.0, total), jnp.where(done, 0, length))
        record = Record(
            obs, legal, action, extra, step.reward, step.terminated, step.truncated,
            step.obs, asked(step.state) if ahead else None,
        )  # fmt: skip
        return after, (record, over)

    keys = jax.random.split(world, (steps, envs))
    starts = jax.vmap(jax.vmap(env.reset))(jax.random.split(fresh, (steps, envs)))
    walk, (record, over) = jax.lax.scan(one, walk, (drawn, keys, starts))
    total, length, ended, count = (x.sum(0).astype(jnp.float32) for x in over)
    return walk, record, Episodes(Mean(total, count), Mean(length, count), Mean(ended, count))


class Samples(NamedTuple):
    """Played steps `[T·E, ...]`, with what the policy thought of them and what they turned out to be worth.

    `log_prob` and `value` are those of the network that played, `advantage` is A(s_t, a_t), and `target` =
    advantage + value is the return that the critic should predict.
    """

    obs: PyTree
    legal: Bool[Array, "N n"] | None
    action: Array
    log_prob: Float[Array, " N"]
    value: Float[Array, " N"]
    advantage: Float[Array, " N"]
    target: Float[Array, " N"]


class Batch(NamedTuple):
    """What one rollout gives: the steps, and the episodes that ended in it."""

    samples: Samples
    episodes: Episodes


class Scaling(NamedTuple):
    """The discounted return of each environment so far, and the moments of all of them."""

    discounted: Float[Array, " E"]
    moments: Moments


class Rollout(Source):
    """T = `steps` steps in each of E = `envs` environments, with the policy of the model that is trained.

    The model answers `policy(obs, legal)` and `value(obs)`.  Advantages are GAE(λ) with γ = `gamma` and
    λ = `lam` (λ = 1: returns of up to T steps).  With `scale` rewards are divided by the deviation of the
    discounted return; the returns that are reported are not.
    """

    env: Env
    envs: int = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    gamma: float = eqx.field(static=True, default=0.99)
    lam: float = eqx.field(static=True, default=0.95)
    masked: bool = eqx.field(static=True, default=False)
    scale: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        """Refuse discounts out of range, and rollouts of nothing."""
        check_discounts(self.gamma, self.lam)
        check_sizes(envs=self.envs, steps=self.steps)

    def init(self, model: Any, key: PRNGKeyArray) -> tuple[Walk, Scaling | None]:
        """Return the environments at the beginning of an episode."""
        scaling = Scaling(jnp.zeros(self.envs), moments(())) if self.scale else None
        return begin(self.env, self.envs, key), scaling

    def next(self, state: Any, model: Any, clock: Clock, key: PRNGKeyArray) -> tuple[Batch, Any]:
        """Play on, and return what was played and where the environments stand."""
        choosing, playing = jax.random.split(key)
        drawn = noise(self.env.actions, choosing, (self.steps, self.envs))

        def choose(state: Any, obs: Any, legal: Any, drawn: Any) -> tuple[Array, Array]:
            return chosen(model, obs, legal, drawn)

        walk, record, episodes = play(self.env, state[0], choose, drawn, playing, self.masked)
        last = jax.vmap(self.env.observe)(walk.state)
        samples, scaling = judged(model, self.gamma, self.lam, record, last, state[1])
        return Batch(samples, episodes), (walk, scaling)


def chosen(model: Any, obs: Any, legal: Any, drawn: Any) -> tuple[Array, Array]:
    """Return actions in E environments, drawn from the policy by noise, and their log π(a|s)."""
    policy = jax.vmap(model.policy)(obs, legal)
    action = policy.sample(drawn)
    return action, policy.log_prob(action)


def judged(
    model: Any, gamma: float, lam: float, record: Record, last: PyTree, scaling: Scaling | None
) -> tuple[Samples, Scaling | None]:
    """Return the samples `[T·E, ...]` of a record, with GAE(λ); `last: [E, ...]` is observed after it."""
    reward, scaling = _scaled(gamma, record, scaling)
    value, after = values(model, record, last)
    played = Played(reward, value, after, record.terminated, record.truncated)
    advantage = generalized_advantage(played, gamma, lam)
    samples = Samples(
        record.obs, record.legal, record.action, record.extra, value, advantage, advantage + value
    )
    return jax.tree.map(_flat, samples), scaling


def _scaled(gamma: float, record: Record, scaling: Scaling | None) -> tuple[Array, Scaling | None]:
    if scaling is None:
        return record.reward, None
    done = record.terminated | record.truncated

    def add(before: Array, now: Any) -> tuple[Array, Array]:
        total = gamma * before + now[0]
        return jnp.where(now[1], 0.0, total), total

    discounted, totals = jax.lax.scan(add, scaling.discounted, (record.reward, done))
    seen = scaling.moments.merged(totals.reshape(-1))
    return seen.scaled(record.reward), Scaling(discounted, seen)


def values(model: Any, record: Record, last: PyTree) -> tuple[Array, Array]:
    """Return V(s_t) and V of the state that each step led to, `[T, E]`; `last: [E, ...]` is observed now.

    The state that a step led to is the next one played, but for the ends of episodes; at truncated ones
    alone, which are rare, the critic is asked a second time.
    """
    ask = jax.vmap(jax.vmap(model.value))
    every = ask(jax.tree.map(lambda a, b: jnp.concatenate([a, b[None]]), record.obs, last))
    cut = record.truncated
    final = jax.lax.cond(cut.any(), lambda: ask(record.next_obs), lambda: jnp.zeros_like(every[1:]))
    return every[:-1], jnp.where(cut, final, every[1:])


class Report(Update):
    """Move nothing, and report the mean return and length of the episodes that ended in this batch."""

    def init(self, model: Any) -> tuple[()]:
        """Return no state."""
        return ()

    def apply(
        self, model: Any, opt: PyTree, batch: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Any, PyTree, Metrics]:
        """Return the model as it is, and `return` and `length`."""
        return model, opt, {"return": batch.episodes.returns, "length": batch.episodes.lengths}


def samples_of(batch: Any) -> Any:
    """Return the played steps of a batch."""
    return batch.samples


def check_sizes(**sizes: int) -> None:
    """Refuse sizes that are no integers of at least 1."""
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise BadInput(f"The number {name} is an integer of at least 1, not {size!r}.")


def _like(flags: Array, leaf: Array) -> Array:
    return flags.reshape(flags.shape + (1,) * (leaf.ndim - 1))


def _flat(leaf: Array) -> Array:
    return leaf.reshape(-1, *leaf.shape[2:])
