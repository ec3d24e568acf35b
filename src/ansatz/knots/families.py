"""Families of hard diagrams of the unknot, since scrambles of the circle are easy.

`cores` are the diagrams known by name, to be inflated.  `stuck` makes fresh ones: arcs are laid along random
ways, by annealing until there is nothing to remove, and what removals and R3 make no smaller is kept.  About
one trial in a hundred ends so, hence `fresh` reads some that `make policy` made.
"""

import heapq
import json
import math
from pathlib import Path
from random import Random

import numpy as np

from ansatz.errors import BadInput
from ansatz.knots.codes import from_pd
from ansatz.knots.diagram import Diagram, turn
from ansatz.knots.passes import apply_pass, faces, runs, traced
from ansatz.knots.play import play
from ansatz.knots.sketch import Sketch
from ansatz.knots.table import hard_unknots, named

STORED = Path(__file__).with_name("stuck.json")
LARGEST_CLASS = 400
"""The diagrams that R3 may lead to before it is no longer looked for one that removals make smaller."""
LEAST = 9
"""The crossings of the least diagrams that are stuck."""
TRIES, NEAR = 1000, 0.8
"""The trials for each diagram that is asked for, and the share of them that begin with one that was found."""
STEPS, HEAT = 1500, 0.35
"""How long a trial goes on at most; a step to a diagram with one removal more is taken with e^(-1 / HEAT)."""


def cores(most: int) -> list[Diagram]:
    """Return the named hard diagrams of the unknot with at most so many crossings.

    >>> [core.crossings for core in cores(11)]
    [9, 9, 10, 10, 11]
    """
    found = [named(name) for name in hard_unknots() if named(name).crossings <= most]
    if not found:
        raise BadInput(f"No hard diagram by name has {most} crossings or fewer; the least have 9.")
    return found


def reflected(diagram: Diagram) -> Diagram:
    """Return the diagram seen from the other side of the sphere, each strand as high as it was."""
    alpha = np.asarray(diagram.alpha)
    d = np.arange(alpha.size)
    other = (d & ~3) | (-d & 3)
    found = np.empty_like(alpha)
    found[other] = other[alpha]
    return Diagram(found, diagram.circles)


def images(diagram: Diagram) -> list[Diagram]:
    """Return a diagram, its mirror images in the plane and on the sphere, and both together."""
    return [one for each in (diagram, reflected(diagram)) for one in (each, each.mirrored())]


def key(diagram: Diagram) -> tuple:
    """Return what a diagram shares with its mirror images, and with no others."""
    return min(one.canonical() for one in images(diagram))


def smaller_by_r3(sketch: Sketch, most: int = LARGEST_CLASS) -> Sketch | None:
    """Return a diagram that R3 leads to and a removal makes smaller, None where there is none or not soon."""
    seen, level = {sketch.diagram().canonical()}, [sketch]
    while level and len(seen) < most:
        ahead = []
        for one in level:
            if one.removable() is not None:
                return one
            for d in one.triangles():
                after = one.copy()
                play(after, ("R3", d), check=False)
                code = after.diagram().canonical()
                if code not in seen:
                    seen.add(code)
                    ahead.append(after)
        level = ahead
    return None


def reduced(sketch: Sketch) -> Sketch:
    """Return what removals, and R3 where one lets them go on, make of a diagram."""
    found: Sketch | None = sketch.copy()
    while found is not None and found.crossings:
        sketch = found
        while sketch.crossings and (move := sketch.removable()) is not None:
            play(sketch, move, check=False)
        found = smaller_by_r3(sketch) if sketch.crossings else None
    return sketch


def fresh(most: int) -> list[Diagram]:
    """Return the diagrams of at most so many crossings that `stuck` made and the package holds.

    >>> all(one.components == 1 for one in fresh(10))
    True
    """
    found = [one for code in json.loads(STORED.read_text()) if (one := from_pd(code)).crossings <= most]
    if not found:
        raise BadInput(f"No diagram that is stuck and stored has {most} crossings or fewer; 9 is the least.")
    return found


def stuck(number: int, most: int, seed: int = 0) -> list[Diagram]:
    """Return so many different diagrams of the unknot that removals and R3 make no smaller.

    They have 9 to `most` crossings, and none is one of the table, nor the mirror image of one.  Each takes
    a tenth of a second.
    """
    if most < 9 or number < 1:
        raise BadInput(f"Stuck diagrams are made with room for 9 crossings or more, not for {most}.")
    rng, known, found = Random(seed), _known(), list[Diagram]()
    for _ in range(TRIES * number):
        near = found and rng.random() < NEAR
        one = reduced(drifted(rng.choice(found), rng, most + 2) if near else tangled(rng, most))
        if not LEAST <= one.crossings <= most:
            continue
        diagram = one.diagram().resized()
        if (code := key(diagram)) in known:
            continue
        known.add(code)
        found.append(diagram)
        if len(found) == number:
            return found
    raise BadInput(
        f"Of {TRIES * number} trials {len(found)} led to a stuck diagram, and {number} were asked for."
    )


def _known() -> set[tuple]:
    return {key(named(name)) for name in hard_unknots() if named(name).crossings <= 50}


def drifted(diagram: Diagram, rng: Random, most: int) -> Sketch:
    """Return a diagram a few detours away from one."""
    sketch = Sketch(diagram)
    for _ in range(rng.randrange(1, 5)):
        sketch = detoured(sketch, rng, most)
    return sketch


def tangled(rng: Random, most: int) -> Sketch:
    """Return a diagram of the unknot with few removals, of 9 to `most` crossings as a rule.

    A walk by R3, detours, pushes and kinks, by annealing: what has more loops and bigons that R1- and R2-
    would remove is taken less often.  It ends where there is none, or after a while.
    """
    sketch = Sketch(from_pd([[1, 1, 2, 2]]))
    energy, size = math.inf, rng.randrange(LEAST, most + 1)
    for _ in range(STEPS):
        after = _varied(sketch, rng, most)
        bad = removals(after) + max(0, size - after.crossings)
        if bad <= energy or rng.random() < math.exp((energy - bad) / HEAT):
            sketch, energy = after, bad
        if not energy:
            break
    return sketch


def removals(sketch: Sketch) -> int:
    """Return the number of faces that R1- or R2- would remove."""
    alpha, loops, sides = sketch.alpha, 0, 0
    for d, a in enumerate(alpha):
        if a == d:
            continue
        following = d + 1 if d & 3 != 3 else d - 3
        if a == following:
            loops += 1
        elif (d ^ a) & 1 == 0 and alpha[a - 1 if a & 3 else a + 3] == following and d >> 2 != a >> 2:
            sides += 1
    return loops + sides // 2


def _varied(sketch: Sketch, rng: Random, most: int) -> Sketch:
    """Return a diagram one random move away, with at most `most` crossings."""
    kind = rng.random()
    triangles = sketch.triangles() if kind < 0.4 else []
    if triangles:
        after = sketch.copy()
        play(after, ("R3", rng.choice(triangles)), check=False)
        return after
    if kind < 0.8:
        return detoured(sketch, rng, most)
    after = sketch.copy()
    removal = after.removable() if rng.random() < 0.3 and after.crossings > 2 else None
    if removal:
        play(after, removal, check=False)
    elif after.crossings + 2 <= most:
        _pushed(after, rng)
    return after


def _pushed(sketch: Sketch, rng: Random) -> None:
    d = rng.choice([d for d, a in enumerate(sketch.alpha) if a != d])
    others = [e for e in sketch.face(d)[1:] if sketch.alpha[d] != e]
    if others and rng.random() < 0.8:
        play(sketch, ("R2+", d, rng.choice(others), rng.randrange(2)), check=False)
    else:
        play(sketch, ("R1+", d, rng.randrange(2)), check=False)


def detoured(sketch: Sketch, rng: Random, most: int) -> Sketch:
    """Return the diagram after an arc is laid anew along a way that is the shortest by random lengths."""
    arcs = runs(sketch)
    if not arcs:
        return sketch
    s, arc, t = rng.choice(arcs)
    first = rng.randrange(len(arc))
    last = rng.randrange(first, len(arc)) + 1
    leaving = [s, *(turn(e, 2) for e in arc)]
    s, arc, t = leaving[first], arc[first:last], [*arc, t][last]
    if t >> 2 in {s >> 2, *(e >> 2 for e in arc)} - {s >> 2} or s == t:
        return sketch
    route = _detour(sketch, (s, arc, t), rng)
    if route is None or sketch.crossings + len(route) - len(arc) > most:
        return sketch
    after = sketch.copy()
    apply_pass(after, s, len(arc), *route, check=False)
    return after


def _detour(sketch: Sketch, run: tuple[int, list[int], int], rng: Random) -> list[int] | None:
    """Return the way to the end of an arc that is the shortest when each edge has a random length."""
    alpha, (label, around), (s, arc, t) = sketch.alpha, faces(sketch), run
    leaving = [s, *(turn(e, 2) for e in arc)]
    edges = list(zip(leaving, [*arc, t], strict=True))
    own, across = {d for edge in edges for d in edge}, {}
    for d, e in edges:
        across.setdefault(label[d], []).append(label[e])
        across.setdefault(label[e], []).append(label[d])
    goal, parent, queue = label[t], {}, [(0.0, label[s], -1, -1)]
    while queue:
        far, u, before, by = heapq.heappop(queue)
        if u in parent:
            continue
        parent[u] = (before, by)
        if u == goal:
            return traced(alpha, parent, goal, arc)
        for v in across.get(u, ()):
            heapq.heappush(queue, (far, v, u, -1))
        for g in around[u]:
            if g not in own:
                heapq.heappush(queue, (far + rng.expovariate(1.0), label[alpha[g]], u, g))
    return None
