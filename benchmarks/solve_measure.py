"""Fresh processes, their medians and their worst: how every figure of `ansatz solve` is taken."""

import json
import math
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.run import entry

PEERS = Path(__file__).parent / "peers"

ROOT = Path(__file__).parents[1]
QUICK = 40.0
"""Runs below so many seconds are repeated five times, longer ones three times."""
FAILED = 1e9
"""What stands for a figure where the solver gave no answer."""


def process(command: list[str], wanted: list[str], **environment: str) -> dict[str, Any]:
    """Run a command with the time of its start and further arguments; return the last line it prints."""
    # A program kept on disk from an earlier run would hide the time that compiling takes.
    settings = {"JAX_ENABLE_COMPILATION_CACHE": "false", "PYTHONPATH": str(ROOT / "src")} | environment
    done = subprocess.run(
        [*command, repr(time.time()), *wanted],
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-800:]}")
    return json.loads(lines[-1])


def solved(name: str, parameters: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """Solve a problem by name in a fresh process and return what it measured."""
    wanted = {"name": name, "parameters": parameters or {}, **options}
    found = process([sys.executable, "-m", "benchmarks.solve_child"], [json.dumps(wanted)])
    if "failed" in found:
        print(f"{name}: {found['failed']}", file=sys.stderr, flush=True)
        found |= {"error": FAILED, "estimate": FAILED, "converged": False, "verdict": found["failed"]}
    return found


def classical(name: str, **parameters: Any) -> dict[str, Any]:
    """Solve a problem with SciPy or NumPy in a fresh process: `seconds`, `error`, `method`."""
    return process([sys.executable, "-m", "benchmarks.solve_classical"], [name, json.dumps(parameters)])


@dataclass(frozen=True)
class Runs:
    """The same problem, solved several times."""

    found: list[dict[str, Any]]

    def middle(self, key: str) -> float:
        """Return the median."""
        return statistics.median(one[key] for one in self.found)

    def worst(self, key: str) -> float:
        """Return the largest."""
        return max(one[key] for one in self.found)

    @property
    def told(self) -> str:
        """Median and worst of error and seconds, and what the solver said of itself."""
        last = self.found[-1]
        said = "" if last["converged"] else f"; not converged: {last['verdict'][:160]}"
        return (
            f"{self.middle('error'):.1e} in {self.middle('seconds'):.1f} s "
            f"(worst of {len(self.found)}: {self.worst('error'):.1e}, {self.worst('seconds'):.1f} s), "
            f"estimated {self.middle('estimate'):.1e}{said}"
        )


def repeated(name: str, parameters: dict[str, Any] | None = None, **options: Any) -> Runs:
    """Solve a problem in several fresh processes."""
    found = [solved(name, parameters, **options)]
    count = 5 if found[0]["seconds"] < QUICK else 3
    found += [solved(name, parameters, **options) for _ in range(count - 1)]
    return Runs(found)


def beside(name: str, **parameters: Any) -> str:
    """Return what a classical solver needs for the same problem, as a remark."""
    found = classical(name, **parameters)
    return f"{found['method']}: {found['error']:.1e} in {found['seconds']:.1f} s"


def pair(
    what: str,
    runs: Runs,
    error: tuple[float, float],
    seconds: tuple[float, float],
    peer: str = "",
    note: str = "",
    unit: str = "rel. L2",
) -> list[dict[str, Any]]:
    """Return the two figures of a problem: its error, and its wall time from the start of the process.

    `error` and `seconds` are (must, aim); both figures are medians, the worst stand in the note.
    """
    told = runs.told + (f"; {note}" if note else "")
    took = runs.middle("seconds")
    return [
        entry(
            "", f"{what}: error", finite(runs.middle("error")), unit=unit, must=error[0], aim=error[1],
            better="lower", peer=peer, note=told, seconds=took,
        ),
        entry(
            "", f"{what}: wall time from process start", took, unit="s", must=seconds[0],
            aim=seconds[1], better="lower", seconds=took,
        ),
    ]  # fmt: skip


def finite(value: float) -> float:
    """Return a value, or a figure that misses every bar where there is none."""
    return value if math.isfinite(value) else FAILED


def lettered(row: int, figures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the figures of a row with their ids: solve-4a, solve-4b, …"""
    return [figure | {"id": f"solve-{row}{chr(ord('a') + at)}"} for at, figure in enumerate(figures)]


def python_of(peer: str) -> str:
    """Return the python of a peer's environment."""
    variable = f"ANSATZ_PEER_{peer.upper()}"
    python = os.environ.get(variable, str(PEERS / f".venv-{peer}" / "bin" / "python"))
    if not Path(python).exists():
        raise ValueError(
            f"There is no {python}: make an environment with benchmarks/peers/{peer}.txt there, or name its "
            f"python in {variable}; make bench-solve, bench-generate, bench-play and bench-unknot do the "
            "former."
        )
    return python
