"""Variational autoencoders of images: the recipe, and what a trained one draws, bounds and shows."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ansatz._spelling import choose
from ansatz.core import BadInput, Fixed, Map, Pairs, Parts, Recipe, count_parameters
from ansatz.generate.images.family import Bound, Family, Figure, as_images
from ansatz.generate.images.vae_figures import vae_figures
from ansatz.generate.rows import set_aside
from ansatz.generate.vae.likelihoods import Bernoulli, Gaussian, Likelihood
from ansatz.generate.vae.model import Autoencoder
from ansatz.generate.vae.recipe import bound, check, parts
from ansatz.generate.vae.result import FittedVAE
from ansatz.maps.mlp import MLP
from ansatz.maps.patches import PatchDecoder, PatchEncoder
from ansatz.training.run import Run


class ImageAutoencoder(Autoencoder):
    """An autoencoder of images of one `shape` (height, width, channels), as vectors in [0, 1]."""

    shape: tuple[int, int, int] = eqx.field(static=True)


NETS = ("mlp", "convolutional")
LEVELS = 256
DRAWS = 200
"""The draws of a code from which the bound of a report is estimated."""


class ImageVAE(Recipe):
    """Learn codes of few numbers for images `uint8[N, H, W, C]`, and to draw more like them.

    - `net`: mlp, two multilayer perceptrons on all pixels, or convolutional (see `maps.patches`).
    - `latent`: the numbers of a code; `width` and `depth`: of the hidden layers, or of the grid of patches.
    - `likelihood`: bernoulli for pictures of ink, whose grey is a share of ones, or gaussian for grey and
      color, with one σ that is learned, on bytes made continuous: ``(byte + u) / 256``, u uniform in [0, 1).
    - `binarize`: with bernoulli, draw zeros and ones anew in every step; without, grey is a share.
    - `beta`: the factor on the divergence; `samples`: above 1 the importance-weighted bound of so many codes.
    - `plain`: no noise and no divergence: a plain autoencoder, which draws nothing.
    - `batch`, `learning_rate`, `schedule`, `warmup`, `clip`: of Adam's training.
    - `held`: the share of images, in [0, 1), on which the bound is measured and that do not train.

    Classes are not looked at.  What is no array of images raises `BadInput`.
    """

    net: str = eqx.field(default="mlp", static=True)
    latent: int = eqx.field(default=32, static=True)
    width: int = eqx.field(default=256, static=True)
    depth: int = eqx.field(default=2, static=True)
    activation: str = eqx.field(default="silu", static=True)
    likelihood: str = eqx.field(default="bernoulli", static=True)
    binarize: bool = eqx.field(default=False, static=True)
    beta: float = eqx.field(default=1.0, static=True)
    samples: int = eqx.field(default=1, static=True)
    plain: bool = eqx.field(default=False, static=True)
    batch: int = eqx.field(default=128, static=True)
    learning_rate: float = eqx.field(default=2e-3, static=True)
    schedule: str = eqx.field(default="cosine", static=True)
    warmup: float = eqx.field(default=0.02, static=True)
    clip: float = eqx.field(default=0.0, static=True)
    held: float = eqx.field(default=0.02, static=True)

    def __check_init__(self) -> None:
        """Refuse what cannot be trained."""
        choose("net", self.net, dict.fromkeys(NETS))
        check(self, ("latent", "width", "depth", "samples", "batch"), "images")

    def build(self, data: Any, key: Any) -> Parts:
        """Return the parts for these images."""
        images, _ = as_images(data)
        shape = images.shape[1:]
        rows = images.reshape(len(images), -1)
        order, inside = jax.random.split(key)
        train, held = set_aside(order, len(rows), self.held)
        model = self.model(shape, *self._units(rows[train]), inside)
        objective = of_bytes(bound(self), self.binarize)
        return parts(self, model, Pairs(jnp.asarray(rows), None), train, held, objective)

    def model(self, shape: tuple[int, ...], center: Any, scale: float, key: Any) -> ImageAutoencoder:
        """Return the untrained model for images of this shape, as vectors in [0, 1]."""
        first, second = jax.random.split(key)
        height, across, channels = shape
        whole = height, across, channels
        size, codes = math.prod(whole), 2 * self.latent
        hidden = {"width": self.width, "depth": self.depth, "activation": self.activation}
        encoder: Map
        decoder: Map
        if self.net == "mlp":
            encoder = MLP(size, codes, **hidden, key=first)
            decoder = MLP(self.latent, size, **hidden, key=second)
        else:
            encoder = PatchEncoder(whole, codes, **hidden, key=first)
            decoder = PatchDecoder(self.latent, whole, **hidden, key=second)
        meant: Likelihood = Bernoulli() if self.likelihood == "bernoulli" else Gaussian(jnp.zeros(()))
        kind = jnp.result_type(float)
        fixed = Fixed(jnp.asarray(center, kind)), Fixed(jnp.asarray(scale, kind))
        return ImageAutoencoder(encoder, decoder, meant, *fixed, whole)

    def _units(self, rows: np.ndarray) -> tuple[np.ndarray, float]:
        """Return the center and the scale of images in [0, 1]."""
        if self.likelihood == "bernoulli":
            return np.zeros(rows.shape[1]), 1.0
        # The sums of bytes are exact, and need no copy of the images in floating point.
        center = (rows.mean(0, dtype=np.float64) + 0.5) / LEVELS
        square = np.mean([(part.astype(np.float32) ** 2).mean() for part in np.array_split(rows, 16)])
        spread = (square + 1 / 3) / LEVELS**2 + center.mean() / LEVELS - (center**2).mean()
        return center, float(np.sqrt(max(spread, 1e-6)))


def of_bytes(objective: Any, binarize: bool) -> Any:
    """Return an objective of images of bytes `[N, d]` from one of examples in the encoder's units.

    With `binarize` each byte becomes 1 with probability byte / 255, else 0; a Bernoulli decoder is given
    byte / 255, and a Gaussian one (byte + u) / 256 with u uniform.
    """

    def on_bytes(model: Autoencoder, batch: Pairs, key: Any) -> Any:
        drawn, rest = jax.random.split(jax.random.key(0) if key is None else key)
        kind = model.center.value.dtype
        if binarize:
            x = drawn_ones(batch.x, drawn).astype(kind)
        elif isinstance(model.likelihood, Gaussian):
            x = model.standard(_continuous(batch.x, drawn, kind))
        else:
            x = batch.x.astype(kind) / 255
        return objective(model, batch._replace(x=x), None if key is None else rest)

    return on_bytes


def drawn_ones(images: Any, key: Any) -> Any:
    """Return booleans, each true with probability byte / 255 (to 1 / 65536).

    >>> drawn_ones(jnp.asarray([0, 0, 255], jnp.uint8), jax.random.key(0)).tolist()
    [False, False, True]
    """
    # Sixteen random bits a pixel are half the work of a float.
    words = jax.random.bits(key, ((images.size + 1) // 2,), jnp.uint32)
    bits = jax.lax.bitcast_convert_type(words, jnp.uint16).reshape(-1)[: images.size]
    return bits.reshape(images.shape) < images.astype(jnp.uint16) * jnp.uint16(257)


def _continuous(images: Any, key: Any, kind: Any) -> Any:
    return (images.astype(kind) + jax.random.uniform(key, images.shape, kind)) / LEVELS


def at_width(recipe: Any, size: Callable[[Any], int], parameters: int) -> Any:
    """Return the recipe with the width at which `size(recipe)` is nearest to a number of parameters."""
    low, high = 1, 2
    while size(replace(recipe, width=high)) < parameters and high < 1 << 16:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if size(replace(recipe, width=middle)) < parameters else (low, middle)
    return min((replace(recipe, width=one) for one in (low, high)), key=lambda r: abs(size(r) - parameters))


class VAEFamily(Family):
    """Variational autoencoders."""

    name: ClassVar[str] = "vae"
    recipe: ClassVar[type[Recipe]] = ImageVAE

    def sized(self, recipe: Any, shape: tuple[int, int, int], parameters: int) -> ImageVAE:
        """Return the recipe with the width whose parameters are nearest to a number."""
        center = np.zeros(math.prod(shape))

        def size(one: ImageVAE) -> int:
            made = eqx.filter_eval_shape(lambda: one.model(shape, center, 1.0, jax.random.key(0)))
            return count_parameters(made)

        return at_width(recipe, size, parameters)

    def draw(self, run: Run, count: int, *, seed: int = 0, classes: Any = None, **options: Any) -> np.ndarray:
        """Draw images in [0, 1]: the means of codes from the prior; with ``noise=True`` draws around them."""
        if classes is not None:
            raise BadInput(
                "This model knows no classes: a VAE draws from all images, and a GAN or a diffusion by class."
            )
        drawn = FittedVAE(run).sample(count, seed, **options)
        return self._images(run, drawn)

    def figures(
        self, run: Run, images: np.ndarray, *, seed: int = 0, classes: Any = None
    ) -> tuple[Figure, ...]:
        """Return reconstructions beside PCA's, the map of the codes, ways between images, and the walk.

        With the `classes: [N]` of the images also the way from each class to the next.
        """
        return vae_figures(FittedVAE(run), images, classes, seed)

    def bound(self, run: Run, images: np.ndarray, classes: Any = None) -> Bound | None:
        """Return an importance-sampled bound on -log p in nats an image; a plain autoencoder has none.

        With a Bernoulli decoder it is of the images drawn once as zeros and ones, with a Gaussian one of
        bytes: the density of (byte + u) / 256 bounds their probability (Theis et al. 2016).
        """
        if run.recipe.plain:
            return None
        rows = jnp.asarray(images.reshape(len(images), -1))
        key = jax.random.key(0)
        fitted = FittedVAE(run)
        bernoulli = run.recipe.likelihood == "bernoulli"
        x = drawn_ones(rows, key) if bernoulli else _continuous(rows, key, jnp.float32)
        values = -fitted.log_likelihood(np.asarray(x, np.float32), DRAWS)
        values = values + (0.0 if bernoulli else rows.shape[1] * math.log(LEVELS))
        what = "pixels drawn 0 or 1" if bernoulli else "bytes"
        error = float(values.std() / math.sqrt(len(values)))
        return Bound(f"-log p of {what}, at most ({DRAWS} draws of a code)", float(values.mean()), error)

    def _images(self, run: Run, rows: np.ndarray) -> np.ndarray:
        return np.clip(rows, 0, 1).astype(np.float32).reshape(len(rows), *run.model.shape)
