"""What the four families of models of images have in common, so that one command trains each of them."""

import abc
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ansatz.core import BadInput, Recipe
from ansatz.training.run import Run


class Figure(NamedTuple):
    """A part of a report: a title, what is to be seen, and a picture as PNG, GIF, or inline SVG or HTML."""

    title: str
    words: str
    picture: bytes | str


class Bound(NamedTuple):
    """What a model says of the log-probability of images it has not seen, in nats for each image.

    `value` is the mean of -log p or of an upper bound on it, `error` its standard error, `what` names it.
    """

    what: str
    value: float
    error: float


class Family(abc.ABC):
    """One kind of generative model of images `[N, H, W, C]`.

    A recipe of a family builds from `Pairs(x, y)`, where x are images of bytes `uint8[N, H, W, C]` and y
    classes `int[N]` from 0 on, or None; drawn images are `float32[count, H, W, C]` in [0, 1].
    """

    name: ClassVar[str]
    recipe: ClassVar[type[Recipe]]

    @abc.abstractmethod
    def sized(self, recipe: Any, shape: tuple[int, int, int], parameters: int) -> Any:
        """Return the recipe at the size whose parameters are nearest to a number, for `ansatz compare`."""

    @abc.abstractmethod
    def draw(self, run: Run, count: int, *, seed: int = 0, classes: Any = None, **options: Any) -> np.ndarray:
        """Draw images in [0, 1]; `classes` is a class, or one for each image, or None."""

    @abc.abstractmethod
    def figures(self, run: Run, images: np.ndarray, *, seed: int = 0) -> tuple[Figure, ...]:
        """Return what the report shows of this family beside a grid of draws; `images` were held out."""

    def bound(self, run: Run, images: np.ndarray, classes: Any = None) -> Bound | None:
        """Return what the model says of images held out `uint8[N, H, W, C]`, where the family can tell."""
        return None


def as_images(data: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the images and classes of `Pairs(x, y)`, checked.

    >>> from ansatz.core import Pairs
    >>> as_images(Pairs(np.arange(192, dtype=np.uint8).reshape(3, 8, 8, 1), None))[0].shape
    (3, 8, 8, 1)
    """
    x = np.asarray(data.x)
    y = None if data.y is None else np.asarray(data.y)
    if x.ndim != 4 or x.dtype != np.uint8 or min(x.shape) < 1 or len(x) < 2:
        raise BadInput(
            f"The images are {x.dtype} of shape {list(x.shape)}; they should be bytes [N, H, W, C] with N "
            "above 1."
        )
    if (x == x[:1]).all():
        raise BadInput(f"All {len(x)} images are the same; there is nothing to learn from them.")
    if y is not None and (y.shape != x.shape[:1] or not np.issubdtype(y.dtype, np.integer) or y.min() < 0):
        raise BadInput(
            f"Classes are whole numbers from 0 on, one for each of {len(x)} images, and these are {y.dtype} "
            f"of shape {list(y.shape)}."
        )
    return x, None if y is None else y.astype(np.int32)
