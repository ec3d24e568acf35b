"""The types that everything else is made of.

Data flows one way: **Source → Map → Objective → Update → fit → Run**.  A `Source` draws batches, a
`Map` is f_θ on one example, an *objective* turns a model and a batch into a number to lower, an
`Update` moves θ, a `Recipe` puts them together, and `ansatz.fit` runs the recipe.

Three functions have types of their own, spelled here once:

* objective: `(model, batch, key) -> (loss, metrics)`, a scalar and a dictionary of scalars;
* residual: `(model, batch, key) -> (r, metrics)` with `r: [N]`, what Gauss-Newton needs;
* after: `(model, batch, clock) -> model`, run once a step after the updates (moving averages).
"""

import abc
import enum
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from ansatz.errors import BadInput as BadInput

Metrics: TypeAlias = dict[str, Any]
Objective: TypeAlias = Callable[[Any, Any, Any], tuple[Array, Metrics]]


class Map(eqx.Module):
    """A parameterized map f_θ on **one** example; `jax.vmap` makes the batch.

    θ are the floating-point arrays of the module that do not stand inside a `Fixed`.
    """

    @abc.abstractmethod
    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Any:
        """Return f_θ(x); `key` is given while training and drives what is random (dropout)."""


class Fixed(eqx.Module):
    """A value that the model carries and no update trains: targets, averages, grids, bases."""

    value: PyTree


class Clock(NamedTuple):
    """The time of a run; never batched, so that decisions on it stay decisions under `vmap`.

    `step: Int[]` counts from 0 within the run and `total: Int[]` is the number of steps planned.
    """

    step: Int[Array, ""]
    total: Int[Array, ""]

    @property
    def fraction(self) -> Float[Array, ""]:
        """The share of the run that is over, in [0, 1]."""
        return jnp.asarray(self.step, jnp.float32) / jnp.maximum(jnp.asarray(self.total, jnp.float32), 1)


class Pairs(NamedTuple):
    """A batch of labelled examples, `x: [N, ...]`, `y: [N, ...]`, with weights `[N]` if any."""

    x: Any
    y: Any
    weight: Any = None


class Mean(NamedTuple):
    """A metric that is an average over what a step happened to see: `total / weight`.

    Steps of weight 0 (no episode ended, an empty class) contribute nothing and are no error.
    """

    total: Float[Array, ""]
    weight: Float[Array, ""]


class Source(eqx.Module):
    """Where batches come from: a table, collocation points, tokens, a rollout, a replay ring.

    With `host = True`, `next` runs in Python and only the learning is compiled; `prefetch` batches
    are then drawn ahead by a thread (0 for a source that must see the newest model).
    """

    host: ClassVar[bool] = False
    prefetch: ClassVar[int] = 2

    @abc.abstractmethod
    def init(self, model: Any, key: PRNGKeyArray) -> PyTree:
        """Return the state from which the first batch is drawn."""

    @abc.abstractmethod
    def next(self, state: PyTree, model: Any, clock: Clock, key: PRNGKeyArray) -> tuple[Any, PyTree]:
        """Return the next batch and the new state."""


class Update(eqx.Module):
    """One way of moving some of the parameters, given a batch."""

    @abc.abstractmethod
    def init(self, model: Any) -> PyTree:
        """Return the state of the optimizer for this model."""

    @abc.abstractmethod
    def apply(
        self, model: Any, opt: PyTree, batch: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Any, PyTree, Metrics]:
        """Return the moved model, the new optimizer state and the metrics of this step."""


def keep(model: Any, batch: Any, clock: Clock) -> Any:
    """The `after` that does nothing."""
    return model


class Watch(eqx.Module):
    """Validation: `objective` on batches of `source`, every so many steps.

    The model with the lowest `monitor` is kept as the run's best; after `patience` validations
    without a lower one the run stops early (`None`: never).  Those before the share `start` of the run
    is over do not count.
    """

    source: Source
    objective: Objective
    every: int = eqx.field(default=1, static=True)
    batches: int = eqx.field(default=1, static=True)
    monitor: str = eqx.field(default="loss", static=True)
    patience: int | None = eqx.field(default=None, static=True)
    start: float = eqx.field(default=0.0, static=True)


class Parts(NamedTuple):
    """What a recipe builds: everything that one training step needs."""

    model: Any
    source: Source
    updates: tuple[Update, ...]
    after: Callable[[Any, Any, Clock], Any] = keep
    watch: Watch | None = None


class Recipe(eqx.Module):
    """Plain fields that JSON can hold; they are the command line's flags and the run's record."""

    @abc.abstractmethod
    def build(self, data: Any, key: PRNGKeyArray) -> Parts:
        """Return the parts for these data; `key` initialises the model."""


class Stage(NamedTuple):
    """A recipe for a number of steps; `enter(old_model, new_model) -> model` carries θ over."""

    recipe: Recipe
    steps: int
    enter: Callable[[Any, Any], Any] | None = None


class Each(tuple):
    """One data set a seed: `fit(recipe, Each([d0, d1]), seeds=2)` trains seed i on `d_i`."""


class Status(enum.Enum):
    """Why a run is where it is; each value is the sentence that is shown."""

    finished = "The run finished: all its steps were taken."
    stopped_early = "The run stopped early: validation no longer improved; the best model is kept."
    nonfinite = "A metric became infinite or not a number; the last good state is kept."
    interrupted = "The run was interrupted; its state is kept and can be resumed."
    out_of_budget = "The time budget was used up; the state is kept and can be resumed."
    stopped = "A hook asked the run to stop; the state is kept and can be resumed."


def trainable(model: PyTree) -> PyTree:
    """Return the mask of θ: `True` at floating-point arrays that stand outside any `Fixed`.

    >>> import jax.numpy as jnp
    >>> trainable({"w": jnp.ones(2), "n": jnp.arange(2), "target": Fixed(jnp.ones(2))})
    {'n': False, 'target': Fixed(value=False), 'w': True}
    """

    def mask(leaf: Any) -> Any:
        if isinstance(leaf, Fixed):
            return jax.tree.map(lambda _: False, leaf)
        if isinstance(leaf, jax.ShapeDtypeStruct):
            return jnp.issubdtype(leaf.dtype, jnp.inexact)
        return eqx.is_inexact_array(leaf)

    return jax.tree.map(mask, model, is_leaf=lambda leaf: isinstance(leaf, Fixed))


def count_parameters(model: PyTree) -> int:
    """Return the number of real parameters in θ (a complex one counts twice).

    Of a model that `equinox.filter_eval_shape` made, whose arrays are shapes alone, it counts those.

    >>> shapes = jax.eval_shape(lambda: {"w": jnp.ones((3, 2)), "n": jnp.arange(4)})
    >>> count_parameters(shapes)
    6
    """
    theta = jax.tree.leaves(eqx.filter(model, trainable(model)))
    return sum(x.size * (2 if jnp.issubdtype(x.dtype, jnp.complexfloating) else 1) for x in theta)


def over_batch(model: Map, x: Any, key: PRNGKeyArray | None = None) -> Any:
    """Return f_θ on a batch, `x: [N, ...]`; each example gets a key of its own."""
    if key is None:
        return jax.vmap(model)(x)
    keys = jax.random.split(key, jax.tree.leaves(x)[0].shape[0])
    return jax.vmap(lambda one, k: model(one, key=k))(x, keys)
