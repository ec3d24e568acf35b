"""Run folders for the tests of what is on disk."""

import pytest
from tests.store.runs import snapshot

from ansatz.store import RunFolder


@pytest.fixture
def finished(tmp_path):
    with RunFolder.create(tmp_path / "run") as folder:
        folder.checkpoint(snapshot(3))
        folder.finish(snapshot(5), {"report.html": b"<html></html>"})
    return tmp_path / "run"


@pytest.fixture
def interrupted(tmp_path):
    with RunFolder.create(tmp_path / "run") as folder:
        for step in (1, 2, 3):
            folder.checkpoint(snapshot(step))
    return tmp_path / "run"
