"""Images of which a model draws more: with classes or without, from folders, NPZ archives and IDX files."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ansatz.core import BadInput
from ansatz.data.arrays import read_npz
from ansatz.data.idx import find_idx
from ansatz.data.images import (
    ENDINGS,
    FORMATS,
    TEST_FOLDERS,
    TRAIN_FOLDERS,
    Images,
    as_bytes,
    common_size,
    read_image,
    read_images,
)
from ansatz.data.words import listing, remark

NAMES = ("x", "images", "data", "x_train", "train_images", "arr_0")


class Pictures(NamedTuple):
    """Images `x: [N, H, W, C]` (uint8), and labels `y: [N]` (int32) and names of classes, or none of both.

    `test: [N]` is true for the images that their makers set apart for testing.
    """

    x: np.ndarray
    y: np.ndarray | None
    classes: tuple[str, ...]
    test: np.ndarray


def read_pictures(source: str | Path, *, remarks: list[str] | None = None) -> Pictures:
    """Return the images that `read_images` reads, or images without classes.

    Without classes are: a folder with all images in it, or in one subfolder, and an NPZ archive that holds
    images alone, or images of one label.

    Raises:
        BadInput: one sentence naming the file, for what is no image or too large.
    """
    path = Path(source)
    if path.is_dir() and not find_idx(path):
        return _read_folder(path, remarks)
    if path.is_file() and path.suffix.lower() == ".npz":
        arrays = {name.lower(): array for name, array in read_npz(path).items()}
        labels = [
            array for name, array in arrays.items() if name in ("y", "labels", "label", "targets", "target")
        ]
        if not any(name.startswith(("y", "label", "target", "train_label")) for name in arrays):
            return _without_classes(arrays, path.name)
        if labels and len(np.unique(labels[0])) < 2:
            remark(remarks, f"All images of {path.name} have one label, which says nothing and is left out.")
            return _without_classes(arrays, path.name)
    return of_images(read_images(path, remarks=remarks))


def of_images(images: Images) -> Pictures:
    """Return labelled images as pictures."""
    return Pictures(images.x, images.y, images.classes, images.test)


def make_pictures(x: np.ndarray, name: str) -> Pictures:
    """Return checked images without classes from an array `[N, H, W]` or `[N, H, W, C]`."""
    x = x[..., None] if x.ndim == 3 else x
    if x.ndim != 4 or x.shape[-1] not in (1, 3, 4) or 0 in x.shape:
        raise BadInput(
            f"The images of {name} have shape {x.shape}; [N, H, W] or [N, H, W, 1 or 3] is needed."
        )
    x = x if x.dtype == np.uint8 else as_bytes(x, name)
    return Pictures(np.ascontiguousarray(x[..., :3]), None, (), np.zeros(len(x), bool))


def _without_classes(arrays: dict[str, np.ndarray], name: str) -> Pictures:
    found = next((arrays[one] for one in NAMES if one in arrays), None)
    if found is None:
        raise BadInput(f"{name} holds {listing(arrays)}; it should hold 'x' (or 'images').")
    return make_pictures(found, name)


def _read_folder(path: Path, remarks: list[str] | None) -> Pictures:
    inside = sorted(p for p in path.rglob("*") if p.is_file() and not _hidden(p.relative_to(path)))
    files = [p for p in inside if p.suffix.lower() in ENDINGS]
    if not files:
        raise BadInput(f"The folder {path} holds no images ({', '.join(FORMATS)}).")
    folders = {p.relative_to(path).parts[:-1] for p in files}
    parts = {one[0].lower() for one in folders if one}
    split = bool(parts & TRAIN_FOLDERS) and parts <= TRAIN_FOLDERS | TEST_FOLDERS
    classes = {one[1 if split else 0] for one in folders if len(one) > split}
    direct = [one for one in folders if len(one) <= split]
    if not direct and len(classes) > 1:
        return of_images(read_images(path, remarks=remarks))
    if direct and len(classes) > 1:
        remark(remarks, "Some images stand outside of the class folders: all are taken without classes.")
    elif classes and not direct:
        remark(remarks, f"All images are of the one class {min(classes)!r}: they are taken without classes.")
    if len(inside) > len(files):
        count = len(inside) - len(files)
        remark(remarks, f"{count} files in {path.name} are no {', '.join(FORMATS)} images and were left out.")
    found = make_pictures(common_size([read_image(file) for file in files], remarks), path.name)
    test = [split and p.relative_to(path).parts[0].lower() in TEST_FOLDERS for p in files]
    return found._replace(test=np.asarray(test))


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
