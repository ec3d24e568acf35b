"""Where a run lives: one XLA device a core, and a place for each batch or seed.

On a CPU, XLA runs many small operations on one thread, so splitting a heavy batch, or the seeds of
an ensemble, over one device a core uses the cores that a single device leaves idle.
"""

import os
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ansatz._compat import backend_is_up, default_cache


class Placement(NamedTuple):
    """How a run is laid on devices: one device, each batch split, or the seeds spread."""

    kind: Literal["one", "batch", "seeds"]
    devices: int = 1

    @property
    def mesh(self) -> Mesh:
        """The devices as a mesh with one axis, named after what is spread."""
        return Mesh(np.array(jax.local_devices()[: self.devices]), (self.kind,))

    def replicated(self) -> NamedSharding:
        """The sharding that puts a whole array on every device."""
        return NamedSharding(self.mesh, PartitionSpec())

    def spread(self) -> NamedSharding:
        """The sharding that splits the leading axis."""
        return NamedSharding(self.mesh, PartitionSpec(self.kind))


ONE = Placement("one")


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def one_device_a_core() -> None:
    """Ask XLA for one CPU device a core, unless the backend already runs or the user has chosen."""
    if backend_is_up() or getattr(jax.config, "jax_num_cpu_devices", 0) > 0:
        return
    if "xla_force_host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
        jax.config.update("jax_num_cpu_devices", cores())


def keep_compiled_programs() -> None:
    """Keep compiled programs in the user's cache folder, unless JAX was told of another place."""
    if getattr(jax.config, "jax_compilation_cache_dir", None) is not None:
        return
    folder = default_cache() / "programs"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        owned = not hasattr(os, "getuid") or Path(folder).stat().st_uid == os.getuid()
    except OSError:
        return
    if owned:
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


def for_seeds(seeds: int) -> Placement:
    """Return the placement of so many seeds: the most devices that divide them evenly."""
    devices = max(d for d in range(1, len(jax.local_devices()) + 1) if seeds % d == 0)
    return Placement("seeds", devices)


def for_batch(batch: Any) -> Placement:
    """Return the placement that splits a batch `[N, ...]` over all devices; ONE if N does not divide."""
    sizes = {x.shape[0] if x.ndim else 0 for x in jax.tree.leaves(batch)}
    devices = len(jax.local_devices())
    if len(sizes) != 1 or devices == 1 or (size := sizes.pop()) == 0 or size % devices:
        return ONE
    return Placement("batch", devices)


one_device_a_core()
