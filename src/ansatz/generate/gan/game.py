"""The game of generator and critic: two objectives on one model, and the updates that alternate them.

The players are maps G of noise and D of an example, ``x = G(z)`` and ``D(x) ∈ ℝ``; where examples have labels
both are given a `Labeled(z, label)` and a `Labeled(x, label)`.  A step of a game is

    φ ← φ - α ∇_φ L_critic(θ, φ)        in every step, on a batch and noise of its own
    θ ← θ - β ∇_θ L_generator(θ, φ)     in every `critic_steps`-th step, at the new φ

or, in a simultaneous game, both at the same point.  The average of θ moves in `after`.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from ansatz._spelling import choose
from ansatz.core import BadInput, Clock, Fixed, Map, Metrics, Pairs, Update
from ansatz.generate.diffusion.average import Averaged, Weight, averaging, parameters
from ansatz.generate.gan.losses import LOSSES
from ansatz.generate.gan.penalties import between, logits_and_slopes, one_centered, zero_centered
from ansatz.training.updates import Descend, Every


class Labeled(NamedTuple):
    """Noise or an example, and the label that it should have."""

    x: Any
    label: Any


class Players(eqx.Module):
    """A generator with its average, a critic, and the factor on the penalties at this time."""

    generator: Averaged
    critic: Map
    strength: Fixed


def players(generator: Map, critic: Map) -> Players:
    """Return a generator and a critic as one model."""
    return Players(Averaged(generator, parameters(generator)), critic, Fixed(jnp.ones(())))


def with_label(x: Any, label: Any) -> Any:
    """Return what a player is given: x alone, or with its label where there is one."""
    return x if label is None else Labeled(x, label)


class Noise(eqx.Module):
    """``z = (normal[size], one-hot[codes])``: what the generator makes examples of.

    The image of connected noise under a continuous map is connected, so that some fakes must lie between
    separate modes; with `codes` the noise is not connected (Gurumurthy et al. 2017; Tanielian et al. 2020).
    """

    size: int = eqx.field(static=True)
    codes: int = eqx.field(static=True, default=0)

    def __check_init__(self) -> None:
        """Refuse negative sizes, and noise of no length."""
        if min(self.size, self.codes) < 0 or self.length < 1:
            raise BadInput(
                f"Noise has a size and codes of at least 0 and not both 0, not {self.size!r}, {self.codes!r}."
            )

    @property
    def length(self) -> int:
        """The number of components."""
        return self.size + self.codes

    def sample(self, key: PRNGKeyArray, count: int) -> Float[Array, "count length"]:
        """Draw `count` vectors.

        >>> Noise(2, 3).sample(jax.random.key(0), 4)[:, 2:].sum(1).tolist()
        [1.0, 1.0, 1.0, 1.0]
        """
        normal, code = jax.random.split(key)
        z = jax.random.normal(normal, (count, self.size))
        if not self.codes:
            return z
        which = jax.random.randint(code, (count,), 0, self.codes)
        return jnp.concatenate([z, jax.nn.one_hot(which, self.codes, dtype=z.dtype)], axis=1)


class Game(eqx.Module):
    """The rules: a loss of `losses` by name, the noise, and the factors on the penalties of `penalties`.

    ``L_critic = loss.critic + s (r1 · R1 + r2 · R2 + slope_one · gradient penalty)`` with s falling from 1 to
    `fall` over the run, by the same factor in each step.  `r1`, `r2` (the papers' γ) and `slope_one` (λ)
    are at least 0, `fall` is in (0, 1].
    """

    loss: str = eqx.field(static=True)
    noise: Noise
    r1: float = eqx.field(static=True, default=0.0)
    r2: float = eqx.field(static=True, default=0.0)
    slope_one: float = eqx.field(static=True, default=0.0)
    fall: float = eqx.field(static=True, default=1.0)

    def __check_init__(self) -> None:
        """Refuse an unknown loss and factors out of range."""
        choose("loss", self.loss, LOSSES)
        for name in ("r1", "r2", "slope_one"):
            if not 0 <= getattr(self, name) < math.inf:
                raise BadInput(f"The factor {name} of a penalty is at least 0, not {getattr(self, name)!r}.")
        if not 0 < self.fall <= 1:
            raise BadInput(f"The penalties fall to a share in (0, 1], not {self.fall!r}.")

    def critic(self, model: Players, batch: Pairs, key: PRNGKeyArray | None) -> tuple[Array, Metrics]:
        """Return what the critic lowers on `x: [N, ...]` with labels `y: [N, ...]` or None (an objective).

        The metrics are the mean logits on data, `real`, and on fakes, `fake`, and the penalty.
        """
        noise, inside, places = _three(key)
        x, label = batch.x, batch.y
        fake = generate(model.generator.live, self.noise, noise, x.shape[0], label)
        D = _scorer(model.critic)
        # One pass over data and fakes together: fewer and larger products.
        both = jnp.concatenate([x, fake])
        double = None if label is None else jnp.concatenate([label, label])
        keys = _keys(key, inside, both.shape[0])
        if self.r1 or self.r2:
            logits, slopes = logits_and_slopes(D, both, double, keys)
        else:
            logits, slopes = jax.vmap(D)(both, double, keys), None
        real, false = jnp.split(logits, 2)
        penalty = jnp.zeros((), logits.dtype)
        if slopes is not None:
            at_data, at_fakes = jnp.split(slopes, 2)
            penalty = self.r1 * zero_centered(at_data) + self.r2 * zero_centered(at_fakes)
        if self.slope_one:
            middle = between(x, fake, places)
            keys = _keys(key, inside, x.shape[0])
            penalty = penalty + self.slope_one * one_centered(logits_and_slopes(D, middle, label, keys)[1])
        penalty = jnp.asarray(model.strength.value, penalty.dtype) * penalty
        value = LOSSES[self.loss].critic(real, false)
        return value + penalty, {"real": real.mean(), "fake": false.mean(), "penalty": penalty}

    def generator(self, model: Players, batch: Pairs, key: PRNGKeyArray | None) -> tuple[Array, Metrics]:
        """Return what the generator lowers (an objective)."""
        noise, inside, _ = _three(key)
        x, label = batch.x, batch.y
        keys = _keys(key, inside, x.shape[0])
        fake = generate(model.generator.live, self.noise, noise, x.shape[0], label)
        D = _scorer(model.critic)
        real, false = jax.vmap(D)(x, label, keys), jax.vmap(D)(fake, label, keys)
        return LOSSES[self.loss].generator(real, false), {}

    def updates(
        self,
        generator: optax.GradientTransformation,
        critic: optax.GradientTransformation,
        critic_steps: int = 1,
        schedule: Callable[[Any], Any] | None = None,
        simultaneous: bool = False,
    ) -> tuple[Update, ...]:
        """Return the updates of a recipe: the critic in every step, the generator in every so many.

        `generator` and `critic` are optimizers, and `schedule` the factor on both rates over the run.
        """
        if isinstance(critic_steps, bool) or not isinstance(critic_steps, int) or critic_steps < 1:
            raise BadInput(f"The critic takes a number of steps of at least 1, not {critic_steps!r}.")
        second = Descend(self.generator, generator, the_generator, schedule, "generator")
        first = Descend(self.critic, critic, the_critic, schedule, "critic")
        if simultaneous:
            if critic_steps > 1:
                raise BadInput(f"A simultaneous game has one step of the critic a step, not {critic_steps}.")
            return (Simultaneous((first, second)),)
        return (first, second if critic_steps == 1 else Every(critic_steps, second))

    def after(self, weight: Weight) -> Callable[[Players, Any, Clock], Players]:
        """Return the `after` of a recipe: the average of θ moves, and the penalties fall."""
        move, fall = averaging(weight), self.fall

        def after(model: Players, batch: Any, clock: Clock) -> Players:
            generator = move(model.generator, batch, clock)
            old = model.strength.value
            left = jnp.exp(math.log(fall) * clock.fraction)
            strength = Fixed(left.astype(old.dtype)) if fall < 1 else model.strength
            return eqx.tree_at(lambda m: (m.generator, m.strength), model, (generator, strength))

        return after


class Simultaneous(Update):
    """Updates of disjoint parts of a model, all taken from the same point.

    Each is a `Descend` with a `where` of its own; the tuple of updates of a recipe takes one after the
    other instead.
    """

    updates: tuple[Descend, ...]

    def init(self, model: Any) -> PyTree:
        """Return the states of the optimizers."""
        return tuple(update.init(model) for update in self.updates)

    def apply(
        self, model: Any, opt: PyTree, batch: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Any, PyTree, Metrics]:
        """Move every part."""
        keys = jax.random.split(key, len(self.updates))
        moved, opts, metrics = model, [], {}
        for update, state, k in zip(self.updates, opt, keys, strict=True):
            new, state, reported = update.apply(model, state, batch, clock, k)
            moved = eqx.tree_at(update.where, moved, update.where(new))
            opts.append(state)
            metrics |= reported
        return moved, tuple(opts), metrics


def the_generator(model: Players) -> Any:
    """Return the part of a model that the generator moves."""
    return model.generator.live


def the_critic(model: Players) -> Any:
    """Return the part of a model that the critic moves."""
    return model.critic


def generate(
    generator: Map, noise: Noise, key: PRNGKeyArray, count: int, label: Any = None
) -> Float[Array, "count ..."]:
    """Return `count` fakes; `label: [count, ...]` says of which kind, where the generator knows kinds."""
    drawing, inside = jax.random.split(key)
    keys = jax.random.split(inside, count)
    z = noise.sample(drawing, count)
    return jax.vmap(lambda z, label, k: generator(with_label(z, label), key=k))(z, label, keys)


def _scorer(critic: Map) -> Callable[[Any, Any, Any], Float[Array, ""]]:
    """Return the critic's answer as a scalar function of an example, its label and a key."""

    def score(x: Any, label: Any, key: Any) -> Float[Array, ""]:
        answer = critic(with_label(x, label), key=key)
        if jnp.size(answer) != 1:
            raise BadInput(f"A critic answers one number, and this one answers {list(jnp.shape(answer))}.")
        return answer.reshape(())

    return score


def _three(key: PRNGKeyArray | None) -> Any:
    return jax.random.split(jax.random.key(0) if key is None else key, 3)


def _keys(key: PRNGKeyArray | None, inside: PRNGKeyArray, count: int) -> Any:
    """Return a key for each example while training; evaluation has none."""
    return None if key is None else jax.random.split(inside, count)
