"""`MapRegressor` and `MapClassifier`: the fit of a table as estimators of scikit-learn."""

from collections.abc import Sequence
from typing import Any, no_type_check

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ansatz.core import BadInput
from ansatz.data import Prepared, TableEncoder, TargetEncoder
from ansatz.data.encode import fit_numeric
from ansatz.supervised.network import TableNetwork
from ansatz.supervised.plan import FEWEST, LARGE, Plan, make_plan
from ansatz.supervised.predictor import Predictor
from ansatz.supervised.ready import Ready, predictor_of, scheduled, train
from ansatz.supervised.settings import TableSettings

TARGET = "y"
DEFAULT = TableNetwork()


class _MapEstimator(BaseEstimator):
    """What both estimators share: the parameters, and rows to arrays.

    Every row given to `fit` is used: each member of the ensemble stops early on a fold of its own,
    which also calibrates, and no part is set aside for a test.
    """

    @no_type_check  # scikit-learn wants any value stored as it is, and refused by `fit`
    def __init__(
        self,
        *,
        members: int = 0,
        epochs: int = 0,
        budget: float | None = None,
        map: str = DEFAULT.map,
        width: int = DEFAULT.width,
        depth: int = DEFAULT.depth,
        activation: str = DEFAULT.activation,
        dropout: float = DEFAULT.dropout,
        bins: int = DEFAULT.bins,
        loss: str = DEFAULT.loss,
        l1: float = DEFAULT.l1,
        l2: float = DEFAULT.l2,
        optimizer: str = DEFAULT.optimizer,
        learning_rate: float = DEFAULT.learning_rate,
        weight_decay: float = DEFAULT.weight_decay,
        batch: int = DEFAULT.batch,
        patience: int = DEFAULT.patience,
        level: float = DEFAULT.level,
        random_state: Any = None,
    ):
        self.members = members
        self.epochs = epochs
        self.budget = budget
        self.map = map
        self.width = width
        self.depth = depth
        self.activation = activation
        self.dropout = dropout
        self.bins = bins
        self.loss = loss
        self.l1 = l1
        self.l2 = l2
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch = batch
        self.patience = patience
        self.level = level
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that missing values are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.non_deterministic = False
        return tags

    def _fit(self, x: np.ndarray, y: np.ndarray, target: TargetEncoder) -> None:
        """Train the ensemble on rows `x: [N, d]` and encoded targets `y: [N]`, and calibrate it."""
        asked = self.get_params(deep=False)
        seed = asked.pop("random_state")
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(2**31 - 1)
        members, epochs, budget = (asked.pop(name) for name in ("members", "epochs", "budget"))
        settings = TableSettings(members=members, epochs=epochs, budget=budget, seed=int(seed))
        recipe = TableNetwork(**asked)
        recipe.objective(target.task)
        columns = [pl.Series(name, column) for name, column in zip(_names(x), x.T, strict=True)]
        encoder = TableEncoder(tuple(fit_numeric(column) for column in columns), (), TARGET)
        prepared = Prepared(pl.DataFrame({TARGET: y}), TARGET, target.task, [])
        plan = _plan(prepared, settings)
        recipe, steps = scheduled(recipe, settings, plan)
        features = encoder.transform(pl.DataFrame(columns))
        ready = Ready(prepared, plan, encoder, target, features, y, recipe, settings, steps, {})
        run = train(ready)
        self.predictor_: Predictor = predictor_of(ready, run)
        self.message_ = run.message
        self.best_step_ = run.best_step
        self.validation_ = run.validation

    def _answers(self, x: Any) -> np.ndarray:
        """Return the members' raw answers `[k, N, outputs]`."""
        check_is_fitted(self)
        x = validate_data(self, x, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        frame = pl.DataFrame(dict(zip(_names(x), x.T, strict=True)))
        return self.predictor_.answers(self.predictor_.encoder.transform(frame))

    def _checked(self, x: Any, y: Any, **options: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return rows and targets as arrays, their number and names remembered."""
        checked: Any = validate_data(
            self, x, y, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=2, **options
        )
        return checked


class MapRegressor(RegressorMixin, _MapEstimator):
    """Regression by a calibrated ensemble of maps, with prediction intervals.

    The parameters are those of `ansatz.fit_table` (see `TableSettings` and `TableNetwork`), with
    `random_state` for its seed; 0 members or epochs chooses by the number of rows.  Inputs are numbers
    `[N, d]`, missing ones as NaN.  Attributes: `predictor_`, `validation_` (losses by step),
    `best_step_`, `message_`, `n_features_in_`, `feature_names_in_`.

    >>> import numpy as np
    >>> x = np.linspace(-2, 2, 120)[:, None]
    >>> model = MapRegressor(members=2, epochs=60, random_state=0).fit(x, np.sin(2 * x[:, 0]))
    >>> bool(model.score(x, np.sin(2 * x[:, 0])) > 0.98)
    True
    """

    def fit(self, X: Any, y: Any) -> "MapRegressor":
        """Train on rows `X: [N, d]` and numbers `y: [N]`, N at least 2."""
        x, numbers = self._checked(X, y, y_numeric=True)
        column = pl.Series(TARGET, np.asarray(numbers, np.float64))
        target = TargetEncoder.fit(column, "regression")
        self._fit(x, target.transform(column), target)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the predictions `[N]`."""
        found = self._answers(X)
        return np.asarray(self.predictor_.target.inverse(self.predictor_.mean(found)))

    def interval(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends `[N]` of the prediction intervals at `level`; infinite after too few rows."""
        found = self._answers(X)
        return self.predictor_.encoded_interval(found)


class MapClassifier(ClassifierMixin, _MapEstimator):
    """Classification by a calibrated ensemble of maps.

    Parameters and attributes are those of `MapRegressor`, and `classes_`.

    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(120, 2))
    >>> model = MapClassifier(members=2, epochs=40, random_state=0).fit(x, x[:, 0] > 0)
    >>> bool(model.score(x, x[:, 0] > 0) > 0.9)
    True
    """

    def fit(self, X: Any, y: Any) -> "MapClassifier":
        """Train on rows `X: [N, d]` and labels `y: [N]` of two classes at least."""
        x, labels = self._checked(X, y)
        check_classification_targets(labels)
        self.classes_, places = np.unique(labels, return_inverse=True)
        count = len(self.classes_)
        if count < 2:
            raise BadInput(f"y holds the one class {str(self.classes_[0])!r}; a classifier needs two.")
        task = "binary" if count == 2 else "multiclass"
        target = TargetEncoder(TARGET, task, classes=tuple(range(count)))
        self._fit(x, places.astype(np.int32), target)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the calibrated probabilities `[N, C]`, in the order of `classes_`."""
        found = self._answers(X)
        return self.predictor_.mean(found)

    def predict(self, X: Any) -> np.ndarray:
        """Return the likeliest labels `[N]`."""
        chances = self.predict_proba(X)
        return self.classes_[chances.argmax(1)]


def _names(x: np.ndarray) -> Sequence[str]:
    return [f"x{at}" for at in range(x.shape[1])]


def _plan(prepared: Prepared, settings: TableSettings) -> Plan:
    """Return a plan without a test part; fewer rows than `FEWEST` all train the one member."""
    rows, none = prepared.frame.height, np.zeros(0, int)
    if rows < FEWEST:
        return Plan([np.arange(rows)], [np.arange(rows)], none, none)
    members = settings.members or (8 if rows < LARGE else 4)
    members = max(1, min(members, rows // 5))
    return make_plan(
        prepared, test=settings.test, members=members, by="random", column=None, seed=settings.seed,
        held_out=none,
    )  # fmt: skip
