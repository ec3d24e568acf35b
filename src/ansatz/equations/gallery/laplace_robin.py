"""Laplace's equation with an exchange of heat at one side."""

from ansatz.equations import reference
from ansatz.equations.gallery._entry import Entry, mesh, spelled


def laplace_robin(exchange: float = 1.0) -> Entry:
    """Return Δu = 0 on the unit square, u_y + h u = 0 at the top."""
    return Entry(
        name="laplace_robin",
        title="Laplace's equation with a Robin condition",
        equations=("laplacian(u) = 0",),
        on="x=0..1, y=0..1",
        where=("u(x,0)=sin(pi*x)", "u(0,y)=0", "u(1,y)=0", "u_y(x,1) + h*u(x,1) = 0"),
        let=f"h={spelled(exchange)}",
        reference=lambda x, y: reference.laplace_robin(x, y, exchange),
        grid=mesh((0, 1, 101), (0, 1, 101)),
        certified="closed form",
        accuracy=1e-10,
    )
