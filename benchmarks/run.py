"""Measure the bars of an area and keep the figures: `make bench AREA=fit ROW=3`.

An area is a file `benchmarks/AREA.py` with `ROWS`, its functions in the order of the bars; each measures
one bar beside its peer and returns its figures:

    def overhead() -> list[dict]:
        return [entry("fit-1", "engine overhead over a hand-written scan", 2.1, unit="%", must=5, aim=3,
                      better="lower", peer="lax.scan of the same step", seconds=1.2)]

What was printed is what `benchmarks/results/AREA.json` holds; rows that were not run keep their figures.
"""

import argparse
import datetime
import importlib
import json
import math
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
FIELDS = "id what value unit must aim better met seconds command peer versions cores date note".split()
NEEDED = ("id", "what", "value", "unit", "must", "aim", "better")


def entry(name: str, what: str, value: float, **fields: Any) -> dict[str, Any]:
    """Return one figure; `unit`, `must`, `aim` and `better` are needed, `peer` and `note` may follow."""
    return {"id": name, "what": what, "value": float(value), **fields}


def numbered(
    area: str, measures: Iterable[Callable[[], list[dict[str, Any]]]]
) -> list[Callable[[], list[dict[str, Any]]]]:
    """Return rows whose figures have ids: generate-2a, generate-2b, …"""

    def lettered(number: int, measure: Callable[[], list[dict[str, Any]]]) -> Any:
        return lambda: [
            figure | {"id": f"{area}-{number}{chr(ord('a') + at)}"} for at, figure in enumerate(measure())
        ]

    return [lettered(number, measure) for number, measure in enumerate(measures, 1)]


def is_met(figure: dict[str, Any]) -> bool:
    """Tell whether the value reaches `must` in the direction that is better."""
    if figure["better"] == "lower":
        return bool(figure["value"] <= figure["must"])
    return bool(figure["value"] >= figure["must"])


def complete(figure: dict[str, Any], area: str, row: int, seconds: float) -> dict[str, Any]:
    """Return the figure with everything that says where it comes from."""
    if missing := [name for name in NEEDED if name not in figure]:
        raise ValueError(f"row {row} of {area} returned a figure without {', '.join(missing)}")
    if unknown := sorted(set(figure) - set(FIELDS)):
        raise ValueError(f"row {row} of {area} returned unknown fields: {', '.join(unknown)}")
    if not re.fullmatch(rf"{re.escape(area)}-{row}[a-z]*", figure["id"]):
        raise ValueError(f"row {row} of {area} returned the id {figure['id']!r}, not {area}-{row}")
    if figure["better"] not in ("higher", "lower"):
        raise ValueError(f"{figure['id']}: better is {figure['better']!r}, not 'higher' or 'lower'")
    if not math.isfinite(figure["value"]):
        raise ValueError(f"{figure['id']} measured {figure['value']}, which is no figure")
    known = {
        "met": is_met(figure),
        "seconds": round(figure.get("seconds", seconds), 2),
        "command": f"make bench AREA={area} ROW={row}",
        "peer": figure.get("peer", ""),
        "versions": {**versions(), **figure.get("versions", {})},
        "cores": os.cpu_count(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "note": figure.get("note", ""),
    }
    return {name: {**figure, **known}[name] for name in FIELDS}


def versions() -> dict[str, str]:
    """Return the versions that a figure depends on."""
    found = {"python": sys.version.split()[0]}
    for name in ("ansatz", "jax", "equinox", "optax", "scikit-learn", "scipy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def order(name: str) -> tuple[str, int, str]:
    """Return the key under which `fit-2b` stands after `fit-2a` and before `fit-10`."""
    area, number, letter = re.fullmatch(r"(.+)-(\d+)([a-z]*)", name).groups()  # type: ignore[union-attr]
    return area, int(number), letter


def merge(old: list[dict], new: list[dict], row: int) -> list[dict]:
    """Return the old figures with those of one row replaced."""
    kept = [figure for figure in old if order(figure["id"])[1] != row]
    return sorted(kept + new, key=lambda figure: order(figure["id"]))


def write(path: Path, figures: list[dict]) -> None:
    """Replace a file of figures in one move."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".tmp", delete=False) as file:
        json.dump(figures, file, indent=1, ensure_ascii=False)
        file.write("\n")
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)


def line(figure: dict[str, Any]) -> str:
    """Return a figure as it is printed."""
    sign = "≤" if figure["better"] == "lower" else "≥"
    verdict = "met" if figure["met"] else "MISSED"
    value, unit = f"{figure['value']:.4g}", figure["unit"]
    bars = f"must {sign} {figure['must']:g}, aim {sign} {figure['aim']:g}"
    return f"{figure['id']:<8} {verdict:<6} {value} {unit}  ({bars})  {figure['what']}"


def measure(area: str, number: int, row: Callable[[], Iterable[dict]]) -> list[dict]:
    """Run one row and return its complete figures."""
    start = time.perf_counter()
    figures = list(row())
    seconds = time.perf_counter() - start
    if not figures:
        raise ValueError(f"row {number} of {area} returned no figure")
    return [complete(figure, area, number, seconds) for figure in figures]


def run(area: str, rows: list[Callable], chosen: list[int], results: Path = RESULTS) -> list[dict]:
    """Measure the chosen rows (all, if none is named), print each, and keep what was printed."""
    path = results / f"{area}.json"
    measured = []
    for number in chosen or range(1, len(rows) + 1):
        if not 1 <= number <= len(rows):
            raise ValueError(f"{area} has rows 1 to {len(rows)}, and no row {number}")
        figures = measure(area, number, rows[number - 1])
        print(*map(line, figures), sep="\n", flush=True)
        old = json.loads(path.read_text()) if path.exists() else []
        write(path, merge(old, figures, number))
        measured += figures
    return measured


def main(argv: list[str] | None = None) -> int:
    """Measure, keep the figures and rewrite the page; 1 if a bar was missed, 2 for a bad request."""
    from benchmarks.page import write_page

    parser = argparse.ArgumentParser(prog="make bench", description="Measure the bars of an area.")
    parser.add_argument("area")
    parser.add_argument("rows", nargs="*", type=int, help="rows to measure; all, if none is named")
    asked = parser.parse_args(argv)
    areas = sorted(path.stem for path in Path(__file__).parent.glob("*.py"))
    areas = [name for name in areas if "\nROWS = " in (Path(__file__).parent / f"{name}.py").read_text()]
    if asked.area not in areas:
        print(f"There is no area {asked.area!r}; areas: {', '.join(areas)}", file=sys.stderr)
        return 2
    try:
        figures = run(asked.area, importlib.import_module(f"benchmarks.{asked.area}").ROWS, asked.rows)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    write_page()
    return 0 if all(figure["met"] for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
