"""A table made ready: read, split and encoded, and its ensemble trained."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from ansatz.core import BadInput
from ansatz.data import Features, Prepared, TableEncoder, TargetEncoder, prepare, read_table
from ansatz.maps.stacked import Stacked
from ansatz.supervised.calibrate import calibrate
from ansatz.supervised.network import (
    TableNetwork,
    automatic_batch,
    automatic_bins,
    automatic_depth,
    automatic_epochs,
    automatic_rate,
)
from ansatz.supervised.plan import FEWEST, LARGE, Plan, make_plan, members, mixes
from ansatz.supervised.predictor import Predictor
from ansatz.supervised.settings import TableSettings
from ansatz.supervised.source import source_record
from ansatz.training.fit import fit
from ansatz.training.run import Run

APART = 1.1
"""Of two kinds of members the worse is left out when its validation loss is so many times the other's,"""
CLEARLY = 2.0
"""and so many standard errors above it: every member is judged on other rows."""


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


def make_ready(
    table: Any, target: str, settings: TableSettings, recipe: TableNetwork, held_out: Any = None
) -> Ready:
    """Read, split and encode a table; everything is fitted on rows outside the test part.

    Raises `BadInput` where the table cannot be fitted, also because it has fewer than `FEWEST` rows.
    """
    remarks: list[str] = []
    frame = read_table(table, remarks=remarks)
    prepared = prepare(frame, target, task=settings.task, ignore=settings.ignore)
    prepared.remarks[:0] = remarks
    rows = prepared.frame.height
    if rows < FEWEST:
        name = Path(table).name if isinstance(table, str | Path) else "The table"
        raise BadInput(f"{name} has {rows} rows with a target; a fit needs {FEWEST} at least.")
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
    if not recipe.depth:
        recipe = replace(recipe, depth=automatic_depth(length))
    if not recipe.learning_rate and recipe.optimizer != "lbfgs":
        recipe = replace(recipe, learning_rate=automatic_rate(length))
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
    """Return the calibrated predictor of a trained ensemble, of the members that earned their place."""
    model, plan = run.model, ready.plan
    if run.seeds == 1:
        model = jax.tree.map(lambda leaf: leaf[None] if isinstance(leaf, jax.Array) else leaf, model)
    else:
        kept = kept_members(ready, run)
        model = jax.tree.map(lambda leaf: leaf[kept] if isinstance(leaf, jax.Array) else leaf, model)
        plan = plan._replace(train=[plan.train[i] for i in kept], held=[plan.held[i] for i in kept])
    predictor = Predictor(ready.encoder, ready.target, Stacked(model))
    proven = ready.settings.proven
    return calibrate(predictor, plan, ready.x, ready.y, ready.recipe.level, proven=proven)


def kept_members(ready: Ready, run: Run) -> np.ndarray:
    """Return the members that stay: where two kinds were mixed, those of a much worse kind go.

    Members that see the numbers alone and members that see their bins are compared by the loss on the
    rows that stopped them.
    """
    everyone = np.arange(run.seeds)
    if not mixes(ready.plan, ready.recipe):
        return everyone
    best = np.nanmin(run.validation["score"], axis=0)
    with_bins, plain = best[::2], best[1::2]
    if _much_worse(plain, with_bins):
        return everyone[::2]
    return everyone[1::2] if _much_worse(with_bins, plain) else everyone


def _much_worse(losses: np.ndarray, others: np.ndarray) -> bool:
    error = np.sqrt(losses.var(ddof=1) / len(losses) + others.var(ddof=1) / len(others))
    gap = losses.mean() - others.mean()
    return bool(losses.mean() > APART * others.mean() and gap > CLEARLY * error)
