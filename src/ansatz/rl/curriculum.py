"""A curriculum: episodes begin near the goal, and further from it as they succeed (notes, §5).

"One starts with a terminal state and moves 1 action away from it, then 2, 3, …": the inverse search tree

    level 0: the goal        level d + 1: what lies one inverse move before level d and on no level so far

of which up to `width` states a level are kept.  An episode begins on a level of 1, …, k, each as likely:

| `mode` | k |
|---|---|
| success | goes up by 1 whenever, of the last `window` episodes, the share `threshold` reached an end |
| fixed | `depth` |
| none | episodes begin where the environment begins them |

Any recipe learns by it, and does not know: `Curriculum(PPO(…))` gives it an environment that begins on the
tree, and its source a state that holds k.
"""

import functools
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from ansatz._spelling import choose
from ansatz.core import BadInput, Clock, Mean, Metrics, Parts, Recipe, Source, Update
from ansatz.rl.env import Env
from ansatz.rl.minimax import bytes_of
from ansatz.rl.rollout import check_sizes
from ansatz.rl.wrappers import Wrapper

MODES = ("success", "fixed", "none")
TRIES = 8
"""How many inverse moves are drawn for each state that a level has room for."""


class Backwards(Wrapper):
    """An environment whose episodes begin on the levels 1, …, `depth` of an inverse search tree.

    `tree`: states `[levels, width, ...]`, level 0 the goal.  Made by `backwards`.
    """

    tree: PyTree
    depth: Int[Array, ""]

    @property
    def levels(self) -> int:
        """The number of levels, without the goal."""
        return jax.tree.leaves(self.tree)[0].shape[0] - 1

    def reset(self, key: PRNGKeyArray) -> PyTree:
        """Return a state of the tree."""
        first, second = jax.random.split(key)
        level = jax.random.randint(first, (), 1, self.depth + 1, jnp.int32)
        node = jax.random.randint(second, (), 0, jax.tree.leaves(self.tree)[0].shape[1], jnp.int32)
        return jax.tree.map(lambda x: x[level, node], self.tree)


class Walked(Wrapper):
    """An environment whose episodes begin 1, …, `depth` random inverse moves before `goal`, each as likely.

    Nothing is kept, so that states of large worlds come but once; a walk may turn back, and is then nearer
    than it is long.  One that ends at the goal goes a move further.
    """

    goal: PyTree
    depth: Int[Array, ""]
    levels: int = eqx.field(static=True)

    def reset(self, key: PRNGKeyArray) -> PyTree:
        """Return the end of a walk."""
        first, second, last = jax.random.split(key, 3)
        length = jax.random.randint(first, (), 1, self.depth + 1, jnp.int32)

        def back(i: Array, state: PyTree) -> PyTree:
            return self.env.inverse_moves(state, jax.random.fold_in(second, i))

        state = jax.lax.fori_loop(0, length, back, self.goal)
        pairs = zip(jax.tree.leaves(state), jax.tree.leaves(self.goal), strict=True)
        returned = jnp.stack([(a == b).all() for a, b in pairs]).all()
        further = self.env.inverse_moves(self.goal, last)
        return jax.tree.map(lambda a, b: jnp.where(returned, a, b), further, state)


def walked(env: Env, levels: int, goal: PyTree = None, depth: int = 1) -> Walked:
    """Return an environment that begins 1, …, `depth` random inverse moves before its goal, at most `levels`.

    `goal` is by default `env.solved`.

    Raises:
        BadInput: there is no inverse move, or no goal.
    """
    check_sizes(levels=levels, depth=depth)
    goal = _goal(env, goal)
    jax.eval_shape(env.inverse_moves, goal, jax.random.key(0))
    return Walked(env, goal, jnp.asarray(min(depth, levels), jnp.int32), levels)


def _goal(env: Env, goal: PyTree) -> PyTree:
    found = getattr(env, "solved", None) if goal is None else goal
    if found is None:
        raise BadInput(
            f"{type(env).__name__} does not say by `solved` where an inverse search tree begins: give `goal`."
        )
    return found


def backwards(
    env: Env, levels: int, width: int = 1024, goal: PyTree = None, seed: int = 0, depth: int = 1
) -> Backwards:
    """Return an environment that begins on the levels 1, …, `depth` of its inverse search tree.

    `goal` is the state from which the tree grows, by default `env.solved`.  The tree ends where no inverse
    move leads to another state, or at so many `levels`; `seed` drives which states are kept.

    >>> from ansatz.rl.envs.puzzle import Puzzle
    >>> env = backwards(Puzzle(side=2), 100)
    >>> env.levels, env.tree.tiles[0, 0].tolist()
    (6, [1, 2, 3, 0])

    Raises:
        BadInput: there is no inverse move, no goal, or nothing before it.
    """
    check_sizes(levels=levels, width=width, depth=depth)
    tree = _tree(env, levels, width, _goal(env, goal), seed)
    found = len(jax.tree.leaves(tree)[0]) - 1
    if found < 1:
        raise BadInput(f"No state of {type(env).__name__} lies one move before the goal.")
    return Backwards(env, tree, jnp.asarray(min(depth, found), jnp.int32))


def _tree(env: Env, levels: int, width: int, goal: PyTree, seed: int) -> PyTree:
    """Return the states `[levels + 1, width, ...]`, or of fewer levels where the tree ends before."""
    key, draws = jax.random.key(seed), np.random.default_rng(seed)
    level = jax.tree.map(lambda x: np.asarray(x)[None], goal)
    move, known, kept = jax.jit(jax.vmap(env.inverse_moves)), set(bytes_of(level)), [level]
    for depth in range(levels):
        rows = draws.integers(len(jax.tree.leaves(level)[0]), size=TRIES * width)
        keys = jax.random.split(jax.random.fold_in(key, depth), len(rows))
        before = jax.tree.map(np.asarray, move(_taken(level, rows), keys))
        fresh = {name: at for at, name in enumerate(bytes_of(before)) if name not in known}
        if not fresh:
            break
        known.update(fresh)
        level = _taken(before, draws.permutation(list(fresh.values()))[:width])
        kept.append(level)
    full = [jax.tree.map(lambda x: x[np.arange(width) % len(x)], one) for one in kept]
    return jax.tree.map(lambda *x: jnp.asarray(np.stack(x)), *full)


def _taken(states: PyTree, rows: np.ndarray) -> PyTree:
    return jax.tree.map(lambda x: x[rows], states)


class Climb(NamedTuple):
    """The source's own state, the `depth` k, and how many episodes were `tried` and `solved` at it."""

    inner: PyTree
    depth: Int[Array, ""]
    tried: Float[Array, ""]
    solved: Float[Array, ""]


class Climbed(NamedTuple):
    """The episodes of a batch, and the depth at which they were played."""

    returns: Mean
    lengths: Mean
    ended: Mean
    depth: Int[Array, ""]


class Growing(Source):
    """The batches of a source whose environment begins on a tree, from a depth that grows with success.

    `window` episodes are counted, among them those begun before the last growth; then the depth goes up by 1
    if the share `threshold` of them reached an end, and they are counted anew.  0 keeps the depth.
    """

    source: Source
    first: int = eqx.field(static=True)
    deepest: int = eqx.field(static=True)
    threshold: float = eqx.field(static=True)
    window: int = eqx.field(static=True)

    def init(self, model: Any, key: PRNGKeyArray) -> Climb:
        """Return the state of the source, at the first depth."""
        depth, zero = jnp.asarray(self.first, jnp.int32), jnp.zeros(())
        return Climb(at_depth(self.source, depth).init(model, key), depth, zero, zero)

    def next(self, state: Climb, model: Any, clock: Clock, key: PRNGKeyArray) -> tuple[Any, Climb]:
        """Return the next batch, and count."""
        batch, inner = at_depth(self.source, state.depth).next(state.inner, model, clock, key)
        returns, lengths, ended = batch.episodes
        batch = batch._replace(episodes=Climbed(returns, lengths, ended, state.depth))
        tried, solved = state.tried + ended.weight, state.solved + ended.total
        full = tried >= self.window
        grows = full & (solved >= self.threshold * tried) & (state.depth < self.deepest)
        depth = state.depth + grows.astype(jnp.int32)
        return batch, Climb(inner, depth, jnp.where(full, 0.0, tried), jnp.where(full, 0.0, solved))


def at_depth(source: PyTree, depth: Int[Array, ""]) -> PyTree:
    """Return a source, or all else that holds environments, with those on a tree beginning at a depth."""

    def is_one(node: Any) -> bool:
        return isinstance(node, Backwards | Walked)

    def change(node: Any) -> Any:
        return eqx.tree_at(lambda env: env.depth, node, depth) if is_one(node) else node

    return jax.tree.map(change, source, is_leaf=is_one)


class Depth(Update):
    """Move nothing, and report the depth, and the share of the episodes over that reached an end."""

    def init(self, model: Any) -> tuple[()]:
        """Return no state."""
        return ()

    def apply(
        self, model: Any, opt: PyTree, batch: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Any, PyTree, Metrics]:
        """Return the model as it is, and `depth` and `solved`."""
        found = batch.episodes
        return model, opt, {"depth": found.depth.astype(jnp.float32), "solved": found.ended}


class Curriculum(Recipe):
    """Learn as another recipe does (`fit(Curriculum(PPO()), env, steps=…)`), by a curriculum.

    - `learner`: the recipe; `mode`: success, fixed or none.
    - `depth`: k, at first or always; `deepest`: the most levels that the tree gets, of `width` states each;
      with a width of 0 no tree is kept, and an episode begins so many random inverse moves away (`Walked`).
    - `threshold`, `window`: k goes up when this share of so many episodes reached an end.
    - `seed`: which states the tree keeps.

    `env` has inverse moves and a state `solved`, or was made by `backwards` or `walked`.  Numbers out of
    range, an unknown mode and environments without a tree raise `BadInput`.

    Florensa et al. 2017, "Reverse curriculum generation for reinforcement learning".
    """

    learner: Recipe
    mode: str = eqx.field(default="success", static=True)
    depth: int = eqx.field(default=1, static=True)
    deepest: int = eqx.field(default=32, static=True)
    threshold: float = eqx.field(default=0.8, static=True)
    window: int = eqx.field(default=500, static=True)
    width: int = eqx.field(default=1024, static=True)
    seed: int = eqx.field(default=0, static=True)

    def build(self, data: Any, key: PRNGKeyArray) -> Parts:
        """Return the parts of the learner for an environment, with its source on the tree."""
        choose("mode", self.mode, dict.fromkeys(MODES))
        check_sizes(depth=self.depth, deepest=self.deepest, window=self.window)
        if self.width:
            check_sizes(width=self.width)
        if not 0 < self.threshold <= 1:
            raise BadInput(f"The threshold of success is a share in (0, 1], not {self.threshold!r}.")
        if not isinstance(data, Env):
            raise BadInput(
                f"A curriculum takes an environment (an `ansatz.rl.env.Env`), not {type(data).__name__}."
            )
        if self.mode == "none":
            return self.learner.build(data.env if isinstance(data, Backwards | Walked) else data, key)
        env = (
            data
            if isinstance(data, Backwards | Walked)
            else _grown(data, self.deepest, self.width, self.seed)
        )
        parts = self.learner.build(env, key)
        deepest = self.depth if self.mode == "fixed" else self.deepest
        source = Growing(
            parts.source, min(self.depth, env.levels), min(deepest, env.levels), self.threshold, self.window
        )
        return parts._replace(source=source, updates=(*parts.updates, Depth()))


def _grown(env: Env, levels: int, width: int, seed: int) -> Backwards | Walked:
    """Return `backwards`, of the same environment the same, or `walked` where no width is given."""
    if not width:
        return walked(env, levels)
    try:
        hash(env)
    except TypeError:
        return backwards(env, levels, width, seed=seed)
    return _remembered(env, levels, width, seed)


@functools.lru_cache(maxsize=8)
def _remembered(env: Env, levels: int, width: int, seed: int) -> Backwards:
    return backwards(env, levels, width, seed=seed)
