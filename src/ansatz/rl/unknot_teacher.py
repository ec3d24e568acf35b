"""Lessons for untying: the shortest ways to the circle that many searches found together.

Each search unties a diagram by R1±, R2±, R3 in a way of its own.  The diagrams on all of these ways and the
moves between them make one graph, in which what one search found shortens what another did.  Breadth first
from the circle gives each diagram d, the fewest moves known, and the moves that lead to d - 1 are its lesson.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from random import Random
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ansatz.errors import BadInput
from ansatz.knots.certificate import standard
from ansatz.knots.diagram import Diagram
from ansatz.knots.families import images
from ansatz.knots.play import Move, play
from ansatz.knots.shorten import shortened
from ansatz.knots.sketch import Sketch
from ansatz.knots.untie import Search, may_compile
from ansatz.rl.env import Env
from ansatz.rl.envs.unknot import Unknot
from ansatz.rl.imitation import Lessons
from ansatz.rl.rollout import check_sizes
from ansatz.rl.unknotter import diagrams

ROUNDS = 1000
"""How long a search goes on."""
DETOURS = 7
"""Fewer random moves than this lie between a hard diagram and the start of a search."""
ADDED = {"R1+": 1, "R2+": 2}
"""The crossings that a move needs room for."""
Code = tuple[tuple[int, ...], ...]


class Ways:
    """A graph of diagrams, each once whatever its numbers, with the moves R1±, R2±, R3 that searches made.

    >>> from ansatz.knots.codes import from_braid
    >>> ways = Ways()
    >>> ways.add(from_braid([1, 2]), [("R1-", 0), ("R1-", 5)])
    >>> sorted(ways.distances().values())
    [0, 1, 2]
    """

    def __init__(self) -> None:
        self.after: dict[Code, dict[Code, tuple[tuple[int, ...], Move]]] = defaultdict(dict)
        self.before: dict[Code, set[Code]] = defaultdict(set)
        self._codes: dict[tuple[int, ...], Code] = {}

    def add(self, start: Diagram, moves: Iterable[Move]) -> None:
        """Add the diagrams and moves of one way."""
        sketch = Sketch(start)
        code = self._code(sketch)
        for move in moves:
            alpha = tuple(sketch.alpha)
            play(sketch, move, check=False)
            ahead = self._code(sketch)
            if ahead != code:
                self.after[code].setdefault(ahead, (alpha, move))
                self.before[ahead].add(code)
                code = ahead

    def _code(self, sketch: Sketch) -> Code:
        alpha = tuple(sketch.alpha)
        if alpha not in self._codes:
            self._codes[alpha] = sketch.diagram().canonical() if sketch.crossings else ()
        return self._codes[alpha]

    def distances(self) -> dict[Code, int]:
        """Return the fewest moves to the circle, along moves that were made."""
        found: dict[Code, int] = {(): 0}
        queue = deque[Code]([()])
        while queue:
            code = queue.popleft()
            for other in self.before[code]:
                if other not in found:
                    found[other] = found[code] + 1
                    queue.append(other)
        return found

    def nearer(self, without: Iterable[Code] = ()) -> list[tuple[tuple[int, ...], list[Move], int]]:
        """Return for each diagram α, moves that lead one move nearer to the circle, and how many are left."""
        left, excluded, found = self.distances(), set(without), []
        for code, ahead in self.after.items():
            nearest = left.get(code, 0) - 1
            best = [way for other, way in ahead.items() if left.get(other) == nearest]
            if best and code not in excluded:
                alpha = best[0][0]
                found.append((alpha, [move for one, move in best if one == alpha], nearest + 1))
        return found


class Course(NamedTuple):
    """Lessons, and for each the fewest moves known `left: [N]`."""

    lessons: Lessons
    left: np.ndarray


def ways(
    hard: Sequence[Diagram], starts: int = 8, tries: int = 24, kept: int = 6, most: int = 16, seed: int = 0
) -> Ways:
    """Return the graph of the shortest ways of some searches from hard diagrams and from some near them.

    There are `starts` from each, with up to `most` crossings; of `tries` searches the `kept` shortest count.
    """
    check_sizes(starts=starts, tries=tries, kept=kept)
    rng, graph, search = Random(seed), Ways(), Search([], compiled=may_compile())
    for diagram in hard:
        for at in range(starts):
            start = standard(strayed(diagram, rng, most) if at else diagram)
            found = []
            for _ in range(tries):
                search.load(np.asarray(start.alpha).tolist(), rng.randrange(1 << 30))
                search.run(ROUNDS, passes=False)
                if not search.crossings:
                    found.append(shortened(start, search.moves()))
            for moves in sorted(found, key=len)[:kept]:
                graph.add(start, moves)
    return graph


def strayed(diagram: Diagram, rng: Random, most: int) -> Diagram:
    """Return a diagram a few random moves R1+, R2+, R3 away."""
    sketch = Sketch(diagram)
    for _ in range(rng.randrange(DETOURS)):
        chance, d = rng.random(), rng.choice([d for d, a in enumerate(sketch.alpha) if a != d])
        if chance < 0.5 and (triangles := sketch.triangles()):
            play(sketch, ("R3", rng.choice(triangles)), check=False)
        elif chance < 0.65 and sketch.crossings < most:
            play(sketch, ("R1+", d, rng.randrange(2)), check=False)
        elif sketch.crossings + 2 <= most:
            others = [e for e in sketch.face(d)[1:] if sketch.alpha[d] != e]
            if others:
                play(sketch, ("R2+", d, rng.choice(others), rng.randrange(2)), check=False)
    return sketch.diagram().resized()


def course_of(env: Env, graph: Ways, without: Sequence[Diagram] = ()) -> Course:
    """Return the lessons of a graph for `Unknot`, but those of some diagrams and of their mirror images.

    What has a crossing numbered beyond N, or only moves that are no legal actions, is left out.

    Raises:
        BadInput: nothing is left to teach.
    """
    inner = diagrams(env)
    excluded = {one.canonical() for diagram in without for one in images(diagram)}
    alphas, chosen, left = [], [], []
    for known, moves, distance in graph.nearer(excluded):
        if len(known) > 4 * inner.capacity:
            continue
        alpha = np.arange(4 * inner.capacity, dtype=np.int32)
        alpha[: len(known)] = known
        if actions := [action for move in moves for action in named_by(inner, alpha, move)]:
            alphas.append(alpha)
            chosen.append(actions)
            left.append(distance)
    if not alphas:
        raise BadInput("The searches untied nothing that these lessons could teach; give more tries.")
    policy = np.zeros((len(alphas), inner.actions.n), bool)
    for row, actions in enumerate(chosen):
        policy[row, actions] = True
    states = jax.vmap(inner.begun)(jnp.asarray(np.stack(alphas)))
    return Course(Lessons(env, states, policy), np.asarray(left, np.int32))


def named_by(env: Unknot, alpha: np.ndarray, move: Move) -> list[int]:
    """Return the actions of `Unknot` that make a move R1±, R2±, R3.

    There are none where R2+ reaches too far, or N leaves no room.

    >>> from ansatz.knots.codes import from_braid
    >>> named_by(Unknot(capacity=4), from_braid([1, -1, 1]).resized(4).alpha, ("R1+", 3, 1))
    [55]
    """
    kind, d, *rest = move
    size, reach = 4 * env.capacity, env.reach
    if int((alpha[::4] != np.arange(0, size, 4)).sum()) + ADDED.get(kind, 0) > env.capacity:
        return []
    face = Sketch(Diagram(alpha, 0)).face(d)
    if kind == "R1-":
        return [d]
    if kind in ("R2-", "R3"):
        return [size * (1 if kind == "R2-" else 2) + other for other in face]
    if kind == "R1+":
        return [3 * size + 2 * d + rest[0]]
    (e, level), around = rest, len(face)
    # From the other end the way around is the rest of the face, and the other strand is the upper one.
    ends = [(d, face.index(e), level), (e, around - face.index(e), 1 - level)]
    return [
        5 * size + 2 * (reach * first + steps - 1) + over
        for first, steps, over in ends
        if steps <= min(reach, around // 2)
    ]
