"""What differs between the versions of JAX that are supported, and between machines."""

import os
import sys
from pathlib import Path

import jax
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

__all__ = ["ClosedJaxpr", "backend_is_up", "default_cache", "jaxpr_as_fun", "shard_map"]

shard_map = jax.shard_map


def backend_is_up() -> bool:
    """Tell whether XLA has started, after which the number of its devices is settled."""
    from jax._src import xla_bridge

    return bool(xla_bridge.backends_are_initialized())


def default_cache() -> Path:
    """Return the folder of ansatz within the user's cache; ANSATZ_CACHE overrides it."""
    if chosen := os.environ.get("ANSATZ_CACHE"):
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "ansatz"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "ansatz" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ansatz"
