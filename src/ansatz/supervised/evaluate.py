"""The honest figures of a fitted table: test error, baselines, coverage, and which columns matter."""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ansatz.data import Features, Prepared
from ansatz.data.encoders import Coded
from ansatz.results.numbers import Interval
from ansatz.results.sketch import Sketch
from ansatz.supervised import metrics
from ansatz.supervised.attribution import (
    Importance,
    NullBand,
    gradient_importance,
    null_band,
    permutation_importance,
)
from ansatz.supervised.baselines import BaselineResult, Verdict, baselines, metric_of, verdict
from ansatz.supervised.conformal import Coverage, covered, covered_sets
from ansatz.supervised.plan import Plan
from ansatz.supervised.predictor import Predictor
from ansatz.supervised.summary import cloud, summarize


class Evaluation(NamedTuple):
    """What the test part says.

    `y` and `prediction` are in the target's unit, `[N]`, or class numbers and probabilities;
    `lower` and `upper` are the intervals of a regression; `interval` is the metric of the network with
    its bootstrap interval and `scores` more of them; `gradient` is the change of the prediction for one
    standard deviation of each column; `summary` sketches the columns, and `cloud` holds rows to draw
    where there are one or two inputs.
    """

    y: np.ndarray
    prediction: np.ndarray
    lower: np.ndarray | None
    upper: np.ndarray | None
    metric: str
    interval: Interval
    scores: dict[str, float]
    coverage: Coverage
    level: float
    baselines: list[BaselineResult]
    verdict: Verdict | None
    importance: Importance | None
    null: NullBand | None
    gradient: dict[str, float]
    summary: dict[str, Sketch]
    cloud: dict[str, list[float]]


def evaluate(
    predictor: Predictor,
    prepared: Prepared,
    plan: Plan,
    x: Features,
    level: float,
    *,
    compare: bool = True,
    null: Callable[[], Predictor] | None = None,
    attribution: bool = True,
    seed: int = 0,
) -> Evaluation:
    """Measure a predictor on the test rows; `null()` trains one on shuffled targets."""
    kind = "regression" if predictor.task == "regression" else "classification"
    metric = metric_of(kind, None)
    column = prepared.frame[prepared.target]
    truth = _truth(predictor, column)
    test, y = plan.test, truth[plan.test]
    answers = predictor.answers(Features(x.numeric[test], x.codes[test]))
    found = predictor.mean(answers)
    lower = upper = None
    if kind == "regression":
        found = predictor.target.inverse(found)
        lower, upper = predictor.encoded_interval(answers)
        coverage, scores = covered(y, lower, upper), metrics.regression(y, found)
    else:
        assert predictor.sets is not None
        coverage = covered_sets(y, predictor.sets.sets(found))
        scores = metrics.classification(y, found)
    results: list[BaselineResult] = []
    if compare:
        frame = prepared.frame.select(predictor.encoder.columns)
        development = plan.development
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results = baselines(kind, frame[development], truth[development], frame[test], y, seed=seed)
    importance = band = None
    if attribution:
        blocks = column_blocks(predictor, Features(x.numeric[test], x.codes[test]))
        importance = permutation_importance(_from_blocks(predictor), blocks, y, metric, seed=seed)
        if null is not None:
            band = null_band(_from_blocks(null()), blocks, y, metric, seed=seed)
    return Evaluation(
        y, found, lower, upper, metric.name, metrics.bootstrap(metric, y, found, seed=seed), scores, coverage,
        level, results, verdict(y, found, results, seed=seed) if results else None, importance, band,
        gradients(predictor, Features(x.numeric[test], x.codes[test])) if attribution else {},
        summarize(predictor, prepared, plan), cloud(predictor, prepared, truth, seed),
    )  # fmt: skip


def column_blocks(predictor: Predictor, x: Features) -> dict[str, np.ndarray]:
    """Return what each column of the table became, `[N, features]` a column, so that it can be shuffled."""
    parents = np.asarray(predictor.encoder.parents)
    blocks = {}
    for encoder in predictor.encoder.encoders:
        if isinstance(encoder, Coded):
            at = predictor.encoder.code_names.index(encoder.name)
            blocks[encoder.name] = x.codes[:, [at]]
        else:
            blocks[encoder.name] = x.numeric[:, parents == encoder.name]
    return blocks


def gradients(predictor: Predictor, x: Features) -> dict[str, float]:
    """Return mean |∂f/∂x| · sd(x) of each column of numbers, in encoded targets or logits."""
    if not x.numeric.shape[1]:
        return {}
    codes = jnp.asarray(np.zeros(x.codes.shape[1], np.int32))

    def answer(row: jax.Array) -> jax.Array:
        out = predictor.model(Features(row, codes)).mean(0)
        return out[0] if predictor.task == "regression" else out

    found = gradient_importance(answer, x.numeric)
    total: dict[str, float] = {}
    for parent, value in zip(predictor.encoder.parents, found, strict=True):
        total[parent] = total.get(parent, 0.0) + float(value)
    return total


def _truth(predictor: Predictor, column: Any) -> np.ndarray:
    if predictor.task == "regression":
        return column.cast(float).to_numpy()
    return predictor.target.transform(column).astype(np.int64)


def _from_blocks(predictor: Predictor) -> Any:
    coded = set(predictor.encoder.code_names)

    def predict(blocks: dict[str, np.ndarray]) -> np.ndarray:
        rows = len(next(iter(blocks.values())))
        numeric = [np.asarray(b, np.float32) for name, b in blocks.items() if name not in coded]
        codes = [np.asarray(b, np.int32) for name, b in blocks.items() if name in coded]
        empty = np.zeros((rows, 0), np.float32)
        x = Features(
            np.concatenate([empty, *numeric], axis=1),
            np.concatenate([empty.astype(np.int32), *codes], axis=1),
        )
        found = predictor.mean(predictor.answers(x))
        return predictor.target.inverse(found) if predictor.task == "regression" else found

    return predict
