"""Adversarial networks of images: the recipe, and what a trained generator draws and shows."""

from dataclasses import replace
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ansatz._spelling import choose
from ansatz.core import BadInput, Fixed, Pairs, Parts, Recipe, count_parameters
from ansatz.data.table import Table
from ansatz.generate.diffusion.average import power
from ansatz.generate.gan.game import Noise, players
from ansatz.generate.gan.losses import LOSSES
from ansatz.generate.gan.recipe import both_adam, check_rates
from ansatz.generate.images.family import Family, Figure, as_images
from ansatz.generate.images.gan_draw import draw_images
from ansatz.generate.images.gan_figures import gan_figures
from ansatz.generate.images.gan_players import (
    NETS,
    ImageGame,
    ImagePlayers,
    Sizes,
    image_critic,
    image_generator,
)
from ansatz.generate.images.vae import at_width
from ansatz.training.optimizers import schedule
from ansatz.training.run import Run


class ImageGAN(Recipe):
    """Learn to draw images like `uint8[N, H, W, C]`, by class where they have classes `[N]`.

    - `loss`: minimax, non_saturating, least_squares, hinge, wasserstein or relativistic (see `losses`).
    - `r1`, `r2`, `slope_one`: the factors on R1, R2 and the gradient penalty (see `penalties`), of images in
      [-1, 1]; over the run they fall to the share `fall` of themselves.  Wasserstein wants `slope_one`=10,
      `r1`=`r2`=0, `critic_steps`=5.
    - `net`: of both players, mlp, or patches (see `maps.patches`).
    - `noise`: the length of the generator's noise.
    - `width`, `depth`: the nodes and the hidden layers of an mlp, or the numbers at a patch and the blocks,
      of the generator; `critic_width` and `critic_depth` of the critic.
    - `activation`: of both, smooth: a penalty on slopes is blind to a ReLU's bends.
    - `critic_steps`: steps of the critic for each of the generator.
    - `batch`, `learning_rate`, `critic_rate`, `first`, `second`, `schedule`: of Adam's training, with the
      decays of its two moments.
    - `average`: the width of the average of the generator, as a share of the steps (see `power`).

    What is no array of images, or images that are all the same, raises `BadInput`.
    """

    loss: str = eqx.field(default="relativistic", static=True)
    r1: float = eqx.field(default=1.0, static=True)
    r2: float = eqx.field(default=1.0, static=True)
    slope_one: float = eqx.field(default=0.0, static=True)
    fall: float = eqx.field(default=0.1, static=True)
    net: str = eqx.field(default="patches", static=True)
    noise: int = eqx.field(default=64, static=True)
    width: int = eqx.field(default=32, static=True)
    depth: int = eqx.field(default=2, static=True)
    critic_width: int = eqx.field(default=32, static=True)
    critic_depth: int = eqx.field(default=2, static=True)
    activation: str = eqx.field(default="silu", static=True)
    critic_steps: int = eqx.field(default=1, static=True)
    batch: int = eqx.field(default=64, static=True)
    learning_rate: float = eqx.field(default=1e-3, static=True)
    critic_rate: float = eqx.field(default=1e-3, static=True)
    first: float = eqx.field(default=0.0, static=True)
    second: float = eqx.field(default=0.99, static=True)
    schedule: str = eqx.field(default="cosine", static=True)
    average: float = eqx.field(default=0.05, static=True)

    def __check_init__(self) -> None:
        """Refuse what cannot be trained, before an image is read."""
        choose("net", self.net, dict.fromkeys(NETS))
        choose("loss", self.loss, LOSSES)
        for name in ("noise", "width", "depth", "critic_width", "critic_depth", "batch"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise BadInput(f"{name} is a number of at least 1, not {value!r}.")
        check_rates(self)
        if self.loss == "wasserstein" and not self.slope_one and not self.r1:
            raise BadInput(
                "The critic of a wasserstein game needs its slope held: slope_one=10, or r1 above 0."
            )

    @property
    def game(self) -> ImageGame:
        """The rules."""
        return ImageGame(self.loss, Noise(self.noise), self.r1, self.r2, self.slope_one, self.fall)

    def build(self, data: Any, key: Any) -> Parts:
        """Return the parts for these images and, if they have any, classes."""
        x, y = as_images(data)
        model = self.model(x.shape[1:], np.zeros(0) if y is None else np.bincount(y) / len(y), key)
        updates = self.game.updates(*both_adam(self), self.critic_steps, schedule(self.schedule))
        pairs = Pairs(jnp.asarray(x.reshape(len(x), -1)), None if y is None else jnp.asarray(y))
        return Parts(model, Table(pairs, self.batch), updates, self.game.after(power(self.average)))

    def model(self, shape: tuple[int, ...], frequency: Any, key: Any) -> ImagePlayers:
        """Return the untrained players of images of this shape; `frequency` is that of each class."""
        first, second = jax.random.split(key)
        height, across, channels = shape
        whole, classes = (height, across, channels), len(frequency)
        mine = Sizes(self.net, self.width, self.depth, self.activation)
        theirs = Sizes(self.net, self.critic_width, self.critic_depth, self.activation)
        pair = players(
            image_generator(whole, self.noise, classes, mine, key=first),
            image_critic(whole, classes, theirs, key=second),
        )
        seen = Fixed(jnp.asarray(frequency, jnp.result_type(float)))
        return ImagePlayers(pair.generator, pair.critic, pair.strength, seen, whole)


class GANFamily(Family):
    """Generative adversarial networks."""

    name: ClassVar[str] = "gan"
    recipe: ClassVar[type[Recipe]] = ImageGAN

    def sized(self, recipe: Any, shape: tuple[int, int, int], parameters: int) -> ImageGAN:
        """Return the recipe with the width at which both players together have about so many parameters."""

        def both(one: ImageGAN) -> ImageGAN:
            return replace(one, critic_width=one.width)

        def size(one: ImageGAN) -> int:
            made = eqx.filter_eval_shape(lambda: both(one).model(shape, np.zeros(0), jax.random.key(0)))
            return count_parameters(made)

        return both(at_width(recipe, size, parameters))

    def draw(self, run: Run, count: int, *, seed: int = 0, classes: Any = None, **options: Any) -> np.ndarray:
        """Draw images in [0, 1], the classes as often as they were seen if none is asked for.

        With ``averaged=False`` the parameters are the last ones and not their average.
        """
        averaged = bool(options.pop("averaged", True))
        if options:
            raise BadInput(f"There is no option {sorted(options)[0]!r} here; it is averaged.")
        return draw_images(run, count, seed=seed, classes=classes, averaged=averaged)

    def figures(self, run: Run, images: np.ndarray, *, seed: int = 0) -> tuple[Figure, ...]:
        """Return draws by class, ways between draws, their neighbours in data, the losses, the portrait."""
        return gan_figures(run, images, seed)
