"""No damage to a file loads silently, and a failing disk leaves the last snapshot."""

import errno
import io
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.store.runs import equal, load, snapshot, written
from tests.store.trees import same

import ansatz.store
from ansatz.core import BadInput
from ansatz.store import DiskError, RunFolder, Snapshot


def faults(data: bytes, draw: random.Random):
    """Give damaged copies of a file, and `None` for its absence."""
    yield None
    yield b""
    yield data + b"\n"
    yield data[: draw.randrange(len(data))]
    yield bytes(len(data))
    yield draw.randbytes(len(data))
    for _ in range(16):
        place = draw.randrange(len(data))
        yield data[:place] + bytes([data[place] ^ 1 << draw.randrange(8)]) + data[place + 1 :]


def damage(path: Path, expected: dict[int, Snapshot], newest: int) -> list[int]:
    """Put every fault into every file of a run; return the steps that were loaded, 0 for a refusal."""
    draw, outcomes = random.Random(0), []
    whole = written(path)
    for name, data in whole.items():
        for fault in faults(data, draw):
            if fault == data:
                continue
            if fault is None:
                (path / name).unlink()
            else:
                (path / name).write_bytes(fault)
            try:
                found, remarks = load(path)
            except BadInput as refusal:
                assert Path(name).name in str(refusal)
                outcomes.append(0)
            else:
                assert equal(found, expected[found.step]), name
                assert found.step == newest or any(Path(name).name in remark for remark in remarks), name
                assert name.startswith("checkpoints/") or any(name in remark for remark in remarks), name
                outcomes.append(found.step)
            (path / name).write_bytes(data)
    assert equal(load(path)[0], expected[newest])
    return outcomes


def test_no_fault_in_a_finished_run_loads_silently(finished):
    outcomes = damage(finished, {5: snapshot(5)}, 5)
    assert len(outcomes) >= 150
    assert outcomes.count(5) <= len(outcomes) // 8 + 1  # the report is no part of what is loaded


def test_no_fault_in_checkpoints_loads_silently(interrupted):
    outcomes = damage(interrupted, {2: snapshot(2), 3: snapshot(3)}, 3)
    assert len(outcomes) >= 150
    assert set(outcomes) == {2, 3}


def test_files_of_another_checkpoint_do_not_pass(interrupted):
    older, newer = sorted((interrupted / "checkpoints").iterdir())
    shutil.copy(older / "model.safetensors", newer / "model.safetensors")
    found, remarks = load(interrupted)
    assert found.step == 2
    assert "The checkpoint step-000000003: model.safetensors" in remarks[0]
    shutil.rmtree(newer)
    shutil.copytree(older, newer)
    found, remarks = load(interrupted)
    assert found.step == 2
    assert "manifest.json is that of step 2" in remarks[0]


class Failing:
    """Makes the n-th call of a system function fail, as a full or broken disk does."""

    def __init__(self, function, turn: int, code: int, only=lambda *arguments: True):
        self.function, self.turn, self.code, self.only = function, turn, code, only
        self.calls = 0

    def __call__(self, *arguments, **options):
        if self.only(*arguments):
            self.calls += 1
            if self.calls == self.turn:
                raise OSError(self.code, os.strerror(self.code))
        return self.function(*arguments, **options)


POINTS = {
    "fsync": (os, "fsync", lambda *arguments: True),
    "replace": (os, "replace", lambda *arguments: True),
    "mkdir": (os, "mkdir", lambda *arguments: True),
    "open": (io, "open", lambda path, mode="r", *rest: "x" in mode),
}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO], ids=["full", "readonly", "io"])
@pytest.mark.parametrize("action", ["checkpoint", "finish", "add"])
@pytest.mark.parametrize("point", sorted(POINTS))
def test_a_disk_that_fails_anywhere_keeps_the_last_snapshot(tmp_path, monkeypatch, point, action, code):
    owner, name, only = POINTS[point]
    failures = 0
    for turn in range(1, 40):
        path = tmp_path / str(turn)
        with RunFolder.create(path) as folder:
            folder.checkpoint(snapshot(1))
            with monkeypatch.context() as patch:
                failing = Failing(getattr(owner, name), turn, code, only)
                patch.setattr(owner, name, failing)
                try:
                    if action == "checkpoint":
                        folder.checkpoint(snapshot(2))
                    elif action == "finish":
                        folder.finish(snapshot(2), {"report.html": b"x"})
                    else:
                        folder.add("report.html", b"x")
                    done = True
                except DiskError as error:
                    failures, done = failures + 1, False
                    assert str(path) in str(error)
                    assert os.strerror(code) in str(error)
                    assert error.errno == code
            assert not [p for p in path.rglob(".writing-*") if done is False]
        found, _ = load(path)
        assert equal(found, snapshot(found.step))
        assert not done or action == "add" or found.step == 2
        if failing.calls < turn:
            break
    assert failures > 0 or (point, action) in {("mkdir", "add")}


def test_a_read_only_folder_is_refused_at_the_start(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(BadInput, match=r"cannot be written \(Read-only file system\); choose another --out"):
        RunFolder.create(tmp_path)
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []


FULL = """
import resource, signal, sys
sys.path.insert(0, {path!r})
import numpy as np
from ansatz.store import DiskError, RunFolder, Snapshot
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with RunFolder.create({run!r}) as folder:
    folder.checkpoint(Snapshot(model=np.arange(1000.0), step=1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    try:
        folder.checkpoint(Snapshot(model=np.arange(100_000.0), step=2))
    except DiskError as error:
        print(error)
"""


def test_a_file_that_does_not_fit_leaves_the_last_checkpoint(tmp_path):
    path, run = str(Path(ansatz.store.__file__).parents[2]), tmp_path / "run"
    code = FULL.format(path=path, run=str(run))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "The checkpoint of step 2 could not be written" in done.stdout
    assert "the checkpoint of step 1 is whole." in done.stdout
    found, remarks = RunFolder.read(run)
    assert (found.step, remarks) == (1, [])
    assert same(found.model, np.arange(1000.0))
    assert sorted(p.name for p in run.rglob("*")) == sorted(
        ["checkpoints", "step-000000001", "manifest.json", "model.safetensors", "run.json"]
    )
