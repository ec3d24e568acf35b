"""The nodes of a search's trees: what the environment does, and what the network thinks of it."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from ansatz.maps.shapes import wide
from ansatz.rl.env import Env
from ansatz.rl.mcts_paths import SURE, Found, seen_before, with_root
from ansatz.rl.mcts_tree import UNTRIED, WIDTH, Rule, Tree, at, put, slot_at, slots
from ansatz.rl.policy import masked_log_softmax, pick

Evaluate: TypeAlias = Callable[[Any, Any], tuple[Array, Array]]
"""``(obs, legal) -> (logits [n], value [])`` of one state, for the player to move there."""


def even(obs: Any, legal: Bool[Array, " n"]) -> tuple[Float[Array, " n"], Float[Array, ""]]:
    """Return equal logits and the value 0: a search without a network."""
    return jnp.zeros(legal.shape), jnp.zeros(())


def evaluation(model: Any) -> Evaluate:
    """Return the `evaluate` of a model that answers to an observation with logits and a value."""

    def evaluate(obs: Any, legal: Any) -> tuple[Array, Array]:
        return model(obs)

    return evaluate


def planted(
    env: Env, state: PyTree, evaluate: Evaluate, nodes: int, rule: Rule, compact: int | None = None
) -> Tree:
    """Return trees of their roots alone with room for so many nodes, for states `[B, ...]`.

    Where rows are `compact` they hold at most so many actions, rounded up to a multiple of eight.
    """
    obs, legal = jax.vmap(env.observe)(state), jax.vmap(env.legal)(state)
    logits, value = jax.vmap(evaluate)(obs, legal)
    over = ~legal.any(-1)
    value = jnp.where(over, 0.0, value.astype(wide(value.dtype)))
    kind, width = value.dtype, -(-(compact or legal.shape[-1]) // WIDTH) * WIDTH
    row = _row(logits, legal, kind, width if compact else None)
    shape = (len(over), nodes)

    def first(x: Array, other: Any) -> Array:
        return jnp.full((*shape, *x.shape[1:]), other, x.dtype).at[:, 0].set(x)

    def free(bound: Any, root: Array) -> Array:
        return with_root(jnp.full((*shape, width), bound, root.dtype), root)

    low, high = (jnp.where(over, 0.0, jnp.full_like(value, bound)) for bound in rule.bounds)
    last = nodes * width
    return Tree(
        state=jax.tree.map(lambda x: jnp.broadcast_to(x[:, None], (*shape, *x.shape[1:])), state),
        value=first(value, 0),
        edge=first(jnp.full(over.shape, last, jnp.int32), last + 1),
        reward=jnp.zeros(shape, kind),
        carry=jnp.ones(shape, kind),
        legal=first(row.legal, False),
        prior=first(row.prior, 0),
        action=None if row.action is None else first(row.action, legal.shape[-1]),
        child=free(UNTRIED, jnp.zeros(over.shape, jnp.int32)),
        counts=free(0, jnp.ones(over.shape, jnp.int32)),
        sums=free(0, value),
        lows=free(rule.bounds[0], low),
        highs=free(rule.bounds[1], high),
        size=jnp.ones((), jnp.int32),
    )


def grown(
    tree: Tree, found: Found, env: Env, evaluate: Evaluate, gamma: float, rule: Rule, key: PRNGKeyArray
) -> Tree:
    """Return the trees with a new node each, which belongs to the tree where what was found is fresh."""
    batch, count, width = tree.legal.shape
    edge = found.node * width + found.slot
    before = jax.tree.map(lambda x: at(x, found.node), tree.state)
    action = found.slot if tree.action is None else slot_at(tree.action, edge)
    step = jax.vmap(env.step)(before, action, jax.random.split(key, batch))
    over, kind = step.terminated, tree.value.dtype
    legal = jax.vmap(env.legal)(step.state) & ~over[:, None]
    logits, value = jax.vmap(evaluate)(step.obs, legal)
    row = _row(logits, legal, kind, None if tree.action is None else width)
    reward, sign = seen_by_mover(env, before, step.state, step.reward)
    reward, carry = reward.astype(kind), jnp.where(over, 0.0, gamma * sign).astype(kind)
    floor, ceiling = (jnp.full_like(reward, bound) for bound in rule.bounds)
    low, high = seen_before(reward, carry, floor, ceiling) if rule.solve else (floor, ceiling)
    # Where nothing new was found the number belongs to no node, and the slot that leads there to no action.
    edge = jnp.where(found.fresh, edge, count * width + 1)
    i = tree.size

    def led(rows: Array, entry: Array) -> Array:
        return slots(rows, edge).set(entry, **SURE).reshape(rows.shape)

    return tree._replace(
        state=jax.tree.map(lambda rows, x: put(rows, i, x), tree.state, step.state),
        value=put(tree.value, i, jnp.where(over, 0.0, value.astype(kind))),
        edge=put(tree.edge, i, edge),
        reward=put(tree.reward, i, reward),
        carry=put(tree.carry, i, carry),
        legal=put(tree.legal, i, row.legal),
        prior=put(tree.prior, i, row.prior),
        action=jax.tree.map(lambda rows, x: put(rows, i, x), tree.action, row.action),
        child=led(tree.child, i),
        lows=led(tree.lows, jnp.where(over, reward, low)),
        highs=led(tree.highs, jnp.where(over, reward, high)),
        size=i + 1,
    )


def seen_by_mover(env: Env, before: PyTree, after: PyTree, reward: Array) -> tuple[Array, Array]:
    """Return rewards `[B]` of the players to move before, and 1, or -1 where the other player is next."""
    if env.players == 1:
        return reward, jnp.ones_like(reward)
    mover, following = jax.vmap(env.player)(before), jax.vmap(env.player)(after)
    return pick(reward, mover), jnp.where(mover == following, 1.0, -1.0).astype(reward.dtype)


class _Row(NamedTuple):
    """What is known of the actions at new nodes, `[B, k]`."""

    legal: Bool[Array, "B k"]
    prior: Float[Array, "B k"]
    action: Int[Array, "B k"] | None


def _row(logits: Float[Array, "B n"], legal: Bool[Array, "B n"], kind: Any, width: int | None) -> _Row:
    """Return rows of all actions, or, where a width is given, of so many legal ones."""
    n, action = legal.shape[-1], None
    if width is None:
        spare = ((0, 0), (0, -n % WIDTH))
        logits, legal = jnp.pad(logits, spare), jnp.pad(legal, spare)
    else:
        action = jax.vmap(lambda row: jnp.nonzero(row, size=width, fill_value=n)[0])(legal).astype(jnp.int32)
        logits = jnp.take_along_axis(logits, jnp.minimum(action, n - 1), axis=-1)
        legal = action < n
    prior = jnp.where(legal, jnp.exp(masked_log_softmax(logits, legal)), 0.0)
    return _Row(legal, prior.astype(kind), action)
