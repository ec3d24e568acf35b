"""The singular functions at a corner of a polygon, with their derivatives in closed form.

In polar coordinates at the vertex, θ from the edge that starts the interior angle α,

``r^s sin(sθ) = Im z^s``  (0 on both edges where s = kπ/α),  ``r^s cos(sθ) = Re z^s``  (no flux there),

and ``r^s (log r sin(sθ) + θ cos(sθ)) = Im(z^s log z)`` where s is whole and the two resonate.  All are
harmonic; the cut of the logarithm runs outside, along the bisector.  Source: Grisvard, "Elliptic
problems in nonsmooth domains", 1985; notes §2.
"""

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float

from ansatz._spelling import choose
from ansatz.equations.outline import Corner
from ansatz.errors import BadInput

Kind: TypeAlias = Literal["dirichlet", "neumann", "dirichlet_logarithm", "neumann_logarithm"]
Points: TypeAlias = Float[np.ndarray, "n 2"]
Tables: TypeAlias = dict[str, Float[np.ndarray, "n k"]]
NAMES = ("value", "x", "y", "xx", "xy", "yy")
# (part of the complex function, whether it is multiplied by the logarithm)
KINDS = {
    "dirichlet": ("imaginary", False),
    "neumann": ("real", False),
    "dirichlet_logarithm": ("imaginary", True),
    "neumann_logarithm": ("real", True),
}


def corner_exponents(
    corner: Corner, count: int, mixed: bool = False, whole: bool = True
) -> tuple[float, ...]:
    """Return the first `count` exponents ``kπ/α`` of a corner, ``(k - ½)π/α`` where its edges are `mixed`.

    Mixed means Dirichlet on the edge that starts the angle, Neumann on the other.  With `whole` false
    the exponents that are whole numbers, whose functions are polynomials, are left out.

    >>> from ansatz.equations.domain import l_shape
    >>> reentrant = next(corner for corner in l_shape().corners if corner.reentrant)
    >>> [round(s, 4) for s in corner_exponents(reentrant, 3)]
    [0.6667, 1.3333, 2.0]
    """
    found: list[float] = []
    index = 0.5 if mixed else 1.0
    while len(found) < count:
        exponent = index * math.pi / corner.angle
        if abs(exponent - round(exponent)) < 1e-9:
            exponent = float(round(exponent))
        if whole or not exponent.is_integer():
            found.append(exponent)
        elif index > 4 * (count + 1) and not found:
            raise BadInput(f"All exponents of the corner at {corner.vertex} are whole numbers.")
        index += 1
    return tuple(found)


def corner_tables(
    corner: Corner,
    exponents: Sequence[float | int],
    kind: str,
    points: Points,
    order: int = 2,
    radius: float | int = 1.0,
) -> Tables:
    """Return the singular functions of a corner and their derivatives at `points: [n, 2]`.

    Args:
        corner: the corner.
        exponents: k exponents s ≥ 0 (`corner_exponents`).
        kind: "dirichlet" for ``r^s sin(sθ)``, "neumann" for ``r^s cos(sθ)``, with "_logarithm" added for
            ``r^s (log r sin(sθ) + θ cos(sθ))`` and ``r^s (log r cos(sθ) - θ sin(sθ))``.
        points: where.
        order: the highest derivative, 0, 1 or 2.
        radius: the unit of r, so that high powers stay near 1.

    Returns:
        "value", "x", "y", "xx", "xy", "yy" as far as `order` goes, each `[n, k]`.

    Raises `BadInput` for an unknown kind, and where a point is the vertex and a derivative infinite there.

    >>> quarter = Corner((0.0, 0.0), math.pi / 2, 0.0)
    >>> corner_tables(quarter, [2], "dirichlet", np.array([[0.5, 0.25]]))["value"].tolist()
    [[0.25]]
    """
    part, logarithm = choose("kind of corner function", kind, KINDS)
    if order not in (0, 1, 2):
        raise BadInput(f"order is the highest derivative and must be 0, 1 or 2, not {order}.")
    powers = np.asarray(exponents, dtype=np.float64)
    if powers.ndim != 1 or not np.all(np.isfinite(powers)) or np.any(powers < 0):
        raise BadInput(f"The exponents of a corner must be numbers from 0 upward, not {exponents!r}.")
    given = np.asarray(points, dtype=np.float64)
    rotation = np.exp(-1j * corner.start) / radius
    z = ((given[:, 0] - corner.vertex[0]) + 1j * (given[:, 1] - corner.vertex[1])) * rotation
    low = corner.angle / 2 - math.pi
    angle = np.mod(np.angle(z) - low, 2 * math.pi) + low
    derivatives = [_power(np.abs(z), angle, powers, logarithm, times) for times in range(order + 1)]
    if not all(np.all(np.isfinite(one)) for one in derivatives):
        raise BadInput(
            f"A point stands on the vertex {corner.vertex}, where derivatives of order {order} are infinite; "
            f"take points beside it."
        )
    tables: Tables = {}
    for times, table in enumerate(derivatives):
        for count_y in range(times + 1):
            turned = table * rotation**times * 1j**count_y
            name = "x" * (times - count_y) + "y" * count_y if times else "value"
            tables[name] = np.ascontiguousarray(turned.imag if part == "imaginary" else turned.real)
    return tables


def _power(r: np.ndarray, angle: np.ndarray, powers: np.ndarray, logarithm: bool, times: int) -> np.ndarray:
    """Return the derivative of ``z^s`` or ``z^s log z`` taken `times` times, `[n, k]` complex.

    With ``c = s(s-1)…`` that is ``c z^(s-times)`` and, with the logarithm, ``z^(s-times) (c log z + c')``.
    """
    falling, slope = np.ones_like(powers), np.zeros_like(powers)
    for step in range(times):
        falling, slope = falling * (powers - step), slope * (powers - step) + falling
    rest = powers - times
    vertex = (r == 0)[:, None]
    log = np.log(np.where(r == 0, 1.0, r)) + 1j * angle
    value = np.exp(rest[None, :] * log[:, None])
    value = value * (falling * log[:, None] + slope if logarithm else falling)
    rise = np.where(falling == 0, 0.0, np.where(rest > 0, 0.0, np.where(rest == 0, falling, np.inf)))
    if logarithm:
        rise = np.where(rest > 0, 0.0, np.inf)
    return np.where(vertex, rise[None, :], value)
