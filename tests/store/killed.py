"""Kills writers at random moments and says what is left; run as a program by `test_processes.py`.

The writers are forked from one process, for to import JAX takes longer than to be killed; they write
no columns, for the threads of polars do not survive a fork.
"""

import json
import os
import random
import signal
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from ansatz.core import BadInput
from ansatz.store import RunFolder, Snapshot

FINISH = 5


def snapshot(step: int) -> Snapshot:
    return Snapshot(
        info={"step": step},
        model=np.full(20_000, float(step)),
        state={"moments": (np.full(3_000, step), None)},
        best=np.full(2_000, step),
        step=step,
    )


def write(path: Path, first: int, acknowledge: int) -> None:
    """Write checkpoints and finished runs by turns, and say each one that is done."""
    step = first
    with RunFolder.create(path) as folder:
        while True:
            if step % FINISH == FINISH - 1:
                folder.finish(snapshot(step), {"report.html": b"x" * step})
            else:
                folder.checkpoint(snapshot(step))
            os.write(acknowledge, step.to_bytes(8, "little"))
            step += 1


def killed_writer(path: Path, first: int, seconds: float, after_one: bool) -> int:
    """Return the last step that a writer acknowledged before it was killed, `first - 1` if none.

    The seconds count from the start, or from the first acknowledgment.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            write(path, first, writing)
        finally:
            os._exit(1)
    os.close(writing)
    last = first - 1
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        if after_one:
            last = int.from_bytes(pipe.read(8), "little")
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        while record := pipe.read(8):
            last = int.from_bytes(record, "little")
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        raise RuntimeError(f"the writer ended by itself with {os.waitstatus_to_exitcode(status)}")
    return last


def main(path: Path, rounds: int, seed: int) -> None:
    warnings.simplefilter("ignore")  # JAX warns of forks; its threads never start here
    draw, step, torn = random.Random(seed), 0, 0
    lost: list[str] = []
    for turn in range(rounds):
        torn += any(path.rglob(".writing-*"))
        acknowledged = killed_writer(path, step, draw.uniform(0.0, 0.08), turn % 2 == 1)
        try:
            found, _ = RunFolder.read(path)
        except BadInput as error:
            if acknowledged >= 0:
                lost.append(str(error))
            continue
        same = np.all(found.model == found.step) and np.all(found.best == found.step)
        if not same or found.step < acknowledged or found.step > acknowledged + 1:
            lost.append(f"{found.step} was loaded and {acknowledged} was acknowledged")
        step = found.step + 1
    print(json.dumps({"lost": lost, "steps": step, "torn": torn}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
