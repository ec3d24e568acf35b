"""Levenberg-Marquardt on all of θ: a dense Jacobian, Cholesky in the smaller of two spaces.

With residuals r `[N]` and ``J = ∂r/∂θ`` `[N, P]`, a step is the least-squares solution of

    (JᵀJ + λ D) δ = -Jᵀ r,   or, where N < P,   δ = -D⁻¹Jᵀ (J D⁻¹Jᵀ + λ 1)⁻¹ r,

with D the diagonal of JᵀJ, kept from falling (Moré 1978).  λ follows the ratio ρ of the actual to the
predicted decrease (Nielsen 1999); a step that does not lower ‖r‖ is tried again with a larger λ, at
the cost of a factorization.  Geodesic acceleration adds ``δ₂ = -½ (JᵀJ + λD)⁻¹ Jᵀ r_δδ`` with the
second derivative of r along δ (Transtrum & Sethna 2012).
"""

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from ansatz.core import BadInput, Clock, Metrics, Update, trainable

FIRST = 1e-2
"""λ of the first step, relative to the scaled diagonal."""

LEAST, MOST = 1e-15, 1e12
"""The bounds of λ."""

BLOCKS = 3
"""Into how many rows of blocks a symmetric product is cut: none above the diagonal is formed."""

CHUNK = 256
"""For how many points the Jacobian is formed at once where only JᵀJ is needed: it then stays in the cache."""


class Damping(NamedTuple):
    """What a step leaves to the next: λ, the factor by which it grows, and D `[P]`."""

    value: Float[Array, ""]
    growth: Float[Array, ""]
    scale: Float[Array, " P"]


class Levenberg(Update):
    """Lower ``½ Σ r²`` over the residuals of one or several blocks of points.

    `residuals` holds one function a block, ``residual(model, point) -> r [m]`` on **one** point, and a
    batch holds as many trees whose arrays have the points along their leading axis.  A residual of all
    points together is a block of one point.  `tries` is the most factorizations a step may take and
    `geodesic` turns the acceleration on.

    Reports `loss` (½ Σ r² before the step), `damping`, `tries` and `gain` (ρ).

    >>> from ansatz.training.step import clock_at
    >>> def residual(model, point):
    ...     return jnp.stack([10 * (model[1] - model[0] ** 2), 1 - model[0]])
    >>> update, model, key = Levenberg((residual,)), jnp.asarray([-1.2, 1.0]), jax.random.key(0)
    >>> opt = update.init(model)
    >>> for _ in range(40):
    ...     model, opt, metrics = update.apply(model, opt, (jnp.zeros(1),), clock_at(0, 1), key)
    >>> [round(float(x), 3) for x in model]
    [1.0, 1.0]
    """

    residuals: tuple[Callable[[Any, Any], Array], ...]
    geodesic: bool = eqx.field(static=True, default=False)
    tries: int = eqx.field(static=True, default=8)

    def init(self, model: Any) -> PyTree:
        """Return the damping of the first step."""
        theta = ravel_pytree(eqx.filter(model, trainable(model)))[0]
        if theta.size == 0:
            raise BadInput("Levenberg-Marquardt moves parameters, and nothing in the model is trainable.")
        one = jnp.ones((), theta.dtype)
        return Damping(FIRST * one, 2 * one, jnp.zeros_like(theta))

    def apply(
        self, model: Any, opt: PyTree, batch: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Any, PyTree, Metrics]:
        """Take one step; where none of the tries lowers the residual, θ stays."""
        start, rest = eqx.partition(model, trainable(model))
        theta, unravel = ravel_pytree(start)

        def residual(theta: Array) -> Array:
            whole = eqx.combine(unravel(theta), rest)
            return jnp.concatenate(
                [jax.vmap(f, (None, 0))(whole, points).reshape(-1) for f, points in self._blocks(batch)]
            )

        r, pull = jax.vjp(residual, theta)
        tall = r.size >= theta.size
        formed = self._product(start, rest, batch) if tall else self._columns(start, rest, batch)
        system = Normal(formed, tall, r, lambda v: pull(v)[0], opt.scale)
        bend = self._bend(residual, theta) if self.geodesic else None
        theta, found = search(residual, theta, r, system, opt, self.tries, bend)
        moved = eqx.combine(unravel(theta), rest)
        metrics = {"loss": 0.5 * r @ r, "damping": found.damping, "tries": found.tries, "gain": found.gain}
        return moved, Damping(found.damping, found.growth, system.diagonal), metrics

    def _blocks(self, batch: Any) -> Any:
        return zip(self.residuals, batch, strict=True)

    def _columns(self, start: Any, rest: Any, batch: Any) -> Float[Array, "P N"]:
        """Return Jᵀ."""
        parts = [columns_of(f, start, rest, points) for f, points in self._blocks(batch)]
        return jnp.concatenate(parts, axis=1)

    def _product(self, start: Any, rest: Any, batch: Any) -> Float[Array, "P P"]:
        """Return the lower blocks of JᵀJ, summed over chunks of points; J as a whole is never formed."""
        theta = ravel_pytree(start)[0]
        total = jnp.zeros((theta.size, theta.size), theta.dtype)
        for f, points in self._blocks(batch):
            count = jax.tree.leaves(points)[0].shape[0]
            chunks = -(-count // CHUNK)
            size = -(-count // chunks)
            places = jnp.arange(chunks * size).reshape(chunks, size)

            def add(
                total: Array, rows: Array, f: Any = f, points: Any = points, count: int = count
            ) -> tuple[Array, None]:
                some = jax.tree.map(lambda leaf: leaf[jnp.minimum(rows, count - 1)], points)
                columns = columns_of(f, start, rest, some)
                real = jnp.repeat(rows < count, columns.shape[1] // rows.size)
                return total + gram(jnp.where(real, columns, jnp.zeros_like(columns))), None

            total = jax.lax.scan(add, total, places)[0]
        return total

    @staticmethod
    def _bend(residual: Callable[[Array], Array], theta: Array) -> Callable[[Array], Array]:
        def second(step: Array) -> Array:
            def first(t: Array) -> Array:
                return jax.jvp(residual, (t,), (step,))[1]

            return jax.jvp(first, (theta,), (step,))[1]

        return second


def columns_of(f: Callable, start: Any, rest: Any, points: Any) -> Float[Array, "P N"]:
    """Return the transposed Jacobian of one block, point by point in whichever mode has fewer passes."""

    def one(theta: Any, point: Any) -> Array:
        return f(eqx.combine(theta, rest), point)

    first = jax.tree.map(lambda leaf: leaf[0], points)
    size = jax.eval_shape(one, start, first).shape[0]
    mode = jax.jacrev if size <= ravel_pytree(start)[0].size else jax.jacfwd
    leaves = jax.tree.leaves(jax.vmap(mode(one), (None, 0))(start, points))
    length = leaves[0].shape[0] * size
    # Rows side by side and turned as a whole: turning each leaf by itself costs a fifth of the product more.
    return jnp.concatenate([leaf.reshape(length, -1) for leaf in leaves], axis=1).T


class Normal:
    """The normal equations of ``min ‖J δ + r‖² + λ ‖S δ‖²`` in the smaller of the two spaces.

    `formed` is JᵀJ (its lower blocks) if `tall`, else Jᵀ; `pull` is the product v ↦ Jᵀ v; steps are in the
    scaled unknowns S δ, S = diag(scale).
    """

    def __init__(
        self, formed: Float[Array, "P _"], tall: bool, r: Float[Array, " N"], pull: Callable, before: Array
    ):
        squares = jnp.diagonal(formed) if tall else (formed**2).sum(1)
        self.tall = tall
        self.diagonal = jnp.maximum(before, squares)
        self.scale = jnp.sqrt(jnp.where(self.diagonal > 0, self.diagonal, jnp.ones_like(self.diagonal)))
        if tall:
            self.matrix = formed / (self.scale[:, None] * self.scale[None, :])
        else:
            self.matrix = gram((formed / self.scale[:, None]).T)
        self.pull = pull
        self.r, self.gradient = r, pull(r) / self.scale

    def factor(self, damping: Array) -> Array:
        """Return the lower Cholesky factor of the damped matrix; nan where rounding made it indefinite."""
        places = jnp.arange(self.matrix.shape[0])
        return jax.lax.linalg.cholesky(self.matrix.at[places, places].add(damping), symmetrize_input=False)

    def step(self, factor: Array) -> Float[Array, " P"]:
        """Return the damped least-squares solution of J δ = -r, scaled."""
        if self.tall:
            return jax.scipy.linalg.cho_solve((factor, True), -self.gradient)
        return self.solve(factor, -self.r)

    def solve(self, factor: Array, right: Float[Array, " N"]) -> Float[Array, " P"]:
        """Return the damped least-squares solution of J δ = right, scaled."""
        if self.tall:
            return jax.scipy.linalg.cho_solve((factor, True), self.pull(right) / self.scale)
        return self.pull(jax.scipy.linalg.cho_solve((factor, True), right)) / self.scale

    def predicted(self, step: Array, damping: Array) -> Array:
        """Return the decrease of ½‖r‖² that the linear model promises for a scaled step."""
        return 0.5 * (damping * step @ step - self.gradient @ step)


class Found(NamedTuple):
    """What the search for a step has come to."""

    step: Float[Array, " P"]
    damping: Float[Array, ""]
    growth: Float[Array, ""]
    gain: Float[Array, ""]
    accepted: Array
    tries: Array


def search(
    residual: Callable[[Array], Array],
    theta: Float[Array, " P"],
    r: Float[Array, " N"],
    system: Normal,
    opt: Damping,
    tries: int,
    bend: Callable[[Array], Array] | None = None,
) -> tuple[Array, Found]:
    """Raise λ until a step lowers ½‖r‖², at most `tries` times; return the new θ and what was found."""
    loss = 0.5 * r @ r
    one = jnp.ones((), theta.dtype)

    def body(found: Found) -> Found:
        factor = system.factor(found.damping)
        step = system.step(factor)
        full = step
        if bend is not None:
            second = 0.5 * system.solve(factor, -bend(step / system.scale))
            small = 2 * jnp.linalg.norm(second) <= 0.75 * jnp.linalg.norm(step)
            full = step + jnp.where(small, second, jnp.zeros_like(second))
        after = residual(theta + full / system.scale)
        gain = (loss - 0.5 * after @ after) / system.predicted(step, found.damping)
        good = (gain > 1e-4) & jnp.isfinite(gain)
        calmer = found.damping * jnp.maximum(1 / 3, 1 - (2 * jnp.clip(gain, 0, 1) - 1) ** 3)
        damping = jnp.clip(jnp.where(good, calmer, found.damping * found.growth), LEAST, MOST)
        return Found(
            jnp.where(good, full / system.scale, jnp.zeros_like(full)),
            damping,
            jnp.where(good, 2 * one, 2 * found.growth),
            jnp.where(jnp.isfinite(gain), gain, -one),
            good,
            found.tries + 1,
        )

    none = Found(jnp.zeros_like(theta), opt.value, opt.growth, 0 * one, jnp.asarray(False), jnp.asarray(0))
    found = jax.lax.while_loop(lambda f: ~f.accepted & (f.tries < tries), body, none)
    return theta + found.step, found._replace(growth=jnp.minimum(found.growth, 1e6))


def gram(rows: Float[Array, "P N"]) -> Float[Array, "P P"]:
    """Return the lower blocks of A Aᵀ; above them stand zeros, which no factorization reads.

    >>> jnp.tril(gram(jnp.asarray([[1.0, 2.0], [3.0, 4.0]]))).tolist()
    [[5.0, 0.0], [11.0, 25.0]]
    """
    size = rows.shape[0]
    edges = [size * i // BLOCKS for i in range(BLOCKS + 1)]
    bands = []
    for low, high in itertools.pairwise(edges):
        if high > low:
            band = rows[low:high] @ rows[:high].T
            bands.append(jnp.pad(band, ((0, 0), (0, size - high))))
    return jnp.concatenate(bands)
