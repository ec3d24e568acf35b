"""Wrong verdicts on diagrams of unknots and of knots whose names are known."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from ansatz.knots.codes import to_pd
from ansatz.knots.diagram import Diagram
from ansatz.knots.table import hard_unknots, knots, named
from ansatz.knots.unknot import KNOTTED, UNDECIDED, UNKNOT, Verdict, decide, started
from benchmarks.run import entry
from benchmarks.unknot_rivals import SEED, how, searcher
from benchmarks.unknot_search import inflated, proves

Row = list[dict[str, Any]]
COUNT, LIMIT = 10_000, 1.0
"""Diagrams of each kind, and seconds for each."""
SMALLEST, LARGEST, LARGEST_CORE = 12, 80, 55
"""The crossings that diagrams are inflated to, and the most of a hard unknot that is a core."""
EVERY = 10
"""Of so many certificates one is given to the independent checker."""
WITHOUT_ALEXANDER = ("K11n34", "K11n42")


def unknots(count: int) -> Iterator[tuple[str, Diagram]]:
    """Yield diagrams of the unknot: by turns a scrambled circle and an inflated hard one."""
    rng = Random(SEED)
    cores = [name for name in hard_unknots() if named(name).crossings <= LARGEST_CORE]
    for i in range(count):
        core = rng.choice(cores) if i % 2 else ""
        least = named(core).crossings if core else SMALLEST
        yield core, inflated(rng, core, rng.randrange(least + 2, LARGEST)).diagram()


def tangled(count: int) -> Iterator[tuple[str, Diagram]]:
    """Yield inflated diagrams of the 251 knots of the table, one after another and again."""
    rng = Random(SEED + 1)
    for i in range(count):
        name = knots()[i % len(knots())]
        yield name, inflated(rng, name, rng.randrange(named(name).crossings + 2, LARGEST)).diagram()


def decided(
    made: Callable[[int], Iterator[tuple[str, Diagram]]], count: int, limit: float
) -> tuple[list[tuple[str, Verdict]], float]:
    """Return names and verdicts, and the CPU seconds that these took."""
    search, found, spent = searcher(), [], 0.0
    for name, diagram in made(count):
        text, began = json.dumps(to_pd(diagram)), time.process_time()
        start = started(text)
        search.load(start.alpha, SEED)
        found.append((name, decide(start, search, limit)))
        spent += time.process_time() - began
    return found, spent


def kinds(found: list[tuple[str, Verdict]]) -> str:
    """Return how often each invariant told a knot from the circle."""
    words = Counter(verdict.why.split(" is ")[0].removeprefix("its ") for _, verdict in found)
    return ", ".join(f"{word} {number:,}" for word, number in words.most_common())


def verdicts(count: int = COUNT, limit: float = LIMIT) -> Row:
    """Unknots and knots in large diagrams: verdicts that are wrong, and diagrams that stay undecided."""
    circles, first = decided(unknots, count, limit)
    others, second = decided(tangled, count, limit)
    wrong = sum(one.verdict == KNOTTED for _, one in circles) + sum(one.untied for _, one in others)
    open_ones = Counter(name or "circle" for name, one in circles + others if one.verdict == UNDECIDED)
    sample = [one for _, one in circles if one.verdict == UNKNOT][::EVERY]
    proved = sum(proves(one.certificate()) for one in sample)
    hard = [one for name, one in others if name in WITHOUT_ALEXANDER]
    told = sum(one.verdict == KNOTTED for one in hard)
    sizes = [len(one.start) for _, one in circles + others]
    note = (
        f"{len(circles):,} unknots, scrambles of the circle and inflated cores by turns, and {len(others):,} "
        f"diagrams of the 251 knots of the table, inflated, {min(sizes)} to {max(sizes)} crossings; "
        f"{first:.3g} and {second:.3g} CPU s, {how()}, at most {limit:g} s each; {proved} of {len(sample)} "
        f"certificates, one in {EVERY}, verified; Conway and Kinoshita-Terasaka knots {told} of {len(hard)}, "
        f"their Alexander polynomial being 1"
    )
    left = f"undecided: {dict(open_ones)}" if open_ones else "none is undecided"
    return [
        entry("", "wrong verdicts on unknots and knots", wrong, unit="", must=0, aim=0, better="lower",
              note=note),
        entry("", "unknots and knots that stay undecided", 100 * sum(open_ones.values()) / (2 * count),
              unit="%", must=1, aim=0, better="lower", note=f"{left}; told apart by {kinds(others)}"),
    ]  # fmt: skip
