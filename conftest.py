"""What every test and every doctest runs under: strict numerics, checked shapes, no network.

JAX refuses implicit promotions, sees two CPU devices, and keeps its compiled programs in a folder that
the workers of one session share; `ansatz` is imported with its shapes and types checked at every call.
"""

import gc
import itertools
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

ROOT = Path(__file__).parent
SHARED = ROOT.parent / "shared"
CACHE = "ANSATZ_TEST_CACHE"
MEMORY_MAP = Path("/proc/self/maps")
MOST_MAPPINGS = 20_000
"""Linux gives a process 65,530; every compiled program takes a few, and without one JAX dies of a signal."""
BETWEEN = 10
"""The tests between two looks at the mappings, since a look takes some milliseconds."""
FINISHED = itertools.count(1)

install_import_hook("ansatz", "beartype.beartype")


def set_strict_numerics(cache: str) -> None:
    """Configure JAX before its backend starts."""
    import jax

    jax.config.update("jax_platforms", os.environ.get("JAX_PLATFORMS", "cpu"))
    jax.config.update("jax_num_cpu_devices", 2)
    jax.config.update("jax_numpy_dtype_promotion", "strict")
    jax.config.update("jax_numpy_rank_promotion", "raise")
    jax.config.update("jax_compilation_cache_dir", cache)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)


def pytest_configure(config: pytest.Config) -> None:
    """Make the session's folders; workers inherit them through the environment."""
    if not hasattr(config, "workerinput"):
        os.environ[CACHE] = tempfile.mkdtemp(prefix="ansatz-tests-")
        os.environ["ANSATZ_CACHE"] = str(Path(os.environ[CACHE]) / "user")
        os.environ["MPLBACKEND"] = "agg"
    set_strict_numerics(os.environ[CACHE])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the session's folders."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(CACHE), ignore_errors=True)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave the helpers beside the tests alone: `--doctest-modules` would import every file."""
    inside = collection_path.is_relative_to(ROOT / "tests") and collection_path.suffix == ".py"
    return True if inside and not collection_path.name.startswith("test_") else None


class NetworkDenied(RuntimeError):
    """A test reached for the network."""


def is_local(family: int, address: object) -> bool:
    """Tell whether a socket address stays on this machine."""
    if family not in (socket.AF_INET, socket.AF_INET6):
        return True
    host = address[0] if isinstance(address, tuple) else address
    return host in ("localhost", "::1", "", "0.0.0.0") or str(host).startswith("127.")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse connections and name look-ups that leave this machine."""
    look_up = socket.getaddrinfo

    def guarded(method):
        def connect(self: socket.socket, address: object):
            if not is_local(self.family, address):
                raise NetworkDenied(f"a test tried to reach {address!r}; tests run without a network")
            return method(self, address)

        return connect

    def getaddrinfo(host: object, *rest: object, **options: object):
        if host is not None and not is_local(socket.AF_INET, (host,)):
            raise NetworkDenied(f"a test tried to look up {host!r}; tests run without a network")
        return look_up(host, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference material beside the checkout; skips where there is none."""
    if not SHARED.is_dir():
        pytest.skip("the reference material stands beside the checkout only where it was placed")
    return SHARED


@pytest.fixture(autouse=True)
def few_programs():
    """Drop the compiled programs of earlier tests before the process has as many as it can map."""
    yield
    if next(FINISHED) % BETWEEN or "equinox" not in sys.modules or not MEMORY_MAP.exists():
        return
    with MEMORY_MAP.open() as lines:
        mappings = sum(1 for _ in lines)
    if mappings > MOST_MAPPINGS:
        sys.modules["equinox"].clear_caches()
        sys.modules["jax"].clear_caches()
        gc.collect()


@pytest.fixture(autouse=True)
def closed_figures():
    """Close what a test drew, so that no figure outlives it."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
