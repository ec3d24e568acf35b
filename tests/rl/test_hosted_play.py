"""`play` in an environment of Gymnasium's: from its name to a film, a folder, and a run that goes on."""

import json
import sys

import numpy as np
import pytest
from PIL import Image
from tests.cli.malformed import ran
from tests.cli.test_generate import interrupt_at

from ansatz.core import BadInput
from ansatz.rl.evaluate import evaluate
from ansatz.rl.hosted_judge import COLUMNS, HostEvaluation, host_scores
from ansatz.rl.play import ANEW, find_env, make_ready, play
from ansatz.rl.player import load_player
from ansatz.rl.reference import Chance

gymnasium = pytest.importorskip("gymnasium", reason="the extra 'gym' is not installed")

OWN = """
import gymnasium
import numpy as np
from gymnasium import spaces


class Corridor(gymnasium.Env):
    '''Walk to the right; the last place ends it and pays 1, and a step costs a hundredth.'''

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}
    action_space = spaces.Discrete(2)

    def __init__(self, length=4, render_mode=None):
        self.length, self.at, self.render_mode = length, 0, render_mode
        self.observation_space = spaces.Box(0.0, 1.0, (length,), np.float32)

    def seen(self):
        return np.eye(self.length, dtype=np.float32)[self.at]

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.at = int(self.np_random.integers(2))
        return self.seen(), {}

    def step(self, action):
        self.at = min(max(self.at + 2 * int(action) - 1, 0), self.length - 1)
        over = self.at == self.length - 1
        return self.seen(), 1.0 if over else -0.01, over, False, {}

    def render(self):
        picture = np.zeros((40, 40 * self.length, 3), np.uint8)
        picture[:, 40 * self.at : 40 * (self.at + 1)] = 255
        return picture
"""
SMALL = {"envs": 2, "steps": 32, "passes": 4, "minibatches": 2, "learning_rate": 0.01, "width": 8, "depth": 1}
FAST = "--total-steps 640 --episodes 4 --watched 2 --every 320 --longest 30 --quiet".split()
FLAGS = [word for name, value in SMALL.items() for word in (f"--{name.replace('_', '-')}", str(value))]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """An environment of the user's own, in a file."""
    path = tmp_path_factory.mktemp("own") / "walk.py"
    path.write_text(OWN)
    return f"{path}:Corridor"


@pytest.fixture(scope="module")
def walker(place, tmp_path_factory):
    """A policy for it, in a folder."""
    out = tmp_path_factory.mktemp("walker") / "run"
    return play(
        place, "ppo", total_steps=2560, episodes=6, watched=2, every=640, longest=30, out=out, **SMALL
    ), out


def test_a_users_class_is_learned_judged_and_loaded_again(walker, place):
    player, out = walker
    assert player.settings.algorithm == "ppo" and player.run.info["driver"] == "hosted"
    best = [0.98, 0.99]
    assert np.isin(player.evaluation.returns.round(3), np.float32(best)).all()
    assert player.evaluation.by_chance.value < 0.97
    assert len(player.run.validation["return"]) == 4 and player.run.validation["return"][-1] > 0.97
    with pytest.raises(BadInput, match="not opened unasked"):
        load_player(out)
    again = load_player(out, place)
    assert np.array_equal(again.evaluation.returns, player.evaluation.returns)
    assert np.array_equal(again.evaluate(3), player.evaluate(3))
    assert "once seeded, is deterministic" in (out / "report.html").read_text()


def test_an_episode_is_filmed_in_pixels(walker):
    player, _ = walker
    episode, film = player.episode(seed=1), player.film(seed=1)
    assert (
        episode.terminated
        and len(film) == len(episode.reward) + 1
        and film[0].line.startswith("step 0: action 1")
    )
    # The last drawing is that of the end, and not of the episode after it.
    assert film[-1].picture.getpixel((155, 20)) == (255, 255, 255) and film[-1].picture.size == (160, 40)
    assert len(film[0].text.split("\n")[0]) == COLUMNS and len({one.text for one in film}) == len(film)


def test_watch_writes_a_gif(walker, place, tmp_path):
    code, out, err = ran(
        ["watch", str(walker[1]), "--env", place, "--out", str(tmp_path / "walk.gif"), "--json"]
    )
    assert code == 0, err
    with Image.open(tmp_path / "walk.gif") as picture:
        assert picture.n_frames == json.loads(out)["steps"] + 1 and picture.width == 160


def test_the_same_seed_is_the_same_training(place, walker):
    options = {"total_steps": 128, "episodes": 2, "watched": 2, "every": 64, "longest": 30}
    first, second = (play(place, "ppo", **options, **SMALL) for _ in range(2))
    for name in ("return", "loss", "entropy"):
        assert np.array_equal(first.run.history[name], second.run.history[name], equal_nan=True)
    assert np.array_equal(first.evaluation.returns, second.evaluation.returns)
    # An evaluation on the way leaves the episodes of the training alone.
    rarely = play(place, "ppo", **options | {"every": 128}, **SMALL)
    assert np.array_equal(rarely.run.history["loss"], first.run.history["loss"])


def test_what_is_resumed_goes_on_and_says_what_it_is(place, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        interrupt_at(patch, 3)
        code, _, err = ran(["play", place, "--with", "ppo", "--out", str(folder), *FAST, *FLAGS])
    assert code == 130, err
    code, out, err = ran(["play", "--resume", str(folder), "--env", place, "--quiet", "--json"])
    assert code == 0, err
    found = json.loads(out)
    assert found["env_steps"] == 640 and ANEW in found["remarks"]


def test_episodes_are_seeded_one_by_one(place):
    env = find_env(place).env
    few, many = (host_scores(env, Chance(env.actions), count, 30, 5) for count in (3, 20))
    assert np.array_equal(few.returns, many.returns[:3])
    assert np.array_equal(evaluate(env, Chance(env.actions), 20, 5, 30), many.returns)
    assert many.returns.shape == (20,) and many.ended.all() and len(set(many.lengths.tolist())) > 3
    cut = host_scores(env, Chance(env.actions), 9, 2, 5)
    assert cut.lengths.max() == 2 and not cut.ended.all()
    assert np.array_equal(cut.ended, many.lengths[:9] <= 2)
    source = HostEvaluation(env, 4, 30)
    assert source.host and source.prefetch == 0


def test_a_registered_name_is_found_alone_and_with_its_prefix(place, monkeypatch):
    kind = type(find_env(place).env.outside.envs[0])
    spec = gymnasium.envs.registration.EnvSpec("Hall-v0", kind, reward_threshold=0.9, max_episode_steps=20)
    monkeypatch.setitem(gymnasium.registry, "Hall-v0", spec)
    alone, named = find_env("Hall-v0", {"length": 3}), find_env("gymnasium:Hall-v0", {"length": 3})
    assert alone.source == named.source == {"name": "gymnasium:Hall-v0", "parameters": {"length": 3}}
    assert alone.env.observations.shape == (3,) and alone.env.solved == 0.9 and alone.env.name == "Hall-v0"
    ready = make_ready(named, {"total_steps": 64})
    assert ready.settings.algorithm == "ppo" and "gymnasium:Hall-v0" in ready.words
    # In Gymnasium, an environment that is here as well has the settings that were tuned for it.
    assert make_ready(find_env("gymnasium:CartPole-v1"), {}).settings.total_steps == 100_000
    assert find_env(gymnasium.make("Hall-v0")).env.name == "Hall-v0"


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("gymnasium:LunaLander-v3", {}, "has no environment 'LunaLander-v3'; did you mean LunarLander-v3"),
        ("gymnasium:CartPole-v1", {"parameters": {"gravitas": 1}}, "cannot be made from {'gravitas': 1}"),
        ("gymnasium:os:CartPole-v1", {}, "names a module to import"),
        ("gymnasium:Blackjack-v1", {}, "these are in Tuple"),
        ("gymnasium:CartPole-v1", {"algorithm": "reinforce"}, "CartPole-v1 is played in Python"),
        ("gymnasium:CartPole-v1", {"algorithm": "a3c"}, "CartPole-v1 is played in Python"),
        ("gymnasium:CartPole-v1", {"algorithm": "sac", "seeds": 2}, "one seed at a time: say --seeds 1"),
    ],
)
def test_what_does_not_fit_gets_a_sentence(name, options, says):
    with pytest.raises(BadInput, match=says):
        play(name, total_steps=64, **options)


def test_without_gymnasium_a_sentence_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(BadInput, match=r"Gymnasium is not installed: pip install 'ansatz\[gym\]'"):
        find_env("gymnasium:LunarLander-v3")
    with pytest.raises(BadInput, match=r"no environment 'LunarLander-v3'.* is not installed"):
        find_env("LunarLander-v3")


def test_without_box2d_a_sentence_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "Box2D", None)
    monkeypatch.delitem(sys.modules, "gymnasium.envs.box2d", raising=False)
    monkeypatch.delitem(sys.modules, "gymnasium.envs.box2d.lunar_lander", raising=False)
    with pytest.raises(BadInput, match="LunarLander-v3 needs what is not installed: Box2D is not installed"):
        find_env("LunarLander-v3")


@pytest.mark.filterwarnings("ignore")
def test_the_lander_is_learned_from_its_name():
    pytest.importorskip("Box2D", reason="LunarLander needs Box2D, which is not installed")
    player = play("LunarLander-v3", "ppo", total_steps=64, episodes=2, watched=1, longest=50, **SMALL)
    assert player.name == "gymnasium:LunarLander-v3" and player.evaluation.solved == 200
    assert len(player.film(most=5)) == 6
