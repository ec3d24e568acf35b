"""One episode, step by step, as it can be shown: texts, actions, rewards, and what the model thought."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ansatz.results.text_film import Frame
from ansatz.rl.env import Discrete, Env
from ansatz.rl.evaluate import choice
from ansatz.rl.illegal import forbids


class Shown(NamedTuple):
    """T steps of an episode: the states before each and the last one, `[T + 1, ...]`, and what was done.

    In the place of the states of an environment in Python, which has none, are what it shows and its pixels.
    `thought` is the value of each state or the largest Q, nan where the model has neither.  Where there are
    several players the model has every seat, and rewards are those of the first.
    """

    states: Any
    action: np.ndarray
    reward: np.ndarray
    thought: np.ndarray
    terminated: bool
    truncated: bool

    @property
    def total(self) -> float:
        """The return."""
        return float(self.reward.sum())


@eqx.filter_jit
def _walked(env: Env, model: Any, most: int, key: Any) -> Any:
    masked = forbids(env)
    starting, playing = jax.random.split(key)
    first = env.reset(starting)

    def one(state: Any, i: Any) -> Any:
        choosing, stepping = jax.random.split(jax.random.fold_in(playing, i))
        obs, legal = env.observe(state), env.legal(state) if masked else None
        action = choice(env, model, state, obs, legal, choosing)
        step = env.step(state, action, stepping)
        reward = step.reward if env.players == 1 else step.reward[0]
        told = (state, action, reward, thought(model, obs, legal), step.terminated, step.truncated)
        return step.state, told

    last, told = jax.lax.scan(one, first, jnp.arange(most))
    return told, last


def shown(env: Env, model: Any, seed: int = 0, most: int = 1000) -> Shown:
    """Return an episode of a model from its beginning, cut off after `most` steps."""
    if env.host:
        from ansatz.rl.hosted_judge import host_shown

        return host_shown(env, model, seed, most)
    told, last = jax.tree.map(np.asarray, _walked(env, model, most, jax.random.key(seed)))
    states, action, reward, thought, terminated, truncated = told
    done = terminated | truncated
    count = int(done.argmax()) + 1 if done.any() else most
    every = jax.tree.map(lambda a, b: np.concatenate([a, b[None]])[: count + 1], states, last)
    cut = (terminated[count - 1], truncated[count - 1])
    return Shown(every, action[:count], reward[:count], thought[:count], *map(bool, cut))


def frames(env: Env, episode: Shown) -> list[Frame]:
    """Return the drawings of an episode, each with what is done in it."""
    found, total = [], 0.0
    for at in range(len(episode.reward)):
        words = f"step {at}: action {spoken(env, episode.action[at])}"
        if np.isfinite(episode.thought[at]):
            words += f", expects {episode.thought[at]:.4g}"
        found.append(_frame(env, episode, at, f"{words}, return so far {total:.6g}"))
        total += float(episode.reward[at])
    why = "the end" if episode.terminated else "the time limit" if episode.truncated else "cut off here"
    found.append(_frame(env, episode, len(episode.reward), f"{why}: return {total:.6g}"))
    return found


def spoken(env: Env, action: Any) -> str:
    """Return an action as it is written."""
    if isinstance(env.actions, Discrete):
        return str(int(action))
    return "(" + ", ".join(f"{one:.3g}" for one in np.ravel(action)) + ")"


def _frame(env: Env, episode: Shown, at: int, line: str) -> Frame:
    if env.host:
        text, picture = episode.states[at]
        return Frame(text, line, picture)
    return Frame(env.render(jax.tree.map(lambda leaf: jnp.asarray(leaf[at]), episode.states)), line)


def thought(model: Any, obs: Any, legal: Any) -> Any:
    """Return the value of what is seen, or the largest Q; nan where the model has neither."""
    if hasattr(model, "value"):
        return model.value(obs)
    if hasattr(model, "values"):
        values = model.values(obs, legal)
        return values.max() if legal is None else jnp.where(legal, values, -jnp.inf).max()
    return jnp.asarray(jnp.nan)
