"""A table from its source to a finished run: every stage can be killed, and resumed to the same bits."""

import contextlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ansatz.cli._answer import Answer
from ansatz.cli._source import Given, check_unchanged, find_source
from ansatz.core import BadInput, Status
from ansatz.store import RunFolder, Snapshot
from ansatz.store.atomic import remove_folder
from ansatz.store.reading import CHECKPOINTS
from ansatz.supervised.network import TableNetwork
from ansatz.supervised.result import TableFit, evaluation_to_json
from ansatz.supervised.saving import FolderKeeper
from ansatz.supervised.settings import TableSettings
from ansatz.supervised.table import Ready, judge, make_ready, train
from ansatz.training.run import Run, from_snapshot

UNFINISHED = "table, unfinished"
FEWEST = 10
"""With fewer rows no part is large enough to be learned from, calibrated on or tested on."""


@dataclass(frozen=True)
class Job:
    """A table to fit: the data, the choices, and the run to go on from, if there is one."""

    given: Given
    settings: TableSettings
    recipe: TableNetwork
    run: Run | None = None


class Interrupted(Exception):
    """The run was interrupted and its state is saved in `folder`."""

    def __init__(self, folder: Path, run: Run | None) -> None:
        self.folder, self.run = folder, run
        super().__init__(f"Interrupted; go on with `ansatz fit --resume {folder}`.")


def fit_job(job: Job, folder: Path, answer: Answer, *, every: float, report: bool = True) -> TableFit:
    """Fit a table into a run folder and return the fit; raises `Interrupted` once the state is saved."""
    ready = prepared(job)
    with held(folder) as kept:
        ready = tuned(ready, answer)
        if job.run is None:
            _first_checkpoint(kept, ready)
        keeper = FolderKeeper(kept, begun(ready), every)
        answer.tell(f"Training {ready.settings.members} networks on {len(ready.plan.development)} rows.")
        try:
            run = train(ready, hooks=(*progress(answer), *keeper.hooks), resume=job.run)
            if run.status is Status.interrupted:
                raise Interrupted(folder, run)
            kept.checkpoint(run.snapshot(kind=UNFINISHED, table=begun(ready)), run.step)
            answer.tell("Measuring the fit" + (" beside baselines." if ready.settings.baselines else "."))
            fitted = judge(ready, run)
            kept.finish(*files(fitted, report=report))
        except KeyboardInterrupt:
            raise Interrupted(folder, None) from None
    return fitted


def prepared(job: Job) -> Ready:
    """Return the table read, split and encoded; the record of its source says how to find it again."""
    given = job.given
    assert given.target is not None
    ready = make_ready(given.data, given.target, job.settings, job.recipe)
    rows = ready.prepared.frame.height
    if rows < FEWEST:
        raise BadInput(f"{given.name} has {rows} rows with a target; a fit needs {FEWEST} at least.")
    ready.prepared.remarks[:0] = given.remarks
    return ready._replace(source=ready.source | given.origin)


def tuned(ready: Ready, answer: Answer) -> Ready:
    """Return the table with the best of `--tune` networks as its recipe; the test part is not touched."""
    if not ready.settings.tune:
        return ready
    from ansatz.supervised.tune import tune

    return tune(ready, ready.settings.tune, seed=ready.settings.seed, tell=answer.tell)[0]


def begun(ready: Ready) -> dict[str, Any]:
    """Return what `run.json` says of a fit that is not finished: enough to begin it again."""
    settings = asdict(ready.settings) | {"ignore": list(ready.settings.ignore)}
    return {"settings": settings, "source": ready.source, "target": ready.prepared.target}


def progress(answer: Answer) -> tuple[Any, ...]:
    """Return the hook that shows the training on stderr."""
    if answer.quiet:
        return ()
    from ansatz.training.hooks import Progress

    return (Progress(console=answer.progress),)


def files(fitted: TableFit, *, report: bool) -> tuple[Snapshot, dict[str, bytes]]:
    """Return the snapshot and the further files of a finished run; its `run.json` tells its figure."""
    if report:
        snapshot, extras = fitted.files()
    else:
        snapshot = fitted.run.snapshot(kind="table", table=fitted.record())
        snapshot.model = fitted.predictor.model
        extras = {"evaluation.json": evaluation_to_json(fitted.evaluation)}
    found = fitted.evaluation.interval
    snapshot.info["result"] = {
        "metric": fitted.evaluation.metric,
        "value": float(found.value),
        "lower": float(found.lower),
        "upper": float(found.upper),
    }
    return snapshot, extras


def resumed_job(folder: str, source: str | None, loss: str | None, budget: float | None) -> Job:
    """Return the job that an unfinished run records.

    `source` says where the table now stands, if it has moved; `loss` must repeat an objective of the
    user's own, for no file is run because a run names it; `budget` allows that many more seconds.
    """
    snapshot, remarks = RunFolder.read(folder)
    record, kind = snapshot.info.get("table"), snapshot.info.get("kind")
    if kind not in ("table", UNFINISHED) or not isinstance(record, dict):
        raise BadInput(f"{folder} is no fit of a table that can be resumed.")
    run = from_snapshot(snapshot) if "run" in snapshot.info and snapshot.state is not None else None
    if kind == "table" and (run is None or run.status is not Status.out_of_budget):
        raise BadInput(f"{folder} is a finished run; there is nothing to resume.")
    recipe = snapshot.recipe
    if not isinstance(recipe, TableNetwork):
        raise BadInput(f"{folder} does not hold the recipe of its run; it cannot be resumed.")
    if ".py:" in recipe.loss and loss != recipe.loss:
        raise BadInput(
            f"{folder} was trained with an objective of your own; add --loss {recipe.loss} to run that file."
        )
    try:
        settings = TableSettings(**(record["settings"] | {"ignore": tuple(record["settings"]["ignore"])}))
        recorded = dict(record["source"])
        target = record["target"]
        target = str(target["name"] if isinstance(target, dict) else target)
    except (KeyError, TypeError) as error:
        raise BadInput(f"{folder} does not say what was fitted: {error!r}.") from None
    settings = replace(settings, budget=budget or settings.budget)
    given = _recorded_source(recorded, source, target)
    return Job(given._replace(remarks=[*given.remarks, *remarks]), settings, recipe, run)


@contextlib.contextmanager
def held(folder: Path) -> Iterator[RunFolder]:
    """Hold a run folder; nothing of it is left if it fails before anything was saved."""
    above = [one for one in (folder.parent, *folder.parent.parents) if not one.exists()]
    fresh = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    try:
        with RunFolder.create(folder) as kept:
            yield kept
    except BaseException as error:
        if fresh:
            _remove_unused(folder, begun=isinstance(error, BadInput))
            for one in above:
                with contextlib.suppress(OSError):
                    one.rmdir()
        raise


def _remove_unused(folder: Path, *, begun: bool) -> None:
    """Remove a run folder in which nothing is; with `begun`, also one that was only begun."""
    checkpoints = folder / CHECKPOINTS
    with contextlib.suppress(OSError):
        if begun and [one.name for one in checkpoints.iterdir()] == [f"step-{0:09d}"]:
            remove_folder(checkpoints)
    for one in (checkpoints, folder):
        with contextlib.suppress(OSError):
            one.rmdir()


def _first_checkpoint(kept: RunFolder, ready: Ready) -> None:
    """Save how the run begins, so that one killed at any later moment can be resumed."""
    kept.checkpoint(Snapshot(info={"kind": UNFINISHED, "table": begun(ready)}, recipe=ready.recipe), 0)


def _recorded_source(recorded: dict[str, Any], source: str | None, target: str) -> Given:
    name = recorded.get("catalogue")
    if isinstance(name, str) and source is None:
        copy = recorded.get("own copy")
        return find_source(name, target, copy if isinstance(copy, str) else None)
    place = source or recorded.get("path")
    if not isinstance(place, str):
        raise BadInput("The run was fitted to a table in memory; resume it where that table is.")
    check_unchanged(recorded, place)
    return find_source(place, target)
