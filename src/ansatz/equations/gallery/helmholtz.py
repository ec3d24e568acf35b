"""Helmholtz' equation at two waves a side."""

from ansatz.equations import reference
from ansatz.equations.gallery._entry import Entry, mesh


def helmholtz(waves: int = 2) -> Entry:
    """Return -Δu - k² u = k² sin kx sin ky on the unit square, k = 2π·`waves`."""
    return Entry(
        name="helmholtz",
        title="Helmholtz' equation",
        equations=("-laplacian(u) - k^2*u = k^2*sin(k*x)*sin(k*y)",),
        on="x=0..1, y=0..1",
        where=("u=0",),
        let=f"k={2 * waves}*pi",
        reference=lambda x, y: reference.helmholtz(x, y, waves),
        grid=mesh((0, 1, 161), (0, 1, 161)),
        certified="closed form",
        accuracy=1e-10,
    )
