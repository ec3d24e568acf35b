"""`fit_table`: from a table to a trained ensemble, its honest error and intervals that hold."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ansatz.core import Status
from ansatz.supervised.evaluate import evaluate
from ansatz.supervised.plan import Plan
from ansatz.supervised.predictor import Predictor
from ansatz.supervised.ready import Ready, make_ready, predictor_of, train
from ansatz.supervised.result import TableFit
from ansatz.supervised.saving import saving
from ansatz.supervised.settings import sort_out
from ansatz.supervised.tune import tune
from ansatz.training.run import Run


def fit_table(
    table: Any,
    target: str,
    *,
    out: Any = None,
    hooks: Sequence[Any] = (),
    resume: Run | None = None,
    **options: Any,
) -> TableFit:
    """Fit a map to a table and say how far to trust it.

    **Arguments**

    - `table`: a path (CSV, TSV, Parquet, Arrow, NPZ, NPY, HDF5, XLSX), a polars or pandas frame, or a
      dictionary of columns.
    - `target`: the column to predict; words, truth values and few whole numbers make it a
      classification, else it is a regression.
    - `out`: a folder for the run, written whole or not at all, and resumable while it grows.
    - `options`: any field of `TableSettings` (test, split, members, epochs, budget, seed, …) and of
      `TableNetwork` (map, width, depth, loss, learning_rate, …).

    Returns a `TableFit`: `predict`, `interval`, `probabilities`, `evaluation`, `report`, `save`.
    Raises `BadInput` with one sentence for whatever is wrong with the table or an option, and
    `KeyboardInterrupt` after Ctrl-C, with the training so far kept in `out`.

    >>> import numpy as np
    >>> x = np.linspace(-2, 2, 200)
    >>> fitted = fit_table({"x": x, "y": np.sin(2 * x)}, "y", epochs=60, members=2, baselines=False)
    >>> fitted.evaluation.scores["rmse"] < 0.1
    True
    """
    settings, recipe = sort_out(options)
    ready = make_ready(table, target, settings, recipe)
    if settings.tune and resume is None:
        ready, _ = tune(ready, settings.tune, seed=settings.seed)
    with saving(out, ready) as keeper:
        run = train(ready, hooks=(*hooks, *keeper.hooks), resume=resume)
        if run.status is Status.interrupted:
            raise KeyboardInterrupt(run.message)
        fitted = judge(ready, run)
        keeper.finish(fitted)
    return fitted


def judge(ready: Ready, run: Run) -> TableFit:
    """Calibrate a trained ensemble and measure it on the test part."""
    predictor, settings = predictor_of(ready, run), ready.settings
    evaluation = evaluate(
        predictor,
        ready.prepared,
        ready.plan,
        ready.x,
        ready.recipe.level,
        compare=settings.baselines,
        null=(lambda: predictor_by_chance(ready)) if settings.attribution else None,
        attribution=settings.attribution,
        seed=settings.seed,
    )
    return TableFit(
        run=run,
        predictor=predictor,
        evaluation=evaluation,
        recipe=ready.recipe,
        settings=settings,
        parts=_sizes(ready.plan),
        source=ready.source,
        remarks=tuple([*ready.prepared.remarks, *run.info["remarks"]]),
    )


def predictor_by_chance(ready: Ready) -> Predictor:
    """Return an ensemble trained in the same way on targets in random order, to show what chance does."""
    order = np.random.default_rng([ready.settings.seed, 11]).permutation(len(ready.y))
    quick = ready._replace(settings=replace(ready.settings, budget=None), steps=min(ready.steps, 2000))
    run = train(quick, y=ready.y[order])
    return replace(predictor_of(ready, run), temperature=1.0)


def _sizes(plan: Plan) -> dict[str, int]:
    return {
        "training": len(plan.train[0]),
        "early stopping": len(plan.held[0]),
        "calibration": len(plan.calibration),
        "test": len(plan.test),
    }
