"""Rows 12 and 13: DeepXDE and jinns on the problems that they demonstrate, each at its best."""

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.run import entry
from benchmarks.solve_demos import entry_of
from benchmarks.solve_measure import FAILED, PEERS, lettered, process, python_of, solved

LIMIT = 360.0
"""Seconds after which a demonstration is stopped; the note says where that happened."""
SEEDS = 3
SHORT = 60.0
"""Demonstrations below so many seconds run with all seeds, longer ones with one."""
DEMOS: dict[str, tuple[str, tuple[str, ...], tuple[float, float]]] = {
    # Demonstration: our name of the problem, the backends on which it runs as it is, (must, aim).
    "oscillator": ("rotation", ("jax", "pytorch"), (30, 100)),
    "heat": ("heat", ("pytorch",), (30, 100)),
    "helmholtz": ("helmholtz", ("jax", "pytorch"), (30, 100)),
    "burgers": ("burgers_early", ("pytorch",), (10, 20)),
    "lotka_volterra": ("rabbits", ("pytorch",), (10, 20)),
    "kovasznay": ("kovasznay", ("pytorch",), (10, 20)),
}


def grid_of(name: str, folder: Path) -> str:
    """Write the grid on which errors are measured, a tenth of it where it is long; return its path."""
    stated = entry_of(name)
    true = stated.values()
    places = np.broadcast_arrays(*stated.grid())
    points = np.stack([np.ravel(one) for one in places], axis=1)
    values = np.stack([np.broadcast_to(one, places[0].shape).ravel() for one in true.values()], axis=1)
    # A peer looks at its error as it trains: every so manieth point keeps that short.
    every = max(1, len(points) // 20_000) * (2 if len(points) > 40_000 else 1) + (len(points) > 20_000)
    path = folder / f"{name}.npz"
    np.savez(path, points=points[::every], values=values[::every])
    return str(path)


def reached(name: str, error: float) -> dict[str, Any]:
    """Return our median run among three that gets below an error, asked for ever more until it does."""
    for share in (1.0, 0.1, 0.01, 1e-3):
        accuracy = min(0.1, error * share)
        found = [solved(name, accuracy=accuracy)]
        if found[0]["error"] <= error:
            found += [solved(name, accuracy=accuracy) for _ in range(2)]
            return sorted(found, key=lambda one: one["seconds"])[1]
    return {"seconds": FAILED, "error": FAILED, "inside": FAILED}


def first_time(run: dict[str, Any]) -> float:
    """Return when a run first was within 5 % of its final error: what came later is not held against it."""
    times = [seconds for seconds, error in run["curve"] if error <= 1.05 * run["error"]]
    return min([*times, run["seconds"]])


def demonstrated(demo: str, grid: str, backend: str) -> tuple[float, float, dict[str, Any]]:
    """Return the seconds to the final error, that error, and the last run; medians over the seeds."""
    command = [python_of("deepxde"), str(PEERS / "deepxde_demos.py"), demo, grid]
    runs = [process_of(command, [str(LIMIT), "0"], backend)]
    if runs[0]["seconds"] < SHORT:
        runs += [process_of(command, [str(LIMIT), str(seed)], backend) for seed in range(1, SEEDS)]
    return (
        statistics.median(map(first_time, runs)),
        statistics.median(run["error"] for run in runs),
        runs[0] | {"runs": len(runs)},
    )


def rank(seconds: float, error: float, run: dict[str, Any]) -> tuple[bool, float]:
    """Return what is least for the best backend: it ends soonest, or where none ends, nearest."""
    return run["stopped"], error if run["stopped"] else seconds


def process_of(command: list[str], wanted: list[str], backend: str) -> dict[str, Any]:
    """Run a demonstration on a backend."""
    return process(command, wanted, DDE_BACKEND=backend)


def deepxde() -> list[dict[str, Any]]:
    """Row 12: how many times sooner we are at the error at which DeepXDE's own demonstrations end."""
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for demo, (name, backends, (must, aim)) in DEMOS.items():
            grid = grid_of(name, Path(folder))
            tried = {backend: demonstrated(demo, grid, backend) for backend in backends}
            backend = min(tried, key=lambda one: rank(*tried[one]))
            theirs, error, run = tried[backend]
            ours = reached(name, error)
            told = ", ".join(f"{one} {t:.1f} s to {e:.1e}" for one, (t, e, _) in tried.items())
            stopped = f", stopped after {LIMIT:.0f} s" if run["stopped"] else ""
            note = (
                f"DeepXDE {told} ({run['steps'][0]} steps of Adam, {run['steps'][1]} of L-BFGS, "
                f"{run['runs']} seeds{stopped}); ours {ours['seconds']:.1f} s to {ours['error']:.1e}, "
                f"{ours['inside']:.2f} s of it in solve"
            )
            figures.append(
                entry(
                    "", f"DeepXDE's {demo.replace('_', ' ')}: times sooner at its final error",
                    theirs / ours["seconds"], unit="×", must=must, aim=aim, better="higher",
                    peer=f"DeepXDE {run['version']}", note=note, seconds=theirs,
                    versions={"deepxde": run["version"]},
                )
            )  # fmt: skip
            print(f"{demo}: {theirs / ours['seconds']:.1f} times; {note}", file=sys.stderr, flush=True)
    return lettered(12, figures)


def jinns() -> list[dict[str, Any]]:
    """Row 13: the time to the error at which jinns' natural gradient ends, and the error in its time."""
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for notebook, name, accuracies in (
            ("burgers", "burgers", (1e-9, 1e-8, 1e-7, 1e-6)),
            ("heat", "heat_plate", (1e-10, 1e-8, 1e-6, 1e-5)),
        ):
            grid = grid_of(name, Path(folder))
            command = [python_of("jinns"), str(PEERS / "jinns_notebooks.py"), notebook, grid]
            runs = [process(command, [str(seed)]) for seed in range(SEEDS)]
            theirs = statistics.median(run["seconds"] for run in runs)
            error = statistics.median(run["error"] for run in runs)
            ours, within = reached(name, error), best_within(name, theirs, accuracies)
            note = (
                f"jinns {error:.1e} (worst of {SEEDS} seeds {max(run['error'] for run in runs):.1e}) in "
                f"{theirs:.1f} s, "
                f"{runs[0]['steps']} steps, loss {runs[0]['loss']:.1e}; ours {ours['error']:.1e} in "
                f"{ours['seconds']:.1f} s, and {within['error']:.1e} in {within['seconds']:.1f} s"
            )
            version = runs[0]["version"]
            shared: dict[str, Any] = {
                "unit": "×", "better": "higher", "peer": f"jinns {version}, natural gradient, float64",
                "note": note, "versions": {"jinns": version}, "seconds": theirs,
            }  # fmt: skip
            figures += [
                entry(
                    "", f"jinns' {notebook}: times sooner at its error", theirs / ours["seconds"], must=1.5,
                    aim=2, **shared,
                ),
                entry(
                    "", f"jinns' {notebook}: times lower error in its time", error / within["error"], must=3,
                    aim=10, **shared,
                ),
            ]  # fmt: skip
            print(note, file=sys.stderr, flush=True)
    return lettered(13, figures)


def best_within(name: str, seconds: float, accuracies: tuple[float, ...]) -> dict[str, Any]:
    """Return our first run that ends in a time, asked for the most accurate answer first."""
    for accuracy in accuracies:
        found = solved(name, accuracy=accuracy)
        if found["seconds"] <= seconds:
            return found
    return {"seconds": FAILED, "error": FAILED}
