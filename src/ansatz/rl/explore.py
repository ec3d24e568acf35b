"""Exploring or exploiting: ε-greedy and temperature, both reduced as training progresses (notes, §5).

    ε-greedy       with probability 1 - ε a best action, with probability ε any legal one
    Boltzmann      π(a|s) = exp(q(s, a) / T) / Σ_{b legal} exp(q(s, b) / T)

A `Schedule` gives ε or T as a function of the share of the run that is over; the same type serves clip
ranges and entropy factors.
"""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ansatz._spelling import choose
from ansatz.core import BadInput
from ansatz.rl.policy import impossible, masked_argmax

SHAPES = {
    "linear": lambda t: 1 - t,
    "cosine": lambda t: (1 + jnp.cos(math.pi * t)) / 2,
    "exponential": None,
}


class Schedule(eqx.Module):
    """A number that goes from `start` to `end` during the first `over` of the run, and stays there.

    With s the share of `over` that has passed, and w(s) = 1 - s (linear) or (1 + cos π s)/2 (cosine),

        value = end + w(s) (start - end),    or start · (end/start)^s (exponential, of positive ends)

    >>> [round(float(Schedule(1.0, 0.1, over=0.5)(jnp.asarray(t))), 3) for t in (0.0, 0.25, 0.5, 1.0)]
    [1.0, 0.55, 0.1, 0.1]
    """

    start: float = eqx.field(static=True)
    end: float = eqx.field(static=True)
    over: float = eqx.field(static=True, default=1.0)
    shape: str = eqx.field(static=True, default="linear")

    def __check_init__(self) -> None:
        """Refuse an unknown shape, a share outside (0, 1], and an exponential through 0."""
        choose("schedule", self.shape, SHAPES)
        if not (math.isfinite(self.start) and math.isfinite(self.end)):
            raise BadInput(f"A schedule goes between two numbers, not from {self.start!r} to {self.end!r}.")
        if not 0 < self.over <= 1:
            raise BadInput(f"A schedule lasts a share of the run in (0, 1], not {self.over!r}.")
        if self.shape == "exponential" and not (self.start > 0 and self.end > 0):
            raise BadInput(
                f"An exponential schedule goes between numbers above 0, not {self.start!r} and {self.end!r}."
            )

    def __call__(self, fraction: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return the value when `fraction` of the run, in [0, 1], is over."""
        passed = jnp.clip(fraction / self.over, 0, 1)
        if self.shape == "exponential":
            return self.start * jnp.exp(math.log(self.end / self.start) * passed)
        return self.end + SHAPES[self.shape](passed) * (self.start - self.end)


def constant(value: float) -> Schedule:
    """Return the schedule that stays where it is.

    >>> float(constant(0.2)(jnp.asarray(0.5)))
    0.2...
    """
    return Schedule(value, value)


class Chances(eqx.Module):
    """What drives ε-greedy choices: `coin` uniform in [0, 1), and Gumbel noise `[..., n]`."""

    coin: Float[Array, "..."]
    gumbel: Float[Array, "... actions"]


def chances(actions: int, key: PRNGKeyArray, shape: tuple[int, ...]) -> Chances:
    """Draw the chances of `shape` choices among so many actions."""
    first, second = jax.random.split(key)
    return Chances(jax.random.uniform(first, shape), jax.random.gumbel(second, (*shape, actions)))


def epsilon_greedy(
    values: Float[Array, "... actions"],
    legal: Bool[Array, "... actions"] | None,
    epsilon: Float[Array, "..."],
    drawn: Chances,
) -> Int[Array, "..."]:
    """Return a legal action of the largest value, or with probability ε any legal one.

    Among equal values each is chosen equally often, so that a table of zeros is no bias to action 0.

    >>> values, drawn = jnp.asarray([0.0, 9.0, 1.0]), chances(3, jax.random.key(0), ())
    >>> int(epsilon_greedy(values, jnp.asarray([True, False, True]), jnp.asarray(0.0), drawn))
    2
    """
    low = impossible(values.dtype)
    best = values if legal is None else jnp.where(legal, values, low)
    tied = best >= best.max(-1, keepdims=True)
    tied = tied if legal is None else tied & legal
    allowed = jnp.ones_like(tied) if legal is None else legal
    explores = (drawn.coin < epsilon)[..., None]
    return masked_argmax(drawn.gumbel, jnp.where(explores, allowed, tied))


def boltzmann(
    values: Float[Array, "... actions"],
    legal: Bool[Array, "... actions"] | None,
    temperature: Float[Array, "..."],
    drawn: Chances,
) -> Int[Array, "..."]:
    """Return a legal action drawn with probability ∝ exp(q / T), T > 0.

    >>> values, drawn = jnp.asarray([0.0, 9.0, 1.0]), chances(3, jax.random.key(0), ())
    >>> int(boltzmann(values, None, jnp.asarray(1e-3), drawn))
    1
    """
    # Adding T times Gumbel noise to q is adding the noise to q / T, with no division by a small T.
    noisy: Any = values + temperature[..., None] * drawn.gumbel
    return masked_argmax(noisy, legal)
