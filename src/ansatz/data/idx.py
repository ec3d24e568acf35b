"""IDX files, the format of MNIST: a head of sizes, then bytes, often packed by gzip."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from ansatz.core import BadInput
from ansatz.data.limits import LARGEST

TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def read_idx(path: Path) -> np.ndarray:
    """Return the array in an IDX file, plain or `.gz`."""
    try:
        packed = path.suffix.lower() == ".gz"
        with gzip.open(path) if packed else path.open("rb") as file:
            head = file.read(4)
            if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in TYPES or not 1 <= head[3] <= 8:
                raise BadInput(
                    f"{path.name} is not an IDX file: its first four bytes are {head.hex() or 'missing'}."
                )
            sizes = file.read(4 * head[3])
            shape = tuple(int(n) for n in np.frombuffer(sizes, ">u4")) if len(sizes) == 4 * head[3] else (0,)
            dtype = np.dtype(TYPES[head[2]])
            expected = math.prod(shape) * dtype.itemsize
            if not 0 < expected <= LARGEST:
                raise BadInput(f"{path.name} says that its shape is {shape}, which is refused.")
            content = file.read(expected + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path.name} cannot be read: {str(error).rstrip('.')}.") from None
    if len(content) != expected:
        found = "more" if len(content) > expected else str(len(content))
        raise BadInput(f"{path.name} holds {found} bytes where its shape {shape} needs {expected}.")
    return np.frombuffer(content, dtype).reshape(shape).astype(dtype.newbyteorder("="))


def find_idx(folder: Path) -> list[Path]:
    """Return the IDX files of images in a folder, training first."""
    found = [p for p in folder.iterdir() if p.is_file() and ("idx3" in p.name or "idx4" in p.name)]
    return sorted(found, key=lambda p: (is_test(p), p.name))


def is_test(path: Path) -> bool:
    """Tell by its name whether a file holds the images set apart for testing."""
    return path.name.startswith(("t10k", "test"))


def read_idx_folder(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return images `[N, H, W]`, labels `[N]` and which are for testing `[N]`, of a folder or one file."""
    xs, ys, tests = [], [], []
    for images in find_idx(path) if path.is_dir() else [path]:
        name = images.name.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1")
        labels = next((p for p in (images.parent / name, _other(images.parent / name)) if p.is_file()), None)
        if labels is None or name == images.name:
            raise BadInput(f"The labels of {images.name} should stand beside it in a file {name!r}.")
        x, y = read_idx(images), read_idx(labels)
        if x.ndim < 3 or y.shape != x.shape[:1]:
            raise BadInput(f"{images.name} has shape {x.shape} and {labels.name} {y.shape}; they do not fit.")
        if xs and xs[0].shape[1:] != x.shape[1:]:
            raise BadInput(f"The images in {path.name} have the shapes {xs[0].shape[1:]} and {x.shape[1:]}.")
        xs.append(x)
        ys.append(y)
        tests.append(np.full(len(x), is_test(images)))
    return np.concatenate(xs), np.concatenate(ys), np.concatenate(tests)


def _other(path: Path) -> Path:
    """Return the packed name of a plain file, the plain name of a packed one."""
    return path.with_suffix("") if path.suffix == ".gz" else path.with_name(path.name + ".gz")
