"""Puzzles by a curriculum and search: what `ansatz play Puzzle8 --with curriculum` learns, and its judge.

Value iteration on positions before the goal, at first near it, learns how many moves are left; A* plays by
that.  A solution is judged by whether it is a shortest one, where all distances can be listed; nothing that
plays knows them.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from ansatz.core import BadInput, Parts
from ansatz.rl.astar import EXPANSIONS, Solutions, solve
from ansatz.rl.curriculum import Curriculum
from ansatz.rl.distances import cube_distances, cube_index, puzzle_distances, puzzle_index
from ansatz.rl.env import Env
from ansatz.rl.envs.cube import Cube
from ansatz.rl.envs.puzzle import Puzzle
from ansatz.rl.onpolicy import check_positive
from ansatz.rl.value_iteration import ValueIteration
from ansatz.rl.wrappers import unwrapped


class CurriculumIteration(ValueIteration):
    """`ValueIteration` within a `Curriculum`, as one recipe (`fit(CurriculumIteration(), env, steps=…)`).

    The fields of `ValueIteration`, and

    - `mode`: success, fixed or none; `begun`: the depth at first or always, `deepest` the largest.
    - `threshold`, `window`: it grows by 1 when this share of so many games reached the end.
    - `kept`: states of each level of the inverse search tree, 0 for random walks from the goal.
    - `expansions`: so many positions A* expands before a move, at most, when it is judged; 0: it is not.
    - `weight`: of the estimate in A*; below 1 it searches wider, which makes up for one that is too high.

    Rewards are minus costs, and an environment has inverse moves and a state `solved`.
    """

    mode: str = eqx.field(default="success", static=True)
    begun: int = eqx.field(default=1, static=True)
    deepest: int = eqx.field(default=32, static=True)
    threshold: float = eqx.field(default=0.9, static=True)
    window: int = eqx.field(default=200, static=True)
    kept: int = eqx.field(default=4096, static=True)
    expansions: int = eqx.field(default=EXPANSIONS, static=True)
    weight: float = eqx.field(default=0.8, static=True)

    def build(self, data: Any, key: PRNGKeyArray) -> Parts:
        """Return the parts for an environment, with its source before the goal."""
        if isinstance(self.expansions, bool) or self.expansions < 0:
            raise BadInput(f"expansions is a number of positions, 0 for none, not {self.expansions!r}.")
        check_positive(weight=self.weight)
        own = {field.name: getattr(self, field.name) for field in dataclasses.fields(ValueIteration)}
        learner = ValueIteration(**own)
        curriculum = Curriculum(
            learner, self.mode, self.begun, self.deepest, self.threshold, self.window, self.kept
        )
        return curriculum.build(data, key)


@dataclasses.dataclass(frozen=True)
class Searched:
    """What A* made of `positions` by a network: shares `solved`, and in the fewest moves (None: unknown).

    `expanded` positions a move on average, and at most `largest` before one, of `expansions` allowed.
    """

    positions: int
    solved: float
    optimal: float | None
    expanded: float
    largest: int
    expansions: int

    @property
    def words(self) -> str:
        """The figures in a sentence."""
        said = f"Looking further, by A* of at most {self.expansions} expansions a move, it solves "
        said += f"{100 * self.solved:.4g} % of {self.positions} positions"
        if self.optimal is not None:
            said += f", {100 * self.optimal:.4g} % in the fewest moves possible"
        return f"{said}; a move took {self.expanded:.3g} expansions on average."


class MovesLeft(eqx.Module):
    """``-v(s)`` of a model that has a `value`, as a function of a state: the estimate of A*."""

    env: Env
    model: Any

    def __call__(self, state: PyTree) -> Float[Array, ""]:
        """Return the estimate."""
        return -self.model.value(self.env.observe(state))


def distances_of(env: Env) -> Callable[[PyTree], np.ndarray] | None:
    """Return what gives stacked states their distances to the goal, or None where they cannot be listed.

    >>> distances_of(Puzzle(side=2))(jax.tree.map(lambda x: x[None], Puzzle(side=2).solved)).tolist()
    [0]
    >>> distances_of(Puzzle(side=4)) is None
    True
    """
    if isinstance(env, Puzzle) and env.side <= 3:
        table, index = puzzle_distances(env.side), puzzle_index
    elif isinstance(env, Cube):
        table, index = cube_distances(), cube_index
    else:
        return None
    return lambda states: table[np.asarray(index(states))]


def judged_by_search(
    env: Env, model: Any, positions: int, recipe: CurriculumIteration, seed: int = 0
) -> Searched:
    """Return what A* by a model's value makes of so many positions in which episodes begin.

    A solution has at most `recipe.longest` moves; optimality is told where the distances can be listed.
    """
    states = jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.key(seed), positions))
    estimate = MovesLeft(env, model)
    found = solve(env, estimate, states, recipe.expansions, recipe.longest, recipe.weight)
    distances = distances_of(unwrapped(env)) if unwrapped(env) is env else None
    return searched(found, None if distances is None else distances(states), recipe.expansions)


def searched(found: Solutions, distance: np.ndarray | None, expansions: int) -> Searched:
    """Return the figures of solutions, with the distances of their positions where they are known.

    >>> two = np.asarray([3, -1])
    >>> searched(Solutions(two, np.asarray([6, 9]), two, two), np.asarray([3, 4]), 64)
    Searched(positions=2, solved=0.5, optimal=0.5, expanded=2.0, largest=3, expansions=64)
    """
    moves, expanded = np.asarray(found.moves), np.asarray(found.expanded)
    solved = moves >= 0
    return Searched(
        len(moves),
        float(solved.mean()),
        None if distance is None else float((moves == distance).mean()),
        float(expanded[solved].sum() / max(moves[solved].sum(), 1)),
        int(np.max(found.largest)),
        expansions,
    )
