"""What a policy is worth in an environment that is played in Python, and how it looks there.

Both are done in copies of their own, so that the episodes of a training go on undisturbed; an environment
that cannot be copied is used itself, and its training then begins new episodes.
"""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray
from PIL import Image

from ansatz.core import Clock, Source
from ansatz.rl.env import Env
from ansatz.rl.envs.canvas import Canvas
from ansatz.rl.episode import Shown, thought
from ansatz.rl.evaluate import Scores
from ansatz.rl.hosted_play import bound, seed_of

TOGETHER = 8
"""The episodes that are played side by side where they are judged."""
LARGEST = 420
"""The pixels of a drawing that are kept, each way."""
COLUMNS = 60
"""The characters of a drawing in the terminal."""
FAR = 40
"""The shades of gray, of 256, between what is lit in the terminal and the background."""


class HostEvaluation(Source):
    """What `Evaluation` is, in an environment in Python: the i-th episode is seeded with a number + i."""

    host: ClassVar[bool] = True
    prefetch: ClassVar[int] = 0
    env: Env
    episodes: int = eqx.field(static=True, default=100)
    most: int = eqx.field(static=True, default=10_000)

    def init(self, model: Any, key: PRNGKeyArray) -> PRNGKeyArray:
        """Return the key that the episodes are drawn with, in every evaluation the same."""
        return key

    def next(
        self, state: PRNGKeyArray, model: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Scores, PRNGKeyArray]:
        """Play the episodes."""
        return host_scores(self.env, model, self.episodes, self.most, seed_of(state)), state


def host_scores(env: Env, model: Any, episodes: int, most: int, seed: int) -> Scores:
    """Return the scores of episodes of at most `most` steps, the i-th of them seeded with `seed` + i."""
    outside: Any = env.outside.apart()  # pyright: ignore[reportAttributeAccessIssue]
    alone = outside is env.outside  # pyright: ignore[reportAttributeAccessIssue]
    envs = outside.number or (1 if alone else min(episodes, TOGETHER))
    act, found = bound(_decided, env, model), []
    for first in range(0, episodes, envs):
        outside.begin(envs, seed + first)
        total, length, going = np.zeros(envs, np.float32), np.zeros(envs, np.int32), np.ones(envs, bool)
        keys, t = _keys(seed + first, envs), 0
        while (going & (length < most)).any():
            seen = outside.step(np.asarray(act(outside.obs, _legal(outside, env), keys, np.int32(t))))
            counts = going & seen.real & (length < most)
            total += np.where(counts, seen.reward, 0)
            length += counts
            going &= ~((seen.terminated | seen.truncated) & counts)
            t += 1
        found.append((total, length, ~going))
    outside.count = -1
    return Scores(*(jnp.asarray(np.concatenate(part)[:episodes]) for part in zip(*found, strict=True)))


def host_shown(env: Env, model: Any, seed: int, most: int) -> Shown:
    """Return an episode, seeded with `seed`; its states are pairs of a text and a drawing, or None."""
    outside: Any = env.outside.filmed()  # pyright: ignore[reportAttributeAccessIssue]
    envs = outside.number or 1
    outside.begin(envs, seed)
    act, keys = bound(_acted_and_thought, env, model), _keys(seed, envs)
    states, told = [_seen(outside)], []
    while len(told) < most and not (told and (told[-1][3] or told[-1][4])):
        action, value = act(outside.obs, _legal(outside, env), keys, np.int32(len(told)))
        seen = outside.step(np.asarray(action))
        over = bool(seen.terminated[0] or seen.truncated[0])
        # Where the next episode has begun already, the drawing of the step before stands for the end.
        states.append(states[-1] if over and outside.restarts else _seen(outside))
        done = np.asarray(action)[0], seen.reward[0], np.asarray(value)[0]
        told.append((*done, seen.terminated[0], seen.truncated[0]))
    outside.count = -1
    action, reward, value, terminated, truncated = (np.stack(part) for part in zip(*told, strict=True))
    return Shown(states, action, reward, value, bool(terminated[-1]), bool(truncated[-1]))


def braille(picture: Image.Image) -> str:
    """Return a drawing in braille dots, which are lit where it differs from its commonest shade.

    >>> picture = Image.new("L", (120, 8))
    >>> picture.paste(255, (0, 0, 2, 4))
    >>> braille(picture)[0]
    '⣿'
    """
    width = 2 * COLUMNS
    rows = max(round(width * picture.height / picture.width / 4), 1)
    gray = np.asarray(picture.convert("L").resize((width, 4 * rows)), int)
    usual = np.bincount(gray.ravel(), minlength=256).argmax()
    canvas = Canvas(COLUMNS, rows, (0.0, 1.0, 0.0, 1.0))
    canvas.lit = np.abs(gray - usual) > FAR
    return str(canvas)


def _seen(outside: Any) -> tuple[str, Image.Image | None]:
    """Return what the first environment shows: text and drawing, or what is observed of it."""
    drawn = outside.drawn()
    if isinstance(drawn, np.ndarray):
        picture = Image.fromarray(drawn.astype(np.uint8)).convert("RGB")
        picture.thumbnail((LARGEST, LARGEST))
        return braille(picture), picture
    if isinstance(drawn, str):
        return drawn, None
    # Nothing is drawn: the numbers that the policy sees.
    return np.array2string(np.asarray(outside.obs[0]), precision=3, suppress_small=True, threshold=64), None


def _keys(seed: int, envs: int) -> Any:
    """Return a key for each of the episodes seeded with `seed`, `seed` + 1, …"""
    return jax.vmap(jax.random.key)(np.arange(seed, seed + envs, dtype=np.uint32))


def _legal(outside: Any, env: Any) -> np.ndarray | None:
    return outside.legal if env.masked else None


def _decided(env: Env, model: Any, obs: Any, legal: Any, keys: Any, t: Any) -> Array:
    """Return what a model does at each of `obs: [E, ...]`; one that draws by chance has a `decide`."""
    if not hasattr(model, "decide"):
        return jax.vmap(model.act)(obs, legal)

    def one(obs: Any, legal: Any, key: Any) -> Array:
        return model.decide(env, None, obs, legal, jax.random.fold_in(key, t))

    return jax.vmap(one)(obs, legal, keys)


def _acted_and_thought(env: Env, model: Any, obs: Any, legal: Any, keys: Any, t: Any) -> tuple[Array, Array]:
    values = jax.vmap(lambda obs, legal: jnp.asarray(thought(model, obs, legal)))(obs, legal)
    return _decided(env, model, obs, legal, keys, t), values
