"""Data from measurements ``y = A x₀ + τ n``, n ~ N(0, 1): draws from ``p(x₀ | y)``, a denoiser as the prior.

Given x at time t, x₀ is about Gaussian with the mean x̂₀ that the denoiser gives and a covariance V, so that
y is about ``N(A x̂₀, A V Aᵀ + τ²)``, and Bayes' rule corrects the denoiser:

    E[x₀ | x, y] = x̂₀ + (σ²/α) Jᵀ Aᵀ (A V Aᵀ + τ²)⁻¹ (y - A x̂₀),   J = ∂x̂₀/∂x.

The corrected denoiser is a denoiser, which any sampler takes.  The covariance is

* "moments": ``V = (σ²/α) J``, the covariance itself (Tweedie's second formula; Rozet et al. 2024, "Learning
  diffusion priors from observations by expectation maximization").  For Gaussian data all of this is exact.
* "isotropic": ``V = s²σ²/(α²s² + σ²)`` with s the deviation of the data (Song et al. 2023, ΠGDM): exact for
  white data, cheaper, and steadier where a network's J is not to be trusted.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ansatz._spelling import choose
from ansatz.core import BadInput
from ansatz.generate.diffusion.denoisers import Denoiser
from ansatz.generate.diffusion.prediction import Estimate
from ansatz.generate.diffusion.sampling import sample
from ansatz.generate.diffusion.schedule import Schedule

COVARIANCES = ("moments", "isotropic")
FAINTEST = 1e-3
"""The smallest α/σ at which a denoiser is asked: below, J says nothing."""


class Posterior(Denoiser):
    """A denoiser that also knows measurements ``y = A x₀ + noise``.

    - `operator`: a linear function from the shape of the data to `[m]` (see `operators`).
    - `measured`: y `[m]`; `noise`: the deviation of its noise, above 0: one for all, or `[m]`.
    - `covariance`: "moments" or "isotropic".
    - `iterations`: of conjugate gradients for the linear system; 0 solves it directly, with m derivatives.
    """

    denoiser: Denoiser
    operator: Callable[[Array], Array]
    measured: Float[Array, " m"]
    noise: Float[Array, "..."]
    covariance: str = eqx.field(static=True, default="moments")
    iterations: int = eqx.field(static=True, default=0)

    def __check_init__(self) -> None:
        """Refuse an unknown covariance."""
        choose("covariance", self.covariance, dict.fromkeys(COVARIANCES))

    @property
    def schedule(self) -> Schedule:
        """The process of the prior's denoiser."""
        return self.denoiser.schedule

    @property
    def deviation(self) -> float:
        """The deviation of a component of the data."""
        return self.denoiser.deviation

    def __call__(
        self, x: Float[Array, "*shape"], t: Float[Array, ""], condition: Any = None, *, key: Any = None
    ) -> Estimate:
        """Return the expected data and noise of one example x at time t, given the measurements."""
        faintest = jnp.log(jnp.asarray(FAINTEST, t.dtype))
        t = jnp.minimum(t, self.schedule.time_at(faintest))
        alpha, sigma = self.schedule.pair(t)

        def ask(x: Array) -> tuple[Array, Estimate]:
            estimate = self.denoiser(x, t, condition)
            return estimate.clean, estimate

        clean, pull, estimate = jax.vjp(ask, x, has_aux=True)
        seen, back = jax.vjp(self.operator, clean)
        gain = sigma**2 / alpha

        def spread(direction: Array) -> Array:
            """Return ``A V Aᵀ`` times a direction in the space of the measurements."""
            moved = back(direction)[0]
            if self.covariance == "moments":
                return self.operator(gain * pull(moved)[0])
            s = self.deviation
            return self.operator(moved * (s * sigma) ** 2 / ((s * alpha) ** 2 + sigma**2))

        weights = self._solved(spread, self.measured - seen)
        correction = gain * pull(back(weights)[0])[0]
        return Estimate(clean + correction, estimate.noise - alpha / sigma * correction)

    def _solved(self, spread: Callable[[Array], Array], rest: Array) -> Array:
        """Return ``(A V Aᵀ + τ²)⁻¹`` times `rest`."""
        scale = jnp.broadcast_to(self.noise, rest.shape)
        # Measurements in units of their noise: the matrix is then one plus a positive one.
        rest = rest / scale
        if self.iterations:
            whole = conjugate_gradients(lambda w: w + spread(w / scale) / scale, rest, self.iterations)
            return whole / scale
        matrix = jax.vmap(lambda w: spread(w / scale) / scale)(jnp.eye(len(rest), dtype=rest.dtype))
        values, vectors = jnp.linalg.eigh(0.5 * (matrix + matrix.T))
        # A network's derivative need not be positive; a covariance is.
        return (vectors @ ((vectors.T @ rest) / (1 + jnp.maximum(values, 0.0)))) / scale


class Ensemble(NamedTuple):
    """Draws from a posterior, `samples: [n, ...]`."""

    samples: Float[Array, "n ..."]

    @property
    def mean(self) -> Float[Array, "..."]:
        """The mean of the draws."""
        return self.samples.mean(0)

    @property
    def deviation(self) -> Float[Array, "..."]:
        """The standard deviation of the draws, component by component."""
        return self.samples.std(0, ddof=1)

    def interval(self, level: float = 0.9) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """Return the ends of the central intervals that hold this share of the draws."""
        if not 0 < level < 1:
            raise BadInput(f"An interval holds a share of the draws in (0, 1), not {level!r}.")
        ends = jnp.asarray([0.5 - level / 2, 0.5 + level / 2], self.samples.dtype)
        low, high = jnp.quantile(self.samples, ends, axis=0)
        return low, high


def solve_inverse(
    denoiser: Denoiser,
    operator: Callable[[Array], Array],
    measured: Float[Array, " m"],
    noise: float | Array,
    keys: Array,
    shape: tuple[int, ...],
    *,
    covariance: str = "moments",
    iterations: int = 0,
    **drawing: Any,
) -> Ensemble:
    """Return one draw of the data for each of the `keys: [n]`, given measurements of them.

    The denoiser is the prior; the other arguments are those of `Posterior`, and `drawing` those of `sample`
    (sampler, steps, grid, condition, driver).  Shapes that do not fit, and noise that is not above 0, raise
    `BadInput`.

    >>> from ansatz.generate.diffusion.densities import mixture
    >>> from ansatz.generate.diffusion.exact import Exact
    >>> from ansatz.generate.diffusion.operators import Mask
    >>> from ansatz.generate.diffusion.schedule import Flow
    >>> prior = Exact(mixture([1.0], [[0.0, 0.0]], [[[1.0, 0.9], [0.9, 1.0]]]), Flow())
    >>> keys = jax.random.split(jax.random.key(0), 500)
    >>> found = solve_inverse(prior, Mask([True, False]), jnp.asarray([1.0]), 0.01, keys, (2,))
    >>> [round(float(m), 1) for m in found.mean]
    [1.0, 0.9]
    """
    wanted = jax.eval_shape(operator, jax.ShapeDtypeStruct(shape, measured.dtype)).shape
    if measured.shape != wanted or len(wanted) != 1:
        raise BadInput(
            f"The operator measures data of shape {list(shape)} as {list(wanted)}, and the measurements have "
            f"the shape {list(measured.shape)}; both should be [m]."
        )
    deviation = jnp.asarray(noise, measured.dtype)
    if deviation.shape not in ((), wanted) or not bool(jnp.all(deviation > 0)):
        raise BadInput("The noise of the measurements has a deviation above 0: one number, or one for each.")
    given = Posterior(denoiser, operator, measured, deviation, covariance, iterations)  # type: ignore
    return Ensemble(sample(given, keys, shape, **drawing))


def conjugate_gradients(apply: Callable[[Array], Array], right: Array, iterations: int) -> Array:
    """Return an approximate solution of ``apply(w) = right`` for a symmetric positive `apply`.

    The iterations are written out one after the other, so that no loop holds a network's convolutions.

    >>> conjugate_gradients(lambda w: 2 * w, jnp.asarray([2.0, 4.0]), 1).tolist()
    [1.0, 2.0]
    """
    solution, residual, way = jnp.zeros_like(right), right, right
    square = right @ right
    for _ in range(iterations):
        image = apply(way)
        bend = way @ image
        # Once solved, and where the matrix of a network is not positive, nothing moves any more.
        length = jnp.where((bend > 0) & (square > 0), square / jnp.where(bend > 0, bend, 1.0), 0.0)
        solution, residual = solution + length * way, residual - length * image
        fresh = residual @ residual
        way = residual + jnp.where(square > 0, fresh / jnp.where(square > 0, square, 1.0), 0.0) * way
        square = fresh
    return solution
