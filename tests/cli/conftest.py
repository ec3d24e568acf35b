"""One finished run, which the tests of the command line share and never change."""

from pathlib import Path

import pytest
from tests.cli.malformed import FAST, numbers, ran, written


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    path = written(folder, numbers())
    code, _, err = ran(["fit", path, "--target", "y", "--out", str(folder / "run"), *FAST])
    assert code == 0, err
    return folder / "run"
