"""`play`: from an environment to a policy in a folder, and a sentence for whatever is wrong."""

import numpy as np
import pytest

from ansatz.core import BadInput
from ansatz.rl.algorithms import ALGORITHMS, steps_of
from ansatz.rl.envs.garnet import Garnet
from ansatz.rl.envs.names import NAMES, make
from ansatz.rl.play import find_env, make_ready, play
from ansatz.rl.player import load_player
from ansatz.rl.presets import PRESETS
from ansatz.rl.reference import counts_as_solved
from ansatz.rl.trial import sort_out

OWN = """
import equinox as eqx
import jax.numpy as jnp
from ansatz.rl.env import Discrete, Env, Step


class Corridor(Env):
    '''Walk to the right; the last place of `length` ends it and pays 1, and a step costs a hundredth.'''

    length: int = eqx.field(static=True, default=4)

    @property
    def actions(self):
        return Discrete(2)

    @property
    def observations(self):
        return Discrete(self.length)

    def reset(self, key):
        return jnp.zeros((), jnp.int32)

    def step(self, state, action, key):
        after = jnp.clip(state + 2 * action - 1, 0, self.length - 1)
        over = after == self.length - 1
        return Step(after, after, jnp.where(over, 1.0, -0.01), over, jnp.zeros((), bool))

    def observe(self, state):
        return state
"""


@pytest.fixture(scope="module")
def lake():
    """A policy for the lake that does not slip: two seeds, learned by a table."""
    return play(
        "FrozenLake-v1", "q-learning", parameters={"slippery": False}, total_steps=40_000, seeds=2, envs=8,
        episodes=6, watched=2, final_rate=0.5,
    )  # fmt: skip


def test_what_is_learned_is_the_best_there_is(lake):
    found = lake.evaluation
    assert found.returns.shape == (2, 6) and (found.returns == 1.0).all()
    assert found.best == 1.0 and found.worth == (1.0, 1.0, 1.0, 0.95)
    assert found.by_chance.upper < 0.7 and found.solved is None
    assert lake.env_steps == 40_000


def test_an_episode_is_shown_step_by_step(lake):
    episode = lake.episode()
    assert episode.total == 1.0 and episode.terminated and not episode.truncated
    film = lake.film()
    assert len(film) == len(episode.action) + 1 == 7
    assert film[-1].line == "the end: return 1" and film[0].line.startswith("step 0: action ")
    assert len({one.text for one in film}) == 7
    # The goal is worth more the nearer it is.
    assert (np.diff(episode.thought) > 0).all() and 0 < episode.thought[-1] <= 1


def test_a_folder_gives_the_same_policy(lake, tmp_path):
    lake.save(tmp_path / "run")
    again = load_player(tmp_path / "run")
    assert np.array_equal(again.evaluation.returns, lake.evaluation.returns)
    assert again.settings == lake.settings and again.recipe == lake.recipe and again.source == lake.source
    assert np.array_equal(again.evaluate(3), lake.evaluate(3))
    page = (tmp_path / "run" / "report.html").read_text()
    assert "no policy has more than 1" in page and "text-film" in page
    assert "--let slippery=False" in page and "--total-steps 40000" in page


def test_a_policy_of_another_environment_is_refused(lake, tmp_path):
    lake.save(tmp_path / "run")
    with pytest.raises(BadInput, match=r"of size 16, and \w+ gives observations of size 64"):
        load_player(tmp_path / "run", "FrozenLake8x8-v1")
    with pytest.raises(BadInput, match=r"other actions than the Discrete\(n=3\) of Garnet"):
        load_player(tmp_path / "run", Garnet(states=16, choices=3, branches=2))


def test_an_environment_of_ones_own_comes_from_a_file_and_is_not_opened_unasked(tmp_path):
    (tmp_path / "world.py").write_text(OWN)
    place = f"{tmp_path / 'world.py'}:Corridor"
    player = play(
        place, parameters={"length": 5}, total_steps=4000, episodes=3, watched=2, every=1000,
        out=tmp_path / "run",
    )  # fmt: skip
    assert player.settings.algorithm == "q-learning"
    assert np.allclose(player.evaluation.returns, 1 - 0.03)
    with pytest.raises(BadInput, match="not opened unasked: give it again, with --env"):
        load_player(tmp_path / "run")
    assert np.array_equal(load_player(tmp_path / "run", place).evaluate(2), player.evaluate(2))


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("CartPole", "no environment 'CartPole'; did you mean 'CartPole-v1'"),
        ("world.py", "may hold several classes: write"),
        ("absent.py:World", "cannot be read: No such file"),
        ("broken.py:World", "could not be run: ZeroDivisionError"),
        ("world.py:Coridor", "no environment 'Coridor'; did you mean 'Corridor'"),
        ("empty.py:World", "holds no class derived from ansatz.rl.env.Env"),
        (3, "An environment is a name, an Env, or 'FILE.py:CLASS', not int"),
    ],
)
def test_what_is_no_environment_gets_a_sentence(place, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "world.py").write_text(OWN)
    (tmp_path / "broken.py").write_text("1 / 0")
    (tmp_path / "empty.py").write_text("World = 3")
    with pytest.raises(BadInput, match=says):
        find_env(place)


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("CartPole-v1", {"algorithm": "pppo"}, "no algorithm 'pppo'; did you mean 'ppo'"),
        ("CartPole-v1", {"algorithm": "ppo", "gama": 0.9}, "no setting 'gama' of ppo; did you mean 'gamma'"),
        ("CartPole-v1", {"algorithm": "sarsa", "rule": "q"}, "no setting 'rule' of sarsa"),
        ("CartPole-v1", {"seeds": 0}, "The number seeds is an integer of at least 1"),
        ("CartPole-v1", {"budget": -1.0}, "budget=-1.0 is no time"),
        ("CartPole-v1", {"total_steps": -5}, "total_steps=-5 is below 0"),
    ],
)
def test_options_that_are_none_get_a_sentence(name, options, says):
    with pytest.raises(BadInput, match=says):
        make_ready(find_env(name), options)


def test_an_algorithm_for_other_actions_is_refused_before_anything_compiles():
    with pytest.raises(BadInput, match="continuous"):
        play("Pendulum-v1", "dqn")
    with pytest.raises(BadInput, match="finitely many observations"):
        play("CartPole-v1", "q-learning")


@pytest.mark.parametrize("place", sorted(PRESETS))
def test_every_preset_belongs_to_an_algorithm_and_an_environment(place):
    algorithm, name = place
    assert algorithm in ALGORITHMS
    settings, recipe = sort_out(name, {"algorithm": algorithm})
    assert settings.total_steps == PRESETS[place]["total_steps"]
    if name in NAMES:
        recipe.learner.build(make(name), jax_key())
    else:
        gymnasium = pytest.importorskip("gymnasium", reason="Gymnasium is not installed")
        assert name in gymnasium.registry
    assert 15 <= settings.total_steps / steps_of(recipe.learner) / recipe.every <= 25


def jax_key():
    import jax

    return jax.random.key(0)


def test_what_counts_as_solved_is_a_return_and_no_position():
    puzzle = make("Puzzle8")
    assert hasattr(puzzle, "solved") and counts_as_solved(puzzle, "Puzzle8") is None
    player = play("Puzzle8", "policy-iteration", total_steps=64, episodes=2, watched=1, longest=20)
    assert player.evaluation.solved is None and "An episode" in player.report()


@pytest.mark.parametrize("algorithm", ["reinforce", "a2c", "policy-iteration", "sac"])
def test_every_kind_of_policy_is_watched_judged_and_shown(algorithm):
    player = play("CartPole-v1", algorithm, total_steps=600, episodes=2, watched=1, every=300)
    assert player.evaluation.returns.shape == (1, 2) and (player.evaluation.returns > 0).all()
    assert len(player.film(most=20)) <= 21 and len(player.run.validation["return"]) >= 1
