"""Objectives against closed forms and scikit-learn; stability; penalties; examples in docstrings."""

import doctest

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

import ansatz.objectives
from ansatz.core import BadInput, Fixed, Map, Pairs
from ansatz.maps import MLP, BatchEnsemble
from ansatz.objectives import (
    OBJECTIVES,
    binary_cross_entropy,
    cross_entropy,
    huber,
    l1,
    l2,
    mean_absolute_error,
    mean_squared_error,
    objective,
    over_members,
    penalized,
    pinball,
    smoothed_cross_entropy,
)
from ansatz.training.step import value_of

RANDOM = np.random.default_rng(0)
WEIGHT = RANDOM.uniform(0, 2, 40)


class Given(Map):
    """The identity: batches hold the predictions."""

    def __call__(self, x, *, key=None):
        return x


def loss_of(objective, prediction, target, weight=None):
    return float(objective(Given(), Pairs(jnp.asarray(prediction), jnp.asarray(target), weight), None)[0])


def metric_of(objective, name, prediction, target, weight=None):
    pairs = Pairs(jnp.asarray(prediction), jnp.asarray(target), weight)
    return float(value_of(objective(Given(), pairs, None)[1][name]))


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_regression_equals_scikit_learn(weight):
    y, p = RANDOM.normal(size=(40, 3)), RANDOM.normal(size=(40, 3))
    w = None if weight is None else jnp.asarray(weight)
    absolute = sklearn_metrics.mean_absolute_error(y, p, sample_weight=weight)
    squared = sklearn_metrics.mean_squared_error(y, p, sample_weight=weight)
    assert loss_of(mean_absolute_error, p, y, w) == pytest.approx(absolute, rel=1e-12)
    assert loss_of(mean_squared_error, p, y, w) == pytest.approx(squared, rel=1e-12)
    for one in (mean_absolute_error, huber(0.3)):
        assert metric_of(one, "mean_squared_error", p, y, w) == pytest.approx(squared, rel=1e-12)
    for one in (mean_squared_error, huber(0.3)):
        assert metric_of(one, "mean_absolute_error", p, y, w) == pytest.approx(absolute, rel=1e-12)


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("level", [0.05, 0.5, 0.9])
def test_pinball_equals_scikit_learn(weight, level):
    y, p = RANDOM.normal(size=40), RANDOM.normal(size=40)
    expected = sklearn_metrics.mean_pinball_loss(y, p, alpha=level, sample_weight=weight)
    w = None if weight is None else jnp.asarray(weight)
    assert loss_of(pinball((level,)), p[:, None], y, w) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_classification_equals_scikit_learn(weight):
    w = None if weight is None else jnp.asarray(weight)
    z, label = RANDOM.normal(size=(40, 3)), RANDOM.integers(0, 3, 40)
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    expected = sklearn_metrics.log_loss(label, p, labels=[0, 1, 2], sample_weight=weight)
    accuracy = sklearn_metrics.accuracy_score(label, p.argmax(1), sample_weight=weight)
    for target in (label, label[:, None], np.eye(3)[label]):
        assert loss_of(cross_entropy, z, target, w) == pytest.approx(expected, rel=1e-12)
        assert metric_of(cross_entropy, "accuracy", z, target, w) == pytest.approx(accuracy, rel=1e-12)
    z, yes = RANDOM.normal(size=40), RANDOM.integers(0, 2, 40)
    expected = sklearn_metrics.log_loss(yes, 1 / (1 + np.exp(-z)), labels=[0, 1], sample_weight=weight)
    accuracy = sklearn_metrics.accuracy_score(yes, z > 0, sample_weight=weight)
    for logits in (z, z[:, None]):
        assert loss_of(binary_cross_entropy, logits, yes, w) == pytest.approx(expected, rel=1e-12)
        assert metric_of(binary_cross_entropy, "accuracy", logits, yes, w) == pytest.approx(
            accuracy, rel=1e-12
        )


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(0.1, 10))
@settings(max_examples=60, deadline=None)
def test_huber_is_quadratic_inside_and_linear_outside(y, p, delta):
    e = abs(y - p)
    expected = e**2 / 2 if e <= delta else delta * (e - delta / 2)
    assert loss_of(huber(delta), [p], [y]) == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("one", [mean_absolute_error, mean_squared_error, huber(0.5), pinball((0.3,))])
@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
@settings(max_examples=40, deadline=None)
def test_regression_losses_vanish_exactly_where_prediction_and_target_agree(one, y, p):
    loss = loss_of(one, [[p]], [y])
    assert loss_of(one, [[y]], [y]) == 0
    assert (loss >= 0 and (loss > 0) == (y != p or abs(y - p) > 1e-150)) or abs(y - p) < 1e-150


@given(st.floats(0.01, 0.99))
@settings(max_examples=30, deadline=None)
def test_cross_entropy_of_a_soft_label_is_least_where_they_agree_and_not_zero_there(y):
    logit = np.log(y / (1 - y))
    entropy = -y * np.log(y) - (1 - y) * np.log(1 - y)
    at, off = loss_of(binary_cross_entropy, [logit], [y]), loss_of(binary_cross_entropy, [logit + 0.1], [y])
    assert at == pytest.approx(entropy, rel=1e-9) and at > 0 and off > at
    both = loss_of(cross_entropy, [[0.0, logit]], [[1 - y, y]])
    assert both == pytest.approx(entropy, rel=1e-9)


@pytest.mark.parametrize("size", [1e4, 1e30])
def test_huge_logits_give_finite_losses_and_gradients(size):
    with jax.enable_x64(False):
        for one, logits, target in (
            (binary_cross_entropy, jnp.asarray([size, -size, size, -size]), jnp.asarray([1, 0, 0, 1])),
            (cross_entropy, jnp.asarray([[size, -size], [-size, size]]), jnp.asarray([0, 0])),
        ):
            value, gradient = jax.value_and_grad(lambda z, o=one, t=target: o(Given(), Pairs(z, t), None)[0])(
                logits
            )
            assert value == pytest.approx(size / 2 if one is binary_cross_entropy else size)
            assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0


def test_right_answers_with_huge_logits_cost_nothing():
    assert loss_of(binary_cross_entropy, [1e4, -1e4], [1, 0]) == 0
    assert loss_of(cross_entropy, [[1e4, -1e4]], [0]) == 0


@given(st.floats(0.0, 0.9))
@settings(max_examples=20, deadline=None)
def test_smoothing_mixes_in_the_uniform_distribution(s):
    z, label = np.array([[1.0, -2.0, 0.5]]), [1]
    logp = z - np.log(np.exp(z).sum())
    expected = -((1 - s) * logp[0, 1] + s * logp.mean())
    assert loss_of(smoothed_cross_entropy(s), z, label) == pytest.approx(expected, rel=1e-12)


def test_a_label_outside_the_classes_is_no_silent_zero():
    assert np.isnan(loss_of(cross_entropy, [[1.0, 2.0]], [2]))
    assert np.isnan(loss_of(cross_entropy, [[1.0, 2.0]], [-1]))


def test_an_excluded_example_may_hold_anything():
    for bad in (np.nan, np.inf):
        assert loss_of(mean_squared_error, [bad, 1.0], [0.0, 3.0], jnp.asarray([0.0, 2.0])) == 4


def test_pinball_is_least_at_the_quantile_and_reports_coverage():
    y = RANDOM.normal(size=2001)
    level = 0.8
    quantile = np.quantile(y, level)
    losses = [loss_of(pinball((level,)), np.full((2001, 1), quantile + d), y) for d in (-0.1, 0.0, 0.1)]
    assert losses[1] == min(losses)
    band = np.tile(np.quantile(y, [0.1, 0.9]), (2001, 1))
    assert metric_of(pinball((0.1, 0.9)), "coverage", band, y) == pytest.approx(0.8, abs=1e-3)


def test_penalties_are_sums_over_what_is_trained():
    model = {"w": jnp.asarray([[1.0, -2.0]]), "b": jnp.asarray([3.0]), "n": 4, "target": Fixed(jnp.ones(9))}
    assert float(l1(model)) == 6 and float(l2(model)) == 14
    mlp = MLP(2, 1, width=3, key=jax.random.key(0))
    batch = Pairs(jnp.ones((4, 2)), jnp.zeros(4))
    plain, _ = mean_squared_error(mlp, batch, None)
    loss, reported = penalized(mean_squared_error, l1=0.5, l2=0.25)(mlp, batch, None)
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(mlp)]
    extra = sum(0.5 * np.abs(leaf).sum() + 0.25 * (leaf**2).sum() for leaf in leaves)
    assert float(loss) == pytest.approx(float(plain) + extra, rel=1e-12)
    assert reported["unpenalized"] == plain and "mean_absolute_error" in reported
    assert penalized(mean_squared_error) is mean_squared_error


def test_members_are_trained_each_on_the_labels():
    ensemble = BatchEnsemble(3, 2, members=4, key=jax.random.key(0))
    x, y = jnp.asarray(RANDOM.normal(size=(6, 3))), jnp.asarray(RANDOM.normal(size=(6, 2)))
    outputs = np.asarray(jax.vmap(ensemble)(x))
    loss, reported = over_members(mean_squared_error)(ensemble, Pairs(x, y), None)
    assert float(loss) == pytest.approx(((outputs - np.asarray(y)[:, None]) ** 2).mean(), rel=1e-12)
    absolute = np.abs(outputs - np.asarray(y)[:, None]).mean()
    assert float(value_of(reported["mean_absolute_error"])) == pytest.approx(absolute, rel=1e-12)


@pytest.mark.parametrize("one", [mean_absolute_error, mean_squared_error, binary_cross_entropy])
def test_examples_in_docstrings_run(one):
    found = doctest.DocTestParser().get_doctest(one.__doc__, {one.__name__: one}, one.__name__, None, None)
    with jax.enable_x64(False):
        result = doctest.DocTestRunner(verbose=False).run(found)
    assert result.attempted > 0 and result.failed == 0


def test_names_are_looked_up_with_the_nearest_spelling():
    assert all(objective(name) is value for name, value in OBJECTIVES.items())
    with pytest.raises(BadInput, match="did you mean 'mean_squared_error'"):
        objective("mean_square_error")
    assert ansatz.objectives.__doc__


@pytest.mark.parametrize(
    "make",
    [
        lambda: huber(0.0),
        lambda: huber(float("nan")),
        lambda: pinball(()),
        lambda: pinball((0.5, 0.5)),
        lambda: pinball((0.0,)),
        lambda: pinball((0.9, 0.1)),
        lambda: smoothed_cross_entropy(1.0),
        lambda: penalized(mean_squared_error, l1=-1.0),
        lambda: penalized(mean_squared_error, l2=float("nan")),
        lambda: loss_of(cross_entropy, [[1.0, 2.0]], [0.5]),
        lambda: loss_of(cross_entropy, [1.0], [0]),
        lambda: loss_of(mean_squared_error, [1.0], [0.0], jnp.ones(3)),
        lambda: loss_of(over_members(mean_squared_error), [1.0], [0.0]),
    ],
)
def test_bad_settings_get_one_sentence(make):
    with pytest.raises(BadInput) as error:
        make()
    assert str(error.value).endswith(".") and "\n" not in str(error.value)
