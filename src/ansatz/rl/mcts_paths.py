"""The ways down and up in the trees of a search, and a subtree as a tree of its own.

All trees go a step down or up at once: one loop for the batch, as long as the longest of its paths.  Rows are
looked up by number; what changes along a path is written by comparing all nodes with the path's, since on a
processor scattered writes cost far more.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from ansatz.rl.mcts_tree import (
    Rule,
    Tree,
    action_values,
    at,
    child_of,
    edges_of,
    is_closed,
    worthwhile,
)


def chosen(tree: Tree, node: Int[Array, " B"], rule: Rule) -> Int[Array, " B"]:
    """Return at each node the action of the largest PUCT; of equal ones the likelier, then the first.

    ``PUCT(s, a) = q(s, a) + c π(s, a) √(Σ_b N(s, b)) / (1 + N(s, a))``
    """
    edges, prior = edges_of(tree, node, rule.bounds), at(tree.prior, node)
    n = edges.visits.astype(prior.dtype)
    q = action_values(edges, at(tree.value, node), rule.untried)
    score = q + rule.c * prior * jnp.sqrt(n.sum(-1, keepdims=True)) / (1 + n)
    allowed = worthwhile(edges, rule)
    score = jnp.where(allowed, score, -jnp.inf)
    tied = allowed & (score >= score.max(-1, keepdims=True))
    return jnp.argmax(jnp.where(tied, prior, jnp.where(allowed, -1.0, -2.0)), -1).astype(jnp.int32)


class Found(NamedTuple):
    """Where simulations came to `[B]`: an untried action of a node, or (`fresh` False) the node, closed."""

    node: Int[Array, " B"]
    action: Int[Array, " B"]
    fresh: Bool[Array, " B"]


def descended(tree: Tree, active: Bool[Array, " B"], rule: Rule) -> Found:
    """Go down from the roots by the largest PUCT, in trees that are active."""

    def down(carry: Any) -> Any:
        (node, action, fresh), going = carry
        act = chosen(tree, node, rule)
        kid = child_of(tree, node, act)
        moved = going & (kid >= 0)
        found = Found(
            jnp.where(moved, kid, node),
            jnp.where(going, act, action),
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


def proven(
    tree: Tree, node: Int[Array, " B"], changed: Bool[Array, " B"], bounds: tuple[float, float]
) -> Tree:
    """Bring what was proven of an action up from its node, in trees where it changed, as far as it counts.

    ``low(s) = max_a low(s, a)`` and ``high(s) = max_a high(s, a)``, for the player to move at s.
    """

    def up(carry: Any) -> Any:
        low, high, node, going = carry
        edges = edges_of(tree._replace(low=low, high=high), node, bounds)
        least, most = seen_before(
            at(tree.reward, node), at(tree.carry, node), edges.low.max(-1), edges.high.max(-1)
        )
        least, most = jnp.maximum(least, at(low, node)), jnp.minimum(most, at(high, node))
        going = going & ((least > at(low, node)) | (most < at(high, node)))
        here = _here(low, node, going)
        low, high = jnp.where(here, least[:, None], low), jnp.where(here, most[:, None], high)
        return low, high, at(tree.parent, node), going & (node > 0)

    low, high, _, _ = jax.lax.while_loop(lambda c: c[3].any(), up, (tree.low, tree.high, node, changed))
    return tree._replace(low=low, high=high)


def backed_up(tree: Tree, leaf: Int[Array, " B"], active: Bool[Array, " B"]) -> Tree:
    """Add a visit and its return to every node from the leaves up to the roots, in trees that are active.

    The return of a leaf is its network's value, or what is proven of it.
    """

    def up(carry: Any) -> Any:
        node, gain, going, visits, total = carry
        gain = at(tree.reward, node) + at(tree.carry, node) * gain
        gain = jnp.clip(gain, at(tree.low, node), at(tree.high, node))
        here = _here(total, node, going)
        visits, total = visits + here.astype(jnp.int32), total + jnp.where(here, gain[:, None], 0.0)
        return at(tree.parent, node), gain, going & (node > 0), visits, total

    first = (leaf, at(tree.value, leaf), active, tree.visits, tree.total)
    *_, visits, total = jax.lax.while_loop(lambda c: c[2].any(), up, first)
    return tree._replace(visits=visits, total=total)


def rerooted(tree: Tree, root: Int[Array, " B"], rule: Rule) -> tuple[Tree, Int[Array, " B"]]:
    """Return the subtrees below these nodes as trees, in the old order, and how many nodes each has."""
    count = tree.parent.shape[1]
    numbers = jnp.arange(count, dtype=jnp.int32)[None, :]
    above = jnp.where(numbers == root[:, None], numbers, tree.parent)
    for _ in range(count.bit_length()):
        above = at(above, above)
    inside = above == root[:, None]
    rank = jnp.cumsum(inside, axis=1, dtype=jnp.int32) - 1
    order = jnp.argsort(~inside, axis=1, stable=True).astype(jnp.int32)
    size = inside.sum(1, dtype=jnp.int32)
    live = numbers < size[:, None]
    child = jnp.where(tree.child >= 0, at(rank, jnp.maximum(tree.child, 0)), tree.child)
    parent = jnp.where(live & (numbers > 0), at(at(rank, tree.parent), order), 0)
    moved = jax.tree.map(lambda x: at(x, order), tuple(tree._replace(child=child)[:-1]))
    new = Tree(*moved, size=size.max())._replace(parent=parent)
    new = new._replace(visits=jnp.where(live, new.visits, 0), total=jnp.where(live, new.total, 0.0))
    edges = edges_of(new, jnp.zeros_like(root), rule.bounds)
    low, high = rule.bounds
    own = {
        "reward": 0.0,
        "carry": 1.0,
        "visits": 1 + edges.visits.sum(-1, dtype=jnp.int32),
        "total": new.value[:, 0] + edges.total.sum(-1),
        "low": edges.low.max(-1) if rule.solve else low,
        "high": edges.high.max(-1) if rule.solve else high,
    }
    return new._replace(**{name: getattr(new, name).at[:, 0].set(x) for name, x in own.items()}), size


def _here(rows: Array, node: Int[Array, " B"], where: Bool[Array, " B"]) -> Bool[Array, "B M"]:
    numbers = jnp.arange(rows.shape[1], dtype=jnp.int32)[None, :]
    return (numbers == node[:, None]) & where[:, None]
