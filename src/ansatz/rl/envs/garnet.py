"""Garnet: Markov decision processes drawn at random."""

import functools

import equinox as eqx
import numpy as np

from ansatz.errors import BadInput
from ansatz.rl.mdp import Outcomes, TabularEnv


class Garnet(TabularEnv):
    """A random Markov decision process: each action leads to `branches` states by random probabilities.

    The states are different and each as likely; the probabilities are the gaps between uniform numbers;
    rewards R(s, a) are normal with deviation 1.  An outcome ends the episode with the probability `ending`.
    It begins in any state, each as likely.

    Source: Bhatnagar, Sutton, Ghavamzadeh and Lee, Natural actor-critic algorithms (2009), with endings.

    >>> Garnet(states=6, seed=3).transitions().P.shape
    (6, 3, 6)

    Raises:
        BadInput: there are fewer states than branches, or none of something, or `ending` is no probability.
    """

    states: int = eqx.field(static=True, default=20)
    choices: int = eqx.field(static=True, default=3)
    branches: int = eqx.field(static=True, default=3)
    ending: float = eqx.field(static=True, default=0.1)
    seed: int = eqx.field(static=True, default=0)

    def __check_init__(self) -> None:
        if min(self.states, self.choices, self.branches) < 1:
            raise BadInput("A random process has at least one state, one action and one branch.")
        if self.branches > self.states:
            raise BadInput(f"An action leads to at most {self.states} states, all, and not {self.branches}.")
        if not 0 <= self.ending <= 1:
            raise BadInput(f"ending is a probability, from 0 to 1, and not {self.ending}.")

    def outcomes(self) -> Outcomes:
        """Return the branches of each action."""
        return _outcomes(self)

    def starts(self) -> np.ndarray:
        """Return equal probabilities of all states."""
        return np.full(self.states, 1 / self.states)


@functools.lru_cache(maxsize=16)
def _outcomes(garnet: Garnet) -> Outcomes:
    draws = np.random.default_rng(garnet.seed)
    shape = (garnet.states, garnet.choices)
    order = draws.permuted(np.broadcast_to(np.arange(garnet.states), (*shape, garnet.states)), axis=-1)
    after = order[..., : garnet.branches].astype(np.int32)
    cuts = np.sort(draws.random((*shape, garnet.branches - 1)), axis=-1)
    chances = np.diff(cuts, prepend=0.0, append=1.0)
    reward = np.broadcast_to(draws.standard_normal((*shape, 1)), after.shape)
    return Outcomes(chances, after, reward, draws.random(after.shape) < garnet.ending)
