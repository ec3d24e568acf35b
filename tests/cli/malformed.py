"""Inputs that are wrong in one way each: refused in one sentence with nothing left behind, or handled.

`CASES` is what the tests and the benchmark run; `problem_of(case, folder, finished)` says what went wrong.
"""

import contextlib
import errno
import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np
import polars as pl

from ansatz.cli.main import main

FAST = (
    "--epochs 2 --members 2 --width 8 --depth 1 --bins 4 --no-baselines --no-attribution --no-report --quiet "
    "--json"
).split()


class Case(NamedTuple):
    """One input: `make(folder, finished)` writes it and returns the words after `ansatz`.

    `says` is a pattern that the sentence, or for an input that is handled a remark, has to match.
    """

    name: str
    make: Callable[[Path, Path], list[str]]
    says: str
    handled: bool = False
    during: Callable[[], contextlib.AbstractContextManager] = contextlib.nullcontext


def ran(words: list[str]) -> tuple[int, str, str]:
    """Run a command in this process; return its exit code, stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    return code, out.getvalue(), err.getvalue()


def problem_of(case: Case, folder: Path, finished: Path) -> str | None:
    """Return what a case does that it should not, or None; `finished` is a whole run."""
    words = case.make(folder, finished)
    before = {path for path in folder.rglob("*")}
    with contextlib.chdir(folder), case.during():
        code, out, err = ran(words)
    if case.handled:
        return _handled(case, code, out, err)
    left = sorted(str(path.relative_to(folder)) for path in set(folder.rglob("*")) - before)
    lines = err.splitlines()
    if code != 2:
        return f"exit {code} and not 2: {out[-300:]}{err[-600:]}"
    if len(lines) != 1 or not re.fullmatch(r"ansatz: \S.*[.?)]", lines[0]):
        return f"not one line that ends as a sentence does: {err[-600:]!r}"
    if re.search(r"[.!?] [A-Z]|Traceback|[a-z]Error\b", lines[0]):
        return f"not one sentence: {lines[0]!r}"
    if not re.search(case.says, lines[0]):
        return f"{lines[0]!r} does not say {case.says!r}"
    return f"left behind: {left}" if left else None


def _handled(case: Case, code: int, out: str, err: str) -> str | None:
    if code != 0:
        return f"exit {code} and not 0: {err[-600:]}"
    record = json.loads(out.splitlines()[-1])
    if len(out.splitlines()) != 1 or err:
        return f"more than one JSON object: {out[-300:]!r} {err[-300:]!r}"
    if not re.search(case.says, " ".join(record["remarks"])):
        return f"no remark says {case.says!r}: {record['remarks']}"
    return None


def numbers(rows: int = 60) -> dict[str, list]:
    """Return a small table: y depends on a and b, c is a category."""
    draw = np.random.default_rng(0)
    a, b = draw.normal(size=(2, rows))
    c = ["left" if one < 0 else "right" for one in a]
    return {"a": a.tolist(), "b": b.tolist(), "c": c, "y": (a**2 + b).tolist()}


def written(folder: Path, columns: dict[str, list], name: str = "table.csv") -> str:
    """Write columns as CSV and return the path."""
    pl.DataFrame(columns, strict=False).write_csv(folder / name)
    return str(folder / name)


def fit(path: str, *more: str, target: str = "y") -> list[str]:
    """Return the words that fit a file into the folder `run` beside it."""
    return ["fit", path, "--target", target, "--out", str(Path(path).parent / "run"), *FAST, *more]


def text(content: str | bytes, name: str = "table.csv", target: str = "y") -> Callable:
    """Return a case's `make` that writes a file of this content."""

    def make(folder: Path, _: Path) -> list[str]:
        data = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(data)
        return fit(str(folder / name), target=target)

    return make


def table(change: Callable[[dict], dict | None], *more: str, target: str = "y") -> Callable:
    """Return a case's `make` that writes a small table, changed."""

    def make(folder: Path, _: Path) -> list[str]:
        columns = numbers()
        columns = change(columns) or columns
        return fit(written(folder, columns), *more, target=target)

    return make


def flags(*more: str, target: str = "y") -> Callable:
    """Return a case's `make` that fits a good table with these words added."""
    return table(lambda columns: columns, *more, target=target)


def with_column(name: str, values: Callable[[int], list]) -> Callable:
    """Return a change that adds or replaces a column."""
    return lambda columns: columns | {name: values(len(columns["y"]))}


def some(values: list, at: dict[int, object]) -> list:
    """Return a list with some entries replaced."""
    return [at.get(i, value) for i, value in enumerate(values)]


def predict(change: Callable[[dict], dict | None]) -> Callable:
    """Return a case's `make` that predicts a changed table with a whole run."""

    def make(folder: Path, finished: Path) -> list[str]:
        columns = numbers(7)
        columns = change(columns) or columns
        return ["predict", str(finished), written(folder, columns), "--out", str(folder / "answer.csv")]

    return make


def damaged(file: str, change: Callable[[bytes], bytes], verb: str = "predict") -> Callable:
    """Return a case's `make` that uses a run of which one file was changed."""

    def make(folder: Path, finished: Path) -> list[str]:
        shutil.copytree(finished, folder / "copy")
        path = folder / "copy" / file
        path.write_bytes(change(path.read_bytes()))
        words = {"predict": [written(folder, numbers(5))], "report": []}[verb]
        return [verb, str(folder / "copy"), *words]

    return make


def cut_parquet(folder: Path, _: Path) -> list[str]:
    pl.DataFrame(numbers()).write_parquet(folder / "table.parquet")
    data = (folder / "table.parquet").read_bytes()
    (folder / "table.parquet").write_bytes(data[: len(data) // 2])
    return fit(str(folder / "table.parquet"))


def foreign_folder(folder: Path, _: Path) -> list[str]:
    (folder / "run").mkdir()
    (folder / "run" / "thesis.tex").write_text("42")
    return fit(written(folder, numbers()))


def finished_folder(folder: Path, finished: Path) -> list[str]:
    shutil.copytree(finished, folder / "run")
    return fit(written(folder, numbers()))


def out_is_a_file(folder: Path, _: Path) -> list[str]:
    (folder / "run").write_text("")
    return fit(written(folder, numbers()))


def moved_table(folder: Path, finished: Path) -> list[str]:
    shutil.copytree(finished, folder / "copy")
    return ["fit", "--resume", str(folder / "copy")]


def bad_image(folder: Path, _: Path) -> list[str]:
    for name in ("cats", "dogs"):
        (folder / "images" / name).mkdir(parents=True)
        (folder / "images" / name / "1.png").write_bytes(b"\x89PNG\r\n\x1a\nthis is no picture")
    return ["fit", str(folder / "images"), "--out", str(folder / "run"), "--quiet"]


def empty_folder(folder: Path, _: Path) -> list[str]:
    (folder / "images").mkdir()
    return ["fit", str(folder / "images"), "--out", str(folder / "run"), "--quiet"]


def words(*given: str) -> Callable:
    return lambda folder, finished: [one.replace("FINISHED", str(finished)) for one in given]


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    refusal = OSError(errno.ENOSPC, "No space left on device")
    with mock.patch("ansatz.store.atomic._write_synced", side_effect=refusal):
        yield


@contextlib.contextmanager
def read_only() -> Iterator[None]:
    refusal = OSError(errno.EROFS, "Read-only file system")
    with mock.patch("ansatz.store.folder.Lock", side_effect=refusal):
        yield


def flipped(data: bytes) -> bytes:
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


LATIN = "größe,y\n" + "".join(f"{i},{i * i}\n" for i in range(40))
PLAIN = "a,y\n" + "".join(f"{i % 7},{i % 5 + i / 100}\n" for i in range(40))

FILES = [
    Case("empty file", text(""), "empty"),
    Case("only blank lines", text("\n\n  \n"), "empty|rows|no "),
    Case("header only", text("a,b,y\n"), "row"),
    Case("one row", text("a,b,y\n1,2,3\n"), "row|value"),
    Case("two rows", text("a,b,y\n1,2,3\n4,5,6\n"), "row|value"),
    Case("three rows", text("a,y\n1,2\n2,3\n4,6\n"), "row"),
    Case("one column", text("y\n" + "\n".join(map(str, range(40)))), "column"),
    Case("semicolons", text(PLAIN.replace(",", ";")), "", handled=True),
    Case("tabs in a .csv", text(PLAIN.replace(",", "\t")), "", handled=True),
    Case("pipes", text(PLAIN.replace(",", "|")), "", handled=True),
    Case("ragged row", text(PLAIN + "1,2,3,4,5\n"), "row|line|field|cell"),
    Case("unclosed quote", text(PLAIN + '"1,2\n'), "quot"),
    Case("latin-1", text(LATIN.encode("latin-1")), "encod|Latin|UTF-8|1252", handled=True),
    Case("utf-16", text(PLAIN.encode("utf-16")), "", handled=True),
    Case("bytes that are no text", text(bytes(range(256)) * 20), "."),
    Case("null bytes", text(PLAIN.encode() + b"\0\0\0,\0"), "."),
    Case("a picture called .csv", text(b"\x89PNG\r\n\x1a\n" + bytes(200)), "."),
    Case("truncated Parquet", cut_parquet, "cut short"),
    Case("no Parquet", text("hello", "table.parquet"), "not a Parquet"),
    Case("no workbook", text("hello", "table.xlsx"), "XLSX"),
    Case("no HDF5", text("hello", "table.h5"), "HDF5"),
    Case("no NPZ", text("hello", "table.npz"), "NPZ|npz"),
    Case("no NPY", text("hello", "table.npy"), "NPY|npy"),
    Case("no Arrow", text("hello", "table.arrow"), "Arrow"),
    Case("no gzip", text("hello", "table.csv.gz"), "gzip|gz"),
    Case("unknown ending", text(PLAIN, "table.docx"), "ending"),
    Case("no such file", words("fit", "tabel.csv", "--target", "y"), "no file"),
    Case("a pickle", text(b"\x80\x04\x95evil.", "table.pkl"), "ending"),
]

COLUMNS = [
    Case(
        "duplicate names", text("a,a,y\n" + "".join(f"{i},{i % 3},{i * i}\n" for i in range(40))), "a", True
    ),
    Case("nameless column", text(",b,y\n" + "".join(f"{i},{i % 3},{i * i}\n" for i in range(40))), "", True),
    Case("target twice", text("y,y,a\n" + "".join(f"{i},{i % 3},{i * i}\n" for i in range(40))), "y", True),
    Case("target missing", flags(target="z"), "no column 'z'"),
    Case("target misspelled", table(lambda c: {**c, "price": c["y"]}, target="prise"), "mean 'price'"),
    Case("mixed types", table(lambda c: c | {"a": some(c["a"], {3: "oops", 9: "n/a"})}), "a", True),
    Case("words in the target", table(lambda c: c | {"y": some(c["y"], {3: "oops"})}), "dropped", True),
    Case("all-missing column", table(with_column("gap", lambda n: [None] * n)), "gap", True),
    Case("NaN in a column", table(lambda c: c | {"a": some(c["a"], {1: float("nan")})}), "", True),
    Case("infinite inputs", table(lambda c: c | {"a": some(c["a"], {1: float("inf")})}), "infinit", True),
    Case("infinite target", table(lambda c: c | {"y": some(c["y"], {1: float("inf")})}), "infinit", True),
    Case("gaps in the target", table(lambda c: c | {"y": some(c["y"], {1: None})}), "dropped", True),
    Case("no target at all", table(with_column("y", lambda n: [None] * n)), "y"),
    Case("constant target", table(with_column("y", lambda n: [1.5] * n)), "one value"),
    Case("constant column", table(with_column("k", lambda n: [1] * n)), "k", True),
    Case("only constants", table(lambda c: {"k": [1] * 60, "y": c["y"]}), "column"),
    Case("identifiers", table(with_column("id", lambda n: list(range(n)))), "id", True),
    Case("huge numbers", table(with_column("a", lambda n: [1e300 * (i % 5) for i in range(n)])), "", True),
    Case(
        "a tiny class",
        table(with_column("y", lambda n: ["u"] * (n - 1) + ["v"])),
        "'v', with 1 of the rows",
        True,
    ),
    Case("free-text target", table(with_column("y", lambda n: [f"word {i}" for i in range(n)])), "class"),
    Case(
        "dates as target",
        table(with_column("y", lambda n: [f"20{i % 28 + 10}-01-01" for i in range(n)])),
        "",
        True,
    ),
    Case("log of a negative target", flags("--log"), "log|positive"),
    Case("emoji names", table(lambda c: {"🙂": c["a"], "y": c["y"]}), "", True),
    Case("ignored target", flags("--ignore", "a", "b", "c"), "column"),
]


def many_categories(folder: Path, _: Path) -> list[str]:
    rows = 100_000
    draw = np.random.default_rng(0)
    frame = pl.DataFrame({"c": [f"k{i}" for i in range(rows)], "a": draw.normal(size=rows)})
    frame.with_columns(y=pl.col("a") * 2).write_csv(folder / "table.csv")
    return fit(str(folder / "table.csv"), "--epochs", "1")


FLAGS = [
    Case("10⁵ categories", many_categories, "c", handled=True),
    Case("a word for a number", flags("--width", "wide"), "--width takes a whole number, not 'wide'"),
    Case("a fraction for a count", flags("--depth", "1.5"), "--depth takes a whole number"),
    Case("no value", flags("--width"), "--width needs"),
    Case("unknown flag", flags("--learning-rat", "1"), "mean '--learning-rate'"),
    Case("a stray word", flags("--log", "yes"), "no place for 'yes'"),
    Case("negative members", flags("--members=-1"), "members"),
    Case("negative rate", flags("--learning-rate=-1"), "learning rate"),
    Case("a rate that is no number", flags("--learning-rate", "nan"), "learning rate"),
    Case("zero width", flags("--width", "0"), "width"),
    Case("test of 2", flags("--test", "2"), "test"),
    Case("dropout of 1.5", flags("--dropout", "1.5"), "[Dd]ropout"),
    Case("level of 1", flags("--level", "1"), "level"),
    Case("unknown map", flags("--map", "netwrk"), "mean 'network'"),
    Case("unknown loss", flags("--loss", "mes"), "mean 'mse'"),
    Case("a loss of classes", flags("--loss", "cross_entropy"), "cross_entropy"),
    Case("a loss in no file", flags("--loss", "gone.py:mine"), "gone.py"),
    Case("unknown optimizer", flags("--optimizer", "adamm"), "mean 'adam"),
    Case("unknown schedule", flags("--schedule", "cosin"), "mean 'cosine'"),
    Case("unknown activation", flags("--activation", "rleu"), "mean 'relu'"),
    Case("unknown task", flags("--task", "regresion"), "mean 'regression'"),
    Case("unknown split", flags("--split", "rando"), "mean 'random'"),
    Case("a split by no column", flags("--split", "group"), "by"),
    Case("a split by a wrong column", flags("--split", "group", "--by", "zz"), "zz"),
    Case("a budget of no time", flags("--budget", "soon"), "--budget 'soon'"),
    Case("one fold", flags("--folds", "1"), "--folds 1"),
    Case("too many folds", flags("--folds", "1000"), "1000|rows"),
    Case("nothing to fit", words("fit"), "nothing to fit"),
    Case("unknown data set", words("fit", "diamnods"), "mean 'diamonds'"),
    Case("unknown verb", words("fitt"), "mean 'ansatz fit'"),
    Case("unknown action", words("data", "gett", "iris"), "mean 'get'"),
    Case("bad image", bad_image, "image"),
    Case("no images", empty_folder, "image|folder"),
]

RUNS = [
    Case("foreign folder", foreign_folder, "no Ansatz run"),
    Case("a run is there already", finished_folder, "holds a run already"),
    Case("--out is a file", out_is_a_file, "is a file"),
    Case("read-only folder", flags(), "Read-only", during=read_only),
    Case("full disk", flags(), "No space left", during=full_disk),
    Case("resume of a finished run", moved_table, "finished run"),
    Case("resume of nothing", words("fit", "--resume", "nowhere"), "nowhere"),
    Case("resume with other settings", words("fit", "--resume", "FINISHED", "--width", "3"), "--width"),
    Case("missing column at predict", predict(lambda c: {"b": c["b"], "c": c["c"]}), "'a'"),
    Case("words at predict", predict(with_column("a", lambda n: ["x"] * n)), "a"),
    Case("no rows at predict", predict(lambda c: {k: v[:0] for k, v in c.items()}), "row"),
    Case("predict without a run", words("predict", "nowhere", "table.csv"), "nowhere"),
    Case("predict into .docx", words("predict", "FINISHED", "t.csv", "--out", "a.docx"), "docx"),
    Case("tampered model", damaged("model.safetensors", flipped), "model.safetensors"),
    Case("truncated model", damaged("model.safetensors", lambda b: b[:-9]), "model.safetensors"),
    Case("tampered record", damaged("run.json", lambda b: b.replace(b"table", b"cable")), "run.json"),
    Case("tampered manifest", damaged("manifest.json", flipped), "manifest.json"),
    Case("tampered evaluation", damaged("evaluation.json", flipped, "report"), "evaluation.json"),
    Case("report of nothing", words("report", "nowhere"), "nowhere"),
    Case("list of nothing", words("list", "nowhere"), "nowhere"),
]

CASES = [*FILES, *COLUMNS, *FLAGS, *RUNS]
