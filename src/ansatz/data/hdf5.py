"""Tables from HDF5 files, without following what leads out of the file."""

import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl

from ansatz.core import BadInput
from ansatz.data.arrays import frame_from_arrays
from ansatz.data.limits import LARGEST, MOST_MEMBERS, MOST_RATIO, SLACK
from ansatz.data.words import listing, remark, suggestion

FILTERS = frozenset([1, 2, 3, 4, 5, 6, 32000])
"""deflate, shuffle, fletcher32, szip, nbit, scale-offset, lzf: no filter is loaded from a plug-in."""


def read_hdf5(path: Path, part: str | None = None, remarks: list[str] | None = None) -> pl.DataFrame:
    """Return the data sets of an HDF5 file, or of its group `part`, as one table."""
    return frame_from_arrays(hdf5_arrays(path, part, remarks), path.name)


def hdf5_arrays(
    path: Path, part: str | None = None, remarks: list[str] | None = None
) -> dict[str, np.ndarray]:
    """Return the arrays of an HDF5 file (or of its group or data set `part`) by name.

    External links, external storage, virtual data sets, unknown filters and shapes far larger than
    what is stored are refused.
    """
    try:
        with h5py.File(path, "r", locking=False) as file:
            group = file if part is None else _find(file, part, path.name)
            if isinstance(group, h5py.Dataset):
                return {part.rsplit("/", 1)[-1]: _read(group, path.name)} if part else {}
            names = _datasets(group, path.name, remarks)
            return {name: _read(_dataset(group, name), path.name) for name in names}
    except (OSError, RuntimeError, KeyError) as error:
        reason = (str(error).splitlines() or ["unreadable"])[0].rstrip(".")
        raise BadInput(f"{path.name} is not a whole HDF5 file: {reason}.") from None


def _find(file: h5py.File, part: str, name: str) -> h5py.Group | h5py.Dataset:
    """Walk to `part` through hard links only."""
    place: Any = file
    for step in part.strip("/").split("/"):
        if not isinstance(place, h5py.Group) or step not in place:
            known = list(place) if isinstance(place, h5py.Group) else []
            raise BadInput(f"{name} has no part {part!r}; {suggestion(step, known, 'parts')}")
        _refuse_links(place, step, name)
        place = place[step]
    return place


def _refuse_links(group: h5py.Group, key: str, name: str) -> None:
    link = group.get(key, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        raise BadInput(f"{key!r} in {name} is a link to another file, which is never followed; copy it in.")
    if isinstance(link, h5py.SoftLink):
        raise BadInput(f"{key!r} in {name} is a soft link, which is never followed; name its target instead.")


def _datasets(group: h5py.Group, name: str, remarks: list[str] | None) -> list[str]:
    if len(group) > MOST_MEMBERS:
        raise BadInput(f"{name} has {len(group)} members; at most {MOST_MEMBERS} are read.")
    groups, datasets = [], []
    for key in map(str, group):
        _refuse_links(group, key, name)
        (datasets if group.get(key, getclass=True) is h5py.Dataset else groups).append(key)
    if not datasets:
        where = f"name one of the groups {listing(groups)} as the part" if groups else "it holds nothing"
        raise BadInput(f"{name} has no data set at its top: {where}.")
    if groups:
        remark(
            remarks, f"The groups {listing(groups)} of {name} were not read; name one as the part to read it."
        )
    return datasets


def _dataset(group: h5py.Group, key: str) -> h5py.Dataset:
    found = group[key]
    if not isinstance(found, h5py.Dataset):
        raise BadInput(f"{key!r} is no data set.")
    return found


def _read(data: h5py.Dataset, name: str) -> np.ndarray:
    where = f"{(data.name or '').lstrip('/')!r} in {name}"
    if data.is_virtual:
        raise BadInput(f"{where} is a virtual data set over other files, which is never followed.")
    if data.external:
        raise BadInput(f"{where} keeps its values in another file, which is never followed.")
    if data.shape is None:
        raise BadInput(f"{where} is empty; a table needs rows.")
    plist = data.id.get_create_plist()
    filters = [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]
    unknown = [code for code in filters if code not in FILTERS]
    if unknown:
        raise BadInput(
            f"{where} is packed with filter {unknown[0]}, which is not known; repack it with gzip."
        )
    size = math.prod(data.shape) * data.dtype.itemsize
    stored = data.id.get_storage_size()
    if size > LARGEST or size > SLACK + MOST_RATIO * stored:
        raise BadInput(
            f"{where} says that its shape is {data.shape}, {size} bytes of which {stored} are stored."
        )
    if h5py.check_string_dtype(data.dtype) is not None:
        return np.asarray(data.asstr("utf-8", "replace")[...]).astype(str)
    if data.dtype.hasobject:
        raise BadInput(f"{where} holds references or ragged rows; numbers or text are needed.")
    return np.asarray(data[...])
