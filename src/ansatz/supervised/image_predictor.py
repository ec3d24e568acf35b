"""What answers questions about new images: the networks, their scale and their calibration."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from ansatz.core import BadInput, Map
from ansatz.data.images import ENDINGS, Images, as_bytes, read_image, read_images
from ansatz.maps.stacked import Stacked
from ansatz.supervised.calibration import calibrated
from ansatz.supervised.conformal import PredictionSets

BLOCK = 512


@dataclass(frozen=True)
class ImagePredictor:
    """Trained networks, k answers to an image, with all that they need to read images and name classes.

    `shape` is (height, width, channels); `temperature` divides the logits; `sets` turns probabilities
    into sets of classes that hold the right one with a proven probability.
    """

    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    model: Stacked
    temperature: float = 1.0
    sets: PredictionSets | None = None

    def answers(self, x: np.ndarray) -> np.ndarray:
        """Return the members' logits `[k, N, classes]` for images of bytes `[N, H, W, C]`."""
        parts = []
        for start in range(0, len(x), BLOCK):
            block = x[start : start + BLOCK]
            # Blocks are rounded up to powers of two, so that few shapes are compiled.
            room = (1 << max(len(block) - 1, 15).bit_length()) - len(block)
            padded = jnp.asarray(np.pad(block, ((0, room), (0, 0), (0, 0), (0, 0))))
            parts.append(np.asarray(_forward(self.model, padded))[:, : len(block)])
        if not parts:
            raise BadInput("There are no images to predict.")
        return np.concatenate(parts, axis=1).astype(np.float64)

    def mean(self, answers: np.ndarray) -> np.ndarray:
        """Return the members' mean calibrated probabilities `[N, classes]`."""
        return calibrated(answers, self.temperature).mean(0)

    def probabilities(self, images: Any, *, remarks: list[str] | None = None) -> np.ndarray:
        """Return the calibrated probabilities `[N, classes]` of images: an array or a path."""
        return self.mean(self.answers(self.read(images, remarks=remarks)))

    def predict(self, images: Any, *, remarks: list[str] | None = None) -> np.ndarray:
        """Return the names `[N]` of the likeliest classes of images: an array or a path."""
        return np.asarray(self.classes)[self.probabilities(images, remarks=remarks).argmax(1)]

    def read(self, images: Any, *, remarks: list[str] | None = None) -> np.ndarray:
        """Return images as bytes `[N, H, W, C]` of the shape that the networks know.

        Pictures in files are brought to the right size, as those were that trained; arrays are not.
        """
        if isinstance(images, str | Path):
            return self._from_path(Path(images), remarks)
        x = images.x if isinstance(images, Images) else np.asarray(images)
        given = list(x.shape)
        if x.ndim == 2 or (x.ndim == 3 and x.shape == self.shape):
            x = x[None]
        if x.ndim == 3:
            x = x[..., None]
        if x.ndim != 4 or x.shape[1:] != self.shape:
            height, width, channels = self.shape
            raise BadInput(
                f"The images have shape {given}; this network knows [N, {height}, {width}, {channels}]."
            )
        return x if x.dtype == np.uint8 else as_bytes(x, "the array")

    def _from_path(self, path: Path, remarks: list[str] | None) -> np.ndarray:
        files = [path] if path.is_file() and path.suffix.lower() in ENDINGS else []
        if path.is_dir():
            files = sorted(p for p in path.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
        if not files:
            return self.read(read_images(path, remarks=remarks))
        pictures = [read_image(file) for file in files]
        other = sum(picture.shape != self.shape for picture in pictures)
        if other and remarks is not None:
            height, width, channels = self.shape
            kind = "gray" if channels == 1 else "color"
            remarks.append(
                f"{other} images of another shape were brought to {height}×{width} pixels, {kind}."
            )
        return np.stack([self._fitted(picture) for picture in pictures])

    def _fitted(self, picture: np.ndarray) -> np.ndarray:
        """Return a picture `[h, w, 1 or 3]` in the shape that the networks know."""
        if picture.shape == self.shape:
            return picture
        height, width, channels = self.shape
        image = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
        image = image.convert("L" if channels == 1 else "RGB")
        return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR)).reshape(self.shape)


@eqx.filter_jit
def _forward(model: Map, x: jax.Array) -> jax.Array:
    return jnp.moveaxis(jax.vmap(model)(x), 0, 1)
