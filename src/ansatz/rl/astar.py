"""A* that plays: before each move at most so many positions are expanded, and the tree is kept between moves.

    f(s) = g(s) + w h(s)        g: what the way to s cost, h: an estimate of what is left, w: its weight

Each expansion takes the open position of the least f, the furthest of equals, and tries all its actions in
the environment; the search is over when an end is taken.  Where it is not after `expansions` of them, the
first move towards the open position of the least f is played, and what does not lie behind it is given up.

A position that is found again on a way that is no shorter is a *shadow* of the first: it is not expanded
unless the first is given up.  One left behind counts from then on as its second best way
(Korf 1990, "Real-time heuristic search"), so that going back pays only where it should.

Costs are minus the rewards and at least 0; positions are told apart by a hash of 64 bits of what is
observed of them; chance and time limits do not count.  With expansions without an end, h that nowhere exceeds
the truth, and w = 1 the first solution found is a shortest one (Hart, Nilsson & Raphael 1968).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PyTree, UInt

from ansatz.core import BadInput
from ansatz.rl.dqn import discrete_actions
from ansatz.rl.env import Env
from ansatz.rl.onpolicy import check_positive
from ansatz.rl.rollout import check_sizes

EXPANSIONS = 64
"""How many positions are expanded before a move, at most, where nothing else is said."""


class Solutions(NamedTuple):
    """How each of B positions was solved: `moves`, -1 where it was not, and the `actions`, -1 after the last.

    `expanded` counts all expansions, and `largest` the most before one move.
    """

    moves: Int[Array, " B"]
    expanded: Int[Array, " B"]
    largest: Int[Array, " B"]
    actions: Int[Array, "B most"]


class Tree(NamedTuple):
    """M nodes, the n actions of the e-th expansion at 1 + e n, ...; parents come before their children.

    `rank` is f where a node is open and infinite where not; `twin`: the node whose shadow it is, or -1.
    `alive`: it can still be reached from the `root`, which is where the player stands.  `found`: the end that
    was taken, -1 before; `count`, `spent`: expansions, and those since the last move.
    """

    state: PyTree
    hash: UInt[Array, "M 2"]
    g: Float[Array, " M"]
    f: Float[Array, " M"]
    rank: Float[Array, " M"]
    parent: Int[Array, " M"]
    action: Int[Array, " M"]
    level: Int[Array, " M"]
    twin: Int[Array, " M"]
    alive: Bool[Array, " M"]
    end: Bool[Array, " M"]
    root: Int[Array, ""]
    found: Int[Array, ""]
    count: Int[Array, ""]
    spent: Int[Array, ""]


def hashed(obs: PyTree) -> UInt[Array, "2"]:
    """Return 64 bits by which an observation is told from others.

    >>> one, other = (hashed(jnp.asarray(x)) for x in ([1.0, 0.0], [0.0, 1.0]))
    >>> bool((one == hashed(jnp.asarray([1.0, 0.0]))).all()), bool((one == other).any())
    (True, False)
    """
    leaves = [jnp.ravel(leaf) for leaf in jax.tree.leaves(obs)]
    bits = jnp.concatenate(
        [jax.lax.bitcast_convert_type(x.astype(jnp.float32) + 0.0, jnp.uint32) for x in leaves]
    )
    salt = np.random.default_rng(0).integers(2**32, size=(2, bits.size), dtype=np.uint32)
    mixed = bits[None] ^ salt
    for factor, shift in ((0x85EBCA6B, 16), (0xC2B2AE35, 13)):
        mixed = (mixed ^ (mixed >> jnp.uint32(shift))) * jnp.uint32(factor)
    return (mixed ^ (mixed >> jnp.uint32(16))).sum(1, dtype=jnp.uint32)


def solve(
    env: Env,
    estimate: Callable[[PyTree], Array],
    states: PyTree,
    expansions: int = EXPANSIONS,
    most: int = 100,
    weight: float = 1.0,
) -> Solutions:
    """Return how `states: [B, ...]` are solved in at most `most` moves, by at most `expansions` before each.

    `estimate` is h, a function of one state of the environment.

    >>> from ansatz.rl.envs.puzzle import Puzzle
    >>> env = Puzzle(side=2)
    >>> states = jax.vmap(env.reset)(jax.random.split(jax.random.key(3), 2))
    >>> found = solve(env, lambda state: jnp.zeros(()), states)
    >>> found.moves.shape, bool((found.moves > 0).all())
    ((2,), True)

    Raises:
        BadInput: actions are not finitely many, several play, or a number is out of range.
    """
    check_sizes(expansions=expansions, most=most)
    check_positive(weight=weight)
    discrete_actions(env, "A* search")
    if env.players > 1:
        raise BadInput(f"{type(env).__name__} has {env.players} players, and A* searches for one.")
    return _solved(env, estimate, states, expansions, most, weight)


@eqx.filter_jit
def _solved(env: Env, estimate: Any, states: PyTree, expansions: int, most: int, weight: float) -> Solutions:
    size = 1 + expansions * most * discrete_actions(env, "A* search")
    tree = jax.vmap(lambda state: _planted(env, state, size))(states)
    grow = jax.vmap(lambda one: _expanded(env, estimate, one, weight))

    def thinks(tree: Tree) -> Array:
        return _searching(tree) & (tree.spent < expansions)

    def play(carry: Any) -> Any:
        tree, largest, moves = carry
        tree = jax.lax.while_loop(lambda t: thinks(t).any(), lambda t: grow(t), tree)
        largest = jnp.maximum(largest, tree.spent)
        return jax.vmap(_moved)(tree), largest, moves + 1

    def goes(carry: Any) -> Array:
        return _searching(carry[0]).any() & (carry[2] < most)

    zero = jnp.zeros(len(tree.root), jnp.int32)
    tree, largest, _ = jax.lax.while_loop(goes, play, (tree, zero, jnp.zeros((), jnp.int32)))
    moves, actions = jax.vmap(lambda one: _way(one, most))(tree)
    return Solutions(moves, tree.count, largest, actions)


def _searching(tree: Tree) -> Bool[Array, "..."]:
    """Tell where no end was taken, and something is open."""
    return (tree.found < 0) & jnp.isfinite(tree.rank).any(-1)


def _planted(env: Env, state: PyTree, size: int) -> Tree:
    """Return a tree of one open node."""
    grown = jax.tree.map(lambda x: jnp.zeros((size, *jnp.shape(x)), jnp.asarray(x).dtype).at[0].set(x), state)
    ints, zero = jnp.zeros(size, jnp.int32), jnp.zeros((), jnp.int32)
    first = jnp.arange(size) == 0
    code = jnp.zeros((size, 2), jnp.uint32).at[0].set(hashed(env.observe(state)))
    open_ = jnp.where(first, 0.0, jnp.inf)
    return Tree(
        grown, code, jnp.zeros(size), open_, open_, ints, ints, ints, ints - 1, first, jnp.zeros(size, bool),
        zero, zero - 1, zero, zero,
    )  # fmt: skip


def _best(tree: Tree) -> Int[Array, ""]:
    """Return the open node of the least f, of equals the one of the largest g."""
    return jnp.argmax(jnp.where(tree.rank <= tree.rank.min(), tree.g, -jnp.inf)).astype(jnp.int32)


def _expanded(env: Env, estimate: Any, tree: Tree, weight: float) -> Tree:
    """Take the best open node, and put what its actions lead to into the tree; do nothing after an end."""
    node, active = _best(tree), _searching(tree)
    over = active & tree.end[node]
    active = active & ~over
    tree = tree._replace(found=jnp.where(over, node, tree.found))
    new = _children(env, estimate, tree, node, weight)
    n = len(new.g)
    start = 1 + tree.count * n
    owner, later = tree.alive & (tree.twin < 0), new.g[None]
    same = owner[:, None] & (tree.hash[:, None] == new.hash[None]).all(-1)
    before = same & (tree.g[:, None] <= later)
    again = (new.hash[:, None] == new.hash[None]).all(-1) & new.alive[:, None]
    earlier = np.triu(np.ones((n, n), bool), 1)
    again = again & ((new.g[:, None] < later) | ((new.g[:, None] == later) & earlier))
    twin = jnp.where(before.any(0), jnp.argmax(before, 0), -1)
    twin = jnp.where((twin < 0) & again.any(0), start + jnp.argmax(again, 0), twin).astype(jnp.int32)
    shadow = twin >= 0
    new = new._replace(twin=twin, rank=jnp.where(shadow | ~new.alive, jnp.inf, new.f))
    # What was reached before on a longer way is from now on a shadow of the new node.
    longer = same & (new.alive & ~shadow & active)[None]
    passed = longer.any(1)
    tree = tree._replace(
        rank=jnp.where(passed | (active & (jnp.arange(len(tree.g)) == node)), jnp.inf, tree.rank),
        twin=jnp.where(passed, (start + jnp.argmax(longer, 1)).astype(jnp.int32), tree.twin),
    )
    one = active.astype(jnp.int32)
    return _written(tree, new, start, active)._replace(count=tree.count + one, spent=tree.spent + one)


class Children(NamedTuple):
    """What the n actions at a node lead to: the rows that are written into a tree, named as there."""

    state: PyTree
    hash: UInt[Array, "n 2"]
    g: Float[Array, " n"]
    f: Float[Array, " n"]
    rank: Float[Array, " n"]
    parent: Int[Array, " n"]
    action: Int[Array, " n"]
    level: Int[Array, " n"]
    twin: Int[Array, " n"]
    alive: Bool[Array, " n"]
    end: Bool[Array, " n"]


def _children(env: Env, estimate: Any, tree: Tree, node: Int[Array, ""], weight: float) -> Children:
    state = jax.tree.map(lambda x: x[node], tree.state)
    legal = env.legal(state)
    actions = jnp.arange(len(legal), dtype=jnp.int32)
    # What an illegal action does is undefined: a legal one is tried in its place, and is no child.
    tried = jnp.where(legal, actions, jnp.argmax(legal).astype(jnp.int32))
    step = jax.vmap(lambda action: env.step(state, action, jax.random.key(0)))(tried)
    g = tree.g[node] - step.reward
    left = jnp.where(step.terminated, 0.0, jnp.maximum(jax.vmap(estimate)(step.state), 0.0))
    every = jnp.zeros_like(actions)
    f = g + weight * left
    return Children(
        step.state, jax.vmap(hashed)(step.obs), g, f, f, every + node, actions, every + tree.level[node] + 1,
        every - 1, legal, legal & step.terminated,
    )  # fmt: skip


def _written(tree: Tree, new: Children, start: Int[Array, ""], active: Bool[Array, ""]) -> Tree:
    """Return the tree with its rows from `start` on replaced, where it is active."""

    def put(old: Array, rows: Array) -> Array:
        kept = jax.lax.dynamic_slice_in_dim(old, start, len(rows))
        return jax.lax.dynamic_update_slice_in_dim(old, jnp.where(active, rows, kept), start, 0)

    rows = tuple(tree)[: len(new)]
    return Tree(*jax.tree.map(put, rows, tuple(new)), *tuple(tree)[len(new) :])


def _moved(tree: Tree) -> Tree:
    """Play the first move towards the best open node, and give up what does not lie behind it."""
    moves, best = _searching(tree), _best(tree)
    below = tree.level[tree.root] + 1

    def up(first: Array) -> Array:
        return jnp.where(tree.level[first] > below, tree.parent[first], first)

    nodes = jnp.arange(len(tree.g), dtype=jnp.int32)
    first = jax.lax.while_loop(lambda x: (tree.level[x] > below).any(), up, nodes)
    root = first[best]
    behind = tree.alive & (first == root)
    second = jnp.min(jnp.where(behind, jnp.inf, tree.rank)) - tree.g[tree.root]
    f = jnp.where(tree.twin == tree.root, jnp.maximum(tree.f, tree.g + second), tree.f)
    free = behind & (tree.twin >= 0) & ~behind[tree.twin]
    after = tree._replace(
        f=f,
        rank=jnp.where(behind, jnp.where(free, f, tree.rank), jnp.inf),
        twin=jnp.where(free, -1, tree.twin),
        alive=behind,
        root=root,
        spent=jnp.zeros_like(tree.spent),
    )
    return jax.tree.map(lambda a, b: jnp.where(moves, a, b), after, tree)


def _way(tree: Tree, most: int) -> tuple[Array, Array]:
    """Return the moves of the way to the end that was found, -1 if none was, and its actions `[most]`."""
    length = jnp.where(tree.found < 0, -1, tree.level[tree.found])
    length = jnp.where(length > most, -1, length)

    def back(node: Array, _: None) -> tuple[Array, Array]:
        return tree.parent[node], tree.action[node]

    _, taken = jax.lax.scan(back, jnp.maximum(tree.found, 0), None, length=most)
    at = length - 1 - jnp.arange(most)
    return length, jnp.where(at >= 0, taken[jnp.maximum(at, 0)], -1)
