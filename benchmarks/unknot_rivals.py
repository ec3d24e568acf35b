"""The search on hard diagrams of the unknot beside SnapPy and Regina: inflated cores, and very hard ones.

Each function measures one bar and returns its figures; the area's file numbers them.  Times are CPU seconds
of one thread, from the PD code on.  SnapPy's diagrams are Spherogram's; both peers run in a process of their
own.
"""

import json
import math
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from ansatz.knots.certificate import certify
from ansatz.knots.codes import from_pd, to_pd
from ansatz.knots.diagram import Diagram
from ansatz.knots.shorten import shortened
from ansatz.knots.sketch import Sketch
from ansatz.knots.table import named
from ansatz.knots.unknot import Verdict, decide, started
from ansatz.knots.untie import Search, may_compile
from benchmarks.run import entry
from benchmarks.solve_measure import PEERS, process, python_of
from benchmarks.unknot_search import CORES, MOST, batch, inflate, inflated, proves

Row = list[dict[str, Any]]
Code = list[list[int]]
SEED = 100
"""Seeds from here on are in no test, and nothing was chosen by them."""
SIZES, BARS = (50, 100, 200), (80, 60, 40)
DIAGRAMS, LIMIT = 100, 60.0
"""Diagrams of each core and size; seconds for each."""
REGINA, REGINA_LIMIT = 10, 5.0
"""The diagrams of each core and size that Regina is given, and its seconds for each."""
CHECKED, LONGEST = 3, 10_000
"""Ways of each core and size by R-moves alone that the independent checker replays: the shortest, and none of
more moves than this."""
HARD, TANGLED, PEER_HARD, HARD_LIMIT = 400, 200, 25, 2.0
"""Inflated cores that hard ones are looked for among, and the same of very hard ones; how many of either the
peers get; seconds for each."""
SUMMANDS = ("", "H", "J", "Culprit", "Goeritz", "Monster")
STEPS = 40
"""Moves of a walk by Spherogram's `backtrack`: from D28 to about 64 crossings."""


def peer(task: str, codes: Sequence[Code], **asked: Any) -> dict[str, Any]:
    """Return what a peer does with diagrams in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "asked.json")
        path.write_text(json.dumps({"task": task, "codes": list(codes), **asked}))
        return process([python_of("snappy"), str(PEERS / "snappy_knots.py")], [str(path)])


def names(found: dict[str, Any], *packages: str) -> dict[str, Any]:
    """Return the fields of an entry that say which peers it stands beside."""
    versions = {name: found[name] for name in packages}
    return {"peer": ", ".join(f"{name} {one}" for name, one in versions.items()), "versions": versions}


def spherogram(cpu: dict[str, float], seconds: float = 10.0) -> Row:
    """Return the moves a CPU second of the environment, given for each set of moves, over Spherogram's."""
    found = peer("moves", [to_pd(named("D28"))], seconds=seconds, steps=STEPS)
    theirs = found["moves"] / found["seconds"]
    words = {"all": "all moves, PASS and XC among them", "r-only": "R1±, R2± and R3 alone"}
    return [
        entry("", f"random moves a CPU second over Spherogram's, moves = {moves}", rate / theirs,
              unit="times", must=20, aim=50, better="higher", **names(found, "spherogram"),
              note=f"{words[moves]}: {rate:,.0f} a CPU second, of all cores together; Spherogram's "
              f"backtrack, R1+, R2+ and R3 from D28 to {found['crossings']:.0f} crossings, {theirs:,.0f}, "
              "counting an R3 that it drew and did not find")
        for moves, rate in cpu.items()
    ]  # fmt: skip


def family(core: str, size: int, count: int) -> list[Code]:
    """Return PD codes of a core inflated to so many crossings by R1+, R2+, R3 and even passes."""
    rng = Random(SEED * size + len(core))
    return [to_pd(inflated(rng, core, size).diagram()) for _ in range(count)]


def searcher() -> Search:
    """Return a search, compiled if it may be, and warm with passes and without."""
    search = Search([1, 0, 3, 2], compiled=may_compile())
    for passes in (True, False):
        search.load([1, 0, 3, 2])
        search.run(2, passes)
    return search


def how() -> str:
    """Return how the search runs."""
    return "compiled by numba" if may_compile() else "in plain Python"


def by_r_moves(search: Search, code: Code, limit: float) -> tuple[float, list[Any]]:
    """Return the seconds of a search without passes, `inf` where it does not untie, and its moves."""
    began = time.process_time()
    search.load(started(json.dumps(code)).alpha, SEED)
    search.go_on(limit, passes=False)
    spent, moves = time.process_time() - began, search.moves()
    if any(move[0] == "PASS" for move in moves):
        raise AssertionError("A search without passes made one.")
    return math.inf if search.crossings else spent, moves


def replayed(code: Code, moves: list[Any]) -> bool:
    """Tell whether the independent checker replays moves, without detours, to the circle."""
    start = from_pd(code)
    return proves(certify(start, shortened(start, moves)))


def hard_cores_r(count: int = DIAGRAMS, few: int = REGINA, sizes: Sequence[int] = SIZES) -> Row:
    """D28 and Culprit inflated, by R1, R2 and R3 alone, beside Regina's `simplify`, which makes these too."""
    search, rows = searcher(), []
    for size, must in zip(sizes, BARS, strict=False):
        untied, told = 0, []
        for core in ("D28", "Culprit"):
            codes = family(core, size, count)
            spent, lengths, kept = [], list[int](), []
            for code in codes:
                seconds, moves = by_r_moves(search, code, LIMIT)
                spent.append(seconds)
                if seconds < math.inf:
                    lengths.append(len(moves))
                    kept += [(len(moves), code, moves)] if len(moves) <= LONGEST else []
            short = sorted(kept, key=lambda one: one[0])[:CHECKED]
            proved = sum(replayed(code, moves) for _, code, moves in short)
            theirs = peer("regina", codes[:few], seconds=REGINA_LIMIT)
            untied += len(lengths)
            middle = f", {statistics.median(lengths):,.0f} moves in the median" if lengths else ""
            told.append(
                f"{core} {len(lengths)} of {count}, median {statistics.median(spent):.3g} s, slowest "
                f"{max(spent):.3g} s{middle}; of the shortest {proved} of {len(short)} verified; Regina "
                f"{sum(not left for left, _ in theirs['found'])} of {few}"
            )
        rows.append(
            entry("", f"inflated cores of {size} crossings untied by R1, R2 and R3 alone in {LIMIT:g} s each",
                  100 * untied / (2 * count), unit="%", must=must, aim=95, better="higher",
                  **names(theirs, "regina"),
                  note=f"no PASS at any point; {how()}; {'; '.join(told)}; Regina's simplify again and again "
                  f"for {REGINA_LIMIT:g} s")
        )  # fmt: skip
    return rows


def timed(search: Search, code: Code, limit: float) -> tuple[Verdict, float]:
    """Return the verdict on a diagram and its CPU seconds, from the text on."""
    text, began = json.dumps(code), time.process_time()
    start = started(text)
    search.load(start.alpha, SEED)
    found = decide(start, search, limit)
    return found, time.process_time() - began


def hard_cores_pass(count: int = DIAGRAMS, sizes: Sequence[int] = SIZES) -> Row:
    """The same family with passes, beside SnapPy's `simplify('global')`: success and CPU seconds."""
    search, untied, proved, told = searcher(), 0, 0, []
    ours, theirs, cells = 0.0, 0.0, [(core, size) for size in sizes for core in ("D28", "Culprit")]
    done = 0
    for core, size in cells:
        codes = family(core, size, count)
        found = [timed(search, code, LIMIT) for code in codes]
        peers = peer("global", codes)
        untied += sum(verdict.untied for verdict, _ in found)
        proved += sum(verdict.untied and proves(verdict.certificate()) for verdict, _ in found)
        middle = [statistics.median(s for _, s in each) for each in (found, peers["found"])]
        ours, theirs = ours + sum(s for _, s in found), theirs + sum(s for _, s in peers["found"])
        least = sum(not left for left, _ in peers["found"])
        done += least
        told.append(f"{core} {size}: {1e3 * middle[0]:.2f} against {1e3 * middle[1]:.1f} ms")
    all_of = count * len(cells)
    note = f"{how()}; medians {'; '.join(told)}"
    common = names(peers, "snappy", "spherogram")
    return [
        entry("", "inflated cores of 50 to 200 crossings untied with passes", 100 * untied / all_of, unit="%",
              must=100, aim=100, better="higher", **common,
              note=f"{untied} of {all_of}, {proved} verified by the independent checker; SnapPy's global "
              f"once {done}"),
        entry("", "inflated cores: SnapPy's CPU seconds over ours", theirs / ours, unit="times",
              must=1, aim=5, better="higher", **common,
              note=f"{ours:.3g} s against {theirs:.3g} s in all, from PD codes; {note}"),
    ]  # fmt: skip


def summed(first: Diagram, second: Diagram, rng: Random) -> Diagram:
    """Return a connected sum, made at a random edge of either."""
    one, other = np.asarray(first.resized().alpha), np.asarray(second.resized().alpha)
    alpha = np.concatenate([one, other + one.size])
    d, e = rng.randrange(one.size), one.size + rng.randrange(other.size)
    a, b = alpha[d], alpha[e]
    alpha[d], alpha[b], alpha[e], alpha[a] = b, d, a, e
    return Diagram(alpha.astype(np.int32), 0).check()


def hard_for_r_moves(search: Search, count: int) -> list[Code]:
    """Return those of so many inflated cores of 18 to 43 crossings that 60 rounds of R-moves do not untie."""
    kept = []
    for text in batch(count, SEED, CORES):
        search.load(started(text).alpha, SEED)
        search.run(60, passes=False)
        kept += [json.loads(text)] if search.crossings else []
    return kept


def hard_for_snappy(count: int) -> list[Code]:
    """Return those of so many diagrams of 32 to 43 crossings that SnapPy's `global` does not untie at once.

    They are made of PZ31, the least by name that it may fail at, summed with a smaller core or not, inflated.
    """
    rng, codes = Random(SEED), list[Code]()
    while len(codes) < count:
        core, least = rng.choice(SUMMANDS), named("PZ31")
        sketch = Sketch(summed(least, named(core), rng) if core else least)
        inflate(sketch, rng, rng.randrange(sketch.crossings, MOST) + 1)
        codes += [to_pd(sketch.diagram())] if sketch.crossings <= MOST else []
    left = peer("global", codes, seed=SEED)["found"]
    return [code for code, (crossings, _) in zip(codes, left, strict=True) if crossings]


def hard(count: int = HARD, tangled: int = TANGLED, few: int = PEER_HARD, limit: float = HARD_LIMIT) -> Row:
    """Hard unknots of 18 to 43 crossings at 2 s each, beside restarts of SnapPy's `global` and Regina."""
    search, rows, solved, everything = searcher(), [], 0, []
    sets = {
        f"of {count} inflated cores, those that 60 rounds of R-moves leave": hard_for_r_moves(search, count),
        f"of {tangled} inflated sums of PZ31, those that SnapPy's global leaves": hard_for_snappy(tangled),
    }
    for words, codes in sets.items():
        found = [timed(search, code, limit) for code in codes]
        untied = sum(one.untied for one, _ in found)
        proved = sum(one.untied and proves(one.certificate()) for one, _ in found)
        snappy = peer("restarts", codes[:few], seconds=limit, steps=20, seed=SEED + 1)
        regina = peer("regina", codes[:few], seconds=limit)
        theirs = [sum(not left for left, _ in one["found"]) for one in (snappy, regina)]
        middle = 1e3 * statistics.median(s for _, s in snappy["found"])
        solved, everything = solved + untied, everything + [s for _, s in found]
        median = 1e3 * statistics.median(s for _, s in found)
        rows.append(
            entry("", f"hard unknots of 18-43 crossings: {words}: median time", median, unit="ms", must=5,
                  aim=0.5, better="lower", **names(snappy, "snappy", "spherogram", "regina"),
                  note=f"{untied} of {len(codes)} untied, {proved} verified, {how()}; slowest "
                  f"{1e3 * max(s for _, s in found):.2f} ms; of {min(few, len(codes))} of them at {limit:g} "
                  f"s: SnapPy by backtrack and global again and again {theirs[0]}, median {middle:.0f} ms, "
                  f"Regina by simplify again and again {theirs[1]}")
        )  # fmt: skip
    share = 100 * solved / len(everything)
    return [
        entry("", f"hard unknots of 18-43 crossings untied at {limit:g} s each", share, unit="%", must=100,
              aim=100, better="higher", note=f"{solved} of {len(everything)} of both sets, from PD codes"),
        *rows,
    ]  # fmt: skip
