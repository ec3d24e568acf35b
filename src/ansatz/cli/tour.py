"""`ansatz tour`: answers on real data, a page each, and an index of them.

example:
  ansatz tour --out tour
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any


def command(arguments: list[str]) -> int:
    """Take the tour and write its pages; return the exit code."""
    import tyro

    from ansatz.cli._answer import Answer
    from ansatz.cli._flags import parse

    @dataclass(frozen=True)
    class Tour:
        out: Annotated[str, tyro.conf.arg(help="the folder of the pages")] = "tour"
        json: Annotated[bool, tyro.conf.arg(help="print one JSON object")] = False

    asked, _ = parse(Tour, arguments, "tour", __doc__ or "")
    answer = Answer(as_json=asked.json)
    with answer.working():
        record = take(Path(asked.out), answer.tell)
    lines = [f"{one['title']}: {one['answer']} ({one['seconds']:.0f} s)" for one in record["stations"]]
    answer.give(record, [*lines, f"The pages are in {record['index']}."])
    return 0


def take(folder: Path, tell: Any) -> dict[str, Any]:
    """Visit every station, write its report and the index into `folder`, and return what came out."""
    import time

    from ansatz.cli._stations import STATIONS
    from ansatz.results.index import Card, render_index
    from ansatz.store import write_file

    cards, visited = [], []
    for station in STATIONS:
        tell(f"{station.title} …")
        begun = time.perf_counter()
        stop = station.visit()
        (folder / station.name).mkdir(parents=True, exist_ok=True)
        write_file(folder / station.name / "report.html", stop.page.encode())
        seconds = time.perf_counter() - begun
        link = f"{station.name}/report.html"
        cards.append(Card(station.title, stop.answer, link, stop.picture.image, f"{seconds:.0f} s"))
        record = {"title": station.title, "answer": stop.answer, "seconds": seconds}
        visited.append(record | {"report": str(folder / link)})
    page = render_index(cards, "A tour of Ansatz", subtitle="Questions, answers, and how far to trust them.")
    write_file(folder / "index.html", page.encode())
    return {"index": str(folder / "index.html"), "stations": visited}


if __name__ == "__main__":
    from ansatz.cli.main import main

    sys.exit(main(["tour", *sys.argv[1:]]))
