"""What a learned policy for untying is to be compared with: R-moves alone, counted like steps of `Unknot`.

| name | what it does |
|---|---|
| random | any legal move, each as likely |
| greedy | a removal where there is one, else a random R3; ends where there is neither |
| search | R3 breadth first until a removal appears, then from there; every diagram looked at is a step |
| restart | greedy, and after long without a gain random R1+ and R2+; from the smallest if far above it |

All have the same interface, `attempt(name, diagram, steps)`; `sampled` is that of a trained policy.
"""

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PRNGKeyArray, PyTree

from ansatz._spelling import choose
from ansatz.knots.diagram import Diagram
from ansatz.knots.play import Move, play
from ansatz.knots.sketch import Sketch
from ansatz.rl.envs.unknot import Unknot, begin_with
from ansatz.rl.evaluate import moves_to_end
from ansatz.rl.policy import noise
from ansatz.rl.rollout import check_sizes

PATIENCE, ABOVE = 12, 4
"""Steps without a gain before `restart` adds crossings; how many above the smallest it goes back to that."""


class Attempt(NamedTuple):
    """Whether a diagram was untied, after how many steps it was or was given up, and the least crossings."""

    untied: bool
    steps: int
    crossings: int


def attempt(name: str, diagram: Diagram, steps: int, seed: int = 0, capacity: int = 32) -> Attempt:
    """Return what a baseline makes of a diagram within so many steps, with room for `capacity` crossings.

    >>> from ansatz.knots.table import named
    >>> attempt("greedy", named("Monster"), 500).untied, attempt("greedy", named("Culprit"), 500).untied
    (True, False)
    """
    check_sizes(steps=steps, capacity=capacity)
    walk = choose("baseline", name, BASELINES)
    least, used = diagram.crossings, 0
    for used, crossings in enumerate(walk(Sketch(diagram), Random(seed), capacity), 1):
        least = min(least, crossings)
        if not least or used >= steps:
            break
    return Attempt(least == 0, used, least)


def legal_moves(sketch: Sketch, capacity: int, reach: int = 4) -> list[Move]:
    """Return the moves R1±, R2±, R3 that `Unknot` allows, by every dart that names one."""
    alpha, n, found = sketch.alpha, sketch.crossings, list[Move]()
    triangles = {e for d in sketch.triangles() for e in sketch.face(d)}
    for d, a in enumerate(alpha):
        if a == d:
            continue
        face = sketch.face(d)
        if len(face) == 1:
            found.append(("R1-", d))
        if len(face) == 2 and d >> 2 != a >> 2 and not (d ^ a) & 1:
            found.append(("R2-", d))
        if d in triangles:
            found.append(("R3", d))
        if n + 1 <= capacity:
            found += [("R1+", d, 0), ("R1+", d, 1)]
        if n + 2 <= capacity:
            found += [("R2+", d, e, o) for e in face[1 : min(reach, len(face) // 2) + 1] for o in (0, 1)]
    return found


def _random(sketch: Sketch, rng: Random, capacity: int) -> Iterator[int]:
    while moves := legal_moves(sketch, capacity):
        play(sketch, rng.choice(moves), check=False)
        yield sketch.crossings


def _step(sketch: Sketch, rng: Random) -> bool:
    """Make a removal or else a random R3; tell whether there was one."""
    move = sketch.removable()
    if move is None and (triangles := sketch.triangles()):
        move = ("R3", rng.choice(triangles))
    if move is not None:
        play(sketch, move, check=False)
    return move is not None


def _greedy(sketch: Sketch, rng: Random, capacity: int) -> Iterator[int]:
    while sketch.crossings and _step(sketch, rng):
        yield sketch.crossings


def _search(sketch: Sketch, rng: Random, capacity: int) -> Iterator[int]:
    seen, queue = {sketch.diagram().canonical()}, [sketch]
    for one in queue:
        if (move := one.removable()) is not None:
            after = one.copy()
            play(after, move, check=False)
            yield after.crossings
            yield from _search(after, rng, capacity)
            return
        for d in one.triangles():
            after = one.copy()
            play(after, ("R3", d), check=False)
            yield after.crossings
            if (code := after.diagram().canonical()) not in seen:
                seen.add(code)
                queue.append(after)


def _restart(sketch: Sketch, rng: Random, capacity: int) -> Iterator[int]:
    best, idle = sketch.copy(), 0
    while sketch.crossings:
        idle += 1
        if idle <= PATIENCE and _step(sketch, rng):
            yield sketch.crossings
            if sketch.crossings < best.crossings:
                best, idle = sketch.copy(), 0
            continue
        idle = 0
        if sketch.crossings > best.crossings + ABOVE:
            sketch = best.copy()
        for _ in range(rng.randrange(1, 4)):
            added = [move for move in legal_moves(sketch, capacity) if move[0] in ("R1+", "R2+")]
            if added:
                play(sketch, rng.choice(added), check=False)
                yield sketch.crossings
            for _ in range(rng.choice((0, 1, 3))):
                if triangles := sketch.triangles():
                    play(sketch, ("R3", rng.choice(triangles)), check=False)
                    yield sketch.crossings


BASELINES: Mapping[str, Callable[[Sketch, Random, int], Iterator[int]]] = {
    "random": _random,
    "greedy": _greedy,
    "search": _search,
    "restart": _restart,
}


class Sampling(eqx.Module):
    """A trained policy of states that draws its actions, at a temperature."""

    env: Unknot
    model: Any
    temperature: float = eqx.field(static=True, default=1.0)

    def act(self, state: PyTree, key: PRNGKeyArray) -> Int[Array, ""]:
        """Return an action drawn from the policy."""
        policy = self.model.policy(self.env.observe(state), self.env.legal(state))
        return policy.sample(self.temperature * noise(self.env.actions, key, ()))


class Blind(eqx.Module):
    """The policy of states that takes each legal action as often."""

    env: Unknot

    def act(self, state: PyTree, key: PRNGKeyArray) -> Int[Array, ""]:
        """Return a legal action."""
        return self.env.drawn(state, key)


def sampled(
    env: Unknot,
    model: Any,
    diagram: Diagram,
    steps: int,
    runs: int = 64,
    seed: int = 0,
    temperature: float = 1.0,
) -> list[Attempt]:
    """Return what a trained policy makes of a diagram in so many runs, each of at most `steps` steps.

    The least crossings are not followed, and are the first ones where it was not untied.
    """
    check_sizes(steps=steps, runs=runs)
    states = jax.tree.map(lambda leaf: jnp.stack([leaf] * runs), begin_with(env, diagram))
    key, policy = jax.random.key(seed), Sampling(env, model, temperature)
    moves = np.asarray(moves_to_end(env, policy, states, steps, key)).tolist()
    first = diagram.crossings
    return [Attempt(one >= 0, one if one >= 0 else steps, 0 if one >= 0 else first) for one in moves]
