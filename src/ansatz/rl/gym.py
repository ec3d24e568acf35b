"""Our environments as Gymnasium's: one at a time, or many in one compiled step.

Importing this registers every environment that has a name: `gymnasium.make("ansatz/DeepSea", size=20)`, and
`gymnasium.make_vec("ansatz/CartPole-v1", num_envs=64, vectorization_mode="vector_entry_point")`.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

try:
    import gymnasium
    from gymnasium.vector import AutoresetMode
    from gymnasium.vector.utils import batch_space
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "Gymnasium is not installed, which ansatz.rl.gym is for: pip install 'ansatz[gym]'.", name=error.name
    ) from error

from ansatz.errors import BadInput
from ansatz.rl import batch
from ansatz.rl.check import check
from ansatz.rl.env import Box, Discrete, Env
from ansatz.rl.envs.names import NAMES, make

METADATA = {"render_modes": ["ansi"], "render_fps": 30}


def to_space(space: Discrete | Box) -> gymnasium.Space:
    """Return the space as Gymnasium's: `Discrete`, or a `Box` of float32.

    >>> to_space(Discrete(3))
    Discrete(3)
    """
    if isinstance(space, Discrete):
        return gymnasium.spaces.Discrete(space.n)
    low, high = np.asarray(space.low, np.float32), np.asarray(space.high, np.float32)
    return gymnasium.spaces.Box(low, high, dtype=np.float32)


class GymnasiumVectorEnv(gymnasium.vector.VectorEnv):
    """Many episodes of one environment of ours, as a vectorised environment of Gymnasium's.

    All of them take one compiled step together.  Seeded with s, the i-th is `GymnasiumEnv(env)` seeded with
    s + i: the class does what `gymnasium.vector.SyncVectorEnv` does with those.

    - `env`: an environment, or a name of `ansatz.rl.envs.names` with `parameters`; `num_envs`: how many;
    - `autoreset_mode`: "NextStep" (an ended episode restarts in the place of its next step), "SameStep" (it
      restarts at once; what it ended in is `final_obs` and `final_info` of the infos) or "Disabled"
      (`reset(options={"reset_mask": ...})` restarts it);
    - `render_mode`: "ansi" draws each episode as text.

    `action_mask` in the infos, `[num_envs, actions]` of int8, tells what is legal, where anything is not.

    >>> env = GymnasiumVectorEnv("Taxi-v4", num_envs=2)
    >>> obs, infos = env.reset(seed=0)
    >>> obs.shape, infos["action_mask"].shape
    ((2,), (2, 6))

    Raises:
        BadInput: the environment is of several players, or breaks the rules of one; an action is not in the
            space; an ended episode is stepped with the mode "Disabled".
    """

    def __init__(
        self,
        env: Env | str,
        num_envs: int = 1,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        **parameters: Any,
    ):
        self.env = _single_player(make(env, **parameters) if isinstance(env, str) else env)
        if num_envs < 1:
            raise BadInput(f"A vectorised environment has at least one episode, and not {num_envs}.")
        if render_mode not in (None, "ansi"):
            raise BadInput(f"render_mode is None or 'ansi', which draws as text, and not {render_mode!r}.")
        self.num_envs = num_envs
        self.render_mode = render_mode
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {**METADATA, "autoreset_mode": self.autoreset_mode}
        self.single_observation_space = to_space(self.env.observations)
        self.single_action_space = to_space(self.env.actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._programs = batch.programs(self.env, self.autoreset_mode.value)
        self._episodes: batch.Episodes | None = None
        self._mask: np.ndarray | None = None
        self._over = np.zeros(num_envs, bool)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin all episodes, or those of `options["reset_mask"]`, and return observations and infos.

        A number as `seed` seeds the i-th episode with `seed` + i, a list each with its own; without a seed
        the randomness goes on.
        """
        seeds = [seed] * self.num_envs if seed is None else seed
        seeds = [seeds + i for i in range(self.num_envs)] if isinstance(seeds, int) else list(seeds)
        if len(seeds) != self.num_envs:
            raise BadInput(f"There are {len(seeds)} seeds for {self.num_envs} episodes; give one each.")
        super().reset(seed=seed if isinstance(seed, int) else None)
        which = self._chosen(options)
        if self._episodes is None:
            drawn = self.np_random.integers(2**32, size=self.num_envs).tolist()
            keys = [drawn[i] if one is None else one for i, one in enumerate(seeds)]
            self._episodes = self._programs.start(_keys(keys))
        else:
            fresh = [i for i, one in enumerate(seeds) if one is not None and which[i]]
            if fresh:
                keys = np.array(self._episodes.keys)
                keys[fresh] = _keys([seeds[i] for i in fresh])
                self._episodes = self._episodes._replace(keys=jnp.asarray(keys))
            self._episodes = self._programs.restart(self._episodes, which)
        self._over = self._over & ~which
        obs, legal = self._programs.look(self._episodes)
        self._mask = None if legal is None else np.array(legal, np.int8)
        return self._told(obs), _with_mask({}, self._mask, which)

    def step(self, actions: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Take one action in each episode; return observations, rewards, terminations, truncations, infos."""
        if self._episodes is None:
            raise BadInput("No episode has begun: call reset() before step().")
        if self.autoreset_mode is AutoresetMode.DISABLED and self._over.any():
            ended = np.flatnonzero(self._over).tolist()
            raise BadInput(
                f"The episodes {ended} are over, and none restarts by itself: call "
                'reset(options={"reset_mask": ...}) with true for them before step().'
            )
        chosen = _actions(actions, self.env.actions, self.num_envs)
        self._episodes, shown = self._programs.advance(self._episodes, chosen, self._over)
        terminated, truncated = np.array(shown.terminated), np.array(shown.truncated)
        self._over = terminated | truncated
        self._mask = None if shown.legal is None else np.array(shown.legal, np.int8)
        infos: dict[str, Any] = {}
        if self.autoreset_mode is AutoresetMode.SAME_STEP and self._over.any():
            infos = self._final(shown)
            self._over = np.zeros(self.num_envs, bool)
        infos = _with_mask(infos, self._mask, np.ones(self.num_envs, bool))
        return self._told(shown.obs), np.array(shown.reward, np.float64), terminated, truncated, infos

    def render(self) -> tuple[str, ...] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the drawings of all episodes, with the render mode "ansi"."""
        if self.render_mode is None or self._episodes is None:
            return None
        states = [jax.tree.map(lambda x, i=i: x[i], self._episodes.states) for i in range(self.num_envs)]
        return tuple(self.env.render(state) for state in states)

    def action_masks(self) -> np.ndarray:
        """Return which actions are legal now, `[num_envs, actions]` of bool: what MaskablePPO asks for."""
        if not isinstance(self.env.actions, Discrete):
            raise BadInput(f"{type(self.env).__name__} has continuous actions, of which none is illegal.")
        if self._mask is None:
            return np.ones((self.num_envs, self.env.actions.n), bool)
        return self._mask.astype(bool)

    def _chosen(self, options: dict[str, Any] | None) -> np.ndarray:
        if not options or "reset_mask" not in options:
            return np.ones(self.num_envs, bool)
        which = np.asarray(options["reset_mask"])
        if which.shape != (self.num_envs,) or which.dtype != bool or not which.any():
            raise BadInput(
                f"reset_mask is an array of {self.num_envs} truth values, one of them true: not {which!r}."
            )
        if self._episodes is None:
            raise BadInput("No episode has begun: call reset() without a reset_mask first.")
        return which

    def _told(self, obs: Any) -> np.ndarray:
        return np.array(obs, self.single_observation_space.dtype)

    def _final(self, shown: batch.Shown) -> dict[str, Any]:
        ended = np.full(self.num_envs, None, object)
        observations = self._told(shown.final_obs)
        for i in np.flatnonzero(self._over):
            ended[i] = observations[i]
        legal = None if shown.final_legal is None else np.array(shown.final_legal, np.int8)
        info = _with_mask({}, legal, self._over)
        return {
            "final_obs": ended,
            "_final_obs": self._over.copy(),
            "final_info": info,
            "_final_info": self._over.copy(),
        }


class GymnasiumEnv(gymnasium.Env):
    """An environment of ours as one of Gymnasium's; it passes `gymnasium.utils.env_checker.check_env`.

    `env` is an environment, or a name of `ansatz.rl.envs.names` with `parameters`; `render_mode` "ansi" draws
    as text.  `action_mask` in the info, `[actions]` of int8, tells what is legal, where anything is not.
    A step takes as long as one of `GymnasiumVectorEnv` with many episodes: prefer that for training.

    >>> env = GymnasiumEnv("CartPole-v1")
    >>> obs, info = env.reset(seed=0)
    >>> obs, reward, terminated, truncated, info = env.step(1)
    >>> reward, terminated, truncated
    (1.0, False, False)

    Raises:
        BadInput: as by `GymnasiumVectorEnv`, or the episode is over.
    """

    metadata = METADATA

    def __init__(self, env: Env | str, render_mode: str | None = None, **parameters: Any):
        self.many = GymnasiumVectorEnv(env, 1, AutoresetMode.DISABLED, render_mode, **parameters)
        self.render_mode = render_mode
        self.observation_space = self.many.single_observation_space
        self.action_space = self.many.single_action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; without a seed the randomness goes on."""
        super().reset(seed=seed)
        if seed is None and self.many._episodes is None:
            seed = int(self.np_random.integers(2**32))
        obs, infos = self.many.reset(seed=seed)
        return obs[0], _of_one(infos)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take an action; return observation, reward, terminated, truncated, info."""
        obs, rewards, terminated, truncated, infos = self.many.step(np.asarray(action)[None])
        return obs[0], float(rewards[0]), bool(terminated[0]), bool(truncated[0]), _of_one(infos)

    def render(self) -> str | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the drawing, with the render mode "ansi"."""
        drawn = self.many.render()
        return None if drawn is None else drawn[0]

    def action_masks(self) -> np.ndarray:
        """Return which actions are legal now, `[actions]` of bool: what MaskablePPO asks for."""
        return self.many.action_masks()[0]


def _single_player(env: Env) -> Env:
    if env.players > 1:
        raise BadInput(
            f"{type(env).__name__} has {env.players} players, and an environment of Gymnasium's has one; "
            "train by self-play, or let a policy of yours play for the others."
        )
    return check(env)


def _keys(seeds: Sequence[Any]) -> np.ndarray:
    """Return the data `[n, 2]` of the keys, which for a seed below 2³² are 0 and itself."""
    return np.asarray([[0, seed % 2**32] for seed in seeds], np.uint32)


def _actions(actions: Any, space: Discrete | Box, number: int) -> np.ndarray:
    given = np.asarray(actions)
    if isinstance(space, Box):
        if given.shape != (number, *space.shape) or not np.isfinite(given).all():
            raise BadInput(f"Actions are finite numbers {(number, *space.shape)}, and not {given!r}.")
        return given.astype(np.float32)
    fits = given.shape == (number,) and np.issubdtype(given.dtype, np.integer)
    if not fits or (given < 0).any() or (given >= space.n).any():
        raise BadInput(f"Actions are {number} whole numbers from 0 to {space.n - 1}, and not {given!r}.")
    return given.astype(np.int32)


def _with_mask(infos: dict[str, Any], mask: np.ndarray | None, which: np.ndarray) -> dict[str, Any]:
    """Return the infos with the masks of some episodes, as `VectorEnv._add_info` lays them out."""
    if mask is None:
        return infos
    return {**infos, "action_mask": np.where(which[:, None], mask, np.int8(0)), "_action_mask": which.copy()}


def _of_one(infos: dict[str, Any]) -> dict[str, Any]:
    return {name: value[0] for name, value in infos.items() if not name.startswith("_")}


for _name in NAMES:
    if f"ansatz/{_name}" not in gymnasium.registry:
        gymnasium.register(
            f"ansatz/{_name}",
            entry_point="ansatz.rl.gym:GymnasiumEnv",
            vector_entry_point="ansatz.rl.gym:GymnasiumVectorEnv",
            kwargs={"env": _name},
        )
