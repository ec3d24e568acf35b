"""The algorithms by the names that users know them by: `algorithm("ppo")`.

An algorithm gets a name by one line in `ALGORITHMS`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ansatz._spelling import choose
from ansatz.core import BadInput, Recipe
from ansatz.rl.a2c import A2C
from ansatz.rl.a3c import A3C
from ansatz.rl.alphazero import AlphaZero
from ansatz.rl.dqn import DQN
from ansatz.rl.env import Discrete, Env
from ansatz.rl.lookahead import PolicyIteration
from ansatz.rl.ppo import PPO
from ansatz.rl.qlearning import QLearning
from ansatz.rl.reinforce import REINFORCE
from ansatz.rl.sac import SAC
from ansatz.rl.selfplay import SelfPlay
from ansatz.rl.solving import CurriculumIteration
from ansatz.rl.trpo import TRPO
from ansatz.rl.value_iteration import ValueIteration


class Algorithm(NamedTuple):
    """A recipe, the fields by which a name fixes it, and what it is in a few words."""

    recipe: type[Recipe]
    fixed: Mapping[str, Any]
    words: str


ALGORITHMS: Mapping[str, Algorithm] = {
    "ppo": Algorithm(PPO, {}, "proximal policy optimization: clipped ratios, several passes"),
    "a2c": Algorithm(A2C, {}, "advantage actor-critic: one gradient a rollout"),
    "a3c": Algorithm(A3C, {}, "asynchronous A2C: a simulation whose gradients are as old as `delays` say"),
    "trpo": Algorithm(TRPO, {}, "trust region policy optimization: a natural gradient under a bound on KL"),
    "reinforce": Algorithm(REINFORCE, {}, "policy gradient of whole episodes"),
    "dqn": Algorithm(DQN, {}, "deep Q-learning: double, replay, target network"),
    "sac": Algorithm(SAC, {}, "soft actor-critic: entropy at a learned temperature"),
    "q-learning": Algorithm(QLearning, {"rule": "q"}, "a table of Q(s, a), off-policy"),
    "sarsa": Algorithm(QLearning, {"rule": "sarsa"}, "a table of Q(s, a), on-policy"),
    "alphazero": Algorithm(AlphaZero, {}, "a network that learns what tree search found"),
    "self-play": Algorithm(SelfPlay, {}, "PPO in every seat of a game, drawn to a magnet"),
    "policy-iteration": Algorithm(PolicyIteration, {}, "a value function, one step ahead"),
    "value-iteration": Algorithm(ValueIteration, {}, "a value function that learns what a look ahead says"),
    "curriculum": Algorithm(
        CurriculumIteration, {}, "value iteration from the goal backwards; judged with A* search too"
    ),
}


def algorithm(name: str) -> Algorithm:
    """Return the algorithm of a name.

    >>> algorithm("sarsa").fixed
    {'rule': 'sarsa'}

    Raises:
        BadInput: there is none; the sentence has the nearest spelling.
    """
    return choose("algorithm", name, ALGORITHMS)


def usual_algorithm(env: Env) -> str:
    """Return the algorithm that is tried first in an environment.

    >>> from ansatz.rl.envs.names import make
    >>> [usual_algorithm(make(name)) for name in ("CartPole-v1", "FrozenLake-v1", "Pendulum-v1")]
    ['ppo', 'q-learning', 'sac']
    """
    if env.players > 1:
        return "self-play"
    if not isinstance(env.actions, Discrete):
        return "sac"
    return "q-learning" if isinstance(env.observations, Discrete) and not env.host else "ppo"


def steps_of(recipe: Any) -> int:
    """Return how many steps of the environment a step of the run takes, at most.

    >>> steps_of(PPO(envs=8, steps=32))
    256
    """
    copies = recipe.envs if hasattr(recipe, "envs") else recipe.games
    return copies * getattr(recipe, "steps", 1)


def runs_for(recipe: Any, total: int) -> int:
    """Return the steps of the run that take at least `total` steps of the environment."""
    if isinstance(total, bool) or not isinstance(total, int) or total < 1:
        raise BadInput(f"A training takes at least one step of the environment, not {total!r}.")
    return -(-total // steps_of(recipe))
