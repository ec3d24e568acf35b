"""What every worker of A3C computes in its turn, compiled once, and the rules that move the θ they share."""

from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, PRNGKeyArray, PyTree

from ansatz._spelling import choose
from ansatz.core import BadInput
from ansatz.rl.a3c import A3C, flat
from ansatz.training.program import Columns
from ansatz.training.step import FIRST, clock_at

DECAY, EPSILON = 0.99, 1e-5
"""ρ and ε of RMSProp, as A2C has them."""


class Answer(NamedTuple):
    """A gradient `[P]`, the factor on the learning rate, where the worker stands now, a row of metrics."""

    gradient: Array
    factor: Array
    playing: PyTree
    row: Array


class Worker:
    """The compiled turn `(θ, playing, step, total) -> Answer` of a recipe in an environment.

    Randomness is that of `fit` with the same key: step k of the run has the same key whoever takes it.
    """

    def __init__(self, recipe: A3C, env: Any, key: PRNGKeyArray):
        if recipe.normalize or recipe.scale:
            raise BadInput(
                "Moments of observations and returns are not shared by asynchronous workers: set "
                "normalize=False and scale=False."
            )
        parts = recipe.build(env, key)
        self.source: Any = parts.source
        self.objective: Any = parts.updates[0].objective  # pyright: ignore[reportAttributeAccessIssue]
        self.schedule: Any = parts.updates[0].schedule  # pyright: ignore[reportAttributeAccessIssue]
        self.report, self.recipe, self.key = parts.updates[1], recipe, key
        self.model = parts.model
        self.columns = Columns()
        theta, self.rebuild = flat(parts.model)
        self.theta = np.array(theta, np.float32)
        self.turn = jax.jit(self._turn)
        # Tracing it tells the names of the metrics, which actors in other processes will not tell.
        shapes = jax.eval_shape(self.turn, self.theta, self.starts()[0], np.int32(0), np.int32(1))
        self.width = shapes.row.shape[0]

    def starts(self) -> list[PyTree]:
        """Return where each worker begins, as the workers of the simulation do."""
        playing = self.source.init(self.model, jax.random.fold_in(self.key, FIRST)).playing
        envs = self.recipe.envs
        return [self.source.part(playing, i * envs) for i in range(self.recipe.workers)]

    def _turn(self, theta: Array, playing: PyTree, step: Array, total: Array) -> Answer:
        clock = clock_at(step, total)
        keys = jax.random.split(jax.random.fold_in(self.key, step), 3)
        batch, playing = self.source.rollout.next(playing, self.rebuild(theta), clock, keys[0])

        def loss(theta: Array) -> tuple[Array, Any]:
            return self.objective(self.rebuild(theta), batch.samples, keys[1])

        (value, metrics), gradient = jax.value_and_grad(loss, has_aux=True)(theta)
        if self.recipe.largest:
            clip = optax.clip_by_global_norm(self.recipe.largest)
            shortened: Any = clip.update(gradient, clip.init(theta))[0]
            gradient = shortened
        factor = jnp.ones(()) if self.schedule is None else self.schedule(clock.fraction)
        ended = self.report.apply(self.model, (), batch, clock, keys[2])[2]
        return Answer(gradient, factor, playing, self.columns.pack({"loss": value} | metrics | ended))


class SharedRMSProp:
    """``G ← ρ G + (1 - ρ) g²,  θ ← θ - η g / (√G + ε)``, with one G for all workers, in place."""

    def __init__(self, size: int, rate: float):
        self.rate, self.G = rate, np.zeros(size, np.float32)

    def move(self, theta: np.ndarray, gradient: np.ndarray, factor: float) -> None:
        """Move θ by a gradient, the learning rate times `factor`."""
        self.G *= DECAY
        self.G += (1 - DECAY) * gradient**2
        theta -= self.rate * factor * (gradient / (np.sqrt(self.G) + EPSILON))


class SharedDescent:
    """``θ ← θ - η g``, in place."""

    def __init__(self, size: int, rate: float):
        self.rate = rate

    def move(self, theta: np.ndarray, gradient: np.ndarray, factor: float) -> None:
        """Move θ by a gradient, the learning rate times `factor`."""
        theta -= self.rate * factor * gradient


Rule: TypeAlias = SharedRMSProp | SharedDescent
RULES: dict[str, Any] = {"rmsprop": SharedRMSProp, "gradient_descent": SharedDescent}


def rule_of(recipe: A3C, size: int) -> Rule:
    """Return the rule that a recipe's `optimizer` names, for θ of so many numbers."""
    if recipe.optimizer == "adam":
        raise BadInput(
            "Asynchronous workers share no Adam, whose corrections count steps: use rmsprop, or fit the "
            "simulation."
        )
    return choose("optimizer", recipe.optimizer, RULES)(size, recipe.learning_rate)


class Logged(NamedTuple):
    """What an update was: its number, the worker, its staleness, and the metrics of the turn as a row."""

    step: int
    worker: int
    staleness: int
    row: np.ndarray


class Outcome(NamedTuple):
    """The θ that came out, what was logged, and the seconds of that.

    `bad` is the row of a turn that gave no finite numbers, where one did; `interrupted`: the user stopped it.
    """

    theta: np.ndarray
    logged: list[Logged]
    seconds: float
    bad: np.ndarray | None
    interrupted: bool


def finite(gradient: np.ndarray, row: np.ndarray) -> bool:
    """Tell whether a turn gave numbers, and may move θ."""
    return bool(np.isfinite(row).all() and np.isfinite(gradient).all())
