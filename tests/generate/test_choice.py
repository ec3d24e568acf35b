"""The choice of a token beside NumPy's sorting and summing, and its draws beside the distribution."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from ansatz.core import BadInput
from ansatz.generate.choice import Choice


def plainly_filtered(
    logits: np.ndarray, temperature: float, top_k: int, top_p: float, min_p: float
) -> np.ndarray:
    """Return the probabilities that are left, by sorting and summing in NumPy."""
    p = np.exp(logits / temperature - np.max(logits / temperature))
    p /= p.sum()
    order = np.argsort(-p, kind="stable")
    if top_k:
        p[order[top_k:]] = 0
        p /= p.sum()
    if top_p < 1:
        mass = 0.0
        for place, token in enumerate(order):
            if mass >= top_p:
                p[order[place:]] = 0
                break
            mass += p[token]
        p /= p.sum()
    if min_p:
        p[p < min_p * p.max()] = 0
        p /= p.sum()
    return p


@pytest.mark.parametrize(
    "settings",
    [
        (1.0, 0, 1.0, 0.0),
        (0.5, 3, 1.0, 0.0),
        (1.5, 0, 0.6, 0.0),
        (1.0, 0, 1.0, 0.2),
        (0.8, 9, 0.7, 0.1),
        (1.0, 1, 1.0, 0.0),
        (1.0, 100, 0.999, 0.001),
    ],
)
def test_filters_equal_numpy(settings):
    choice = Choice(*settings)
    for logits in np.random.default_rng(0).normal(size=(20, 12)).astype(np.float32) * 2:
        found = choice.probabilities(jnp.asarray(logits))
        np.testing.assert_allclose(found, plainly_filtered(logits.astype(float), *settings), atol=2e-6)


@pytest.mark.parametrize("settings", [{}, {"temperature": 0.5, "top_k": 4}, {"top_p": 0.8, "min_p": 0.05}])
def test_draws_follow_the_distribution(settings):
    logits = jnp.asarray(np.random.default_rng(1).normal(size=6), jnp.float32)
    choice, keys = Choice(**settings), jax.random.split(jax.random.key(0), 20_000)
    counts = np.bincount(jax.vmap(choice, (None, 0))(logits, keys), minlength=6)
    expected = np.asarray(choice.probabilities(logits), float) * len(keys)
    kept = expected > 0
    assert counts[~kept].sum() == 0
    assert stats.chisquare(counts[kept], expected[kept] * counts.sum() / expected.sum()).pvalue > 1e-3


def test_temperature_0_takes_the_likeliest():
    logits = jnp.asarray([0.0, 3.0, 1.0])
    choice = Choice(0.0, top_k=2)
    assert int(choice(logits, jax.random.key(0))) == 1
    assert choice.probabilities(logits).tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"temperature": -1.0}, "temperature is -1.0"),
        ({"temperature": math.nan}, "temperature is nan"),
        ({"top_k": -1}, "top_k is -1"),
        ({"top_p": 0.0}, "top_p is 0.0"),
        ({"min_p": 1.0}, "min_p is 1.0"),
    ],
)
def test_choices_out_of_range_are_refused(settings, says):
    with pytest.raises(BadInput, match=says):
        Choice(**settings)
