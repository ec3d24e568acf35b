"""What `ansatz fit` is pointed at: a file, a folder of images, or the name of a data set."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

from ansatz.core import BadInput
from ansatz.data import CATALOGUE, load_images, load_table, read_table
from ansatz.data.read import ENDINGS, ending


class Given(NamedTuple):
    """Data to fit: `data` is a path or a frame, `origin` is what a run records to find it again."""

    name: str
    kind: str
    data: Any
    target: str | None
    origin: dict[str, Any]
    remarks: list[str]


def find_source(source: str, target: str | None, path: str | None = None) -> Given:
    """Return what `source` names; a file or folder of that name goes before a data set.

    `path` is the user's own copy of a data set.  Raises `BadInput` if there is neither.
    """
    place = Path(source)
    if not place.exists() and (source in CATALOGUE or _looks_like_a_name(source)):
        return _from_catalogue(source, target, path)
    if path is not None:
        raise BadInput(f"--path goes with the name of a data set, and {source} is a file or folder.")
    if place.is_dir() or (place.is_file() and target is None and _is_images(place)):
        return Given(place.resolve().name.partition(".")[0], "images", source, target, {}, [])
    if target is None:
        columns = read_table(source).columns
        listed = ", ".join(columns[:12]) + (", …" if len(columns) > 12 else "")
        raise BadInput(f"--target is missing: name the column of {place.name} to predict ({listed}).")
    return Given(place.name.partition(".")[0] or "table", "table", source, target, {}, [])


def check_unchanged(source: dict[str, Any], place: str) -> None:
    """Raise `BadInput` if the file at `place` is not the one that a run records."""
    path = Path(place)
    if not path.is_file():
        raise BadInput(
            f"The table {place} of the run is not there; say where it is: ansatz fit TABLE --resume RUN."
        )
    if hashlib.sha256(path.read_bytes()).hexdigest() != source.get("sha256"):
        raise BadInput(
            f"{place} has changed since the run began (another SHA-256); resume with the table as it was, "
            "or begin a new run."
        )


def _looks_like_a_name(source: str) -> bool:
    return (
        "/" not in source and "\\" not in source and ending(Path(source)) not in ENDINGS and "." not in source
    )


def _from_catalogue(name: str, target: str | None, path: str | None) -> Given:
    remarks: list[str] = []
    if name not in CATALOGUE:
        from ansatz.data.words import suggestion

        raise BadInput(
            f"There is no file, folder or data set {name!r}; {suggestion(name, CATALOGUE, 'data sets')}"
        )
    entry = CATALOGUE[name]
    origin = {"catalogue": name, "own copy": path}
    if entry.kind == "images":
        return Given(name, "images", load_images(name, path=path, remarks=remarks), target, origin, remarks)
    frame = load_table(name, path=path, remarks=remarks)
    return Given(name, "table", frame, target or entry.target, origin, remarks)


def _is_images(path: Path) -> bool:
    """Tell whether a file without a target may hold images: an IDX file, or an NPZ with pictures in it."""
    if path.suffix == ".npz":
        from ansatz.data.arrays import read_npz

        return any(array.ndim >= 3 for array in read_npz(path).values())
    return ending(path) not in ENDINGS
