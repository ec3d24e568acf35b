"""A run folder holds what was written, and refuses what is not a run."""

import hashlib
import json
import os
import shutil

import numpy as np
import pytest
from tests.store.runs import equal, load, snapshot, written
from tests.store.trees import Moments, same

from ansatz.core import BadInput
from ansatz.store import RunFolder, Snapshot, write_file
from ansatz.store.manifest import read_manifest


def test_a_finished_run_holds_what_was_written_and_nothing_else(finished):
    assert {p.name for p in finished.iterdir()} == {
        "run.json",
        "model.safetensors",
        "state.safetensors",
        "best.safetensors",
        "history.parquet",
        "validation.parquet",
        "report.html",
        "manifest.json",
    }
    found, remarks = load(finished)
    assert equal(found, snapshot(5))
    assert remarks == []


def test_checkpoints_are_pruned_and_the_newest_is_read(interrupted):
    names = sorted(p.name for p in (interrupted / "checkpoints").iterdir())
    assert names == ["step-000000002", "step-000000003"]
    found, remarks = load(interrupted)
    assert equal(found, snapshot(3))
    assert remarks == []


def test_manifest_lists_every_file_with_its_hash(finished):
    listed = json.loads((finished / "manifest.json").read_bytes())["files"]
    assert set(listed) == {p.name for p in finished.iterdir()} - {"manifest.json"}
    for name, entry in listed.items():
        data = (finished / name).read_bytes()
        assert entry == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def test_same_snapshots_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        with RunFolder.create(tmp_path / name) as folder:
            folder.checkpoint(snapshot(1))
            folder.checkpoint(snapshot(2))
            shutil.copytree(tmp_path / name / "checkpoints", tmp_path / f"{name}-checkpoints")
            folder.finish(snapshot(3))
    assert written(tmp_path / "a") == written(tmp_path / "b")
    assert written(tmp_path / "a-checkpoints") == written(tmp_path / "b-checkpoints")


def test_a_run_may_be_moved(finished, tmp_path):
    finished.rename(tmp_path / "elsewhere")
    assert equal(load(tmp_path / "elsewhere")[0], snapshot(5))


def test_a_run_written_anew_counts_although_its_step_is_lower(finished):
    with RunFolder.create(finished) as folder:
        folder.checkpoint(snapshot(1))
        assert equal(load(finished)[0], snapshot(1))
        folder.checkpoint(snapshot(1))
        bare = Snapshot(info={"bare": True}, step=2)
        folder.finish(bare)
    assert equal(load(finished)[0], bare)
    assert {p.name for p in finished.iterdir()} == {"run.json", "manifest.json"}


def test_files_are_added_and_replaced(finished):
    with RunFolder.create(finished) as folder:
        folder.add("report.html", b"new")
        folder.add("figure-1.svg", b"<svg/>")
    assert (finished / "report.html").read_bytes() == b"new"
    assert set(read_manifest(finished).files) >= {"report.html", "figure-1.svg", "model.safetensors"}
    assert load(finished)[1] == []


def test_a_report_may_stand_beside_checkpoints_alone(interrupted):
    with RunFolder.create(interrupted) as folder:
        folder.add("report.html", b"so far")
        assert equal(load(interrupted)[0], snapshot(3))
        folder.checkpoint(snapshot(4))
    assert equal(load(interrupted)[0], snapshot(4))


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/b",
        "",
        ".",
        "..",
        ".lock",
        "run.json",
        "manifest.json",
        "checkpoints",
        "a\0",
        "C:x",
        "x" * 200,
    ],
)
def test_names_that_leave_the_folder_or_replace_its_own_are_refused(finished, name):
    before = written(finished)
    with RunFolder.create(finished) as folder:
        with pytest.raises(BadInput, match="cannot be added to a run"):
            folder.add(name, b"")
        with pytest.raises(BadInput, match="cannot be added to a run"):
            folder.finish(snapshot(9), {name: b""})
    assert written(finished) == before


def test_a_hold_that_writes_nothing_leaves_nothing(tmp_path):
    RunFolder.create(tmp_path / "run").close()
    assert not (tmp_path / "run").exists()
    (tmp_path / "mine").mkdir()
    with RunFolder.create(tmp_path / "mine"):
        pass
    assert list((tmp_path / "mine").iterdir()) == []


def test_foreign_folders_are_not_touched(tmp_path):
    (tmp_path / "data.csv").write_text("x,y")
    (tmp_path / "manifest.json").write_text('{"name": "a web page"}')
    before = written(tmp_path)
    with pytest.raises(BadInput, match="holds files that are no Ansatz run; choose a new folder"):
        RunFolder.create(tmp_path)
    with pytest.raises(BadInput, match="is a file; give --out the name of a folder"):
        RunFolder.create(tmp_path / "data.csv")
    with pytest.raises(BadInput, match="cannot be written"):
        RunFolder.create(tmp_path / "data.csv" / "run")
    with pytest.raises(BadInput, match="cannot be written"):
        RunFolder.create("a\0b")
    assert written(tmp_path) == before


def test_what_is_no_run_gets_a_sentence(tmp_path):
    with pytest.raises(BadInput, match="is not the folder of an Ansatz run"):
        RunFolder.read(tmp_path)
    with pytest.raises(BadInput, match="No such file"):
        RunFolder.read(tmp_path / "missing")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BadInput, match="Not a directory"):
        RunFolder.read(tmp_path / "file")
    (tmp_path / "manifest.json").write_text('{"name": "a web page"}')
    with pytest.raises(BadInput, match=r"manifest\.json belongs to another program"):
        RunFolder.read(tmp_path)


def test_a_snapshot_that_is_no_data_changes_nothing(interrupted):
    before = written(interrupted)
    with RunFolder.create(interrupted) as folder:
        for bad in (Snapshot(model=len), Snapshot(info={"f": len}), Snapshot(history={"x": np.array("a")})):
            for write in (folder.checkpoint, folder.finish):
                with pytest.raises(BadInput):
                    write(bad)
        with pytest.raises(BadInput, match="At least 1 checkpoint"):
            folder.checkpoint(snapshot(4), keep=0)
        with pytest.raises(BadInput, match="from 0 on"):
            folder.checkpoint(snapshot(4), step=-1)
    assert written(interrupted) == before


def test_unknown_classes_name_themselves_and_a_state_may_be_left_out(tmp_path):
    with RunFolder.create(tmp_path / "run") as folder:
        folder.finish(Snapshot(state=Moments(1, 2), recipe=Moments(1, 2), model={"w": np.ones(1)}))
    found, remarks = RunFolder.read(tmp_path / "run")
    assert found.state is None
    assert found.recipe is None
    assert same(found.model, {"w": np.ones(1)})
    assert len(remarks) == 2
    assert all("tests.store.trees.Moments" in remark for remark in remarks)
    with RunFolder.create(tmp_path / "run") as folder:
        folder.finish(Snapshot(model=Moments(1, 2)))
    with pytest.raises(BadInput, match=r"model\.safetensors: .* does not know .*; pass `classes`"):
        RunFolder.read(tmp_path / "run")


def test_a_recipe_with_code_in_it_is_left_out_and_said_to_be(tmp_path):
    with RunFolder.create(tmp_path / "run") as folder:
        folder.finish(Snapshot(recipe={"loss": len}, model=1))
    found, remarks = RunFolder.read(tmp_path / "run")
    assert (found.recipe, found.model) == (None, 1)
    assert "the tree's loss is the function 'len'" in remarks[0]


def test_a_newer_schema_is_not_guessed_at(finished, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("ansatz.store.manifest.SCHEMA", 9)
        with RunFolder.create(finished) as folder:
            folder.finish(snapshot(6))
    with pytest.raises(BadInput, match=r"newer Ansatz \(schema 9; this one reads up to 1\); upgrade"):
        load(finished)
    with pytest.raises(BadInput, match="newer Ansatz"):
        RunFolder.create(finished)


@pytest.mark.parametrize("name", ["model.safetensors", "run.json", "manifest.json"])
def test_links_and_pipes_in_a_run_are_refused(finished, tmp_path, name):
    data = (finished / name).read_bytes()
    (finished / name).unlink()
    (tmp_path / "outside").write_bytes(data)
    (finished / name).symlink_to(tmp_path / "outside")
    with pytest.raises(BadInput, match=f"{name} cannot be read: it is not a regular file"):
        load(finished)
    (finished / name).unlink()
    os.mkfifo(finished / name)
    with pytest.raises(BadInput, match="it is not a regular file"):
        load(finished)


def test_checkpoints_behind_a_link_are_not_read(interrupted, tmp_path):
    (interrupted / "checkpoints").rename(tmp_path / "outside")
    (interrupted / "checkpoints").symlink_to(tmp_path / "outside")
    with pytest.raises(BadInput, match="is not the folder of an Ansatz run"):
        load(interrupted)


def test_a_manifest_cannot_name_files_outside(finished):
    from ansatz.store.manifest import Manifest, describe

    secret = finished.parent / "secret"
    secret.write_bytes(b"s")
    files = {**read_manifest(finished).files, **describe({"../secret": b"s"})}
    (finished / "manifest.json").write_bytes(Manifest(9, 5, files).to_bytes())
    with pytest.raises(BadInput, match="does not say what a manifest says"):
        load(finished)


def test_what_killed_writers_left_is_cleared(interrupted):
    (interrupted / "checkpoints" / f".writing-{'0' * 16}").mkdir()
    (interrupted / "checkpoints" / f".writing-{'0' * 16}" / "run.json").write_bytes(b"{")
    (interrupted / f".writing-{'f' * 16}").write_bytes(b"half")
    with RunFolder.create(interrupted):
        assert not list(interrupted.rglob(".writing-*"))
    assert equal(load(interrupted)[0], snapshot(3))


def test_writing_a_file_replaces_it_whole(tmp_path):
    write_file(tmp_path / "a", b"old")
    write_file(str(tmp_path / "a"), b"new")
    assert written(tmp_path) == {"a": b"new"}
    with pytest.raises(FileNotFoundError):
        write_file(tmp_path / "missing" / "a", b"")
