"""What a game does near a point: the Jacobian of its vector field, and of one step of gradient descent.

Both players descend their own loss, so that the parameters follow the field

    v(θ, φ) = (-∇_θ L_generator, -∇_φ L_critic)

which is no gradient.  With J its Jacobian at an equilibrium, the flow spirals out or in with the real parts
of the eigenvalues μ of J, and turns with their imaginary parts; a step of size h multiplies by

    1 + h J                             if both players move at once: |1 + h μ| > 1 for imaginary μ
    (1 + h J_θ) (1 + h J_φ)ⁿ            if the critic takes n steps and then the generator one,

where J_θ and J_φ keep the rows of the one or the other (Mescheder et al. 2018; Nagarajan & Kolter 2017).
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import BadInput, trainable
from ansatz.generate.gan.game import Game, Players, the_critic, the_generator

MOST = 4096
"""The most parameters whose dense Jacobian is taken."""


def field(
    game: Game, model: Players, batch: Any, key: PRNGKeyArray | None = None
) -> tuple[Callable[[Array], Array], Float[Array, " n"], int]:
    """Return v as a function of all parameters in a vector, that vector, and how many are the generator's.

    The vector holds θ first and then φ; `key` draws the noise, the same for both players.
    """
    mine, theirs = (
        eqx.partition(part, trainable(part)) for part in (the_generator(model), the_critic(model))
    )
    theta, unravel_theta = ravel_pytree(mine[0])
    phi, unravel_phi = ravel_pytree(theirs[0])
    count = theta.size

    def put(theta: Array, phi: Array) -> Players:
        parts = (eqx.combine(unravel_theta(theta), mine[1]), eqx.combine(unravel_phi(phi), theirs[1]))
        return eqx.tree_at(lambda m: (the_generator(m), the_critic(m)), model, parts)

    def v(point: Array) -> Array:
        theta, phi = point[:count], point[count:]
        down = jax.grad(lambda theta: game.generator(put(theta, phi), batch, key)[0])(theta)
        along = jax.grad(lambda phi: game.critic(put(theta, phi), batch, key)[0])(phi)
        return -jnp.concatenate([down, along])

    return v, jnp.concatenate([theta, phi]), count


def jacobian(
    game: Game, model: Players, batch: Any, key: PRNGKeyArray | None = None
) -> tuple[np.ndarray, int]:
    """Return the Jacobian `[n, n]` of v at the model's parameters, and how many of them are the generator's.

    Raises `BadInput` for more than 4096 parameters: the matrix is dense.
    """
    v, point, count = field(game, model, batch, key)
    if point.size > MOST:
        raise BadInput(
            f"The players have {point.size} parameters; the Jacobian is taken of at most {MOST}: make them "
            "smaller."
        )
    return np.asarray(jax.jit(jax.jacfwd(v))(point)), count


def eigenvalues(game: Game, model: Players, batch: Any, key: PRNGKeyArray | None = None) -> np.ndarray:
    """Return the eigenvalues `[n]` of the game's Jacobian, the largest real part first.

    Where all real parts are negative the players converge at the rate of the first; a positive one says
    that they leave.

    >>> from ansatz.core import Pairs
    >>> from ansatz.generate.gan.dirac import dirac_players
    >>> from ansatz.generate.gan.game import Noise
    >>> batch = Pairs(jnp.zeros((1, 1)), None)
    >>> found = eigenvalues(Game("minimax", Noise(1)), dirac_players(0.0, 0.0), batch)
    >>> sorted(found.imag.tolist())
    [-0.5, 0.5]
    """
    return by_real_part(np.linalg.eigvals(jacobian(game, model, batch, key)[0]))


def simultaneous_step(jacobian: np.ndarray, rate: float) -> np.ndarray:
    """Return ``1 + h J``."""
    return np.eye(len(jacobian)) + rate * jacobian


def alternating_step(
    jacobian: np.ndarray,
    generators: int,
    rate: float,
    critic_rate: float | None = None,
    critic_steps: int = 1,
) -> np.ndarray:
    """Return ``(1 + h J_θ) (1 + h' J_φ)ⁿ``, h' = h unless a `critic_rate` is given.

    The first `generators` parameters are θ.

    >>> turn = alternating_step(np.array([[0.0, 1.0], [-1.0, 0.0]]), 1, 0.1)
    >>> abs(np.linalg.eigvals(turn)).round(12).tolist()
    [1.0, 1.0]
    """
    size = len(jacobian)
    mine = np.arange(size)[:, None] < generators
    critic = np.eye(size) + (rate if critic_rate is None else critic_rate) * np.where(mine, 0.0, jacobian)
    generator = np.eye(size) + rate * np.where(mine, jacobian, 0.0)
    return generator @ np.linalg.matrix_power(critic, critic_steps)


def fitted_step(points: np.ndarray) -> np.ndarray:
    """Return the matrix M with ``x_{t+1} = M x_t`` along a path `[T, n]`, by least squares.

    Its eigenvalues are the factors a step multiplies by, measured from the path alone (dynamic mode
    decomposition, Schmid 2010); the equilibrium is at 0.

    >>> turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    >>> path = [np.array([1.0, 0.0])]
    >>> for _ in range(5): path.append(turn @ path[-1])
    >>> bool(np.allclose(fitted_step(np.stack(path)), turn))
    True
    """
    points = np.asarray(points, np.float64)
    if points.ndim != 2 or len(points) <= points.shape[1]:
        raise BadInput(
            f"A step of n parameters is fitted to a path [T, n] with T > n, not {list(points.shape)}."
        )
    return np.linalg.lstsq(points[:-1], points[1:], rcond=None)[0].T


def by_real_part(values: np.ndarray) -> np.ndarray:
    """Return eigenvalues, the largest real part first and conjugates in a fixed order."""
    values = np.asarray(values, complex)
    return values[np.lexsort((-np.imag(values), -np.round(np.real(values), 12)))]
