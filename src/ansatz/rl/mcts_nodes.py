"""The nodes of a search's trees: what the environment does, and what the network thinks of it."""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from ansatz.maps.shapes import wide
from ansatz.rl.env import Env
from ansatz.rl.mcts_paths import Found, seen_before
from ansatz.rl.mcts_tree import ILLEGAL, UNTRIED, Rule, Tree, at, put
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


def planted(env: Env, state: PyTree, evaluate: Evaluate, nodes: int, rule: Rule) -> Tree:
    """Return trees of their roots alone with room for so many nodes, for states `[B, ...]`."""
    obs, legal = jax.vmap(env.observe)(state), jax.vmap(env.legal)(state)
    logits, value = jax.vmap(evaluate)(obs, legal)
    over = ~legal.any(-1)
    value = jnp.where(over, 0.0, value.astype(wide(value.dtype)))
    shape = (len(over), nodes)

    def first(x: Array, other: Any) -> Array:
        return jnp.full((*shape, *x.shape[1:]), other, x.dtype).at[:, 0].set(x)

    low, high = (jnp.where(over, 0.0, jnp.full_like(value, bound)) for bound in rule.bounds)
    return Tree(
        state=jax.tree.map(lambda x: jnp.broadcast_to(x[:, None], (*shape, *x.shape[1:])), state),
        value=first(value, 0),
        child=first(_children(legal), ILLEGAL),
        prior=first(_prior(logits, legal, value.dtype), 0),
        parent=jnp.zeros(shape, jnp.int32),
        reward=jnp.zeros(shape, value.dtype),
        carry=jnp.ones(shape, value.dtype),
        visits=first(jnp.ones(over.shape, jnp.int32), 0),
        total=first(value, 0),
        low=first(low, 0),
        high=first(high, 0),
        size=jnp.ones((), jnp.int32),
    )


def grown(
    tree: Tree, found: Found, env: Env, evaluate: Evaluate, gamma: float, rule: Rule, key: PRNGKeyArray
) -> Tree:
    """Return the trees with a new node each, which belongs to the tree where what was found is fresh."""
    batch, count, n = tree.child.shape
    before = jax.tree.map(lambda x: at(x, found.node), tree.state)
    step = jax.vmap(env.step)(before, found.action, jax.random.split(key, batch))
    over, kind = step.terminated, tree.value.dtype
    legal = jax.vmap(env.legal)(step.state) & ~over[:, None]
    logits, value = jax.vmap(evaluate)(step.obs, legal)
    reward, sign = seen_by_mover(env, before, step.state, step.reward)
    reward, carry = reward.astype(kind), jnp.where(over, 0.0, gamma * sign).astype(kind)
    floor, ceiling = (jnp.full_like(reward, bound) for bound in rule.bounds)
    low, high = seen_before(reward, carry, floor, ceiling)
    i = tree.size
    place = (jnp.arange(batch, dtype=jnp.int32) * count + found.node) * n + found.action
    place = jnp.where(found.fresh, place, tree.child.size)
    child = put(tree.child, i, _children(legal)).reshape(-1)
    child = child.at[place].set(i, mode="drop")
    return tree._replace(
        state=jax.tree.map(lambda rows, x: put(rows, i, x), tree.state, step.state),
        value=put(tree.value, i, jnp.where(over, 0.0, value.astype(kind))),
        child=child.reshape(tree.child.shape),
        prior=put(tree.prior, i, _prior(logits, legal, kind)),
        parent=put(tree.parent, i, jnp.where(found.fresh, found.node, 0)),
        reward=put(tree.reward, i, reward),
        carry=put(tree.carry, i, carry),
        low=put(tree.low, i, jnp.where(over, reward, low)),
        high=put(tree.high, i, jnp.where(over, reward, high)),
        size=i + 1,
    )


def seen_by_mover(env: Env, before: PyTree, after: PyTree, reward: Array) -> tuple[Array, Array]:
    """Return rewards `[B]` of the players to move before, and 1, or -1 where the other player is next."""
    if env.players == 1:
        return reward, jnp.ones_like(reward)
    mover, following = jax.vmap(env.player)(before), jax.vmap(env.player)(after)
    return pick(reward, mover), jnp.where(mover == following, 1.0, -1.0).astype(reward.dtype)


def _children(legal: Bool[Array, "B n"]) -> Int[Array, "B n"]:
    return jnp.where(legal, UNTRIED, ILLEGAL).astype(jnp.int32)


def _prior(logits: Float[Array, "B n"], legal: Bool[Array, "B n"], kind: Any) -> Float[Array, "B n"]:
    return jnp.where(legal, jnp.exp(masked_log_softmax(logits, legal)), 0.0).astype(kind)
