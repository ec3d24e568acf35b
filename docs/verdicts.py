"""Verdicts on the claims of the lecture notes: recorded where they are measured, listed at a chapter's end.

In an executed block assert what was measured, then `print(verdict("claim's name", "holds when", "figures"))`.
The last block of a chapter is `print(table("NN_name"))`; it fails where a claim has no verdict.
"""

from typing import NamedTuple

from claims import CLAIMS

VERDICTS = {"holds": "success", "holds when": "warning", "false": "failure"}
"""The three verdicts, and the kind of box that each is shown in."""


class Verdict(NamedTuple):
    """What became of a claim, and the sentence with the measured figure."""

    verdict: str
    figure: str


class Book(dict[str, dict[str, Verdict]]):
    """The verdicts so far: chapter, claim, verdict."""

    def add(self, chapter: str, claim: str, verdict: str, figure: str) -> str:
        """Keep a verdict and return the box that shows it."""
        if verdict not in VERDICTS:
            raise ValueError(f"{verdict!r} is no verdict; the verdicts are {', '.join(VERDICTS)}.")
        if claim not in CLAIMS.get(chapter, {}):
            raise ValueError(f"{chapter!r} has no claim {claim!r}; it stands in docs/claims.py or nowhere.")
        self.setdefault(chapter, {})[claim] = Verdict(verdict, figure)
        text = CLAIMS[chapter][claim]
        found = f"**{verdict.capitalize()}**{' ' if verdict == 'holds when' else ': '}{figure}"
        return f'\n!!! {VERDICTS[verdict]} "{text}"\n    {found}\n'

    def table(self, chapter: str) -> str:
        """Return the verdicts on all claims of a chapter; one without a verdict is an error."""
        found = self.get(chapter, {})
        missing = [claim for claim in CLAIMS[chapter] if claim not in found]
        if missing:
            raise ValueError(f"{chapter} gives no verdict on: {', '.join(missing)}.")
        rows = [_row(text, *found[claim]) for claim, text in CLAIMS[chapter].items()]
        return "\n".join(["| the notes say | verdict | measured |", "|---|---|---|", *rows])


def _row(claim: str, verdict: str, figure: str) -> str:
    cells = (claim, f"**{verdict}**", figure)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


BOOK = Book()


def verdict(claim: str, verdict: str, figure: str) -> str:
    """Record the verdict on a claim, and return the box that shows it in its place."""
    chapter = next((name for name, claims in CLAIMS.items() if claim in claims), "")
    return BOOK.add(chapter, claim, verdict, figure)


def table(chapter: str) -> str:
    """Return the table of a chapter's verdicts."""
    return BOOK.table(chapter)
