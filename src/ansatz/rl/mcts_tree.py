"""The trees of a Monte-Carlo search, B of them side by side, and what their roots say.

What belongs to an action stands at the node to which it leads, as whoever acts sees it:

    N(s, a), W(s, a)      visits, and the sum of the returns seen after them;  q(s, a) = W / N
    return of (s, a)      reward + carry · return of s',  carry = γ, -γ if the other player is next, 0 at ends
    low, high             proven bounds of the best return of (s, a), which is solved where they are equal
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

UNTRIED, ILLEGAL = -1, -2


class Tree(NamedTuple):
    """B trees of up to M nodes; node 0 is the root, `size` the first free number, in all trees the same.

    - `state`: of the environment, `[B, M, ...]`; `value`: V(s) by the network, for the player to move.
    - `child`: the node that an action leads to, `UNTRIED` or `ILLEGAL`; `prior`: π(a|s), 0 where illegal.
    - `parent`, and of the action that leads here: `reward`, `carry`, `visits` N, `total` W, `low`, `high`.

    The root is led to by no action: its reward is 0, its carry 1, and its own evaluation is its first visit.
    Nodes are younger than their parents.  Numbers that no node has hold anything, and 0 visits.
    """

    state: PyTree
    value: Float[Array, "B M"]
    child: Int[Array, "B M n"]
    prior: Float[Array, "B M n"]
    parent: Int[Array, "B M"]
    reward: Float[Array, "B M"]
    carry: Float[Array, "B M"]
    visits: Int[Array, "B M"]
    total: Float[Array, "B M"]
    low: Float[Array, "B M"]
    high: Float[Array, "B M"]
    size: Int[Array, ""]


class Rule(NamedTuple):
    """How actions are chosen: the factor c, q of untried ones (None: V(s)), and bounds of every return.

    Where they are not finite, nothing is proven but the returns of ends.
    """

    c: float
    untried: float | None
    bounds: tuple[float, float]

    @property
    def solve(self) -> bool:
        """Whether proofs go up the tree."""
        return math.isfinite(self.bounds[0])


class Edges(NamedTuple):
    """What is known of the actions at one node of each tree, `[B, n]`."""

    legal: Bool[Array, "B n"]
    visits: Int[Array, "B n"]
    total: Float[Array, "B n"]
    low: Float[Array, "B n"]
    high: Float[Array, "B n"]


def at(rows: Array, node: Int[Array, "B ..."]) -> Array:
    """Return from `rows: [B, M, ...]` those of the nodes, `[B, ...]` or any `[B, *k, ...]`.

    >>> at(jnp.asarray([[5, 6, 7], [1, 2, 3]]), jnp.asarray([2, 0])).tolist()
    [7, 1]
    """
    batch, count = rows.shape[:2]
    first = (jnp.arange(batch, dtype=jnp.int32) * count).reshape(-1, *[1] * (node.ndim - 1))
    flat = rows.reshape(batch * count, *rows.shape[2:])
    return flat.at[node + first].get(mode="promise_in_bounds")


def put(rows: Array, number: Int[Array, ""], entry: Array) -> Array:
    """Return `rows: [B, M, ...]` with `entry: [B, ...]` at one number of all trees."""
    zero = jnp.zeros_like(number)
    return jax.lax.dynamic_update_slice(rows, entry[:, None], (zero, number, *[zero] * (rows.ndim - 2)))


def child_of(tree: Tree, node: Int[Array, " B"], action: Int[Array, " B"]) -> Int[Array, " B"]:
    """Return the nodes that actions lead to, `UNTRIED` or `ILLEGAL` where there is none."""
    batch, count, n = tree.child.shape
    return at(tree.child.reshape(batch, count * n), node * n + action)


def edges_of(tree: Tree, node: Int[Array, " B"], bounds: tuple[float, float]) -> Edges:
    """Return what is known of the actions at nodes; of an untried one that its return lies within bounds."""
    child = at(tree.child, node)
    there, legal = child >= 0, child > ILLEGAL
    kid = jnp.maximum(child, 0)
    floor, ceiling = (jnp.asarray(bound, tree.low.dtype) for bound in bounds)
    return Edges(
        legal,
        jnp.where(there, at(tree.visits, kid), 0),
        jnp.where(there, at(tree.total, kid), 0.0),
        jnp.where(there, at(tree.low, kid), floor),
        jnp.where(there, at(tree.high, kid), jnp.where(legal, ceiling, floor)),
    )


def is_closed(tree: Tree, node: Int[Array, " B"]) -> Bool[Array, " B"]:
    """Tell whether the best return from a node is proven: at ends, and at solved ones."""
    return at(tree.low, node) >= at(tree.high, node)


def action_values(edges: Edges, value: Float[Array, " B"], untried: float | None) -> Float[Array, "B n"]:
    """Return q(s, a) = W / N, brought within what is proven; of untried actions `untried`, or V(s).

    V(s) is the mean over all visits to s, the network's `value` being the first.
    """
    kind = edges.total.dtype
    n = edges.visits.astype(kind)
    mean = (value + edges.total.sum(-1)) / (1 + n.sum(-1))
    other = mean if untried is None else jnp.full_like(mean, untried)
    q = jnp.where(edges.visits > 0, edges.total / jnp.maximum(n, 1), other[:, None])
    return jnp.clip(q, edges.low, edges.high)


def worthwhile(edges: Edges, rule: Rule) -> Bool[Array, "B n"]:
    """Tell which legal actions may still be best; where nothing is to be proven, all.

    Not those that are proven to be worse than another, and none that is proven lost while another is not.
    """
    if not rule.solve:
        return edges.legal
    best = edges.low.max(-1, keepdims=True)
    open_ = edges.legal & (edges.high >= best) & (edges.high > rule.bounds[0])
    return jnp.where(open_.any(-1, keepdims=True), open_, edges.legal)


def root_edges(tree: Tree, rule: Rule) -> Edges:
    """Return what is known of the actions at the roots."""
    return edges_of(tree, jnp.zeros(tree.value.shape[:1], jnp.int32), rule.bounds)


def root_value(tree: Tree) -> Float[Array, " B"]:
    """Return V of the roots for the player to move: the mean of all visits, within what is proven."""
    mean = tree.total[:, 0] / tree.visits[:, 0].astype(tree.total.dtype)
    return jnp.clip(mean, tree.low[:, 0], tree.high[:, 0])


def root_policy(tree: Tree, rule: Rule) -> Float[Array, "B n"]:
    """Return ``π(a) = N(a) / Σ_b N(b)`` at the roots, over actions that may be best as far as is proven.

    At a solved root these are the actions proven to be best.  Where none of them was tried their priors
    decide.  Rows of games that are over are 0.
    """
    edges, prior = root_edges(tree, rule), tree.prior[:, 0]
    good = worthwhile(edges, rule)
    solved = (tree.low[:, :1] >= tree.high[:, :1]) & (edges.low >= edges.low.max(-1, keepdims=True))
    good = jnp.where((solved & good).any(-1, keepdims=True), solved & good, good)
    count = jnp.where(good, edges.visits, 0).astype(prior.dtype)
    weight = jnp.where(count.sum(-1, keepdims=True) > 0, count, jnp.where(good, prior, 0.0))
    total = weight.sum(-1, keepdims=True)
    return weight / jnp.where(total > 0, total, 1)
