"""`ansatz generate translation` and `ansatz sample --input` from their words to files and sentences."""

import json
import signal
from pathlib import Path

import pytest
from tests.cli.malformed import ran

from ansatz.cli import _work

FAST = "--layers 1 --size 16 --heads 2 --batch 8 --steps 8 --beams 2 --quiet".split()
ROWS = [(f"{a}{b}", f"{b}{a}") for a in "abcd" for b in "abcd"]


def table(folder: Path, rows: list[tuple[str, ...]] | None = None, header: str = "word,turned") -> Path:
    """Write a table of words and what they become."""
    lines = [header, *(",".join(row) for row in (ROWS if rows is None else rows))]
    (folder / "words.csv").write_text("\n".join(lines) + "\n")
    return folder / "words.csv"


def translation(folder: Path, *more: str) -> list[str]:
    """Return the words that train on a table in a folder."""
    place = table(folder)
    return ["generate", "translation", "--data", str(place), "--out", str(folder / "run"), *FAST, *more]


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on a table."""
    folder = tmp_path_factory.mktemp("turned")
    code, out, err = ran(translation(folder, "--json"))
    assert code == 0, err
    (folder / "answer.json").write_text(out)
    return folder / "run"


@pytest.fixture(scope="module")
def slopes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the task of derivatives, which has learned next to nothing."""
    folder = tmp_path_factory.mktemp("slopes") / "run"
    words = ["generate", "translation", "--task", "derivative", "--pairs", "200", "--out", str(folder)]
    code, out, err = ran([*words, *FAST, "--no-baselines"])
    assert code == 0, err
    assert "SymPy" in out and "1 term" in out and "verified answers" in out
    return folder


def test_a_table_is_learned_judged_and_kept(turned):
    found = json.loads((turned.parent / "answer.json").read_text())
    assert found["status"] == "finished" and found["steps"] == 8 and found["tested"] == 2
    assert 0 <= found["interval"][0] <= found["exact"] <= found["interval"][1] <= 1
    assert [one["name"] for one in found["baselines"]] == [
        "commonest translation", "translation of the nearest text",
    ]  # fmt: skip
    page = (turned / "report.html").read_text()
    assert "--steps 8" in page and "<script" not in page and "P_ij between answer and text" in page
    code, out, _ = ran(["list", str(turned.parent), "--json"])
    assert code == 0 and json.loads(out)["runs"][0]["metric"] == "right translations"
    code, out, err = ran(["report", str(turned)])
    assert code == 0, err
    assert (turned / "report.html").read_text() == page


def test_no_text_of_the_test_part_is_learned():
    from ansatz.generate.translation import find_texts
    from ansatz.generate.translation_settings import TranslationSettings

    rows = ROWS + [(one, f"{other}!") for one, other in ROWS]
    columns = {"a": [one for one, _ in rows], "b": [other for _, other in rows]}
    given = find_texts(columns, TranslationSettings(test=0.25))
    assert not set(given.train.sources) & set(given.test.sources)
    assert len(given.test.sources) == 8 and len(given.train.sources) == 24
    for task in ("derivative", "polynomial", "gcd", "addition"):
        given = find_texts(
            None, TranslationSettings(task=task, pairs=160, largest=50 if task in ("gcd", "addition") else 3)
        )
        assert len(given.train.sources) == 160 and len(given.test.sources) == 16
        pairs = [{tuple(sorted(one.split())) for one in part.sources} for part in (given.train, given.test)]
        assert not pairs[0] & pairs[1]


def interrupt_at(patch: pytest.MonkeyPatch, step: int) -> None:
    def press(event: object) -> None:
        if event.step >= step and event.status is None:  # type: ignore[attr-defined]
            signal.raise_signal(signal.SIGINT)

    patch.setattr("ansatz.training.fit.CHUNK", 1)
    patch.setattr(_work, "progress", lambda answer: (press,))


def test_interrupted_and_resumed_is_unbroken(tmp_path, turned, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_at(patch, 3)
        code, _, err = ran(translation(tmp_path))
    assert code == 130 and f"ansatz generate translation --resume {tmp_path / 'run'}" in err
    code, _, err = ran(["sample", str(tmp_path / "run"), "--input", "ab"])
    assert code == 2 and "is not finished" in err
    resume = ["generate", "translation", "--resume", str(tmp_path / "run"), "--quiet"]
    place = tmp_path / "words.csv"
    text = place.read_text()
    place.write_text(text.replace("ab,ba", "ab,aa"))
    code, _, err = ran(resume)
    assert code == 2 and "has changed since the run began" in err
    code, _, err = ran([*resume, "--layers", "2"])
    assert code == 2 and "--layers cannot be given with --resume" in err
    place.write_text(text)
    code, _, err = ran(resume)
    assert code == 0, err
    same = [(run / "model.safetensors").read_bytes() for run in (tmp_path / "run", turned)]
    assert same[0] == same[1]


def test_a_budget_ends_in_time_and_is_recorded(tmp_path):
    words = ["generate", "translation", "--task", "gcd", "--largest", "30", "--pairs", "100", "--base", "6"]
    small = "--layers 1 --size 8 --heads 1 --batch 4 --beams 1 --quiet --no-report --no-baselines".split()
    code, out, err = ran([*words, *small, "--budget", "20s", "--out", str(tmp_path / "run"), "--json"])
    assert code == 0, err
    found = json.loads(out)
    assert found["steps"] >= 1 and found["seconds"] < 60
    assert all(row[0] >= row[5] >= 1 and row[0] % row[5] == 0 for row in found["divisors"])
    assert sum(row[1] for row in found["divisors"]) == found["tested"] == 16


def test_inputs_are_translated(turned, slopes):
    code, out, err = ran(["sample", str(turned), "--input", " ab ", "--beams", "3", "--json"])
    assert code == 0, err
    found = json.loads(out)
    assert found["input"] == "ab" and len(found["answers"]) == 3
    logs = [one["log_probability"] for one in found["answers"]]
    assert logs == sorted(logs, reverse=True) and found["answers"][0]["verified"] is None
    code, out, err = ran(["sample", str(slopes), "--input", "x^2*sin(x)"])
    assert code == 0, err
    assert "verified" in out and ("no" in out or "yes" in out)


@pytest.mark.parametrize(
    ("rows", "header", "more", "says"),
    [
        ([("a",)] * 9, "word", [], "words.csv has one column, 'word'; a translation needs a second"),
        ([*ROWS, ("ab", "")], "word,turned", [], "Row 17 of words.csv is empty in column 'turned'"),
        ([*ROWS, ("", "ab")], "word,turned", [], "Row 17 of words.csv is empty in column 'word'"),
        ([*ROWS, ("a" * 500, "b")], "word,turned", [], "Row 17 of words.csv has 500 characters"),
        (ROWS, "word,turned", ["--longest", "1"], "at most 1"),
        (ROWS[:5], "word,turned", [], "5 different texts"),
        ([(*row, "z") for row in ROWS], "a,b,c", [], "has 3 columns, 'a', 'b', 'c'; say which"),
        (ROWS, "word,turned", ["--source", "wrod"], "'wrod' for the source; did you mean 'word'?"),
        (ROWS, "word,turned", ["--source", "word", "--target", "word"], "both the column 'word'"),
    ],
)  # fmt: skip
def test_tables_that_cannot_be_learned_leave_nothing(tmp_path, rows, header, more, says):
    words = translation(tmp_path, *more)
    table(tmp_path, rows, header)
    code, out, err = ran(words)
    assert code == 2 and out == "" and err.count("\n") == 1 and says in err
    assert [one.name for one in tmp_path.iterdir()] == ["words.csv"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "There is nothing to translate: name a table with --data, or a task with --task."),
        (["--task", "derivatives"], "did you mean 'derivative'?"),
        (["--task", "gcd", "--data", "x.csv"], "give either --task or --data"),
        (["--data", "nowhere.csv"], "There is no file 'nowhere.csv'"),
        (["--task", "gcd", "--base", "1"], "base 1"),
        (["--task", "gcd", "--largest", "3"], "largest=3 does not fit the task 'gcd'"),
        (["--task", "gcd", "--pairs", "3"], "pairs=3 is too small"),
        (["--task", "gcd", "--test", "1"], "test=1.0"),
        (["--task", "gcd", "--check", "sympy"], "check"),
        (["--task", "gcd", "--size", "10", "--heads", "4"], "cannot"),
        (["--resume", "nowhere"], "nowhere"),
    ],
)
def test_bad_words_are_one_sentence(tmp_path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    code, out, err = ran(["generate", "translation", *words, "--quiet"])
    assert code == 2 and out == "" and err.count("\n") == 1 and says in err, err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--input", "a€"], "The character '€' at character 2 is unknown"),
        (["--input", "abc"], "The text 'abc' has 3 tokens; in training they had 1 to 2."),
        (["--input", " "], "is empty"),
        ([], "give it a text with --input"),
        (["--input", "ab", "--beams", "0"], "--beams 0"),
        (["--input", "ab", "--temperature", "1"], "--temperature says nothing to a model of translations"),
    ],
)
def test_inputs_that_cannot_be_translated_are_refused(turned, more, says):
    code, out, err = ran(["sample", str(turned), *more])
    assert code == 2 and out == "" and err.count("\n") == 1 and says in err, err


def test_runs_of_another_kind_are_refused(turned, finished):
    code, _, err = ran(["sample", str(finished), "--input", "ab"])
    assert code == 2 and "not a model of a text" in err
    code, _, err = ran(["generate", "text", "--resume", str(turned)])
    assert code == 2 and "is no model of a text that can be resumed" in err


def test_help_shows_the_flags():
    code, out, _ = ran(["generate", "translation", "--help"])
    assert code == 0 and "--task" in out and "--learning-rate" in out and "--base" in out
