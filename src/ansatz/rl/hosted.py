"""Any environment of Gymnasium trains here: `fit(PPO(), hosted(gymnasium.make("LunarLander-v3")), steps=…)`.

Its steps are taken in Python; acting and learning are compiled.  A2C, PPO, TRPO, DQN and SAC train so, and
their batches are those of a compiled environment:

- *terminated* is an end, *truncated* a cut, bootstrapped from the observation before the restart;
- a single environment restarts at once; a vectorised one as its mode says, and a step that only restarts is
  no step of an episode;
- `action_mask` in the info says what is legal;
- numbers are brought into the bounds of a `Box` before they are done, and learned from as they were drawn.
"""

from typing import Any, ClassVar, NoReturn

import equinox as eqx
import jax
import numpy as np

try:
    import gymnasium
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "Gymnasium is not installed, which ansatz.rl.hosted is for: pip install 'ansatz[gym]'.",
        name=error.name,
    ) from error

from ansatz.errors import BadInput
from ansatz.rl.env import Box, Discrete, Env
from ansatz.rl.hosted_envs import Copies, Outside, Vectorised
from ansatz.rl.hosted_play import bound
from ansatz.rl.hosted_spaces import action_space, observation_space
from ansatz.rl.rollout import check_sizes


class Hosted(Env):
    """An environment of Gymnasium's among ours, as `hosted` makes it; `masked`: it says what is legal."""

    host: ClassVar[bool] = True
    outside: Any = eqx.field(static=True)
    acting: Discrete | Box
    shown: Discrete | Box
    masked: bool = eqx.field(static=True)

    @property
    def actions(self) -> Discrete | Box:
        """The space of the actions."""
        return self.acting

    @property
    def observations(self) -> Discrete | Box:
        """The space of the observations."""
        return self.shown

    def reset(self, key: Any) -> NoReturn:
        """Refuse: there is no pure function of it."""
        raise BadInput(
            f"{self.outside.name} is played in Python, a step at a time. A2C, PPO, TRPO, DQN and SAC train "
            "in it, and ansatz.rl.hosted.evaluate plays it; all else needs an environment of pure functions."
        )

    def step(self, state: Any, action: Any, key: Any) -> NoReturn:
        """Refuse: there is no pure function of it."""
        self.reset(key)

    def observe(self, state: Any) -> NoReturn:
        """Refuse: there is no pure function of it."""
        self.reset(None)


def hosted(env: Any, masked: bool | None = None) -> Hosted:
    """Return an environment of Gymnasium's as one that algorithms of this package train in.

    - `env`: a `gymnasium.Env`, of which as many copies are made as the algorithm plays, by its `spec`; a
      function that makes one; or a `gymnasium.vector.VectorEnv` of as many as the algorithm's `envs`;
    - `masked`: whether illegal actions are masked by `action_mask` of the info; None: if there is one.

    >>> env = hosted(gymnasium.make("CartPole-v1"))
    >>> env.actions, env.observations.shape, env.masked
    (Discrete(n=2), (4,), False)

    Raises:
        BadInput: it is none of these, or its observations or actions are of a kind that is not learned from.
    """
    if isinstance(env, gymnasium.vector.VectorEnv):
        outside: Outside = Vectorised(env)
    elif isinstance(env, gymnasium.Env):
        outside = Copies(env, None)
    elif callable(env) and isinstance(made := env(), gymnasium.Env):
        outside = Copies(made, env)
    else:
        raise BadInput(
            "hosted takes an environment of Gymnasium's (gymnasium.Env or gymnasium.vector.VectorEnv) or a "
            f"function that makes one, not {type(env).__name__}."
        )
    actions, shown = action_space(outside.acting), observation_space(outside.shown)
    found = outside.tells_mask() if masked is None else masked
    if found and not isinstance(actions, Discrete):
        raise BadInput(f"{outside.name} has continuous actions, of which none is illegal.")
    return Hosted(outside, actions, shown, found)


def evaluate(
    env: Hosted, model: Any, episodes: int = 100, seed: int = 0, most: int = 1_000_000
) -> np.ndarray:
    """Return the returns `[episodes]` of a model's likeliest actions, in at most `most` steps in all."""
    check_sizes(episodes=episodes, most=most)
    outside, act = env.outside, bound(_best, model)
    envs = outside.number or 1
    outside.begin(envs, seed)
    # Each copy plays its share: the first episodes to end, taken from all copies, would be the short ones.
    share = [episodes // envs + (i < episodes % envs) for i in range(envs)]
    total, returns = np.zeros(envs), [[] for _ in range(envs)]
    for _ in range(most):
        seen = outside.step(np.asarray(act(outside.obs, outside.legal if env.masked else None)))
        total += np.where(seen.real, seen.reward, 0)
        for i in np.flatnonzero((seen.terminated | seen.truncated) & seen.real):
            returns[i] += [total[i]] if len(returns[i]) < share[i] else []
            total[i] = 0
        if all(len(one) == quota for one, quota in zip(returns, share, strict=True)):
            outside.count = -1
            return np.concatenate(returns).astype(np.float32)
    raise BadInput(
        f"{outside.name} had not ended {episodes} episodes after {most} steps: give it a time limit, as "
        "gymnasium.wrappers.TimeLimit does."
    )


def _best(model: Any, obs: Any, legal: Any) -> Any:
    return jax.vmap(model.act)(obs, legal)
