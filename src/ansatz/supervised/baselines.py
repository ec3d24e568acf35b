"""What classical methods make of the same rows, and whether the network earned its keep.

Everything is fitted on the training part alone, preprocessing and choices of k and C (3 folds) included.
"""

import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from ansatz.core import BadInput
from ansatz.results.compare import Column, Comparison, Entry
from ansatz.results.numbers import Interval, duration, number
from ansatz.supervised.design import Design
from ansatz.supervised.metrics import METRICS, Metric, bootstrap, paired_bootstrap

Task = Literal["regression", "classification"]
NEIGHBORS = (1, 5, 15, 40)
INVERSE_PENALTIES = (0.01, 0.1, 1.0, 10.0)
SMALL = 5_000
"""Up to so many training rows k and C are chosen by cross-validation; beyond, k = 15 and C = 1."""

ONE_THREAD = 500_000
"""Tables of fewer cells are fitted on one thread: more of them would mostly wait for one another."""


class BaselineResult(NamedTuple):
    """A baseline on the test part: predictions `[N]` or probabilities `[N, C]`, the metric and its interval.

    `seconds` is the time to fit and to predict; `remark` says what the time guard left out, if anything.
    """

    name: str
    predictions: np.ndarray
    metric: str
    interval: Interval
    seconds: float
    remark: str = ""


class Verdict(NamedTuple):
    """Whether the network beats the best baseline; `gain` is positive where the network is better."""

    outcome: Literal["better", "no clear difference", "worse"]
    sentence: str
    gain: Interval
    against: str


class _Candidate(NamedTuple):
    name: str
    choices: Sequence[Callable[[], Any]]
    rows: int


def baselines(
    task: Task,
    x_train: Any,
    y_train: Any,
    x_test: Any,
    y_test: Any,
    *,
    categorical: Sequence[bool] | None = None,
    metric: str | None = None,
    effort: float = 1.0,
    seed: int = 0,
) -> list[BaselineResult]:
    """Fit the classical baselines on the training part and score them on the test part.

    Mean (or class frequencies), ridge (or logistic) regression, histogram gradient boosting on the raw
    columns with native categories, and k nearest neighbors, from scikit-learn.

    `x_*` are arrays `[N, d]` or polars or pandas frames, with gaps and categories as they are;
    `categorical: [d]` says which columns hold categories (default: those without numbers). `y_*` are numbers
    `[N]` or class numbers in 0…C−1. `metric` is a key of `metrics.METRICS`, by default `rmse` or `log_loss`.
    A table so large that a baseline would take minutes is thinned for it, at random, and the remark says so;
    `effort` scales that limit.
    """
    y_train, y_test = _targets(task, y_train), _targets(task, y_test)
    chosen = metric_of(task, metric)
    classes = 0 if task == "regression" else int(max(y_train.max(initial=0), y_test.max(initial=0))) + 1
    design = Design.learn(x_train, categorical)
    train, test = design.matrix(x_train), design.matrix(x_test)
    if len(train) != len(y_train) or len(test) != len(y_test) or not len(train):
        raise BadInput(
            f"There are {len(train)} and {len(test)} rows for {len(y_train)} and {len(y_test)} targets;"
            " training and test part need one target a row and one row at least."
        )
    out = []
    for candidate in _candidates(task, design.categorical, train, len(test), effort, seed):
        rows = _thinned(len(train), candidate.rows, seed)
        start = time.perf_counter()
        make = _choose(candidate.choices, train[rows], y_train[rows], chosen, classes, seed)
        predictions = _fit_predict(make, train[rows], y_train[rows], test, classes)
        seconds = time.perf_counter() - start
        remark = (
            "" if len(rows) == len(train) else f"fitted on {len(rows):,} of {len(train):,} rows (time guard)"
        )
        interval = bootstrap(chosen, y_test, predictions, seed=seed)
        out.append(BaselineResult(candidate.name, predictions, chosen.name, interval, seconds, remark))
    return out


def verdict(
    y_test: Any, network: Any, results: Sequence[BaselineResult], *, level: float = 0.95, seed: int = 0
) -> Verdict:
    """Return whether the network beats the best baseline, by a paired bootstrap on the test part.

    `network` are the network's predictions `[N]` or probabilities `[N, C]`, in the form of the baselines'.
    """
    if not results:
        raise BadInput("There is no baseline to compare with; give one result at least.")
    metric = METRICS[results[0].metric]
    best = max(results, key=lambda result: metric.gain(result.interval.value, 0.0))
    difference = paired_bootstrap(metric, y_test, network, best.predictions, level=level, seed=seed)
    sign = 1.0 if metric.higher_is_better else -1.0
    ends = sorted((sign * difference.lower, sign * difference.upper))
    gain = Interval(sign * difference.value, ends[0], ends[1], level)
    own, other = metric(y_test, network), best.interval.value
    figures = f"{metric.title} {number(own)} against {number(other)} of {best.name}"
    spread = f"{100 * level:g} % interval of the gain {number(gain.lower, 3)} to {number(gain.upper, 3)}"
    if gain.lower > 0:
        return Verdict("better", f"The network earned its keep: {figures} ({spread}).", gain, best.name)
    if gain.upper < 0:
        return Verdict("worse", f"The network did not earn its keep: {figures} ({spread}).", gain, best.name)
    sentence = f"No clear difference between the network and the best baseline: {figures} ({spread})."
    return Verdict("no clear difference", sentence, gain, best.name)


def comparison(results: Sequence[BaselineResult], *, own: int | None = 0) -> Comparison:
    """Return the results side by side for the terminal and the report; the row `own` is the network's.

    The network's row is a `BaselineResult` like the others; all have the same metric.
    """
    if not results:
        raise BadInput("There are no results to compare; give one at least.")
    metric = METRICS[results[0].metric]
    level = f"{100 * results[0].interval.level:g}"
    columns = [
        Column("metric", f"{metric.title} [{level} % interval]", higher_is_better=metric.higher_is_better),
        Column("seconds", "time", write=duration),
    ]
    if any(result.remark for result in results):
        columns.append(Column("remark", "remark"))
    entries = [
        Entry(r.name, {"metric": r.interval, "seconds": r.seconds, "remark": r.remark}, own=at == own)
        for at, r in enumerate(results)
    ]
    return Comparison(tuple(columns), tuple(entries))


def metric_of(task: Task, name: str | None) -> Metric:
    """Return the metric of that name, or the task's own: `rmse` or `log_loss`."""
    fitting = ("rmse", "mae", "r2") if task == "regression" else ("log_loss", "accuracy", "brier")
    name = name or fitting[0]
    if name not in fitting:
        raise BadInput(f"The metric {name!r} is not one of {task}; choose {', '.join(fitting)}.")
    return METRICS[name]


def _candidates(
    task: Task, categorical: np.ndarray, train: np.ndarray, tests: int, effort: float, seed: int
) -> list[_Candidate]:
    """Return the baselines with the number of rows that each can take within its guard."""
    rows, width = len(train), max(train.shape[1], 1)
    wide = width + sum(min(int(np.nanmax(c, initial=0)), 100) for c in train[:, categorical].T)

    def within(limit: float) -> int:
        return max(int(limit * effort), 100)

    def piped(make: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: make_pipeline(_prepared(categorical), make())

    regression = task == "regression"
    near = KNeighborsRegressor if regression else KNeighborsClassifier
    counts = [k for k in NEIGHBORS if k <= max(rows * 2 // 3, 1)] if rows <= SMALL else [min(15, rows)]
    penalties = INVERSE_PENALTIES if rows <= SMALL else (1.0,)
    if regression:
        linear = [piped(lambda: RidgeCV(alphas=np.logspace(-4, 4, 17)))]
    else:
        linear = [piped(lambda c=c: LogisticRegression(C=c, max_iter=500)) for c in penalties]
    neighbors = [piped(lambda k=k: near(k, weights="distance", n_jobs=1)) for k in counts]
    return [
        _Candidate("mean" if regression else "class frequencies", [lambda: _constant(regression)], rows),
        _Candidate("ridge regression" if regression else "logistic regression", linear, within(4e7 / wide)),
        _Candidate("gradient boosting", [_boosting(regression, categorical, seed)], within(2e8 / width)),
        _Candidate("nearest neighbors", neighbors, within(4e10 / (wide * max(tests, 1)))),
    ]


def _constant(regression: bool) -> Any:
    return DummyRegressor() if regression else DummyClassifier(strategy="prior")


def _boosting(regression: bool, categorical: np.ndarray, seed: int) -> Callable[[], Any]:
    kind = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    known: Any = categorical if categorical.any() else None
    return lambda: kind(categorical_features=known, random_state=seed)


def _prepared(categorical: np.ndarray) -> ColumnTransformer:
    """Return what makes numbers of one scale: medians and flags for gaps, categories one-hot."""
    fill = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    one_hot = OneHotEncoder(handle_unknown="ignore", max_categories=100, sparse_output=False)
    numbers = Pipeline([("fill", fill), ("scale", StandardScaler())])
    at = np.arange(len(categorical))
    return ColumnTransformer(
        [("numbers", numbers, at[~categorical]), ("categories", one_hot, at[categorical])]
    )


def _choose(
    choices: Sequence[Callable[[], Any]],
    x: np.ndarray,
    y: np.ndarray,
    metric: Metric,
    classes: int,
    seed: int,
) -> Callable[[], Any]:
    """Return the choice with the best metric over three folds of the training part."""
    if len(choices) == 1 or len(x) < 6:
        return choices[0]
    folds = list(KFold(3, shuffle=True, random_state=seed).split(x))

    def quality(make: Callable[[], Any]) -> float:
        scores = [
            metric(y[out], _fit_predict(make, x[kept], y[kept], x[out], classes)) for kept, out in folds
        ]
        return float(metric.gain(np.mean(scores), 0.0))

    return max(choices, key=quality)


def _fit_predict(
    make: Callable[[], Any], x: np.ndarray, y: np.ndarray, new: np.ndarray, classes: int
) -> np.ndarray:
    """Return predictions `[M]`, or probabilities `[M, C]` where classes unseen in y have probability 0."""
    seen, counts = np.unique(y, return_counts=True)
    model = _constant(False) if classes and len(seen) == 1 else make()
    empty = np.isnan(x).all(0)
    x, new = np.where(empty, 0.0, x), np.where(empty, 0.0, new)
    if classes and counts.min() < 2 and hasattr(model, "early_stopping"):
        model.set_params(early_stopping=False)
    threads = 1 if x.size < ONE_THREAD else None
    with warnings.catch_warnings(), threadpool_limits(limits=threads):
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x, y)
        if not classes:
            return np.asarray(model.predict(new), np.float64)
        probabilities = np.zeros((len(new), classes))
        probabilities[:, np.asarray(model.classes_, np.int64)] = model.predict_proba(new)
        return probabilities


def _thinned(count: int, limit: int, seed: int) -> np.ndarray:
    """Return the rows to fit on, all or a random part in their order."""
    if count <= limit:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, limit, replace=False))


def _targets(task: Task, y: Any) -> np.ndarray:
    y = np.asarray(y)
    if task == "regression":
        return y.astype(np.float64)
    if y.dtype.kind not in "iub" or (y.size and y.min() < 0):
        raise BadInput(f"The classes have type {y.dtype}; baselines take class numbers 0, 1, 2, ….")
    return y.astype(np.int64)
