"""The denoiser that is known exactly: that of data from a mixture of Gaussians, of one or of many."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.generate.diffusion.denoisers import Denoiser
from ansatz.generate.diffusion.densities import Mixture
from ansatz.generate.diffusion.prediction import Estimate
from ansatz.generate.diffusion.schedule import Schedule


class Exact(Denoiser):
    """The denoiser of data from a mixture of Gaussians; a condition is the number of a component.

    >>> from ansatz.generate.diffusion.densities import mixture
    >>> from ansatz.generate.diffusion.schedule import Flow
    >>> one = Exact(mixture([1.0], [[3.0]], [1.0]), Flow())
    >>> float(one(jnp.asarray([0.0]), jnp.asarray(1.0)).clean[0])
    3.0
    """

    data: Mixture
    schedule: Schedule
    deviation: float = eqx.field(static=True, default=1.0)

    def __call__(
        self,
        x: Float[Array, " d"],
        t: Float[Array, ""],
        condition: Array | None = None,
        *,
        key: PRNGKeyArray | None = None,
    ) -> Estimate:
        """Return the expected data and noise of one example x at time t."""
        data = self.data
        if condition is not None:
            only = jnp.where(
                jnp.arange(len(data.log_weights), dtype=condition.dtype) == condition, 0.0, -jnp.inf
            )
            data = eqx.tree_at(lambda d: d.log_weights, data, only.astype(x.dtype))
        alpha, sigma = self.schedule.pair(t)
        return Estimate(data.clean(x, alpha, sigma), data.noise(x, alpha, sigma))
