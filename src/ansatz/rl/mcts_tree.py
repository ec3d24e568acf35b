"""The trees of a Monte-Carlo search, B of them side by side, and what their roots say.

What belongs to an action stands in the row of the node where it is taken, as whoever acts sees it:

    N(s, a), W(s, a)      visits, and the sum of the returns seen after them;  q(s, a) = W / N
    return of (s, a)      reward + carry · return of s',  carry = γ, -γ if the other player is next, 0 at ends
    low, high             proven bounds of the best return of (s, a), which is solved where they are equal

A row has k slots, a multiple of eight, since processors copy rows of such a length faster.  Slot a is action
a, or, where rows are compact, `action` says which of the legal actions a slot holds.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PyTree

UNTRIED = -1
WIDTH = 8
"""The slots of a row come in multiples of this."""


class Tree(NamedTuple):
    """B trees of up to M nodes; node 0 is the root, `size` the first free number, in all trees the same.

    - `state`: of the environment, `[B, M, ...]`; `value`: V(s) by the network, for the player to move.
    - `edge`: the row and slot that lead to a node, as ``row k + slot``; `reward` and `carry` of that action.
    - `legal`: which slots hold legal actions; `prior`: π(a|s), 0 where illegal.
    - `action`: of each slot, ``n`` where it is empty; None where slot a is action a.
    - `child`: the node that an action leads to, or `UNTRIED`; `counts` N, `sums` W, `lows`, `highs` of it.
      Their last row belongs to no node: its first slot leads to the root, its second to numbers without node.

    The root is led to by no action: its reward is 0, its carry 1, and its own evaluation is its first visit.
    Nodes are younger than their parents.  Numbers that no node has hold anything, and 0 visits.  A simulation
    writes to each array in one way alone, rows or slots, since XLA copies what is written in two.
    """

    state: PyTree
    value: Float[Array, "B M"]
    edge: Int[Array, "B M"]
    reward: Float[Array, "B M"]
    carry: Float[Array, "B M"]
    legal: Bool[Array, "B M k"]
    prior: Float[Array, "B M k"]
    action: Int[Array, "B M k"] | None
    child: Int[Array, "B M+1 k"]
    counts: Int[Array, "B M+1 k"]
    sums: Float[Array, "B M+1 k"]
    lows: Float[Array, "B M+1 k"]
    highs: Float[Array, "B M+1 k"]
    size: Int[Array, ""]

    @property
    def visits(self) -> Any:
        """N of the actions that lead to the nodes, `[B, M]`."""
        return _led(self.counts, self.edge)

    @property
    def total(self) -> Any:
        """W of the actions that lead to the nodes, `[B, M]`."""
        return _led(self.sums, self.edge)

    @property
    def low(self) -> Any:
        """The least that the actions that lead to the nodes are proven to return, `[B, M]`."""
        return _led(self.lows, self.edge)

    @property
    def high(self) -> Any:
        """The most that they are proven to return, `[B, M]`."""
        return _led(self.highs, self.edge)


def _led(rows: Any, edge: Any) -> Any:
    return rows.reshape(rows.shape[0], -1)[np.arange(rows.shape[0])[:, None], edge]


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
    """What is known of the actions at one node of each tree, `[B, k]`."""

    legal: Bool[Array, "B k"]
    visits: Int[Array, "B k"]
    total: Float[Array, "B k"]
    low: Float[Array, "B k"]
    high: Float[Array, "B k"]


def at(rows: Array, node: Int[Array, "B ..."]) -> Array:
    """Return from `rows: [B, M, ...]` those of the nodes, `[B, ...]` or any `[B, *k, ...]`.

    >>> at(jnp.asarray([[5, 6, 7], [1, 2, 3]]), jnp.asarray([2, 0])).tolist()
    [7, 1]
    """
    batch, count = rows.shape[:2]
    first = (jnp.arange(batch, dtype=jnp.int32) * count).reshape(-1, *[1] * (node.ndim - 1))
    flat = rows.reshape(batch * count, *rows.shape[2:])
    return flat.at[node + first].get(mode="promise_in_bounds")


def slot_at(rows: Array, edge: Int[Array, "B ..."]) -> Array:
    """Return from `rows: [B, M, k]` the slots at ``row k + slot``, `[B, ...]`."""
    return at(rows.reshape(rows.shape[0], -1), edge)


def slots(rows: Array, edge: Int[Array, " B"]) -> Any:
    """Return the slots at ``row k + slot`` of `rows: [B, M, k]`, to be set or added to."""
    flat = rows.reshape(-1)
    first = jnp.arange(rows.shape[0], dtype=jnp.int32) * (rows.shape[1] * rows.shape[2])
    return flat.at[edge + first]


def put(rows: Array, number: Int[Array, ""], entry: Array) -> Array:
    """Return `rows: [B, M, ...]` with `entry: [B, ...]` at one number of all trees."""
    zero = jnp.zeros_like(number)
    return jax.lax.dynamic_update_slice(rows, entry[:, None], (zero, number, *[zero] * (rows.ndim - 2)))


def edges_of(tree: Tree, node: Int[Array, " B"], rule: Rule) -> Edges:
    """Return what is known of the actions at nodes; of an untried one that its return lies within bounds."""
    legal = at(tree.legal, node)
    counts, sums, lows, highs = (at(x, node) for x in (tree.counts, tree.sums, tree.lows, tree.highs))
    return Edges(legal, counts, sums, lows, jnp.where(legal, highs, jnp.asarray(rule.bounds[0], highs.dtype)))


def is_closed(tree: Tree, node: Int[Array, " B"]) -> Bool[Array, " B"]:
    """Tell whether the best return from a node is proven: at ends, and at solved ones."""
    edge = at(tree.edge, node)
    return slot_at(tree.lows, edge) >= slot_at(tree.highs, edge)


def action_values(edges: Edges, value: Float[Array, " B"], rule: Rule) -> Float[Array, "B k"]:
    """Return q(s, a) = W / N, brought within what is proven; of untried actions `rule.untried`, or V(s).

    V(s) is the mean over all visits to s, the network's `value` being the first.
    """
    kind = edges.total.dtype
    n = edges.visits.astype(kind)
    mean = (value + edges.total.sum(-1)) / (1 + n.sum(-1))
    other = mean if rule.untried is None else jnp.full_like(mean, rule.untried)
    q = jnp.where(edges.visits > 0, edges.total / jnp.maximum(n, 1), other[:, None])
    return jnp.clip(q, edges.low, edges.high) if rule.solve else q


def worthwhile(edges: Edges, rule: Rule) -> Bool[Array, "B k"]:
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
    return edges_of(tree, jnp.zeros(tree.value.shape[:1], jnp.int32), rule)


def root_value(tree: Tree) -> Float[Array, " B"]:
    """Return V of the roots for the player to move: the mean of all visits, within what is proven."""
    mean = tree.total[:, 0] / tree.visits[:, 0].astype(tree.sums.dtype)
    return jnp.clip(mean, tree.low[:, 0], tree.high[:, 0])


def root_policy(tree: Tree, rule: Rule) -> Float[Array, "B k"]:
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


def by_action(tree: Tree, entries: Array, n: int) -> Array:
    """Return `entries: [B, k]` of the root's slots as `[B, n]` of its actions, 0 where there is no slot."""
    if tree.action is None:
        return entries[:, :n]
    row = jnp.arange(len(entries), dtype=jnp.int32)[:, None]
    return jnp.zeros((len(entries), n), entries.dtype).at[row, tree.action[:, 0]].set(entries, mode="drop")


def by_slot(tree: Tree, entries: Array) -> Array:
    """Return `entries: [B, n]` of actions as `[B, k]` of the root's slots, 0 where a slot is empty."""
    width = tree.child.shape[2]
    empty = jnp.pad(entries, ((0, 0), (0, max(width - entries.shape[1], 1))))
    return empty[:, :width] if tree.action is None else at(empty, tree.action[:, 0])
