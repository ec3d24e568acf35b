"""Diffusion on images: a recipe that learns to draw more images like those of a folder."""

import dataclasses
import math
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array

from ansatz._spelling import choose
from ansatz.core import BadInput, Fixed, Map, Metrics, Objective, Pairs, Parts, Recipe, Watch
from ansatz.data.table import Blocks, Table
from ansatz.data.token_words import WordTokens
from ansatz.generate.diffusion.average import Averaged, averaging, of_average, of_live, parameters, power
from ansatz.generate.diffusion.denoisers import Learned
from ansatz.generate.diffusion.objective import denoising
from ansatz.generate.diffusion.schedule import SCHEDULES
from ansatz.generate.images.diffusion_draw import bound, draw_images
from ansatz.generate.images.diffusion_pictures import figures
from ansatz.generate.images.diffusion_sentences import tokens
from ansatz.generate.images.family import Bound, Family, Figure, as_images
from ansatz.generate.rows import check_held, set_aside
from ansatz.maps.condition import Condition, Told
from ansatz.maps.denoiser import DenoisingMLP, Noisy
from ansatz.maps.patch_transformer import PatchTransformer
from ansatz.maps.unet import UNet
from ansatz.training.optimizers import optimizer, schedule
from ansatz.training.run import Run
from ansatz.training.updates import Descend

BACKBONES: dict[str, tuple[int, int]] = {"mlp": (512, 3), "patches": (128, 4), "unet": (32, 3)}
"""The kinds of networks, each with its width and depth where none are given."""
FLAT = 1024
"""The most numbers of an image that one layer sees whole, where no kind is given."""
TOLD = 64
"""The greatest length of the vector of a condition that an mlp is told."""
READING_RATE, READING_DECAY = 3e-3, 0.5
"""Of AdamW's training of who reads: with a decay this strong it calculates where it could remember."""
VALIDATED = 2048
"""The most held-out images on which a validation measures the loss."""
BLOCK = 512
EVERY = 500


class FlatDenoiser(Map):
    """A `DenoisingMLP` for images `x: [H, W, C]` as vectors, told the vector of a `Condition`."""

    inner: DenoisingMLP
    condition: Condition | None

    def __call__(self, x: Any, *, key: Any = None) -> Array:
        """Return f `[H, W, C]` of a `Noisy`."""
        noisy = Noisy(*x)
        vector = noisy.condition
        if vector is not None:
            if self.condition is None:
                raise BadInput("This network knows no conditions: build it with classes or a vocabulary.")
            vector = self.condition(vector, key=key)
        flat = noisy._replace(x=noisy.x.reshape(-1), condition=vector)
        return self.inner(flat, key=key).reshape(noisy.x.shape)


class ImageModel(Averaged):
    """A denoiser of images ``z = (pixel - center) / scale``, pixels in [0, 1], and its average.

    `words` is the vocabulary of the sentences that it reads and `length` the most words of one.
    """

    center: Fixed
    scale: Fixed
    shape: tuple[int, int, int] = eqx.field(static=True)
    classes: int = eqx.field(static=True)
    words: tuple[str, ...] = eqx.field(static=True)
    length: int = eqx.field(static=True)

    def inside(self, x: Array, key: Any) -> Array:
        """Return bytes in the scale of the denoiser, each byte b as a number in [b, b + 1) / 256."""
        spread = jr.uniform(jr.key(0) if key is None else key, x.shape)
        return ((x.astype(spread.dtype) + spread) / 256 - self.center.value) / self.scale.value

    def outside(self, z: Array) -> Array:
        """Return what the denoiser draws as images in [0, 1]."""
        return jnp.clip(((z * self.scale.value + self.center.value) * 256 - 0.5) / 255, 0.0, 1.0)


class ImageDiffusion(Recipe):
    """Learn to draw images like those of `Pairs(x, y)`, by class and by sentence.

    x are bytes `uint8[N, H, W, C]`; y are classes `int[N]`, sentences `[N]` (a list of texts), both as
    `Told(classes, sentences)`, or None.  Where both are there, images are learned by their classes, and what
    sentences mean from the classes of their images (see `reading`).

    - `process`, `prediction`, `space`, `times`: as of `VectorDiffusion`.  A network with fewer nodes than an
      image has pixels cannot give back their noise, and learns fastest to predict the clean image, which
      lies near a surface of few dimensions (Li & He 2025); the likelihood of images wants another.
    - `backbone`: "mlp" (`DenoisingMLP`), "patches" (`PatchTransformer`) or "unet" (`UNet`); if it is empty,
      the first for images of at most 1,024 numbers, the second for larger ones.
    - `width`: of the mlp, of the patches' vectors, or the channels at the U-Net's finest size, which
      double from size to size; `depth`: blocks, or sizes of the U-Net; 0 to choose.
    - `patch`: the side of a patch, 0 to choose; `hidden`: nodes after the attention, 0 for 4 · width.
    - `batch`, `learning_rate`, `schedule`, `warmup`, `clip`: of Adam's training.
    - `average`: the width of the average of the parameters, as a share of the steps (see `power`).
    - `drop`: the share of examples trained without a condition, which guidance needs.
    - `held`: the share of images, in [0, 1), on which the loss is measured and that do not train.

    Images are brought to mean 0 and deviation 1, all pixels and channels alike; each byte is spread over
    its step, so that images have a density.  Images of other kinds and sentences of no words raise
    `BadInput`.
    """

    process: str = eqx.field(default="flow", static=True)
    prediction: str = eqx.field(default="clean", static=True)
    space: str = eqx.field(default="", static=True)
    times: str = eqx.field(default="log_normal", static=True)
    backbone: str = eqx.field(default="", static=True)
    width: int = eqx.field(default=0, static=True)
    depth: int = eqx.field(default=0, static=True)
    patch: int = eqx.field(default=0, static=True)
    hidden: int = eqx.field(default=0, static=True)
    batch: int = eqx.field(default=128, static=True)
    learning_rate: float = eqx.field(default=1e-3, static=True)
    schedule: str = eqx.field(default="cosine", static=True)
    warmup: float = eqx.field(default=0.05, static=True)
    clip: float = eqx.field(default=1.0, static=True)
    average: float = eqx.field(default=0.05, static=True)
    drop: float = eqx.field(default=0.1, static=True)
    held: float = eqx.field(default=0.02, static=True)

    def __check_init__(self) -> None:
        """Refuse what is no backbone and no share."""
        if self.backbone:
            choose("backbone", self.backbone, BACKBONES)
        if min(self.width, self.depth) < 0:
            raise BadInput(
                f"width={self.width} and depth={self.depth} are sizes of a network, or 0 to choose them."
            )
        check_held(self.held, "images")

    def network(
        self, shape: tuple[int, int, int], classes: int, vocabulary: int, length: int, key: Any
    ) -> Map:
        """Return the untrained network of images of this shape."""
        known: dict[str, Any] = {"classes": classes, "vocabulary": vocabulary, "length": max(length, 1)}
        kind = self.backbone or ("mlp" if math.prod(shape) <= FLAT else "patches")
        width, depth = (
            given or own for given, own in zip((self.width, self.depth), BACKBONES[kind], strict=True)
        )
        if kind == "patches":
            return PatchTransformer(shape, self.patch, width, depth, hidden=self.hidden, key=key, **known)
        if kind == "unet":
            channels = tuple(width * 2**level for level in range(depth))
            return UNet(shape, channels, max(64, 2 * width), key=key, **known)
        inside, outside = jr.split(key)
        size = min(TOLD, width) if classes or vocabulary else 0
        told = Condition(size, **known, key=outside) if size else None
        inner = DenoisingMLP(math.prod(shape), width, depth, condition_size=size, key=inside)
        return FlatDenoiser(inner, told)

    def build(self, data: Pairs, key: Any) -> Parts:
        """Return the parts for these images."""
        inside, order = jr.split(key)
        pairs, classes, words, length = conditioned(data)
        shape = pairs.x.shape[1:]
        train, held = set_aside(order, len(pairs.x), self.held, VALIDATED)
        center, scale = _moments(pairs.x[train])
        net = self.network(shape, classes, len(words) + 1 if words else 0, length, inside)
        live = Learned(net, choose("process", self.process, SCHEDULES)(), self.prediction)  # type: ignore
        fixed = [Fixed(jnp.asarray(value, jnp.float32)) for value in (center, scale)]
        model = ImageModel(live, parameters(live), *fixed, shape, classes, words, length)  # type: ignore
        loss = denoising(self.times, self.space or None, drop=self.drop)
        rule = optimizer("adam", self.learning_rate, clip=self.clip or None)
        pace = schedule(self.schedule, self.warmup)
        updates = [Descend(of_bytes(of_live(loss)), rule, schedule=pace)]
        if classes and words:
            decaying = optimizer("adamw", READING_RATE, weight_decay=READING_DECAY, clip=1.0)
            updates.append(Descend(reading, decaying, the_reader, pace, "reading"))
        pairs, watch = jax.tree.map(jnp.asarray, pairs), None
        if len(held):
            blocks = Blocks(pairs, min(BLOCK, len(held)), held)
            watch = Watch(blocks, of_bytes(of_average(loss)), EVERY, blocks.blocks)
        after = averaging(power(self.average))
        return Parts(model, Table(pairs, self.batch, train), tuple(updates), after, watch)


def of_bytes(objective: Objective) -> Objective:
    """Return an objective of an `ImageModel` on batches of bytes, told of classes or else of sentences."""

    def spread(model: ImageModel, batch: Pairs, key: Any) -> tuple[Array, Metrics]:
        first, inner = jr.split(jr.key(0) if key is None else key)
        told = batch.y
        if told is not None and told.label is not None:
            told = Told(told.label)
        seen = batch._replace(x=model.inside(batch.x, first), y=told)
        return objective(model, seen, None if key is None else inner)

    return spread


def reading(model: ImageModel, batch: Pairs, key: Any = None) -> tuple[Array, Metrics]:
    """``mean |s - c|²`` of the vector s of a sentence and c of its class, towards which s is drawn.

    The loss of images alone teaches a reader slowly, and to know sentences by heart.
    """
    condition = condition_of(model)
    said = jax.vmap(lambda words: condition(Told(words=words)))(batch.y.words)
    meant = jax.vmap(lambda label: condition(Told(label)))(batch.y.label)
    return ((said - jax.lax.stop_gradient(meant)) ** 2).mean(), {}


def condition_of(model: ImageModel) -> Any:
    """Return the map from what is told to its vector."""
    net: Any = model.live.network
    return (net if isinstance(net, FlatDenoiser) else net.situation).condition


def the_reader(model: ImageModel) -> Any:
    """Return what reads sentences."""
    condition = condition_of(model)
    return condition.reader, condition.outward


def conditioned(data: Pairs) -> tuple[Pairs, int, tuple[str, ...], int]:
    """Return `Pairs(x, Told)` of arrays, the number of classes, the vocabulary, and the longest sentence."""
    given = data.y if isinstance(data.y, Told) else Told(label=data.y)
    if not isinstance(data.y, Told) and _texts(data.y):
        given = Told(words=data.y)
    x, y = as_images(Pairs(data.x, given.label))
    classes = 0 if y is None else int(y.max()) + 1
    if given.words is None:
        return Pairs(x, None if y is None else Told(y)), classes, (), 0
    texts = list(given.words)
    if len(texts) != len(x) or not _texts(texts):
        raise BadInput(f"Sentences are texts, one for each of {len(x)} images, and these are {len(texts)}.")
    if empty := [i for i, text in enumerate(texts) if not text.strip()]:
        raise BadInput(f"Sentence {empty[0]} says nothing: each image needs one, or none has.")
    reader = WordTokens.fit(set(texts), specials=())
    length = max(len(reader.pieces(text)) for text in set(texts))
    return Pairs(x, Told(y, tokens(texts, reader, length))), classes, reader.tokens, length


def _texts(y: Any) -> bool:
    return y is not None and len(y) > 0 and all(isinstance(text, str) for text in y)


def _moments(x: np.ndarray) -> tuple[float, float]:
    """Return mean and deviation of pixels in [0, 1], by their histogram."""
    counts = np.bincount(x.ravel(), minlength=256) / x.size
    levels = (np.arange(256) + 0.5) / 256
    mean = float(counts @ levels)
    return mean, math.sqrt(float(counts @ (levels - mean) ** 2) + 1 / (12 * 256**2))


class DiffusionFamily(Family):
    """Diffusion as one of the four families."""

    name: ClassVar[str] = "diffusion"
    recipe: ClassVar[type[Recipe]] = ImageDiffusion

    def sized(self, recipe: Any, shape: tuple[int, int, int], parameters: int) -> Any:
        """Return the recipe with the width, a multiple of 8, whose parameters are nearest to a number."""

        def at(width: int) -> Any:
            return dataclasses.replace(recipe, width=width)

        def count(step: int) -> int:
            made = at(8 * step)
            net = eqx.filter_eval_shape(made.network, shape, 0, 0, 0, jr.key(0))
            return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(net) if hasattr(leaf, "shape"))

        low, high = 1, 512
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if count(middle) <= parameters else (low, middle)
        best = min((low, high), key=lambda step: abs(count(step) - parameters))
        return at(8 * best)

    def draw(self, run: Run, count: int, *, seed: int = 0, classes: Any = None, **options: Any) -> np.ndarray:
        """Draw images in [0, 1] of classes, if given; `options` are those of `draw_images`."""
        return draw_images(run, count, seed=seed, classes=classes, **options)

    def figures(self, run: Run, images: np.ndarray, *, seed: int = 0) -> tuple[Figure, ...]:
        """Return a film of the denoising, draws with growing guidance, and images from half of them."""
        return figures(run, images, seed=seed)

    def bound(self, run: Run, images: np.ndarray, classes: Any = None) -> Bound | None:
        """Return an estimate of -log p in nats for each image, by the probability flow.

        None where the network predicts the clean image: it is trained for how images look, and its error
        does not fall with the noise, by whose square a density divides it.
        """
        return None if run.recipe.prediction == "clean" else bound(run, images, classes)
