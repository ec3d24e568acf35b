"""A3C in threads: N workers that move one θ in place, without locks (Niu et al. 2011, "Hogwild!").

A turn is one compiled call, during which Python's lock is free for the others.  θ and the G of RMSProp are
arrays of float32 in shared memory.  A worker reads θ by copying it, and writes by adding to it; nothing
keeps another from writing meanwhile.  Each counts its own writes, so that their sum is θ's version: the
staleness of a gradient is the version when it is written minus the version when θ was read.

Which worker is when where is up to the operating system: the same key does not give the same bits, unless
there is one worker.
"""

import itertools
import threading
import time
from typing import Any

import numpy as np
from jaxtyping import PyTree

from ansatz.rl.a3c_worker import Logged, Outcome, Rule, Worker, finite, rule_of
from ansatz.training.hooks import Interrupt

PATIENCE = 0.05
"""The seconds between two looks at whether the user wants to stop."""


class Shared:
    """What the threads share."""

    def __init__(self, theta: np.ndarray, rule: Rule, workers: int, steps: int):
        self.theta, self.rule, self.steps = theta, rule, steps
        self.writes = np.zeros(workers, np.int64)
        self.tickets = itertools.count()
        self.stop = threading.Event()
        self.start = threading.Barrier(workers)
        self.bad: np.ndarray | None = None
        self.error: BaseException | None = None

    @property
    def version(self) -> int:
        """The number of updates so far."""
        return int(self.writes.sum())


def train(worker: Worker, steps: int) -> Outcome:
    """Take so many updates in all, by as many threads as the recipe has workers."""
    workers, starts = worker.recipe.workers, worker.starts()
    theta = worker.theta.copy()
    shared = Shared(theta, rule_of(worker.recipe, theta.size), workers, steps)
    _compile(worker, starts[0], steps)
    logs: list[list[Logged]] = [[] for _ in range(workers)]
    threads = [
        threading.Thread(target=_work, args=(shared, worker, i, starts[i], logs[i]), daemon=True)
        for i in range(workers)
    ]
    begun = time.monotonic()
    with Interrupt() as interrupt:
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(PATIENCE)
                if interrupt.wished:
                    shared.stop.set()
    if shared.error is not None:
        raise shared.error
    logged = sorted(itertools.chain(*logs), key=lambda one: one.step)
    stopped = interrupt.wished and len(logged) < steps
    return Outcome(theta, logged, time.monotonic() - begun, shared.bad, stopped)


def _work(shared: Shared, worker: Worker, index: int, playing: PyTree, log: list[Logged]) -> None:
    total = np.int32(shared.steps)
    try:
        shared.start.wait()
        # A count of C's is taken whole: no two threads get the same ticket.
        while not shared.stop.is_set() and (step := next(shared.tickets)) < shared.steps:
            read = shared.version
            answer = worker.turn(shared.theta.copy(), playing, np.int32(step), total)
            gradient, row = np.asarray(answer.gradient), np.asarray(answer.row)
            if not finite(gradient, row):
                shared.bad = row
                shared.stop.set()
                break
            playing, written = answer.playing, shared.version
            shared.rule.move(shared.theta, gradient, float(answer.factor))
            shared.writes[index] += 1
            log.append(Logged(step, index, written - read, row))
    except BaseException as error:
        shared.error = error
        shared.stop.set()


def _compile(worker: Worker, playing: PyTree, steps: int) -> Any:
    """Take a turn and throw it away: the threads then find it compiled."""
    return worker.turn(worker.theta.copy(), playing, np.int32(0), np.int32(steps)).row.block_until_ready()
