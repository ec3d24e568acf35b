"""One training step, as a pure function: draw a batch, apply the updates in order, run `after`.

This is the whole of the engine that knows what a step is; `fit` only repeats it.  Anyone may write
a loop of their own around `advance`:

    parts = recipe.build(data, key)
    state = start(parts, key)
    for i in range(steps):
        state, metrics = advance(parts, state, clock_at(i, steps), key)
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from ansatz.core import BadInput, Clock, Mean, Metrics, Parts, Watch, trainable

FIRST = 0x7FFFFFFF
"""What is folded into a run's key for the first state of a source."""


class Best(NamedTuple):
    """The best model that validation has seen.

    `theta` are its trained arrays, `value` the monitored metric, `step` the number of steps taken,
    `stale` the number of validations since that count against the patience.
    """

    theta: PyTree
    value: Float[Array, ""]
    step: Int[Array, ""]
    stale: Int[Array, ""]


class State(NamedTuple):
    """Everything that a step changes."""

    model: Any
    opts: tuple[PyTree, ...]
    source: PyTree
    best: Best | None


def clock_at(step: int | Array, total: int | Array) -> Clock:
    """Return the clock of a run of `total` steps at `step`."""
    return Clock(jnp.asarray(step, jnp.int32), jnp.asarray(total, jnp.int32))


def start(parts: Parts, key: PRNGKeyArray) -> State:
    """Return the state before the first step."""
    best = None
    if parts.watch is not None:
        zero = jnp.zeros((), jnp.int32)
        theta = eqx.filter(parts.model, trainable(parts.model))
        best = Best(theta, jnp.asarray(jnp.inf, jnp.float32), zero, zero)
    opts = tuple(update.init(parts.model) for update in parts.updates)
    source = parts.source.init(parts.model, jr.fold_in(key, FIRST))
    return jax.tree.map(_settled, State(parts.model, opts, source, best))


def advance(parts: Parts, state: State, clock: Clock, key: PRNGKeyArray) -> tuple[State, Metrics]:
    """Take one step; `key` is the key of the run, and the step's own keys are folded from it."""
    batch, source = draw(parts, state, clock, key)
    return learn(parts, state._replace(source=source), batch, clock, key)


def draw(parts: Parts, state: State, clock: Clock, key: PRNGKeyArray) -> tuple[Any, PyTree]:
    """Return the next batch and the source's new state."""
    return parts.source.next(state.source, state.model, clock, _keys(parts, clock, key)[0])


def learn(parts: Parts, state: State, batch: Any, clock: Clock, key: PRNGKeyArray) -> tuple[State, Metrics]:
    """Apply the updates to one batch: the compiled half of a step whose source is the host."""
    model, opts, metrics = state.model, [], {}
    for update, opt, k in zip(parts.updates, state.opts, _keys(parts, clock, key)[1:], strict=True):
        model, opt, reported = update.apply(model, opt, batch, clock, k)
        if twice := metrics.keys() & reported.keys():
            raise BadInput(
                f"Two updates report the metric {sorted(twice)[0]!r}; give one of them another name, "
                "as in Descend(..., name='critic')."
            )
        opts.append(opt)
        metrics |= reported
    model = parts.after(model, batch, clock)
    return jax.tree.map(_settled, State(model, tuple(opts), state.source, state.best)), metrics


def validate(parts: Parts, state: State, clock: Clock, key: PRNGKeyArray) -> tuple[State, Metrics]:
    """Measure the watched objective and keep the model if it is the best so far.

    `clock.step` is the number of steps taken.  Once `patience` has run out the best stays as it is,
    so that a seed of an ensemble ends where it would have ended alone.
    """
    assert parts.watch is not None
    return judge(parts, state, watched(parts.watch, state.model, clock, key), clock)


def watched(watch: Watch, model: Any, clock: Clock, key: PRNGKeyArray) -> list[Any]:
    """Return the batches of one validation of a model."""
    source, batches = watch.source.init(model, key), []
    for _ in range(watch.batches):
        batch, source = watch.source.next(source, model, clock, key)
        batches.append(batch)
    return batches


def judge(parts: Parts, state: State, batches: list[Any], clock: Clock) -> tuple[State, Metrics]:
    """Measure the watched objective on batches: the compiled half of a validation on the host."""
    watch = parts.watch
    assert watch is not None and state.best is not None
    reports = []
    for batch in batches:
        loss, metrics = watch.objective(state.model, batch, None)
        reports.append({"loss": loss, **metrics})
    metrics = {name: _mean([report[name] for report in reports]) for name in reports[0]}
    if watch.monitor not in metrics:
        raise BadInput(
            f"The watch monitors {watch.monitor!r}, but validation reports {', '.join(sorted(metrics))}."
        )
    best = state.best
    value = jnp.asarray(value_of(metrics[watch.monitor]), best.value.dtype)
    open_ = jnp.asarray(True) if watch.patience is None else best.stale < watch.patience
    better = open_ & (value < best.value)
    theta = eqx.filter(state.model, trainable(state.model))
    chosen = jax.tree.map(lambda new, old: jnp.where(better, new, old), theta, best.theta)
    fresh = better | (clock.fraction < watch.start)
    stale = jnp.where(fresh, 0, best.stale + 1).astype(best.stale.dtype)
    best = Best(chosen, jnp.where(better, value, best.value), jnp.where(better, clock.step, best.step), stale)
    return state._replace(best=best), metrics


def best_model(state: State) -> Any:
    """Return the best model that validation kept, or the last one where none was watched."""
    if state.best is None:
        return state.model
    return eqx.combine(state.best.theta, state.model)


def value_of(metric: Any) -> Any:
    """Return a metric as one number; a `Mean` of weight 0 is nan."""
    if isinstance(metric, Mean):
        return metric.total / metric.weight
    return metric


def _keys(parts: Parts, clock: Clock, key: PRNGKeyArray) -> Any:
    return jr.split(jr.fold_in(key, clock.step), 1 + len(parts.updates))


def _mean(values: list[Any]) -> Any:
    if isinstance(values[0], Mean):
        return Mean(jnp.stack([v.total for v in values]).sum(), jnp.stack([v.weight for v in values]).sum())
    return jnp.stack(values).mean()


def _settled(leaf: Any) -> Any:
    """Fix the type of an array: a weakly typed one would compile the second step anew."""
    if isinstance(leaf, jax.Array) and getattr(leaf, "weak_type", False):
        return jax.lax.convert_element_type(leaf, leaf.dtype)
    return leaf
