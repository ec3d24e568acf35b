"""Which times a sampler visits: decreasing grids from a process's last time to its first."""

import math

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ansatz._spelling import choose
from ansatz.core import BadInput
from ansatz.generate.diffusion.schedule import Schedule

LARGEST = 200.0
"""The largest σ/α that a grid in the noise resolves; a process that ends in pure noise has no largest."""
RHO = 7.0
GRIDS = ("uniform", "karras", "log_snr", "angle")


def grid(schedule: Schedule, points: int, kind: str = "karras") -> Float[Array, " points"]:
    """Return `points` ≥ 2 decreasing times from `schedule.last` to `schedule.first`.

    * "uniform": equal steps in t.
    * "karras": equal steps in ``(σ/α)^(1/7)`` (Karras et al. 2022, equation 5).
    * "log_snr": equal steps in ``log(α/σ)`` (Lu et al. 2022).
    * "angle": equal steps in ``arctan(σ/α)``, for densities that are smooth on the scale of the data.

    "karras" and "log_snr" begin at σ/α = 200 where the process goes beyond; their first time is `last` all
    the same.
    An unknown kind or fewer than two points raise `BadInput`.

    >>> from ansatz.generate.diffusion.schedule import Exploding
    >>> [round(float(t), 3) for t in grid(Exploding(), 4)]
    [80.0, 9.723, 0.47, 0.002]
    """
    choose("grid", kind, dict.fromkeys(GRIDS))
    if isinstance(points, bool) or not isinstance(points, int) or points < 2:
        raise BadInput(f"A grid needs an integer of at least 2 points, not {points!r}.")
    return _times(schedule, points, kind)


@eqx.filter_jit
def _times(schedule: Schedule, points: int, kind: str) -> Float[Array, " points"]:
    dtype = jnp.result_type(float)
    ends = jnp.asarray([schedule.last, schedule.first], dtype)
    share = jnp.linspace(0.0, 1.0, points, dtype=dtype)
    if kind == "uniform":
        times = ends[0] + share * (ends[1] - ends[0])
    elif kind == "angle":
        high, low = jnp.arctan(jnp.exp(-schedule.log_ratio(ends)))
        times = schedule.time_at(-jnp.log(jnp.tan(high + share * (low - high))))
    else:
        high, low = jnp.maximum(schedule.log_ratio(ends), -math.log(LARGEST))
        if kind == "log_snr":
            times = schedule.time_at(high + share * (low - high))
        else:
            roots = jnp.exp(-high / RHO), jnp.exp(-low / RHO)
            times = schedule.time_at(-RHO * jnp.log(roots[0] + share * (roots[1] - roots[0])))
    return times.at[0].set(ends[0]).at[-1].set(ends[1])
