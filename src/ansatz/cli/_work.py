"""Work that is kept in a run folder: every stage can be killed, and is resumed to the same bits."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansatz.cli._answer import Answer
from ansatz.core import BadInput, Status
from ansatz.store import RunFolder, Snapshot
from ansatz.store.atomic import remove_folder
from ansatz.store.reading import CHECKPOINTS
from ansatz.supervised.saving import result_of
from ansatz.training.hooks import Checkpoint
from ansatz.training.run import Run, from_snapshot


@dataclass(frozen=True)
class Work:
    """What is to be done once the data are read.

    `kind` is table, images, text or image model, and `verb` the words after `ansatz` that resume it; `begun`
    is what `run.json` says of it from the first moment, enough to begin again; `train(hooks, run)` returns a
    `Run`, `judge(run)` what was fitted, and `files(fitted)` its snapshot and further files.
    """

    kind: str
    words: str
    begun: dict[str, Any]
    recipe: Any
    run: Run | None
    train: Callable[[tuple[Any, ...], Run | None], Run]
    judge: Callable[[Run], Any]
    files: Callable[[Any], tuple[Snapshot, dict[str, bytes]]]
    verb: str = "fit"

    @property
    def extra(self) -> dict[str, Any]:
        """What the checkpoints say beside the training."""
        return {"kind": f"{self.kind}, unfinished", self.kind: self.begun}


class Interrupted(Exception):
    """The run was interrupted and its state is saved in `folder`."""

    def __init__(self, folder: Path, run: Run | None, verb: str = "fit") -> None:
        self.folder, self.run = folder, run
        super().__init__(f"Interrupted; go on with `ansatz {verb} --resume {folder}`.")


def do_work(prepare: Callable[[], Work], folder: Path, answer: Answer, *, every: float) -> Any:
    """Do the work that `prepare` reads and checks, in a run folder; return what was fitted.

    Raises `Interrupted` once the state is saved.
    """
    with held(folder) as kept:
        work = prepare()
        if work.run is None:
            # One that is killed at any later moment can then be resumed.
            kept.checkpoint(Snapshot(info=work.extra, recipe=work.recipe), 0)
        answer.tell(work.words)
        try:
            hooks = (*progress(answer), Checkpoint(kept, every, extra=work.extra))
            run = work.train(hooks, work.run)
            if run.status is Status.interrupted:
                raise Interrupted(folder, run, work.verb)
            kept.checkpoint(run.snapshot(**work.extra), run.step)
            answer.tell("Measuring the fit.")
            fitted = work.judge(run)
            snapshot, extras = work.files(fitted)
            if "result" not in snapshot.info:
                snapshot.info["result"] = result_of(fitted)
            kept.finish(snapshot, extras)
        except KeyboardInterrupt:
            raise Interrupted(folder, None, work.verb) from None
    return fitted


def recorded(
    folder: str, kinds: tuple[str, ...] = ("table", "images"), words: str = "fit of a table or of images"
) -> tuple[str, dict[str, Any], Any, Run | None, list[str]]:
    """Return the kind of an unfinished run, its record, its recipe, its training, and remarks."""
    snapshot, remarks = RunFolder.read(folder)
    kind, _, unfinished = str(snapshot.info.get("kind")).partition(", ")
    record = snapshot.info.get(kind)
    if kind not in kinds or not isinstance(record, dict):
        raise BadInput(f"{folder} is no {words} that can be resumed.")
    run = from_snapshot(snapshot) if "run" in snapshot.info and snapshot.state is not None else None
    if not unfinished and (run is None or run.status is not Status.out_of_budget):
        raise BadInput(f"{folder} is a finished run; there is nothing to resume.")
    return kind, record, snapshot.recipe, run, remarks


def progress(answer: Answer) -> tuple[Any, ...]:
    """Return the hook that shows the training on stderr."""
    if answer.quiet:
        return ()
    from ansatz.training.hooks import Progress

    return (Progress(console=answer.progress),)


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
