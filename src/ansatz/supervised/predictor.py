"""What answers questions about new rows: the encoders, the ensemble and its calibration."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from ansatz.core import BadInput, Map
from ansatz.data import Features, TableEncoder, TargetEncoder
from ansatz.maps.stacked import Stacked
from ansatz.supervised.conformal import CrossPlus, PredictionSets, Split

BLOCK = 4096


@dataclass(frozen=True)
class Predictor:
    """A trained ensemble of k members with all that it needs to read rows and to speak in units.

    `model` is a `Stacked` map: k answers to a row.  `intervals` turn its quantiles into intervals of
    a proven coverage, `sets` its probabilities into sets of classes; `temperature` divides logits.
    """

    encoder: TableEncoder
    target: TargetEncoder
    model: Stacked
    temperature: float = 1.0
    intervals: Split | CrossPlus | None = None
    sets: PredictionSets | None = None

    @property
    def task(self) -> str:
        """`regression`, `binary` or `multiclass`."""
        return self.target.task

    def answers(self, x: Features) -> np.ndarray:
        """Return the members' raw answers `[k, N, outputs]` to encoded rows."""
        count, parts = len(x.numeric), []
        for start in range(0, count, BLOCK):
            part = [np.asarray(leaf[start : start + BLOCK]) for leaf in x]
            rows = len(part[0])
            # Shapes are rounded up to powers of two, so that few of them are compiled.
            room = (1 << max(rows - 1, 15).bit_length()) - rows
            padded = Features(*(jnp.asarray(np.pad(leaf, ((0, room), (0, 0)))) for leaf in part))
            parts.append(np.asarray(_forward(self.model, padded))[:, :rows])
        if not parts:
            raise BadInput("The table has no rows to predict.")
        return np.concatenate(parts, axis=1).astype(np.float64)

    def mean(self, answers: np.ndarray) -> np.ndarray:
        """Return the ensemble's encoded prediction `[N]`, or its probabilities `[N, classes]`."""
        if self.task == "regression":
            return answers[..., 0].mean(0)
        return probabilities(answers, self.task, self.temperature).mean(0)

    def predict(self, frame: pl.DataFrame, *, remarks: list[str] | None = None) -> np.ndarray:
        """Return the target `[N]` of the rows: numbers in the target's unit, or classes."""
        found = self.mean(self.answers(self.encoder.transform(frame, remarks=remarks)))
        return self.target.inverse(found if self.task == "regression" else found.argmax(1))

    def probabilities(self, frame: pl.DataFrame, *, remarks: list[str] | None = None) -> np.ndarray:
        """Return the calibrated probabilities `[N, classes]`, in the order of `target.classes`."""
        if self.task == "regression":
            raise BadInput(
                f"The target {self.target.name!r} is a number; there are no classes to be probable."
            )
        return self.mean(self.answers(self.encoder.transform(frame, remarks=remarks)))

    def interval(
        self, frame: pl.DataFrame, *, remarks: list[str] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends `[N]` of the prediction intervals, in the target's unit."""
        if self.intervals is None:
            raise BadInput(f"The target {self.target.name!r} is a class; ask for its probabilities instead.")
        return self.encoded_interval(self.answers(self.encoder.transform(frame, remarks=remarks)))

    def encoded_interval(self, answers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the intervals that belong to raw answers, in the target's unit."""
        low, high = quantile_ends(answers)
        if isinstance(self.intervals, CrossPlus):
            ends = self.intervals.interval(low, high)
        else:
            assert self.intervals is not None
            ends = self.intervals.interval(low.mean(0), high.mean(0))
        lower, upper = (self.target.inverse(end) for end in ends)
        return lower, upper


def quantile_ends(answers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and upper quantiles in raw answers `[..., outputs]`; the mean where there are none."""
    if answers.shape[-1] == 1:
        return answers[..., 0], answers[..., 0]
    low, high = answers[..., 1], answers[..., 2]
    return np.minimum(low, high), np.maximum(low, high)


def probabilities(answers: np.ndarray, task: str, temperature: float = 1.0) -> np.ndarray:
    """Return the probabilities `[..., classes]` that logits `[..., outputs]` give."""
    logits = logits_of(answers, task) / temperature
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def logits_of(answers: np.ndarray, task: str) -> np.ndarray:
    """Return logits with one column a class; a binary map answers the logit of its second class."""
    if task != "binary":
        return answers
    return np.concatenate([np.zeros_like(answers), answers], axis=-1)


@eqx.filter_jit
def _forward(model: Map, x: Features) -> jax.Array:
    return jnp.moveaxis(jax.vmap(model)(x), 0, 1)
