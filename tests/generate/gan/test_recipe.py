"""The recipe for vectors: real trainings, what is drawn from them, and what is refused."""

import numpy as np
import pytest

from ansatz.core import BadInput, Status
from ansatz.generate.gan.modes import count_modes, draw_data, grid, ring
from ansatz.generate.gan.recipe import FittedGAN, VectorGAN, fit_gan
from ansatz.training.run import load

SMALL = {"width": 16, "critic_width": 16, "depth": 2, "critic_depth": 2, "batch": 64, "noise": 2}


def test_the_density_itself_has_all_modes_and_its_own_share_of_good_samples():
    for density in (ring(), grid()):
        found = count_modes(draw_data(density, 100_000), density)
        assert found.found == found.total == len(density.means)
        # P(|z| < 3) in the plane.
        assert found.good == pytest.approx(1 - np.exp(-4.5), abs=2e-3)
        assert 0 <= found.divergence < 1e-3


def test_what_is_counted():
    density = ring()
    near, far = np.array([[1.0299, 0.0]]), np.array([[1.0301, 0.0]])
    found = count_modes(np.concatenate([near, near, far, [[0.0, 1.0], [np.nan, 0.0]]]), density)
    assert (found.found, found.total, found.good) == (2, 8, 0.6)
    assert found.counts == (2, 0, 1, 0, 0, 0, 0, 0)
    # Half of the samples each on two of eight modes: log 8 - log 2.
    assert count_modes(density.means[:2], density).divergence == pytest.approx(np.log(4), rel=1e-6)
    with pytest.raises(BadInput, match=r"should be \[N, 2\]"):
        count_modes(np.zeros((3, 3)), density)


def test_five_seeds_at_once_are_saved_loaded_and_drawn_from(tmp_path):
    data = np.random.default_rng(0).normal([5, -300], [1, 20], (256, 2))
    fitted = fit_gan(data, VectorGAN(**SMALL), steps=8, seeds=5)
    assert fitted.run.status is Status.finished and fitted.run.history["critic"].shape == (8, 5)
    drawn = [fitted.sample(50, seed=1, member=i) for i in range(5)]
    assert all(one.shape == (50, 2) for one in drawn) and len({one.tobytes() for one in drawn}) == 5
    assert np.array_equal(drawn[0], fitted.sample(50, seed=1)) and drawn[0][:, 1].mean() < -200
    assert not np.array_equal(drawn[0], fitted.sample(50, seed=2))
    assert not np.array_equal(drawn[0], fitted.sample(50, seed=1, averaged=False))
    fitted.run.save(tmp_path / "run")
    again = FittedGAN(load(tmp_path / "run"))
    assert np.array_equal(again.sample(50, seed=1, member=3), drawn[3])


@pytest.mark.parametrize("labeling", ["concatenated", "projected"])
def test_conditional_gan_draws_the_class_that_is_asked_for(labeling):
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, 600)
    centers = np.array([[2.0, 0.0], [-2.0, 1.0], [0.0, -2.0]])
    data = centers[labels] + 0.3 * rng.normal(size=(600, 2))
    recipe = VectorGAN(**SMALL, labeling=labeling, learning_rate=3e-3, critic_rate=3e-3)
    fitted = fit_gan(data, recipe, labels=labels, steps=700)
    for label in range(3):
        mean = fitted.sample(400, condition=label).mean(0)
        assert np.linalg.norm(mean - centers[label]) < 0.4
    mixed = fitted.sample(4, condition=np.array([0, 1, 2, 0]))
    assert np.linalg.norm(mixed - centers[[0, 1, 2, 0]], axis=1).max() < 2
    with pytest.raises(BadInput, match="a class from 0 to 2"):
        fitted.sample(4)
    with pytest.raises(BadInput, match="a class from 0 to 2"):
        fitted.sample(4, condition=3)


@pytest.mark.parametrize("loss", ["minimax", "least_squares", "hinge", "wasserstein"])
def test_every_loss_moves_the_generator_to_the_data(loss):
    data = np.random.default_rng(2).normal(size=(400, 2)) @ np.array([[1.0, 0.6], [0.0, 0.8]])
    options, steps = {"learning_rate": 3e-3, "critic_rate": 3e-3}, 400
    if loss == "wasserstein":  # its critic has to be near its best
        options = {"slope_one": 1.0, "r1": 0.0, "r2": 0.0, "fall": 1.0, "critic_steps": 5, "second": 0.9}
        options, steps = options | {"learning_rate": 1e-3, "critic_rate": 3e-3}, 5000
    fitted = fit_gan(data, VectorGAN(**SMALL, waves=0, loss=loss, **options), steps=steps)
    drawn = fitted.sample(4000)
    assert np.abs(drawn.mean(0) - data.mean(0)).max() < 0.35
    # The correlation is there, and no direction is lost.
    values = np.linalg.eigvalsh(np.cov(drawn.T))
    assert values[0] > 0.05 and values[1] > 3 * values[0]


@pytest.mark.slow
def test_ring_of_eight_is_found():
    fitted = fit_gan(draw_data(ring()), VectorGAN(), steps=2500)
    found = count_modes(fitted.sample(2500), ring())
    assert found.found == 8 and found.good > 0.8 and found.divergence < 0.1


def test_bad_input_is_refused_in_a_sentence():
    rows = np.random.default_rng(0).normal(size=(8, 2))
    with pytest.raises(BadInput, match="labeling 'project'; did you mean 'projected'"):
        VectorGAN(labeling="project")
    with pytest.raises(BadInput, match="critic_rate must be a number above 0"):
        VectorGAN(critic_rate=0.0)
    with pytest.raises(BadInput, match="decay first of Adam"):
        VectorGAN(first=1.0)
    with pytest.raises(BadInput, match=r"should be \[N, d\]"):
        fit_gan(rows[0], steps=1)
    with pytest.raises(BadInput, match="next to no spread"):
        fit_gan(np.ones((8, 2)), steps=1)
    with pytest.raises(BadInput, match="hold nan in row 0, column 1"):
        fit_gan(np.where(np.arange(2) == 1, np.nan, rows), steps=1)
    with pytest.raises(BadInput, match="whole numbers from 0 on"):
        fit_gan(rows, labels=np.arange(8.0), steps=1)
    fitted = fit_gan(rows, VectorGAN(**SMALL), steps=1)
    with pytest.raises(BadInput, match="no classes"):
        fitted.sample(2, condition=0)
    with pytest.raises(BadInput, match="at least 1, not 0"):
        fitted.sample(0)
