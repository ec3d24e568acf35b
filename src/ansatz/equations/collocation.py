"""A network trained on the residuals of an equation: the recipe, its points, and its methods."""

import json
import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, PRNGKeyArray, PyTree

from ansatz._spelling import choose
from ansatz.core import Clock, Parts, Recipe, Source
from ansatz.equations.broyden import broyden
from ansatz.equations.levenberg import Levenberg
from ansatz.equations.neural import make_ansatz, rows_of
from ansatz.equations.statement import restated
from ansatz.training.optimizers import optimizer
from ansatz.training.soap import soap
from ansatz.training.updates import Descend

METHODS = ("lm", "broyden", "lbfgs", "soap", "adam")


class Everywhere(Source):
    """All points at every step."""

    blocks: tuple[Any, ...]

    def init(self, model: Any, key: PRNGKeyArray) -> PyTree:
        """Return nothing: no state is needed."""
        return ()

    def next(self, state: PyTree, model: Any, clock: Clock, key: PRNGKeyArray) -> tuple[Any, PyTree]:
        """Return every block."""
        return self.blocks, state


class Adaptive(Source):
    """Points of the first block drawn anew where the residual is large, the others as they are.

    Every `every` steps N of the pool's points are drawn with probability ∝ |r|^k / mean |r|^k + c, with
    k = c = 1 (RAD, Wu et al. 2023), inside the compiled loop.
    """

    blocks: tuple[Any, ...]
    residual: Any = eqx.field(static=True)
    size: int = eqx.field(static=True)
    every: int = eqx.field(static=True)

    def init(self, model: Any, key: PRNGKeyArray) -> PyTree:
        """Return the rows of the pool that are used first."""
        return jnp.arange(self.size)

    def next(self, state: PyTree, model: Any, clock: Clock, key: PRNGKeyArray) -> tuple[Any, PyTree]:
        """Return the points, drawn anew if it is time."""
        pool = self.blocks[0]

        def drawn() -> Array:
            r = jax.vmap(self.residual, (None, 0))(model, pool)
            size = jnp.sqrt((r**2).sum(1))
            chance = size / jnp.maximum(size.mean(), 1e-300) + 1
            return jr.choice(key, size.shape[0], (self.size,), replace=False, p=chance / chance.sum()).astype(
                state.dtype
            )

        due = (clock.step % self.every == 0) & (clock.step > 0)
        state = jax.lax.cond(due, drawn, lambda: state)
        return (jax.tree.map(lambda leaf: leaf[state], pool), *self.blocks[1:]), state


class Collocation(Recipe):
    """Train a network on an equation, stated in text (JSON of `statement`).

    `method` is lm, broyden, lbfgs, soap or adam; `soft` keeps the conditions as penalties of weight
    `penalty` (√ of the usual factor); `points` are those inside; with adam and soap they are drawn anew
    every `resample` steps (0: never).
    """

    statement: str = "{}"
    method: str = "lm"
    width: int = 24
    depth: int = 3
    activation: str = "tanh"
    waves: int = 3
    points: int = 2048
    soft: bool = False
    penalty: float = 3.0
    learning_rate: float = 3e-3
    resample: int = 200
    point_seed: int = 0

    def build(self, data: Any, key: PRNGKeyArray) -> Parts:
        """Return the untrained network, its points and its update, in the float type that is switched on."""
        choose("method", self.method, dict.fromkeys(METHODS))
        problem = restated(json.loads(self.statement))
        adapts = self.method in ("adam", "soap") and self.resample > 0
        model, left = make_ansatz(
            problem, width=self.width, depth=self.depth, activation=self.activation, soft=self.soft,
            waves=self.waves, key=key,
        )  # fmt: skip
        real = jnp.zeros(()).dtype
        model = jax.tree.map(lambda leaf: leaf.astype(real) if eqx.is_inexact_array(leaf) else leaf, model)
        pool = self.points * (4 if adapts else 1)
        rows = rows_of(problem, model, left, pool, self.point_seed, self.penalty)
        blocks = tuple(jax.tree.map(lambda leaf: jnp.asarray(leaf, real), one.points) for one in rows)
        residuals = tuple(one.residual for one in rows)
        if adapts:
            source: Source = Adaptive(blocks, residuals[0], self.points, self.resample)
        else:
            source = Everywhere(blocks)
        return Parts(model, source, (self._update(residuals, math.sqrt(pool / self.points)),))

    def _update(self, residuals: tuple[Any, ...], scale: float) -> Any:
        if self.method == "lm":
            return Levenberg(residuals)
        objective = Squares(residuals, scale)
        if self.method == "broyden":
            return Descend(objective, broyden())
        if self.method == "soap":
            return Descend(objective, soap(self.learning_rate))
        if self.method == "lbfgs":
            return Descend(objective, optimizer("lbfgs", None))
        return Descend(objective, optimizer("adam", self.learning_rate), schedule=_falling)


class Squares(NamedTuple):
    """The objective ½ Σ r² over blocks of points; `scale` allows for a first block that is part of a pool."""

    residuals: tuple[Any, ...]
    scale: float

    def __call__(self, model: Any, batch: Any, key: Any) -> tuple[Array, dict[str, Any]]:
        """Return the loss."""
        parts = [
            jax.vmap(r, (None, 0))(model, points) for r, points in zip(self.residuals, batch, strict=True)
        ]
        total = 0.5 * self.scale**2 * (parts[0] ** 2).sum()
        for part in parts[1:]:
            total = total + 0.5 * (part**2).sum()
        return total, {}


def _falling(t: Any) -> Any:
    return jnp.asarray(0.01) ** jnp.asarray(t)
