"""Optimizers and learning-rate schedules by name: thin names over Optax (notes §2).

A schedule is a function of the fraction t in [0, 1] of the run that is over, and gives the factor on
the learning rate.  The engine's `Descend(..., schedule=schedule("cosine"))` reads the run's clock; in a loop
of one's own `optimizer(..., schedule="cosine", steps=n)` counts steps itself.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from ansatz._spelling import choose
from ansatz.core import BadInput

Schedule = Callable[[Any], Float[Array, ""]]


def gradient_descent(learning_rate: Any) -> optax.GradientTransformation:
    """``θ ← θ - α g`` (notes §2)."""
    return optax.sgd(learning_rate)


def momentum(learning_rate: Any, decay: float = 0.9) -> optax.GradientTransformation:
    """``v ← μ v + g``, ``θ ← θ - α v``, with μ = `decay` in [0, 1) (Polyak 1964)."""
    return optax.sgd(learning_rate, momentum=decay)


def nesterov(learning_rate: Any, decay: float = 0.9) -> optax.GradientTransformation:
    """``v ← μ v + g``, ``θ ← θ - α (g + μ v)``, with μ = `decay` in [0, 1) (Nesterov 1983)."""
    return optax.sgd(learning_rate, momentum=decay, nesterov=True)


def adam(learning_rate: Any) -> optax.GradientTransformation:
    """``θ ← θ - α m̂ / (√v̂ + 1e-8)``, moments with decays 0.9 and 0.999 (Kingma & Ba 2015)."""
    return _loose(optax.adam(learning_rate))


def adamw(learning_rate: Any, weight_decay: float = 1e-2) -> optax.GradientTransformation:
    """``θ ← θ - α (m̂ / (√v̂ + 1e-8) + λ θ)`` with λ = `weight_decay` (Loshchilov & Hutter 2019).

    Only arrays of two and more axes decay: weights do, biases and scales do not.
    """
    return _loose(optax.adamw(learning_rate, weight_decay=weight_decay, mask=_matrices))


def lbfgs(learning_rate: Any = None, memory: int = 10) -> optax.GradientTransformation:
    """L-BFGS with a zoom line search, or with a fixed step where a `learning_rate` is given.

    It remembers `memory` steps and wants the same points at every step (Liu & Nocedal 1989).
    """
    return _loose(optax.lbfgs(learning_rate, memory_size=memory))


def constant(t: Any) -> Float[Array, ""]:
    """``1``."""
    return jnp.ones_like(_fraction(t))


def cosine(t: Any) -> Float[Array, ""]:
    """``(1 + cos(π t)) / 2``: from 1 to 0 (Loshchilov & Hutter 2017)."""
    return (1 + jnp.cos(math.pi * _fraction(t))) / 2


def exponential(t: Any) -> Float[Array, ""]:
    """``100^(-t)``: from 1 to 1/100, by the same factor in each step."""
    return jnp.exp(-math.log(100) * _fraction(t))


def step(t: Any) -> Float[Array, ""]:
    """1, then 1/10 from t = 1/2 on, then 1/100 from t = 3/4 on."""
    t = _fraction(t)
    one = jnp.ones_like(t)
    return jnp.where(t < 0.5, one, jnp.where(t < 0.75, one / 10, one / 100))


class _Kind(NamedTuple):
    """A constructor, and whether it has weight decay and takes a schedule."""

    make: Callable[..., optax.GradientTransformation]
    decays: bool = False
    scheduled: bool = True


OPTIMIZERS: dict[str, _Kind] = {
    "gradient_descent": _Kind(gradient_descent),
    "momentum": _Kind(momentum),
    "nesterov": _Kind(nesterov),
    "adam": _Kind(adam),
    "adamw": _Kind(adamw, decays=True),
    "lbfgs": _Kind(lbfgs, scheduled=False),
}

SCHEDULES: dict[str, Schedule] = {
    "constant": constant,
    "cosine": cosine,
    "exponential": exponential,
    "step": step,
}


def schedule(name: str, warmup: float = 0.0) -> Schedule:
    """Return the schedule of this name: a function of the fraction t of the run.

    During the first `warmup` (a fraction in [0, 1)) the factor rises linearly from 0 to 1; the schedule
    of that name then runs over the rest.  Unknown names raise `BadInput`.

    >>> rate = schedule("cosine", warmup=0.2)
    >>> [round(float(rate(t)), 3) for t in (0.0, 0.1, 0.2, 0.6, 1.0)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    shape = choose("schedule", name, SCHEDULES)
    if not 0 <= warmup < 1:
        raise BadInput(f"The warmup is a fraction of the run in [0, 1), not {warmup!r}.")
    if not warmup:
        return shape

    def warmed(t: Any) -> Float[Array, ""]:
        t = _fraction(t)
        return jnp.where(t < warmup, t / warmup, shape((t - warmup) / (1 - warmup)))

    return warmed


def optimizer(
    name: str = "adam",
    learning_rate: float | None = 1e-3,
    schedule: str = "constant",
    steps: int | None = None,
    warmup: int = 0,
    weight_decay: float = 0.0,
    clip: float | None = None,
) -> optax.GradientTransformation:
    """Return an Optax optimizer: clip, then the named rule with its schedule.

    * `name`: gradient_descent, momentum, nesterov, adam, adamw or lbfgs.
    * `learning_rate` α > 0; None, for lbfgs alone, searches along the line instead.
    * `schedule`: constant, cosine, exponential or step, over `steps` steps, of which `warmup` rise to α.
    * `weight_decay` λ ≥ 0, for adamw.
    * `clip` > 0: gradients of a larger global norm are scaled down to this norm.

    A name that is not known, a number out of range or a schedule without `steps` raises `BadInput`.

    >>> theta = jnp.asarray(1.0)
    >>> rule = optimizer("gradient_descent", 0.5, clip=1.0)
    >>> float(rule.update(jnp.asarray(10.0), rule.init(theta))[0])
    -0.5
    """
    kind = choose("optimizer", name, OPTIMIZERS)
    _check_rate(name, learning_rate)
    rate: Any = learning_rate
    if schedule != "constant" or warmup:
        if not kind.scheduled:
            raise BadInput(f"The optimizer {name!r} takes no schedule; it needs 'constant' and no warmup.")
        assert learning_rate is not None
        rate = _counted(learning_rate, schedule, steps, warmup)
    if not 0 <= weight_decay < math.inf or (weight_decay and not kind.decays):
        raise BadInput(f"A weight decay is at least 0 and for adamw alone; {name!r} got {weight_decay!r}.")
    rule = kind.make(rate, weight_decay=weight_decay) if kind.decays else kind.make(rate)
    if clip is None:
        return rule
    if not 0 < clip < math.inf:
        raise BadInput(f"The norm at which gradients are clipped must be above 0, not {clip!r}.")
    if name == "lbfgs":
        raise BadInput("L-BFGS needs the gradients as they are: leave out the clipping, or use adam.")
    return optax.chain(optax.clip_by_global_norm(clip), rule)


def _check_rate(name: str, learning_rate: float | None) -> None:
    if learning_rate is None:
        if name != "lbfgs":
            raise BadInput(f"The optimizer {name!r} needs a learning rate; only lbfgs can do without.")
    elif not 0 < learning_rate < math.inf:
        raise BadInput(f"The learning rate must be a number above 0, not {learning_rate!r}.")


def _counted(learning_rate: float, name: str, steps: int | None, warmup: int) -> Any:
    """Return the learning rate as a function of the number of steps taken."""
    choose("schedule", name, SCHEDULES)
    if steps is None or steps < 1:
        raise BadInput(f"The schedule {name!r} needs the number of steps that it runs over, not {steps!r}.")
    if not 0 <= warmup < steps:
        raise BadInput(f"A warmup is a number of steps from 0 to below {steps}, not {warmup!r}.")
    factor = schedule(name, warmup / steps)

    def rate(count: Any) -> Float[Array, ""]:
        return learning_rate * factor(jnp.asarray(count, jnp.result_type(float)) / steps)

    return rate


def _fraction(t: Any) -> Float[Array, ""]:
    t = jnp.asarray(t)
    return jnp.clip(t if jnp.issubdtype(t.dtype, jnp.floating) else t.astype(jnp.result_type(float)), 0, 1)


def _matrices(theta: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf.ndim >= 2, theta)


def _loose(rule: optax.GradientTransformation) -> optax.GradientTransformation:
    """Let Optax mix its integer counts with floats, also where the user's JAX promotes strictly."""
    inner = optax.with_extra_args_support(rule)

    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> Any:
        with jax.numpy_dtype_promotion("standard"):
            return inner.update(updates, state, params, **extra)

    return optax.GradientTransformationExtraArgs(inner.init, update)
