"""The repository as it is handed over: strict settings in force, no machine's path, pins without address."""

import os
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

ROOT = Path(__file__).parents[1]
BINARY = {".png", ".npz", ".npy", ".safetensors", ".parquet", ".h5", ".xlsx", ".gz", ".pdf", ".ico"}
# Spelled in pieces, so that this file does not hold what it looks for.
MACHINE = re.compile(r"(?:^|[^A-Za-z0-9_.])/(?:" + "|".join(["wo" + "rk", "ro" + "ot", "fa" + "rm"]) + ")/")
PIECES = [
    ("py", "pi.org"),
    ("python", "hosted.org"),
    ("npm", "js.org"),
    ("npm", "js.com"),
    ("py", "torch.org"),
]
REGISTRIES = [first + second for first, second in PIECES]
HOSTS = re.compile("|".join(map(re.escape, REGISTRIES)))


def unwelcome(text: str) -> list[str]:
    """Return what a file for everybody may not hold: paths of one machine, hosts of registries."""
    return [found.group() for pattern in (MACHINE, HOSTS) for found in pattern.finditer(text)]


def tracked_text() -> list[Path]:
    """Return the files of the repository that hold text."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout: there is no list of the repository's files")
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file() and path.suffix not in BINARY]


def test_unwelcome_finds_paths_and_hosts():
    assert unwelcome('open("/wo' + 'rk/data.csv")')
    assert unwelcome("see files.python" + "hosted.org")
    assert unwelcome("the registry py" + "pi.org")
    assert not unwelcome("docs/framework/page.md and /tmp/workshop and homework/notes")


def test_no_tracked_file_names_a_machine_or_a_registry():
    found = {
        str(path.relative_to(ROOT)): bad for path in tracked_text() if (bad := unwelcome(path.read_text()))
    }
    assert found == {}


def test_pins_carry_hashes_and_no_address():
    pins = (ROOT / "requirements" / "dev.txt").read_text()
    entries = re.split(r"\n(?=[a-z])", pins.strip())
    assert "://" not in pins
    assert all("--hash=sha256:" in entry and "==" in entry for entry in entries)
    assert not any(entry.startswith(("torch", "tensorflow", "nvidia")) for entry in entries)


def test_pins_cover_every_direct_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements" / "dev.txt").read_text(), flags=re.M))
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + [
        one for name in ("gym", "data", "docs", "dev") for one in extras[name]
    ]
    names = {re.split(r"[\[<>=]", one)[0] for one in wanted} - {"ansatz"}
    assert names - pinned == set()


def test_settings_are_strict():
    assert len(jax.devices("cpu")) == 2
    with pytest.raises(Exception, match="promotion"):
        jnp.ones(2, jnp.float32) + jnp.ones(2, jnp.int32)
    with pytest.raises(ValueError, match="rank_promotion"):
        jnp.ones((2, 2)) + jnp.ones(2)


def test_shapes_are_checked_in_the_package():
    from ansatz.core import count_parameters, over_batch

    assert count_parameters({"w": jnp.ones(3)}) == 3
    with pytest.raises(Exception, match="over_batch"):
        over_batch("no map", jnp.ones(2))  # type: ignore[arg-type]


def test_network_is_denied_but_for_loopback():
    with pytest.raises(RuntimeError, match="without a network"):
        socket.create_connection(("192.0.2.1", 80), timeout=0.1)
    with pytest.raises(RuntimeError, match="without a network"):
        socket.getaddrinfo("example.org", 80)
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert client.getpeername() == server.getsockname()


def test_the_guide_for_contributors_runs():
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "CONTRIBUTING.md").read_text(), re.M | re.S)
    code = "\n".join(blocks) + "\nprint(run.step, float(run.history['loss'][-1]) < 0.01)\n"
    code += "entry = relaxation(2.0)\nprint(entry.errors(ansatz.solve(entry.problem()))['y'] < 1e-9)\n"
    done = subprocess.run(
        [sys.executable, "-"], input=code, cwd=ROOT / "src", capture_output=True, text=True, check=False
    )
    assert len(blocks) == 5 and done.returncode == 0, done.stderr
    assert done.stdout.split() == ["200", "True", "True"]


def test_one_command_checks_everything():
    asked = ["make", "--dry-run", "--always-make", "test"]
    steps = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    wanted = [
        "venv",
        "--require-hashes",
        "ruff check",
        "ruff format --check",
        "pyright",
        "lint-imports",
        "pytest",
    ]
    places = [steps.find(word) for word in wanted]
    assert -1 not in places and places == sorted(places)
    assert "torch" not in steps and "uv " not in steps
    assert (ROOT / ".ci" / "run").read_text().rstrip().endswith("make test")
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
