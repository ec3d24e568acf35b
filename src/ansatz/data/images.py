"""Labelled images: folders by class, NPZ archives, IDX files."""

import warnings
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ansatz.core import BadInput
from ansatz.data.arrays import read_npz
from ansatz.data.idx import find_idx, read_idx_folder
from ansatz.data.limits import LARGEST, MOST_PIXELS
from ansatz.data.words import listing, nearest, remark

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
ENDINGS = frozenset([".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"])
TEST_FOLDERS = frozenset(["test", "testing", "val", "valid", "validation"])
TRAIN_FOLDERS = frozenset(["train", "training"])
DEEP = frozenset(["I", "I;16", "I;16B", "I;16L", "F"])


class Images(NamedTuple):
    """Images `x: [N, H, W, C]` (uint8), labels `y: [N]` (int32) and the names of the classes.

    `test: [N]` is true for the images that their makers set apart for testing.
    """

    x: np.ndarray
    y: np.ndarray
    classes: tuple[str, ...]
    test: np.ndarray


def as_float(images: np.ndarray) -> np.ndarray:
    """Return images `[N, H, W, C]` of bytes as float32 in [0, 1].

    >>> as_float(np.array([0, 255], np.uint8)).tolist()
    [0.0, 1.0]
    """
    return images.astype(np.float32) / np.float32(255)


def read_images(source: str | Path, *, remarks: list[str] | None = None) -> Images:
    """Return the labelled images in a folder of classes, an NPZ archive, or IDX files.

    * A folder with one subfolder for each class (PNG, JPEG, BMP, TIFF, WebP), or `train` and `test`
      folders of such; images of other sizes are brought to the most frequent, which is said.
    * An NPZ archive with `x` (or `images`, `x_train`, …) `[N, H, W]` or `[N, H, W, C]` and `y` (or
      `labels`, …) `[N]`.
    * IDX files (also `.gz`) named as those of MNIST: a folder of them or one images file.

    Raises:
        BadInput: one sentence naming the file, for what is no image, no label, or too large.
    """
    path = Path(source)
    if path.is_dir():
        return read_idx_images(path) if find_idx(path) else _read_folder(path, remarks)
    if not path.exists():
        close = nearest(path.name, [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else [])
        raise BadInput(
            f"There is no file or folder {path}" + (f"; did you mean {close!r}?" if close else ".")
        )
    if path.suffix.lower() == ".npz":
        return _read_npz(path)
    if "idx" in path.name or path.name.endswith("ubyte"):
        return read_idx_images(path)
    raise BadInput(
        f"{path.name} is no set of images known here; give a folder with one subfolder a class, an NPZ "
        "archive with x and y, or IDX files."
    )


def read_idx_images(path: Path) -> Images:
    """Return the images and labels of IDX files."""
    x, y, test = read_idx_folder(path)
    return make_images(x, y, path.name, test=test)


def make_images(
    x: np.ndarray,
    y: np.ndarray,
    name: str,
    *,
    classes: tuple[str, ...] | None = None,
    test: np.ndarray | None = None,
) -> Images:
    """Return checked images from arrays `x: [N, H, W]` or `[N, H, W, C]` and labels `y: [N]`."""
    if x.ndim == 3:
        x = x[..., None]
    if x.ndim != 4 or x.shape[-1] not in (1, 3, 4) or 0 in x.shape:
        raise BadInput(
            f"The images of {name} have shape {x.shape}; [N, H, W] or [N, H, W, 1 or 3] is needed."
        )
    if y.shape != (len(x),):
        raise BadInput(
            f"{name} has {len(x)} images but labels of shape {y.shape}; one label an image is needed."
        )
    if x.dtype != np.uint8:
        x = as_bytes(x, name)
    names, labels = np.unique(y, return_inverse=True)
    if len(names) < 2:
        raise BadInput(
            f"All {len(x)} images of {name} have the one label {names[0]!r}; two classes are needed."
        )
    known = classes or tuple(str(label) for label in names.tolist())
    labels = y if classes else labels
    test = np.zeros(len(x), bool) if test is None else test
    return Images(np.ascontiguousarray(x[..., :3]), labels.astype(np.int32), known, test)


def as_bytes(x: np.ndarray, name: str) -> np.ndarray:
    """Return images of other types as bytes: [0, 1] or 0 … 255 are understood."""
    if x.dtype.kind not in "fiub" or not np.isfinite(x).all():
        raise BadInput(
            f"The images of {name} are of type {x.dtype} or not finite; numbers 0 … 255 are needed."
        )
    low, high = float(x.min()), float(x.max())
    if low < 0 or high > 255:
        raise BadInput(f"The pixels of {name} go from {low:g} to {high:g}; 0 … 1 or 0 … 255 are needed.")
    return np.round(x.astype(np.float32) * (255 if x.dtype.kind == "f" and high <= 1 else 1)).astype(np.uint8)


def _read_npz(path: Path) -> Images:
    arrays = {name.lower(): array for name, array in read_npz(path).items()}

    def pick(*names: str) -> np.ndarray | None:
        return next((arrays[name] for name in names if name in arrays), None)

    x, y = pick("x", "images", "data"), pick("y", "labels", "targets", "label", "target")
    if x is not None and y is not None:
        return make_images(x, y.reshape(len(y)) if y.ndim == 2 and y.shape[1] == 1 else y, path.name)
    train, test = pick("x_train", "train_images"), pick("x_test", "test_images")
    train_y, test_y = pick("y_train", "train_labels"), pick("y_test", "test_labels")
    if train is None or train_y is None or test is None or test_y is None:
        raise BadInput(
            f"{path.name} holds {listing(arrays)}; it should hold 'x' (or 'images') and 'y' (or 'labels')."
        )
    if train.shape[1:] != test.shape[1:]:
        raise BadInput(
            f"{path.name} has images {train.shape[1:]} for training and {test.shape[1:]} for testing."
        )
    apart = np.repeat([False, True], [len(train), len(test)])
    labels = np.concatenate([train_y.reshape(-1), test_y.reshape(-1)])
    return make_images(np.concatenate([train, test]), labels, path.name, test=apart)


def _read_folder(path: Path, remarks: list[str] | None) -> Images:
    folders = sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))
    parts = {p.name.lower() for p in folders}
    if parts & TRAIN_FOLDERS and parts <= TRAIN_FOLDERS | TEST_FOLDERS:
        files = [(f, c, p.name.lower() in TEST_FOLDERS) for p in folders for f, c in _by_class(p, remarks)]
    else:
        files = [(f, c, False) for f, c in _by_class(path, remarks)]
    classes = tuple(sorted({c for _, c, _ in files}))
    if len(classes) < 2:
        raise BadInput(
            f"The folder {path} holds images of {len(classes)} classes; it should hold one subfolder "
            "for each class, at least two."
        )
    pictures = [read_image(file) for file, _, _ in files]
    x = common_size(pictures, remarks)
    y = np.asarray([classes.index(c) for _, c, _ in files])
    return make_images(x, y, path.name, classes=classes, test=np.asarray([t for _, _, t in files]))


def _by_class(path: Path, remarks: list[str] | None) -> list[tuple[Path, str]]:
    """Return the image files under each class folder, with the class."""
    found, other = [], 0
    for folder in sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith(".")):
        inside = sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
        images = [p for p in inside if p.suffix.lower() in ENDINGS]
        other += len(inside) - len(images)
        if not images:
            remark(remarks, f"The folder {folder.name!r} holds no images and is no class.")
        found += [(image, folder.name) for image in images]
    if other:
        remark(remarks, f"{other} files in {path.name} are no {', '.join(FORMATS)} images and were left out.")
    return found


def read_image(path: Path) -> np.ndarray:
    """Return one picture as bytes `[H, W, 1 or 3]`, turned upright as its camera says."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise BadInput(
                        f"{path} has {image.width}×{image.height} pixels; at most {MOST_PIXELS} are read."
                    )
                return _pixels(ImageOps.exif_transpose(image))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise BadInput(
            f"{path} says that it has far too many pixels; at most {MOST_PIXELS} are read."
        ) from None
    except UnidentifiedImageError:
        raise BadInput(f"{path} is no {', '.join(FORMATS)} image, or a damaged one; leave it out.") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{path} is a damaged image: {str(error).rstrip('.')}; leave it out.") from None


def _pixels(image: Image.Image) -> np.ndarray:
    if image.mode in DEEP:
        deep = np.asarray(image, np.float64)
        top = 255.0 if deep.max() <= 255 else 65535.0
        return np.round(np.clip(deep, 0, top) * (255 / top)).astype(np.uint8)[..., None]
    gray = image.mode in ("1", "L", "LA", "La")
    if "A" in image.mode or "transparency" in image.info:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    pixels = np.asarray(image.convert("L" if gray else "RGB"))
    return pixels[..., None] if gray else pixels


def common_size(pictures: list[np.ndarray], remarks: list[str] | None) -> np.ndarray:
    """Return all pictures in the most frequent size, gray only if all of them are."""
    sizes = Counter(picture.shape[:2] for picture in pictures)
    (height, width), _ = max(sizes.items(), key=lambda item: (item[1], item[0]))
    channels = max(picture.shape[2] for picture in pictures)
    if len(pictures) * height * width * channels > LARGEST:
        raise BadInput(
            f"{len(pictures)} images of {height}×{width} need more than {LARGEST >> 30} GiB; shrink them."
        )
    if len(sizes) > 1:
        number = len(pictures) - sizes[height, width]
        remark(remarks, f"{number} images of other sizes were resized to the common {height}×{width} pixels.")
    x = np.empty((len(pictures), height, width, channels), np.uint8)
    for place, picture in enumerate(pictures):
        if picture.shape[:2] != (height, width):
            small = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
            resized = np.asarray(small.resize((width, height), Image.Resampling.BILINEAR))
            picture = resized if resized.ndim == 3 else resized[..., None]
        x[place] = picture
    return x
