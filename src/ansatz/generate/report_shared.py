"""What the reports of generative models share: the curves, how a run went, and how to do it again."""

import dataclasses
import shlex
from collections.abc import Sequence
from typing import Any

import numpy as np

from ansatz.results import plots
from ansatz.results.numbers import duration
from ansatz.results.report import Block, Code, Details, Facts, Picture, Section
from ansatz.training.run import Run


def place_of(source: dict[str, Any], otherwise: str) -> str:
    """Return where data came from, in words."""
    return str(source.get("catalogue") or source.get("path") or otherwise)


def versions_line(run: Run) -> str:
    """Return the versions that matter most, in one line."""
    return " · ".join(f"{n} {v}" for n, v in run.info["versions"].items() if n in ("ansatz", "jax", "python"))


def training(run: Run, unit: str, caption: str, seen: tuple[str, int]) -> Section:
    """Return the section on the training: losses in a `unit`, and what was `seen`, its name and count."""
    curves = {
        name: thinned(table["step"], table["loss"])
        for name, table in (("training", run.history), ("validation", run.validation))
        if len(table.get("loss", ()))
    }
    blocks: list[Block] = []
    if curves:
        drawn = plots.loss_curves(curves, stop=run.best_step, y_label=unit)
        blocks.append(Picture(drawn, caption, "Loss"))
    rows: list[tuple[str, Any]] = [
        ("steps", f"{run.step:,} of {run.total:,}"),
        (seen[0], f"{seen[1]:,}"),
        ("time", duration(run.info.get("seconds", 0.0))),
        ("compiling", duration(run.info.get("compile_seconds", 0.0))),
        ("driver", f"{run.info.get('driver', '–')} on {devices(run)}"),
    ]
    return Section("Training", [*blocks, Facts(rows)], run.message)


def devices(run: Run) -> str:
    """Return on how many devices a run was."""
    count = run.info["placement"][1]
    return "1 device" if count == 1 else f"{count} devices"


def thinned(steps: Any, values: Any, most: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Return a curve as means over at most so many equal parts."""
    parts = np.array_split(np.arange(len(steps)), min(most, len(steps)))
    steps, values = np.asarray(steps, float), np.asarray(values, float)
    return np.array([steps[p].mean() for p in parts]), np.array([values[p].mean() for p in parts])


def again(command: str, haves: Sequence[Any], run: Run, what: str) -> Section:
    """Return the section that tells how to do it again; `haves` are the dataclasses of settings."""
    rows = [(field.name, getattr(have, field.name)) for have in haves for field in dataclasses.fields(have)]
    blocks: list[Block] = [Code(command), Details("Every setting", [Facts(rows)])]
    blocks.append(Details("Versions", [Facts(list(run.info["versions"].items()))]))
    lead = f"The same command, {what} and versions on the same machine give the same bits."
    return Section("Do it again", blocks, lead)


def chosen(haves: Sequence[Any]) -> dict[str, Any]:
    """Return the settings that differ from their defaults; the steps that a budget allowed stand for it."""
    found = {}
    for have in haves:
        default = type(have)()
        for field in dataclasses.fields(have):
            value = getattr(have, field.name)
            if value != getattr(default, field.name) and field.name != "budget":
                found[field.name] = value
    return found


def command_line(
    kind: str,
    source: dict[str, Any],
    settings: dict[str, Any],
    name: str,
    lead: str = "import ansatz\n\nansatz.",
) -> str:
    """Return the command that trains again, or the Python lines where the data, `name`, were in memory."""
    place = source.get("catalogue") or source.get("path")
    if not place and "task" not in source:
        options = "".join(f", {n}={v!r}" for n, v in settings.items())
        return f"{lead}generate_{kind}({name}{options})"
    words = ["ansatz", "generate", kind, *(["--data", str(place)] if place else [])]
    for name, value in settings.items():
        flag = name.replace("_", "-")
        words += (
            [f"--{flag}" if value else f"--no-{flag}"]
            if isinstance(value, bool)
            else [f"--{flag}", str(value)]
        )
    return shlex.join(words)
