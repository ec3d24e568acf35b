"""The heat equation on a rod."""

from ansatz.equations import reference
from ansatz.equations.gallery._entry import Entry, mesh, spelled


def heat(diffusivity: float = 0.4) -> Entry:
    """Return u_t = α u_xx with cold ends."""
    return Entry(
        name="heat",
        title="Heat equation",
        equations=("u_t = alpha*u_xx",),
        on="t=0..1, x=0..1",
        where=("u(0,x)=sin(pi*x)", "u(t,0)=0", "u(t,1)=0"),
        let=f"alpha={spelled(diffusivity)}",
        reference=lambda t, x: reference.heat(t, x, diffusivity),
        grid=mesh((0, 1, 101), (0, 1, 101)),
        certified="closed form",
        accuracy=1e-10,
    )
