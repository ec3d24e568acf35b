"""Diagrams from the codes that knot tables use, and back: PD, Gauss, Dowker-Thistlethwaite, braid words.

Readers take text or lists.  Writers walk each component from the lowest crossing where it passes under; a
diagram that is written and read again is the same on the oriented sphere, except that Gauss words without
signs and DT codes leave mirror images open, of the whole and of each summand.
"""

import re
from collections.abc import Sequence

import numpy as np

from ansatz.errors import BadInput
from ansatz.knots.diagram import Diagram, circle
from ansatz.knots.gauss import Word, ends_by_planarity, ends_by_sign, joined

SIGNED = re.compile(r"([OU])(\d+)([+-])")
ROW = re.compile(r"[\[({]\s*(-?\d+(?:\s*[,;\s]\s*-?\d+)*)\s*[\])}]")


def from_pd(code: str | Sequence[Sequence[int]]) -> Diagram:
    """Return the diagram of a PD code: a row [i, j, k, l] of edge labels for each crossing.

    A row goes counterclockwise from the edge that comes in below.  Labels are any integers, each standing
    twice.  Text may be ``[[1,4,2,5], …]`` or ``PD[X[1,4,2,5], …]``.  No rows are the round circle.

    >>> from_pd("PD[X[1,4,2,5], X[3,6,4,1], X[5,2,6,3]]").writhe
    -3
    """
    rows = _pd_rows(code) if isinstance(code, str) else [list(row) for row in code]
    ends: dict[int, list[int]] = {}
    for number, row in enumerate(rows, 1):
        if len(row) != 4:
            shown = ", ".join(map(str, row[:6])) + (", …" if len(row) > 6 else "")
            raise BadInput(f"Row {number} of the PD code is ({shown}), {len(row)} labels; a crossing has 4.")
        for place, label in enumerate(row):
            ends.setdefault(int(label), []).append(4 * (number - 1) + place)
    alpha = np.arange(4 * len(rows), dtype=np.int32)
    for label, darts in ends.items():
        if len(darts) != 2:
            places = ", ".join(f"row {d // 4 + 1} place {d % 4 + 1}" for d in darts[:4])
            raise BadInput(
                f"Label {label} stands {len(darts)} time{'s' * (len(darts) != 1)} in the PD code ({places}); "
                "an edge has two ends, so every label stands twice."
            )
        alpha[darts] = darts[::-1]
    return Diagram(alpha).check() if rows else circle()


def to_pd(diagram: Diagram) -> list[list[int]]:
    """Return the PD code, a row for each crossing in order, with labels 1, 2, … along the components.

    >>> to_pd(from_braid([1, 1, 1]))
    [[1, 5, 2, 4], [5, 3, 6, 2], [3, 1, 4, 6]]
    """
    if diagram.circles and diagram.crossings:
        raise BadInput(
            f"A PD code cannot say that there are circles without crossings, and this diagram has "
            f"{int(diagram.circles)} beside its {diagram.crossings} crossings."
        )
    alpha, label, below = np.asarray(diagram.alpha).tolist(), {}, {}
    for strand in diagram.strands():
        for d in strand:
            label[d] = label[alpha[d]] = len(label) // 2 + 1
            if not d & 1:
                below[d >> 2] = d
    return [[label[(d & ~3) | ((d + k) & 3)] for k in range(4)] for _, d in sorted(below.items())]


def from_gauss(code: str | Sequence[int] | Word) -> Diagram:
    """Return the diagram of a Gauss code, signed or not.

    Signed: ``"O1+U2+O3+U1+O2+U3+"``, with over or under, the crossing, and its sign; components of a link are
    set apart by ``/``.  Without signs: ``"1 -2 3 -1 2 -3"`` or a list, positive where the strand passes over;
    only for knots, and what comes is the diagram or its reflection, which have the same word.

    >>> from_gauss("O1+U2+O3+U1+O2+U3+").writhe, abs(from_gauss([1, -2, 3, -1, 2, -3]).writhe)
    (3, 3)
    """
    if isinstance(code, str) and re.search("[OUou]", code):
        return _from_signed(code)
    if isinstance(code, str):
        parts = [_integers(part, "Gauss code") for part in re.split("[/;]", code)]
    else:
        flat = [entry for entry in code if not isinstance(entry, Sequence)]
        parts = [flat] if flat or not code else [list(part) for part in code if isinstance(part, Sequence)]
    if len(parts) > 1:
        raise BadInput(
            f"The Gauss code has {len(parts)} components and no signs; without them only a knot can be "
            "drawn. Give signs, as in O1+U2+…, or a PD code."
        )
    word = [int(entry) for entry in parts[0]]
    return _drawn([word], ends_by_planarity(word)) if word else circle()


def gauss_word(diagram: Diagram) -> list[list[int]]:
    """Return for each component the crossings that it visits, numbered by first visit, negative below.

    >>> gauss_word(from_braid([1, 1, 1]))
    [[-1, 2, -3, 1, -2, 3]]
    """
    number: dict[int, int] = {}
    return [
        [(1 if d & 1 else -1) * number.setdefault(d >> 2, len(number) + 1) for d in strand]
        for strand in diagram.strands()
    ]


def to_gauss(diagram: Diagram) -> str:
    """Return the signed Gauss code as text.

    >>> to_gauss(from_braid([1, 1, 1]))
    'U1+O2+U3+O1+U2+O3+'
    """
    signs, number, parts = diagram.signs(), {}, []
    for strand in diagram.strands():
        entries = [(d & 1, number.setdefault(d >> 2, len(number) + 1), signs[d >> 2]) for d in strand]
        parts.append("".join(f"{'UO'[over]}{c}{'+' if sign > 0 else '-'}" for over, c, sign in entries))
    return " / ".join(parts)


def from_dt(code: str | Sequence[int]) -> Diagram:
    """Return a diagram of a Dowker-Thistlethwaite code: the even numbers that meet 1, 3, 5, … at a crossing.

    An even number is negative where its visit passes over.  The mirror image is one of the two that fit.

    >>> abs(from_dt("4 6 2").writhe)
    3
    """
    evens = _integers(code, "DT code") if isinstance(code, str) else [int(entry) for entry in code]
    n, seen = len(evens), {}
    for place, entry in enumerate(evens, 1):
        if entry % 2 or not 2 <= abs(entry) <= 2 * n:
            raise BadInput(
                f"Entry {place} of the DT code is {entry}; of {n} entries each must be one of "
                f"±2, ±4, …, ±{2 * n}."
            )
        if abs(entry) in seen:
            raise BadInput(
                f"Entries {seen[abs(entry)]} and {place} of the DT code are both ±{abs(entry)}; every even "
                f"number up to {2 * n} stands once."
            )
        seen[abs(entry)] = place
    word = [0] * (2 * n)
    for i, entry in enumerate(evens):
        level = 1 if entry > 0 else -1
        word[2 * i], word[abs(entry) - 1] = level * (i + 1), -level * (i + 1)
    return _drawn([word], ends_by_planarity(word)) if word else circle()


def to_dt(diagram: Diagram) -> list[int]:
    """Return the Dowker-Thistlethwaite code of a knot diagram, from the first visit above.

    >>> to_dt(from_braid([1, -2, 1, -2]))
    [4, 6, 8, 2]
    """
    word = gauss_word(diagram)
    if len(word) + int(diagram.circles) != 1:
        raise BadInput(
            f"A DT code is for knots, and this diagram has {len(word) + int(diagram.circles)} components."
        )
    entries = word[0] if word else []
    first = next((i for i, entry in enumerate(entries) if entry > 0), 0)
    partner: dict[int, list[int]] = {}
    for visit, entry in enumerate(entries[first:] + entries[:first], 1):
        partner.setdefault(abs(entry), []).append(visit if entry < 0 or visit % 2 else -visit)
    evens = {odd: even for i, j in partner.values() for odd, even in ((i, j), (j, i)) if odd % 2}
    return [evens[odd] for odd in sorted(evens)]


def from_braid(word: str | Sequence[int], strands: int | None = None) -> Diagram:
    """Return the closure of a braid word.

    The letter i is σ_i, a positive crossing of strands i and i + 1, and −i its inverse.

    >>> from_braid("1 1 1").writhe, from_braid([1, -2, 1, -2]).components, from_braid([], 2).circles
    (3, 1, 2)
    """
    letters = _integers(word, "braid word") if isinstance(word, str) else [int(letter) for letter in word]
    width = max([abs(letter) for letter in letters], default=0) + 1 if strands is None else strands
    alpha = np.arange(4 * len(letters), dtype=np.int32)
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for c, letter in enumerate(letters):
        left = abs(letter)
        if not 1 <= left < width:
            raise BadInput(
                f"Letter {c + 1} of the braid word is {letter}; on {width} strands the letters are "
                f"±1, …, ±{max(width - 1, 1)}."
            )
        # Slot 0 is where the lower strand comes in: from the right at a positive crossing.
        turned = 0 if letter > 0 else 1
        into_right, out_right, out_left, into_left = (4 * c + (k + turned) % 4 for k in range(4))
        for side, into, out in ((left, into_left, out_left), (left + 1, into_right, out_right)):
            first.setdefault(side, into)
            if side in last:
                alpha[[last[side], into]] = into, last[side]
            last[side] = out
    for side, out in last.items():
        alpha[[out, first[side]]] = first[side], out
    return Diagram(alpha, width - len(first)).check()


def torus(p: int, q: int) -> Diagram:
    """Return T(p, q), the closure of (σ₁ … σ_{p-1})^q; q < 0 gives mirror images, gcd(p, q) components.

    >>> torus(2, 3).writhe, torus(3, 4).crossings, torus(2, -5).writhe
    (3, 8, -5)
    """
    if p < 1 or q == 0:
        raise BadInput(f"T({p}, {q}) is no torus knot; p must be at least 1 and q not 0.")
    return from_braid([i if q > 0 else -i for i in range(1, p)] * abs(q), p)


def _drawn(word: Word, around: dict[int, tuple[int, int, int, int]]) -> Diagram:
    return Diagram(np.array(joined(word, around), np.int32)).check()


def _from_signed(code: str) -> Diagram:
    """Return the diagram of a Gauss code with over or under, label and sign for each visit."""
    word, signs = [], {}
    for text in re.split("[/;]", code.upper()):
        rest = re.sub(r"[\s,]+", "", text)
        found = SIGNED.findall(rest)
        if "".join(map("".join, found)) != rest:
            left = SIGNED.sub(" ", rest).split()
            raise BadInput(
                f"The Gauss code has {left[0]!r} where O or U, a crossing's number and its sign should "
                "stand, as in O1+U2+O3+U1+O2+U3+."
            )
        word.append([int(label) if level == "O" else -int(label) for level, label, _ in found])
        for _, label, sign in found:
            if signs.setdefault(int(label), sign) != sign:
                raise BadInput(
                    f"Crossing {label} stands with + and with - in the Gauss code; both visits have one sign."
                )
    numbers = {label: 1 if sign == "+" else -1 for label, sign in signs.items()}
    return _drawn(word, ends_by_sign(word, numbers)) if numbers else circle()


def _integers(text: str, kind: str) -> list[int]:
    """Return the integers of a text with commas, blanks and brackets between them."""
    pieces = re.sub(r"[\[\](){},;\s]+", " ", text).split()
    for place, piece in enumerate(pieces, 1):
        if not re.fullmatch(r"[+-]?\d+", piece):
            raise BadInput(f"Entry {place} of the {kind} is {piece!r}; an integer should stand there.")
    return [int(piece) for piece in pieces]


def _pd_rows(text: str) -> list[list[int]]:
    """Return the innermost bracketed rows of a PD code in text."""
    odd = re.search(r"[^\s\d,;\[\](){}PDXVx_+-]", text)
    if odd:
        raise BadInput(
            f"The PD code has {odd.group()!r} at character {odd.start() + 1}; rows of four integers such as "
            "[[1,4,2,5], [3,6,4,1], [5,2,6,3]] should stand there."
        )
    rows = [[int(entry) for entry in re.findall(r"-?\d+", row)] for row in ROW.findall(text)]
    loose = _integers(re.sub("[PDXVx_]", " ", ROW.sub(" ", text)), "PD code")
    if rows and loose:
        raise BadInput(f"The PD code has {loose[0]} outside the brackets of its rows.")
    if loose and len(loose) % 4:
        raise BadInput(f"The PD code has {len(loose)} labels; a crossing has 4, so 4n are needed.")
    return rows or [loose[i : i + 4] for i in range(0, len(loose), 4)]
