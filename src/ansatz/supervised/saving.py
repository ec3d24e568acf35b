"""The folder of a fit while it grows and when it is done."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ansatz.training.hooks import Checkpoint


def result_of(fitted: Any) -> dict[str, Any]:
    """Return the figure by which a list tells a run."""
    found = fitted.evaluation.interval
    metric = getattr(fitted.evaluation, "metric", "accuracy")
    return {"metric": metric, "value": float(found[0]), "lower": float(found[1]), "upper": float(found[2])}


class Keeper:
    """Nothing is kept."""

    hooks: tuple[Any, ...] = ()

    def finish(self, fitted: Any) -> None:
        """Do nothing."""


class FolderKeeper(Keeper):
    """Checkpoints while the fit runs, then the finished folder."""

    def __init__(self, folder: Any, begun: dict[str, Any], every: float):
        self.folder = folder
        self.hooks = (Checkpoint(folder, every, extra={"kind": "table, unfinished", "table": begun}),)

    def finish(self, fitted: Any) -> None:
        """Write the finished folder."""
        snapshot, extras = fitted.files()
        snapshot.info["result"] = result_of(fitted)
        self.folder.finish(snapshot, extras)


@contextmanager
def saving(out: Any, ready: Any, every: float = 20.0) -> Iterator[Keeper]:
    """Yield what keeps a fit in the folder `out`, or keeps nothing if it is None."""
    if out is None:
        yield Keeper()
        return
    from dataclasses import asdict

    from ansatz.store import RunFolder

    settings = asdict(ready.settings) | {"ignore": list(ready.settings.ignore)}
    begun = {"settings": settings, "source": ready.source, "target": ready.prepared.target}
    with RunFolder.create(out) as folder:
        yield FolderKeeper(folder, begun, every)
