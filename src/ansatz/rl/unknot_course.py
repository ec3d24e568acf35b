"""A curriculum for untying that leads to hard diagrams: episodes begin on the way from them to the circle.

Inverse moves alone lead to diagrams that removals undo.  The levels of a `course` are therefore taken from
solutions: level k has diagrams that k moves R1±, R2±, R3 are known to untie, on the ways that the classical
solver found for hard ones, beside k random inverse moves from the circle.  `Curriculum(…)` takes it like any
tree (Florensa et al. 2017; from solutions: Salimans & Chen 2018, "Learning Montezuma's Revenge from a single
demonstration").
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from ansatz.errors import BadInput
from ansatz.knots.diagram import Diagram
from ansatz.knots.families import images
from ansatz.knots.play import play
from ansatz.knots.scramble import backwards
from ansatz.knots.simplify import simplify
from ansatz.knots.sketch import Sketch
from ansatz.rl.curriculum import Backwards
from ansatz.rl.env import Env
from ansatz.rl.rollout import check_sizes
from ansatz.rl.unknotter import diagrams as within

ROUNDS, TRIES = 300, 6
"""How long the solver looks for a solution by R-moves, and how often, of which the shortest is taken."""


def course(
    env: Env, hard: Sequence[Diagram], levels: int = 32, width: int = 256, seed: int = 0, easy: float = 0.5
) -> Backwards:
    """Return an environment that begins on levels 1, …, of `width` diagrams each, that lead to hard ones.

    A share `easy` of each level are scrambles; the rest are drawn from the solutions of the `hard` diagrams
    and their mirror images.  Diagrams with more crossings than `env.largest` are left out.

    Raises:
        BadInput: none of the hard diagrams was untied, or it is no environment of diagrams.
    """
    check_sizes(levels=levels, width=width)
    inner, rng = within(env), np.random.default_rng(seed)
    ways = [way for diagram in hard for one in images(diagram) if (way := solution(one, seed))]
    if not ways:
        raise BadInput(f"None of the {len(hard)} hard diagrams was untied by R-moves within the tries.")
    scrambles = _scrambles(inner.capacity, inner.largest, inner.reach, levels, width, seed)
    found = [np.arange(4 * inner.capacity, dtype=np.int32)[None].repeat(width, 0)]
    for k in range(1, levels + 1):
        known = [way[-1 - k] for way in ways if len(way) > k and way[-1 - k].crossings <= inner.largest]
        level = scrambles[k - 1].copy()
        if known:
            picks = rng.integers(len(known), size=width - round(easy * width))
            level[: len(picks)] = [_alpha(known[at], inner.capacity) for at in picks]
        found.append(level)
    states = jax.vmap(jax.vmap(inner.begun))(jnp.asarray(np.stack(found)))
    return Backwards(env, states, jnp.asarray(1, jnp.int32))


def solution(diagram: Diagram, seed: int = 0, tries: int = TRIES) -> list[Diagram]:
    """Return the diagrams on the shortest way to the circle by R-moves that was found, without detours.

    It is empty where none was found.

    >>> from ansatz.knots.table import named
    >>> way = solution(named("Monster"))
    >>> way[0].crossings, way[-1].crossings
    (10, 0)
    """
    best: list[Diagram] = []
    for at in range(tries):
        found = simplify(diagram, rounds=ROUNDS, seed=seed + at, passes=False)
        if not found.untied:
            continue
        sketch, way = Sketch(found.start), [found.start]
        for move in found.moves:
            play(sketch, move, check=False)
            way.append(sketch.diagram())
        way = _straight(way)
        best = way if not best or len(way) < len(best) else best
    return best


def _straight(way: list[Diagram]) -> list[Diagram]:
    """Return a way without what lies between two visits to one diagram."""
    last = {one.canonical(): at for at, one in enumerate(way)}
    at, kept = 0, []
    while at < len(way):
        at = last[way[at].canonical()]
        kept.append(way[at])
        at += 1
    return kept


def _alpha(diagram: Diagram, capacity: int) -> np.ndarray:
    return np.asarray(diagram.resized(capacity).alpha, np.int32)


def _scrambles(capacity: int, most: int, reach: int, levels: int, width: int, seed: int) -> list[np.ndarray]:
    """Return α `[width, 4N]` after 1, 2, …, `levels` random inverse moves from the circle."""
    step = jax.jit(jax.vmap(lambda alpha, key: backwards(alpha, key, most, reach)))
    alpha, found = jnp.tile(jnp.arange(4 * capacity, dtype=jnp.int32), (width, 1)), []
    for k in range(levels):
        alpha = step(alpha, jax.random.split(jax.random.fold_in(jax.random.key(seed), k), width))
        found.append(np.asarray(alpha))
    return found
