"""`ansatz generate images` and `ansatz sample` of its runs, from their words to files and sentences."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.malformed import ran
from tests.cli.test_generate import bits, interrupt_at

from ansatz.store import RunFolder

FAST = "--steps 12 --judged 20 --batch 32 --no-report --quiet".split()
SMALL = {
    "vae": "--width 16 --latent 3 --depth 1".split(),
    "diffusion": "--width 16 --depth 1".split(),
    "autoregressive": "--layers 1 --size 16 --inner 8".split(),
}


def generate(out: Path, model: str, *more: str) -> list[str]:
    """Return the words that train a small model on the digits."""
    words = ["generate", "images", "--data", "digits", "--model", model, "--out", str(out)]
    return [*words, *FAST, *SMALL[model], *more]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that draws by class."""
    folder = tmp_path_factory.mktemp("drawn")
    code, out, err = ran(generate(folder / "run", "autoregressive", "--json"))
    assert code == 0, err
    (folder / "answer.json").write_text(out)
    return folder / "run"


def test_a_model_is_trained_judged_and_kept(drawn):
    found = json.loads((drawn.parent / "answer.json").read_text())
    assert found["run"] == str(drawn) and found["status"] == "finished" and found["steps"] == 12
    own, *classical = found["judged"]
    assert own["name"] == "autoregressive" and found["fid"] == own["fid"]["value"] > found["floor"]
    assert [one["name"].split()[0] for one in classical] == ["PPCA", "mixture"]
    assert own["fid"]["count"] == 20 and own["fid"]["features"] == classical[0]["fid"]["features"]
    assert 0 <= own["agreement"] <= 1 and own["bits"] > 0 and found["report"] is None
    code, out, _ = ran(["list", str(drawn.parent), "--json"])
    run = json.loads(out)["runs"][0]
    assert code == 0 and (run["metric"], run["what"]) == ("own-feature FID", "image model, autoregressive")


def test_draws_become_a_picture_an_archive_or_a_folder(drawn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["sample", str(drawn), "--count", "4", "--classes", "3", "7", "--seed", "1"]
    code, out, err = ran([*words, "--out", "more/grid.png"])
    assert (code, err, out) == (0, "", "more/grid.png\n")
    with Image.open(tmp_path / "more" / "grid.png") as picture:
        assert picture.width == picture.height
    code, out, _ = ran([*words, "--out", "draws.npz", "--json"])
    assert code == 0 and json.loads(out)["files"] == ["draws.npz"]
    with np.load(tmp_path / "draws.npz") as kept:
        x, y = kept["x"], kept["y"]
    assert x.shape == (4, 8, 8, 1) and x.dtype == np.uint8 and y.tolist() == ["3", "7", "3", "7"]
    assert ran([*words, "--out", "each"])[0] == 0
    assert sorted(one.name for one in (tmp_path / "each").iterdir()) == [f"{i}-{y[i]}.png" for i in range(4)]
    with Image.open(tmp_path / "each" / "2-3.png") as picture:
        assert np.array_equal(np.asarray(picture), x[2, ..., 0])
    assert ran(["sample", str(drawn)])[:2] == (0, "run.png\n") and (tmp_path / "run.png").exists()


@pytest.mark.parametrize("step", [1, 7])
def test_interrupted_and_resumed_is_unbroken(tmp_path, drawn, step, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_at(patch, step)
        code, _, err = ran(generate(tmp_path / "run", "autoregressive"))
    assert code == 130 and f"ansatz generate images --resume {tmp_path / 'run'}" in err
    code, _, err = ran(["sample", str(tmp_path / "run")])
    assert code == 2 and "is not finished; go on with `ansatz generate images --resume" in err
    resume = ["generate", "images", "--resume", str(tmp_path / "run"), "--quiet", "--no-report"]
    code, _, err = ran([*resume, "--json"])
    assert code == 0, err
    assert bits(tmp_path / "run") == bits(drawn)
    code, _, err = ran(resume)
    assert code == 2 and "there is nothing to resume" in err


def test_one_that_was_killed_at_once_begins_again(tmp_path, drawn, monkeypatch):
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ansatz.generate.ready.fit", die)
        assert ran(generate(tmp_path / "run", "autoregressive"))[0] == 130
    words = ["generate", "images", "--resume", str(tmp_path / "run"), "--quiet", "--no-report"]
    code, _, err = ran(words)
    assert code == 0, err
    assert bits(tmp_path / "run") == bits(drawn)


def test_changed_images_and_checkpoints_of_another_shape_are_not_resumed(tmp_path, monkeypatch):
    x = np.random.default_rng(0).integers(0, 256, (60, 6, 6)).astype(np.uint8)
    np.savez(tmp_path / "x.npz", x=x)
    words = generate(tmp_path / "run", "vae")
    words[words.index("digits")] = str(tmp_path / "x.npz")
    with monkeypatch.context() as patch:
        interrupt_at(patch, 5)
        assert ran(words)[0] == 130
    resume = ["generate", "images", "--resume", str(tmp_path / "run"), "--quiet"]
    np.savez(tmp_path / "x.npz", x=255 - x)
    code, _, err = ran(resume)
    assert code == 2 and "has changed since the run began" in err
    np.savez(tmp_path / "x.npz", x=x)
    code, _, err = ran([*resume, "--width", "3"])
    assert code == 2 and "--width cannot be given with --resume" in err
    snapshot, _ = RunFolder.read(tmp_path / "run")
    snapshot.state["state.0000"] = snapshot.state["state.0000"][:-1]
    with RunFolder.create(tmp_path / "run") as folder:
        folder.checkpoint(snapshot)
    code, _, err = ran(resume)
    assert code == 2 and err.count("\n") == 1 and "The saved array state.0000" in err


def pictures(folder: Path, sizes: list[tuple[int, int]], name: str = "p") -> None:
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for at, (high, wide) in enumerate(sizes):
        Image.fromarray(random.integers(0, 256, (high, wide), np.uint8)).save(folder / f"{name}{at}.png")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda p: p.mkdir(), "holds no images"),
        (lambda p: pictures(p, [(8, 8)] * 5), "5 images are too few"),
        (lambda p: pictures(p, [(3, 3)] * 50), "a side has 4 at least"),
        (lambda p: (p.mkdir(), (p / "a.png").write_text("no picture")), "is no PNG"),
        (lambda p: p.write_text("no images"), "is no set of images known here"),
    ],
    ids=["empty", "few", "tiny", "no picture", "no images"],
)
def test_images_that_cannot_be_learned_leave_nothing(tmp_path, make, says):
    make(tmp_path / "data")
    words = generate(tmp_path / "run", "vae")
    words[words.index("digits")] = str(tmp_path / "data")
    code, out, err = ran(words)
    assert code == 2 and out == "" and err.count("\n") == 1 and says in err
    assert [one.name for one in tmp_path.iterdir()] == ["data"]


def test_images_of_mixed_sizes_and_of_one_class_are_learned_and_said(tmp_path):
    pictures(tmp_path / "data" / "cats", [(8, 8)] * 45 + [(10, 12)] * 3)
    words = generate(tmp_path / "run", "vae", "--json", "--no-baselines")
    words[words.index("digits")] = str(tmp_path / "data")
    code, out, err = ran(words)
    assert code == 0, err
    found = json.loads(out)
    assert found["shape"] == [8, 8, 1] and found["classes"] == []
    assert any("3 images of other sizes were resized" in one for one in found["remarks"])
    assert any("of the one class 'cats'" in one for one in found["remarks"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["generate", "images"], "There are no images: name a folder, a file or a data set with --data."),
        (["generate", "images", "--data", "digit"], "did you mean 'digits'?"),
        (["generate", "images", "--data", "digits", "--model", "difusion"], "did you mean 'diffusion'?"),
        (["generate", "images", "--data", "digits", "--model=vea"], "did you mean 'vae'?"),
        (["generate", "images", "--data", "digits", "--budget", "3s"], "A budget of 3 s is too short"),
        (["generate", "images", "--data", "digits", "--budget", "soon"], "--budget 'soon' is no time"),
        (["generate", "images", "--data", "digits", "--model", "vae", "--latnet", "3"], "mean '--latent'?"),
        (["generate", "images", "--data", "digits", "--judged", "3"], "judged=3 is too few"),
        (
            ["generate", "images", "--data", "digits", "--model", "vae", "--sentences", "arithmetic"],
            "Sentences are read by a diffusion",
        ),
        (["generate", "images", "--resume", "nowhere"], "nowhere"),
        (["generate", "image"], "did you mean 'images'?"),
    ],
)
def test_bad_words_are_one_sentence(tmp_path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    code, out, err = ran(words)
    assert code == 2 and out == "" and err.count("\n") == 1 and says in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--classes", "12"], "There is no class '12'; did you mean"),
        (["--guidance", "2"], "has no guidance to draw by; it takes temperature"),
        (["--sentence", "a seven"], "has no sentence to draw by"),
        (["--prompt", "a"], "--prompt says nothing to a model of images"),
        (["--count", "0"], "The number of images is an integer of at least 1"),
        (["--out", "x.gif"], "is no place for images"),
        (["--temperature", "-1"], "The temperature is -1.0"),
    ],
)
def test_draws_that_cannot_be_made_are_refused(drawn, tmp_path, monkeypatch, more, says):
    monkeypatch.chdir(tmp_path)
    code, out, err = ran(["sample", str(drawn), *more])
    assert code == 2 and out == "" and err.count("\n") == 1 and says in err
    assert not list(tmp_path.iterdir())


def test_runs_of_another_kind_or_shape_are_refused(tmp_path, drawn, finished):
    code, _, err = ran(["generate", "images", "--resume", str(finished)])
    assert code == 2 and "is no model of images that can be resumed" in err
    shutil.copytree(drawn, tmp_path / "odd")
    snapshot, _ = RunFolder.read(drawn)
    snapshot.info["image model"]["shape"] = [9, 8, 1]
    with RunFolder.create(tmp_path / "odd") as folder:
        folder.finish(snapshot, {"pictures.safetensors": (drawn / "pictures.safetensors").read_bytes()})
    code, _, err = ran(["sample", str(tmp_path / "odd")])
    assert code == 2 and "the two do not belong together" in err


def test_help_shows_the_flags_of_the_family():
    code, out, _ = ran(["generate", "images", "--help"])
    assert code == 0 and "--budget" in out and "--backbone" in out
    code, out, _ = ran(["generate", "images", "--model", "vae", "--help"])
    assert code == 0 and "--latent" in out and "--backbone" not in out
