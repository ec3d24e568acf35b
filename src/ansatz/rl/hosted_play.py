"""Playing an environment that lives in Python: its steps on the host, all else compiled.

    host       o_t → a_t → env.step → r_t, o_{t+1}, …       one compiled call a step of all E environments
    compiled   the choice of actions, advantages, what a ring holds, and the updates of the algorithm

The sources here give the very batches that `Rollout` and `Replay` give, with the same randomness in the
choices, so that an algorithm does not know where it is played.  An environment in Python cannot be saved:
a run that is resumed goes on with new episodes.
"""

import functools
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray, PyTree

from ansatz.core import Clock, Mean, Source
from ansatz.rl.env import Env
from ansatz.rl.normalize import moments
from ansatz.rl.policy import noise
from ansatz.rl.replay import Experience, Replay, draws, flattened, in_batches
from ansatz.rl.rollout import Batch, Episodes, Record, Rollout, Scaling, chosen, judged


class Stand(NamedTuple):
    """The steps taken since the environments were begun, and return and length of each episode so far."""

    count: np.ndarray
    total: np.ndarray
    length: np.ndarray


class HeldRows(NamedTuple):
    """The ring, `[capacity, width]`, and where the environments stand."""

    ring: np.ndarray
    stand: Stand


def driven(source: Rollout | Replay) -> Source:
    """Return the source, or where its environment is played in Python the one that does as it does."""
    if isinstance(source, Rollout):
        return HostRollout(source) if source.env.host else source
    return HostReplay(source) if source.playing.env.host else source


class HostRollout(Source):
    """What a `Rollout` is, of an environment in Python."""

    host: ClassVar[bool] = True
    prefetch: ClassVar[int] = 0
    rollout: Rollout

    def init(self, model: Any, key: PRNGKeyArray) -> tuple[Stand, Scaling | None]:
        """Return the environments at the beginning of an episode."""
        envs = self.rollout.envs
        scaling = Scaling(jnp.zeros(envs), moments(())) if self.rollout.scale else None
        return begun(self.rollout.env, envs, key), scaling

    def next(self, state: Any, model: Any, clock: Clock, key: PRNGKeyArray) -> tuple[Batch, Any]:
        """Play on, and return what was played and where the environments stand."""
        made = self.rollout
        drawn = bound(_noise, made.env.actions, made.steps, made.envs)(key)
        stand = standing(made.env, state[0], key)
        played = play_outside(made.env, stand, bound(chosen, model), drawn, made.masked)
        judge = bound(judged, model, made.gamma, made.lam)
        samples, scaling = judge(played.record, played.last, state[1])
        return Batch(samples, played.episodes), (played.stand, scaling)


class HostReplay(Source):
    """What a `Replay` is, of an environment in Python; the ring is in the memory of the host."""

    host: ClassVar[bool] = True
    prefetch: ClassVar[int] = 0
    replay: Replay

    def init(self, model: Any, key: PRNGKeyArray) -> HeldRows:
        """Return an empty ring, and the environments at the beginning of an episode."""
        made = self.replay
        ring = np.zeros((made.blocks * made.playing.size, made.packing.width), np.float32)
        return HeldRows(ring, begun(made.playing.env, made.playing.envs, key))

    def next(
        self, state: HeldRows, model: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Experience, HeldRows]:
        """Play on, store it, and draw; the ring is changed in place."""
        made, playing = self.replay, self.replay.playing
        step = int(clock.step)
        filled = min(step + 1, made.blocks) * playing.size
        count = made.batches * made.batch
        shape = (playing.steps, playing.envs)
        prepare = bound(_prepared, playing.behaviour, shape, playing.start, count)
        drawn, index = prepare(clock, key, np.int32(filled))
        stand = standing(playing.env, state.stand, key)
        act = bound(_acted, model, playing.behaviour)
        played = play_outside(playing.env, stand, act, drawn, playing.masked)
        place = step % made.blocks * playing.size
        rows = bound(_packed, made.packing)(flattened(played.record))
        state.ring[place : place + playing.size] = np.asarray(rows)
        batch = bound(_unpacked, made.packing, made.batches)(state.ring[np.asarray(index)])
        return Experience(batch, played.episodes), HeldRows(state.ring, played.stand)


class Outing(NamedTuple):
    """What was played, what was observed last, `[E, ...]`, and where the environments stand."""

    stand: Stand
    record: Record
    episodes: Episodes
    last: np.ndarray


def begun(env: Env, envs: int, key: PRNGKeyArray) -> Stand:
    """Begin E environments, seeded from a key: the i-th with a number + i."""
    outside: Any = env.outside  # pyright: ignore[reportAttributeAccessIssue]
    outside.begin(envs, seed_of(key))
    return Stand(np.asarray(0, np.int64), np.zeros(envs, np.float32), np.zeros(envs, np.int32))


def seed_of(key: PRNGKeyArray) -> int:
    """Return a seed from 0 to 2³¹ - 1 that is drawn from a key."""
    return int(np.asarray(jax.random.bits(key, dtype=jnp.uint32))) // 2


def standing(env: Env, stand: Stand, key: PRNGKeyArray) -> Stand:
    """Return where the environments stand, begun anew if they have been moved from there."""
    outside: Any = env.outside  # pyright: ignore[reportAttributeAccessIssue]
    return stand if outside.count == int(stand.count) else begun(env, len(stand.total), key)


def play_outside(
    env: Env, stand: Stand, choose: Callable[[Any, Any, Any], tuple[Any, Any]], drawn: PyTree, masked: bool
) -> Outing:
    """Play T steps in each of E environments, `choose(obs, legal, drawn) -> (action, extra)` acting.

    `drawn: [T, E, ...]` is the randomness of the choices.  A step that only restarts an episode, as
    vectorised environments of the mode "NextStep" have them, is none of the T; what the others play on
    meanwhile, beyond their T steps, counts in the returns that are reported and is not learned from.
    """
    outside: Any = env.outside  # pyright: ignore[reportAttributeAccessIssue]
    drawn = jax.tree.map(np.asarray, drawn)
    steps, envs = jax.tree.leaves(drawn)[0].shape[:2]
    total, length = stand.total.copy(), stand.length.copy()
    filled, every, ended = np.zeros(envs, int), np.arange(envs), np.zeros(4)
    record: Any = None
    last = np.empty_like(outside.obs)
    while (filled < steps).any():
        at = filled % steps
        obs, legal = outside.obs, outside.legal if masked else None
        luck = jax.tree.map(lambda x, at=at: x[at, every], drawn)
        action, extra = jax.tree.map(np.asarray, choose(obs, legal, luck))
        seen = outside.step(action)
        total += np.where(seen.real, seen.reward, 0)
        length += seen.real
        done = (seen.terminated | seen.truncated) & seen.real
        ended += total[done].sum(), length[done].sum(), done.sum(), seen.terminated[done].sum()
        total[done], length[done] = 0, 0
        row = Record(
            obs, legal, action, extra, seen.reward, seen.terminated, seen.truncated, seen.next_obs,
            seen.next_legal if masked else None,
        )  # fmt: skip
        if record is None:
            record = jax.tree.map(lambda x: np.zeros((steps, *x.shape), x.dtype), row)
        put = np.flatnonzero(seen.real & (filled < steps))
        jax.tree.map(lambda kept, x, put=put: kept.__setitem__((filled[put], put), x[put]), record, row)
        filled[put] += 1
        full = put[filled[put] == steps]
        last[full] = outside.obs[full]
    returns, lengths, count, over = (jnp.asarray(x, jnp.float32) for x in ended)
    stand = Stand(np.asarray(outside.count, np.int64), total, length)
    return Outing(
        stand, record, Episodes(Mean(returns, count), Mean(lengths, count), Mean(over, count)), last
    )


def bound(function: Callable[..., Any], *trees: Any) -> Callable[..., Any]:
    """Return `function(*trees, *arrays)` as a function of the arrays, compiled once a structure of the trees.

    >>> bound(lambda tree, x: tree["a"] * x, {"a": jnp.ones(2)})(np.ones(2, np.float32)).tolist()
    [1.0, 1.0]
    """
    arrays, rest = eqx.partition(trees, eqx.is_array)
    leaves, treedef = jax.tree.flatten(arrays)
    try:
        call = _compiled(function, treedef, rest)
    except TypeError:  # something that cannot be hashed
        call = _compiled.__wrapped__(function, treedef, rest)
    return functools.partial(call, leaves)


@functools.lru_cache(maxsize=128)
def _compiled(function: Callable[..., Any], treedef: Any, rest: Any) -> Callable[..., Any]:
    def whole(leaves: list[Any], *arrays: Any) -> Any:
        return function(*eqx.combine(jax.tree.unflatten(treedef, leaves), rest), *arrays)

    return jax.jit(whole)


def _noise(actions: Any, steps: int, envs: int, key: PRNGKeyArray) -> Array:
    return noise(actions, jax.random.split(key)[0], (steps, envs))


def _prepared(
    behaviour: Any,
    shape: tuple[int, int],
    start: int,
    count: int,
    clock: Clock,
    key: PRNGKeyArray,
    filled: Any,
) -> tuple[PyTree, Array]:
    first, second = jax.random.split(key)
    drawn = draws(behaviour, shape, start, clock, jax.random.split(first)[0])
    return drawn, jax.random.randint(second, (count,), 0, filled)


def _acted(model: Any, behaviour: Any, obs: Any, legal: Any, drawn: Any) -> tuple[Array, tuple[()]]:
    return behaviour.act(model, obs, legal, drawn), ()


def _packed(packing: Any, steps: Any) -> Array:
    return packing.pack(steps)


def _unpacked(packing: Any, batches: int, rows: Array) -> Any:
    return in_batches(packing.unpack(rows), batches)
