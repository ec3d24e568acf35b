"""The network for tables: encoded columns, a linear and a deep part, and its own quantiles."""

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array

from ansatz._spelling import choose
from ansatz.core import BadInput, Map, Metrics, Objective, Pairs, Parts, Recipe, Watch, over_batch
from ansatz.data.table import Blocks, Table
from ansatz.maps import MLP, Affine, Fourier, Polynomial, TableEncoder, Tabular, Taylor
from ansatz.objectives import (
    binary_cross_entropy,
    cross_entropy,
    huber,
    load_objective,
    mean_absolute_error,
    mean_squared_error,
    penalized,
)
from ansatz.supervised.options import batch_for, check_level, check_sizes, optimizer_of, schedule_of
from ansatz.training.optimizers import schedule
from ansatz.training.updates import Descend

MAPS = ("network", "mlp", "affine", "polynomial", "fourier", "taylor")
POINT_LOSSES = {"mse": mean_squared_error, "mae": mean_absolute_error, "huber": huber(1.0)}
BLOCK = 8192
SMALL_RATE, LARGE_RATE = 2e-3, 3e-3
FEW = 1000
"""Below so many training rows a network soon learns all that can be learned, and its ensemble is mixed."""
SETTLED = 1 / 3
"""The share of the run before which no member stops: while the rate is high the validation loss can stand
still, or be ruled by a few extreme rows, for many epochs."""
LARGE = 4000
"""From so many training rows on, a deeper network that learns faster is worth its time."""


class Examples(NamedTuple):
    """The rows of one member of an ensemble: all members share `pairs` and differ in their rows.

    `pairs.x` is a `Features` of `numeric: [N, D]` and `codes: [N, C]`; `train` and `held` are row
    numbers; `edges` are the bins of each number, which a `plain` member does not look at.
    """

    pairs: Pairs
    train: Any
    held: Any
    task: str
    outputs: int
    levels: tuple[int, ...]
    edges: Any
    plain: bool = False


class Encoded(Map):
    """A map of the features of a row, `inner(encoder(row))`."""

    encoder: TableEncoder
    inner: Map

    def __call__(self, x: Any, *, key: Any = None) -> Array:
        """Return the inner map's answer to a row."""
        return self.inner(self.encoder(x), key=key)


class TableNetwork(Recipe):
    """A map from the rows of a table to its target, trained by mini-batches with early stopping.

    - `map`: "network" (features of each column, a linear and a deep part), the notes' "mlp", "affine",
      or the series "polynomial", "fourier" and "taylor".
    - `width`, `depth`, `activation`, `dropout`: of the hidden layers; depth 0 to choose 2, or 3 for many
      rows.
    - `bins`: piecewise linear features a number gets; 0 for the numbers alone, -1 to choose.
    - `mixed`: let every other member of a small table's ensemble see the numbers alone.
    - `loss`: "auto" (squares for a number, cross-entropy for classes), "mse", "mae", "huber", or
      FILE.py:NAME for an objective of your own.
    - `l1`, `l2`: penalties on the weights; `weight_decay`: that of AdamW.
    - `optimizer`: gradient_descent, momentum, nesterov, adam, adamw or lbfgs; `learning_rate` its step, 0 to
      choose.
    - `schedule`: of the learning rate over the run (constant, cosine, exponential, step), after a rise
      over the share `warmup` of it; `clip`: the largest norm of a gradient, 0 for none.
    - `batch`: examples in a mini-batch, 0 to choose from the number of rows.
    - `patience`: epochs without a better validation loss before the training stops, counted when a third
      of the run is over.

    - `level`: the coverage of the intervals.

    For a number the map answers `[mean, lower, upper]`, the last two trained as the quantiles of
    `level` by the pinball loss; with an objective of your own it answers `[mean]` alone.
    """

    map: str = "network"
    width: int = 128
    depth: int = 0
    activation: str = "silu"
    dropout: float = 0.1
    bins: int = -1
    mixed: bool = True
    loss: str = "auto"
    l1: float = 0.0
    l2: float = 0.0
    optimizer: str = "adamw"
    learning_rate: float = 0.0
    schedule: str = "cosine"
    warmup: float = 0.02
    weight_decay: float = 0.01
    clip: float = 1.0
    batch: int = 0
    patience: int = 20
    level: float = 0.9

    def __check_init__(self) -> None:
        """Refuse what cannot be trained, before data are read."""
        choose("map", self.map, dict.fromkeys(MAPS))
        if self.loss not in ("auto", "cross_entropy", *POINT_LOSSES) and ".py:" not in self.loss:
            choose("loss", self.loss, dict.fromkeys(("auto", "cross_entropy", *POINT_LOSSES)))
        check_sizes(
            self,
            at_least_one=("width", "patience"),
            not_negative=("depth", "l1", "l2", "batch", "weight_decay"),
        )
        if self.bins < -1:
            raise BadInput(f"bins={self.bins} is no number of bins: it is at least 0, or -1 to choose.")
        check_level(self.level)
        self.rule()
        schedule(self.schedule, self.warmup)

    @property
    def quantiles(self) -> bool:
        """Tell whether a regression trains its own quantiles."""
        return ".py:" not in self.loss

    def rule(self) -> Any:
        """Return the optimizer."""
        # L-BFGS without a rate searches along the line.
        return optimizer_of(self, self.learning_rate or (None if self.optimizer == "lbfgs" else SMALL_RATE))

    def build(self, data: Examples, key: Any) -> Parts:
        """Return the parts for one member of the ensemble."""
        encode, inside = jr.split(key)
        columns = data.pairs.x.numeric.shape[1]
        edges = data.edges if self.bins and self.map == "network" else None
        encoder = TableEncoder(columns, data.levels, edges, key=encode)
        if data.plain and encoder.piecewise is not None:
            encoder = _without_bins(encoder)
        model = self._map(encoder, data.outputs, inside)
        objective = self.objective(data.task)
        trained = penalized(objective, l1=self.l1, l2=self.l2) if self.l1 or self.l2 else objective
        source = Table(data.pairs, self.batch, data.train)
        held = Blocks(data.pairs, BLOCK, data.held)
        every = -(-source.length // source.size)
        watch = Watch(
            held, objective, every, held.blocks, monitor="score", patience=self.patience, start=SETTLED
        )
        return Parts(model, source, (Descend(trained, self.rule(), schedule=schedule_of(self)),), watch=watch)

    def objective(self, task: str) -> Objective:
        """Return what is lowered; validation monitors its metric `score`."""
        if ".py:" in self.loss:
            return _scored(load_objective(self.loss))
        if task == "regression":
            if self.loss == "cross_entropy":
                raise BadInput("The loss 'cross_entropy' is for classes, and the target is a number.")
            return with_quantiles(POINT_LOSSES["mse" if self.loss == "auto" else self.loss], self.level)
        if self.loss not in ("auto", "cross_entropy"):
            raise BadInput(
                f"The loss {self.loss!r} is for numbers, and the target is a class; use 'cross_entropy'."
            )
        return _scored(binary_objective if task == "binary" else cross_entropy)

    def _map(self, encoder: TableEncoder, outputs: int, key: Any) -> Map:
        if self.map == "network":
            return Tabular(
                encoder, outputs, self.width, self.depth or 2, self.activation, self.dropout, key=key
            )
        size = encoder.out_size
        if self.map == "mlp":
            inner = MLP(
                size, outputs, self.width, self.depth or 2, self.activation, dropout=self.dropout, key=key
            )
        elif self.map == "affine":
            inner = Affine(size, outputs, key=key)
        else:
            kind = {"polynomial": Polynomial, "fourier": Fourier, "taylor": Taylor}[self.map]
            inner = kind(size, outputs, key=key)
        return Encoded(encoder, inner)


class _Given(Map):
    """The identity: its input is the prediction."""

    def __call__(self, x: Array, *, key: Any = None) -> Array:
        return x


def with_quantiles(point: Objective, level: float) -> Objective:
    """Return ``point(mean) + pinball(lower, upper)`` for a map that answers `[mean, lower, upper]`.

    The quantiles are those of (1 - level)/2 and (1 + level)/2; `score` is the sum.
    """
    tail = (1 - level) / 2

    def objective(model: Any, batch: Pairs, key: Any) -> tuple[Array, Metrics]:
        answers = over_batch(model, batch.x, key)
        loss, metrics = point(_Given(), batch._replace(x=answers[:, :1]), None)
        tau = jnp.asarray([tail, 1 - tail], answers.dtype)[None, :]
        error = batch.y[:, None].astype(answers.dtype) - answers[:, 1:]
        pinball = jnp.maximum(tau * error, (tau - 1) * error).sum(1)
        weight = jnp.ones_like(pinball) if batch.weight is None else batch.weight
        pinball = (pinball * weight).sum() / jnp.maximum(weight.sum(), 1e-12)
        total = loss + 0.5 * pinball
        return total, metrics | {"point": loss, "pinball": pinball, "score": total}

    return objective


def binary_objective(model: Any, batch: Pairs, key: Any) -> tuple[Array, Metrics]:
    """Binary cross-entropy for class numbers 0 and 1."""
    return binary_cross_entropy(model, batch._replace(y=batch.y.astype(jnp.float32)), key)


def _scored(objective: Objective) -> Objective:
    def scored(model: Any, batch: Pairs, key: Any) -> tuple[Array, Metrics]:
        loss, metrics = objective(model, batch, key)
        return loss, metrics | {"score": loss}

    return scored


def _without_bins(encoder: TableEncoder) -> TableEncoder:
    """Return the encoder with piecewise linear features that are all 0, of the same shapes."""

    def fixed(e: TableEncoder) -> Any:
        assert e.piecewise is not None
        return e.piecewise.slope.value, e.piecewise.offset.value

    return eqx.tree_at(fixed, encoder, replace_fn=jnp.zeros_like)


def automatic_batch(rows: int) -> int:
    """Return the mini-batch for so many training rows: about rows/24, a power of two in [16, 256].

    >>> [automatic_batch(n) for n in (100, 1000, 50_000)]
    [16, 32, 256]
    """
    return batch_for(rows, 256)


def automatic_epochs(rows: int) -> int:
    """Return the most epochs for so many training rows; early stopping ends most runs long before.

    >>> [automatic_epochs(n) for n in (300, 2000, 50_000)]
    [120, 300, 60]
    """
    return int(min(120 if rows < FEW else 300, max(60, 300_000 / rows**0.8)))


def automatic_depth(rows: int) -> int:
    """Return the hidden layers for so many training rows."""
    return 2 if rows < LARGE else 3


def automatic_rate(rows: int) -> float:
    """Return the learning rate for so many training rows."""
    return SMALL_RATE if rows < LARGE else LARGE_RATE


def automatic_bins(rows: int) -> int:
    """Return the bins that a number gets with so many training rows.

    >>> [automatic_bins(n) for n in (300, 2000, 50_000)]
    [8, 16, 32]
    """
    return 8 if rows < FEW else 16 if rows < 5000 else 32
