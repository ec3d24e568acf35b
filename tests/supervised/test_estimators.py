import warnings

import jax
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator

from ansatz.core import BadInput
from ansatz.supervised.estimators import MapClassifier, MapRegressor

QUICK = {"members": 2, "epochs": 40, "width": 16, "depth": 1, "dropout": 0.0, "bins": 0}


@pytest.fixture(scope="module", autouse=True)
def compile_quickly():
    """Compile without optimizing: the checks compile some thirty shapes and train each for a moment."""
    before = jax.config.read("jax_disable_most_optimizations")
    # Programs that earlier tests compiled with optimizations would round otherwise than those compiled here.
    jax.clear_caches()
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.mark.parametrize("kind", [MapRegressor, MapClassifier])
def test_every_check_of_scikit_learn_passes(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = check_estimator(kind(**QUICK, learning_rate=0.02), on_fail=None, on_skip=None)
    failed = [f"{one['check_name']}: {one['exception']!r}" for one in found if one["status"] == "failed"]
    assert not failed
    # SciPy's switch for other array libraries is off here, which leaves that one check out.
    assert {one["check_name"] for one in found if one["status"] == "skipped"} <= {"check_array_api_input"}
    assert sum(one["status"] == "passed" for one in found) > 40


DEFAULTS = ("train", "fit_idempotent", "unfitted", "complex", "sparse", "nan_inf", "one_label", "1sample")


@pytest.mark.slow
@pytest.mark.parametrize("kind", [MapRegressor, MapClassifier])
def test_the_defaults_pass_the_checks_that_train_in_earnest(kind):
    chosen = [
        (estimator, check)
        for estimator, check in estimator_checks_generator(kind())
        if any(word in check.func.__name__ for word in DEFAULTS)
    ]
    assert len(chosen) > 8
    for estimator, check in chosen:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check(clone(estimator))


def wave(rows=200, seed=0):
    random = np.random.default_rng(seed)
    x = random.uniform(-2, 2, (rows, 2))
    return x, x[:, 0] ** 2 + 0.1 * random.normal(size=rows)


def test_the_same_random_state_gives_the_same_bits():
    x, y = wave(60)
    first, second = (MapRegressor(**QUICK, random_state=3).fit(x, y).predict(x) for _ in range(2))
    other = MapRegressor(**QUICK, random_state=4).fit(x, y).predict(x)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_a_random_state_may_be_a_generator_of_numpy():
    x, y = wave(60)
    first, second = (
        MapRegressor(**QUICK, random_state=np.random.RandomState(5)).fit(x, y).predict(x) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_intervals_cover_new_rows():
    x, y = wave(400)
    new, truth = wave(400, seed=1)
    model = MapRegressor(**QUICK, random_state=0, level=0.8).fit(x, y)
    lower, upper = model.interval(new)
    assert lower.shape == upper.shape == (400,)
    assert 0.72 < np.mean((lower <= truth) & (truth <= upper)) < 0.97


def test_intervals_are_infinite_after_too_few_rows():
    x, y = wave(6)
    lower, upper = MapRegressor(**QUICK, random_state=0).fit(x, y).interval(x)
    assert np.isinf(lower).all() and np.isinf(upper).all()


def test_missing_values_are_inputs_like_others():
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 2))
    x[::3, 0] = np.nan
    y = np.isnan(x[:, 0])
    model = MapClassifier(**QUICK, learning_rate=0.02, random_state=0).fit(x, y)
    assert model.score(x, y) > 0.98


def test_probabilities_sum_to_one_in_the_order_of_the_classes():
    x, y = wave(120)
    labels = np.array(["low", "middle", "top"])[np.digitize(y, [0.5, 2.0])]
    model = MapClassifier(**QUICK, random_state=0).fit(x, labels)
    chances = model.predict_proba(x)
    assert list(model.classes_) == ["low", "middle", "top"]
    np.testing.assert_allclose(chances.sum(1), 1.0, atol=1e-6)
    np.testing.assert_array_equal(model.predict(x), model.classes_[chances.argmax(1)])


def test_it_stands_in_pipelines_and_searches():
    x, y = wave(60)
    chain = make_pipeline(SimpleImputer(), StandardScaler(), MapRegressor(**QUICK, random_state=0))
    search = GridSearchCV(chain, {"mapregressor__epochs": [1, 40]}, cv=2).fit(x, y)
    assert search.best_params_ == {"mapregressor__epochs": 40}


@pytest.mark.parametrize(
    ("options", "said"),
    [({"map": "mpl"}, "mlp"), ({"members": -1}, "members"), ({"loss": "cross_entropy"}, "cross_entropy")],
)
def test_a_parameter_that_cannot_be_gets_a_sentence(options, said):
    x, y = wave(30)
    with pytest.raises(BadInput, match=said):
        MapRegressor(**{**QUICK, **options}).fit(x, y)


def test_one_class_gets_a_sentence():
    with pytest.raises(BadInput, match="one class 'a'"):
        MapClassifier(**QUICK).fit(np.ones((20, 1)), ["a"] * 20)
