"""`fit_table`: from a table to a trained ensemble, its honest error and intervals that hold."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import numpy as np

from ansatz.data import Features, Prepared, TableEncoder, TargetEncoder, prepare, read_table
from ansatz.maps.stacked import Stacked
from ansatz.supervised.calibrate import calibrate
from ansatz.supervised.evaluate import evaluate
from ansatz.supervised.network import TableNetwork, automatic_batch, automatic_bins, automatic_epochs
from ansatz.supervised.plan import LARGE, Plan, make_plan, members
from ansatz.supervised.predictor import Predictor
from ansatz.supervised.result import TableFit, source_record
from ansatz.supervised.settings import TableSettings, sort_out
from ansatz.training.fit import fit
from ansatz.training.run import Run


class Ready(NamedTuple):
    """A table that is read, split and encoded: all that can be wrong with the input has been said."""

    prepared: Prepared
    plan: Plan
    encoder: TableEncoder
    target: TargetEncoder
    x: Features
    y: np.ndarray
    recipe: TableNetwork
    settings: TableSettings
    steps: int
    source: dict[str, Any]


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
    Raises `BadInput` with one sentence for whatever is wrong with the table or an option.

    >>> import numpy as np
    >>> x = np.linspace(-2, 2, 200)
    >>> fitted = fit_table({"x": x, "y": np.sin(2 * x)}, "y", epochs=60, members=2, baselines=False)
    >>> fitted.evaluation.scores["rmse"] < 0.1
    True
    """
    settings, recipe = sort_out(options)
    ready = make_ready(table, target, settings, recipe)
    from ansatz.supervised.saving import saving

    if settings.tune and resume is None:
        from ansatz.supervised.tune import tune

        ready, _ = tune(ready, settings.tune, seed=settings.seed)
    with saving(out, ready) as keeper:
        run = train(ready, hooks=(*hooks, *keeper.hooks), resume=resume)
        fitted = judge(ready, run)
        keeper.finish(fitted)
    return fitted


def make_ready(
    table: Any, target: str, settings: TableSettings, recipe: TableNetwork, held_out: Any = None
) -> Ready:
    """Read, split and encode a table; everything is fitted on rows outside the test part."""
    remarks: list[str] = []
    frame = read_table(table, remarks=remarks)
    prepared = prepare(frame, target, task=settings.task, ignore=settings.ignore)
    prepared.remarks[:0] = remarks
    rows = prepared.frame.height
    count = settings.members or (8 if rows < LARGE else 4)
    plan = make_plan(
        prepared, test=settings.test, members=count, by=settings.split, column=settings.by,
        seed=settings.seed, held_out=held_out,
    )  # fmt: skip
    development = prepared.frame[plan.development]
    encoder = TableEncoder.fit(development, target=target, remarks=prepared.remarks)
    encoded = TargetEncoder.fit(development[target], prepared.task, log=settings.log)
    recipe.objective(prepared.task)
    recipe, steps = scheduled(recipe, settings, plan)
    x = encoder.transform(prepared.frame)
    y = encoded.transform(prepared.frame[target], remarks=prepared.remarks)
    source = source_record(table, prepared.frame)
    settings = replace(settings, members=count)
    return Ready(prepared, plan, encoder, encoded, x, y, recipe, settings, steps, source)


def scheduled(recipe: TableNetwork, settings: TableSettings, plan: Plan) -> tuple[TableNetwork, int]:
    """Return the recipe with its size of a mini-batch, and the most steps that a member takes."""
    length = len(plan.train[0])
    if recipe.bins < 0:
        recipe = replace(recipe, bins=automatic_bins(length))
    if not recipe.batch:
        recipe = replace(recipe, batch=automatic_batch(length))
    return recipe, automatic_steps(recipe, settings, plan)


def automatic_steps(recipe: TableNetwork, settings: TableSettings, plan: Plan) -> int:
    """Return the most steps that a member takes: its epochs times the mini-batches in one."""
    length = len(plan.train[0])
    return -(-length // min(recipe.batch, length)) * (settings.epochs or automatic_epochs(length))


def train(ready: Ready, *, hooks: Sequence[Any] = (), resume: Run | None = None, y: Any = None) -> Run:
    """Train the ensemble; `y` may replace the encoded targets."""
    data = members(
        ready.plan, ready.recipe, ready.encoder, ready.target, ready.x, ready.y if y is None else y
    )
    seeds, settings = len(data), ready.settings
    return fit(
        ready.recipe,
        data if seeds > 1 else data[0],
        steps=ready.steps,
        budget=settings.budget,
        key=settings.seed,
        seeds=seeds,
        hooks=hooks,
        resume=resume,
    )


def predictor_of(ready: Ready, run: Run) -> Predictor:
    """Return the calibrated predictor of a trained ensemble."""
    model = run.model
    if run.seeds == 1:
        model = jax.tree.map(lambda leaf: leaf[None] if isinstance(leaf, jax.Array) else leaf, model)
    predictor = Predictor(ready.encoder, ready.target, Stacked(model))
    return calibrate(predictor, ready.plan, ready.x, ready.y, ready.recipe.level)


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
