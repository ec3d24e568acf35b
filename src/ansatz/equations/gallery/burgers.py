"""Burgers' equation, which steepens into a shock."""

import math

from ansatz.equations import reference
from ansatz.equations.gallery._entry import Entry, mesh, spelled

VISCOSITY = 0.01 / math.pi


def burgers(viscosity: float = VISCOSITY) -> Entry:
    """Return u_t + u u_x = ν u_xx from -sin πx."""
    written = "0.01/pi" if viscosity == VISCOSITY else spelled(viscosity)
    return Entry(
        name="burgers",
        title="Burgers' equation",
        equations=("u_t + u*u_x = nu*u_xx",),
        on="t=0..1, x=-1..1",
        where=("u(0,x)=-sin(pi*x)", "u(t,-1)=0", "u(t,1)=0"),
        let=f"nu={written}",
        reference=lambda t, x: reference.burgers(t, x, viscosity),
        grid=mesh((0, 1, 51), (-1, 1, 1001)),
        certified="Cole-Hopf transformation by Gauss-Hermite quadrature",
        remarks=(f"The shock at x = 0 is about {4 * viscosity:.2g} wide.",),
    )
