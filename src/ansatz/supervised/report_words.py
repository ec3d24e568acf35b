"""What a report says in words: the answer, how far to trust it, and the command that gives it again."""

from typing import Any

import numpy as np

from ansatz.core import Status
from ansatz.results.numbers import duration, number
from ansatz.results.report import Sentence
from ansatz.supervised.conformal import coverage_band
from ansatz.supervised.metrics import METRICS, bootstrap
from ansatz.supervised.report_shared import command_words, judged
from ansatz.supervised.result import TableFit
from ansatz.supervised.settings import TableSettings

FEW = 100
"""With fewer test rows a report says that its figures are rough."""


def answer(fitted: TableFit) -> Sentence:
    """Return the result in one or two sentences, in the tone of the verdict."""
    found, name = fitted.evaluation, short_name(fitted.predictor.target.name)
    if fitted.predictor.task == "regression":
        error, share = number(found.interval.value, 3), percent(max(found.scores["r2"], 0.0))
        said = f"{name} is predicted with an error of {error} (root mean square); "
        said += f"{share} of its variance is explained."
    else:
        said = f"{name} is predicted right in {percent(found.scores['accuracy'])} of the test rows."
    return judged(said, fitted)


def tiles(fitted: TableFit) -> list[tuple[str, Any, str]]:
    """Return the few numbers that matter: the metric, the best baseline, the coverage, the time."""
    found, run = fitted.evaluation, fitted.run
    metric = METRICS[found.metric]
    shown: list[tuple[str, Any, str]] = [(metric.title, found.interval.value, ends(found.interval))]
    if fitted.predictor.task == "regression":
        shown.append(("R²", found.scores["r2"], f"{fitted.parts['test']:,} test rows"))
    else:
        right = bootstrap(METRICS["accuracy"], found.y, found.prediction, seed=fitted.settings.seed)
        spread = f"{percent(right.lower)} to {percent(right.upper)}"
        shown.insert(0, ("accuracy", percent(right.value), spread))
    if found.verdict:
        best = next(b for b in found.baselines if b.name == found.verdict.against)
        shown.append(("best baseline", best.interval.value, f"{metric.title}, {best.name}"))
    kind, size = ("intervals", "width") if fitted.predictor.task == "regression" else ("sets", "size")
    covered = percent(found.coverage.share)
    held = f"{percent(found.level)} {kind} hold"
    shown.append((held, covered, f"mean {size} {number(found.coverage.width, 3)}"))
    shown.append(("training", duration(run.info["seconds"]), f"{run.step:,} steps, {members(run.seeds)}"))
    return shown


def trust(fitted: TableFit) -> list[str]:
    """Return how far the figures reach, a sentence each."""
    found, parts, settings = fitted.evaluation, fitted.parts, fitted.settings
    said = [
        f"The figures come from {parts['test']:,} test rows, which neither training nor early stopping nor "
        f"calibration saw; {_split(settings)}."
    ]
    if parts["test"] < FEW:
        said.append(
            f"Only {parts['test']} test rows: the error may well lie anywhere in {ends(found.interval)}; "
            "another seed, or --folds 5, shows how much it moves."
        )
    said.append(_coverage(fitted))
    if fitted.predictor.task != "regression":
        said.append(
            f"Probabilities are off by {number(100 * found.scores['ece'], 2)} percentage points on average "
            "(expected calibration error): of the answers given with 80 %, that many more or fewer are right."
        )
    if found.verdict and found.verdict.outcome != "better":
        said.append(f"Where you need no network, {found.verdict.against} is the simpler answer.")
    if found.importance is not None:
        said.append(
            "Importance is not causation: it says what this fit uses, and columns that say the same share it."
        )
    said.append(
        "Far from the training rows a fit extrapolates; there neither its values nor its intervals hold."
    )
    if fitted.run.status is not Status.stopped_early:
        said.append(fitted.run.message)
    return said


def command(fitted: TableFit) -> str:
    """Return the command that gives this fit again, or the Python lines where the data were in memory."""
    target = fitted.predictor.target.name
    return command_words(fitted, f"ansatz.fit_table(table, {target!r}", ["--target", target])


def members(count: int) -> str:
    """Return how many networks there are, in words."""
    return "one network" if count == 1 else f"{count} networks"


def percent(share: float) -> str:
    """Return a share in percent with up to three digits.

    >>> percent(0.9), percent(0.98765), percent(1.0)
    ('90 %', '98.8 %', '100 %')
    """
    return f"{100 * share:.3g} %"


def ends(interval: Any) -> str:
    """Return the ends of an interval in words."""
    return f"{number(interval.lower, 3)} to {number(interval.upper, 3)}"


def short_name(name: str, most: int = 60) -> str:
    """Return a column's name, cut where it is very long."""
    name = " ".join(name.split())
    return name if len(name) <= most else name[: most - 1] + "…"


def _split(settings: TableSettings) -> str:
    if settings.split == "time":
        return f"they are the latest by {settings.by}, so that the figures hold for what comes next"
    if settings.split == "group":
        return f"no value of {settings.by} stands on both sides, so that the figures hold for new ones"
    return (
        "they were drawn at random, so that the figures hold for new rows of the same origin "
        "(for later times or new groups, split by them)"
    )


def _coverage(fitted: TableFit) -> str:
    found, parts = fitted.evaluation, fitted.parts
    kind = "intervals" if fitted.predictor.task == "regression" else "sets of classes"
    share, level = percent(found.coverage.share), percent(found.level)
    if not np.isfinite(found.coverage.width):
        return f"There are too few rows to calibrate {level} {kind}: they are infinite, to be honest."
    count = parts["calibration"] or parts["early stopping"] * max(fitted.run.seeds, 1)
    low, high = coverage_band(count, parts["test"], found.level)
    said = f"The {level} {kind} hold {share} of the test rows; "
    said += f"luck alone spans {percent(low)} to {percent(high)}"
    if found.coverage.share < low:
        return f"{said}, so they promise too much here: the test rows differ from the others."
    return f"{said}. They hold on average over rows, not for each kind of row."
