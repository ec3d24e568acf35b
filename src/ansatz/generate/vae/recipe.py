"""The recipe of a variational autoencoder, for vectors and for flattened images."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ansatz._spelling import choose
from ansatz.core import BadInput, Fixed, Pairs, Parts, Recipe, Watch
from ansatz.data.table import Blocks, Table
from ansatz.generate.rows import as_rows, check_held, set_aside
from ansatz.generate.vae.likelihoods import Bernoulli, Gaussian, Likelihood
from ansatz.generate.vae.model import Autoencoder, negative_elbo, negative_evidence
from ansatz.maps.mlp import MLP
from ansatz.training.optimizers import optimizer, schedule
from ansatz.training.updates import Descend

LIKELIHOODS = ("gaussian", "bernoulli")
BLOCK = 1000
"""The most rows in one block of a validation."""


class VAE(Recipe):
    """Learn codes of few numbers for rows `x: [N, d]`, and to draw more like them.

    - `latent`: the numbers of a code.
    - `width`, `depth`, `activation`: of the hidden layers of encoder and decoder; depth 0 makes both affine,
      whose best is PPCA.
    - `likelihood`: gaussian, with one σ that is learned, or bernoulli for values in [0, 1].
    - `binarize`: with bernoulli, draw zeros and ones anew in every step, each pixel 1 with its value.
    - `beta`: the factor on the divergence; above 1 for codes whose components are more independent.
    - `samples`: draws of a code for each example; above 1 the importance-weighted bound is raised.
    - `plain`: no noise and no divergence: a plain autoencoder, which draws nothing.
    - `batch`, `learning_rate`, `schedule`, `warmup`, `clip`, `dropout`: of Adam's training.
    - `held`: the share of rows, in [0, 1), on which the bound is measured and that do not train.

    With gaussian the columns are centered and all divided by one scale.  Data that are no table of finite
    numbers, values outside [0, 1] with bernoulli, and a `plain` with `samples` raise `BadInput`.
    """

    latent: int = eqx.field(default=8, static=True)
    width: int = eqx.field(default=200, static=True)
    depth: int = eqx.field(default=2, static=True)
    activation: str = eqx.field(default="gelu", static=True)
    likelihood: str = eqx.field(default="gaussian", static=True)
    binarize: bool = eqx.field(default=False, static=True)
    beta: float = eqx.field(default=1.0, static=True)
    samples: int = eqx.field(default=1, static=True)
    plain: bool = eqx.field(default=False, static=True)
    batch: int = eqx.field(default=128, static=True)
    learning_rate: float = eqx.field(default=2e-3, static=True)
    schedule: str = eqx.field(default="cosine", static=True)
    warmup: float = eqx.field(default=0.02, static=True)
    clip: float = eqx.field(default=0.0, static=True)
    dropout: float = eqx.field(default=0.0, static=True)
    held: float = eqx.field(default=0.05, static=True)

    def __check_init__(self) -> None:
        """Refuse what cannot be trained."""
        check(self, ("latent", "samples"), "rows")

    def build(self, data: Any, key: Any) -> Parts:
        """Return the parts for these rows."""
        x, _ = as_rows(data)
        order, inside = jax.random.split(key)
        train, held = set_aside(order, len(x), self.held)
        center, scale = self._units(x[train])
        model = self.model(x.shape[1], center, scale, inside)
        pairs = Pairs(jnp.asarray((x - center) / scale, jnp.result_type(float)), None)
        objective = bound(self)
        return parts(self, model, pairs, train, held, drawing(objective) if self.binarize else objective)

    def model(self, size: int, center: Any, scale: float, key: Any) -> Autoencoder:
        """Return the untrained model for rows of `size` numbers."""
        first, second = jax.random.split(key)
        hidden = {"width": self.width, "depth": self.depth, "activation": self.activation}
        encoder = MLP(size, 2 * self.latent, dropout=self.dropout, **hidden, key=first)
        decoder = MLP(self.latent, size, dropout=self.dropout, **hidden, key=second)
        meant: Likelihood = Bernoulli() if self.likelihood == "bernoulli" else Gaussian(jnp.zeros(()))
        kind = jnp.result_type(float)
        fixed = Fixed(jnp.asarray(center, kind)), Fixed(jnp.asarray(scale, kind))
        return Autoencoder(encoder, decoder, meant, *fixed)

    def _units(self, x: np.ndarray) -> tuple[np.ndarray, float]:
        if self.likelihood == "gaussian":
            center = x.mean(0)
            scale = float(np.sqrt(((x - center) ** 2).mean()))
            if not scale > 1e-9 * np.abs(center).max():
                raise BadInput("All rows of the data are the same: there is nothing to learn of them.")
            return center, scale
        if x.min() < 0 or x.max() > 1:
            raise BadInput(
                f"With likelihood='bernoulli' values lie in [0, 1], and these from {x.min():g} to "
                f"{x.max():g}: divide them, or take 'gaussian'."
            )
        return np.zeros(x.shape[1]), 1.0


def check(recipe: Any, numbers: tuple[str, ...], of: str) -> None:
    """Refuse what cannot be trained, in a recipe of vectors or of images; `numbers` are at least 1."""
    choose("likelihood", recipe.likelihood, dict.fromkeys(LIKELIHOODS))
    for name in numbers:
        value = getattr(recipe, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise BadInput(f"{name} is a number of at least 1, not {value!r}.")
    if not 0 <= recipe.beta < math.inf:
        raise BadInput(f"beta is a factor of at least 0, not {recipe.beta!r}.")
    check_held(recipe.held, of)
    if recipe.samples > 1 and (recipe.plain or recipe.beta != 1):
        raise BadInput("The importance-weighted bound (samples above 1) has beta=1 and is not plain.")
    if recipe.binarize and recipe.likelihood != "bernoulli":
        raise BadInput("To binarize wants likelihood='bernoulli'.")


def bound(recipe: Any) -> Any:
    """Return the objective of a recipe: the bound on -log p that it asks for."""
    if recipe.samples > 1:
        return negative_evidence(recipe.samples)
    return negative_elbo(recipe.beta, plain=recipe.plain)


def parts(recipe: Any, model: Any, pairs: Pairs, train: Any, held: Any, objective: Any) -> Parts:
    """Return the parts for rows of which some train, by Adam, and some are held to watch the objective."""
    rule = optimizer("adam", recipe.learning_rate, clip=recipe.clip or None)
    down = Descend(objective, rule, schedule=schedule(recipe.schedule, recipe.warmup))
    watch = None
    if len(held):
        blocks = Blocks(pairs, min(BLOCK, len(held)), held)
        watch = Watch(blocks, objective, max(100, len(train) // recipe.batch), blocks.blocks)
    return Parts(model, Table(pairs, recipe.batch, train), (down,), watch=watch)


def drawing(objective: Any) -> Any:
    """Return an objective on zeros and ones that are drawn anew, each 1 with probability `batch.x`."""

    def on_draws(model: Any, batch: Pairs, key: Any) -> Any:
        drawn, rest = jax.random.split(jax.random.key(0) if key is None else key)
        ones = jax.random.bernoulli(drawn, batch.x).astype(batch.x.dtype)
        return objective(model, batch._replace(x=ones), None if key is None else rest)

    return on_draws
