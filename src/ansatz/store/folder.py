"""A run is a folder: `run.json`, `model.safetensors`, columns, a manifest, and checkpoints on the way.

At every instant, whatever is killed, the newest whole snapshot can be told from the rest: a snapshot
counts once its manifest stands beside its files, and a checkpoint is renamed into place as a whole.
"""

import contextlib
import dataclasses
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ansatz.core import BadInput
from ansatz.store.atomic import Lock, remove_folder, remove_temporary, sync_folder, write_file, write_folder
from ansatz.store.manifest import NAME, Damaged, Manifest, describe, is_file_name, read_manifest
from ansatz.store.reading import CHECKPOINTS, STEP, is_ours, newest_sequence, read_run
from ansatz.store.snapshot import FILES, Snapshot, pack

LOCK = ".lock"


class DiskError(OSError):
    """One sentence: what could not be written, why, and what is still whole."""


class RunFolder:
    """One process's hold on a run folder; made by `RunFolder.create`, given back by `close`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as path, RunFolder.create(path) as folder:
    ...     folder.checkpoint(Snapshot(info={"seed": 0}), step=10)
    ...     snapshot, remarks = RunFolder.read(path)
    >>> snapshot.step, snapshot.info, remarks
    (10, {'seed': 0}, [])
    """

    def __init__(self, path: Path, lock: Lock, sequence: int, made: bool) -> None:
        """Hold a folder whose lock is taken; use `create`."""
        self.path = path
        self._lock = lock
        self._sequence = sequence
        self._made = made
        self._step: int | None = None

    @classmethod
    def create(cls, path: str | os.PathLike[str]) -> "RunFolder":
        """Take hold of a new or empty folder or of an earlier run; nothing is written but the lock.

        Raises:
            BadInput: if `path` is no folder, holds something else than a run, cannot be written, or
                is being written by another process.
        """
        path = Path(path)
        try:
            made = not path.exists()
            if not made and not path.is_dir():
                raise BadInput(f"{path} is a file; give --out the name of a folder.")
            if not made and not is_ours(path):
                raise BadInput(f"{path} holds files that are no Ansatz run; choose a new folder for --out.")
            lock = _locked(path)
            try:
                remove_temporary(path)
                if (path / CHECKPOINTS).is_dir() and not (path / CHECKPOINTS).is_symlink():
                    remove_temporary(path / CHECKPOINTS)
                return cls(path, lock, newest_sequence(path), made)
            except BaseException:
                lock.release()
                raise
        except (OSError, ValueError) as error:
            if isinstance(error, BadInput):
                raise
            reason = getattr(error, "strerror", None) or error
            raise BadInput(f"{path} cannot be written ({reason}); choose another --out.") from None

    @staticmethod
    def read(
        path: str | os.PathLike[str], classes: Mapping[str, type] | Iterable[type] | None = None
    ) -> tuple[Snapshot, list[str]]:
        """Return the newest whole snapshot in a run folder, and a sentence on each damage that was met.

        Args:
            path: the folder; it may have been made by anyone.
            classes: the caller's own classes, or those by name, besides `known_classes()`.

        Raises:
            BadInput: if there is no whole snapshot, naming the file and what is wrong with it.
        """
        return read_run(Path(path), classes)

    def checkpoint(self, snapshot: Snapshot, step: int | None = None, keep: int = 2) -> None:
        """Add a checkpoint; once this returns it survives the death of the process.

        Args:
            snapshot: what to write.
            step: the number of steps taken, if not that of the snapshot.
            keep: how many checkpoints stay, from 1 on; older ones are then removed.

        Raises:
            BadInput: if the snapshot cannot be written as data.
            DiskError: if the disk refuses; the earlier checkpoints are untouched.
        """
        if keep < 1:
            raise BadInput(f"At least 1 checkpoint must be kept, not {keep}.")
        if step is not None:
            snapshot = dataclasses.replace(snapshot, step=step)
        files = pack(snapshot)
        self._attempt(f"The checkpoint of step {snapshot.step}", lambda: self._stage(files, snapshot.step))
        _prune(self.path / CHECKPOINTS, keep)

    def finish(self, snapshot: Snapshot, extras: Mapping[str, bytes] | None = None) -> None:
        """Write the last snapshot and further files to the top of the folder and remove the checkpoints.

        Raises:
            BadInput: if the snapshot cannot be written as data or a name is not a plain file name.
            DiskError: if the disk refuses; the newest checkpoint is untouched.
        """
        for name in extras or {}:
            _check_name(name)
        snapshot = dataclasses.replace(snapshot, step=max(snapshot.step, self._step or 0))
        files = pack(snapshot)
        # While the files at the top change one by one, this checkpoint is what a reader finds.
        self._attempt("The finished run", lambda: self._stage(files, snapshot.step))
        self._attempt("The finished run", lambda: self._write_top(files | dict(extras or {}), snapshot.step))

    def add(self, name: str, data: bytes) -> None:
        """Add a file such as `report.html` to the top of the folder, or replace one added earlier.

        Raises:
            BadInput: if `name` is not a plain file name or belongs to the run itself.
            DiskError: if the disk refuses.
        """
        _check_name(name)
        self._attempt(name, lambda: _add(self.path, name, data))

    def close(self) -> None:
        """Give the folder back; one that was made here and never written to is removed."""
        self._lock.release()
        if self._made:
            with contextlib.suppress(OSError):
                self.path.rmdir()

    def __enter__(self) -> "RunFolder":
        """Return the folder."""
        return self

    def __exit__(self, *exception: Any) -> None:
        """Close the folder."""
        self.close()

    def _attempt(self, what: str, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            rest = "" if self._step is None else f"; the checkpoint of step {self._step} is whole"
            reason = error.strerror or str(error)
            message = f"{what} could not be written to {self.path}: {reason}{rest}."
            failure = DiskError(message)
            failure.errno = error.errno
            raise failure from error

    def _stage(self, files: Mapping[str, bytes], step: int) -> None:
        folder = self.path / CHECKPOINTS
        if not folder.is_dir():
            folder.mkdir()
            sync_folder(self.path)
        sequence = self._sequence + 1
        manifest = Manifest(sequence, step, describe(files)).to_bytes()
        name, count = f"step-{step:09d}", 1
        while (folder / name).exists():
            count += 1
            name = f"step-{step:09d}-{count}"
        write_folder(folder / name, {**files, NAME: manifest})
        self._sequence, self._step = sequence, step

    def _write_top(self, files: Mapping[str, bytes], step: int) -> None:
        old = _top(self.path)
        sequence = self._sequence + 1
        for name, data in files.items():
            write_file(self.path / name, data)
        write_file(self.path / NAME, Manifest(sequence, step, describe(files)).to_bytes())
        self._sequence, self._step = sequence, step
        for name in (FILES | set(old.files if old else ())) - set(files):
            with contextlib.suppress(OSError):
                (self.path / name).unlink()
        with contextlib.suppress(OSError):
            remove_folder(self.path / CHECKPOINTS)


def _locked(path: Path) -> Lock:
    # Another process may remove the folder, still empty, between the two calls.
    for attempt in range(20):
        path.mkdir(parents=True, exist_ok=True)
        try:
            return Lock(path / LOCK)
        except FileNotFoundError:
            if attempt == 19:
                raise
    raise AssertionError


def _check_name(name: str) -> None:
    if not is_file_name(name) or name in FILES or not re.fullmatch(r"[^.].*[^.]", name):
        raise BadInput(
            f"{name!r} cannot be added to a run; use a name of letters, digits, '_', '-' and '.' that is "
            "none of the run's own."
        )


def _prune(checkpoints: Path, keep: int) -> None:
    """Remove all but the newest checkpoints; one that cannot be removed does no harm."""
    ages: list[tuple[int, Path]] = []
    for folder in checkpoints.iterdir():
        if STEP.fullmatch(folder.name):
            try:
                ages.append((read_manifest(folder).sequence, folder))
            except (Damaged, BadInput):
                ages.append((-1, folder))
    for _, folder in sorted(ages)[:-keep]:
        with contextlib.suppress(OSError):
            remove_folder(folder)


def _top(path: Path) -> Manifest | None:
    try:
        return read_manifest(path)
    except (Damaged, BadInput):
        return None


def _add(path: Path, name: str, data: bytes) -> None:
    old = _top(path) or Manifest(0, None, {})
    if name in old.files:
        rest = {known: entry for known, entry in old.files.items() if known != name}
        write_file(path / NAME, dataclasses.replace(old, files=rest).to_bytes())
    write_file(path / name, data)
    files = {**old.files, **describe({name: data})}
    write_file(path / NAME, dataclasses.replace(old, files=files).to_bytes())
