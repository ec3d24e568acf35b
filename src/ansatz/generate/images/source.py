"""Images from a folder, an archive, a data set or arrays, made ready: scaled, and split."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ansatz._spelling import nearest
from ansatz.core import BadInput, Pairs
from ansatz.data.catalogue import CATALOGUE
from ansatz.data.datasets import load_images
from ansatz.data.images import Images, make_images
from ansatz.data.pictures import Pictures, make_pictures, of_images, read_pictures
from ansatz.data.split import split
from ansatz.generate.images.diffusion_sentences import arithmetic
from ansatz.generate.images.settings import LEAST_JUDGED, ImagesSettings
from ansatz.maps.condition import Told

FEWEST = 40
"""The fewest images from which a model is trained and judged."""
LONGEST = 64
"""The longer side of images, in pixels, where none is asked for."""
SMALLEST, LARGEST = 4, 256
MOST_HELD = 10_000


class GivenImages(NamedTuple):
    """Images, where they came from, and what was done to them in reading."""

    pictures: Pictures
    source: dict[str, Any]
    remarks: list[str]


class SplitImages(NamedTuple):
    """Images that train and images held out, `uint8[N, H, W, C]`, with their classes `[N]` or None."""

    train: np.ndarray
    train_y: np.ndarray | None
    held: np.ndarray
    held_y: np.ndarray | None
    classes: tuple[str, ...]

    @property
    def levels(self) -> int:
        """How many values the bytes of the images that train have."""
        return int((np.bincount(self.train.ravel(), minlength=256) > 0).sum())

    def pairs(self, settings: ImagesSettings) -> Pairs:
        """Return what a recipe is built from."""
        if not settings.sentences:
            return Pairs(self.train, self.train_y)
        digits = tuple(str(one) for one in range(10))
        if self.classes != digits or self.train_y is None:
            raise BadInput(
                "Sentences of arithmetic are told of images of the ten digits, in classes named 0 to 9, and "
                f"these images have {len(self.classes) or 'no'} classes."
            )
        texts = arithmetic().captions(self.train_y, settings.seed)
        return Pairs(self.train, Told(self.train_y, texts))  # type: ignore[arg-type]


def find_images(given: Any) -> GivenImages:
    """Return the images that are meant: those of a path or a data set, `Images`, or arrays x or (x, y)."""
    remarks: list[str] = []
    source: dict[str, Any] = {"path": None}
    if isinstance(given, Pictures | Images):
        pictures = given if isinstance(given, Pictures) else of_images(given)
    elif isinstance(given, tuple | list | np.ndarray) and not isinstance(given, str):
        pictures = _of_arrays(given)
    elif given in CATALOGUE and not Path(given).exists():
        source = {"catalogue": given}
        pictures = of_images(load_images(given, remarks=remarks))
    else:
        source = {"path": str(given)}
        if not Path(given).exists() and str(given).isidentifier():
            sets = [name for name, entry in CATALOGUE.items() if entry.kind == "images"]
            raise BadInput(
                f"There is no file, folder or data set of images {str(given)!r}; {nearest(str(given), sets)}."
            )
        pictures = read_pictures(given, remarks=remarks)
    digest = hashlib.sha256(pictures.x.tobytes())
    digest.update(b"" if pictures.y is None else pictures.y.tobytes())
    found = {"images": len(pictures.x), "shape": list(pictures.x.shape[1:]), "sha256": digest.hexdigest()}
    return GivenImages(pictures, source | found, remarks)


def split_images(given: GivenImages, settings: ImagesSettings) -> tuple[SplitImages, list[str]]:
    """Return the images that train and those held out, and what was done to them, a sentence each."""
    pictures, remarks = given.pictures, list(given.remarks)
    if len(pictures.x) < FEWEST:
        raise BadInput(
            f"{len(pictures.x)} images are too few to learn from and to judge by: {FEWEST} at least are "
            "needed."
        )
    if (pictures.x == pictures.x[:1]).all():
        raise BadInput(f"All {len(pictures.x)} images are the same; there is nothing to learn from them.")
    x = _scaled(pictures.x, settings.pixels, remarks)
    y = pictures.y if settings.labels else None
    held = np.flatnonzero(pictures.test)
    train = np.flatnonzero(~pictures.test)
    if len(held) < LEAST_JUDGED or len(train) < LEAST_JUDGED:
        share = max(settings.validation, LEAST_JUDGED / len(x))
        counts = None if y is None else np.bincount(y)
        by = y if counts is not None and counts.min() > 1 else None
        train, held = split(len(x), (1 - share, share), stratify=by, seed=settings.seed)
    held = np.sort(np.random.default_rng(settings.seed).permutation(held)[:MOST_HELD])
    of = (None, None) if y is None else (y[train].astype(np.int32), y[held].astype(np.int32))
    if of[0] is not None and len(np.unique(of[0])) < 2:
        remarks.append("The images that train are of one class: they are taken without classes.")
        of = (None, None)
    classes = pictures.classes if of[0] is not None else ()
    return SplitImages(x[train], of[0], x[held], of[1], classes), remarks


def _of_arrays(given: Any) -> Pictures:
    pair = isinstance(given, tuple | list) and len(given) == 2
    x = np.asarray(given[0] if pair else given)
    if not pair or given[1] is None:
        return make_pictures(x, "the array")
    return of_images(make_images(x, np.asarray(given[1]), "the arrays"))


def _scaled(x: np.ndarray, pixels: int, remarks: list[str]) -> np.ndarray:
    """Return images whose longer side is `pixels`, or at most `LONGEST` where that is 0."""
    height, width, channels = x.shape[1:]
    longest = max(height, width)
    wanted = pixels or min(longest, LONGEST)
    if wanted > LARGEST:
        raise BadInput(f"pixels={wanted} is too large: images are learned up to {LARGEST} pixels a side.")
    down, across = (max(round(side * wanted / longest), 1) for side in (height, width))
    if min(down, across) < SMALLEST:
        raise BadInput(
            f"The images are {down}×{across} pixels; a side has {SMALLEST} at least (--pixels scales them)."
        )
    if (down, across) == (height, width):
        return x
    remarks.append(f"The images were brought from {height}×{width} to {down}×{across} pixels (--pixels).")
    found = np.empty((len(x), down, across, channels), np.uint8)
    for at, one in enumerate(x):
        image = Image.fromarray(one[..., 0] if channels == 1 else one)
        small = np.asarray(
            image.resize(
                (across, down), Image.Resampling.BOX if wanted < longest else Image.Resampling.BICUBIC
            )
        )
        found[at] = small.reshape(down, across, channels)
    return found
