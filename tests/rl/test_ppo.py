"""PPO: its clipped loss by hand, probes, continuous actions, and exact resumption."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.rl.worlds import Aim, CartPole, Medley, least_chance, wrong_values

import ansatz.training.fit as engine
from ansatz.core import BadInput, Status
from ansatz.rl.agent import build_actor_critic
from ansatz.rl.env import Discrete, everywhere
from ansatz.rl.ppo import PPO, clipped_loss
from ansatz.rl.rollout import Samples
from ansatz.training.fit import fit
from ansatz.training.run import load

SMALL = {"width": 16, "depth": 1, "gamma": 0.9}


def test_the_loss_is_that_of_the_paper():
    model = build_actor_critic(everywhere(-1.0, 1.0, 2), Discrete(3), 4, 1, key=jax.random.key(0))
    random = np.random.default_rng(0)
    obs, action = random.normal(size=(6, 2)), random.integers(0, 3, 6)
    old, value, advantage, target = random.normal(size=(4, 6))
    numbers = [jnp.asarray(x, jnp.float32) for x in (obs, old - 1, value, advantage, target)]
    batch = Samples(numbers[0], None, jnp.asarray(action), *numbers[1:])
    loss, metrics = clipped_loss(0.2, 0.7, 0.03, standardize=False, value_clip=True)(model, batch, None)
    log_p = np.asarray(jax.vmap(lambda o: model.policy(o).log_p)(numbers[0]), float)
    v = np.asarray(jax.vmap(model.value)(numbers[0]), float)
    ratio = np.exp(log_p[np.arange(6), action] - (old - 1))
    assert (ratio > 1.2).any() and (ratio < 0.8).any()
    actor = -np.minimum(ratio * advantage, np.clip(ratio, 0.8, 1.2) * advantage).mean()
    held = value + np.clip(v - value, -0.2, 0.2)
    critic = np.maximum((target - v) ** 2, (target - held) ** 2).mean()
    entropy = -(np.exp(log_p) * log_p).sum(1).mean()
    assert float(loss) == pytest.approx(actor + 0.7 * critic - 0.03 * entropy, rel=1e-5)
    assert float(metrics["clipped"]) == pytest.approx((np.abs(ratio - 1) > 0.2).mean())
    assert float(metrics["kl"]) == pytest.approx((ratio - 1 - np.log(ratio)).mean(), rel=1e-4)
    # Where the ratio is beyond the bound on the side of its advantage nothing pulls at the actor.
    far = batch._replace(log_prob=batch.log_prob - 5, advantage=jnp.abs(batch.advantage))
    slope = jax.grad(lambda m: clipped_loss(0.2, 0.0, standardize=False)(m, far, None)[0])(model)
    assert all((np.asarray(leaf) == 0).all() for leaf in jax.tree.leaves(slope))


def test_probes_are_learned_and_a_broken_run_goes_on_to_the_same_bits(tmp_path, monkeypatch):
    recipe = PPO(
        envs=16, steps=8, passes=3, minibatches=2, learning_rate=5e-3, normalize=True, scale=True,
        clip_schedule="linear", divergence=0.001, **SMALL,
    )  # fmt: skip
    monkeypatch.setattr(engine, "CHUNK", 61)
    whole = fit(recipe, Medley(), steps=183, driver="loop")
    assert least_chance(whole.model) > 0.9
    assert 1 <= whole.history["repeats"].min() < whole.history["repeats"].max() == 3
    part = fit(recipe, Medley(), steps=183, driver="loop", hooks=[lambda e: Status.stopped])
    assert part.step == 61
    part.save(tmp_path / "run")
    rest = fit(recipe, Medley(), steps=183, driver="loop", resume=load(tmp_path / "run"))
    for name, value in whole.state.items():
        assert np.array_equal(value, rest.state[name]), name
    assert float(rest.model.encoder.moments.value.count) == 183 * 128
    assert np.array_equal(whole.history["loss"], rest.history["loss"])


def test_values_are_learned_where_nothing_is_scaled():
    run = fit(
        PPO(envs=16, steps=8, passes=4, minibatches=2, learning_rate=5e-3, **SMALL), Medley(), steps=150
    )
    assert wrong_values(run.model) < 0.15


def test_continuous_actions_reach_their_aim():
    run = fit(PPO(envs=32, steps=4, minibatches=2, learning_rate=1e-2, **SMALL), Aim(), steps=150)
    assert np.abs(np.asarray(run.model.act(jnp.zeros(1))) - 0.5).max() < 0.1
    assert float(run.model.log_std.max()) < -0.5


def test_bad_input_gets_a_sentence():
    for recipe, words in (
        (PPO(minibatches=64, envs=1, steps=8), "cannot be cut into 64 parts"),
        (PPO(clip=0.0), "clip is a number above 0, not 0.0"),
        (PPO(passes=0), "passes is an integer of at least 1"),
    ):
        with pytest.raises(BadInput, match=words):
            fit(recipe, CartPole(), steps=1)
