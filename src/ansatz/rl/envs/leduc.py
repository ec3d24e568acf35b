"""Leduc poker: two players, six cards, two rounds of bets; worth -0.0856 to the first player."""

import itertools
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ansatz.rl.env import Box, Discrete, Env, Step, everywhere

CARDS, SUITS, ROUNDS, LONGEST, MOST_RAISES = 6, 2, 2, 4, 2
FOLD, CALL, RAISE = 0, 1, 2
RAISES = (2, 4)
"""What a raise adds in the first and in the second round."""
NAMES = "JQK"


class LeducState(NamedTuple):
    """What the dealer knows.

    `cards: [3]`: each player's and the one on the table, which lies face down in the first round.
    `bets: [2, 4]`: the calls (0) and raises (1) of each round, -1 where there was none.
    `stakes: [2]`: what each player has put in.  `count` and `raises` are those of this round.
    """

    cards: Int[Array, "*deals 3"]
    bets: Int[Array, "*deals 2 4"]
    stakes: Int[Array, "*deals 2"]
    round: Int[Array, "*deals"]
    count: Int[Array, "*deals"]
    raises: Int[Array, "*deals"]
    turn: Int[Array, "*deals"]
    over: Bool[Array, "*deals"]


class Leduc(Env):
    """Two each of the cards J, Q, K; action 0 folds, 1 checks or calls, 2 raises by 2, and by 4 in round two.

    Both players put in a chip and get a card; after a round of bets a third card is turned up, and another
    round follows, with two raises in each at most.  Then a pair with the third card wins, else the higher
    card, and equal ones share.  The reward is what the pot brings each player.  An observation `[30]` is
    OpenSpiel's information state: the player, the player's card, the card on the table, and for the four
    actions of each round whether it was a call or a raise, all as indicators.

    Southey et al. 2005, "Bayes' bluff: opponent modelling in poker".
    """

    players: ClassVar[int] = 2

    @property
    def actions(self) -> Discrete:
        """Fold, call, raise."""
        return Discrete(3)

    @property
    def observations(self) -> Box:
        """Indicators of the player, the cards and the actions."""
        return everywhere(0.0, 1.0, 2 + 2 * CARDS + 2 * ROUNDS * LONGEST)

    def _dealt(self, cards: Int[Array, "*deals 3"]) -> LeducState:
        before = cards.shape[:-1]
        bets = jnp.full((*before, ROUNDS, LONGEST), -1, jnp.int32)
        stakes, zero = jnp.ones((*before, 2), jnp.int32), jnp.zeros(before, jnp.int32)
        return LeducState(cards, bets, stakes, zero, zero, zero, zero, jnp.zeros(before, bool))

    def reset(self, key: PRNGKeyArray) -> LeducState:
        """Deal three of the six cards, the last face down."""
        return self._dealt(jax.random.permutation(key, jnp.arange(CARDS, dtype=jnp.int32))[:3])

    def deals(self) -> tuple[LeducState, Float[np.ndarray, " deals"]]:
        """Return all that `reset` may return, and with which probabilities."""
        triples = np.array(list(itertools.permutations(range(CARDS), 3)), np.int32)
        return self._dealt(jnp.asarray(triples)), np.full(len(triples), 1 / len(triples))

    def step(self, state: LeducState, action: Int[Array, ""], key: PRNGKeyArray) -> Step:
        """Fold, call or raise."""
        action = action.astype(jnp.int32)
        raised, called = action == RAISE, action == CALL
        more = jnp.where(raised, jnp.asarray(RAISES, jnp.int32)[state.round], 0)
        put = jnp.where(action == FOLD, state.stakes[state.turn], state.stakes[1 - state.turn] + more)
        stakes = state.stakes.at[state.turn].set(put)
        ends = called & (state.count > 0)
        last = state.round == ROUNDS - 1
        over = (action == FOLD) | (ends & last)
        bets = state.bets.at[state.round, state.count].set(action - 1)
        after = LeducState(
            state.cards,
            bets,
            stakes,
            jnp.where(ends & ~last, state.round + 1, state.round),
            jnp.where(ends, 0, state.count + 1),
            jnp.where(ends, 0, state.raises + raised.astype(jnp.int32)),
            jnp.where(ends, 0, 1 - state.turn),
            over,
        )
        winner = jnp.where(action == FOLD, 1 - 2 * (1 - state.turn), self._stronger(state.cards))
        first = jnp.where(over, winner * jnp.min(stakes), 0).astype(jnp.float32)
        reward = first * jnp.array([1.0, -1.0], jnp.float32)
        return Step(after, self.observe(after), reward, over, jnp.zeros((), bool))

    def _stronger(self, cards: Int[Array, "3"]) -> Int[Array, ""]:
        """Return 1 where the first player's cards win, -1 where the second's do, 0 for a tie."""
        ranks = cards // SUITS
        strength = jnp.where(ranks[:2] == ranks[2], ranks[:2] + CARDS, ranks[:2])
        return jnp.sign(strength[0] - strength[1])

    def observe(self, state: LeducState) -> Float[Array, "30"]:
        """Return what the player to act knows."""
        whose = jax.nn.one_hot(state.turn, 2, dtype=jnp.float32)
        card = jax.nn.one_hot(state.cards[state.turn], CARDS, dtype=jnp.float32)
        table = jax.nn.one_hot(jnp.where(state.round > 0, state.cards[2], -1), CARDS, dtype=jnp.float32)
        bets = jax.nn.one_hot(state.bets, 2, dtype=jnp.float32).reshape(-1)
        return jnp.concatenate([whose, card, table, bets])

    def legal(self, state: LeducState) -> Bool[Array, "3"]:
        """Return that a call is allowed, a fold after a raise, a raise after less than two; else nothing."""
        behind = state.stakes[state.turn] < state.stakes[1 - state.turn]
        allowed = jnp.stack([behind, jnp.ones((), bool), state.raises < MOST_RAISES])
        return allowed & ~state.over

    def player(self, state: LeducState) -> Int[Array, ""]:
        """Return whose turn it is."""
        return state.turn

    def render(self, state: LeducState) -> str:
        """Return the cards, the stakes and the calls and raises of each round."""
        cards = [NAMES[int(card) // SUITS] for card in np.asarray(state.cards)]
        rounds = ["".join("cr"[int(one)] for one in row if one >= 0) for row in np.asarray(state.bets)]
        table = cards[2] if int(state.round) else "?"
        stakes = "-".join(str(int(stake)) for stake in state.stakes)
        return f"{cards[0]} against {cards[1]}, {table} on the table, {stakes}: {' | '.join(rounds)}".rstrip(
            " |:"
        )
