"""Snapshots to write, and what it means that one came back."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
from tests.store.trees import CLASSES, Layer, Moments, same

from ansatz.store import RunFolder, Snapshot


def snapshot(step: int) -> Snapshot:
    generator = np.random.default_rng(step)
    rows = step + 1
    return Snapshot(
        info={"seed": 3, "loss": float("nan"), "note": "θ moves"},
        model=Layer(jnp.asarray(generator.normal(size=(3, 2)), jnp.float32), None, 2),
        state={"opt": Moments(np.int32(step), generator.normal(size=7)), "source": (1, None)},
        history={"loss": generator.normal(size=rows), "step": np.arange(rows)},
        validation={"loss": generator.normal(size=1).astype(np.float32)},
        best=Layer(np.ones((1, 1), np.float32), None, 1),
        step=step,
        recipe={"widths": (64, 64), "rate": 1e-3},
    )


def equal(a: Snapshot, b: Snapshot) -> bool:
    return all(same(vars(a)[name], vars(b)[name]) for name in vars(b))


def written(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}


def load(path: Path) -> tuple[Snapshot, list[str]]:
    return RunFolder.read(path, CLASSES)
