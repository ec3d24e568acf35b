"""A network trained on the residuals of an equation: the recipe, its points, and its methods."""

import functools
import json
import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, PRNGKeyArray, PyTree

from ansatz._spelling import choose
from ansatz.core import BadInput, Clock, Fixed, Parts, Recipe, Source
from ansatz.equations.broyden import broyden
from ansatz.equations.levenberg import Levenberg
from ansatz.equations.neural import make_ansatz, rows_of
from ansatz.equations.problem import Problem
from ansatz.equations.slopes import SLOPES
from ansatz.equations.statement import restated
from ansatz.equations.together import Apart
from ansatz.maps.shapes import positive
from ansatz.training.optimizers import optimizer
from ansatz.training.soap import soap
from ansatz.training.updates import Descend

METHODS = ("lm", "broyden", "lbfgs", "soap", "adam")
RESAMPLE = {"lm": 3, "soap": 200, "adam": 200}
"""After how many steps points are drawn anew; the others need the same ones at every step."""
POOL = 8
"""How many points are there to draw from for each that is used."""
POINTS = {"lm": 4096}
"""How many points are used; a step of the others, of which there are many more, gets half of them."""


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
            chance = size / jnp.maximum(size.mean(), jnp.finfo(size.dtype).tiny) + 1
            return jr.choice(key, size.shape[0], (self.size,), replace=False, p=chance / chance.sum()).astype(
                state.dtype
            )

        due = (clock.step % self.every == 0) & (clock.step > 0)
        state = jax.lax.cond(due, drawn, lambda: state)
        return (jax.tree.map(lambda leaf: leaf[state], pool), *self.blocks[1:]), state


class Collocation(Recipe):
    """Train a network on an equation, stated in text (JSON of `statement`).

    `method` is lm, broyden, lbfgs, soap or adam; `soft` keeps the conditions as penalties of weight
    `penalty` (√ of the usual factor); `points` are those inside (None: 4096 with lm, else 2048, and a
    quarter of that on a line).  With lm, soap and adam they are drawn
    anew from a pool every `resample` steps (0: never; None: every 3 with lm, which soon fits what lies
    at fixed points of a shock and not what is between them, else 200).

    The data are None, or one network's of several that are trained at once: the values of the statement's
    unknown constants, by name, and the key of its parameters.
    """

    statement: str = "{}"
    method: str = "lm"
    width: int = 24
    depth: int = 3
    activation: str = "tanh"
    waves: int = 3
    points: int | None = None
    soft: bool = False
    penalty: float = 3.0
    learning_rate: float = 3e-3
    resample: int | None = None
    point_seed: int = 0

    def build(self, data: Any, key: PRNGKeyArray) -> Parts:
        """Return the untrained network, its points and its update, in the float type that is switched on."""
        self._check()
        constants, own = ({}, key) if data is None else data
        problem = _stated(self.statement)
        every = RESAMPLE.get(self.method, 0) if self.resample is None else self.resample
        points = self._points(len(problem.coordinates))
        adapts = self.method in RESAMPLE and every > 0
        model, left = make_ansatz(
            problem, width=self.width, depth=self.depth, activation=self.activation, soft=self.soft,
            waves=self.waves, key=own,
        )  # fmt: skip
        if constants:
            values = np.array([constants[name] for name in model.parameters], np.float64)
            model = eqx.tree_at(lambda one: one.constants, model, Fixed(values))
        real = jnp.zeros(()).dtype
        model = jax.tree.map(lambda leaf: leaf.astype(real) if eqx.is_inexact_array(leaf) else leaf, model)
        pool = POOL if adapts else 1
        rows = rows_of(problem, model, left, points, self.point_seed, self.penalty, pool)
        blocks = tuple(jax.tree.map(lambda leaf: jnp.asarray(leaf, real), one.points) for one in rows)
        residuals = tuple(one.residual for one in rows)
        if adapts:
            source: Source = Adaptive(blocks, residuals[0], points, every)
        else:
            source = Everywhere(blocks)
        update = self._update(residuals)
        return Parts(model, source, (update if data is None else Apart(update),))

    def _check(self) -> None:
        """Raise `BadInput` where a field does not fit; the network's maps judge their own sizes."""
        choose("method", self.method, dict.fromkeys(METHODS))
        choose("smooth activation", self.activation, SLOPES)
        positive("A network", points=self._points(2), waves=self.waves)
        every = 0 if self.resample is None else self.resample
        if isinstance(every, bool) or not isinstance(every, int) or every < 0:
            raise BadInput(f"A network needs resample to be an integer of at least 0, not {every!r}.")
        for name in ("penalty", "learning_rate"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
                raise BadInput(f"A network needs {name} to be a number above 0, not {value!r}.")

    def _points(self, dimensions: int) -> int:
        if self.points is not None:
            return self.points
        return POINTS.get(self.method, 2048) // (1 if dimensions > 1 else 4)

    def _update(self, residuals: tuple[Any, ...]) -> Any:
        if self.method == "lm":
            return Levenberg(residuals)
        objective = Squares(residuals)
        if self.method == "broyden":
            return Descend(objective, broyden())
        if self.method == "soap":
            return Descend(objective, soap(self.learning_rate))
        if self.method == "lbfgs":
            return Descend(objective, optimizer("lbfgs", None))
        return Descend(objective, optimizer("adam", self.learning_rate), schedule=_falling)


@functools.lru_cache(maxsize=16)
def _stated(text: str) -> Problem:
    """Return the problem of a statement, which every network of it shares."""
    return restated(json.loads(text))


class Squares(NamedTuple):
    """The objective ½ Σ r² over blocks of points."""

    residuals: tuple[Any, ...]

    def __call__(self, model: Any, batch: Any, key: Any) -> tuple[Array, dict[str, Any]]:
        """Return the loss."""
        pairs = zip(self.residuals, batch, strict=True)
        parts = [(jax.vmap(r, (None, 0))(model, points) ** 2).sum() for r, points in pairs]
        return 0.5 * functools.reduce(jnp.add, parts), {}


def _falling(t: Any) -> Any:
    return jnp.asarray(0.01) ** jnp.asarray(t)
