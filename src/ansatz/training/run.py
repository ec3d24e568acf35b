"""What came out of a training: the model, how it got there, and all that is needed to go on."""

import platform
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from ansatz.core import BadInput, Status
from ansatz.training.records import from_disk, to_disk


@dataclass(frozen=True)
class Run:
    """A training run.

    `model` is the best model that validation kept, or the last where nothing was watched (with
    several seeds every array of it has a leading axis); `history` and `validation` are columns with
    a row for each step and each validation; `message` says in a sentence how the run ended.
    `state` holds every array that a step changes, `info` the choices that were made (driver,
    devices, step seconds, compile seconds, versions); `remarks` what a folder it was loaded from had
    wrong with it, a sentence each.
    """

    model: Any
    status: Status
    message: str
    step: int
    total: int
    stage: int
    seeds: int
    key: Any
    recipe: Any
    history: dict[str, np.ndarray] = field(repr=False)
    validation: dict[str, np.ndarray] = field(repr=False)
    state: dict[str, np.ndarray] = field(repr=False)
    info: dict[str, Any] = field(repr=False)
    remarks: tuple[str, ...] = ()

    @property
    def best_step(self) -> Any:
        """The step of the kept model: an int, or one a seed; None where nothing was watched."""
        found = self.info.get("best_step")
        return found if found is None or self.seeds > 1 else int(np.ravel(found)[0])

    def member(self, seed: int) -> Any:
        """Return the model of one seed."""
        if not 0 <= seed < self.seeds:
            raise BadInput(f"The run has the seeds 0 to {self.seeds - 1}, not {seed}.")
        if self.seeds == 1:
            return self.model
        return jax.tree.map(lambda x: x[seed] if eqx.is_array(x) else x, self.model)

    def snapshot(self, **extra: Any) -> Any:
        """Return the run as the store writes it; `extra` joins its `info`."""
        from ansatz.store import Snapshot

        record = {
            "status": self.status.name,
            "message": self.message,
            "step": self.step,
            "total": self.total,
            "stage": self.stage,
            "seeds": self.seeds,
            "key": np.asarray(jr.key_data(self.key)).tolist(),
            "key_impl": str(jr.key_impl(self.key)),
        }
        return Snapshot(
            info={"run": record, "engine": self.info, **extra},
            model=self.model,
            recipe=self.recipe,
            state=self.state,
            history=to_disk(self.history),
            validation=to_disk(self.validation),
        )

    def save(self, path: Any) -> None:
        """Write the run into a folder, all of it or nothing."""
        from ansatz.store import RunFolder

        with RunFolder.create(path) as folder:
            folder.finish(self.snapshot())


def load(path: Any, classes: Any = None) -> Run:
    """Load a run from its folder; only known classes are built, and nothing in it is executed.

    `classes` are Maps and Recipes of your own that the run may contain.  Where a file is damaged and an
    older snapshot was taken in its place, the run's `remarks` say so.
    """
    from ansatz.store import RunFolder

    snapshot, remarks = RunFolder.read(path, classes)
    return from_snapshot(snapshot, remarks)


def from_snapshot(snapshot: Any, remarks: Iterable[str] = ()) -> Run:
    """Return the run that a snapshot holds, with the remarks on its files."""
    record = snapshot.info["run"]
    seeds = int(record["seeds"])
    key = jr.wrap_key_data(jnp.asarray(record["key"], jnp.uint32), impl=record["key_impl"])
    return Run(
        model=snapshot.model,
        status=Status[record["status"]],
        message=record["message"],
        step=record["step"],
        total=record["total"],
        stage=record["stage"],
        seeds=seeds,
        key=key,
        recipe=snapshot.recipe,
        history=from_disk(snapshot.history, seeds),
        validation=from_disk(snapshot.validation, seeds),
        state=snapshot.state,
        info=snapshot.info["engine"],
        remarks=tuple(remarks),
    )


def save_arrays(arrays: list[Any], source_state: Any) -> dict[str, np.ndarray]:
    """Return a state's arrays by name, ready for a file."""
    named = {f"state.{i:04d}": _plain(leaf) for i, leaf in enumerate(arrays)}
    leaves = jax.tree.leaves(source_state)
    return named | {f"source.{i:04d}": _plain(leaf) for i, leaf in enumerate(leaves)}


def restore_arrays(saved: dict[str, np.ndarray], arrays: list[Any], source_state: Any) -> tuple[Any, Any]:
    """Return saved arrays in the place of those of a fresh state, after checking that they fit."""
    mine = sorted(name for name in saved if name.startswith("state."))
    leaves, treedef = jax.tree.flatten(source_state)
    theirs = sorted(name for name in saved if name.startswith("source."))
    if len(mine) != len(arrays) or len(theirs) != len(leaves):
        raise BadInput(
            f"The saved state has {len(mine) + len(theirs)} arrays, but the recipe now builds "
            f"{len(arrays) + len(leaves)}: resume with the recipe and data of the saved run."
        )
    restored = [_like(leaf, saved[name], name) for leaf, name in zip(arrays, mine, strict=True)]
    source = [_like(leaf, saved[name], name) for leaf, name in zip(leaves, theirs, strict=True)]
    return restored, jax.tree.unflatten(treedef, source)


def versions() -> dict[str, str]:
    """Return the versions and the machine on which bits are reproduced."""
    import jaxlib

    return {
        "ansatz": "0.1.0",
        "python": platform.python_version(),
        "jax": jax.__version__,
        "jaxlib": jaxlib.__version__,
        "equinox": eqx.__version__,
        "numpy": np.__version__,
        "machine": platform.machine(),
        "platform": jax.default_backend(),
    }


def _plain(leaf: Any) -> np.ndarray:
    if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        leaf = jr.key_data(leaf)
    return np.asarray(leaf)


def _like(leaf: Any, saved: np.ndarray, name: str) -> Any:
    plain = _plain(leaf)
    if plain.shape != saved.shape or plain.dtype != saved.dtype:
        raise BadInput(
            f"The saved array {name} is {saved.dtype}{list(saved.shape)}, but the recipe now builds "
            f"{plain.dtype}{list(plain.shape)}: resume with the recipe and data of the saved run."
        )
    if isinstance(leaf, jax.Array):
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jr.wrap_key_data(jnp.asarray(saved), impl=jr.key_impl(leaf))
        return jnp.asarray(saved)
    return saved if isinstance(leaf, np.ndarray) else type(leaf)(saved.item())
