"""The pairs (α, σ): identities, inverses, derivatives, grids of times."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.core import BadInput
from ansatz.generate.diffusion.grids import GRIDS, LARGEST, grid
from ansatz.generate.diffusion.schedule import SCHEDULES, Cosine, Exploding, Flow, Linear, schedule_named

every_schedule = pytest.mark.parametrize("name", SCHEDULES)


@functools.cache
def numbers(name):
    """Return what a process says of 201 times in double precision, with differences for its derivatives."""
    with jax.enable_x64(True):
        process = schedule_named(name)
        t = jnp.linspace(process.first, process.last, 201, dtype=jnp.float64)[:-1]
        h = 1e-7 * process.last

        @jax.jit
        def everything(t):
            ends = process.pair(t + h), process.pair(t - h)
            slopes = [(up - down) / (2 * h) for up, down in zip(*ends, strict=True)]
            ratio = process.log_ratio(t)
            return process.pair(t), ratio, process.time_at(ratio), process.rates(t), slopes

        return process, np.asarray(t), *jax.tree.map(np.asarray, everything(t))


@every_schedule
def test_signal_falls_and_noise_grows_from_first_to_last(name):
    process, _, (alpha, sigma), *_ = numbers(name)
    assert (np.diff(alpha) <= 0).all() and (np.diff(sigma / alpha) > 0).all()
    assert np.isclose(sigma[0] / alpha[0], 2e-3, rtol=0.01)
    alpha, sigma = (float(value) for value in process.pair(jnp.asarray(process.last)))
    assert alpha == 0 or sigma / alpha > 79


@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_variance_is_preserved(name):
    alpha, sigma = numbers(name)[2]
    np.testing.assert_allclose(alpha**2 + sigma**2, 1.0, rtol=1e-13)


@every_schedule
def test_log_ratio_is_that_of_the_pair_and_time_at_inverts_it(name):
    _, t, (alpha, sigma), ratio, back, *_ = numbers(name)
    np.testing.assert_allclose(ratio, np.log(alpha / sigma), rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(back, t, rtol=1e-11)


@every_schedule
def test_rates_are_derivatives(name):
    *_, rates, slopes = numbers(name)
    for rate, slope in zip(rates, slopes, strict=True):
        np.testing.assert_allclose(rate[1:], slope[1:], rtol=1e-6, atol=1e-6)


def test_linear_is_the_limit_of_the_chain_of_ddpm():
    # β from 1e-4 to 0.02 in 1000 steps: the signal that is left is ∏ √(1 - β_i).
    beta = np.linspace(1e-4, 0.02, 1000)
    signal = np.cumprod(np.sqrt(1 - beta))
    with jax.enable_x64(True):
        alpha, _ = Linear().pair(jnp.asarray(np.arange(1, 1001) / 1000))
    np.testing.assert_allclose(np.log(signal), np.log(alpha), rtol=0.01, atol=2e-4)


def test_exploding_begins_and_ends_as_karras_does():
    process = Exploding()
    assert (process.first, process.last) == (0.002, 80.0)
    # Karras et al. 2022, equation 5, in the paper's own form.
    n, rho = 18, 7
    i = np.arange(n)
    wanted = (80 ** (1 / rho) + i / (n - 1) * (0.002 ** (1 / rho) - 80 ** (1 / rho))) ** rho
    np.testing.assert_allclose(grid(process, n, "karras"), wanted, rtol=1e-5)


@every_schedule
@pytest.mark.parametrize("kind", GRIDS)
def test_grids_fall_from_last_to_first(name, kind):
    process = schedule_named(name)
    for points in (2, 3, 40):
        found = np.asarray(grid(process, points, kind))
        assert found.shape == (points,)
        assert (found[0], found[-1]) == (np.float32(process.last), np.float32(process.first))
        assert (np.diff(found) < 0).all()


@pytest.mark.parametrize(
    ("kind", "clock"),
    [
        ("uniform", lambda p, t: t),
        ("log_snr", lambda p, t: p.log_ratio(t)),
        ("karras", lambda p, t: jnp.exp(-p.log_ratio(t) / 7)),
        ("angle", lambda p, t: jnp.arctan(jnp.exp(-p.log_ratio(t)))),
    ],
)
@every_schedule
def test_grids_have_equal_steps_in_their_clock(name, kind, clock):
    with jax.enable_x64(True):
        process = schedule_named(name)
        steps = np.diff(clock(process, grid(process, 12, kind))[1:])
        np.testing.assert_allclose(steps, steps[0], rtol=1e-8)
        if name == "flow" and kind in ("karras", "log_snr"):
            # The first step goes from pure noise to what an equal one from σ/α = 200 reaches.
            begin = clock(process, process.time_at(-jnp.log(jnp.asarray(LARGEST))))
            np.testing.assert_allclose(
                clock(process, grid(process, 12, kind))[1] - begin, steps[0], rtol=1e-8
            )


def test_wrong_times_and_names_get_a_sentence():
    for make in (
        lambda: Flow(first=0.0),
        lambda: Flow(first=0.5, last=0.4),
        lambda: Cosine(last=1.5),
        lambda: Linear(low=3.0, high=2.0),
        lambda: schedule_named("liner"),
        lambda: grid(Flow(), 1),
        lambda: grid(Flow(), 4, "karas"),
    ):
        with pytest.raises(BadInput) as error:
            make()
        assert str(error.value).endswith((".", ")"))
