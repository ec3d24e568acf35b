"""Experience replay: played steps in a ring, and batches drawn from all that it holds (notes, §5).

The ring is one matrix, a row a step, in single precision: an observation, an action, a reward, whether the
episode ended, the observation after, and the masks of both with sixteen actions a number.  A step of the run
writes its T·E rows at once in the place of the oldest ones: what a compiled loop changes in place is not
copied, whatever the capacity.
"""

import itertools
import math
from typing import Any, NamedTuple, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, PyTree

from ansatz.core import BadInput, Clock, Mean, Metrics, Source, Update
from ansatz.rl.env import Discrete, Env
from ansatz.rl.rollout import Episodes, Record, Walk, begin, check_sizes, play

BITS = 16
"""The actions of a mask that one number holds: exact in float32, and no pattern of them is a nan."""


class Transition(NamedTuple):
    """Steps `[N, ...]`: s_t, a_t, r_t, whether s_{t+1} is an end, s_{t+1}; the masks of both, or None."""

    obs: PyTree
    legal: Bool[Array, "N n"] | None
    action: Array
    reward: Float[Array, " N"]
    terminated: Bool[Array, " N"]
    next_obs: PyTree
    next_legal: Bool[Array, "N n"] | None


class Experience(NamedTuple):
    """Drawn steps, `[G, B, ...]` or `[B, ...]`, and the episodes that ended while playing."""

    samples: Any
    episodes: Episodes


class Behaviour(Protocol):
    """What chooses actions while playing."""

    def draw(self, key: PRNGKeyArray, shape: tuple[int, ...], fraction: Array, early: Array) -> PyTree:
        """Return what drives the choices of `shape` steps.

        `fraction: shape` is the share of the run that is over at each, and `early: shape` whether learning
        has yet to begin.
        """
        ...

    def act(self, model: Any, obs: Any, legal: Any, drawn: Any) -> Array:
        """Return the actions in E environments."""
        ...


class Steps(Source):
    """The steps just played, `[T·E, ...]`: T = `steps` in each of E = `envs` environments.

    During the first `start` steps, counted over all environments, the behaviour is told that it is early.
    """

    env: Env
    behaviour: Any
    envs: int = eqx.field(static=True, default=1)
    steps: int = eqx.field(static=True, default=1)
    start: int = eqx.field(static=True, default=0)
    masked: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        """Refuse steps of nothing."""
        check_sizes(envs=self.envs, steps=self.steps)

    @property
    def size(self) -> int:
        """The number of steps played at once."""
        return self.envs * self.steps

    def init(self, model: Any, key: PRNGKeyArray) -> Walk:
        """Return the environments at the beginning of an episode."""
        return begin(self.env, self.envs, key)

    def next(self, state: Walk, model: Any, clock: Clock, key: PRNGKeyArray) -> tuple[Experience, Walk]:
        """Play on."""
        choosing, playing = jax.random.split(key)
        drawn = draws(self.behaviour, (self.steps, self.envs), self.start, clock, choosing)

        def choose(state: Any, obs: Any, legal: Any, drawn: Any) -> tuple[Array, tuple[()]]:
            return self.behaviour.act(model, obs, legal, drawn), ()

        walk, record, episodes = play(self.env, state, choose, drawn, playing, self.masked, ahead=True)
        return Experience(flattened(record), episodes), walk


def draws(behaviour: Any, shape: tuple[int, int], start: int, clock: Clock, key: PRNGKeyArray) -> PyTree:
    """Return what drives the choices of a behaviour in `shape` = (T, E) steps (see `Steps`)."""
    steps, envs = shape
    within = jnp.broadcast_to(jnp.arange(steps, dtype=jnp.int32)[:, None], shape)
    total = jnp.maximum(clock.total, 1).astype(jnp.float32)
    passed = (clock.step.astype(jnp.float32) + within.astype(jnp.float32) / steps) / total
    # In steps of the run, whose product with the steps of each could pass the range of an integer.
    whole, rest = divmod(math.ceil(start / envs), steps)
    early = (clock.step < whole) | ((clock.step == whole) & (within < rest))
    return behaviour.draw(key, shape, passed, early)


class Held(NamedTuple):
    """The ring, `[capacity, width]`, and where the environments stand."""

    ring: Float[Array, "capacity width"]
    walk: Walk


class Replay(Source):
    """Batches `[G, B, ...]` (`[B, ...]` for G = 1) drawn evenly from the last `capacity` steps.

    - `playing`: the steps that a step of the run adds; `capacity` is brought to a multiple of their number.
    - `batch` B and `batches` G: how many are drawn, with replacement, after each addition.
    """

    playing: Steps
    capacity: int = eqx.field(static=True, default=100_000)
    batch: int = eqx.field(static=True, default=64)
    batches: int = eqx.field(static=True, default=1)

    def __check_init__(self) -> None:
        """Refuse a ring that does not hold what is played at once, and batches of nothing."""
        check_sizes(batch=self.batch, batches=self.batches)
        if self.capacity < self.playing.size:
            raise BadInput(
                f"A ring of {self.capacity} steps does not hold the {self.playing.size} that are played at "
                "once."
            )

    @property
    def blocks(self) -> int:
        """How many additions the ring holds."""
        return self.capacity // self.playing.size

    @property
    def packing(self) -> "Packing":
        """What a row of the ring holds."""
        return Packing.of(self.playing.env, self.playing.masked)

    def init(self, model: Any, key: PRNGKeyArray) -> Held:
        """Return an empty ring, and the environments at the beginning of an episode."""
        ring = jnp.zeros((self.blocks * self.playing.size, self.packing.width), jnp.float32)
        return Held(ring, self.playing.init(model, key))

    def next(self, state: Held, model: Any, clock: Clock, key: PRNGKeyArray) -> tuple[Experience, Held]:
        """Play on, store it, and draw."""
        first, second = jax.random.split(key)
        played, walk = self.playing.next(state.walk, model, clock, first)
        rows = self.packing.pack(played.samples)
        place = (clock.step % self.blocks) * self.playing.size
        ring = jax.lax.dynamic_update_slice(state.ring, rows, (place, jnp.zeros_like(place)))
        filled = jnp.minimum(clock.step + 1, self.blocks) * self.playing.size
        index = jax.random.randint(second, (self.batches * self.batch,), 0, filled)
        drawn = self.packing.unpack(ring.at[index].get(mode="promise_in_bounds"))
        return Experience(in_batches(drawn, self.batches), played.episodes), Held(ring, walk)


def in_batches(steps: Transition, batches: int) -> Transition:
    """Return steps `[G·B, ...]` as `[G, B, ...]` for G = `batches` above 1."""
    if batches == 1:
        return steps
    return jax.tree.map(lambda x: x.reshape(batches, x.shape[0] // batches, *x.shape[1:]), steps)


class Packing(eqx.Module):
    """How a step becomes a row of numbers: shapes and types of observation and action, size of the mask."""

    obs_shape: tuple[int, ...] = eqx.field(static=True)
    action_shape: tuple[int, ...] = eqx.field(static=True)
    index: bool = eqx.field(static=True)
    discrete: bool = eqx.field(static=True)
    mask: int = eqx.field(static=True)

    @staticmethod
    def of(env: Env, masked: bool) -> "Packing":
        """Return how the steps of an environment are packed."""
        actions, seen = env.actions, env.observations
        discrete, index = isinstance(actions, Discrete), isinstance(seen, Discrete)
        largest = max([s.n for s in (actions, seen) if isinstance(s, Discrete)], default=0)
        if largest > 2**24:
            raise BadInput(f"A row in single precision holds numbers up to 2^24, not {largest}.")
        return Packing(
            () if isinstance(seen, Discrete) else seen.shape,
            () if isinstance(actions, Discrete) else actions.shape,
            index,
            discrete,
            actions.n if masked and isinstance(actions, Discrete) else 0,
        )

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of observation, action, reward, end, observation after, and both masks."""
        obs, mask = math.prod(self.obs_shape), math.ceil(self.mask / BITS)
        return obs, math.prod(self.action_shape), 1, 1, obs, mask, mask

    @property
    def width(self) -> int:
        """The length of a row."""
        return sum(self.sizes)

    def pack(self, steps: Transition) -> Float[Array, "N width"]:
        """Return steps as rows."""
        count = steps.reward.shape[0]

        def numbers(leaf: Array) -> Array:
            return leaf.reshape(count, -1).astype(jnp.float32)

        parts = [
            numbers(x) for x in (steps.obs, steps.action, steps.reward, steps.terminated, steps.next_obs)
        ]
        if self.mask:
            parts += [_to_words(steps.legal), _to_words(steps.next_legal)]
        return jnp.concatenate(parts, axis=1)

    def unpack(self, rows: Float[Array, "N width"]) -> Transition:
        """Return rows as steps."""
        places = [sum(self.sizes[:i]) for i in range(len(self.sizes) + 1)]
        obs, action, reward, ended, after, legal, next_legal = (
            rows[:, a:b] for a, b in itertools.pairwise(places)
        )

        def seen(part: Array) -> Array:
            part = part.reshape(-1, *self.obs_shape)
            return part.astype(jnp.int32) if self.index else part

        action = action.reshape(-1, *self.action_shape)
        return Transition(
            seen(obs),
            _to_flags(legal, self.mask) if self.mask else None,
            action.astype(jnp.int32) if self.discrete else action,
            reward[:, 0],
            ended[:, 0] > 0,
            seen(after),
            _to_flags(next_legal, self.mask) if self.mask else None,
        )


class InTurn(Update):
    """Apply an update to the batches `[G, B, ...]` one after the other; metrics are their means.

    With G = 1, `[B, ...]`, it is the update itself.  Before step `start` of the run nothing moves.
    """

    update: Update
    batches: int = eqx.field(static=True, default=1)
    start: int = eqx.field(static=True, default=0)

    def init(self, model: Any) -> PyTree:
        """Return the inner update's state."""
        return self.update.init(model)

    def apply(
        self, model: Any, opt: PyTree, batch: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Any, PyTree, Metrics]:
        """Apply the inner update G times."""
        arrays, rest = eqx.partition(model, eqx.is_array)

        def one(carry: Any, now: Any) -> Any:
            part, k = now
            moved, opt, metrics = self.update.apply(eqx.combine(carry[0], rest), carry[1], part, clock, k)
            return (eqx.filter(moved, eqx.is_array), opt), metrics

        def learn(arrays: PyTree, opt: PyTree) -> Any:
            if self.batches == 1:
                carry, metrics = one((arrays, opt), (batch, key))
                return *carry, metrics
            keys = jax.random.split(key, self.batches)
            carry, metrics = jax.lax.scan(one, (arrays, opt), (batch, keys))
            return *carry, {name: values.mean(0) for name, values in metrics.items()}

        def counted(arrays: PyTree, opt: PyTree) -> Any:
            arrays, opt, metrics = learn(arrays, opt)
            return arrays, opt, {name: Mean(x, jnp.ones_like(x)) for name, x in metrics.items()}

        if not self.start:
            arrays, opt, metrics = learn(arrays, opt)
            return eqx.combine(arrays, rest), opt, metrics
        shapes = jax.eval_shape(counted, arrays, opt)[2]

        def wait(arrays: PyTree, opt: PyTree) -> Any:
            return arrays, opt, jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)

        arrays, opt, metrics = jax.lax.cond(clock.step >= self.start, counted, wait, arrays, opt)
        return eqx.combine(arrays, rest), opt, metrics


def flattened(record: Record) -> Transition:
    """Return a record `[T, E, ...]` as steps `[T·E, ...]`."""
    steps = Transition(
        record.obs, record.legal, record.action, record.reward, record.terminated, record.next_obs,
        record.next_legal,
    )  # fmt: skip
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), steps)


def _to_words(flags: Any) -> Float[Array, "N words"]:
    count, n = flags.shape
    padded = jnp.pad(flags, ((0, 0), (0, -n % BITS))).reshape(count, -1, BITS)
    weights = jnp.broadcast_to(2.0 ** jnp.arange(BITS, dtype=jnp.float32), padded.shape)
    return jnp.where(padded, weights, 0.0).sum(-1)


def _to_flags(words: Array, n: int) -> Bool[Array, "N n"]:
    shifts = jax.lax.broadcasted_iota(jnp.int32, (*words.shape, BITS), words.ndim)
    bits = words.astype(jnp.int32)[..., None] >> shifts
    return (bits & 1).astype(bool).reshape(words.shape[0], -1)[:, :n]
