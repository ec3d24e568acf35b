"""A GAN for vectors: a recipe, the training of it, and what draws from the result."""

import math
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from ansatz._spelling import choose
from ansatz.core import BadInput, Fixed, Map, Pairs, Parts, Recipe
from ansatz.data.table import Table
from ansatz.generate.diffusion.average import power
from ansatz.generate.gan.game import Game, Noise, Players, generate, players
from ansatz.generate.gan.labels import Concatenated, Projected
from ansatz.generate.rows import as_rows
from ansatz.maps.encoding import Waves
from ansatz.maps.layers import Chain
from ansatz.maps.mlp import MLP
from ansatz.training.fit import fit
from ansatz.training.optimizers import schedule
from ansatz.training.run import Run

LABELING = ("concatenated", "projected")
LABEL_SIZE = 16
"""The length of the vector that a label is embedded as."""


class VectorPlayers(Players):
    """Players of standardized vectors, ``z = (x - center) / scale``."""

    center: Fixed
    scale: Fixed


class VectorGAN(Recipe):
    """Learn to draw vectors like the rows `x: [N, d]` of `Pairs(x, y)`; y are classes `[N]` or None.

    - `loss`: minimax, non_saturating, least_squares, hinge, wasserstein or relativistic (see `losses`).
    - `r1`, `r2`, `slope_one`: the factors on R1, R2 and the gradient penalty (see `penalties`), of data that
      are standardized; over the run they fall to the share `fall` of themselves.
    - `noise`: the normal components of the generator's noise; `codes`: its one-hot ones (see `Noise`).
    - `width`, `depth`, `activation`: of the generator's hidden layers, and with `critic_width` and
      `critic_depth` of the critic's.
    - `waves`: plane waves that the critic sees beside x (see `Waves`), 0 for none: without them it learns
      details much smaller than the whole late.
    - `labeling`: how the critic knows labels, concatenated or projected (see `labels`).
    - `critic_steps`: steps of the critic for each of the generator.
    - `batch`, `learning_rate`, `critic_rate`, `first`, `second`, `schedule`: of Adam's training, with the
      decays of its two moments.
    - `average`: the width of the average of the generator, as a share of the steps (see `power`).

    Each column is brought to mean 0 and deviation 1.  Data that are no table of finite numbers, classes
    that are not whole numbers from 0 on, and columns without spread raise `BadInput`.
    """

    loss: str = eqx.field(default="relativistic", static=True)
    r1: float = eqx.field(default=0.5, static=True)
    r2: float = eqx.field(default=0.5, static=True)
    slope_one: float = eqx.field(default=0.0, static=True)
    fall: float = eqx.field(default=0.01, static=True)
    noise: int = eqx.field(default=2, static=True)
    codes: int = eqx.field(default=0, static=True)
    width: int = eqx.field(default=64, static=True)
    depth: int = eqx.field(default=3, static=True)
    critic_width: int = eqx.field(default=64, static=True)
    critic_depth: int = eqx.field(default=3, static=True)
    activation: str = eqx.field(default="relu", static=True)
    waves: int = eqx.field(default=32, static=True)
    labeling: str = eqx.field(default="concatenated", static=True)
    critic_steps: int = eqx.field(default=1, static=True)
    batch: int = eqx.field(default=128, static=True)
    learning_rate: float = eqx.field(default=3e-3, static=True)
    critic_rate: float = eqx.field(default=3e-3, static=True)
    first: float = eqx.field(default=0.0, static=True)
    second: float = eqx.field(default=0.95, static=True)
    schedule: str = eqx.field(default="cosine", static=True)
    average: float = eqx.field(default=0.05, static=True)

    def __check_init__(self) -> None:
        """Refuse rates and decays out of range, and an unknown labeling."""
        choose("labeling", self.labeling, dict.fromkeys(LABELING))
        if self.waves < 0:
            raise BadInput(f"The number of waves is at least 0, not {self.waves!r}.")
        check_rates(self)

    @property
    def game(self) -> Game:
        """The rules."""
        noise = Noise(self.noise, self.codes)
        return Game(self.loss, noise, self.r1, self.r2, self.slope_one, self.fall)

    def build(self, data: Any, key: Any) -> Parts:
        """Return the parts for these rows."""
        x, y = as_rows(data)
        center, scale = x.mean(0), x.std(0)
        if (flat := np.flatnonzero(scale <= 1e-6 * np.abs(center))).size:
            raise BadInput(f"Column {flat[0]} of the data has next to no spread: leave it out.")
        rows = jnp.asarray((x - center) / scale, jnp.result_type(float))
        labels = None if y is None else jnp.asarray(y)
        first, second = jax.random.split(key)
        classes = 0 if y is None else int(y.max()) + 1
        pair = players(self._generator(x.shape[1], classes, first), self._critic(x.shape[1], classes, second))
        fixed = [Fixed(jnp.asarray(value, rows.dtype)) for value in (center, scale)]
        model = VectorPlayers(pair.generator, pair.critic, pair.strength, *fixed)
        updates = self.game.updates(*both_adam(self), self.critic_steps, schedule(self.schedule))
        source = Table(Pairs(rows, labels), self.batch)
        return Parts(model, source, updates, self.game.after(power(self.average)))

    def _generator(self, size: int, classes: int, key: Any) -> Map:
        inside, label = jax.random.split(key)
        length = self.game.noise.length + (LABEL_SIZE if classes else 0)
        net = MLP(length, size, self.width, self.depth, self.activation, key=inside)
        return Concatenated(net, classes, LABEL_SIZE, key=label) if classes else net

    def _critic(self, size: int, classes: int, key: Any) -> Map:
        inside, label = jax.random.split(key)
        width, depth, sigma = self.critic_width, self.critic_depth, self.activation
        if classes and self.labeling == "projected":
            net = MLP(size + 2 * self.waves, width, width, depth - 1, sigma, output=sigma, key=inside)
            return Projected(self._waved(net, size, inside), classes, width, key=label)
        inputs = size + 2 * self.waves + (LABEL_SIZE if classes else 0)
        net = self._waved(MLP(inputs, 1, width, depth, sigma, key=inside), size, inside)
        return Concatenated(net, classes, LABEL_SIZE, key=label) if classes else net

    def _waved(self, net: Map, size: int, key: Any) -> Map:
        if not self.waves:
            return net
        return Chain(Waves(size, self.waves, key=jax.random.fold_in(key, 1)), net)


def check_rates(recipe: Any) -> None:
    """Refuse rates and decays of Adam out of range, in a recipe of vectors or of images."""
    for name in ("learning_rate", "critic_rate"):
        if not 0 < getattr(recipe, name) < math.inf:
            raise BadInput(f"The rate {name} must be a number above 0, not {getattr(recipe, name)!r}.")
    for name in ("first", "second"):
        if not 0 <= getattr(recipe, name) < 1:
            raise BadInput(f"The decay {name} of Adam lies in [0, 1), not {getattr(recipe, name)!r}.")


def both_adam(recipe: Any) -> tuple[Any, Any]:
    """Return Adam for the generator and for the critic, with the decays of its two moments."""
    return tuple(
        adam(rate, recipe.first, recipe.second) for rate in (recipe.learning_rate, recipe.critic_rate)
    )


def adam(rate: float, first: float, second: float) -> Any:
    """Return Adam with these decays of its two moments."""
    return optax.adam(rate, b1=first, b2=second)


@dataclass(frozen=True)
class FittedGAN:
    """A trained GAN of vectors; `run` is its training, with every seed in it."""

    run: Run

    def sample(
        self, count: int, seed: int = 0, condition: Any = None, *, member: int = 0, averaged: bool = True
    ) -> np.ndarray:
        """Draw vectors `[count, d]`.

        `condition` is a class, or one for each vector `[count]`, and is needed where the data had classes;
        `member` is the number of the training seed; without `averaged` the parameters are the last ones.

        >>> data = np.random.default_rng(0).normal(size=(64, 2))
        >>> fit_gan(data, VectorGAN(width=8, critic_width=8), steps=2).sample(5).shape
        (5, 2)
        """
        model = self.run.member(member)
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise BadInput(f"The number of samples is an integer of at least 1, not {count!r}.")
        label = self._label(model, count, condition)
        generator = model.generator.model if averaged else model.generator.live
        drawn = _drawn(generator, self.run.recipe.game.noise, jax.random.key(seed), count, label)
        return np.asarray(drawn * model.scale.value[None] + model.center.value[None])

    def _label(self, model: VectorPlayers, count: int, condition: Any) -> Any:
        knows = isinstance(model.generator.live, Concatenated)
        if not knows:
            if condition is not None:
                raise BadInput("The data had no classes: draw without a condition.")
            return None
        classes = model.generator.live.table.levels[0]
        label = np.asarray(-1 if condition is None else condition)
        inside = np.issubdtype(label.dtype, np.integer) and ((label >= 0) & (label < classes)).all()
        if not inside or label.shape not in ((), (count,)):
            raise BadInput(
                f"The condition is a class from 0 to {classes - 1}, or one for each of the {count} samples, "
                f"not "
                f"{condition!r}."
            )
        return jnp.broadcast_to(jnp.asarray(label, jnp.int32), (count,))


_drawn = eqx.filter_jit(generate)


def fit_gan(data: Any, recipe: VectorGAN | None = None, *, labels: Any = None, **options: Any) -> FittedGAN:
    """Train a GAN on vectors `[N, d]`, with classes `labels: [N]` if any; `options` are those of `fit`.

    With ``seeds=5`` five GANs of their own seeds are trained at once.
    """
    pairs = Pairs(np.asarray(data), None if labels is None else np.asarray(labels))
    return FittedGAN(fit(VectorGAN() if recipe is None else recipe, pairs, **options))
