"""Which files a snapshot has, with length and SHA-256, so that a flipped bit is seen."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansatz.core import BadInput
from ansatz.store.atomic import read_regular
from ansatz.store.jsonfile import parse_json

FORMAT = "ansatz-run"
SCHEMA = 1
NAME = "manifest.json"
_LIMIT = 2**20
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_RESERVED = {NAME, "checkpoints"}


class Damaged(Exception):
    """One sentence about what is wrong with the files of a snapshot."""


class NewerSchema(BadInput):
    """The files are whole, and a newer version of Ansatz wrote them."""


@dataclasses.dataclass(frozen=True)
class Manifest:
    """The files of a snapshot by name, each with its SHA-256 and length.

    `sequence` counts the snapshots that were ever written to a run folder; the newest has the
    highest. `step` is the step of the snapshot, `None` for a folder with no snapshot at its top.
    """

    sequence: int
    step: int | None
    files: Mapping[str, tuple[str, int]]

    def to_bytes(self) -> bytes:
        """Return the one text that stands for this manifest; it holds its own hash."""
        body: dict[str, Any] = {
            "files": {name: {"bytes": size, "sha256": digest} for name, (digest, size) in self.files.items()},
            "format": FORMAT,
            "schema": SCHEMA,
            "sequence": self.sequence,
            "step": self.step,
        }
        return _dump(body | {"check": hashlib.sha256(_dump(body)).hexdigest()})


def describe(files: Mapping[str, bytes]) -> dict[str, tuple[str, int]]:
    """Return the entries of a manifest for these files."""
    return {name: (hashlib.sha256(data).hexdigest(), len(data)) for name, data in files.items()}


def is_file_name(name: str) -> bool:
    """Say whether a run may hold a file of that name beside its own."""
    return _FILE.fullmatch(name) is not None and name not in _RESERVED


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a folder; raises `Damaged` unless every byte of it is as it was written."""
    data = read_bytes(folder / NAME, _LIMIT)
    try:
        body = parse_json(data, NAME)
    except BadInput:
        raise Damaged(f"{NAME} is not the text that Ansatz wrote") from None
    if type(body) is not dict or body.get("format") != FORMAT:
        raise Damaged(f"{NAME} belongs to another program")
    check = body.pop("check", None)
    try:
        whole = check == hashlib.sha256(_dump(body)).hexdigest() and _dump(body | {"check": check}) == data
    except RecursionError:
        whole = False
    if not whole:
        raise Damaged(f"{NAME} was altered after it was written")
    schema = body.get("schema")
    if type(schema) is int and schema > SCHEMA:
        raise NewerSchema(
            f"{folder} was written by a newer Ansatz (schema {schema}; this one reads up to {SCHEMA}); "
            "upgrade Ansatz to load it."
        )
    return _from_body(body)


def read_verified(folder: Path, manifest: Manifest, name: str) -> bytes:
    """Return the bytes of one file; raises `Damaged` unless they are those that were written."""
    digest, size = manifest.files[name]
    data = read_bytes(folder / name, size)
    if len(data) != size:
        found = f"{len(data)} bytes, cut short" if len(data) < size else f"more than {size} bytes, too long"
        raise Damaged(f"{name} has {found}, and its manifest says {size}")
    if hashlib.sha256(data).hexdigest() != digest:
        raise Damaged(f"{name} was altered after it was written: its SHA-256 is not the manifest's")
    return data


def read_bytes(path: Path, limit: int) -> bytes:
    """Return at most `limit + 1` bytes of a regular file; raises `Damaged` if there is none."""
    try:
        return read_regular(path, limit)
    except FileNotFoundError:
        raise Damaged(f"{path.name} is missing") from None
    except OSError as error:
        raise Damaged(f"{path.name} cannot be read: {error.strerror or error}") from None


def _from_body(body: dict[str, Any]) -> Manifest:
    """Return the manifest that a JSON object says, if it is one; its maker may be hostile."""
    sequence, step, listed = body.get("sequence"), body.get("step"), body.get("files")
    good = (
        body.get("schema") == SCHEMA
        and set(body) == {"files", "format", "schema", "sequence", "step"}
        and type(sequence) is int
        and 0 <= sequence < 2**62
        and (step is None or (type(step) is int and 0 <= step < 2**62))
        and type(listed) is dict
    )
    files: dict[str, tuple[str, int]] = {}
    for name, entry in listed.items() if type(listed) is dict and good else ():
        good = good and is_file_name(name) and type(entry) is dict and set(entry) == {"bytes", "sha256"}
        good = good and type(entry["bytes"]) is int and 0 <= entry["bytes"] < 2**62
        good = good and type(entry["sha256"]) is str
        if not good:
            break
        files[name] = (entry["sha256"], entry["bytes"])
    if not good:
        raise Damaged(f"{NAME} does not say what a manifest says")
    return Manifest(sequence, step, files)  # pyright: ignore[reportArgumentType]


def _dump(body: dict[str, Any]) -> bytes:
    return (json.dumps(body, sort_keys=True, indent=1) + "\n").encode()
