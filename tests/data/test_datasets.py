"""Named data sets, from installed packages, stand-in clients and the user's own copies."""

import dataclasses
import gzip
import hashlib
import io
import re
import subprocess
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ansatz.core import BadInput
from ansatz.data import CATALOGUE, get, is_here, load_images, load_table
from ansatz.data import datasets as module

CONTENT = b"a,b\n1,2\n3,5\n"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANSATZ_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def no_client(*arguments, **options):
    raise AssertionError(f"a download was started: {arguments}")


def test_every_entry_is_whole():
    assert len(CATALOGUE) >= 20
    for name, entry in CATALOGUE.items():
        assert name == entry.name and entry.kind in ("table", "images", "text")
        assert entry.client in ("pip", "npm", "apt")
        assert entry.files and all(re.fullmatch("[0-9a-f]{64}", digest) for digest in entry.files.values())
        assert all(".." not in file and not file.startswith("/") for file in entry.files)
        assert (entry.target is not None) or entry.kind in ("images", "text")
        assert entry.what and entry.licence and module.command(entry, Path("x"))[0]


SHAPES = {
    "breast_cancer": (569, 31),
    "wine": (178, 14),
    "iris": (150, 5),
    "diabetes": (442, 11),
    "digits": (1797, 65),
}


@pytest.mark.parametrize("name", SHAPES)
def test_tables_of_scikit_learn_equal_its_own(name: str, monkeypatch: pytest.MonkeyPatch):
    from sklearn import datasets

    monkeypatch.setattr(subprocess, "run", no_client)
    frame = load_table(name)
    assert frame.shape == SHAPES[name] and is_here(name)
    options = {"scaled": False} if name == "diabetes" else {}
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True, **options)
    target = frame[CATALOGUE[name].target]
    assert np.allclose(frame.drop(target.name).to_numpy(), x)
    if target.dtype.is_numeric():
        assert (target.to_numpy() == y).all()
    else:
        pairs = set(zip(target.to_list(), y.tolist(), strict=True))
        assert len(pairs) == len(set(y.tolist()))


def test_digits_as_pictures():
    images = load_images("digits")
    assert images.x.shape == (1797, 8, 8, 1) and images.x.max() == 255 and len(images.classes) == 10
    with pytest.raises(BadInput, match="load_table"):
        load_images("wine")


def test_binding_energies_are_those_of_the_mass_evaluation():
    pytest.importorskip("particle")
    frame = load_table("nuclides")
    assert frame.columns == ["Z", "N", "binding_energy_per_nucleon"] and frame.height == 2938
    table = {(z, n): b for z, n, b in frame.iter_rows()}
    # AME2020 (Wang et al. 2021), B/A in keV
    for place, known in {
        (2, 2): 7073.916,
        (26, 30): 8790.356,
        (28, 34): 8794.555,
        (82, 126): 7867.453,
    }.items():
        assert table[place] * 1000 == pytest.approx(known, abs=0.01)
    assert max(table, key=lambda place: table[place]) == (28, 34)


def entry_of(**changes):
    known = {"a.csv": hashlib.sha256(CONTENT).hexdigest()}
    base = dataclasses.replace(CATALOGUE["diamonds"], name="toy", module=None, target="b", files=known)
    return dataclasses.replace(base, **changes)


def archive(entry, content: bytes) -> tuple[str, bytes]:
    """What a client would bring: a package that holds the entry's file."""
    (file,) = entry.files
    content = gzip.compress(content) if file.endswith(".gz") else content
    out = io.BytesIO()
    if entry.client == "pip":
        with zipfile.ZipFile(out, "w") as wheel:
            wheel.writestr(file, content)
        return "toy.whl", out.getvalue()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        member = tarfile.TarInfo(file)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return "toy.tgz", out.getvalue()


def client(monkeypatch: pytest.MonkeyPatch, entry, content: bytes, code: int = 0) -> list[list[str]]:
    """Put a stand-in for pip and npm in place; it notes the command lines."""
    lines: list[list[str]] = []

    def run(line, cwd, **options):
        lines.append(line)
        if code == 0:
            name, packed = archive(entry, content)
            (Path(cwd) / name).write_bytes(packed)
        return subprocess.CompletedProcess(line, code, "", "ERROR: one\nERROR: no network")

    monkeypatch.setattr(module, "CATALOGUE", {entry.name: entry})
    monkeypatch.setattr(module.subprocess, "run", run)
    monkeypatch.setattr(module.shutil, "which", lambda name: name)
    return lines


@pytest.mark.parametrize("changes", [{}, {"client": "npm"}, {"files": {"a.csv.gz": ""}}])
def test_download_is_checked_kept_and_not_repeated(monkeypatch: pytest.MonkeyPatch, own_cache: Path, changes):
    entry = entry_of(**changes)
    entry = dataclasses.replace(entry, files=dict.fromkeys(entry.files, hashlib.sha256(CONTENT).hexdigest()))
    lines = client(monkeypatch, entry, CONTENT)
    assert not is_here("toy")
    (path,) = get("toy")
    assert path == own_cache / "datasets" / "toy" / "a.csv" and path.read_bytes() == CONTENT
    assert is_here("toy") and load_table("toy")["b"].to_list() == [2, 5]
    assert len(lines) == 1 and any(entry.package in word and entry.version in word for word in lines[0])
    assert sorted(p.name for p in path.parent.iterdir()) == ["a.csv"]


def test_wrong_content_is_refused_and_not_kept(monkeypatch: pytest.MonkeyPatch, own_cache: Path):
    client(monkeypatch, entry_of(), CONTENT + b"9,9\n")
    with pytest.raises(BadInput, match="is refused: its SHA-256"):
        get("toy")
    assert not own_cache.exists()


def test_a_damaged_cache_is_fetched_again(monkeypatch: pytest.MonkeyPatch):
    lines = client(monkeypatch, entry_of(), CONTENT)
    (path,) = get("toy")
    path.write_bytes(b"spoiled")
    assert get("toy")[0].read_bytes() == CONTENT and len(lines) == 2


def test_failures_are_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    client(monkeypatch, entry_of(), CONTENT, code=1)
    with pytest.raises(
        BadInput, match=r"pip could not fetch plotnine: it said 'ERROR: no network'; give .* --path"
    ):
        get("toy")
    client(monkeypatch, dataclasses.replace(entry_of(), files={"b.csv": "0"}), CONTENT)
    monkeypatch.setattr(module, "CATALOGUE", {"toy": entry_of(files={"c.csv": "0"})})
    with pytest.raises(BadInput, match=r"does not hold 'c\.csv'"):
        get("toy")
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    with pytest.raises(BadInput, match="needs the program"):
        get("toy")
    with pytest.raises(BadInput, match="did you mean 'toy'"):
        get("toi")


def test_own_copy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(module, "CATALOGUE", {"toy": entry_of()})
    monkeypatch.setattr(module.subprocess, "run", no_client)
    (tmp_path / "a.csv").write_bytes(CONTENT)
    remarks: list[str] = []
    assert get("toy", path=tmp_path, remarks=remarks) == (tmp_path / "a.csv",) and remarks == []
    (tmp_path / "mine.csv").write_bytes(CONTENT + b"7,8\n")
    assert load_table("toy", path=tmp_path / "mine.csv", remarks=remarks).height == 3
    assert "is not the file that the catalogue knows" in remarks[0]
    with pytest.raises(BadInput, match="There is no"):
        get("toy", path=tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=r"no file 'a\.csv'"):
        get("toy", path=tmp_path / "empty")


def test_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("ANSATZ_CACHE", str(tmp_path / "file"))
    with pytest.raises(BadInput, match="name another in ANSATZ_CACHE"):
        get("wine")


def test_cache_folder_follows_the_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("ANSATZ_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(module.sys, "platform", "linux")
    assert module.cache_folder() == tmp_path / "ansatz"
    monkeypatch.setattr(module.sys, "platform", "darwin")
    assert module.cache_folder().parts[-2:] == ("Caches", "ansatz")


def test_idx_entries_load_with_their_class_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    entry = CATALOGUE["fashion-mnist"]
    pixels = np.arange(10 * 4, dtype=np.uint8).reshape(10, 2, 2)
    for file in entry.files:
        head = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4) for n in pixels.shape)
        body = head + pixels.tobytes()
        if "labels" in file:
            body = bytes([0, 0, 8, 1]) + (10).to_bytes(4) + bytes(range(10))
        (tmp_path / Path(file).name).write_bytes(gzip.compress(body))
    remarks: list[str] = []
    images = load_images("fashion-mnist", path=tmp_path, remarks=remarks)
    assert images.x.shape == (20, 2, 2, 1) and images.classes[9] == "boot" and images.test.sum() == 10
    assert len(remarks) == 4
