"""The Dirac GAN: what training does is what the eigenvalues say, in sign and rate (G1)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.core import BadInput, Pairs
from ansatz.generate.gan.dirac import (
    SLOPES,
    DiracGAN,
    dirac_field,
    dirac_players,
    exact_eigenvalues,
    exact_jacobian,
    exact_step,
    penalty_cycle,
    trajectory,
)
from ansatz.generate.gan.losses import LOSSES
from ansatz.generate.gan.portrait import dirac_portrait, phase_portrait
from ansatz.generate.gan.spectrum import by_real_part, eigenvalues, fitted_step, jacobian

NEAR = {"theta": 1e-3, "psi": 1e-3, "rate": 0.1}


def game_of(loss, **penalties):
    return DiracGAN(loss=loss, **penalties).game


@pytest.mark.parametrize("loss", LOSSES)
def test_jacobian_of_the_real_losses_is_the_closed_form(loss):
    with jax.enable_x64(True):
        batch = Pairs(jnp.zeros((1, 1)), None)
        for r1, r2 in ((0.0, 0.0), (0.4, 0.0), (0.3, 1.5)):
            game = game_of(loss, r1=r1, r2=r2)
            found, generators = jacobian(game, dirac_players(0.0, 0.0), batch)
            assert generators == 1
            np.testing.assert_allclose(found, exact_jacobian(loss, r1 + r2), atol=1e-14)
            mu = eigenvalues(game, dirac_players(0.0, 0.0), batch)
            np.testing.assert_allclose(mu, by_real_part(exact_eigenvalues(loss, r1 + r2)), atol=1e-7)


def test_slopes_are_those_of_the_losses():
    for loss, (critic, generator) in SLOPES.items():
        at = [jax.grad(part, argnums=1)(jnp.zeros(1), jnp.zeros(1)).item() for part in LOSSES[loss]]
        assert at == pytest.approx([critic, generator], abs=1e-7)


CASES = {
    "minimax, both at once": DiracGAN("minimax", simultaneous=True, **NEAR),
    "non-saturating, both at once": DiracGAN("non_saturating", simultaneous=True, **NEAR),
    "Wasserstein, both at once": DiracGAN("wasserstein", simultaneous=True, **NEAR),
    "non-saturating, in turn": DiracGAN("non_saturating", **NEAR),
    "Wasserstein, in turn": DiracGAN("wasserstein", **NEAR),
    "Wasserstein, five critic steps": DiracGAN("wasserstein", critic_steps=5, **NEAR),
    "R1, in turn": DiracGAN("non_saturating", r1=0.3, **NEAR),
    "R1, both at once": DiracGAN("non_saturating", r1=0.3, simultaneous=True, **NEAR),
    "R1 and R2, overdamped": DiracGAN("relativistic", r1=1.0, r2=1.0, **NEAR),
    "R1, three critic steps": DiracGAN("minimax", r1=0.3, critic_steps=3, **NEAR),
}


@pytest.mark.parametrize("name", CASES)
def test_training_near_the_equilibrium_turns_and_grows_as_its_step_says(name):
    recipe = CASES[name]
    rounds = 120
    path = trajectory(recipe, recipe.critic_steps * rounds)
    theory = np.linalg.eigvals(exact_step(recipe))
    # A round of `critic_steps` steps ends before the step in which the generator moves.
    found = np.linalg.eigvals(fitted_step(path[:: recipe.critic_steps]))
    growth, expected = np.sort(np.log(np.abs(found))), np.sort(np.log(np.abs(theory)))
    np.testing.assert_allclose(growth, expected, rtol=0.02, atol=1e-6)
    turns, angle = np.sort(np.abs(np.angle(found))), np.sort(np.abs(np.angle(theory)))
    np.testing.assert_allclose(turns, angle, rtol=0.02, atol=1e-6)


def test_theory_says_what_converges():
    growth = {
        name: np.log(np.abs(np.linalg.eigvals(exact_step(recipe)))).max() for name, recipe in CASES.items()
    }
    out = {name for name, rate in growth.items() if rate > 1e-9}
    inward = {name for name, rate in growth.items() if rate < -1e-9}
    assert out == {name for name, r in CASES.items() if r.simultaneous and not r.r1}
    assert inward == {name for name, r in CASES.items() if r.r1}


def test_flow_of_small_steps_has_the_rate_of_the_eigenvalue():
    for loss, penalty in (("non_saturating", 0.2), ("wasserstein", 0.5)):
        recipe = DiracGAN(loss, r1=penalty, rate=1e-3, theta=1e-3)
        found = np.log(np.linalg.eigvals(fitted_step(trajectory(recipe, 4000)))) / recipe.rate
        theory = by_real_part(exact_eigenvalues(loss, penalty))
        np.testing.assert_allclose(by_real_part(found), theory, rtol=0.02)


def test_wasserstein_in_turn_stays_on_an_ellipse_and_at_once_leaves_exactly():
    path = trajectory(DiracGAN("wasserstein", rate=0.1, simultaneous=True), 50)
    assert (path[-1] ** 2).sum() == pytest.approx(1.01**50, rel=1e-12)
    theta, psi = trajectory(DiracGAN("wasserstein", rate=0.1), 500).T
    # The alternating step keeps θ² + ψ² - h θ ψ.
    np.testing.assert_allclose(theta**2 + psi**2 - 0.1 * theta * psi, 1, rtol=1e-10)


def test_non_saturating_flow_converges_slower_than_any_rate():
    # θ² + ψ² follows ρ' = -ρ²/8 averaged over a turn: 1/ρ grows by t/8.
    rate, steps = 0.01, 20_000
    path = trajectory(DiracGAN("non_saturating", rate=rate, theta=0.5), steps)
    inverse = 1 / (path**2).sum(1)
    assert inverse[-1] - inverse[0] == pytest.approx(rate * steps / 8, rel=0.02)


@pytest.mark.parametrize("factor", [0.2, 0.5])
def test_gradient_penalty_does_not_converge_but_cycles(factor):
    amplitude, period = penalty_cycle(factor)
    rate = 2e-3
    for theta in (0.05, 4.0):
        path = trajectory(DiracGAN("wasserstein", slope_one=factor, rate=rate, theta=theta), 25_000)
        late = path[12_000:]
        assert np.abs(late[:, 0]).max() == pytest.approx(amplitude, rel=0.02)
        up = np.flatnonzero((late[:-1, 1] < 0) & (late[1:, 1] >= 0))
        assert np.diff(up).mean() * rate == pytest.approx(period, rel=0.02)


def test_strong_gradient_penalty_ends_far_from_the_data():
    path = trajectory(DiracGAN("wasserstein", slope_one=1.5, rate=5e-3, theta=0.1, psi=0.1), 6000)
    assert np.abs(path[-1]) == pytest.approx([3.0, 0.0], abs=0.1)


def test_portrait_shows_the_field_of_the_training():
    recipe = DiracGAN("minimax", r1=0.5)
    points = np.array([[0.3, -0.7], [1.0, 0.0]])
    logistic = 1 / (1 + np.exp(-points.prod(1)))
    theta, psi = points.T
    expected = np.stack([logistic * psi, -logistic * theta - 0.5 * psi], 1)
    np.testing.assert_allclose(dirac_field(recipe, points), expected, rtol=1e-12)
    text = dirac_portrait({"no penalty": DiracGAN(simultaneous=True), "R1": DiracGAN(r1=1.0)}, 100)
    assert (
        "R1" in text
        and "generator θ" in text
        and text == dirac_portrait({"no penalty": DiracGAN(simultaneous=True), "R1": DiracGAN(r1=1.0)}, 100)
    )


def test_bad_input_is_refused_in_a_sentence():
    with pytest.raises(BadInput, match="no derivative at slope 0"):
        exact_step(DiracGAN("wasserstein", slope_one=1.0))
    with pytest.raises(BadInput, match=r"factor in \(0, 1\)"):
        penalty_cycle(1.0)
    with pytest.raises(BadInput, match=r"should be \[T, 2\]"):
        phase_portrait(lambda x: x, {"a": np.zeros(3)})
    with pytest.raises(BadInput, match="at least one recipe"):
        dirac_portrait({})
    with pytest.raises(BadInput, match="one step of the critic"):
        trajectory(DiracGAN(simultaneous=True, critic_steps=2), 1)
    with pytest.raises(BadInput, match="T > n"):
        fitted_step(np.zeros((2, 2)))
