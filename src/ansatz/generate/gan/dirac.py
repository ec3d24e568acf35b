"""The Dirac GAN: the smallest game in which training methods of GANs differ, solved exactly.

Data are the point 0, the generator makes the point θ, and the critic is ``D(x) = ψ x`` (Mescheder, Geiger,
Nowozin 2018, "Which training methods for GANs do actually converge?").  With the losses of `losses` as
functions c(t) and g(t) of the logit of the fake, ``t = ψ θ``, the field is

    θ' = -g'(ψ θ) ψ        ψ' = -c'(ψ θ) θ - γ ψ,      γ = r1 + r2

and at the equilibrium 0 its Jacobian is ``[[0, -g'(0)], [-c'(0), -γ]]`` with the eigenvalues

    μ = -γ/2 ± sqrt(γ²/4 + g'(0) c'(0))

where ``c'(0) = -g'(0)`` is 1/2 for minimax, non-saturating and relativistic and 1 for wasserstein and hinge.
So without a penalty μ is imaginary and nothing converges at a linear rate; R1 or R2 makes every real part
negative.  Least squares has ``c'(0) = 0``, ``g'(0) = -1``: a critic through 0 cannot answer 1 on data.

The gradient penalty of Wasserstein GANs, ``λ (|ψ| - 1)²``, holds ψ away from the equilibrium.  On either
side of ψ = 0 the flow is ``θ'' + 2 λ θ' + θ = ±2 λ``, a spiral around ±2 λ, and for λ < 1 the two pieces join
to a cycle

    of period ``2π / ω`` and largest θ ``2 λ coth(π λ / 2ω)``,   ω = sqrt(1 - λ²)

that every path tends to: it never converges.  For λ ≥ 1 the path runs into θ = ±2 λ, which is no better.
"""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz._spelling import choose
from ansatz.core import BadInput, Map, Metrics, Pairs, Parts, Recipe, Watch
from ansatz.data.table import Whole
from ansatz.generate.diffusion.average import power
from ansatz.generate.gan.game import Game, Noise, Players, players
from ansatz.generate.gan.spectrum import alternating_step, field, simultaneous_step
from ansatz.training.fit import fit

SLOPES: dict[str, tuple[float, float]] = {
    "minimax": (0.5, -0.5),
    "non_saturating": (0.5, -0.5),
    "least_squares": (0.0, -1.0),
    "hinge": (1.0, -1.0),
    "wasserstein": (1.0, -1.0),
    "relativistic": (0.5, -0.5),
}
"""The derivatives (c'(0), g'(0)) of each loss by the logit of the fake."""


class Point(Map):
    """``G(z) = θ``, whatever the noise; `position: [1]`."""

    position: Float[Array, "1"]

    def __call__(self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, "1"]:
        """Return θ."""
        return self.position


class Slope(Map):
    """``D(x) = ψ x``; `slope: [1]`."""

    slope: Float[Array, "1"]

    def __call__(self, x: Float[Array, "1"], *, key: PRNGKeyArray | None = None) -> Float[Array, "1"]:
        """Return ψ x."""
        return self.slope * x


def dirac_players(theta: float, psi: float) -> Players:
    """Return the generator at θ and the critic of slope ψ."""
    dtype = jnp.result_type(float)
    return players(Point(jnp.full(1, theta, dtype)), Slope(jnp.full(1, psi, dtype)))


class DiracGAN(Recipe):
    """The Dirac GAN by gradient descent of step `rate`, from (`theta`, `psi`).

    `loss`, `r1`, `r2` and `slope_one` are those of `Game`; `critic_steps` and `simultaneous` of its updates.
    It takes no data; the validation records `theta` and `psi` after every step.
    """

    loss: str = eqx.field(default="non_saturating", static=True)
    r1: float = eqx.field(default=0.0, static=True)
    r2: float = eqx.field(default=0.0, static=True)
    slope_one: float = eqx.field(default=0.0, static=True)
    rate: float = eqx.field(default=0.1, static=True)
    critic_steps: int = eqx.field(default=1, static=True)
    simultaneous: bool = eqx.field(default=False, static=True)
    theta: float = eqx.field(default=1.0, static=True)
    psi: float = eqx.field(default=0.0, static=True)

    @property
    def game(self) -> Game:
        """The rules."""
        return Game(self.loss, Noise(1), self.r1, self.r2, self.slope_one)

    def build(self, data: Any, key: Any) -> Parts:
        """Return the parts; `data` is not looked at."""
        source = Whole(Pairs(np.zeros((1, 1), jnp.result_type(float)), None))
        rules = optax.sgd(self.rate), optax.sgd(self.rate)
        updates = self.game.updates(*rules, critic_steps=self.critic_steps, simultaneous=self.simultaneous)
        model = dirac_players(self.theta, self.psi)
        return Parts(model, source, updates, self.game.after(power()), Watch(source, _position))


def _position(model: Players, batch: Any, key: Any) -> tuple[Array, Metrics]:
    critic: Any = model.critic
    theta, psi = model.generator.live.position[0], critic.slope[0]
    return theta**2 + psi**2, {"theta": theta, "psi": psi}


def trajectory(recipe: DiracGAN, steps: int) -> np.ndarray:
    """Return (θ, ψ) `[steps + 1, 2]` along a training run of the engine, in double precision.

    >>> path = trajectory(DiracGAN(loss="wasserstein", rate=0.5, simultaneous=True), 2)
    >>> path.tolist()
    [[1.0, 0.0], [1.0, -0.5], [0.75, -1.0]]
    """
    with jax.enable_x64(True):
        run = fit(recipe, steps=steps, driver="loop")
    points = np.stack([run.validation["theta"], run.validation["psi"]], 1)
    return np.concatenate([[[recipe.theta, recipe.psi]], points])


def exact_jacobian(loss: str, penalty: float = 0.0) -> np.ndarray:
    """Return the Jacobian `[2, 2]` of the field at (0, 0); `penalty` is γ = r1 + r2.

    >>> exact_jacobian("minimax", 0.6).tolist()
    [[0.0, 0.5], [-0.5, -0.6]]
    """
    critic, generator = choose("loss", loss, SLOPES)
    return np.array([[0.0, -generator], [-critic, -penalty]])


def exact_eigenvalues(loss: str, penalty: float = 0.0) -> np.ndarray:
    """Return ``-γ/2 ± sqrt(γ²/4 + g'(0) c'(0))``, the slower first.

    >>> exact_eigenvalues("wasserstein").tolist()
    [1j, (-0-1j)]
    >>> exact_eigenvalues("minimax", 2.0).round(4).real.tolist()
    [-0.134, -1.866]
    """
    critic, generator = choose("loss", loss, SLOPES)
    root = np.sqrt(complex(penalty**2 / 4 + generator * critic))
    return np.array([-penalty / 2 + root, -penalty / 2 - root])


def exact_step(recipe: DiracGAN) -> np.ndarray:
    """Return the matrix `[2, 2]` that a round of the recipe's updates is near (0, 0).

    A round is one step, or `critic_steps` of the engine's, of which the last moves the generator too.
    """
    if recipe.slope_one:
        raise BadInput("The gradient penalty has no derivative at slope 0: near it no matrix is a step.")
    matrix = exact_jacobian(recipe.loss, recipe.r1 + recipe.r2)
    if recipe.simultaneous:
        return simultaneous_step(matrix, recipe.rate)
    return alternating_step(matrix, 1, recipe.rate, critic_steps=recipe.critic_steps)


def penalty_cycle(factor: float) -> tuple[float, float]:
    """Return the largest θ and the period of the cycle that a Wasserstein GAN with gradient penalty tends to.

    `factor` λ is in (0, 1); the figures are those of the flow, which small steps follow.

    >>> [round(value, 4) for value in penalty_cycle(0.5)]
    [1.3896, 7.2552]
    """
    if not 0 < factor < 1:
        raise BadInput(f"The flow has a cycle for a factor in (0, 1), not {factor!r}.")
    omega = math.sqrt(1 - factor**2)
    return 2 * factor / math.tanh(math.pi * factor / (2 * omega)), 2 * math.pi / omega


def dirac_field(recipe: DiracGAN, points: np.ndarray) -> np.ndarray:
    """Return the recipe's field at (θ, ψ) `[n, 2]`, from the gradients that the training takes."""
    with jax.enable_x64(True):
        batch = Pairs(jnp.zeros((1, 1)), None)
        v, _, _ = field(recipe.game, dirac_players(0.0, 0.0), batch)
        return np.asarray(jax.jit(jax.vmap(v))(jnp.asarray(points, jnp.float64)))
