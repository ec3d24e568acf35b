"""Every kind of training goes through the one engine and reaches what is known of it."""

import jax.numpy as jnp
import numpy as np
from tests.laws.recipes import (
    STAGES,
    Adversarial,
    Autoencoder,
    DeepQ,
    Exponential,
    HeldPoints,
    Proximal,
    Supervised,
    TabularGym,
    exponential_table,
    parabola_table,
    shifted_normal,
    sine_table,
    three_columns,
)

from ansatz.core import Status
from ansatz.training.fit import fit


def test_supervised_with_validation_learns_the_sine():
    run = fit(Supervised(), sine_table(), steps=1500)
    assert run.status is Status.finished
    assert run.validation["loss"].min() < 1e-3
    assert run.best_step == run.validation["step"][run.validation["loss"].argmin()]


def test_lbfgs_on_held_points_solves_the_oscillator():
    run = fit(HeldPoints(), steps=120)
    t = np.linspace(0, 1, 21, dtype=np.float32)
    y = np.array([x + x**2 * float(run.model(jnp.asarray([x]))[0]) for x in t])
    assert np.abs(y - np.sin(t)).max() < 1e-3


def test_gauss_newton_finds_the_exponential():
    run = fit(Exponential(), exponential_table(), steps=40)
    assert abs(float(run.model["a"]) - 2) < 1e-4
    assert abs(float(run.model["b"]) + 1.5) < 1e-4


def test_stages_refine_a_grid_at_the_order_of_linear_interpolation():
    run = fit(STAGES, parabola_table())
    assert run.stage == 2 and run.model.values.shape == (9,)
    ends = [run.history["loss"][run.history["stage"] == i][-1] for i in range(3)]
    starts = [run.history["loss"][run.history["stage"] == i][0] for i in range(3)]
    assert starts[1] < 1.05 * ends[0] and starts[2] < 1.05 * ends[1]
    # The best linear spline for x² has an L² error of order h², its square of order h⁴: 16 a halving.
    assert 8 < ends[0] / ends[1] < 32 and 8 < ends[1] / ends[2] < 32


def test_gan_with_two_critic_steps_and_an_average_finds_the_shift():
    run = fit(Adversarial(), shifted_normal(), steps=1500)
    assert abs(float(run.model.average.value) - 1.5) < 0.15
    assert {"critic", "generator", "generator/shift"} <= set(run.history)


def test_linear_vae_reaches_the_likelihood_of_probabilistic_pca():
    data = three_columns()
    run = fit(Autoencoder(), data, steps=2500)
    values, _ = np.linalg.eigh(np.cov(data.T, bias=True))
    noise = values[:2].mean()
    truth = 0.5 * (3 * np.log(2 * np.pi) + np.log(values[2]) + 2 * np.log(noise) + 3)
    assert abs(run.history["loss"][-500:].mean() - truth) < 0.05


def test_ppo_learns_the_bandit():
    run = fit(Proximal(), steps=150)
    chances = np.exp(run.model["logits"] - np.logaddexp.reduce(run.model["logits"], axis=1, keepdims=True))
    assert chances[0, 0] > 0.95 and chances[1, 1] > 0.95
    assert run.history["repeats"].min() >= 1 and run.history["repeats"].max() <= 4


def test_dqn_matches_value_iteration():
    run = fit(DeepQ(), steps=4000)
    q = np.zeros((5, 2))
    for _ in range(100):
        v = q.max(1)
        q = np.array(
            [[0.9 * v[s - 1] * (s > 1), float(s == 3) + 0.9 * v[min(s + 1, 4)] * (s < 3)] for s in range(5)]
        )
        q[[0, 4]] = 0
    assert np.abs(np.asarray(run.model.online)[1:4] - q[1:4]).max() < 0.05


def test_gymnasium_loop_walks_across_the_lake():
    import gymnasium

    run = fit(TabularGym(), steps=6000)
    env = gymnasium.make("FrozenLake-v1", is_slippery=False)
    state, _ = env.reset(seed=0)
    reward, ended, moves = 0.0, False, 0
    while not ended:
        state, reward, terminated, truncated, _ = env.step(int(np.asarray(run.model["q"])[state].argmax()))
        ended, moves = terminated or truncated, moves + 1
    assert reward == 1 and moves == 6
