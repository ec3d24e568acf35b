"""Batches from Python: a table that is streamed trains as it should, resumes exactly, and prefetches."""

import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ansatz.core import BadInput, Pairs, Parts, Recipe, Source, Status, Watch
from ansatz.data import Batches, Stream
from ansatz.training import fit as engine
from ansatz.training import hosted
from ansatz.training.fit import fit
from ansatz.training.updates import Descend

ROWS = 5000
SLOPES = np.array([2.0, -1.0, 0.5], np.float32)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    random = np.random.default_rng(0)
    x = random.normal(size=(ROWS, 3)).astype(np.float32)
    path = tmp_path_factory.mktemp("stream") / "table.npy"
    np.save(path, np.concatenate([x, (x @ SLOPES)[:, None]], axis=1))
    return str(path)


def columns(frame):
    rows = frame.to_numpy().astype(np.float32)
    return Pairs(rows[:, :3], rows[:, 3])


def squares(model, batch, key):
    return jnp.mean((batch.x @ model["w"] - batch.y) ** 2), {}


class Streamed(Recipe):
    """Least squares on a file that is read block by block."""

    path: str

    def build(self, data, key):
        source = Stream(self.path, columns, 50, block=256, mix=2)
        return Parts({"w": jnp.zeros(3)}, source, (Descend(squares, optax.sgd(0.1)),))


def test_a_streamed_table_is_fitted(table):
    run = fit(Streamed(table), steps=300)
    assert run.info["driver"] == "hosted" and run.status is Status.finished
    np.testing.assert_allclose(run.model["w"], SLOPES, atol=1e-4)


@pytest.mark.parametrize("at", [1, 37, 119])
def test_a_streamed_run_resumes_to_the_same_bits(table, at, monkeypatch):
    monkeypatch.setattr(engine, "CHUNK", 1)
    unbroken = fit(Streamed(table), steps=120)
    broken = fit(Streamed(table), steps=120, hooks=[lambda e: Status.stopped if e.step >= at else None])
    resumed = fit(Streamed(table), steps=120, resume=broken)
    assert np.array_equal(resumed.model["w"], unbroken.model["w"])
    assert np.array_equal(resumed.history["loss"], unbroken.history["loss"])


class Iterated(Recipe):
    """The user's own iterator."""

    def build(self, data, key):
        update = Descend(squares, optax.sgd(0.1))
        return Parts({"w": jnp.zeros(3)}, Batches(data), (update,))


def batches(epoch):
    random = np.random.default_rng(epoch)
    for _ in range(10):
        x = random.normal(size=(16, 3)).astype(np.float32)
        yield Pairs(x, x @ SLOPES)


def test_batches_are_drawn_by_another_thread_while_the_last_is_learned_from():
    names = set()

    def watched(epoch):
        for batch in batches(epoch):
            names.add(threading.current_thread().name)
            yield batch

    run = fit(Iterated(), watched, steps=60)
    assert run.step == 60
    assert any(name != threading.main_thread().name for name in names)


def test_a_nan_from_the_host_keeps_the_state_before_it():
    def broken(epoch):
        for i, batch in enumerate(batches(epoch)):
            yield batch._replace(y=batch.y * np.float32(np.nan)) if (epoch, i) == (1, 3) else batch

    run = fit(Iterated(), broken, steps=40)
    good = fit(Iterated(), batches, steps=13)
    assert run.status is Status.nonfinite and run.step == 13 and "'loss' became nan at step 13" in run.message
    assert np.array_equal(run.model["w"], good.model["w"])


def test_an_error_in_the_iterator_reaches_the_user():
    def failing(epoch):
        yield next(batches(0))
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        fit(Iterated(), failing, steps=5)


class Still(Source):
    """The same batch always."""

    def init(self, model, key):
        return ()

    def next(self, state, model, clock, key):
        return Pairs(jnp.ones((4, 3)), jnp.ones(4)), state


def test_several_seeds_from_the_host_get_a_sentence():
    with pytest.raises(BadInput, match="one seed at a time"):
        fit(Iterated(), batches, steps=5, seeds=2)


class Time:
    """A clock that goes on by a hundredth of a second for each batch, and by nothing else."""

    now = 0.0

    def monotonic(self):
        return self.now

    perf_counter = monotonic

    def sleep(self, seconds):
        time.sleep(seconds)


class Slow(Batches):
    """Batches that take their time."""

    def next(self, state, model, clock, key):
        engine.time.now += 0.01
        return super().next(state, model, clock, key)


class Falling(Recipe):
    """A learning rate that falls to 0 at the end of the run."""

    def build(self, data, key):
        update = Descend(squares, optax.sgd(0.1), schedule=lambda fraction: 1 - fraction)
        return Parts({"w": jnp.zeros(3)}, Slow(data), (update,), watch=Watch(Slow(data), squares, 25))


def test_a_budget_sets_the_steps_from_the_measured_rate(monkeypatch):
    watch = Time()
    for module in (engine, hosted):
        monkeypatch.setattr(module, "time", watch)
    run = fit(Falling(), batches, budget=2.5)
    # 0.88 s go into measuring; a step is 0.01 s and a 25th of a validation, and a twentieth is kept back.
    assert run.status is Status.finished and 130 <= run.step == run.total <= 1.62 / 0.0104
    assert 2.2 < watch.now < 2.5
    again = fit(Falling(), batches, steps=run.total)
    assert np.array_equal(run.model["w"], again.model["w"])
    assert np.array_equal(run.history["loss"], again.history["loss"])
    assert np.array_equal(run.validation["loss"], again.validation["loss"])


def test_a_validation_on_the_host_needs_a_training_there():
    class Mixed(Recipe):
        def build(self, data, key):
            parts = Iterated().build(data, key)
            return parts._replace(source=Still(), watch=Watch(Batches(data), squares))

    with pytest.raises(BadInput, match="only where the training is"):
        fit(Mixed(), batches, steps=1)


def test_no_thread_is_left_behind():
    before = threading.active_count()
    fit(Iterated(), batches, steps=30)
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before
    assert jax.device_count() >= 1
