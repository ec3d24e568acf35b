"""A trained autoencoder: codes, reconstructions, draws, walks between codes, and how likely data are."""

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ansatz.core import BadInput, Pairs
from ansatz.generate.vae.likelihoods import Gaussian
from ansatz.generate.vae.model import Autoencoder, Code, elbo, evidence, log_weights
from ansatz.generate.vae.recipe import VAE
from ansatz.training.fit import fit
from ansatz.training.run import Run

AT_ONCE = 20_000
"""The most codes that are decoded at once."""


@dataclass(frozen=True)
class FittedVAE:
    """A trained autoencoder; `run` is the training, of one seed."""

    run: Run

    def __post_init__(self) -> None:
        """Refuse runs of another kind, and of several seeds."""
        if self.run.seeds != 1 or not isinstance(self.run.model, Autoencoder):
            raise BadInput("FittedVAE takes a run of VAE with one seed.")

    @property
    def model(self) -> Autoencoder:
        """The trained map."""
        return self.run.model

    @property
    def latent(self) -> int:
        """The numbers of a code."""
        return self.run.recipe.latent

    def encode(self, x: Any) -> np.ndarray:
        """Return the means `[N, k]` of the codes of rows `x: [N, d]`."""
        return np.asarray(_codes(self.model, self._rows(x)).mean)

    def decode(self, z: Any) -> np.ndarray:
        """Return E[x | z] `[N, d]` for codes `z: [N, k]`.

        >>> rows = np.random.default_rng(0).normal(size=(64, 3))
        >>> fitted = fit_vae(rows, VAE(latent=2, width=8), steps=2)
        >>> fitted.decode(np.zeros((4, 2))).shape
        (4, 3)
        """
        z = np.asarray(z, np.float64)
        if z.ndim != 2 or z.shape[1] != self.latent:
            raise BadInput(f"Codes are [N, {self.latent}], not {list(z.shape)}.")
        return np.asarray(_decoded(self.model, jnp.asarray(z, jnp.result_type(float))))

    def reconstruct(self, x: Any) -> np.ndarray:
        """Return what is left of rows `x: [N, d]` after encoding and decoding."""
        return self.decode(self.encode(x))

    def sample(self, count: int, seed: int = 0, *, noise: bool = False) -> np.ndarray:
        """Draw rows `[count, d]`: means of codes from the prior, with `noise` draws around them."""
        self._needs_prior("draw")
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise BadInput(f"The number of samples is an integer of at least 1, not {count!r}.")
        codes, inside = jax.random.split(jax.random.key(seed))
        z = jax.random.normal(codes, (count, self.latent))
        return np.asarray(_drawn(self.model, z, inside) if noise else _decoded(self.model, z))

    def interpolate(self, one: Any, two: Any, steps: int = 9) -> np.ndarray:
        """Return rows `[steps, d]` on the way from row `one: [d]` to row `two: [d]`, straight in codes."""
        if isinstance(steps, bool) or not isinstance(steps, int) or steps < 2:
            raise BadInput(f"A way has at least 2 steps, not {steps!r}.")
        first, last = self.encode(np.stack([one, two]))
        at = np.linspace(0, 1, steps)[:, None]
        return self.decode((1 - at) * first + at * last)

    def walk(self, component: int, x: Any = None, steps: int = 9, reach: float = 2.5) -> np.ndarray:
        """Return rows `[steps, d]` as one component of a code goes from -reach to reach.

        The others are those of a row `x: [d]`, or 0.
        """
        if not 0 <= component < self.latent:
            raise BadInput(f"Components of a code are 0 to {self.latent - 1}, not {component!r}.")
        base = np.zeros(self.latent) if x is None else self.encode(np.asarray(x)[None])[0]
        z = np.tile(base, (steps, 1))
        z[:, component] = np.linspace(-reach, reach, steps)
        return self.decode(z)

    def direction(self, x: Any, y: Any, source: Any, target: Any) -> np.ndarray:
        """Return the step in codes `[k]` from the mean of one class to that of another."""
        z, y = self.encode(x), np.asarray(y)
        for label in (source, target):
            if not (y == label).any():
                raise BadInput(f"No row is of the class {label!r}.")
        return z[y == target].mean(0) - z[y == source].mean(0)

    def log_likelihood(self, x: Any, samples: int = 500, seed: int = 0) -> np.ndarray:
        """Return estimates of log p(x) `[N]` in nats, by importance sampling from q(z | x).

        Their mean over draws is a lower bound, which rises to log p(x) with `samples`.
        """
        self._needs_prior("tell the likelihood")
        rows = self._rows(x)
        keys = jax.random.split(jax.random.key(seed), len(rows))
        block = max(1, AT_ONCE // samples)
        found = [
            _evidences(self.model, rows[at : at + block], keys[at : at + block], samples)
            for at in range(0, len(rows), block)
        ]
        return np.concatenate([np.asarray(one, np.float64) for one in found]) - self._volume()

    def bound(self, x: Any, seed: int = 0, draws: int = 16) -> tuple[float, float]:
        """Return the mean evidence lower bound of rows in nats, and the divergence that is part of it."""
        self._needs_prior("tell the bound")
        rows = self._rows(x)
        keys = jax.random.split(jax.random.key(seed), (draws, len(rows)))
        given, apart = np.mean([_bounds(self.model, rows, one) for one in keys], axis=0)
        return float(given - apart) - self._volume(), float(apart)

    def active(self, x: Any, least: float = 0.01) -> int:
        """Return how many components of the codes say something: whose mean varies over the rows."""
        return int((self.encode(x).var(0) > least).sum())

    def _rows(self, x: Any) -> Any:
        x = np.asarray(x, np.float64)
        d = self.model.center.value.shape[0]
        if x.ndim != 2 or x.shape[1] != d or not np.isfinite(x).all():
            raise BadInput(f"The rows are [N, {d}] of finite numbers, not of shape {list(x.shape)}.")
        return self.model.standard(jnp.asarray(x, jnp.result_type(float)))

    def _volume(self) -> float:
        """Return the logarithm of the volume that the scale of the data stands for."""
        if not isinstance(self.model.likelihood, Gaussian):
            return 0.0
        return self.model.center.value.shape[0] * float(jnp.log(self.model.scale.value))

    def _needs_prior(self, what: str) -> None:
        if self.run.recipe.plain:
            raise BadInput(f"A plain autoencoder has no distribution of codes to {what}: leave `plain` out.")


def fit_vae(data: Any, recipe: VAE | None = None, **options: Any) -> FittedVAE:
    """Train an autoencoder on rows `[N, d]`; `options` are those of `fit`."""
    pairs = data if isinstance(data, Pairs) else Pairs(np.asarray(data), None)
    return FittedVAE(fit(VAE() if recipe is None else recipe, pairs, **options))


@eqx.filter_jit
def _codes(model: Autoencoder, x: Any) -> Code:
    return jax.vmap(model.code)(x)


@eqx.filter_jit
def _decoded(model: Autoencoder, z: Any) -> Any:
    return jax.vmap(model.decoded)(z)


@eqx.filter_jit
def _drawn(model: Autoencoder, z: Any, key: Any) -> Any:
    x = model.likelihood.sample(jax.vmap(model.decoder)(z), key)
    return x * model.scale.value + model.center.value[None]


@eqx.filter_jit
def _evidences(model: Autoencoder, x: Any, keys: Any, samples: int) -> Any:
    return jax.vmap(lambda row, key: evidence(log_weights(model, row, key, samples)))(x, keys)


@eqx.filter_jit
def _bounds(model: Autoencoder, x: Any, keys: Any) -> Any:
    given, apart = jax.vmap(lambda row, key: elbo(model, row, key))(x, keys)
    return given.mean(), apart.mean()
