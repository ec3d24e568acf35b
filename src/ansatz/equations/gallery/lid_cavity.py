"""The flow that a moving lid drives in a square."""

from ansatz.equations import reference
from ansatz.equations.gallery._entry import Entry, mesh, spelled


def lid_cavity(reynolds: float = 100.0) -> Entry:
    """Return the steady flow in the unit square under the lid u = 4x(1 - x)."""
    return Entry(
        name="lid_cavity",
        title="Lid-driven cavity",
        equations=(
            "u*u_x + v*u_y = -p_x + laplacian(u)/R",
            "u*v_x + v*v_y = -p_y + laplacian(v)/R",
            "u_x + v_y = 0",
        ),
        on="x=0..1, y=0..1",
        where=("u(0,y)=0", "u(1,y)=0", "u(x,0)=0", "u(x,1)=4*x*(1-x)", "v=0", "p(0,0)=0"),
        let=f"R={spelled(reynolds)}",
        fields=("u", "v"),
        reference=lambda x, y: reference.cavity(x, y, reynolds),
        grid=mesh((0, 1, 101), (0, 1, 101)),
        certified="Chebyshev polynomials with the corners in closed form; agrees with itself to 1e-9",
        accuracy=1e-5,
        remarks=(
            "The lid is regularized to rest in the corners; its slope 4 there makes the vorticity jump.",
        ),
    )
