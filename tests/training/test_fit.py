"""The engine's rules: same bits, exact resume, one compilation, an honest end."""

import os
import signal
import threading

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest
from tests.laws import recipes
from tests.laws.recipes import STAGES, Everything, Rows, Supervised, squares

from ansatz.core import BadInput, Each, Mean, Pairs, Parts, Recipe, Status
from ansatz.training import fit as engine
from ansatz.training import prepare
from ansatz.training.devices import ONE, Placement
from ansatz.training.fit import fit
from ansatz.training.step import clock_at
from ansatz.training.updates import Descend, Every

DATA = {
    "Supervised": recipes.sine_table,
    "Exponential": recipes.exponential_table,
    "Adversarial": recipes.shifted_normal,
    "Autoencoder": recipes.three_columns,
    "Grid": recipes.parabola_table,
}
KINDS = ["Supervised", "HeldPoints", "Exponential", "Grid", "Adversarial", "Autoencoder", "Proximal", "DeepQ"]


def make(kind):
    return getattr(recipes, kind)(), DATA.get(kind, lambda: None)()


def leaves(run):
    return [np.asarray(x) for x in jax.tree.leaves(eqx.filter(run.model, eqx.is_array))]


def equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(leaves(a), leaves(b), strict=True))


def test_every_kind_of_recipe_is_under_the_laws():
    kinds = {
        name for name, value in vars(recipes).items() if isinstance(value, type) and issubclass(value, Recipe)
    } - {"Recipe"}
    assert kinds == {*KINDS, "TabularGym"}


@pytest.mark.parametrize("kind", KINDS)
def test_looped_equals_stepped(kind):
    recipe, data = make(kind)
    looped = fit(recipe, data, steps=25, driver="loop")
    stepped = fit(recipe, data, steps=25, driver="stepped")
    assert looped.info["driver"] == "loop" and stepped.info["driver"] == "stepped"
    for a, b in zip(leaves(looped), leaves(stepped), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_same_key_same_bits_and_another_key_others(kind):
    recipe, data = make(kind)
    first, again = (fit(recipe, data, steps=20, key=3) for _ in range(2))
    other = fit(recipe, data, steps=20, key=4)
    assert equal(first, again)
    deterministic = kind == "Grid"
    assert deterministic or not np.array_equal(first.history[_loss(first)], other.history[_loss(other)])


def _loss(run):
    return "loss" if "loss" in run.history else "generator"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", [1, 39])
def test_resumed_equals_unbroken(kind, at, monkeypatch):
    recipe, data = make(kind)
    monkeypatch.setattr(engine, "CHUNK", 1)
    unbroken = fit(recipe, data, steps=40)
    broken = fit(recipe, data, steps=40, hooks=[lambda e: Status.stopped if e.step >= at else None])
    assert broken.status is Status.stopped and broken.step == at
    resumed = fit(recipe, data, steps=40, resume=broken)
    assert equal(resumed, unbroken)
    assert all(np.array_equal(resumed.history[c], unbroken.history[c]) for c in unbroken.history)
    assert all(np.array_equal(resumed.validation[c], unbroken.validation[c]) for c in unbroken.validation)


def test_resume_within_a_later_stage(monkeypatch):
    monkeypatch.setattr(engine, "CHUNK", 10)
    data = recipes.parabola_table()
    unbroken = fit(STAGES, data)
    broken = fit(STAGES, data, hooks=[lambda e: Status.stopped if e.stage == 1 and e.step >= 60 else None])
    assert (broken.stage, broken.step) == (1, 60)
    assert equal(fit(STAGES, data, resume=broken), unbroken)


class Compilations:
    def __init__(self):
        self.count = 0

    def __call__(self, name, seconds, **_):
        self.count += name == "/jax/core/compile/backend_compile_duration"


@pytest.fixture
def compilations():
    listener = Compilations()
    jax.monitoring.register_event_duration_secs_listener(listener)
    yield listener
    jax.monitoring.unregister_event_duration_listener(listener)


@pytest.mark.parametrize("options", [{}, {"driver": "stepped"}, {"seeds": 4}])
def test_a_rebuilt_recipe_and_later_chunks_compile_nothing(options, compilations, monkeypatch):
    monkeypatch.setattr(engine, "CHUNK", 7)
    prepare.forget_programs()
    fit(Supervised(), recipes.sine_table(), steps=50, **options)
    before = compilations.count
    assert before > 0
    fit(Supervised(), recipes.sine_table(), steps=50, **options)
    assert compilations.count == before


def test_another_field_is_another_program():
    prepare.forget_programs()
    slow, fast = (fit(Supervised(rate=rate), recipes.sine_table(), steps=30) for rate in (1e-4, 1e-2))
    assert slow.history["loss"][-1] > 1.5 * fast.history["loss"][-1]


@pytest.mark.parametrize("driver", ["loop", "stepped"])
def test_seeds_equal_single_runs(driver):
    data = recipes.sine_table()
    many = fit(Supervised(), data, steps=60, seeds=4, driver=driver)
    assert many.history["loss"].shape == (60, 4) and many.validation["loss"].shape == (3, 4)
    first = fit(Supervised(), data, steps=60)
    for a, b in zip(jax.tree.leaves(many.member(0)), jax.tree.leaves(first.model), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-5)
    assert not np.allclose(many.history["loss"][-1, 0], many.history["loss"][-1, 1])


def test_a_patient_seed_ends_where_it_ends_alone():
    data = recipes.sine_table()
    many = fit(Supervised(rate=0.1, patience=3), data, steps=3000, seeds=4)
    assert many.status is Status.stopped_early
    alone = fit(Supervised(rate=0.1, patience=3), data, steps=3000)
    assert many.best_step[0] == alone.best_step
    assert alone.step <= alone.best_step + 3 * 20


def stop_by_hand(losses, patience, begins):
    """Return the validations with the best loss and with the stop, counted from 1."""
    best, at, stale = np.inf, 0, 0
    for number, loss in enumerate(losses, 1):
        if loss < best:
            best, at, stale = loss, number, 0
        else:
            stale = 0 if number < begins else stale + 1
        if stale == patience:
            break
    return at, number


def test_patience_begins_when_its_share_of_the_run_is_over():
    data, free = recipes.sine_table(), Supervised(rate=0.1)
    losses = fit(free, data, steps=2000).validation["loss"]
    stops = []
    for start in (0.0, 0.25, 0.5, 0.75):
        run = fit(Supervised(rate=0.1, patience=2, start=start), data, steps=2000)
        best, stop = stop_by_hand(losses, 2, start * 100)
        assert (run.best_step, run.step) == (20 * best, 20 * stop)
        stops.append(stop)
    assert stops[0] < 25 and stops[2] >= 51 and stops == sorted(stops)


def test_each_seed_its_own_data():
    x = np.linspace(0, 1, 50, dtype=np.float32)[:, None]
    data = Each([Pairs(x, 0 * x), Pairs(x, 0 * x + 1)])
    run = fit(recipes.Grid(2), data, steps=400, seeds=2)
    np.testing.assert_allclose(run.model.values, [[0, 0], [1, 1]], atol=1e-2)


def test_split_batch_and_one_device_agree():
    data = recipes.sine_table()
    with jax.enable_x64(False):
        one = fit(Supervised(), data, steps=10, driver="stepped", placement=ONE)
        two = fit(Supervised(), data, steps=10, driver="stepped", placement=Placement("batch", 2))
    assert two.info["placement"] == ["batch", 2]
    for a, b in zip(leaves(one), leaves(two), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_a_batch_in_parts_moves_as_the_whole():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(12, 3)), jnp.float32)
    batch, model = Pairs(x, x.sum(1) ** 2), {"w": jnp.ones(3), "b": jnp.zeros(())}

    def objective(model, batch, key):
        wrong = batch.x @ model["w"] + model["b"] - batch.y
        return jnp.mean(wrong**2), {"worst": Mean(jnp.abs(wrong).sum(), jnp.asarray(float(len(wrong))))}

    found = []
    for parts in (1, 3, 4):
        update = Descend(objective, optax.sgd(0.1), parts=parts)
        moved, _, metrics = jax.jit(update.apply)(model, update.init(model), batch, clock_at(0, 1), jr.key(0))
        mean = metrics["worst"].total / metrics["worst"].weight
        found.append([*moved["w"].tolist(), float(moved["b"]), float(metrics["loss"]), float(mean)])
    np.testing.assert_allclose(found[1:], [found[0]] * 2, rtol=1e-5)
    with pytest.raises(BadInput, match="12 examples cannot be cut into 5 parts"):
        Descend(objective, optax.sgd(0.1), parts=5).apply(
            model, optax.sgd(0.1).init(model), batch, clock_at(0, 1), jr.key(0)
        )
    with pytest.raises(BadInput, match="at least one part, not 0"):
        Descend(objective, optax.sgd(0.1), parts=0)


class Breaks(Recipe):
    """A metric that is not finite at one step."""

    at: int = 37
    value: float = float("nan")

    def build(self, data, key):
        def objective(model, batch, key):
            loss, _ = squares(model, batch, key)
            return loss, {"fine": loss, "broken": jnp.where(model.values[0] > 0.0, jnp.float32(0), 0.0)}

        def after(model, batch, clock):
            bad = jnp.where(clock.step >= self.at - 1, self.value, 0.0)
            return eqx.tree_at(lambda m: m.values, model, model.values + bad)

        return Parts(
            recipes.Knots(jnp.zeros(3)), Everything(data), (Descend(objective, optax.adam(0.05)),), after
        )


@pytest.mark.parametrize("driver", ["loop", "stepped"])
@pytest.mark.parametrize("at", [1, 37])
def test_a_nan_stops_the_run_at_its_step_and_keeps_the_last_good_state(driver, at, monkeypatch):
    data = recipes.parabola_table()
    run = fit(Breaks(at), data, steps=200, driver=driver)
    assert run.status is Status.nonfinite
    assert run.step == at
    assert "'loss' became nan" in run.message and f"at step {at}" in run.message
    good = fit(Breaks(at), data, steps=at, driver=driver)
    assert len(run.history["loss"]) == at
    assert np.array_equal(run.history["loss"], good.history["loss"])
    assert np.isfinite(run.history["loss"]).all()


def test_a_nan_in_one_seed_names_the_seed():
    x = np.linspace(0, 1, 50, dtype=np.float32)[:, None]
    broken = x.copy()
    broken[3] = np.inf
    data = Each([Pairs(x, x), Pairs(x, broken), Pairs(x, x), Pairs(x, x)])
    run = fit(recipes.Grid(3), data, steps=20, seeds=4)
    assert run.status is Status.nonfinite and "seed 1" in run.message and run.step == 0


@pytest.mark.parametrize("driver", ["loop", "stepped"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_interrupts_and_the_run_resumes(driver, number):
    data, steps = recipes.sine_table(), 4000
    before = signal.getsignal(number)
    fit(Supervised(), data, steps=5, driver=driver)
    sent = []

    def send(event):
        if not sent:
            sent.append(threading.Timer(0.01, os.kill, (os.getpid(), number)))
            sent[0].start()
        return None

    old, engine.VISIT = engine.VISIT, 0.01
    try:
        broken = fit(Supervised(), data, steps=steps, driver=driver, hooks=[send])
    finally:
        engine.VISIT = old
    sent[0].join()
    assert broken.status is Status.interrupted and 0 < broken.step < steps
    assert signal.getsignal(number) is before
    assert equal(
        fit(Supervised(), data, steps=steps, resume=broken),
        fit(Supervised(), data, steps=steps, driver=driver),
    )


def test_a_budget_sets_the_steps_and_is_kept():
    data = recipes.sine_table()
    fit(Supervised(), data, steps=5)
    run = fit(Supervised(), data, budget=1.0)
    assert run.status in (Status.finished, Status.out_of_budget)
    assert run.info["seconds"] < 1.6 and run.step > 100
    replayed = fit(Supervised(), data, steps=run.total)
    if run.status is Status.finished:
        assert equal(run, replayed)


def test_every_stays_a_decision_over_seeds():
    class Sometimes(Recipe):
        def build(self, data, key):
            down = Every(3, Descend(squares, optax.sgd(0.1)))
            return Parts(recipes.Knots(jnp.zeros(2)), Rows(data, 8), (down,))

    run = fit(Sometimes(), recipes.parabola_table(), steps=7, seeds=2)
    assert np.array_equal(np.isfinite(run.history["loss"][:, 0]), [1, 0, 0, 1, 0, 0, 1])
    ready = prepare.prepare(Sometimes(), recipes.parabola_table(), jax.random.key(0), 2)
    program = prepare.program_for(ready, 2, Placement("seeds", 1))
    program.trace("one", ready.consts)
    assert "cond[" in str(program.jaxprs["one"])


def test_data_are_arguments_of_the_program_not_constants():
    ready = prepare.prepare(Supervised(), recipes.sine_table(), jax.random.key(0), 1)
    program = prepare.program_for(ready, 1, ONE)
    program.trace("one", ready.consts)
    assert all(np.size(constant) < 100 for constant in program.jaxprs["one"].consts)
    assert sum(x.size for x in ready.consts) >= 800


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": None}, "steps=..., or budget="),
        ({"steps": 0}, "steps=0 is not a number of steps"),
        ({"budget": -1.0}, "positive number of seconds"),
        ({"seeds": 0}, "seeds=0"),
        ({"driver": "lop"}, "'loop' or 'stepped'"),
    ],
)
def test_bad_arguments_get_a_sentence(change, words):
    with pytest.raises(BadInput, match=words):
        fit(Supervised(), recipes.sine_table(), **({"steps": 10} | change))


def test_two_updates_with_one_name_get_a_sentence():
    class Twice(Recipe):
        def build(self, data, key):
            down = Descend(squares, optax.sgd(0.1))
            return Parts(recipes.Knots(jnp.zeros(2)), Everything(data), (down, down))

    with pytest.raises(BadInput, match="Two updates report the metric 'l"):
        fit(Twice(), recipes.parabola_table(), steps=2)


def test_a_step_that_changes_shapes_gets_a_sentence():
    class Grows(Recipe):
        def build(self, data, key):
            grow = lambda model, batch, clock: recipes.Knots(jnp.append(model.values, 0.0))  # noqa: E731
            down = Descend(squares, optax.sgd(0.1))
            return Parts(recipes.Knots(jnp.zeros(2)), Everything(data), (down,), grow)

    with pytest.raises(BadInput, match=r"float32\[2\].*float32\[3\]"):
        fit(Grows(), recipes.parabola_table(), steps=2)


def test_resuming_with_another_recipe_gets_a_sentence():
    data = recipes.parabola_table()
    run = fit(recipes.Grid(3), data, steps=5)
    with pytest.raises(BadInput, match="resume with the recipe and data of the saved run"):
        fit(recipes.Grid(4), data, steps=10, resume=run)
