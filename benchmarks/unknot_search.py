"""The classical search on knot diagrams: hard unknots, passes taken apart, diagrams a second.

Each function measures one bar and returns its figures; the area's file numbers them.  Times are CPU seconds
of one thread.
"""

import functools
import json
import statistics
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

from ansatz.knots.codes import from_braid, to_pd
from ansatz.knots.passes import faces, find_route, runs
from ansatz.knots.play import play
from ansatz.knots.shorten import shortened
from ansatz.knots.sketch import Sketch
from ansatz.knots.table import hard_unknots, named
from ansatz.knots.unknot import Verdict, decide, decide_all, started
from ansatz.knots.untie import Search, may_compile, untie
from ansatz.knots.verify import Rejected, verify
from benchmarks.run import entry

Row = list[dict[str, Any]]
SEEDS = range(100, 105)
"""The settings of the search were chosen by seeds below 5."""
CORES = ("H", "J", "Culprit", "Goeritz", "Monster", "Thistlethwaite", "OchiaiI", "D28", "FHW", "PZ31")
LONG = "PZ120"
BATCH, LEAST, MOST = 1000, 18, 43
LONG_WAY = 20_000
"""Moves from which on detours are left in, since every diagram on the way would be kept."""


@functools.cache
def solved(name: str, seed: int) -> tuple[Verdict, float]:
    """Return what the search found of a named diagram, and the CPU seconds it took."""
    start = started(name)
    search = Search(start.alpha, seed, compiled=may_compile())
    begun = time.process_time()
    found = decide(start, search, 120)
    return found, time.process_time() - begun


def proves(certificate: dict[str, Any]) -> bool:
    """Tell whether the independent checker finds that a certificate unties its diagram."""
    try:
        return "is the unknot" in verify(json.loads(json.dumps(certificate)))
    except Rejected:
        return False


def named_diagrams() -> Row:
    """The 21 named diagrams, five seeds each: untied with verified certificates, and the times."""
    solved("H", 0)
    seconds = {name: [solved(name, seed)[1] for seed in SEEDS] for name in hard_unknots()}
    verified = [
        name
        for name in hard_unknots()
        if all((v := solved(name, seed)[0]).untied and proves(v.certificate()) for seed in SEEDS)
    ]
    others = {name: max(times) for name, times in seconds.items() if name != LONG}
    slowest = max(others, key=others.__getitem__)
    note = ", ".join(f"{name} {statistics.median(times) * 1e3:.2f}" for name, times in seconds.items())
    how = "compiled by numba" if may_compile() else "in plain Python"
    return [
        entry("", "named hard unknots untied with verified certificates, 5 seeds each", len(verified),
              unit="of 21", must=21, aim=21, better="higher", note=f"{how}; median ms: {note}"),
        entry("", f"slowest of them but {LONG}, warm", others[slowest], unit="s", must=0.1, aim=0.01,
              better="lower", note=f"{slowest}, {how}, one thread"),
        entry("", f"{LONG}, slowest of 5 seeds", max(seconds[LONG]), unit="s", must=10, aim=1, better="lower",
              note=f"{', '.join(f'{t:.2f}' for t in seconds[LONG])} s, {how}, one thread"),
    ]  # fmt: skip


def reidemeister_only() -> Row:
    """The same with every pass taken apart into R1, R2 and R3: the fewest moves of five seeds."""
    told, verified = [], 0
    for name in hard_unknots():
        plain = [solved(name, seed)[0].expanded() for seed in SEEDS]
        least = min(plain, key=lambda v: len(v.moves))
        verified += not least.passes and proves(least.certificate())
        told.append(f"{name} {len(least.moves)} ({least.peak}; {min(v.peak for v in plain)})")
    note = f"moves, peak on the way, and the lowest peak of 5 seeds: {', '.join(told)}"
    return [
        entry("", "named hard unknots untied by R1, R2 and R3 alone, verified", verified, unit="of 21",
              must=21, aim=21, better="higher", note=note),
    ]  # fmt: skip


def inflated(rng: Random, core: str, size: int) -> Sketch:
    """Return a larger diagram of a named knot, or of the circle: random R1+, R2+, R3 and even passes."""
    return inflate(Sketch(named(core) if core else from_braid([1])), rng, size)


def inflate(sketch: Sketch, rng: Random, size: int) -> Sketch:
    """Make random R1+, R2+, R3 and passes that keep the crossings, until there are so many; return it."""
    while sketch.crossings < size:
        d = rng.choice([d for d, a in enumerate(sketch.alpha) if a != d])
        chance = rng.random()
        if chance < 0.15:
            play(sketch, ("R1+", d, rng.randrange(2)))
        elif chance < 0.6:
            others = [e for e in sketch.face(d)[1:] if sketch.alpha[d] != e]
            if others:
                play(sketch, ("R2+", d, rng.choice(others), rng.randrange(2)))
        elif chance < 0.85:
            if corners := sketch.triangles():
                play(sketch, ("R3", rng.choice(corners)))
        elif arcs := runs(sketch):
            run = rng.choice(arcs)
            route = find_route(sketch, faces(sketch), run, rng)
            if route is not None and len(route) == len(run[1]):
                play(sketch, ("PASS", run[0], len(run[1]), *route))
    return sketch


def batch(count: int, seed: int, cores: tuple[str, ...]) -> list[str]:
    """Return PD codes of unknots with 18 to 43 crossings."""
    rng, found = Random(seed), []
    while len(found) < count:
        core, size = rng.choice(cores), rng.randrange(LEAST, MOST)
        if not core or named(core).crossings < size:
            sketch = inflated(rng, core, size)
            found += [json.dumps(to_pd(sketch.diagram()))] if sketch.crossings <= MOST else []
    return found


def rate_of(texts: list[str], compiled: bool) -> tuple[float, list[Verdict]]:
    """Return diagrams a second, from text to a file of certificates, and the verdicts."""
    list(decide_all([started(texts[0])], compiled=compiled))
    with tempfile.TemporaryDirectory() as folder:
        begun = time.process_time()
        starts = [started(text) for text in texts]
        found = list(decide_all(starts, 60, compiled=compiled))
        Path(folder, "certificates.jsonl").write_text(
            "".join(f"{one.line()}\n" for one in found if one.untied)
        )
        return len(texts) / (time.process_time() - begun), found


def rate() -> Row:
    """Diagrams a second, a batch of unknots with 18 to 43 crossings, certificates written."""
    texts = batch(BATCH, 0, ("", "", *CORES))
    rows = []
    for compiled in (True, False) if may_compile() else (False,):
        value, found = rate_of(texts, compiled)
        proved = sum(one.untied and proves(json.loads(one.line())) for one in found)
        how = "compiled by numba" if compiled else "plain Python"
        rows.append(
            entry("", f"diagrams a second, 18-43-crossing unknots, certificates written, {how}", value,
                  unit="1/s", must=400, aim=4000, better="higher",
                  note=f"{proved} of {BATCH} verified; scrambles and inflated cores, one thread, from text")
        )  # fmt: skip
    return rows


def alone() -> Row:
    """Small hard unknots that need extra crossings, by R1, R2 and R3 alone: five seeds each."""
    rows, told = 0, []
    for name in ("H", "J", "Culprit", "Goeritz", "FHW", "D28"):
        found = [
            untie(named(name), seconds=60, rounds=200_000, seed=seed, passes=False, compiled=may_compile())
            for seed in SEEDS
        ]
        done = [one for one in found if one.untied]
        rows += len(done) >= 4
        ways = [one.moves if len(one.moves) > LONG_WAY else shortened(one.start, one.moves) for one in done]
        short = [len(way) for way in ways]
        moves = f", {min(short)} to {max(short)} moves" if done else ""
        told.append(f"{name} {len(done)}/5{moves}")
    return [
        entry("", "H, J, Culprit, Goeritz, FHW, D28 untied with R1, R2 and R3 alone by 4 of 5 seeds", rows,
              unit="of 6", must=4, aim=6, better="higher", note=f"200,000 rounds each: {'; '.join(told)}"),
    ]  # fmt: skip
