"""Rollouts and replay: what is played is what the environment says, the ring is not copied, schedules end."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.rl.worlds import Aim, CartPole, Finite, Medley, random_process

from ansatz.core import BadInput
from ansatz.rl.agent import build_actor_critic
from ansatz.rl.dqn import DQN, Exploring
from ansatz.rl.evaluate import evaluate, watching
from ansatz.rl.explore import Schedule, boltzmann, chances, constant, epsilon_greedy
from ansatz.rl.illegal import Penalized, forbids
from ansatz.rl.normalize import moments
from ansatz.rl.ppo import PPO
from ansatz.rl.replay import Packing, Replay, Steps, Transition
from ansatz.rl.rollout import Rollout, begin, play
from ansatz.training.fit import fit
from ansatz.training.step import clock_at

KEY = jax.random.key(1)


def test_a_rollout_is_what_the_environment_does():
    env = CartPole(limit=9)
    actions = jax.random.bernoulli(KEY, 0.5, (60, 3)).astype(jnp.int32)
    choose = lambda state, obs, legal, drawn: (drawn, ())  # noqa: E731
    begun = begin(env, 3, KEY)
    walk, record, episodes = jax.jit(lambda w: play(env, w, choose, actions, KEY))(begun)
    step = jax.jit(env.step)
    ended, total, lengths = 0, 0.0, []
    for e in range(3):
        count = 0
        for t in range(60):
            obs = record.obs[t, e]
            made = step((obs, jnp.asarray(count)), actions[t, e], KEY)
            np.testing.assert_allclose(record.next_obs[t, e], made.obs, rtol=1e-5, atol=1e-6)
            assert bool(record.terminated[t, e]) == bool(made.terminated)
            assert bool(record.truncated[t, e]) == bool(made.truncated)
            count += 1
            if bool(made.terminated | made.truncated):
                ended, total = ended + 1, total + count
                lengths.append(count)
                count = 0
                fresh = (record.obs[t + 1] if t < 59 else walk.state[0])[e]
                assert float(jnp.abs(fresh).max()) <= 0.05
            elif t < 59:
                assert np.array_equal(record.obs[t + 1, e], record.next_obs[t, e])
        assert int(walk.length[e]) == count
    assert (float(episodes.returns.total), float(episodes.returns.weight)) == (total, ended)
    assert float(episodes.lengths.total) == sum(lengths) and max(lengths) <= 9


def test_no_illegal_action_is_taken_in_many_steps():
    env = Finite(random_process(50, 20, seed=0, masked=True))
    model = build_actor_critic(env.observations, env.actions, 4, 0, key=KEY)
    source = Rollout(env, 500, 400, masked=True)
    allowed = env.allowed

    @jax.jit
    def count(state, key):
        batch, state = source.next(state, model, clock_at(0, 1), key)
        steps = batch.samples
        return state, (~allowed[steps.obs, steps.action]).sum(), (steps.legal != allowed[steps.obs]).sum()

    state = source.init(model, KEY)
    for i in range(5):
        state, illegal, different = count(state, jax.random.fold_in(KEY, i))
        assert int(illegal) == 0 and int(different) == 0


def test_rows_of_the_ring_hold_a_step_exactly():
    shapes = {"mask": (Finite(random_process(300, 37, 0, masked=True)), True), "box": (Aim(), False)}
    for env, masked in shapes.values():
        packing = Packing.of(env, masked)
        steps = _random_steps(env, 50, masked)
        back = packing.unpack(packing.pack(steps))
        for a, b in zip(jax.tree.leaves(steps), jax.tree.leaves(back), strict=True):
            assert a.dtype == b.dtype and np.array_equal(a, b)
    assert Packing.of(shapes["mask"][0], True).width == 1 + 1 + 1 + 1 + 1 + 2 * 3


def _random_steps(env, count, masked):
    keys = jax.random.split(KEY, 7)
    discrete = not hasattr(env.observations, "low")
    obs, after = (
        jax.random.randint(k, (count,), 0, env.observations.n)
        if discrete
        else jax.random.normal(k, (count, *env.observations.shape))
        for k in keys[:2]
    )
    action = (
        jax.random.randint(keys[2], (count,), 0, env.actions.n)
        if hasattr(env.actions, "n")
        else jax.random.normal(keys[2], (count, *env.actions.shape))
    )
    legal, other = (
        jax.random.bernoulli(k, 0.5, (count, env.actions.n)) if masked else None for k in keys[3:5]
    )
    ended = jax.random.bernoulli(keys[5], 0.5, (count,))
    return Transition(obs, legal, action, jax.random.normal(keys[6], (count,)), ended, after, other)


def test_the_ring_keeps_the_last_steps_and_draws_from_all_it_holds():
    env = CartPole(limit=50)
    recipe = DQN(envs=2, steps=3, capacity=20, batch=500, width=4)
    parts = recipe.build(env, KEY)
    source = parts.source
    assert source.blocks == 3
    state, seen = source.init(parts.model, KEY), []
    step = jax.jit(lambda s, i: source.next(s, parts.model, clock_at(i, 10), jax.random.fold_in(KEY, i)))
    for i in range(5):
        batch, state = step(state, i)
        rows = np.asarray(state.ring)
        held = min(i + 1, 3) * 6
        assert (rows[held:] == 0).all() and (np.abs(rows[:held]).max(1) > 0).all()
        drawn = np.asarray(source.packing.pack(batch.samples))
        found = (drawn[:, None] == rows[None, :held]).all(-1)
        assert found.any(1).all() and found.any(0).all()
        seen.append(rows[(i % 3) * 6 : (i % 3) * 6 + 6])
    assert np.array_equal(np.concatenate([seen[3], seen[4], seen[2]]), rows[:18])


def test_a_compiled_loop_does_not_copy_the_ring():
    env, capacity = CartPole(), 50_000
    exploring = Exploring(2, constant(0.1))
    source = Replay(Steps(env, exploring, 1, 1), capacity, 32)
    model = DQN(width=4).build(env, KEY).model

    def run(state):
        def body(carry):
            i, state, total = carry
            batch, state = source.next(state, model, clock_at(i, 100), jax.random.fold_in(KEY, i))
            return i + 1, state, total + batch.samples.reward.sum()

        return jax.lax.while_loop(lambda c: c[0] < 50, body, (jnp.asarray(0), state, jnp.zeros(())))

    text = jax.jit(run, donate_argnums=0).lower(source.init(model, KEY)).compile().as_text()
    width = source.packing.width
    assert f"f32[{capacity},{width}]" in text
    assert not re.findall(rf"= f32\[{capacity},{width}\]\S* copy\(", text)


def test_environments_that_forbid_nothing_are_known():
    assert forbids(Medley()) and forbids(Finite(random_process(3, 3, 1, masked=True)))
    assert not forbids(CartPole()) and not forbids(Aim())
    assert not forbids(Finite(random_process(3, 3, 1))) and not forbids(Penalized(Medley()))


def test_an_illegal_proposal_costs_and_changes_nothing():
    env = Penalized(Medley(), 2.5, most=2)
    state = env.reset(KEY)._replace(state=(jnp.asarray(5), jnp.zeros(()), jnp.zeros((), jnp.int32)))
    first = env.step(state, jnp.asarray(2), KEY)
    assert float(first.reward) == -2.5 and not bool(first.terminated | first.truncated)
    assert np.array_equal(first.obs, env.observe(state)) and int(first.state.proposals) == 1
    second = env.step(first.state, jnp.asarray(2), KEY)
    assert bool(second.truncated) and not bool(second.terminated)
    good = env.step(first.state, jnp.asarray(1), KEY)
    assert float(good.reward) == 1.0 and bool(good.terminated) and not bool(good.truncated)
    with pytest.raises(BadInput, match="above 0"):
        Penalized(Medley(), 0.0)


def test_epsilon_greedy_takes_what_it_says_how_often_it_says():
    values, legal = jnp.asarray([1.0, 5.0, 1.0, 9.0, 5.0]), jnp.asarray([True, True, True, False, True])
    luck = chances(5, KEY, (100_000,))
    wide = lambda x: jnp.broadcast_to(x, (100_000, 5))  # noqa: E731
    drawn = epsilon_greedy(wide(values), wide(legal), jnp.full(100_000, 0.2), luck)
    shares = np.bincount(np.asarray(drawn), minlength=5) / len(drawn)
    np.testing.assert_allclose(shares, [0.05, 0.45, 0.05, 0.0, 0.45], atol=6e-3)
    drawn = boltzmann(wide(values), wide(legal), jnp.full(100_000, 2.0), luck)
    truth = np.exp(np.array([1.0, 5.0, 1.0, -np.inf, 5.0]) / 2)
    shares = np.bincount(np.asarray(drawn), minlength=5) / len(drawn)
    np.testing.assert_allclose(shares, truth / truth.sum(), atol=6e-3)


def test_schedules():
    t = jnp.linspace(0, 1, 5)
    np.testing.assert_allclose(Schedule(1.0, 0.0)(t), 1 - t)
    np.testing.assert_allclose(Schedule(2.0, 0.02, shape="exponential")(t), 2 * 100.0**-t, rtol=1e-5)
    np.testing.assert_allclose(Schedule(1.0, 0.0, 0.5, "cosine")(t), [1, 0.5, 0, 0, 0], atol=1e-6)
    for bad, words in (
        ({"end": 0.0, "shape": "exponential"}, "numbers above 0"),
        ({"end": 0.0, "over": 0.0}, r"\(0, 1\], not 0.0"),
        ({"end": 0.0, "shape": "lin"}, "linear"),
        ({"end": float("nan")}, "between two numbers"),
    ):
        with pytest.raises(BadInput, match=words):
            Schedule(1.0, **bad)


def test_merged_moments_are_those_of_all_rows():
    rows = np.random.default_rng(0).normal(5, 3, (60, 2)).astype(np.float32)
    seen = moments((2,))
    for part in (rows[:10], rows[10:11], rows[11:]):
        seen = seen.merged(jnp.asarray(part))
    np.testing.assert_allclose(seen.mean, rows.mean(0), rtol=1e-5)
    np.testing.assert_allclose(seen.variance, rows.var(0), rtol=1e-4)
    assert float(seen.count) == 60


def test_training_is_watched_on_episodes_of_its_own():
    import equinox as eqx

    class Watched(PPO):
        def build(self, data, key):
            return super().build(data, key)._replace(watch=watching(data, 5, episodes=8, most=200))

    env = CartPole(limit=100)
    run = fit(Watched(envs=4, steps=32, learning_rate=3e-3, width=16), env, steps=40)
    assert run.validation["step"].tolist() == [5, 10, 15, 20, 25, 30, 35, 40]
    best = run.validation["return"].max()
    assert best > 60 and run.best_step == run.validation["step"][run.validation["return"].argmax()]
    returns = evaluate(env, run.model, 30)
    assert returns.shape == (30,) and returns.max() <= 100 and abs(returns.mean() - best) < 40
    assert eqx.is_array(run.model.actor.last.weight)
