"""A source whose batch stays the same for some steps, as L-BFGS and other line searches need."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray, PyTree

from ansatz.core import Clock, Source


class Held(Source):
    """Draw from another source every `steps` steps and hand out the same batch in between.

    A quasi-Newton method compares gradients of *one* function; a new batch at each step would give
    it differences that are mostly noise (Berahas et al. 2016, "A multi-batch L-BFGS method").
    """

    source: Source
    steps: int = eqx.field(static=True)

    def init(self, model: Any, key: PRNGKeyArray) -> PyTree:
        """Return the inner state and an empty place for the batch."""
        inner = self.source.init(model, key)
        clock = Clock(jnp.zeros((), jnp.int32), jnp.ones((), jnp.int32))
        batch, _ = jax.eval_shape(lambda: self.source.next(inner, model, clock, key))
        return inner, jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), batch)

    def next(self, state: PyTree, model: Any, clock: Clock, key: PRNGKeyArray) -> tuple[Any, PyTree]:
        """Return the held batch, drawn anew when its time is over."""

        def draw() -> Any:
            return self.source.next(state[0], model, clock, key)

        batch, inner = jax.lax.cond(clock.step % self.steps == 0, draw, lambda: (state[1], state[0]))
        return batch, (inner, batch)
