"""Runs that are interrupted, killed or short of disk go on to the same bits."""

import errno
import json
import shutil
import signal
from pathlib import Path

import pytest
from tests.cli.kills import kill_and_resume
from tests.cli.malformed import FAST, fit, numbers, ran, written

import ansatz
import ansatz.store.atomic
from ansatz.cli import _table, _work
from ansatz.store import RunFolder


def bits(run: Path) -> bytes:
    return (run / "model.safetensors").read_bytes()


@pytest.fixture
def table(tmp_path: Path, finished: Path) -> str:
    """The table of the finished run, in another folder."""
    return shutil.copy(finished.parent / "table.csv", tmp_path)


def interrupt_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    def press(event: object) -> None:
        if event.step >= step and event.status is None:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("ansatz.training.fit.CHUNK", 1)
    monkeypatch.setattr(_work, "progress", lambda answer: (press,))


def test_interrupted_and_resumed_is_unbroken(tmp_path, finished, table, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_at(patch, 1)
        code, out, err = ran(fit(table))
    assert code == 130
    assert err.count("\n") == 1 and f"--resume {tmp_path / 'run'}" in err
    assert '"status": "interrupted"' in out and '"step": ' in out
    assert not (tmp_path / "run" / "model.safetensors").exists()
    code, out, err = ran(["fit", "--resume", str(tmp_path / "run"), "--no-report", "--json", "--quiet"])
    assert code == 0, err
    assert bits(tmp_path / "run") == bits(finished)
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_interrupted_while_it_is_measured_goes_on_from_there(tmp_path, finished, table, monkeypatch):
    def press(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_table, "judge", press)
        assert ran(fit(table))[0] == 130
    snapshot, _ = RunFolder.read(tmp_path / "run")
    assert snapshot.info["run"]["status"] in ("finished", "stopped_early") and snapshot.step > 0
    assert ran(["fit", "--resume", str(tmp_path / "run"), "--no-report", "--quiet"])[0] == 0
    assert bits(tmp_path / "run") == bits(finished)


def test_a_changed_or_missing_table_is_not_resumed(tmp_path, table, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_at(patch, 1)
        ran(fit(table))
    resume = ["fit", "--resume", str(tmp_path / "run"), "--no-report", "--quiet"]
    content = Path(table).read_text()
    Path(table).write_text(content.replace("left", "right", 1))
    code, _, err = ran(resume)
    assert code == 2 and "has changed since the run began" in err
    Path(table).unlink()
    code, _, err = ran(resume)
    assert code == 2 and "is not there" in err
    (tmp_path / "moved.csv").write_text(content)
    assert ran(["fit", str(tmp_path / "moved.csv"), *resume[1:]])[0] == 0


def test_an_objective_of_ones_own_is_run_only_where_it_is_named_again(tmp_path, table, monkeypatch):
    source = tmp_path / "losses.py"
    source.write_text(
        "import jax.numpy as jnp\nfrom ansatz.core import over_batch\n"
        "def quartic(model, batch, key):\n"
        "    return jnp.mean((over_batch(model, batch.x, key)[:, 0] - batch.y) ** 4)\n"
    )
    with monkeypatch.context() as patch:
        interrupt_at(patch, 1)
        code, _, err = ran(fit(table, "--loss", f"{source}:quartic"))
        assert code == 130, err
    resume = ["fit", "--resume", str(tmp_path / "run"), "--no-report", "--quiet"]
    code, _, err = ran(resume)
    assert code == 2 and f"--loss {source}:quartic" in err
    assert ran([*resume, "--loss", f"{source}:quartic"])[0] == 0


def test_a_disk_that_fills_up_keeps_the_last_checkpoint(tmp_path, finished, table, monkeypatch):
    write, left = ansatz.store.atomic._write_synced, [8]

    def filling(path: Path, data: bytes) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(ansatz.store.atomic, "_write_synced", filling)
        code, _, err = ran(fit(table, "--checkpoint", "0.000001s"))
    assert code == 2
    last = err.splitlines()[-1]
    assert last.startswith("ansatz: ") and "No space left" in last and "is whole" in last
    RunFolder.read(tmp_path / "run")
    assert ran(["fit", "--resume", str(tmp_path / "run"), "--no-report", "--quiet"])[0] == 0
    assert bits(tmp_path / "run") == bits(finished)


def test_a_folder_in_use_is_refused(tmp_path, table):
    with RunFolder.create(tmp_path / "run"):
        code, _, err = ran(fit(table))
    assert code == 2 and "is being written by" in err and err.count("\n") == 1


def test_a_budget_that_ran_out_is_resumed_with_more(tmp_path):
    table = written(tmp_path, numbers(200))
    words = ["fit", table, "--target", "y", "--out", str(tmp_path / "run"), *FAST]
    code, out, err = ran([*words, "--budget", "0.01s"])
    assert code == 0 and '"status": "out_of_budget"' in out, err
    resume = ["fit", "--resume", str(tmp_path / "run"), "--no-report", "--quiet", "--json"]
    code, out, err = ran([*resume, "--budget", "10m"])
    assert code == 0 and '"status": "finished"' in out, err
    assert ran(resume)[0] == 2


def test_a_truncated_checkpoint_is_remarked_and_the_one_before_is_taken(
    tmp_path, finished, table, monkeypatch
):
    with monkeypatch.context() as patch:
        interrupt_at(patch, 2)
        assert ran(fit(table, "--checkpoint", "0.000001s"))[0] == 130
    newest = max((tmp_path / "run" / "checkpoints").iterdir())
    (newest / "state.safetensors").write_bytes(b"")
    assert ansatz.load(tmp_path / "run").remarks[-1].endswith("was loaded instead.")
    code, out, err = ran(["fit", "--resume", str(tmp_path / "run"), "--no-report", "--json"])
    assert code == 0, err
    assert f"· The checkpoint {newest.name}: state.safetensors" in err and "was loaded instead." in err
    assert any("was loaded instead" in remark for remark in json.loads(out)["remarks"])
    assert bits(tmp_path / "run") == bits(finished)


@pytest.mark.slow
def test_three_kills_change_no_bit(tmp_path):
    found = kill_and_resume(tmp_path, 3)
    assert found.killed == found.loaded == 3
    assert found.equal == found.runs >= 1
