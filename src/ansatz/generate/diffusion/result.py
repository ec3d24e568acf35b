"""What was learned of vectors: draws, densities and answers to measurements, in the units of the data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array

from ansatz.core import BadInput, Pairs
from ansatz.generate.diffusion.denoisers import Denoiser
from ansatz.generate.diffusion.guidance import Guided
from ansatz.generate.diffusion.inverse import Ensemble, solve_inverse
from ansatz.generate.diffusion.likelihood import LogDensity, log_density
from ansatz.generate.diffusion.recipe import VectorDiffusion, VectorModel
from ansatz.generate.diffusion.samplers import Sampler
from ansatz.generate.diffusion.sampling import sample
from ansatz.generate.rows import as_rows
from ansatz.training.fit import fit
from ansatz.training.run import Run

MOST = 8192
"""The most vectors that are worked on at once."""


class Rescaled(eqx.Module):
    """A linear operator on data as one on standardized data: ``z ↦ A (scale · z)``."""

    operator: Callable[[Array], Array]
    scale: Array

    def __call__(self, z: Array) -> Array:
        """Return the measurements of one example."""
        return self.operator(self.scale * z)


@dataclass(frozen=True)
class VectorFit:
    """A trained diffusion on vectors; `run` is the training, of one seed."""

    run: Run

    def __post_init__(self) -> None:
        """Refuse runs of another kind, and of several seeds."""
        if self.run.seeds != 1 or not isinstance(self.run.model, VectorModel):
            raise BadInput("VectorFit takes a run of VectorDiffusion with one seed.")

    @property
    def model(self) -> VectorModel:
        """The denoiser in training and its average, with the center and scale of the data."""
        return self.run.model

    @property
    def denoiser(self) -> Denoiser:
        """The denoiser with averaged parameters, of standardized vectors."""
        return self.model.model

    @property
    def size(self) -> int:
        """The number of components of a vector."""
        return self.model.center.value.shape[0]

    @property
    def classes(self) -> int:
        """The number of classes, 0 where none were given."""
        known = self.denoiser.network.known  # type: ignore[attr-defined]
        return 0 if known is None else known.levels[0]

    def sample(
        self,
        count: int,
        seed: int = 0,
        steps: int = 32,
        sampler: str | Sampler = "dpm++",
        condition: Any = None,
        guidance: float = 1.0,
        grid: str = "karras",
    ) -> np.ndarray:
        """Draw vectors `[count, d]`.

        `condition` is a class, or `[count]` classes, or None; `guidance` is the scale of its guidance (see
        `Guided`).  The other arguments are those of `sample`.  The first vectors are the same for any count.
        """
        told = self._conditions(condition, count)
        denoiser = self.denoiser if guidance == 1 else Guided(self.denoiser, float(guidance))  # type: ignore

        def draw(keys: Array, told: Any) -> Array:
            return sample(
                denoiser, keys, (self.size,), sampler=sampler, steps=steps, grid=grid, condition=told
            )

        return self._outside(_in_blocks(draw, _keys(seed, count), told))

    def log_density(
        self, x: Any, condition: Any = None, steps: int = 64, probes: int = 0, seed: int = 0
    ) -> LogDensity:
        """Return log-densities in nats at vectors `x: [N, d]`, given classes if any (see `likelihood`)."""
        x, _ = as_rows(Pairs(x, None))
        if x.shape[1] != self.size:
            raise BadInput(f"The vectors have {x.shape[1]} components and those of the training {self.size}.")
        center, scale = self.model.center.value, self.model.scale.value
        inside = (jnp.asarray(x, center.dtype) - center[None, :]) / scale[None, :]
        told = self._conditions(condition, len(x))

        def judge(keys: Array, given: Any) -> LogDensity:
            z, told = given
            key = keys[0] if probes else None
            return log_density(self.denoiser, z, steps=steps, probes=probes, key=key, condition=told)

        found = _in_blocks(judge, _keys(seed, len(x)), (inside, told))
        return found._replace(value=found.value - float(np.log(np.asarray(scale, np.float64)).sum()))

    def infer(
        self,
        operator: Callable[[Array], Array],
        measured: Any,
        noise: Any,
        count: int = 256,
        seed: int = 0,
        **options: Any,
    ) -> Ensemble:
        """Draw `count` vectors x that measurements ``y = A x + noise`` allow (see `inverse`).

        `operator` is linear, from `[d]` to `[m]`; `measured` is y `[m]`; `noise` the deviation of its noise.
        `options` are those of `solve_inverse`; the covariance is "isotropic" if none is given, as that from a
        network's derivative may send draws far away.
        """
        options = {"covariance": "isotropic"} | options
        center, scale = self.model.center.value, self.model.scale.value
        seen = jnp.asarray(measured, center.dtype) - operator(center)
        found = solve_inverse(
            self.denoiser, Rescaled(operator, scale), seen, noise, _keys(seed, count), (self.size,), **options
        )
        return Ensemble(jnp.asarray(self._outside(found.samples)))

    def _outside(self, z: Any) -> np.ndarray:
        """Return standardized vectors in the units of the data."""
        return np.asarray(z) * np.asarray(self.model.scale.value) + np.asarray(self.model.center.value)

    def _conditions(self, condition: Any, count: int) -> Array | None:
        if condition is None:
            return None
        codes = np.asarray(condition)
        fits = codes.shape in ((), (count,)) and np.issubdtype(codes.dtype, np.integer)
        if not fits or codes.min() < 0 or codes.max() >= self.classes:
            raise BadInput(
                f"A condition is a class below {self.classes}, or one for each of {count} vectors, and this "
                f"is {codes.dtype} of shape {list(codes.shape)}: {condition!r}."
            )
        return jnp.asarray(np.broadcast_to(codes, (count,)), jnp.int32)


def fit_vectors(
    x: Any,
    y: Any = None,
    *,
    steps: int | None = None,
    budget: float | None = None,
    seed: int = 0,
    hooks: Any = (),
    **options: Any,
) -> VectorFit:
    """Learn to draw vectors like the rows of `x: [N, d]`, of classes `y: [N]` if these are given.

    `steps` or a `budget` in seconds ends the training (3000 steps without either); `options` are the
    fields of `VectorDiffusion`.  What cannot be raises `BadInput` before anything is compiled.

    >>> rows = np.random.default_rng(0).normal(size=(200, 2))
    >>> found = fit_vectors(rows, steps=5, width=8, depth=1, batch=16)
    >>> found.sample(3, steps=4).shape
    (3, 2)
    """
    rows = Pairs(*as_rows(Pairs(x, y)))
    if steps is None and budget is None:
        steps = 3000
    recipe = _recipe(options)
    return VectorFit(fit(recipe, rows, steps=steps, budget=budget, key=seed, hooks=hooks))


def _recipe(options: dict[str, Any]) -> VectorDiffusion:
    from ansatz._spelling import nearest

    known = list(VectorDiffusion.__dataclass_fields__)
    for name in options:
        if name not in known:
            raise BadInput(f"There is no setting {name!r}; {nearest(name, known)}.")
    return VectorDiffusion(**options)


def _keys(seed: int, count: int) -> Array:
    """Return a key for each of `count` vectors; those of the first are the same for any count."""
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
        raise BadInput(f"The number of vectors must be an integer of at least 1, not {count!r}.")
    return jax.vmap(lambda i: jr.fold_in(jr.key(seed), i))(jnp.arange(count, dtype=jnp.uint32))


def _in_blocks(work: Callable[[Array, Any], Any], keys: Array, given: Any) -> Any:
    """Return `work(keys, given)` as arrays of NumPy, worked on in blocks of few different lengths."""
    count, parts = len(keys), []
    for begin in range(0, count, MOST):
        length = min(MOST, count - begin)
        # Lengths are rounded up to powers of two, so that few shapes are compiled.
        room = min(MOST, 1 << max(length - 1, 15).bit_length())
        index = jnp.minimum(begin + jnp.arange(room), count - 1)
        block = work(keys[index], jax.tree.map(lambda leaf, i=index: leaf[i], given))
        parts.append(jax.tree.map(lambda leaf, n=length: np.asarray(leaf)[:n], block))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
