"""`ansatz solve`: what it prints, its exit codes, its files, and the place of an error."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.malformed import ran

from ansatz.equations import gallery

OSCILLATOR = ["y'' = -omega^2*y", "--on", "t=0..2", "--where", "y(0)=1", "y'(0)=0", "--let", "omega=3"]


def record(out):
    """Return the JSON object that is the one line of stdout."""
    assert out.count("\n") == 1, out
    return json.loads(out)


def test_an_equation_is_echoed_solved_and_judged():
    code, out, err = ran(["solve", *OSCILLATOR])
    assert code == 0, err
    assert "y(0)=1" in err.replace(" ", "") and "ω" not in out
    assert "estimated relative error" in out and "least squares" in out


def test_json_is_the_last_line_and_quiet_says_nothing_else():
    code, out, err = ran(["solve", *OSCILLATOR, "--json", "--quiet", "--accuracy", "1e-9"])
    found = record(out)
    assert (code, err) == (0, "")
    assert found["converged"] and found["error"] < 1e-9 and found["errors"].keys() == {"y"}
    assert found["ladder"][0]["name"] and found["levels"] is None and found["unknowns"] == {}


def test_the_gallery_is_listed_and_solved_by_name_beside_its_reference():
    code, out, _ = ran(["solve", "--list", "--json"])
    listed = record(out)["gallery"]
    assert code == 0 and [one["name"] for one in listed] == gallery.__all__
    assert all(one["command"].startswith("ansatz solve ") for one in listed)
    shown = ran(["solve", "--list"])[1]
    assert all(name in shown for name in gallery.__all__)
    code, out, _ = ran(["solve", "--gallery", "oscillator", "--let", "omega=10", "--json"])
    found = record(out)
    assert code == 0 and found["true_errors"]["y"] < 1e-9


def test_the_folder_holds_a_report_and_exports_hold_the_values(tmp_path):
    files = [str(tmp_path / f"values{one}") for one in (".csv", ".npz", ".vtk")]
    words = ["solve", *OSCILLATOR, "--out", str(tmp_path / "run"), "--export", *files]
    code, out, err = ran(words)
    assert code == 0, err
    page = (tmp_path / "run" / "report.html").read_text()
    assert "<math" in page and "ansatz solve" in page and "<script" not in page and "report.html" in out
    with np.load(files[1]) as arrays:
        t, y, error = (arrays[name] for name in ("t", "y", "y_error"))
    assert np.max(np.abs(y - np.cos(3 * t))) < 1e-8 and error.shape == y.shape == t.shape
    with Path(files[0]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["y"]) for row in rows] == y.tolist()
    head, _, body = (tmp_path / "values.vtk").read_bytes().partition(b"LOOKUP_TABLE default\n")
    assert f"DIMENSIONS {len(t)} 1 1".encode() in head and b"SCALARS y double 1" in head
    assert np.array_equal(np.frombuffer(body[: 8 * len(t)], ">f8"), y)


def test_an_equation_may_begin_with_a_minus():
    code, out, err = ran(["solve", "-u''=exp(x)", "--on", "x=0..1", "--where", "u(0)=0", "u(1)=0", "--json"])
    assert code == 0, err
    assert record(out)["converged"]


@pytest.mark.parametrize(
    ("words", "sentence", "text", "place"),
    [
        (["y'' = 2*", "--on", "t=0..1"], "must stand there", "y'' = 2*", 8),
        (["y'' = w*y", "--on", "t=0..1"], "Unknown symbol 'w'", "y'' = w*y", 6),
        (["y'' = y", "--on", "t=1..0"], "lower end first", "t=1..0", 2),
        (["y' = y", "--on", "t=0..1", "--where", "y(0)=*1"], "'*' stands", "y(0)=*1", 5),
        (["y' = k*y", "--on", "t=0..1", "--let", "k"], "without a value", "k", 0),
    ],
)
def test_a_caret_stands_under_the_place_of_an_error(words, sentence, text, place):
    code, out, err = ran(["solve", *words])
    lines = err.splitlines()
    assert code == 2 and out == "" and sentence in err
    assert text in lines and lines[lines.index(text) + 1] == " " * place + "^"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "There is nothing to solve"),
        (["y' = y"], "The domain is missing"),
        (["--gallery", "burger"], "did you mean 'burgers'"),
        (["--gallery", "wave", "--on", "t=0..1"], "--on cannot be given with --gallery"),
        (["y' = y", "--gallery", "wave"], "An equation cannot be given with --gallery"),
        (["--gallery", "oscillator", "--let", "omga=3"], "did you mean 'omega'"),
        (["--gallery", "oscillator_boundary", "--let", "omega=pi"], "is 1 pi"),
        (["--gallery", "wave", "--export", "wave.txt"], "There is no export to 'wave.txt'"),
        (["--gallery", "wave", "--method", "magic"], "method 'magic' is not known"),
        (["--gallery", "wave", "--acuracy", "1"], "did you mean '--accuracy'"),
        ([*OSCILLATOR, "--data", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(words, sentence):
    code, out, err = ran(["solve", *words])
    said = err.splitlines()[-1]
    assert code == 2 and out == "" and said.startswith("ansatz: ") and sentence in said


def test_an_answer_that_did_not_converge_has_exit_code_1(monkeypatch):
    from ansatz.equations import solve as solver
    from ansatz.equations.solution import Solution

    def short(problem, **options):
        found = honest(problem, **options)
        found.converged = False
        return found

    honest = solver.solve
    monkeypatch.setattr(solver, "solve", short)
    code, out, _ = ran(["solve", *OSCILLATOR])
    assert code == 1 and "Not converged" in out and isinstance(Solution.verdict, property)


def test_data_come_from_a_table(tmp_path):
    from ansatz.cli.solve import _columns

    path = tmp_path / "measured.csv"
    path.write_text("t,y,label\n0.1,0.9,a\n0.2,0.8,b\n")
    found = _columns(str(path))
    assert found.keys() == {"t", "y"} and found["y"].tolist() == [0.9, 0.8]


def test_an_animation_has_frames(tmp_path):
    from ansatz.equations.solve import solve
    from ansatz.equations.views import animate

    path = animate(solve(gallery.get("heat").problem()), tmp_path / "heat.gif")
    with Image.open(path) as image:
        assert getattr(image, "n_frames", 1) > 20
