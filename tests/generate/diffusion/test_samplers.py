"""Every sampler, exactly: its distribution on Gaussian data, its order, its drivers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.generate.diffusion.gaussian_recursions import Component, distance, moments

from ansatz.generate.diffusion.densities import gaussian
from ansatz.generate.diffusion.errors import Normal, drawn, marginal, wasserstein
from ansatz.generate.diffusion.exact import Exact
from ansatz.generate.diffusion.grids import grid
from ansatz.generate.diffusion.samplers import SAMPLERS, sampler_named
from ansatz.generate.diffusion.schedule import Cosine, Exploding, Flow, Linear

ORDERS = {"ddpm": 1, "ddim": 1, "euler": 1, "heun": 2, "dpm++": 2, "rk4": 4}
MEAN, VARIANCES = np.array([0.5, -1.0, 2.0]), np.array([1.5, 0.3, 0.05])
TURN = np.linalg.qr(np.array([[1.0, 2.0, 0.5], [-0.3, 1.0, 2.0], [2.0, 0.1, -1.0]]))[0]


def data():
    """Return the same Gaussian in a basis in which its covariance is not diagonal."""
    return gaussian(TURN @ MEAN, TURN @ np.diag(VARIANCES) @ TURN.T)


def by_hand(name, process, times, spread=None):
    """Return W₂ to the truth at the last time by the recursions, from the truth or N(0, spread²)."""
    parts = [Component(process, m, c) for m, c in zip(MEAN, VARIANCES, strict=True)]
    times = np.asarray(times, np.float64)
    starts = [(one.pair(times[0])[0] * one.mean, one.v(times[0])) for one in parts]
    if spread is not None:
        starts = [(0.0, spread**2)] * 3
    ends = [moments(name, one, times, begin) for one, begin in zip(parts, starts, strict=True)]
    return distance(ends, [(one.pair(times[-1])[0] * one.mean, one.v(times[-1])) for one in parts])


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("process", [Linear(), Cosine(), Exploding(), Flow(last=0.99)])
def test_error_on_gaussian_data_is_that_of_the_recursion(name, process):
    with jax.enable_x64(True):
        denoiser, times = Exact(data(), process), grid(process, 13, "karras")
        truth = marginal(denoiser, times[-1])
        found = float(wasserstein(drawn(denoiser, name, times), truth))
        wanted = by_hand(name, process, times)
        assert found > 1e-5 and abs(found - wanted) < 1e-9 + 1e-7 * wanted
        # From N(0, spread²) instead of the truth: the error of the start is in it too.
        begin = Normal(jnp.zeros(3), 1.7**2 * jnp.eye(3))
        found = float(wasserstein(drawn(denoiser, name, times, begin), truth))
        assert abs(found - by_hand(name, process, times, 1.7)) < 1e-9 + 1e-7 * found


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize(
    ("process", "kind"), [(Linear(), "karras"), (Cosine(), "log_snr"), (Flow(), "uniform")]
)
def test_order_of_convergence(name, process, kind):
    with jax.enable_x64(True):
        denoiser, errors = Exact(data(), process), []
        for steps in (160, 320):
            times = grid(process, steps + 1, kind)
            errors.append(float(wasserstein(drawn(denoiser, name, times), marginal(denoiser, times[-1]))))
        order = np.log2(errors[0] / errors[1])
    assert sampler_named(name).order == ORDERS[name]
    assert abs(order - ORDERS[name]) < 0.15, f"{name} on {process}: order {order}, errors {errors}"
