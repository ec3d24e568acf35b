"""Every objective obeys every law; one that escapes the table fails the guard."""

import importlib
import inspect
import pkgutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ansatz.objectives
from ansatz.core import BadInput, Mean, Pairs
from ansatz.maps import MLP, BatchEnsemble
from ansatz.objectives import (
    binary_cross_entropy,
    cross_entropy,
    huber,
    mean_absolute_error,
    mean_squared_error,
    objective_of,
    over_members,
    penalized,
    pinball,
    smoothed_cross_entropy,
)
from ansatz.objectives.average import beside

KEY = jax.random.key(0)
COUNT = 12


@objective_of
def quartic(prediction, target, who):
    """A loss of one's own."""
    prediction, target = beside(prediction, target, who)
    return ((prediction - target) ** 4).mean(1), {}


def numbers(key, *shape):
    return jax.random.normal(key, (COUNT, *shape))


def labels(key, classes):
    return jax.random.randint(key, (COUNT,), 0, classes)


# name: (objective, width of the model, whether an ensemble answers, key -> targets)
CASES = {
    "mean_absolute_error": (mean_absolute_error, 2, False, lambda k: numbers(k, 2)),
    "mean_squared_error": (mean_squared_error, 2, False, lambda k: numbers(k, 2)),
    "huber": (huber(0.7), 1, False, lambda k: numbers(k)),
    "pinball": (pinball((0.1, 0.5, 0.8)), 3, False, lambda k: numbers(k)),
    "binary_cross_entropy": (binary_cross_entropy, 1, False, lambda k: labels(k, 2)),
    "cross_entropy": (cross_entropy, 3, False, lambda k: labels(k, 3)),
    "smoothed_cross_entropy": (smoothed_cross_entropy(0.1), 3, False, lambda k: labels(k, 3)),
    "penalized": (penalized(mean_squared_error, 0.1, 0.2), 2, False, lambda k: numbers(k, 2)),
    "over_members": (over_members(cross_entropy), 3, True, lambda k: labels(k, 3)),
    "objective_of": (quartic, 2, False, lambda k: numbers(k, 2)),
}
NOT_OBJECTIVES = {"OBJECTIVES", "objective", "load_objective", "l1", "l2"}
every_objective = pytest.mark.parametrize("name", CASES)


def case(name, weighted=True):
    objective, width, ensemble, targets = CASES[name]
    k1, k2, k3, k4 = jax.random.split(KEY, 4)
    if ensemble:
        model = BatchEnsemble(4, width, 3, 5, 1, "tanh", 0.2, key=k1)
    else:
        model = MLP(4, width, 5, 1, "tanh", dropout=0.2, key=k1)
    weight = jnp.abs(jax.random.normal(k4, (COUNT,))) if weighted else None
    return objective, model, Pairs(jax.random.normal(k2, (COUNT, 4)), targets(k3), weight)


@every_objective
def test_gradients_are_finite_and_equal_to_finite_differences(name):
    with jax.enable_x64(True):
        objective, model, batch = case(name)
        key = jax.random.key(5)
        leaves, structure = jax.tree.flatten(model)
        # Away from 0, where |θ| has its kink and the biases start.
        leaves = [leaf + 0.05 for leaf in leaves]

        @jax.jit
        def value(leaves):
            return objective(structure.unflatten(leaves), batch, key)[0]

        way = [jax.random.normal(jax.random.key(i), leaf.shape) for i, leaf in enumerate(leaves)]
        gradient = jax.grad(value)(leaves)
        assert all(np.isfinite(leaf).all() for leaf in gradient)
        slope = sum((g * w).sum() for g, w in zip(gradient, way, strict=True))
        ends = [value([a + s * 1e-6 * b for a, b in zip(leaves, way, strict=True)]) for s in (1, -1)]
        np.testing.assert_allclose(slope, (ends[0] - ends[1]) / 2e-6, rtol=1e-6, atol=1e-8)


@every_objective
def test_jit_equals_eager(name):
    with jax.enable_x64(True):
        objective, model, batch = case(name)
        for a, b in zip(
            jax.tree.leaves(jax.jit(objective)(model, batch, None)),
            jax.tree.leaves(objective(model, batch, None)),
            strict=True,
        ):
            np.testing.assert_allclose(a, b, rtol=1e-12)


@every_objective
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_is_kept(name, dtype):
    with jax.enable_x64(True):
        objective, model, batch = case(name)
        model, batch = jax.tree.map(
            lambda a: a.astype(dtype) if jnp.issubdtype(a.dtype, jnp.floating) else a, (model, batch)
        )
        loss, metrics = jax.eval_shape(objective, model, batch, KEY)
        assert loss.shape == () and loss.dtype == dtype
        assert all(leaf.shape == () and leaf.dtype == dtype for leaf in jax.tree.leaves(metrics))
        assert "loss" not in metrics


@every_objective
def test_same_key_same_bits_and_no_key_is_evaluation(name):
    objective, model, batch = case(name)
    run = jax.jit(objective)
    assert run(model, batch, KEY)[0] == run(model, batch, KEY)[0]
    assert run(model, batch, KEY)[0] != run(model, batch, jax.random.key(1))[0]
    assert run(model, batch, None)[0] == run(model, batch, None)[0]


@every_objective
def test_an_example_of_weight_0_is_one_left_out(name):
    with jax.enable_x64(True):
        objective, model, batch = case(name)
        weight = batch.weight.at[jnp.asarray([0, 5])].set(0.0)
        kept = np.array([i for i in range(COUNT) if i not in (0, 5)])
        part = Pairs(batch.x[kept], batch.y[kept], weight[kept])
        for one, two in zip(
            jax.tree.leaves(objective(model, batch._replace(weight=weight), None)),
            jax.tree.leaves(objective(model, part, None)),
            strict=True,
        ):
            np.testing.assert_allclose(one, two, rtol=1e-12)


@every_objective
def test_equal_weights_are_no_weights(name):
    with jax.enable_x64(True):
        objective, model, batch = case(name, weighted=False)
        plain = objective(model, batch, None)[0]
        np.testing.assert_allclose(
            objective(model, batch._replace(weight=jnp.full(COUNT, 3.7)), None)[0], plain, rtol=1e-12
        )


@every_objective
def test_losses_are_not_negative(name):
    objective, model, batch = case(name)
    for i in range(10):
        x = 3 * jax.random.normal(jax.random.key(i), batch.x.shape)
        loss, metrics = jax.jit(objective)(model, batch._replace(x=x), None)
        assert loss >= 0
        assert all(m.weight > 0 for m in metrics.values() if isinstance(m, Mean))


@every_objective
def test_a_batch_without_weight_has_the_loss_0_and_no_gradient(name):
    if name == "penalized":
        pytest.skip("its penalty stays")
    objective, model, batch = case(name)
    nothing = batch._replace(weight=jnp.zeros(COUNT))
    (loss, metrics), gradient = jax.value_and_grad(objective, has_aux=True)(model, nothing, None)
    assert loss == 0 and all(m.weight == 0 for m in metrics.values())
    assert all(np.array_equal(leaf, np.zeros(leaf.shape)) for leaf in jax.tree.leaves(gradient))


@every_objective
def test_second_call_compiles_nothing(name):
    objective, model, batch = case(name)
    traces = []

    def traced(model, batch, key):
        traces.append(1)
        return objective(model, batch, key)

    run = jax.jit(traced)
    run(model, batch, KEY)
    run(model, batch._replace(x=batch.x + 1), jax.random.key(3))
    assert len(traces) == 1


@every_objective
def test_targets_of_another_shape_get_a_sentence(name):
    objective, model, batch = case(name)
    with pytest.raises(BadInput) as error:
        objective(model, batch._replace(y=jnp.zeros((COUNT, 7, 2))), None)
    assert str(error.value).endswith(".") and "7" in str(error.value)


def test_no_objective_escapes_the_table():
    assert set(ansatz.objectives.__all__) == set(CASES) | NOT_OBJECTIVES
    assert set(ansatz.objectives.OBJECTIVES) <= set(CASES)
    for module in pkgutil.iter_modules(ansatz.objectives.__path__, "ansatz.objectives."):
        for name, value in vars(importlib.import_module(module.name)).items():
            ours = getattr(value, "__module__", None) == module.name and inspect.isfunction(value)
            if ours and not name.startswith("_") and name != "beside":
                assert name in ansatz.objectives.__all__
