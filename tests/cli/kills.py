"""Fits that are killed at random moments and resumed, beside one that is not."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

import ansatz
from ansatz.core import BadInput
from ansatz.store import RunFolder

SETTINGS = (
    "--epochs 1500 --members 2 --width 16 --depth 1 --bins 4 --patience 1500 --no-baselines --no-attribution "
    "--no-report --quiet --checkpoint 0.1s"
).split()


class Kills(NamedTuple):
    """How many processes were killed, after how many the folder could be read, and whether the bits agree."""

    killed: int
    loaded: int
    runs: int
    equal: int


def write_table(path: Path) -> Path:
    draw = np.random.default_rng(0)
    a, b = draw.normal(size=(2, 120))
    pl.DataFrame({"a": a, "b": b, "y": a**2 + b}).write_csv(path)
    return path


def start(*words: str) -> subprocess.Popen:
    """Start `ansatz` in a process of its own."""
    source = str(Path(ansatz.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": source, "JAX_PLATFORMS": "cpu"}
    line = [sys.executable, "-m", "ansatz", *words]
    return subprocess.Popen(
        line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    )


def finish(*words: str) -> None:
    """Run `ansatz` to its end, which must be a good one."""
    process = start(*words)
    _, said = process.communicate()
    if process.returncode:
        raise RuntimeError(f"ansatz {' '.join(words)} ended with {process.returncode}: {said}")


def kill_and_resume(folder: Path, kills: int, seed: int = 0) -> Kills:
    """Kill a fit at `kills` random moments, resume it each time, and compare what is finished.

    A run that has survived five kills is let finish, and another one begun.
    """
    table, draw = str(write_table(folder / "table.csv")), random.Random(seed)
    begun = time.monotonic()
    finish("fit", table, "--target", "y", "--out", str(folder / "unbroken"), *SETTINGS)
    seconds = time.monotonic() - begun
    truth = (folder / "unbroken" / "model.safetensors").read_bytes()
    killed = loaded = runs = equal = 0
    while killed < kills:
        out = folder / f"killed-{runs}"
        for _ in range(min(5, kills - killed)):
            process = start(*_words(out, table))
            time.sleep(draw.uniform(0.0, seconds))
            process.send_signal(signal.SIGKILL)
            process.communicate()
            if process.returncode != -signal.SIGKILL:
                break
            killed += 1
            loaded += _loads(out)
        if not (out / "model.safetensors").exists():
            finish(*_words(out, table))
        runs += 1
        equal += (out / "model.safetensors").read_bytes() == truth
    return Kills(killed, loaded, runs, equal)


def _words(out: Path, table: str) -> list[str]:
    """Return the words that go on with a run, or begin it where nothing was saved yet."""
    if (out / "checkpoints").is_dir() and any((out / "checkpoints").glob("step-*")):
        return ["fit", "--resume", str(out), "--no-report", "--quiet", "--checkpoint", "0.1s"]
    return ["fit", table, "--target", "y", "--out", str(out), *SETTINGS]


def _loads(out: Path) -> bool:
    """Tell whether the folder holds a whole snapshot, or nothing at all because none was due yet."""
    saved = out.exists() and any(path.is_dir() for path in out.rglob("step-*"))
    if not saved and not (out / "run.json").exists():
        return True
    try:
        RunFolder.read(out)
    except BadInput:
        return False
    return True
