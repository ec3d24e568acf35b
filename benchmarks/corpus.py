"""The corpus of certificates: every named hard unknot untied, every knot to 10 crossings at its number.

    python -m benchmarks.corpus [--seeds 5] [--budget 60] [--again]

`make corpus` runs it.  A certificate that is there and proves what it should is kept, so that a run goes on
where another stopped; with --again all are made anew.  Each is checked by `ansatz.knots.verify`, which shares
no code with the search.  `docs/certificates.md` is made from the figures in `index.json`.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from ansatz.knots.certificate import Certificate, certify, load, save
from ansatz.knots.codes import from_pd
from ansatz.knots.play import play
from ansatz.knots.simplify import simplify
from ansatz.knots.sketch import Sketch
from ansatz.knots.table import hard_unknots, knots, known_unknotting_number, named
from ansatz.knots.unknotting import unknotting_number
from ansatz.knots.verify import Rejected, verify

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / "benchmarks" / "certificates"
PAGE = ROOT / "docs" / "certificates.md"
Row = dict[str, Any]

HEAD = """# Certificates

Each row is a file in `benchmarks/certificates`: a diagram and the moves that untie it, for anyone to check
with `python -m ansatz.knots.verify FILE`, a program of one file in plain Python. `make corpus` makes the
files and this page. Times are of one core.

## The named hard diagrams of the unknot

*Peak* is the largest number of crossings on the way. Of the runs the one with the fewest moves is kept;
the times are CPU milliseconds of the median run and of the slowest.

| diagram | crossings | moves | passes | peak | runs that untied it | ms, median | ms, slowest |
|---|---:|---:|---:|---:|---:|---:|---:|
"""
MIDDLE = """
## The knots to 10 crossings

Of {total} knots {reached} are untied with as many crossing changes as KnotInfo states (for ten knots, where
it states 2 or 3, with 3). Lower bounds that the package proves from the diagram alone meet {exact} of these
numbers; the others rest on the literature. The search took {seconds:.1f} s for all knots together, with no
hint but the number of changes at which it may stop.

| crossings | knots | untied at the known number | bound proved here | moves, median | most moves | seconds |
|---:|---:|---:|---:|---:|---:|---:|
"""
LIST = """
*Known* is what KnotInfo states, *changes* what the certificate makes, *bound* the lower bound that is proved
here and what proves it (`ansatz.knots.bounds`).

| knot | known | changes | bound | by | moves | peak |
|---|---:|---:|---:|---|---:|---:|
"""


def peak(certificate: Certificate) -> int:
    """Return the largest number of crossings on the way."""
    sketch = Sketch(from_pd(certificate["start"]))
    most = sketch.crossings
    for move in certificate["moves"]:
        play(sketch, tuple(move), check=False)
        most = max(most, sketch.crossings)
    return most


def untied(name: str, seeds: int, budget: float) -> tuple[Certificate, Row] | None:
    """Return the shortest certificate of some seeds that a named diagram is the unknot, with its figures."""
    best, times = None, []
    for seed in range(seeds):
        began = time.process_time()
        found = simplify(named(name), seconds=budget, seed=seed)
        if found.untied:
            times.append(time.process_time() - began)
            if best is None or len(found.moves) < len(best.moves):
                best = found
    if best is None:
        return None
    certificate = certify(best.start, best.moves, name=name)
    passes = sum(move[0] == "PASS" for move in best.moves)
    spent = {"seconds": median(times), "slowest": round(max(times), 4)}
    return certificate, {"passes": passes, "untied": len(times), "seeds": seeds, **spent}


def changed(name: str, budget: float) -> tuple[Certificate, Row]:
    """Return a certificate of a knot's unknotting number from above, with its figures."""
    began = time.process_time()
    low, high = known_unknotting_number(name)
    found = unknotting_number(named(name), budget, target=high, name=name)
    seconds = time.process_time() - began
    proved = {"lower": found.lower, "why": found.why}
    return found.certificate, {"known": [low, high], "changes": found.changes, **proved, "seconds": seconds}


def proves(path: Path, name: str, row: Row | None) -> bool:
    """Tell whether a file holds a certificate for a name that is accepted and as good as it can be."""
    if row is None or not path.is_file():
        return False
    certificate = load(path)
    try:
        verify(certificate)
    except Rejected:
        return False
    return certificate["name"] == name and certificate.get("value", 0) <= row.get("known", [0, 0])[1]


def build(seeds: int, budget: float, again: bool) -> dict[str, Row]:
    """Make the certificates that are missing; return the figures of all."""
    index_file = CORPUS / "index.json"
    index = json.loads(index_file.read_text()) if index_file.is_file() and not again else {}
    wanted = [("unknots", name) for name in hard_unknots()] + [("knots", name) for name in knots()]
    for folder, name in wanted:
        path = CORPUS / folder / f"{name}.json"
        if proves(path, name, index.get(name)):
            continue
        made = untied(name, seeds, budget) if folder == "unknots" else changed(name, budget)
        if made is None:
            print(f"{name}: not untied in {budget:g} s")
            continue
        certificate, row = made
        path.parent.mkdir(parents=True, exist_ok=True)
        save(certificate, path)
        print(f"{name}: {verify(load(path))}")
        sizes = {"crossings": len(certificate["start"]), "moves": len(certificate["moves"])}
        index[name] = {**sizes, "peak": peak(certificate), **row, "seconds": round(row["seconds"], 4)}
        lines = (f"{json.dumps(one)}: {json.dumps(figures)}" for one, figures in index.items())
        index_file.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    return index


def table(rows: Iterator[list[Any]]) -> str:
    """Return rows of a Markdown table."""
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)


def page(index: dict[str, Row]) -> str:
    """Return the page of all figures."""
    hard = [(name, index[name]) for name in hard_unknots() if name in index]
    tied = [(name, index[name]) for name in knots() if name in index and not name.startswith("K")]
    reached = [row for _, row in tied if row["changes"] <= row["known"][1]]
    exact = sum(row["changes"] == row["lower"] for _, row in tied)
    seconds = sum(row["seconds"] for _, row in tied)
    fields = ("crossings", "moves", "passes", "peak")
    text = HEAD
    text += table(
        [name, *(row[key] for key in fields), f"{row['untied']} of {row['seeds']}", *_times(row)]
        for name, row in hard
    )
    text += MIDDLE.format(total=len(tied), reached=len(reached), exact=exact, seconds=seconds)
    text += table(_summary(n, [row for _, row in tied if row["crossings"] == n]) for n in range(3, 11))
    others = [(name, index[name]) for name in knots() if name in index and name.startswith("K")]
    return text + LIST + table(_line(name, row) for name, row in tied + others)


def _times(row: Row) -> list[str]:
    return [f"{1000 * row[key]:,.3g}" for key in ("seconds", "slowest")]


def _summary(n: int, rows: list[Row]) -> list[Any]:
    reached = sum(row["changes"] <= row["known"][1] for row in rows)
    exact = sum(row["changes"] == row["lower"] for row in rows)
    moves = [row["moves"] for row in rows] or [0]
    spent = f"{sum(row['seconds'] for row in rows):.2f}"
    return [n, len(rows), reached, exact, f"{median(moves):g}", max(moves), spent]


def _line(name: str, row: Row) -> list[Any]:
    low, high = row["known"]
    known = low if low == high else f"{low} or {high}"
    return [name, known, row["changes"], row["lower"], row["why"], row["moves"], row["peak"]]


def main() -> None:
    """Read the command line, make the corpus, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="runs for each named diagram")
    parser.add_argument("--budget", type=float, default=60, help="seconds for each search")
    parser.add_argument("--again", action="store_true", help="make every certificate anew")
    arguments = parser.parse_args()
    PAGE.write_text(page(build(arguments.seeds, arguments.budget, arguments.again)))


if __name__ == "__main__":
    main()
