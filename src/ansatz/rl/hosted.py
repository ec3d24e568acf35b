"""Any environment of Gymnasium trains here: `fit(PPO(), hosted(gymnasium.make("LunarLander-v3")), steps=…)`.

Its steps are taken in Python; acting and learning are compiled.  A2C, PPO, TRPO, DQN and SAC train so, and
their batches are those of a compiled environment:

- *terminated* is an end, *truncated* a cut, bootstrapped from the observation before the restart;
- a single environment restarts at once; a vectorised one as its mode says, and a step that only restarts is
  no step of an episode;
- `action_mask` in the info says what is legal;
- numbers are brought into the bounds of a `Box` before they are done, and learned from as they were drawn.

`ansatz.rl.evaluate` judges what was learned, and `play` does it all from a name, "gymnasium:LunarLander-v3".
The same key gives the same bits where an environment, once seeded, is deterministic.  None can be saved: a
run that is resumed has its parameters, optimizer, replay and schedule to the bit, and begins new episodes.
"""

from typing import Any, ClassVar, NoReturn

import equinox as eqx

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
from ansatz.rl.hosted_spaces import action_space, observation_space


class Hosted(Env):
    """An environment of Gymnasium's among ours, as `hosted` makes it; `masked`: it says what is legal."""

    host: ClassVar[bool] = True
    outside: Any = eqx.field(static=True)
    acting: Discrete | Box
    shown: Discrete | Box
    masked: bool = eqx.field(static=True)

    @property
    def name(self) -> str:
        """What Gymnasium calls it."""
        return self.outside.name

    @property
    def solved(self) -> float | None:
        """The return from which on Gymnasium calls it solved."""
        return self.outside.solved

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
            "in it, and ansatz.rl.evaluate judges it; all else needs an environment of pure functions."
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
      function that makes one (it is filmed if that takes a `render_mode`); or a
      `gymnasium.vector.VectorEnv` of as many as the algorithm's `envs`;
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
