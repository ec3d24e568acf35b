"""Recall: a probe of memory, in which what is to be done was shown some steps ago."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ansatz.errors import BadInput
from ansatz.rl.env import Box, Discrete, Step, everywhere
from ansatz.rl.envs.probes import Probe


class Cue(NamedTuple):
    """The cue, -1 or 1, and the number of steps taken."""

    sign: Float[Array, ""]
    count: Int[Array, ""]


class Recall(Probe):
    """See a cue, -1 or 1, wait for `delay` steps, and do the action 1 if it was 1 and the action 0 if -1.

    Observed are the cue, in the first step alone, and whether it is time to answer; the answer ends the
    episode and pays 1 if it is right, else -1.  An observation does not tell the answer: no policy of it has
    a mean return above 0, and one of the whole history S̃ has 1.

    >>> env = Recall(2)
    >>> state = env.reset(jax.random.key(0))
    >>> env.observe(state).tolist(), env.step(state, jnp.asarray(0), jax.random.key(1)).obs.tolist()
    ([-1.0, 0.0], [0.0, 0.0])

    Raises:
        BadInput: `delay` is less than 1.

    Source: the T-maze of Bakker, Reinforcement learning with long short-term memory (2001), without the walk.
    """

    delay: int = eqx.field(static=True, default=4)

    def __check_init__(self) -> None:
        if self.delay < 1:
            raise BadInput(f"A cue is recalled after at least one step, and not {self.delay}.")

    @property
    def actions(self) -> Discrete:
        """Either may be right."""
        return Discrete(2)

    @property
    def observations(self) -> Box:
        """The cue, and whether it is time."""
        return everywhere(-1.0, 1.0, 2)

    def value(self, observation: Float[Array, "2"], discount: float) -> Float[Array, ""]:
        """Return what the history is worth at the cue and at the answer: γ^delay, and 1."""
        return jnp.where(observation[1] > 0.5, 1.0, discount**self.delay).astype(observation.dtype)

    def reset(self, key: PRNGKeyArray) -> Cue:
        """Return a cue."""
        return Cue(jax.random.rademacher(key, ()).astype(float), jnp.zeros((), jnp.int32))

    def observe(self, state: Cue) -> Float[Array, "2"]:
        """Return the cue in the first step, and whether it is time."""
        first, last = state.count == 0, state.count == self.delay
        return jnp.stack([jnp.where(first, state.sign, 0.0), last.astype(state.sign.dtype)])

    def step(self, state: Cue, action: Array, key: PRNGKeyArray) -> Step:
        """Wait, or answer and end."""
        over = state.count == self.delay
        right = jnp.where(action == 1, state.sign, -state.sign)
        after = Cue(state.sign, state.count + 1)
        paid = jnp.where(over, right, jnp.zeros_like(right))
        return Step(after, self.observe(after), paid, over, jnp.zeros((), bool))

    def render(self, state: Cue) -> str:
        """Return the cue while it is shown, dots while waiting, and a question when it is time."""
        count = int(state.count)
        return (
            "+" * (float(state.sign) > 0) or "-"
            if count == 0
            else "?"
            if count == self.delay
            else "·" * count
        )
