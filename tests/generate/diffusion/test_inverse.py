"""Posteriors of linear measurements against Bayes' rule for Gaussians."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from ansatz.core import BadInput, Map
from ansatz.generate.diffusion.denoisers import Learned
from ansatz.generate.diffusion.densities import gaussian, mixture
from ansatz.generate.diffusion.errors import Normal, drawn
from ansatz.generate.diffusion.exact import Exact
from ansatz.generate.diffusion.grids import grid
from ansatz.generate.diffusion.inverse import Ensemble, Posterior, conjugate_gradients, solve_inverse
from ansatz.generate.diffusion.operators import Blur, Mask, Matrix
from ansatz.generate.diffusion.schedule import Exploding, Flow

SIZE = 10
PLACES = np.linspace(0, 1, SIZE)


def field():
    """Return a Gaussian process on a line, of mean sin and a correlation length of 0.2."""
    apart = PLACES[:, None] - PLACES[None]
    return np.sin(3 * PLACES), np.exp(-0.5 * (apart / 0.2) ** 2) + 1e-6 * np.eye(SIZE)


def bayes(mean, covariance, matrix, y, noise):
    """Return mean and covariance of x given y = A x + noise."""
    gain = covariance @ matrix.T @ np.linalg.inv(matrix @ covariance @ matrix.T + noise**2 * np.eye(len(y)))
    return mean + gain @ (y - matrix @ mean), covariance - gain @ matrix @ covariance


OPERATORS = {
    "mask": lambda: Mask(np.arange(SIZE) % 4 == 1),
    "blur": lambda: Blur([0.25, 0.5, 0.25], (SIZE,)),
    "matrix": lambda: Matrix(jr.normal(jr.key(5), (4, SIZE))),
}


def problem(name, noise):
    mean, covariance = field()
    operator = OPERATORS[name]()
    matrix = np.asarray(jax.jacfwd(operator)(jnp.zeros(SIZE)))
    truth = gaussian(mean, covariance).sample(jr.key(1), 1)[0]
    y = operator(truth) + noise * jr.normal(jr.key(2), (len(matrix),))
    return operator, matrix, y, bayes(mean, covariance, matrix, np.asarray(y), noise)


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("iterations", [0, 12])
def test_corrected_estimate_is_bayes_rule(name, iterations):
    # x₀ given x_t and y: two measurements of the same Gaussian.
    with jax.enable_x64(True):
        noise, process = 0.1, Flow()
        operator, matrix, y, _ = problem(name, noise)
        prior = Exact(gaussian(*field()), process)
        given = Posterior(prior, operator, y, jnp.asarray(noise), iterations=iterations)
        for share in (0.05, 0.5, 0.95):
            t, x = jnp.asarray(share), jr.normal(jr.key(3), (SIZE,))
            alpha, sigma = (float(v) for v in process.pair(t))
            both = np.concatenate([alpha / sigma * np.eye(SIZE), matrix / noise])
            seen = np.concatenate([x / sigma, y / noise])
            wanted = bayes(*field(), both, seen, 1.0)[0]
            found = given(x, t)
            np.testing.assert_allclose(found.clean, wanted, rtol=1e-6, atol=1e-6)
            np.testing.assert_allclose(alpha * found.clean + sigma * found.noise, x, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("process", [Flow(), Exploding()])
def test_what_is_drawn_is_the_posterior(name, process):
    # The corrected denoiser is affine, so that the draws' distribution is known without drawing.
    with jax.enable_x64(True):
        operator, _, y, (mean, covariance) = problem(name, 0.1)
        given = Posterior(Exact(gaussian(*field()), process), operator, y, jnp.asarray(0.1))
        begin = Normal(jnp.zeros(SIZE), (1 if process.last == 1 else 80.0**2 + 1) * jnp.eye(SIZE))
        found = drawn(given, "heun", grid(process, 48, "karras"), begin, finish=True)
        assert np.linalg.norm(found.mean - mean) < 0.01 * np.linalg.norm(mean)
        spread, wanted = np.sqrt(np.diag(found.covariance)), np.sqrt(np.diag(covariance))
        np.testing.assert_allclose(spread, wanted, rtol=0.03, atol=0.004)


def test_ensemble_has_the_mean_and_the_spread():
    with jax.enable_x64(True):
        operator, _, y, (mean, covariance) = problem("mask", 0.05)
        prior = Exact(gaussian(*field()), Flow())
        found = solve_inverse(prior, operator, y, 0.05, jr.split(jr.key(4), 2000), (SIZE,), steps=24)
        assert np.linalg.norm(found.mean - mean) < 0.05 * np.linalg.norm(mean)
        np.testing.assert_allclose(found.deviation, np.sqrt(np.diag(covariance)), rtol=0.1, atol=0.005)


def test_intervals_cover_what_they_say():
    # The truth and the draws are from the same posterior: 90 % of the intervals hold the truth.
    with jax.enable_x64(True):
        mean, covariance = field()
        prior = Exact(gaussian(mean, covariance), Flow())
        operator, held = OPERATORS["matrix"](), []
        truths = gaussian(mean, covariance).sample(jr.key(8), 60)
        for i, truth in enumerate(truths):
            y = operator(truth) + 0.3 * jr.normal(jr.fold_in(jr.key(9), i), (4,))
            keys = jr.split(jr.key(100 + i), 300)
            low, high = solve_inverse(prior, operator, y, 0.3, keys, (SIZE,), steps=12).interval(0.9)
            held.append((low <= truth) & (truth <= high))
    # 600 components, a tenth of which counts for their correlations: the error of the share is 0.02.
    assert abs(np.mean(held) - 0.9) < 0.06


def test_noise_may_differ_from_measurement_to_measurement():
    with jax.enable_x64(True):
        mean, covariance = field()
        matrix, noise = np.eye(SIZE)[:3], np.array([0.05, 0.5, 5.0])
        y = jnp.asarray([1.0, 1.0, 1.0])
        given = Posterior(
            Exact(gaussian(mean, covariance), Flow()), Matrix(jnp.asarray(matrix)), y, jnp.asarray(noise)
        )
        # At nearly pure noise the estimate is that of y alone.
        found = given(jnp.zeros(SIZE), jnp.asarray(1.0)).clean
        wanted = bayes(mean, covariance, matrix / noise[:, None], np.asarray(y) / noise, 1.0)[0]
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=2e-3)


def test_isotropic_covariance_is_exact_for_white_data():
    with jax.enable_x64(True):
        prior = Exact(gaussian(np.zeros(3), np.eye(3)), Flow())
        operator, y, noise = Matrix(jnp.asarray([[1.0, 2.0, 0.0]])), jnp.asarray([1.5]), jnp.asarray(0.2)
        x, t = jnp.asarray([0.3, -0.2, 0.9]), jnp.asarray(0.7)
        one, two = (Posterior(prior, operator, y, noise, kind)(x, t) for kind in ("moments", "isotropic"))
        np.testing.assert_allclose(one.clean, two.clean, rtol=1e-10)


def test_posterior_of_a_mixture_chooses_the_right_mode():
    with jax.enable_x64(True):
        data = mixture([0.5, 0.5], [[-1.0, -1.0], [1.0, 1.0]], [0.01, 0.01])
        keys = jr.split(jr.key(0), 200)
        mask = Mask([True, False])
        found = solve_inverse(Exact(data, Flow()), mask, jnp.asarray([1.05]), 0.05, keys, (2,))
        assert (found.samples[:, 1] > 0.5).mean() > 0.99


class Smooth(Map):
    """A network with a convolution, as a prior of images."""

    kernel: jax.Array

    def __call__(self, x, *, key=None):
        out = jax.lax.conv_general_dilated(x.x[None, None], self.kernel[None, None], (1, 1), "SAME")
        return x.x - 0.5 * out[0, 0]


def test_images_and_networks_with_convolutions():
    prior = Learned(Smooth(jnp.ones((3, 3)) / 9), Flow(), "flow")
    shape = (4, 4)
    mask = np.zeros(shape, bool)
    mask[:, ::2] = True
    y = jnp.linspace(-1.0, 1.0, 8)
    keys = jr.split(jr.key(0), 4)
    one, two = (
        solve_inverse(
            prior, Mask(mask), y, 0.1, keys, shape, iterations=3, steps=5, sampler="ddim", driver=driver
        ).samples
        for driver in (None, "loop")
    )
    assert one.shape == (4, 4, 4) and np.isfinite(one).all()
    np.testing.assert_allclose(one, two, rtol=2e-3, atol=2e-3)


def test_blur_is_the_periodic_convolution():
    with jax.enable_x64(True):
        image, kernel = jr.normal(jr.key(0), (5, 6)), np.arange(9.0).reshape(3, 3)
        found = np.asarray(Blur(kernel, (5, 6))(image)).reshape(5, 6)
        wanted = np.zeros((5, 6))
        for i in range(3):
            for j in range(3):
                wanted += kernel[i, j] * np.roll(image, (i - 1, j - 1), (0, 1))
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)


def test_conjugate_gradients_end_at_the_solution():
    with jax.enable_x64(True):
        root = jr.normal(jr.key(0), (6, 6))
        matrix, right = root @ root.T + jnp.eye(6), jr.normal(jr.key(1), (6,))
        found = conjugate_gradients(lambda w: matrix @ w, right, 6)
        np.testing.assert_allclose(found, jnp.linalg.solve(matrix, right), rtol=1e-8)
        np.testing.assert_allclose(conjugate_gradients(lambda w: matrix @ w, right, 20), found, rtol=1e-8)
        assert np.array_equal(conjugate_gradients(lambda w: w, jnp.zeros(3), 3), np.zeros(3))


def test_wrong_measurements_get_a_sentence():
    prior, keys = Exact(gaussian(*field()), Flow()), jr.split(jr.key(0), 2)
    y = jnp.zeros(2)
    for make in (
        lambda: solve_inverse(prior, Mask([True] * SIZE), y, 0.1, keys, (SIZE,)),
        lambda: solve_inverse(prior, OPERATORS["matrix"](), jnp.zeros(4), 0.0, keys, (SIZE,)),
        lambda: solve_inverse(prior, OPERATORS["matrix"](), jnp.zeros(4), 0.1, keys, (SIZE + 1,)),
        lambda: Posterior(prior, OPERATORS["mask"](), y, jnp.asarray(0.1), "moment"),
        lambda: Mask([0.0, 1.0]),
        lambda: Mask([False, False]),
        lambda: Blur([1.0, 1.0], (4, 4)),
        lambda: Ensemble(jnp.zeros((3, 2))).interval(1.0),
    ):
        with pytest.raises(BadInput) as error:
            make()
        assert str(error.value).endswith((".", ")"))
