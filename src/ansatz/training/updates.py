"""Ways of moving θ: gradient descent, and the combinators that say when and on what."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import optax
from jaxtyping import Array, PRNGKeyArray, PyTree

from ansatz.core import BadInput, Clock, Mean, Metrics, Objective, Update, trainable


def everything(model: Any) -> Any:
    """The `where` that selects the whole model."""
    return model


class Descend(Update):
    """Gradient descent of an objective on the parameters that `where(model)` selects.

    ``θ ← θ + schedule(t) · optimizer(∇_θ L)``, with t = step/total in [0, 1].

    `optimizer` is any Optax transformation, L-BFGS included (it is handed the value, the gradient
    and the function).  The loss is reported under `name`; with a name other than "loss" the
    objective's own metrics are reported as `name/metric`.

    With `parts` the batch is cut into so many, whose gradients are added: the same for an objective that is a
    mean over examples, all alike, and faster where a whole batch does not fit into the caches.

    >>> import jax, optax
    >>> from ansatz.core import Pairs
    >>> from ansatz.training.step import clock_at
    >>> def objective(model, batch, key):
    ...     return jnp.mean((model["w"] * batch.x - batch.y) ** 2), {}
    >>> update, model = Descend(objective, optax.sgd(0.5)), {"w": jnp.asarray(0.0)}
    >>> batch = Pairs(jnp.ones(4), 3 * jnp.ones(4))
    >>> model, _, metrics = update.apply(model, update.init(model), batch, clock_at(0, 1), jax.random.key(0))
    >>> float(model["w"]), float(metrics["loss"])
    (3.0, 9.0)
    """

    objective: Objective
    optimizer: optax.GradientTransformation = eqx.field(static=True)
    where: Callable[[Any], Any] = eqx.field(static=True, default=everything)
    schedule: Callable[[Any], Any] | None = eqx.field(static=True, default=None)
    name: str = eqx.field(static=True, default="loss")
    parts: int = eqx.field(static=True, default=1)

    def __check_init__(self) -> None:
        """Refuse parts that are none."""
        if self.parts < 1:
            raise BadInput(f"A batch is cut into at least one part, not {self.parts!r}.")

    def init(self, model: Any) -> PyTree:
        """Return the optimizer's state for the selected parameters."""
        theta, _ = self._split(model)
        if not jax.tree.leaves(theta):
            raise BadInput(
                f"The update {self.name!r} selects no parameters: nothing in its part is trainable."
            )
        return self.optimizer.init(theta)

    def apply(
        self, model: Any, opt: PyTree, batch: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Any, PyTree, Metrics]:
        """Take one step of the optimizer."""
        theta, rest = self._split(model)

        def loss(theta: PyTree, batch: Any = batch, key: Any = key) -> tuple[Array, Metrics]:
            return self.objective(eqx.combine(theta, rest), batch, key)

        slope = jax.value_and_grad(loss, has_aux=True)
        if self.parts == 1:
            (value, metrics), gradient = slope(theta)
        else:
            (value, metrics), gradient = summed(slope, theta, batch, key, self.parts)
        # A real parameter moves down the conjugate of JAX's gradient; for complex ones it matters.
        gradient = jax.tree.map(jnp.conj, gradient)
        optimizer = optax.with_extra_args_support(self.optimizer)
        # Optax mixes integers and floats, which a user's strict setting would refuse.
        with jax.numpy_dtype_promotion("standard"):
            moves, opt = optimizer.update(
                gradient, opt, theta, value=value, grad=gradient, value_fn=lambda t: loss(t)[0]
            )
        if self.schedule is not None:
            factor = self.schedule(clock.fraction)
            moves = jax.tree.map(lambda move: move * jnp.asarray(factor, move.dtype), moves)
        prefix = "" if self.name == "loss" else self.name + "/"
        reported = {self.name: value} | {prefix + name: metric for name, metric in metrics.items()}
        return eqx.combine(eqx.apply_updates(theta, moves), rest), opt, reported

    def _split(self, model: Any) -> tuple[PyTree, PyTree]:
        mask = trainable(model)
        if self.where is not everything:
            nothing = jax.tree.map(lambda _: False, mask)
            mask = eqx.tree_at(self.where, nothing, self.where(mask))
        return eqx.partition(model, mask)


def summed(slope: Callable[..., Any], theta: PyTree, batch: Any, key: PRNGKeyArray, parts: int) -> Any:
    """Return the means over `parts` parts of a batch of what `slope(theta, batch, key)` returns.

    Every parts-th example is in the same part, so that a batch that is split over devices stays where it is.
    """

    def cut(leaf: Array) -> Array:
        if leaf.shape[0] % parts:
            raise BadInput(f"{leaf.shape[0]} examples cannot be cut into {parts} parts of equal size.")
        return leaf.reshape(leaf.shape[0] // parts, parts, *leaf.shape[1:]).swapaxes(0, 1)

    def add(total: PyTree, now: tuple[Any, PRNGKeyArray]) -> tuple[PyTree, None]:
        return jax.tree.map(jnp.add, total, slope(theta, *now)), None

    shapes = jax.eval_shape(slope, theta, batch, key)
    zero = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    total, _ = jax.lax.scan(add, zero, (jax.tree.map(cut, batch), jr.split(key, parts)))
    # A `Mean` is a total and its weight: both are added, and dividing both changes nothing.
    return jax.tree.map(lambda leaf: leaf / jnp.asarray(parts, leaf.dtype), total)


class Epochs(Update):
    """Go over one batch `passes` times in shuffled minibatches; metrics are their means.

    What remains of N / minibatches is left out of a pass, at random.  `unroll` writes the passes
    out one after the other, which on a CPU is many times faster where the model has convolutions.
    """

    update: Update
    passes: int = eqx.field(static=True, default=1)
    minibatches: int = eqx.field(static=True, default=1)
    unroll: bool = eqx.field(static=True, default=False)

    def init(self, model: Any) -> PyTree:
        """Return the inner update's state."""
        return self.update.init(model)

    def apply(
        self, model: Any, opt: PyTree, batch: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Any, PyTree, Metrics]:
        """Apply the inner update passes · minibatches times."""
        count = jax.tree.leaves(batch)[0].shape[0]
        size = count // self.minibatches
        if size == 0:
            raise BadInput(f"A batch of {count} cannot be cut into {self.minibatches} minibatches.")
        model_arrays, model_rest = eqx.partition(model, eqx.is_array)

        def one(carry: Any, rows_and_key: Any) -> Any:
            arrays, opt = carry
            rows, k = rows_and_key
            part = jax.tree.map(lambda leaf: leaf[rows], batch)
            moved, opt, metrics = self.update.apply(eqx.combine(arrays, model_rest), opt, part, clock, k)
            return (eqx.filter(moved, eqx.is_array), opt), metrics

        keys = jr.split(key, self.passes + 1)
        orders = jax.vmap(lambda k: jr.permutation(k, count))(keys[1:])[:, : size * self.minibatches]
        rows = orders.reshape(self.passes * self.minibatches, size)
        xs = (rows, jr.split(keys[0], len(rows)))
        unroll = len(rows) if self.unroll else 1
        (arrays, opt), metrics = jax.lax.scan(one, (model_arrays, opt), xs, unroll=unroll)
        return eqx.combine(arrays, model_rest), opt, _averaged(metrics)


class Every(Update):
    """Apply an update at the steps 0, n, 2n, …; at the others it reports nothing."""

    steps: int = eqx.field(static=True)
    update: Update

    def __check_init__(self):
        if self.steps < 1:
            raise BadInput(f"Every needs a number of steps of at least 1, not {self.steps}.")

    def init(self, model: Any) -> PyTree:
        """Return the inner update's state."""
        return self.update.init(model)

    def apply(
        self, model: Any, opt: PyTree, batch: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Any, PyTree, Metrics]:
        """Apply the inner update if its turn has come."""
        arrays, rest = eqx.partition(model, eqx.is_array)

        def turn(arrays: PyTree, opt: PyTree) -> Any:
            moved, new, metrics = self.update.apply(eqx.combine(arrays, rest), opt, batch, clock, key)
            return eqx.filter(moved, eqx.is_array), new, {name: _weighed(m) for name, m in metrics.items()}

        shapes = jax.eval_shape(turn, arrays, opt)

        def wait(arrays: PyTree, opt: PyTree) -> Any:
            return arrays, opt, jax.tree.map(lambda m: jnp.zeros(m.shape, m.dtype), shapes[2])

        arrays, opt, metrics = jax.lax.cond(clock.step % self.steps == 0, turn, wait, arrays, opt)
        return eqx.combine(arrays, rest), opt, metrics


class Until(Update):
    """Repeat an update on one batch until a metric passes a bound, at most `times` times.

    The metrics are those of the last repetition; `repeats` says how many there were.
    """

    update: Update
    metric: str = eqx.field(static=True)
    bound: float = eqx.field(static=True)
    times: int = eqx.field(static=True)

    def init(self, model: Any) -> PyTree:
        """Return the inner update's state."""
        return self.update.init(model)

    def apply(
        self, model: Any, opt: PyTree, batch: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Any, PyTree, Metrics]:
        """Apply the inner update up to `times` times."""
        arrays, rest = eqx.partition(model, eqx.is_array)

        def once(arrays: PyTree, opt: PyTree, i: Array) -> Any:
            k = jr.fold_in(key, i)
            moved, opt, metrics = self.update.apply(eqx.combine(arrays, rest), opt, batch, clock, k)
            if self.metric not in metrics:
                raise BadInput(
                    f"Until watches the metric {self.metric!r}, but the update reports {sorted(metrics)}."
                )
            return eqx.filter(moved, eqx.is_array), opt, metrics

        def again(carry: Any) -> Array:
            _, _, metrics, i = carry
            return (i < self.times) & (metrics[self.metric] <= self.bound)

        def body(carry: Any) -> Any:
            arrays, opt, _, i = carry
            return *once(arrays, opt, i), i + 1

        first = (*once(arrays, opt, jnp.asarray(0)), jnp.asarray(1))
        arrays, opt, metrics, i = jax.lax.while_loop(again, body, first)
        return eqx.combine(arrays, rest), opt, metrics | {"repeats": i.astype(jnp.float32)}


class On(Update):
    """Apply an update to a part of the batch, `select(batch)`."""

    select: Callable[[Any], Any] = eqx.field(static=True)
    update: Update

    def init(self, model: Any) -> PyTree:
        """Return the inner update's state."""
        return self.update.init(model)

    def apply(
        self, model: Any, opt: PyTree, batch: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Any, PyTree, Metrics]:
        """Apply the inner update to the selected part."""
        return self.update.apply(model, opt, self.select(batch), clock, key)


def _weighed(metric: Any) -> Mean:
    if isinstance(metric, Mean):
        return metric
    return Mean(jnp.asarray(metric), jnp.ones((), jnp.asarray(metric).dtype))


def _averaged(metrics: Metrics) -> Metrics:
    def average(metric: Any) -> Any:
        if isinstance(metric, Mean):
            return Mean(metric.total.sum(0), metric.weight.sum(0))
        return metric.mean(0)

    return {name: average(metric) for name, metric in metrics.items()}
