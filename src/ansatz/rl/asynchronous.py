"""A3C as it is meant: workers that move one θ without waiting for one another, in threads or processes.

    run = asynchronous(A3C(workers=4), env, steps=20_000)
    run.info["staleness"]                     the shares of gradients that were 0, 1, 2, … updates old

`fit(A3C(delays=tuple(run.info["staleness"])), env, steps=…)` then simulates what was measured.
"""

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ansatz._spelling import choose
from ansatz.core import BadInput, Status
from ansatz.rl.a3c import A3C
from ansatz.rl.a3c_worker import Outcome, Worker
from ansatz.rl.rollout import check_sizes
from ansatz.training.run import Run, versions

BACKENDS = ("threads", "ray")
REMARK = "Asynchronous workers: the same key does not give the same bits, and the run cannot be resumed."


def asynchronous(recipe: Any, env: Any, *, steps: int, backend: str = "threads", key: Any = 0) -> Run:
    """Train by A3C with real concurrency, and return the run.

    - `recipe`: its `workers` are threads, or actors; `delays` are for the simulation alone;
    - `steps`: the number of updates, of all workers together; each learns from recipe.steps · recipe.envs
      steps of the environment;
    - `backend`: "threads" (lock-free, in this process) or "ray" (processes, on many machines too);
    - `key`: as in `fit`; one thread does what `fit` does with one worker, but for rounding.

    The history has a row for each update, with its `worker` and its `staleness`; `run.info` has the shares
    of all stalenesses and `steps_per_second` of the environment; the threads' is without compiling.

    Raises:
        BadInput: the recipe is no `A3C`, or asks for what workers cannot share: adam, normalize, scale.
        ModuleNotFoundError: Ray is asked for and not installed.
    """
    if not isinstance(recipe, A3C):
        raise BadInput(f"Asynchronous workers run A3C, not {type(recipe).__name__}: use fit.")
    choose("backend", backend, dict.fromkeys(BACKENDS))
    check_sizes(steps=steps)
    key = jax.random.key(key) if isinstance(key, int | np.integer) else key
    begun = time.monotonic()
    worker = Worker(recipe, env, jax.random.fold_in(key, 0))
    if backend == "ray":
        from ansatz.rl.a3c_ray import train

        outcome = train(worker, env, steps)
    else:
        from ansatz.rl.a3c_threads import train

        outcome = train(worker, steps)
    return _run(worker, outcome, steps, key, backend, time.monotonic() - begun)


def _run(worker: Worker, outcome: Outcome, steps: int, key: Any, backend: str, seconds: float) -> Run:
    logged, recipe = outcome.logged, worker.recipe
    rows = np.stack([one.row for one in logged]) if logged else np.zeros((0, worker.width), np.float32)
    staleness = np.array([one.staleness for one in logged], np.int32)
    history = {
        "stage": np.zeros(len(logged), np.int32),
        "step": np.array([one.step for one in logged], np.int32),
        **worker.columns.unpack(rows),
        "staleness": staleness.astype(np.float32),
        "worker": np.array([one.worker for one in logged], np.float32),
    }
    status, message = _ending(worker, outcome)
    played = len(logged) * recipe.envs * recipe.steps
    info = {
        "driver": backend,
        "placement": ["one", 1],
        "step_seconds": outcome.seconds / max(len(logged), 1),
        "compile_seconds": seconds - outcome.seconds,
        "seconds": seconds,
        "best_step": None,
        "versions": versions(),
        "remarks": [] if backend == "threads" and recipe.workers == 1 else [REMARK],
        "workers": recipe.workers,
        "staleness": (np.bincount(staleness) / max(len(logged), 1)).tolist(),
        "steps_per_second": played / outcome.seconds,
    }
    theta = jnp.asarray(outcome.theta)
    return Run(
        model=worker.rebuild(theta), status=status, message=message, step=len(logged), total=steps, stage=0,
        seeds=1, key=key, recipe=recipe, history=history, validation={}, state={"theta": outcome.theta},
        info=info,
    )  # fmt: skip


def _ending(worker: Worker, outcome: Outcome) -> tuple[Status, str]:
    if outcome.bad is not None:
        name = worker.columns.place_name(int(np.argmin(np.isfinite(outcome.bad))))
        return Status.nonfinite, (
            f"The metric {name!r} of a worker became no finite number after {len(outcome.logged)} updates; "
            "the parameters before that are kept. A smaller learning rate or clipping helps."
        )
    status = Status.interrupted if outcome.interrupted else Status.finished
    return status, status.value
