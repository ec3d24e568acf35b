"""How the command line bears up: a cold start, kill -9 at any moment, and malformed inputs."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.run import entry

ROOT = Path(__file__).parents[1]
STARTS = 11
KILLS = 50


def help_cold() -> list[dict[str, Any]]:
    """Measure `ansatz --help` in new processes: the median wall time, after one that fills the disk cache."""
    program = Path(sys.executable).with_name("ansatz")
    line = [str(program)] if program.exists() else [sys.executable, "-m", "ansatz"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    times = []
    for _ in range(STARTS + 1):
        start = time.perf_counter()
        subprocess.run([*line, "--help"], check=True, stdout=subprocess.DEVNULL, env=environment)
        times.append(time.perf_counter() - start)
    value = statistics.median(times[1:])
    note = f"Median of {STARTS} processes; the slowest took {max(times[1:]):.2f} s."
    what = "`ansatz --help` in a new process"
    return [entry("fit-11", what, value, unit="s", must=0.5, aim=0.2, better="lower", note=note)]


def kill_minus_nine() -> list[dict[str, Any]]:
    """Kill a fit at random moments, load and resume it each time, and compare the final bits."""
    from tests.cli.kills import kill_and_resume

    with tempfile.TemporaryDirectory() as folder:
        found = kill_and_resume(Path(folder), KILLS)
    note = f"{found.killed} kills, uniform over the time of a whole process, in {found.runs} runs."
    what = "kill -9 at random moments: folders that load and resume"
    same = "kill -9 and resume: finished runs with the bits of the unbroken one"
    share = 100 * found.equal / found.runs
    return [
        entry("fit-12a", what, found.loaded, unit="kills", must=50, aim=500, better="higher", note=note),
        entry("fit-12b", same, share, unit="%", must=100, aim=100, better="higher", note=note),
    ]


def malformed() -> list[dict[str, Any]]:
    """Run every malformed input; each is to be refused in one sentence with nothing left, or handled."""
    from tests.cli.malformed import CASES, FAST, numbers, problem_of, ran, written

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path, finished = written(folder, numbers()), folder / "finished"
        code, _, said = ran(["fit", path, "--target", "y", "--out", str(finished), *FAST])
        if code:
            raise RuntimeError(said)
        problems = {}
        for at, case in enumerate(CASES):
            (folder / str(at)).mkdir()
            problem = problem_of(case, folder / str(at), finished)
            if problem is not None:
                problems[case.name] = problem
    handled = sum(case.handled for case in CASES)
    note = f"{handled} are handled with a remark, {len(CASES) - handled} refused in one sentence with exit 2."
    if problems:
        note = "; ".join(f"{name}: {problem[:120]}" for name, problem in problems.items())
    share = 100 * (len(CASES) - len(problems)) / len(CASES)
    what = f"malformed inputs handled or refused as they should be, of {len(CASES)}"
    return [entry("fit-13", what, share, unit="%", must=100, aim=100, better="higher", note=note)]
