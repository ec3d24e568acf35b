"""The flow that a moving lid drives in a square."""

from ansatz.equations import reference
from ansatz.equations.gallery._entry import Entry, mesh, spelled


def lid_cavity(reynolds: float = 100.0) -> Entry:
    """Return the steady flow under the lid u = 4x(1 - x), by its stream function: u = ψ_y, v = -ψ_x."""
    return Entry(
        name="lid_cavity",
        title="Lid-driven cavity",
        equations=(
            "psi_y*(psi_xxx + psi_xyy) - psi_x*(psi_xxy + psi_yyy) = (psi_xxxx + 2*psi_xxyy + psi_yyyy)/R",
        ),
        on="x=0..1, y=0..1",
        where=(
            "psi=0",
            "psi_x(0,y)=0",
            "psi_x(1,y)=0",
            "psi_y(x,0)=0",
            "psi_y(x,1)=4*x*(1-x)",
        ),
        let=f"R={spelled(reynolds)}",
        fields=("psi",),
        reference=lambda x, y: reference.cavity_streamfunction(x, y, reynolds)[0],
        grid=mesh((0, 1, 101), (0, 1, 101)),
        certified="Chebyshev polynomials with the corners in closed form; agrees with itself to 1e-9",
        accuracy=1e-5,
        remarks=(
            "The lid is regularized to rest in the corners; its slope 4 there still makes the vorticity jump.",
            "The stream function keeps the flow free of sources and needs no pressure.",
        ),
    )
