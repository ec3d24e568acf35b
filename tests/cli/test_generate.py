"""`ansatz generate` and `ansatz sample` from their words to files, exit codes and sentences."""

import json
import shutil
import signal
from pathlib import Path

import pytest
from tests.cli.malformed import ran

from ansatz.cli import _work
from ansatz.store import RunFolder

TEXT = "".join(f"{'so it goes' if i % 3 else 'poo-tee-weet'}, said number {i % 17}.\n" for i in range(120))
FAST = "--steps 12 --layers 1 --size 16 --heads 2 --length 16 --batch 4 --every 4 --quiet".split()


def generate(folder: Path, *more: str) -> list[str]:
    """Return the words that train on a text in a folder."""
    (folder / "text.txt").write_text(TEXT)
    return [
        "generate",
        "text",
        "--data",
        str(folder / "text.txt"),
        "--out",
        str(folder / "run"),
        *FAST,
        *more,
    ]


def bits(run: Path) -> bytes:
    return (run / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    folder = tmp_path_factory.mktemp("written")
    code, out, err = ran(generate(folder, "--json"))
    assert code == 0, err
    (folder / "answer.json").write_text(out)
    return folder / "run"


def test_a_text_is_trained_judged_and_kept(written):
    found = json.loads((written.parent / "answer.json").read_text())
    assert found["run"] == str(written) and found["status"] == "finished" and found["steps"] == 12
    assert 0 < found["bits_per_character"] < 8 and found["tokens"] == 12 * 4 * 16
    assert {"Kneser-Ney 6-gram", "xz", "uniform"} <= {one["name"] for one in found["baselines"]}
    page = (written / "report.html").read_text()
    assert found["report"] == str(written / "report.html") and "Kneser-Ney" in page and "<script" not in page
    code, out, _ = ran(["list", str(written.parent), "--json"])
    assert code == 0 and json.loads(out)["runs"][0]["metric"] == "bits per character"


def test_a_reader_sees_a_table_and_a_sample(tmp_path):
    code, out, err = ran(generate(tmp_path, "--no-report"))
    assert code == 0, err
    assert "Kneser-Ney 6-gram" in out and "bits for a character that it has not seen" in out
    assert "A sample at temperature 0.8" in out and "The run is in" in out
    assert not (tmp_path / "run" / "report.html").exists()


def test_a_sample_is_streamed_and_reproduced(written):
    words = ["sample", str(written), "--prompt", "so it", "--length", "40", "--seed", "1"]
    code, out, err = ran(words)
    assert code == 0 and err == "" and out.startswith("so it") and len(out) == len("so it") + 40 + 1
    assert ran(words)[1] == out
    code, found, _ = ran([*words, "--json"])
    assert code == 0 and json.loads(found)["text"] == out[len("so it") : -1]
    assert ran([*words[:-1], "2"])[1] != out
    code, greedy, _ = ran([*words, "--temperature", "0", "--top-k", "5"])
    assert code == 0 and greedy.startswith("so it")


def test_a_report_is_drawn_anew(written):
    before = (written / "report.html").read_text()
    code, out, err = ran(["report", str(written)])
    assert code == 0, err
    assert (written / "report.html").read_text() == before and str(written) in out


def interrupt_at(patch: pytest.MonkeyPatch, step: int) -> None:
    def press(event: object) -> None:
        if event.step >= step and event.status is None:  # type: ignore[attr-defined]
            signal.raise_signal(signal.SIGINT)

    patch.setattr("ansatz.training.fit.CHUNK", 1)
    patch.setattr(_work, "progress", lambda answer: (press,))


@pytest.mark.parametrize("step", [1, 7])
def test_interrupted_and_resumed_is_unbroken(tmp_path, written, step, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_at(patch, step)
        code, _, err = ran(generate(tmp_path))
    assert code == 130 and f"ansatz generate text --resume {tmp_path / 'run'}" in err
    code, _, err = ran(["sample", str(tmp_path / "run")])
    assert code == 2 and "is not finished; go on with `ansatz generate text --resume" in err
    code, _, err = ran(["generate", "text", "--resume", str(tmp_path / "run"), "--json", "--quiet"])
    assert code == 0, err
    assert bits(tmp_path / "run") == bits(written)
    code, _, err = ran(["generate", "text", "--resume", str(tmp_path / "run")])
    assert code == 2 and "there is nothing to resume" in err


def test_one_that_was_killed_at_once_begins_again(tmp_path, written, monkeypatch):
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ansatz.generate.ready.fit", die)
        assert ran(generate(tmp_path))[0] == 130
    code, _, err = ran(["generate", "text", "--resume", str(tmp_path / "run"), "--quiet"])
    assert code == 0, err
    assert bits(tmp_path / "run") == bits(written)


def test_a_changed_or_missing_text_is_not_resumed(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_at(patch, 1)
        assert ran(generate(tmp_path))[0] == 130
    resume = ["generate", "text", "--resume", str(tmp_path / "run"), "--quiet"]
    (tmp_path / "text.txt").write_text(TEXT.replace("so it", "so he", 1))
    code, _, err = ran(resume)
    assert code == 2 and "has changed since the run began" in err
    (tmp_path / "text.txt").unlink()
    code, _, err = ran(resume)
    assert code == 2 and "is not there" in err
    code, _, err = ran([*resume, "--layers", "3"])
    assert code == 2 and "--layers cannot be given with --resume" in err
    (tmp_path / "moved.txt").write_text(TEXT)
    assert ran([*resume, "--data", str(tmp_path / "moved.txt")])[0] == 0


BAD = [
    ("empty", b"", "text.txt is empty"),
    ("binary", b"so it\0goes\n" * 9, "byte 6 is NUL"),
    ("latin", "caf\u00e9\n".encode("latin-1") * 9, "is not UTF-8: byte 4 is 0xE9"),
    ("short", b"so it goes\n", "needs 16 + 1"),
]


@pytest.mark.parametrize(("content", "says"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_texts_that_cannot_be_learned_leave_nothing(tmp_path, content, says):
    words = generate(tmp_path)
    (tmp_path / "text.txt").write_bytes(content)
    code, out, err = ran(words)
    assert code == 2 and out == "" and err.count("\n") == 1 and says in err
    assert [one.name for one in tmp_path.iterdir()] == ["text.txt"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["generate", "txet"], "There is nothing 'txet' to generate; did you mean 'text'?"),
        (
            ["generate", "--data", "x.txt"],
            "The first word says what to generate: text, images, translation; --data comes after it.",
        ),
        (["generate", "text"], "There is no text: name a file or a data set with --data."),
        (["generate", "text", "--data", "nowhere.txt"], "The text file nowhere.txt is not there"),
        (["generate", "text", "--data", "x", "--layer", "2"], "did you mean '--layers'?"),
        (["generate", "text", "--data", "x", "--budget", "soon"], "--budget 'soon' is no time"),
        (["generate", "text", "--data", "x", "--tokenizer", "word"], "did you mean 'words'?"),
        (["generate", "text", "--resume", "nowhere"], "nowhere"),
        (["sample"], "A sample needs a run: ansatz sample RUN."),
        (["sample", "nowhere"], "nowhere"),
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
        (["--prompt", "so €"], "The character '€'"),
        (["--temperature", "-1"], "The temperature is -1.0"),
        (["--top-p", "2"], "top_p is 2.0"),
        (["--length", "0"], "0 tokens cannot be written"),
        (["--stop", "it"], "is 2 tokens"),
    ],
)
def test_samples_that_cannot_be_drawn_are_refused(written, more, says):
    code, out, err = ran(["sample", str(written), *more])
    assert code == 2 and out == "" and err.count("\n") == 1 and says in err


def test_runs_of_another_kind_or_shape_are_refused(tmp_path, written, finished):
    code, _, err = ran(["sample", str(finished)])
    assert code == 2 and "holds a run of kind 'table', not a model of a text" in err
    code, _, err = ran(["generate", "text", "--resume", str(finished)])
    assert code == 2 and "is no model of a text that can be resumed" in err
    shutil.copytree(written, tmp_path / "odd")
    snapshot, _ = RunFolder.read(written)
    snapshot.info["text"]["tokenizer"]["alphabet"] = "abc"
    with RunFolder.create(tmp_path / "odd") as folder:
        folder.finish(snapshot)
    code, _, err = ran(["sample", str(tmp_path / "odd")])
    assert code == 2 and "the two do not belong together" in err


def test_a_checkpoint_of_another_shape_is_not_resumed(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_at(patch, 5)
        assert ran(generate(tmp_path))[0] == 130
    snapshot, _ = RunFolder.read(tmp_path / "run")
    narrow = snapshot.state["state.0000"][:-1]
    snapshot.state["state.0000"] = narrow
    with RunFolder.create(tmp_path / "run") as folder:
        folder.checkpoint(snapshot)
    code, _, err = ran(["generate", "text", "--resume", str(tmp_path / "run"), "--quiet"])
    assert code == 2 and err.count("\n") == 1 and "The saved array state.0000" in err


def test_help_shows_the_flags_and_starts_no_jax():
    code, out, _ = ran(["generate", "--help"])
    assert code == 0 and "ansatz generate text --data" in out
    code, out, _ = ran(["generate", "text", "--help"])
    assert code == 0 and "--budget" in out and "--residual" in out and "--learning-rate" in out
