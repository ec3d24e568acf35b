"""`ansatz play` and `ansatz watch`, from their words to files and sentences."""

import json
import shutil
from pathlib import Path

import jax
import pytest
from PIL import Image
from tests.cli.malformed import ran
from tests.cli.test_generate import bits, interrupt_at

ROOT = Path(__file__).parents[2]
FAST = "--total-steps 4000 --envs 8 --episodes 5 --watched 2 --quiet".split()


def words(out: Path, *more: str) -> list[str]:
    """Return the words that learn the lake that does not slip."""
    return ["play", "FrozenLake-v1", "--let", "slippery=false", "--out", str(out), *FAST, *more]


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    folder = tmp_path_factory.mktemp("learned")
    code, out, err = ran(words(folder / "run", "--json"))
    assert code == 0, err
    (folder / "answer.json").write_text(out)
    return folder / "run"


def test_a_policy_is_learned_judged_and_kept(learned):
    found = json.loads((learned.parent / "answer.json").read_text())
    assert (found["run"], found["environment"], found["algorithm"]) == (
        str(learned), "FrozenLake-v1", "q-learning",
    )  # fmt: skip
    assert found["status"] == "finished" and found["env_steps"] == 4000 and found["best"] == 1.0
    assert found["interval"][0] <= found["return"] <= found["interval"][1] and len(found["seeds"]) == 1
    assert (learned / "report.html").exists()
    code, out, _ = ran(["list", str(learned.parent), "--json"])
    run = json.loads(out)["runs"][0]
    assert code == 0 and (run["metric"], run["what"]) == ("return", "play, FrozenLake-v1")
    code, out, err = ran(["report", str(learned)])
    assert code == 0 and out.strip().endswith("report.html"), err


@pytest.mark.parametrize("step", [1, 300])
def test_interrupted_and_resumed_is_unbroken(tmp_path, learned, step, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_at(patch, step)
        code, _, err = ran(words(tmp_path / "run"))
    assert code == 130 and f"ansatz play --resume {tmp_path / 'run'}" in err
    code, _, err = ran(["watch", str(tmp_path / "run")])
    assert code == 2 and "is not finished; go on with `ansatz play --resume" in err
    code, _, err = ran(["report", str(tmp_path / "run")])
    assert code == 2 and "is not finished; go on with `ansatz play --resume" in err
    code, _, err = ran(["play", "--resume", str(tmp_path / "run"), "--quiet", "--json"])
    assert code == 0, err
    assert bits(tmp_path / "run") == bits(learned)
    code, _, err = ran(["play", "--resume", str(tmp_path / "run"), "--seeds", "3"])
    assert code == 2 and "--seeds cannot be given with --resume" in err
    code, _, err = ran(["play", "--resume", str(tmp_path / "run")])
    assert code == 2 and "there is nothing to resume" in err


def test_an_episode_is_watched_as_text_gif_and_page(learned, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = ran(["watch", str(learned)])
    assert (code, err) == (0, "") and "step 0: action" in out
    assert ran(["watch", str(learned), "--out", "a.gif"])[:2] == (0, out_line(learned, tmp_path, "a.gif"))
    with Image.open(tmp_path / "a.gif") as film:
        assert film.n_frames > 1
    code, out, _ = ran(["watch", str(learned), "--out", "a.html", "--json"])
    found = json.loads(out)
    assert code == 0 and found["out"] == "a.html" and found["steps"] >= 1
    assert "text-film" in (tmp_path / "a.html").read_text()
    code, _, err = ran(["watch", str(learned), "--out", "a.mp4"])
    assert code == 2 and "should end in .gif, .html, .txt" in err and not (tmp_path / "a.mp4").exists()


def out_line(learned: Path, folder: Path, name: str) -> str:
    """Return what is said of a film, whose frames are those of its JSON record."""
    found = json.loads(ran(["watch", str(learned), "--json"])[1])
    return f"{found['steps'] + 1} frames are in {name}.\n"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (["play"], "There is nothing to play: name an environment first"),
        (["play", "CartPol-v1"], "did you mean 'CartPole-v1'"),
        (["play", "CartPole-v1", "--with", "pppo"], "did you mean 'ppo'"),
        (["play", "CartPole-v1", "--with"], "--with needs a value"),
        (["play", "CartPole-v1", "--with", "ppo", "--clop", "0.1"], "did you mean '--clip'"),
        (["play", "CartPole-v1", "--with", "dqn", "--clip", "0.1"], "There is no flag '--clip'"),
        (["play", "CartPole-v1", "--let", "mass"], "sets nothing; write name=value"),
        (["play", "CartPole-v1", "--let", "masss=1"], "no parameter 'masss'"),
        (["play", "CartPole-v1", "--budget", "soon"], "is no time"),
        (["play", "CartPole-v1", "--gamma", "1.5"], "gamma lies in"),
        (["play", "CartPole-v1", "--steps", "-3"], "The number steps is an integer of at least 1, not -3"),
        (["play", "CartPole-v1", "--seeds", "0"], "The number seeds is an integer of at least 1, not 0"),
        (["play", "absent.py:Maze"], "absent.py cannot be read"),
        (["watch"], "Name the run to watch"),
        (["watch", "nowhere"], "nowhere"),
    ],
)
def test_bad_words_leave_nothing_behind(asked, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = ran(asked)
    assert code == 2 and says in err and err.count("\n") == 1 and not out
    assert not list(tmp_path.iterdir())


UNPAID = """
from tests.rl.test_tried import Late


class Unpaid(Late):
    def __init__(self):
        self.fault = "reward"
"""


def test_a_world_that_cannot_be_learned_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "world.py").write_text(UNPAID)
    code, out, err = ran(["play", "world.py:Unpaid", "--out", "run", *FAST])
    assert code == 2 and "Unpaid cannot be learned: a reward is not finite (met in step 4)" in err
    assert err.count("\n") == 1 and not out and not (tmp_path / "run").exists()


@pytest.fixture
def ranks():
    """Let ranks be promoted as for everyone: a user's file relies on it."""
    with jax.numpy_rank_promotion("allow"):
        yield


def test_a_world_of_ones_own_is_reported_and_watched_where_it_is_given_again(tmp_path, ranks):
    place = f"{ROOT / 'docs' / 'maze.py'}:Maze"
    code, out, err = ran(["play", place, "--out", str(tmp_path / "run"), *FAST])
    assert code == 0 and f"`ansatz watch {tmp_path / 'run'} --env {place}`" in out, err
    code, _, err = ran(["report", str(tmp_path / "run")])
    assert code == 2 and "give it again, with --env FILE.py:CLASS" in err
    (tmp_path / "run" / "report.html").unlink()
    code, _, err = ran(["report", str(tmp_path / "run"), "--env", place])
    assert code == 0 and (tmp_path / "run" / "report.html").exists(), err
    code, out, err = ran(["watch", str(tmp_path / "run"), "--env", place])
    assert code == 0 and "step 0: action 1" in out, err


def test_what_diverges_is_told_and_kept(tmp_path):
    small = "--envs 2 --steps 4 --width 4 --depth 1 --total-steps 400 --every 400 --episodes 2 --watched 1"
    wild = "--with a2c --learning-rate 1e30 --largest 0 --schedule constant --quiet --out"
    code, out, err = ran(["play", "CartPole-v1", *small.split(), *wild.split(), str(tmp_path / "run")])
    assert code == 1 and "The metric .loss. became inf at step 1" in (out + err).replace("'", ".")
    assert (tmp_path / "run" / "report.html").exists()


def test_a_run_of_another_kind_is_not_watched(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    code, _, err = ran(["watch", str(tmp_path / "run")])
    assert code == 2 and "not a policy for an environment; `ansatz play` makes one" in err


def test_the_list_has_every_environment_and_algorithm():
    code, out, _ = ran(["play", "--list", "--json"])
    found = json.loads(out)
    assert code == 0 and {"CartPole-v1", "Taxi-v4"} <= set(found["environments"])
    assert {"ppo", "dqn", "sac", "trpo", "a2c"} <= set(found["algorithms"])
    code, out, _ = ran(["play", "--list"])
    assert code == 0 and "a pole on a cart" in out
