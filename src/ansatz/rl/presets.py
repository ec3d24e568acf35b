"""The settings that an algorithm begins with in an environment, where they are not its usual ones.

Those of classic control and Kuhn poker were tried with several seeds, those of the puzzles and the lander
with one; the line of Leduc poker is less certain.  `total_steps` is the number of steps of the environment
that a line is for.  The settings of Stable-Baselines3's RL Zoo were the place to begin.
"""

from collections.abc import Mapping
from typing import Any

PRESETS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("ppo", "CartPole-v1"): {
        "total_steps": 100_000, "envs": 8, "steps": 32, "passes": 20, "minibatches": 1, "gamma": 0.98,
        "lam": 0.8, "learning_rate": 1e-3, "clip_schedule": "linear",
    },
    ("ppo", "Acrobot-v1"): {
        "total_steps": 500_000, "envs": 16, "steps": 256, "passes": 4, "minibatches": 16, "lam": 0.94,
        "normalize": True, "scale": True,
    },
    ("ppo", "MountainCar-v0"): {
        "total_steps": 1_000_000, "envs": 16, "steps": 200, "passes": 4, "minibatches": 8, "lam": 0.98,
        "learning_rate": 1e-3, "normalize": True, "scale": True,
    },
    ("ppo", "Pendulum-v1"): {
        "total_steps": 100_000, "envs": 4, "steps": 256, "passes": 10, "minibatches": 16, "gamma": 0.9,
        "lam": 0.95, "learning_rate": 1e-3, "scale": True,
    },
    ("ppo", "MountainCarContinuous-v0"): {
        "total_steps": 200_000, "envs": 8, "steps": 256, "passes": 10, "minibatches": 8, "gamma": 0.999,
        "lam": 0.95, "normalize": True, "scale": True,
    },
    ("ppo", "LunarLander-v3"): {
        "total_steps": 1_000_000, "envs": 16, "steps": 1024, "passes": 4, "minibatches": 256, "gamma": 0.999,
        "lam": 0.98, "entropy_factor": 0.01,
    },
    ("a2c", "CartPole-v1"): {"total_steps": 500_000, "schedule": "linear"},
    ("a2c", "Acrobot-v1"): {
        "total_steps": 500_000, "envs": 16, "normalize": True, "scale": True, "schedule": "linear",
    },
    ("a2c", "MountainCar-v0"): {
        "total_steps": 1_000_000, "envs": 16, "normalize": True, "scale": True,
    },
    ("a3c", "CartPole-v1"): {"total_steps": 500_000, "envs": 8, "schedule": "linear"},
    ("trpo", "CartPole-v1"): {
        "total_steps": 100_000, "envs": 4, "steps": 512, "gamma": 0.98, "passes": 20, "minibatches": 8,
    },
    ("trpo", "Acrobot-v1"): {
        "total_steps": 100_000, "envs": 2, "steps": 1024, "normalize": True, "scale": True,
    },
    ("trpo", "MountainCar-v0"): {
        "total_steps": 100_000, "envs": 2, "steps": 1024, "normalize": True, "scale": True,
    },
    ("dqn", "CartPole-v1"): {
        "total_steps": 50_000, "steps": 8, "batches": 8, "batch": 128, "capacity": 20_000, "dueling": True,
        "target_every": 8, "target_share": 0.02, "explored": 0.16, "last": 0.02, "schedule": "linear",
        "width": 128,
    },
    ("dqn", "Acrobot-v1"): {
        "total_steps": 100_000, "steps": 4, "batches": 4, "batch": 128, "target_every": 256,
        "explored": 0.12, "last": 0.05, "learning_rate": 6.3e-4, "width": 128,
    },
    ("dqn", "MountainCar-v0"): {
        "total_steps": 120_000, "steps": 16, "batches": 8, "batch": 128, "capacity": 10_000,
        "target_every": 608, "gamma": 0.98, "last": 0.07, "learning_rate": 4e-3, "width": 256,
    },
    ("sac", "Pendulum-v1"): {"total_steps": 20_000},
    ("q-learning", "FrozenLake-v1"): {"total_steps": 1_000_000, "envs": 16, "learning_rate": 0.2},
    ("q-learning", "FrozenLake8x8-v1"): {
        "total_steps": 2_000_000, "envs": 16, "learning_rate": 0.3, "gamma": 0.999,
    },
    ("q-learning", "Taxi-v4"): {"total_steps": 500_000, "envs": 16},
    ("q-learning", "CliffWalking-v1"): {"total_steps": 200_000, "gamma": 1.0},
    ("sarsa", "CliffWalking-v1"): {"total_steps": 200_000, "gamma": 1.0},
    ("self-play", "KuhnPoker"): {
        "total_steps": 8_192_000, "envs": 128, "steps": 32, "passes": 1, "width": 32, "learning_rate": 2e-3,
        "last_rate": 2e-5, "temperature": 0.2, "last_temperature": 0.05, "measured": 20,
    },
    ("self-play", "LeducPoker"): {
        "total_steps": 40_960_000, "envs": 512, "steps": 16, "passes": 1, "width": 128, "last_rate": 2e-5,
        "temperature": 0.5, "last_temperature": 0.2, "measured": 100,
    },
    ("curriculum", "Puzzle8"): {"total_steps": 2_048_000, "longest": 50},
    ("curriculum", "Cube2"): {
        "total_steps": 8_192_000, "deepest": 20, "kept": 0, "longest": 20, "width": 384,
        "expansions": 400,
    },
}  # fmt: skip

TOTAL_STEPS = 100_000
"""The steps of the environment where nothing else is said."""


def preset(algorithm: str, env: str) -> dict[str, Any]:
    """Return the tuned settings of an algorithm in the environment of this name, none where there are none.

    >>> preset("sac", "Pendulum-v1")
    {'total_steps': 20000}
    """
    return dict(PRESETS.get((algorithm, env), {}))
