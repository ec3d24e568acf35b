"""What a report needs of a table once its rows are gone: sketches of its columns, and points to draw."""

from typing import Any

import numpy as np
import polars as pl

from ansatz.data import Prepared
from ansatz.data.encoders import Encoder, Moment, Numeric, days, numbers, words
from ansatz.results.sketch import Sketch, sketch
from ansatz.supervised.plan import Plan
from ansatz.supervised.predictor import Predictor

MOST_COLUMNS = 100
MOST_POINTS = 1200


def summarize(predictor: Predictor, prepared: Prepared, plan: Plan) -> dict[str, Sketch]:
    """Return the sketches of the target and of the first 100 inputs, over the rows outside the test part."""
    frame, target = prepared.frame[plan.development], predictor.target
    column = frame[target.name]
    sketches = {
        target.name: sketch(numbers(column) if target.task == "regression" else words(column).to_numpy())
    }
    for encoder in predictor.encoder.encoders[:MOST_COLUMNS]:
        sketches[encoder.name] = _sketch(encoder, frame[encoder.name])
    return sketches


def cloud(predictor: Predictor, prepared: Prepared, truth: np.ndarray, seed: int) -> dict[str, list[float]]:
    """Return at most 1,200 rows of a table of one or two numbers, to draw a curve or a boundary among them.

    The result holds the inputs by name and the target (a class by its number) under the target's name;
    it is empty where the inputs are others.
    """
    encoders = predictor.encoder.encoders
    if len(encoders) > 2 or not all(isinstance(one, Numeric) for one in encoders):
        return {}
    rows = np.arange(prepared.frame.height)
    if len(rows) > MOST_POINTS:
        rows = np.sort(np.random.default_rng([seed, 5]).choice(rows, MOST_POINTS, replace=False))
    frame = prepared.frame[rows]
    return {one.name: numbers(frame[one.name]).tolist() for one in encoders} | {
        predictor.target.name: truth[rows].tolist()
    }


def _sketch(encoder: Encoder, column: pl.Series) -> Sketch:
    if isinstance(encoder, Numeric):
        return sketch(numbers(column))
    if isinstance(encoder, Moment):
        return sketch(1970 + days(column, encoder.form) / 365.2425)
    values: Any = words(column).to_numpy()
    return sketch([None if value == "missing" else value for value in values])
