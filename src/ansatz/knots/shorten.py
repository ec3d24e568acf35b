"""Moves without detours: what leads from a diagram back to itself, numbers included, is left out."""

from collections.abc import Iterable

from ansatz.knots.diagram import Diagram
from ansatz.knots.play import Move, play
from ansatz.knots.sketch import Sketch

ROOM = 64
"""Crossings more than at the start for which the numbers of a diagram stand in one place."""


def shortened(start: Diagram, moves: Iterable[Move]) -> list[Move]:
    """Return moves that lead where the given ones lead, without those between two equal diagrams.

    >>> from ansatz.knots.codes import from_braid
    >>> shortened(from_braid([1, 1, 1]), [("R1+", 0, 1), ("R1-", 13), ("R1+", 4, 0)])
    [('R1+', 4, 0)]
    """
    sketch = Sketch(start.resized(start.crossings + ROOM))
    kept: list[Move] = []
    keys = [tuple(sketch.alpha)]
    place = {keys[0]: 0}
    for move in moves:
        play(sketch, move, check=False)
        key = tuple(sketch.alpha)
        if (before := place.get(key)) is None:
            kept.append(move)
            place[key] = len(keys)
            keys.append(key)
            continue
        for one in keys[before + 1 :]:
            del place[one]
        del kept[before:], keys[before + 1 :]
    return kept
