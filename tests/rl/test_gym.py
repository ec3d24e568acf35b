"""As Gymnasium's environments: they pass its checker, and many at once do what one by one do, to the bit."""

import importlib
import sys
import warnings

import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.errors import BadInput
from ansatz.rl.env import Box, Discrete, Step
from ansatz.rl.envs.cartpole import CartPole
from ansatz.rl.envs.deep_sea import DeepSea
from ansatz.rl.envs.probes import Constant, Forbidden
from ansatz.rl.wrappers import History, TimeLimit

gymnasium = pytest.importorskip("gymnasium", reason="the extra 'gym' is not installed")
from gymnasium.utils.env_checker import check_env, data_equivalence  # noqa: E402
from gymnasium.vector import AutoresetMode, SyncVectorEnv  # noqa: E402

from ansatz.rl.gym import GymnasiumEnv, GymnasiumVectorEnv  # noqa: E402

NUMBER = 3
# Ends of both kinds, masks, indices, numbers and rows: what infos and observations can be.
KINDS = {
    "CartPole": TimeLimit(CartPole(), 12),
    "DeepSea": TimeLimit(DeepSea(4), 3),
    "History": History(TimeLimit(Constant(), 3), 2),
    "Forbidden": Forbidden(),
}
# What the checker says of environments that are right, Gymnasium's own among them.
REMARKS = ("minimum value is -infinity", "maximum value is infinity", "symmetric and normalized space")


@pytest.mark.parametrize("name", ["CartPole-v1", "Pendulum-v1", "Taxi-v4", "DeepSea"])
def test_gymnasiums_checker_passes(name):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        check_env(gymnasium.make(f"ansatz/{name}", render_mode="ansi").unwrapped)
    assert [str(one.message) for one in said if not any(known in str(one.message) for known in REMARKS)] == []


def same(one, two, where=""):
    """Compare infos or observations, object arrays entry by entry."""
    if isinstance(one, dict):
        assert one.keys() == two.keys(), where
        for name in one:
            same(one[name], two[name], f"{where}.{name}")
    elif isinstance(one, np.ndarray) and one.dtype == object:
        assert [a is None for a in one] == [b is None for b in two], where
        for a, b in zip(one, two, strict=True):
            assert a is None or data_equivalence(np.asarray(a), np.asarray(b), exact=True), where
    else:
        assert data_equivalence(one, two, exact=True), (where, one, two)


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
@pytest.mark.parametrize("kind", KINDS)
def test_many_at_once_are_many_one_by_one(kind, mode):
    env = KINDS[kind]
    ours = GymnasiumVectorEnv(env, NUMBER, mode)
    theirs = SyncVectorEnv([lambda: GymnasiumEnv(env)] * NUMBER, autoreset_mode=mode)
    assert ours.metadata["autoreset_mode"] is AutoresetMode(mode)
    assert ours.observation_space == theirs.observation_space and ours.action_space == theirs.action_space
    for one, two in zip(ours.reset(seed=7), theirs.reset(seed=7), strict=True):
        same(one, two)
    ours.action_space.seed(3)
    ended = 0
    for _ in range(30):
        actions = ours.action_space.sample()
        for one, two in zip(ours.step(actions), theirs.step(actions), strict=True):
            same(one, two)
        over = np.asarray(theirs._autoreset_envs)
        ended += over.sum()
        if mode == "Disabled" and over.any():
            for one, two in zip(
                ours.reset(options={"reset_mask": over.copy()}),
                theirs.reset(options={"reset_mask": over.copy()}),
                strict=True,
            ):
                same(one if isinstance(one, dict) else one[over], two if isinstance(two, dict) else two[over])
    assert ended


def test_final_observations_are_of_before_the_restart():
    env = GymnasiumVectorEnv(TimeLimit(DeepSea(3, None), 9), 2, "SameStep")
    env.reset(seed=0)
    for _ in range(2):
        *_, infos = env.step([1, 0])
        assert infos == {}
    obs, rewards, terminated, truncated, infos = env.step([1, 0])
    assert obs.tolist() == [0, 0] and terminated.all() and not truncated.any()
    assert rewards == pytest.approx([1 - 0.01 / 3, 0.0])
    assert infos["final_obs"].tolist() == [9, 9] and infos["_final_obs"].all() and infos["final_info"] == {}


class Poison(CartPole):
    """Steps from a state that is over give NaN, which may not be seen."""

    def step(self, state, action, key) -> Step:
        step = super().step(state, action, key)
        gone = jnp.abs(state[2]) > 12 * np.pi / 180
        spoiled = jnp.where(gone, jnp.nan, step.state)
        return step._replace(state=spoiled, obs=spoiled, reward=jnp.where(gone, jnp.nan, step.reward))


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_what_follows_an_end_is_never_needed(mode):
    env = GymnasiumVectorEnv(Poison(), 4, mode)
    env.reset(seed=1)
    ended = 0
    for _ in range(40):
        obs, rewards, terminated, _, _ = env.step(np.ones(4, int))
        assert np.isfinite(obs).all() and np.isfinite(rewards).all()
        ended += terminated.sum()
    assert ended > 4


def test_seeds_and_continuing():
    env = GymnasiumVectorEnv("CartPole-v1", 3)
    first, _ = env.reset(seed=[4, 5, 6])
    again, _ = env.reset(seed=4)
    assert np.array_equal(first, again)
    assert not np.array_equal(env.reset()[0], again)
    single = GymnasiumEnv("CartPole-v1")
    assert np.array_equal(single.reset(seed=5)[0], first[1])
    assert not np.array_equal(GymnasiumEnv("CartPole-v1").reset()[0], GymnasiumEnv("CartPole-v1").reset()[0])


def test_masks_and_drawings():
    env = gymnasium.make_vec("ansatz/Taxi-v4", 2, "vector_entry_point", render_mode="ansi")
    obs, infos = env.reset(seed=0)
    table = gymnasium.make("Taxi-v4").unwrapped
    for _ in range(20):
        assert [table.action_mask(int(one)).tolist() for one in obs] == infos["action_mask"].tolist()
        assert np.array_equal(env.action_masks(), infos["action_mask"].astype(bool))
        actions = [np.flatnonzero(mask)[0] for mask in infos["action_mask"]]
        obs, *_, infos = env.step(actions)
    assert all("┌─────────┐" in drawn for drawn in env.render())
    assert "action_mask" not in GymnasiumEnv(CartPole()).reset(seed=0)[1]
    assert GymnasiumVectorEnv(CartPole(), 2).action_masks().tolist() == [[True, True]] * 2
    assert gymnasium.make("ansatz/DeepSea", size=3).observation_space.n == 10


class Duel(CartPole):
    """Two players, in name."""

    players = 2


class Drifting(CartPole):
    """A state that changes its dtype."""

    def step(self, state, action, key) -> Step:
        return super().step(state, action, key)._replace(state=jnp.zeros(4, jnp.int32))


class Blind(CartPole):
    """An observation that is not in its space."""

    @property
    def observations(self):
        return Box((0.0,), (1.0,))


class Wordy(CartPole):
    """A mask of too many actions."""

    def legal(self, state):
        return jnp.ones(3, bool)


def ended(env):
    env.reset(seed=0)
    for _ in range(3):
        env.step(0)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: GymnasiumEnv(Duel()), "2 players"),
        (lambda: GymnasiumEnv(Drifting()), "int32.4.*float32.4"),
        (lambda: GymnasiumEnv(Blind()), "step of Blind"),
        (lambda: GymnasiumEnv(Wordy()), "legal of Wordy"),
        (lambda: GymnasiumEnv("CartPole"), "did you mean"),
        (lambda: GymnasiumEnv(CartPole(), render_mode="human"), "'human'"),
        (lambda: GymnasiumEnv(CartPole()).step(0), "call reset"),
        (lambda: ended(GymnasiumEnv(DeepSea(2))), "are over"),
        (lambda: GymnasiumVectorEnv(CartPole(), 0), "at least one episode"),
        (lambda: GymnasiumVectorEnv(CartPole(), 2).reset(seed=[1]), "1 seeds for 2"),
        (lambda: GymnasiumVectorEnv(CartPole(), 2).reset(options={"reset_mask": np.ones(2, bool)}), "first"),
        (lambda: GymnasiumEnv("Pendulum-v1").action_masks(), "continuous"),
    ],
)
def test_wrong_input_gets_a_sentence(call, sentence):
    with pytest.raises(BadInput, match=sentence):
        call()


@pytest.mark.parametrize("actions", [[0], [0, 2], [0, -1], [0.0, 1.0], 0])
def test_wrong_actions_get_a_sentence(actions):
    env = GymnasiumVectorEnv(CartPole(), 2)
    env.reset(seed=0)
    with pytest.raises(BadInput, match="2 whole numbers from 0 to 1"):
        env.step(actions)
    with pytest.raises(BadInput, match="true"):
        env.reset(options={"reset_mask": np.zeros(2, bool)})


def test_wrong_numbers_get_a_sentence():
    env = GymnasiumVectorEnv("Pendulum-v1", 2)
    env.reset(seed=0)
    for wrong in (np.zeros(2), np.full((2, 1), np.nan)):
        with pytest.raises(BadInput, match="finite numbers"):
            env.step(wrong)


def test_without_gymnasium_a_sentence_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    monkeypatch.delitem(sys.modules, "ansatz.rl.gym")
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'ansatz\[gym\]'"):
        importlib.import_module("ansatz.rl.gym")


def test_spaces_are_what_they_were():
    assert isinstance(GymnasiumEnv(CartPole()).action_space, gymnasium.spaces.Discrete)
    assert isinstance(CartPole().actions, Discrete)
