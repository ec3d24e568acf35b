"""Counterfactual regret minimisation, CFR and CFR+, compiled over the information sets of a game.

Each information set I keeps the regrets ``R(I, a)`` of not having always taken a, and plays in proportion to
their positive parts.  One pass of player i, with Q and V of `extensive`,

    R(I, a) += Q(I, a) - V(I)
    S(I, a) += w x(parent(I)) σ(I, a)

and the average policy, S normalised, tends to a Nash equilibrium where two players' rewards add up to zero.
CFR has w = 1; CFR+ sets negative regrets to 0 after each pass and has w = t, the iteration.  The players
take turns within an iteration, the later seeing the earlier's new policy, or with ``alternating=False`` pass
at once.

Zinkevich et al. 2007, "Regret minimization in games with incomplete information"; Tammelin 2014, "Solving
large imperfect information games using CFR+"; the conventions are OpenSpiel's.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ansatz.errors import BadInput
from ansatz.rl.env import Env
from ansatz.rl.extensive import Game, action_values, exploitability, extensive, plans


class Regrets(NamedTuple):
    """`regrets` R and `policies` S, both `[I, a]`, after `time` iterations."""

    regrets: Float[Array, "I a"]
    policies: Float[Array, "I a"]
    time: Int[Array, ""]


def proportional(weights: Float[Array, "i a"], legal: Bool[Array | np.ndarray, "i a"]) -> Float[Array, "i a"]:
    """Return the positive parts, normalised over legal actions; all of these alike where none is positive.

    >>> proportional(jnp.array([[3.0, 1.0, 2.0], [-1.0, 0.0, 5.0]]), jnp.array([[True, True, False]] * 2))
    Array([[0.75, 0.25, 0.  ],
           [0.5 , 0.5 , 0.  ]], dtype=float32)
    """
    positive = jnp.where(legal, jnp.maximum(weights, 0), 0)
    total = jnp.sum(positive, axis=1, keepdims=True)
    allowed = jnp.asarray(legal, weights.dtype)
    uniform = allowed / jnp.sum(allowed, axis=1, keepdims=True)
    return jnp.where(total > 0, positive / jnp.where(total > 0, total, 1), uniform)


class CFR(eqx.Module):
    """`plus`: CFR+; `alternating`: the players pass in turn."""

    plus: bool = eqx.field(default=False, static=True)
    alternating: bool = eqx.field(default=True, static=True)

    def init(self, game: Game) -> Regrets:
        """Return no regrets, in the precision in force."""
        zero = jnp.zeros(game.legal.shape)
        return Regrets(zero, zero, jnp.zeros((), jnp.int32))

    def step(self, game: Game, state: Regrets) -> Regrets:
        """Return the state after one iteration."""
        time = state.time + 1
        policy = proportional(state.regrets, game.legal)
        weight = time.astype(policy.dtype) if self.plus else jnp.ones((), policy.dtype)
        state = state._replace(time=time)
        for player in range(game.players):
            state = self._passed(game, state, policy, weight, player)
            if self.alternating:
                rows = game.rows(player)
                policy = policy.at[rows].set(proportional(state.regrets[rows], game.legal[rows]))
        return state

    def _passed(self, game: Game, state: Regrets, policy: Array, weight: Array, player: int) -> Regrets:
        rows = game.rows(player)
        weights = plans(game, policy)
        q, v, _ = action_values(game, weights, player, policy)
        regrets = state.regrets[rows] + jnp.where(game.legal[rows], q - v[:, None], 0)
        reach = weights[game.parent[rows]] * weight
        return state._replace(
            regrets=state.regrets.at[rows].set(jnp.maximum(regrets, 0) if self.plus else regrets),
            policies=state.policies.at[rows].add(reach[:, None] * policy[rows]),
        )

    def average(self, game: Game, state: Regrets) -> Float[Array, "I a"]:
        """Return the average policy `[I, a]`."""
        return proportional(state.policies, game.legal)


class Equilibrium(NamedTuple):
    """The average `policy: [I, a]`, and its exploitability after each of `iterations`."""

    policy: np.ndarray
    iterations: np.ndarray
    exploitability: np.ndarray


@eqx.filter_jit
def _advanced(solver: CFR, game: Game, state: Regrets, count: Array) -> tuple[Regrets, Array, Array]:
    state = jax.lax.fori_loop(0, count, lambda _, s: solver.step(game, s), state)
    policy = solver.average(game, state)
    return state, policy, exploitability(game, policy)


def minimise_regret(
    game: Game | Env, iterations: int, *, plus: bool = False, alternating: bool = True, every: int = 0
) -> Equilibrium:
    """Return the average policy of CFR or CFR+ after some iterations, in double precision.

    `game` is an environment, or what `extensive` made of it; `every` iterations, and at the end, the
    exploitability is recorded.

    >>> from ansatz.rl.envs.kuhn import Kuhn
    >>> found = minimise_regret(Kuhn(), 100, plus=True)
    >>> float(found.exploitability[-1].round(5))
    0.00119
    """
    if iterations < 1 or every < 0:
        raise BadInput(f"CFR takes iterations >= 1 and every >= 0, not {iterations} and {every}.")
    game = game if isinstance(game, Game) else extensive(game)
    solver, marks, found = CFR(plus, alternating), [], []
    with jax.enable_x64(True):
        state, policy = solver.init(game), None
        for start in range(0, iterations, every or iterations):
            count = min(every or iterations, iterations - start)
            state, policy, value = _advanced(solver, game, state, jnp.asarray(count, jnp.int32))
            marks.append(start + count)
            found.append(float(value))
    return Equilibrium(np.asarray(policy), np.array(marks), np.array(found))
