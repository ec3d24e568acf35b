"""Drawing: the exact flow, distributions of draws, drivers, and the distance of Gaussians."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from ansatz.core import BadInput, Map
from ansatz.generate.diffusion.denoisers import Learned
from ansatz.generate.diffusion.densities import gaussian, mixture
from ansatz.generate.diffusion.errors import Normal, drawn, wasserstein
from ansatz.generate.diffusion.exact import Exact
from ansatz.generate.diffusion.grids import grid
from ansatz.generate.diffusion.loops import convolves, repeat
from ansatz.generate.diffusion.samplers import DDIM, DDPM, SAMPLERS, sampler_named
from ansatz.generate.diffusion.sampling import integrate, sample
from ansatz.generate.diffusion.schedule import Cosine, Exploding, Flow, Linear, schedule_named
from ansatz.maps.denoiser import DenoisingMLP

MEAN, VARIANCES = np.array([0.5, -1.0, 2.0]), np.array([1.5, 0.3, 0.05])
TURN = np.linalg.qr(np.array([[1.0, 2.0, 0.5], [-0.3, 1.0, 2.0], [2.0, 0.1, -1.0]]))[0]


def data():
    """Return a Gaussian whose covariance is not diagonal."""
    return gaussian(TURN @ MEAN, TURN @ np.diag(VARIANCES) @ TURN.T)


def test_runge_kutta_follows_the_exact_flow():
    # (x - α m) / (α² C + σ²)^½ stays what it is.
    with jax.enable_x64(True):
        process, denoiser = Cosine(), Exact(data(), Cosine())
        times, x = grid(process, 301, "log_snr"), jr.normal(jr.key(0), (5, 3))
        end = integrate(denoiser, x, times, jr.split(jr.key(1), 5), sampler="rk4")

        def white(x, t):
            alpha, sigma = (float(v) for v in process.pair(t))
            return ((np.asarray(x) - alpha * TURN @ MEAN) @ TURN) / np.sqrt(alpha**2 * VARIANCES + sigma**2)

        np.testing.assert_allclose(white(end, times[-1]), white(x, times[0]), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["ddpm", "heun", "dpm++"])
def test_what_is_drawn_has_the_exact_distribution(name):
    process, count = Flow(), 20_000
    with jax.enable_x64(True):
        denoiser = Exact(data(), process)
        keys = jr.split(jr.key(3), count)
        x = np.asarray(sample(denoiser, keys, (3,), sampler=name, steps=10))
        begin = Normal(jnp.zeros(3), jnp.eye(3))
        wanted = drawn(denoiser, name, grid(process, 10, "karras"), begin, finish=True)
        wanted = Normal(*(np.asarray(part) for part in wanted))
    spread = np.sqrt(np.diag(wanted.covariance))
    assert (np.abs(x.mean(0) - wanted.mean) < 5 * spread / np.sqrt(count)).all()
    scale = np.outer(spread, spread)
    assert (np.abs(np.cov(x.T) - wanted.covariance) < 5 * scale * np.sqrt(2 / count)).all()


def test_ddim_is_euler_where_the_process_is_straight():
    with jax.enable_x64(True):
        for process in (Exploding(), Flow(last=0.99)):
            denoiser, times = Exact(data(), process), grid(process, 9, "log_snr")
            one, two = (drawn(denoiser, name, times) for name in ("ddim", "euler"))
            np.testing.assert_allclose(one.mean, two.mean, rtol=1e-9)
            np.testing.assert_allclose(one.covariance, two.covariance, rtol=1e-8, atol=1e-12)


def test_ddim_with_all_its_noise_is_ddpm():
    with jax.enable_x64(True):
        denoiser, times = Exact(data(), Linear()), grid(Linear(), 9, "karras")
        one, two = (drawn(denoiser, sampler, times) for sampler in (DDIM(1.0), DDPM()))
        np.testing.assert_allclose(one.covariance, two.covariance, rtol=1e-9)
        less = drawn(denoiser, DDIM(0.5), times)
        assert not np.allclose(less.covariance, two.covariance, rtol=1e-3)


def test_ddpm_with_the_large_variance_is_exact_for_white_data():
    with jax.enable_x64(True):
        denoiser, times = Exact(gaussian(np.zeros(2), np.eye(2)), Linear()), grid(Linear(), 5, "uniform")
        np.testing.assert_allclose(drawn(denoiser, DDPM(large=True), times).covariance, np.eye(2), atol=1e-12)
        assert drawn(denoiser, DDPM(), times).covariance[0, 0] < 0.9


def test_ddim_is_exact_for_one_point_in_one_step():
    with jax.enable_x64(True):
        denoiser = Exact(gaussian([2.0, -1.0], np.zeros((2, 2))), Flow())
        x = sample(denoiser, jr.split(jr.key(0), 4), (2,), sampler="ddim", steps=2)
        np.testing.assert_allclose(x, np.tile([2.0, -1.0], (4, 1)), rtol=1e-12)


@pytest.mark.parametrize("name", SAMPLERS)
def test_loop_and_calls_agree(name):
    with jax.enable_x64(True):
        net, _ = DenoisingMLP.example(jr.key(0))
        denoiser, keys = Learned(net, Flow(), "flow"), jr.split(jr.key(1), 3)
        labels = jnp.asarray([0, 2, 1])
        one, two = (
            sample(denoiser, keys, (3,), sampler=name, steps=5, condition=labels, driver=driver)
            for driver in ("loop", "stepped")
        )
        np.testing.assert_allclose(one, two, rtol=1e-10, atol=1e-12)
        assert np.isfinite(one).all() and len(np.unique(one)) == 9


class Smoothing(Map):
    """A network with a convolution."""

    kernel: jax.Array

    def __call__(self, x, *, key=None):
        signal = x.x[None, None]
        out = jax.lax.conv_general_dilated(signal, self.kernel[None, None], (1,), "SAME")
        return jnp.tanh(out[0, 0]) * x.t


def test_networks_with_convolutions_are_called_step_by_step(monkeypatch):
    denoiser = Learned(Smoothing(jnp.asarray([0.2, 0.5, 0.3])), Flow(), "flow")
    keys = jr.split(jr.key(1), 2)
    seen = []
    for name in ("_looped", "_once"):
        inner = getattr(__import__("ansatz.generate.diffusion.loops", fromlist=["x"]), name)
        monkeypatch.setattr(
            f"ansatz.generate.diffusion.loops.{name}",
            lambda *given, inner=inner, name=name: seen.append(name) or inner(*given),
        )
    chosen = sample(denoiser, keys, (6,), sampler="heun", steps=4)
    assert seen == ["_once"] * 4
    looped = sample(denoiser, keys, (6,), sampler="heun", steps=4, driver="loop")
    np.testing.assert_allclose(chosen, looped, rtol=1e-5, atol=1e-6)
    seen.clear()
    net, _ = DenoisingMLP.example(jr.key(0))
    sample(Learned(net, Flow(), "flow"), keys, (3,), steps=4)
    assert seen == ["_looped"] * 2


def _count(constants, carry, x):
    return carry + constants * x


def test_repeat_goes_over_all_and_refuses_other_drivers():
    xs = jnp.arange(4.0)
    for driver in (None, "loop", "stepped"):
        assert float(repeat(_count, jnp.asarray(2.0), jnp.asarray(1.0), xs, driver)) == 13
    assert not convolves(_count, jnp.asarray(2.0), jnp.asarray(1.0), xs)
    with pytest.raises(BadInput, match="driver"):
        repeat(_count, 2.0, jnp.asarray(1.0), xs, "scan")


def test_an_example_depends_on_its_own_key_alone():
    denoiser, keys = Exact(mixture([1.0], [[1.0, 2.0]], [0.3]), Cosine()), jr.split(jr.key(5), 7)
    many = sample(denoiser, keys, (2,), sampler="ddpm", steps=6)
    few = sample(denoiser, keys[4:6], (2,), sampler="ddpm", steps=6)
    np.testing.assert_allclose(many[4:6], few, rtol=1e-5)


def test_wasserstein_is_the_formula_and_keeps_its_digits():
    with jax.enable_x64(True):
        a, b = (jr.normal(jr.key(i), (4, 4)) for i in (0, 1))
        one, two = Normal(a[0], a @ a.T), Normal(b[0], b @ b.T)
        from scipy.linalg import sqrtm

        root = sqrtm(np.asarray(one.covariance))
        cross = np.trace(sqrtm(root @ np.asarray(two.covariance) @ root)).real
        squared = ((a[0] - b[0]) ** 2).sum() + np.trace(one.covariance + two.covariance) - 2 * cross
        np.testing.assert_allclose(wasserstein(one, two) ** 2, squared, rtol=1e-9)
        near = Normal(one.mean, one.covariance * (1 + 1e-10))
        np.testing.assert_allclose(
            wasserstein(one, near), 0.5e-10 * np.sqrt(np.trace(one.covariance)), rtol=1e-3
        )


def test_wrong_samplers_keys_and_conditions_get_a_sentence():
    denoiser, keys = (
        Exact(mixture([1.0, 1.0], np.zeros((2, 2)), [1.0, 1.0]), schedule_named("flow")),
        jr.split(jr.key(0), 3),
    )
    for make in (
        lambda: sampler_named("huen"),
        lambda: DDIM(1.5),
        lambda: sample(denoiser, jr.key(0), (2,)),
        lambda: sample(denoiser, keys, (2,), condition=jnp.asarray([0, 1])),
        lambda: sample(denoiser, keys, (2,), steps=1),
        lambda: drawn(denoiser, "ddim", grid(Flow(), 3)),
    ):
        with pytest.raises(BadInput) as error:
            make()
        assert str(error.value).endswith((".", ")"))
