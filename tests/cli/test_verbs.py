"""What the verbs print, their exit codes, and what they leave on the disk."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from tests.cli.malformed import FAST, fit, numbers, ran, written

import ansatz
from ansatz.cli import _answer, _flags
from ansatz.cli import main as command
from ansatz.core import BadInput
from ansatz.supervised.network import TableNetwork
from ansatz.supervised.result import load_table_fit
from ansatz.supervised.settings import TableSettings

VERBS = ("fit", "predict", "report", "list", "data")


def last(out: str) -> dict:
    """Return the JSON object that is the one line of stdout."""
    assert out.count("\n") == 1, out
    return json.loads(out)


def test_help_lists_every_verb_and_every_verb_shows_an_example():
    code, out, err = ran(["--help"])
    assert code == 0 and not err and ran([]) == (0, out, "")
    assert set(VERBS) <= set(command.verbs())
    for verb in command.verbs():
        assert f"\n  {verb} " in out
    for verb in VERBS:
        code, shown, err = ran([verb, "--help"])
        assert code == 0 and not err
        assert "examples:" in shown and f"  ansatz {verb}" in shown
        assert ran(["help", verb])[1] == shown


def test_every_field_is_a_flag_with_a_help_text():
    shown = " ".join(ran(["fit", "--help"])[1].replace("│", " ").split())
    for kind in (TableSettings, TableNetwork):
        for name in kind.__dataclass_fields__:
            assert f"--{name.replace('_', '-')}" in shown
    types = _flags.flag_types(_flags.form_of((TableNetwork,), "Network"))
    assert types["width"] is int and types["learning_rate"] is float and types["map"] is str


def test_the_module_runs_and_its_help_imports_nothing_heavy():
    line = "import runpy, sys; sys.argv = ['ansatz', '--version']\n"
    line += "try:\n    runpy.run_module('ansatz', run_name='__main__')\nexcept SystemExit as end:\n"
    line += "    print(end.code, sorted({'jax', 'numpy', 'polars', 'tyro', 'rich'} & set(sys.modules)))"
    path = str(Path(ansatz.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", line], capture_output=True, text=True, check=True, env={"PYTHONPATH": path}
    )
    assert done.stdout.split("\n")[:2] == [f"ansatz {ansatz.__version__}", "0 []"]


def test_a_fit_answers_with_figures_beside_baselines(tmp_path):
    path = written(tmp_path, numbers(80))
    words = ["fit", path, "--target", "y", "--out", str(tmp_path / "run")]
    quick = ["--epochs", "2", "--members", "2", "--no-attribution"]
    code, out, err = ran([*words, *quick])
    assert code == 0, err
    for said in ("RMSE", "network", "gradient boosting", "test rows", "intervals hold", "report.html"):
        assert said in out
    assert "Training 2 networks" in err
    page = (tmp_path / "run" / "report.html").read_text()
    assert page.lstrip().startswith("<!") and "http://" not in page.split("<svg")[0]


def test_json_is_the_last_line_of_stdout_and_agrees_with_the_run(tmp_path):
    code, out, err = ran(fit(written(tmp_path, numbers())))
    assert (code, err) == (0, "")
    found, kept = last(out), load_table_fit(tmp_path / "run")
    assert found["metric"] == "rmse" and found["value"] == kept.evaluation.interval.value
    assert found["rows"] == kept.parts and found["run"] == str(tmp_path / "run")
    code, out, err = ran(["fit", str(tmp_path / "none.csv"), "--target", "y", "--json"])
    assert code == 2 and last(out)["exit_code"] == 2 and last(out)["error"] in err


def test_runs_get_numbers_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path, numbers())
    for number in (1, 2):
        assert last(ran(["fit", path, "--target", "y", *FAST])[1])["run"] == f"runs/table-{number}"
    code, out, _ = ran(["list", "--json"])
    runs = last(out)["runs"]
    assert code == 0 and [run["name"] for run in runs] == ["table-1", "table-2"]
    assert runs[0]["what"] == "table, y" and runs[0]["status"] == "finished" and runs[0]["value"] > 0
    (tmp_path / "runs" / "table-2" / "model.safetensors").write_bytes(b"")
    code, out, _ = ran(["list"])
    assert code == 1 and "damaged" in out and "model.safetensors has 0 bytes" in out


def test_predictions_are_those_of_the_fit(tmp_path, finished):
    new = numbers(9) | {"id": list(range(9))}
    path = written(tmp_path, new)
    code, out, err = ran(["predict", str(finished), path])
    assert code == 0, err
    shown = pl.read_csv(out.encode())
    kept = load_table_fit(finished)
    assert shown.columns == ["id", "prediction", "lower", "upper"]
    np.testing.assert_allclose(shown["prediction"], kept.predict(path), rtol=1e-12)
    np.testing.assert_allclose(shown["lower"], kept.interval(path)[0], rtol=1e-12)
    for ending, read in ((".csv", pl.read_csv), (".parquet", pl.read_parquet)):
        answer = tmp_path / f"answer{ending}"
        assert ran(["predict", str(finished), path, "--out", str(answer)])[0] == 0
        assert read(answer).equals(shown)
    code, out, _ = ran(["predict", str(finished), path, "--json"])
    assert len(last(out)["predictions"]) == 9


def test_classes_get_probabilities(tmp_path):
    columns = numbers()
    path = written(tmp_path, columns)
    assert ran(fit(path, target="c"))[0] == 0
    shown = pl.read_csv(ran(["predict", str(tmp_path / "run"), path])[1].encode())
    assert shown.columns == ["prediction", "probability left", "probability right"]
    np.testing.assert_allclose(shown["probability left"] + shown["probability right"], 1, rtol=1e-6)
    assert set(shown["prediction"]) <= {"left", "right"}


def test_a_report_is_drawn_anew(tmp_path, finished):
    shutil.copytree(finished, tmp_path / "run")
    code, out, err = ran(["report", str(tmp_path / "run")])
    assert code == 0, err
    assert out.strip() == str(tmp_path / "run" / "report.html")
    assert "<svg" in Path(out.strip()).read_text()
    load_table_fit(tmp_path / "run")


def test_what_is_wrong_with_the_files_of_a_run_is_said_on_stderr(tmp_path, finished):
    run = shutil.copytree(finished, tmp_path / "run")
    path = written(tmp_path, numbers(5))
    code, _, err = ran(["predict", str(run), path])
    assert (code, err) == (0, "")
    code, _, err = ran(["report", str(run)])
    assert (code, err) == (0, "")
    with (run / "report.html").open("ab") as page:
        page.write(b"more")
    for words in (["predict", str(run), path], ["report", str(run)]):
        code, out, err = ran([*words, "--json"])
        assert code == 0 and err.startswith("· report.html") and err.count("\n") == 1
        assert last(out)["remarks"] == [err[2:-1]]
    assert ran(["report", str(run)])[2] == ""


def test_folds_give_a_mean_and_a_spread(tmp_path):
    words = ["fit", written(tmp_path, numbers()), "--target", "y", "--folds", "3", *FAST]
    code, out, err = ran(words)
    assert (code, err) == (0, "")
    found = last(out)
    values = [fold["rmse"] for fold in found["folds"]]
    assert len(values) == 3 and sum(fold["rows"] for fold in found["folds"]) == 60
    assert found["mean"]["rmse"] == pytest.approx(np.mean(values))
    assert found["sd"]["rmse"] == pytest.approx(np.std(values, ddof=1))
    assert not (tmp_path / "runs").exists()
    assert "mean ± sd" in ran([word for word in words if word != "--json"])[1]


def test_a_run_that_diverges_ends_with_one(tmp_path):
    wild = ["--optimizer", "gradient_descent", "--learning-rate", "1e30", "--clip", "0", "--epochs", "20"]
    code, out, err = ran(fit(written(tmp_path, numbers()), *wild))
    assert code == 1, err
    assert last(out)["status"] == "nonfinite" and "at step" in last(out)["message"]


def test_data_sets_are_listed_and_fetched(tmp_path):
    code, out, _ = ran(["data", "list", "--json"])
    names = [entry["name"] for entry in last(out)["data"]]
    assert code == 0 and {"fashion-mnist", "mnist", "nuclides", "digits", "diamonds"} <= set(names)
    assert "diamonds" in ran(["data"])[1]
    code, out, err = ran(["data", "get", "iris"])
    assert code == 0 and Path(out.strip()).is_file(), err
    own = str(shutil.copy(out.strip(), tmp_path / "iris.csv"))
    assert ran(["data", "get", "iris", "--path", own])[1].strip() == own
    code, out, err = ran(["fit", "iris", "--out", str(tmp_path / "run"), *FAST])
    assert code == 0 and last(out)["target"] == "species", err


def test_a_defect_asks_to_be_reported(monkeypatch):
    def broken(arguments: list[str]) -> int:
        raise KeyError("θ")

    monkeypatch.setattr(command.verbs()["list"], "command", broken)
    code, out, err = ran(["list"])
    assert code == 70 and not out and err.count("\n") == 1 and "please report" in err
    with pytest.raises(KeyError):
        ran(["list", "--debug"])


def test_times_and_sparklines():
    assert _flags.seconds("1.5h") == 5400 and _flags.seconds("90") == 90 and _flags.seconds(None) is None
    for wrong in ("", "0s", "-3m", "3 weeks", "nan"):
        with pytest.raises(BadInput, match="no time"):
            _flags.seconds(wrong)
    assert _answer.sparkline([np.nan, np.inf]) == "" and _answer.sparkline([1.0, 1.0]) == "▁▁"
    assert len(_answer.sparkline(np.arange(1000.0))) == 40


def draw_images(folder: Path) -> Path:
    """Write 15 pictures of each of two classes."""
    random = np.random.default_rng(0)
    for name, bright in (("dark", 40), ("light", 200)):
        (folder / name).mkdir(parents=True)
        for at in range(15):
            pixels = random.integers(bright, bright + 50, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{at}.png")
    return folder


def test_images_are_fitted_predicted_and_resumed(tmp_path, monkeypatch):
    pictures = draw_images(tmp_path / "pictures")
    quick = "--map mlp --dense 8 --epochs 4 --no-baselines --no-report --quiet --json".split()
    code, out, err = ran(["fit", str(pictures), "--out", str(tmp_path / "run"), *quick])
    assert code == 0, err
    assert last(out)["metric"] == "accuracy" and last(out)["rows"]["test"] == 3
    code, out, err = ran(["predict", str(tmp_path / "run"), str(pictures / "dark")])
    assert code == 0, err
    assert pl.read_csv(out.encode()).columns[1:] == ["probability dark", "probability light"]

    def press(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ansatz.cli._images.judge_images", press)
        assert ran(["fit", str(pictures), "--out", str(tmp_path / "again"), *quick])[0] == 130
    code, _, err = ran(["fit", "--resume", str(tmp_path / "again"), "--no-report", "--quiet"])
    assert code == 0, err
    models = [(tmp_path / run / "model.safetensors").read_bytes() for run in ("run", "again")]
    assert models[0] == models[1]
    code, _, err = ran(["fit", str(pictures), "--bins", "3", *quick])
    assert code == 2 and "--bins is for tables" in err
