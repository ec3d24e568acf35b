"""stable-baselines3 on an environment of Gymnasium: prints its rate, or its returns, as JSON.

Usage: sb3_train.py SETTINGS, a JSON object:

- `algorithm`: PPO, A2C, DQN, SAC or TRPO; `env`: the name; `envs`: how many side by side.
- `total`: steps of the environment; `warm`: so many before the clock starts.
- `settings`: keyword arguments of the algorithm; `schedule`: "linear" lets rate and clip fall to 0.
- `normalize`: standardize observations and scale rewards, as VecNormalize does.
- `seed`, `threads`; `episodes`: evaluate on so many, deterministically, at the end; `watch`: and on 20 of
  them every so many steps.
"""

import json
import sys
import time

import gymnasium
import numpy as np
import stable_baselines3 as sb3
import torch
from sb3_contrib import TRPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecNormalize

KINDS = {"PPO": sb3.PPO, "A2C": sb3.A2C, "DQN": sb3.DQN, "SAC": sb3.SAC, "TRPO": TRPO}
FALLING = ("learning_rate", "clip_range")


class Watch(BaseCallback):
    """Evaluates every so many steps, with the clock stopped."""

    def __init__(self, evaluate, every, total):
        super().__init__()
        self.evaluate, self.every, self.curve = evaluate, every, []
        self.paused = self.paused_cpu = 0.0

    def _on_step(self):
        if self.every and self.num_timesteps // self.every > len(self.curve):
            begun, cpu = time.perf_counter(), time.process_time()
            self.curve.append([self.num_timesteps, float(np.mean(self.evaluate(20)))])
            self.paused += time.perf_counter() - begun
            self.paused_cpu += time.process_time() - cpu
        return True


def main(asked):
    """Train, and print what was measured."""
    torch.set_num_threads(asked.get("threads", 2))
    env = make_vec_env(asked["env"], n_envs=asked.get("envs", 1), seed=asked.get("seed", 0))
    normalize = asked.get("normalize", False)
    if normalize:
        env = VecNormalize(env, gamma=asked["settings"].get("gamma", 0.99))
    settings = dict(asked["settings"])
    if asked.get("schedule") == "linear":
        for name in FALLING:
            if name in settings:
                start = settings[name]
                settings[name] = lambda left, start=start: left * start
    model = KINDS[asked["algorithm"]](
        "MlpPolicy", env, seed=asked.get("seed", 0), device="cpu", verbose=0, **settings
    )
    held = make_vec_env(asked["env"], n_envs=1, seed=10_000 + asked.get("seed", 0))
    if normalize:
        held = VecNormalize(held, training=False, norm_reward=False)

    def evaluate(episodes):
        if normalize:
            held.obs_rms = env.obs_rms
        return evaluate_policy(model, held, episodes, deterministic=True, return_episode_rewards=True)[0]

    if warm := asked.get("warm", 0):
        model.learn(warm)
    watch = Watch(evaluate, asked.get("watch", 0), asked["total"])
    begun, cpu = time.perf_counter(), time.process_time()
    model.learn(asked["total"], callback=watch, reset_num_timesteps=True)
    seconds = time.perf_counter() - begun - watch.paused
    cpu = time.process_time() - cpu - watch.paused_cpu
    found = {
        "steps": model.num_timesteps, "seconds": seconds, "cpu_seconds": cpu,
        "rate": model.num_timesteps / seconds, "curve": watch.curve,
        "torch": torch.__version__, "sb3": sb3.__version__, "gymnasium": gymnasium.__version__,
    }  # fmt: skip
    if asked.get("episodes"):
        found["returns"] = list(map(float, evaluate(asked["episodes"])))
    print(json.dumps(found))


if __name__ == "__main__":
    main(json.loads(sys.argv[-1]))
