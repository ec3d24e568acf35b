"""The contract of stable-baselines3's `VecEnv`, over a stand-in for it, and over itself where it is."""

import sys
import types

import numpy as np
import pytest

from ansatz.rl import sb3
from ansatz.rl.env import Discrete
from ansatz.rl.envs.deep_sea import DeepSea
from ansatz.rl.envs.probes import Endless, Forbidden
from ansatz.rl.wrappers import TimeLimit

pytest.importorskip("gymnasium", reason="the extra 'gym' is not installed")


class VecEnv:
    """What `VecEnv` of stable-baselines3 2 does in its constructor, and its methods that are not abstract."""

    def __init__(self, num_envs, observation_space, action_space):
        self.num_envs, self.observation_space, self.action_space = num_envs, observation_space, action_space
        self.reset_infos = [{} for _ in range(num_envs)]
        self._seeds = [None] * num_envs
        modes = self.get_attr("render_mode")
        assert all(mode == modes[0] for mode in modes)

    def seed(self, seed):
        self._seeds = [seed + i for i in range(self.num_envs)]
        return self._seeds

    def step(self, actions):
        self.step_async(actions)
        return self.step_wait()


@pytest.fixture
def to_sb3(monkeypatch):
    """`to_sb3` over the stand-in."""
    module = types.ModuleType("stable_baselines3.common.vec_env")
    module.VecEnv = VecEnv  # type: ignore[attr-defined]
    for name in ("stable_baselines3", "stable_baselines3.common"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    sb3._vec_env.cache_clear()
    yield sb3.to_sb3
    sb3._vec_env.cache_clear()


def test_four_are_returned_and_ends_restart(to_sb3):
    env = to_sb3(DeepSea(3, None), 2)
    assert isinstance(env, VecEnv) and env.reset().tolist() == [0, 0]
    for _ in range(2):
        obs, rewards, dones, infos = env.step(np.asarray([1, 0]))
        assert rewards.dtype == np.float32 and not dones.any()
        assert infos == [{"TimeLimit.truncated": False}] * 2
    obs, rewards, dones, infos = env.step(np.asarray([1, 0]))
    assert obs.tolist() == [0, 0] and dones.tolist() == [True, True]
    assert rewards.tolist() == pytest.approx([1 - 0.01 / 3, 0.0])
    assert infos == [{"TimeLimit.truncated": False, "terminal_observation": 9}] * 2


def test_a_cut_is_told_from_an_end(to_sb3):
    env = to_sb3(TimeLimit(Endless(), 2), 1)
    env.reset()
    env.step(np.asarray([0]))
    obs, _, dones, infos = env.step(np.asarray([0]))
    assert dones.all() and infos[0]["TimeLimit.truncated"] is True
    assert np.array_equal(infos[0]["terminal_observation"], obs[0])
    both = to_sb3(TimeLimit(DeepSea(1), 1), 1)
    both.reset()
    assert both.step(np.asarray([0]))[3][0]["TimeLimit.truncated"] is False


def test_masks_are_a_method_of_each_episode(to_sb3):
    env = to_sb3(Forbidden(), 3)
    env.reset()
    assert np.stack(env.env_method("action_masks")).tolist() == [[True, True, False]] * 3
    assert [mask.tolist() for mask in env.env_method("action_masks", indices=1)] == [[True, True, False]]
    assert len(env.get_attr("action_masks", indices=[0, 2])) == 2
    assert env.step(np.zeros(3, int))[3][0]["action_mask"].tolist() == [1, 1, 0]
    free = to_sb3("CartPole-v1", 2)
    free.reset()
    assert np.stack(free.env_method("action_masks")).all()


def test_attributes_seeds_and_drawings(to_sb3):
    env = to_sb3("CartPole-v1", 2, seed=5)
    first = env.reset()
    assert not np.array_equal(env.reset(), first)
    assert env.seed(5) == [5, 6]
    assert np.array_equal(env.reset(), first)
    env.set_attr("mark", 3, indices=0)
    assert env.get_attr("mark", 0) == [3]
    with pytest.raises(AttributeError):
        env.get_attr("mark")
    assert env.env_is_wrapped(object) == [False, False]
    assert all("⠀" in drawn for drawn in env.env_method("render"))
    env.close()


def test_without_it_a_sentence_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "stable_baselines3", None)
    sb3._vec_env.cache_clear()
    with pytest.raises(ModuleNotFoundError, match="pip install stable-baselines3"):
        sb3.to_sb3("CartPole-v1")


REASON = "stable-baselines3 needs torch, and runs where a user installed it"


def test_it_trains_there():
    algorithms = pytest.importorskip("stable_baselines3", reason=REASON)
    env = sb3.to_sb3(Forbidden(), 4, seed=0)
    assert isinstance(env, algorithms.common.vec_env.VecEnv)
    model = algorithms.A2C("MlpPolicy", sb3.to_sb3("CartPole-v1", 4), seed=0).learn(400)
    assert model.num_timesteps == 400
    assert isinstance(env.many.env.actions, Discrete)


def test_masked_actions_are_never_taken_there():
    contrib = pytest.importorskip("sb3_contrib", reason=REASON)
    env = sb3.to_sb3(Forbidden(), 4, seed=0)
    model = contrib.MaskablePPO("MlpPolicy", env, n_steps=64, learning_rate=1e-2, seed=0).learn(4096)
    assert model.rollout_buffer.actions.max() == 1
    masks = np.stack(env.env_method("action_masks"))
    assert model.predict(env.reset(), action_masks=masks, deterministic=True)[0].tolist() == [1] * 4
