"""Processes that share a folder, and processes that are killed."""

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.store.runs import equal, load, snapshot

import ansatz.store
from ansatz.core import BadInput
from ansatz.store import Lock, RunFolder


def test_two_holders_exclude_each_other(tmp_path):
    with RunFolder.create(tmp_path / "run") as folder:
        with pytest.raises(BadInput, match=f"is being written by process {os.getpid()}; choose"):
            RunFolder.create(tmp_path / "run")
        folder.checkpoint(snapshot(1))
    with RunFolder.create(tmp_path / "run"):
        pass
    assert equal(load(tmp_path / "run")[0], snapshot(1))


WRITER = """
import sys
sys.path.insert(0, {path!r})
import numpy as np
from ansatz.core import BadInput
from ansatz.store import RunFolder, Snapshot
print("ready", flush=True)
sys.stdin.readline()
try:
    folder = RunFolder.create({run!r})
except BadInput as refusal:
    print(refusal)
else:
    for step in range(5):
        folder.checkpoint(Snapshot(info={{"who": {who}}}, model=np.full(1000, {who}), step=step))
    print("wrote", flush=True)
    sys.stdin.readline()
    folder.close()
"""


def test_two_processes_do_not_mix_in_one_folder(tmp_path):
    path, run = str(Path(ansatz.store.__file__).parents[2]), str(tmp_path / "run")
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER.format(path=path, run=run, who=who)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for who in (1, 2)
    ]
    try:
        assert all(writer.stdout.readline() == "ready\n" for writer in writers)
        for writer in writers:
            writer.stdin.write("\n")
            writer.stdin.flush()
        answers = [writer.stdout.readline() for writer in writers]
        winner = answers.index("wrote\n")
        assert (
            f"is being written by process {writers[winner].pid}; choose another --out" in answers[1 - winner]
        )
        found, remarks = RunFolder.read(run)
        assert (found.step, found.info, remarks) == (4, {"who": winner + 1}, [])
        assert np.all(found.model == winner + 1)
    finally:
        for writer in writers:
            writer.communicate("\n")


def _take_and_release(path: str, rounds: int) -> int:
    taken = 0
    for _ in range(rounds):
        try:
            with Lock(path):
                taken += 1
                (Path(path).parent / "inside").mkdir()
                (Path(path).parent / "inside").rmdir()
        except BadInput:
            continue
    return taken


def test_a_lock_that_is_taken_and_deleted_in_turn_never_has_two_holders(tmp_path):
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        taken = pool.starmap(_take_and_release, [(str(tmp_path / "lock"), 300)] * 2)
    assert all(count > 0 for count in taken)


def test_sixty_kills_lose_no_acknowledged_snapshot(tmp_path):
    program, package = Path(__file__).with_name("killed.py"), Path(ansatz.store.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "run"), "60", "1"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(package)},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["lost"] == []
    assert found["steps"] >= 30
    assert found["torn"] > 0
