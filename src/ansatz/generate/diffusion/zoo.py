"""Densities in the plane that generative models are tried on, each with its exact log-density.

| name | what |
|---|---|
| gaussian_mixture | five Gaussians of different weights, shapes and sizes |
| eight_gaussians | eight on a circle of radius 2, deviation 0.2 |
| grid_25 | twenty-five on a grid of 5 × 5, deviation 0.1 |
| checkerboard | uniform on the eight dark squares of a board of 4 × 4 |
| pinwheel | five arms that turn with the radius |
| two_moons | two half circles with noise of deviation 0.1 |
| rings | three circles with noise of deviation 0.08 |
| spirals | two arms with noise of deviation 0.1 |

The last three are mixtures of many Gaussians along a curve, closer together than they are wide.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz._spelling import choose
from ansatz.generate.diffusion.densities import Density, Mixture, mixture

NODES = 240
"""The Gaussians along a curve."""


class Checkerboard(Density):
    """The uniform density on the dark squares of a board of 4 × 4 on [-2, 2]²."""

    side: int = eqx.field(static=True, default=4)

    @eqx.filter_jit
    def sample(self, key: PRNGKeyArray, count: int) -> Float[Array, "count 2"]:
        """Draw `count` points."""
        across, along, inside = jax.random.split(key, 3)
        column = jax.random.randint(across, (count,), 0, self.side)
        row = 2 * jax.random.randint(along, (count,), 0, self.side // 2) + column % 2
        corner = jnp.stack([column, row], axis=1).astype(jnp.result_type(float)) - self.side / 2
        return corner + jax.random.uniform(inside, (count, 2))

    def log_density(self, x: Float[Array, " 2"]) -> Float[Array, ""]:
        """Return -log 8 on the dark squares, -∞ elsewhere."""
        cell = jnp.floor(x).astype(jnp.int32)
        dark = (jnp.abs(x) < self.side / 2).all() & (cell.sum() % 2 == 0)
        area = jnp.asarray(self.side * self.side // 2, x.dtype)
        return jnp.where(dark, -jnp.log(area), -jnp.inf)


class Twisted(Density):
    """``x = R(rate · |z|) z`` with z from another density: each circle is turned by an angle of its own.

    Turning circles keeps areas, so that ``p(x) = p_z(R(-rate · |x|) x)`` exactly.
    """

    base: Density
    rate: float = eqx.field(static=True, default=1.0)

    @eqx.filter_jit
    def sample(self, key: PRNGKeyArray, count: int) -> Float[Array, "count 2"]:
        """Draw `count` points."""
        return jax.vmap(lambda z: _turned(z, self.rate))(self.base.sample(key, count))

    def log_density(self, x: Float[Array, " 2"]) -> Float[Array, ""]:
        """Return the log-density at one point."""
        return self.base.log_density(_turned(x, -self.rate))


def _turned(x: Array, rate: float) -> Array:
    angle = rate * jnp.sqrt((x**2).sum())
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    return jnp.stack([cos * x[0] - sin * x[1], sin * x[0] + cos * x[1]])


def gaussian_mixture() -> Mixture:
    """Return five Gaussians of different weights, shapes and sizes."""
    means = [[-1.5, -1.0], [1.5, -1.2], [0.0, 0.3], [-1.2, 1.6], [1.6, 1.4]]
    covariances = [
        [[0.30, 0.12], [0.12, 0.10]],
        [[0.08, -0.03], [-0.03, 0.20]],
        [[0.05, 0.0], [0.0, 0.05]],
        [[0.20, 0.0], [0.0, 0.04]],
        [[0.10, 0.08], [0.08, 0.12]],
    ]
    return mixture([0.3, 0.2, 0.1, 0.2, 0.2], means, covariances)


def eight_gaussians(radius: float = 2.0, deviation: float = 0.2) -> Mixture:
    """Return eight equal round Gaussians on a circle."""
    angle = 2 * np.pi * np.arange(8) / 8
    means = radius * np.stack([np.cos(angle), np.sin(angle)], 1)
    return _equal(means, deviation)


def grid_25(deviation: float = 0.1) -> Mixture:
    """Return twenty-five equal round Gaussians at the points of {-2, -1, 0, 1, 2}²."""
    line = np.arange(-2.0, 3.0)
    return _equal(np.stack(np.meshgrid(line, line), -1).reshape(-1, 2), deviation)


def checkerboard() -> Checkerboard:
    """Return the uniform density on the dark squares of a board of 4 × 4."""
    return Checkerboard()


def pinwheel(arms: int = 5, rate: float = 1.0) -> Twisted:
    """Return arms of Gaussians (Johnson et al. 2016), turned by an angle that grows with the radius."""
    angle = 2 * np.pi * np.arange(arms) / arms
    out = np.stack([np.cos(angle), np.sin(angle)], 1)
    across = np.stack([-out[:, 1], out[:, 0]], 1)
    spread = [
        0.45**2 * o[:, None] * o[None] + 0.1**2 * a[:, None] * a[None]
        for o, a in zip(out, across, strict=True)
    ]
    return Twisted(mixture(np.ones(arms), 1.4 * out, np.stack(spread)), rate)


def two_moons(deviation: float = 0.1) -> Mixture:
    """Return two interleaved half circles with noise."""
    angle = np.pi * (np.arange(NODES // 2) + 0.5) / (NODES // 2)
    upper = np.stack([np.cos(angle) - 0.5, np.sin(angle) - 0.25], 1)
    return _equal(np.concatenate([upper, -upper]), deviation)


def rings(deviation: float = 0.08) -> Mixture:
    """Return three circles, of radius 0.6, 1.2 and 1.8 and equal weight, with noise."""
    angle = 2 * np.pi * np.arange(NODES // 3) / (NODES // 3)
    circle = np.stack([np.cos(angle), np.sin(angle)], 1)
    return _equal(np.concatenate([radius * circle for radius in (0.6, 1.2, 1.8)]), deviation)


def spirals(deviation: float = 0.1) -> Mixture:
    """Return two arms of one and a quarter turns with noise; equal lengths have equal weights."""
    fine = np.linspace(0.4, 2.0, 4001)
    path = np.stack([fine * np.cos(1.25 * np.pi * fine), fine * np.sin(1.25 * np.pi * fine)], 1)
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    at = length[-1] * (np.arange(NODES // 2) + 0.5) / (NODES // 2)
    arm = np.stack([np.interp(at, length, path[:, i]) for i in range(2)], 1)
    return _equal(np.concatenate([arm, -arm]), deviation)


def _equal(means: np.ndarray, deviation: float) -> Mixture:
    count = len(means)
    return mixture(np.ones(count), means, np.full(count, deviation**2))


ZOO: dict[str, Callable[[], Density]] = {
    "gaussian_mixture": gaussian_mixture,
    "eight_gaussians": eight_gaussians,
    "grid_25": grid_25,
    "checkerboard": checkerboard,
    "pinwheel": pinwheel,
    "two_moons": two_moons,
    "rings": rings,
    "spirals": spirals,
}


def density(name: str) -> Density:
    """Return the density of this name, or raise `BadInput`.

    >>> density("checkerboard").sample(jax.random.key(0), 3).shape
    (3, 2)
    """
    return choose("density", name, ZOO)()
