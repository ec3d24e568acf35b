"""Environments of Gymnasium's that step together, whichever way they restart: what a host loop sees."""

from collections.abc import Callable
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from ansatz.errors import BadInput
from ansatz.rl.hosted_spaces import observed, performed

MASK = "action_mask"


class Seen(NamedTuple):
    """What a step of E environments led to, before any restart; `real` is false where it only restarted."""

    next_obs: np.ndarray
    next_legal: np.ndarray | None
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    real: np.ndarray


class Outside:
    """E environments that step together, and where they stand: `obs: [E, ...]`, `legal: [E, n]`.

    `count` is the number of steps since they were begun: who finds another number than he left was
    interrupted by somebody else.
    """

    acting: gymnasium.Space
    shown: gymnasium.Space
    name: str
    number: int | None = None
    solved: float | None = None
    """The return from which on Gymnasium calls it solved."""
    restarts: bool = True

    def __init__(self):
        self.count = -1
        self.obs: Any = None
        self.legal: np.ndarray | None = None

    def __eq__(self, other: object) -> bool:
        # Nothing of them is compiled: a program for one serves all.
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def tells_mask(self) -> bool:
        """Tell whether the info of a reset has a mask."""
        raise NotImplementedError

    def apart(self) -> "Outside":
        """Return others like these, to be judged in; these themselves where they cannot be copied."""
        return self

    def filmed(self) -> "Outside":
        """Return others like these that draw themselves, where that can be."""
        return self.apart()

    def drawn(self) -> Any:
        """Return the drawing of the first: pixels `[h, w, 3]`, a text, or None."""
        return None

    def begin(self, number: int, seed: int) -> None:
        """Begin so many episodes, the i-th seeded with `seed` + i."""
        raise NotImplementedError

    def step(self, actions: np.ndarray) -> Seen:
        """Take an action in each, and restart those that have ended."""
        raise NotImplementedError

    def masks(self, infos: Any, number: int) -> np.ndarray | None:
        """Return what is legal, `[E, n]`, all of it where nothing is said."""
        if not isinstance(self.acting, gymnasium.spaces.Discrete):
            return None
        legal = np.ones((number, int(self.acting.n)), bool)
        for i in range(number):
            if (mask := infos(i)) is not None:
                if np.shape(mask) != legal[i].shape:
                    raise BadInput(
                        f"{self.name} has {legal.shape[1]} actions and a mask of the shape {np.shape(mask)}."
                    )
                legal[i] = np.asarray(mask, bool)
        return legal

    def check(self, obs: Any, reward: Any, over: Any) -> None:
        """Refuse what is nan or infinite, and, but where an episode is `over`, that nothing is legal."""
        wrong = {
            "an observation is not finite": not np.isfinite(np.asarray(obs, float)).all(),
            "a reward is not finite": not np.isfinite(np.asarray(reward, float)).all(),
            f"every action is illegal by its {MASK}": self.legal is not None
            and not (self.legal.any(1) | over).all(),
        }
        for fault, met in wrong.items():
            if met:
                raise BadInput(f"{self.name} cannot be learned: {fault} (met in step {self.count}).")


class Copies(Outside):
    """Environments of Gymnasium's, one by one, each restarting as soon as it has ended."""

    def __init__(self, first: gymnasium.Env, make: Callable[..., Any] | None, restarts: bool = True):
        super().__init__()
        self.envs, self.make, self.restarts = [first], make, restarts
        self.acting, self.shown = first.action_space, first.observation_space
        spec = first.spec
        self.name = spec.id if spec is not None else type(first.unwrapped).__name__
        self.solved = None if spec is None else spec.reward_threshold
        self._apart: Outside | None = None

    def tells_mask(self) -> bool:
        """Tell whether the info of a reset has a mask."""
        return MASK in self.envs[0].reset(seed=0)[1]

    def apart(self) -> Outside:
        """Return copies of these, made once; these themselves where they cannot be copied."""
        if self._apart is None:
            try:
                self._apart = Copies(self._another(), self.make)
            except BadInput:
                self._apart = self
        return self._apart

    def filmed(self) -> Outside:
        """Return a copy of one that draws itself as pixels or text, if it can, and never restarts."""
        modes = self.envs[0].metadata.get("render_modes") or ()
        for mode in (one for one in ("rgb_array", "ansi") if one in modes):
            try:
                return Copies(self._another(render_mode=mode), None, restarts=False)
            except (BadInput, TypeError):
                continue
        return self.apart()

    def drawn(self) -> Any:
        """Return the drawing of the first: pixels `[h, w, 3]`, a text, or None."""
        env = self.envs[0]
        if env.render_mode not in ("rgb_array", "ansi"):
            return None
        try:
            return env.render()
        except gymnasium.error.DependencyNotInstalled as error:
            return f"It cannot be drawn: {error}"

    def begin(self, number: int, seed: int) -> None:
        """Begin so many episodes."""
        while len(self.envs) < number:
            self.envs.append(self._another())
        begun = [env.reset(seed=seed + i) for i, env in enumerate(self.envs[:number])]
        self.count, self.obs = 0, observed(self.shown, [obs for obs, _ in begun])
        self.legal = self.masks(lambda i: begun[i][1].get(MASK), number)
        self.check(self.obs, 0.0, False)

    def step(self, actions: np.ndarray) -> Seen:
        """Take an action in each, and restart those that have ended."""
        done = performed(self.acting, actions)
        steps = [env.step(_one(action)) for env, action in zip(self.envs, done, strict=False)]
        obs, reward, terminated, truncated, infos = (list(part) for part in zip(*steps, strict=True))
        after = observed(self.shown, obs)
        legal = self.masks(lambda i: infos[i].get(MASK), len(done))
        for i in np.flatnonzero(np.asarray(terminated) | np.asarray(truncated)) if self.restarts else ():
            obs[i], infos[i] = self.envs[i].reset()
        self.count += 1
        self.obs = observed(self.shown, obs)
        self.legal = self.masks(lambda i: infos[i].get(MASK), len(done))
        self.check(after, reward, not self.restarts)
        return _seen(after, legal, reward, terminated, truncated, np.ones(len(done), bool))

    def _another(self, **more: Any) -> gymnasium.Env:
        if self.make is not None:
            return self.make(**more)
        spec = self.envs[0].spec
        try:
            if spec is not None:
                return gymnasium.make(spec, **more)
        except (ValueError, gymnasium.error.Error):
            pass
        raise BadInput(
            f"{self.name} cannot be copied, since Gymnasium does not know how it was made: say envs=1, or "
            "give hosted a function that makes it, as in hosted(lambda: make())."
        )


class Vectorised(Outside):
    """A vectorised environment of Gymnasium's, in any of its modes of restarting."""

    def __init__(self, env: gymnasium.vector.VectorEnv):
        super().__init__()
        self.env, self.number = env, env.num_envs
        self.acting, self.shown = env.single_action_space, env.single_observation_space
        self.name = env.spec.id if env.spec is not None else type(env.unwrapped).__name__
        self.solved = None if env.spec is None else env.spec.reward_threshold
        try:
            self.mode = AutoresetMode(env.metadata.get("autoreset_mode"))
        except ValueError as error:
            raise BadInput(
                f"{self.name} does not say how it restarts: its metadata need an autoreset_mode, one of "
                f"{', '.join(mode.value for mode in AutoresetMode)}."
            ) from error
        self.over = np.zeros(env.num_envs, bool)

    def tells_mask(self) -> bool:
        """Tell whether the infos of a reset have masks."""
        return MASK in self.env.reset(seed=0)[1]

    def begin(self, number: int, seed: int) -> None:
        """Begin so many episodes."""
        if number != self.number:
            raise BadInput(
                f"{self.name} is vectorised over {self.number} episodes and the algorithm plays {number}: "
                f"say envs={self.number}."
            )
        obs, infos = self.env.reset(seed=seed)
        self.count, self.over = 0, np.zeros(number, bool)
        self.obs, self.legal = observed(self.shown, obs), self._legal(infos)
        self.check(self.obs, 0.0, False)

    def step(self, actions: np.ndarray) -> Seen:
        """Take an action in each; those that have ended restart as the mode says."""
        obs, reward, terminated, truncated, infos = self.env.step(performed(self.acting, actions))
        terminated, truncated = np.array(terminated, bool), np.array(truncated, bool)
        ended, real = terminated | truncated, np.ones(len(terminated), bool)
        now, legal = observed(self.shown, obs), self._legal(infos)
        after, after_legal = now.copy(), legal
        if self.mode is AutoresetMode.NEXT_STEP:
            real, self.over = ~self.over, ended
        elif ended.any() and self.mode is AutoresetMode.SAME_STEP:
            final = infos["final_obs"]
            after[ended] = observed(self.shown, [final[i] for i in np.flatnonzero(ended)])
            after_legal = _where(ended, self._legal(infos.get("final_info", {})), legal)
        elif ended.any():
            fresh, told = self.env.reset(options={"reset_mask": ended.copy()})
            now[ended] = observed(self.shown, fresh)[ended]
            legal = _where(ended, self._legal(told), legal)
        self.count, self.obs, self.legal = self.count + 1, now, legal
        self.check(after, reward, self.over)
        return _seen(after, after_legal, reward, terminated, truncated, real)

    def _legal(self, infos: Any) -> np.ndarray | None:
        told = infos.get(f"_{MASK}", np.zeros(self.env.num_envs, bool))
        return self.masks(lambda i: infos[MASK][i] if told[i] else None, self.env.num_envs)


def _seen(obs: Any, legal: Any, reward: Any, terminated: Any, truncated: Any, real: Any) -> Seen:
    paid, ended, cut = (
        np.asarray(reward, np.float32),
        np.asarray(terminated, bool),
        np.asarray(truncated, bool),
    )
    return Seen(obs, legal, paid, ended, cut, real)


def _one(action: Any) -> Any:
    """Return an index as a number of Python's, which every environment takes."""
    return int(action) if np.ndim(action) == 0 else action


def _where(which: np.ndarray, yes: np.ndarray | None, no: np.ndarray | None) -> np.ndarray | None:
    return None if yes is None or no is None else np.where(which[:, None], yes, no)
