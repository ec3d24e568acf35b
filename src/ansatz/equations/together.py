"""Networks that are trained at once: one program, a lane for each start or for each value of a constant."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import PRNGKeyArray, PyTree

from ansatz.core import Clock, Each, Mean, Metrics, Recipe, Update
from ansatz.equations.threads import one_thread
from ansatz.training.fit import fit


class Lane(NamedTuple):
    """What is a network's own: the values of the constants, and which start of the seed it has."""

    constants: Mapping[str, float]
    start: int = 0


class Trained(NamedTuple):
    """One trained network: its map with NumPy arrays, the last loss, and the step at which it was lost."""

    model: Any
    loss: float
    lost: int | None = None


class Apart(Update):
    """Apply an update where its numbers are finite; elsewhere nothing moves and no metric is reported.

    So a network whose loss overflows ends where it was, and those beside it go on.
    """

    update: Update

    def init(self, model: Any) -> PyTree:
        """Return the inner update's state."""
        return self.update.init(model)

    def apply(
        self, model: Any, opt: PyTree, batch: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Any, PyTree, Metrics]:
        """Apply the inner update, or keep what there is."""
        moved, new, metrics = self.update.apply(model, opt, batch, clock, key)
        leaves = jax.tree.leaves((eqx.filter(moved, eqx.is_inexact_array), metrics))
        fine = jnp.stack([jnp.isfinite(leaf).all() for leaf in leaves]).all()

        def chosen(after: Any, before: Any) -> Any:
            return jnp.where(fine, after, before) if eqx.is_array(after) else after

        model, opt = jax.tree.map(chosen, (moved, new), (model, opt))
        return model, opt, {name: _weighed(metric, fine) for name, metric in metrics.items()}


def _weighed(metric: Any, fine: Any) -> Mean:
    total, weight = metric if isinstance(metric, Mean) else (metric, jnp.ones_like(metric))
    return Mean(jnp.where(fine, total, 0 * weight), jnp.where(fine, weight, 0 * weight))


def key_of(seed: int, start: int) -> PRNGKeyArray:
    """Return the key of one start of a seed: that which `fit` gives to as many seeds."""
    return jr.fold_in(jr.key(seed), start)


def train(
    recipe: Recipe,
    lanes: Sequence[Lane],
    *,
    steps: int,
    budget: float | None = None,
    seed: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> tuple[list[Trained], Any]:
    """Return a network for each lane, all trained at once in double precision, and the run.

    Lanes of one start begin with the same parameters, so that the answers change with the constants alone.
    """

    def tell(event: Any) -> None:
        progress(min(event.step / max(event.total, 1), 1.0))

    many = len(lanes) > 1 or bool(lanes[0].constants)
    with jax.enable_x64(True), one_thread():
        own = [(dict(lane.constants), key_of(seed, lane.start)) for lane in lanes]
        run = fit(
            recipe, Each(own) if many else None, steps=steps, budget=budget, key=seed, seeds=len(lanes),
            driver="loop", hooks=(tell,),
        )  # fmt: skip
        models = [
            jax.tree.map(lambda x: np.asarray(x) if eqx.is_array(x) else x, run.member(i))
            for i in range(len(lanes))
        ]
    losses = np.asarray(run.history.get("loss", np.full((1, len(lanes)), np.nan)), float)
    losses = losses.reshape(-1, len(lanes))
    return [Trained(model, *_end_of(losses[:, i])) for i, model in enumerate(models)], run


def _end_of(losses: np.ndarray) -> tuple[float, int | None]:
    """Return the last loss that was finite and, if later ones were not, the step from which on none was."""
    known = np.flatnonzero(np.isfinite(losses))
    last = int(known[-1]) if len(known) else -1
    loss = float(losses[last]) if len(known) else float("nan")
    return loss, None if last == len(losses) - 1 else last + 1
