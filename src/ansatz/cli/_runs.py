"""What a folder of runs holds, read without loading a model."""

import datetime
import json
from pathlib import Path
from typing import Any, NamedTuple

from ansatz.core import BadInput
from ansatz.store import RunFolder
from ansatz.store.manifest import NAME, Damaged, Manifest, read_manifest, read_verified
from ansatz.store.reading import CHECKPOINTS, STEP
from ansatz.store.snapshot import RUN


class Found(NamedTuple):
    """A run as a list shows it; `trouble` is a sentence where its files are damaged."""

    name: str
    what: str
    metric: str
    value: float | None
    status: str
    date: str
    trouble: str = ""


def is_run(path: Path) -> bool:
    """Tell whether a folder holds a run, finished or not, whole or damaged."""
    try:
        return path.is_dir() and ((path / RUN).exists() or (path / NAME).exists() or bool(_checkpoints(path)))
    except OSError:
        return False


def whole_kind(run: str) -> str:
    """Return what kind of run is in a folder, after checking every file of it."""
    snapshot, remarks = RunFolder.read(run)
    if damage := [remark for remark in remarks if remark.startswith("evaluation.json")]:
        raise BadInput(f"{run} is damaged: {damage[0]}")
    return str(snapshot.info.get("kind"))


def find_runs(folder: Path) -> list[Found]:
    """Return the runs in a folder by name; the folder may itself be one."""
    if not folder.is_dir():
        raise BadInput(f"There is no folder {folder}; runs stand in `runs` unless --out says otherwise.")
    try:
        inside = [folder] if is_run(folder) else sorted(one for one in folder.iterdir() if is_run(one))
    except OSError as error:
        raise BadInput(f"{folder} cannot be read: {error.strerror}.") from None
    return [_found(one) for one in inside]


def _found(path: Path) -> Found:
    finished = (path / NAME).exists()
    place = path if finished else (_newest(path) or path)
    name = path.resolve().name
    try:
        date = datetime.datetime.fromtimestamp(place.stat().st_mtime).strftime("%Y-%m-%d %H:%M")
        manifest = read_manifest(place)
        _check_sizes(place, manifest)
        return _described(name, date, json.loads(read_verified(place, manifest, RUN)), finished)
    except (Damaged, BadInput) as error:
        return Found(name, "", "", None, "damaged", "", f"{str(error).rstrip('.')}.")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return Found(name, "", "", None, "damaged", "", f"{RUN} is not what Ansatz writes ({error!r}).")


def _described(name: str, date: str, run: dict[str, Any], finished: bool) -> Found:
    info = run["info"]
    table = info.get("table") or info.get("images") or info.get("solution") or info.get("sweep") or {}
    table = table or (info.get("image model") or {}).get("settings") or {}
    table = table or (info.get("play") or {}).get("source") or {}
    result = info.get("result") or {}
    target = table.get("target", table.get("model", table.get("name"))) or ""
    target = target.get("name", "") if isinstance(target, dict) else target
    what = f"{str(info.get('kind', 'run')).partition(',')[0]}{f', {target}' if target else ''}"
    status = str(info.get("run", {}).get("status", "begun")).replace("_", " ")
    if not finished:
        status = f"unfinished, step {int(run['step'])}"
    value = result.get("value")
    value = float(value) if isinstance(value, int | float) else None
    return Found(name, what, str(result.get("metric", "")), value, status, date)


def _check_sizes(place: Path, manifest: Manifest) -> None:
    """Raise `Damaged` if a file is missing or has another length; to hash all of them would take long."""
    if RUN not in manifest.files:
        raise Damaged(f"{NAME} lists no {RUN}")
    for file, (_, size) in manifest.files.items():
        try:
            found = (place / file).lstat().st_size
        except FileNotFoundError:
            raise Damaged(f"{file} is missing") from None
        if found != size:
            raise Damaged(f"{file} has {found} bytes, and its manifest says {size}")


def _checkpoints(path: Path) -> list[Path]:
    folder = path / CHECKPOINTS
    if folder.is_symlink() or not folder.is_dir():
        return []
    return [one for one in folder.iterdir() if STEP.fullmatch(one.name)]


def _newest(path: Path) -> Path | None:
    best, newest = -1, None
    for one in _checkpoints(path):
        try:
            sequence = read_manifest(one).sequence
        except (Damaged, BadInput):
            continue
        if sequence > best:
            best, newest = sequence, one
    return newest
