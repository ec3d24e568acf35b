"""Make `docs/benchmarks.md` from the figures in `benchmarks/results`; `make bench` and `make docs` run it."""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"

HEAD = """# Benchmarks

Every bar that Ansatz sets itself, with the figure that the command beside it printed. *Must* is promised,
*aim* is hoped for; a bar that is missed stands here as missed. Peers ran in the same run on the same machine.
This page is made from `benchmarks/results` by `make bench`.
"""
EMPTY = "\nNothing has been measured yet: `make bench AREA=fit` measures the first area.\n"
COLUMNS = "| bar | what | figure | must | aim | |\n|---|---|---:|---:|---:|---|"


def number(value: float, unit: str = "") -> str:
    """Return a figure with four digits and its unit."""
    shown = f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
    return f"{shown} {unit}".strip()


def cell(text: str) -> str:
    """Return text that cannot end a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


def verdict(figure: dict[str, Any]) -> str:
    """Return how the figure stands to its bars."""
    if not figure["met"]:
        return "**missed**"
    lower = figure["better"] == "lower"
    aimed = figure["value"] <= figure["aim"] if lower else figure["value"] >= figure["aim"]
    return "aim met" if aimed else "met"


def table_row(figure: dict[str, Any]) -> str:
    """Return the row of one figure."""
    sign = "≤" if figure["better"] == "lower" else "≥"
    cells = [
        f"`{figure['id']}`",
        cell(figure["what"]),
        number(figure["value"], figure["unit"]),
        f"{sign} {number(figure['must'])}",
        f"{sign} {number(figure['aim'])}",
        verdict(figure),
    ]
    return f"| {' | '.join(cells)} |"


def origin(figure: dict[str, Any]) -> str:
    """Return where one figure comes from: command, time, peer, machine, versions."""
    peer = f"; peer: {figure['peer']}" if figure["peer"] else ""
    used = ", ".join(f"{name} {found}" for name, found in figure["versions"].items())
    note = f" {figure['note']}" if figure["note"] else ""
    return (
        f"- `{figure['id']}`: `{figure['command']}`, {figure['seconds']:g} s on {figure['cores']} cores, "
        f"{figure['date']}{peer}; {used}.{note}"
    )


def section(area: str, figures: list[dict[str, Any]]) -> str:
    """Return the table of one area and the origins of its figures."""
    met = sum(figure["met"] for figure in figures)
    rows = "\n".join(map(table_row, figures))
    origins = "\n".join(map(origin, figures))
    return (
        f"\n## {area}\n\n{met} of {len(figures)} figures reach their bar.\n\n{COLUMNS}\n{rows}\n"
        f"\n### Where the figures of {area} come from\n\n{origins}\n"
    )


def page(results: Path = RESULTS) -> str:
    """Return the whole page."""
    areas = {path.stem: json.loads(path.read_text()) for path in sorted(results.glob("*.json"))}
    return HEAD + ("".join(section(area, figures) for area, figures in areas.items()) or EMPTY)


def write_page(results: Path = RESULTS, target: Path = PAGE) -> None:
    """Write the page where the documentation expects it."""
    target.write_text(page(results))


if __name__ == "__main__":
    write_page()
