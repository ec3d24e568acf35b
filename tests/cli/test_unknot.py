"""`ansatz unknot` and `ansatz verify`: answers, files, exit codes, and one sentence for what is wrong."""

import io
import json
from pathlib import Path

import pytest
from tests.cli.malformed import ran


def test_one_diagram_and_its_certificate(tmp_path: Path):
    out = str(tmp_path / "culprit.json")
    code, said, _ = ran(["unknot", "Culprit", "--out", out])
    assert code == 0 and "Culprit (10 crossings) is the unknot" in said and "holds its certificate" in said
    code, said, _ = ran(["verify", out])
    assert code == 0 and said.startswith(f"{out}: a diagram of 10 crossings is the unknot")
    damaged = json.loads(Path(out).read_text())
    damaged["moves"].pop()
    Path(out).write_text(json.dumps(damaged))
    code, said, _ = ran(["verify", out])
    assert code == 1 and "REJECTED: " in said
    Path(out).write_text("{")
    code, said, _ = ran(["verify", out, "--json"])
    assert code == 1 and "neither JSON" in json.loads(said)["found"][0]["says"]


def test_passes_taken_apart_for_unknotdb(tmp_path: Path):
    out = str(tmp_path / "d28.txt")
    code, said, _ = ran(["unknot", "D28", "--expand", "--out", out, "--json"])
    record = json.loads(said)
    assert code == 0 and record["passes"] == 0 and record["certificate"] == out
    assert Path(out).read_text().startswith("---\nclaim: unknot\n")
    code, said, _ = ran(["verify", out])
    assert code == 0 and f"({record['moves']} moves, at most {record['peak']} crossings" in said
    Path(out).write_text(Path(out).read_text().replace("R2- c1", "R2- c3", 1))
    code, said, _ = ran(["verify", out])
    assert code == 1 and "a move is R1- c=" in said


def test_knots_and_undecided():
    code, said, _ = ran(["unknot", "T(3,4)", "--json"])
    record = json.loads(said)
    assert code == 0 and record["verdict"] == "not the unknot" and record["why"] == "its determinant is 3"
    assert len(record["smallest"]) == 8
    code, said, _ = ran(["unknot", "OchiaiIV", "--moves", "r-only", "--budget", "0.05s"])
    assert code == 1 and "is undecided: no invariant" in said and "The smallest diagram found has 55" in said


def test_the_trained_policy_tries_too(tmp_path: Path):
    out = str(tmp_path / "goeritz.json")
    code, said, _ = ran(["unknot", "Goeritz", "--moves", "r-only", "--policy", "--out", out])
    assert (
        code == 0 and "The trained policy untied it in " in said and " runs of 200 moves, at best in " in said
    )
    code, said, _ = ran(["verify", out])
    assert code == 0 and "is the unknot" in said
    code, said, _ = ran(["unknot", "3_1", "--moves", "r-only", "--policy"])
    assert code == 0 and "is not the unknot" in said and "policy" not in said
    code, _, said = ran(["unknot", "Goeritz", "--policy"])
    assert code == 2 and "--policy goes with --moves r-only" in said


def test_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lines, out = tmp_path / "lines.txt", tmp_path / "certificates.jsonl"
    lines.write_text("# four\nCulprit\n[[1,1,2,2]]\n\n3_1\nbraid: 1 2 -1 -1\n")
    code, said, _ = ran(["unknot", str(lines), "--out", str(out)])
    assert code == 0 and "4 diagrams: 3 unknot, 1 not the unknot" in said and "its determinant is 3" in said
    assert [line.split()[0] for line in said.splitlines()[:4]] == ["2", "3", "5", "6"]
    code, said, _ = ran(["verify", str(out)])
    assert code == 0 and said.count("is the unknot") == 3
    monkeypatch.setattr("sys.stdin", io.StringIO("H\n8_20\n"))
    code, said, _ = ran(["unknot", "-", "--json"])
    record = json.loads(said)
    assert (record["diagrams"], record["unknots"], record["knots"], record["undecided"]) == (2, 1, 1, 0)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["unknot"], "Name the diagram to untie"),
        (["unknot", "Culpit"], "did you mean 'Culprit'"),
        (["unknot", "Culprit", "--moves", "r"], "--moves takes all or r-only, not 'r'"),
        (["unknot", "Culprit", "--budget", "0s"], "is no time"),
        (["unknot", "Culprit", "--out", "a.txt"], "unknotdb's format has no passes"),
        (["unknot", "Culprit", "--out", "a.csv"], "should end in .json or .txt"),
        (["unknot", "Culprit", "--out", "absent/a.json"], "there is no folder 'absent'"),
        (["unknot", "bad.txt", "--out", "b.jsonl"], "Line 2: Row 1 of the PD code is (1, 1, 2)"),
        (["unknot", "bad.txt", "--out", "b.json"], "should end in .jsonl"),
        (["unknot", "empty.txt"], "There is no diagram in empty.txt"),
        (["unknot", "bytes.txt"], "byte 1 is not UTF-8"),
        (["unknot", "T(2,4)"], "has 2 components"),
        (["unknotting-number"], "Name the knot"),
        (["unknotting-number", "3_1", "--out", "a.txt"], "should end in .json"),
        (["verify"], "Name the certificates to check"),
        (["verify", "absent.json"], "absent.json cannot be read"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(
    words: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    Path("bad.txt").write_text("Culprit\n[[1,1,2]]\n")
    Path("empty.txt").write_text("# nothing\n")
    Path("bytes.txt").write_bytes(b"\xff\xfe")
    code, said, err = ran(words)
    assert code == 2 and not said and sentence in err and err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.txt", "bytes.txt", "empty.txt"]


def test_unknotting_numbers(tmp_path: Path):
    out = str(tmp_path / "u.json")
    code, said, _ = ran(["unknotting-number", "7_1", "--budget", "0.2s", "--out", out])
    assert code == 0 and said.startswith("u(7_1) = 3: 3 crossing changes untie it, and its signature proves")
    code, said, _ = ran(["verify", out])
    assert code == 0 and "has unknotting number at most 3" in said
    code, said, _ = ran(["unknotting-number", "3_1", "--json"])
    assert (json.loads(said)["lower"], json.loads(said)["upper"]) == (1, 1)
