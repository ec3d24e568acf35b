"""Every update against every law; a guard fails when one is added without them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest

from ansatz.core import BadInput, Fixed, Pairs, Update
from ansatz.store import decode, encode, known_classes
from ansatz.training import updates
from ansatz.training.optimizers import adam
from ansatz.training.step import _settled, clock_at, value_of
from ansatz.training.updates import Descend, Epochs, Every, On, Until

KEY = jr.key(2)
X = jnp.linspace(-1.0, 1.0, 16)
BATCH = Pairs(X, 3 * X + 1)
MODEL = {"slope": jnp.float32(0.5), "shift": jnp.float32(-0.5), "kept": Fixed(jnp.float32(7.0))}


def squares(model, batch, key):
    error = model["slope"] * batch.x + model["shift"] - batch.y
    return jnp.mean(error**2), {"largest": jnp.abs(error).max()}


def slope_only(model):
    return model["slope"]


UPDATES = {
    "Descend": lambda: Descend(squares, adam(0.1)),
    "Descend part": lambda: Descend(squares, optax.sgd(0.1), slope_only, name="slope"),
    "Descend lbfgs": lambda: Descend(squares, optax.lbfgs()),
    "Epochs": lambda: Epochs(Descend(squares, optax.sgd(0.1)), passes=2, minibatches=4),
    "Every": lambda: Every(2, Descend(squares, optax.sgd(0.1))),
    "Until": lambda: Until(Descend(squares, optax.sgd(0.1)), "largest", 1e9, times=3),
    "On": lambda: On(lambda batch: jax.tree.map(lambda x: x[:4], batch), Descend(squares, optax.sgd(0.1))),
}


def test_no_update_escapes():
    found = {
        name
        for name, value in vars(updates).items()
        if isinstance(value, type) and issubclass(value, Update) and value is not Update
    }
    assert found == {name.split()[0] for name in UPDATES}


def steps(update, count, jitted, model=None):
    model = MODEL if model is None else model
    traces = []

    def one(model, opt, step):
        traces.append(step)
        return update.apply(model, opt, BATCH, clock_at(step, 100), jr.fold_in(KEY, step))

    call, opt, reports = jax.jit(one) if jitted else one, jax.tree.map(_settled, update.init(model)), []
    for i in range(count):
        model, opt, metrics = call(model, opt, jnp.asarray(i, jnp.int32))
        reports.append({name: float(value_of(metric)) for name, metric in metrics.items()})
    return model, opt, reports, len(traces)


@pytest.mark.parametrize("name", UPDATES)
def test_jitted_equals_eager(name):
    eager, _, reports, _ = steps(UPDATES[name](), 4, jitted=False)
    compiled, _, others, _ = steps(UPDATES[name](), 4, jitted=True)
    for a, b in zip(jax.tree.leaves(eager), jax.tree.leaves(compiled), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    for one, other in zip(reports, others, strict=True):
        assert one.keys() == other.keys()
        np.testing.assert_allclose([one[k] for k in other], list(other.values()), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", UPDATES)
def test_the_second_step_traces_nothing(name):
    assert steps(UPDATES[name](), 3, jitted=True)[3] == 1


@pytest.mark.parametrize("name", UPDATES)
def test_the_loss_falls(name):
    before = float(squares(MODEL, BATCH, None)[0])
    model = steps(UPDATES[name](), 40, jitted=True)[0]
    assert float(squares(model, BATCH, None)[0]) < (0.95 if name in ("Descend part", "On") else 0.7) * before


@pytest.mark.parametrize("name", UPDATES)
def test_what_is_fixed_or_not_selected_keeps_its_bits(name):
    model = steps(UPDATES[name](), 5, jitted=True)[0]
    assert float(model["kept"].value) == 7.0
    assert float(model["slope"]) != 0.5
    assert (float(model["shift"]) == -0.5) == (name == "Descend part")


@pytest.mark.parametrize("name", UPDATES)
def test_types_and_structure_are_kept(name):
    update = UPDATES[name]()
    model, opt, _, _ = steps(update, 2, jitted=True)
    for old, new in ((MODEL, model), (update.init(MODEL), opt)):
        assert jax.tree.structure(old) == jax.tree.structure(new)
        pairs = zip(jax.tree.leaves(old), jax.tree.leaves(new), strict=True)
        assert all(jnp.shape(a) == jnp.shape(b) and a.dtype == b.dtype for a, b in pairs)


@pytest.mark.parametrize("name", UPDATES)
def test_a_saved_optimizer_goes_on_to_the_same_bits(name):
    update = UPDATES[name]()
    model, opt, _, _ = steps(update, 3, jitted=True)
    spec, arrays = encode(opt)
    restored = decode(spec, arrays, known_classes())
    one = jax.jit(lambda m, o: update.apply(m, o, BATCH, clock_at(3, 100), KEY)[0])
    assert eqx.tree_equal(one(model, opt), one(model, restored))


def test_every_skips_and_reports_nothing_then():
    reports = steps(UPDATES["Every"](), 4, jitted=True)[2]
    assert [np.isfinite(report["loss"]) for report in reports] == [True, False, True, False]


def test_until_stops_at_the_bound():
    bounded = Until(Descend(squares, optax.sgd(0.1)), "largest", 0.5, times=50)
    assert steps(bounded, 1, jitted=True)[2][0]["repeats"] == 1
    model = {**MODEL, "slope": jnp.float32(3.0), "shift": jnp.float32(1.4)}
    assert steps(bounded, 1, jitted=True, model=model)[2][0]["repeats"] == 50


def test_epochs_see_each_row_once_a_pass():
    seen = Epochs(Descend(lambda m, b, k: (m["slope"] * b.x.sum(), {}), optax.sgd(1.0)), 1, 4)
    model = steps(seen, 1, jitted=True)[0]
    assert abs(float(model["slope"]) - 0.5 + float(X.sum())) < 1e-5


def test_what_selects_nothing_gets_a_sentence():
    with pytest.raises(BadInput, match="selects no parameters"):
        Descend(squares, optax.sgd(0.1), lambda m: m["kept"]).init(MODEL)
    with pytest.raises(BadInput, match="at least 1"):
        Every(0, Descend(squares, optax.sgd(0.1)))
