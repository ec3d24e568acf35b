"""Monte-Carlo tree search by PUCT (notes, §5; Silver et al. 2017), for one player or two with opposite aims.

    PUCT(s, a) = q(s, a) + c π(s, a) √(Σ_b N(s, b)) / (1 + N(s, a))

A simulation goes down the tree by the action of the largest score until one is untried, takes a step of the
environment there, and asks `evaluate(obs, legal) -> (logits, value)` for π and V at the new state.  The
return ``r + γ V``, where the other player is next ``r - γ V``, is then added to every q above.  B searches
run at once, and illegal actions are left out at every node.

*Solved states* (MCTS-solver, Winands et al. 2008, with the bounds of Cazenave & Saffidine 2010): with bounds
that no return leaves, such as (-1, 1) in a game, an end is a proven value, and proofs go up the tree: a state
is won if one action wins, and lost if all lose.  What is proven replaces the mean in q, no simulation enters
a solved state again, and a search whose root is solved is over.

**Deviations**

- Among equal scores the likelier action is tried first, then the first one: a search has no chance in it.
  Where nothing was tried at a node the formula gives all actions the same score, so that π decides.
- q of an untried action is V(s), the mean over all visits to s, or `untried` (0 in Silver et al. 2017).
- Dirichlet noise has the parameter `spread` over the number of legal actions, as in their games.
- In a world of chance an action is tried once in a tree, and what followed then is taken for what follows.
- Time limits are not looked at: the state at which an episode is cut off has a value.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from ansatz.core import BadInput
from ansatz.rl.advantage import check_discounts
from ansatz.rl.dqn import discrete_actions
from ansatz.rl.env import Env
from ansatz.rl.mcts_nodes import Evaluate, grown, planted
from ansatz.rl.mcts_nodes import evaluation as evaluation
from ansatz.rl.mcts_nodes import even as even
from ansatz.rl.mcts_paths import backed_up, descended, proven, rerooted
from ansatz.rl.mcts_tree import (
    UNTRIED,
    Rule,
    Tree,
    action_values,
    at,
    by_action,
    by_slot,
    is_closed,
    root_edges,
    root_policy,
    root_value,
    slot_at,
)
from ansatz.rl.policy import impossible, masked_log_softmax
from ansatz.rl.rollout import check_sizes


class Search(eqx.Module):
    """How an environment is searched: until each root has been left `simulations` times, or is solved.

    - `c`: the factor of the prior; `gamma`: γ.
    - `bounds`: (low, high), which no return from any state leaves, or None: nothing is proven but ends.
    - `untried`: q of actions not yet tried, or None: V(s).
    - `noise`: the share of Dirichlet noise in the prior of a root with noise, of parameter `spread` / legal
      actions.
    - `slots`: the most legal actions that a node keeps, the first ones, or None: a place for every action.
      Where few of many are legal (218 at most of the 4,672 of chess) such rows are what makes a search quick.
    - `room`: leave room for the trees that `reuse` keeps, twice as much.

    >>> from ansatz.rl.envs.tic_tac_toe import TicTacToe
    >>> search = Search(TicTacToe(), simulations=50, bounds=(-1.0, 1.0))
    >>> state = search.env.reset(jax.random.key(0))
    >>> for cell in (0, 4, 1):  # X · ·, and O in the middle: O must close the row
    ...     state = search.env.step(state, jnp.asarray(cell), jax.random.key(0)).state
    >>> tree = search(jax.tree.map(lambda x: x[None], state), even, jax.random.key(0))
    >>> search.best(tree).tolist()
    [2]

    Raises:
        BadInput: a number is out of range, actions are continuous, or there are more than two players.
    """

    env: Env
    simulations: int = eqx.field(static=True, default=64)
    c: float = eqx.field(static=True, default=1.25)
    gamma: float = eqx.field(static=True, default=1.0)
    bounds: tuple[float, float] | None = eqx.field(static=True, default=None)
    untried: float | None = eqx.field(static=True, default=None)
    noise: float = eqx.field(static=True, default=0.25)
    spread: float = eqx.field(static=True, default=10.0)
    slots: int | None = eqx.field(static=True, default=None)
    room: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        discrete_actions(self.env, "Tree search")
        check_discounts(self.gamma)
        check_sizes(simulations=self.simulations, slots=1 if self.slots is None else self.slots)
        if self.env.players > 2:
            raise BadInput(
                f"Tree search is for one player or two, and {type(self.env).__name__} has {self.env.players}."
            )
        if not (self.c >= 0 and self.spread > 0 and 0 <= self.noise <= 1):
            raise BadInput(
                "A search has c >= 0, spread > 0 and a share of noise in [0, 1], not "
                f"{self.c!r}, {self.spread!r}, {self.noise!r}."
            )
        low, high = self.rule.bounds
        if not low < high or math.isfinite(low) != math.isfinite(high):
            raise BadInput(f"Bounds of returns are (low, high) with low < high, not {self.bounds!r}.")

    @property
    def rule(self) -> Rule:
        """How actions are chosen within a tree."""
        bounds = (-math.inf, math.inf) if self.bounds is None else self.bounds
        return Rule(self.c, self.untried, bounds)

    @property
    def _n(self) -> int:
        return discrete_actions(self.env, "Tree search")

    def __call__(self, state: PyTree, evaluate: Evaluate, key: PRNGKeyArray) -> Tree:
        """Return the trees of searches without noise from states `[B, ...]`."""
        return self.run(self.root(state, evaluate), evaluate, key)

    def root(self, state: PyTree, evaluate: Evaluate) -> Tree:
        """Return trees of their roots alone, for states `[B, ...]`; one without legal actions is over."""
        nodes = (1 + self.room) * self.simulations + 1
        return planted(self.env, state, evaluate, nodes, self.rule, self.slots)

    def noisy(self, tree: Tree, key: PRNGKeyArray) -> Tree:
        """Return trees with Dirichlet noise in their roots' priors, over legal actions alone.

        ``π ← (1 - noise) π + noise η,  η ~ Dirichlet(spread / number of legal actions)``
        """
        prior = tree.prior[:, 0]
        legal = tree.legal[:, 0]
        count = jnp.maximum(legal.sum(-1, keepdims=True), 1).astype(prior.dtype)
        parameter = jnp.broadcast_to(self.spread / count, prior.shape)
        # Gamma variables over their sum; by logarithms, since small parameters give ones that are 0.
        eta = masked_log_softmax(jax.random.loggamma(key, parameter, dtype=prior.dtype), legal)
        mixed = (1 - self.noise) * prior + self.noise * jnp.exp(eta)
        return tree._replace(prior=tree.prior.at[:, 0].set(jnp.where(legal, mixed, 0.0)))

    def run(self, tree: Tree, evaluate: Evaluate, key: PRNGKeyArray) -> Tree:
        """Return the trees after simulations until every root was left `simulations` times or is solved."""
        root = jnp.zeros(tree.value.shape[:1], jnp.int32)

        def wanted(tree: Tree) -> Bool[Array, " B"]:
            return (tree.counts[:, -1, 0] <= self.simulations) & ~is_closed(tree, root)

        def one(tree: Tree) -> Tree:
            active = wanted(tree)
            found = descended(tree, active, self.rule)
            leaf = jnp.where(found.fresh, tree.size, found.node)
            tree = grown(
                tree, found, self.env, evaluate, self.gamma, self.rule, jax.random.fold_in(key, tree.size)
            )
            if self.bounds is not None:
                floor, ceiling = self.bounds
                edge = at(tree.edge, leaf)
                told = (slot_at(tree.lows, edge) > floor) | (slot_at(tree.highs, edge) < ceiling)
                told = told & found.fresh
                tree = proven(tree, found.node, told, self.rule)
            return backed_up(tree, leaf, active)

        return jax.lax.while_loop(
            lambda tree: wanted(tree).any() & (tree.size < tree.value.shape[1]), one, tree
        )

    def reuse(self, tree: Tree, action: Int[Array, " B"], state: PyTree, evaluate: Evaluate) -> Tree:
        """Return the trees with which to search on after an action, and the `state: [B, ...]` it led to.

        The subtree below the action is kept where it begins with this very state; a new game, or a state
        that chance did not lead to in the search, begins a tree of its own.
        """
        if not self.room:
            raise BadInput("Only a Search(…, room=True) has the room to keep trees.")
        fresh = self.root(state, evaluate)
        taken = by_slot(tree, jnp.arange(self._n, dtype=jnp.int32)[None, :] == action[:, None])
        kid = jnp.where(taken, tree.child[:, 0], UNTRIED).max(-1)
        there = jnp.maximum(kid, 0)

        def same(rows: Array, now: Array) -> Array:
            return (at(rows, there) == now).reshape(len(now), -1).all(-1)

        kept = (kid >= 0) & (at(tree.carry, there) != 0)
        for equal in jax.tree.leaves(jax.tree.map(same, tree.state, state)):
            kept = kept & equal
        old, size = rerooted(tree, there, self.rule)

        def either(a: Array, b: Array) -> Array:
            return jnp.where(kept.reshape(-1, *[1] * (a.ndim - 1)), a, b)

        parts = jax.tree.map(either, tuple(old[:-1]), tuple(fresh[:-1]))
        return Tree(*parts, size=jnp.where(kept, size, 1).max())

    def visits(self, tree: Tree) -> Int[Array, "B n"]:
        """Return N(s, a) at the roots."""
        return by_action(tree, root_edges(tree, self.rule).visits, self._n)

    def solved(self, tree: Tree) -> Bool[Array, " B"]:
        """Tell which roots are solved; their value is then exact."""
        return tree.low[:, 0] >= tree.high[:, 0]

    def value(self, tree: Tree) -> Float[Array, " B"]:
        """Return V of the roots for the player to move (`root_value`)."""
        return root_value(tree)

    def policy(self, tree: Tree) -> Float[Array, "B n"]:
        """Return the shares of the visits at the roots, of actions that may be best (`root_policy`)."""
        return by_action(tree, root_policy(tree, self.rule), self._n)

    def sample(
        self, tree: Tree, temperature: Float[Array, " B"], gumbel: Float[Array, "B n"]
    ) -> Int[Array, " B"]:
        """Return actions drawn by ``π(a)^(1/T)`` with Gumbel noise, the likeliest for T = 0.

        Of equally likely ones the action of the larger q is taken, then the first.
        """
        policy, gumbel = root_policy(tree, self.rule), by_slot(tree, gumbel)
        # T · noise added to log π draws as the noise added to log π / T does, with no division by a small T.
        score = jnp.log(jnp.where(policy > 0, policy, 1.0)) + temperature[:, None] * gumbel
        low = impossible(score.dtype)
        score = jnp.where(policy > 0, score, low)
        q = action_values(root_edges(tree, self.rule), tree.value[:, 0], self.rule)
        tied = (policy > 0) & (score >= score.max(-1, keepdims=True))
        slot = jnp.argmax(jnp.where(tied, q, -jnp.inf), -1).astype(jnp.int32)
        return slot if tree.action is None else at(tree.action[:, 0], slot)

    def best(self, tree: Tree) -> Int[Array, " B"]:
        """Return the most visited actions that may be best."""
        nothing = jnp.zeros((len(tree.value), self._n), tree.value.dtype)
        return self.sample(tree, nothing[:, 0], nothing)
