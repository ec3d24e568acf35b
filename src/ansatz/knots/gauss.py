"""From a Gauss word, which says in which order a knot visits its crossings, to a drawing on the sphere.

Signs fix the drawing.  Without them it is found as Dehn did: every crossing is smoothed so that one closed
curve remains, along which each crossing is a chord between two touching points; the word can be drawn if and
only if the chords split into those inside and those outside the curve, none crossing another (Dehn 1936; Read
and Rosenstiehl 1976).
"""

from collections.abc import Sequence

from ansatz.errors import BadInput

Word = Sequence[Sequence[int]]


def visits(word: Word) -> dict[int, dict[bool, int]]:
    """Return for each label of a word the positions, counted through all components, where it is over, under.

    A positive entry passes over, a negative one under.  Raises `BadInput` unless each label does both.

    >>> visits([[1, -2, 2, -1]])
    {1: {True: 0, False: 3}, 2: {False: 1, True: 2}}
    """
    found: dict[int, dict[bool, int]] = {}
    entries = [entry for part in word for entry in part]
    for position, entry in enumerate(entries):
        if entry == 0:
            raise BadInput(
                f"Entry {position + 1} of the Gauss code is 0; crossings are numbered from 1 on, negative "
                "where the strand passes under."
            )
        seen = found.setdefault(abs(entry), {})
        if (entry > 0) in seen:
            level = "over" if entry > 0 else "under"
            raise BadInput(
                f"Entries {seen[entry > 0] + 1} and {position + 1} of the Gauss code both pass {level} at "
                f"crossing {abs(entry)}; each crossing is passed once over and once under."
            )
        seen[entry > 0] = position
    for label, seen in found.items():
        if len(seen) == 1:
            (over, position), *_ = seen.items()
            raise BadInput(
                f"Crossing {label} stands once in the Gauss code, {'over' if over else 'under'} at entry "
                f"{position + 1}; it must stand once more, {'under' if over else 'over'} "
                f"(as {-label if over else label})."
            )
    return found


def joined(word: Word, around: dict[int, tuple[int, int, int, int]]) -> list[int]:
    """Return α for the word, given the four ends around each crossing, counterclockwise, from an under-end.

    Position p of the word enters its crossing at the end 2p and leaves it at 2p + 1.  Crossings are numbered
    in the order of `around`.
    """
    dart = {end: 4 * c + k for c, ends in enumerate(around.values()) for k, end in enumerate(ends)}
    alpha, first = [0] * len(dart), 0
    for part in word:
        for i in range(len(part)):
            leaves, enters = dart[2 * (first + i) + 1], dart[2 * (first + (i + 1) % len(part))]
            alpha[leaves], alpha[enters] = enters, leaves
        first += len(part)
    return alpha


def ends_by_sign(word: Word, signs: dict[int, int]) -> dict[int, tuple[int, int, int, int]]:
    """Return the ends around each crossing, as `joined` takes them, from the crossings' signs."""
    around = {}
    for label, seen in visits(word).items():
        over, under = 2 * seen[True], 2 * seen[False]
        right, left = (over + 1, over) if signs[label] > 0 else (over, over + 1)
        around[label] = (under, right, under + 1, left)
    return around


def ends_by_planarity(word: Sequence[int]) -> dict[int, tuple[int, int, int, int]]:
    """Return the ends around each crossing of a knot's word without signs, O(n²); `BadInput` if none exist.

    The drawing is unique up to mirror images of the whole, and of each summand of a sum of diagrams.
    """
    seen = visits([word])
    _check_parity(word, seen)
    curve = [(abs(entry), 2 * p, 2 * p + 1) for p, entry in enumerate(word)]
    places: dict[int, list[int]] = {}
    for label in seen:
        i, j = (p for p, visit in enumerate(curve) if visit[0] == label)
        (_, a, b), (_, c, d) = curve[i], curve[j]
        between = [(x, leaves, enters) for x, enters, leaves in reversed(curve[i + 1 : j])]
        curve[i : j + 1] = [(label, a, c), *between, (label, b, d)]
    for p, visit in enumerate(curve):
        places.setdefault(visit[0], []).append(p)
    inside = _sides(places)
    around = {}
    for label, (i, j) in places.items():
        ends = (*curve[i][1:], *curve[j][1:])
        ring = ends if inside[label] else ends[::-1]
        under = next(k for k, end in enumerate(ring) if end == 2 * seen[label][False])
        around[label] = (*ring[under:], *ring[:under])
    return {label: around[label] for label in seen}


def _check_parity(word: Sequence[int], seen: dict[int, dict[bool, int]]) -> None:
    """Refuse a word with an odd number of entries between two visits of a crossing: Gauss' own condition."""
    for label, places in seen.items():
        between = abs(places[True] - places[False]) - 1
        if between % 2:
            raise BadInput(
                f"The Gauss code cannot be drawn on the sphere: between the two visits of crossing {label} "
                f"stand {between} entries, and in a planar diagram their number is even."
            )


def _sides(places: dict[int, list[int]]) -> dict[int, bool]:
    """Return which chords lie inside, so that none crosses another; the first of each cluster does."""
    inside: dict[int, bool] = {}
    for root in places:
        if root in inside:
            continue
        inside[root], queue = True, [root]
        for one in queue:
            i, j = places[one]
            for other, (k, m) in places.items():
                if (i < k < j) == (i < m < j):
                    continue
                if other not in inside:
                    inside[other] = not inside[one]
                    queue.append(other)
                elif inside[other] == inside[one]:
                    raise BadInput(
                        f"The Gauss code cannot be drawn on the sphere: the loops at crossings {one} and "
                        f"{other} would have to cross where the code has no crossing (a virtual knot)."
                    )
    return inside
