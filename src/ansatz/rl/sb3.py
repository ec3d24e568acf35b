"""Our environments as a `VecEnv` of stable-baselines3: write the environment here, train it there."""

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ansatz.rl.env import Env

if TYPE_CHECKING:
    from ansatz.rl.gym import GymnasiumVectorEnv

Indices = None | int | Iterable[int]


def to_sb3(env: Env | str, num_envs: int = 1, seed: int | None = None, **parameters: Any) -> Any:
    """Return many episodes of an environment as a `stable_baselines3.common.vec_env.VecEnv`.

    They take one compiled step together.  `step` returns observations, rewards, `dones` and infos; the info
    of an ended episode has `terminal_observation`, and `TimeLimit.truncated` where it was cut off, from which
    returns are bootstrapped.  `env_method("action_masks")` makes MaskablePPO of sb3-contrib train on it:

        from sb3_contrib import MaskablePPO
        MaskablePPO("MlpPolicy", to_sb3("Taxi-v4", 8)).learn(100_000)

    `env` is an environment, or a name of `ansatz.rl.envs.names` with `parameters`; `seed` seeds the i-th
    episode with `seed` + i.

    Raises:
        ModuleNotFoundError: stable-baselines3 or Gymnasium is not installed.
        BadInput: as by `ansatz.rl.gym.GymnasiumVectorEnv`.
    """
    return _vec_env()(_many(env, num_envs, **parameters), seed)


def _many(env: Env | str, num_envs: int, **parameters: Any) -> "GymnasiumVectorEnv":
    from ansatz.rl.gym import GymnasiumVectorEnv

    return GymnasiumVectorEnv(env, num_envs, "SameStep", "ansi", **parameters)


@functools.cache
def _vec_env() -> type:
    """Return the class: `Contract` over the `VecEnv` that is installed."""
    try:
        from stable_baselines3.common.vec_env import VecEnv  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "stable-baselines3 is not installed, which to_sb3 is for: pip install stable-baselines3.",
            name=error.name,
        ) from error
    return type("AnsatzVecEnv", (Contract, VecEnv), {"__doc__": Contract.__doc__})


class Episode:
    """One episode of many, as the single environment that stable-baselines3 asks for attributes."""

    def __init__(self, many: "GymnasiumVectorEnv", index: int):
        self.many, self.index = many, index
        self.render_mode = None
        self.spec = None
        self.observation_space, self.action_space = many.single_observation_space, many.single_action_space

    def action_masks(self) -> np.ndarray:
        """Return which actions are legal now, `[actions]` of bool."""
        return self.many.action_masks()[self.index]

    def render(self) -> str:
        """Return the drawing as text."""
        return (self.many.render() or ("",) * self.many.num_envs)[self.index]


class Contract:
    """Many episodes of an environment of Ansatz, as the `VecEnv` of stable-baselines3."""

    num_envs: int
    _seeds: list[int | None]

    def __init__(self, many: "GymnasiumVectorEnv", seed: int | None = None):
        self.many = many
        self.episodes = [Episode(many, index) for index in range(many.num_envs)]
        self._taken: Any = None
        super().__init__(many.num_envs, many.single_observation_space, many.single_action_space)  # type: ignore
        self._seeds = [None if seed is None else seed + i for i in range(many.num_envs)]

    def reset(self) -> np.ndarray:
        """Begin all episodes, by the seeds where `seed` was called, and return the observations."""
        obs, infos = self.many.reset(seed=self._seeds)
        self._seeds = [None] * self.num_envs
        self.reset_infos = [_of(infos, i) for i in range(self.num_envs)]
        return obs

    def step_async(self, actions: np.ndarray) -> None:
        """Take note of the actions."""
        self._taken = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Take the step; return observations, rewards `[n]` of float32, ends `[n]` and an info each."""
        obs, rewards, terminated, truncated, infos = self.many.step(self._taken)
        told = [_of(infos, i) for i in range(self.num_envs)]
        dones = terminated | truncated
        for i, info in enumerate(told):
            info["TimeLimit.truncated"] = bool(truncated[i] and not terminated[i])
        for i in np.flatnonzero(dones).tolist():
            told[i]["terminal_observation"] = infos["final_obs"][i]
            self.reset_infos[i] = _of(infos, i)
        return obs, rewards.astype(np.float32), dones, told

    def close(self) -> None:
        """Release nothing: there is nothing to release."""

    def get_attr(self, attr_name: str, indices: Indices = None) -> list[Any]:
        """Return an attribute of some episodes."""
        return [getattr(one, attr_name) for one in self._some(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Indices = None) -> None:
        """Set an attribute of some episodes."""
        for one in self._some(indices):
            setattr(one, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: Indices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method of some episodes, such as `action_masks`."""
        return [getattr(one, method_name)(*method_args, **method_kwargs) for one in self._some(indices)]

    def env_is_wrapped(self, wrapper_class: type, indices: Indices = None) -> list[bool]:
        """Return that no episode is within a wrapper of Gymnasium's."""
        return [False for _ in self._some(indices)]

    def _some(self, indices: Indices) -> list[Episode]:
        if indices is None:
            return self.episodes
        return [self.episodes[i] for i in ([indices] if isinstance(indices, int) else indices)]


def _of(infos: dict[str, Any], index: int) -> dict[str, Any]:
    """Return the info of one episode, without what Gymnasium tells of its end."""
    names = [one for one in infos if not one.startswith(("_", "final_"))]
    return {one: infos[one][index] for one in names}
