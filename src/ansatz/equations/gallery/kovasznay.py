"""Steady flow behind a grid, after Kovasznay."""

from ansatz.equations import reference
from ansatz.equations.gallery._entry import Entry, mesh, spelled


def kovasznay(reynolds: float = 20.0) -> Entry:
    """Return the Navier-Stokes equations of Kovasznay's flow, the velocities given on the boundary."""
    return Entry(
        name="kovasznay",
        title="Kovasznay flow",
        equations=(
            "u*u_x + v*u_y = -p_x + laplacian(u)/R",
            "u*v_x + v*v_y = -p_y + laplacian(v)/R",
            "u_x + v_y = 0",
        ),
        on="x=-0.5..1, y=-0.5..1.5",
        where=(
            "u = 1 - exp(k*x)*cos(2*pi*y)",
            "v = k/(2*pi)*exp(k*x)*sin(2*pi*y)",
            "p(1,0) = (1 - exp(2*k))/2",
        ),
        let=f"R={spelled(reynolds)}, k=R/2 - sqrt(R^2/4 + 4*pi^2)",
        fields=("u", "v", "p"),
        reference=lambda x, y: reference.kovasznay(x, y, reynolds),
        grid=mesh((-0.5, 1, 101), (-0.5, 1.5, 101)),
        certified="closed form",
    )
