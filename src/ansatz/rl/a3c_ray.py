"""A3C in processes, on one machine or many: actors of Ray compute gradients, and one process moves θ.

Gradients are applied in the order in which they arrive; the actor that sent one then gets the newest θ.  The
staleness of a gradient is the number of updates between its θ and its arrival.  JAX is imported inside the
actors, which are processes of their own: forking one that has started JAX would hang.
"""

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ansatz.rl.a3c import A3C
from ansatz.rl.a3c_worker import Logged, Outcome, Worker, finite, rule_of
from ansatz.training.hooks import Interrupt


class Actor:
    """A worker in a process of its own."""

    def __init__(self, recipe: A3C, env: Any, key: np.ndarray, kind: str, index: int):
        self.worker = Worker(recipe, env, jax.random.wrap_key_data(jnp.asarray(key), impl=kind))
        self.playing = self.worker.starts()[index]

    def turn(self, theta: np.ndarray, step: int, total: int) -> tuple[np.ndarray, float, np.ndarray]:
        """Return a gradient, the factor on the learning rate, and the metrics as a row."""
        # What Ray hands over is read-only memory that others see: the copy is this turn's own.
        answer = self.worker.turn(np.array(theta), self.playing, np.int32(step), np.int32(total))
        self.playing = answer.playing
        return np.asarray(answer.gradient), float(answer.factor), np.asarray(answer.row)


def train(worker: Worker, env: Any, steps: int) -> Outcome:
    """Take so many updates in all, from as many actors as the recipe has workers."""
    ray = installed_ray()
    begun = not ray.is_initialized()
    if begun:
        ray.init(include_dashboard=False, log_to_driver=False)
    try:
        return _train(ray, worker, env, steps)
    finally:
        if begun:
            ray.shutdown()


def installed_ray() -> Any:
    """Return Ray, or say that it is not there."""
    try:
        import ray  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Ray is not installed, which A3C in processes is for: pip install ray, or use backend='threads'.",
            name=error.name,
        ) from error
    return ray


def _train(ray: Any, worker: Worker, env: Any, steps: int) -> Outcome:
    recipe, key = worker.recipe, worker.key
    theta = worker.theta.copy()
    rule = rule_of(recipe, theta.size)
    told = (recipe, env, np.asarray(jax.random.key_data(key)), str(jax.random.key_impl(key)))
    make = ray.remote(Actor).options(num_cpus=1)
    actors = [make.remote(*told, i) for i in range(min(recipe.workers, steps))]
    logged: list[Logged] = []
    pending: dict[Any, tuple[int, int, int]] = {}

    def hand_out(index: int, step: int) -> None:
        pending[actors[index].turn.remote(theta.copy(), step, steps)] = (index, step, len(logged))

    begun = time.monotonic()
    for i in range(len(actors)):
        hand_out(i, i)
    given = len(actors)
    with Interrupt() as interrupt:
        while pending and not interrupt.wished:
            (arrived,), _ = ray.wait(list(pending), num_returns=1)
            index, step, read = pending.pop(arrived)
            gradient, factor, row = ray.get(arrived)
            if not finite(gradient, row):
                return Outcome(theta, logged, time.monotonic() - begun, row, False)
            staleness = len(logged) - read
            rule.move(theta, gradient, factor)
            logged.append(Logged(step, index, staleness, row))
            if given < steps:
                hand_out(index, given)
                given += 1
    logged = sorted(logged, key=lambda one: one.step)
    return Outcome(theta, logged, time.monotonic() - begun, None, len(logged) < steps)
