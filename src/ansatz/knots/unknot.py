"""Is this the unknot?  A search for moves that untie it, and invariants that say that there are none."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from ansatz.errors import BadInput
from ansatz.knots.certificate import FORMAT, VERSION, Certificate, certify, save
from ansatz.knots.codes import from_pd, to_pd
from ansatz.knots.diagram import Diagram
from ansatz.knots.expand import expand
from ansatz.knots.knotted import why_knotted
from ansatz.knots.play import Move, play
from ansatz.knots.shorten import shortened
from ansatz.knots.sketch import Sketch
from ansatz.knots.table import read
from ansatz.knots.untie import Report, Search, may_compile

UNKNOT, KNOTTED, UNDECIDED = "unknot", "not the unknot", "undecided"
FIRST, MORE, SMALL = 16, 256, 12
"""Rounds of search before a small diagram is asked for its invariants, and any other; what is small."""
PLAIN, COMPILING, LONG = 1.0, 30.0, 200
"""Seconds of plain Python before the search is compiled, if at least so many are left as that may take; moves
from which on detours are looked for."""
Rows = list[list[int]]


class Start(NamedTuple):
    """A diagram to be decided: what it is called, its PD code, and its α; dart 4i + k is row i, place k."""

    name: str
    rows: Rows
    alpha: list[int]


class Verdict(NamedTuple):
    """What was found of a diagram: `verdict` and `why` in words, the moves to the smallest diagram, the work.

    `smallest` is that diagram's PD code, empty for the unknot; `seconds` is what it took.
    """

    name: str
    verdict: str
    why: str
    start: Rows
    moves: list[Move]
    smallest: Rows
    rounds: int
    seconds: float

    @property
    def untied(self) -> bool:
        """Tell whether it is the unknot."""
        return self.verdict == UNKNOT

    @property
    def passes(self) -> int:
        """Return how many of the moves are passes."""
        return sum(move[0] == "PASS" for move in self.moves)

    @property
    def peak(self) -> int:
        """Return the most crossings on the way."""
        sketch = Sketch(from_pd(self.start))
        most = sketch.crossings
        for move in self.moves:
            play(sketch, move, check=False)
            most = max(most, sketch.crossings)
        return most

    def expanded(self) -> "Verdict":
        """Return the same with every pass taken apart into R1, R2 and R3."""
        return self._replace(moves=expand(from_pd(self.start), self.moves))

    def certificate(self) -> Certificate:
        """Return the certificate of the moves, replayed, with a hash for each step.

        What is not untied is certified to be equivalent to the smallest diagram.
        """
        return certify(from_pd(self.start), self.moves, name=self.name)

    def save(self, path: str | Path) -> None:
        """Write the certificate to a file."""
        save(self.certificate(), path)

    def line(self) -> str:
        """Return the certificate as one line of JSON, without hashes and not replayed: for many at once."""
        found: Certificate = {"format": FORMAT, "version": VERSION, "claim": "unknot"}
        found |= {"name": self.name} if self.name else {}
        return json.dumps(found | {"start": self.start, "moves": self.moves}, separators=(",", ":"))

    def __str__(self) -> str:
        """Return the verdict as a sentence."""
        called = f"{self.name or 'The diagram'} ({counted(len(self.start), 'crossing')})"
        if self.untied:
            passes = f", {counted(self.passes, 'pass')} among them" if self.passes else ""
            return f"{called} is the unknot: {counted(len(self.moves), 'move')}{passes}."
        if self.verdict == KNOTTED:
            return f"{called} is not the unknot: {self.why}."
        return f"{called} is undecided: {self.why}."


def unknot(
    diagram: Diagram | str,
    budget: float | int = 10.0,
    *,
    seed: int = 0,
    passes: bool = True,
    expanded: bool = False,
    name: str = "",
    report: Report | None = None,
) -> Verdict:
    """Decide whether a knot diagram is the unknot, with a certificate if it is.

    **Arguments**

    - `diagram`: a `Diagram`, or a text for `ansatz.knots.table.read`: a name, or a PD, Gauss, DT or braid
      code.
    - `budget`: seconds of search.
    - `passes`: with False, the search makes R1, R2 and R3 alone; `expanded` instead takes the passes apart
      that it made.
    - `report`: is called now and then with the search and the seconds spent.

    Returns a `Verdict`; ``str`` of it is a sentence, `save` writes the certificate.
    Raises `BadInput` with one sentence for a malformed code and for links.

    The same seed gives the same moves, if the budget is enough.

    >>> found = unknot("Culprit")
    >>> found.untied, unknot("3_1").why, unknot("braid: 1 2 -1 -1").verdict
    (True, 'its determinant is 3', 'unknot')
    """
    if not budget > 0:
        raise BadInput(f"The budget is {budget} s; it must be positive.")
    start = started(diagram, name)
    found = decide(start, Search(start.alpha, seed), budget, passes=passes, report=report)
    if len(found.moves) > LONG:
        found = found._replace(moves=shortened(from_pd(start.rows), found.moves))
    return found.expanded() if expanded else found


def counted(count: int, noun: str) -> str:
    """Return a number of things in words.

    >>> counted(1, "move"), counted(3, "pass")
    ('1 move', '3 passes')
    """
    return f"{count:,} {noun}{'' if count == 1 else 'es' if noun.endswith('s') else 's'}"


def started(diagram: Diagram | str, name: str = "") -> Start:
    """Return a diagram ready to be decided; `BadInput` if it is malformed or of a link."""
    if isinstance(diagram, str):
        rows, name = _rows(diagram), name or _name(diagram)
        if rows and (alpha := _joined(rows)) is not None:
            return Start(name, rows, alpha)
        diagram = from_pd(rows) if rows else read(diagram)
    if (count := diagram.components) != 1:
        raise BadInput(f"The diagram has {count} components; only knots are untied here.")
    rows = to_pd(diagram)
    return Start(name, rows, from_pd(rows).alpha.tolist())


def decide(
    start: Start, search: Search, budget: float | int, *, passes: bool = True, report: Report | None = None
) -> Verdict:
    """Search from a start that is loaded, ask invariants when that lasts, search on while there is budget.

    A search that may still last is compiled where numba is installed.
    """
    began = time.perf_counter()
    search.run(FIRST, passes)
    if search.best > SMALL:
        search.run(MORE - FIRST, passes)
    why, asked = None, -1
    while search.crossings:
        if search.best != asked:
            asked, why = search.best, why_knotted(search.smallest())
        spent = time.perf_counter() - began
        if why is not None or spent >= budget:
            break
        if spent > PLAIN and budget - spent > COMPILING and not search.compiled and may_compile():
            search.compile()
        search.go_on(min(budget - spent, max(PLAIN, budget / 8)), passes=passes, report=report)
    spent = time.perf_counter() - began
    if not search.crossings:
        return Verdict(start.name, UNKNOT, "", start.rows, search.moves(), [], search.rounds, spent)
    smallest, verdict = to_pd(search.smallest()), UNDECIDED if why is None else KNOTTED
    why = (
        why or f"no invariant tells the smallest diagram found, of {len(smallest)} crossings, from the circle"
    )
    return Verdict(start.name, verdict, why, start.rows, search.moves(), smallest, search.rounds, spent)


def decide_all(
    starts: Iterable[Start],
    budget: float | int = 10.0,
    *,
    seed: int = 0,
    passes: bool = True,
    compiled: bool = False,
    report: Callable[[int], None] | None = None,
) -> Iterator[Verdict]:
    """Yield a verdict for each start, with a budget for each; `report` is called with how many are done."""
    search = Search([], compiled=compiled)
    for number, start in enumerate(starts, 1):
        search.load(start.alpha, seed)
        yield decide(start, search, budget, passes=passes)
        if report is not None:
            report(number)


def _name(text: str) -> str:
    """Return what a diagram is called that a text describes: the text, if that is a name."""
    text = text.strip()
    return text if len(text) <= 24 and not {"[", ":", "+"} & set(text) else ""


def _rows(text: str) -> Rows:
    """Return the rows of a PD code that is JSON; any other text is read by `table.read`."""
    if text.lstrip().startswith("[["):
        try:
            rows = json.loads(text)
        except ValueError:
            rows = None
        if rows and all(type(row) is list and len(row) == 4 and set(map(type, row)) == {int} for row in rows):
            return rows
    diagram = read(text)
    return to_pd(diagram) if diagram.components == 1 else []


def _joined(rows: Rows) -> list[int] | None:
    """Return α if the rows are a knot's, each from where the strand below comes in, otherwise None."""
    labels = list(chain.from_iterable(rows))
    if 2 * len(set(labels)) != len(labels):
        return None
    alpha, ends = [0] * len(labels), dict[int, int]()
    for d, label in enumerate(labels):
        e = ends.pop(label, -1)
        if e < 0:
            ends[label] = d
        else:
            alpha[d], alpha[e] = e, d
    seen, faces = bytearray(len(alpha)), 0
    for d in range(len(alpha)):
        faces += not seen[d]
        while not seen[d]:
            seen[d] = 1
            a = alpha[d]
            d = a - 1 if a & 3 else a + 3
    d, length, standard = 0, 0, True
    while length == 0 or d:
        standard = standard and d & 3 != 2
        d = alpha[d ^ 2]
        length += 1
        if length > len(alpha):
            return None
    whole = not ends and faces == len(rows) + 2 and 2 * length == len(alpha)
    return alpha if whole and standard else None
