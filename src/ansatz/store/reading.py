"""Finding the newest whole snapshot in a folder that anyone may have made."""

import re
from collections import ChainMap
from collections.abc import Iterable, Mapping
from pathlib import Path

from ansatz.core import BadInput
from ansatz.store.atomic import TEMPORARY
from ansatz.store.encode import named
from ansatz.store.manifest import (
    FORMAT,
    NAME,
    Damaged,
    Manifest,
    NewerSchema,
    read_bytes,
    read_manifest,
    read_verified,
)
from ansatz.store.registry import known_classes
from ansatz.store.snapshot import FILES, RUN, Snapshot, unpack

CHECKPOINTS = "checkpoints"
STEP = re.compile(r"step-([0-9]{9,19})(-[0-9]{1,9})?")


def is_ours(path: Path) -> bool:
    """Say whether a folder is empty, was just begun, or holds a run of Ansatz, whole or not."""
    names = {entry.name for entry in path.iterdir()}
    if not {name for name in names if name != ".lock" and not TEMPORARY.fullmatch(name)} - {CHECKPOINTS}:
        checkpoints = path / CHECKPOINTS
        if not checkpoints.is_dir() or checkpoints.is_symlink():
            return CHECKPOINTS not in names
        return all(STEP.fullmatch(e.name) or TEMPORARY.fullmatch(e.name) for e in checkpoints.iterdir())
    folders = [path, *_checkpoints(path)]
    return any(_marked(folder / name) for folder in folders for name in (NAME, RUN))


def newest_sequence(path: Path) -> int:
    """Return the highest number that a snapshot in this folder has, 0 if there is none."""
    newest = 0
    for folder in [path, *_checkpoints(path)]:
        try:
            newest = max(newest, read_manifest(folder).sequence)
        except Damaged:
            continue
    return newest


def read_run(path: Path, classes: Mapping[str, type] | Iterable[type] | None) -> tuple[Snapshot, list[str]]:
    """Return what `RunFolder.read` returns."""
    own = dict(classes) if isinstance(classes, Mapping) else named(*(classes or ()))
    known = ChainMap(own, known_classes())  # pyright: ignore[reportArgumentType]  # it is only read
    for attempt in range(5):
        found, remarks = _candidates(path)
        for folder, manifest in found:
            try:
                files = {name: read_verified(folder, manifest, name) for name in FILES & set(manifest.files)}
            except Damaged as damage:
                remarks.append(f"{_called(path, folder)}: {damage}")
                continue
            snapshot, further = _unpack(folder, files, known)
            if snapshot.step != manifest.step:
                raise BadInput(f"{folder / RUN} and {NAME} do not name the same step.")
            if remarks:
                remarks.append(f"The snapshot of step {snapshot.step} was loaded instead.")
            return snapshot, remarks + further + _damaged_extras(folder, manifest)
        # A writer that finishes meanwhile removes checkpoints, so what was listed may be gone.
        if attempt == 4 or _candidates(path)[0] == found:
            break
    raise _nothing(path, remarks)


def _candidates(path: Path) -> tuple[list[tuple[Path, Manifest]], list[str]]:
    """Return the folders with a whole manifest, the newest first, and remarks on the others."""
    found: list[tuple[Path, Manifest]] = []
    remarks: list[str] = []
    try:
        folders = [*([path] if _has_top(path) else []), *_checkpoints(path)]
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{path} is no run folder that can be read: {reason}.") from None
    for folder in folders:
        try:
            manifest = read_manifest(folder)
            if folder == path and manifest.step is None:
                continue
            _check_place(path, folder, manifest)
        except Damaged as damage:
            remarks.append(f"{_called(path, folder)}: {damage}")
        else:
            found.append((folder, manifest))
    return sorted(found, key=lambda pair: pair[1].sequence, reverse=True), remarks


def _check_place(path: Path, folder: Path, manifest: Manifest) -> None:
    if RUN not in manifest.files or manifest.step is None:
        raise Damaged(f"{NAME} lists no {RUN}")
    match = STEP.fullmatch(folder.name)
    if folder != path and match is not None and int(match[1]) != manifest.step:
        raise Damaged(f"{NAME} is that of step {manifest.step}")


def _unpack(
    folder: Path, files: Mapping[str, bytes], known: Mapping[str, type]
) -> tuple[Snapshot, list[str]]:
    try:
        return unpack(files, known)
    except NewerSchema:
        raise
    except BadInput as error:
        raise BadInput(f"{folder} cannot be loaded: {error}") from None


def _damaged_extras(folder: Path, manifest: Manifest) -> list[str]:
    remarks: list[str] = []
    for name in sorted(set(manifest.files) - FILES):
        try:
            read_verified(folder, manifest, name)
        except Damaged as damage:
            remarks.append(f"{damage}; the run itself is whole.")
    return remarks


def _nothing(path: Path, remarks: list[str]) -> BadInput:
    if remarks:
        return BadInput(f"{path} holds no whole snapshot ({'; '.join(remarks[:4])}).")
    return BadInput(f"{path} is not the folder of an Ansatz run: it has no {NAME} and no {CHECKPOINTS}.")


def _has_top(path: Path) -> bool:
    names = {entry.name for entry in path.iterdir()}
    return NAME in names or RUN in names


def _checkpoints(path: Path) -> list[Path]:
    folder = path / CHECKPOINTS
    if folder.is_symlink() or not folder.is_dir():
        return []
    entries = sorted(folder.iterdir())
    return [
        entry for entry in entries if STEP.fullmatch(entry.name) and not entry.is_symlink() and entry.is_dir()
    ]


def _called(path: Path, folder: Path) -> str:
    return "The files at the top of the folder" if folder == path else f"The checkpoint {folder.name}"


def _marked(path: Path) -> bool:
    """Say whether a file begins as one of ours does; damage further on does not matter."""
    try:
        return f'"{FORMAT}"'.encode() in read_bytes(path, 2**20)
    except Damaged:
        return False
