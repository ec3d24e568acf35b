"""The ways down and up in the trees of a search, and a subtree as a tree of its own.

All trees go a step down or up at once: one loop for the batch, as long as the longest of its paths.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from ansatz.rl.mcts_tree import (
    UNTRIED,
    Rule,
    Tree,
    action_values,
    at,
    edges_of,
    is_closed,
    slot_at,
    slots,
    worthwhile,
)

SURE: Any = {"mode": "promise_in_bounds", "unique_indices": True}


def chosen(tree: Tree, node: Int[Array, " B"], rule: Rule) -> Int[Array, " B"]:
    """Return at each node the slot of the largest PUCT; of equal ones the likelier, then the first.

    ``PUCT(s, a) = q(s, a) + c π(s, a) √(Σ_b N(s, b)) / (1 + N(s, a))``
    """
    edges, prior = edges_of(tree, node, rule), at(tree.prior, node)
    n = edges.visits.astype(prior.dtype)
    q = action_values(edges, at(tree.value, node), rule)
    score = q + rule.c * prior * jnp.sqrt(n.sum(-1, keepdims=True)) / (1 + n)
    allowed = worthwhile(edges, rule)
    score = jnp.where(allowed, score, -jnp.inf)
    tied = allowed & (score >= score.max(-1, keepdims=True))
    return jnp.argmax(jnp.where(tied, prior, jnp.where(allowed, -1.0, -2.0)), -1).astype(jnp.int32)


class Found(NamedTuple):
    """Where simulations came to `[B]`: an untried slot of a node, or (`fresh` False) the node, closed."""

    node: Int[Array, " B"]
    slot: Int[Array, " B"]
    fresh: Bool[Array, " B"]


def descended(tree: Tree, active: Bool[Array, " B"], rule: Rule) -> Found:
    """Go down from the roots by the largest PUCT, in trees that are active."""
    width = tree.child.shape[2]

    def down(carry: Any) -> Any:
        (node, slot, fresh), going = carry
        best = chosen(tree, node, rule)
        kid = slot_at(tree.child, node * width + best)
        moved = going & (kid >= 0)
        found = Found(
            jnp.where(moved, kid, node),
            jnp.where(going, best, slot),
            jnp.where(going, kid < 0, fresh),
        )
        return found, moved & ~is_closed(tree, found.node)

    root = jnp.zeros(active.shape, jnp.int32)
    first = Found(root, root, jnp.zeros_like(active))
    return jax.lax.while_loop(lambda c: c[1].any(), down, (first, active & ~is_closed(tree, root)))[0]


def seen_before(reward: Array, carry: Array, low: Array, high: Array) -> tuple[Array, Array]:
    """Return the bounds of an action's return, given those of the state that it leads to."""
    one, two = reward + carry * low, reward + carry * high
    return jnp.minimum(one, two), jnp.maximum(one, two)


def proven(tree: Tree, node: Int[Array, " B"], changed: Bool[Array, " B"], rule: Rule) -> Tree:
    """Bring what was proven of an action up from its node, in trees where it changed, as far as it counts.

    ``low(s) = max_a low(s, a)`` and ``high(s) = max_a high(s, a)``, for the player to move at s.
    """
    width = tree.child.shape[2]

    def up(carry: Any) -> Any:
        lows, highs, node, going = carry
        edge = at(tree.edge, node)
        low, high = slot_at(lows, edge), slot_at(highs, edge)
        edges = edges_of(tree._replace(lows=lows, highs=highs), node, rule)
        least, most = seen_before(
            at(tree.reward, node), at(tree.carry, node), edges.low.max(-1), edges.high.max(-1)
        )
        least, most = jnp.maximum(least, low), jnp.minimum(most, high)
        going = going & ((least > low) | (most < high))
        lows, highs = (
            slots(rows, edge).set(jnp.where(going, new, old), **SURE).reshape(rows.shape)
            for rows, new, old in ((lows, least, low), (highs, most, high))
        )
        return lows, highs, jnp.where(node > 0, edge // width, 0), going & (node > 0)

    lows, highs, _, _ = jax.lax.while_loop(lambda c: c[3].any(), up, (tree.lows, tree.highs, node, changed))
    return tree._replace(lows=lows, highs=highs)


def backed_up(tree: Tree, leaf: Int[Array, " B"], active: Bool[Array, " B"]) -> Tree:
    """Add a visit and its return to every action from the leaves up to the roots, in trees that are active.

    The return of a leaf is its network's value, or what is proven of it.
    """
    width = tree.child.shape[2]

    def up(carry: Any) -> Any:
        node, gain, going, counts, sums = carry
        edge = at(tree.edge, node)
        gain = at(tree.reward, node) + at(tree.carry, node) * gain
        gain = jnp.clip(gain, slot_at(tree.lows, edge), slot_at(tree.highs, edge))
        counts = slots(counts, edge).add(going.astype(counts.dtype), **SURE).reshape(counts.shape)
        sums = slots(sums, edge).add(jnp.where(going, gain, 0.0), **SURE).reshape(sums.shape)
        return jnp.where(node > 0, edge // width, 0), gain, going & (node > 0), counts, sums

    first = (leaf, at(tree.value, leaf), active, tree.counts, tree.sums)
    *_, counts, sums = jax.lax.while_loop(lambda c: c[2].any(), up, first)
    return tree._replace(counts=counts, sums=sums)


def rerooted(tree: Tree, root: Int[Array, " B"], rule: Rule) -> tuple[Tree, Int[Array, " B"]]:
    """Return the subtrees below these nodes as trees, in the old order, and how many nodes each has."""
    batch, count, width = tree.legal.shape
    numbers = jnp.arange(count, dtype=jnp.int32)[None, :]
    parent = jnp.where(tree.edge < count * width, tree.edge // width, 0)
    above = jnp.where(numbers == root[:, None], numbers, parent)
    for _ in range(count.bit_length()):
        above = at(above, above)
    inside = above == root[:, None]
    rank = jnp.cumsum(inside, axis=1, dtype=jnp.int32) - 1
    order = jnp.argsort(~inside, axis=1, stable=True).astype(jnp.int32)
    size = inside.sum(1, dtype=jnp.int32)
    live = numbers < size[:, None]
    edge = at(rank, parent) * width + tree.edge % width
    child = jnp.where(tree.child >= 0, at(rank, jnp.maximum(tree.child, 0)), UNTRIED)
    moved = jax.tree.map(lambda x: at(x, order), tree._replace(edge=edge, child=child, size=None))
    new = moved._replace(
        edge=jnp.where(live & (numbers > 0), moved.edge, count * width + (numbers > 0).astype(jnp.int32)),
        reward=moved.reward.at[:, 0].set(0.0),
        carry=moved.carry.at[:, 0].set(1.0),
        size=size.max(),
    )
    low, high = (jnp.full((batch,), bound, new.lows.dtype) for bound in rule.bounds)
    free = {"child": UNTRIED, "counts": 0, "sums": 0.0, "lows": rule.bounds[0], "highs": rule.bounds[1]}
    rows = {
        name: jnp.where(live[..., None], getattr(new, name), jnp.asarray(value, getattr(new, name).dtype))
        for name, value in free.items()
    }
    edges = edges_of(new._replace(**rows), jnp.zeros_like(root), rule)
    own = {
        "child": jnp.zeros_like(root),
        "counts": 1 + edges.visits.sum(-1, dtype=jnp.int32),
        "sums": new.value[:, 0] + edges.total.sum(-1),
        "lows": edges.low.max(-1) if rule.solve else low,
        "highs": edges.high.max(-1) if rule.solve else high,
    }
    return new._replace(**{name: with_root(rows[name], entry) for name, entry in own.items()}), size


def with_root(rows: Array, entry: Array) -> Array:
    """Return `rows: [B, M, k]` with a last one in which the first slot holds `entry: [B]`, the others 0."""
    return jnp.pad(rows, ((0, 0), (0, 1), (0, 0))).at[:, -1, 0].set(entry)
