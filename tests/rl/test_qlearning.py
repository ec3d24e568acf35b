"""Value-based algorithms against exact solutions: tables, DQN as a table, replay, look-ahead, planning."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tests.rl.worlds import CartPole, Finite, Medley, Process, medley, random_process

import ansatz.training.fit as engine
from ansatz.core import BadInput, Fixed, Map, Status
from ansatz.rl.dqn import DQN, DeepQ, QNetwork
from ansatz.rl.env import everywhere
from ansatz.rl.lookahead import PolicyIteration, ValuePolicy, look_ahead
from ansatz.rl.planning import action_values, policy_value, value_iteration
from ansatz.rl.qlearning import QLearning
from ansatz.training.fit import fit
from ansatz.training.run import load
from ansatz.training.step import clock_at, draw, learn, start
from ansatz.training.updates import Descend, On


@pytest.mark.parametrize("masked", [False, True])
def test_q_learning_finds_the_solution_of_bellmans_equation(masked):
    process, gamma = random_process(8, 4, seed=2, masked=masked), 0.8
    truth = value_iteration(process.going, process.R, gamma, process.legal)
    recipe = QLearning(envs=512, gamma=gamma, learning_rate=0.01, final_rate=1e-5, last=0.6)
    run = fit(recipe, Finite(process), steps=40_000)
    wrong = np.abs(np.asarray(run.model.q) - truth)
    legal = np.ones_like(truth, bool) if process.legal is None else process.legal
    assert wrong[legal].max() <= 1e-2
    assert (np.asarray(run.model.q)[~legal] == 0).all()
    greedy = np.asarray(jax.vmap(run.model.act)(jnp.arange(8), jnp.asarray(legal)))
    assert legal[np.arange(8), greedy].all()


def test_sarsa_finds_the_value_of_what_it_plays():
    """With ε = 1 it plays evenly among the legal actions, whose value is a linear system's solution."""
    process, gamma = random_process(6, 3, seed=4, masked=True), 0.8
    even = process.legal / process.legal.sum(1, keepdims=True)
    truth = action_values(
        process.going, process.R, policy_value(process.going, process.R, even, gamma), gamma
    )
    recipe = QLearning(rule="sarsa", envs=64, gamma=gamma, learning_rate=0.1, final_rate=2e-4, last=1.0)
    run = fit(recipe, Finite(process), steps=30_000)
    assert np.abs(np.asarray(run.model.q) - truth)[process.legal].max() <= 2e-2


class Cut(Finite):
    """A world without end that pays 1 a step, cut off with a chance of 0.2."""

    def step(self, state, action, key):
        step = super().step(state, action, key)
        return step._replace(truncated=jax.random.bernoulli(key, 0.2))


def test_sarsa_looks_past_a_time_limit():
    env = Cut(Process(np.ones((1, 2, 1)), np.ones((1, 2)), None))
    run = fit(QLearning(rule="sarsa", gamma=0.9, final_rate=0.1), env, steps=2000)
    np.testing.assert_allclose(run.model.q, 10.0, atol=1e-2)


class Linear(Map):
    """A network without hidden layers or biases on one-hot states."""

    weight: jax.Array

    def values(self, obs, legal=None):
        return self.weight @ (jnp.arange(self.weight.shape[1]) == obs).astype(jnp.float32)

    def __call__(self, x, *, key=None):
        return self.values(x)


@pytest.mark.parametrize("double", [False, True])
def test_dqn_on_one_hot_states_is_tabular_q_learning(double):
    process, gamma, rate = random_process(7, 3, seed=3, masked=True), 0.9, 0.3
    recipe = DQN(
        steps=1, batch=1, capacity=1, start=0, gamma=gamma, error="squares", target_every=1, double=double,
        last=0.5,
    )  # fmt: skip
    parts = recipe.build(Finite(process), jax.random.key(0))
    net = Linear(jnp.zeros((3, 7)))
    inner = parts.updates[0].update
    down = Descend(inner.update.objective, optax.sgd(rate), lambda m: m.online)
    inner = eqx.tree_at(lambda u: u.update, inner, down)
    parts = parts._replace(model=DeepQ(net, Fixed(net)), updates=(On(lambda b: b.samples, inner),))
    key = jax.random.key(1)

    @jax.jit
    def chunk(state):
        def one(state, i):
            clock = clock_at(i, 3000)
            batch, source = draw(parts, state, clock, key)
            state, _ = learn(parts, state._replace(source=source), batch, clock, key)
            return state, (batch.samples, state.model.online.weight)

        return jax.lax.scan(one, state, jnp.arange(3000))

    _, (steps, weights) = chunk(start(parts, key))
    s, a, r, over, after, open_ = (
        np.asarray(x)[:, 0]
        for x in (steps.obs, steps.action, steps.reward, steps.terminated, steps.next_obs, steps.next_legal)
    )
    q, worst = np.zeros((7, 3)), 0.0
    for i in range(3000):
        best = q[after[i]][open_[i]].max()
        q[s[i], a[i]] += rate * (r[i] + gamma * (1 - over[i]) * best - q[s[i], a[i]])
        worst = max(worst, np.abs(np.asarray(weights[i]).T - q).max())
    assert worst <= 1e-5 and np.abs(q).max() > 1
    assert process.legal[s, a].all() and (process.legal[after] == open_).all()


@pytest.mark.parametrize("options", [{"last": 0.3}, {"dueling": True, "explore": "temperature", "last": 0.1}])
def test_dqn_learns_the_probes(options):
    recipe = DQN(
        gamma=0.9, envs=8, steps=2, batch=64, capacity=4096, start=200, target_every=160, learning_rate=3e-3,
        width=32, depth=1, schedule="linear", **options,
    )  # fmt: skip
    run = fit(recipe, Medley(), steps=2000)
    obs, legal, value = medley()
    found = np.where(legal, jax.vmap(run.model.values)(obs, legal), -np.inf).max(1)
    assert np.abs(found - value).max() < 0.1, found
    act = np.asarray(jax.vmap(run.model.act)(obs, legal))
    assert act[5] == act[7] == act[8] == 1 and act[6] != 1


@pytest.mark.parametrize("illegal", ["penalty", "both"])
def test_values_of_illegal_actions_fall_to_the_penalty(illegal):
    recipe = DQN(
        gamma=0.9, envs=8, steps=2, capacity=4096, start=200, target_every=160, learning_rate=3e-3, last=0.3,
        width=32, depth=1, illegal=illegal, penalty=2.0,
    )  # fmt: skip
    run = fit(recipe, Medley(), steps=1500)
    obs, _, _ = medley()
    q = np.asarray(run.model.values(obs[8]))
    # Punished in the reward, the state stays as it is: -2 + γ max Q, with the maximum 1.
    assert q[2] == pytest.approx(-2.0 if illegal == "both" else -2.0 + recipe.gamma, abs=0.2)
    assert int(run.model.act(obs[8])) == 1


def test_duels_leave_illegal_advantages_out():
    net = QNetwork(everywhere(-1.0, 1.0, 2), 4, 8, 1, dueling=True, key=jax.random.key(0))
    legal = jnp.asarray([True, False, True, True])
    value = lambda n: (jnp.where(legal, n.values(jnp.ones(2), legal), 0.0) ** 2).sum()  # noqa: E731
    slope = jax.grad(value)(net).body.last.bias
    assert float(slope[2]) == 0.0 and (np.asarray(slope)[[0, 1, 3, 4]] != 0).all()
    every = net.body(net.encoder(jnp.ones(2)))
    assert float(net(jnp.ones(2)).mean()) == pytest.approx(float(every[0]), abs=1e-5)


def test_a_resumed_dqn_goes_on_to_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "CHUNK", 13)
    recipe = DQN(envs=2, steps=3, batches=2, batch=8, capacity=60, start=30, target_every=18, width=8)
    whole = fit(recipe, CartPole(), steps=40, driver="loop")
    part = fit(recipe, CartPole(), steps=40, driver="loop", hooks=[lambda e: Status.stopped])
    assert part.step == 13
    part.save(tmp_path / "run")
    rest = fit(recipe, CartPole(), steps=40, driver="loop", resume=load(tmp_path / "run"))
    for name, value in whole.state.items():
        assert np.array_equal(value, rest.state[name]), name
    # Nothing is learned, and nothing reported, from the first 30 steps.
    assert np.isnan(whole.history["loss"][:5]).all() and np.isfinite(whole.history["loss"][5:]).all()


def test_looking_ahead_with_the_true_value_is_the_best_policy():
    process, gamma = random_process(12, 4, seed=9, masked=True, chance=False, ending=0.0), 0.9
    env = Finite(process)
    truth = value_iteration(process.going, process.R, gamma, process.legal)
    best = np.where(process.legal, truth, -np.inf)
    value = jnp.asarray(best.max(1), jnp.float32)
    states, keys = jnp.arange(12), jax.random.split(jax.random.key(0), 12)
    q = jax.vmap(lambda s, k: look_ahead(env, lambda obs: value[obs], s, k, gamma, 1, env.legal(s)))(
        states, keys
    )
    np.testing.assert_allclose(np.where(process.legal, q, 0), np.where(process.legal, truth, 0), rtol=1e-5)
    policy = ValuePolicy(env, lambda obs: value[obs], gamma)
    assert np.array_equal(jax.vmap(policy.act)(states, keys), best.argmax(1))


def test_actions_are_drawn_with_weights_like_their_values():
    process = random_process(3, 4, seed=1, masked=True, chance=False, ending=0.0)
    env = Finite(process)
    policy = ValuePolicy(env, lambda obs: 0.0 * obs.astype(jnp.float32), choice="proportional")
    keys = jax.random.split(jax.random.key(0), 60_000)
    drawn = np.asarray(jax.vmap(lambda k: policy.act(jnp.asarray(1), k))(keys))
    weight = np.where(process.legal[1], process.R[1], 0)
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / len(drawn), weight / weight.sum(), atol=8e-3)


def test_policy_iteration_finds_the_best_values():
    process, gamma = random_process(10, 3, seed=11, masked=True, chance=False), 0.8
    truth = np.where(process.legal, value_iteration(process.going, process.R, gamma, process.legal), -np.inf)
    recipe = PolicyIteration(
        gamma=gamma, lam=0.5, steps=16, period=10, tries=4, last=0.0, explored=0.9, width=32, depth=1,
        learning_rate=5e-3, schedule="linear",
    )  # fmt: skip
    run = fit(recipe, Finite(process), steps=600)
    found = np.asarray(jax.vmap(run.model.value)(jnp.arange(10)))
    assert np.abs(found - truth.max(1)).max() < 0.1


def test_bad_input_gets_a_sentence():
    for recipe, env, words in (
        (QLearning(), CartPole(), "observations, and those of CartPole are arrays: use DQN"),
        (QLearning(rule="sarse"), CartPole(), "did you mean 'sarsa'"),
        (QLearning(illegal="both"), Finite(random_process(3, 3, 0, masked=True)), "mask or penalty"),
        (DQN(capacity=2), CartPole(), "does not hold the 4"),
        (DQN(last=1.5), CartPole(), r"ε lies in \[0, 1\], not between 1.0 and 1.5"),
        (DQN(explore="temperature", last=0.0), CartPole(), "temperature is above 0"),
        (DQN(error="huge"), CartPole(), "did you mean 'huber'"),
    ):
        with pytest.raises(BadInput, match=words):
            fit(recipe, env, steps=1)
