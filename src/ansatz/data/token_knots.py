"""Knots as tokens: planar diagram codes and braid words."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from ansatz.core import BadInput
from ansatz.data.vocabulary import SPECIALS, Tokenizer

CODE = re.compile(r"(?:PD)?\s*\[(.*)\]", re.DOTALL)
CROSSING = re.compile(r"\s*X?\s*[\[(]\s*(\d{1,9})\s*,\s*(\d{1,9})\s*,\s*(\d{1,9})\s*,\s*(\d{1,9})\s*[\])]\s*")
MOST = 10_000
LETTER = re.compile(r"\s*([-+−]?\d{1,9})\s*")


class DiagramTokens(Tokenizer):
    """A planar diagram code: the four arcs of every crossing, each arc a token.

    A crossing lists its arcs counterclockwise from the incoming one below; brackets are understood.

    Args:
        crossings: the most crossings n of a diagram; the arcs are the tokens "1" to "2n".
        specials: the special tokens, all four if not given.

    >>> diagrams = DiagramTokens(crossings=3)
    >>> trefoil = diagrams.encode("[(1,4,2,5), (3,6,4,1), (5,2,6,3)]")
    >>> trefoil.tolist()
    [0, 3, 1, 4, 2, 5, 3, 0, 4, 1, 5, 2]
    >>> diagrams.decode(trefoil)
    '[(1, 4, 2, 5), (3, 6, 4, 1), (5, 2, 6, 3)]'
    """

    kind: ClassVar[str] = "diagrams"

    def __init__(self, crossings: int, specials: Iterable[str] = SPECIALS):
        if not 1 <= crossings <= MOST:
            raise BadInput(f"Diagrams of up to {crossings} crossings are not written; give 1 to {MOST}.")
        self.crossings = crossings
        super().__init__([str(arc) for arc in range(1, 2 * crossings + 1)], specials)

    def pieces(self, text: str) -> list[str]:
        """Return the arcs of the crossings in the text, `[(a,b,c,d), …]` or `PD[X[a,b,c,d], …]`."""
        found = _items(text, CROSSING, "a crossing (a, b, c, d) of four arcs")
        return self._checked([str(int(arc)) for crossing in found for arc in crossing])

    def join(self, pieces: list[str]) -> str:
        """Return the code of the arcs, or raise `BadInput` if they are no diagram."""
        arcs = self._checked(pieces)
        crossings = [f"({', '.join(arcs[i : i + 4])})" for i in range(0, len(arcs), 4)]
        return f"[{', '.join(crossings)}]"

    def options(self) -> dict[str, Any]:
        """Return the most crossings."""
        return {"crossings": self.crossings}

    def _checked(self, arcs: Sequence[str]) -> list[str]:
        if len(arcs) % 4:
            raise BadInput(f"A code of {len(arcs)} arcs is no diagram: every crossing has four.")
        count = len(arcs) // 4
        if count > self.crossings:
            raise BadInput(f"The diagram has {count} crossings; this tokenizer knows up to {self.crossings}.")
        for arc in map(str, range(1, 2 * count + 1)):
            if arcs.count(arc) != 2:
                raise BadInput(
                    f"The arc {arc} stands {arcs.count(arc)} times in a code of {count} crossings; "
                    f"each of 1 to {2 * count} should stand twice."
                )
        return list(arcs)


class BraidTokens(Tokenizer):
    """A braid word: each letter, a generator σ_i or its inverse, is a token.

    The word does not say on how many strands it acts: on one more than its largest letter.

    Args:
        strands: the most strands n; the letters are the tokens "1", "-1", … "n−1", "-(n−1)".
        specials: the special tokens, all four if not given.

    >>> braids = BraidTokens(strands=3)
    >>> braids.encode("[1, -2, 1, -2]").tolist(), braids.decode([0, 3, 0, 3])
    ([0, 3, 0, 3], '[1, -2, 1, -2]')
    """

    kind: ClassVar[str] = "braids"

    def __init__(self, strands: int, specials: Iterable[str] = SPECIALS):
        if not 2 <= strands <= MOST:
            raise BadInput(f"Braids on up to {strands} strands are not written; give 2 to {MOST}.")
        self.strands = strands
        super().__init__([str(sign * i) for i in range(1, strands) for sign in (1, -1)], specials)

    def pieces(self, text: str) -> list[str]:
        """Return the letters of the word in the text, `[1, -2, 1]`."""
        letters = _items(text, LETTER, "a letter such as 1 or -2")
        found = [str(int(letter.replace("−", "-"))) for (letter,) in letters]
        for number, letter in enumerate(found):
            if letter not in self.index:
                raise BadInput(
                    f"The letter {letter}, number {number + 1} of the braid word, is none: on up to "
                    f"{self.strands} strands there are ±1 to ±{self.strands - 1}."
                )
        return found

    def join(self, pieces: list[str]) -> str:
        """Return the braid word of the letters."""
        return f"[{', '.join(pieces)}]"

    def options(self) -> dict[str, Any]:
        """Return the most strands."""
        return {"strands": self.strands}


def _items(text: str, pattern: re.Pattern[str], what: str) -> list[tuple[str, ...]]:
    """Return the groups of the items in square brackets that commas part."""
    whole = CODE.fullmatch(text.strip())
    if whole is None:
        shown = text if len(text) <= 60 else f"{text[:57]}..."
        raise BadInput(f"{shown!r} is not in square brackets; write [item, item, …], each {what}.")
    inside, position, found = whole.group(1), 0, []
    while inside.strip():
        match = pattern.match(inside, position)
        if match is None:
            rest = inside[position : position + 30].strip()
            raise BadInput(f"Item {len(found) + 1} of the code, at {rest!r}, is not {what}.")
        found.append(match.groups())
        position = match.end()
        if position == len(inside):
            break
        if inside[position] != ",":
            raise BadInput(f"After item {len(found)} stands {inside[position]!r}; a comma should.")
        position += 1
    return found
