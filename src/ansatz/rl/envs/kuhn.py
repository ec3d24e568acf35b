"""Kuhn's poker: two players, three cards, imperfect information; worth -1/18 to the first player."""

import itertools
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ansatz.rl.env import Box, Discrete, Env, Step, everywhere

CARDS, LONGEST = 3, 3
PASS, BET = 0, 1
NAMES = "JQK"


class KuhnState(NamedTuple):
    """`cards: [2]`, one a player; `bets: [3]`, the actions so far, -1 for none; `time`: how many."""

    cards: Int[Array, "*deals 2"]
    bets: Int[Array, "*deals 3"]
    time: Int[Array, "*deals"]
    over: Bool[Array, "*deals"]


class Kuhn(Env):
    """Both players put a chip into the pot and get one of the cards J, Q, K; action 0 passes, 1 bets a chip.

    A pass after a bet gives the pot away; otherwise the higher card takes it.  The reward is what the pot
    brings each player.  An observation `[11]` is OpenSpiel's information state: the player, the player's
    card, and for each of three actions whether it was a pass or a bet, all as indicators.

    Kuhn 1950, "A simplified two-person poker".
    """

    players: ClassVar[int] = 2

    @property
    def actions(self) -> Discrete:
        """Pass, bet."""
        return Discrete(2)

    @property
    def observations(self) -> Box:
        """Indicators of the player, the card and the actions."""
        return everywhere(0.0, 1.0, 2 + CARDS + 2 * LONGEST)

    def _dealt(self, cards: Int[Array, "*deals 2"]) -> KuhnState:
        before = cards.shape[:-1]
        bets = jnp.full((*before, LONGEST), -1, jnp.int32)
        return KuhnState(cards, bets, jnp.zeros(before, jnp.int32), jnp.zeros(before, bool))

    def reset(self, key: PRNGKeyArray) -> KuhnState:
        """Deal two of the three cards."""
        return self._dealt(jax.random.permutation(key, jnp.arange(CARDS, dtype=jnp.int32))[:2])

    def deals(self) -> tuple[KuhnState, Float[np.ndarray, " deals"]]:
        """Return all that `reset` may return, and with which probabilities."""
        pairs = np.array(list(itertools.permutations(range(CARDS), 2)), np.int32)
        return self._dealt(jnp.asarray(pairs)), np.full(len(pairs), 1 / len(pairs))

    def step(self, state: KuhnState, action: Int[Array, ""], key: PRNGKeyArray) -> Step:
        """Pass or bet."""
        bets = state.bets.at[state.time].set(action.astype(jnp.int32))
        time = state.time + 1
        checked_and_bet = (bets[0] == PASS) & (bets[1] == BET)
        over = (time >= LONGEST) | ((time == 2) & ~checked_and_bet)
        after = KuhnState(state.cards, bets, time, over)
        folded = (bets[state.time] == PASS) & jnp.any(bets == BET)
        higher = jnp.where(state.cards[0] > state.cards[1], 1, -1)
        stake = jnp.where(jnp.any(bets == BET), 2, 1)
        first = jnp.where(folded, 2 * (state.time % 2) - 1, higher * stake)
        reward = jnp.where(over, first.astype(jnp.float32), 0.0) * jnp.array([1.0, -1.0], jnp.float32)
        return Step(after, self.observe(after), reward, over, jnp.zeros((), bool))

    def observe(self, state: KuhnState) -> Float[Array, "11"]:
        """Return what the player to act knows."""
        turn = self.player(state)
        whose = jax.nn.one_hot(turn, 2, dtype=jnp.float32)
        card = jax.nn.one_hot(state.cards[turn], CARDS, dtype=jnp.float32)
        return jnp.concatenate([whose, card, jax.nn.one_hot(state.bets, 2, dtype=jnp.float32).reshape(-1)])

    def legal(self, state: KuhnState) -> Bool[Array, "2"]:
        """Return that both actions are allowed; none when the game is over."""
        return jnp.full(2, ~state.over)

    def player(self, state: KuhnState) -> Int[Array, ""]:
        """Return whose turn it is: the players alternate."""
        return state.time % 2

    def render(self, state: KuhnState) -> str:
        """Return both cards and the actions so far."""
        said = [("pass", "bet")[int(one)] for one in np.asarray(state.bets) if one >= 0]
        return f"{NAMES[int(state.cards[0])]} against {NAMES[int(state.cards[1])]}: {' '.join(said)}".rstrip(
            " :"
        )
