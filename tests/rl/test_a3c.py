"""A3C: one worker is A2C, what is stale is as old as it is said to be, and workers learn in every form."""

import sys
import types

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.rl.worlds import CartPole, Medley, least_chance, wrong_values

from ansatz.core import BadInput, Status
from ansatz.rl import a3c_threads
from ansatz.rl.a2c import A2C
from ansatz.rl.a3c import A3C, flat
from ansatz.rl.a3c_worker import Worker
from ansatz.rl.asynchronous import REMARK, asynchronous
from ansatz.training.fit import fit
from ansatz.training.step import clock_at

KEY = jax.random.key(2)
SMALL = {"steps": 4, "width": 8, "depth": 1, "learning_rate": 3e-3, "entropy_factor": 0.01}
PROBES = {"envs": 16, "steps": 4, "gamma": 0.9, "learning_rate": 5e-3, "width": 16, "depth": 1}


def leaves(model):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(eqx.filter(model, eqx.is_array))]


def close(one, two, atol):
    for a, b in zip(leaves(one), leaves(two), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=atol)


@pytest.fixture(scope="module")
def alone():
    """One worker in the simulation."""
    return fit(A3C(workers=1, schedule="linear", **SMALL), CartPole(limit=9), steps=60)


def test_one_worker_is_a2c_to_the_bit(alone):
    other = fit(A2C(envs=1, schedule="linear", **SMALL), CartPole(limit=9), steps=60)
    for a, b in zip(leaves(alone.model), leaves(other.model), strict=True):
        assert np.array_equal(a, b)
    for name in ("loss", "entropy", "return", "length"):
        assert np.array_equal(alone.history[name], other.history[name], equal_nan=True)
    assert (alone.history["staleness"] == 0).all() and np.nanmean(alone.history["length"]) > 8


def test_one_thread_is_one_worker_of_the_simulation(alone):
    run = asynchronous(A3C(workers=1, schedule="linear", **SMALL), CartPole(limit=9), steps=60)
    close(run.model, alone.model, atol=2e-6)
    np.testing.assert_allclose(run.history["loss"], alone.history["loss"], atol=1e-4)
    assert np.array_equal(run.history["return"], alone.history["return"], equal_nan=True)
    assert run.info["staleness"] == [1.0] and run.info["remarks"] == []
    assert run.status is Status.finished and run.step == 60 and run.info["steps_per_second"] > 0


def test_gradients_are_as_old_as_the_delays_say():
    parts = A3C(workers=3, delays=(1, 0, 2), **SMALL).build(CartPole(), KEY)
    source, (theta, rebuild) = parts.source, flat(parts.model)

    @jax.jit
    def step(state, k):
        model = rebuild(theta + k.astype(theta.dtype))
        return source.next(state, model, clock_at(k, 99), jax.random.fold_in(KEY, k))

    state, delays = source.init(parts.model, KEY), []
    for k in range(60):
        before = np.asarray(state.playing[0].state[0])
        turn, state = step(state, jnp.asarray(k, jnp.int32))
        delays.append(int(turn.delay))
        np.testing.assert_allclose(turn.theta - theta, k - delays[-1], atol=1e-5)
        moved = (np.asarray(state.playing[0].state[0]) != before).any(1)
        assert moved.tolist() == [i == k % 3 for i in range(3)]
    assert delays[0] == 0 and delays[1] in (0, 1) and set(delays[2:]) == {0, 2}
    assert 0.5 < np.mean(np.array(delays[2:]) == 2) < 0.85


def fake_ray():
    """Ray's functions on one machine, in one thread; what was asked for first arrives first."""

    class Asked:
        def __init__(self, call, given):
            self.answer = lambda: call(*given)

    class Method:
        def __init__(self, call):
            self.remote = lambda *given: Asked(call, given)

    class Actor:
        def __init__(self, made):
            self.turn = Method(made.turn)

    class Remote:
        def __init__(self, kind):
            self.remote = lambda *given: Actor(kind(*given))

        def options(self, **_):
            return self

    started = []
    return types.SimpleNamespace(
        remote=Remote,
        is_initialized=lambda: bool(started),
        init=lambda **_: started.append(1),
        shutdown=started.clear,
        wait=lambda asked, num_returns: (asked[:num_returns], asked[num_returns:]),
        get=lambda asked: asked.answer(),
        started=started,
    )


def test_actors_that_answer_in_turn_are_the_simulation(monkeypatch):
    """The first gradient is fresh, the second is one update old, and from then on each is N - 1."""
    monkeypatch.setitem(sys.modules, "ray", fake_ray())
    recipe, env = A3C(workers=3, largest=0.0, **SMALL), CartPole(limit=9)
    run, simulated = asynchronous(recipe, env, steps=40, backend="ray"), fit(recipe, env, steps=40)
    assert run.history["staleness"].tolist() == [0, 1, *[2] * 38]
    assert np.array_equal(run.history["staleness"], simulated.history["staleness"])
    assert run.history["worker"].tolist() == [k % 3 for k in range(40)]
    close(run.model, simulated.model, atol=5e-6)
    assert not sys.modules["ray"].started and run.info["remarks"] == [REMARK]


@pytest.fixture(scope="module")
def worker():
    return Worker(A3C(workers=3, **PROBES), Medley(), KEY)


def test_threads_are_stale_and_learn(worker):
    outcome = a3c_threads.train(worker, 1500)
    assert [one.step for one in outcome.logged] == list(range(1500))
    staleness = np.array([one.staleness for one in outcome.logged])
    assert staleness.mean() > 0 and staleness.min() == 0
    assert {one.worker for one in outcome.logged} == {0, 1, 2}
    assert not outcome.interrupted and outcome.bad is None and outcome.seconds > 0
    model = worker.rebuild(jnp.asarray(outcome.theta))
    assert wrong_values(model) < 0.3 and least_chance(model) > 0.8
    assert not np.array_equal(outcome.theta, worker.theta)


def test_an_error_in_a_thread_reaches_the_user(worker, monkeypatch):
    def broken(gradient, row):
        raise OSError("the disk is gone")

    monkeypatch.setattr(a3c_threads, "finite", broken)
    with pytest.raises(OSError, match="the disk is gone"):
        a3c_threads.train(worker, 10)


def test_nothing_that_is_no_number_is_written(worker, monkeypatch):
    turns, turn = iter(range(10**6)), worker.turn

    def poisoned(*given):
        answer = turn(*given)
        # The first of them is thrown away: it compiles.
        bad = next(turns) == 21
        return answer._replace(row=np.full(answer.row.shape, np.nan, np.float32)) if bad else answer

    monkeypatch.setattr(worker, "turn", poisoned)
    outcome = a3c_threads.train(worker, 400)
    assert np.isnan(outcome.bad).all() and 18 <= len(outcome.logged) < 200
    assert np.isfinite(outcome.theta).all()


def test_the_simulation_learns():
    run = fit(A3C(workers=3, optimizer="adam", **PROBES), Medley(), steps=900)
    assert run.history["staleness"].mean() > 1.9
    assert wrong_values(run.model) < 0.2 and least_chance(run.model) > 0.85


def test_bad_input_gets_a_sentence(monkeypatch):
    for fields, words in (
        ({"workers": 0}, "The number workers is an integer of at least 1, not 0"),
        ({"delays": (1, -1)}, r"Delays are numbers of at least 0, one of them above 0, not \(1, -1\)"),
        ({"delays": (0.0,)}, "one of them above 0"),
        ({"optimizer": "adan"}, "did you mean 'adam'"),
    ):
        with pytest.raises(BadInput, match=words):
            fit(A3C(**fields, **SMALL), CartPole(), steps=1)
    for recipe, backend, words in (
        (A3C(normalize=True, **SMALL), "threads", "normalize=False"),
        (A3C(optimizer="adam", **SMALL), "threads", "share no Adam"),
        (A3C(), "thread", "did you mean 'threads'"),
        (A2C(), "threads", "run A3C, not A2C: use fit"),
    ):
        with pytest.raises(BadInput, match=words):
            asynchronous(recipe, CartPole(), steps=1, backend=backend)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ModuleNotFoundError, match="pip install ray, or use backend='threads'"):
        asynchronous(A3C(**SMALL), CartPole(), steps=1, backend="ray")
