"""Returns and advantages of played steps, with time limits told from endings (notes, §5).

With ``V_t = V(s_t)``, ``V'_t = V(s_{t+1})`` of the state that step t led to, before any restart, and

    δ_t = r_t + γ (1 - terminated_t) V'_t - V_t              the notes' A(s_t, a_t)

| estimator | advantage | λ |
|---|---|---|
| Monte-Carlo | ``Σ_k γ^k r_{t+k} - V_t``, as far as the episode was played, then V' | 1 |
| T steps | ``Σ_{k<T} γ^k r_{t+k} + γ^T V'_{t+T-1} - V_t``, the notes' G̃ with the rest by V_NN | - |
| GAE(λ) | ``Σ_k (γ λ)^k δ_{t+k}``, within the episode (Schulman et al. 2016) | λ |

*Terminated*: the state reached is an end of value 0.  *Truncated*: the episode was cut off, and the state
reached would have had a value; it is bootstrapped from.  Confusing them makes the value of being cut off 0,
and biases every state near the time limit.

Where players take turns each has a chain of own moves, and what happens between two of them is one step of
the world to that player: `advantage_in_turns`.

Arrays are `[T, ...]` with time first; γ in (0, 1], λ in [0, 1].
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ansatz.core import BadInput

UNROLL = 8


class Played(NamedTuple):
    """Rewards `[T, ...]` of steps, with the values of the states before and after each, and how it ended."""

    reward: Float[Array, "T ..."]
    value: Float[Array, "T ..."]
    next_value: Float[Array, "T ..."]
    terminated: Bool[Array, "T ..."]
    truncated: Bool[Array, "T ..."]


def check_discounts(gamma: float, lam: float = 1.0) -> None:
    """Refuse γ outside (0, 1] and λ outside [0, 1]."""
    if not 0 < gamma <= 1:
        raise BadInput(f"The discount factor gamma lies in (0, 1], not {gamma!r}.")
    if not 0 <= lam <= 1:
        raise BadInput(f"The factor lam of GAE lies in [0, 1], not {lam!r}.")


def generalized_advantage(played: Played, gamma: float, lam: float) -> Float[Array, "T ..."]:
    """Return ``A_t = δ_t + γ λ (1 - done_t) A_{t+1}``, done = terminated or truncated.

    V'_t must be V_{t+1} where the episode goes on, so that with λ = 1 all values but the last cancel.

    >>> ones, never = jnp.ones(3), jnp.zeros(3, bool)
    >>> generalized_advantage(Played(ones, 0 * ones, 0 * ones, never, never), 0.5, 1.0).tolist()
    [1.75, 1.5, 1.0]
    """
    lives = jnp.where(played.terminated, 0.0, played.next_value)
    delta = played.reward + gamma * lives - played.value
    carried = jnp.where(played.terminated | played.truncated, 0.0, gamma * lam).astype(delta.dtype)

    def back(after: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
        advantage = now[0] + now[1] * after
        return advantage, advantage

    unroll = min(UNROLL, delta.shape[0])
    return jax.lax.scan(back, jnp.zeros_like(delta[0]), (delta, carried), reverse=True, unroll=unroll)[1]


def monte_carlo(played: Played, gamma: float) -> Float[Array, "T ..."]:
    """Return ``G_t = r_t + γ G_{t+1}`` to the end of the episode; V' where it, or the record, was cut off.

    >>> ones, ends = jnp.ones(3), jnp.asarray([False, True, False])
    >>> monte_carlo(Played(ones, 0 * ones, 4 * ones, ends, ~ends & ends), 0.5).tolist()
    [1.5, 1.0, 3.0]
    """
    done = played.terminated | played.truncated
    ahead = jnp.where(played.terminated, 0.0, played.next_value)

    def back(after: Array, now: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        total = now[0] + gamma * jnp.where(now[2], now[1], after)
        return total, total

    unroll = min(UNROLL, ahead.shape[0])
    return jax.lax.scan(back, ahead[-1], (played.reward, ahead, done), reverse=True, unroll=unroll)[1]


def n_step(played: Played, gamma: float, steps: int) -> Float[Array, "T ..."]:
    """Return ``G̃_t = Σ_{k<n} γ^k r_{t+k} + γ^n V'_{t+n-1}``, n = `steps` or as many as there are.

    >>> ones, never = jnp.ones(3), jnp.zeros(3, bool)
    >>> n_step(Played(ones, ones, 2 * ones, never, never), 1.0, 2).tolist()
    [4.0, 4.0, 3.0]
    """
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise BadInput(f"A return of n steps needs an integer of at least 1, not {steps!r}.")
    done = played.terminated | played.truncated
    ahead = jnp.where(played.terminated, 0.0, played.next_value)
    length = ahead.shape[0]
    target = played.reward + gamma * ahead
    for _ in range(min(steps, length) - 1):
        # One more step: where the record goes on, the state after is looked at through its own target.
        further = jnp.concatenate([target[1:], ahead[-1:]])
        target = played.reward + gamma * jnp.where(done, ahead, further)
    return target


class Turns(NamedTuple):
    """Moves of a game: rewards `[T, ..., players]`, who moved, and the value of the state to who moved."""

    reward: Float[Array, "T ... players"]
    value: Float[Array, "T ..."]
    player: Int[Array, "T ..."]
    terminated: Bool[Array, "T ..."]
    truncated: Bool[Array, "T ..."]


def advantage_in_turns(
    turns: Turns, gamma: float, lam: float
) -> tuple[Float[Array, "T ..."], Bool[Array, "T ..."]]:
    """Return GAE(λ) of every move for the player who made it, and whether what came of it is known.

    With p the player of move t, and t' the same player's next move in the episode,

        δ_t = Σ_{t<=k<t'} γ^(k-t) r_k[p] + γ^(t'-t) V_t' - V_t,        A_t = δ_t + γ^(t'-t) λ A_t'

    and the sum goes to the end, V_t' = A_t' = 0, where no other move follows.  In a game of imperfect
    information nothing else will do: the states of the others' moves have values to the others, who know
    other cards.  What came of the last move before a cut (a truncated episode, the end of the record) is not
    known, and its advantage is 0; those before it are bootstrapped from its value.  The last moves of the
    record, as many as there are players, count as such even where the game ended: they would be a sample
    of games that end at once, in which a raise was always followed by a fold.

    >>> paid = jnp.zeros((4, 2)).at[1].set(jnp.asarray([1.0, -1.0]))
    >>> ends = jnp.asarray([False, True, False, True])
    >>> turns = Turns(paid, jnp.zeros(4), jnp.arange(4) % 2, ends, jnp.zeros(4, bool))
    >>> [one.tolist() for one in advantage_in_turns(turns, 1.0, 1.0)]
    [[1.0, -1.0, 0.0, 0.0], [True, True, False, False]]
    """
    start = jnp.zeros_like(turns.reward[0])
    numbers = jax.lax.broadcasted_iota(turns.player.dtype, start.shape, start.ndim - 1)
    length, players = turns.reward.shape[0], start.shape[-1]

    def back(after: tuple[Array, ...], step: tuple[Turns, Array]) -> tuple[tuple[Array, ...], Any]:
        now, seen = step
        over = (now.terminated | now.truncated)[..., None]
        paid, value, gain, known = after
        paid = now.reward + gamma * jnp.where(over, 0.0, paid)
        value, gain = gamma * jnp.where(over, 0.0, value), gamma * jnp.where(over, 0.0, gain)
        known = jnp.where(over, now.terminated[..., None], known)
        mine = numbers == now.player[..., None]
        told = (mine & known).any(-1) & seen
        whole = jnp.where(mine, paid + value + lam * gain, 0.0).sum(-1) - now.value
        advantage = jnp.where(told, whole, 0.0)
        after = (
            jnp.where(mine, 0.0, paid),
            jnp.where(mine, now.value[..., None], value),
            jnp.where(mine, advantage[..., None], gain),
            known | mine,
        )
        return after, (advantage, told)

    first = (start, start, start, jnp.zeros(start.shape, bool))
    seen = jnp.arange(length, dtype=jnp.int32) < length - players
    return jax.lax.scan(back, first, (turns, seen), reverse=True)[1]
