"""Markov decision processes of finitely many states, given by their tables."""

import abc
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PRNGKeyArray

from ansatz.rl.env import Discrete, Env, Step


class Outcomes(NamedTuple):
    """What may follow each state s and action a: K outcomes each, those of probability 0 to fill up.

    `probability` `[S, A, K]` adds up to 1, `state` `[S, A, K]` comes next, `reward` `[S, A, K]` is paid, and
    `terminated` `[S, A, K]` says whether the episode ends there.
    """

    probability: np.ndarray
    state: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray


class Transitions(NamedTuple):
    """The same as arrays over states, in double precision.

    - `P` `[S, A, S]`: the probability P(s' | s, a);
    - `R` `[S, A]`: the mean reward R(s, a);
    - `ends` `[S, A, S]`: whether the episode ends when a leads from s to s', whatever the value of s'.

    Bellman's equation is q(s, a) = R(s, a) + γ Σ P(s' | s, a) v(s') over the s' where the episode goes on.
    """

    P: np.ndarray
    R: np.ndarray
    ends: np.ndarray

    @property
    def going(self) -> np.ndarray:
        """P where the episode goes on and 0 where it ends: q = R + γ going v."""
        return np.where(self.ends, 0.0, self.P)


class TabularEnv(Env):
    """An environment whose states are the numbers 0, ..., S - 1, all of which are observed."""

    @abc.abstractmethod
    def outcomes(self) -> Outcomes:
        """Return what may follow each state and action; called once a trace, so it should remember."""

    @abc.abstractmethod
    def starts(self) -> np.ndarray:
        """Return the probability `[S]` that an episode begins in a state."""

    @property
    def actions(self) -> Discrete:
        """As many as the table has."""
        return Discrete(self.outcomes().probability.shape[1])

    @property
    def observations(self) -> Discrete:
        """The number of the state."""
        return Discrete(self.outcomes().probability.shape[0])

    def reset(self, key: PRNGKeyArray) -> Int[Array, ""]:
        """Return a state drawn from `starts`."""
        starts = self.starts()
        if starts.max() == 1.0:
            return jnp.asarray(starts.argmax(), jnp.int32)
        return _drawn(key, starts).astype(jnp.int32)

    def step(self, state: Int[Array, ""], action: Int[Array, ""], key: PRNGKeyArray) -> Step:
        """Return one of the outcomes, drawn by its probability."""
        table = self.outcomes()
        chosen = jnp.zeros((), jnp.int32)
        if table.probability.shape[-1] > 1:
            chosen = _drawn(key, table.probability, state, action)
        after, reward, over = (
            jnp.asarray(values, kind)[state, action, chosen]
            for values, kind in ((table.state, jnp.int32), (table.reward, float), (table.terminated, bool))
        )
        return Step(after, after, reward, over, jnp.zeros((), bool))

    def observe(self, state: Int[Array, ""]) -> Int[Array, ""]:
        """Return the number of the state."""
        return state

    def transitions(self) -> Transitions:
        """Return P, R and where episodes end, which value iteration needs."""
        table = self.outcomes()
        states, actions, count = table.probability.shape
        s, a, _ = np.indices((states, actions, count))
        chances = np.zeros((states, actions, states))
        ends = np.zeros((states, actions, states), bool)
        np.add.at(chances, (s, a, table.state), table.probability)
        np.logical_or.at(ends, (s, a, table.state), table.terminated & (table.probability > 0))
        return Transitions(chances, (table.probability * table.reward).sum(-1), ends)

    def legal_table(self) -> np.ndarray:
        """Return which actions are legal in each state, `[S, A]`."""
        with jax.ensure_compile_time_eval():
            states = jnp.arange(self.observations.n, dtype=jnp.int32)
            return np.asarray(jax.vmap(self.legal)(states))

    def reachable(self) -> np.ndarray:
        """Return in which states an episode can be and go on, by legal actions, `[S]`."""
        table, legal = self.outcomes(), self.legal_table()
        joined = (table.probability > 0) & ~table.terminated & legal[..., None]
        found, fresh = self.starts() > 0, self.starts() > 0
        while fresh.any():
            after = np.zeros_like(found)
            after[table.state[fresh][joined[fresh]]] = True
            fresh = after & ~found
            found = found | fresh
        return found

    def inverse_moves(self, state: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, ""]:
        """Return a state in which an episode can be and from which a legal action leads here, each as likely.

        A state that no other leads to is its own.
        """
        reachable = self.reachable()
        leads = np.any((self.transitions().P > 0) & self.legal_table()[..., None], axis=1)
        leads &= reachable[:, None] & ~np.eye(len(reachable), dtype=bool)
        leads |= np.diag(~leads.any(0))
        return _drawn(key, leads.T / leads.sum(0)[:, None], state).astype(jnp.int32)


def _drawn(key: PRNGKeyArray, probability: np.ndarray, *at: Array) -> Int[Array, ""]:
    """Return an index of the last axis, by the probabilities at these indices of the others."""
    below = np.cumsum(probability, axis=-1)
    limits = jnp.asarray(np.where(below > 1 - 1e-9, 1.0, below), jnp.float32)
    return jnp.argmax(limits[at] > jax.random.uniform(key, dtype=jnp.float32))
